"""What our own people read when something waits for them. It holds nothing of the reporter."""

from __future__ import annotations

from storage.outbox import Delivery
from supervision.reports.schedule import REPORT

TITLES: dict[str, str] = {
    "dispatched": "新派单",
    "reopened": "工单重办",
    "sent_back_to_work": "回访未解决，退回重办",
    "handed_over": "工单移交给您",
    "return_refused": "退单未获同意",
    "pressed": "督办",
    "urged": "市民催办",
    "supplemented": "市民补充情况",
    "recalled": "平台撤单，不必再办",
    "result_rejected": "平台退回办理结果，请重办",
    "extension_refused": "平台不同意延期",
    "report_refused": "平台没有接收回传",
    "report_unfit": "回传内容不合要求",
    "press_answered": "督办已答复",
    "press_unanswered": "红色督办逾期未答复",
    "light_yellow": "黄灯提醒，即将到期",
    "light_red": "红灯提醒，已经超期",
    "digest": "待办汇总",
}
"""What a notice is about → its heading."""


def heading(row: Delivery) -> str:
    """What a notice is about, in a few words."""
    return str(row.data["title"]) if row.about == REPORT else TITLES.get(row.about, "工单提醒")


def notice_text(row: Delivery, person: str) -> tuple[str, str]:
    """Heading and text of a notice to one person."""
    title = heading(row)
    if row.about == REPORT:
        names = "、".join(one["name"] for one in row.data["files"])
        return f"【统计报告】{title}", "\n".join((f"{person}：", row.data["text"], f"文件：{names}"))
    lines = [f"{person}：", f"工单 {row.ticket_no}"]
    if category := row.data.get("category"):
        lines.append(f"事项：{category}")
    if text := row.data.get("text"):
        lines.append(str(text))
    return f"【{title}】{row.ticket_no}", "\n".join(lines)
