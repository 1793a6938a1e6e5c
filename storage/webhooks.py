"""Events put into the outbox for those who follow them from outside. Not: whom (`config.yml`) nor how they are told."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from storage import tables
from storage.database import locked_head, writing
from storage.rows import encoded, event_of

AT_ONCE = 500
"""Events that one round puts into the outbox."""


class Webhooks:
    """A cursor over the events for each webhook, moved in the transaction that puts them into the outbox."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def spread(self, name: str, actions: Collection[str], now: datetime) -> bool:
        """Put the next events into the outbox for `webhook:name`; whether there may be more.

        `actions`: which events; empty for all. A name that was never used before begins with what happens from now on.
        """
        job, cursors, event, ticket = f"webhook:{name}", tables.job_cursors, tables.events, tables.tickets
        async with writing(self._engine) as connection:
            head = await locked_head(connection)  # one process at a time, and no event appears meanwhile
            statement = select(cursors.c.sequence).where(cursors.c.job == job)
            reached = (await connection.execute(statement)).scalar_one_or_none()
            if reached is None:
                await connection.execute(insert(cursors).values(job=job, sequence=head.event_sequence))
                return False
            if reached >= head.event_sequence:
                return False
            following = (
                select(event, ticket.c.no, ticket.c.channel, ticket.c.source_no)
                .join(ticket, ticket.c.id == event.c.ticket_id)
                .where(event.c.sequence > reached, event.c.sequence <= reached + AT_ONCE)
                .order_by(event.c.sequence)
            )
            if actions:
                following = following.where(event.c.action.in_(sorted(actions)))
            rows = [_row(name, row, now) for row in (await connection.execute(following)).mappings()]
            if rows:
                await connection.execute(insert(tables.outbox), rows)
            until: int = min(reached + AT_ONCE, head.event_sequence)
            await connection.execute(update(cursors).where(cursors.c.job == job).values(sequence=until))
            return until < head.event_sequence


def _row(name: str, row: Any, now: datetime) -> dict[str, Any]:
    event = event_of(row)
    payload = {
        "sequence": row["sequence"],
        "at": event.at.isoformat(),
        "ticket_no": row["no"],
        "channel": row["channel"],
        "source_no": row["source_no"],
        "action": event.action,
        "role": str(event.role),
        "assignment": event.position,
        "data": event.data,
        "hash": row["hash"],
    }
    return {
        "ticket_id": row["ticket_id"],
        "destination": f"webhook:{name}",
        "about": event.action,
        "payload": encoded(payload),
        "idempotency_key": f"webhook-{name}-{row['sequence']}",
        "created_at": now,
        "attempts": 0,
        "next_attempt_at": now,
        "last_error": "",
    }
