"""Searching the events of all tickets: by ticket, actor, action and time. Not: one ticket's story (`tickets`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from storage import tables
from storage.rows import event_of
from storage.tickets import StoredEvent


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; an empty filter means all. `end` is not included."""

    ticket_no: str | None = None
    actor: str | None = None
    action: str | None = None
    start: datetime | None = None
    end: datetime | None = None


class Audit:
    """The search over all events."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(
        self, wanted: EventFilter, *, limit: int, before: int | None = None
    ) -> tuple[list[StoredEvent], int | None]:
        """Events, newest first, those older than the sequence number `before`; and where the next ones begin."""
        event, ticket = tables.events, tables.tickets
        statement = select(event, ticket.c.no).join(ticket, ticket.c.id == event.c.ticket_id)
        if wanted.ticket_no is not None:
            of_ticket = select(ticket.c.id).where(ticket.c.no == wanted.ticket_no).scalar_subquery()
            statement = statement.where(event.c.ticket_id == of_ticket)
        if wanted.actor is not None:
            statement = statement.where(event.c.actor == wanted.actor)
        if wanted.action is not None:
            statement = statement.where(event.c.action == wanted.action)
        if wanted.start is not None:
            statement = statement.where(event.c.at >= wanted.start)
        if wanted.end is not None:
            statement = statement.where(event.c.at < wanted.end)
        if before is not None:
            statement = statement.where(event.c.sequence < before)
        statement = statement.order_by(event.c.sequence.desc()).limit(limit + 1)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        found = [StoredEvent(row["sequence"], row["no"], event_of(row), row["hash"]) for row in rows[:limit]]
        return found, found[-1].sequence if len(rows) > limit else None
