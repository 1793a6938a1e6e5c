"""Very many tickets for the supervision benchmark: a busy week lived through the house's own rooms, then copied back in time.

The copies are made by the database itself, whole weeks back, with numbers, reporters and times of their own; a tenth of
all tickets stays unfinished and red. Their events keep the hashes of the week they are copies of: the chain does not hold over
them, and nothing that is measured reads it. A larger total is a longer history of the same town, not a busier town.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.keys import KEYRING
from domain.actions import DETAILS
from domain.complaint import Complaint, Reporter
from domain.handling import handle
from domain.lifecycle import Action, Forbidden, Incomplete, NotAllowed
from domain.people import Actor, Role
from domain.ticket import Status, Ticket
from domain.worktime import LOCAL
from intake_bot.house import House
from intake_bot.intake import take
from storage import tables
from storage.columns import UtcDateTime
from storage.database import open_engine
from storage.migrate import upgrade
from storage.standing import recount
from supervision.sweeps import Sweeps

NOW = datetime(2026, 11, 26, 10, 0, tzinfo=LOCAL)
"""The moment that counts as now: a Thursday."""

DAYS = 7
FIRST = NOW - timedelta(days=DAYS)
"""What is copied: the week up to now."""

PATTERN = 2_000
"""Tickets of that week; a total is a multiple of it."""

MOST_EVENTS = 40
"""Sequence numbers set aside for each ticket of the pattern."""

NEVER_FINISHED = 0.12
REPORTERS = 400
CHANNELS = ("12345", "12319", "12369", "e-steward")
OPERATOR = Actor("bench-desk", Role.OPERATOR)
_AT_ONCE = 10
_AT_WORK = 200
_CARELESS = ("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-800000")
"""How a SQLite file is filled; what it is asked afterwards, it is asked as it always runs."""

_CAREFUL = ("PRAGMA journal_mode=WAL",)

_IDS = {"sequence": PATTERN * MOST_EVENTS, "ticket_id": PATTERN, "id": PATTERN}
"""By how much the numbers of one week and the next are apart."""
_LEFT_OUT = frozenset({"outbox"})


Pattern = dict[Table, list[dict[str, Any]]]
"""Rows of the week, by table, parents first."""


async def live(house: House, sweeps: Sweeps, engine: AsyncEngine, texts: list[str]) -> Pattern:
    """The week in an empty database: complaints come at all hours, most are worked to their end, then everything is swept."""
    chance = random.Random(20261126)
    received: list[tuple[str, datetime]] = []
    for first in range(0, PATTERN, _AT_ONCE):
        at = FIRST + timedelta(days=DAYS) * (first / PATTERN)
        complaints = [_complaint(chance, texts, first + place, at) for place in range(_AT_ONCE)]
        receipts = await take(house, complaints, Actor("bench", Role.CHANNEL), at, channel="bench")
        received += [(one.ticket.no, at) for one in receipts]
    finished = [one for one in received if chance.random() >= NEVER_FINISHED]
    for first in range(0, len(finished), _AT_WORK):
        part = finished[first : first + _AT_WORK]
        await asyncio.gather(*(_finish(house, random.Random(no), no, at) for no, at in part))
    await sweeps.lights(NOW)
    await sweeps.escalation(NOW)
    await sweeps.gaps(NOW)
    async with engine.connect() as connection:
        return {
            table: [dict(row) for row in (await connection.execute(table.select())).mappings()]
            for table in tables.metadata.sorted_tables
            if ("ticket_id" in table.c or table is tables.tickets) and table.name not in _LEFT_OUT
        }


async def fill(url: str, pattern: Pattern, total: int) -> None:
    """Make an empty database hold the week and as many weeks before it as make `total` tickets."""
    copies = total // PATTERN - 1
    await upgrade(url)
    engine = open_engine(url, KEYRING)
    async with engine.begin() as connection:
        for table, rows in pattern.items():
            if not rows:
                continue
            after = {name: copies * each for name, each in _IDS.items() if name in table.c}
            await connection.execute(
                table.insert(), [row | {name: row[name] + by for name, by in after.items()} for row in rows]
            )
        ends = {"ticket_sequence": (copies + 1) * PATTERN, "event_sequence": (copies + 1) * PATTERN * MOST_EVENTS}
        await connection.execute(tables.head.update().values(**ends))
    sqlite = engine.dialect.name == "sqlite"
    statements = [_copying(table, copies, sqlite) for table in pattern]
    if sqlite:
        await engine.dispose()
        await asyncio.to_thread(_run_on_file, str(engine.url.database), (*_CARELESS, *statements, *_CAREFUL))
    else:
        await _run_alone(engine, statements)
    async with engine.begin() as connection:
        await recount(connection)
    if not sqlite:
        await _run_alone(engine, ("VACUUM ANALYZE", "CHECKPOINT"))
    await engine.dispose()


async def _run_alone(engine: AsyncEngine, statements: Sequence[str]) -> None:
    """Each statement outside a transaction."""
    async with engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in statements:
            await alone.exec_driver_sql(statement)


def _run_on_file(file: str, statements: Sequence[str]) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def _complaint(chance: random.Random, texts: list[str], number: int, at: datetime) -> Complaint:
    channel = chance.choice(CHANNELS)
    phone = f"1380000{chance.randrange(REPORTERS):04d}"
    return Complaint(
        channel=channel,
        source_no=f"B{number}",
        reported_at=at - timedelta(minutes=chance.randrange(5, 90)),
        received_at=at,
        content=chance.choice(texts),
        reporter=Reporter(name="测试市民", phone=phone, confidential=chance.random() < 0.1),
        raw=b"{}",
    )


async def _finish(house: House, chance: random.Random, no: str, received: datetime) -> None:
    """Every step to the end, at intervals that squeeze into what is left of the week."""
    ticket = await house.store.tickets.get(no)
    assert ticket is not None
    left = (NOW - received) / timedelta(minutes=1)
    moments = sorted(min(chance.expovariate(1 / 2_000), left * chance.random()) for _ in range(6))
    for action, minutes in zip(_steps(ticket, chance), moments, strict=False):
        lead = ticket.lead
        member = Actor(f"bench-{lead.unit}", Role.BRIGADE, lead.unit) if lead is not None else OPERATOR
        at = received + timedelta(minutes=minutes)
        actor = member if action[0] in _OF_THE_UNIT else OPERATOR
        ticket = await _act(house, ticket, action, actor, at)


_OF_THE_UNIT = frozenset({Action.ACCEPT, Action.CONTACT, Action.RESOLVE, Action.RETURN})


def _steps(ticket: Ticket, chance: random.Random) -> Iterator[tuple[Action, dict[str, Any]]]:
    if ticket.status is Status.TRIAGE:
        yield Action.TRANSFER, {"brigade": chance.choice(("brigade-1", "brigade-2", "brigade-3")), "reason": "职责"}
    if chance.random() < 0.05:
        yield Action.URGE, {}
    yield Action.ACCEPT, {}
    yield Action.CONTACT, {}
    yield Action.RESOLVE, {"result": "已到现场处理并告知诉求人", "photos": ("https://example.invalid/1.jpg",)}
    satisfied = chance.choice(("satisfied", "satisfied", "basically", "unsatisfied"))
    yield Action.FOLLOW_UP, {"solved": chance.choice(("yes", "yes", "partly")), "satisfaction": satisfied}
    yield Action.CLOSE, {}


async def _act(house: House, before: Ticket, step: tuple[Action, dict[str, Any]], actor: Actor, at: datetime) -> Ticket:
    action, details = step
    body = DETAILS[action](**details)
    try:
        return await house.store.change(before.no, lambda now: handle(now, action, body, actor, at, house.planner))
    except (Forbidden, Incomplete, NotAllowed):
        return before  # referred outside, or its end has come already


def _copying(table: Table, copies: int, sqlite: bool) -> str:
    """The statement that repeats the pattern's rows for each week before it; the oldest first, as they would have come.

    The pattern stands at the end: what has been copied already is not copied again.
    """
    values = ", ".join(_copied(table, column, sqlite) for column in table.c)
    names = ", ".join(f'"{column.name}"' for column in table.c)
    back = (
        f"(WITH RECURSIVE back(n) AS (SELECT {copies} UNION ALL SELECT n - 1 FROM back WHERE n > 1) SELECT n FROM back)"
        if sqlite
        else f"generate_series({copies}, 1, -1)"
    )
    number = "id" if table is tables.tickets else "ticket_id"
    order = ", ".join(f'p."{column.name}"' for column in table.primary_key)
    return (
        f'INSERT INTO "{table.name}" ({names}) SELECT {values} FROM {back} AS back{"" if sqlite else "(n)"} '
        f'CROSS JOIN (SELECT * FROM "{table.name}" WHERE {number} > {copies * PATTERN}) AS p '
        f"ORDER BY back.n DESC, {order}"
    )


def _copied(table: Table, column: Column[Any], sqlite: bool) -> str:
    """One column of a copy, `back.n` weeks before the row `p` of the pattern."""
    name = f'p."{column.name}"'
    if column.name in _IDS:
        return f"{name} - back.n * {_IDS[column.name]}"
    if column.name in {"no", "source_no"}:
        return f"{name} || '-' || back.n"
    if column.name == "reporter_key":
        part = "printf('%04x', back.n)" if sqlite else "lpad(to_hex(back.n), 4, '0')"
        return f"CASE WHEN {name} = '' THEN '' ELSE {part} || substr({name}, 5) END"
    if isinstance(column.type, UtcDateTime):
        return _earlier(name, sqlite)
    if column.name == "light":
        # What still runs has long been overdue in every copy.
        runs = (
            f"p.{tables.CLOCK_LIGHTS_UP.replace(' AND ', ' AND p.')}" if table is tables.clocks else f"{name} <> 'grey'"
        )
        return f"CASE WHEN {runs} THEN 'red' ELSE {name} END"
    if column.name == "rungs":
        return "CASE WHEN p.stopped_at IS NULL THEN 9 ELSE p.rungs END"
    return name


def _earlier(name: str, sqlite: bool) -> str:
    if sqlite:
        return f"date({name}, (-{DAYS} * back.n) || ' days') || substr({name}, 11)"
    return f"{name} - make_interval(days => {DAYS} * back.n)"
