"""亮灯: the colour of a running limit, from two moments fixed when the limit starts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum


class Light(StrEnum):
    """green 绿, yellow 黄 (little time left), red 红 (overdue), grey 灰 (no limit is running)."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    GREY = "grey"


LIGHT_NAMES: dict[Light, str] = {Light.GREEN: "绿灯", Light.YELLOW: "黄灯", Light.RED: "红灯", Light.GREY: "灰灯"}
_SEVERITY = {Light.GREY: 0, Light.GREEN: 1, Light.YELLOW: 2, Light.RED: 3}


def light_at(now: datetime, yellow_at: datetime, due_at: datetime) -> Light:
    """The light of a running limit at `now`. A limit is kept at its very due moment; it is overdue after it."""
    if now > due_at:
        return Light.RED
    return Light.YELLOW if now >= yellow_at else Light.GREEN


def worst(lights: Iterable[Light]) -> Light:
    """The most severe of several lights; grey when there is none."""
    return max(lights, key=_SEVERITY.__getitem__, default=Light.GREY)
