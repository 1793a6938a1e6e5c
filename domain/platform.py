"""What an upstream platform says of a ticket that it sent us, and what that changes. Not: its wire format (`adapters`).

A platform's word always goes on record. Where the ticket stands so that the word changes nothing (it came late, or twice in
other words), the record says why, and nothing else happens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from domain.actions import Close, Details, Extend, FollowUp, Urge
from domain.event import Event
from domain.handling import handle
from domain.handling.closing import back_to_work
from domain.lifecycle import Action, Incomplete, NotAllowed
from domain.light import light_at
from domain.limit import Stage
from domain.outcome import Notice, Outcome
from domain.people import Actor
from domain.planning import Planner
from domain.privacy import masked_text
from domain.settling import ended, settled, stopped, with_assignment
from domain.ticket import FINISHED, STATUS_NAMES, Assignment, Clock, Status, Ticket


class Said(StrEnum):
    """What a platform can say of a ticket after it has sent it."""

    URGED = "urged"
    PROGRESS_ASKED = "progress_asked"
    EXTENSION_APPROVED = "extension_approved"
    EXTENSION_REFUSED = "extension_refused"
    RESULT_REJECTED = "result_rejected"
    RATED = "rated"
    RECALLED = "recalled"
    CLOSED = "closed"


SAID_NAMES: dict[Said, str] = {
    Said.URGED: "催办",
    Said.PROGRESS_ASKED: "询问进度",
    Said.EXTENSION_APPROVED: "同意延期",
    Said.EXTENSION_REFUSED: "不同意延期",
    Said.RESULT_REJECTED: "退回办理结果",
    Said.RATED: "评价",
    Said.RECALLED: "撤单",
    Said.CLOSED: "结案",
}

Solved = Literal["", "yes", "partly", "no"]
Satisfaction = Literal["", "satisfied", "basically", "unsatisfied"]


@dataclass(frozen=True, slots=True)
class PlatformMessage:
    """One message. `number` is the platform's own, the same when it sends the message again; `text` its words.

    `solved` and `satisfaction` come with a rating. `said_at` is aware; None where the platform gives no time.
    """

    number: str
    said: Said
    text: str = ""
    solved: Solved = ""
    satisfaction: Satisfaction = ""
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a message: `outcome` is to be stored in any case; `why` says, in Chinese, why it changed nothing."""

    outcome: Outcome
    applied: bool
    why: str = ""


def hear(ticket: Ticket, message: PlatformMessage, actor: Actor, now: datetime, planner: Planner) -> Heard:
    """Take a platform's word. It never raises for what the ticket's state does not allow: that is recorded."""
    try:
        changed = _CHANGES[message.said](ticket, message, actor, now, planner)
    except (NotAllowed, Incomplete) as refused:
        return Heard(Outcome(ticket, (_said(message, actor, now, str(refused)),)), False, str(refused))
    own = f"channel:{ticket.complaint.channel}"
    notices = tuple(one for one in changed.notices if one.to != own)  # it is not told what it has just said
    return Heard(Outcome(changed.ticket, (_said(message, actor, now), *changed.events), notices), True)


def _said(message: PlatformMessage, actor: Actor, now: datetime, why: str = "") -> Event:
    data: dict[str, Any] = {
        "number": message.number,
        "said": message.said,
        "name": SAID_NAMES[message.said],
        "applied": not why,
    }
    if message.said_at is not None:
        data["said_at"] = message.said_at.isoformat()
    if message.text:
        data["text"] = masked_text(message.text)
    if why:
        data["why"] = why
    return Event("platform_said", now, actor.name, actor.role, data=data)


def _asked(ticket: Ticket, message: PlatformMessage, actor: Actor, now: datetime, planner: Planner) -> Outcome:
    """A question changes nothing; whoever carries the message answers it."""
    return Outcome(ticket, ())


