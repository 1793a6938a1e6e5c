"""What a platform is told of a ticket it sent us, and whether it is fit to be told. Each channel's `report_back` words it.

Platforms score what is sent up to them: whether it is whole, says something, and comes in time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Report:
    """One step of a ticket as its platform may know it. It holds nothing of the reporter.

    `action`: what the domain's notice is about: `accepted`, `contacted`, `extension_asked`, `extended`, `resolved`,
    `closed`, `merged`, `referred` (another department's business) or `rejected`. `at` is aware; `unit_name` who acts,
    `text` what was done or why; `working_days` how many an extension asks for.
    """

    ticket_no: str
    source_no: str
    action: str
    at: datetime
    source_version: int = 0
    unit_name: str = ""
    text: str = ""
    working_days: int = 0


class ReportBack(Protocol):
    """A channel's module `report_back`."""

    LONGEST_TEXT: int
    """Characters that the platform takes of a report's text."""

    def payload(self, report: Report, zone: ZoneInfo) -> dict[str, Any] | None:
        """The JSON object to post to the platform; None for a step that it does not hear of."""
        ...


def worded(words: Mapping[str, tuple[str, str]], report: Report) -> tuple[str, str] | None:
    """The platform's status code and word for a step; None for one that it has no word for."""
    return words.get(str(report.action))


def within(text: str, longest: int) -> str:
    """A text that the platform takes whole; what is too long ends in an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


class Shortcoming(StrEnum):
    """What a platform marks a report down for."""

    NO_TEXT = "no_text"
    THIN = "thin"
    STOCK = "stock"
    CUT = "cut"
    LATE = "late"


SHORTCOMING_NAMES: dict[Shortcoming, str] = {
    Shortcoming.NO_TEXT: "没有办理情况或理由",
    Shortcoming.THIN: "办理情况过于简单",
    Shortcoming.STOCK: "办理情况只是套话，没有说明做了什么",
    Shortcoming.CUT: "文字超过平台允许的长度，已截短",
    Shortcoming.LATE: "晚于平台时限",
}
INCOMPLETE = frozenset({Shortcoming.NO_TEXT})
"""数据完整 suffers."""
WEAK = frozenset({Shortcoming.THIN, Shortcoming.STOCK, Shortcoming.CUT})
"""内容完整 suffers."""

FEWEST_CHARACTERS = 10
"""A result or a reason of fewer says nothing that a citizen could check."""

_EXPLAINED = frozenset({"extension_asked", "resolved", "rejected", "referred"})
"""Steps that need words. Of these, `referred` names a department, which may be short."""
_STOCK = re.compile(
    "您好|您反映的|反映的|该问题|此问题|问题|情况|现场|已经|我局|我队|我中心|安排|相关|有关|部门|工作人员|人员|来电人|市民|"
    "处理|办理|处置|解决|整改|核实|转交|知晓|收悉|完成|完毕|到位|联系|告知|反馈|答复|回复|感谢|谢谢|理解|支持|关注|[已您对并了中好的请]"
)
"""Words that stand in any reply."""
_FEWEST_OWN = 4
"""Characters beside such words that a reply of its own has at least."""


def shortcomings(report: Report, platform: ReportBack, due_outer: datetime | None) -> tuple[Shortcoming, ...]:
    """What the platform would mark a report down for, worst first; empty for one that is fit."""
    found = []
    text = report.text.strip()
    if report.action in _EXPLAINED:
        if not text:
            found.append(Shortcoming.NO_TEXT)
        elif report.action != "referred":
            bare = re.sub(r"[\W_]+", "", text)
            if len(_STOCK.sub("", bare)) < _FEWEST_OWN:
                found.append(Shortcoming.STOCK)
            elif len(bare) < FEWEST_CHARACTERS:
                found.append(Shortcoming.THIN)
    if len(text) > platform.LONGEST_TEXT:
        found.append(Shortcoming.CUT)
    if report.action == "resolved" and due_outer is not None and report.at > due_outer:
        found.append(Shortcoming.LATE)
    return tuple(found)
