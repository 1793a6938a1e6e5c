"""Channels that do not push: lists are fetched where the last turn ended, tables in a folder are taken in once."""

from __future__ import annotations

import asyncio
import csv
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playing import KEYS, Perform, of_12345
from service import Caller, sample

from intake_bot.exchange_settings import ExchangeSettings
from intake_bot.polling import Poller, poll_due
from storage.fetches import Fetch
from storage.tickets import TicketFilter

# apprise imports a module that Python 3.13 no longer has, where it is still there.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
LATER = timedelta(minutes=10)


@pytest.fixture
def database_kind() -> str:
    """The tables have tests on both kinds of their own."""
    return "sqlite"


def exchanging(caller: Caller, monkeypatch: pytest.MonkeyPatch, **written: Any) -> None:
    settings = caller.house.settings.model_copy(update={"exchange": ExchangeSettings.model_validate(written)})
    monkeypatch.setattr(type(caller.house), "settings", settings)


async def numbers(caller: Caller) -> list[str]:
    return await caller.house.store.tickets.numbers(TicketFilter())


async def fetched(caller: Caller) -> Fetch:
    (one,) = await caller.house.store.fetches.all()
    return one


async def test_a_platform_that_does_not_push_is_pulled(
    caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = (await perform(of_12345(silent=1))).peers["12345"]
    exchanging(caller, monkeypatch, pulls={"12345": {"url": f"http://127.0.0.1:{peer.port}/ledger"}})
    first, second = peer.ledger.values()
    second.standing = "recalled"
    now = caller.house.now()
    await poll_due(caller.house, now)
    ticket = await caller.house.store.tickets.by_source("12345", first.number)
    assert ticket is not None and len(await numbers(caller)) == 1, "what is recalled already is no work of ours"
    state = await fetched(caller)
    assert (state.source, state.until, state.error) == ("pull:12345", now, "")
    second.standing = "sent"
    await poll_due(caller.house, now + timedelta(seconds=20))
    assert len(await numbers(caller)) == 1, "it is not time yet"
    await poll_due(caller.house, now + LATER)
    assert len(await numbers(caller)) == 2
    assert peer.unsigned == 0 and KEYS["12345"]


class List:
    """A platform's list that answers as a test wants and keeps what it was asked for."""

    def __init__(self, *items: object) -> None:
        self.items = list(items)
        self.statuses: list[int] = []
        self.asked: list[tuple[str, str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        query = request.query
        self.asked.append((query["since"], query["until"], query["page"]))
        status = self.statuses.pop(0) if self.statuses else 200
        items = self.items if query["page"] == "1" else []
        return web.json_response({"data": {"list": items}} if status == 200 else {}, status=status)


@pytest.fixture
async def platform() -> AsyncIterator[tuple[List, str]]:
    kept = List()
    app = web.Application()
    app.router.add_get("/list", kept.answer)
    async with TestServer(app) as server:
        yield kept, str(server.make_url("/list"))


async def test_after_an_outage_it_is_caught_up_window_by_window_with_an_overlap(
    caller: Caller, platform: tuple[List, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, url = platform
    pull = {"url": url, "first_days": 2, "window_hours": 24, "overlap_minutes": 30}
    exchanging(caller, monkeypatch, pulls={"12345": pull})
    now = caller.house.now()
    kept.statuses = [200, 503]
    await poll_due(caller.house, now)
    assert len(kept.asked) == 2
    state = await fetched(caller)
    assert (state.until, "503" in state.error) == (now - timedelta(days=1), True)
    await poll_due(caller.house, now + LATER)
    state = await fetched(caller)
    assert (state.until, state.error) == (now + LATER, "")
    spans = [(one[0], one[1]) for one in kept.asked]
    assert spans[2][0] < spans[0][1] < spans[2][1], "the failed window again, beginning before its end"


async def test_what_cannot_be_read_is_named_and_loses_nothing_else(
    caller: Caller, platform: tuple[List, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, url = platform
    good = sample("12345")
    kept.items = [good | {"orderNum": "BAD-1", "callTime": "不久以前"}, "nonsense", {}, good]
    exchanging(caller, monkeypatch, pulls={"12345": {"url": url, "first_days": 0}})
    now = caller.house.now()
    await poll_due(caller.house, now)
    assert kept.asked == [], "nothing lies between the beginning and now"
    await poll_due(caller.house, now + LATER)
    assert await caller.house.store.tickets.by_source("12345", good["orderNum"]) is not None
    assert "1 件读不出" in (error := (await fetched(caller)).error) and "BAD-1" in error
    seen = (await caller.get("/api/v1/reconciliation")).body["fetches"]
    assert [(one["source"], one["error"]) for one in seen] == [("pull:12345", error)]


HEADINGS = ("12345工单编号", "12345受理时间", "12345内容描述")


def table(path: Path, *rows: tuple[str, str, str], seconds_ago: float = 60) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADINGS, *rows])
    moment = time.time() - seconds_ago
    os.utime(path, (moment, moment))
    return path


GOOD = ("F1", "2026-11-20 09:00:00", "恬庄村恬庄古街北入口有流动摊贩占道经营，行人无法通行")
BAD = ("F2", "不久以前", "飞凤路菜场门口垃圾桶满溢")


@pytest.fixture
def folder(caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A watched folder of 12345."""
    path = tmp_path / "in"
    path.mkdir()
    exchanging(caller, monkeypatch, folders={"12345": {"path": str(path)}})
    return path


async def test_a_table_in_the_folder_is_taken_in_once_by_its_content(caller: Caller, folder: Path) -> None:
    table(folder / "a.csv", GOOD)
    now = caller.house.now()
    await poll_due(caller.house, now)
    assert await caller.house.store.tickets.by_source("12345", "F1") is not None
    assert sorted(one.name for one in folder.rglob("*.csv")) == ["a.csv"] and (folder / "done" / "a.csv").is_file()
    table(folder / "a.csv", GOOD)
    await poll_due(caller.house, now + LATER)
    assert sorted(one.name for one in (folder / "done").iterdir()) == ["a-2.csv", "a.csv"], "nothing is written over"
    events = await caller.house.store.tickets.events((await numbers(caller))[0])
    assert events[0].event.actor == "folder:12345"
    assert len(await numbers(caller)) == 1


async def test_refused_rows_come_back_as_a_table_to_correct(caller: Caller, folder: Path) -> None:
    table(folder / "b.csv", GOOD, BAD)
    await poll_due(caller.house, caller.house.now())
    assert len(await numbers(caller)) == 1
    assert (folder / "refused" / "b.csv").is_file()
    told = (folder / "refused" / "b-退回.csv").read_text(encoding="utf-8-sig")
    assert "F2" in told and "F1" not in told and "退回原因" in told
    assert "1 行退回" in (await fetched(caller)).error


async def test_what_is_no_table_is_moved_aside_and_named(caller: Caller, folder: Path) -> None:
    table(folder / "c.csv", GOOD)
    wrong = folder / "wrong.xlsx"
    wrong.write_bytes(b"no workbook at all")
    os.utime(wrong, (1, 1))
    (folder / "notes.txt").write_text("no table", encoding="utf-8")
    await poll_due(caller.house, caller.house.now())
    assert (folder / "refused" / "wrong.xlsx").is_file() and (folder / "notes.txt").is_file()
    assert "wrong.xlsx" in (await fetched(caller)).error
    assert len(await numbers(caller)) == 1, "the good one beside it is taken in all the same"


async def test_a_file_that_is_still_written_to_is_left_alone(caller: Caller, folder: Path) -> None:
    table(folder / "d.csv", GOOD, seconds_ago=0)
    table(folder / "~$e.csv", GOOD)
    await poll_due(caller.house, caller.house.now())
    assert await numbers(caller) == []
    assert (folder / "d.csv").is_file() and (folder / "~$e.csv").is_file()


async def test_a_folder_that_is_not_there_is_said(caller: Caller, folder: Path) -> None:
    folder.rmdir()
    await poll_due(caller.house, caller.house.now())
    assert "打不开文件夹" in (await fetched(caller)).error


async def test_the_task_begins_at_once_and_ends_when_told(caller: Caller, folder: Path) -> None:
    table(folder / "a.csv", GOOD)
    poller = Poller(caller.house)
    poller.start()
    for _ in range(200):
        if (folder / "done" / "a.csv").exists():
            break
        await asyncio.sleep(0.05)
    await poller.stop()
    assert len(await numbers(caller)) == 1
