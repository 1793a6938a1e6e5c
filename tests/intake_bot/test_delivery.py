"""The outbox reaches a real peer over HTTP: once when it answers, again when it fails, parked when it never does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from service import Caller, sample

from intake_bot.delivery import Delivery


@dataclass
class Platform:
    """An upstream platform that keeps what it is told, and answers as it is asked to."""

    server: TestServer
    answers: list[int] = field(default_factory=list)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(self.server.make_url("/feedback"))


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async def feedback(request: web.Request) -> web.Response:
        peer.told.append((request.headers["Idempotency-Key"], await request.json()))
        return web.Response(status=peer.answers.pop(0) if peer.answers else 200)

    app = web.Application()
    app.router.add_post("/feedback", feedback)
    async with TestServer(app) as server:
        peer = Platform(server)
        yield peer


def delivering(caller: Caller, platforms: dict[str, str], attempts: int = 12) -> Delivery:
    settings = caller.house.settings.delivery.model_copy(update={"platforms": platforms, "attempts": attempts})
    return Delivery(caller.house, settings)


async def accepted(caller: Caller) -> str:
    """A ticket of 12345, accepted by its brigade: that is reported to the platform."""
    told = (await caller.send("12345", sample("12345"))).body
    token = await caller.new_token("brigade", told["brigade"]["code"])
    await caller.act(told["ticket_no"], "accept", token)
    return str(told["ticket_no"])


async def test_the_platform_is_told_in_its_own_words_once(caller: Caller, platform: Platform) -> None:
    no = await accepted(caller)
    delivery = delivering(caller, {"12345": platform.address})
    async with aiohttp.ClientSession() as session:
        while await delivery.deliver_due(session):
            pass
    assert len(platform.told) == 1
    _, body = platform.told[0]
    assert (body["orderNum"], body["unitOrderNum"], body["orderStateName"]) == (
        sample("12345")["orderNum"],
        no,
        "办理中",
    )
    assert "13800000000" not in str(body)
    counts = await caller.house.store.outbox.counts()
    assert counts["waiting"] == 0
    assert counts["delivered"] == 1
    assert counts["parked"] >= 1, "nobody configured where our own people are told"


async def test_a_failure_is_tried_again_with_the_same_key(
    caller: Caller, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accepted(caller)
    platform.answers = [500, 200]
    delivery = delivering(caller, {"12345": platform.address})
    real_now = caller.house.now()
    async with aiohttp.ClientSession() as session:
        while await delivery.deliver_due(session):
            pass
        assert len(platform.told) == 1
        assert (await caller.house.store.outbox.counts())["waiting"] == 1
        monkeypatch.setattr(type(caller.house), "now", lambda self: real_now + timedelta(hours=2))
        while await delivery.deliver_due(session):
            pass
    assert [key for key, _ in platform.told] == [platform.told[0][0]] * 2
    assert (await caller.house.store.outbox.counts())["waiting"] == 0


async def test_what_never_gets_through_is_parked(caller: Caller) -> None:
    await accepted(caller)
    delivery = delivering(caller, {"12345": "http://127.0.0.1:9/feedback"}, attempts=1)
    async with aiohttp.ClientSession() as session:
        while await delivery.deliver_due(session):
            pass
    counts = await caller.house.store.outbox.counts()
    assert (counts["waiting"], counts["delivered"]) == (0, 0)
    assert counts["parked"] >= 1
