"""What no browser of ours sends: broken forms, bytes that are no characters, numbers with many noughts. It is refused."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from service import ADMIN_TOKEN, Caller

from domain.people import Role
from intake_bot.sessions import COOKIE, CSRF_HEADER
from storage.accounts import SESSION

HOST = "127.0.0.1"
NOT_CHARACTERS = b"\xff\xfe\xed\xa0\x80"
"""What HTTP lets through in a header and UTF-8 does not know."""

BROKEN_FORMS = {
    "an encoding nobody knows": ("application/x-www-form-urlencoded; charset=nonsense", b"text=a"),
    "an encoding that is none": ("application/x-www-form-urlencoded; charset=rot13", b"text=a"),
    "half a character": ("application/x-www-form-urlencoded; charset=utf-16", b"odd"),
    "bytes that are no UTF-8": ("application/x-www-form-urlencoded", b"text=\xff"),
    "no boundary": ("multipart/form-data", b"text=a"),
    "another boundary": ("multipart/form-data; boundary=x", b"--y\r\n"),
    "a header that is none": ("multipart/form-data; boundary=x", b"--x\r\ngarbage"),
    "a part without a name": ("multipart/form-data; boundary=x", b"--x\r\n\r\nx\r\n--x--\r\n"),
}


async def _session(caller: Caller, role: Role) -> str:
    house = caller.house
    now, account = house.now(), f"{role}.one"
    await house.store.accounts.create_user(account, "某人", role, None, "Obviously-1nvented", now, must_change=False)
    return await house.store.accounts.create_token(account, role, None, SESSION, now, now + timedelta(hours=1))


async def _raw(caller: Caller, method: str, path: str, headers: dict[str, bytes]) -> int:
    """The status of a request whose headers hold the very bytes given: clients refuse to send such."""
    port = caller.client.port
    reader, writer = await asyncio.open_connection(HOST, port)
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: " + f"{HOST}:{port}".encode()]
    lines += [name.encode() + b": " + value for name, value in headers.items()]
    writer.write(b"\r\n".join([*lines, b"Content-Length: 0", b"Connection: close", b"", b""]))
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


@pytest.mark.parametrize("path", ["/login", "/conversation"])
@pytest.mark.parametrize("form", BROKEN_FORMS)
async def test_a_form_that_cannot_be_read_is_refused(caller: Caller, path: str, form: str) -> None:
    kind, body = BROKEN_FORMS[form]
    async with caller.client.post(path, data=body, headers={"Content-Type": kind}) as answer:
        assert answer.status == 400
        assert "无法读取" in await answer.text()


async def test_a_broken_form_under_a_session_is_refused_too(caller: Caller) -> None:
    cookies = {COOKIE: await _session(caller, Role.OPERATOR)}
    kind, body = BROKEN_FORMS["an encoding nobody knows"]
    async with caller.client.post("/logout", data=body, headers={"Content-Type": kind}, cookies=cookies) as answer:
        assert answer.status == 400


async def test_a_file_in_place_of_a_word_is_no_word(caller: Caller) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="turn"; filename="a"\r\n\r\nabc\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    async with caller.client.post("/conversation", data=body, headers=headers) as answer:
        assert answer.status == 422


async def test_bytes_that_are_no_characters_are_nobodys_token(caller: Caller) -> None:
    assert await _raw(caller, "GET", "/api/v1/tickets", {"Authorization": b"Bearer " + NOT_CHARACTERS}) == 401
    assert await _raw(caller, "GET", "/api/v1/tickets", {"Cookie": f"{COOKIE}=".encode() + NOT_CHARACTERS}) == 401
    assert await _raw(caller, "GET", "/", {"Cookie": f"{COOKIE}=".encode() + NOT_CHARACTERS}) == 200


async def test_bytes_that_are_no_characters_prove_no_page(caller: Caller) -> None:
    cookie = f"{COOKIE}={await _session(caller, Role.OPERATOR)}".encode()
    headers = {"Cookie": cookie, CSRF_HEADER: NOT_CHARACTERS}
    assert await _raw(caller, "POST", "/api/v1/tickets/suggest", headers) == 403


async def test_an_origin_that_is_no_address_is_not_ours(caller: Caller) -> None:
    assert await _raw(caller, "POST", "/conversation", {"Origin": b"http://[bad"}) == 403


@pytest.mark.parametrize("limit", ["0000000001999", "9" * 5000, "000000000199999999999999999999"])
async def test_noughts_before_a_number_do_not_lift_its_bound(caller: Caller, limit: str) -> None:
    for path in ("/api/v1/search", "/api/v1/audit/events", "/api/v1/audit/accounts"):
        answer = await caller.get(f"{path}?limit={limit}")
        assert answer.status == 422 and answer.fields == ["limit"]


@pytest.mark.parametrize("name", ["..", "."])
async def test_a_table_named_like_a_folder_is_refused_by_its_kind(caller: Caller, name: str) -> None:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/octet-stream"}
    for step in ("preview", "take", "refusals"):
        path = f"/desk/import/{step}"
        async with caller.client.post(path, params={"name": name}, data=b"a,b\n1,2\n", headers=headers) as answer:
            assert answer.status == 422, await answer.text()


PATHS: tuple[tuple[str, str], ...] = (
    ("GET", "/desk/%00"),
    ("GET", "/desk/%00/merge"),
    ("GET", "/api/v1/tickets/%00"),
    ("GET", "/api/v1/tickets/%00/events"),
    ("POST", "/api/v1/tickets/%00/accept"),
    ("POST", "/api/v1/users/%00/disable"),
    ("GET", "/pictures/%00"),
)


async def test_a_nul_in_an_address_names_nothing(caller: Caller) -> None:
    """SQLite finds nothing, PostgreSQL takes no such text: neither is a fault of the service."""
    for method, path in PATHS:
        answer: Any = await (caller.get(path) if method == "GET" else caller.post(path))
        assert answer.status == 404, (path, answer.status)


@pytest.mark.parametrize("version", ['"²"', '"³³"', '"' + "9" * 5000 + '"', '"1.0"', "W/", '"-1"'])
async def test_a_version_that_is_no_number_is_named_as_such(caller: Caller, version: str) -> None:
    """`²` is a digit to Python and no number; very many nines are one that it refuses to read."""
    answer = await caller.post("/api/v1/tickets/FH000000-00001/urge", headers={"If-Match": version})
    assert answer.status == 422 and answer.fields == ["If-Match"]


@pytest.mark.parametrize("number", ["²", "9" * 400, "1.0", "x"])
async def test_a_number_in_an_address_that_is_none_names_nothing(caller: Caller, number: str) -> None:
    for path, body in (
        (f"/api/v1/assessment/appeals/{number}/decision", {"decision": "refused", "reason": "不成立"}),
        (f"/api/v1/reconciliation/{number}/settle", {"note": "已核对"}),
    ):
        assert (await caller.post(path, body)).status == 404, path
