"""Clocks: begun, kept ahead of a platform's deadline, extended, paused, counted anew when the calendar has changed.

Pure arithmetic; which limit applies is the router's business, when a clock stops that of `handling`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.deadline import deadline, yellow_in_working_time
from domain.limit import Limit, Stage, Unit
from domain.ticket import Clock
from domain.worktime import WorkCalendar, advance, local, retreat, working_minutes


def begun(stage: Stage, limit: Limit, rule: str, now: datetime, calendar: WorkCalendar, round_: int = 1) -> Clock:
    """A clock that starts at `now`; `rule` is the id of the limit's row. Raises ValueError for a limit too long."""
    end = deadline(now, limit, calendar)
    return Clock(
        stage=stage,
        limit=str(limit),
        rule=rule,
        started_at=now,
        due_at=end.due_at,
        yellow_at=min(end.yellow_at, end.due_at),
        original_due_at=end.due_at,
        provisional=end.provisional,
        reasons=end.reasons,
        round=round_,
    )


def kept_ahead(clock: Clock, due_outer: datetime | None, margin: Limit, calendar: WorkCalendar) -> Clock:
    """A clock just begun, ending earlier where the platform's deadline less our margin is earlier.

    Where the margin leaves nothing, the platform's deadline itself counts while it lies ahead.
    """
    start = clock.started_at
    if due_outer is None or due_outer <= start:
        return clock
    due, note = earlier(due_outer, margin, calendar), f"提前 {margin.chinese}"
    if due <= start:
        due, note = due_outer, "所余不足以提前，以平台时限为准"
    if due >= clock.due_at:
        return clock
    share = (clock.yellow_at - start) / (clock.due_at - start)
    line = f"平台时限 {local(due_outer):%Y-%m-%d %H:%M}，{note}，故 {local(due):%Y-%m-%d %H:%M} 到期"
    return replace(
        clock,
        due_at=due,
        yellow_at=start + (due - start) * share,
        original_due_at=due,
        reasons=(*clock.reasons, line),
    )


def earlier(due: datetime, margin: Limit, calendar: WorkCalendar) -> datetime:
    """The moment that lies `margin` before `due`: whole working days back end at the close of office hours."""
    if margin.unit is Unit.NATURAL_HOURS:
        return due - timedelta(hours=margin.number)
    if margin.unit is Unit.CALENDAR_DAYS:
        return due - timedelta(days=margin.number)
    if margin.unit is Unit.WORKING_DAYS:
        day = local(due).date()
        for _ in range(margin.number):
            day = calendar.worked_before(day)
        return calendar.closing(day).astimezone(UTC)
    minutes = margin.number * (60 if margin.unit is Unit.WORKING_HOURS else 1)
    return retreat(due, minutes, calendar).astimezone(UTC)


def of_helper(clocks: tuple[Clock, ...]) -> tuple[Clock, ...]:
    """A helper's clocks: only the lead owes the citizen a call, so that nobody is called by every unit in turn."""
    return tuple(clock for clock in clocks if clock.stage is not Stage.CONTACT)


def extended(clock: Clock, working_days: int, calendar: WorkCalendar) -> Clock:
    """The clock with its deadline moved by working days; what was first promised stays in `original_due_at`.

    The days are counted from there, and what the clock stood still is added after them, whichever came first.
    """
    whole = clock.extended_by + working_days
    later = deadline(clock.original_due_at, Limit(whole, Unit.WORKING_DAYS), calendar)
    yellow = yellow_in_working_time(clock.started_at, later.due_at, calendar)
    longer = replace(
        clock,
        due_at=later.due_at,
        yellow_at=yellow.astimezone(UTC),
        extended_by=whole,
        provisional=clock.provisional or later.provisional,
        reasons=(*clock.reasons, f"经批准延期 {working_days} 个工作日", *later.reasons),
        pauses=(),
    )
    for start, end in clock.pauses:
        longer = paused_for(longer, start, end, calendar)
    return longer


def paused_for(clock: Clock, start: datetime, end: datetime, calendar: WorkCalendar) -> Clock:
    """The clock running, its deadline moved by the time of its own kind between two moments in which it stood still.

    That is working time; for limits that run round the clock it is the time itself. Raises ValueError where the calendar has
    no office hours within reach.
    """
    due = _shifted(clock.due_at, clock, start, end, calendar)
    if Limit.parse(clock.limit).unit is Unit.CALENDAR_DAYS and not calendar.spans(local(due).date()):
        due = deadline(due, Limit(1, Unit.WORKING_DAYS), calendar).due_at
    if _runs_round_the_clock(clock):
        counted = f"{(end - start) / timedelta(hours=1):.1f} 小时"
    else:
        counted = f"{working_minutes(start, end, calendar):.0f} 分钟工作时间"
    line = (
        f"{local(start):%Y-%m-%d %H:%M} 至 {local(end):%Y-%m-%d %H:%M} 暂停计时，顺延 {counted}，"
        f"{local(due):%Y-%m-%d %H:%M} 到期"
    )
    return replace(
        clock,
        due_at=due,
        yellow_at=_shifted(clock.yellow_at, clock, start, end, calendar),
        paused_at=None,
        pauses=(*clock.pauses, (start, end)),
        reasons=(*clock.reasons, line),
    )


def _shifted(moment: datetime, clock: Clock, start: datetime, end: datetime, calendar: WorkCalendar) -> datetime:
    if _runs_round_the_clock(clock):
        return moment + (end - start)
    minutes = working_minutes(start, end, calendar)
    return advance(moment, minutes, calendar).astimezone(UTC) if minutes else moment


def _runs_round_the_clock(clock: Clock) -> bool:
    return Limit.parse(clock.limit).unit in {Unit.NATURAL_HOURS, Unit.CALENDAR_DAYS} and not clock.extended_by


def beside_platform(clock: Clock, due_outer: datetime | None) -> Clock:
    """The clock, saying so where an extension took it past the platform's own deadline, which we cannot move."""
    if due_outer is None or clock.due_at <= due_outer:
        return clock
    line = f"延期后晚于平台时限 {local(due_outer):%Y-%m-%d %H:%M}：平台未同意延期的，仍按平台时限计超期"
    return replace(clock, reasons=(*clock.reasons, line))


def recomputed(clock: Clock, calendar: WorkCalendar, due_outer: datetime | None, margin: Limit) -> Clock:
    """A running or paused clock counted anew from its start on today's calendar, approved extensions and pauses included.

    The same clock when nothing changes or it has stopped: what has happened is judged by the calendar of its day. The light
    stays as it is; the sweep changes lights.
    """
    if clock.stopped_at is not None:
        return clock
    fresh = begun(clock.stage, Limit.parse(clock.limit), clock.rule, clock.started_at, calendar, clock.round)
    if clock.stage is Stage.RESOLVE:
        fresh = kept_ahead(fresh, due_outer, margin, calendar)
    if clock.extended_by:
        fresh = beside_platform(extended(fresh, clock.extended_by, calendar), due_outer)
    for start, end in clock.pauses:
        fresh = paused_for(fresh, start, end, calendar)
    return replace(fresh, light=clock.light, paused_at=clock.paused_at)
