"""What the outbox has given up on: shown by reason, and put back for another series of attempts. Not: delivering (`outbox`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.administration import Deed
from domain.people import Actor
from storage import tables
from storage.account_events import record
from storage.database import locked_head, writing


@dataclass(frozen=True, slots=True)
class ParkedReason:
    """How many deliveries were given up for one reason, and between which moments."""

    error: str
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ParkedDelivery:
    """One delivery that was given up; `ticket_no` is empty where it is about no single ticket."""

    id: int
    ticket_no: str
    destination: str
    about: str
    created_at: datetime
    parked_at: datetime
    attempts: int
    error: str


class NotParked(Exception):
    """There is no parked delivery of that number."""


class Parked:
    """Looking at parked deliveries and putting them back."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def reasons(self, limit: int = 50) -> list[ParkedReason]:
        """The reasons, the most frequent first."""
        table = tables.outbox.c
        count = func.count().label("count")
        statement = (
            select(
                table.last_error,
                count,
                func.min(table.parked_at).label("first_at"),
                func.max(table.parked_at).label("last_at"),
            )
            .where(table.parked_at.is_not(None))
            .group_by(table.last_error)
            .order_by(count.desc(), table.last_error)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [ParkedReason(*row) for row in await connection.execute(statement)]

    async def latest(self, limit: int) -> list[ParkedDelivery]:
        """The deliveries that were given up last."""
        table, ticket = tables.outbox, tables.tickets
        statement = (
            select(table, func.coalesce(ticket.c.no, "").label("no"))
            .outerjoin(ticket, ticket.c.id == table.c.ticket_id)
            .where(table.c.parked_at.is_not(None))
            .order_by(table.c.parked_at.desc(), table.c.id.desc())
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [
                ParkedDelivery(
                    row.id,
                    row.no,
                    row.destination,
                    row.about,
                    row.created_at,
                    row.parked_at,
                    row.attempts,
                    row.last_error,
                )
                for row in await connection.execute(statement)
            ]

    async def replay(self, delivery_id: int, now: datetime, by: Actor) -> None:
        """Put one delivery back, with its idempotency key, as if it had never been tried. Raises NotParked."""
        if not await self._put_back((tables.outbox.c.id == delivery_id,), now, by):
            raise NotParked(delivery_id)

    async def replay_all(self, now: datetime, by: Actor, error: str | None = None) -> int:
        """Put back all, or all that were given up for one reason; how many there were."""
        return await self._put_back(() if error is None else (tables.outbox.c.last_error == error,), now, by)

    async def _put_back(self, which: Sequence[ColumnElement[bool]], now: datetime, by: Actor) -> int:
        table = tables.outbox
        async with writing(self._engine) as connection:
            await locked_head(connection)
            parked = (table.c.parked_at.is_not(None), *which)
            found = await connection.execute(
                select(table.c.destination, func.count().label("number")).where(*parked).group_by(table.c.destination)
            )
            counts = {str(row.destination): int(row.number) for row in found}
            if counts:
                await connection.execute(
                    update(table).where(*parked).values(parked_at=None, next_attempt_at=now, attempts=0, last_error="")
                )
                subject = next(iter(counts)) if len(counts) == 1 else "全部"
                await record(connection, by, Deed.DELIVERIES_REPLAYED, subject, now, {"count": sum(counts.values())})
            return sum(counts.values())
