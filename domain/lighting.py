"""The one spelling of the event that a changed light leaves. Not: which light a clock should show (`light`)."""

from __future__ import annotations

from datetime import datetime

from domain.event import Event
from domain.people import SYSTEM
from domain.ticket import Clock

CHANGED = "light_changed"
"""The action of the event."""


def light_changed(before: Clock, after: Clock, position: int, now: datetime) -> Event:
    """Names the clock's rule and limit, the old light and the new one, and the moments that decided."""
    data = {
        "stage": after.stage.value,
        "round": after.round,
        "rule": after.rule,
        "limit": after.limit,
        "old": before.light.value,
        "new": after.light.value,
        "yellow_at": after.yellow_at.isoformat(),
        "due_at": after.due_at.isoformat(),
    }
    return Event(CHANGED, now, SYSTEM.name, SYSTEM.role, position, data)
