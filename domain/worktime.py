"""Working time as the State Council makes it: which days and hours are worked, and how much of them lies between moments.

Pure arithmetic over a calendar. When a limit ends is said by `deadline`. Days come from `chinesecalendar`, which knows the
make-up Saturdays and Sundays (调休); a year that is not announced yet takes the statutory days that `holidays` computes, and
every deadline that such a year touches is provisional.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import chinese_calendar.constants
import holidays

LOCAL = ZoneInfo("Asia/Shanghai")
FARTHEST_DAYS = 4_000
"""No deadline is looked for further than this many days ahead."""

_ONE_DAY = timedelta(days=1)

_HOLIDAY_NAMES = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "Mid-autumn Festival": "中秋节",
    "National Day": "国庆节",
    "Anti-Fascist 70th Day": "抗战胜利70周年纪念日",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of office hours within one day."""

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """Office hours of one part of the year, from `first` to `last` (month, day), both included; may wrap the year's end."""

    spans: tuple[Span, ...] = (Span(time(8, 30), time(12, 0)), Span(time(13, 30), time(17, 30)))
    first: tuple[int, int] = (1, 1)
    last: tuple[int, int] = (12, 31)

    def covers(self, day: date) -> bool:
        here = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= here <= self.last
        return here >= self.first or here <= self.last


@dataclass(frozen=True, slots=True)
class Day:
    """Whether a day is worked, and why. `provisional`: its year's holidays are not announced yet."""

    working: bool
    note: str
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Override:
    """A single day that the bureau itself declares worked or free."""

    working: bool
    note: str


@dataclass(frozen=True, slots=True)
class YellowRule:
    """When a light turns yellow: this share of the limit is used, or so much is left (where that is at most half of it)."""

    used: float = 2 / 3
    left_working_days: int = 1
    left_natural_hours: int = 2


@dataclass(frozen=True)
class WorkCalendar:
    """Which days and hours are worked. Instances are cheap to ask: every day's facts are worked out once."""

    office_hours: tuple[OfficeHours, ...] = (OfficeHours(),)
    overrides: Mapping[date, Override] = field(default_factory=dict)
    yellow: YellowRule = field(default_factory=YellowRule)
    _days: dict[date, Day] = field(default_factory=dict, repr=False, compare=False)
    _spans: dict[date, tuple[tuple[int, int], ...]] = field(default_factory=dict, repr=False, compare=False)

    def day(self, day: date) -> Day:
        """The facts of a day."""
        known = self._days.get(day)
        if known is None:
            known = self._days[day] = self._look_up(day)
        return known

    def _look_up(self, day: date) -> Day:
        override = self.overrides.get(day)
        if override is not None:
            return Day(
                override.working, override.note or ("本局调整为工作日" if override.working else "本局调整为休息日")
            )
        return _national_day(day)

    def spans(self, day: date) -> tuple[tuple[int, int], ...]:
        """The office hours of a day as (start, end) in minutes after midnight; empty on a day that is not worked."""
        known = self._spans.get(day)
        if known is None:
            known = self._spans[day] = self._hours(day) if self.day(day).working else ()
        return known

    def _hours(self, day: date) -> tuple[tuple[int, int], ...]:
        for hours in self.office_hours:
            if hours.covers(day):
                return tuple(
                    (one.start.hour * 60 + one.start.minute, one.end.hour * 60 + one.end.minute) for one in hours.spans
                )
        return ()

    def closing(self, day: date) -> datetime:
        """The close of office hours on a worked day, local time."""
        return _at(day, self.spans(day)[-1][1])

    def worked_before(self, day: date) -> date:
        """The last worked day before `day`. Raises ValueError when there is none within reach."""
        for _ in range(FARTHEST_DAYS):
            day -= _ONE_DAY
            if self.spans(day):
                return day
        raise ValueError("日历中没有工作日，请检查日历设置")


ANNOUNCED_YEARS = frozenset(day.year for day in chinese_calendar.constants.holidays)
"""The years whose holidays and make-up days the State Council has announced, as the installed calendar knows them."""


