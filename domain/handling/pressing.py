"""督办: orders given, answered, and raised from blue to orange to red while they are not. Not: when a rule gives one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from domain.actions import AnswerPress, Press
from domain.event import Event
from domain.handling.step import Step
from domain.lifecycle import RULES, Action, Incomplete
from domain.limit import Stage
from domain.outcome import Notice, Outcome
from domain.people import SYSTEM, Role
from domain.planning import Planner
from domain.privacy import masked_text
from domain.ticket import Assignment, PressCause, PressLevel, PressOrder, Status, Ticket
from domain.worktime import local

RAISED = {PressLevel.BLUE: PressLevel.ORANGE, PressLevel.ORANGE: PressLevel.RED}
"""What an order becomes that is not answered in time; a red one stays red and is reported to those above."""

_PRESS = next(rule for rule in RULES if rule.action is Action.PRESS)


def press(step: Step, details: Press) -> Outcome:
    """By a supervisor: red where the matter is overdue, orange with a limit, else a blue reminder."""
    due = local(details.due_at) if details.due_at else None
    if due is not None and due <= step.now:
        raise Incomplete((("due_at", f"督办期限 {due:%Y-%m-%d %H:%M} 已过，应晚于现在"),))
    share = step.share or step.ticket.lead
    resolve = share.clock(Stage.RESOLVE) if share else None
    level = PressLevel.ORANGE if due else PressLevel.BLUE
    if resolve is not None and resolve.overdue(step.now):
        level = PressLevel.RED
    return ordered(replace(step, share=share), level, PressCause.SUPERVISOR, details.requirement, due)


def by_rule(ticket: Ticket, share: Assignment | None, now: datetime, planner: Planner) -> Step:
    """The step of an order that a rule gives to a share (None: the desk)."""
    return Step(ticket, share, _PRESS, SYSTEM, now, planner)


def ordered(step: Step, level: PressLevel, cause: PressCause, requirement: str, due_at: datetime | None) -> Outcome:
    """The ticket with one more order to the share of the step; its handler and the head of its unit are told."""
    position = step.share.position if step.share else 0
    order = PressOrder(
        number=len(step.ticket.orders) + 1,
        position=position,
        level=level,
        cause=cause,
        requirement=masked_text(requirement),
        issued_at=step.now,
        issued_by=step.actor.name,
        due_at=due_at,
    )
    event = step.event(
        "pressed",
        position,
        number=order.number,
        level=level,
        cause=cause,
        requirement=order.requirement,
        due_at=local(due_at).isoformat() if due_at else None,
    )
    ticket = replace(step.ticket, presses=step.ticket.presses + 1, orders=(*step.ticket.orders, order))
    return Outcome(ticket, (event,), _told(order, step.share, step.planner))


def _told(order: PressOrder, share: Assignment | None, planner: Planner) -> tuple[Notice, ...]:
    if share is None:
        return ()
    data = {"position": share.position, "number": order.number, "level": order.level.value}
    people = dict.fromkeys((share.handler, planner.unit_head(share.unit)))
    return tuple(Notice(f"account:{one}", "pressed", dict(data)) for one in people if one)


def answer_press(step: Step, details: AnswerPress) -> Outcome:
    """The unit says what it has done; the supervisor who gave the order is told."""
    order = _addressed(step, details)
    answered = replace(order, answer=masked_text(details.answer), answered_at=step.now, answered_by=step.actor.name)
    event = step.event(
        "press_answered",
        order.position,
        number=order.number,
        answer=answered.answer,
        in_time=order.due_at is None or step.now <= order.due_at,
    )
    by_person = order.cause is PressCause.SUPERVISOR
    about = {"position": order.position, "number": order.number}
    told = (Notice(f"account:{order.issued_by}", "press_answered", about),) if by_person else ()
    return Outcome(_with_order(step.ticket, answered), (event,), told)


def _addressed(step: Step, details: AnswerPress) -> PressOrder:
    """The open order that is answered: the numbered one, else the oldest of those to this unit; `permit` sees that one is."""
    position = step.share.position if step.share and step.actor.role is Role.BRIGADE else 0
    anybodys = step.actor.role is Role.ADMINISTRATOR
    waiting = [one for one in step.ticket.orders if one.open and (anybodys or one.position == position)]
    if details.order is None:
        return waiting[0]
    found = next((one for one in waiting if one.number == details.order), None)
    if found is None:
        there = "、".join(str(one.number) for one in waiting)
        raise Incomplete((("order", f"没有待您答复的第 {details.order} 号督办；待答复的督办序号：{there}"),))
    return found


def _with_order(ticket: Ticket, changed: PressOrder) -> Ticket:
    return replace(ticket, orders=tuple(changed if one.number == changed.number else one for one in ticket.orders))


def raised(
    ticket: Ticket,
    now: datetime,
    next_due: datetime,
    planner: Planner,
    above: Callable[[Assignment | None], Sequence[str]],
) -> Outcome:
    """The ticket with its orders that were due and not answered one level up, due at `next_due`; those of the past lapsed.

    What is red already is reported once to the accounts that `above` names for its share (None: the desk). An event for
    each, and a notice to the unit for each that was raised; nothing where nothing is due.
    """
    events: list[Event] = []
    notices: tuple[Notice, ...] = ()
    for order in ticket.orders:
        if not order.open or order.due_at is None or order.due_at > now:
            continue
        share = next((one for one in ticket.assignments if one.position == order.position), None)
        if not (share.in_hand if share is not None else ticket.status is Status.TRIAGE):
            ticket = _with_order(ticket, replace(order, lapsed_at=now))
            events.append(_system("press_lapsed", order, now))
        elif order.level in RAISED:
            higher = replace(order, level=RAISED[order.level], due_at=next_due)
            ticket = _with_order(ticket, higher)
            events.append(_system("press_raised", higher, now, old=order.level, late_since=order.due_at.isoformat()))
            notices = (*notices, *_told(higher, share, planner))
        elif order.reported_at is None:
            told = tuple(dict.fromkeys(above(share)))
            ticket = _with_order(ticket, replace(order, reported_at=now))
            events.append(_system("press_reported", order, now, told=list(told)))
            data = {"position": order.position, "number": order.number, "level": order.level.value}
            notices = (*notices, *(Notice(f"account:{one}", "press_unanswered", dict(data)) for one in told))
    return Outcome(ticket, tuple(events), notices)


def _system(action: str, order: PressOrder, now: datetime, **data: object) -> Event:
    due = order.due_at.isoformat() if order.due_at else None
    facts = {"number": order.number, "level": order.level, "due_at": due, **data}
    return Event(action, now, SYSTEM.name, SYSTEM.role, order.position, facts)
