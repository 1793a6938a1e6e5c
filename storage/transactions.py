"""How the writer's transactions run: plain functions over one connection, each begun, committed and rolled back here.

On SQLite such a function runs in a thread of its own, over a connection that only that thread uses: one hop to the thread
and back for a whole group, where every single statement over aiosqlite would take three. On PostgreSQL it runs on the
event loop, which goes on with other things while a statement waits for the network. Not: what is written (`writer`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.database import sqlite_writing_engine, writing

Result = TypeVar("Result")


class Transactions(Protocol):
    """Runs one transaction after another."""

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` gives, once it is committed; what it raises, once it is rolled back."""
        ...

    async def close(self) -> None: ...


def transactions_of(engine: AsyncEngine) -> Transactions:
    """The writer's transactions on the database of an engine."""
    return _InThread(engine) if engine.dialect.name == "sqlite" else _OnLoop(engine)


class _InThread:
    """SQLite: the driver is synchronous anyway."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = sqlite_writing_engine(engine)
        self._thread = ThreadPoolExecutor(1, "storage-writer")

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    def _run(self, work: Callable[[Connection], Result]) -> Result:
        with self._engine.connect() as connection, connection.begin():
            return work(connection)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown()


class _OnLoop:
    """PostgreSQL over asyncpg: SQLAlchemy turns the waits inside `work` into waits of the loop."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        async with writing(self._engine) as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """The engine is closed by whoever opened it."""
