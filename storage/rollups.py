"""Days that were counted once and are added up since: which are kept, which a later change has touched. Not: what they say.

What is kept of a day holds as long as no ticket with a part in that day has changed. A change always leaves an event, so that
the events behind the last round tell which tickets to look at, and these which days no longer hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BindParameter, bindparam, delete, func, insert, select, union
from sqlalchemy.ext.asyncio import AsyncEngine

from storage import tables
from storage.database import in_parts, locked_head, writing
from storage.populations import Dimension, local_period
from storage.rows import encoded

TICKETS = "tickets"
"""The dimension of the ids of a day's tickets; its key is empty. A day that has such a row is kept."""

JOB = "daily_figures"
"""The job whose cursor says up to which event every kept day holds."""


class Rollups:
    """Reading and keeping the figures of single days."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def keep(self, day: str, figures: Sequence[tuple[str, str, Any]], now: datetime, *, sequence: int) -> bool:
        """Keep a day's figures, counted after the event `sequence` was there: (dimension, key, figures) for each.

        False, and nothing changes, where they are kept already from no earlier count, or a later round is over.
        """
        table, cursors = tables.daily_figures, tables.job_cursors.c
        rows = [
            {
                "day": day,
                "dimension": dimension,
                "key": key,
                "figures": encoded(values),
                "computed_at": now,
                "sequence": sequence,
            }
            for dimension, key, values in figures
        ]
        async with writing(self._engine) as connection:
            await locked_head(connection)
            known = (
                await connection.execute(
                    select(func.max(table.c.sequence)).where(table.c.day == day, table.c.dimension == TICKETS)
                )
            ).scalar_one()
            over = (await connection.execute(select(cursors.sequence).where(cursors.job == JOB))).scalar_one_or_none()
            if (known is not None and known >= sequence) or (over is not None and over > sequence):
                return False
            await connection.execute(delete(table).where(table.c.day == day))
            await connection.execute(insert(table), rows)
        return True

    async def days(self, first: str, last: str, dimension: str) -> dict[str, dict[str, Any]]:
        """What is kept of the days from `first` to `last`, both included: day → key → figures."""
        table = tables.daily_figures.c
        statement = select(table.day, table.key, table.figures).where(
            table.day.between(first, last), table.dimension == dimension
        )
        found: dict[str, dict[str, Any]] = {}
        async with self._engine.connect() as connection:
            for row in await connection.execute(statement.order_by(table.day, table.key)):
                found.setdefault(row.day, {})[row.key] = msgspec.json.decode(row.figures)
        return found

    async def progress(self) -> tuple[int, int]:
        """The last event up to which every kept day holds, and the last event that there is."""
        cursors = tables.job_cursors.c
        statement = select(
            select(func.coalesce(func.max(cursors.sequence), 0)).where(cursors.job == JOB).scalar_subquery(),
            tables.head.c.event_sequence,
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).one()
            return row[0], row[1]

    async def kept(self, first: str = "", last: str = "9999") -> set[str]:
        """Which of the days from `first` to `last`, both included, are kept, whether they still hold or not."""
        table = tables.daily_figures.c
        statement = select(table.day).where(table.day.between(first, last), table.dimension == TICKETS)
        async with self._engine.connect() as connection:
            return set((await connection.execute(statement)).scalars())

    async def touched(
        self, after: int, first: str = "", last: str = "9999", *, most: int | None = None
    ) -> set[str] | None:
        """The kept days that no longer hold because of the events behind `after`.

        None where more than `most` tickets have changed: too many to say quickly.
        """
        kept = await self.days(first, last, TICKETS)
        if not kept:
            return set()
        changed = await self._changed(after, most)
        if changed is None:
            return None
        days = {day for day, found in kept.items() if not changed.isdisjoint(found[""])}
        return days | (await self._days_of(changed) & kept.keys())

    async def _changed(self, after: int, most: int | None) -> set[int] | None:
        """Ids of the tickets that have changed, and of those by the same reporters: a matter counts as sent before or again."""
        event, ticket = tables.events.c, tables.tickets.c
        statement = select(event.ticket_id).where(event.sequence > after).distinct()
        async with self._engine.connect() as connection:
            changed = set((await connection.execute(statement.limit(most + 1 if most else None))).scalars())
            if most is not None and len(changed) > most:
                return None
            neighbours: set[int] = set()
            for part in in_parts(sorted(changed)):
                keys = select(ticket.reporter_key).where(ticket.id.in_(part), ticket.reporter_key != "")
                same = select(ticket.id).where(ticket.reporter_key.in_(keys))
                neighbours.update((await connection.execute(same)).scalars())
        return changed | neighbours

    async def _days_of(self, ids: Iterable[int]) -> set[str]:
        """The local days on which anything about the tickets happened or falls due: all that they can have a part in."""
        dialect = self._engine.dialect.name
        parts: BindParameter[Any] = bindparam("ids", expanding=True)
        moments = (
            (tables.tickets.c.created_at, tables.tickets.c.id),
            (tables.assignments.c.dispatched_at, tables.assignments.c.ticket_id),
            (tables.clocks.c.due_at, tables.clocks.c.ticket_id),
            (tables.events.c.at, tables.events.c.ticket_id),
        )
        statement = union(
            *(select(local_period(at, Dimension.DAY, dialect).label("day")).where(of.in_(parts)) for at, of in moments)
        )
        found: set[str] = set()
        async with self._engine.connect() as connection:
            for part in in_parts(sorted(ids)):
                found.update((await connection.execute(statement, {"ids": part})).scalars())
        return found
