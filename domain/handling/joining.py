"""同一事件: joining a ticket to another that tells the same trouble, taking it out, and doing on it what is done on the lead.

Joining changes nothing of either ticket: number, clocks, shares, reply and rating stay each ticket's own, so that leaving
undoes it without loss. What the brigade does with the lead is then done on each joined ticket as a step of its own. Not: who
is a member (`storage.incidents`), nor whether it is the same trouble (`router.sameness`).
"""

from __future__ import annotations

from datetime import date, datetime

from domain.actions import Accept, Contact, Details, Extend, Resolve, Resume, Suspend
from domain.disclosure import hidden_from_units
from domain.event import Event
from domain.handling import handle
from domain.incident import Sameness
from domain.lifecycle import Action, Forbidden, Incomplete, NotAllowed
from domain.outcome import Outcome
from domain.people import Actor, Role
from domain.planning import Planner
from domain.privacy import masked_text
from domain.ticket import IN_HAND, STATUS_NAMES, Assignment, Status, Ticket

JOINED, LEFT, GREW, SHRANK = "joined_incident", "left_incident", "incident_grew", "incident_shrank"
"""Actions of the events on the member and on its lead."""

REFUSED = "sameness_refused"

MIRRORED = ("accepted", "contacted", "resolved", "extended", "suspended", "resumed")
"""Events of a lead that are done on its members too; of a request only the approval is: one ruling is for all."""

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

_MAY_RULE = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
_Step = tuple[Action, Details, Actor, datetime]
"""What is done to a member, by whom, and when."""

_MAY_JOIN = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.SYSTEM})


def _permit(actor: Actor) -> None:
    if actor.role not in _MAY_JOIN:
        raise Forbidden("只有坐席、督办人员和管理员可以认定或拆分同一事件")


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
    there already, or waits for a ruling of its own, or has no time left to be extended.
    """
    share = member.lead
    if share is None:
        return None
    outcome = Outcome(member, ())
    try:
        for action, details, actor, at in _steps(member, share, done, lead_no, planner):
            then = handle(outcome.ticket, action, details, actor, at, planner)
            outcome = Outcome(then.ticket, (*outcome.events, *then.events), (*outcome.notices, *then.notices))
    except (Forbidden, NotAllowed, Incomplete):
        return None
    return outcome if outcome.events else None


def _steps(member: Ticket, share: Assignment, done: Event, lead_no: str, planner: Planner) -> list[_Step]:
    """The steps on a member that its lead's event stands for; what is done to a task is signed for first."""
    note = f"与工单 {lead_no} 为同一事件，一并办理"
    role = Role(done.role)
    unit, ruler = Actor(done.actor, Role.BRIGADE, share.unit), Actor(done.actor, role)
    accept: _Step = (Action.ACCEPT, Accept(note=note), unit, done.at)
    unsigned = share.status is Status.DISPATCHED
    first = [accept] if unsigned else []
    data = done.data
    match done.action:
        case "accepted":
            return [accept]
        case "contacted":
            contact = Contact(note=note, reached=bool(data.get("reached", True)))
            return [*first, (Action.CONTACT, contact, unit, done.at)]
        case "resolved":
            resolve = Resolve(
                note=note,
                result=str(data.get("result", "")),
                public_reply=str(data.get("public_reply", "")),
                photos=tuple(data.get("photos", ())),
                photos_before=tuple(data.get("photos_before", ())),
            )
            return [*first, (Action.RESOLVE, resolve, unit, done.at)]
        case "resumed":
            # One that ends by itself ends by itself on each.
            actor = unit if role is Role.BRIGADE else ruler
            return [(Action.RESUME, Resume(note=note), actor, done.at)] if role is not Role.SYSTEM else []
    if role not in _MAY_RULE:
        return []  # a platform has ruled on its own ticket: of the others' time it knows nothing
    asker = Actor(str(data.get("asked_by") or share.handler or done.actor), Role.BRIGADE, share.unit)
    # Asked for when it was asked for on the lead, so that nobody pays for the time of the ruling.
    asked = datetime.fromisoformat(str(data.get("asked_at") or data.get("since") or done.at.isoformat()))
    asked = done.at if unsigned else max(asked, share.dispatched_at)
    reason = "；".join(part for part in (str(data.get("reason", "")), note) if part)
    if done.action == "extended":
        days = min(int(data.get("working_days", 0)), planner.extension_limit(member).number)
        return [
            *first,
            (Action.EXTEND, Extend(working_days=days, reason=reason), asker, asked),
            (Action.EXTEND, Extend(decision="approved", note=note), ruler, done.at),
        ]
    until = date.fromisoformat(str(data["until"]))
    return [
        *first,
        (Action.SUSPEND, Suspend(until=until, reason=reason), asker, asked),
        (Action.SUSPEND, Suspend(decision="approved", note=note), ruler, done.at),
    ]


def lead_stands(lead: Ticket) -> bool:
    """Whether a lead is still a task that others can stand behind."""
    return lead.status in IN_HAND and lead.lead is not None
