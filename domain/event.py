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


COUNTED = frozenset({"new", "number", "reached", "satisfaction", "solved"})
"""The keys of `data` that figures are counted from: codes and numbers. All else that an event says is its words, which are kept
sealed and only as long as they may be."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `data` is plain JSON and holds no name, phone or address of a citizen."""

    action: str
    at: datetime
    actor: str
    role: str
    position: int = 0  # the assignment of the ticket it concerns; 0: the ticket as a whole
    data: dict[str, Any] = field(default_factory=dict)


def canonical(sequence: int, ticket_id: int, event: Event, words_digest: str = "") -> str:
    """The one spelling of an event that is hashed: JSON with sorted keys, times in UTC to the microsecond.

    Of an event whose words stand apart, `data` holds the rest, and the digest stands for the words: the chain can be checked
    when they are gone.
    """
    said: list[Any] = [
        sequence,
        ticket_id,
        event.position,
        event.action,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.actor,
        event.role,
        event.data,
    ]
    return _SPELLING.encode([*said, words_digest] if words_digest else said)


def chained(previous: str, sequence: int, ticket_id: int, event: Event, words_digest: str = "") -> str:
    """The hash of an event that stands after the one hashed `previous`: hex SHA-256."""
    written = canonical(sequence, ticket_id, event, words_digest)
    return hashlib.sha256(f"{previous}\n{written}".encode()).hexdigest()
