"""日数据: what is kept of a day that is over, as it stood at that day's end. Not: times, which cannot be added up."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from domain.worktime import LOCAL
from storage.figures import Dimension, Figures, Population, Slice
from supervision.metrics import METRICS, MetricUnit

ALL = "all"
"""The dimension of the figures of the whole; its key is empty."""

DIMENSIONS = (Dimension.CHANNEL, Dimension.KIND, Dimension.BRIGADE, Dimension.CELL)

_KEPT = tuple(
    metric
    for metric in METRICS
    if metric.unit is not MetricUnit.DURATION and metric.measure.population is not Population.OPEN
)


def day_slice(day: date) -> Slice:
    """The whole of a local day."""
    start = datetime(day.year, day.month, day.day, tzinfo=LOCAL)
    return Slice(start, start + timedelta(days=1))


async def day_of_figures(figures: Figures, day: date) -> list[tuple[str, str, dict[str, Any]]]:
    """(dimension, key, metric code → [members, hits]) for the whole and for each channel, kind, brigade and cell."""
    wanted = day_slice(day)
    rows: dict[tuple[str, str], dict[str, list[int]]] = {}
    for metric in _KEPT:
        rows.setdefault((ALL, ""), {})[metric.code] = [0, 0]
        for one in await figures.cross_counts(metric.measure, wanted, DIMENSIONS):
            for dimension, key in ((ALL, ""), *zip(DIMENSIONS, one.keys, strict=True)):
                kept = rows.setdefault((str(dimension), key), {}).setdefault(metric.code, [0, 0])
                kept[0] += one.members
                kept[1] += one.hits
    return [(dimension, key, values) for (dimension, key), values in sorted(rows.items())]
