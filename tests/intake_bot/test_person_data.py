"""Nothing that the service writes shows who told what: the database with its log, the service's log, reports and lists."""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from service import ADMIN_TOKEN, PATHS, sample, serving, signed_headers
from sqlalchemy import make_url

from domain.people import SYSTEM
from intake_bot.conversation.dialogue import converse
from intake_bot.conversation.turns import Person, Turn
from intake_bot.house import House
from intake_bot.person_data import erase_old, erase_person, export_person
from storage.account_events import AccountEventFilter

NAME, PHONE, IDENTITY, HOME = "欧阳不具名", "13800005531", "320582190001015531", "石桥新村七十七幢604室"
PLANTED = f"我叫{NAME}，身份证{IDENTITY}，电话{PHONE}，住{HOME}。"
NAMED = {"callerName", "SBR", "reporterName", "nickname"}
NUMBERED = {"callerPhone", "callerContact", "LXDH", "reporterPhone", "phone"}
TOLD = {"majorContent", "WTMS", "content", "text"}


def planted(channel: str) -> Any:
    """The shipped sample of a channel, told by the planted person."""
    swapped = {**dict.fromkeys(NAMED, NAME), **dict.fromkeys(NUMBERED, PHONE)}
    body = sample(channel)
    return {key: swapped.get(key, value + PLANTED if key in TOLD else value) for key, value in body.items()}


def found_in(content: bytes) -> list[str]:
    return [
        one
        for one in (NAME, PHONE, IDENTITY, HOME)
        if any(one.encode(code) in content for code in ("utf-8", "utf-16-le"))
    ]


def parts(file: bytes) -> Iterator[bytes]:
    """The parts of an Office file."""
    with zipfile.ZipFile(io.BytesIO(file)) as opened:
        for name in opened.namelist():
            yield opened.read(name)


async def test_nothing_that_is_written_shows_who_told_what(sqlite_database_url: str, tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    async with serving(sqlite_database_url, log) as (_, address), aiohttp.ClientSession() as session:

        async def post(path: str, body: Any) -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Idempotency-Key": secrets.token_hex(8)}
            async with session.post(address + path, json=body, headers=headers) as response:
                assert response.status == 200, await response.text()
                answer: dict[str, Any] = await response.json()
                return answer

        for channel, path in PATHS.items():
            content = json.dumps(planted(channel), ensure_ascii=False).encode()
            async with session.post(address + path, data=content, headers=signed_headers(channel, content)) as response:
                assert response.status == 201
                no = (await response.json())["ticket_no"]
            if channel == "12345":
                for action, details in (
                    ("accept", {}),
                    ("urge", {"note": PLANTED}),
                    ("contact", {"note": PLANTED}),
                    (
                        "resolve",
                        {"result": f"已现场处理并告知来电人。{PLANTED}", "photos": ["https://files.example.com/1.jpg"]},
                    ),
                ):
                    await post(f"/api/v1/tickets/{no}/{action}", details)
            await session.post(address + path, data=b"{" + content, headers=signed_headers(channel, b"{" + content))
        exported = []
        for path in (
            *("/api/v1/reports/range?from=2026-06-01&to=2028-06-01&format=" + kind for kind in ("xlsx", "docx")),
            "/api/v1/metrics?from=2026-06-01&to=2028-06-01",
            "/metrics",
        ):
            async with session.get(address + path, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}) as response:
                assert response.status == 200, (path, await response.text())
                exported.append(await response.read())
        files = [*parts(exported[0]), *parts(exported[1]), *exported[2:]]
        database = Path(str(make_url(sqlite_database_url).database))
        files += [one.read_bytes() for one in database.parent.glob(f"{database.name}*")]
    files += [one.read_bytes() for one in database.parent.glob(f"{database.name}*")]
    files.append(log.read_bytes())
    assert any(b"events" in one and b"sealing_keys" in one for one in files), "the database was looked at"
    assert [found for one in files if (found := found_in(one))] == []


async def test_a_person_gets_what_we_have_and_has_it_erased(house: House) -> None:
    person, now = Person("web", "a-cookie"), house.now()
    for number, words in enumerate((f"恬庄街5号饭店油烟直排，每天中午都是，{PLANTED}", "没有", "提交")):
        reply = await converse(house, person, Turn(f"t{number}", now, words))
    assert reply.messages
    (told,) = await export_person(house.store, PHONE, SYSTEM, now)
    assert PLANTED in told["内容"]
    assert told["电话"] == PHONE
    erased, refused = await erase_person(house.store, PHONE, SYSTEM, now)
    assert erased == []
    assert "还没有结案" in refused[0]
    much_later = now + timedelta(days=9_999)
    assert await erase_old(house.store, house.settings.privacy, much_later) == 0, "what is open is never erased"
    events, _ = await house.store.account_events.find(AccountEventFilter(), limit=10)
    assert [one.deed.value for one in events][:2] == ["person_erased", "person_exported"]
    assert PHONE not in str(events)
