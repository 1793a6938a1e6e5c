"""The periods of reports: a day, a week from Monday, a month, or any stretch of days; and what they are called."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from domain.worktime import midnight
from storage.figures import Slice

LONGEST_DAYS = 366 * 3


class PeriodKind(StrEnum):
    """What kind of report a period makes."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    RANGE = "range"


REPORT_NAMES: dict[PeriodKind, str] = {
    PeriodKind.DAY: "日报",
    PeriodKind.WEEK: "周报",
    PeriodKind.MONTH: "月报",
    PeriodKind.RANGE: "专报",
}


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` up to, not including, `until`."""

    kind: PeriodKind
    first: date
    until: date

    @property
    def slice(self) -> Slice:
        return Slice(midnight(self.first), midnight(self.until))

    @property
    def last(self) -> date:
        return self.until - timedelta(days=1)

    @property
    def month(self) -> str | None:
        """The month that it is, as `2026-10`; None for other periods."""
        return f"{self.first:%Y-%m}" if self.kind is PeriodKind.MONTH else None

    @property
    def name(self) -> str:
        """`2026年10月`."""
        if self.kind is PeriodKind.MONTH:
            return f"{self.first.year}年{self.first.month}月"
        if self.first == self.last:
            return day_in_words(self.first)
        if self.first.year == self.last.year:
            return f"{day_in_words(self.first)}至{self.last.month}月{self.last.day}日"
        return f"{day_in_words(self.first)}至{day_in_words(self.last)}"

    @property
    def file_stem(self) -> str:
        """`月报-2026-10`: what a file of the report is called, without its ending."""
        written = {
            PeriodKind.DAY: f"{self.first}",
            PeriodKind.WEEK: f"{self.first}",
            PeriodKind.MONTH: f"{self.first:%Y-%m}",
            PeriodKind.RANGE: f"{self.first}至{self.last}",
        }
        return f"{REPORT_NAMES[self.kind]}-{written[self.kind]}"


def period_of(kind: PeriodKind, day: date) -> Period:
    """The day, week or month that a day lies in. Raises ValueError for RANGE, which no single day names."""
    if kind is PeriodKind.DAY:
        return Period(kind, day, day + timedelta(days=1))
    if kind is PeriodKind.WEEK:
        monday = day - timedelta(days=day.weekday())
        return Period(kind, monday, monday + timedelta(days=7))
    if kind is PeriodKind.MONTH:
        first = day.replace(day=1)
        return Period(kind, first, (first + timedelta(days=31)).replace(day=1))
    raise ValueError("专报应写明起止日期（from、to）")


def period_between(first: date, until: date) -> Period:
    """The days from `first` up to, not including, `until`. Raises ValueError (Chinese)."""
    if until <= first:
        raise ValueError("截止日期（不含）必须晚于起始日期")
    if (until - first).days > LONGEST_DAYS:
        raise ValueError(f"起止日期相距不能超过 {LONGEST_DAYS} 天")
    return Period(PeriodKind.RANGE, first, until)


def period_before(kind: PeriodKind, day: date) -> Period:
    """The last day, week or month that is over on a day."""
    return period_of(kind, period_of(kind, day).first - timedelta(days=1))


def day_in_words(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
