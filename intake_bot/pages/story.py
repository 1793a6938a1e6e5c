"""The record of a ticket as the desk and a handler read it: what happened, when, by whom, in words. Nothing of the reporter."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.disclosure import SEEN
from domain.event import Event
from domain.lifecycle import ROLE_NAMES
from domain.lighting import CHANGED
from domain.people import Role
from intake_bot.house import House
from intake_bot.pages.times import local_day, local_time
from storage.tickets import StoredEvent

NAMES: dict[str, str] = {
    "received": "受理诉求",
    "dispatched": "派单",
    "sent_to_desk": "转指挥中心研判",
    "referred": "转外部门",
    "accepted": "签收",
    "contacted": "联系诉求人",
    SEEN: "查看诉求人信息",
    "returned": "申请退单",
    "return_granted": "同意退单",
    "return_refused": "未同意退单",
    "extension_asked": "申请延期",
    "extended": "同意延期",
    "extension_refused": "未同意延期",
    "extension_taken_back": "平台不同意延期，恢复原时限",
    "suspension_asked": "申请挂起",
    "suspended": "同意挂起",
    "suspension_refused": "未同意挂起",
    "resumed": "恢复办理",
    "transferred": "转办",
    "handed_over": "移交经办人",
    "helper_added": "增加协办单位",
    "helper_ended": "协办随主办结束",
    "resolved": "办结",
    "sent_back_to_work": "退回重办",
    "reopened": "重新办理",
    "followed_up": "回访",
    "closed": "结案",
    "rated": "评价",
    "rejected": "不予受理",
    "recalled": "平台撤单",
    "platform_said": "平台来信",
    "report_refused": "平台没有接收回传",
    "report_unfit": "回传内容不合要求",
    "pressed": "督办",
    "press_answered": "答复督办",
    "urged": "催办",
    "supplemented": "诉求人补充情况",
    "sent_again": "平台再次发来",
    "sent_differently": "平台更正内容",
    "reclassified": "重新分类",
    "limits_changed": "时限调整",
    "deadlines_recomputed": "时限按日历重算",
    "merged": "并入其他工单",
    "merged_from": "并入一件工单",
    "gap_opened": "程序缺项",
    "gap_cured": "缺项已补",
}
"""What a handler is told of; other events are the machinery's own."""

_WORDS: tuple[tuple[str, str], ...] = (
    ("reason", ""),
    ("basis", "依据："),
    ("requirement", ""),
    ("answer", ""),
    ("result", ""),
    ("public_reply", "公开答复："),
    ("text", ""),
    ("place", "地点："),
    ("name", ""),
    ("into", "并入 "),
    ("from", "来自 "),
    ("note", ""),
)
"""The parts of an event's data that are somebody's words, and what stands before them."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened. `words`: what somebody wrote about it; `photos`: addresses of our own pictures, and those of how
    it was before."""

    at: datetime
    what: str
    by: str
    words: tuple[str, ...] = ()
    photos: tuple[str, ...] = ()
    photos_before: tuple[str, ...] = ()


def story_of(house: House, events: Iterable[StoredEvent]) -> list[Line]:
    """The newest first."""
    lines = [_line(house, one.event) for one in events if one.event.action in NAMES or one.event.action == CHANGED]
    return [one for one in reversed(lines) if one is not None]


def _line(house: House, event: Event) -> Line | None:
    if event.action == CHANGED:
        if event.data.get("new") not in {"yellow", "red"}:
            return None
        what = "亮红灯，已超期" if event.data["new"] == "red" else "亮黄灯，即将到期"
        return Line(event.at, what, _by(house, event))
    words = [f"{before}{event.data[key]}" for key, before in _WORDS if event.data.get(key)]
    return Line(
        event.at,
        _what(house, event),
        _by(house, event),
        (*_facts(house, event), *words),
        own_pictures(event.data.get("photos", ())),
        own_pictures(event.data.get("photos_before", ())),
    )


def _what(house: House, event: Event) -> str:
    data = event.data
    if event.action == "contacted":
        return "已联系上诉求人" if data.get("reached") else "联系诉求人，未联系上"
    if event.action == "handed_over":
        name = house.router.person_name
        return f"由{name(str(data['before']))}移交给{name(str(data['after']))}"
    if event.action in {"helper_added", "helper_ended"}:
        return f"{NAMES[event.action]}：{house.router.unit_name(str(data['unit']))}"
    return NAMES[event.action]


def _facts(house: House, event: Event) -> tuple[str, ...]:
    data: dict[str, Any] = event.data
    facts = []
    if event.action == "dispatched":
        units = [f"{house.router.unit_name(one['unit'])}（{_SHARES[one['share']]}）" for one in data["units"]]
        facts.append("、".join(units))
    if code := data.get("reason_code"):
        facts.append(f"{code} {house.router.return_reasons.get(code, '')}".strip())
    if days := data.get("working_days"):
        facts.append(f"{days} 个工作日")
    if until := data.get("until"):
        facts.append(f"至 {local_day(str(until)) if 'T' in str(until) else until}")
    if due := data.get("due_at"):
        facts.append(f"期限 {local_time(str(due))}")
    return tuple(facts)


_OWN_PICTURE = re.compile(r"/pictures/[0-9a-f]{32}")
_SHARES = {"lead": "主办", "helper": "协办"}


def own_pictures(addresses: Iterable[object]) -> tuple[str, ...]:
    """Our own pictures among some addresses; those of other sites are not loaded into a page."""
    return tuple(str(one) for one in addresses if _OWN_PICTURE.fullmatch(str(one)))


def _by(house: House, event: Event) -> str:
    role = Role(event.role)
    if role in {Role.SYSTEM, Role.CITIZEN, Role.CHANNEL}:
        return ROLE_NAMES[role]
    return house.router.person_name(event.actor)
