"""The intake path over HTTP, signature to durable answer, beside its floor; and where the time goes, room by room."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from adapters.channel import Channel
from adapters.signature import verify
from bench.load import Load, bodies, requests, send
from domain.people import Actor, Role
from intake_bot.api.routes import json_answer
from intake_bot.api.views import answer
from intake_bot.engines import build_engine
from intake_bot.house import House, open_house
from intake_bot.intake import draft, evidence_of
from intake_bot.settings import load_deployment
from nlu.categories import load_categories
from nlu.corpus import load_corpus

ROOT = Path(__file__).parents[1]
SECRET = "secret-of-the-benchmark"
ROUNDS = 3
SCENES = (("one client", 1, 1, 600), ("32 clients", 32, 1, 3_000), ("32 clients, arrays of 100", 32, 100, 96))
"""Name, connections, complaints in a request, requests in a round."""


def run() -> None:
    texts = [one.text for one in load_corpus()]
    with tempfile.TemporaryDirectory() as folder:
        rows = uvloop.run(_rows_of_a_ticket(Path(folder), texts))
        print(f"a ticket is {rows} rows; each answer waits for its commit (SQLite, WAL, synchronous=FULL)")
        print(f"{'':<28}{'floor/s':>10}{'service/s':>11}{'ratio':>8}{'p50 ms':>9}{'p99 ms':>9}{'p99 floor':>11}")
        for number, (name, clients, members, count) in enumerate(SCENES):
            measured = [
                _pair(Path(folder), texts, clients, members, count, rows, seed=number * 100 + one)
                for one in range(ROUNDS)
            ]
            _print(name, measured)
        uvloop.run(_profile(Path(folder), texts))


def _print(name: str, measured: list[tuple[Load, Load]]) -> None:
    """The median of the rounds; each round's ratio is of a floor and a service that ran right after one another."""
    floor = statistics.median(one.rate for one, _ in measured)
    service = statistics.median(one.rate for _, one in measured)
    ratio = statistics.median(service.rate / floor.rate for floor, service in measured)
    p50 = statistics.median(one.percentile(0.5) for _, one in measured) * 1000
    p99 = statistics.median(one.percentile(0.99) for _, one in measured) * 1000
    p99_floor = statistics.median(one.percentile(0.99) for one, _ in measured) * 1000
    print(f"{name:<28}{floor:>10.0f}{service:>11.0f}{ratio:>8.2f}{p50:>9.1f}{p99:>9.1f}{p99_floor:>11.1f}", flush=True)


def _pair(
    folder: Path, texts: list[str], clients: int, members: int, count: int, rows: int, seed: int
) -> tuple[Load, Load]:
    made = bodies(texts, count, members, seed)
    with _process([sys.executable, "-m", "bench.floor", str(folder / f"floor-{seed}.db"), str(rows)], {}) as address:
        floor = _sent(address, made, clients, members)
    settings = {"DATABASE_URL": f"sqlite:///{folder}/service-{seed}.db", "PORT": "0", "INTAKE_SECRET_12345": SECRET}
    with _process([sys.executable, "-m", "intake_bot", "serve"], settings) as address:
        service = _sent(address, made, clients, members)
    return floor, service


def _sent(address: str, made: list[bytes], clients: int, members: int) -> Load:
    at = urlsplit(address)
    assert at.hostname is not None and at.port is not None
    warm = max(1, len(made) // 20)
    ready = requests(made, SECRET, at.netloc)
    uvloop.run(send(at.hostname, at.port, ready[:warm], min(clients, warm), members))
    return uvloop.run(send(at.hostname, at.port, ready[warm:], clients, members))


@contextmanager
def _process(command: list[str], settings: dict[str, str]) -> Iterator[str]:
    """A server in a process of its own: its address; it is ended on leaving."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env={**os.environ, **settings}
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "http://" in line:
                yield "http://" + line.split("http://")[1].split()[0]
                return
        raise RuntimeError(f"{command} did not listen")
    finally:
        process.terminate()
        process.wait(60)


async def _rows_of_a_ticket(folder: Path, texts: list[str]) -> int:
    """How many rows the service writes for a complaint, on the average: what the floor has to write too."""
    os.environ["DATABASE_URL"] = f"sqlite:///{folder}/count.db"
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
    """Microseconds a complaint spends in each room, in groups as 32 clients make them; HTTP itself is what is left."""
    os.environ["DATABASE_URL"] = f"sqlite:///{folder}/profile.db"
    tree = load_categories()
    deployment = load_deployment(ROOT / "config.yml", tree)
    async with open_house(deployment, tree, build_engine(deployment, tree)) as house:
        await _account(house, house.channels["12345"], bodies(texts, 1_600, 1, 99))


async def _account(house: House, channel: Channel, made: list[bytes]) -> None:
    spent: dict[str, float] = {}

    def clocked(room: str, started: float) -> None:
        spent[room] = spent.get(room, 0.0) + time.perf_counter() - started

    actor = Actor("bench", Role.CHANNEL)
    for first in range(0, len(made), 16):
        group = made[first : first + 16]
        signed = [requests([body], SECRET, "x")[0].decode("utf-8", "replace") for body in group]
        heads = [dict(line.split(": ", 1) for line in one.split("\r\n\r\n")[0].split("\r\n")[1:]) for one in signed]
        started = time.perf_counter()
        for body, head in zip(group, heads, strict=True):
            verify(
                SECRET,
                timestamp=head["X-Timestamp"],
                nonce=head["X-Nonce"],
                signature=head["X-Signature"],
                body=body,
                now=house.now(),
            )
        clocked("adapters: signature", started)
        started = time.perf_counter()
        complaints = [channel.read(channel.members(body)[0][0], house.now()) for body in group]
        clocked("adapters: body and fields", started)
        started = time.perf_counter()
        await house.engine.understand([(one.text, evidence_of(one)) for one in complaints])
        clocked("nlu: understanding", started)
        started = time.perf_counter()
        drafts = await draft(house, complaints, actor, house.now())
        clocked("router and domain: routing and draft", started)
        started = time.perf_counter()
        takes = [
            house.store.take(
                [one], channel="12345", nonce=f"{first}-{place}", seen_at=house.now(), again=lambda *_: None
            )
            for place, one in enumerate(drafts)
        ]
        receipts = await asyncio.gather(*takes)
        clocked("storage: rows, SQL and one commit", started)
        started = time.perf_counter()
        for one in receipts:
            json_answer(answer(house, one[0].ticket, duplicate=False), 201)
        clocked("intake_bot: the answer", started)
    spent["router and domain: routing and draft"] -= spent["nlu: understanding"]
    total = sum(spent.values())
    print(f"\nwhere the time goes, in groups of 16 ({len(made)} complaints); the HTTP server comes on top")
    for room, seconds in sorted(spent.items(), key=lambda one: -one[1]):
        print(f"  {room:<40}{seconds / len(made) * 1e6:>8.0f} µs{seconds / total:>8.0%}")
