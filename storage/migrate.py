"""Bringing a database to today's shape with Alembic; safe when several processes start at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.database import open_engine, writing

_MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 12345_12319
"""Any number of our own: it keeps two processes on PostgreSQL from migrating at the same time."""


async def upgrade(url: str, revision: str = "head") -> None:
    """Migrate to `revision`; nothing happens when the database is there already."""
    engine = open_engine(url)
    try:
        async with writing(engine) as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            await connection.run_sync(lambda sync: command.upgrade(_config(sync), revision))
    finally:
        await engine.dispose()


async def downgrade(url: str, revision: str) -> None:
    """Go back to an older shape. Data that only the newer one has is lost: back up first."""
    engine = open_engine(url)
    try:
        async with writing(engine) as connection:
            await connection.run_sync(lambda sync: command.downgrade(_config(sync), revision))
    finally:
        await engine.dispose()


async def current_revision(engine: AsyncEngine) -> str | None:
    """The revision that the database is at; None before the first migration."""
    async with engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def newest_revision() -> str | None:
    """The revision that `upgrade` leads to."""
    return ScriptDirectory.from_config(_config(None)).get_current_head()


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config
