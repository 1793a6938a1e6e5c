"""Checking the chain of events: an altered, dropped or reordered row, or a cut-off end, is found and named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.event import GENESIS, chained
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


async def verify_chain(engine: AsyncEngine) -> ChainReport:
    """Walk all events in order, in batches of bounded size."""
    table = tables.events
    previous, sequence = GENESIS, 0
    async with snapshot(engine) as connection:
        head = (await connection.execute(select(tables.head))).one()
        while True:
            rows = (
                (
                    await connection.execute(
                        select(table).where(table.c.sequence > sequence).order_by(table.c.sequence).limit(BATCH)
                    )
                )
                .mappings()
                .all()
            )
            for row in rows:
                if row["sequence"] != sequence + 1:
                    return ChainReport(sequence, sequence + 1, "事件缺失")
                sequence += 1
                previous = chained(previous, sequence, row["ticket_id"], event_of(row))
                if previous != row["hash"]:
                    return ChainReport(sequence - 1, sequence, "事件内容或次序与校验值不符")
            if len(rows) < BATCH:
                break
    if sequence < head.event_sequence:
        return ChainReport(sequence, sequence + 1, "末尾的事件缺失")
    if sequence > head.event_sequence or previous != head.event_hash:
        return ChainReport(sequence, sequence, "链尾与登记的校验值不符")
    return ChainReport(sequence)
