"""离岗: when somebody is away, so that the B post takes over. Not: who stands in for whom (`router.duty`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody is away from `start` up to, not including, `end` (both aware)."""

    account: str
    start: datetime
    end: datetime
    reason: str = ""


Absences = Mapping[str, tuple[Absence, ...]]
"""By account."""

NOBODY_AWAY: Absences = {}


def by_account(absences: Iterable[Absence]) -> Absences:
    """The absences of each account, in the order given."""
    found: dict[str, tuple[Absence, ...]] = {}
    for one in absences:
        found[one.account] = (*found.get(one.account, ()), one)
    return found
