"""日数据: what is kept of every day that is over, and longer periods added up from it. Not: times, which cannot be added up.

A figure is as of the end of its period, so that a day alone does not say what it adds to a month: what comes to count later
is kept beside it by the day on which it did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from domain.worktime import local, midnight
from storage.figures import Count, Dimension, Figures, Population, Slice
from storage.rollups import TICKETS
from supervision.metrics import METRICS, Metric, MetricUnit

ALL = "all"
"""The dimension of the figures of the whole; its key is empty."""

DIMENSIONS = (Dimension.CHANNEL, Dimension.KIND, Dimension.BRIGADE, Dimension.CELL)

FEWEST_DAYS = 3
"""Shorter periods are counted: it is quicker."""

MOST_PARTS = 40
"""Where the days that hold lie scattered among more stretches that have to be counted, everything is counted."""

MOST_CHANGED = 5_000
"""Tickets changed since the last round; where there are more, the round is overdue and everything is counted."""

_ONE_DAY = timedelta(days=1)
_PERIODS = {Dimension.DAY: 10, Dimension.MONTH: 7, Dimension.YEAR: 4}
"""How much of a written day names the group that it belongs to."""

_KEPT = tuple(
    metric
    for metric in METRICS
    if metric.unit is not MetricUnit.DURATION and metric.measure.population is not Population.OPEN
)
_KEPT_CODES = frozenset(metric.code for metric in _KEPT)

Kept = Mapping[str, Mapping[str, Mapping[str, list[Any]]]]
"""Day → key → metric code → [members, hits at the day's end, later hits by day]; the last only where there are some."""


def day_slice(day: date) -> Slice:
    """The whole of a local day."""
    return Slice(midnight(day), midnight(day + _ONE_DAY))


async def day_of_figures(figures: Figures, day: date) -> list[tuple[str, str, Any]]:
    """(dimension, key, metric code → counts as in `Kept`) for the whole and for each channel, kind, brigade and cell.

    One more row, of the dimension `TICKETS`, lists the ids of the tickets that have a part in the day.
    """
    wanted, written = day_slice(day), day.isoformat()
    rows: dict[tuple[str, str], dict[str, list[Any]]] = {}
    for metric in _KEPT:
        rows.setdefault((ALL, ""), {})[metric.code] = [0, 0]
        for one in await figures.dated_counts(metric.measure, wanted, DIMENSIONS):
            for dimension, key in ((ALL, ""), *zip(DIMENSIONS, one.keys, strict=True)):
                kept = rows.setdefault((str(dimension), key), {}).setdefault(metric.code, [0, 0])
                kept[0] += one.members
                if one.since > written:
                    later = kept[2] if len(kept) > 2 else {}
                    later[one.since] = later.get(one.since, 0) + one.members
                    kept[2:] = [later]
                elif one.since:
                    kept[1] += one.members
    tickets: set[int] = set()
    for population in dict.fromkeys(metric.measure.population for metric in _KEPT):
        tickets |= await figures.ticket_ids(population, wanted)
    return [
        *((dimension, key, values) for (dimension, key), values in sorted(rows.items())),
        (TICKETS, "", sorted(tickets)),
    ]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of the kept days while nothing happened: `at` says up to which event. Another moment has another of these,
    so that whoever was still reading then puts what is past nowhere."""

    at: tuple[int, int]
    holding: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    kept: dict[tuple[str, str, str], Kept] = field(default_factory=dict)


class DayByDay:
    """Counts over periods, from the kept days that still hold and a count of the rest: the same as a count of everything."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._known = _Known((-1, -1))

    async def counts(self, metric: Metric, wanted: Slice, by: Dimension | None) -> list[Count]:
        """What `Figures.counts` gives for the metric's measure."""
        days = await self._added(metric, wanted, by)
        parts = list(_between(wanted, days))
        if not days or len(parts) > MOST_PARTS:
            return await self._figures.counts(metric.measure, wanted, by)
        totals: dict[str, list[int]] = {} if by is not None else {"": [0, 0]}
        for found in days.values():
            for key, (members, hits) in found.items():
                _add(totals, key, members, hits)
        for part in parts:
            for one in await self._figures.counts(metric.measure, part, by):
                _add(totals, one.key, one.members, one.hits)
        return [Count(key, members, hits) for key, (members, hits) in sorted(totals.items()) if members or by is None]

    async def _added(
        self, metric: Metric, wanted: Slice, by: Dimension | None
    ) -> dict[date, dict[str, tuple[int, int]]]:
        """The days that can be added up, each with (members, hits) by key."""
        shelf = _shelf(wanted, by)
        first, last = _whole_days(wanted)
        if metric.code not in _KEPT_CODES or shelf is None or (last - first).days + 1 < FEWEST_DAYS:
            return {}
        dimension, key = shelf
        holding, kept = await self._days(first.isoformat(), last.isoformat(), dimension)
        _, whole = await self._days(first.isoformat(), last.isoformat(), ALL)
        until = local(wanted.counted_until)
        found: dict[date, dict[str, tuple[int, int]]] = {}
        for written in holding:
            if metric.code not in whole[written][""]:
                continue  # the day was counted before there was this metric
            counted = _counted(kept.get(written, {}), metric.code, until)
            if counted is None:
                continue
            day = date.fromisoformat(written)
            if by in DIMENSIONS:
                found[day] = counted
            else:
                found[day] = {_period(day, by): counted[key]} if key in counted else {}
        return found

    async def _days(self, first: str, last: str, dimension: str) -> tuple[frozenset[str], Kept]:
        """The days of a stretch that hold, and what is kept of them; read again only where something has happened since."""
        rollups = self._figures.rollups
        progress = await rollups.progress()
        if progress != self._known.at:
            self._known = _Known(progress)
        known = self._known
        if (first, last) not in known.holding:
            touched = await rollups.touched(progress[0], first, last, most=MOST_CHANGED)
            days = await rollups.kept(first, last) if touched is not None else set()
            known.holding[first, last] = frozenset(days - (touched or set()))
        holding = known.holding[first, last]
        if holding and (first, last, dimension) not in known.kept:
            known.kept[first, last, dimension] = await rollups.days(first, last, dimension)
        return holding, known.kept.get((first, last, dimension), {})


def _counted(
    keys: Mapping[str, Mapping[str, list[Any]]], code: str, until: datetime
) -> dict[str, tuple[int, int]] | None:
    """(members, hits) by key of a day as of a moment; None where what is kept cannot tell, which is so within a day only."""
    day, at_midnight = until.date().isoformat(), until.time() == time(0)
    found: dict[str, tuple[int, int]] = {}
    for key, values in keys.items():
        if code not in values:
            continue
        members, hits, *later = values[code]
        since: Mapping[str, int] = later[0] if later else {}
        if not at_midnight and day in since:
            return None
        found[key] = members, hits + sum(count for other, count in since.items() if other < day)
    return found


def _shelf(wanted: Slice, by: Dimension | None) -> tuple[str, str] | None:
    """The dimension that a count can be added up from and, unless it is grouped by that, the key; None where there is none."""
    kept = {
        Dimension.CHANNEL: wanted.channel,
        Dimension.KIND: wanted.kind,
        Dimension.BRIGADE: wanted.brigade,
        Dimension.CELL: wanted.cell,
    }
    named = [(str(dimension), str(value)) for dimension, value in kept.items() if value is not None]
    if any(value is not None for value in (wanted.category, wanted.urgency, wanted.grid, wanted.area, wanted.handler)):
        return None
    if by in DIMENSIONS:
        return (str(by), "") if not named else None
    if by is None or by in {Dimension.WEEK, Dimension.QUARTER} or by in _PERIODS:
        return {0: (ALL, ""), 1: named[0] if named else None}.get(len(named))
    return None


def _whole_days(wanted: Slice) -> tuple[date, date]:
    """The first and the last local day that lie wholly in the period; the last is before the first where none does."""
    start, end = local(wanted.start), local(wanted.end)
    first = start.date() if start.time() == time(0) else start.date() + _ONE_DAY
    return first, end.date() - _ONE_DAY


def _period(day: date, by: Dimension | None) -> str:
    """The group of time that a day belongs to, spelled as the figures spell it."""
    if by is Dimension.WEEK:
        return (day - day.weekday() * _ONE_DAY).isoformat()
    if by is Dimension.QUARTER:
        return f"{day.year}-Q{(day.month + 2) // 3}"
    return day.isoformat()[: _PERIODS[by]] if by is not None else ""


def _between(wanted: Slice, days: Mapping[date, object]) -> Iterator[Slice]:
    """What of the period lies outside the days, in stretches, each as of the period's end."""
    start = wanted.start
    for day in sorted(days):
        whole = day_slice(day)
        if start < whole.start:
            yield replace(wanted, start=start, end=whole.start, as_of=wanted.counted_until)
        start = whole.end
    if start < wanted.end:
        yield replace(wanted, start=start, as_of=wanted.counted_until)


def _add(totals: dict[str, list[int]], key: str, members: int, hits: int) -> None:
    counted = totals.setdefault(key, [0, 0])
    counted[0] += members
    counted[1] += hits
