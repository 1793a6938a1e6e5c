"""不合理诉求: the command centre's ruling on a ticket, an event of the ticket. Not: who may rule (`intake_bot`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.event import Event
from domain.outcome import Outcome
from domain.people import Actor
from domain.privacy import masked_text
from domain.ticket import Ticket
from storage.assessments import RULED_IN, RULED_OUT


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was ruled. `unreasonable` False is 查否: the ticket counts. `applicant`: the unit that asked for it."""

    unreasonable: bool
    reason: str
    applicant: str
    by: str
    at: datetime


def rule(ticket: Ticket, *, unreasonable: bool, reason: str, applicant: str, actor: Actor, now: datetime) -> Outcome:
    """The ticket with the ruling on record. A newer ruling replaces an older one; both stay on record."""
    action = RULED_OUT if unreasonable else RULED_IN
    data = {"reason": masked_text(reason), "applicant": applicant}
    return Outcome(ticket, (Event(action, now, actor.name, actor.role, data=data),))


def rulings_of(events: Sequence[Event]) -> tuple[Ruling, ...]:
    """All rulings on a ticket, oldest first; the last one counts."""
    return tuple(
        Ruling(
            event.action == RULED_OUT,
            str(event.data.get("reason", "")),
            str(event.data.get("applicant", "")),
            event.actor,
            event.at,
        )
        for event in events
        if event.action in {RULED_OUT, RULED_IN}
    )
