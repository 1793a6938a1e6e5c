"""AB岗: who of owner and backup is on duty, so that no post is ever empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.absence import NOBODY_AWAY, Absence, Absences
from domain.worktime import local
from router.settings import OffDuty, Posts, UnitSettings


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Owner, backup and the one who handles it now, with the reason in words."""

    owner: str
    backup: str
    handler: str
    why: str


class Roster:
    """Everybody of all units, and when they are away."""

    def __init__(self, units: Sequence[UnitSettings]) -> None:
        self._units = {unit.code: unit for unit in units}
        self._names = {person.account: person.name for unit in units for person in unit.people}
        self._unit_of = {person.account: unit.code for unit in units for person in unit.people}
        self._away: Mapping[str, tuple[OffDuty, ...]] = {
            person.account: person.off_duty for unit in units for person in unit.people if person.off_duty
        }

    def name(self, account: str) -> str:
        return self._names.get(account, account)

    def is_person_of(self, account: str, unit: str) -> bool:
        return self._unit_of.get(account) == unit

    def head(self, unit: str) -> str:
        return self._units[unit].head if unit in self._units else ""

    def is_away(self, account: str, now: datetime, absences: Absences = NOBODY_AWAY) -> bool:
        """By the configuration, or by the absences that were imported."""
        stretches: tuple[OffDuty | Absence, ...] = (*self._away.get(account, ()), *absences.get(account, ()))
        return any(local(one.start) <= now < local(one.end) for one in stretches)

    def away(self, now: datetime, absences: Absences) -> frozenset[str]:
        """Everybody who is away."""
        return frozenset(one for one in {*self._away, *absences} if self.is_away(one, now, absences))

    def on_duty(self, unit: str, posts: Posts | None, now: datetime, absences: Absences = NOBODY_AWAY) -> OnDuty:
        """The handler of a unit's cell; the unit's head (or the head's deputy) where no cell is known or both are away.

        A unit that the settings do not know any more has no head: its B post keeps what it has. Raises KeyError where neither
        unit nor posts are known.
        """
        settings = self._units.get(unit)
        if posts is None:
            settings = self._units[unit]
            posts = Posts(owner=settings.head, backup=settings.backup)
        owner, backup = posts.owner, posts.backup
        if not self.is_away(owner, now, absences):
            return OnDuty(owner, backup, owner, f"经办：{self.name(owner)}（A岗）")
        if not self.is_away(backup, now, absences):
            return OnDuty(owner, backup, backup, f"经办：{self.name(backup)}（B岗）；A岗{self.name(owner)}离岗")
        if settings is None:
            return OnDuty(owner, backup, backup, f"经办：{self.name(backup)}（B岗）；A岗、B岗均离岗，本单位已无负责人")
        head = settings.head if not self.is_away(settings.head, now, absences) else settings.backup
        return OnDuty(owner, backup, head, f"经办：{self.name(head)}（负责人）；A岗、B岗均离岗")
