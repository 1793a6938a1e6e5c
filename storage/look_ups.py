"""How often wrong digits were given for a ticket, by whomever, so that nobody gets to guess them. Not: which are right."""

from __future__ import annotations

from datetime import date

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from storage import tables
from storage.database import upsert, writing


class LookUps:
    """One count for each ticket number and day. A number that nobody has is counted as any other: no one learns which exist."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def allowed(self, ticket_no: str, day: date, most: int) -> bool:
        """Count a miss before the digits are compared, so that guessing many at once is no help; `matched` takes it back.

        False where there were `most` that day already.
        """
        table = tables.look_up_misses
        new = upsert(self._engine.dialect.name, table).values(ticket_no=ticket_no, day=day.isoformat(), misses=1)
        counted = new.on_conflict_do_update(
            index_elements=list(table.primary_key), set_={"misses": table.c.misses + 1}, where=table.c.misses < most
        )
        async with writing(self._engine) as connection:
            return (await connection.execute(counted)).rowcount > 0

    async def matched(self, ticket_no: str, day: date) -> None:
        """The digits were right: no miss after all."""
        table = tables.look_up_misses
        here = (table.c.ticket_no == ticket_no, table.c.day == day.isoformat())
        async with writing(self._engine) as connection:
            await connection.execute(update(table).where(*here).values(misses=table.c.misses - 1))
