"""Which row of the limits table applies, and the clocks that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from domain.category import Category
from domain.clocks import begun, extended, kept_ahead, paused_for
from domain.complaint import Kind, Urgency
from domain.limit import STAGE_NAMES, Limit, Stage
from domain.ticket import Clock
from domain.worktime import LOCAL, WorkCalendar
from router.settings import LimitSettings

Key = tuple[Stage, str, Kind, Urgency, str, str, date]


class NoLimit(Exception):
    """No row of the limits table matches; the message says which is missing, in Chinese."""


def specificity(row: LimitSettings, category: Category | None = None) -> tuple[bool, bool, bool, bool, bool]:
    """How a row ranks among those that match: urgency first, then category (its code before its time class), kind, channel.

    Without a category the code and the time class count alike.
    """
    return (
        row.urgency is not None,
        category is not None and row.category == category.code,
        row.category is not None,
        row.kind is not None,
        row.channel is not None,
    )


class LimitTable:
    """The limits in force, and what they give on a calendar."""

    def __init__(self, rows: Sequence[LimitSettings], margin: str, calendar: WorkCalendar) -> None:
        self._rows = tuple(rows)
        self._margin = Limit.parse(margin)
        self._calendar = calendar
        self._chosen: dict[Key, tuple[LimitSettings, Limit]] = {}
        self._begun: tuple[datetime | None, dict[tuple[Stage, Limit, str, int], Clock]] = None, {}

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
        matching = [
            row
            for row in self._rows
            if row.stage is stage
            and row.channel in (None, channel)
            and row.kind in (None, kind)
            and row.urgency in (None, urgency)
            and row.category in (None, category.code, category.time_class)
            and (row.valid_from is None or row.valid_from <= day)
            and (row.valid_to is None or day < row.valid_to)
        ]
        if matching:
            # `max` takes the first among equals, which `check` reports as a mistake.
            row = max(matching, key=lambda one: specificity(one, category))
            return row, Limit.parse(row.limit)
        raise NoLimit(
            f"时限表中没有适用于“{STAGE_NAMES[stage]}”的行（渠道 {channel}、类型 {kind}、事项 {category.code}）"
        )

    def clock(self, stage: Stage, row: LimitSettings, limit: Limit, now: datetime, round_: int = 1) -> Clock:
        """A clock that starts now. Those of one moment are kept until the next: all complaints of an array share it."""
        # Moment and clocks are replaced together: another thread may be routing at another moment.
        moment, clocks = self._begun
        if moment != now:
            clocks = {}
            self._begun = now, clocks
        key = stage, limit, row.id, round_
        if key not in clocks:
            clocks[key] = begun(stage, limit, row.id, now, self._calendar, round_)
        return clocks[key]

    def resolve_clock(
        self, row: LimitSettings, limit: Limit, now: datetime, due_outer: datetime | None, round_: int = 1
    ) -> Clock:
        """Our resolve clock: our own limit, or the platform's deadline less the margin where that is earlier."""
        own = self.clock(Stage.RESOLVE, row, limit, now, round_)
        return kept_ahead(own, due_outer, self._margin, self._calendar)

    def extended(self, clock: Clock, working_days: int) -> Clock:
        """The clock with its deadline moved by working days; what was first promised stays beside it."""
        return extended(clock, working_days, self._calendar)

    def paused_for(self, clock: Clock, start: datetime, end: datetime) -> Clock:
        """The clock with its deadline moved by the time that it stood still."""
        return paused_for(clock, start, end, self._calendar)

    def today(self, now: datetime) -> date:
        return now.astimezone(LOCAL).date()
