"""A service over HTTP with a real browser in front of it, on SQLite: what pages show does not depend on the database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer
from browser import Site, missing, running_browser

from intake_bot.api.server import build_app
from intake_bot.house import House


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
async def site(house: House) -> AsyncIterator[Site]:
    """Fails at the end when a browser complained about anything: an error of a script, a refused resource, a bad answer."""
    if reason := missing():
        pytest.skip(reason)
    server = TestServer(build_app(house, timers=False))
    await server.start_server()
    try:
        async with running_browser() as browser:
            found = Site(browser, house, str(server.make_url("")).rstrip("/"))
            yield found
            found.check()
    finally:
        await server.close()
