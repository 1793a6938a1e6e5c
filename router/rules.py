"""Routing rules as data: does a rule's `when` hold for a case? Nothing here fails silently; unknown names are `check`'s."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.category import Category
from domain.complaint import Kind, Urgency
from domain.worktime import local
from router.settings import PlaceSettings, When

RISKS: frozenset[str] = frozenset({"danger_to_life", "fire_or_gas", "crowd", "threat", "self_harm", "minor", "media"})
"""The risk flags of `domain.understanding.Understanding` that a rule may ask for."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules may look at."""

    category: Category
    kind: Kind
    urgency: Urgency
    channel: str
    place: PlaceSettings | None
    risks: tuple[str, ...]
    text: str
    reported_at: datetime


def holds(when: When, facts: Facts) -> bool:
    """Every condition that is named must hold; a condition holds when any of its values does."""
    place = facts.place
    return (
        (not when.category or facts.category.code in when.category)
        and (not when.group or facts.category.group in when.group)
        and (not when.branch or facts.category.branch in when.branch)
        and (not when.kind or facts.kind in when.kind)
        and (not when.urgency or facts.urgency in when.urgency)
        and (not when.channel or facts.channel in when.channel)
        and (not when.place or (place is not None and place.code in when.place))
        and (not when.area or (place is not None and place.area in when.area))
        and (not when.risk or any(risk in facts.risks for risk in when.risk))
        and (not when.words or any(word in facts.text for word in when.words))
        and (when.hours is None or _within(local(facts.reported_at).hour, *when.hours))
    )


def _within(hour: int, start: int, end: int) -> bool:
    """Whether an hour lies in [start, end); the span may pass midnight."""
    return start <= hour < end if start <= end else hour >= start or hour < end
