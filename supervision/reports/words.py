"""Figures as people read them in a report: rates with their counts, durations, changes, moments."""

from __future__ import annotations

from datetime import datetime

from domain.worktime import local
from supervision.figures import Value
from supervision.metrics import Metric, MetricUnit

NOTHING = "—"
"""What stands where nothing was counted."""


def percent(value: float | None) -> str:
    return f"{value:.2%}" if value is not None else NOTHING


def figure(metric: Metric, value: Value | None) -> str:
    """`88.34%（25783/29186）`, `120`, or a duration `平均 3.5 工作小时（20 件）`."""
    if value is None or (value.n == 0 and metric.unit is not MetricUnit.COUNT):
        return NOTHING
    if metric.unit is MetricUnit.RATE:
        return f"{percent(value.value)}（{value.hits}/{value.n}）"
    if metric.unit is MetricUnit.COUNT:
        return str(value.n)
    mean = value.working_minutes.mean if value.working_minutes is not None else None
    return f"平均 {mean / 60:.1f} 工作小时（{value.n} 件）" if mean is not None else NOTHING


def change(now: int, before: int) -> str:
    """How a count has changed against the period before, as a clause."""
    if before == 0:
        return "上期为 0 件" if now else "与上期持平"
    if now == before:
        return "与上期持平"
    return f"较上期{'增长' if now > before else '下降'} {abs(now - before) / before:.2%}"


def minute(moment: datetime | None) -> str:
    return f"{local(moment):%Y-%m-%d %H:%M}" if moment is not None else ""
