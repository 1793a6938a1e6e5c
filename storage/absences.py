"""Absences as they were imported from duty rosters: who is away when. Those of `config.yml` are not here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.absence import Absence
from storage import tables
from storage.database import locked_head, writing


class StoredAbsences:
    """Keeping and reading absences."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, absences: Iterable[Absence], now: datetime) -> int:
        """Keep absences; how many of them were new. The same one (account, start, end) again changes nothing."""
        table = tables.absences
        async with writing(self._engine) as connection:
            await locked_head(connection)  # orders two imports of the same sheet
            known = {
                (row.account, row.start_at, row.end_at)
                for row in await connection.execute(select(table.c.account, table.c.start_at, table.c.end_at))
            }
            rows = {}
            for one in absences:
                key = (one.account, one.start, one.end)
                if key not in known:
                    rows[key] = {
                        "account": one.account,
                        "start_at": one.start,
                        "end_at": one.end,
                        "reason": one.reason,
                        "imported_at": now,
                    }
            if rows:
                await connection.execute(insert(table), list(rows.values()))
            return len(rows)

    async def current(self, now: datetime) -> list[Absence]:
        """Those that are not over at `now`, by account and start."""
        table = tables.absences.c
        statement = select(tables.absences).where(table.end_at > now).order_by(table.account, table.start_at)
        async with self._engine.connect() as connection:
            return [
                Absence(row.account, row.start_at, row.end_at, row.reason)
                for row in await connection.execute(statement)
            ]
