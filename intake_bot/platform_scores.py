"""How a platform would score what we send up to it in a month: whole, saying something, in time, by a steady interface.

The four parts and their marks follow the provincial platforms' data-quality score of counties (30 marks in all).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.channel import Channel
from adapters.report import INCOMPLETE, SHORTCOMING_NAMES, WEAK, Shortcoming
from intake_bot.house import House
from intake_bot.reporting_back import report_of
from storage.outbox import Told

PROMPT = timedelta(hours=1)
"""A step told later than so long after it happened is not told in time."""
MOST_TICKETS = 20
"""Tickets named of each shortcoming; the count is of all."""
MARKS: dict[str, int] = {"complete": 10, "content": 10, "prompt": 5, "interface": 5}
PART_NAMES: dict[str, str] = {
    "complete": "数据完整",
    "content": "内容完整",
    "prompt": "数据及时",
    "interface": "接口稳定",
}


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


async def score_of(house: House, channel: Channel, month: str, since: datetime, until: datetime) -> PlatformScore:
    """The score of the reports of steps taken from `since` up to, but without, `until`."""
    rows = await house.store.outbox.told(f"channel:{channel.code}", since, until)
    judged = [
        (one, channel.shortcomings(report, one.due_outer))
        for one in rows
        if channel.report(report := report_of(house, one.delivery, None)) is not None
    ]
    good: dict[str, Callable[[Told, Sequence[Shortcoming]], bool]] = {
        "complete": lambda _, found: not INCOMPLETE & set(found),
        "content": lambda _, found: not WEAK & set(found),
        "prompt": lambda one, found: _prompt(one) and Shortcoming.LATE not in found,
        "interface": lambda one, _: one.delivered_at is not None and one.delivery.attempts <= 1,
    }
    parts = tuple(_part(code, sum(is_good(*one) for one in judged), len(judged)) for code, is_good in good.items())
    points = [one.points for one in parts if one.points is not None]
    return PlatformScore(
        channel=channel.code,
        name=channel.settings.name,
        month=month,
        reports=len(judged),
        undelivered=sum(one.delivered_at is None for one, _ in judged),
        points=round(sum(points), 2) if points else None,
        marks=sum(MARKS.values()),
        parts=parts,
        faults=tuple(_faults(judged)),
    )


def _prompt(one: Told) -> bool:
    return one.delivered_at is not None and one.delivered_at - one.delivery.created_at <= PROMPT


def _part(code: str, good: int, of: int) -> Part:
    share = good / of if of else None
    points = round(share * MARKS[code], 2) if share is not None else None
    return Part(code, PART_NAMES[code], MARKS[code], good, round(share, 4) if share is not None else None, points)


def _faults(judged: Sequence[tuple[Told, Sequence[Shortcoming]]]) -> list[Fault]:
    found = []
    for one, name in SHORTCOMING_NAMES.items():
        numbers = [told.delivery.ticket_no for told, shortcomings in judged if one in shortcomings]
        if numbers:
            tickets = tuple(dict.fromkeys(reversed(numbers)))[:MOST_TICKETS]
            found.append(Fault(str(one), name, len(numbers), tickets))
    return found
