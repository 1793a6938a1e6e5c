"""What it costs to find the same trouble for one new ticket with 10,000 and with 1,000,000 tickets behind it.

Timed is what the service does for a ticket: its signature, candidates by key, and comparing. All tickets lie within the
window, so that nothing is forgotten. They are put in in bulk: one ticket's row over and over, signatures from a stock of
texts, marks of their own for most, as texts have. `python -m bench.sameness growth`, or with one kind of database:
`growth sqlite`, `growth postgresql`; BENCH_TICKETS sets the larger number.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec
import numpy as np

from bench.keys import KEYRING
from bench.search import draft
from bench.supervision import opened_database
from domain.incident import Signature
from nlu.signatures import marks_of, plain, telling
from router.sameness import asked_keys, compare, keys
from storage.migrate import upgrade
from storage.sameness import kept_key
from storage.store import Store

SMALL = 10_000
ROUNDS = 200
STOCK = 2_000
"""Different texts; every twentieth ticket is a copy of one of them, mark by mark."""

COPIED = 20
INSERTED_AT_ONCE = 500_000
START = datetime(2026, 1, 5, 1, tzinfo=UTC)
SPAN = timedelta(days=28)
ROADS = tuple(f"{first}{second}路" for first in "青枫柳泾朝晖望江锦绣" for second in "学府永联塘桥兴隆善港")
MATTERS = (
    ("C0401", "餐饮油烟", "烧烤店油烟直排居民楼"),
    ("C0101", "街面秩序", "门口占道经营堵住通道"),
    ("C0201", "环境卫生", "垃圾堆了好几天没人清"),
    ("J0302", "施工扰民", "夜间施工噪音太大影响休息"),
    ("E0101", "大气污染", "厂里飘出刺鼻的气味"),
)
ENDINGS = ("请尽快处理", "已多次反映没有结果希望到现场看看", "白天晚上都一样老人小孩受不了", "麻烦派人来查一查")


Pairs = np.ndarray[tuple[int, int], np.dtype[np.int64]]
"""Rows of key and ticket."""


class Stock:
    """Made-up complaints, quickly: the costly parts of a signature are made once for each of a stock of texts."""

    def __init__(self) -> None:
        self._chance = random.Random(11)
        self._texts = [
            plain(
                f"{self._chance.choice(ROADS)}{MATTERS[at % len(MATTERS)][2]}{self._chance.choice(ENDINGS)}门口第{at}家"
            )
            for at in range(STOCK)
        ]
        self._grams = [telling(text) for text in self._texts]
        self._marks = [marks_of(text) for text in self._texts]

    def one(self, number: int, of: int) -> Signature:
        at = self._chance.randrange(STOCK)
        category, group, _ = MATTERS[at % len(MATTERS)]
        bits = self._chance.getrandbits
        own = tuple(bits(63) for _ in self._marks[at])
        return Signature(
            at=START + SPAN * (number / of),
            category=category,
            group=group,
            reporter=f"{bits(40):x}",
            cell=f"{self._chance.randrange(20):03d}",
            places=(f"{self._chance.choice(ROADS)}{self._chance.randrange(1, 300)}号",),
            parties=(f"店{self._chance.randrange(of // 4)}",),
            grams=self._grams[at],
            marks=self._marks[at] if number % COPIED == 0 else own,
        )


async def _filled(url: str, size: int) -> tuple[float, Stock]:
    """Fill a fresh database; seconds taken, and the stock that it was filled from."""
    began, stock = time.perf_counter(), Stock()
    await upgrade(url)
    store = await Store.open(url, KEYRING)
    await store.take([draft(1, random.Random(1))], channel="12345", nonce=None, seen_at=START, again=lambda *_: None)
    await store.close()
    if url.startswith("sqlite"):
        await asyncio.to_thread(_fill_sqlite, url.partition("///")[2], size, stock)
    else:
        await _fill_postgresql(url, size, stock)
    return time.perf_counter() - began, stock


def _copies(names: Sequence[str], numbers: str) -> str:
    """The first ticket's row again, once for each of the numbers that follow it."""
    own = {"id": "n.i", "no": "'B' || n.i", "source_no": "'B' || n.i", "status": "'dispatched'"}
    columns = ", ".join(f"{own.get(name, f't.{name}')} AS {name}" for name in names)
    return f"{numbers} INSERT INTO tickets ({', '.join(names)}) SELECT {columns} FROM n, tickets AS t WHERE t.id = 1"


