"""The plain rule about duplicates: same matter, same number or same place, within seven days; earlier tickets only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.likeness import WITHIN, Sighting, possible_duplicates

MONDAY = datetime(2026, 11, 23, 1, tzinfo=UTC)


def seen(no: str, hours: float = 0, category: str = "C1", reporter: str = "", places: tuple[str, ...] = ()) -> Sighting:
    return Sighting(no, category, reporter, places, MONDAY + timedelta(hours=hours))


def test_the_same_number_about_the_same_matter() -> None:
    found = possible_duplicates([seen("B", 2, reporter="k"), seen("A", 0, reporter="k"), seen("C", 3, reporter="k")])
    assert {no: [one.no for one in likely] for no, likely in found.items()} == {"B": ["A"], "C": ["B", "A"]}
    assert found["B"][0].why == "同一号码、同一事项"


def test_the_same_place_about_the_same_matter() -> None:
    found = possible_duplicates([seen("A", places=("双塘村", "凤凰大道88号")), seen("B", 1, places=("凤凰大道88号",))])
    assert found["B"][0].why == "同一事项、同一地点“凤凰大道88号”"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (seen("A", reporter="k"), seen("B", 1, category="C2", reporter="k")),
        (seen("A", reporter="k"), seen("B", 1, reporter="l")),
        (seen("A"), seen("B", 1)),
        (seen("A", places=("双塘村",)), seen("B", 1, places=("双塘村",))),
        (seen("A", places=("凤凰社区",)), seen("B", 1, places=("凤凰社区",))),
        (seen("A", reporter="k"), seen("B", WITHIN / timedelta(hours=1) + 0.1, reporter="k")),
    ],
    ids=["another matter", "another number", "nothing known", "a whole village", "a whole community", "too long ago"],
)
def test_what_is_not_held_to_be_the_same(one: Sighting, other: Sighting) -> None:
    assert possible_duplicates([one, other]) == {}


def test_the_last_moment_still_counts_and_order_does_not_matter() -> None:
    first, last = seen("A", reporter="k"), Sighting("B", "C1", "k", (), MONDAY + WITHIN)
    assert possible_duplicates([last, first]) == possible_duplicates([first, last])
    assert list(possible_duplicates([first, last])) == ["B"]
