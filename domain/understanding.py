"""What the model makes of a text: kind, matter, place, urgency, how sure it is and which words decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.complaint import Code, Kind, Urgency


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the platform claims about a text. The model weighs it together with the words; it never simply obeys."""

    kind: Kind | None = None
    urgency: Urgency | None = None
    codes: tuple[Code, ...] = ()
    address: str = ""


@dataclass(frozen=True, slots=True)
class Guess:
    """A category the model considered, with a calibrated probability between 0 and 1."""

    code: str
    name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the text that decided, and how strongly it spoke for the chosen category (positive: for)."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Understanding:
    """The whole answer of an engine to one text.

    `confidence` is the chance that the category is right, between 0 and 1; under the configured threshold the ticket
    goes to the desk. `places` are place words as they stand in the text (or address), most telling first. `risks` are
    flags such as `danger_to_life`, `fire_or_gas`, `crowd`. `engine` and `version` say which model spoke.
    """

    engine: str
    version: str
    kind: Kind
    kind_confidence: float
    category: Guess
    runners_up: tuple[Guess, ...]
    urgency: Urgency
    confidence: float
    places: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    words: tuple[Word, ...] = ()


class Engine(Protocol):
    """Chinese text in, `Understanding` out. Two implementations: embedded (in-process) and Rasa (over HTTP)."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    async def understand(self, texts: Sequence[tuple[str, Evidence]]) -> list[Understanding]:
        """One `Understanding` for each text, in order. Never raises for a text; an empty one gets a low confidence."""
        ...
