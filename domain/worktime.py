"""Working time as the State Council makes it: when a limit ends, and how much working time lies between two moments.

Pure arithmetic over a calendar. The rules of each unit are those of `deadline`. Days come from `chinesecalendar`, which knows
the make-up Saturdays and Sundays (调休); a year that is not announced yet takes the statutory days that `holidays` computes,
and every deadline that such a year touches is provisional.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import chinese_calendar
import holidays

from domain.limit import Deadline, Limit, Unit

LOCAL = ZoneInfo("Asia/Shanghai")
FARTHEST_DAYS = 4_000
"""No deadline is looked for further than this many days ahead."""

_WEEKDAYS = "一二三四五六日"
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


@lru_cache(maxsize=20_000)
def _national_day(day: date) -> Day:
    """The State Council's day; computed statutory days and weekends where the year is not announced."""
    try:
        working = bool(chinese_calendar.is_workday(day))
        _, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        return _computed_day(day)
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


def midnight_after(day: date) -> datetime:
    """The moment (UTC) at which a local day is over."""
    return _at(day, 1440).astimezone(UTC)


def _at(day: date, minutes: float) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL) + timedelta(minutes=minutes)


def _minutes_of(moment: datetime) -> float:
    return moment.hour * 60 + moment.minute + moment.second / 60 + moment.microsecond / 60_000_000


def working_minutes(start: datetime, end: datetime, calendar: WorkCalendar) -> float:
    """Minutes of office hours between two moments; 0 when `end` is not after `start`."""
    first, last = local(start), local(end)
    if last <= first:
        return 0.0
    total = 0.0
    day = first.date()
    while day <= last.date():
        begin = _minutes_of(first) if day == first.date() else 0.0
        finish = _minutes_of(last) if day == last.date() else 1440.0
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
    begin = _minutes_of(moment)
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
    finish = _minutes_of(moment)
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


def deadline(start: datetime, limit: Limit, calendar: WorkCalendar) -> Deadline:
    """When `limit`, begun at `start`, ends.

    natural_hours run round the clock. working_minutes and working_hours run inside office hours only. working_days count
    from the next day; due at the close of office hours on the n-th. calendar_days: due at the end (23:59:59) of the n-th day
    after, moved to the next working day's close when that day is not worked. Raises ValueError for a limit too long.
    """
    begin = local(start)
    if limit.unit is Unit.WORKING_DAYS:
        due, provisional, reasons = _after_working_days(begin.date(), limit.number, calendar)
    elif limit.unit is Unit.CALENDAR_DAYS:
        due, provisional, reasons = _after_calendar_days(begin.date(), limit.number, calendar)
    elif limit.unit is Unit.NATURAL_HOURS:
        if limit.number > FARTHEST_DAYS * 24:
            raise ValueError(f"时限 {limit} 太长")
        due, provisional = begin + timedelta(hours=limit.number), False
        reasons = (f"{begin:%Y-%m-%d %H:%M} 起连续计 {limit.number} 小时，{due:%Y-%m-%d %H:%M} 到期",)
    else:
        due, provisional, reasons = _after_working_time(begin, limit, calendar)
    return Deadline(due.astimezone(UTC), _yellow(begin, due, limit, calendar).astimezone(UTC), provisional, reasons)


def _after_working_days(first: date, number: int, calendar: WorkCalendar) -> tuple[datetime, bool, tuple[str, ...]]:
    if number > FARTHEST_DAYS // 2:
        raise ValueError(f"时限 {number} 个工作日太长，至多 {FARTHEST_DAYS // 2} 个")
    lines = [f"{_named(first)} 为起始日，次日起计"]
    provisional = False
    counted, day = 0, first
    skipped: list[tuple[date, str]] = []
    for _ in range(FARTHEST_DAYS):
        day += _ONE_DAY
        facts = calendar.day(day)
        provisional = provisional or facts.provisional
        if not calendar.spans(day):
            skipped.append((day, facts.note))
            continue
        lines += _skipped_lines(skipped)
        skipped = []
        counted += 1
        note = f" {facts.note}" if facts.note else ""
        if counted == number:
            due = calendar.closing(day)
            lines.append(f"{_named(day)}{note} 第{counted}个工作日，{_hours_of(day, calendar)}{due:%H:%M} 到期")
            return due, provisional, _finished(lines, provisional)
        lines.append(f"{_named(day)}{note} 第{counted}个工作日")
    raise ValueError(f"{FARTHEST_DAYS} 天之内没有 {number} 个工作日，请检查日历设置")


