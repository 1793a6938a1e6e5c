"""Access tokens that other services gave us: short-lived, kept here so that all processes share one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from storage import tables
from storage.database import upsert, writing


class RemoteTokens:
    """Tokens by the name of the service and our account there."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get(self, name: str, now: datetime) -> str | None:
        """A token that is still good; None where there is none."""
        table = tables.remote_tokens.c
        async with self._engine.connect() as connection:
            found = await connection.execute(select(table.value).where(table.name == name, table.expires_at > now))
            value: str | None = found.scalar_one_or_none()
            return value

    async def keep(self, name: str, value: str, expires_at: datetime) -> None:
        """Keep a token in place of an earlier one. Two that do so at once both succeed."""
        table = tables.remote_tokens
        new = upsert(self._engine.dialect.name, table).values(name=name, value=value, expires_at=expires_at)
        changed = {"value": value, "expires_at": expires_at}
        async with writing(self._engine) as connection:
            await connection.execute(new.on_conflict_do_update(index_elements=["name"], set_=changed))
