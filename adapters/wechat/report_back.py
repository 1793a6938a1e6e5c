"""How somebody who wrote to us in WeChat is told what became of it."""

from __future__ import annotations

from adapters.report import Report, worded

WORDS: dict[str, tuple[str, str]] = {
    "accepted": ("handling", "已有人办理"),
    "extension_asked": ("handling", "需要更多时间，仍在办理"),
    "resolved": ("resolved", "已办结"),
    "closed": ("closed", "已结束"),
    "merged": ("merged", "与相同问题一并办理"),
    "referred": ("referred", "属其他部门职责"),
    "rejected": ("rejected", "未予受理"),
}
"""Our step → a short code and what the person reads; inner steps are not told."""


def status_words(report: Report) -> str:
    """What the person reads; empty for a step that is not told."""
    found = worded(WORDS, report)
    return found[1] if found else ""


def message(report: Report) -> str:
    """The whole message; empty for a step that is not told."""
    words = status_words(report)
    if not words:
        return ""
    lines = [f"您反映的问题（工单 {report.ticket_no}）：{words}。", f"办理单位：{report.unit_name}"]
    if report.text:
        lines.append(f"说明：{report.text}")
    if report.action == "resolved":
        lines.append("问题解决了吗？回复“评价”告诉我们；没解决会退回重办。")
    return "\n".join(lines)
