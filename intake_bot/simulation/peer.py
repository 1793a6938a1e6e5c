"""One upstream platform as a server: it takes our reports, checks and answers them in its own manner, and keeps a ledger."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import web

from adapters.signature import BadSignature, verify
from domain.platform import Said
from intake_bot.simulation.manners import MANNERS, Body
from intake_bot.simulation.scenario import PlatformScenario

PAGE = 200
_TURNED_DOWN = "答复不规范，请补充办理过程和结果后重新回复"


@dataclass(slots=True)
class Entry:
    """One ticket in the ledger. `standing`: sent, handling, extending, resolved, closed, merged, referred, rejected, recalled.

    `reports`: our reports by idempotency key; `refused`: why some were not taken; `said`: what the platform said of it.
    """

    number: str
    body: Body
    standing: str = "sent"
    ticket_no: str = ""
    reports: dict[str, Body] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a platform says after a report of ours."""

    number: str
    said: Said
    text: str


class Peer:
    """A platform. `start` it inside a running event loop, `stop` it at the end."""

    def __init__(
        self,
        channel: str,
        adapter: str,
        secret: str,
        habits: PlatformScenario,
        seed: int,
        react: Callable[[Peer, Reaction], None],
    ) -> None:
        """`react` hears what the platform wants to say after a report."""
        self.channel = channel
        self.manners = MANNERS[adapter]
        self.habits = habits
        self.ledger: dict[str, Entry] = {}
        self.repeats = self.unsigned = self.unknown = self.turned_away = 0
        self.port = 0
        self._secret = secret
        self._seed = seed
        self._react = react
        self._answers: dict[str, tuple[int, Body]] = {}
        self._down: Literal["", "503"] = ""
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

    async def start(self, port: int) -> None:
        """Listen on 127.0.0.1; 0 takes any free port."""
        app = web.Application()
        app.router.add_post("/feedback", self._feedback)
        app.router.add_get("/ledger", self._list)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        self.port = port
        await self._listen()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def outage(self, seconds: float, how: Literal["refuse", "503"]) -> None:
        """Be out of reach for a while: answer 503, or do not even listen."""
        if how == "503":
            self._down = "503"
        elif self._site is not None:
            await self._site.stop()
        try:
            await asyncio.sleep(seconds)
        finally:
            if how == "503":
                self._down = ""
            else:
                await self._listen()

    def entry(self, number: str, body: Body) -> Entry:
        """The ledger's entry of a ticket, made when it is new."""
        return self.ledger.setdefault(number, Entry(number, body))

    def say(self, entry: Entry, said: Said, text: str) -> Body | None:
        """The message in the platform's words, entered into the ledger; None for what it has no word for."""
        word = self.manners.words.get(said)
        if word is None:
            return None
        entry.said.append(said)
        if said is Said.RECALLED:
            entry.standing = "recalled"
        elif said is Said.RESULT_REJECTED:
            entry.standing = "handling"
        return self.manners.message(f"{entry.number}-M{len(entry.said)}", word, text)

    async def _listen(self) -> None:
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await self._site.start()
        if self.port == 0:
            self.port = int(self._runner.addresses[0][1])

    async def _feedback(self, request: web.Request) -> web.Response:
        raw = await request.read()
        if self._down:
            self.turned_away += 1
            return web.Response(status=503, headers={"Retry-After": "5"})
        if not self._is_signed(request, raw):
            return web.Response(status=401)
        key = request.headers.get("Idempotency-Key", "")
        chance = random.Random(f"{self._seed}-{key}")  # noqa: S311  (no secret depends on it)
        if self.habits.slow is not None and chance.random() < self.habits.slow.share:
            await asyncio.sleep(self.habits.slow.seconds)
        if key in self._answers:
            self.repeats += 1
        else:
            self._answers[key] = self._taken(key, raw, chance)
        status, body = self._answers[key]
        return web.json_response(body, status=status)

    def _taken(self, key: str, raw: bytes, chance: random.Random) -> tuple[int, Body]:
        """Check a report and enter it."""
        manners = self.manners
        report = json.loads(raw)
        entry = self.ledger.get(_bare(str(report.get(manners.number, ""))))
        if entry is None:
            self.unknown += 1
            return manners.answer("没有此编号的工单")
        problem = manners.problem(report)
        if not problem and entry.ticket_no and str(report[manners.unit_number]) != entry.ticket_no:
            problem = f"{manners.unit_number} 与受理时的 {entry.ticket_no} 不同"
        standing = manners.states.get(str(report.get(manners.state)), "")
        if not problem and standing == "resolved" and chance.random() < self.habits.rejects:
            problem = _TURNED_DOWN
        if problem:
            entry.refused.append(problem)
            if standing == "resolved":
                entry.standing = "handling"
            return manners.answer(problem)
        entry.reports[key] = report
        if entry.standing != "recalled":
            entry.standing = standing
        if standing == "extending":
            refuses = chance.random() < self.habits.refuses_extensions
            said = Said.EXTENSION_REFUSED if refuses else Said.EXTENSION_APPROVED
            entry.standing = "handling"
            self._react(self, Reaction(entry.number, said, "理由不充分" if refuses else "同意"))
        return manners.answer("")

    async def _list(self, request: web.Request) -> web.Response:
        """The ledger, a page at a time, each ticket as it would be sent with its state beside it."""
        if self._down:
            return web.Response(status=503)
        if not self._is_signed(request, b""):
            return web.Response(status=401)
        page = int(request.query.get("page", "1"))
        entries = list(self.ledger.values())[(page - 1) * PAGE : page * PAGE]
        codes = {standing: code for code, standing in reversed(list(self.manners.states.items()))}
        items: list[dict[str, Any]] = [one.body | {self.manners.state: codes[one.standing]} for one in entries]
        return web.json_response(self.manners.listed(items, len(self.ledger)))

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        given = request.headers
        try:
            verify(
                self._secret,
                timestamp=given.get("X-Timestamp", ""),
                nonce=given.get("X-Nonce", ""),
                signature=given.get("X-Signature", ""),
                body=body,
                now=datetime.now(UTC),
            )
        except BadSignature:
            self.unsigned += 1
            return False
        return True


def _bare(number: str) -> str:
    """A number without its re-handling suffix (`-01`): the ledger keeps one entry of a ticket."""
    head, dash, tail = number.rpartition("-")
    return head if dash and len(tail) == 2 and tail.isdigit() and "-" not in head else number
