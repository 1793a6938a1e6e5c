"""What timers need of the database: who does a job this time, and what may be thrown away."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.worktime import local
from storage import sign_in_misses, tables
from storage.database import locked_head, writing


class Jobs:
    """Claims and cursors of timer jobs, and the purge of what has served its time."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def claim(self, job: str, slot: str, now: datetime) -> bool:
        """True for the first caller of a (job, slot) among all processes, false for every other."""
        try:
            async with writing(self._engine) as connection:
                await connection.execute(insert(tables.job_claims).values(job=job, slot=slot, claimed_at=now))
        except IntegrityError:
            return False
        return True

    async def settled(self, job: str) -> str | None:
        """The slot that a job settled last, in whichever process; None for a job that never did."""
        table = tables.job_claims.c
        newest = select(table.slot).where(table.job == job).order_by(table.claimed_at.desc()).limit(1)
        async with self._engine.connect() as connection:
            return (await connection.execute(newest)).scalar_one_or_none()

    async def settle(self, job: str, slot: str, now: datetime) -> None:
        """Note that a job has settled a slot, in place of the one before, which may come again."""
        table = tables.job_claims
        async with writing(self._engine) as connection:
            await locked_head(connection)  # orders two processes that settle the same
            await connection.execute(delete(table).where(table.c.job == job))
            await connection.execute(insert(table).values(job=job, slot=slot, claimed_at=now))

    async def purge(
        self, now: datetime, *, nonces_before: datetime, claims_before: datetime, tokens_before: datetime
    ) -> None:
        """Forget nonces and claims that are older, the keys of requests as old as the claims, and the tokens and sessions
        that were over by then. Who had them stays on record in the events of the accounts. Wrong passwords that tell nothing
        any more go too."""
        token = tables.tokens.c
        async with writing(self._engine) as connection:
            await connection.execute(delete(tables.nonces).where(tables.nonces.c.seen_at < nonces_before))
            await connection.execute(delete(tables.job_claims).where(tables.job_claims.c.claimed_at < claims_before))
            await connection.execute(delete(tables.request_keys).where(tables.request_keys.c.done_at < claims_before))
            await connection.execute(delete(tables.sign_in_misses).where(sign_in_misses.over(now)))
            over = or_(token.expires_at < tokens_before, token.revoked_at < tokens_before)
            await connection.execute(delete(tables.tokens).where(over))
            missed = tables.look_up_misses
            await connection.execute(delete(missed).where(missed.c.day < local(now).date().isoformat()))

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