def _urged(ticket: Ticket, message: PlatformMessage, actor: Actor, now: datetime, planner: Planner) -> Outcome:
    return handle(ticket, Action.URGE, Urge(note=message.text), actor, now, planner)


def _extension_approved(
    ticket: Ticket, message: PlatformMessage, actor: Actor, now: datetime, planner: Planner
) -> Outcome:
    """The platform's word is the ruling where none was made yet; beside our own ruling it is for the record."""
    waiting = _waiting_for_extension(ticket)
    if waiting is None:
        if _extended_share(ticket) is None:
            raise NotAllowed(f"工单 {ticket.no} 没有申请延期")
        return Outcome(ticket, ())
    details = Extend(assignment=waiting.position, decision="approved", note=message.text)
    return handle(ticket, Action.EXTEND, details, actor, now, planner)


def _extension_refused(
    ticket: Ticket, message: PlatformMessage, actor: Actor, now: datetime, planner: Planner
) -> Outcome:
    """Also after our own supervisor agreed: the deadline belongs to the platform, and the unit must know at once."""
    waiting = _waiting_for_extension(ticket)
    if waiting is not None:
        details = Extend(assignment=waiting.position, decision="refused", note=message.text)
        refused = handle(ticket, Action.EXTEND, details, actor, now, planner)
        return replace(refused, notices=(*refused.notices, *_to_handler(waiting, "extension_refused", message)))
    share = _extended_share(ticket)
    clock = share.clock(Stage.RESOLVE) if share is not None else None
    if share is None or clock is None:
        raise NotAllowed(f"工单 {ticket.no} 没有等待答复的延期申请，也没有尚在执行的延期")
    shorter = _not_extended(clock, now, planner)
    clocks = tuple(shorter if one is clock else one for one in share.clocks)
    back = replace(share, clocks=clocks)
    event = Event(
        "extension_taken_back",
        now,
        actor.name,
        actor.role,
        share.position,
        {"unit": share.unit, "due_at": shorter.due_at.isoformat(), "note": masked_text(message.text)},
    )
    return Outcome(settled(with_assignment(ticket, back)), (event,), _to_handler(share, "extension_refused", message))


def _not_extended(clock: Clock, now: datetime, planner: Planner) -> Clock:
    """The clock with its first deadline again, moved only by what it stood still."""
    used = (clock.yellow_at - clock.started_at) / (clock.due_at - clock.started_at)
    whole = clock.original_due_at - clock.started_at
    shorter = replace(
        clock,
        due_at=clock.original_due_at,
        yellow_at=clock.started_at + whole * used,
        extended_by=0,
        pauses=(),
        reasons=(*clock.reasons, "平台不同意延期，恢复原时限"),
    )
    for start, end in clock.pauses:
        shorter = planner.paused_for(shorter, start, end)
    return replace(shorter, light=light_at(now, shorter.yellow_at, shorter.due_at))


def _waiting_for_extension(ticket: Ticket) -> Assignment | None:
    return _live(ticket, lambda share: share.status is Status.EXTENDED)


def _extended_share(ticket: Ticket) -> Assignment | None:
    """A share that works within an extension."""

    def works(share: Assignment) -> bool:
        clock = share.clock(Stage.RESOLVE)
        return clock is not None and clock.runs and clock.extended_by > 0

    return _live(ticket, works)


def _live(ticket: Ticket, wanted: Callable[[Assignment], bool]) -> Assignment | None:
    if ticket.status in FINISHED:
        return None
    return next((one for one in ticket.assignments if one.ended_at is None and wanted(one)), None)


