"""The outbox: what must be told to the outside, leased to one deliverer at a time. Rows are written with the change itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Exists,
    Row,
    Select,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.digest import Gathered, digest_of
from domain.outcome import Notice
from storage import tables
from storage.database import writing
from storage.rows import encoded, notice_row

LONGEST_ERROR = 500
FEWEST_GATHERED = 2
"""A single notice is told as it is."""
_TO_PLATFORM: ColumnElement[bool] = literal_column(f"({tables.TO_PLATFORM})", Boolean)
"""Without parameters, as the partial indexes spell it, or they would not serve."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to tell; `ticket_no` is empty where it is about no single ticket. The idempotency key is the same at every
    attempt."""

    id: int
    ticket_no: str
    destination: str
    about: str
    data: Mapping[str, Any]
    idempotency_key: str
    created_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Told:
    """A delivery with what became of it; `due_outer` is the platform's deadline for its ticket."""

    delivery: Delivery
    delivered_at: datetime | None
    due_outer: datetime | None


class Outbox:
    """Leasing and settling of deliveries; safe among any number of processes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def lease(self, kind: str, now: datetime, *, limit: int, lease: timedelta) -> list[Delivery]:
        """Due deliveries whose destination begins with `kind`, each given to nobody else before the lease ends.

        A deliverer that dies lets the lease run out; the delivery is then made again with the same key. Notices to one person
        that may wait for each other, and of which one is due, are replaced by one digest of them all. A platform hears of a
        ticket's steps in their order: a later one waits until the earlier one is delivered or parked.
        """
        table = tables.outbox
        async with writing(self._engine) as connection:
            due = (
                select(table.c.id)
                .where(table.c.next_attempt_at <= now, table.c.destination.startswith(kind, autoescape=True))
                .where(or_(not_(_TO_PLATFORM), ~_earlier_step_waits()))
                .order_by(table.c.next_attempt_at, table.c.id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            ids = list((await connection.execute(due)).scalars())
            if not ids:
                return []
            ids = await _folded(connection, ids, now)
            await connection.execute(
                update(table)
                .where(table.c.id.in_(ids))
                .values(next_attempt_at=now + lease, attempts=table.c.attempts + 1)
            )
            rows = await connection.execute(_rows().where(table.c.id.in_(ids)).order_by(table.c.id))
            return [_delivery(row) for row in rows]

    async def delivered(self, delivery_id: int, now: datetime) -> None:
        await self._settle([delivery_id], delivered_at=now, next_attempt_at=None, last_error="")

    async def failed(self, delivery_id: int, error: str, next_attempt_at: datetime) -> None:
        await self._settle([delivery_id], next_attempt_at=next_attempt_at, last_error=error[:LONGEST_ERROR])

    async def parked(self, delivery_ids: Sequence[int], error: str, now: datetime) -> None:
        """Given up after too many attempts, or without an address; they stay on record and show in the counts."""
        await self._settle(delivery_ids, parked_at=now, next_attempt_at=None, last_error=error[:LONGEST_ERROR])

    async def counts(self) -> dict[str, int]:
        """How many are waiting, delivered and parked."""
        table = tables.outbox.c
        statement = select(
            func.count(table.next_attempt_at).label("waiting"),
            func.count(table.delivered_at).label("delivered"),
            func.count(table.parked_at).label("parked"),
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).one()
        return {"waiting": row.waiting, "delivered": row.delivered, "parked": row.parked}

    async def latest(self, ticket_no: str, destination: str) -> Delivery | None:
        """The newest thing that a platform (`channel:…`) is told of a ticket, delivered or not."""
        statement = _rows().where(
            tables.tickets.c.no == ticket_no, tables.outbox.c.destination == destination, _TO_PLATFORM
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement.order_by(tables.outbox.c.id.desc()).limit(1))).one_or_none()
        return _delivery(row) if row is not None else None

    async def told(self, destination: str, since: datetime, until: datetime) -> list[Told]:
        """Everything that a platform (`channel:…`) was or is to be told of what happened in a period, the oldest first."""
        table, due = tables.outbox.c, tables.tickets.c.due_outer
        statement = (
            _rows()
            .add_columns(due)
            .where(table.destination == destination, _TO_PLATFORM)
            .where(table.created_at >= since, table.created_at < until)
            .order_by(table.id)
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement)
            return [Told(_delivery(row), row.delivered_at, row.due_outer) for row in rows]

    async def _settle(self, delivery_ids: Sequence[int], **values: Any) -> None:
        async with writing(self._engine) as connection:
            await connection.execute(update(tables.outbox).where(tables.outbox.c.id.in_(delivery_ids)).values(**values))


def _earlier_step_waits() -> Exists:
    """Whether a platform has yet to hear of an earlier step of the same ticket. It reads one index over platforms' rows."""
    table, earlier = tables.outbox, tables.outbox.alias("earlier")
    return (
        select(earlier.c.id)
        .where(
            func.substr(earlier.c.destination, literal_column("1"), literal_column("8"))
            == literal_column("'channel:'"),
            earlier.c.ticket_id == table.c.ticket_id,
            earlier.c.id < table.c.id,
            earlier.c.destination == table.c.destination,
            earlier.c.next_attempt_at.is_not(None),
        )
        .correlate(table)
        .exists()
    )


