"""程序缺项: steps that should have happened and have not, found from a ticket and its events.

A pure function of both: whenever and wherever it is asked, the same history gives the same gaps, opened and cured at the
moments of the facts themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.event import Event
from domain.limit import Stage
from domain.outcome import Outcome
from domain.people import SYSTEM
from domain.ticket import Assignment, Clock, Gap, Ticket
from supervision.settings import GapCode, GapSettings

GAP_NAMES: dict[GapCode, str] = {
    GapCode.UNCONTACTED: "已签收，超过时限未联系诉求人",
    GapCode.NO_RESULT: "办结时没有填写办理结果",
    GapCode.NO_PHOTO: "办结时缺少规定的现场照片",
    GapCode.CLOSED_UNEXPLAINED: "未回访即结案，且没有说明理由",
    GapCode.STEP_LATE: "环节超时（总时限未到）",
    GapCode.HELPERS_UNFINISHED: "主办办结时协办尚未办完，且没有说明",
    GapCode.REPORT_UNFIT: "回传平台的内容不合要求",
}

DECIDING: frozenset[str] = frozenset(
    {
        *("accepted", "contacted", "resolved", "closed", "light_changed", "return_granted", "transferred"),
        *("reclassified", "report_unfit"),
    }
)
"""Actions of events after which a ticket's gaps may differ from before."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Which gaps are looked for; `photo_required`: whether the ticket's matter demands pictures."""

    gaps: Sequence[GapSettings]
    photo_required: bool


def find_gaps(ticket: Ticket, events: Sequence[Event], now: datetime, watch: Watch) -> list[Gap]:
    """Every gap that the history shows up to `now`, the cured ones with the moment of their cure."""
    blocking = {one.code: one.blocking for one in watch.gaps}
    found: list[tuple[GapCode, int, datetime, datetime | None]] = [
        *((GapCode.STEP_LATE, *one) for one in _late_steps(ticket, now)),
        *((GapCode.UNCONTACTED, *one) for one in _uncontacted(ticket, now)),
        *((GapCode.NO_RESULT, *one) for one in _resolved_without(events, "result")),
        *((GapCode.HELPERS_UNFINISHED, *one) for one in _helpers_unfinished(events)),
        *((GapCode.CLOSED_UNEXPLAINED, *one) for one in _closed_unexplained(ticket, events)),
        *((GapCode.REPORT_UNFIT, *one) for one in _report_unfit(events)),
    ]
    if watch.photo_required:
        found += [(GapCode.NO_PHOTO, *one) for one in _resolved_without(events, "photos")]
    return [
        Gap(code, position, opened_at, blocking[code], cured_at)
        for code, position, opened_at, cured_at in found
        if code in blocking
    ]


Found = tuple[int, datetime, datetime | None]
"""Position, opened, cured."""


def _late_steps(ticket: Ticket, now: datetime) -> Iterator[Found]:
    """A desk or a unit that let its first step's limit pass while the time for the whole was not up."""
    for clock in ticket.desk_clocks:
        if clock.overdue(now):
            yield 0, clock.due_at, clock.stopped_at
    for share in ticket.assignments:
        for clock in _late(share, Stage.ACCEPT, now):
            whole = share.clock(Stage.RESOLVE)
            if whole is None or whole.due_at > clock.due_at:
                yield share.position, clock.due_at, share.accepted_at


def _uncontacted(ticket: Ticket, now: datetime) -> Iterator[Found]:
    """A unit that signed, and let the limit to contact the reporter pass."""
    for share in ticket.assignments:
        for clock in _late(share, Stage.CONTACT, now):
            contacted = share.contacted_at
            if share.accepted_at is not None and (contacted is None or contacted > clock.due_at):
                yield share.position, max(clock.due_at, share.accepted_at), contacted


def _late(share: Assignment, stage: Stage, now: datetime) -> Iterator[Clock]:
    return (clock for clock in share.clocks if clock.stage is stage and clock.overdue(now))


def _resolved_without(events: Iterable[Event], field: str) -> Iterator[Found]:
    """Resolutions that lack a field, cured by a later one of the same share that has it."""
    resolutions = [one for one in events if one.action == "resolved"]
    for index, one in enumerate(resolutions):
        if not _filled(one.data.get(field)):
            later = (
                other.at
                for other in resolutions[index + 1 :]
                if other.position == one.position and _filled(other.data.get(field))
            )
            yield one.position, one.at, next(later, None)


def _filled(value: object) -> bool:
    return bool(value.strip()) if isinstance(value, str) else bool(value)


def _helpers_unfinished(events: Sequence[Event]) -> Iterator[Found]:
    """A lead that resolved without a word about the helper whose work that ended; cured by a later resolution."""
    for index, one in enumerate(events):
        if one.action == "helper_ended" and not _filled(one.data.get("note")):
            later = (
                other.at
                for other in events[index + 1 :]
                if other.action == "resolved" and other.position == one.data.get("lead")
            )
            yield one.position, one.at, next(later, None)


def _report_unfit(events: Sequence[Event]) -> Iterator[Found]:
    """Reports that a platform would mark down; cured by a later resolution of the same share, which is reported anew."""
    for index, one in enumerate(events):
        if one.action == "report_unfit":
            later = (
                other.at
                for other in events[index + 1 :]
                if other.action == "resolved" and other.position == one.position
            )
            yield one.position, one.at, next(later, None)


def _closed_unexplained(ticket: Ticket, events: Iterable[Event]) -> Iterator[Found]:
    """Closings without a follow-up that reached the reporter and without a reason, though the reporter wanted one."""
    reporter = ticket.complaint.reporter
    if reporter.anonymous or not reporter.wants_follow_up:
        return
    followed_up = False
    for one in events:
        if one.action == "resolved":
            followed_up = False
        elif one.action == "followed_up" and one.data.get("reached"):
            followed_up = True
        elif (
            one.action == "closed" and ticket.refer_to == "" and not followed_up and not _filled(one.data.get("reason"))
        ):
            yield 0, one.at, None


def with_gaps(ticket: Ticket, found: Sequence[Gap], now: datetime) -> Outcome:
    """The ticket with newly found gaps opened and cured ones closed, an event for each; none when nothing is new."""
    known = {(gap.code, gap.position, gap.opened_at): gap for gap in ticket.gaps}
    events: list[Event] = []
    for gap in found:
        key = (gap.code, gap.position, gap.opened_at)
        before = known.get(key)
        if before is None:
            known[key] = replace(gap, code=str(gap.code))
            events.append(_event("gap_opened", gap, gap.opened_at, now))
        if gap.cured_at is not None and (before is None or before.cured_at is None):
            known[key] = replace(known[key], cured_at=gap.cured_at)
            events.append(_event("gap_cured", gap, gap.cured_at, now))
    return Outcome(replace(ticket, gaps=tuple(known.values())) if events else ticket, tuple(events))


def _event(action: str, gap: Gap, since: datetime, now: datetime) -> Event:
    data = {
        "code": str(gap.code),
        "name": GAP_NAMES[GapCode(gap.code)],
        "blocking": gap.blocking,
        "since": since.isoformat(),
    }
    return Event(action, now, SYSTEM.name, SYSTEM.role, gap.position, data)
