"""The end and the pressure before it: follow-up, closing, refusing, pressing, urging, merging."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from town import (
    ILLEGAL_BUILDING,
    MONDAY,
    OPERATOR,
    PARKING,
    SUPERVISOR,
    accepted,
    act,
    case,
    complaint,
    member,
    outcome,
    resolved,
    ticket,
)

from domain.complaint import Reporter
from domain.handling.closing import merge
from domain.lifecycle import Action, Forbidden, Incomplete, NotAllowed
from domain.light import Light
from domain.limit import Stage
from domain.ticket import Status, Ticket

LATER = MONDAY + timedelta(days=2)


@pytest.mark.parametrize("solved", ["yes", "partly"])
def test_a_follow_up_that_reached_the_citizen_counts(solved: str) -> None:
    done = outcome(resolved(), Action.FOLLOW_UP, OPERATOR, LATER, solved=solved, satisfaction="basically")
    assert (done.ticket.status, done.ticket.solved, done.ticket.satisfaction) == (
        Status.FOLLOWED_UP,
        solved,
        "basically",
    )
    assert done.ticket.followed_up_at == LATER
    closed = outcome(done.ticket, Action.CLOSE, OPERATOR, LATER)
    assert (closed.ticket.status, closed.ticket.closed_at) == (Status.CLOSED, LATER)
    assert [one.about for one in closed.notices] == ["closed"]


def test_a_call_that_reached_nobody_is_on_record_and_changes_nothing() -> None:
    before = resolved()
    done = outcome(before, Action.FOLLOW_UP, OPERATOR, LATER, reached=False, note="三次无人接听")
    assert done.ticket == replace(before, version=before.version + 1)
    assert done.events[0].data["reached"] is False


def test_a_follow_up_says_whether_it_is_solved() -> None:
    with pytest.raises(Incomplete, match="是否解决"):
        act(resolved(), Action.FOLLOW_UP, OPERATOR, LATER)


def test_what_is_not_solved_goes_back_to_work_with_a_clock_of_its_own() -> None:
    before = resolved()
    done = outcome(before, Action.FOLLOW_UP, OPERATOR, LATER, solved="no", satisfaction="unsatisfied")
    lead = done.ticket.lead
    assert lead is not None
    assert (done.ticket.status, lead.status, done.ticket.rehandled) == (Status.ACCEPTED, Status.ACCEPTED, 1)
    assert (done.ticket.resolved_at, lead.resolved_at) == (None, None)
    first, again = (clock for clock in lead.clocks if clock.stage is Stage.RESOLVE)
    assert (first.round, first.runs) == (1, False)
    assert (again.round, again.runs, again.started_at) == (2, True, LATER)
    assert lead.clock(Stage.RESOLVE) == again
    assert (lead.light, done.ticket.light) == (Light.GREEN, Light.GREEN)
    assert [one.action for one in done.events] == ["followed_up", "sent_back_to_work"]
    assert [one.to for one in done.notices] == [f"account:{lead.handler}"]
    assert (done.ticket.solved, done.ticket.satisfaction) == ("no", "unsatisfied")
    once_more = act(done.ticket, Action.RESOLVE, member(), LATER, result="再次清理")
    third = act(once_more, Action.FOLLOW_UP, OPERATOR, LATER, solved="no")
    assert third.lead is not None
    assert [clock.round for clock in third.lead.clocks if clock.stage is Stage.RESOLVE] == [1, 2, 3]


def test_another_round_may_be_extended_again() -> None:
    work = act(accepted(), Action.EXTEND, member(), working_days=2, reason="需协调")
    work = act(work, Action.EXTEND, SUPERVISOR, decision="approved")
    back = act(act(work, Action.RESOLVE, member(), result="已清理"), Action.FOLLOW_UP, OPERATOR, LATER, solved="no")
    asked = act(back, Action.EXTEND, member(), LATER, working_days=1, reason="需协调")
    assert asked.status is Status.EXTENDED
    first, second = (
        clock
        for clock in act(asked, Action.EXTEND, SUPERVISOR, LATER, decision="approved").assignments[0].clocks
        if clock.stage is Stage.RESOLVE
    )
    assert (first.extended_by, second.extended_by) == (2, 1)  # only the running clock moves


def test_closing_without_a_follow_up_needs_a_reason() -> None:
    with pytest.raises(Incomplete, match="尚未回访"):
        act(resolved(), Action.CLOSE, OPERATOR, LATER)
    assert act(resolved(), Action.CLOSE, OPERATOR, LATER, reason="多次联系不上").status is Status.CLOSED


@pytest.mark.parametrize("reporter", [Reporter(anonymous=True), Reporter(name="测试乙", wants_follow_up=False)])
def test_who_cannot_or_will_not_be_called_needs_no_reason(reporter: Reporter) -> None:
    done = resolved(case(complaint=complaint(reporter=reporter)))
    assert act(done, Action.CLOSE, OPERATOR, LATER).status is Status.CLOSED


def test_what_is_not_ours_to_take_is_rejected_from_the_desk_with_a_reason() -> None:
    doubtful = ticket(case(confidence=0.1))
    with pytest.raises(Incomplete, match="理由"):
        act(doubtful, Action.CLOSE, OPERATOR)
    done = outcome(doubtful, Action.CLOSE, OPERATOR, reason="已进入诉讼，请向法院反映")
    assert (done.ticket.status, done.events[0].action) == (Status.REJECTED, "rejected")
    assert done.notices[0].data["reason"] == "已进入诉讼，请向法院反映"
    assert not any(clock.runs for clock in done.ticket.desk_clocks)
    assert done.ticket.light is Light.GREY


def test_a_referred_ticket_may_be_closed() -> None:
    assert act(ticket(case(PARKING)), Action.CLOSE, OPERATOR, LATER).status is Status.CLOSED


def test_pressing_tells_the_handler_and_the_head() -> None:
    due = MONDAY + timedelta(days=1)
    done = outcome(accepted(), Action.PRESS, SUPERVISOR, requirement="明日前回复", due_at=due)
    assert done.ticket.presses == 1
    assert [one.to for one in done.notices] == ["account:a3", "account:a1"]
    assert datetime.fromisoformat(done.events[0].data["due_at"]) == due
    with pytest.raises(Forbidden):
        act(accepted(), Action.PRESS, OPERATOR, requirement="快办")
    with pytest.raises(Incomplete, match="督办要求"):
        act(accepted(), Action.PRESS, SUPERVISOR, requirement="")


def test_a_press_is_due_in_the_future_and_in_shanghai_where_no_zone_is_given() -> None:
    naive = datetime(2026, 11, 24, 18)
    done = outcome(accepted(), Action.PRESS, SUPERVISOR, requirement="明日前回复", due_at=naive)
    assert datetime.fromisoformat(done.events[0].data["due_at"]) == datetime(2026, 11, 24, 10, tzinfo=UTC)
    with pytest.raises(Incomplete, match="督办期限 2026-11-23 08:00 已过"):
        act(accepted(), Action.PRESS, SUPERVISOR, requirement="快办", due_at=MONDAY - timedelta(hours=1))


def test_urging_is_counted_and_told() -> None:
    done = outcome(outcome(accepted(), Action.URGE, OPERATOR).ticket, Action.URGE, OPERATOR, note="又来电催问")
    assert done.ticket.urges == 2
    assert [one.about for one in done.notices] == ["urged"]
    at_desk = outcome(ticket(case(confidence=0.1)), Action.URGE, OPERATOR)
    assert (at_desk.ticket.urges, at_desk.notices) == (1, ())


# ── merging ────────────────────────────────────────────────────────────────


def other(**changed: object) -> Ticket:
    return replace(ticket(), **{"id": 2, "no": "QS261123-00002", **changed})  # type: ignore[arg-type]


def test_merging_ends_one_and_leaves_the_other() -> None:
    joint = ticket(case(ILLEGAL_BUILDING))
    gone, grown = merge(joint, other(), OPERATOR, LATER, "同一处，来电13800000001")
    assert (gone.ticket.status, gone.ticket.merged_into) == (Status.MERGED, "QS261123-00002")
    assert all(one.ended_at == LATER for one in gone.ticket.assignments)
    assert gone.ticket.light is Light.GREY
    assert gone.events[0].data == {"into": "QS261123-00002", "note": "同一处，来电138****01"}
    assert grown.ticket == other()
    assert grown.events[0].data == {"from": joint.no}
    assert [(one.to, one.about) for one in gone.notices] == [("channel:12345", "merged")]


@pytest.mark.parametrize("status", [Status.MERGED, Status.REJECTED])
def test_nothing_is_merged_into_what_is_void(status: Status) -> None:
    with pytest.raises(Incomplete, match="请选择仍然有效的工单"):
        merge(ticket(), other(status=status), OPERATOR, LATER, "")


def test_nothing_is_merged_into_itself_or_after_the_end() -> None:
    with pytest.raises(Incomplete, match="并入它自己"):
        merge(ticket(), ticket(), OPERATOR, LATER, "")
    with pytest.raises(NotAllowed):
        merge(resolved(), other(), OPERATOR, LATER, "")
    with pytest.raises(Forbidden):
        merge(ticket(), other(), member(), LATER, "")
