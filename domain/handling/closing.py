"""The citizen's side of the end and before it: follow-up, close, urge, merge."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.actions import Close, FollowUp, Urge
from domain.event import Event
from domain.handling.step import Step
from domain.intake import channel_notice
from domain.lifecycle import Action, Incomplete, permit
from domain.outcome import Notice, Outcome
from domain.people import Actor, Role
from domain.planning import Planner
from domain.privacy import masked_text
from domain.settling import ended, settled, stopped, with_assignment
from domain.ticket import Status, Ticket

MOST_REOPENINGS_BY_CITIZEN = 1
"""How often a citizen's own “not solved” sends a matter back to work; after that a person of ours decides."""


def follow_up(step: Step, details: FollowUp) -> Outcome:
    event = step.event(
        "followed_up",
        reached=details.reached,
        solved=details.solved,
        satisfaction=details.satisfaction,
        note=masked_text(details.note),
    )
    if not details.reached:
        return Outcome(step.ticket, (event,))
    if not details.solved:
        raise Incomplete(
            (
                (
                    "solved",
                    "请填写是否解决（solved）：yes 已解决、partly 部分解决、no 未解决；没有联系上请填 reached=false",
                ),
            )
        )
    ticket = replace(step.ticket, followed_up_at=step.now, solved=details.solved, satisfaction=details.satisfaction)
    if details.solved == "no" and step.actor.role is Role.CITIZEN and ticket.rehandled >= MOST_REOPENINGS_BY_CITIZEN:
        return Outcome(ticket, (event,))  # the desk calls, hears both sides and decides
    if details.solved != "no":
        return Outcome(replace(ticket, status=Status.FOLLOWED_UP), (event,))
    lead = ticket.lead
    assert lead is not None
    reopened, reworked = back_to_work(ticket, step.actor, step.now, step.planner)
    notice = (Notice(f"account:{lead.handler}", "sent_back_to_work", {"position": lead.position}),)
    return Outcome(reopened, (event, reworked), notice)


def back_to_work(ticket: Ticket, actor: Actor, now: datetime, planner: Planner) -> tuple[Ticket, Event]:
    """A resolved ticket whose lead works again, on a clock of its own, and the event that says so."""
    lead = ticket.lead
    assert lead is not None
    again = planner.resolve_again(ticket, now)
    back = replace(lead, status=Status.ACCEPTED, resolved_at=None, extensions=0, clocks=(*lead.clocks, again))
    redone = replace(with_assignment(ticket, back), rehandled=ticket.rehandled + 1, resolved_at=None)
    data = {"unit": lead.unit, "due_at": again.due_at.isoformat()}
    return settled(redone), Event("sent_back_to_work", now, actor.name, actor.role, lead.position, data)


def close(step: Step, details: Close) -> Outcome:
    ticket = step.ticket
    if ticket.status is Status.TRIAGE:
        closed = replace(
            ticket,
            status=Status.REJECTED,
            closed_at=step.now,
            desk_clocks=stopped(ticket.desk_clocks, step.now),
        )
        reason = masked_text(details.reason)
        return Outcome(
            settled(closed),
            (step.event("rejected", reason=reason),),
            channel_notice(ticket, "rejected", {"reason": reason}),
        )
    unreachable = ticket.complaint.reporter.anonymous or not ticket.complaint.reporter.wants_follow_up
    if ticket.status is Status.RESOLVED and not (details.reason or unreachable):
        raise Incomplete((("reason", "本工单尚未回访；不回访而结案必须说明理由（reason）"),))
    closed = replace(ticket, status=Status.CLOSED, closed_at=step.now)
    event = step.event("closed", reason=masked_text(details.reason), note=masked_text(details.note))
    return Outcome(settled(closed), (event,), channel_notice(ticket, "closed", {}))


def urge(step: Step, details: Urge) -> Outcome:
    lead = step.ticket.lead
    notices: tuple[Notice, ...] = ()
    if lead is not None and lead.handler:
        notices = (Notice(f"account:{lead.handler}", "urged", {"position": lead.position}),)
    event = step.event("urged", note=masked_text(details.note))
    return Outcome(replace(step.ticket, urges=step.ticket.urges + 1), (event,), notices)


def merge(ticket: Ticket, into: Ticket, actor: Actor, now: datetime, note: str) -> tuple[Outcome, Outcome]:
    """并单: `ticket` ends, `into` goes on; both keep it on record. Raises as `handle` does."""
    permit(ticket, Action.MERGE, actor, None)
    if ticket.no == into.no:
        raise Incomplete((("into", "不能把工单并入它自己"),))
    if into.status in {Status.MERGED, Status.REJECTED}:
        raise Incomplete((("into", f"工单 {into.no} 已并单或不予受理，请选择仍然有效的工单"),))
    merged = replace(
        ticket,
        status=Status.MERGED,
        merged_into=into.no,
        closed_at=now,
        assignments=tuple(ended(one, now) for one in ticket.assignments),
        desk_clocks=stopped(ticket.desk_clocks, now),
    )
    gone = Event("merged", now, actor.name, actor.role, data={"into": into.no, "note": masked_text(note)})
    grown = Event("merged_from", now, actor.name, actor.role, data={"from": ticket.no})
    told = channel_notice(ticket, "merged", {"into": into.no})
    return Outcome(settled(merged), (gone,), told), Outcome(into, (grown,))