def _signatures(size: int, stock: Stock, found: list[Pairs]) -> Iterator[list[tuple[int, datetime, bytes]]]:
    """Rows of signatures, some at a time; their keys are put into `found`."""
    rows = []
    for number in range(1, size + 1):
        signature = stock.one(number, size)
        found.append(np.array([(kept_key(key, KEYRING), number) for key in keys(signature)], dtype=np.int64))
        rows.append((number, signature.at, msgspec.msgpack.encode(signature)))
        if len(rows) == 10_000 or number == size:
            yield rows
            rows = []


def _keys(size: int, found: list[Pairs]) -> Iterator[list[tuple[int, int]]]:
    """Rows of keys, some at a time, in the order of their index."""
    pairs = np.concatenate(found)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    print(f"  {len(pairs):,} keys, {len(pairs) / size:.1f} a ticket", flush=True)
    for start in range(0, len(pairs), INSERTED_AT_ONCE):
        yield [(key, number) for key, number in pairs[start : start + INSERTED_AT_ONCE].tolist()]


def _fill_sqlite(file: str, size: int, stock: Stock) -> None:
    found: list[Pairs] = []
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-262144")
        names = [row[1] for row in connection.execute("PRAGMA table_info(tickets)")]
        numbers = f"WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {size})"
        connection.execute("BEGIN")
        connection.execute(_copies(names, numbers))
        for rows in _signatures(size, stock, found):
            spelled = [(number, at.strftime("%Y-%m-%d %H:%M:%S.%f"), packed) for number, at, packed in rows]
            connection.executemany("INSERT INTO sameness_signatures VALUES (?, ?, ?)", spelled)
        for part in _keys(size, found):
            connection.executemany("INSERT INTO sameness_keys VALUES (?, ?)", part)
        connection.execute("COMMIT")


async def _fill_postgresql(url: str, size: int, stock: Stock) -> None:
    found: list[Pairs] = []
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        wanted = "SELECT column_name FROM information_schema.columns WHERE table_name = 'tickets'"
        names = [row["column_name"] for row in await connection.fetch(wanted)]
        await connection.execute(_copies(names, f"WITH n(i) AS (SELECT generate_series(2, {size}))"))
        for rows in _signatures(size, stock, found):
            await connection.copy_records_to_table("sameness_signatures", records=rows)
        for part in _keys(size, found):
            await connection.copy_records_to_table("sameness_keys", records=part)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


async def _timed(url: str, size: int, stock: Stock) -> tuple[list[float], list[int]]:
    """Milliseconds for each of some new tickets, and how many candidates each was compared with."""
    store = await Store.open(url, KEYRING)
    times, met = [], []
    try:
        for round_ in range(ROUNDS):
            text = plain(f"{ROADS[round_ % len(ROADS)]}{MATTERS[round_ % len(MATTERS)][2]}{ENDINGS[round_ % 4]}")
            base = replace(stock.one(COPIED * round_, size), at=START + SPAN)
            began = time.perf_counter()
            signature = replace(base, grams=telling(text), marks=base.marks or marks_of(text))
            candidates = await store.sameness.candidates(size + 1, asked_keys(signature))
            for one in candidates:
                compare(signature, one.signature)
            times.append((time.perf_counter() - began) * 1000)
            met.append(len(candidates))
    finally:
        await store.close()
    return times, met


async def _run(kind: str) -> None:
    spent: list[float] = []
    print(kind, flush=True)
    with tempfile.TemporaryDirectory(prefix="intake-bench-") as folder:
        for size in (SMALL, int(os.environ.get("BENCH_TICKETS", "1000000"))):
            async with opened_database(kind, Path(folder), size) as url:
                if url is None:
                    return
                took, stock = await _filled(url, size)
                print(f"  {size:,} tickets put in in {took:.0f} s", flush=True)
                await _timed(url, size, stock)  # warm
                times, met = await _timed(url, size, stock)
            spent.append(statistics.median(times))
            slow = statistics.quantiles(times, n=20)[-1]
            print(
                f"  {size:>9,} tickets: p50 {spent[-1]:.2f} ms, p95 {slow:.2f} ms for a new ticket, "
                f"compared with {statistics.mean(met):.0f} on average, {max(met)} at most",
                flush=True,
            )
    print(f"  ratio of the medians: {spent[1] / spent[0]:.2f} (1: the whole grows linearly)")


def run(*kinds: str) -> None:
    """Both kinds of database where none is named."""
    for kind in kinds or ("sqlite", "postgresql"):
        asyncio.run(_run(kind))
