"""What follows from a change to a ticket's shares and clocks: stopped clocks, lights, the lead's status."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.light import Light, worst
from domain.limit import Stage
from domain.ticket import IN_HAND, OPEN, Assignment, Clock, Status, Ticket


def stopped(clocks: tuple[Clock, ...], now: datetime, *stages: Stage) -> tuple[Clock, ...]:
    """The clocks with the running and paused ones of `stages` (all of them when none is named) stopped at `now`."""
    return tuple(
        replace(clock, stopped_at=now) if clock.stopped_at is None and (not stages or clock.stage in stages) else clock
        for clock in clocks
    )


def ended(assignment: Assignment, now: datetime) -> Assignment:
    """A share that is taken off its unit: nothing of it runs any more."""
    if assignment.ended_at is not None:
        return assignment
    return replace(
        assignment,
        ended_at=now,
        request=None,
        suspended_until=None,
        light=Light.GREY,
        clocks=stopped(assignment.clocks, now),
    )


def at_desk(ticket: Ticket, fresh: tuple[Clock, ...], now: datetime) -> tuple[Clock, ...]:
    """The desk's clocks: the old ones stopped, `fresh` ones in a round of their own, however often the ticket comes back."""
    round_ = max((clock.round for clock in ticket.desk_clocks), default=0) + 1
    return stopped(ticket.desk_clocks, now) + tuple(replace(clock, round=round_) for clock in fresh)


def with_assignment(ticket: Ticket, changed: Assignment) -> Ticket:
    """The ticket with one share replaced by its newer self."""
    return replace(
        ticket,
        assignments=tuple(changed if one.position == changed.position else one for one in ticket.assignments),
    )


def settled(ticket: Ticket) -> Ticket:
    """The ticket with the lights that follow from its clocks, and the status of its lead while units work on it.

    A share shows the worst of its running clocks, a ticket the worst of its live shares and of the desk.
    """
    assignments = tuple(_lit(one) for one in ticket.assignments)
    ticket = replace(ticket, assignments=assignments)
    lead = ticket.lead
    if lead is not None and ticket.status in OPEN | {Status.RESOLVED} and lead.status in IN_HAND | {Status.RESOLVED}:
        ticket = replace(ticket, status=lead.status)
    lights = [one.light for one in assignments if one.ended_at is None]
    lights += [clock.light for clock in ticket.desk_clocks if clock.lights_up]
    return replace(ticket, light=worst(lights))


def _lit(assignment: Assignment) -> Assignment:
    if assignment.ended_at is not None:
        return assignment
    light = worst(clock.light for clock in assignment.clocks if clock.lights_up)
    return assignment if light is assignment.light else replace(assignment, light=light)
