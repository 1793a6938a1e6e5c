"""What timers need of the database: who does a job this time, and what may be thrown away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage import tables
from storage.database import locked_head, writing


class Jobs:
    """Claims and cursors of timer jobs, and the purge of what has served its time."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def claim(self, job: str, slot: str, now: datetime) -> bool:
        """True for the first caller of a (job, slot) among all processes, false for every other."""
        try:
            async with writing(self._engine) as connection:
                await _claim(connection, job, slot, now)
        except IntegrityError:
            return False
        return True

    async def claimed(self, job: str, slots: Sequence[str]) -> set[str]:
        """Which of a job's slots are claimed."""
        table = tables.job_claims.c
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(table.slot).where(table.job == job, table.slot.in_(slots)))
            return set(rows.scalars())

    async def purge(self, *, nonces_before: datetime, claims_before: datetime, tokens_before: datetime) -> None:
        """Forget nonces and claims that are older, the keys of requests as old as the claims, and the tokens and sessions
        that were over by then. Who had them stays on record in the events of the accounts."""
        token = tables.tokens.c
        async with writing(self._engine) as connection:
            await connection.execute(delete(tables.nonces).where(tables.nonces.c.seen_at < nonces_before))
            await connection.execute(delete(tables.job_claims).where(tables.job_claims.c.claimed_at < claims_before))
            await connection.execute(delete(tables.request_keys).where(tables.request_keys.c.done_at < claims_before))
            over = or_(token.expires_at < tokens_before, token.revoked_at < tokens_before)
            await connection.execute(delete(tables.tokens).where(over))

    async def followed(self, job: str) -> int:
        """The sequence number of the last event that a job has dealt with; 0 for a job that never ran."""
        table = tables.job_cursors.c
        async with self._engine.connect() as connection:
            found = (await connection.execute(select(table.sequence).where(table.job == job))).scalar_one_or_none()
        return found or 0

    async def follow(self, job: str, sequence: int) -> None:
        """Note that a job has dealt with the events up to `sequence`. A process that is behind never turns it back."""
        table = tables.job_cursors
        async with writing(self._engine) as connection:
            await locked_head(connection)  # orders two processes that note it for the first time
            known = (await connection.execute(select(table.c.sequence).where(table.c.job == job))).scalar_one_or_none()
            if known is None:
                await connection.execute(insert(table).values(job=job, sequence=sequence))
            elif known < sequence:
                await connection.execute(update(table).where(table.c.job == job).values(sequence=sequence))


async def _claim(connection: AsyncConnection, job: str, slot: str, now: datetime) -> None:
    await connection.execute(insert(tables.job_claims).values(job=job, slot=slot, claimed_at=now))
