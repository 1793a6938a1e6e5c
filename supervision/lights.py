"""亮灯: the light that a running clock should show, and the one event that each change of it leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from domain.event import Event
from domain.light import Light, light_at, worst
from domain.lighting import light_changed
from domain.outcome import Outcome
from domain.settling import settled
from domain.ticket import Clock, Ticket


def light_now(clock: Clock, now: datetime, tolerance: timedelta) -> Light:
    """The light a running clock should show at `now`.

    A light becomes less severe only where its moment lies further ahead than `tolerance`: its deadline was moved, or the
    machine's time was wrong. So processes whose times differ a little never turn a light back and forth.
    """
    seen = light_at(now, clock.yellow_at, clock.due_at)
    if worst((seen, clock.light)) is seen:
        return seen
    turned_at = clock.due_at if clock.light is Light.RED else clock.yellow_at
    return seen if turned_at > now + tolerance else clock.light


def relit(ticket: Ticket, now: datetime, tolerance: timedelta) -> Outcome:
    """The ticket with the lights of `now`, and an event for each clock whose light changed; none when nothing did."""
    events: list[Event] = []

    def lit(clock: Clock, position: int) -> Clock:
        if not clock.lights_up:
            return clock
        new = light_now(clock, now, tolerance)
        if new is clock.light:
            return clock
        lit_now = replace(clock, light=new)
        events.append(light_changed(clock, lit_now, position, now))
        return lit_now

    changed = replace(
        ticket,
        desk_clocks=tuple(lit(clock, 0) for clock in ticket.desk_clocks),
        assignments=tuple(
            one
            if one.ended_at is not None
            else replace(one, clocks=tuple(lit(clock, one.position) for clock in one.clocks))
            for one in ticket.assignments
        ),
    )
    return Outcome(settled(changed) if events else ticket, tuple(events))
