"""One action on its way through the life cycle, and the outcome of a change to a single share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.event import Event
from domain.lifecycle import Rule
from domain.outcome import Notice, Outcome
from domain.people import Actor
from domain.planning import Planner
from domain.settling import settled, with_assignment
from domain.ticket import Assignment, Ticket


@dataclass(frozen=True, slots=True)
class Step:
    """Everything that the handler of an action needs."""

    ticket: Ticket
    share: Assignment | None
    rule: Rule
    actor: Actor
    now: datetime
    planner: Planner

    def event(self, action: str, position: int = 0, **data: Any) -> Event:
        return Event(action, self.now, self.actor.name, self.actor.role, position, data)

    def own_share(self) -> Assignment:
        """The share concerned, for actions that the table allows only where there is one."""
        assert self.share is not None
        return self.share


def with_share(step: Step, changed: Assignment, event: Event, notices: tuple[Notice, ...] = ()) -> Outcome:
    """The outcome of an action that changed one share."""
    return Outcome(settled(with_assignment(step.ticket, changed)), (event,), notices)
