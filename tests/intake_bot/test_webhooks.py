"""Webhooks out: every event signed, described by its schema, at least once under one key; and the descriptions are true."""

from __future__ import annotations

import ast
import asyncio
import importlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from service import ROOT, Caller, sample

from adapters.signature import verify
from domain.category import CategoryTree
from intake_bot.delivery import Delivery
from intake_bot.event_names import EVENTS
from intake_bot.exchange_settings import WebhookSettings
from intake_bot.settings import ConfigurationError, load_deployment
from intake_bot.webhooks import EVENT_SCHEMA, Followers, spread

# apprise imports a module that Python 3.13 no longer has, where it is still there.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
SECRET = "secret-of-the-city"
ROOMS = ("domain", "supervision", "storage", "intake_bot")


@pytest.fixture
def database_kind() -> str:
    """The queries have tests on both kinds of their own."""
    return "sqlite"


@dataclass
class System:
    """Another system: it checks every signature and keeps what it was told, in order."""

    server: TestServer
    statuses: list[int] = field(default_factory=list)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@pytest.fixture
async def system() -> AsyncIterator[System]:
    async def hear(request: web.Request) -> web.Response:
        body, given = await request.read(), request.headers
        verify(
            SECRET,
            timestamp=given["X-Timestamp"],
            nonce=given["X-Nonce"],
            signature=given["X-Signature"],
            body=body,
            now=datetime.now(UTC),
        )
        peer.told.append((given["Idempotency-Key"], json.loads(body)))
        return web.Response(status=peer.statuses.pop(0) if peer.statuses else 204)

    app = web.Application()
    app.router.add_post("/events", hear)
    async with TestServer(app) as server:
        peer = System(server)
        yield peer


async def follow(caller: Caller, system: System, monkeypatch: pytest.MonkeyPatch, *events: str) -> None:
    """The service told of the other system, which hears of everything from now on."""
    monkeypatch.setenv("SECRET_OF_THE_CITY", SECRET)
    webhook = WebhookSettings(
        url=str(system.server.make_url("/events")), secret_env="SECRET_OF_THE_CITY", events=events
    )
    settings = caller.house.settings.model_copy(update={"webhooks": {"city": webhook}})
    monkeypatch.setattr(type(caller.house), "settings", settings)
    await spread(caller.house)


async def deliver(caller: Caller) -> None:
    while await spread(caller.house):
        pass
    delivery = Delivery(caller.house, caller.house.settings.delivery)
    async with aiohttp.ClientSession() as session:
        while await delivery.deliver_due(session):
            pass


async def in_work(caller: Caller) -> str:
    told = (await caller.send("12345", sample("12345"))).body
    token = await caller.new_token("brigade", told["brigade"]["code"])
    assert (await caller.act(told["ticket_no"], "accept", token)).status == 200
    return str(told["ticket_no"])


