"""疑似重复: which open tickets may be the same matter told twice, by a plain rule. Not: merging them; a person decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

WITHIN = timedelta(days=7)
"""Two tickets further apart than this are not held to be the same matter by this rule."""

_WHOLE_VILLAGES = ("村", "社区", "镇")


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the rule looks at. `reporter`: the key of the reporter's number, empty where none is known."""

    no: str
    category: str
    reporter: str
    places: tuple[str, ...]
    at: datetime

    def keys(self) -> set[tuple[str, str, str]]:
        """What another ticket must share with this one. A whole village is no place in this sense."""
        found = {("place", self.category, place) for place in self.places if not place.endswith(_WHOLE_VILLAGES)}
        return found | ({("reporter", self.category, self.reporter)} if self.reporter else set())


@dataclass(frozen=True, slots=True)
class Likeness:
    """Another ticket that may be the same matter, and why in words."""

    no: str
    why: str


def possible_duplicates(sightings: Iterable[Sighting]) -> Mapping[str, tuple[Likeness, ...]]:
    """By ticket number, the earlier tickets that it may repeat, newest first; only tickets that have any.

    The same category, from the same number or about the same place, within `WITHIN`. Cost grows with the number of tickets
    and of pairs found.
    """
    seen: dict[tuple[str, str, str], list[Sighting]] = {}
    found: dict[str, tuple[Likeness, ...]] = {}
    for one in sorted(sightings, key=lambda sighting: (sighting.at, sighting.no)):
        earlier: dict[str, str] = {}
        for key in sorted(one.keys(), reverse=True):
            for other in reversed(seen.get(key, ())):
                if one.at - other.at > WITHIN:
                    break
                earlier.setdefault(other.no, _why(key))
            seen.setdefault(key, []).append(one)
        if earlier:
            found[one.no] = tuple(Likeness(no, why) for no, why in sorted(earlier.items(), reverse=True))
    return found


def _why(key: tuple[str, str, str]) -> str:
    return "同一号码、同一事项" if key[0] == "reporter" else f"同一事项、同一地点“{key[2]}”"
