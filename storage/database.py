"""Engines for SQLite and PostgreSQL, and the one lock that orders all writers."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from storage.keyring import Keyring
from storage.sealing import keyring_of, seal_with
from storage.tables import head

BUSY_TIMEOUT_MS = 10_000
"""How long a SQLite writer waits for another process's transaction."""

Value = TypeVar("Value")


class StorageUnavailable(Exception):
    """The database cannot be reached or cannot write; nothing was stored. Try again later."""


def open_engine(url: str, keyring: Keyring | None = None) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///path` or `postgresql+asyncpg://…`; creates the folder of a SQLite file.

    Without a keyring what is sealed can be neither written nor read, as suits migrations. Errors do not show the values of a
    statement: they hold what people told us, and errors are logged.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).absolute().parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(url, pool_size=5, max_overflow=5, hide_parameters=True)
        _prepare_sqlite(engine.sync_engine)
    else:
        engine = create_async_engine(
            url, pool_size=5, max_overflow=10, pool_pre_ping=True, pool_recycle=1800, hide_parameters=True
        )
    if keyring is not None:
        seal_with(engine.dialect, keyring)
    return engine


def sqlite_writing_engine(beside: AsyncEngine) -> Engine:
    """An engine of one connection over the same SQLite file with the same keyring, whose transactions all may write; for a
    thread of its own."""
    url = beside.url.set(drivername="sqlite")
    engine = create_engine(url, pool_size=1, max_overflow=0, hide_parameters=True)
    _prepare_sqlite(engine)
    seal_with(engine.dialect, keyring_of(beside.dialect))
    return engine.execution_options(writes=True)


def _prepare_sqlite(engine: Engine) -> None:
    """WAL with full sync, so that an answered ticket survives a power cut; transactions begun by us, not by the driver."""

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        _keep_a_log(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-65536")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A reader that later writes could deadlock with another; writers therefore take the lock at once.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _keep_a_log(cursor: Any) -> None:
    """Turn a file to WAL, which it stays. SQLite does not wait for others over this, so of processes that make a new file
    together all but one are refused for a moment."""
    ends = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.02)
        else:
            return


@dataclass(slots=True)
class Head:
    """The row that every writer locks: where the chain of events and the ticket ids have got to."""

    event_sequence: int
    event_hash: str
    ticket_sequence: int


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that may write; commits on leaving, rolls back on an exception."""
    async with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection = await connection.execution_options(writes=True)
        async with connection.begin():
            yield connection


async def locked_head(connection: AsyncConnection) -> Head:
    """Lock and read the head row. From here to the commit no other process writes tickets or events."""
    return await connection.run_sync(lock_head)


_LOCK_HEAD = select(head).where(head.c.id == 1).with_for_update()
_SAVE_HEAD = update(head).where(head.c.id == 1)


def lock_head(connection: Connection) -> Head:
    """The same for a function that runs inside a transaction of the writer."""
    row = connection.execute(_LOCK_HEAD).one()
    return Head(row.event_sequence, row.event_hash, row.ticket_sequence)


def save_head(connection: Connection, now: Head) -> None:
    """Note in the head row how far the chain and the ticket ids have got."""
    connection.execute(_SAVE_HEAD, asdict(now))


def upsert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what to do where the row is there already."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def in_parts(values: Sequence[Value], size: int = 400) -> Iterator[Sequence[Value]]:
    """Values in parts of bounded size: SQLite takes a limited number of parameters in one statement."""
    return (values[start : start + size] for start in range(0, len(values), size))


def is_outage(error: BaseException) -> bool:
    """Whether the database as a whole failed (gone, locked, full), rather than one statement."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, OperationalError | InterfaceError | OSError | TimeoutError)


def as_told(error: Exception) -> Exception:
    """What the caller is told: to try again later, or, where it lies in the data, what the database said."""
    return StorageUnavailable(type(error).__name__) if is_outage(error) else error
