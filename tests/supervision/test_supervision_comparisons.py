"""Figures beside those of an earlier period: which period that is, and which of its groups has the same place."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
import town
from histories import History
from test_supervision_metrics import MUCH_LATER

from domain.worktime import WorkCalendar, local
from storage.figures import Dimension, Slice
from storage.store import Store
from supervision.figures import Comparison, Metrics, earlier, earlier_group
from supervision.metrics import BY_CODE


async def test_a_period_is_compared_with_the_one_before(lived: tuple[Store, list[History]]) -> None:
    store, _ = lived
    metrics = Metrics(store.figures, WorkCalendar(), 1)
    second = Slice(town.at("2026-10-08 00:00"), town.at("2026-10-15 00:00"))
    first = Slice(town.at("2026-10-01 00:00"), town.at("2026-10-08 00:00"))
    figure = await metrics.compute(
        BY_CODE["received"], second, MUCH_LATER, by=Dimension.BRIGADE, comparison=Comparison.PREVIOUS
    )
    past = await metrics.compute(BY_CODE["received"], first, MUCH_LATER, by=Dimension.BRIGADE)
    assert figure.before == past.total
    known = {group.key: group.value for group in past.groups}
    assert {group.key: group.before for group in figure.groups} == {
        group.key: known.get(group.key) for group in figure.groups
    }


@pytest.mark.parametrize(
    ("start", "end", "comparison", "expected"),
    [
        ("2026-03-01", "2026-04-01", Comparison.PREVIOUS, ("2026-02-01", "2026-03-01")),
        ("2026-01-01", "2026-04-01", Comparison.PREVIOUS, ("2025-10-01", "2026-01-01")),
        ("2026-03-02", "2026-03-09", Comparison.PREVIOUS, ("2026-02-23", "2026-03-02")),
        ("2026-03-01", "2026-04-01", Comparison.LAST_YEAR, ("2025-03-01", "2025-04-01")),
        ("2028-02-29", "2028-03-01", Comparison.LAST_YEAR, ("2027-02-28", "2027-03-01")),
    ],
)
def test_earlier_periods(start: str, end: str, comparison: Comparison, expected: tuple[str, str]) -> None:
    found = earlier(Slice(town.at(f"{start} 00:00"), town.at(f"{end} 00:00")), comparison)
    assert (f"{local(found.start):%Y-%m-%d}", f"{local(found.end):%Y-%m-%d}") == expected


@pytest.mark.parametrize(
    ("by", "key", "days", "comparison", "expected"),
    [
        (Dimension.MONTH, "2026-01", "2026-01-01 2027-01-01", Comparison.PREVIOUS, "2025-01"),
        (Dimension.MONTH, "2026-04", "2026-04-01 2026-07-01", Comparison.PREVIOUS, "2026-01"),
        (Dimension.MONTH, "2026-04", "2026-04-02 2026-07-01", Comparison.PREVIOUS, None),
        (Dimension.QUARTER, "2026-Q1", "2026-01-01 2026-07-01", Comparison.PREVIOUS, "2025-Q3"),
        (Dimension.QUARTER, "2026-Q2", "2026-04-01 2026-05-01", Comparison.PREVIOUS, None),
        (Dimension.QUARTER, "2026-Q4", "2026-10-01 2027-01-01", Comparison.LAST_YEAR, "2025-Q4"),
        (Dimension.YEAR, "2026", "2026-03-01 2026-05-01", Comparison.LAST_YEAR, "2025"),
        (Dimension.YEAR, "2026", "2026-03-01 2026-05-01", Comparison.PREVIOUS, None),
        (Dimension.DAY, "2026-10-30", "2026-10-01 2026-11-01", Comparison.PREVIOUS, "2026-09-30"),
        (Dimension.DAY, "2026-10-31", "2026-10-01 2026-11-01", Comparison.PREVIOUS, None),
        (Dimension.DAY, "2026-10-09", "2026-10-08 2026-10-11", Comparison.PREVIOUS, "2026-10-06"),
        (Dimension.DAY, "2028-02-29", "2028-02-29 2028-03-01", Comparison.LAST_YEAR, None),
        (Dimension.HOUR, "2026-10-09 08:00", "2026-10-09 2026-10-10", Comparison.PREVIOUS, "2026-10-08 08:00"),
        (Dimension.HOUR, "2026-10-09 08:00", "2026-10-09 2026-10-10", Comparison.LAST_YEAR, "2025-10-09 08:00"),
        (Dimension.WEEK, "2026-10-12", "2026-10-12 2026-10-26", Comparison.PREVIOUS, "2026-09-28"),
        (Dimension.WEEK, "2026-10-12", "2026-10-12 2026-10-22", Comparison.PREVIOUS, None),
        (Dimension.WEEK, "2026-10-12", "2026-10-12 2026-10-26", Comparison.LAST_YEAR, None),
    ],
)
def test_groups_of_time_are_beside_those_in_the_same_place(
    by: Dimension, key: str, days: str, comparison: Comparison, expected: str | None
) -> None:
    start, end = (town.at(f"{day} 00:00") for day in days.split())
    assert earlier_group(key, by, Slice(start, end), comparison) == expected


async def test_a_day_is_compared_with_the_day_in_its_place(lived: tuple[Store, list[History]]) -> None:
    store, histories = lived
    second = Slice(town.at("2026-10-08 00:00"), town.at("2026-10-15 00:00"))
    received = Counter(local(one.ticket.created_at).date() for one in histories)
    figure = await Metrics(store.figures, WorkCalendar(), 1).compute(
        BY_CODE["received"], second, MUCH_LATER, by=Dimension.DAY, comparison=Comparison.PREVIOUS
    )
    found = {group.key: group.before.n for group in figure.groups if group.before is not None}
    expected = {group.key: received[date.fromisoformat(group.key) - timedelta(days=7)] for group in figure.groups}
    assert found == {key: number for key, number in expected.items() if number}
    assert len(found) > 2
