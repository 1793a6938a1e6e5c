"""热点: a matter at a place that has come markedly more often in the last days than ever in the weeks before.

One rule that anybody can check by counting, with its reason in numbers. Not: why it comes, or a forecast.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from domain.worktime import local, midnight
from storage.figures import Dimension, Figures, Measure, Population, Slice

DAYS = 7
"""The stretch that is compared; each stretch before it is as long."""

STRETCHES = 8
"""How many stretches before are looked back on."""

FEWEST_STRETCHES = 4
"""With a shorter history nothing is called unusual."""

FEWEST = 3
"""Fewer tickets than this are never a hot spot."""

TIMES_USUAL = 2
"""So many times the usual number make one."""

RULE = (
    f"最近 {DAYS} 天同一事项在同一地点达到 {FEWEST} 件，不少于此前每 {DAYS} 天平均数的 {TIMES_USUAL} 倍，"
    f"且多于此前 {STRETCHES} 个 {DAYS} 天中的任何一个"
)
"""The rule as people read it."""


@dataclass(frozen=True, slots=True)
class HotSpot:
    """A category at a place: how many now, how many on average and at most in a stretch before; `cells` are its cells.

    `rank` counts from 1, the most unusual first.
    """

    category: str
    place: str
    cells: tuple[str, ...]
    count: int
    usual: float
    most: int
    rank: int = 0

    @property
    def unusual(self) -> float:
        """How far above its own usual number it is, measured by how much such a number varies by itself (its root). Ten
        instead of five tell less than five where there is hardly ever one."""
        return (self.count - self.usual) / math.sqrt(self.usual + 1)

    @property
    def reason(self) -> str:
        return f"最近 {DAYS} 天 {self.count} 件；此前每 {DAYS} 天平均 {self.usual:.1f} 件，最多 {self.most} 件"


@dataclass(frozen=True, slots=True)
class HotSpots:
    """What was found for the days `first` to `last`, by rank. `known`: stretches of history there are (up to 8).

    Nothing is judged where `known` is below FEWEST_STRETCHES; `found` is empty then.
    """

    first: date
    last: date
    known: int
    found: tuple[HotSpot, ...]

    @property
    def judged(self) -> bool:
        return self.known >= FEWEST_STRETCHES


async def find_hot_spots(
    figures: Figures, now: datetime, place_of: Callable[[str], str], *, wanted: Slice | None = None
) -> HotSpots:
    """The hot spots of the last days up to and with today. `place_of`: the place that a cell is the cell of.

    `wanted` narrows to its channel and unit; its period is not looked at.
    """
    today = local(now).date()
    last = midnight(today + timedelta(days=1))
    oldest = last - timedelta(days=DAYS * (STRETCHES + 1))
    looked_at = replace(wanted, start=oldest, end=last) if wanted is not None else Slice(oldest, last)
    counted = await figures.cross_counts(
        Measure(Population.RECEIVED), looked_at, (Dimension.CATEGORY, Dimension.CELL, Dimension.DAY)
    )
    first = last - timedelta(days=DAYS)
    counts: dict[tuple[str, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    cells: dict[tuple[str, str], set[str]] = defaultdict(set)
    known = 0
    for one in counted:
        category, cell, written = one.keys
        back = (last.date() - timedelta(days=1) - date.fromisoformat(written)).days // DAYS
        known = max(known, back)
        if not cell or not category:
            continue
        where = category, place_of(cell)
        counts[where][back] += one.members
        cells[where].add(cell)
    judged = (_judged(*where, cells[where], by_stretch, known) for where, by_stretch in counts.items())
    found = [one for one in judged if one is not None]
    found.sort(key=lambda spot: (-spot.unusual, -spot.count, spot.category, spot.place))
    ranked = tuple(replace(spot, rank=rank) for rank, spot in enumerate(found, start=1))
    return HotSpots(first.date(), today, known, ranked if known >= FEWEST_STRETCHES else ())


def _judged(category: str, place: str, cells: set[str], counts: Mapping[int, int], known: int) -> HotSpot | None:
    """The hot spot that the rule makes of counts by stretch (0: now, 1: the one before…); None where it makes none."""
    count = counts.get(0, 0)
    before = [counts.get(back, 0) for back in range(1, known + 1)]
    if count < FEWEST or not before:
        return None
    usual, most = sum(before) / len(before), max(before)
    if count < TIMES_USUAL * usual or count <= most:
        return None
    return HotSpot(category, place, tuple(sorted(cells)), count, usual, most)
