"""The metrics computed: values for the whole and for each group, ranked where enough is counted, beside an earlier period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from domain.worktime import WorkCalendar, local
from storage.figures import Dimension, Figures, Member, Seconds, Slice, Spans
from supervision.daily import DayByDay
from supervision.elapsed import WorkedMinutes
from supervision.metrics import Better, Metric, MetricUnit

TIME_DIMENSIONS = frozenset(
    {Dimension.HOUR, Dimension.DAY, Dimension.WEEK, Dimension.MONTH, Dimension.QUARTER, Dimension.YEAR}
)
"""Groups of time follow one another; they are not ranked against each other."""


_NO_SECONDS: Seconds = np.empty(0)
_SECONDS_OF_AN_HOUR = 3600.0


class Comparison(StrEnum):
    """The earlier period that figures are compared with."""

    PREVIOUS = "previous"  # 环比
    LAST_YEAR = "last_year"  # 同比


@dataclass(frozen=True, slots=True)
class Times:
    """How long things took; every figure is None where nothing was counted."""

    mean: float | None
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Value:
    """A metric's value over `n` members, `hits` of which count.

    `value`: a rate between 0 and 1 (None where `n` is 0) or a count; None for durations, which `working_minutes` and
    `calendar_hours` give.
    """

    n: int
    hits: int
    value: float | None
    working_minutes: Times | None = None
    calendar_hours: Times | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One group's value. `ranked` is false, and `rank` None, where too little is counted or no way is better."""

    key: str
    value: Value
    before: Value | None
    ranked: bool
    rank: int | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric over a period: the whole, the groups, and the earlier period's values where one was asked for."""

    metric: Metric
    total: Value
    before: Value | None
    groups: tuple[Group, ...]


def earlier(wanted: Slice, comparison: Comparison) -> Slice:
    """The same slice of the earlier period: the stretch of equal length before (whole months where it is whole months), or
    the same days of the year before."""
    start, end = local(wanted.start), local(wanted.end)
    months = _months_between(wanted, comparison)
    if months is None:
        return replace(wanted, start=start - (end - start), end=start)
    return replace(wanted, start=_months_earlier(start, months), end=_months_earlier(end, months))


def _months_between(wanted: Slice, comparison: Comparison) -> int | None:
    """How many months the earlier period lies before; None where it is so many days that count."""
    if comparison is Comparison.LAST_YEAR:
        return 12
    start, end = local(wanted.start), local(wanted.end)
    months = (end.year - start.year) * 12 + end.month - start.month
    return months if months > 0 and _begins_month(start) and _begins_month(end) else None


