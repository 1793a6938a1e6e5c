"""Figures as people read them: rates, counts and times in words, and whether a change is for the better."""

from __future__ import annotations

from dataclasses import dataclass

from storage.figures import Population
from supervision.figures import Value
from supervision.metrics import Better, Metric, MetricUnit

NOTHING = "—"
"""Stands where nothing was counted: no value is not nought."""


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure differs from an earlier period's. `tone`: green for the better, red for the worse, else plain."""

    words: str
    tone: str


def percent(value: float | None) -> str:
    """`93.3%`. What is not quite everything never reads 100%, nor what is not quite nothing 0%."""
    if value is None:
        return NOTHING
    shown = round(value * 100, 1)
    if 0 < value < 1:
        shown = min(max(shown, 0.1), 99.9)
    return f"{shown:.1f}%"


def minutes(value: float | None) -> str:
    """`45 分钟`, `3 小时 20 分`, `13.5 小时`."""
    if value is None:
        return NOTHING
    whole = round(value)
    if whole < 60:
        return f"{whole} 分钟"
    if whole < 600:
        return f"{whole // 60} 小时 {whole % 60} 分" if whole % 60 else f"{whole // 60} 小时"
    return f"{value / 60:.1f} 小时"


def hours(value: float | None) -> str:
    """Natural time: `3 小时 20 分`, from two days on `2.5 天`."""
    if value is None or value < 48:
        return minutes(value * 60 if value is not None else None)
    return f"{value / 24:.1f} 天"


def value_words(metric: Metric, value: Value) -> str:
    """A metric's value; of times the median in working time."""
    if metric.unit is MetricUnit.RATE:
        return percent(value.value)
    if metric.unit is MetricUnit.DURATION:
        return minutes(value.working_minutes.median if value.working_minutes is not None else None)
    return f"{value.n:,}"


def change_of(metric: Metric, now: Value, before: Value | None) -> Change:
    """The change of a metric since an earlier period."""
    if metric.measure.population is Population.OPEN:
        return Change("不比较", "plain")  # what is unfinished today says nothing of what was unfinished then
    if before is None or before.n == 0:
        return Change("无可比数据", "plain")
    if metric.unit is MetricUnit.COUNT:
        return count_change(now.n, before.n, metric.better)
    if metric.unit is MetricUnit.RATE:
        if now.value is None or before.value is None:
            return Change("无可比数据", "plain")
        points = round((now.value - before.value) * 100, 1)
        return Change(f"{_signed(points)} 个百分点" if points else "持平", _tone(points, metric.better))
    new, old = now.working_minutes, before.working_minutes
    if new is None or old is None or new.median is None or old.median is None:
        return Change("无可比数据", "plain")
    difference = new.median - old.median
    words = f"{'+' if difference > 0 else '−'}{minutes(abs(difference))}" if round(difference) else "持平"
    return Change(words, _tone(round(difference), metric.better))


def count_change(now: int, before: int, better: Better) -> Change:
    """`+12（+8.5%）`."""
    if before == 0:
        return Change("无可比数据", "plain")
    difference = now - before
    if difference == 0:
        return Change("持平", "plain")
    return Change(
        f"{_signed(difference)}（{_signed(round(difference / before * 100, 1))}%）", _tone(difference, better)
    )


def _signed(number: float) -> str:
    return f"{'+' if number > 0 else '−'}{abs(number):,g}"


def _tone(difference: float, better: Better) -> str:
    if difference == 0 or better is Better.NEUTRAL:
        return "plain"
    return "green" if (difference > 0) is (better is Better.HIGHER) else "red"
