"""What handling needs to ask of the router, so that the domain can act without knowing rules or calendars."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from domain.absence import Absences
from domain.category import Category
from domain.complaint import Kind, Urgency
from domain.limit import Limit
from domain.routing import Routing
from domain.ticket import Assignment, Clock, Ticket


class Planner(Protocol):
    """Answers from the deployment's rules; pure, no I/O."""

    @property
    def return_reasons(self) -> Mapping[str, str]:
        """Return reason codes and what they mean."""
        ...

    def category(self, code: str) -> Category | None: ...

    def is_unit(self, code: str) -> bool: ...

    def is_person_of(self, account: str, unit: str) -> bool: ...

    def unit_name(self, code: str) -> str: ...

    def unit_head(self, code: str) -> str:
        """The account of a unit's head; empty when it has none."""
        ...

    def away(self, now: datetime, absences: Absences) -> frozenset[str]:
        """The accounts of everybody who is away, by the configuration or by these absences."""
        ...

    def on_duty(self, share: Assignment, now: datetime, absences: Absences) -> str:
        """The account that handles a share now: its owner, else its backup, else the unit's head or the head's deputy."""
        ...

    def is_department(self, code: str) -> bool: ...

    def plan(
        self,
        ticket: Ticket,
        now: datetime,
        *,
        category: str,
        kind: Kind,
        urgency: Urgency | None = None,
        unit: str | None = None,
        department: str | None = None,
        return_barred: bool = False,
    ) -> Routing:
        """Route again after a person's decision. New shares are numbered after those that the ticket has."""
        ...

    def helper(self, ticket: Ticket, unit: str, now: datetime) -> Routing:
        """One more unit beside the lead: a routing with exactly one helper share."""
        ...

    def resolve_again(self, ticket: Ticket, now: datetime) -> Clock:
        """The resolve clock of another round, after the citizen said that the matter is not solved."""
        ...

    def extension_limit(self, ticket: Ticket) -> Limit: ...

    def extended(self, clock: Clock, working_days: int) -> Clock:
        """The clock with its deadline moved by so many working days; `original_due_at` stays."""
        ...

    def paused_for(self, clock: Clock, start: datetime, end: datetime) -> Clock:
        """The clock with its deadline moved by the time that it stood still; `original_due_at` stays."""
        ...

    def desk_clocks(self, ticket: Ticket, now: datetime) -> tuple[Clock, ...]:
        """The dispatch clock of a decision that waits at the desk; none where the limits have no such row."""
        ...
