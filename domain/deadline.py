"""When a limit ends, when its light turns yellow, and why, day by day. Not: what working time is (`worktime`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from domain.limit import Deadline, Limit, Unit
from domain.worktime import (
    FARTHEST_DAYS,
    WorkCalendar,
    advance,
    local,
    midnight_after,
    minutes_of,
    working_minutes,
)

_WEEKDAYS = "一二三四五六日"
_ONE_DAY = timedelta(days=1)


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
        return midnight_after(day) - timedelta(seconds=1), facts.provisional, _finished(lines, facts.provisional)
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
        start = minutes_of(begin) if day == begin.date() else 0.0
        end = minutes_of(due) if day == due.date() else 1440.0
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