def _rows() -> Select[Any]:
    """Deliveries with the numbers of their tickets."""
    table, ticket = tables.outbox, tables.tickets
    number = func.coalesce(ticket.c.no, "").label("no")
    return select(table, number).outerjoin(ticket, ticket.c.id == table.c.ticket_id)


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        row.id,
        row.no,
        row.destination,
        row.about,
        msgspec.json.decode(row.payload),
        row.idempotency_key,
        row.created_at,
        row.attempts,
    )


async def put(connection: AsyncConnection, notices: Sequence[Notice], at: datetime, *, key: str) -> None:
    """Put notices about no single ticket into the outbox, in the transaction of what they tell.

    `key` names what is told, once and for all; a second telling of it violates the outbox's unique keys.
    """
    rows = [notice_row(notice, number, key, at) for number, notice in enumerate(notices, start=1)]
    if rows:
        await connection.execute(insert(tables.outbox), rows)


async def _folded(connection: AsyncConnection, ids: Sequence[int], now: datetime) -> list[int]:
    """The ids with those that can be gathered replaced by their digests.

    What another process is delivering at this moment is passed over, and what was tried before goes alone.
    """
    table, ticket = tables.outbox, tables.tickets
    fresh = (table.c.foldable, table.c.attempts == 0, table.c.next_attempt_at.is_not(None))
    people = (await connection.execute(select(table.c.destination).where(table.c.id.in_(ids), *fresh))).scalars()
    kept = dict.fromkeys(ids)
    for person in dict.fromkeys(people):
        rows = (
            await connection.execute(
                select(table, ticket.c.no)
                .join(ticket, ticket.c.id == table.c.ticket_id)
                .where(table.c.destination == person, *fresh)
                .order_by(table.c.id)
                .with_for_update(of=table, skip_locked=True)
            )
        ).all()
        if len(rows) < FEWEST_GATHERED:
            continue
        gathered = [Gathered(row.no, row.about, msgspec.json.decode(row.payload)) for row in rows]
        made = await connection.execute(
            insert(table)
            .values(
                ticket_id=rows[0].ticket_id,
                destination=person,
                about="digest",
                payload=encoded(digest_of(gathered)),
                idempotency_key=f"digest-{rows[0].id}",
                created_at=now,
                attempts=0,
                next_attempt_at=now,
                last_error="",
            )
            .returning(table.c.id)
        )
        digest = int(made.scalar_one())
        members = [row.id for row in rows]
        await connection.execute(
            update(table).where(table.c.id.in_(members)).values(next_attempt_at=None, folded_into=digest)
        )
        kept = dict.fromkeys([*(one for one in kept if one not in members), digest])
    return list(kept)
