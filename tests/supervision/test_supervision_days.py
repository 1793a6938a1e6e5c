"""Kept days add up to exactly what a count of everything gives: after random histories, late changes and repeated rounds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import town
from histories import make_histories, read_histories
from parts import act, sweeps, taken
from sqlalchemy import select, update
from test_supervision_metrics import COUNTED, count_by_hand, within

from domain.complaint import Kind, Reporter
from domain.lifecycle import Action
from domain.worktime import WorkCalendar, local
from storage import tables
from storage.figures import Count, Dimension, Slice
from storage.rollups import TICKETS, Rollups
from storage.store import Store
from supervision.daily import ALL, DayByDay
from supervision.figures import Metrics
from supervision.metrics import BY_CODE
from supervision.settings import SupervisionSettings

START = town.at("2026-09-28 00:00")
NOW = town.at("2026-11-05 10:20")
"""Some of what the histories hold lies ahead of it."""

ROUND = SupervisionSettings(figures_days_back=39)
SHORT = SupervisionSettings(figures_days_back=5)
SOON = town.at("2026-10-03 00:30")
"""When five days from START on are over: enough for what a single ticket shows."""
PERIOD = Slice(START, town.at("2026-11-01 00:00"))
SLICES = (
    PERIOD,
    Slice(town.at("2026-10-01 00:00"), NOW),
    Slice(town.at("2026-10-03 15:30"), town.at("2026-10-20 11:00")),
    replace(PERIOD, brigade=town.CITY),
    replace(PERIOD, kind=Kind.COMPLAINT),
    replace(PERIOD, channel="12319", brigade=town.CITY),
    replace(PERIOD, category=town.SMELL),
    replace(PERIOD, grid="cg"),
)
GROUPINGS = (
    None,
    Dimension.BRIGADE,
    Dimension.CHANNEL,
    Dimension.HANDLER,
    Dimension.WEEK,
    Dimension.MONTH,
    Dimension.QUARTER,
)


def brought_up(counts: list[Count]) -> list[Count]:
    return sorted(counts, key=lambda one: one.key)


async def assert_exact(store: Store) -> None:
    """Every count over kept days is the count over everything."""
    days = DayByDay(store.figures)
    for code in COUNTED:
        metric = BY_CODE[code]
        for wanted in SLICES:
            for by in GROUPINGS if wanted is SLICES[0] else (None, Dimension.DAY):
                added = await days.counts(metric, wanted, by)
                counted = await store.figures.counts(metric.measure, wanted, by)
                assert added == brought_up(counted), (code, wanted, by)


async def kept_rows(store: Store) -> list[Any]:
    table = tables.daily_figures.c
    statement = select(table.day, table.dimension, table.key, table.figures).order_by(*list(table)[:3])
    async with store._engine.connect() as connection:
        return list((await connection.execute(statement)).all())


async def test_days_add_up_after_histories_corrections_and_further_rounds(store: Store) -> None:
    await make_histories(store, seed=11, number=24, start=START, days=21)
    assert await sweeps(store, ROUND).daily_figures(NOW) == ROUND.figures_days_back
    await assert_exact(store)
    first = await kept_rows(store)

    # Another round finds nothing to do, and leaves what it found.
    assert await sweeps(store, ROUND).daily_figures(NOW) == 0
    assert await kept_rows(store) == first

    # What comes late: lights and gaps of days long over, more tickets of the same reporters, more steps.
    await sweeps(store).lights(NOW)
    await sweeps(store).gaps(NOW)
    await make_histories(store, seed=12, number=16, start=START, days=30)
    await assert_exact(store)
    touched = await store.figures.rollups.touched((await store.figures.rollups.progress())[0])
    assert touched
    assert await sweeps(store, ROUND).daily_figures(NOW) == len(touched)
    await assert_exact(store)
    assert await kept_rows(store) != first


async def test_added_up_days_are_what_the_events_say(store: Store) -> None:
    await make_histories(store, seed=13, number=24, start=START, days=21)
    await sweeps(store, ROUND).daily_figures(NOW)
    await make_histories(store, seed=14, number=8, start=START, days=21)
    await sweeps(store, ROUND).daily_figures(NOW)
    histories = await read_histories(store)
    metrics = Metrics(store.figures, WorkCalendar(), 1)
    for code in COUNTED:
        rows = within(count_by_hand(code, histories, PERIOD.end), PERIOD, code)
        total = (await metrics.compute(BY_CODE[code], PERIOD, town.at("2027-03-01 00:00"))).total
        assert (total.n, total.hits) == (len(rows), sum(row[3] for row in rows)), code


async def test_a_late_correction_touches_the_days_it_concerns_and_no_other(store: Store) -> None:
    early = await taken(store, "S1", town.SMELL, START + timedelta(hours=9))
    stranger = Reporter(phone="13800000002")
    await taken(store, "S2", town.STALL, START + timedelta(days=2, hours=9), reporter=stranger)
    await sweeps(store, SHORT).daily_figures(SOON)
    await act(store, early.no, Action.RECLASSIFY, town.OPERATOR, NOW, category=town.ILLEGAL_BUILDING)
    changed = await store.tickets.get(early.no)
    assert changed is not None
    due = {f"{local(clock.due_at):%Y-%m-%d}" for share in changed.assignments for clock in share.clocks}
    followed, _ = await store.figures.rollups.progress()
    touched = await store.figures.rollups.touched(followed)
    assert touched is not None
    assert "2026-09-28" in touched
    assert touched <= {"2026-09-28"} | due
    await sweeps(store, SHORT).daily_figures(SOON)
    rows = await store.figures.rollups.days("2026-09-28", "2026-09-28", "brigade")
    assert set(rows["2026-09-28"]) == {town.ENTERPRISE, town.CONSTRUCTION}
    assert "received" not in rows["2026-09-28"][town.ENTERPRISE]


async def test_what_is_kept_is_what_is_read(store: Store) -> None:
    """A kept day that somebody spoils shows in the sum: nothing else is read for it."""
    await taken(store, "S1", town.SMELL, START + timedelta(hours=9))
    await sweeps(store, SHORT).daily_figures(SOON)
    table = tables.daily_figures
    async with store._engine.begin() as connection:
        await connection.execute(
            update(table)
            .where(table.c.day == "2026-10-02", table.c.dimension == ALL)
            .values(figures='{"received":[40,40]}')
        )
    (found,) = await DayByDay(store.figures).counts(BY_CODE["received"], PERIOD, None)
    assert found == Count("", 41, 41)
    (short,) = await DayByDay(store.figures).counts(
        BY_CODE["received"], Slice(town.at("2026-10-01 00:00"), town.at("2026-10-03 00:00")), None
    )
    assert short == Count("", 0, 0)


async def test_a_day_kept_before_there_was_a_metric_is_counted(store: Store) -> None:
    await taken(store, "S1", town.SMELL, START + timedelta(hours=9))
    await sweeps(store, SHORT).daily_figures(SOON)
    table = tables.daily_figures
    async with store._engine.begin() as connection:
        old = table.c.day == local(START).date().isoformat()
        await connection.execute(update(table).where(old, table.c.dimension != TICKETS).values(figures="{}"))
    days, received = DayByDay(store.figures), BY_CODE["received"]
    assert await days.counts(received, PERIOD, None) == [Count("", 1, 1)]
    assert await days.counts(received, PERIOD, Dimension.BRIGADE) == [Count(town.ENTERPRISE, 1, 1)]
    assert await days.counts(received, replace(PERIOD, brigade=town.ENTERPRISE), None) == [Count("", 1, 1)]


async def test_an_instance_that_stays_sees_what_happens(store: Store) -> None:
    days = DayByDay(store.figures)
    await taken(store, "S1", town.SMELL, START + timedelta(hours=9))
    await sweeps(store, SHORT).daily_figures(SOON)
    assert await days.counts(BY_CODE["received"], PERIOD, None) == [Count("", 1, 1)]
    await taken(store, "S2", town.SMELL, START + timedelta(days=1))
    assert await days.counts(BY_CODE["received"], PERIOD, None) == [Count("", 2, 2)]
    await sweeps(store, SHORT).daily_figures(SOON)
    assert await days.counts(BY_CODE["received"], PERIOD, None) == [Count("", 2, 2)]


class HeldUp(Rollups):
    """Rollups whose first reader is held up with what it has read until it may go on."""

    def __init__(self, store: Store) -> None:
        super().__init__(store._engine)
        self.has_read, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def touched(
        self, after: int, first: str = "", last: str = "9999", *, most: int | None = None
    ) -> set[str] | None:
        found = await super().touched(after, first, last, most=most)
        if not self.has_read.is_set():
            self.has_read.set()
            await self.may_go_on.wait()
        return found


async def test_who_has_read_before_something_happened_leaves_nothing_behind(store: Store) -> None:
    await taken(store, "S1", town.SMELL, START + timedelta(hours=9))
    await sweeps(store, SHORT).daily_figures(SOON)
    rollups = store.figures.rollups = HeldUp(store)
    days = DayByDay(store.figures)
    early = asyncio.create_task(days.counts(BY_CODE["received"], PERIOD, None))
    await rollups.has_read.wait()
    await taken(store, "S2", town.SMELL, START + timedelta(days=1))
    assert await days.counts(BY_CODE["received"], PERIOD, None) == [Count("", 2, 2)]
    rollups.may_go_on.set()
    assert await early == [Count("", 1, 1)], "as it was when it was asked"
    assert await days.counts(BY_CODE["received"], PERIOD, None) == [Count("", 2, 2)]
    assert await days.counts(BY_CODE["received"], replace(PERIOD, brigade=town.ENTERPRISE), None) == [Count("", 2, 2)]


async def test_the_latest_count_of_a_day_is_kept(store: Store) -> None:
    """However late a slower process comes with what it counted before."""
    rollups = store.figures.rollups

    def figures(number: int) -> list[tuple[str, str, Any]]:
        return [(ALL, "", {"received": [number, number]}), (TICKETS, "", [number])]

    async def keep(number: int, sequence: int) -> bool:
        return await rollups.keep("2026-10-01", figures(number), NOW, sequence=sequence)

    assert await keep(1, 5)
    assert not await keep(2, 5)
    assert await keep(3, 9)
    assert not await keep(4, 7)
    assert await rollups.kept() == {"2026-10-01"}
    assert await rollups.days("2026-10-01", "2026-10-01", ALL) == {"2026-10-01": {"": {"received": [3, 3]}}}
    await store.jobs.follow("daily_figures", 12)
    assert not await rollups.keep("2026-10-02", figures(1), NOW, sequence=11)
    assert await rollups.keep("2026-10-02", figures(1), NOW, sequence=12)


async def test_too_many_changes_are_counted_instead(store: Store) -> None:
    for number in range(3):
        await taken(store, f"S{number}", town.SMELL, START + timedelta(hours=9))
    assert await store.figures.rollups.touched(0) == set()  # nothing is kept
    await sweeps(store, SHORT).daily_figures(SOON)
    assert await store.figures.rollups.touched(0, most=2) is None
    assert await store.figures.rollups.touched(0, most=3) is not None
