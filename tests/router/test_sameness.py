"""The same trouble told twice: what speaks for it, what against, and the keys by which the two meet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.complaint import Point
from domain.incident import Sameness, Signature
from nlu.signatures import marks_of, telling
from router.sameness import (
    TOLD_AGAIN_WITHIN,
    WEIGHTS,
    WINDOW,
    asked_keys,
    compare,
    features,
    keys,
    pinned,
    similarity,
    told_again,
)

AT = datetime(2026, 3, 4, 2, tzinfo=UTC)
SMOKE = "恬庄街38号老味道面馆油烟直排到居民楼窗户味道很大"
SMOKE_AGAIN = "老味道面馆的油烟排放扰民，油烟味飘进楼上居民家里"
PARKING = "小区门口汽车乱停放堵住消防通道"


def told(text: str = SMOKE, **changed: Any) -> Signature:
    made: dict[str, Any] = {
        "at": AT,
        "category": "C0401",
        "group": "餐饮油烟",
        "cell": "014",
        "places": ("恬庄街38号",),
        "parties": ("老味道面馆",),
        "grams": telling(text),
        "marks": marks_of(text),
    }
    return Signature(**{**made, **changed})


EARLIER = told()


def against(**changed: Any) -> Sameness:
    return compare(told(SMOKE_AGAIN, **{"at": AT + timedelta(hours=2), **changed}), EARLIER)


def test_a_neighbour_in_other_words_is_found_with_reasons() -> None:
    found = against()
    assert found.chance > 0.9
    assert not found.same_reporter
    assert {"地点相同：恬庄街38号", "事项相同", "被反映对象相同：老味道面馆"} <= set(found.why)
    assert "相隔 2 小时" in [reason.text for reason in found.reasons]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"places": ("恬庄街52号",), "parties": ("百旺烧烤",)}, "同一路段，门牌不同：恬庄街"),
        ({"places": ("金谷路38号",), "cell": "009", "parties": ()}, "地点不同"),
    ],
)
def test_next_door_and_elsewhere_are_other_troubles(changed: dict[str, Any], said: str) -> None:
    found = against(**changed)
    assert found.chance < 0.4
    assert said in [reason.text for reason in found.reasons]
    assert said not in found.why


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ({}, True),
        ({"at": AT + TOLD_AGAIN_WITHIN}, True),
        ({"at": AT + TOLD_AGAIN_WITHIN + timedelta(seconds=1)}, False),
        ({"category": "X0101"}, False),
        ({"reporter": "another"}, False),
        ({"reporter": ""}, False),
    ],
)
def test_who_tells_of_the_same_matter_again_needs_no_like_words(changed: dict[str, Any], again: bool) -> None:
    elsewhere: dict[str, Any] = {"places": (), "parties": (), "cell": "", "reporter": "key", **changed}
    assert told_again(told(PARKING, **elsewhere), told(reporter="key")) is again
    assert not told_again(told(reporter=""), told(reporter=""))


def test_another_trouble_at_the_same_shop_is_not_the_same() -> None:
    parking = told(PARKING, category="X0101", group="机动车", at=AT + timedelta(hours=2))
    assert compare(parking, EARLIER).chance < 0.5
    assert not pinned(parking, EARLIER)


def test_the_same_words_about_another_place_are_another_trouble() -> None:
    copied = told(SMOKE, places=("金谷路9号",), parties=(), cell="009")
    assert compare(copied, EARLIER).chance < 0.5
    assert not pinned(copied, EARLIER)


def test_the_same_words_where_no_place_is_known_are_the_same() -> None:
    one, other = told(places=(), parties=(), cell=""), told(places=(), parties=(), cell="", at=AT + timedelta(days=1))
    assert compare(other, one).chance > 0.7
    assert pinned(other, one)


def test_points_far_apart_speak_against_it_and_near_ones_for_it() -> None:
    here = replace(EARLIER, point=Point(120.62, 31.76), places=())
    near = replace(here, point=Point(120.6205, 31.76))
    far = replace(here, point=Point(120.64, 31.76))
    assert compare(near, here).chance > compare(replace(here, point=None), here).chance > compare(far, here).chance
    assert pinned(near, here)
    assert not pinned(far, here)


def test_what_was_told_long_ago_is_never_the_same() -> None:
    assert against(at=AT + WINDOW + timedelta(minutes=1)).chance == 0
    assert against(at=AT + WINDOW - timedelta(minutes=1)).chance > 0.5


def test_the_same_reporter_is_told_apart_from_a_neighbour() -> None:
    mine = replace(EARLIER, reporter="k1")
    assert compare(replace(mine, at=AT + timedelta(days=1)), mine).same_reporter
    assert not compare(replace(mine, reporter="k2"), mine).same_reporter
    assert not compare(replace(mine, reporter=""), replace(mine, reporter="")).same_reporter


def test_neighbours_meet_by_a_key_and_strangers_do_not() -> None:
    neighbour = told(SMOKE_AGAIN, at=AT + timedelta(days=2))
    stranger = told(PARKING, places=("河阳路7号",), parties=(), cell="003", category="X0101", group="机动车")
    assert set(asked_keys(neighbour)) & set(keys(EARLIER))
    assert not set(asked_keys(stranger)) & set(keys(EARLIER))


def test_a_cell_is_asked_over_the_turn_of_the_week() -> None:
    bare: dict[str, Any] = {"places": (), "parties": (), "marks": ()}
    found = [
        bool(set(asked_keys(told(at=AT + timedelta(days=day), **bare))) & set(keys(told(**bare)))) for day in range(8)
    ]
    assert all(found)
    assert not set(asked_keys(told(at=AT + timedelta(days=15), **bare))) & set(keys(told(**bare)))


def test_keys_fit_a_database_column() -> None:
    assert all(-(2**63) <= key < 2**63 for key in asked_keys(EARLIER))


_PLACES = st.lists(
    st.sampled_from(["恬庄街38号", "恬庄街52号", "恬庄街", "金谷路9号", "38号", "水厂"]), max_size=3
).map(tuple)


@given(_PLACES, _PLACES, st.sampled_from([SMOKE, SMOKE_AGAIN, PARKING, ""]), st.integers(-40, 40))
def test_comparing_is_symmetric_and_a_chance(
    mine: tuple[str, ...], theirs: tuple[str, ...], text: str, days: int
) -> None:
    one, other = told(places=mine), told(text, places=theirs, at=AT + timedelta(days=days))
    assert features(one, other) == features(other, one)
    assert set(features(one, other)) <= set(WEIGHTS)
    assert all(0 <= value <= 1 for value in features(one, other).values())
    assert compare(one, other).chance == compare(other, one).chance
    assert pinned(one, other) == pinned(other, one)
    assert 0 <= similarity(one, other) <= 1
