"""裁定: the desk's own clock while a return waits for its ruling. Not: what the ruling is (`dispatching`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from domain.handling.step import Step
from domain.limit import Stage
from domain.settling import at_desk, stopped
from domain.ticket import Status, Ticket


def awaiting_ruling(step: Step) -> Ticket:
    """The ticket with a dispatch clock of the desk running; the one that runs already, where another return waits."""
    ticket = step.ticket
    if any(clock.runs and clock.stage is Stage.DISPATCH for clock in ticket.desk_clocks):
        return ticket
    fresh = step.planner.desk_clocks(ticket, step.now)
    return replace(ticket, desk_clocks=at_desk(ticket, fresh, step.now))


def without_ruling(ticket: Ticket, now: datetime) -> Ticket:
    """The ticket with the desk's clock stopped, unless a return still waits."""
    if any(one.in_hand and one.status is Status.RETURNED for one in ticket.assignments):
        return ticket
    return replace(ticket, desk_clocks=stopped(ticket.desk_clocks, now))


def asked_for(request: Mapping[str, object]) -> dict[str, object]:
    """Who had asked for what is granted, when and why: the grant says it, because the request is gone then."""
    return {name: request[name] for name in ("asked_by", "asked_at", "reason") if name in request}
