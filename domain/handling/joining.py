"""同一事件: joining a ticket to another that tells the same trouble, taking it out, and doing on it what is done on the lead.

Joining changes nothing of either ticket: number, clocks, shares, reply and rating stay each ticket's own, so that leaving
undoes it without loss. What the brigade does with the lead is then done on each joined ticket as a step of its own. Not: who
is a member (`storage.incidents`), nor whether it is the same trouble (`router.sameness`).
"""

from __future__ import annotations

from datetime import datetime

from domain.actions import Accept, Contact, Details, Resolve
from domain.complaint import Kind
from domain.event import Event
from domain.handling import handle
from domain.incident import Sameness
from domain.lifecycle import Action, Forbidden, Incomplete, NotAllowed
from domain.outcome import Outcome
from domain.people import Actor, Role
from domain.planning import Planner
from domain.privacy import masked_text
from domain.ticket import IN_HAND, STATUS_NAMES, Status, Ticket

JOINED, LEFT, GREW, SHRANK = "joined_incident", "left_incident", "incident_grew", "incident_shrank"
"""Actions of the events on the member and on its lead."""

REFUSED = "sameness_refused"

MIRRORED = ("accepted", "contacted", "resolved")
"""Events of a lead that are done on its members too."""

LEAD_ENDS = (
    "recalled",
    "merged",
    "rejected",
    "referred",
    "sent_to_desk",
    "returned",
    "transferred",
    "return_granted",
    "reclassified",
)
"""Events after which a lead is no longer the task that its members stand for: each goes on by itself."""

_MAY_JOIN = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.SYSTEM})


def _permit(actor: Actor) -> None:
    if actor.role not in _MAY_JOIN:
        raise Forbidden("只有坐席、督办人员和管理员可以认定或拆分同一事件")


def hidden_from_units(ticket: Ticket) -> bool:
    """Whether units learn of this member as one more only: nothing that leads to the reporter."""
    return ticket.complaint.reporter.confidential or ticket.kind is Kind.REPORT


def join(
    member: Ticket, lead: Ticket, found: Sameness, incident: int, actor: Actor, now: datetime
) -> tuple[Outcome, Outcome]:
    """`member` stands for the same trouble as `lead` from now on. Raises Forbidden, Incomplete or NotAllowed, in Chinese."""
    _permit(actor)
    if member.no == lead.no:
        raise Incomplete((("other", "不能把工单与它自己认定为同一事件"),))
    for ticket in (member, lead):
        if ticket.status not in IN_HAND or ticket.lead is None:
            raise NotAllowed(
                f"工单 {ticket.no} 目前“{STATUS_NAMES[ticket.status]}”，不在大队办理之中，不能认定为同一事件；"
                "待研判的请先派单，已办结的请作为重复诉求处理"
            )
    mine, theirs = member.lead, lead.lead
    assert mine is not None
    assert theirs is not None
    if mine.unit != theirs.unit:
        raise NotAllowed(f"工单 {member.no} 和 {lead.no} 由不同单位主办，请先转办到同一单位，再认定为同一事件")
    told = {"incident": incident, "chance": found.chance, "why": list(found.why)}
    data = {"incident": incident} if hidden_from_units(member) else {"incident": incident, "member": member.no}
    return (
        Outcome(member, (Event(JOINED, now, actor.name, actor.role, mine.position, {"lead": lead.no, **told}),)),
        Outcome(lead, (Event(GREW, now, actor.name, actor.role, theirs.position, data),)),
    )


def leave(
    member: Ticket, lead: Ticket, incident: int, actor: Actor, now: datetime, reason: str
) -> tuple[Outcome, Outcome]:
    """拆分: `member` has its own task again, just as its clocks and steps say. Raises Forbidden."""
    _permit(actor)
    why = masked_text(reason.strip())
    data = {"incident": incident} if hidden_from_units(member) else {"incident": incident, "member": member.no}
    return (
        Outcome(
            member,
            (Event(LEFT, now, actor.name, actor.role, data={"lead": lead.no, "incident": incident, "reason": why}),),
        ),
        Outcome(lead, (Event(SHRANK, now, actor.name, actor.role, data=data),)),
    )


def refuse(later: Ticket, earlier_no: str, actor: Actor, now: datetime, note: str) -> Outcome:
    """A person says that two tickets are not the same trouble. Raises Forbidden."""
    _permit(actor)
    data = {"other": earlier_no, "note": masked_text(note.strip())}
    return Outcome(later, (Event(REFUSED, now, actor.name, actor.role, data=data),))


def mirrored(member: Ticket, done: Event, lead_no: str, planner: Planner) -> Outcome | None:
    """What the lead's event does on a member: the same step on its own share, with its own event and its own notice.

    It counts as done when the lead's was, by whom it was. None where the member's own state does not let it: it was done
    there already, or waits for a ruling of its own.
    """
    share = member.lead
    if share is None:
        return None
    note = f"与工单 {lead_no} 为同一事件，一并办理"
    step: dict[str, tuple[Action, Details]] = {
        "accepted": (Action.ACCEPT, Accept(note=note)),
        "contacted": (Action.CONTACT, Contact(note=note, reached=bool(done.data.get("reached", True)))),
        "resolved": (
            Action.RESOLVE,
            Resolve(
                note=note,
                result=str(done.data.get("result", "")),
                public_reply=str(done.data.get("public_reply", "")),
                photos=tuple(done.data.get("photos", ())),
                photos_before=tuple(done.data.get("photos_before", ())),
            ),
        ),
    }
    action, details = step[done.action]
    actor = Actor(done.actor, Role.BRIGADE, share.unit)
    try:
        if action is not Action.ACCEPT and share.status is Status.DISPATCHED:
            outcome = handle(member, Action.ACCEPT, Accept(note=note), actor, done.at, planner)
            then = handle(outcome.ticket, action, details, actor, done.at, planner)
            return Outcome(then.ticket, (*outcome.events, *then.events), (*outcome.notices, *then.notices))
        return handle(member, action, details, actor, done.at, planner)
    except (Forbidden, NotAllowed, Incomplete):
        return None


def lead_stands(lead: Ticket) -> bool:
    """Whether a lead is still a task that others can stand behind."""
    return lead.status in IN_HAND and lead.lead is not None
