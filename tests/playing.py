"""The simulated platforms on a stage of their own: scenarios played against a service of the test's own process."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from service import PATHS, SECRETS, Caller

from domain.ticket import Status
from intake_bot.delivery import Delivery
from intake_bot.simulation.peer import Entry, Peer
from intake_bot.simulation.play import Play
from intake_bot.simulation.scenario import PlatformScenario, Scenario, Step, plan

ADAPTERS = {
    "12345": "hotline_12345",
    "12319": "hotline_12319",
    "12369": "hotline_12369",
    "e-steward": "e_steward",
}
KEYS = {code: SECRETS[f"INTAKE_SECRET_{code.replace('-', '_').upper()}"] for code in ADAPTERS}
TEXTS = ["恬庄村恬庄古街北入口有流动摊贩占道经营，行人无法通行", "飞凤路菜场门口垃圾桶满溢，气味很大"]


def planned(scenario: Scenario, seed: int = 7) -> list[Step]:
    return plan(scenario, ADAPTERS, TEXTS, random.Random(seed), first=1)


def of_12345(**habits: Any) -> Scenario:
    """Two tickets of 12345 alone, at once."""
    platform = PlatformScenario(**habits)
    quiet = PlatformScenario(weight=0)
    return Scenario(seconds=0.2, rate=10, platforms={"12345": platform}, others=quiet)


Perform = Callable[[Scenario], Awaitable[Play]]


@asynccontextmanager
async def performing(caller: Caller) -> AsyncIterator[Perform]:
    """Play a scenario against the service; the platforms listen until the test ends."""
    async with AsyncExitStack() as stack:

        async def performed(scenario: Scenario) -> Play:
            play = Play(str(caller.client.make_url("")).rstrip("/"), PATHS, KEYS, scenario)
            for code, adapter in ADAPTERS.items():
                peer = Peer(code, adapter, KEYS[code], scenario.of(code), 7, play.react)
                play.peers[code] = peer
                await peer.start(0)
                stack.push_async_callback(peer.stop)
            await play.perform(planned(scenario))
            return play

        yield performed


class Courier:
    """The outbox's deliverer, its platforms being the simulated ones; it can be moved in time."""

    def __init__(self, caller: Caller, play: Play, monkeypatch: pytest.MonkeyPatch, timeout: float = 10) -> None:
        addresses = {code: f"http://127.0.0.1:{peer.port}/feedback" for code, peer in play.peers.items()}
        settings = caller.house.settings.delivery.model_copy(
            update={"platforms": addresses, "timeout_seconds": timeout}
        )
        self._caller, self._monkeypatch, self._timeout = caller, monkeypatch, timeout
        self._delivery = Delivery(caller.house, settings)

    async def deliver(self) -> None:
        timeout = aiohttp.ClientTimeout(total=self._timeout)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while await self._delivery.deliver_due(session):
                pass

    def later(self, by: timedelta) -> None:
        moment = self._caller.house.now() + by
        self._monkeypatch.setattr(type(self._caller.house), "now", lambda _: moment)


async def worked(caller: Caller, entry: Entry, *steps: tuple[str, dict[str, Any]]) -> None:
    """The ticket's brigade does some steps."""
    for action, details in steps:
        assert (await caller.act(entry.ticket_no, action, **details)).status == 200, action


async def status(caller: Caller, entry: Entry) -> Status:
    ticket = await caller.house.store.tickets.get(entry.ticket_no)
    assert ticket is not None
    return ticket.status


RESULT = {"result": "已劝离流动摊贩七处，清理垃圾两车，并安排人员每晚巡查", "note": "协办已到场"}
