"""Working time against a naive minute-by-minute count over random calendars, and against the State Council's real ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.deadline import deadline
from domain.limit import Limit, Unit
from domain.worktime import (
    LOCAL,
    OfficeHours,
    Override,
    Span,
    WorkCalendar,
    YellowRule,
    advance,
    local,
    retreat,
    working_minutes,
)

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
NATIONAL = WorkCalendar()


def shanghai(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=LOCAL)


def due(start: str, limit: str, calendar: WorkCalendar = NATIONAL) -> str:
    """A due moment as `2026-10-10 17:30`."""
    return f"{local(deadline(shanghai(start), Limit.parse(limit), calendar).due_at):%Y-%m-%d %H:%M}"


# ── the naive count ────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Naive:
    """The same town's clock by brute force: is this minute worked? Knows only its own lists."""

    worked_days: frozenset[date]
    summer: tuple[tuple[int, int], ...]
    winter: tuple[tuple[int, int], ...]
    summer_months: tuple[tuple[int, int], tuple[int, int]]

    def open(self, minute: datetime) -> bool:
        """Whether the minute that begins here lies in office hours."""
        if minute.date() not in self.worked_days:
            return False
        first, last = self.summer_months
        here = (minute.month, minute.day)
        summer = first <= here <= last if first <= last else not last < here < first
        spans = self.summer if summer else self.winter
        return any(start <= minute.hour * 60 + minute.minute < end for start, end in spans)

    def count(self, start: datetime, end: datetime) -> int:
        return sum(self.open(start + MINUTE * n) for n in range((end - start) // MINUTE))

    def after(self, start: datetime, minutes: int) -> datetime:
        """The end of the last of so many worked minutes."""
        minute = start
        while True:
            minutes -= self.open(minute)
            minute += MINUTE
            if minutes == 0:
                return minute

    def before(self, end: datetime, minutes: int) -> datetime:
        """The start of the first of so many worked minutes that end here."""
        minute = end
        while True:
            minute -= MINUTE
            minutes -= self.open(minute)
            if minutes == 0:
                return minute

    def closing(self, day: date) -> datetime | None:
        """The end of the last worked minute of a day; None when it has none."""
        minute = datetime(day.year, day.month, day.day, tzinfo=LOCAL) + DAY
        for _ in range(1440):
            minute -= MINUTE
            if self.open(minute):
                return minute + MINUTE
        return None

    def due(self, start: datetime, limit: Limit) -> datetime:
        day = start.date()
        if limit.unit is Unit.NATURAL_HOURS:
            return start + timedelta(hours=limit.number)
        if limit.unit is Unit.WORKING_DAYS:
            left = limit.number
            while True:
                day += DAY
                closing = self.closing(day)
                left -= closing is not None
                if left == 0 and closing is not None:
                    return closing
        if limit.unit is Unit.CALENDAR_DAYS:
            day += DAY * limit.number
            if self.closing(day) is not None:
                return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=LOCAL)
            while (closing := self.closing(day)) is None:
                day += DAY
            return closing
        return self.after(start, limit.number * (60 if limit.unit is Unit.WORKING_HOURS else 1))


@dataclass(frozen=True)
class Town:
    naive: Naive
    calendar: WorkCalendar
    start: datetime


@st.composite
def hours_of_a_day(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """One, two or three stretches of office hours with breaks between them, in minutes after midnight."""
    number = draw(st.integers(1, 3))
    spans, minute = [], draw(st.integers(6 * 60, 9 * 60))
    for _ in range(number):
        length, pause = draw(st.integers(90, 240)), draw(st.integers(1, 90))
        spans.append((minute, minute + length))
        minute += length + pause
    return tuple(spans)


@st.composite
def towns(draw: st.DrawFn) -> Town:
    """A random weekly pattern, random exceptions, two seasons of office hours (the summer may wrap the year's end)."""
    base = draw(st.dates(date(2025, 12, 1), date(2027, 12, 1)))
    pattern = draw(st.lists(st.booleans(), min_size=7, max_size=7).filter(lambda days: sum(days) >= 3))
    flipped = draw(st.sets(st.integers(-20, 20), max_size=8))
    days = {base + DAY * n: pattern[n % 7] != (n in flipped) for n in range(-60, 120)}
    month_days = st.tuples(st.integers(1, 12), st.integers(1, 28))
    season = draw(month_days), draw(month_days)
    summer, winter = draw(hours_of_a_day()), draw(hours_of_a_day())
    as_spans = [
        tuple(Span(time(a // 60, a % 60), time(b // 60, b % 60)) for a, b in spans) for spans in (summer, winter)
    ]
    calendar = WorkCalendar(
        office_hours=(OfficeHours(as_spans[0], *season), OfficeHours(as_spans[1])),
        overrides={day: Override(worked, "试验") for day, worked in days.items()},
    )
    naive = Naive(frozenset(day for day, worked in days.items() if worked), summer, winter, season)
    start = datetime(base.year, base.month, base.day, tzinfo=LOCAL) + MINUTE * draw(st.integers(0, 1439))
    return Town(naive, calendar, start)


@settings(max_examples=60, deadline=None)
@given(towns(), st.integers(0, 4 * 1440))
def test_minutes_between_two_moments_are_those_counted_one_by_one(town: Town, length: int) -> None:
    end = town.start + MINUTE * length
    assert working_minutes(town.start, end, town.calendar) == pytest.approx(town.naive.count(town.start, end))


@settings(max_examples=60, deadline=None)
@given(towns(), st.integers(1, 900))
def test_advancing_ends_with_the_last_worked_minute(town: Town, minutes: int) -> None:
    assert advance(town.start, minutes, town.calendar) == town.naive.after(town.start, minutes)


@settings(max_examples=60, deadline=None)
@given(towns(), st.integers(1, 900))
def test_retreating_begins_with_the_first_worked_minute(town: Town, minutes: int) -> None:
    assert retreat(town.start, minutes, town.calendar) == town.naive.before(town.start, minutes)


@settings(max_examples=100, deadline=None)
@given(towns(), st.sampled_from(Unit), st.integers(1, 9))
def test_deadlines_are_those_counted_one_by_one(town: Town, unit: Unit, number: int) -> None:
    limit = Limit(number, unit)
    end = deadline(town.start, limit, town.calendar)
    assert local(end.due_at) == town.naive.due(town.start, limit)
    assert end.due_at.tzinfo is UTC
    assert town.start <= end.yellow_at <= end.due_at


@settings(max_examples=40, deadline=None)
@given(towns(), st.sampled_from([Unit.WORKING_DAYS, Unit.WORKING_HOURS]), st.integers(1, 6))
def test_a_light_in_working_time_turns_yellow_after_two_thirds_or_a_day_before(
    town: Town, unit: Unit, number: int
) -> None:
    end = deadline(town.start, Limit(number, unit), town.calendar)
    whole = town.naive.count(town.start, local(end.due_at))
    closing_day = local(end.due_at).date()
    midnight = datetime(closing_day.year, closing_day.month, closing_day.day, tzinfo=LOCAL)
    a_day = town.naive.count(midnight, midnight + DAY)
    used = whole * 2 / 3
    expected = min(used, whole - a_day) if 2 * a_day <= whole else used
    assert working_minutes(town.start, end.yellow_at, town.calendar) == pytest.approx(expected, abs=0.01)


@settings(max_examples=30, deadline=None)
@given(towns(), st.integers(1, 12))
def test_every_worked_minute_is_told_in_the_reasons_of_a_working_hours_limit(town: Town, hours: int) -> None:
    reasons = deadline(town.start, Limit(hours, Unit.WORKING_HOURS), town.calendar).reasons
    told = sum(int(line.rsplit("，", 1)[1].removesuffix(" 分钟")) for line in reasons if line.endswith("分钟"))
    assert told == hours * 60


# ── real calendars ─────────────────────────────────────────────────────────


def test_the_contracts_example_ends_on_the_made_up_saturday() -> None:
    end = deadline(shanghai("2026-09-30T09:00"), Limit.parse("3 working_days"), NATIONAL)
    assert local(end.due_at).isoformat() == "2026-10-10T17:30:00+08:00"
    assert not end.provisional
    assert end.reasons == (
        "2026-09-30 周三 为起始日，次日起计",
        "2026-10-01 周四 至 2026-10-07 周三 国庆节，不计",
        "2026-10-08 周四 第1个工作日",
        "2026-10-09 周五 第2个工作日",
        "2026-10-10 周六 调休上班 第3个工作日，17:30 到期",
    )


@pytest.mark.parametrize(
    ("start", "limit", "expected"),
    [
        # office hours 08:30–12:00 and 13:30–17:30
        ("2026-11-23 09:00", "4 working_hours", "2026-11-23 14:30"),  # over the lunch break
        ("2026-11-23 12:10", "1 working_hours", "2026-11-23 14:30"),  # begun at lunch
        ("2026-11-23 08:00", "1 working_hours", "2026-11-23 09:30"),  # before opening
        ("2026-11-23 17:30", "1 working_hours", "2026-11-24 09:30"),  # at closing
        ("2026-11-23 12:00", "30 working_minutes", "2026-11-23 14:00"),  # at the start of lunch
        ("2026-11-23 10:30", "90 working_minutes", "2026-11-23 12:00"),  # ends with the morning, not after lunch
        ("2026-11-20 17:00", "1 working_hours", "2026-11-23 09:00"),  # over a weekend
        ("2026-11-21 10:00", "4 working_hours", "2026-11-23 14:00"),  # begun on a Saturday
        ("2026-09-30 17:00", "60 working_minutes", "2026-10-08 09:00"),  # over National Day
        ("2026-10-10 08:30", "1 working_hours", "2026-10-10 09:30"),  # on the made-up Saturday
        ("2026-11-23 23:30", "2 natural_hours", "2026-11-24 01:30"),  # round the clock
        ("2026-09-30 20:00", "24 natural_hours", "2026-10-01 20:00"),  # also into a holiday
        ("2026-11-20 23:59", "1 working_days", "2026-11-23 17:30"),
        ("2026-10-01 10:00", "1 working_days", "2026-10-08 17:30"),  # begun on a holiday
        ("2026-11-23 00:00", "1 working_days", "2026-11-24 17:30"),  # the day itself never counts
        ("2026-11-23 10:00", "1 calendar_days", "2026-11-24 23:59"),
        ("2026-11-20 10:00", "1 calendar_days", "2026-11-23 17:30"),  # a Saturday moves to Monday's close
        ("2026-09-30 10:00", "3 calendar_days", "2026-10-08 17:30"),
        ("2026-10-08 10:00", "2 calendar_days", "2026-10-10 23:59"),  # a made-up Saturday stays
        ("2026-02-13 10:00", "1 working_days", "2026-02-14 17:30"),  # Saturday before Spring Festival is worked
        ("2026-02-14 10:00", "1 working_days", "2026-02-24 17:30"),
    ],
)
def test_real_days_and_hours(start: str, limit: str, expected: str) -> None:
    assert due(start, limit) == expected


def test_summer_and_winter_hours_change_on_their_day() -> None:
    summer = OfficeHours((Span(time(8), time(12)), Span(time(14), time(18))), (5, 1), (9, 30))
    winter = OfficeHours((Span(time(8, 30), time(12)), Span(time(13), time(17))), (10, 1), (4, 30))
    calendar = WorkCalendar(office_hours=(summer, winter))
    assert due("2026-09-29 10:00", "1 working_days", calendar) == "2026-09-30 18:00"
    assert due("2026-09-30 10:00", "1 working_days", calendar) == "2026-10-08 17:00"
    assert due("2026-12-31 16:00", "2 working_hours", calendar) == "2027-01-04 09:30"  # winter wraps the year's end
    assert due("2026-04-30 16:30", "1 working_hours", calendar) == "2026-05-06 08:30"


def test_a_bureaus_own_day_wins_over_the_national_calendar() -> None:
    calendar = WorkCalendar(
        overrides={date(2026, 11, 24): Override(False, "镇政府通知停电"), date(2026, 11, 28): Override(True, "")}
    )
    assert due("2026-11-23 09:00", "1 working_days", calendar) == "2026-11-25 17:30"
    assert due("2026-11-27 09:00", "1 working_days", calendar) == "2026-11-28 17:30"
    reasons = deadline(shanghai("2026-11-23 09:00"), Limit.parse("1 working_days"), calendar).reasons
    assert "2026-11-24 周二 镇政府通知停电，不计" in reasons
    assert calendar.day(date(2026, 11, 28)).note == "本局调整为工作日"


def test_a_year_that_is_not_announced_is_counted_by_statutory_days_and_marked() -> None:
    end = deadline(shanghai("2029-12-31 09:00"), Limit.parse("1 working_days"), NATIONAL)
    assert local(end.due_at).date() == date(2030, 1, 2)  # New Year's Day is left out, though nobody announced it
    assert end.provisional
    assert "国务院尚未公布" in end.reasons[-1]


def test_only_the_days_that_count_make_a_deadline_provisional() -> None:
    assert not deadline(shanghai("2026-11-23 09:00"), Limit.parse("5 working_days"), NATIONAL).provisional
    assert not deadline(shanghai("2029-01-10 09:00"), Limit.parse("24 natural_hours"), NATIONAL).provisional
    overridden = WorkCalendar(overrides={date(2030, 1, 2): Override(True, "已定")})
    assert not deadline(shanghai("2030-01-01 09:00"), Limit.parse("1 working_days"), overridden).provisional


def test_naive_moments_are_shanghai_moments_whatever_the_machines_zone() -> None:
    naive = deadline(datetime(2026, 11, 23, 9), Limit.parse("1 working_hours"), NATIONAL)
    utc = deadline(datetime(2026, 11, 23, 1, tzinfo=UTC), Limit.parse("1 working_hours"), NATIONAL)
    assert naive.due_at == utc.due_at == datetime(2026, 11, 23, 2, tzinfo=UTC)


def test_a_start_at_half_a_minute_keeps_its_seconds() -> None:
    start = shanghai("2026-11-23 09:00:30.250000")
    assert advance(start, 60, NATIONAL) == start + timedelta(hours=1)
    assert working_minutes(start, start + timedelta(seconds=45), NATIONAL) == pytest.approx(0.75)


def test_nothing_lies_between_a_moment_and_an_earlier_one() -> None:
    assert working_minutes(shanghai("2026-11-23 10:00"), shanghai("2026-11-23 09:00"), NATIONAL) == 0
    assert working_minutes(shanghai("2026-11-23 10:00"), shanghai("2026-11-23 10:00"), NATIONAL) == 0


@pytest.mark.parametrize(
    ("limit", "hours"),
    [("24 natural_hours", 16), ("6 natural_hours", 4), ("3 natural_hours", 2), ("60 natural_hours", 40)],
)
def test_a_light_round_the_clock_turns_yellow_after_two_thirds(limit: str, hours: int) -> None:
    start = shanghai("2026-11-23 09:00")
    assert deadline(start, Limit.parse(limit), NATIONAL).yellow_at == start + timedelta(hours=hours)


def test_the_last_two_hours_round_the_clock_are_yellow_where_they_are_at_most_half() -> None:
    calendar = WorkCalendar(yellow=YellowRule(used=0.9))
    start = shanghai("2026-11-23 09:00")
    assert deadline(start, Limit.parse("4 natural_hours"), calendar).yellow_at == start + timedelta(hours=2)
    assert deadline(start, Limit.parse("3 natural_hours"), calendar).yellow_at == start + timedelta(hours=2.7)


@pytest.mark.parametrize(
    ("limit", "yellow"),
    [
        # From Monday 09:00 there are 7 h that day and 7.5 h on each that follows.
        ("2 working_days", "11-24 17:30"),  # 22 h in all: one working day left (14.5 h) comes before two thirds
        ("5 working_days", "11-27 08:40"),  # 44.5 h in all: two thirds (29 h 40 min) come first
        ("1 working_days", "11-24 11:10"),  # 14.5 h in all: a day is more than half of it, so two thirds (9 h 40 min)
        ("3 working_hours", "11-23 11:00"),
    ],
)
def test_a_working_day_left_or_two_thirds_used_whichever_comes_first(limit: str, yellow: str) -> None:
    end = deadline(shanghai("2026-11-23 09:00"), Limit.parse(limit), NATIONAL)
    assert f"{local(end.yellow_at):%m-%d %H:%M}" == yellow


@pytest.mark.parametrize("limit", ["99999 working_days", "99999 calendar_days", "99999 natural_hours"])
def test_a_limit_beyond_reach_is_refused_in_words(limit: str) -> None:
    with pytest.raises(ValueError, match="太长"):
        deadline(shanghai("2026-11-23 09:00"), Limit.parse(limit), NATIONAL)


def test_a_calendar_without_work_is_refused_and_does_not_loop() -> None:
    never = WorkCalendar(office_hours=())
    for limit in ("1 working_days", "1 working_hours", "1 calendar_days"):
        with pytest.raises(ValueError, match="日历"):
            deadline(shanghai("2026-11-23 09:00"), Limit.parse(limit), never)
    with pytest.raises(ValueError, match="日历"):
        retreat(shanghai("2026-11-23 09:00"), 1, never)
    with pytest.raises(ValueError, match="日历"):
        never.worked_before(date(2026, 11, 23))


def test_where_office_hours_change_with_the_season_the_reason_names_those_of_the_day() -> None:
    summer = OfficeHours((Span(time(8, 30), time(12, 0)), Span(time(14, 0), time(18, 0))), (6, 1), (9, 30))
    seasons = WorkCalendar(office_hours=(summer, OfficeHours()))
    start = datetime(2026, 9, 29, 9, tzinfo=LOCAL)
    in_summer = deadline(start, Limit(1, Unit.WORKING_DAYS), seasons)
    in_autumn = deadline(start, Limit(2, Unit.WORKING_DAYS), seasons)
    assert in_summer.reasons[-1] == "2026-09-30 周三 第1个工作日，当日办公时间 08:30–12:00、14:00–18:00，18:00 到期"
    assert in_autumn.reasons[-1] == "2026-10-08 周四 第2个工作日，当日办公时间 08:30–12:00、13:30–17:30，17:30 到期"
    by_days = deadline(start, Limit(4, Unit.CALENDAR_DAYS), seasons)  # 3 October: on to the 8th
    assert "顺延后第一个工作日，当日办公时间 08:30–12:00、13:30–17:30，17:30 到期" in by_days.reasons[-1]


def test_a_single_day_of_our_own_and_a_make_up_day_are_named_in_the_reason() -> None:
    ours = WorkCalendar(overrides={date(2026, 10, 9): Override(False, "镇政府通知放假")})
    reasons = deadline(datetime(2026, 9, 30, 9, tzinfo=LOCAL), Limit(2, Unit.WORKING_DAYS), ours).reasons
    assert "2026-10-09 周五 镇政府通知放假，不计" in reasons
    assert any(line.startswith("2026-10-10 周六 调休上班 第2个工作日") for line in reasons)
