"""全过程留痕: what happened, by whom, when; append-only and chained by hash so that a change to the past shows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
"""The hash that stands before the first event."""

_SPELLING = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `data` is plain JSON and holds no name, phone or address of a citizen."""

    action: str
    at: datetime
    actor: str
    role: str
    position: int = 0  # the assignment of the ticket it concerns; 0: the ticket as a whole
    data: dict[str, Any] = field(default_factory=dict)


def canonical(sequence: int, ticket_id: int, event: Event) -> str:
    """The one spelling of an event that is hashed: JSON with sorted keys, times in UTC to the microsecond."""
    return _SPELLING.encode(
        [
            sequence,
            ticket_id,
            event.position,
            event.action,
            event.at.astimezone(UTC).isoformat(timespec="microseconds"),
            event.actor,
            event.role,
            event.data,
        ]
    )


def chained(previous: str, sequence: int, ticket_id: int, event: Event) -> str:
    """The hash of an event that stands after the one hashed `previous`: hex SHA-256."""
    return hashlib.sha256(f"{previous}\n{canonical(sequence, ticket_id, event)}".encode()).hexdigest()