async def test_every_event_is_told_signed_and_as_described(
    caller: Caller, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    await follow(caller, system, monkeypatch)
    no = await in_work(caller)
    await deliver(caller)
    recorded = await caller.house.store.tickets.events(no)
    assert [one["sequence"] for _, one in system.told] == [one.sequence for one in recorded]
    assert [one["action"] for _, one in system.told] == ["received", "dispatched", "accepted"]
    for key, event in system.told:
        jsonschema.validate(event, EVENT_SCHEMA, format_checker=jsonschema.FormatChecker())
        assert (key, event["ticket_no"], event["channel"]) == (str(event["sequence"]), no, "12345")
    assert "13800000000" not in str(system.told)
    await deliver(caller)
    assert len(system.told) == 3, "what was told is not told again"


async def test_only_what_was_asked_for(caller: Caller, system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    await follow(caller, system, monkeypatch, "accepted", "closed")
    await in_work(caller)
    await deliver(caller)
    assert [one["action"] for _, one in system.told] == ["accepted"]


async def test_a_failure_is_told_again_under_the_same_key(
    caller: Caller, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    await follow(caller, system, monkeypatch, "accepted")
    await in_work(caller)
    system.statuses = [500]
    await deliver(caller)
    later = caller.house.now() + timedelta(minutes=2)
    monkeypatch.setattr(type(caller.house), "now", lambda _: later)
    await deliver(caller)
    assert len(system.told) == 2 and system.told[0] == system.told[1]


async def test_one_that_is_out_of_reach_is_tried_once_a_round_and_keeps_nobody_waiting(
    caller: Caller, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    await follow(caller, system, monkeypatch)
    away = WebhookSettings(url="http://127.0.0.1:9/events", secret_env="SECRET_OF_THE_CITY")
    settings = caller.house.settings.model_copy(update={"webhooks": {**caller.house.settings.webhooks, "away": away}})
    monkeypatch.setattr(type(caller.house), "settings", settings)
    await spread(caller.house)
    await in_work(caller)
    await deliver(caller)
    assert len(system.told) == 3
    assert (await caller.house.store.outbox.counts())["waiting"] == 3


async def test_without_its_secret_nothing_is_sent(
    caller: Caller, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    await follow(caller, system, monkeypatch)
    monkeypatch.delenv("SECRET_OF_THE_CITY")
    await in_work(caller)
    await deliver(caller)
    assert system.told == []


async def test_the_task_follows_and_ends_when_told(
    caller: Caller, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    await follow(caller, system, monkeypatch, "accepted")
    await in_work(caller)
    followers = Followers(caller.house)
    followers.start()
    jobs, last = caller.house.store.jobs, await caller.house.store.tickets.last_sequence()
    for _ in range(200):
        if await jobs.followed("webhook:city") == last:
            break
        await asyncio.sleep(0.05)
    await followers.stop()
    assert await jobs.followed("webhook:city") == last


def written(room: str) -> set[str]:
    """The names of all events that a room makes, read off its code."""
    found: set[str] = set()
    for path in (ROOT / room).rglob("*.py"):
        if path.name in {"account_events.py", "rows.py"}:
            continue
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            if name not in {"Event", "event", "_event", "_system"}:
                continue
            for one in ast.walk(node.args[0]):
                if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value.isidentifier():
                    found.add(one.value)
                elif isinstance(one, ast.Name) and one.id.isupper():
                    found.add(getattr(importlib.import_module(module), one.id))
    return found


def test_every_event_that_the_code_makes_is_described() -> None:
    made = set().union(*(written(room) for room in ROOMS))
    assert {"accepted", "light_changed", "recalled"} <= made
    assert made - set(EVENTS) == set(), "add them to intake_bot/event_names.py"


async def test_the_asyncapi_document_is_served_and_whole(caller: Caller) -> None:
    document = (await caller.get("/api/asyncapi.json", token="")).body
    assert document == json.loads((ROOT / "docs" / "asyncapi.json").read_text(encoding="utf-8"))
    assert document["asyncapi"] == "3.0.0"

    def follows(reference: str) -> Any:
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        return place

    references = [one for one in walked(document) if isinstance(one, dict) and set(one) == {"$ref"}]
    assert len(references) == 4
    for one in references:
        assert follows(one["$ref"])
    jsonschema.Draft202012Validator.check_schema(follows("#/components/schemas/event"))


def walked(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(one for part in inner for one in walked(part))]


def test_an_event_that_there_is_not_cannot_be_asked_for(tmp_path: Path, tree: CategoryTree) -> None:
    config = (ROOT / "config.yml").read_text(encoding="utf-8")
    file = tmp_path / "config.yml"
    hook = "\nwebhooks: {city: {url: 'https://city.example/events', secret_env: CITY, events: [dances]}}\n"
    assert config.count("\nwebhooks: {}\n") == 1
    file.write_text(config.replace("\nwebhooks: {}\n", hook), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="dances"):
        load_deployment(file, tree)
