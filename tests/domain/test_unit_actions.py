"""What a unit does with its share: signing, calling, returning, asking for time, resolving."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from town import (
    ADMINISTRATOR,
    CITY,
    CONSTRUCTION,
    ILLEGAL_BUILDING,
    MONDAY,
    OPERATOR,
    RUBBISH,
    SUPERVISOR,
    accepted,
    act,
    at,
    case,
    complaint,
    member,
    outcome,
    ticket,
)

from domain.lifecycle import Action, Forbidden, Incomplete, NotAllowed
from domain.light import Light
from domain.limit import Stage
from domain.ticket import Assignment, Share, Status, Ticket
from domain.worktime import local

RETURNING: dict[str, Any] = {"reason_code": "R1", "basis": "权力清单第12项不在本队"}


def lead(of: Ticket) -> Assignment:
    assert of.lead is not None
    return of.lead


def running(share: Assignment) -> set[Stage]:
    return {clock.stage for clock in share.clocks if clock.runs}


def test_signing_stops_the_accept_clock_and_tells_the_platform() -> None:
    done = outcome(ticket(), Action.ACCEPT, member())
    share = lead(done.ticket)
    assert (done.ticket.status, share.status) == (Status.ACCEPTED, Status.ACCEPTED)
    assert running(share) == {Stage.CONTACT, Stage.RETURN, Stage.RESOLVE}
    assert [(one.to, one.about) for one in done.notices] == [("channel:12345", "accepted")]


def test_a_phone_call_has_no_platform_to_tell() -> None:
    by_phone = ticket(case(complaint=complaint(channel="phone")))
    assert outcome(by_phone, Action.ACCEPT, member()).notices == ()


def test_only_a_call_that_reached_the_citizen_keeps_the_contact_limit() -> None:
    missed = outcome(accepted(), Action.CONTACT, member(), reached=False, note="无人接听")
    assert Stage.CONTACT in running(lead(missed.ticket))
    assert lead(missed.ticket).contacted_at is None
    assert missed.notices == ()
    reached = outcome(missed.ticket, Action.CONTACT, member(), MONDAY + timedelta(hours=2))
    assert Stage.CONTACT not in running(lead(reached.ticket))
    assert [one.about for one in reached.notices] == ["contacted"]
    again = outcome(reached.ticket, Action.CONTACT, member(), MONDAY + timedelta(hours=3))
    assert lead(again.ticket).contacted_at == MONDAY + timedelta(hours=2)  # the first call counts
    assert again.notices == ()


def test_words_of_people_are_kept_with_their_numbers_masked() -> None:
    done = outcome(accepted(), Action.CONTACT, member(), note="回电13800000001已接通")
    assert done.events[0].data["note"] == "回电138****01已接通"


# ── returning ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("signed", [False, True])
def test_a_return_within_its_limit_waits_for_a_ruling(signed: bool) -> None:
    before = accepted() if signed else ticket()
    done = outcome(before, Action.RETURN, member(), note="请转供电", suggested_unit="power", **RETURNING)
    share = lead(done.ticket)
    assert (done.ticket.status, share.status, done.ticket.returns) == (Status.RETURNED, Status.RETURNED, 1)
    assert share.request is not None
    assert share.request["reason_code"] == "R1"
    assert done.events[0].data["suggested_unit"] == "power"
    assert Stage.RESOLVE in running(share)  # 首接负责: until the ruling it is theirs, and time runs


def test_the_right_to_return_ends_with_its_limit() -> None:
    work = accepted()
    due = lead(work).clock(Stage.RETURN)
    assert due is not None
    assert local(due.due_at) == local(at("2026-11-24 17:30"))
    act(work, Action.RETURN, member(), due.due_at, **RETURNING)
    with pytest.raises(NotAllowed, match="已过退单时限（1个工作日），") as refused:
        act(work, Action.RETURN, member(), due.due_at + timedelta(seconds=1), **RETURNING)
    assert Action.RESOLVE in refused.value.allowed
    assert Action.RETURN not in refused.value.allowed


def test_a_matter_that_comes_back_from_the_citizen_cannot_be_returned_weeks_later() -> None:
    """The clock stopped in time, with the first resolving: the right has ended all the same."""
    done = act(accepted(), Action.RESOLVE, member(), MONDAY + timedelta(hours=2), result="已清理")
    back = act(done, Action.FOLLOW_UP, OPERATOR, MONDAY + timedelta(days=8), solved="no")
    assert back.status is Status.ACCEPTED
    with pytest.raises(NotAllowed, match="已过退单时限"):
        act(back, Action.RETURN, member(), MONDAY + timedelta(days=9), **RETURNING)


def test_after_a_ruling_nobody_returns_it_again() -> None:
    returned = act(ticket(), Action.RETURN, member(), **RETURNING)
    kept = act(returned, Action.TRANSFER, OPERATOR, brigade=CITY, reason="属你队职责")
    with pytest.raises(NotAllowed, match="已由指挥中心裁定"):
        act(kept, Action.RETURN, member(), **RETURNING)


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"basis": "依据"}, "reason_code"),
        ({"reason_code": "R1"}, "basis"),
        ({"reason_code": "R1", "basis": "  "}, "basis"),
        ({"reason_code": "R99", "basis": "依据"}, "reason_code"),
        ({"reason_code": "R1", "basis": "依据", "suggested_unit": "nobody"}, "suggested_unit"),
    ],
)
def test_a_return_needs_a_known_reason_and_a_basis(details: dict[str, Any], field: str) -> None:
    with pytest.raises(Incomplete) as refused:
        act(ticket(), Action.RETURN, member(), **details)
    assert [name for name, _ in refused.value.problems] == [field]


# ── more time ──────────────────────────────────────────────────────────────

ASKING: dict[str, Any] = {"working_days": 3, "reason": "需协调物业"}


def test_an_extension_is_asked_for_then_approved() -> None:
    asked = outcome(accepted(), Action.EXTEND, member(), **ASKING)
    assert asked.ticket.status is Status.EXTENDED
    before = lead(asked.ticket).clock(Stage.RESOLVE)
    done = outcome(asked.ticket, Action.EXTEND, SUPERVISOR, decision="approved")
    share = lead(done.ticket)
    clock = share.clock(Stage.RESOLVE)
    assert before is not None
    assert clock is not None
    assert local(before.due_at) == local(at("2026-11-30 17:30"))
    assert local(clock.due_at) == local(at("2026-12-03 17:30"))
    assert clock.original_due_at == before.due_at  # both deadlines are kept
    assert clock.extended_by == 3
    assert before.yellow_at < clock.yellow_at < clock.due_at
    assert (share.status, share.extensions, share.request, done.ticket.extensions) == (Status.ACCEPTED, 1, None, 1)
    assert done.events[0].data["original_due_at"] == before.due_at.isoformat()
    assert [one.about for one in done.notices] == ["extended"]


def test_a_refused_extension_leaves_the_deadline() -> None:
    work = accepted()
    asked = act(work, Action.EXTEND, member(), **ASKING)
    done = outcome(asked, Action.EXTEND, SUPERVISOR, decision="refused", note="理由不足")
    assert done.ticket.status is Status.ACCEPTED
    assert lead(done.ticket).clock(Stage.RESOLVE) == lead(work).clock(Stage.RESOLVE)
    assert (done.events[0].action, done.ticket.extensions) == ("extension_refused", 0)


def test_an_extension_is_granted_once() -> None:
    once = act(act(accepted(), Action.EXTEND, member(), **ASKING), Action.EXTEND, SUPERVISOR, decision="approved")
    with pytest.raises(NotAllowed, match="已经延期一次"):
        act(once, Action.EXTEND, member(), **ASKING)


def test_an_extension_is_asked_for_before_the_deadline_but_may_be_decided_after_it() -> None:
    work = accepted()
    clock = lead(work).clock(Stage.RESOLVE)
    assert clock is not None
    with pytest.raises(NotAllowed, match="应当在到期之前申请"):
        act(work, Action.EXTEND, member(), clock.due_at + timedelta(seconds=1), **ASKING)
    asked = act(work, Action.EXTEND, member(), clock.due_at, **ASKING)
    done = act(asked, Action.EXTEND, SUPERVISOR, clock.due_at + timedelta(hours=1), decision="approved")
    extended = lead(done).clock(Stage.RESOLVE)
    assert extended is not None
    assert extended.due_at > clock.due_at


@pytest.mark.parametrize("days", [-1, 6, 100])
def test_an_extension_is_as_long_as_its_limit_allows(days: int) -> None:
    with pytest.raises(Incomplete, match="延期应为 1 至 5 个工作日"):
        act(accepted(), Action.EXTEND, member(), working_days=days, reason="需协调")


def test_a_brigade_does_not_decide_its_own_request() -> None:
    asked = act(accepted(), Action.EXTEND, member(), **ASKING)
    with pytest.raises(Forbidden, match="只能由督办人员、管理员、上级平台操作"):
        act(asked, Action.EXTEND, member(), decision="approved")
    with pytest.raises(Incomplete, match="审批意见"):
        act(asked, Action.EXTEND, SUPERVISOR)


# ── resolving ──────────────────────────────────────────────────────────────


def test_resolving_stops_every_clock_and_reports() -> None:
    done = outcome(accepted(), Action.RESOLVE, member(), result="已劝离", public_reply="您反映的摊点已劝离")
    share = lead(done.ticket)
    assert (done.ticket.status, share.status, share.result) == (Status.RESOLVED, Status.RESOLVED, "已劝离")
    assert running(share) == set()
    assert (share.light, done.ticket.light) == (Light.GREY, Light.GREY)
    assert done.notices[0].data["reply"] == "您反映的摊点已劝离"


def test_resolving_needs_a_result_that_says_something() -> None:
    with pytest.raises(Incomplete, match="办理结果"):
        act(accepted(), Action.RESOLVE, member(), result=" ")


def test_when_the_lead_resolves_the_helpers_are_let_go() -> None:
    joint = accepted(case(ILLEGAL_BUILDING))
    done = outcome(joint, Action.RESOLVE, member(CONSTRUCTION), result="已拆除")
    helper = done.ticket.assignments[1]
    assert helper.share is Share.HELPER
    assert helper.ended_at is not None
    assert running(helper) == set()
    assert [(one.action, one.position) for one in done.events] == [("resolved", 1), ("helper_ended", 2)]
    assert done.ticket.status is Status.RESOLVED


def test_a_helper_that_resolves_leaves_the_ticket_with_the_lead() -> None:
    joint = act(accepted(case(ILLEGAL_BUILDING)), Action.ACCEPT, member(CITY))
    done = outcome(joint, Action.RESOLVE, member(CITY), result="已清运")
    assert done.ticket.status is Status.ACCEPTED
    assert done.ticket.resolved_at is None
    assert done.notices == ()
    assert running(done.ticket.assignments[1]) == set()


def test_an_administrator_may_act_for_a_unit_that_is_named() -> None:
    joint = act(ticket(case(ILLEGAL_BUILDING)), Action.ACCEPT, ADMINISTRATOR, assignment=2)
    assert joint.assignments[1].status is Status.ACCEPTED


def test_every_clock_has_its_row_and_its_reasons() -> None:
    share = lead(ticket(case(RUBBISH)))
    assert {clock.stage: clock.rule for clock in share.clocks} == {
        Stage.ACCEPT: "L-accept",
        Stage.CONTACT: "L-contact",
        Stage.RETURN: "L-return",
        Stage.RESOLVE: "L-resolve-cleanup",
    }
    assert all(clock.reasons for clock in share.clocks)
