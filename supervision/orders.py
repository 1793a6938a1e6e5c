"""督办 by rule besides the escalation ladder, and the raising of orders that nobody answers. Pure; the store makes it once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from domain.deadline import deadline
from domain.handling.pressing import by_rule, ordered, raised
from domain.limit import Limit
from domain.outcome import Outcome
from domain.planning import Planner
from domain.ticket import Assignment, PressCause, PressLevel, Ticket
from domain.worktime import WorkCalendar
from supervision.escalation import accounts
from supervision.settings import PressOrder, SupervisionSettings

DECIDING: frozenset[str] = frozenset({"urged", "sent_again", "sent_back_to_work", "reopened", "light_changed"})
"""Actions of events after which a rule may give an order that it did not give before."""


class OrderRules:
    """The configured rules, asked about one ticket at a time."""

    def __init__(self, settings: SupervisionSettings, calendar: WorkCalendar, planner: Planner) -> None:
        self._supervision = settings
        self._settings = settings.orders
        self._calendar = calendar
        self._planner = planner

    def given(self, ticket: Ticket, now: datetime) -> Outcome:
        """The orders that the rules give for the ticket as it stands: each rule once for each share."""
        outcome = Outcome(ticket, ())
        lead = ticket.lead
        unsolved = ticket.urges + ticket.rehandled  # each says that it is not solved, before it was answered or after
        if lead is not None and lead.in_hand and unsolved >= self._settings.urges:
            outcome = self._once(outcome, lead, PressLevel.BLUE, PressCause.URGED, self._settings.urged, now)
        for share in ticket.assignments:
            if share.in_hand and share.return_barred and _late(share, now):
                outcome = self._once(outcome, share, PressLevel.ORANGE, PressCause.REFUSED, self._settings.refused, now)
        return outcome

    def _once(
        self,
        before: Outcome,
        share: Assignment,
        level: PressLevel,
        cause: PressCause,
        order: PressOrder,
        now: datetime,
    ) -> Outcome:
        if any(one.cause is cause and one.position == share.position for one in before.ticket.orders):
            return before
        step = by_rule(before.ticket, share, now, self._planner)
        more = ordered(step, level, cause, order.requirement, self._after(order.within, now))
        return replace(more, events=(*before.events, *more.events), notices=(*before.notices, *more.notices))

    def raised(self, ticket: Ticket, now: datetime) -> Outcome:
        """The orders that were due and not answered, one level up or, if red, reported; those whose share is over, lapsed."""

        def above(share: Assignment | None) -> Sequence[str]:
            return list(accounts(self._settings.unanswered, share, self._supervision, self._planner))

        return raised(ticket, now, self._after(self._settings.raise_within, now), self._planner, above)

    def _after(self, limit: str, now: datetime) -> datetime:
        return deadline(now, Limit.parse(limit), self._calendar).due_at


def _late(share: Assignment, now: datetime) -> bool:
    return any(clock.lights_up and clock.overdue(now) for clock in share.clocks)
