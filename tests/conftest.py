"""Fixtures that all tests share: databases on SQLite and on PostgreSQL, and a store over each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from databases import POSTGRESQL, SQLITE, NoPostgres, PostgresServer, SqliteTemplate, sqlite_url

from storage.store import Store


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    return SqliteTemplate(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql_server(worker_id: str, testrun_uid: str) -> Iterator[PostgresServer]:
    """One server for the whole run, whatever the number of workers."""
    try:
        server = PostgresServer(testrun_uid, worker_id)
    except NoPostgres as reason:
        pytest.skip(str(reason))
    yield server
    server.close()


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def database_kind(request: pytest.FixtureRequest) -> str:
    """The test runs on each kind of database."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest) -> str:
    """A fresh migrated database, once on SQLite and once on PostgreSQL."""
    name = "sqlite_database_url" if database_kind == SQLITE else "postgresql_database_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def sqlite_database_url(sqlite_template: SqliteTemplate, tmp_path: Path) -> str:
    """A fresh migrated SQLite database, for tests that need one kind only."""
    return sqlite_template.fresh(tmp_path)


@pytest.fixture
def postgresql_database_url(postgresql_server: PostgresServer) -> Iterator[str]:
    """A fresh migrated PostgreSQL database, for tests that need one kind only."""
    url = postgresql_server.fresh()
    yield url
    postgresql_server.drop(url)


@pytest.fixture
def empty_database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table, on each kind."""
    if database_kind == SQLITE:
        yield sqlite_url(tmp_path / "empty.db")
        return
    server: PostgresServer = request.getfixturevalue("postgresql_server")
    url = server.empty()
    yield url
    server.drop(url)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open store over a fresh database of each kind."""
    opened = await Store.open(database_url)
    yield opened
    await opened.close()
