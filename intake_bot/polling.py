"""Channels that do not push: platforms' lists fetched every few minutes, and folders of exported tables watched.

Whatever is found takes the ordinary path, where coming twice is harmless. One process at a time reads a source.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import structlog

from adapters.channel import Channel
from adapters.listing import Listed
from adapters.problems import Unreadable
from adapters.refusals import write_refusals
from adapters.sheets import Sheet, open_sheet
from domain.people import Actor, Role
from intake_bot.exchange_settings import FolderSettings, PullSettings
from intake_bot.fetching import NotFetched, fetch
from intake_bot.house import House
from intake_bot.ingest import ingest
from intake_bot.intake import receive
from intake_bot.reconciling import OVER
from storage.store import Receipt

log = structlog.get_logger()

PAUSE = 20.0
"""Seconds between two looks at what is due."""
PATIENCE = 10.0
"""Seconds that stopping waits for."""
LEASE = timedelta(minutes=30)
BATCH = 100
MOST_NAMED = 5
"""Numbers of unreadable tickets that a message names."""
TABLES = frozenset({".xlsx", ".xls", ".csv"})


class Poller:
    """The polling task of one process."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="polling")

    async def stop(self) -> None:
        """Finish the source in hand if it does not take long, then stop; what is cut off is read again after its lease."""
        self._stopping.set()
        if self._task is not None:
            _, late = await asyncio.wait({self._task}, timeout=PATIENCE)
            for task in late:
                task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await poll_due(self._house, self._house.now())
            except Exception as error:
                self._house.counters.job_failures.labels("polling").inc()
                log.error("polling_failed", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), PAUSE)


async def poll_due(house: House, now: datetime) -> None:
    """Read every source whose time has come."""
    for code, pull in house.settings.exchange.pulls.items():
        begin, every = now - timedelta(days=pull.first_days), timedelta(minutes=pull.every_minutes)
        source = f"pull:{code}"
        until = await house.store.fetches.lease(source, now, every=every, lease=LEASE, begin=begin)
        if until is not None:
            error = await _pull(house, house.channels[code], pull, source, until, now)
            await house.store.fetches.ended(source, now, error)
    for code, folder in house.settings.exchange.folders.items():
        source = f"folder:{code}"
        every = timedelta(minutes=folder.every_minutes)
        if await house.store.fetches.lease(source, now, every=every, lease=LEASE, begin=now) is not None:
            error = await _look_into(house, code, folder, now)
            await house.store.fetches.ended(source, now, error)


async def _pull(house: House, channel: Channel, pull: PullSettings, source: str, until: datetime, now: datetime) -> str:
    """Fetch from where the last turn ended up to now, a window at a time; what went wrong, empty for nothing."""
    unread: list[str] = []
    timeout = aiohttp.ClientTimeout(total=house.settings.exchange.timeout_seconds)
    async with house.outgoing.session(timeout) as session:
        while until < now:
            since, until = until - timedelta(minutes=pull.overlap_minutes), until + timedelta(hours=pull.window_hours)
            until = min(until, now)
            try:
                items = await fetch(session, channel, house.secrets.get(channel.code, ""), pull.url, since, until)
            except NotFetched as error:
                log.error("not_pulled", channel=channel.code, error=str(error))
                return str(error)
            unread += await _received(house, channel, [one for one in items if one.standing not in OVER], now)
            await house.store.fetches.reached(source, until)
    if not unread:
        return ""
    named = "、".join(unread[:MOST_NAMED])
    return f"有 {len(unread)} 件读不出，请平台更正后重发：{named}"


async def _received(house: House, channel: Channel, items: Sequence[Listed], now: datetime) -> list[str]:
    """Take tickets in; the numbers of those that cannot be read."""
    unread = []
    for start in range(0, len(items), BATCH):
        part = items[start : start + BATCH]
        results = await receive(house, channel, [one.raw for one in part], None, now)
        house.counters.received(channel.code, results)
        unread += [one.number for one, result in zip(part, results, strict=True) if not isinstance(result, Receipt)]
    return unread


async def _look_into(house: House, code: str, folder: FolderSettings, now: datetime) -> str:
    """Take in every table that lies in a folder; what went wrong, empty for nothing."""
    path = house.deployment.path(folder.path)
    try:
        files = await asyncio.to_thread(_waiting, path, now - timedelta(seconds=folder.settle_seconds))
    except OSError:
        return f"打不开文件夹 {folder.path}，请检查它是否存在、能否读写"
    troubles = []
    for file in files:
        try:
            trouble = await _take_file(house, code, file, now)
        except OSError as error:
            trouble = f"{file.name}：不能读取或移动（{type(error).__name__}）"
        if trouble:
            troubles.append(trouble)
            log.error("table_not_taken", channel=code, file=file.name)
    return "；".join(troubles)


def _waiting(path: Path, before: datetime) -> list[Path]:
    """Tables in the folder that nobody writes to any more, by name. Hidden files and those of an open editor are left out."""
    return sorted(
        one
        for one in path.iterdir()
        if one.suffix.lower() in TABLES
        and not one.name.startswith((".", "~"))
        and one.is_file()
        and one.stat().st_mtime <= before.timestamp()
    )


async def _take_file(house: House, code: str, file: Path, now: datetime) -> str:
    """One table taken in and moved away, with its refusals beside it; why it could not be, empty where it could."""
    digest = await asyncio.to_thread(_digest, file)
    if await house.store.fetches.is_taken(digest, code):
        await asyncio.to_thread(_move, file, "done")
        return ""
    candidates = [one for one in house.settings.sheets if one.channel == code]
    try:
        sheet: Sheet = await asyncio.to_thread(open_sheet, file, candidates, now)
    except Unreadable as error:
        await asyncio.to_thread(_move, file, "refused")
        return f"{file.name}：{error}"
    tally = await ingest(house, sheet, lambda _: None, Actor(f"folder:{code}", Role.CHANNEL))
    await house.store.fetches.take_file(digest, code, file.name, now)
    if not tally.refused:
        await asyncio.to_thread(_move, file, "done")
        return ""
    moved = await asyncio.to_thread(_move, file, "refused")
    await asyncio.to_thread(write_refusals, moved.with_name(f"{moved.stem}-退回.csv"), sheet, tally.refused)
    return f"{file.name}：{len(tally.refused)} 行退回，见 refused 中的退回清单"


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _move(file: Path, where: str) -> Path:
    """The file in a folder beside it; one of the same name there is kept, and this one gets a number."""
    folder = file.parent / where
    folder.mkdir(exist_ok=True)
    target, number = folder / file.name, 1
    while target.exists():
        number += 1
        target = folder / f"{file.stem}-{number}{file.suffix}"
    return file.rename(target)
