"""Users, tokens, absences, the outbox and the record over the API: who may, what is refused, and that each act is on record."""

from __future__ import annotations

import asyncio
import hashlib
import io
from datetime import timedelta
from typing import Any

import pytest
import xlsxwriter
from service import Caller, sample
from sqlalchemy import text
from test_api_openapi import fits

from domain.people import Actor, Role
from storage.account_events import AccountEventFilter
from storage.database import open_engine
from storage.sign_in_misses import FREE_TRIES
from storage.users import LastAdministrator

PASSWORD = "Obviously-1nvented"
BY = Actor("administrator", Role.ADMINISTRATOR)

one_kind = pytest.mark.parametrize("database_kind", ["sqlite"])
"""For what no database decides."""


async def deeds(caller: Caller, account: str | None = None) -> list[tuple[str, str]]:
    """What is on record, the newest first: (deed, who did it)."""
    found, _ = await caller.house.store.account_events.find(AccountEventFilter(account=account), limit=100)
    return [(one.deed.value, one.actor) for one in found]


async def put(caller: Caller, account: str, **body: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {caller.token}"}
    async with caller.client.put(f"/api/v1/users/{account}", json=body, headers=headers) as response:
        return response.status, await response.json()


async def a_user(caller: Caller, account: str = "operator.x", role: str = "operator", **more: str) -> str:
    answer = await caller.post("/api/v1/users", {"account": account, "role": role, **more})
    assert answer.status == 201, answer.body
    return str(answer.body["password"])


async def test_a_user_is_made_and_sets_a_password_of_their_own(caller: Caller) -> None:
    password = await a_user(caller, name="坐席甲")
    login = {"account": "operator.x", "password": password}
    assert (await caller.post("/api/v1/login", login, token="")).status == 403
    token = (await caller.post("/api/v1/login", {**login, "new_password": PASSWORD}, token="")).body["token"]
    (user,) = (await caller.get("/api/v1/users")).body["users"]
    assert (user["account"], user["name"], user["role"], user["must_change_password"]) == (
        "operator.x",
        "坐席甲",
        "operator",
        False,
    )
    assert user["signed_in_at"] is not None and user["locked_until"] is None
    assert await deeds(caller) == [
        ("signed_in", "operator.x"),
        ("password_changed", "operator.x"),
        ("user_added", "administrator"),
    ]
    everything = (await caller.get("/api/v1/audit/accounts")).body
    assert not any(secret in str(everything) for secret in (password, PASSWORD, token))


@one_kind
async def test_a_person_of_the_configuration_brings_name_and_unit(caller: Caller) -> None:
    await a_user(caller, "brigade-1.fh.a", "brigade")
    user = await caller.house.store.users.get("brigade-1.fh.a")
    assert user.unit == "brigade-1" and user.name != user.account


@one_kind
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"account": "X", "role": "operator"}, "account"),
        ({"account": "a b", "role": "operator"}, "account"),
        ({"account": "token:x", "role": "operator"}, "account"),
        ({"account": "../../etc", "role": "operator"}, "account"),
        ({"account": "a" * 64, "role": "operator"}, "account"),
        ({"account": "administrator", "role": "operator"}, "account"),
        ({"account": "system", "role": "operator"}, "account"),
        ({"account": "a.b", "role": "channel"}, "role"),
        ({"account": "a.b", "role": "emperor"}, "role"),
        ({"account": "a.b", "role": "brigade"}, "unit"),
        ({"account": "a.b", "role": "operator", "unit": "brigade-9"}, "unit"),
        ({"account": "a.b", "role": "operator", "name": "甲\n乙"}, "name"),
        ({"account": "a.b", "role": "operator", "name": "a\u202eb"}, "name"),
        ({"account": "a.b", "role": "operator", "name": "长" * 65}, "name"),
        ({"account": "a.b", "role": "operator", "password": "x"}, "password"),
    ],
)
async def test_what_cannot_be_a_user_is_refused_by_field(caller: Caller, body: dict[str, str], field: str) -> None:
    answer = await caller.post("/api/v1/users", body)
    assert (answer.status, answer.fields) == (422, [field])
    assert await caller.house.store.users.all() == []


async def test_an_account_exists_once(caller: Caller) -> None:
    await a_user(caller)
    again = await caller.post("/api/v1/users", {"account": "operator.x", "role": "supervisor"})
    assert (again.status, again.fields) == (422, ["account"])


