"""How 12369 is told what became of its report. Not: where it is posted."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from adapters.report import Report, within, worded

WORDS: dict[str, tuple[str, str]] = {
    "accepted": ("investigating", "调查中"),
    "extension_asked": ("extending", "申请延期"),
    "resolved": ("replied", "已答复"),
    "closed": ("closed", "已办结"),
    "merged": ("merged", "并案处理"),
    "referred": ("transferred", "已告知主管部门"),
    "rejected": ("rejected", "不予受理"),
}
"""Our step → their status and its word."""


LONGEST_TEXT = 2_000
"""Characters of the text that they take."""


def payload(report: Report, zone: ZoneInfo) -> dict[str, Any] | None:
    """The status of the report after one step; None for steps that they do not hear of."""
    status = worded(WORDS, report)
    if status is None:
        return None
    told: dict[str, Any] = {
        "reportNo": report.source_no,
        "handleNo": report.ticket_no,
        "status": status[0],
        "statusName": status[1],
        "handleUnit": report.unit_name,
        "replyContent": within(report.text, LONGEST_TEXT),
        "handleTime": f"{report.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
    }
    if report.action == "extension_asked":
        told["extendDays"] = report.working_days
    return told
