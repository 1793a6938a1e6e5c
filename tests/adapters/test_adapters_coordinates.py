"""Positions, and the shift of the maps sold in China."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import coordinates
from adapters.problems import Unfit
from domain.complaint import Point

REFERENCE = [
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),  # Shanghai
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),  # Shenzhen
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),  # Beijing
]
"""WGS-84 and GCJ-02 of three places: the reference points published with googollee/eviltransform."""


@pytest.mark.parametrize(("true", "shifted"), REFERENCE)
def test_the_shift_agrees_with_the_published_points_both_ways(
    true: tuple[float, float], shifted: tuple[float, float]
) -> None:
    assert coordinates.to_gcj02(*true) == pytest.approx(shifted, abs=1e-12)
    back = coordinates.from_gcj02(*shifted)
    assert (back.longitude, back.latitude) == pytest.approx(true, abs=1e-8)


@given(st.floats(73.5, 135), st.floats(18, 53.5))
def test_there_and_back_is_the_same_place(longitude: float, latitude: float) -> None:
    back = coordinates.from_gcj02(*coordinates.to_gcj02(longitude, latitude))
    assert math.dist((back.longitude, back.latitude), (longitude, latitude)) < 3e-8


def test_a_point_is_only_shifted_where_the_channel_says_so() -> None:
    assert coordinates.to_point(120.62, 31.76, gcj02=False) == Point(120.62, 31.76)
    assert coordinates.to_point(120.62, 31.76, gcj02=True) != Point(120.62, 31.76)


@pytest.mark.parametrize("value", ["120.62", " +120.62 ", 120.62])
def test_degrees_are_numbers_or_their_text(value: object) -> None:
    assert coordinates.degrees(value) == 120.62


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("120°37'", "format"),
        ("东经120.62", "format"),
        ("1e2", "format"),
        ("１２０.62", "format"),
        ("nan", "format"),
        ("120.62,31.76", "format"),
        (1e300, "format"),
        (math.inf, "format"),
        (math.nan, "format"),
        (10**40, "format"),
        (True, "type"),
        ([120.62], "type"),
        ({}, "type"),
    ],
)
def test_what_is_no_coordinate_is_refused(value: object, code: str) -> None:
    with pytest.raises(Unfit) as refused:
        coordinates.degrees(value)
    assert refused.value.faults[0].code == code


@pytest.mark.parametrize("value", ["120.62,31.76", "120.62，31.76", "120.62 31.76", " 120.62 ; 31.76 "])
def test_a_pair_is_split_at_any_usual_sign(value: str) -> None:
    assert coordinates.pair(value) == (120.62, 31.76)


@pytest.mark.parametrize("value", ["", "120.62", "120.62,31.76,5", "a,b", "120.62,", [120.62, 31.76], 120.62, None])
def test_what_is_no_pair_is_refused(value: object) -> None:
    with pytest.raises(Unfit):
        coordinates.pair(value)


def test_a_swapped_pair_is_put_right_and_zero_is_none() -> None:
    assert coordinates.located(120.62, 31.76) == (120.62, 31.76)
    assert coordinates.located(31.76, 120.62) == (120.62, 31.76)
    assert coordinates.located(0, 0) is None


@pytest.mark.parametrize("place", [(2.35, 48.86), (-120.62, 31.76), (120.62, -31.76), (181, 31), (120.62, 0), (31, 31)])
def test_a_place_outside_china_is_refused(place: tuple[float, float]) -> None:
    with pytest.raises(Unfit) as refused:
        coordinates.located(*place)
    assert refused.value.faults[0].code == "range"
