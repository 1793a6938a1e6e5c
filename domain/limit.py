"""时限: a number, a unit and what it limits. Not: when it ends (`deadline`) or which one applies (`router.limits`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Unit(StrEnum):
    """How a limit is counted; `deadline` holds the rule of each."""

    NATURAL_HOURS = "natural_hours"  # 紧急工作时: round the clock
    WORKING_MINUTES = "working_minutes"
    WORKING_HOURS = "working_hours"
    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"


UNIT_NAMES: dict[Unit, str] = {
    Unit.NATURAL_HOURS: "小时（连续计）",
    Unit.WORKING_MINUTES: "分钟（工作时间内）",
    Unit.WORKING_HOURS: "小时（工作时间内）",
    Unit.WORKING_DAYS: "个工作日",
    Unit.CALENDAR_DAYS: "个自然日",
}

_WRITTEN = re.compile(r"^\s*(\d{1,5})\s*[ _]?\s*([a-z]+_[a-z]+)\s*$")


class Stage(StrEnum):
    """What a limit watches."""

    DISPATCH = "dispatch"  # 派单: how long a ticket may wait at the desk
    ACCEPT = "accept"  # 签收
    CONTACT = "contact"  # 联系诉求人
    RETURN = "return"  # 退单: how long a brigade may say that it is not theirs
    RESOLVE = "resolve"  # 办结
    EXTEND = "extend"  # 延期: how much longer a ticket may take at the most


STAGE_NAMES: dict[Stage, str] = {
    Stage.DISPATCH: "派单",
    Stage.ACCEPT: "签收",
    Stage.CONTACT: "联系诉求人",
    Stage.RETURN: "退单",
    Stage.RESOLVE: "办结",
    Stage.EXTEND: "延期",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """So many of a unit, e.g. `Limit(3, Unit.WORKING_DAYS)`, written `3 working_days`."""

    number: int
    unit: Unit

    @classmethod
    def parse(cls, written: str) -> Limit:
        """Read `3 working_days`. Raises ValueError, in Chinese, saying what is wrong and what would be right."""
        match = _WRITTEN.match(written)
        units = "、".join(unit.value for unit in Unit)
        if match is None:
            raise ValueError(f"时限“{written}”写法不对：应为“数字 单位”，例如 3 working_days；单位可用 {units}")
        number, word = int(match[1]), match[2]
        if word not in set(Unit):
            raise ValueError(f"时限“{written}”的单位“{word}”不认识：可用 {units}")
        if number == 0:
            raise ValueError(f"时限“{written}”不能为 0")
        return cls(number, Unit(word))

    def __str__(self) -> str:
        return f"{self.number} {self.unit.value}"

    @property
    def chinese(self) -> str:
        return f"{self.number}{UNIT_NAMES[self.unit]}"


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a limit ends (UTC), when its light turns yellow, and why, day by day, in Chinese.

    `provisional`: a year counts whose holidays the State Council has not announced; recompute once it has.
    """

    due_at: datetime
    yellow_at: datetime
    provisional: bool
    reasons: tuple[str, ...]
