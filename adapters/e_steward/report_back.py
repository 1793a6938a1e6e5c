"""How the e-steward app is told what became of a citizen's report: short words that the citizen reads."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from adapters.report import Report, within, worded

WORDS: dict[str, tuple[str, str]] = {
    "accepted": ("handling", "正在处理"),
    "extension_asked": ("handling", "需要更多时间，仍在处理"),
    "resolved": ("resolved", "已处理"),
    "closed": ("closed", "已结束"),
    "merged": ("merged", "与相同问题一并处理"),
    "referred": ("referred", "属其他部门职责，已告知办理途径"),
    "rejected": ("rejected", "未予受理，原因见说明"),
}
"""Our step → the app's status and what the citizen reads."""


LONGEST_TEXT = 500
"""Characters of the text that they take."""


def payload(report: Report, zone: ZoneInfo) -> dict[str, Any] | None:
    """The app's status message, its time with zone; None for steps that are no business of the citizen's."""
    status = worded(WORDS, report)
    if status is None:
        return None
    return {
        "id": report.source_no,
        "ticketNo": report.ticket_no,
        "status": status[0],
        "statusText": status[1],
        "unit": report.unit_name,
        "message": within(report.text, LONGEST_TEXT),
        "updatedAt": report.at.astimezone(zone).isoformat(timespec="seconds"),
    }
