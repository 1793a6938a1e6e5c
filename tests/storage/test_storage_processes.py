"""Real processes over one database: two that write at once, and one that is killed in the middle."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from sealing_keys import KEYRING
from sqlalchemy import text

from storage.store import Store
from storage.tickets import TicketFilter

TESTS = Path(__file__).parents[1]
ENDLESS = 1_000_000


async def start(url: str, prefix: str, count: int, nonces: str = "n") -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(TESTS / "writing_process.py"),
        url,
        prefix,
        str(count),
        nonces,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"},
    )


async def receipts(process: asyncio.subprocess.Process, most: int = ENDLESS) -> list[tuple[str, str, str]]:
    """(source number, ticket number, duplicate) of what a process was promised, up to so many."""
    assert process.stdout is not None
    found: list[tuple[str, str, str]] = []
    while len(found) < most and (line := await process.stdout.readline()).endswith(b"\n"):
        source_no, no, duplicate = line.decode().split()
        found.append((source_no, no, duplicate))
    return found


async def stored(store: Store) -> dict[str, str]:
    """Source number → ticket number of everything that is there."""
    found: dict[str, str] = {}
    cursor = None
    while True:
        page = await store.tickets.page(TicketFilter(), cursor=cursor, limit=200)
        assert not any(one.source_no in found for one in page.items)
        found |= {one.source_no: one.ticket_no for one in page.items}
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_what_a_killed_process_was_promised_is_there_once(database_url: str) -> None:
    process = await start(database_url, "S", ENDLESS)
    promised = await receipts(process, 120)
    process.kill()
    promised += await receipts(process)  # what it still said before it died
    assert await process.wait() != 0
    assert len(promised) >= 120
    store = await Store.open(database_url, KEYRING)
    try:
        there = await stored(store)
        assert {source_no: there.get(source_no) for source_no, _, _ in promised} == {
            source_no: no for source_no, no, _ in promised
        }
        assert len(set(there.values())) == len(there)
        report = await store.verify_chain()
        assert report.intact
        assert report.checked == 2 * len(there)
        async with store._engine.connect() as connection:
            for table in ("complaints", "nonces"):
                assert (await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == len(there)
        # The next process goes on where this one ended.
        later = await start(database_url, "T", 10)
        assert [duplicate for _, _, duplicate in await receipts(later)] == ["0"] * 10
        assert await later.wait() == 0
        assert (await store.verify_chain()).checked == 2 * len(there) + 20
    finally:
        await store.close()


async def test_processes_write_at_once(database_url: str) -> None:
    processes = [await start(database_url, prefix, 60) for prefix in ("A", "B")]
    found = await asyncio.gather(*(receipts(one) for one in processes))
    assert [await one.wait() for one in processes] == [0, 0]
    numbers = sorted(no for one in found for _, no, _ in one)
    assert numbers == [f"FH261123-{n:05d}" for n in range(1, 121)]
    store = await Store.open(database_url, KEYRING)
    try:
        assert len(await stored(store)) == 120
        assert (await store.verify_chain()).checked == 240
    finally:
        await store.close()


async def test_what_two_processes_take_at_once_is_new_for_one_of_them(database_url: str) -> None:
    """The same source numbers, each process with nonces of its own."""
    processes = [await start(database_url, "S", 50, nonces) for nonces in ("one", "two")]
    found = await asyncio.gather(*(receipts(one) for one in processes))
    assert [await one.wait() for one in processes] == [0, 0]
    by_source: dict[str, list[tuple[str, str]]] = {}
    for source_no, no, duplicate in (line for one in found for line in one):
        by_source.setdefault(source_no, []).append((no, duplicate))
    assert len(by_source) == 50
    for answers in by_source.values():
        assert len({no for no, _ in answers}) == 1
        assert sorted(duplicate for _, duplicate in answers) == ["0", "1"]