async def test_a_new_role_counts_at_once(caller: Caller) -> None:
    password = await a_user(caller)
    login = {"account": "operator.x", "password": password, "new_password": PASSWORD}
    token = (await caller.post("/api/v1/login", login, token="")).body["token"]
    status, user = await put(caller, "operator.x", name="新名", role="operator")
    assert (status, user["name"]) == (200, "新名")
    assert (await caller.get("/api/v1/me", token)).status == 200, "a new name changes nothing else"
    status, user = await put(caller, "operator.x", name="新名", role="brigade", unit="brigade-2")
    assert (status, user["role"], user["brigade"]) == (200, "brigade", "brigade-2")
    assert (await caller.get("/api/v1/me", token)).status == 401
    assert (await put(caller, "operator.x", name="新名", role="brigade"))[0] == 422
    assert (await put(caller, "nobody", name="无", role="operator"))[0] == 404
    found, _ = await caller.house.store.account_events.find(AccountEventFilter(account="operator.x"), limit=1)
    assert found[0].data == {"role": ["operator", "brigade"], "unit": [None, "brigade-2"]}


async def test_disabled_enabled_unlocked_reset(caller: Caller) -> None:
    password = await a_user(caller)
    login = {"account": "operator.x", "password": password, "new_password": PASSWORD}
    token = (await caller.post("/api/v1/login", login, token="")).body["token"]
    assert (await caller.post("/api/v1/users/operator.x/disable")).body["disabled"] is True
    assert (await caller.get("/api/v1/me", token)).status == 401
    assert (await caller.post("/api/v1/login", {**login, "password": PASSWORD}, token="")).status == 401
    assert (await caller.post("/api/v1/users/operator.x/enable")).body["disabled"] is False
    assert (await caller.get("/api/v1/me", token)).status == 401, "what was open before stays closed"
    for _ in range(FREE_TRIES):
        await caller.post("/api/v1/login", {"account": "operator.x", "password": "wrong"}, token="")
    (user,) = (await caller.get("/api/v1/users")).body["users"]
    assert user["locked_until"] is not None
    assert (await caller.post("/api/v1/users/operator.x/unlock")).body["locked_until"] is None
    assert (await caller.post("/api/v1/login", {"account": "operator.x", "password": PASSWORD}, token="")).status == 200
    reset = (await caller.post("/api/v1/users/operator.x/reset-password")).body["password"]
    assert (await caller.post("/api/v1/login", {"account": "operator.x", "password": PASSWORD}, token="")).status == 401
    assert (await caller.post("/api/v1/login", {"account": "operator.x", "password": reset}, token="")).status == 403
    for word in ("disable", "enable", "unlock", "reset-password"):
        assert (await caller.post(f"/api/v1/users/nobody/{word}")).status == 404
    found = [deed for deed, _ in await deeds(caller)]
    assert [one for one in found if one not in {"signed_in", "password_changed"}] == [
        "password_reset",
        "user_unlocked",
        "user_locked",
        "user_enabled",
        "user_disabled",
        "user_added",
    ]


async def test_doing_it_again_changes_nothing_and_is_not_recorded(caller: Caller) -> None:
    await a_user(caller)
    await caller.post("/api/v1/users/operator.x/disable")
    before = await deeds(caller)
    assert (await caller.post("/api/v1/users/operator.x/disable")).status == 200
    assert (await caller.post("/api/v1/users/operator.x/unlock")).status == 200
    assert await deeds(caller) == before


async def test_there_is_always_an_administrator(caller: Caller) -> None:
    await a_user(caller, "admin.x", "administrator")
    for answer in (
        await caller.post("/api/v1/users/admin.x/disable"),
        await caller.post("/api/v1/users/admin.x/disable", token=await own_token(caller, "admin.x")),
    ):
        assert (answer.status, answer.body["type"]) == (409, "/problems/last-administrator")
    assert (await put(caller, "admin.x", name="甲", role="operator"))[0] == 409
    assert (await put(caller, "admin.x", name="改名可以", role="administrator"))[0] == 200
    await a_user(caller, "admin.y", "administrator")
    assert (await caller.post("/api/v1/users/admin.y/disable")).status == 200
    assert (await caller.post("/api/v1/users/admin.x/disable")).status == 409, "a disabled one cannot administer"


