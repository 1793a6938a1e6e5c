"""The status machine in one table: who may do what from where, what must accompany it and where it leads.

The rules come from `domain.md` 1.2; what each action changes is in `handling`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.people import Actor, Role
from domain.ticket import FINISHED, OPEN, STATUS_NAMES, Assignment, Status, Ticket


class Action(StrEnum):
    """What can be done to a ticket over the API; the value is the word in the address."""

    ACCEPT = "accept"
    CONTACT = "contact"
    RETURN = "return"
    EXTEND = "extend"
    SUSPEND = "suspend"
    RESUME = "resume"
    TRANSFER = "transfer"
    RESOLVE = "resolve"
    FOLLOW_UP = "follow-up"
    CLOSE = "close"
    PRESS = "press"
    ANSWER_PRESS = "answer-press"
    URGE = "urge"
    RECLASSIFY = "reclassify"
    MERGE = "merge"


ACTION_NAMES: dict[Action, str] = {
    Action.ACCEPT: "签收",
    Action.CONTACT: "联系诉求人",
    Action.RETURN: "退单",
    Action.EXTEND: "延期",
    Action.SUSPEND: "挂起",
    Action.RESUME: "恢复办理",
    Action.TRANSFER: "转办",
    Action.RESOLVE: "办结",
    Action.FOLLOW_UP: "回访",
    Action.CLOSE: "结案",
    Action.PRESS: "督办",
    Action.ANSWER_PRESS: "答复督办",
    Action.URGE: "催办",
    Action.RECLASSIFY: "重新分类",
    Action.MERGE: "并单",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: `action` from `status` may be done by `roles`, needs the fields `needs`, and leads to `leads_to`.

    `leads_to` is None where the status stays, or where the outcome decides (the handler of the action says which).
    `on_assignment`: the status is that of the addressed unit's share, otherwise that of the ticket.
    """

    action: Action
    status: frozenset[Status]
    roles: frozenset[Role]
    needs: tuple[str, ...] = ()
    leads_to: Status | None = None
    on_assignment: bool = False


_BRIGADE = frozenset({Role.BRIGADE, Role.ADMINISTRATOR})
_DESK = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.ADMINISTRATOR})
_DESK_OR_PLATFORM = _DESK | {Role.CHANNEL}
_FROM_OUTSIDE = _DESK | {Role.CITIZEN, Role.CHANNEL}
_LEADERS = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
_IN_WORK = frozenset({Status.ACCEPTED, Status.EXTENDED, Status.SUSPENDING})

RULES: tuple[Rule, ...] = (
    Rule(Action.ACCEPT, frozenset({Status.DISPATCHED}), _BRIGADE, (), Status.ACCEPTED, on_assignment=True),
    Rule(Action.CONTACT, _IN_WORK, _BRIGADE, (), None, on_assignment=True),
    Rule(
        Action.RETURN,
        frozenset({Status.DISPATCHED, Status.ACCEPTED}),
        _BRIGADE,
        ("reason_code", "basis"),
        Status.RETURNED,
        on_assignment=True,
    ),
    Rule(
        Action.EXTEND,
        frozenset({Status.ACCEPTED}),
        _BRIGADE,
        ("working_days", "reason"),
        Status.EXTENDED,
        on_assignment=True,
    ),
    Rule(
        Action.EXTEND,
        frozenset({Status.EXTENDED}),
        _LEADERS | {Role.CHANNEL},
        ("decision",),
        Status.ACCEPTED,
        on_assignment=True,
    ),
    Rule(
        Action.SUSPEND,
        frozenset({Status.ACCEPTED}),
        _BRIGADE,
        ("until", "reason"),
        Status.SUSPENDING,
        on_assignment=True,
    ),
    Rule(Action.SUSPEND, frozenset({Status.SUSPENDING}), _LEADERS, ("decision",), None, on_assignment=True),
    Rule(
        Action.RESUME,
        frozenset({Status.SUSPENDED}),
        _BRIGADE | _LEADERS,
        (),
        Status.ACCEPTED,
        on_assignment=True,
    ),
    Rule(
        Action.TRANSFER,
        OPEN | {Status.TRANSFERRED},
        _DESK | {Role.BRIGADE},
        (),
        None,
    ),
    Rule(Action.RESOLVE, _IN_WORK, _BRIGADE, ("result",), Status.RESOLVED, on_assignment=True),
    Rule(Action.FOLLOW_UP, frozenset({Status.RESOLVED}), _FROM_OUTSIDE, (), None),
    Rule(
        Action.CLOSE,
        frozenset({Status.RESOLVED, Status.FOLLOWED_UP, Status.TRANSFERRED}),
        _DESK_OR_PLATFORM,
        (),
        Status.CLOSED,
    ),
    Rule(Action.CLOSE, frozenset({Status.TRIAGE}), _DESK, ("reason",), Status.REJECTED),
    Rule(Action.PRESS, OPEN, _LEADERS, ("requirement",), None),
    Rule(
        Action.ANSWER_PRESS,
        OPEN | {Status.RESOLVED, Status.FOLLOWED_UP},
        frozenset({Role.BRIGADE, Role.OPERATOR, Role.ADMINISTRATOR}),
        ("answer",),
        None,
    ),
    Rule(Action.URGE, OPEN | {Status.TRANSFERRED}, _FROM_OUTSIDE, (), None),
    Rule(Action.RECLASSIFY, OPEN | {Status.TRANSFERRED}, _DESK, ("category",), None),
    Rule(Action.MERGE, OPEN, _DESK, ("into",), Status.MERGED),
)


