"""Fixtures that all tests share: databases on SQLite and on PostgreSQL, a store over each, a town's three weeks on both, and
the shipped house over a fresh database."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
import town
from databases import POSTGRESQL, SQLITE, NoPostgres, PostgresServer, SqliteTemplate, sqlite_url
from histories import History, make_histories, read_histories
from parts import sweeps
from sealing_keys import KEYRING, WRITTEN
from service import ADMIN_TOKEN, ROOT, SECRETS, copy_beside

from domain.category import CategoryTree
from intake_bot.engines import build_engine
from intake_bot.house import House, open_house
from intake_bot.settings import Deployment, load_deployment
from nlu.categories import load_categories
from nlu.embedded.engine import EmbeddedEngine
from nlu.models import ModelShelf
from storage.store import Store

os.environ["INTAKE_KEYS"] = WRITTEN  # of every service that a test starts, in this process or another

LIVED_FROM = town.at("2026-09-28 00:00")
LIVED_DAYS = 21


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
    opened = await Store.open(database_url, KEYRING)
    yield opened
    await opened.close()


async def live(url: str) -> None:
    """Half of the tickets, the sweeps of some days, the other half, and the sweeps of some more."""
    store = await Store.open(url, KEYRING)
    for seed, number in ((7, 32), (8, 32)):
        await make_histories(store, seed, number, LIVED_FROM, LIVED_DAYS)
        for day in (12, 19, 26, 33):
            now = LIVED_FROM + timedelta(days=day)
            await sweeps(store).lights(now)
            await sweeps(store).escalation(now)
            await sweeps(store).gaps(now)
    await store.close()


@pytest.fixture(scope="session")
def lived_sqlite_url(sqlite_template: SqliteTemplate, tmp_path_factory: pytest.TempPathFactory) -> str:
    url = sqlite_template.fresh(tmp_path_factory.mktemp("lived"))
    asyncio.run(live(url))
    return url


@pytest.fixture(scope="session")
def lived_postgresql_url(postgresql_server: PostgresServer) -> Iterator[str]:
    url = postgresql_server.fresh()
    asyncio.run(live(url))
    yield url
    postgresql_server.drop(url)


@pytest.fixture
def lived_url(database_kind: str, request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("lived_sqlite_url" if database_kind == SQLITE else "lived_postgresql_url")
    return url


@pytest.fixture
async def lived(lived_url: str) -> AsyncIterator[tuple[Store, list[History]]]:
    """The store of those weeks, not to be written to, and all that happened."""
    store = await Store.open(lived_url, KEYRING)
    yield store, await read_histories(store)
    await store.close()


@pytest.fixture(scope="session")
def quiet_logs() -> None:
    """What goes wrong is logged on one line each; a failing test shows them."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )


@pytest.fixture(scope="session")
def tree() -> CategoryTree:
    return load_categories()


@pytest.fixture(scope="session")
def shipped_deployment(tree: CategoryTree) -> Deployment:
    """The shipped configuration, read once: nothing changes in it, and the environment is asked anew each time."""
    return load_deployment(ROOT / "config.yml", tree)


@pytest.fixture(scope="session")
def engine(shipped_deployment: Deployment, tree: CategoryTree, quiet_logs: None) -> EmbeddedEngine:
    """The model of `make run`, loaded once; it is trained when it is not there."""
    return build_engine(shipped_deployment, tree)


@pytest.fixture
def two_models(tmp_path: Path, engine: EmbeddedEngine, tree: CategoryTree) -> Deployment:
    """A deployment of its own whose shelf holds the shipped model and a twin under another version."""
    config = (ROOT / "config.yml").read_text(encoding="utf-8").replace("var/models", "models")
    (tmp_path / "config.yml").write_text(config, encoding="utf-8")
    copy_beside(tmp_path)
    shelf = ModelShelf(tmp_path / "models")
    shelf.save(engine.model)
    shelf.save(replace(engine.model, version="2000-01-01-twin"))
    shelf.make_current(engine.model.version)
    return load_deployment(tmp_path / "config.yml", tree)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Secrets and the administrator's token, as a deployment sets them."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("INTAKE_ADMIN_TOKEN", ADMIN_TOKEN)
    return monkeypatch


@pytest.fixture
def deployment(environment: pytest.MonkeyPatch, shipped_deployment: Deployment, database_url: str) -> Deployment:
    """The shipped configuration over a fresh database."""
    environment.setenv("DATABASE_URL", database_url)
    return shipped_deployment


@pytest.fixture
async def house(deployment: Deployment, tree: CategoryTree, engine: EmbeddedEngine) -> AsyncIterator[House]:
    """The shipped configuration and model over a fresh database."""
    async with open_house(deployment, tree, engine) as opened:
        yield opened
