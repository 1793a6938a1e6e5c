"""Every answer is guarded: each route's, refusals, streams, files; and nothing tells which versions we run."""

from __future__ import annotations

import dataclasses
import re

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from service import ADMIN_TOKEN, Caller, sample

from intake_bot.api.server import all_routes, build_app
from intake_bot.house import House

GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


def lacking(answer: ClientResponse) -> list[str]:
    """What an answer lacks."""
    headers = answer.headers
    found = [name for name, value in GUARDS.items() if headers.get(name) != value]
    policy = headers.get("Content-Security-Policy", "")
    sources = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    if sources.get("default-src") != "'none'" or sources.get("frame-ancestors") != "'none'" or "unsafe" in policy:
        found.append("Content-Security-Policy")
    if any(sources.get(name, "'self'") != "'self'" for name in ("script-src", "style-src", "connect-src")):
        found.append("Content-Security-Policy: sources")
    if "microphone=()" not in headers.get("Permissions-Policy", ""):
        found.append("Permissions-Policy")
    if not re.fullmatch("[0-9a-f]{16}", headers.get("X-Request-Id", "")):
        found.append("X-Request-Id")
    if "Cache-Control" not in headers:
        found.append("Cache-Control")
    if "Server" in headers:
        found.append("Server")
    return found


async def test_every_route_is_guarded(caller: Caller) -> None:
    no = (await caller.send("12345", sample("12345"))).body["ticket_no"]
    wrong = {}
    seen = set()
    routes = [(one.method, one.path) for one in all_routes(caller.house.channels.values())]
    for method, path in [*routes, ("GET", "/nowhere"), ("DELETE", "/api/v1/tickets")]:
        address = path.replace("{no}", no).replace("{name:.+}", "css/app.css").replace("{name:sw\\.js}", "sw.js")
        address = re.sub(r"{\w+(:[^}]*)?}", "1", address)
        for token in (ADMIN_TOKEN, "nonsense"):
            headers = {"Authorization": f"Bearer {token}"}
            async with caller.client.request(method, address, headers=headers, allow_redirects=False) as answer:
                seen.add(answer.status)
                if found := lacking(answer):
                    wrong[method, path, answer.status] = found
    assert wrong == {}
    assert {200, 303, 400, 401, 404, 405, 422} <= seen


async def test_encryption_is_insisted_on_where_there_is_some(house: House) -> None:
    for public_url, days, expected in (
        ("https://intake.example.gov.cn", 180, "max-age=15552000"),
        ("https://intake.example.gov.cn", 0, None),
        ("http://intake.example.gov.cn", 180, None),
    ):
        server = house.settings.server.model_copy(update={"public_url": public_url, "hsts_days": days})
        settings = house.settings.model_copy(update={"server": server})
        changed = dataclasses.replace(house, deployment=dataclasses.replace(house.deployment, settings=settings))
        async with TestClient(TestServer(build_app(changed, timers=False))) as client, client.get("/healthz") as answer:
            assert answer.headers.get("Strict-Transport-Security") == expected
