"""What is fetched by itself: how far each source was read, whose turn it is, and which files were taken in already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from storage import tables
from storage.database import upsert, writing

LONGEST_ERROR = 500
LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Fetch:
    """A source, `pull:12345` or `folder:12345`. `until`: it is read up to there. `error`: what went wrong the last time."""

    source: str
    until: datetime
    at: datetime
    error: str


class Fetches:
    """Leases and cursors of sources; safe among any number of processes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def lease(
        self, source: str, now: datetime, *, every: timedelta, lease: timedelta, begin: datetime
    ) -> datetime | None:
        """Where to go on from, for the one process whose turn it is; None for the others and before the time.

        A process that dies lets the lease run out. `begin`: where a source begins that was never read.
        """
        table = tables.fetches
        # A new source is due at once: it was last read as long ago as it is to be read again.
        new = {"source": source, "until": begin, "at": now - every, "leased_until": now, "error": ""}
        due = (table.c.source == source, table.c.at <= now - every, table.c.leased_until <= now)
        async with writing(self._engine) as connection:
            statement = upsert(self._engine.dialect.name, table).values(**new)
            await connection.execute(statement.on_conflict_do_nothing(index_elements=("source",)))
            taken = await connection.execute(update(table).where(*due).values(leased_until=now + lease))
            if taken.rowcount != 1:
                return None
            until: datetime = (
                await connection.execute(select(table.c.until).where(table.c.source == source))
            ).scalar_one()
            return until

    async def reached(self, source: str, until: datetime) -> None:
        """Everything up to a moment is on disk; the lease goes on."""
        table = tables.fetches
        async with writing(self._engine) as connection:
            await connection.execute(update(table).where(table.c.source == source).values(until=until))

    async def ended(self, source: str, at: datetime, error: str = "") -> None:
        """This turn is over."""
        table = tables.fetches
        values = {"at": at, "leased_until": at, "error": error[:LONGEST_ERROR]}
        async with writing(self._engine) as connection:
            await connection.execute(update(table).where(table.c.source == source).values(**values))

    async def all(self) -> list[Fetch]:
        """Every source that was ever read."""
        table = tables.fetches.c
        statement = select(table.source, table.until, table.at, table.error).order_by(table.source)
        async with self._engine.connect() as connection:
            return [Fetch(*row) for row in await connection.execute(statement)]

    async def is_taken(self, sha256: str, channel: str) -> bool:
        """Whether a file of this content was taken in for a channel."""
        table = tables.taken_files.c
        statement = select(table.name).where(table.sha256 == sha256, table.channel == channel)
        async with self._engine.connect() as connection:
            return (await connection.execute(statement)).one_or_none() is not None

    async def take_file(self, sha256: str, channel: str, name: str, now: datetime) -> None:
        """Note that a file was taken in; noting it again changes nothing."""
        row = {"sha256": sha256, "channel": channel, "name": name[:LONGEST_NAME], "taken_at": now}
        statement = upsert(self._engine.dialect.name, tables.taken_files).values(**row)
        async with writing(self._engine) as connection:
            await connection.execute(statement.on_conflict_do_nothing(index_elements=("sha256", "channel")))
