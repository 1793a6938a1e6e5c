"""How a platform would score what we send up to it in a month: whole, saying something, in time, by a steady interface.

The four parts and their marks follow the provincial platforms' data-quality score of counties (30 marks in all).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.channel import Channel
from adapters.report import INCOMPLETE, SHORTCOMING_NAMES, WEAK, Shortcoming
from domain.worktime import LOCAL
from intake_bot.house import House
from intake_bot.reporting_back import report_of
from storage.outbox import Told

PROMPT = timedelta(hours=1)
"""A step told later than so long after it happened is not told in time."""
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
MOST_TICKETS = 20
"""Tickets named of each shortcoming; the count is of all."""
MARKS: dict[str, int] = {"complete": 10, "content": 10, "prompt": 5, "interface": 5}
PART_NAMES: dict[str, str] = {
    "complete": "数据完整",
    "content": "内容完整",
    "prompt": "数据及时",
    "interface": "接口稳定",
}
PART_RULES: dict[str, str] = {
    "complete": "写了办理情况或理由的",
    "content": "办理情况不过于简单、不是套话、没有因超长被截短的",
    "prompt": "发生后 1 小时内送达平台，且不晚于平台时限的",
    "interface": "一次就送达平台的",
}
"""What of the reports counts as good, in words: the numerator of each part over all reports of the month."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the score. `share` from 0 to 1, None without reports; `points` of `marks`."""

    code: str
    name: str
    marks: int
    good: int
    share: float | None
    points: float | None


@dataclass(frozen=True, slots=True)
class Fault:
    """One shortcoming: how many reports have it, and of which tickets, the newest first."""

    code: str
    name: str
    reports: int
    tickets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlatformScore:
    """A month of one channel. `undelivered`: reports that have not reached the platform."""

    channel: str
    name: str
    month: str
    reports: int
    undelivered: int
    points: float | None
    marks: int
    parts: tuple[Part, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A report with what a platform would mark it down for, and the parts of the score in which it counts as good."""

    told: Told
    shortcomings: tuple[Shortcoming, ...]
    good: frozenset[str]


def month_span(month: str) -> tuple[datetime, datetime]:
    """The first moment of a month (`2026-11`), and the first after it. Raises ValueError for what is none."""
    if not _MONTH.fullmatch(month):
        raise ValueError(f"月份“{month[:20]}”写法不对，应为 2026-11")
    year, number = int(month[:4]), int(month[5:])
    following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=LOCAL)
    return datetime(year, number, 1, tzinfo=LOCAL), following


async def judged_reports(house: House, channel: Channel, month: str) -> list[Judged]:
    """The reports of the steps taken in a month, the oldest first. Raises ValueError for what is no month."""
    rows = await house.store.outbox.told(f"channel:{channel.code}", *month_span(month))
    return [
        _judged(one, channel.shortcomings(report, one.due_outer))
        for one in rows
        if channel.report(report := report_of(house, one.delivery, None)) is not None
    ]


async def score_of(house: House, channel: Channel, month: str) -> PlatformScore:
    """The score of a month's reports. Raises ValueError for what is no month."""
    judged = await judged_reports(house, channel, month)
    parts = tuple(_part(code, sum(code in one.good for one in judged), len(judged)) for code in MARKS)
    points = [one.points for one in parts if one.points is not None]
    return PlatformScore(
        channel=channel.code,
        name=channel.settings.name,
        month=month,
        reports=len(judged),
        undelivered=sum(one.told.delivered_at is None for one in judged),
        points=round(sum(points), 2) if points else None,
        marks=sum(MARKS.values()),
        parts=parts,
        faults=tuple(_faults(judged)),
    )


def _judged(told: Told, shortcomings: Sequence[Shortcoming]) -> Judged:
    found, arrived = set(shortcomings), told.delivered_at
    in_time = arrived is not None and arrived - told.delivery.created_at <= PROMPT and Shortcoming.LATE not in found
    good = {
        "complete": not INCOMPLETE & found,
        "content": not WEAK & found,
        "prompt": in_time,
        "interface": arrived is not None and told.delivery.attempts <= 1,
    }
    return Judged(told, tuple(shortcomings), frozenset(code for code, is_good in good.items() if is_good))


def _part(code: str, good: int, of: int) -> Part:
    share = good / of if of else None
    points = round(share * MARKS[code], 2) if share is not None else None
    return Part(code, PART_NAMES[code], MARKS[code], good, round(share, 4) if share is not None else None, points)


def _faults(judged: Sequence[Judged]) -> list[Fault]:
    found = []
    for one, name in SHORTCOMING_NAMES.items():
        numbers = [report.told.delivery.ticket_no for report in judged if one in report.shortcomings]
        if numbers:
            tickets = tuple(dict.fromkeys(reversed(numbers)))[:MOST_TICKETS]
            found.append(Fault(str(one), name, len(numbers), tickets))
    return found
