"""Checking a chain of events: an altered, dropped or reordered row, or a cut-off end, is found and named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, RowMapping, Table, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.erasure import ERASED
from domain.event import GENESIS, Event, chained
from storage import tables
from storage.keyring import Damaged, Keyring
from storage.rows import counted_event_of, digest_of_words
from storage.sealing import keyring_of

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
class Link:
    """What was hashed of a row. `flaw`: what is wrong with it besides, empty where nothing is."""

    ticket_id: int
    event: Event
    words_digest: str = ""
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """A table whose rows are chained by hash in the order of `sequence`.

    `last_sequence`, `last_hash`: where the head row says that it ends. `columns`: what is read of a row. `linked`: what was
    hashed of it. `noun`: what people call a row.
    """

    table: Table
    last_sequence: ColumnElement[int]
    last_hash: ColumnElement[str]
    columns: Sequence[ColumnElement[Any]]
    linked: Callable[[RowMapping], Link]
    noun: str


async def walk(engine: AsyncEngine, chain: Chain) -> ChainReport:
    """Check all rows in order, in batches of bounded size."""
    sequences = chain.table.c.sequence
    previous, sequence = GENESIS, 0
    async with snapshot(engine) as connection:
        last_sequence, last_hash = (await connection.execute(select(chain.last_sequence, chain.last_hash))).one()
        while True:
            following = select(*chain.columns).where(sequences > sequence).order_by(sequences).limit(BATCH)
            rows = (await connection.execute(following)).mappings().all()
            for row in rows:
                if row["sequence"] != sequence + 1:
                    return ChainReport(sequence, sequence + 1, f"{chain.noun}缺失")
                sequence += 1
                link = chain.linked(row)
                previous = chained(previous, sequence, link.ticket_id, link.event, link.words_digest)
                if previous != row["hash"]:
                    return ChainReport(sequence - 1, sequence, f"{chain.noun}内容或次序与校验值不符")
                if link.flaw:
                    return ChainReport(sequence - 1, sequence, f"{chain.noun}的文字说明{link.flaw}")
            if len(rows) < BATCH:
                break
    if sequence < last_sequence:
        return ChainReport(sequence, sequence + 1, f"末尾的{chain.noun}缺失")
    if sequence > last_sequence or previous != last_hash:
        return ChainReport(sequence, sequence, "链尾与登记的校验值不符")
    return ChainReport(sequence)


async def verify_chain(engine: AsyncEngine) -> ChainReport:
    """Check everything that happened to tickets. Words that are gone must have been erased, and an event must say so."""
    report = await _walk_events(engine)
    # What is erased while this walks looks like a loss the first time.
    return report if report.intact else await _walk_events(engine)


async def _walk_events(engine: AsyncEngine) -> ChainReport:
    events, head = tables.events, tables.head.c
    async with engine.connect() as connection:
        erasures = select(events.c.ticket_id).where(events.c.action == ERASED).distinct()
        erased = frozenset((await connection.execute(erasures)).scalars())
    keyring = keyring_of(engine.dialect)

    def linked(row: RowMapping) -> Link:
        flaw = _flaw_of_words(row["sealed"], row["words_digest"], keyring, erased=row["ticket_id"] in erased)
        return Link(row["ticket_id"], counted_event_of(row), row["words_digest"], flaw)

    columns = [one for one in events.c if one is not events.c.words]
    sealed = type_coerce(events.c.words, LargeBinary).label("sealed")
    return await walk(engine, Chain(events, head.event_sequence, head.event_hash, (*columns, sealed), linked, "事件"))


def _flaw_of_words(sealed: bytes | None, digest: str, keyring: Keyring, *, erased: bool) -> str:
    """What is wrong with the words of an event: they are what their digest stands for, or were erased."""
    if sealed is None:
        return "缺失，也没有依规清除的记录" if digest and not erased else ""
    try:
        written = keyring.open(sealed).decode()
    except Damaged:
        return "被改动，无法解密"
    return "" if digest_of_words(written) == digest else "与校验值不符"
