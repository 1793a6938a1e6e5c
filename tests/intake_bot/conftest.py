"""A whole service for tests, spoken to over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from playing import Perform, performing
from service import Caller

from intake_bot.api.server import build_app
from intake_bot.house import House


@pytest.fixture
async def caller(house: House) -> AsyncIterator[Caller]:
    """A service without timers, so that lights move only when a test says so."""
    client: TestClient[Any, Any] = TestClient(TestServer(build_app(house, timers=False)))
    async with client:
        yield Caller(client, house)


@pytest.fixture
async def perform(caller: Caller) -> AsyncIterator[Perform]:
    """Plays scenarios of the simulated platforms against the service."""
    async with performing(caller) as stage:
        yield stage
