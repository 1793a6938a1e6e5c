"""Who acts: the roles of the desk and the actor that every event names. Not: passwords or sessions (`storage`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do is decided by role; `lifecycle.RULES` says which role may do which action."""

    OPERATOR = "operator"
    BRIGADE = "brigade"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    CITIZEN = "citizen"  # whoever reported it, speaking for themselves on our page or in WeChat
    CHANNEL = "channel"  # an upstream platform, known by its signature
    SYSTEM = "system"  # a timer of our own


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who does something. `name` is an account or platform code, never a citizen's name."""

    name: str
    role: Role
    unit: str | None = None  # the brigade whose assignments this actor works on


SYSTEM = Actor("system", Role.SYSTEM)

SUPERVISION_GROUP = "supervision-group"
"""督察组: the one unit that complaints about our own officers go to."""
