"""What supervision costs over 10,000 and over very many tickets, on SQLite and PostgreSQL: sweeps, board, list, report.

`BENCH_TICKETS` is the larger size (default 1,000,000). PostgreSQL is the server of `TEST_DATABASE_URL`, else an embedded one.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.keys import KEYRING
from bench.multitude import NOW, PATTERN, Pattern, fill, live
from domain.light import Light
from domain.limit import Limit
from domain.ticket import Status
from intake_bot.assessment import reporting_of
from intake_bot.engines import build_engine
from intake_bot.house import House, open_house
from intake_bot.keys import VARIABLE
from intake_bot.settings import load_deployment
from nlu.categories import load_categories
from nlu.corpus import load_corpus
from storage import tables
from storage.database import open_engine
from storage.figures import Dimension, Slice
from storage.tickets import TicketFilter
from supervision.figures import Metrics
from supervision.metrics import METRICS
from supervision.reports.periods import PeriodKind, period_of
from supervision.sweeps import Sweeps

ROOT = Path(__file__).parents[1]
SMALL = 10_000
BRIGADE = "brigade-1"
ROUNDS = 5
DUE_AT_ONCE = 100
DAYS_KEPT = 366
"""Days whose figures are kept: what a service that has run for more than a year has."""

Measured = dict[str, float]
"""Milliseconds by what was done."""


def run() -> None:
    large = int(os.environ.get("BENCH_TICKETS", "1000000")) // PATTERN * PATTERN
    if large <= SMALL:
        sys.exit(f"BENCH_TICKETS should be a number of tickets above {SMALL}")
    with tempfile.TemporaryDirectory(prefix="intake-bench-") as folder:
        started = time.perf_counter()
        pattern = asyncio.run(_lived(Path(folder)))
        print(f"a week of {PATTERN:,} tickets lived in {time.perf_counter() - started:.0f} s", flush=True)
        for kind in ("sqlite", "postgresql"):
            asyncio.run(_compare(kind, Path(folder), large, pattern))


async def _lived(folder: Path) -> Pattern:
    url = f"sqlite+aiosqlite:///{folder}/pattern.db"
    engine = open_engine(url, KEYRING)
    async with _house(url) as (house, sweeps):
        pattern = await live(house, sweeps, engine, [one.text for one in load_corpus()])
    await engine.dispose()
    return pattern


async def _compare(kind: str, folder: Path, large: int, pattern: Pattern) -> None:
    found: list[Measured] = []
    for size in (SMALL, large):
        async with opened_database(kind, folder, size) as url:
            if url is None:
                return
            found.append(await _measured(url, size, pattern))
    small, much = found
    print(f"\n{kind}: milliseconds, median of {ROUNDS}; {PATTERN:,} tickets a week, a tenth of all unfinished")
    print(f"{'':<58}{SMALL:>12,}{large:>12,}{'ratio':>8}")
    for name, spent in small.items():
        print(f"{name:<58}{spent:>12.1f}{much[name]:>12.1f}{much[name] / spent:>8.2f}", flush=True)


@asynccontextmanager
async def _house(url: str) -> AsyncIterator[tuple[House, Sweeps]]:
    os.environ["DATABASE_URL"] = url
    os.environ[VARIABLE] = KEYRING.spelled()
    tree = load_categories()
    deployment = load_deployment(ROOT / "config.yml", tree)
    async with open_house(deployment, tree, build_engine(deployment, tree)) as house:
        settings = house.settings.supervision.model_copy(update={"figures_days_back": DAYS_KEPT})
        yield house, Sweeps(house.store, settings, house.calendar, house.planner, Limit.parse("1 working_days"))


@asynccontextmanager
async def opened_database(kind: str, folder: Path, size: int) -> AsyncIterator[str | None]:
    """The URL of a database that is not there yet, removed again on leaving; None, said aloud, where there is no server."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(dir=folder) as own:
            yield f"sqlite+aiosqlite:///{own}/intake.db"
        return
    sys.path.insert(0, str(ROOT / "tests"))
    databases: Any = importlib.import_module("databases")  # the tests' own way to a server
    try:
        server = await asyncio.to_thread(databases.PostgresServer, f"bench-{os.getpid()}-{size}", "bench")
    except databases.NoPostgres as reason:
        print(f"\npostgresql: not measured: {reason}")
        yield None
        return
    url = await asyncio.to_thread(server.empty)
    yield url
    await asyncio.to_thread(server.drop, url)
    await asyncio.to_thread(server.close)


