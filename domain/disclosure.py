"""Who may learn who reported a matter, and the record of every look. Not: how numbers are masked (`privacy`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.complaint import Kind
from domain.event import Event
from domain.lifecycle import Action, Forbidden, Incomplete, permit
from domain.outcome import Outcome
from domain.people import Actor, Role
from domain.privacy import masked_name, masked_text
from domain.ticket import Assignment, Ticket

SEEN = "reporter_seen"
"""The action of the event that each look leaves."""

LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Look:
    """查看诉求人信息。`reason`：查看的理由，记入全过程记录。"""

    reason: str = ""


def hidden_from_units(ticket: Ticket) -> bool:
    """保密件和举报件: nothing that leads to the reporter goes to a unit, nor into what is shown to many."""
    return ticket.complaint.reporter.confidential or ticket.kind is Kind.REPORT


def sees_reporter(ticket: Ticket, actor: Actor) -> bool:
    """Whether this role may know at all who reported. A brigade never learns it of a confidential matter or a report (举报)."""
    return actor.role is not Role.BRIGADE or not hidden_from_units(ticket)


def may_look(ticket: Ticket, actor: Actor) -> Assignment | None:
    """A unit learns how to reach the reporter exactly while it may contact them (联系诉求人): signed, and not finished.

    The share that the look concerns. Raises Forbidden or NotAllowed, saying why, in Chinese.
    """
    _, share = permit(ticket, Action.CONTACT, actor, None)
    if not sees_reporter(ticket, actor):
        raise Forbidden(
            f"工单 {ticket.no} 是保密件或举报件，诉求人信息不向承办单位提供；需要核实的，请通过指挥中心联系"
        )
    return share


def looked(ticket: Ticket, look: Look, actor: Actor, now: datetime) -> Outcome:
    """The ticket as it was, and the event that says who looked, when and why. Raises as `may_look`, and Incomplete."""
    share = may_look(ticket, actor)
    reason = look.reason.strip()
    if not reason:
        raise Incomplete((("reason", "请填写查看诉求人信息的理由（reason）"),))
    if len(reason) > LONGEST_REASON:
        raise Incomplete((("reason", f"查看理由最多 {LONGEST_REASON} 个字"),))
    position = share.position if share is not None else 0
    return Outcome(ticket, (Event(SEEN, now, actor.name, actor.role, position, {"reason": masked_text(reason)}),))


def for_unit(text: str, ticket: Ticket) -> str:
    """A text of the complaint as the unit that works on it reads it without looking: long numbers masked, and the reporter's
    own name."""
    return without_reporter(text, ticket.complaint.reporter.name)


def without_reporter(text: str, name: str) -> str:
    """A text with long numbers masked, and the name of whoever reported it."""
    name = name.strip()
    hidden = text.replace(name, masked_name(name)) if len(name) > 1 else text
    return masked_text(hidden)