def _result_rejected(
    ticket: Ticket, message: PlatformMessage, actor: Actor, now: datetime, planner: Planner
) -> Outcome:
    """What was reported as resolved is not accepted: the lead works again, also where we had closed the matter."""
    lead = ticket.lead
    if lead is None or ticket.status not in {Status.RESOLVED, Status.FOLLOWED_UP, Status.CLOSED}:
        raise NotAllowed(f"工单 {ticket.no} 目前“{STATUS_NAMES[ticket.status]}”，没有可以退回的办理结果")
    again = replace(ticket, status=Status.RESOLVED, followed_up_at=None, closed_at=None, solved="", satisfaction="")
    reopened, event = back_to_work(again, actor, now, planner)
    return Outcome(reopened, (event,), _to_handler(lead, "result_rejected", message))


def _rated(ticket: Ticket, message: PlatformMessage, actor: Actor, now: datetime, planner: Planner) -> Outcome:
    """A rating that says whether it is solved is a follow-up; one after that, or without it, is kept with the ticket."""
    if not (message.solved or message.satisfaction):
        raise Incomplete((("satisfaction", "评价没有说明是否解决，也没有说明是否满意"),))
    if ticket.status is Status.RESOLVED and message.solved:
        details = FollowUp(solved=message.solved, satisfaction=message.satisfaction, note=message.text)
        return handle(ticket, Action.FOLLOW_UP, details, actor, now, planner)
    if ticket.status not in {Status.RESOLVED, Status.FOLLOWED_UP, Status.CLOSED}:
        raise NotAllowed(f"工单 {ticket.no} 目前“{STATUS_NAMES[ticket.status]}”，尚无可以评价的办理结果")
    rated = replace(
        ticket,
        solved=message.solved or ticket.solved,
        satisfaction=message.satisfaction or ticket.satisfaction,
        followed_up_at=ticket.followed_up_at or now,
    )
    data = {"solved": message.solved, "satisfaction": message.satisfaction}
    return Outcome(rated, (Event("rated", now, actor.name, actor.role, data=data),))


def _closed(ticket: Ticket, message: PlatformMessage, actor: Actor, now: datetime, planner: Planner) -> Outcome:
    if ticket.status is Status.TRIAGE:
        raise NotAllowed(f"工单 {ticket.no} 尚待研判，没有办理结果可以结案")
    details: Details = Close(reason=message.text or "上级平台结案")
    return handle(ticket, Action.CLOSE, details, actor, now, planner)


def _recalled(ticket: Ticket, message: PlatformMessage, actor: Actor, now: datetime, planner: Planner) -> Outcome:
    """The platform takes the matter back: nobody works on it any more. What was resolved stays as it was done."""
    if ticket.status in FINISHED:
        raise NotAllowed(f"工单 {ticket.no} 已经“{STATUS_NAMES[ticket.status]}”，不再撤回")
    working = tuple(one for one in ticket.assignments if one.in_hand)
    gone = replace(
        ticket,
        status=Status.CLOSED,
        closed_at=now,
        assignments=tuple(ended(one, now) if one.in_hand else one for one in ticket.assignments),
        desk_clocks=stopped(ticket.desk_clocks, now),
    )
    reason = masked_text(message.text) or "上级平台撤单"
    event = Event("recalled", now, actor.name, actor.role, data={"reason": reason})
    notices = tuple(notice for one in working for notice in _to_handler(one, "recalled", message))
    return Outcome(settled(gone), (event,), notices)


def _to_handler(share: Assignment, about: str, message: PlatformMessage) -> tuple[Notice, ...]:
    if not share.handler:
        return ()
    return (Notice(f"account:{share.handler}", about, {"position": share.position, "text": masked_text(message.text)}),)


_CHANGES: dict[Said, Callable[[Ticket, PlatformMessage, Actor, datetime, Planner], Outcome]] = {
    Said.URGED: _urged,
    Said.PROGRESS_ASKED: _asked,
    Said.EXTENSION_APPROVED: _extension_approved,
    Said.EXTENSION_REFUSED: _extension_refused,
    Said.RESULT_REJECTED: _result_rejected,
    Said.RATED: _rated,
    Said.RECALLED: _recalled,
    Said.CLOSED: _closed,
}