class NotAllowed(Exception):
    """The action is not allowed from here. `allowed` says what is; the message says why, in Chinese."""

    def __init__(self, message: str, allowed: tuple[Action, ...] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed


class Forbidden(Exception):
    """This actor may not do that; the message says who may, in Chinese."""


class Incomplete(Exception):
    """Something that must accompany the action is missing or unusable: (field, Chinese message) for each."""

    def __init__(self, problems: tuple[tuple[str, str], ...]) -> None:
        super().__init__("；".join(message for _, message in problems))
        self.problems = problems


ROLE_NAMES: dict[Role, str] = {
    Role.OPERATOR: "坐席",
    Role.BRIGADE: "大队队员",
    Role.SUPERVISOR: "督办人员",
    Role.ADMINISTRATOR: "管理员",
    Role.CITIZEN: "市民本人",
    Role.CHANNEL: "上级平台",
    Role.SYSTEM: "系统",
}


def addressed(ticket: Ticket, actor: Actor, position: int | None) -> Assignment | None:
    """The share that an action concerns: the one named, else the actor's own unit's, else the lead's."""
    live = [assignment for assignment in ticket.assignments if assignment.ended_at is None]
    if position is not None:
        found = next((assignment for assignment in live if assignment.position == position), None)
        if found is None:
            there = "、".join(str(assignment.position) for assignment in live) or "无"
            raise Incomplete((("assignment", f"本工单没有在办的第 {position} 号派单；在办的派单序号：{there}"),))
        return found
    if actor.unit is not None:
        own = [assignment for assignment in live if assignment.unit == actor.unit]
        if own:
            return own[-1]
    return ticket.lead


def _status_for(rule: Rule, ticket: Ticket, assignment: Assignment | None) -> Status | None:
    """The status that a rule looks at. A ticket that is finished, resolved or outside has no share in work any more."""
    if not rule.on_assignment:
        return ticket.status
    if assignment is None or ticket.status in FINISHED:
        return None
    return assignment.status


def allowed_actions(ticket: Ticket, actor: Actor, assignment: Assignment | None = None) -> tuple[Action, ...]:
    """What this actor may do to this ticket now, in the order of the table."""
    share = assignment or addressed(ticket, actor, None)
    found = dict.fromkeys(
        rule.action
        for rule in RULES
        if actor.role in rule.roles
        and _status_for(rule, ticket, share) in rule.status
        and _own(rule, actor, share)
        and (rule.action is not Action.ANSWER_PRESS or _has_order_for(ticket, actor, share))
    )
    return tuple(found)


def _has_order_for(ticket: Ticket, actor: Actor, share: Assignment | None) -> bool:
    """Whether an order waits for this actor's answer: the unit's own, the desk's own, any for an administrator."""
    position = share.position if share is not None and actor.role is Role.BRIGADE else 0
    return any(one.open and (one.position == position or actor.role is Role.ADMINISTRATOR) for one in ticket.orders)


def _own(rule: Rule, actor: Actor, assignment: Assignment | None) -> bool:
    """A brigade member works only on the shares of their own unit."""
    if actor.role is not Role.BRIGADE:
        return True
    return assignment is not None and assignment.unit == actor.unit


def permit(ticket: Ticket, action: Action, actor: Actor, position: int | None) -> tuple[Rule, Assignment | None]:
    """The row that allows `action` now, and the share it concerns.

    Raises Forbidden when the role or unit may not, NotAllowed when the status does not let it, Incomplete for a share
    that is not there.
    """
    rows = [rule for rule in RULES if rule.action is action]
    roles = frozenset().union(*(rule.roles for rule in rows))
    if actor.role not in roles:
        names = "、".join(ROLE_NAMES[role] for role in Role if role in roles)
        raise Forbidden(f"“{ACTION_NAMES[action]}”只能由{names}操作，您的身份是{ROLE_NAMES[actor.role]}")
    assignment = addressed(ticket, actor, position)
    if actor.role is Role.BRIGADE and (assignment is None or assignment.unit != actor.unit):
        raise Forbidden(f"工单 {ticket.no} 没有派给您所在的大队，不能{ACTION_NAMES[action]}")
    fitting = [rule for rule in rows if _status_for(rule, ticket, assignment) in rule.status]
    if not fitting:
        status = assignment.status if rows[0].on_assignment and assignment else ticket.status
        if ticket.status in FINISHED:
            status = ticket.status
        allowed = allowed_actions(ticket, actor, assignment)
        may = "、".join(ACTION_NAMES[one] for one in allowed) or "无"
        raise NotAllowed(
            f"工单 {ticket.no} 目前“{STATUS_NAMES[status]}”，不能{ACTION_NAMES[action]}；现在可以：{may}", allowed
        )
    if action is Action.ANSWER_PRESS and not _has_order_for(ticket, actor, assignment):
        raise NotAllowed(f"工单 {ticket.no} 没有待您答复的督办", allowed_actions(ticket, actor, assignment))
    for rule in fitting:
        if actor.role in rule.roles:
            return rule, assignment
    names = "、".join(ROLE_NAMES[role] for role in Role if role in fitting[0].roles)
    raise Forbidden(f"“{ACTION_NAMES[action]}”在目前状态下只能由{names}操作")
