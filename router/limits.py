"""Which row of the limits table applies, and the clocks that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from domain.category import Category
from domain.complaint import Kind, Urgency
from domain.limit import STAGE_NAMES, Deadline, Limit, Stage, Unit
from domain.ticket import Clock
from domain.worktime import LOCAL, WorkCalendar, advance, deadline, local, working_minutes
from router.settings import LimitSettings

Key = tuple[Stage, str, Kind, Urgency, str, str, date]


class NoLimit(Exception):
    """No row of the limits table matches; the message says which is missing, in Chinese."""


def specificity(row: LimitSettings) -> tuple[bool, bool, bool, bool]:
    """How a row ranks among those that match: urgency first, then category, kind and channel."""
    return (row.urgency is not None, row.category is not None, row.kind is not None, row.channel is not None)


class LimitTable:
    """The limits in force, and what they give on a calendar."""

    def __init__(self, rows: Sequence[LimitSettings], margin: str, calendar: WorkCalendar) -> None:
        # The stable sort keeps the order of the file among equals, which `check` reports as a mistake.
        self._rows = sorted(rows, key=specificity, reverse=True)
        self._margin = Limit.parse(margin)
        self._calendar = calendar
        self._chosen: dict[Key, tuple[LimitSettings, Limit]] = {}

    def choose(
        self, stage: Stage, channel: str, kind: Kind, urgency: Urgency, category: Category, day: date
    ) -> tuple[LimitSettings, Limit]:
        """The most specific row in force on a day. Raises NoLimit."""
        key = (stage, channel, kind, urgency, category.code, category.time_class, day)
        known = self._chosen.get(key)
        if known is None:
            known = self._look_up(stage, channel, kind, urgency, category, day)
            if len(self._chosen) > 20_000:
                self._chosen.clear()
            self._chosen[key] = known
        return known

    def _look_up(
        self, stage: Stage, channel: str, kind: Kind, urgency: Urgency, category: Category, day: date
    ) -> tuple[LimitSettings, Limit]:
        for row in self._rows:
            if (
                row.stage is stage
                and row.channel in (None, channel)
                and row.kind in (None, kind)
                and row.urgency in (None, urgency)
                and row.category in (None, category.code, category.time_class)
                and (row.valid_from is None or row.valid_from <= day)
                and (row.valid_to is None or day < row.valid_to)
            ):
                return row, Limit.parse(row.limit)
        raise NoLimit(
            f"时限表中没有适用于“{STAGE_NAMES[stage]}”的行（渠道 {channel}、类型 {kind}、事项 {category.code}）"
        )

    def clock(self, stage: Stage, row: LimitSettings, limit: Limit, now: datetime, round_: int = 1) -> Clock:
        """A clock that starts now."""
        return _clock(stage, row, limit, now, deadline(now, limit, self._calendar), round_)

    def resolve_clock(
        self, row: LimitSettings, limit: Limit, now: datetime, due_outer: datetime | None, round_: int = 1
    ) -> Clock:
        """Our resolve clock: our own limit, or the platform's deadline less the margin where that is earlier.

        Where the margin leaves nothing, the platform's deadline itself counts while it lies ahead.
        """
        own = deadline(now, limit, self._calendar)
        if due_outer is None or due_outer <= now:
            return _clock(Stage.RESOLVE, row, limit, now, own, round_)
        inner = self._before(due_outer)
        if inner <= now:
            inner, note = due_outer, "平台时限所余不足以提前，以平台时限为准"
        else:
            note = f"平台时限 {local(due_outer):%Y-%m-%d %H:%M}，提前 {self._margin.chinese}"
        if inner >= own.due_at:
            return _clock(Stage.RESOLVE, row, limit, now, own, round_)
        share = (own.yellow_at - now) / (own.due_at - now)
        tightened = Deadline(
            inner,
            now + (inner - now) * share,
            own.provisional,
            (*own.reasons, f"{note}，故 {local(inner):%Y-%m-%d %H:%M} 到期"),
        )
        return _clock(Stage.RESOLVE, row, limit, now, tightened, round_)

    def _before(self, due: datetime) -> datetime:
        """A moment earlier than `due` by the margin: whole working days back, at the close of office hours."""
        if self._margin.unit is not Unit.WORKING_DAYS:
            hours = self._margin.number if self._margin.unit is Unit.NATURAL_HOURS else self._margin.number * 24
            return due - timedelta(hours=hours)
        day, left = local(due).date(), self._margin.number
        for _ in range(60 * self._margin.number):
            day -= timedelta(days=1)
            if self._calendar.spans(day):
                left -= 1
                if left == 0:
                    return self._calendar.closing(day).astimezone(UTC)
        return due

    def extended(self, clock: Clock, working_days: int) -> Clock:
        """The clock with its deadline moved by working days; what was first promised stays beside it."""
        later = deadline(clock.due_at, Limit(working_days, Unit.WORKING_DAYS), self._calendar)
        whole = working_minutes(clock.started_at, later.due_at, self._calendar)
        yellow = advance(clock.started_at, whole * self._calendar.yellow.used, self._calendar)
        return replace(
            clock,
            due_at=later.due_at,
            yellow_at=yellow.astimezone(UTC),
            provisional=clock.provisional or later.provisional,
            reasons=(*clock.reasons, f"经批准延期 {working_days} 个工作日", *later.reasons),
        )

    def today(self, now: datetime) -> date:
        return now.astimezone(LOCAL).date()


def _clock(stage: Stage, row: LimitSettings, limit: Limit, now: datetime, end: Deadline, round_: int) -> Clock:
    return Clock(
        stage=stage,
        limit=str(limit),
        rule=row.id,
        started_at=now,
        due_at=end.due_at,
        yellow_at=min(end.yellow_at, end.due_at),
        original_due_at=end.due_at,
        provisional=end.provisional,
        reasons=end.reasons,
        round=round_,
    )