def _after_calendar_days(first: date, number: int, calendar: WorkCalendar) -> tuple[datetime, bool, tuple[str, ...]]:
    if number > FARTHEST_DAYS:
        raise ValueError(f"时限 {number} 个自然日太长，至多 {FARTHEST_DAYS} 个")
    day = first + timedelta(days=number)
    facts = calendar.day(day)
    lines = [f"{_named(first)} 为起始日，次日起计 {number} 个自然日"]
    if calendar.spans(day):
        lines.append(f"{_named(day)} 为第{number}日，当日 24 时到期")
        return _at(day, 1440) - timedelta(seconds=1), facts.provisional, _finished(lines, facts.provisional)
    provisional = facts.provisional
    lines.append(f"{_named(day)} 为第{number}日，但{facts.note or '不办公'}，顺延")
    for _ in range(FARTHEST_DAYS):
        day += _ONE_DAY
        facts = calendar.day(day)
        provisional = provisional or facts.provisional
        if calendar.spans(day):
            due = calendar.closing(day)
            note = f" {facts.note}" if facts.note else ""
            lines.append(f"{_named(day)}{note} 顺延后第一个工作日，{_hours_of(day, calendar)}{due:%H:%M} 到期")
            return due, provisional, _finished(lines, provisional)
    raise ValueError("日历中没有工作日，请检查日历设置")


def _after_working_time(
    begin: datetime, limit: Limit, calendar: WorkCalendar
) -> tuple[datetime, bool, tuple[str, ...]]:
    minutes = limit.number * (60 if limit.unit is Unit.WORKING_HOURS else 1)
    due = advance(begin, minutes, calendar)
    lines: list[str] = []
    provisional = False
    skipped: list[tuple[date, str]] = []
    day = begin.date()
    while day <= due.date():
        facts = calendar.day(day)
        provisional = provisional or facts.provisional
        start = _minutes_of(begin) if day == begin.date() else 0.0
        end = _minutes_of(due) if day == due.date() else 1440.0
        parts = [
            (max(start, opening), min(end, closing))
            for opening, closing in calendar.spans(day)
            if min(end, closing) > max(start, opening)
        ]
        if parts:
            lines += _skipped_lines(skipped)
            skipped = []
            written = "、".join(f"{_clock(opening)}–{_clock(closing)}" for opening, closing in parts)
            used = sum(closing - opening for opening, closing in parts)
            note = f" {facts.note}" if facts.note else ""
            lines.append(f"{_named(day)}{note} 计 {written}，{used:.0f} 分钟")
        else:
            skipped.append((day, facts.note or "当日办公时间已过"))
        day += _ONE_DAY
    lines.append(f"{due:%Y-%m-%d %H:%M} 到期")
    return due, provisional, _finished(lines, provisional)


def _yellow(begin: datetime, due: datetime, limit: Limit, calendar: WorkCalendar) -> datetime:
    """When the light turns yellow, counted in the limit's own clock."""
    rule = calendar.yellow
    if limit.unit in {Unit.NATURAL_HOURS, Unit.CALENDAR_DAYS}:
        whole = (due - begin).total_seconds() / 60
        return begin + timedelta(minutes=_yellow_after(whole, rule.used, rule.left_natural_hours * 60))
    return yellow_in_working_time(begin, due, calendar)


def yellow_in_working_time(begin: datetime, due: datetime, calendar: WorkCalendar) -> datetime:
    """When the light of a limit from `begin` to `due`, counted in office hours, turns yellow (local time)."""
    rule = calendar.yellow
    whole = working_minutes(begin, due, calendar)
    a_day = sum(closing - opening for opening, closing in calendar.spans(local(due).date()))
    return advance(begin, _yellow_after(whole, rule.used, rule.left_working_days * a_day), calendar)


def _yellow_after(whole: float, used: float, left: float) -> float:
    by_share = whole * used
    return min(by_share, whole - left) if left * 2 <= whole else by_share


def _named(day: date) -> str:
    return f"{day.isoformat()} 周{_WEEKDAYS[day.weekday()]}"


def _hours_of(day: date, calendar: WorkCalendar) -> str:
    """The office hours that make the close of a day, where they change with the season."""
    if len(calendar.office_hours) < 2:
        return ""
    written = "、".join(f"{_clock(opening)}–{_clock(closing)}" for opening, closing in calendar.spans(day))
    return f"当日办公时间 {written}，"


def _clock(minutes: float) -> str:
    return f"{int(minutes) // 60:02d}:{int(minutes) % 60:02d}"


def _skipped_lines(skipped: Sequence[tuple[date, str]]) -> list[str]:
    """One line for each run of days that are left out for the same reason."""
    lines: list[str] = []
    start = 0
    for index in range(len(skipped)):
        last = index == len(skipped) - 1
        if last or skipped[index + 1][1] != skipped[index][1]:
            days = _named(skipped[start][0])
            if index > start:
                days += f" 至 {_named(skipped[index][0])}"
            lines.append(f"{days} {skipped[start][1] or '不办公'}，不计")
            start = index + 1
    return lines


def _finished(lines: list[str], provisional: bool) -> tuple[str, ...]:
    if provisional:
        lines.append("其中有国务院尚未公布放假安排的年份，按法定节假日和周末暂计，公布后重新计算")
    return tuple(lines)