async def own_token(caller: Caller, account: str) -> str:
    user, now = await caller.house.store.users.get(account), caller.house.now()
    return await caller.house.store.accounts.create_token(
        account, user.role, user.unit, "接口登录", now, now + timedelta(hours=1)
    )


async def test_two_administrators_who_demote_each_other_leave_one(caller: Caller) -> None:
    await a_user(caller, "admin.x", "administrator")
    await a_user(caller, "admin.y", "administrator")
    users, now = caller.house.store.users, caller.house.now()
    results = await asyncio.gather(
        users.disable("admin.x", now, BY),
        users.change("admin.y", now, BY, name="乙", role=Role.OPERATOR, unit=None),
        return_exceptions=True,
    )
    assert [type(one) for one in results].count(LastAdministrator) == 1


async def test_tokens_are_listed_without_themselves_and_withdrawn(caller: Caller) -> None:
    token = await caller.new_token("supervisor")
    (listed,) = (await caller.get("/api/v1/tokens")).body["tokens"]
    assert (listed["name"], listed["role"], listed["valid"]) == ("test supervisor", "supervisor", True)
    assert token not in str(listed) and len(listed["id"]) == 16
    assert (await caller.get("/api/v1/me", token)).status == 200
    assert (await caller.post(f"/api/v1/tokens/{listed['id']}/revoke")).body["tokens"][0]["valid"] is False
    assert (await caller.get("/api/v1/me", token)).status == 401
    for one in (listed["id"], "0" * 16, "%25", "x"):
        assert (await caller.post(f"/api/v1/tokens/{one}/revoke")).status == 404
    assert [deed for deed, _ in await deeds(caller)] == ["token_revoked", "token_made"]


async def test_a_session_is_not_withdrawn_as_a_token(caller: Caller) -> None:
    """The list of programs' tokens does not show people's, and does not end them."""
    await a_user(caller)
    token = await own_token(caller, "operator.x")
    assert (await caller.get("/api/v1/tokens")).body["tokens"] == []
    number = hashlib.sha256(token.encode()).hexdigest()[:16]
    assert (await caller.post(f"/api/v1/tokens/{number}/revoke")).status == 404
    assert (await caller.get("/api/v1/me", token)).status == 200


@one_kind
@pytest.mark.parametrize("name", ["甲\x00", "甲\n乙", "长" * 61, "   "])
async def test_a_tokens_purpose_is_plain_text(caller: Caller, name: str) -> None:
    answer = await caller.post("/api/v1/tokens", {"name": name, "role": "operator"})
    assert (answer.status, answer.fields) == (422, ["name"])


async def test_absences_are_added_and_removed(caller: Caller) -> None:
    body = {"account": "brigade-1.fh.a", "start": "2099-12-01T08:30:00+08:00", "end": "2099-12-02T17:30:00"}
    added = await caller.post("/api/v1/absences", {**body, "reason": "年假"})
    (one,) = added.body["absences"]
    assert (added.status, one["start"], one["end"], one["reason"]) == (
        201,
        "2099-12-01T08:30:00+08:00",
        "2099-12-02T17:30:00+08:00",
        "年假",
    )
    assert [known.end for known in caller.house.absences.now_known()["brigade-1.fh.a"]], "routing knows at once"
    assert (await caller.post("/api/v1/absences", body)).fields == ["start"], "the same again"
    removed = await caller.post(f"/api/v1/absences/{one['id']}/remove")
    assert (removed.status, removed.body["absences"]) == (200, [])
    assert caller.house.absences.now_known() == {}
    for number in (one["id"], "0", "x", "9" * 30):
        assert (await caller.post(f"/api/v1/absences/{number}/remove")).status == 404
    assert await deeds(caller, "brigade-1.fh.a") == [
        ("absence_removed", "administrator"),
        ("absences_added", "administrator"),
    ]


@one_kind
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"account": "nobody"}, "account"),
        ({"end": "2099-11-01T00:00:00"}, "end"),
        ({"start": "2001-01-01T00:00:00", "end": "2001-01-02T00:00:00"}, "end"),
        ({"reason": "长" * 201}, "reason"),
        ({"start": "明天"}, "start"),
    ],
)
async def test_an_absence_that_cannot_be_is_refused(caller: Caller, changes: dict[str, str], field: str) -> None:
    body = {"account": "brigade-1.fh.a", "start": "2099-12-01T08:30:00", "end": "2099-12-02T17:30:00"}
    answer = await caller.post("/api/v1/absences", {**body, **changes})
    assert (answer.status, answer.fields) == (422, [field])


