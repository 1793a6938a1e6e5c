"""清除个人信息: when what people told us may be taken out of a ticket, what stays of it, and the event that says so.

Stays: what figures are counted from (kind, category, unit, times, lights, ratings). Not: where it stands (`storage.erasing`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Literal

from domain.complaint import Complaint, Place, Reporter
from domain.event import Event
from domain.lifecycle import NotAllowed
from domain.outcome import Outcome
from domain.people import Actor
from domain.ticket import FINISHED, Status, Ticket
from domain.understanding import Understanding

ERASED = "personal_data_erased"
"""The action of the event: from then on the ticket holds no personal data, and its earlier events no words."""

GONE = "（个人信息已依规清除）"
"""What stands where the citizen's words stood."""

MAY_BE_ERASED = FINISHED | {Status.TRANSFERRED}

Cause = Literal["retention", "request"]
"""Why: kept as long as the rule says, or the person asked for it."""


def erase(ticket: Ticket, cause: Cause, actor: Actor, now: datetime) -> Outcome:
    """The ticket without what people told us. Raises NotAllowed while it is worked on: it is needed for that."""
    if ticket.status not in MAY_BE_ERASED:
        raise NotAllowed(f"工单 {ticket.no} 还没有结案，办理需要其中的个人信息，结案后才能清除")
    bare = replace(
        ticket,
        complaint=bare_complaint(ticket.complaint),
        understanding=_bare_understanding(ticket.understanding),
        why=(),
        problems=(),
        assignments=tuple(replace(one, result=GONE if one.result else "", request=None) for one in ticket.assignments),
        orders=tuple(replace(one, requirement=GONE, answer=GONE if one.answer else "") for one in ticket.orders),
    )
    return Outcome(bare, (Event(ERASED, now, actor.name, actor.role, data={"cause": cause}),))


def bare_complaint(complaint: Complaint) -> Complaint:
    """A complaint without its reporter, its words and its place; the cell that it lies in stays with the assignment."""
    return replace(
        complaint,
        content=GONE,
        title="",
        reporter=Reporter(confidential=complaint.reporter.confidential),
        place=Place(),
        party="",
        appeal="",
        attachments=(),
        raw=b"",
    )


def _bare_understanding(understanding: Understanding) -> Understanding:
    return replace(understanding, places=(), words=(), times=(), parties=(), personal_numbers=(), matters=())
