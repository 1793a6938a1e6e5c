"""What a unit has to do: its tickets in hand, and those it finished lately. Not: lists by filter (`tickets`)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, func, nulls_last, select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ticket import IN_HAND, Ticket
from storage import tables
from storage.incidents import STANDS_BEHIND_A_LEAD
from storage.loading import load_tickets
from storage.tickets import IS_OPEN

_IN_HAND = sorted(str(one) for one in IN_HAND)


class Tasks:
    """Queries about the work of one unit. None of them writes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def in_hand(self, unit: str, most: int) -> tuple[list[Ticket], int]:
        """Open tickets with a share that the unit has and has not finished, the `most` that are due first; and how many
        there are in all. Of the tickets of one incident only the one that leads it is a task."""
        table, share = tables.tickets.c, tables.assignments.c
        held = select(share.ticket_id).where(
            share.ticket_id == table.id, share.unit == unit, share.ended_at.is_(None), share.status.in_(_IN_HAND)
        )
        wanted = and_(IS_OPEN, held.exists(), ~STANDS_BEHIND_A_LEAD)
        first = select(table.id).where(wanted).order_by(nulls_last(table.due_inner.asc()), table.id).limit(most)
        async with self._engine.connect() as connection:
            ids = list((await connection.execute(first)).scalars())
            in_all = len(ids)
            if in_all == most:
                in_all = (await connection.execute(select(func.count()).where(wanted))).scalar_one()
            return await load_tickets(connection, table.id.in_(ids)), in_all

    async def finished(self, unit: str, since: datetime, most: int) -> list[Ticket]:
        """Tickets with a share that the unit resolved since then, the newest `most`, newest first."""
        table, share, event = tables.tickets.c, tables.assignments.c, tables.events.c
        lately = select(event.ticket_id).where(event.action == "resolved", event.at >= since)
        newest = (
            select(share.ticket_id, func.max(share.resolved_at).label("at"))
            .where(share.ticket_id.in_(lately), share.unit == unit, share.resolved_at >= since)
            .group_by(share.ticket_id)
            .order_by(func.max(share.resolved_at).desc())
            .limit(most)
        )
        async with self._engine.connect() as connection:
            ids = [row.ticket_id for row in await connection.execute(newest)]
            found = {one.id: one for one in await load_tickets(connection, table.id.in_(ids))}
        return [found[one] for one in ids]
