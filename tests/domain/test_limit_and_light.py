"""Limits as people write them, and the colour of a running one."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from town import MONDAY

from domain.light import Light, light_at, worst
from domain.limit import Limit, Unit

SECOND = timedelta(seconds=1)


@given(st.integers(1, 99_999), st.sampled_from(Unit))
def test_a_limit_reads_back_what_it_writes(number: int, unit: Unit) -> None:
    assert Limit.parse(str(Limit(number, unit))) == Limit(number, unit)


@pytest.mark.parametrize("written", ["3 working_days", " 3  working_days ", "3working_days", "3_working_days"])
def test_spacing_does_not_matter(written: str) -> None:
    assert Limit.parse(written) == Limit(3, Unit.WORKING_DAYS)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "写法不对"),
        ("three working_days", "写法不对"),
        ("working_days", "写法不对"),
        ("3", "写法不对"),
        ("-3 working_days", "写法不对"),
        ("1.5 working_days", "写法不对"),
        ("123456 working_days", "写法不对"),
        ("3 工作日", "写法不对"),
        ("3 working_weeks", "单位“working_weeks”不认识"),
        ("0 working_days", "不能为 0"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(written: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Limit.parse(written)


def test_a_limit_is_written_for_people_too() -> None:
    assert Limit.parse("3 working_days").chinese == "3个工作日"
    assert Limit.parse("2 natural_hours").chinese == "2小时（连续计）"


def test_a_light_changes_at_its_moments() -> None:
    yellow_at, due_at = MONDAY, MONDAY + timedelta(hours=1)
    assert light_at(yellow_at - SECOND, yellow_at, due_at) is Light.GREEN
    assert light_at(yellow_at, yellow_at, due_at) is Light.YELLOW
    assert light_at(due_at, yellow_at, due_at) is Light.YELLOW  # kept at its very due moment
    assert light_at(due_at + SECOND, yellow_at, due_at) is Light.RED


def test_the_worst_of_lights() -> None:
    order = [Light.GREY, Light.GREEN, Light.YELLOW, Light.RED]
    for one, other in product(order, order):
        assert worst([one, other]) is max(one, other, key=order.index)
    assert worst([]) is Light.GREY
