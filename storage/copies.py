"""How a database becomes one file while others write to it, and how a file becomes a database again: SQLite and PostgreSQL.

Not: what the file is called, where it is kept and what is recorded of it (`backup`).
"""

from __future__ import annotations

import asyncio
import gzip
import os
import secrets
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import URL, MetaData, column, func, inspect, select, table, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage import tables
from storage.chain import snapshot
from storage.database import BUSY_TIMEOUT_MS, open_engine, writing
from storage.postgres_tools import PostgresTools, ToolFailed, environment_of, tools_for

T = TypeVar("T")

Rows = dict[str, int]
"""Table → number of rows, of those of our tables that there are."""
Check = Callable[[str], Awaitable[T]]
"""What is to be found out of a restored database, given its address. It raises where the database is not to be used."""

SCHEMA = "public"
SPARE_BYTES = 16 * 1024 * 1024
"""What a backup leaves free on its disk beside its own need: the service may be writing to the same one."""
TRIED = "intake_check_"
_NOT_ALLOWED = "42501"
"""PostgreSQL's code for lacking a privilege."""
_databases = table("pg_database", column("datname"))
FORGOTTEN = timedelta(days=1)
"""After so long a database that a backup was tried in is one that a killed process left behind."""


class NotEmpty(Exception):
    """A database that nothing may be restored into; a Chinese sentence says why."""


class Copies(Protocol):
    """One database. `check` arguments see the restored database before anybody else does."""

    @property
    def kind(self) -> str: ...

    @property
    def suffix(self) -> str: ...

    async def needed(self) -> int:
        """Bytes that must be free where the file is to be."""

    async def dump(self, file: Path) -> Rows:
        """Write the database as of one moment into a file that is there and empty; the rows of that moment."""

    async def tried(self, file: Path, check: Check[T]) -> T:
        """Restore a file into a database of its own, check it and remove it."""

    async def fill(self, file: Path, check: Check[T]) -> T:
        """Restore a file into this database, which nobody uses and which holds nothing. Raises NotEmpty.

        Where the check raises, the database is as empty as before.
        """


