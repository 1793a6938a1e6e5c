"""A scenario played against a running service: every step at its time, every answer kept and held against the ledgers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

import aiohttp

from domain.platform import Said
from intake_bot.simulation.bodies import signed
from intake_bot.simulation.manners import Body
from intake_bot.simulation.peer import Entry, Peer, Reaction
from intake_bot.simulation.scenario import Scenario, Step

MOST_AT_ONCE = 64
TRIES = 5
"""How often a platform sends what was not taken (no answer, 404, 429, 5xx), a little later each time."""
FIRST_PAUSE = 0.2
_TEXTS: Mapping[Said, str] = {
    Said.URGED: "诉求人再次来电催促",
    Said.PROGRESS_ASKED: "",
    Said.RECALLED: "诉求人撤回",
}


@dataclass(slots=True)
class Account:
    """What was sent and what came back. `contradictions`: the same ticket sent again was answered with another number."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    contradictions: int = 0
    messages: Counter[str] = field(default_factory=Counter)

    def enter(self, channel: str, outcome: str) -> None:
        self.outcomes.setdefault(channel, Counter())[outcome] += 1


class Play:
    """One performance. `peers` are the platforms by channel; they listen already where they are to be told anything."""

    def __init__(self, address: str, paths: Mapping[str, str], secrets: Mapping[str, str], scenario: Scenario) -> None:
        """`paths` and `secrets` by channel."""
        self.account = Account()
        self.peers: dict[str, Peer] = {}
        self._address = address
        self._paths = paths
        self._secrets = secrets
        self._scenario = scenario
        self._gate = asyncio.Semaphore(MOST_AT_ONCE)
        self._reactions: asyncio.Queue[tuple[Peer, Reaction]] = asyncio.Queue()

    def react(self, peer: Peer, reaction: Reaction) -> None:
        """What a platform wants to say is said as soon as it has answered the report."""
        self._reactions.put_nowait((peer, reaction))

    async def perform(self, steps: Sequence[Step]) -> Account:
        """Play every step, then wait for reports as long as the scenario says."""
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            outages = [group.create_task(self._outages(peer)) for peer in self.peers.values()]
            reacting = group.create_task(self._react(session))
            started = time.monotonic()
            sending = []
            for step in steps:
                await asyncio.sleep(max(0.0, started + step.at - time.monotonic()))
                entry = self.peers[step.channel].entry(step.number, step.body)
                if step.withheld:
                    continue
                await self._gate.acquire()
                sending.append(group.create_task(self._step(session, step, entry)))
            if sending:
                await asyncio.wait(sending)
            await asyncio.sleep(self._scenario.settle_seconds)
            await self._reactions.join()
            for task in (*outages, reacting):
                task.cancel()
        return self.account

    async def _outages(self, peer: Peer) -> None:
        started = time.monotonic()
        for one in sorted(peer.habits.down, key=lambda outage: outage.start):
            await asyncio.sleep(max(0.0, started + one.start - time.monotonic()))
            await peer.outage(one.end - one.start, one.how)

    async def _react(self, session: aiohttp.ClientSession) -> None:
        while True:
            peer, reaction = await self._reactions.get()
            try:
                await self._say(session, peer, peer.ledger[reaction.number], reaction.said, reaction.text)
            finally:
                self._reactions.task_done()

    async def _step(self, session: aiohttp.ClientSession, step: Step, entry: Entry) -> None:
        peer = self.peers[step.channel]
        try:
            if step.said is None:
                await self._send(session, peer, step, entry)
            else:
                await self._say(session, peer, entry, step.said, _TEXTS[step.said])
        finally:
            self._gate.release()

    async def _send(self, session: aiohttp.ClientSession, peer: Peer, step: Step, entry: Entry) -> None:
        with self._timed():
            status, told = await self._post(session, peer, self._paths[peer.channel], step.body)
        word = "duplicate" if told.get("duplicate") else str(told.get("status", ""))
        self.account.enter(peer.channel, f"{status} {word}".strip() if status else "no answer")
        number = str(told.get("ticket_no", ""))
        if number:
            self.account.contradictions += entry.ticket_no not in {"", number}
            entry.ticket_no = number

    async def _say(self, session: aiohttp.ClientSession, peer: Peer, entry: Entry, said: Said, text: str) -> None:
        body = peer.say(entry, said, text)
        if body is None:
            return
        path = f"{self._paths[peer.channel]}/{quote(entry.number, safe='')}/actions"
        status, told = await self._post(session, peer, path, body)
        what = "applied" if told.get("applied") else "noted"
        self.account.messages[f"{said} {what if status == 200 else status or 'no answer'}"] += 1

    async def _post(self, session: aiohttp.ClientSession, peer: Peer, path: str, body: Body) -> tuple[int, Body]:
        """The last answer's status (0: none) and body, after as many tries as a platform makes."""
        status, told = 0, Body()
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(FIRST_PAUSE * 2 ** (attempt - 1))
            content, headers = signed(self._secrets[peer.channel], body)
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
                async with session.post(self._address + path, data=content, headers=headers) as answer:
                    status = answer.status
                    told = await answer.json(content_type=None)
                    if status not in {404, 429} and status < 500:
                        break
        return status, told if isinstance(told, dict) else {}

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.account.seconds.append(time.perf_counter() - started)
