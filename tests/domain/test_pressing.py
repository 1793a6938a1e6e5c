"""督办: orders of three levels, answered by whom they are given to, raised while they are not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from town import (
    ADMINISTRATOR,
    CONSTRUCTION,
    ENTERPRISE,
    MONDAY,
    OPERATOR,
    PLANNER,
    SMELL,
    STALL,
    SUPERVISOR,
    accepted,
    act,
    at,
    case,
    member,
    outcome,
    ticket,
)

from domain.handling.pressing import raised
from domain.lifecycle import Action, Forbidden, Incomplete, NotAllowed, allowed_actions
from domain.ticket import Assignment, PressCause, PressLevel, Ticket

DUE = at("2026-11-24 17:30")
NEXT = at("2026-11-25 17:30")


def pressed(before: Ticket | None = None) -> Ticket:
    return act(before or accepted(case(SMELL)), Action.PRESS, SUPERVISOR, requirement="明日前回复", due_at=DUE)


def test_an_order_is_kept_with_the_ticket() -> None:
    done = outcome(accepted(case(SMELL)), Action.PRESS, SUPERVISOR, requirement="回电13800000001", due_at=DUE)
    (order,) = done.ticket.orders
    assert (order.number, order.position, order.level, order.cause) == (
        *(1, 1, PressLevel.ORANGE),
        PressCause.SUPERVISOR,
    )
    assert (order.requirement, order.issued_by, order.due_at, order.open) == ("回电138****01", "v1", DUE, True)
    assert done.events[0].data["level"] == "orange"
    assert done.notices[0].data == {"position": 1, "number": 1, "level": "orange"}


def test_without_a_limit_it_is_a_reminder_and_of_an_overdue_matter_an_order() -> None:
    reminder = act(accepted(case(SMELL)), Action.PRESS, SUPERVISOR, requirement="请关注")
    assert reminder.orders[0].level is PressLevel.BLUE
    late = at("2026-12-02 09:00")
    order = act(accepted(case(SMELL)), Action.PRESS, SUPERVISOR, late, requirement="请关注")
    assert order.orders[0].level is PressLevel.RED


def test_the_unit_answers_and_the_supervisor_is_told() -> None:
    there = pressed()
    assert Action.ANSWER_PRESS in allowed_actions(there, member(ENTERPRISE))
    done = outcome(there, Action.ANSWER_PRESS, member(ENTERPRISE), DUE, answer="已到现场，明日复查")
    (order,) = done.ticket.orders
    assert (order.answer, order.answered_at, order.answered_by) == ("已到现场，明日复查", DUE, member(ENTERPRISE).name)
    assert not order.open
    assert done.events[0].data["in_time"] is True
    assert [(one.to, one.about) for one in done.notices] == [("account:v1", "press_answered")]
    assert Action.ANSWER_PRESS not in allowed_actions(done.ticket, member(ENTERPRISE))
    with pytest.raises(NotAllowed, match="没有待您答复的督办"):
        act(done.ticket, Action.ANSWER_PRESS, member(ENTERPRISE), answer="再答")


def test_an_answer_after_the_limit_says_so() -> None:
    late = outcome(pressed(), Action.ANSWER_PRESS, member(ENTERPRISE), DUE + timedelta(seconds=1), answer="已到现场")
    assert late.events[0].data["in_time"] is False


def test_nobody_answers_for_another() -> None:
    joint = pressed(accepted(case(STALL)))  # brigade 1 leads, brigade 3 helps
    with pytest.raises(NotAllowed, match="没有待您答复"):
        act(joint, Action.ANSWER_PRESS, member(CONSTRUCTION), answer="已办")
    with pytest.raises(NotAllowed, match="没有待您答复"):
        act(joint, Action.ANSWER_PRESS, OPERATOR, answer="已办")
    with pytest.raises(Forbidden):
        act(joint, Action.ANSWER_PRESS, SUPERVISOR, answer="已办")
    assert not act(joint, Action.ANSWER_PRESS, ADMINISTRATOR, answer="已办").orders[0].open


def test_a_helper_can_be_pressed_by_itself() -> None:
    joint = accepted(case(STALL))
    done = outcome(joint, Action.PRESS, SUPERVISOR, requirement="请协办", assignment=2)
    assert done.ticket.orders[0].position == 2
    assert [one.to for one in done.notices] == ["account:c2", "account:c1"]
    assert not act(done.ticket, Action.ANSWER_PRESS, member(CONSTRUCTION), answer="已到").orders[0].open


def test_what_waits_at_the_desk_is_answered_for_by_the_desk() -> None:
    at_desk = act(ticket(case(confidence=0.1)), Action.PRESS, SUPERVISOR, requirement="尽快派单", due_at=DUE)
    assert at_desk.orders[0].position == 0
    assert not act(at_desk, Action.ANSWER_PRESS, OPERATOR, answer="即派").orders[0].open


def test_one_of_several_orders_is_answered_by_its_number() -> None:
    twice = pressed(pressed())
    second = act(twice, Action.ANSWER_PRESS, member(ENTERPRISE), answer="已办", order=2)
    assert [one.open for one in second.orders] == [True, False]
    with pytest.raises(Incomplete, match="待答复的督办序号：1"):
        act(second, Action.ANSWER_PRESS, member(ENTERPRISE), answer="已办", order=2)
    with pytest.raises(Incomplete, match="督办答复"):
        act(second, Action.ANSWER_PRESS, member(ENTERPRISE), answer=" ")


def above(share: Assignment | None) -> Sequence[str]:
    """Whom an order to the share is reported to; somebody who is named twice is told once."""
    assert share is not None
    return ("boss", "boss")


def test_an_order_that_nobody_answers_goes_up_to_red_stays_there_and_is_reported_once() -> None:
    blue = act(accepted(case(SMELL)), Action.PRESS, SUPERVISOR, requirement="请关注")
    assert raised(blue, at("2027-01-01 09:00"), NEXT, PLANNER, above).events == ()  # a reminder has no limit
    there = pressed()
    assert raised(there, DUE - timedelta(minutes=1), NEXT, PLANNER, above).events == ()
    up = raised(there, DUE, NEXT, PLANNER, above)
    assert (up.ticket.orders[0].level, up.ticket.orders[0].due_at) == (PressLevel.RED, NEXT)
    assert [(one.action, one.data["old"], one.data["level"]) for one in up.events] == [
        ("press_raised", "orange", "red")
    ]
    assert [one.to for one in up.notices] == ["account:b2", "account:b1"]
    assert raised(up.ticket, DUE, NEXT, PLANNER, above).events == ()
    told = raised(up.ticket, at("2027-01-01 09:00"), NEXT, PLANNER, above)
    assert (told.ticket.orders[0].level, told.ticket.orders[0].due_at) == (PressLevel.RED, NEXT)
    assert [(one.action, one.data["told"]) for one in told.events] == [("press_reported", ["boss"])]
    assert [(one.to, one.about) for one in told.notices] == [("account:boss", "press_unanswered")]
    assert raised(told.ticket, at("2027-02-01 09:00"), NEXT, PLANNER, above).events == ()


def test_an_order_to_a_share_that_is_over_lapses() -> None:
    done = act(pressed(), Action.RESOLVE, member(ENTERPRISE), MONDAY + timedelta(hours=2), result="已整改")
    lapsed = raised(done, DUE, NEXT, PLANNER, above)
    assert [one.action for one in lapsed.events] == ["press_lapsed"]
    assert (lapsed.ticket.orders[0].open, lapsed.notices) == (False, ())
