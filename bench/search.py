"""How long a search takes with 10,000 and 100,000 tickets, what the index costs, on SQLite and PostgreSQL.

Made-up complaints from a handful of sentences: words that everybody uses and some that stand in one ticket only.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.keys import KEYRING
from bench.supervision import opened_database
from domain.complaint import Complaint, Kind, Place, Reporter, Urgency
from domain.event import Event
from domain.outcome import Outcome
from domain.ticket import Status, Ticket
from domain.understanding import Guess, Understanding
from storage.migrate import upgrade
from storage.store import Store
from storage.tickets import TicketFilter

SIZES = (10_000, 100_000)
ROUNDS = 15
BATCH = 500
START = datetime(2026, 1, 5, 1, tzinfo=UTC)
ROADS = ("凤凰大道", "人民路", "双龙路", "韩国工业园", "金谷路", "飞翔路", "杨家桥", "支山中路")
MATTERS = (
    "夜间施工噪音太大影响休息",
    "烧烤店油烟直排居民楼",
    "小区门口占道经营堵住通道",
    "路灯连续多日不亮",
    "河道漂浮垃圾无人清理",
    "工地扬尘没有洒水",
    "违章搭建彩钢棚",
    "共享单车乱停放",
)
ENDINGS = ("请尽快处理。", "已多次反映没有结果，希望有人到现场看看。", "白天晚上都一样，老人小孩受不了。")


def draft(number: int, chance: random.Random) -> Outcome:
    at = START + timedelta(minutes=3 * number)
    road, house = chance.choice(ROADS), chance.randint(1, 999)
    content = f"{road}{house}号附近，{chance.choice(MATTERS)}，{chance.choice(ENDINGS)}反映人说门口招牌是第{number}家。"
    complaint = Complaint(
        channel="12345",
        source_no=f"GD{number:010d}",
        reported_at=at,
        received_at=at,
        content=content,
        reporter=Reporter(phone=f"1380{number % 40_000:07d}"),
        place=Place(address=f"凤凰镇{road}{house}号"),
        raw=content.encode(),
    )
    guess = Guess("CG0101", "占道经营", 0.9)
    model = Understanding("bench", "1", Kind.COMPLAINT, 0.9, guess, (), Urgency.NORMAL, 0.9)
    status = Status.TRIAGE if number % 10 == 0 else Status.CLOSED
    ticket = Ticket(0, "", complaint, model, Kind.COMPLAINT, guess.code, guess.name, Urgency.NORMAL, status, at)
    return Outcome(ticket, (Event("received", at, "channel:12345", "channel"),))


QUERIES: tuple[tuple[str, str], ...] = (
    ("a word of one in eight", "油烟直排"),
    ("a word of every ticket", "反映"),
    ("a road and a word", "人民路 噪音"),
    ("a house number", "双龙路318号"),
    ("a word of one ticket", "招牌是第4711家"),
    ("a word of none", "挖断电缆"),
    ("all its pieces, not itself", "居民路灯"),
    ("part of a number", "0004711"),
    ("a whole phone number", "13800004711"),
    ("its last four digits", "4711"),
    ("common word, open only", "反映"),
)


async def measure(url: str, name: str) -> None:
    await upgrade(url)
    store = await Store.open(url, KEYRING)
    chance = random.Random(5)
    taken = 0
    try:
        for size in SIZES:
            began, following = time.perf_counter(), 0.0
            while taken < size:
                drafts = [draft(number, chance) for number in range(taken, taken + BATCH)]
                at = drafts[0].ticket.created_at
                await store.take(drafts, channel="12345", nonce=None, seen_at=at, again=lambda old, new: None)
                taken += BATCH
                mark = time.perf_counter()
                await store.search.catch_up()
                following += time.perf_counter() - mark
            took = time.perf_counter() - began
            print(
                f"{name}, {size:,} tickets: {took - following:.1f} s to take in, {following:.1f} s to index them beside"
            )
            for title, query in QUERIES:
                wanted = TicketFilter(open_only=True) if "open only" in title else None
                times = [await once(store, query, wanted) for _ in range(ROUNDS)]
                found = len((await store.search.find(query, wanted)).items)
                print(
                    f"  {title:<28} {query:<16} {found:>3} on the page  p50 {p(times, 50):6.1f} ms  p95 {p(times, 95):6.1f} ms"
                )
    finally:
        await store.close()


async def once(store: Store, query: str, wanted: TicketFilter | None) -> float:
    began = time.perf_counter()
    await store.search.find(query, wanted)
    return (time.perf_counter() - began) * 1000


def p(times: Sequence[float], percent: int) -> float:
    return statistics.quantiles(times, n=100)[percent - 1]


async def _run() -> None:
    with tempfile.TemporaryDirectory(prefix="intake-bench-") as folder:
        for kind in ("sqlite", "postgresql"):
            async with opened_database(kind, Path(folder), SIZES[-1]) as url:
                if url is not None:
                    await measure(url, kind)


def run() -> None:
    asyncio.run(_run())
