"""How the board says figures and reads its periods: no rounding up to everything, no gap in a trend, fair comparisons."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from domain.worktime import LOCAL
from intake_bot.pages.board_query import Chosen, PeriodChoice, Step, buckets
from intake_bot.pages.board_words import change_of, count_change, hours, minutes, percent
from supervision.figures import Times, Value
from supervision.metrics import BY_CODE, Better

MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "—"),
        (0.0, "0.0%"),
        (1.0, "100.0%"),
        (0.9999, "99.9%"),
        (0.0001, "0.1%"),
        (2 / 3, "66.7%"),
    ],
)
def test_percent(value: float | None, words: str) -> None:
    assert percent(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "—"),
        (0, "0 分钟"),
        (59.4, "59 分钟"),
        (59.6, "1 小时"),
        (200, "3 小时 20 分"),
        (599, "9 小时 59 分"),
        (600, "10.0 小时"),
    ],
)
def test_minutes(value: float | None, words: str) -> None:
    assert minutes(value) == words


def test_natural_time_is_said_in_days_from_two_days_on() -> None:
    assert [hours(one) for one in (None, 0.5, 47.9, 48, 60)] == ["—", "30 分钟", "47.9 小时", "2.0 天", "2.5 天"]


@pytest.mark.parametrize(
    ("code", "now", "before", "words", "tone"),
    [
        ("resolved_in_time", Value(10, 9, 0.9), Value(10, 8, 0.8), "+10 个百分点", "green"),
        ("resolved_in_time", Value(10, 7, 0.7), Value(10, 8, 0.8), "−10 个百分点", "red"),
        ("returned", Value(10, 2, 0.2), Value(10, 1, 0.1), "+10 个百分点", "red"),
        ("returned", Value(10, 1, 0.1), Value(10, 1, 0.1), "持平", "plain"),
        ("returned", Value(10, 1, 0.1), Value(0, 0, None), "无可比数据", "plain"),
        ("satisfied", Value(0, 0, None), Value(10, 1, 0.1), "无可比数据", "plain"),
        ("received", Value(30, 30, 30.0), Value(20, 20, 20.0), "+10（+50%）", "plain"),
        ("red_lights", Value(10, 10, 10.0), Value(20, 20, 20.0), "−10（−50%）", "green"),
        ("backlog", Value(10, 10, 10.0), Value(20, 20, 20.0), "不比较", "plain"),
        (
            "time_to_accept",
            Value(3, 3, None, Times(90, 90, 90), None),
            Value(3, 3, None, Times(30, 30, 30), None),
            "+1 小时",
            "red",
        ),
        ("time_to_accept", Value(0, 0, None, Times(None, None, None), None), Value(0, 0, None), "无可比数据", "plain"),
    ],
)
def test_a_change_says_how_much_and_whether_it_is_for_the_better(
    code: str, now: Value, before: Value, words: str, tone: str
) -> None:
    change = change_of(BY_CODE[code], now, before)
    assert (change.words, change.tone) == (words, tone)


def test_from_nothing_there_is_no_percentage() -> None:
    assert count_change(3, 0, Better.LOWER).words == "无可比数据"


def chosen(first: date, last: date) -> Chosen:
    return Chosen(PeriodChoice.CUSTOM, first, last, None, None)


def test_a_trend_has_every_step_up_to_now_and_none_ahead() -> None:
    now = datetime(2026, 11, 25, 10, 30, tzinfo=LOCAL)
    days = buckets(chosen(MONDAY - timedelta(days=2), MONDAY + timedelta(days=6)), Step.DAY, now)
    assert [key for key, _ in days] == ["2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25"]
    hours_ = buckets(chosen(MONDAY + timedelta(days=2), MONDAY + timedelta(days=2)), Step.HOUR, now)
    assert (hours_[0], hours_[-1], len(hours_)) == (("2026-11-25 00:00", None), ("2026-11-25 10:00", None), 11)


def test_weeks_and_months_at_the_edges_hold_only_the_chosen_days() -> None:
    now = datetime(2026, 12, 31, 10, 0, tzinfo=LOCAL)
    period = chosen(date(2026, 11, 18), date(2026, 12, 2))
    weeks = [(key, days.first, days.last) for key, days in buckets(period, Step.WEEK, now) if days]
    assert weeks == [
        ("2026-11-16", date(2026, 11, 18), date(2026, 11, 22)),
        ("2026-11-23", MONDAY, date(2026, 11, 29)),
        ("2026-11-30", date(2026, 11, 30), date(2026, 12, 2)),
    ]
    months = [(key, days.first, days.last) for key, days in buckets(period, Step.MONTH, now) if days]
    assert months == [
        ("2026-11", date(2026, 11, 18), date(2026, 11, 30)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 2)),
    ]


def test_an_address_names_the_days_so_that_it_shows_the_same_tomorrow() -> None:
    period = Chosen(PeriodChoice.MONTH, date(2026, 11, 1), MONDAY, "12345", "brigade-1")
    assert period.address("/board/tickets", metric="received", key=("a", "")) == (
        "/board/tickets?first=2026-11-01&last=2026-11-23&channel=12345&brigade=brigade-1&metric=received&key=a&key="
    )
    assert period.address_now("/board/now") == "/board/now?channel=12345&brigade=brigade-1"
    assert chosen(MONDAY, MONDAY).address_now("/board/now") == "/board/now"
