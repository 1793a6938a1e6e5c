"""待办汇总: several light notices to one person told as one. Not: when they are gathered (the outbox does that)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.light import LIGHT_NAMES, Light


@dataclass(frozen=True, slots=True)
class Gathered:
    """One of the notices that a digest stands for."""

    ticket_no: str
    about: str
    data: Mapping[str, Any]


def digest_of(gathered: Sequence[Gathered]) -> dict[str, Any]:
    """The data of the digest: `notices` by deadline, and a `text` that names each ticket once, under its worst light."""
    gathered = sorted(gathered, key=lambda one: (one.data["due_at"], one.ticket_no))
    worst: dict[str, Light] = {}
    for one in gathered:
        light = Light(one.data["light"])
        if worst.get(one.ticket_no) is not Light.RED:
            worst[one.ticket_no] = light
    parts = []
    for light in (Light.RED, Light.YELLOW):
        numbers = [no for no, its in worst.items() if its is light]
        if numbers:
            parts.append(f"{LIGHT_NAMES[light]} {len(numbers)} 件（{'、'.join(numbers)}）")
    return {
        "text": f"共 {len(worst)} 件工单需要处理：{'；'.join(parts)}",
        "notices": [{"ticket_no": one.ticket_no, "about": one.about, **one.data} for one in gathered],
    }
