"""What the model makes of a text: kind, matter, place, time, urgency, how sure it is and which words decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.complaint import Code, Kind, Urgency


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the platform claims about a text. The model weighs it together with the words; it never simply obeys.

    `received_at` (aware) is what “昨晚” and “上周六” are counted from; without it no time is resolved.
    """

    kind: Kind | None = None
    urgency: Urgency | None = None
    codes: tuple[Code, ...] = ()
    address: str = ""
    received_at: datetime | None = None


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
class TimeSpan:
    """A time that the text names, resolved against the receipt time: from `start` up to, not including, `end` (aware).

    `recurring`: it happens again and again (每天半夜); `start` and `end` then say when it happened last before receipt.
    """

    text: str
    start: datetime
    end: datetime
    recurring: bool = False


@dataclass(frozen=True, slots=True)
class Party:
    """被反映对象: whom the text complains about. `kind`: `company`, `shop`, `site` or `vehicle` (its plate number)."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class PersonalNumber:
    """Characters `start` up to `end` of the text are a personal number. `kind`: `phone`, `identity` or `bank_card`."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Matter:
    """One of several matters that a text raises: the part of the text and the category it would have alone."""

    text: str
    category: Guess


@dataclass(frozen=True, slots=True)
class Understanding:
    """The whole answer of an engine to one text.

    `confidence` is the chance that the category is right, between 0 and 1; under the configured threshold the ticket
    goes to the desk. `places` are place words as they stand in the text (or address), most telling first. `risks` are
    flags such as `danger_to_life`, `fire_or_gas`, `crowd`. `matters` is empty unless there are several.
    `engine` and `version` say which model spoke.
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
    times: tuple[TimeSpan, ...] = ()
    parties: tuple[Party, ...] = ()
    personal_numbers: tuple[PersonalNumber, ...] = ()
    matters: tuple[Matter, ...] = ()


class Engine(Protocol):
    """Chinese text in, `Understanding` out. Two implementations: embedded (in-process) and Rasa (over HTTP)."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    async def understand(self, texts: Sequence[tuple[str, Evidence]]) -> list[Understanding]:
        """One `Understanding` for each text, in order. Never raises for a text; an empty one gets a low confidence."""
        ...