def copies_of(url: str) -> Copies:
    """Raises ValueError for a database that has no file and no server."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return PostgresCopies(parsed)
    if not parsed.database or parsed.database == ":memory:":
        raise ValueError("内存中的数据库没有文件，不能备份")
    return SqliteCopies(Path(parsed.database).absolute())


async def counted(connection: AsyncConnection) -> Rows:
    """The rows of each of our tables."""
    there = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
    return {
        name: int((await connection.execute(select(func.count()).select_from(one))).scalar_one())
        for name, one in tables.metadata.tables.items()
        if name in there
    }


def new_file(file: Path) -> Path:
    """A new empty file that only its owner may read."""
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return file


def _refuse_strangers(there: set[str]) -> None:
    """Nothing is removed from a database that somebody else uses as well."""
    own = {*tables.metadata.tables, "alembic_version"}
    strange = sorted(one for one in there - own if not one.startswith(("search_grams", "sqlite_")))
    if strange:
        raise NotEmpty(f"库中有不属于本系统的表（{'、'.join(strange[:3])}），请换一个空库")


class SqliteCopies:
    """A file, copied by SQLite's own backup within one reading transaction: writers do not wait, and nothing is half there."""

    kind = "sqlite"
    suffix = "db.gz"

    def __init__(self, file: Path) -> None:
        self._file = file

    async def needed(self) -> int:
        log = self._file.with_name(f"{self._file.name}-wal")
        size = self._file.stat().st_size + (log.stat().st_size if log.exists() else 0)
        return 2 * size + SPARE_BYTES  # the copy, and what it is packed into or tried in

    async def dump(self, file: Path) -> Rows:
        return await asyncio.to_thread(self._dump, file)

    def _dump(self, file: Path) -> Rows:
        with _passing(file.with_name(f"{file.name}.raw")) as raw:
            with _connected(self._file, "rw") as source, _connected(raw, "rw") as target:
                source.execute("PRAGMA query_only=ON")
                source.execute("BEGIN")
                there = _tables(source)
                rows = {
                    name: int(source.execute(str(select(func.count()).select_from(one))).fetchone()[0])
                    for name, one in tables.metadata.tables.items()
                    if name in there
                }
                source.backup(target)  # of the moment that the transaction sees
                target.execute("PRAGMA journal_mode=DELETE")
            with raw.open("rb") as plain, gzip.open(file, "wb", compresslevel=6) as packed:
                shutil.copyfileobj(plain, packed, 1024 * 1024)
        return rows

    async def tried(self, file: Path, check: Check[T]) -> T:
        with _passing(file.with_name(f"{file.name}.check")) as copy:
            await asyncio.to_thread(_unpack, file, copy)
            return await check(_sqlite_url(copy))

    async def fill(self, file: Path, check: Check[T]) -> T:
        await asyncio.to_thread(self._refuse_used)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with _passing(self._file.with_name(f".{self._file.name}.restoring")) as copy:
            await asyncio.to_thread(_unpack, file, copy)
            found = await check(_sqlite_url(copy))
            await asyncio.to_thread(self._put_in_place, copy)
        return found

    def _refuse_used(self) -> None:
        if not self._file.exists() or self._file.stat().st_size == 0:
            return
        with _connected(self._file, "rw") as connection:
            there = _tables(connection)
            _refuse_strangers(there)
            if "tickets" in there and connection.execute("SELECT 1 FROM tickets LIMIT 1").fetchone():
                raise NotEmpty("库中已有工单")
            try:
                connection.execute("PRAGMA busy_timeout=0")
                connection.execute("PRAGMA journal_mode=DELETE")  # which nobody gets while somebody else has it open
            except sqlite3.OperationalError as error:
                raise NotEmpty("这个数据库正在使用，请先停止服务") from error

    def _put_in_place(self, copy: Path) -> None:
        with _connected(copy, "rw") as connection:
            connection.execute("PRAGMA journal_mode=DELETE")  # everything in the one file
        self._refuse_used()
        if self._file.exists():
            was = self._file.stat()
            copy.chmod(was.st_mode & 0o777)
            with suppress(PermissionError):
                os.chown(copy, was.st_uid, was.st_gid)
        synced(copy)
        copy.replace(self._file)
        synced(self._file.parent)