@lru_cache(maxsize=20_000)
def _national_day(day: date) -> Day:
    """The State Council's day; computed statutory days and weekends where the year is not announced."""
    if day.year not in ANNOUNCED_YEARS:
        return _computed_day(day)
    working = bool(chinese_calendar.is_workday(day))
    _, name = chinese_calendar.get_holiday_detail(day)
    weekend = day.weekday() >= 5
    if working:
        return Day(True, "调休上班" if weekend else "")
    return Day(False, _HOLIDAY_NAMES.get(name or "", name or "") if name else "周末")


@lru_cache(maxsize=64)
def _statutory(year: int) -> Mapping[date, str]:
    found = holidays.country_holidays("CN", years=year, language="zh_CN")
    return {day: found[day] for day in found}


def _computed_day(day: date) -> Day:
    name = _statutory(day.year).get(day)
    if name is not None:
        return Day(False, name, provisional=True)
    if day.weekday() >= 5:
        return Day(False, "周末", provisional=True)
    return Day(True, "", provisional=True)


def local(moment: datetime) -> datetime:
    """A moment in Shanghai time; one without a zone is taken as Shanghai time."""
    return moment.replace(tzinfo=LOCAL) if moment.tzinfo is None else moment.astimezone(LOCAL)


def midnight(day: date) -> datetime:
    """The moment (local time) at which a local day begins."""
    return _at(day, 0)


def midnight_after(day: date) -> datetime:
    """The moment (UTC) at which a local day is over."""
    return _at(day, 1440).astimezone(UTC)


def _at(day: date, minutes: float) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL) + timedelta(minutes=minutes)


def minutes_of(moment: datetime) -> float:
    """Minutes since midnight."""
    return moment.hour * 60 + moment.minute + moment.second / 60 + moment.microsecond / 60_000_000


def working_minutes(start: datetime, end: datetime, calendar: WorkCalendar) -> float:
    """Minutes of office hours between two moments; 0 when `end` is not after `start`."""
    first, last = local(start), local(end)
    if last <= first:
        return 0.0
    total = 0.0
    day = first.date()
    while day <= last.date():
        begin = minutes_of(first) if day == first.date() else 0.0
        finish = minutes_of(last) if day == last.date() else 1440.0
        for opening, closing in calendar.spans(day):
            total += max(0.0, min(finish, closing) - max(begin, opening))
        day += _ONE_DAY
    return total


def advance(start: datetime, minutes: float, calendar: WorkCalendar) -> datetime:
    """The moment (local time) at which so many minutes of office hours have passed since `start`.

    A span's end counts as reached: it is never pushed on to the next opening. Raises ValueError when the calendar has no
    office hours within reach.
    """
    moment = local(start)
    day, left = moment.date(), minutes
    begin = minutes_of(moment)
    for _ in range(FARTHEST_DAYS):
        for opening, closing in calendar.spans(day):
            here = closing - max(begin, opening)
            if here <= 0:
                continue
            if left <= here:
                return _at(day, max(begin, opening) + left)
            left -= here
        day += _ONE_DAY
        begin = 0.0
    raise ValueError(f"{FARTHEST_DAYS} 天之内没有足够的工作时间，请检查日历设置或缩短时限")


def retreat(end: datetime, minutes: float, calendar: WorkCalendar) -> datetime:
    """The moment (local time) from which so many minutes of office hours pass until `end`.

    A span's start counts as reached: it is never pulled back to the closing before. Raises ValueError when the calendar has no
    office hours within reach.
    """
    moment = local(end)
    day, left = moment.date(), minutes
    finish = minutes_of(moment)
    for _ in range(FARTHEST_DAYS):
        for opening, closing in reversed(calendar.spans(day)):
            here = min(closing, finish) - opening
            if here <= 0:
                continue
            if left <= here:
                return _at(day, min(closing, finish) - left)
            left -= here
        day -= _ONE_DAY
        finish = 1440.0
    raise ValueError(f"{FARTHEST_DAYS} 天之内没有足够的工作时间，请检查日历设置或缩短时限")
