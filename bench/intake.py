"""The intake path over HTTP, signature to durable answer, beside its floor; and where the time goes, room by room."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from adapters.channel import Channel
from adapters.signature import verify
from bench.keys import KEYRING
from bench.load import Load, bodies, requests, send
from domain.people import Actor, Role
from domain.understanding import Engine, Evidence, Understanding
from intake_bot.api.routes import json_answer
from intake_bot.api.views import answer
from intake_bot.engines import build_engine
from intake_bot.house import House, open_house
from intake_bot.intake import draft
from intake_bot.keys import VARIABLE
from intake_bot.settings import load_deployment
from nlu.categories import load_categories
from nlu.corpus import load_corpus

ROOT = Path(__file__).parents[1]
SECRET = "secret-of-the-benchmark"
ROUNDS = 2
SECONDS = 4.0
"""How long a scene lasts in a round, for the floor and for the service each: about a minute and a half for all."""
WARMING = 200
GROUP = 16
"""Complaints in a group of the profile, about as many as 32 clients bring into one."""

UNDERSTANDING = "nlu: understanding"
ROUTING = "router and domain: routing and draft"


@dataclass(frozen=True, slots=True)
class Scene:
    """A way of sending: `members` complaints in each of so many requests, which suffice for a round of the floor."""

    name: str
    clients: int
    members: int
    requests: int


SCENES = (
    Scene("1 client", 1, 1, 10_000),
    Scene("32 clients", 32, 1, 25_000),
    Scene("256 clients", 256, 1, 25_000),
    Scene("32 clients, arrays of 100", 32, 100, 400),
)


class Server:
    """A server in a process of its own. It stands still whenever the other one is measured."""

    def __init__(self, command: list[str], settings: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env={**os.environ, VARIABLE: KEYRING.spelled(), **settings},
        )
        assert self._process.stdout is not None
        address = next((line.split("http://")[1].split()[0] for line in self._process.stdout if "http://" in line), "")
        if not address:
            raise RuntimeError(f"{command} did not listen")
        at = urlsplit(f"http://{address}")
        assert at.hostname is not None and at.port is not None
        self._host, self._port = at.hostname, at.port
        # Read on: a server whose output nobody takes would stop at a full pipe.
        threading.Thread(target=self._process.stdout.read, daemon=True).start()
        self._process.send_signal(signal.SIGSTOP)

    def measure(self, ready: list[bytes], clients: int, members: int) -> Load:
        self._process.send_signal(signal.SIGCONT)
        try:
            return uvloop.run(send(self._host, self._port, ready, clients, members, SECONDS))
        finally:
            self._process.send_signal(signal.SIGSTOP)

    def end(self) -> None:
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        self._process.wait(60)


def run() -> None:
    texts = [one.text for one in load_corpus()]
    with tempfile.TemporaryDirectory() as folder:
        rows = uvloop.run(_rows_of_a_ticket(Path(folder), texts))
        print(f"a ticket is {rows} rows; each answer waits for its commit (SQLite, WAL, synchronous=FULL)")
        with _servers(Path(folder), rows) as (floor, service):
            _compare(floor, service, texts)
        uvloop.run(_profile(Path(folder), texts))


@contextmanager
def _servers(folder: Path, rows: int) -> Iterator[tuple[Server, Server]]:
    settings = {"DATABASE_URL": f"sqlite:///{folder}/service.db", "PORT": "0", "INTAKE_SECRET_12345": SECRET}
    floor = Server([sys.executable, "-m", "bench.floor", str(folder / "floor.db"), str(rows)], {})
    try:
        service = Server([sys.executable, "-m", "intake_bot", "serve"], settings)
        try:
            yield floor, service
        finally:
            service.end()
    finally:
        floor.end()


def _compare(floor: Server, service: Server, texts: list[str]) -> None:
    warming = requests(bodies(texts, WARMING, 1, 0), SECRET, "localhost")
    for server in (floor, service):
        server.measure(warming, 8, 1)
    print(f"{'':<28}{'complaints a second':>22}{'':>8}{'p50 ms':>16}{'p99 ms':>18}")
    print(f"{'':<28}{'floor':>11}{'service':>11}{'ratio':>8}{'floor':>8}{'service':>8}{'floor':>9}{'service':>9}")
    for number, scene in enumerate(SCENES, start=1):
        measured = []
        for one in range(ROUNDS):
            made = bodies(texts, scene.requests, scene.members, number * 100 + one)
            ready = requests(made, SECRET, "localhost")
            pair = [server.measure(ready, scene.clients, scene.members) for server in (floor, service)]
            measured.append((pair[0], pair[1]))
        _print(scene.name, measured)


def _print(name: str, measured: list[tuple[Load, Load]]) -> None:
    """The median of the rounds; each round's ratio is of a floor and a service that ran right after one another."""
    ratio = statistics.median(service.rate / floor.rate for floor, service in measured)
    floors, services = zip(*measured, strict=True)
    rates = [statistics.median(one.rate for one in some) for some in (floors, services)]
    p50, p99 = (
        [statistics.median(one.percentile(share) for one in some) * 1000 for some in (floors, services)]
        for share in (0.5, 0.99)
    )
    print(
        f"{name:<28}{rates[0]:>11.0f}{rates[1]:>11.0f}{ratio:>8.2f}"
        f"{p50[0]:>8.1f}{p50[1]:>8.1f}{p99[0]:>9.1f}{p99[1]:>9.1f}",
        flush=True,
    )


