"""The record of administration: who did what to which account, token, roster or model, and when. Only ever added to.

Chained by hash as the events of tickets are, so that a change to the past shows. Passwords and tokens are never in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, RowMapping, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.administration import Deed
from domain.event import Event, chained
from domain.people import Actor
from storage import tables
from storage.chain import Chain, ChainReport, Link, walk
from storage.database import locked_head, writing
from storage.rows import encoded

_SUBJECT = "subject"
"""Under which name the chain holds whom or what a deed is about."""


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """One entry: `subject` is the account, or the name of the token, destination or model, that it is about."""

    sequence: int
    at: datetime
    actor: str
    role: str
    deed: Deed
    subject: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AccountEventFilter:
    """Which entries; `account` finds what somebody did and what was done to them. Empty means all."""

    account: str | None = None
    deed: Deed | None = None
    start: datetime | None = None
    end: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        table = tables.account_events.c
        found: list[ColumnElement[bool]] = []
        if self.account is not None:
            found.append(or_(table.actor == self.account, table.subject == self.account))
        if self.deed is not None:
            found.append(table.deed == self.deed.value)
        if self.start is not None:
            found.append(table.at >= self.start)
        if self.end is not None:
            found.append(table.at < self.end)
        return found


async def record(
    connection: AsyncConnection,
    actor: Actor,
    deed: Deed,
    subject: str,
    at: datetime,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry in the transaction of what it tells. Locks the head row: whoever changes other rows that two may want
    to change locks it before them, so that nobody waits in a circle."""
    await locked_head(connection)
    head = tables.head
    before = (await connection.execute(select(head.c.deed_sequence, head.c.deed_hash).where(head.c.id == 1))).one()
    sequence = before.deed_sequence + 1
    written = encoded(dict(data or {}))
    details = {_SUBJECT: subject, **msgspec.json.decode(written)}  # as it will be read back
    event = Event(deed.value, at, actor.name, actor.role.value, data=details)
    hashed = chained(before.deed_hash, sequence, 0, event)
    await connection.execute(
        insert(tables.account_events).values(
            sequence=sequence,
            at=at,
            actor=actor.name,
            role=actor.role.value,
            deed=deed.value,
            subject=subject,
            data=written,
            hash=hashed,
        )
    )
    await connection.execute(update(head).where(head.c.id == 1).values(deed_sequence=sequence, deed_hash=hashed))


class AccountEvents:
    """Adding to, searching and checking the record."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(
        self, actor: Actor, deed: Deed, subject: str, at: datetime, data: Mapping[str, Any] | None = None
    ) -> None:
        """An entry about something that happened outside the database, such as another model taken into use."""
        async with writing(self._engine) as connection:
            await record(connection, actor, deed, subject, at, data)

    async def find(
        self, wanted: AccountEventFilter, *, limit: int, before: int | None = None
    ) -> tuple[list[AccountEvent], int | None]:
        """Entries, newest first, those older than the sequence number `before`; and where the next ones begin."""
        table = tables.account_events
        statement = select(table).where(*wanted.conditions()).order_by(table.c.sequence.desc()).limit(limit + 1)
        if before is not None:
            statement = statement.where(table.c.sequence < before)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).all()
        found = [_entry(row) for row in rows[:limit]]
        return found, found[-1].sequence if len(rows) > limit else None

    async def verify(self) -> ChainReport:
        """Check every entry against what was hashed."""
        return await walk(self._engine, _CHAIN)


def _of_no_ticket(row: RowMapping) -> Link:
    data = {_SUBJECT: row["subject"], **msgspec.json.decode(row["data"])}
    return Link(0, Event(row["deed"], row["at"], row["actor"], row["role"], data=data))


_CHAIN = Chain(
    tables.account_events,
    tables.head.c.deed_sequence,
    tables.head.c.deed_hash,
    tuple(tables.account_events.c),
    _of_no_ticket,
    "记录",
)


def _entry(row: Row[Any]) -> AccountEvent:
    return AccountEvent(
        row.sequence, row.at, row.actor, row.role, Deed(row.deed), row.subject, msgspec.json.decode(row.data)
    )
