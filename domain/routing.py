"""What the router answers: where a complaint goes, to whom, by when, and the reason in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.category import Department
from domain.complaint import Urgency
from domain.ticket import Assignment, Clock


class Destination(StrEnum):
    UNIT = "unit"  # a brigade, or the supervision group
    DESK = "desk"  # a person decides first
    OUTSIDE = "outside"  # another department's business


@dataclass(frozen=True, slots=True)
class Routing:
    """The router's answer.

    `assignments`: the lead first, then helpers, each with its clocks started; empty unless `destination` is a unit.
    `desk_clocks`: the dispatch clock of a ticket that waits at the desk. `why`: one Chinese sentence for each thing
    that decided (category, rule, cell, people, limits). `problems`: rules that failed or name something that is gone.
    """

    destination: Destination
    urgency: Urgency
    why: tuple[str, ...]
    assignments: tuple[Assignment, ...] = ()
    desk_clocks: tuple[Clock, ...] = ()
    department: Department | None = None
    problems: tuple[str, ...] = ()
