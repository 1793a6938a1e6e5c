"""What is looked at on the board: the period, the channel and the unit, read from the address and written into it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode

from aiohttp import web

from domain.complaint import SOURCE_NAMES
from domain.worktime import LOCAL, local
from intake_bot.api.filters import read_choice, read_day, read_word
from intake_bot.api.problems import FieldError, bad_fields
from intake_bot.house import House
from storage.figures import Dimension, Slice
from storage.tickets import TicketFilter
from supervision.reports.periods import LONGEST_DAYS


class PeriodChoice(StrEnum):
    """The periods that have a button; all of them reach up to today."""

    TODAY = "today"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    CUSTOM = "custom"


PERIOD_NAMES: dict[PeriodChoice, str] = {
    PeriodChoice.TODAY: "今日",
    PeriodChoice.WEEK: "本周",
    PeriodChoice.MONTH: "本月",
    PeriodChoice.QUARTER: "本季",
    PeriodChoice.YEAR: "本年",
    PeriodChoice.CUSTOM: "自定",
}


class Step(StrEnum):
    """How finely a trend is drawn."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


STEP_NAMES: dict[Step, str] = {Step.HOUR: "小时", Step.DAY: "日", Step.WEEK: "周", Step.MONTH: "月"}
_LONGEST_BY_HOUR, _LONGEST_BY_DAY = 3, 100


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is looked at: the days from `first` up to and with `last`, and a channel and a unit where they are chosen."""

    period: PeriodChoice
    first: date
    last: date
    channel: str | None
    unit: str | None

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def slice(self) -> Slice:
        return Slice(_midnight(self.first), _midnight(self.last + _DAY), channel=self.channel, brigade=self.unit)

    @property
    def now(self) -> TicketFilter:
        """The unfinished tickets of the channel and the unit: what is so now has no period."""
        return TicketFilter(channel=self.channel, unit=self.unit, open_only=True)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in which a trend of this length can be read, the best one first."""
        if self.days <= _LONGEST_BY_HOUR:
            return (Step.HOUR, Step.DAY)
        if self.days <= _LONGEST_BY_DAY:
            return (Step.DAY, Step.WEEK, Step.MONTH)
        return (Step.WEEK, Step.MONTH)

    def address(self, path: str = "/board", **further: str | Iterable[str]) -> str:
        """An address of a page about the same tickets; the days are named, so that it shows the same tomorrow."""
        named: dict[str, str | Iterable[str]] = {"first": self.first.isoformat(), "last": self.last.isoformat()}
        return f"{path}?{urlencode({**named, **self.filters, **further}, doseq=True)}"

    def address_now(self, path: str, **further: str) -> str:
        """An address of a page about what is unfinished now."""
        query = urlencode({**self.filters, **further})
        return f"{path}?{query}" if query else path

    @property
    def filters(self) -> dict[str, str]:
        return {name: value for name, value in (("channel", self.channel), ("brigade", self.unit)) if value}

    def of_unit(self, unit: str) -> Chosen:
        return Chosen(self.period, self.first, self.last, self.channel, unit)


_DAY = timedelta(days=1)


def read_chosen(request: web.Request, house: House) -> Chosen:
    """What the address asks for: a named period, or `first` and `last`; this month where it says nothing.

    Raises `Problem` 422 for what cannot be.
    """
    today = local(house.now()).date()
    wanted = read_choice(request, "period", PeriodChoice)
    first, last = read_day(request, "first"), read_day(request, "last")
    named_days = first is not None or last is not None
    period = wanted or (PeriodChoice.CUSTOM if named_days else PeriodChoice.MONTH)
    begin, end = _beginning(period, today), today
    if period is PeriodChoice.CUSTOM:
        begin = first.date() if first is not None else begin
        end = last.date() if last is not None else end
        if begin > end:
            raise bad_fields([FieldError("last", "截止日期不能早于起始日期")])
        if (end - begin).days >= LONGEST_DAYS:
            raise bad_fields([FieldError("last", f"起止日期相距不能超过 {LONGEST_DAYS} 天")])
    return Chosen(
        period,
        begin,
        end,
        _known(request, "channel", channel_names(house), "渠道"),
        _known(request, "brigade", unit_names(house), "承办单位"),
    )


def read_step(request: web.Request, chosen: Chosen) -> Step:
    """The step of the trend that the address asks for, where the period is one for it."""
    wanted = read_choice(request, "step", Step)
    return wanted if wanted in chosen.steps else chosen.steps[0]


def channel_names(house: House) -> dict[str, str]:
    """Every source of tickets that can be chosen."""
    return {code: one.name for code, one in house.settings.channels.items()} | SOURCE_NAMES


def unit_names(house: House) -> dict[str, str]:
    return {one.code: one.name for one in house.settings.router.units}


def buckets(chosen: Chosen, step: Step, now: datetime) -> list[tuple[str, Chosen | None]]:
    """The keys of a trend's groups in order, with none left out, and the days of each; None where it is part of a day."""
    end = min(chosen.slice.end, now)
    found: list[tuple[str, Chosen | None]] = []
    moment = chosen.slice.start
    while moment < end:
        following, key = _after(moment, step)
        days = None
        if step is not Step.HOUR:
            last = min(chosen.last, local(following).date() - _DAY)
            days = Chosen(PeriodChoice.CUSTOM, local(moment).date(), last, chosen.channel, chosen.unit)
        found.append((key, days))
        moment = following
    return found


def _after(moment: datetime, step: Step) -> tuple[datetime, str]:
    """Where the step that a moment lies in ends, and its key as `storage.figures` spells it."""
    day = _midnight(local(moment).date())
    if step is Step.HOUR:
        return moment + timedelta(hours=1), f"{local(moment):%Y-%m-%d %H:00}"
    if step is Step.DAY:
        return day + _DAY, f"{day:%Y-%m-%d}"
    if step is Step.WEEK:
        monday = day - day.weekday() * _DAY
        return monday + 7 * _DAY, f"{monday:%Y-%m-%d}"
    return (day.replace(day=1) + 32 * _DAY).replace(day=1), f"{day:%Y-%m}"


def dimension_of(step: Step) -> Dimension:
    return Dimension(step.value)


def _beginning(period: PeriodChoice, today: date) -> date:
    if period is PeriodChoice.WEEK:
        return today - today.weekday() * _DAY
    if period is PeriodChoice.QUARTER:
        return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    if period is PeriodChoice.YEAR:
        return today.replace(month=1, day=1)
    return today if period is PeriodChoice.TODAY else today.replace(day=1)


def _known(request: web.Request, name: str, names: dict[str, str], what: str) -> str | None:
    code = read_word(request, name)
    if code is not None and code not in names:
        raise bad_fields([FieldError(name, f"没有代码为“{code[:40]}”的{what}")])
    return code


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL)