async def _rows_of_a_ticket(folder: Path, texts: list[str]) -> int:
    """How many rows the service writes for a complaint, on the average: what the floor has to write too."""
    os.environ["DATABASE_URL"] = f"sqlite:///{folder}/count.db"
    os.environ[VARIABLE] = KEYRING.spelled()
    tree = load_categories()
    deployment = load_deployment(ROOT / "config.yml", tree)
    async with open_house(deployment, tree, build_engine(deployment, tree)) as house:
        channel = house.channels["12345"]
        complaints = [channel.read(one, house.now()) for one in bodies(texts, 200, 1, 7)]
        drafts = await draft(house, complaints, Actor("bench", Role.CHANNEL), house.now())
    total = 0
    for one in drafts:
        ticket = one.ticket
        clocks = len(ticket.desk_clocks) + sum(len(share.clocks) for share in ticket.assignments)
        # ticket, complaint and nonce, then shares, clocks, events and notices
        total += 3 + len(ticket.assignments) + clocks + len(one.events) + len(one.notices)
    return round(total / len(drafts))


async def _profile(folder: Path, texts: list[str]) -> None:
    """What a complaint costs in each room, in groups as 32 clients make them; HTTP itself is what is left."""
    os.environ["DATABASE_URL"] = f"sqlite:///{folder}/profile.db"
    os.environ[VARIABLE] = KEYRING.spelled()
    tree = load_categories()
    deployment = load_deployment(ROOT / "config.yml", tree)
    async with open_house(deployment, tree, build_engine(deployment, tree)) as house:
        await _account(house, house.channels["12345"], bodies(texts, 1_600, 1, 99))


async def _account(house: House, channel: Channel, made: list[bytes]) -> None:
    accounts = Accounts()
    house = replace(house, engine=ClockedEngine(house.engine, accounts))
    actor = Actor("bench", Role.CHANNEL)
    for first in range(0, len(made), GROUP):
        group = made[first : first + GROUP]
        signed = [requests([body], SECRET, "x")[0].decode("utf-8", "replace") for body in group]
        heads = [dict(line.split(": ", 1) for line in one.split("\r\n\r\n")[0].split("\r\n")[1:]) for one in signed]
        with accounts.room("adapters: signature"):
            for body, head in zip(group, heads, strict=True):
                verify(
                    SECRET,
                    timestamp=head["X-Timestamp"],
                    nonce=head["X-Nonce"],
                    signature=head["X-Signature"],
                    body=body,
                    now=house.now(),
                )
        with accounts.room("adapters: body and fields"):
            complaints = [channel.read(channel.members(body)[0][0], house.now()) for body in group]
        with accounts.room(ROUTING):
            drafts = await draft(house, complaints, actor, house.now())
        with accounts.room("storage: rows, SQL and one commit"):
            takes = [
                house.store.take(
                    [one], channel="12345", nonce=f"{first}-{place}", seen_at=house.now(), again=lambda *_: None
                )
                for place, one in enumerate(drafts)
            ]
            receipts = await asyncio.gather(*takes)
        with accounts.room("intake_bot: the answer"):
            for one in receipts:
                json_answer(answer(house, one[0].ticket, duplicate=False), 201)
    accounts.spent[ROUTING] -= accounts.spent[UNDERSTANDING]
    accounts.show(len(made))


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of the processor, all threads of the process, and of the clock. The second also holds what others took."""

    processor: float
    elapsed: float

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.processor + other.processor, self.elapsed + other.elapsed)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.processor - other.processor, self.elapsed - other.elapsed)


class Accounts:
    """What each room has spent."""

    def __init__(self) -> None:
        self.spent: dict[str, Spent] = {}

    @contextmanager
    def room(self, name: str) -> Iterator[None]:
        started = _now()
        yield
        self.spent[name] = self.spent.get(name, Spent(0.0, 0.0)) + (_now() - started)

    def show(self, complaints: int) -> None:
        total = sum(cost.processor for cost in self.spent.values())
        print(f"\nwhat a complaint costs, in groups of {GROUP} ({complaints} complaints); the HTTP server comes on top")
        print(f"  {'':<40}{'processor':>12}{'share':>8}{'elapsed':>12}")
        for room, cost in sorted(self.spent.items(), key=lambda item: -item[1].processor):
            processor, elapsed = (seconds / complaints * 1e6 for seconds in (cost.processor, cost.elapsed))
            print(f"  {room:<40}{processor:>9.0f} µs{cost.processor / total:>8.0%}{elapsed:>9.0f} µs")


class ClockedEngine:
    """The house's engine with a clock on it, so that understanding is told from the drafting that asks for it."""

    def __init__(self, engine: Engine, accounts: Accounts) -> None:
        self._engine = engine
        self._accounts = accounts
        self.name = engine.name
        self.version = engine.version

    async def understand(self, texts: Sequence[tuple[str, Evidence]]) -> list[Understanding]:
        with self._accounts.room(UNDERSTANDING):
            return await self._engine.understand(texts)


def _now() -> Spent:
    return Spent(time.process_time(), time.perf_counter())