class PostgresCopies:
    """A database on a server, by `pg_dump` and `pg_restore` of this machine."""

    kind = "postgresql"
    suffix = "dump"

    def __init__(self, url: URL) -> None:
        self._url = url

    async def needed(self) -> int:
        async with self._engine() as engine, engine.connect() as connection:
            size = (await connection.execute(text("SELECT pg_database_size(current_database())"))).scalar_one()
        return int(size) + SPARE_BYTES  # rows are packed, and indexes are left out: there is no way to need more

    async def dump(self, file: Path) -> Rows:
        async with self._engine() as engine:
            tools = await self._tools(engine)
            async with snapshot(engine) as connection:
                shared = (await connection.execute(text("SELECT pg_export_snapshot()"))).scalar_one()
                rows = await counted(connection)
                await tools.run(
                    "pg_dump",
                    *("--format=custom", f"--schema={SCHEMA}", "--no-owner", "--no-privileges"),
                    *(f"--snapshot={shared}", f"--file={file}"),
                    environment=environment_of(self._url),
                )
        return rows

    async def tried(self, file: Path, check: Check[T]) -> T:
        async with self._engine() as engine:
            tools = await self._tools(engine)
            async with _database_for_a_while(engine) as name:
                beside = self._url.set(database=name)
                await _restore(tools, file, beside)
                return await check(beside.render_as_string(hide_password=False))

    async def fill(self, file: Path, check: Check[T]) -> T:
        async with self._engine() as engine:
            tools = await self._tools(engine)
            await _clear(engine)
            try:
                await _restore(tools, file, self._url)
                return await check(self._url.render_as_string(hide_password=False))
            except BaseException:
                await engine.dispose()
                await _drop_all(engine)
                raise

    @asynccontextmanager
    async def _engine(self) -> AsyncIterator[AsyncEngine]:
        engine = open_engine(self._url.render_as_string(hide_password=False))
        try:
            yield engine
        finally:
            await engine.dispose()

    async def _tools(self, engine: AsyncEngine) -> PostgresTools:
        async with engine.connect() as connection:
            number = (await connection.execute(text("SHOW server_version_num"))).scalar_one()
        return await tools_for(int(number) // 10_000)


async def _restore(tools: PostgresTools, file: Path, url: URL) -> None:
    await tools.run(
        "pg_restore",
        *("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"),
        *(f"--schema={SCHEMA}", f"--dbname={url.database}", str(file)),
        environment=environment_of(url),
    )


@asynccontextmanager
async def _database_for_a_while(engine: AsyncEngine) -> AsyncIterator[str]:
    """The name of a new database on the same server; it goes on leaving, as do those that nobody came back for."""
    now = datetime.now(UTC)
    name = f"{TRIED}{now:%Y%m%d%H%M%S}_{secrets.token_hex(4)}"
    oldest = f"{TRIED}{now - FORGOTTEN:%Y%m%d%H%M%S}"
    forgotten = select(_databases.c.datname).where(
        _databases.c.datname.startswith(TRIED, autoescape=True), _databases.c.datname < oldest
    )
    async with engine.connect() as connection:
        left_behind = (await connection.execute(forgotten)).scalars().all()
    await _at_once(engine, *map(_dropping, left_behind))
    try:
        await _at_once(engine, f'CREATE DATABASE "{name}" TEMPLATE template0')
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") != _NOT_ALLOWED:
            raise
        raise ToolFailed(
            "数据库账号没有建库的权限，备份无法恢复校验：请由数据库管理员执行 ALTER ROLE 账号 CREATEDB"
        ) from error
    try:
        yield name
    finally:
        await _at_once(engine, _dropping(name))


def _dropping(name: str) -> str:
    return f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'


async def _at_once(engine: AsyncEngine, *statements: str) -> None:
    """What a server does outside of transactions only."""
    async with engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for one in statements:
            await connection.execute(text(one))


async def _clear(engine: AsyncEngine) -> None:
    """Make room in a database that holds no ticket. Raises NotEmpty."""
    async with engine.connect() as connection:
        there = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
        _refuse_strangers(there)
        if "tickets" in there and (await connection.execute(select(tables.tickets.c.id).limit(1))).first():
            raise NotEmpty("库中已有工单")
        others = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        if number := (await connection.execute(others)).scalar_one():
            raise NotEmpty(f"还有 {number} 个连接在使用这个数据库，请先停止服务")
    await _drop_all(engine)


async def _drop_all(engine: AsyncEngine) -> None:
    there = MetaData()
    async with writing(engine) as connection:
        await connection.run_sync(there.reflect)
        await connection.run_sync(there.drop_all)


@contextmanager
def _connected(file: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """A plain connection; transactions are begun by hand."""
    address = f"{file.absolute().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        yield connection


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


@contextmanager
def _passing(file: Path) -> Iterator[Path]:
    """A database file of its own for a while, gone on leaving with all that SQLite puts beside it."""
    beside = [file.with_name(f"{file.name}{end}") for end in ("", "-wal", "-shm", "-journal")]
    for one in beside:
        one.unlink(missing_ok=True)
    new_file(file)
    try:
        yield file
    finally:
        for one in beside:
            one.unlink(missing_ok=True)


def _unpack(file: Path, copy: Path) -> None:
    """Raises OSError or sqlite3.DatabaseError where the file is damaged."""
    with gzip.open(file, "rb") as packed, copy.open("wb") as plain:
        shutil.copyfileobj(packed, plain, 1024 * 1024)
    with _connected(copy, "rw") as connection:
        (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok":
            raise sqlite3.DatabaseError(said)


def _sqlite_url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def synced(path: Path) -> None:
    """Have a file or a folder on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
