"""The rule for hot spots: what makes one, what does not, and that nothing is judged without a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import town
from parts import taken

from storage.figures import Slice
from storage.store import Store
from supervision.hot_spots import DAYS, RULE, HotSpots, find_hot_spots

NOW = town.MONDAY.replace(hour=10, minute=0) + timedelta(days=7 * 9)
"""Nine weeks after the small town's first Monday."""


async def history(store: Store, counts: Sequence[int], category: str = town.STALL, first: int = 0) -> None:
    """So many tickets in this stretch, in the one before it, and so on."""
    number = first
    for back, count in enumerate(counts):
        for _ in range(count):
            await taken(store, f"{category}-{number}", category, NOW - timedelta(days=back * DAYS, hours=1))
            number += 1


async def found(store: Store, **slice_: object) -> HotSpots:
    wanted = replace(Slice(NOW, NOW), **slice_) if slice_ else None
    return await find_hot_spots(store.figures, NOW, lambda cell: cell.rpartition("-")[2], wanted=wanted)


@pytest.mark.parametrize(
    ("counts", "hot"),
    [
        ([3, 1, 1, 1, 1], True),
        ([2, 0, 0, 0, 1], False),  # too few
        ([4, 2, 2, 2, 2], True),  # twice the usual
        ([4, 3, 2, 3, 3], False),  # less than twice the usual
        ([4, 0, 0, 4, 1], False),  # as many came once before
        ([5, 0, 0, 4, 1], True),
        ([3, 1, 1, 1], False),  # no history of four stretches
        ([0, 3, 0, 0, 1], False),  # it is over
    ],
)
async def test_the_rule(store: Store, counts: list[int], hot: bool) -> None:
    await history(store, counts)
    spots = await found(store)
    assert bool(spots.found) is hot
    assert spots.known == len(counts) - 1
    assert spots.judged is (spots.known >= 4)
    assert (spots.last - spots.first).days == DAYS - 1


async def test_a_hot_spot_gives_its_reason_in_numbers(store: Store) -> None:
    await history(store, [6, 1, 0, 2, 1])
    (spot,) = (await found(store)).found
    assert (spot.category, spot.count, spot.usual, spot.most) == (town.STALL, 6, 1.0, 2)
    assert spot.reason == "最近 7 天 6 件；此前每 7 天平均 1.0 件，最多 2 件"
    assert len(spot.cells) == 1 and spot.cells[0].endswith(spot.place)
    assert str(DAYS) in RULE


async def test_what_is_more_unusual_ranks_before_what_is_more(store: Store) -> None:
    await history(store, [9, 4, 4, 4, 4], town.STALL)
    await history(store, [6, 0, 0, 0, 1], town.RUBBISH, first=100)
    spots = (await found(store)).found
    assert [(one.rank, one.category, one.count) for one in spots] == [(1, town.RUBBISH, 6), (2, town.STALL, 9)]


async def test_the_history_counts_although_it_is_of_another_matter(store: Store) -> None:
    await history(store, [0, 1, 1, 1, 1, 1, 1, 1, 1], town.RUBBISH)
    await history(store, [4], town.STALL)
    spots = await found(store)
    assert spots.known == 8
    assert [(one.category, one.usual) for one in spots.found] == [(town.STALL, 0.0)]


async def test_only_the_chosen_channel_and_unit_are_looked_at(store: Store) -> None:
    await history(store, [4, 0, 0, 0, 1])
    assert len((await found(store, channel="12345")).found) == 1
    assert (await found(store, channel="another")).found == ()
    assert (await found(store, brigade=town.ENTERPRISE)).found == ()


async def test_nothing_has_come_yet(store: Store) -> None:
    spots = await found(store)
    assert (spots.known, spots.judged, spots.found) == (0, False, ())
