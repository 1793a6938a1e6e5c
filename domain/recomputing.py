"""What a changed calendar does to a ticket: its running deadlines counted anew, on record. Not: when (`supervision`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.clocks import recomputed
from domain.event import Event
from domain.limit import Limit
from domain.outcome import Outcome
from domain.people import SYSTEM
from domain.ticket import Clock, Ticket
from domain.worktime import WorkCalendar


def with_deadlines_of(ticket: Ticket, calendar: WorkCalendar, margin: Limit, now: datetime) -> Outcome | None:
    """The ticket with its running clocks as this calendar has them, one event for each share that changes.

    `margin`: by how much our deadline keeps ahead of the platform's. None when every deadline stands. Raises ValueError for a
    limit that the calendar cannot hold.
    """
    events: list[Event] = []

    def anew(position: int, clocks: tuple[Clock, ...]) -> tuple[Clock, ...]:
        fresh = tuple(recomputed(clock, calendar, ticket.due_outer, margin) for clock in clocks)
        changes = [
            {
                "stage": before.stage,
                "round": before.round,
                "before": before.due_at.isoformat(),
                "after": after.due_at.isoformat(),
                "provisional": after.provisional,
            }
            for before, after in zip(clocks, fresh, strict=True)
            if (before.due_at, before.yellow_at, before.provisional)
            != (after.due_at, after.yellow_at, after.provisional)
        ]
        if not changes:
            return clocks
        events.append(Event("deadlines_recomputed", now, SYSTEM.name, SYSTEM.role, position, {"changes": changes}))
        return fresh

    desk = anew(0, ticket.desk_clocks)
    shares = tuple(replace(one, clocks=anew(one.position, one.clocks)) for one in ticket.assignments)
    if not events:
        return None
    return Outcome(replace(ticket, desk_clocks=desk, assignments=shares), tuple(events))
