"""Checking a chain of events: an altered, dropped or reordered row, or a cut-off end, is found and named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import ColumnElement, RowMapping, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.event import GENESIS, Event, chained
from storage import tables
from storage.rows import event_of

BATCH = 5_000


@dataclass(frozen=True, slots=True)
class ChainReport:
    """How many events were checked; `broken_at` is the first sequence number that does not fit, with the reason."""

    checked: int
    broken_at: int | None = None
    reason: str = ""

    @property
    def intact(self) -> bool:
        return self.broken_at is None


@asynccontextmanager
async def snapshot(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that sees one moment: what is written while a chain is walked must not look like a broken one."""
    async with engine.connect() as connection:
        if engine.dialect.name == "postgresql":  # SQLite's transactions always see one moment
            connection = await connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


@dataclass(frozen=True, slots=True)
class Chain:
    """A table whose rows are chained by hash in the order of `sequence`.

    `last_sequence`, `last_hash`: where the head row says that it ends. `linked`: of a row, the ticket and the event that were
    hashed. `noun`: what people call a row.
    """

    table: Table
    last_sequence: ColumnElement[int]
    last_hash: ColumnElement[str]
    linked: Callable[[RowMapping], tuple[int, Event]]
    noun: str


async def walk(engine: AsyncEngine, chain: Chain) -> ChainReport:
    """Check all rows in order, in batches of bounded size."""
    table = chain.table
    previous, sequence = GENESIS, 0
    async with snapshot(engine) as connection:
        last_sequence, last_hash = (await connection.execute(select(chain.last_sequence, chain.last_hash))).one()
        while True:
            following = select(table).where(table.c.sequence > sequence).order_by(table.c.sequence).limit(BATCH)
            rows = (await connection.execute(following)).mappings().all()
            for row in rows:
                if row["sequence"] != sequence + 1:
                    return ChainReport(sequence, sequence + 1, f"{chain.noun}缺失")
                sequence += 1
                previous = chained(previous, sequence, *chain.linked(row))
                if previous != row["hash"]:
                    return ChainReport(sequence - 1, sequence, f"{chain.noun}内容或次序与校验值不符")
            if len(rows) < BATCH:
                break
    if sequence < last_sequence:
        return ChainReport(sequence, sequence + 1, f"末尾的{chain.noun}缺失")
    if sequence > last_sequence or previous != last_hash:
        return ChainReport(sequence, sequence, "链尾与登记的校验值不符")
    return ChainReport(sequence)


def _of_ticket(row: RowMapping) -> tuple[int, Event]:
    return row["ticket_id"], event_of(row)


_EVENTS = Chain(tables.events, tables.head.c.event_sequence, tables.head.c.event_hash, _of_ticket, "事件")


async def verify_chain(engine: AsyncEngine) -> ChainReport:
    """Check everything that happened to tickets."""
    return await walk(engine, _EVENTS)
