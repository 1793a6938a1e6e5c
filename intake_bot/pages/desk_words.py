"""What the desk calls its queues and the model's risk flags, and what a caller in danger is told first."""

from __future__ import annotations

from collections.abc import Iterable

from storage.queues import Queue

QUEUE_NAMES: dict[Queue, str] = {
    Queue.TRIAGE: "待研判",
    Queue.RISK: "有风险",
    Queue.RETURNED: "退单裁定",
    Queue.ASKED: "延期挂起",
    Queue.DUPLICATE: "疑似重复",
    Queue.OUTSIDE: "不属本局",
    Queue.FOLLOW_UP: "待回访结案",
    Queue.ORDER: "督办受理台",
}
QUEUE_HINTS: dict[Queue, str] = {
    Queue.TRIAGE: "系统把握不足或规则要求由人决定的工单，请选定分类或转办",
    Queue.RISK: "文中提到危及生命、火情、群体聚集等情形的未结工单",
    Queue.RETURNED: "大队申请退单，请裁定由谁承办",
    Queue.ASKED: "大队申请延期或挂起，请审批",
    Queue.DUPLICATE: "可能与更早的未结工单是同一件事，还没有人认定的工单",
    Queue.OUTSIDE: "已判断属于外部门的工单，请告知诉求人去向后结案",
    Queue.FOLLOW_UP: "已办结等待回访、已回访等待结案的工单",
    Queue.ORDER: "督办要求受理台答复的工单",
}

RISK_NAMES: dict[str, str] = {
    "danger_to_life": "危及生命",
    "fire_or_gas": "火情燃气",
    "crowd": "群体聚集",
    "threat": "暴力威胁",
    "self_harm": "轻生倾向",
    "minor": "涉未成年人",
    "media": "涉媒体",
}
GRAVE = frozenset({"danger_to_life", "fire_or_gas", "threat", "self_harm"})

_FIRST: tuple[tuple[str, str], ...] = (
    ("danger_to_life", "有人受伤、被困的，请来电人先拨打 120（急救）或 119（救援）"),
    ("fire_or_gas", "起火、燃气泄漏的，请来电人先撤到安全处，再拨打 119"),
    ("threat", "正在发生暴力、威胁的，请来电人先拨打 110"),
    ("self_harm", "有轻生表示的，请不要挂断，稳住来电人，同时报 110 和 120"),
)


def risk_name(code: str) -> str:
    """A flag that has no name of its own is shown by its code: the list of risks is a file that bureaus extend."""
    return RISK_NAMES.get(code, code)


def first_of_all(risks: Iterable[str]) -> list[str]:
    """What the operator says before anything else; empty where nobody is in danger."""
    present = set(risks)
    return [words for code, words in _FIRST if code in present]