def workbook(*rows: list[str]) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([["账号", "离岗开始", "离岗结束", "事由"], *rows]):
            sheet.write_row(number, 0, row)
    return content.getvalue()


@one_kind
async def test_a_roster_is_previewed_then_imported_once(caller: Caller) -> None:
    content = workbook(
        ["brigade-1.fh.a", "2099-12-01", "2099-12-02", "年假"], ["brigade-1.fh.b", "2099-12-03 08:30", "2099-12-03", ""]
    )
    seen = (await caller.post("/api/v1/absences/import?preview=true", content)).body
    assert (seen["preview"], seen["added"], [one["known"] for one in seen["rows"]]) == (True, 0, [False, False])
    assert (await caller.get("/api/v1/absences")).body["absences"] == []
    done = (await caller.post("/api/v1/absences/import", content)).body
    assert (done["preview"], done["added"]) == (False, 2)
    again = (await caller.post("/api/v1/absences/import", content)).body
    assert (again["added"], [one["known"] for one in again["rows"]]) == (0, [True, True])
    assert len((await caller.get("/api/v1/absences")).body["absences"]) == 2


@one_kind
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK no workbook", "打不开"),
        (b"", "空的"),
        ("账号,离岗开始,离岗结束\n无此人,2099-12-01,2099-12-02\n".encode(), "第 2 行"),
        ("账号,离岗开始,离岗结束,事由\nbrigade-1.fh.a,2099-12-01,2099-12-02,\x07\n".encode(), "控制字符"),
    ],
)
async def test_a_wrong_roster_changes_nothing(caller: Caller, content: bytes, said: str) -> None:
    answer = await caller.post("/api/v1/absences/import", content)
    assert (answer.status, answer.fields) == (422, ["file"])
    assert said in answer.body["errors"][0]["message"]
    assert (await caller.get("/api/v1/absences")).body["absences"] == []


async def parked(caller: Caller) -> list[int]:
    """Two deliveries that were given up for different reasons."""
    await caller.send("12345", sample("12345"))
    store, now = caller.house.store, caller.house.now() + timedelta(days=1)
    rows = await store.outbox.lease("", now, limit=50, lease=timedelta(minutes=1))
    assert len(rows) >= 2, "a dispatched ticket tells the handlers of both posts, or handler and platform"
    await store.outbox.parked([rows[0].id], "没有地址", now)
    await store.outbox.parked([one.id for one in rows[1:]], "对方不在线", now)
    return [one.id for one in rows]


async def test_parked_deliveries_are_shown_by_reason_and_put_back(caller: Caller) -> None:
    ids = await parked(caller)
    shown = (await caller.get("/api/v1/outbox")).body
    assert (shown["waiting"], shown["parked"]) == (0, len(ids))
    assert {one["error"]: one["count"] for one in shown["reasons"]} == {"没有地址": 1, "对方不在线": len(ids) - 1}
    assert {one["id"] for one in shown["latest"]} == set(ids)
    assert (await caller.post(f"/api/v1/outbox/{ids[0]}/replay")).body == {"replayed": 1}
    assert (await caller.post(f"/api/v1/outbox/{ids[0]}/replay")).status == 404, "it waits already"
    for number in ("0", "x", "9" * 30, "-1"):
        assert (await caller.post(f"/api/v1/outbox/{number}/replay")).status == 404
    assert (await caller.post("/api/v1/outbox/replay", {"error": "没有地址"})).body == {"replayed": 0}
    assert (await caller.post("/api/v1/outbox/replay", {})).body == {"replayed": len(ids) - 1}
    counts = await caller.house.store.outbox.counts()
    assert (counts["waiting"], counts["parked"]) == (len(ids), 0)
    again = await caller.house.store.outbox.lease(
        "", caller.house.now() + timedelta(days=2), limit=50, lease=timedelta(minutes=1)
    )
    assert {one.attempts for one in again} == {1}, "a new series of attempts"
    assert [deed for deed, _ in await deeds(caller)] == ["deliveries_replayed", "deliveries_replayed"]


