"""A platform's own list of its tickets, as it gives it to be pulled or held against ours. Not: fetching it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from adapters import body, values
from adapters.problems import Unfit, Unreadable


class Standing(StrEnum):
    """How far a ticket is, as coarse as two systems can agree on."""

    SENT = "sent"
    HANDLING = "handling"
    RESOLVED = "resolved"
    CLOSED = "closed"
    MERGED = "merged"
    REFERRED = "referred"
    REJECTED = "rejected"
    RECALLED = "recalled"


STANDING_NAMES: dict[Standing, str] = {
    Standing.SENT: "待签收",
    Standing.HANDLING: "办理中",
    Standing.RESOLVED: "已办结",
    Standing.CLOSED: "已结案",
    Standing.MERGED: "已并单",
    Standing.REFERRED: "属其他部门",
    Standing.REJECTED: "不予受理",
    Standing.RECALLED: "已撤单",
}


class ListingSettings(BaseModel):
    """Where in the platform's answer the tickets are, and what its states mean. Each ticket has the form it is sent in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: str = Field(min_length=1, description="列表所在字段，用点号进入内层，如 data.list")
    state: str = Field(min_length=1, description="状态字段")
    states: dict[str, Standing] = Field(
        min_length=1,
        description=f"状态取值到：{'、'.join(f'{one} {name}' for one, name in STANDING_NAMES.items())}",
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """One ticket of the list. `number` as the platform writes it; `standing` None for a state that the map does not know;
    `raw` the ticket as it would have been sent."""

    number: str
    standing: Standing | None
    state: str
    raw: bytes


def listed(answer: bytes, settings: ListingSettings, number_field: str) -> list[Listed]:
    """The tickets of one page, those without a number left out. Raises `Unreadable` (Chinese) where there is no list."""
    value = body.decoded(answer)
    for part in settings.items.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if not isinstance(value, list):
        raise Unreadable(f"回答中没有列表 {settings.items}")
    return list(_tickets(value, settings, number_field))


def _tickets(items: list[Any], settings: ListingSettings, number_field: str) -> Iterator[Listed]:
    states = {values.spelled(word): standing for word, standing in settings.states.items()}
    for item in items:
        number = _number(item.get(number_field)) if isinstance(item, Mapping) else ""
        if number:
            state = values.spelled(item.get(settings.state))
            yield Listed(number, states.get(state), state, msgspec.json.encode(item))


def _number(value: object) -> str:
    """A ticket's number, read as it is where the ticket itself is sent; empty for what is none."""
    try:
        return values.cleaned(values.half_width(values.written(value, numbers=True)))
    except Unfit:
        return ""
