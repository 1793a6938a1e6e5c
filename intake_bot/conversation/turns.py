"""What passes between a citizen and the bureau: turns in, replies out. The same for the web page and for WeChat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.complaint import Point

Expects = Literal["text", "place", "photo", "phone", "rating", "nothing"]
Tone = Literal["plain", "warning", "result"]


@dataclass(frozen=True, slots=True)
class Person:
    """Whom we talk to. `key` is the channel's own name for them (a cookie's value, a WeChat id): stored as a digest only."""

    channel: Literal["web", "wechat"]
    key: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that a person sent. `id` makes a repeat harmless: the same id again gives the same reply.

    `choice` is the code of a button. `photos` are ids of stored pictures. `at` (aware) is when it reached us.
    """

    id: str
    at: datetime
    text: str = ""
    choice: str = ""
    point: Point | None = None
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """Something to tap: `address` is `tel:110` or a path of ours."""

    label: str
    address: str


@dataclass(frozen=True, slots=True)
class Message:
    """One bubble of the bureau. Lines are separated by newlines."""

    text: str
    tone: Tone = "plain"
    ticket_no: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A button. A person may also type its label or its number, counted from 1."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bureau says to a turn. `expects`: what the page should offer to enter; `finished`: nothing is being asked."""

    messages: tuple[Message, ...]
    choices: tuple[Choice, ...] = ()
    expects: Expects = "text"
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """A turn with its reply, as it was; `reply` None: it is still being worked on."""

    turn: Turn
    reply: Reply | None


@dataclass(frozen=True, slots=True)
class CardRow:
    """A line of a card: what is understood, and the choice that changes it (empty: it cannot be changed)."""

    field: str
    label: str
    value: str
    edit: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One matter as it is understood so far."""

    heading: str
    rows: tuple[CardRow, ...]