async def test_the_record_is_searched_and_whole(caller: Caller) -> None:
    no = (await caller.send("12345", sample("12345"))).body["ticket_no"]
    await caller.act(no, "accept")
    found = (await caller.get("/api/v1/audit/events", params={"ticket": no})).body
    sequences = [one["sequence"] for one in found["events"]]
    assert sequences == sorted(sequences, reverse=True) and found["next_before"] is None
    actions = {one["action"] for one in found["events"]}
    assert {"received", "accepted"} <= actions
    only = (await caller.get("/api/v1/audit/events", params={"action": "accepted", "actor": "administrator"})).body
    assert [one["action"] for one in only["events"]] == ["accepted"]
    assert (await caller.get("/api/v1/audit/events", params={"to": "2001-01-01"})).body["events"] == []
    assert (await caller.get("/api/v1/audit/events", params={"ticket": "no-such"})).body["events"] == []
    first = (await caller.get("/api/v1/audit/events", params={"limit": "1"})).body
    second = (await caller.get("/api/v1/audit/events", params={"limit": "1", "before": str(first["next_before"])})).body
    assert second["events"][0]["sequence"] == first["events"][0]["sequence"] - 1
    for name, value in (("before", "x"), ("before", "9" * 30), ("from", "gestern"), ("limit", "0")):
        answer = await caller.get("/api/v1/audit/events", params={name: value})
        assert (answer.status, answer.fields) == (422, [name])
    assert (await caller.get("/api/v1/audit/accounts", params={"deed": "x"})).status == 422


async def test_a_changed_record_is_found(caller: Caller) -> None:
    await caller.send("12345", sample("12345"))
    await a_user(caller)
    good = (await caller.post("/api/v1/audit/verify")).body
    assert good["tickets"]["intact"] and good["accounts"]["intact"] and good["accounts"]["checked"] == 1
    assert (await deeds(caller))[0] == ("chain_verified", "administrator")
    for statement, broken in (
        ("UPDATE account_events SET actor = 'somebody' WHERE sequence = 1", 1),
        ("DELETE FROM account_events WHERE sequence = 2", 2),
    ):
        await execute(caller, statement)
        assert (await caller.house.store.account_events.verify()).broken_at == broken
        await execute(caller, "UPDATE account_events SET actor = 'administrator' WHERE sequence = 1")
    bad = (await caller.post("/api/v1/audit/verify")).body
    assert bad["tickets"]["intact"] and not bad["accounts"]["intact"]


async def execute(caller: Caller, statement: str) -> None:
    """What somebody with the database in their hands could do."""
    engine = open_engine(caller.house.deployment.database_url)
    async with engine.connect() as connection:
        await connection.execute(text(statement))
        await connection.commit()
    await engine.dispose()


@one_kind
@pytest.mark.parametrize("role", ["operator", "supervisor", "brigade"])
async def test_only_an_administrator_administers(caller: Caller, role: str) -> None:
    token = await caller.new_token(role, "brigade-1" if role == "brigade" else "")
    for path in ("users", "tokens", "absences", "outbox", "audit/events", "audit/accounts"):
        assert (await caller.get(f"/api/v1/{path}", token)).status == 403, path
    for path in (
        "users",
        "users/a.b/disable",
        "users/a.b/reset-password",
        "tokens/x/revoke",
        "absences",
        "absences/import",
        "outbox/replay",
        "outbox/1/replay",
        "audit/verify",
        "models/current",
    ):
        assert (await caller.post(f"/api/v1/{path}", {}, token)).status == 403, path


@one_kind
async def test_answers_are_what_is_described(caller: Caller) -> None:
    document = (await caller.get("/api/openapi.json", token="")).body
    await a_user(caller)
    await caller.new_token("operator")
    await parked(caller)
    body = {"account": "brigade-1.fh.a", "start": "2099-12-01T08:30:00", "end": "2099-12-02T17:30:00"}
    await caller.post("/api/v1/absences", body)
    for path in (
        "users",
        "tokens",
        "absences",
        "outbox",
        "audit/events",
        "audit/accounts",
        "models",
        "models/corrections",
    ):
        answer = await caller.get(f"/api/v1/{path}")
        content = document["paths"][f"/api/v1/{path}"]["get"]["responses"]["200"]["content"]["application/json"]
        fits(document, content["schema"], answer.body)