async def _measured(url: str, size: int, pattern: Pattern) -> Measured:
    started = time.perf_counter()
    await fill(url, pattern, size)
    print(f"{size:,} tickets in {time.perf_counter() - started:.0f} s", flush=True)
    engine = open_engine(url, KEYRING)
    async with _house(url) as (house, sweeps):
        started = time.perf_counter()
        await sweeps.daily_figures(NOW)
        print(f"{DAYS_KEPT} days counted once in {time.perf_counter() - started:.0f} s", flush=True)
        found = await _spent(house, sweeps, engine)
    await engine.dispose()
    return found


async def _spent(house: House, sweeps: Sweeps, engine: AsyncEngine) -> Measured:
    store = house.store
    metrics = Metrics(store.figures, house.calendar, house.settings.supervision.smallest_ranked)
    reporting = reporting_of(house.settings, house.router, house.tree, store)
    midnight = NOW.replace(hour=0, minute=0) + timedelta(days=1)
    month = Slice(NOW.replace(day=1, hour=0, minute=0), midnight)
    year = replace(month, start=midnight.replace(year=midnight.year - 1))

    async def board(wanted: TicketFilter) -> None:
        await store.lights.page(wanted)
        await store.lights.gap_counts(wanted.unit)
        await store.tickets.light_counts(wanted)

    async def figures(wanted: Slice) -> None:
        for metric in METRICS:
            await metrics.compute(metric, wanted, NOW, by=Dimension.BRIGADE)

    async def nothing_due() -> None:
        await sweeps.lights(NOW)

    async def due() -> None:
        assert await sweeps.lights(NOW) >= DUE_AT_ONCE

    pages = {
        "page of 50: all": TicketFilter(),
        "page of 50: to sign for, one brigade": TicketFilter(statuses=(Status.DISPATCHED,), unit=BRIGADE),
        "page of 50: closed, one brigade": TicketFilter(statuses=(Status.CLOSED,), unit=BRIGADE),
        "page of 50: unfinished, red": TicketFilter(open_only=True, light=Light.RED),
    }
    found = {
        "light sweep, nothing due": await _clocked(nothing_due),
        f"light sweep, {DUE_AT_ONCE} due": await _clocked(due, before=lambda: _let_fall_due(engine)),
        "board: lights and gaps": await _clocked(lambda: board(TicketFilter())),
        "board: lights and gaps, one brigade": await _clocked(lambda: board(TicketFilter(unit=BRIGADE))),
        f"all {len(METRICS)} metrics by brigade, this month": await _clocked(lambda: figures(month)),
        f"all {len(METRICS)} metrics by brigade, twelve months": await _clocked(lambda: figures(year), rounds=1),
    }
    for name, wanted in pages.items():
        found[name] = await _clocked(lambda wanted=wanted: store.tickets.page(wanted))  # type: ignore[misc]
    period = period_of(PeriodKind.MONTH, NOW.date())
    found["monthly report, figures and lists"] = await _clocked(
        lambda: reporting.gathering.gather(period, NOW), rounds=1
    )
    return found


async def _let_fall_due(engine: AsyncEngine) -> None:
    """A hundred red lights were yellow a moment ago."""
    clock = tables.clocks.c
    red = (text(tables.CLOCK_LIGHTS_UP), clock.light == Light.RED.value)
    async with engine.begin() as connection:
        ids = select(clock.ticket_id).where(*red).distinct().limit(DUE_AT_ONCE)
        chosen = (await connection.execute(ids)).scalars().all()
        await connection.execute(
            update(tables.clocks).where(clock.ticket_id.in_(chosen), *red).values(light=Light.YELLOW.value)
        )


async def _nothing() -> None:
    return


async def _clocked(
    work: Callable[[], Awaitable[Any]], *, before: Callable[[], Awaitable[None]] = _nothing, rounds: int = ROUNDS
) -> float:
    """Milliseconds of the middle round; one more goes before them, so that all find the same warmth."""
    spent = []
    for _ in range(rounds + 1):
        await before()
        started = time.perf_counter()
        await work()
        spent.append((time.perf_counter() - started) * 1000)
    return statistics.median(spent[1:])
