"""A whole house for conversations: the shipped configuration, model and question file over a fresh database."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest
import structlog
from service import ADMIN_TOKEN, ROOT, SECRETS

from domain.category import CategoryTree
from intake_bot.engines import build_engine
from intake_bot.house import House, open_house
from intake_bot.settings import Deployment, load_deployment
from nlu.categories import load_categories
from nlu.embedded.engine import EmbeddedEngine


@pytest.fixture(scope="session", autouse=True)
def quiet_logs() -> None:
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )


@pytest.fixture(scope="session")
def tree() -> CategoryTree:
    return load_categories()


@pytest.fixture(scope="session")
def engine(tree: CategoryTree) -> EmbeddedEngine:
    """The model of `make run`, loaded once; it is trained when it is not there."""
    return build_engine(load_deployment(ROOT / "config.yml", tree), tree)


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch, tree: CategoryTree, database_url: str) -> Deployment:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("INTAKE_ADMIN_TOKEN", ADMIN_TOKEN)
    monkeypatch.setenv("DATABASE_URL", database_url)
    return load_deployment(ROOT / "config.yml", tree)


@pytest.fixture
async def house(deployment: Deployment, tree: CategoryTree, engine: EmbeddedEngine) -> AsyncIterator[House]:
    async with open_house(deployment, tree, engine) as opened:
        yield opened
