"""A whole service for tests: the shipped configuration and model over a fresh database."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from aiohttp.test_utils import TestClient, TestServer
from service import ADMIN_TOKEN, ROOT, SECRETS, Caller

from domain.category import CategoryTree
from intake_bot.api.server import build_app
from intake_bot.engines import build_engine
from intake_bot.house import House, open_house
from intake_bot.settings import Deployment, load_deployment
from nlu.categories import load_categories
from nlu.embedded.engine import EmbeddedEngine


@pytest.fixture(scope="session", autouse=True)
def quiet_logs() -> None:
    """What goes wrong is logged on one line each; a failing test shows them."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )


@pytest.fixture(scope="session")
def tree() -> CategoryTree:
    return load_categories()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Secrets and the administrator's token, as a deployment sets them."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("INTAKE_ADMIN_TOKEN", ADMIN_TOKEN)
    return monkeypatch


@pytest.fixture
def deployment(environment: pytest.MonkeyPatch, tree: CategoryTree, database_url: str) -> Deployment:
    """The shipped configuration over a fresh database; the model is that of `make run`."""
    environment.setenv("DATABASE_URL", database_url)
    return load_deployment(ROOT / "config.yml", tree)


@pytest.fixture(scope="session")
def engine(tree: CategoryTree) -> EmbeddedEngine:
    """The model of `make run`, loaded once; it is trained when it is not there."""
    return build_engine(load_deployment(ROOT / "config.yml", tree), tree)


@pytest.fixture
async def house(deployment: Deployment, tree: CategoryTree, engine: EmbeddedEngine) -> AsyncIterator[House]:
    async with open_house(deployment, tree, engine) as opened:
        yield opened


@pytest.fixture
async def caller(house: House) -> AsyncIterator[Caller]:
    """A service without timers, so that lights move only when a test says so."""
    client: TestClient[Any, Any] = TestClient(TestServer(build_app(house, timers=False)))
    async with client:
        yield Caller(client, house)
