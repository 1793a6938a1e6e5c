"""AB岗: work handed to the one on duty when its handler is away, and back on return. Not: who is on duty (the planner says)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.absence import Absences
from domain.event import Event
from domain.outcome import Notice, Outcome
from domain.people import SYSTEM
from domain.planning import Planner
from domain.settling import with_assignment
from domain.ticket import Assignment, Ticket


def stood_in(ticket: Ticket, now: datetime, absences: Absences, planner: Planner) -> Outcome:
    """The ticket with every share in hand at somebody who is there; an event and a notice for each that changes hands."""
    away = planner.away(now, absences)
    events: list[Event] = []
    notices: list[Notice] = []
    for share in ticket.assignments:
        changed = _manned(share, now, absences, away, planner) if share.in_hand else share
        if changed.handler == share.handler:
            continue
        reason = "经办人离岗，自动移交" if changed.stands_in_for else "返岗，自动交还"
        data = {"before": share.handler, "after": changed.handler, "reason": reason}
        events.append(Event("handed_over", now, SYSTEM.name, SYSTEM.role, share.position, data))
        notices.append(Notice(f"account:{changed.handler}", "handed_over", {"position": share.position}))
        ticket = with_assignment(ticket, changed)
    return Outcome(ticket, tuple(events), tuple(notices))


def _manned(share: Assignment, now: datetime, absences: Absences, away: frozenset[str], planner: Planner) -> Assignment:
    if share.stands_in_for and share.stands_in_for not in away:
        return replace(share, handler=share.stands_in_for, stands_in_for="")
    if share.handler in away:
        handler = planner.on_duty(share, now, absences)
        return replace(share, handler=handler, stands_in_for=share.stands_in_for or share.handler)
    return share
