"""What each action of the life cycle does to a ticket. Pure: a ticket and an action in, an `Outcome` out.

`lifecycle` decides whether the action is allowed; `handle` asks it first. Words of people are kept in events with long
numbers masked, because events are for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.actions import Details
from domain.handling import closing, dispatching, pressing, suspending, unit_actions
from domain.handling.step import Step
from domain.lifecycle import Action, Incomplete, permit
from domain.outcome import Outcome
from domain.people import Actor
from domain.planning import Planner
from domain.ticket import Ticket

FIELD_NAMES: dict[str, str] = {
    "reason_code": "退单原因代码",
    "basis": "退单依据",
    "working_days": "申请延长的工作日数",
    "until": "挂起的最后一天",
    "reason": "理由",
    "decision": "审批意见（approved 同意 / refused 不同意）",
    "result": "办理结果",
    "requirement": "督办要求",
    "answer": "督办答复",
    "category": "事项分类代码",
    "into": "并入的工单编号",
}


_HANDLERS: dict[Action, Callable[[Step, Any], Outcome]] = {
    Action.ACCEPT: unit_actions.accept,
    Action.CONTACT: unit_actions.contact,
    Action.RETURN: unit_actions.give_back,
    Action.EXTEND: unit_actions.extend,
    Action.SUSPEND: suspending.suspend,
    Action.RESUME: suspending.resume,
    Action.RESOLVE: unit_actions.resolve,
    Action.TRANSFER: dispatching.transfer,
    Action.RECLASSIFY: dispatching.reclassify,
    Action.FOLLOW_UP: closing.follow_up,
    Action.CLOSE: closing.close,
    Action.PRESS: pressing.press,
    Action.ANSWER_PRESS: pressing.answer_press,
    Action.URGE: closing.urge,
}


def handle(ticket: Ticket, action: Action, details: Details, actor: Actor, now: datetime, planner: Planner) -> Outcome:
    """Do `action` to `ticket`. Raises `Forbidden`, `NotAllowed` or `Incomplete`; then nothing has happened.

    Merging concerns two tickets at once: that is `closing.merge`.
    """
    rule, share = permit(ticket, action, actor, details.assignment)
    missing = tuple(
        (field, f"{FIELD_NAMES[field]}({field})必须填写") for field in rule.needs if not _given(getattr(details, field))
    )
    if missing:
        raise Incomplete(missing)
    return _HANDLERS[action](Step(ticket, share, rule, actor, now, planner), details)


def _given(value: object) -> bool:
    """Whether a field was filled in; blanks alone say nothing."""
    return bool(value.strip() if isinstance(value, str) else value)
