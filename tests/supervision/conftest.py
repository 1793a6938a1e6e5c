"""A town's three weeks, lived once on each kind of database, for tests that only look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
import town
from databases import SQLITE, PostgresServer, SqliteTemplate
from histories import History, make_histories, read_histories
from parts import sweeps

from storage.store import Store

START = town.at("2026-09-28 00:00")
DAYS = 21


async def live(url: str) -> None:
    """Half of the tickets, the sweeps of some days, the other half, and the sweeps of some more."""
    store = await Store.open(url)
    for seed, number in ((7, 32), (8, 32)):
        await make_histories(store, seed, number, START, DAYS)
        for day in (12, 19, 26, 33):
            now = START + timedelta(days=day)
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
    store = await Store.open(lived_url)
    yield store, await read_histories(store)
    await store.close()
