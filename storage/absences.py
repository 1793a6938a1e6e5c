"""Absences as they were imported from duty rosters: who is away when. Those of `config.yml` are not here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.absence import Absence
from domain.administration import Deed
from domain.people import SYSTEM, Actor
from storage import tables
from storage.account_events import record
from storage.database import locked_head, writing


@dataclass(frozen=True, slots=True)
class KeptAbsence:
    """An absence with the number under which it can be removed."""

    id: int
    absence: Absence


class StoredAbsences:
    """Keeping and reading absences."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, absences: Iterable[Absence], now: datetime, by: Actor = SYSTEM) -> int:
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
            for account in dict.fromkeys(account for account, _, _ in rows):
                periods = [f"{start.isoformat()}/{end.isoformat()}" for who, start, end in rows if who == account]
                await record(connection, by, Deed.ABSENCES_ADDED, account, now, {"periods": periods})
            return len(rows)

    async def remove(self, number: int, now: datetime, by: Actor) -> bool:
        """Take an absence off the roster; False where there is none of that number."""
        table = tables.absences
        async with writing(self._engine) as connection:
            await locked_head(connection)
            gone = await connection.execute(
                delete(table).where(table.c.id == number).returning(table.c.account, table.c.start_at, table.c.end_at)
            )
            row = gone.one_or_none()
            if row is None:
                return False
            about = {"period": f"{row.start_at.isoformat()}/{row.end_at.isoformat()}"}
            await record(connection, by, Deed.ABSENCE_REMOVED, row.account, now, about)
            return True

    async def kept(self, now: datetime) -> list[KeptAbsence]:
        """Those that are not over at `now`, by start and account, each with its number."""
        table = tables.absences.c
        statement = select(tables.absences).where(table.end_at > now).order_by(table.start_at, table.account)
        async with self._engine.connect() as connection:
            return [
                KeptAbsence(row.id, Absence(row.account, row.start_at, row.end_at, row.reason))
                for row in await connection.execute(statement)
            ]

    async def current(self, now: datetime) -> list[Absence]:
        """The same without their numbers."""
        return [one.absence for one in await self.kept(now)]
