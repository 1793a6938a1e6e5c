"""How the digital city management platform is told what became of its case. Not: where it is posted."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from adapters.report import Report, within, worded

WORDS: dict[str, tuple[str, str]] = {
    "accepted": ("3", "处置中"),
    "extension_asked": ("5", "申请延期"),
    "resolved": ("6", "已处置，待核查"),
    "closed": ("7", "结案"),
    "merged": ("8", "并案"),
    "referred": ("9", "不属本单位处置"),
    "rejected": ("0", "不予立案"),
}
"""Our step → their case state (AJZT) and its word."""


LONGEST_TEXT = 500
"""Characters of the text that they take."""


def payload(report: Report, zone: ZoneInfo) -> dict[str, Any] | None:
    """The state of the case after one step, times as 14 digits; None for steps that they do not hear of."""
    state = worded(WORDS, report)
    if state is None:
        return None
    told: dict[str, Any] = {
        "AJBH": report.source_no,
        "CZDH": report.ticket_no,
        "AJZT": state[0],
        "AJZTMC": state[1],
        "CZDW": report.unit_name,
        "CZYJ": within(report.text, LONGEST_TEXT),
        "CZSJ": f"{report.at.astimezone(zone):%Y%m%d%H%M%S}",
    }
    if report.action == "extension_asked":
        told["YQTS"] = report.working_days
    return told
