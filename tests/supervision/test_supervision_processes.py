"""Two real processes over one database, one of them killed in the middle: nothing twice, nothing missed."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path

import town
from databases import SqliteTemplate
from parts import SCHEDULED, drafted, sweep_all, take
from sealing_keys import KEYRING
from sqlalchemy import func, select, text
from timer_processes import TimerProcess

from storage import tables
from storage.rows import event_of
from storage.store import Store
from supervision.reports.settings import ReportFormat

NOW = town.MONDAY
MOMENTS = tuple(NOW + timedelta(hours=hours) for hours in (2, 5, 26, 200, 400))
NUMBER = 40


async def facts(store: Store) -> dict[str, Counter[tuple[object, ...]]]:
    """What the sweeps left behind, apart from the order and the moment in which they found it."""
    found: dict[str, Counter[tuple[object, ...]]] = {}
    async with store._engine.connect() as connection:
        for name, query in {
            "pressed": "SELECT ticket_id FROM events WHERE action = 'pressed'",
            "lights": "SELECT ticket_id, position, stage, round, light, rungs FROM clocks",
            "gaps": "SELECT ticket_id, position, code, opened_at FROM gaps",
            "days": "SELECT day, dimension, key, figures FROM daily_figures",
        }.items():
            found[name] = Counter(tuple(row) for row in await connection.execute(text(query)))
        event, notice = tables.events.c, tables.outbox.c
        by_itself = select(tables.events).where(event.actor == "system", event.action != "pressed")
        rows = (await connection.execute(by_itself)).mappings()
        found["events"] = Counter(
            (row["ticket_id"], row["position"], row["action"], str(event_of(row).data)) for row in rows
        )
        told = select(notice.ticket_id, notice.destination, notice.about, notice.payload)
        found["notices"] = Counter(tuple(row) for row in await connection.execute(told))
    return found


async def filled(url: str) -> Store:
    store = await Store.open(url, KEYRING)
    await take(store, *(drafted(f"S{n}", town.SMELL, NOW + timedelta(minutes=n)) for n in range(NUMBER)))
    return store


async def test_two_processes_and_a_third_that_is_killed(database_url: str) -> None:
    store = await filled(database_url)
    victim, *others = [await TimerProcess.start("sweeping_process.py", database_url) for _ in range(3)]
    try:
        victim.begin(MOMENTS[-1])
        while await store.tickets.last_sequence() == 2 * NUMBER:
            await asyncio.sleep(0)  # until it has begun to change something
        victim.process.kill()
        for one in others:
            one.begin(MOMENTS[-1])
        assert await victim.process.wait() != 0
        assert [await one.answer() for one in others] == ["done", "done"]
        assert [await one.end() for one in others] == [0, 0]
        shared = await facts(store)
        assert (await store.verify_chain()).intact
    finally:
        await store.close()
    for name in ("events", "notices", "pressed", "days"):
        assert set(shared[name].values()) == {1}, name
    assert sum(shared["pressed"].values()) == NUMBER
    assert sum(shared["gaps"].values()) == NUMBER
    red = [row for row in shared["lights"] if row[4] == "red"]
    assert len(red) == 3 * NUMBER
    assert {row[5] for row in red} == {3}
    assert len(shared["events"]) == NUMBER * (3 + 3 + 1)  # lights, escalations, the gap


async def test_what_two_processes_leave_is_what_one_leaves(
    database_url: str, sqlite_template: SqliteTemplate, tmp_path: Path
) -> None:
    """Lights pass through yellow here, so that every sweep has something to do."""
    store, alone = await filled(database_url), await filled(sqlite_template.fresh(tmp_path))
    sweepers = [await TimerProcess.start("sweeping_process.py", database_url) for _ in range(2)]
    try:
        for now in MOMENTS:
            for one in sweepers:
                one.begin(now)
            assert [await one.answer() for one in sweepers] == ["done", "done"]
            await sweep_all(alone, now)
        assert [await one.end() for one in sweepers] == [0, 0]
        shared, single = await facts(store), await facts(alone)
    finally:
        await store.close()
        await alone.close()
    assert len(shared["events"]) > NUMBER * 7
    for name in ("events", "pressed", "notices", "lights", "days"):
        assert shared[name] == single[name], name
    assert len(shared["gaps"]) == len(single["gaps"])


async def test_reports_by_two_processes_and_a_third_that_is_killed(database_url: str) -> None:
    """On the first of a month that is a Monday, reports of the day, the week and the month are due at once."""
    store = await filled(database_url)
    now = town.at("2027-02-01 07:30")
    reports = tables.scheduled_reports

    async def kept() -> int:
        async with store._engine.connect() as connection:
            return int((await connection.execute(select(func.count()).select_from(reports))).scalar_one())

    victim, *others = [await TimerProcess.start("reporting_process.py", database_url) for _ in range(3)]
    try:
        victim.begin(now)
        while await kept() == 0:
            await asyncio.sleep(0)  # until it has kept the first
        victim.process.kill()
        assert await victim.process.wait() != 0
        assert await kept() < len(SCHEDULED) * len(ReportFormat)
        for one in others:
            one.begin(now)
        assert [await one.answer() for one in others] == ["done", "done"]
        assert [await one.end() for one in others] == [0, 0]
        files = await kept()
        told = await store.outbox.lease("account:d1", now + timedelta(days=1), limit=500, lease=timedelta(minutes=1))
    finally:
        await store.close()
    assert files == len(SCHEDULED) * len(ReportFormat)
    assert Counter((file["period"], file["format"]) for one in told for file in one.data["files"]) == Counter(
        (kind.value, wanted.value) for kind in SCHEDULED for wanted in ReportFormat
    )
    assert len(told) == len(SCHEDULED), "one notice for each period, with both files"