def earlier_group(key: str, by: Dimension, wanted: Slice, comparison: Comparison) -> str | None:
    """The group of the earlier period that a group of time has the place of: 2026-10 → 2025-10.

    None where none has: for weeks beside months, which begin on other days, and for a 31st beside a month of 30.
    """
    months = _months_between(wanted, comparison)
    if by in _MONTHS_IN:
        if months is None or months % _MONTHS_IN[by]:
            return None
        year, part = int(key[:4]), int(key[5:].removeprefix("Q") or 1) - 1
        in_year = 12 // _MONTHS_IN[by]
        year, part = divmod(year * in_year + part - months // _MONTHS_IN[by], in_year)
        return {
            Dimension.MONTH: f"{year:04d}-{part + 1:02d}",
            Dimension.QUARTER: f"{year:04d}-Q{part + 1}",
            Dimension.YEAR: f"{year:04d}",
        }[by]
    spelled = "%Y-%m-%d %H:00" if by is Dimension.HOUR else "%Y-%m-%d"
    begins = local(datetime.fromisoformat(key))
    length = wanted.end - wanted.start
    if by is Dimension.WEEK and (months is not None or length % _ONE_WEEK):
        return None
    before = begins - length if months is None else _months_earlier(begins, months)
    return None if months is not None and before.day != begins.day else f"{before:{spelled}}"


_MONTHS_IN = {Dimension.MONTH: 1, Dimension.QUARTER: 3, Dimension.YEAR: 12}
_ONE_WEEK = timedelta(days=7)


def _begins_month(moment: datetime) -> bool:
    return (moment.day, moment.hour, moment.minute, moment.second, moment.microsecond) == (1, 0, 0, 0, 0)


def _months_earlier(moment: datetime, months: int) -> datetime:
    """The same day so many months before, or the last of that month where it has no such day."""
    month = moment.year * 12 + moment.month - 1 - months
    for day in (moment.day, 30, 29, 28):
        try:
            return moment.replace(year=month // 12, month=month % 12 + 1, day=min(day, moment.day))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


class Metrics:
    """Computes metrics from the store's figures. `smallest_ranked`: groups of fewer members are not ranked."""

    def __init__(self, figures: Figures, calendar: WorkCalendar, smallest_ranked: int) -> None:
        self._figures = figures
        self._days = DayByDay(figures)
        self._worked = WorkedMinutes(calendar)
        self._smallest_ranked = smallest_ranked

    async def compute(
        self,
        metric: Metric,
        wanted: Slice,
        now: datetime,
        *,
        by: Dimension | None = None,
        comparison: Comparison | None = None,
    ) -> Figure:
        """The metric over a slice, and each group's where `by` is given. What lies after `now` is left out."""
        whole, groups = await self._values(metric, _until(wanted, now), by)
        before_whole: Value | None = None
        before: dict[str, Value] = {}
        if comparison is not None:
            before_whole, before = await self._values(metric, _until(earlier(wanted, comparison), now), by)
            if by in TIME_DIMENSIONS:
                past = {key: earlier_group(key, by, wanted, comparison) for key in groups}
                before = {key: before[one] for key, one in past.items() if one in before}
        return Figure(metric, whole, before_whole, self._ranked(metric, groups, before, by))

    async def members(
        self,
        metric: Metric,
        wanted: Slice,
        now: datetime,
        *,
        group: tuple[Dimension, tuple[str, ...]] | None = None,
        hit: bool | None = None,
        offset: int = 0,
        limit: int = 200,
    ) -> list[Member]:
        """The tickets and shares behind a figure that `compute` gives for the same slice, oldest first."""
        return await self._figures.list_members(
            metric.measure, _until(wanted, now), group=group, hit=hit, offset=offset, limit=limit
        )

    async def tables(
        self, metric: Metric, wanted: Slice, dimensions: Sequence[Dimension]
    ) -> dict[Dimension, dict[str, Value]]:
        """What `compute` gives for the groups of each dimension, asked for at once; not for durations, nor by time."""
        counts: dict[tuple[Dimension, str], tuple[int, int]] = {}
        for one in await self._figures.cross_counts(metric.measure, wanted, dimensions):
            for group in zip(dimensions, one.keys, strict=True):
                members, hits = counts.get(group, (0, 0))
                counts[group] = (members + one.members, hits + one.hits)
        found: dict[Dimension, dict[str, Value]] = {one: {} for one in dimensions}
        for (dimension, key), (members, hits) in counts.items():
            found[dimension][key] = _counted(metric, members, hits)
        return found

    async def _values(self, metric: Metric, wanted: Slice, by: Dimension | None) -> tuple[Value, dict[str, Value]]:
        """The whole, and each group by key (none without `by`). Groups share nobody: the whole is what they add up to."""
        if metric.unit is MetricUnit.DURATION:
            spans = await self._figures.spans(metric.measure.population, wanted, by)
            everyone = Spans("", *(np.concatenate([_NO_SECONDS, *each]) for each in _columns(spans)))
            return self._duration(everyone), {one.key: self._duration(one) for one in spans if by is not None}
        counts = await self._days.counts(metric, wanted, by)
        groups = {one.key: _counted(metric, one.members, one.hits) for one in counts if by is not None}
        whole = _counted(metric, sum(one.members for one in counts), sum(one.hits for one in counts))
        return whole, groups

    def _duration(self, taken: Spans) -> Value:
        number = len(taken.started)
        hours = (taken.ended - taken.started) / _SECONDS_OF_AN_HOUR
        return Value(number, number, None, _times(self._worked.between(taken.started, taken.ended)), _times(hours))

    def _ranked(
        self, metric: Metric, groups: dict[str, Value], before: dict[str, Value], by: Dimension | None
    ) -> tuple[Group, ...]:
        """The groups with their ranks: the best is 1, equals share a rank."""
        orderly = metric.better is not Better.NEUTRAL and by not in TIME_DIMENSIONS
        scores = {
            key: score
            for key, value in groups.items()
            if orderly and key and value.n >= self._smallest_ranked and (score := _score(metric, value)) is not None
        }
        ranks = {key: 1 + sum(other > score for other in scores.values()) for key, score in scores.items()}
        return tuple(Group(key, value, before.get(key), key in ranks, ranks.get(key)) for key, value in groups.items())


def _columns(spans: Sequence[Spans]) -> tuple[list[Seconds], list[Seconds]]:
    """All starts and all ends, group by group."""
    return [one.started for one in spans], [one.ended for one in spans]


def _counted(metric: Metric, members: int, hits: int) -> Value:
    if metric.unit is MetricUnit.COUNT:
        return Value(members, hits, float(members))
    return Value(members, hits, hits / members if members else None)


def _score(metric: Metric, value: Value) -> float | None:
    """What a group is ranked by: more is better."""
    found = value.working_minutes.mean if value.working_minutes is not None else value.value
    if found is None:
        return None
    return found if metric.better is Better.HIGHER else -found


def _until(wanted: Slice, now: datetime) -> Slice:
    """The slice as far as it has happened; one that lies ahead is empty."""
    return replace(wanted, end=max(wanted.start, min(wanted.end, now)))


def _times(values: NDArray[np.float64]) -> Times:
    """Percentiles lie between neighbours in proportion, as Excel's PERCENTILE.INC has them."""
    if not len(values):
        return Times(None, None, None)
    ordered = np.sort(values)  # the database gives no order, and a sum depends on it in its last digit
    median, p90 = np.percentile(ordered, (50, 90))
    return Times(float(ordered.mean()), float(median), float(p90))
