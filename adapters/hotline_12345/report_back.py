"""How 12345 is told what became of its ticket. Not: where it is posted, nor when it is tried again."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from adapters.report import Report, within, worded

WORDS: dict[str, tuple[str, str]] = {
    "accepted": ("30", "办理中"),
    "contacted": ("31", "已联系诉求人"),
    "extension_asked": ("50", "申请延期"),
    "extended": ("51", "已延期"),
    "resolved": ("60", "已办结"),
    "closed": ("80", "已结案"),
    "merged": ("81", "已并单"),
    "referred": ("90", "非本单位职责，建议转办"),
    "rejected": ("91", "不予受理"),
}
"""Our step → their status code and word."""


LONGEST_TEXT = 1_000
"""Characters of the text that they take."""


def payload(report: Report, zone: ZoneInfo) -> dict[str, Any] | None:
    """The feedback for one step, with the number just as they sent it; None for steps that they do not hear of."""
    status = worded(WORDS, report)
    if status is None:
        return None
    suffix = f"-{report.source_version:02}" if report.source_version else ""
    told: dict[str, Any] = {
        "orderNum": report.source_no + suffix,
        "unitOrderNum": report.ticket_no,
        "orderState": status[0],
        "orderStateName": status[1],
        "organizationName": report.unit_name,
        "content": within(report.text, LONGEST_TEXT),
        "replyTime": f"{report.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
    }
    if report.action == "extension_asked":
        told["delayDays"] = report.working_days
    return told
