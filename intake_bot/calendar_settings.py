"""The `calendar` part of `config.yml`: working days and office hours, and when a light turns yellow."""

from __future__ import annotations

import itertools
import re
from datetime import date, time

from pydantic import Field, field_validator

from domain.worktime import OfficeHours, Override, Span, WorkCalendar, YellowRule
from intake_bot.section import Section

_SPAN = re.compile(r"^(\d{1,2}):(\d{2})\s*[-–—]\s*(\d{1,2}):(\d{2})$")
_MONTH_DAY = re.compile(r"^(\d{1,2})-(\d{1,2})$")


class OfficeHoursSettings(Section):
    """Office hours of one part of the year."""

    start: str = Field(default="01-01", alias="from", description="起始月日（含），如 10-01")
    end: str = Field(default="12-31", alias="to", description="截止月日（含），如 04-30")
    spans: tuple[str, ...] = Field(min_length=1, description="每日办公时段，如 08:30-12:00")

    @field_validator("start", "end")
    @classmethod
    def _month_day(cls, written: str) -> str:
        _month_day_of(written)
        return written

    @field_validator("spans")
    @classmethod
    def _readable(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        spans = [_span(one) for one in written]
        if any(one.end <= one.start for one in spans) or any(
            later.start < earlier.end for earlier, later in itertools.pairwise(spans)
        ):
            raise ValueError("办公时段应先后排列、互不重叠，例如 [08:30-12:00, 13:30-17:30]")
        return written


class OverrideSettings(Section):
    """A single day that differs from the State Council's calendar."""

    day: date = Field(alias="date", description="日期，如 2026-12-31")
    working: bool = Field(description="true 上班，false 休息")
    note: str = Field(min_length=1, description="依据，如“镇政府通知”")


class YellowSettings(Section):
    """When a light turns yellow."""

    used: float = Field(default=2 / 3, gt=0, lt=1, description="已用时限的比例")
    left_working_days: int = Field(default=1, ge=0, le=30, description="剩余工作日数")
    left_natural_hours: int = Field(default=2, ge=0, le=240, description="连续计时的剩余小时数")


class CalendarSettings(Section):
    """Working days and hours. Days come from the State Council's notices; `overrides` change single ones."""

    office_hours: tuple[OfficeHoursSettings, ...] = Field(min_length=1, description="办公时间")
    overrides: tuple[OverrideSettings, ...] = Field(default=(), description="个别日期的调整")
    yellow: YellowSettings = Field(default_factory=YellowSettings, description="黄灯规则")

    def work_calendar(self) -> WorkCalendar:
        return WorkCalendar(
            office_hours=tuple(
                OfficeHours(tuple(_span(each) for each in one.spans), _month_day_of(one.start), _month_day_of(one.end))
                for one in self.office_hours
            ),
            overrides={one.day: Override(one.working, one.note) for one in self.overrides},
            yellow=YellowRule(self.yellow.used, self.yellow.left_working_days, self.yellow.left_natural_hours),
        )


def _span(written: str) -> Span:
    """`08:30-12:00`. Raises ValueError (Chinese)."""
    found = _SPAN.match(written.strip())
    try:
        if found is None:
            raise ValueError
        first, first_minute, last, last_minute = (int(one) for one in found.groups())
        return Span(time(first, first_minute), time(last, last_minute))
    except ValueError:
        raise ValueError(f"办公时段“{written}”写法不对，应为 08:30-12:00") from None


def _month_day_of(written: str) -> tuple[int, int]:
    """`10-01`. Raises ValueError (Chinese)."""
    found = _MONTH_DAY.match(written.strip())
    try:
        if found is None:
            raise ValueError
        day = date(2024, int(found[1]), int(found[2]))  # a leap year, so that 02-29 can be written
    except ValueError:
        raise ValueError(f"月日“{written}”写法不对，应为 10-01") from None
    return day.month, day.day
