"""What an action leaves behind: the changed ticket, the events that record it and whom to tell.

Storage saves all of it or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from domain.event import Event
from domain.ticket import Ticket


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the outside, delivered at least once through the outbox.

    `to` is `channel:12345` (the platform) or `account:zhang-wei` (a person of ours). `about` is the action. `data` is
    plain JSON; what goes to a person holds no data of the reporter. `hold`: how long it may wait for others to the same
    person, with which it then becomes one digest.
    """

    to: str
    about: str
    data: dict[str, Any] = field(default_factory=dict)
    hold: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A new ticket has `id` 0 and an empty `no` until storage gives both."""

    ticket: Ticket
    events: tuple[Event, ...]
    notices: tuple[Notice, ...] = ()
