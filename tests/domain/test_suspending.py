"""挂起: asked for, ruled on, ended by a person or by itself; and clocks that wait for the desk's ruling on a return."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from town import (
    CITY,
    MONDAY,
    OPERATOR,
    PLANNER,
    RUBBISH,
    STALL,
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

from domain.handling.suspending import resumed_by_itself
from domain.lifecycle import Action, Forbidden, Incomplete, NotAllowed
from domain.light import Light
from domain.limit import Stage
from domain.ticket import Assignment, Clock, Status, Ticket
from domain.worktime import local

ASKING: dict[str, Any] = {"until": date(2026, 11, 26), "reason": "等待检测报告"}
RETURNING: dict[str, Any] = {"reason_code": "R1", "basis": "权力清单第12项不在本队"}
ASKED_AT = at("2026-11-24 10:00")


def lead(of: Ticket) -> Assignment:
    assert of.lead is not None
    return of.lead


def clock(of: Ticket, stage: Stage = Stage.RESOLVE) -> Clock:
    found = lead(of).clock(stage)
    assert found is not None
    return found


def suspended() -> Ticket:
    """Asked for on Tuesday at ten, approved at eleven, until Thursday."""
    asked = act(accepted(case(STALL)), Action.SUSPEND, member(), ASKED_AT, **ASKING)
    return act(asked, Action.SUSPEND, SUPERVISOR, at("2026-11-24 11:00"), decision="approved")


def test_a_suspension_stops_nothing_before_it_is_approved() -> None:
    asked = outcome(accepted(), Action.SUSPEND, member(), ASKED_AT, **ASKING)
    assert asked.ticket.status is Status.SUSPENDING
    assert clock(asked.ticket).runs
    assert lead(asked.ticket).request == {
        "until": "2026-11-26",
        "reason": "等待检测报告",
        "asked_at": ASKED_AT.isoformat(),
        "asked_by": member().name,
    }


def test_approved_the_clocks_stand_still_from_when_it_was_asked_for() -> None:
    there = suspended()
    share = lead(there)
    assert (there.status, share.light, share.request) == (Status.SUSPENDED, Light.GREY, None)
    assert local(share.suspended_until or MONDAY) == at("2026-11-27 00:00")
    for stage in (Stage.CONTACT, Stage.RESOLVE):
        assert clock(there, stage).paused_at == ASKED_AT
        assert clock(there, stage).light is Light.GREY


def test_each_light_that_goes_grey_and_comes_back_is_an_event() -> None:
    asked = act(accepted(), Action.SUSPEND, member(), ASKED_AT, **ASKING)
    done = outcome(asked, Action.SUSPEND, SUPERVISOR, at("2026-11-24 11:00"), decision="approved")
    lights = [
        (one.data["stage"], one.data["old"], one.data["new"]) for one in done.events if one.action == "light_changed"
    ]
    assert lights == [("contact", "green", "grey"), ("resolve", "green", "grey")]
    back = outcome(done.ticket, Action.RESUME, member(), at("2026-11-25 10:00"))
    assert [one.data["old"] for one in back.events if one.action == "light_changed"] == ["grey", "grey"]
    assert clock(back.ticket).light is Light.GREEN


def test_resuming_moves_the_deadline_by_the_working_time_paused_and_keeps_the_first() -> None:
    there = suspended()
    before = clock(there)
    back = outcome(there, Action.RESUME, member(), at("2026-11-25 10:00"), note="报告已到")
    after = clock(back.ticket)
    assert local(before.due_at) == at("2026-11-30 17:30")
    assert local(after.due_at) == at("2026-12-01 17:30")  # from ten to ten: one working day of 450 minutes
    assert after.original_due_at == before.due_at
    assert (back.ticket.status, lead(back.ticket).suspended_until) == (Status.ACCEPTED, None)
    assert back.events[0].data["original_due_at"] == before.due_at.isoformat()
    assert any("暂停计时，顺延 450 分钟工作时间" in line for line in after.reasons)


def test_a_supervisor_may_resume_too_but_not_the_operator() -> None:
    there = suspended()
    assert act(there, Action.RESUME, SUPERVISOR, at("2026-11-25 10:00")).status is Status.ACCEPTED
    with pytest.raises(Forbidden):
        act(there, Action.RESUME, OPERATOR, at("2026-11-25 10:00"))


def test_a_suspension_ends_by_itself_at_its_end_however_late_somebody_looks() -> None:
    there = suspended()
    early = resumed_by_itself(there, at("2026-11-26 23:59"), PLANNER)
    assert early.events == ()
    assert early.ticket is there
    at_once = resumed_by_itself(there, at("2026-11-27 00:00"), PLANNER)
    late = resumed_by_itself(there, at("2026-11-27 15:00"), PLANNER)
    assert at_once.events[0].action == "resumed"
    assert (at_once.events[0].actor, late.ticket.status) == ("system", Status.ACCEPTED)
    assert clock(late.ticket).due_at == clock(at_once.ticket).due_at
    by_hand = act(there, Action.RESUME, member(), at("2026-11-27 15:00"))
    assert clock(by_hand).due_at == clock(late.ticket).due_at
    assert resumed_by_itself(late.ticket, at("2026-11-28 00:00"), PLANNER).events == ()


def test_a_refused_suspension_leaves_the_clocks() -> None:
    work = accepted()
    asked = act(work, Action.SUSPEND, member(), ASKED_AT, **ASKING)
    done = outcome(asked, Action.SUSPEND, SUPERVISOR, decision="refused", note="理由不足")
    assert (done.ticket.status, done.events[0].action) == (Status.ACCEPTED, "suspension_refused")
    assert lead(done.ticket).clocks == lead(work).clocks
    assert lead(done.ticket).request is None


def test_a_ruling_that_comes_late_does_not_cost_the_unit_its_time() -> None:
    work = accepted(case(RUBBISH))  # one working day: due on Tuesday at half past five
    asked = act(work, Action.SUSPEND, member(), at("2026-11-24 17:00"), **ASKING)
    there = act(asked, Action.SUSPEND, SUPERVISOR, at("2026-11-25 09:00"), decision="approved")
    back = act(there, Action.RESUME, member(), at("2026-11-25 10:00"))
    assert local(clock(back).due_at) == at("2026-11-25 10:30")


def test_a_suspension_is_asked_for_before_the_deadline_and_for_days_to_come() -> None:
    work = accepted()
    with pytest.raises(NotAllowed, match="应当在到期之前申请") as refused:
        act(work, Action.SUSPEND, member(), clock(work).due_at + timedelta(seconds=1), **ASKING)
    assert Action.SUSPEND not in refused.value.allowed
    for until in (date(2026, 11, 23), date(2027, 12, 31)):
        with pytest.raises(Incomplete, match="一年之内"):
            act(work, Action.SUSPEND, member(), ASKED_AT, until=until, reason="等待检测报告")
    with pytest.raises(Incomplete, match="挂起的最后一天"):
        act(work, Action.SUSPEND, member(), ASKED_AT, reason="等待检测报告")


def test_what_was_asked_for_is_not_approved_after_it_is_over() -> None:
    asked = act(accepted(), Action.SUSPEND, member(), ASKED_AT, **ASKING)
    with pytest.raises(NotAllowed, match="已过"):
        act(asked, Action.SUSPEND, SUPERVISOR, at("2026-11-27 09:00"), decision="approved")
    assert act(asked, Action.SUSPEND, SUPERVISOR, at("2026-11-27 09:00"), decision="refused").status is Status.ACCEPTED


def test_what_is_suspended_is_not_resolved_but_may_be_taken_away() -> None:
    there = suspended()
    with pytest.raises(NotAllowed, match="现在可以：恢复办理"):
        act(there, Action.RESOLVE, member(), at("2026-11-25 09:00"), result="已劝离")
    moved = act(there, Action.TRANSFER, OPERATOR, at("2026-11-25 09:00"), brigade="brigade-2")
    old = moved.assignments[0]
    assert (old.suspended_until, old.light) == (None, Light.GREY)
    assert not any(one.overdue(at("2027-01-01 09:00")) for one in old.clocks if one.stage is not Stage.RETURN)


# ── a return that waits ────────────────────────────────────────────────────


def test_the_accept_clock_does_not_run_against_a_return_that_waits() -> None:
    done = outcome(ticket(), Action.RETURN, member(), at("2026-11-23 10:00"), **RETURNING)
    assert clock(done.ticket, Stage.ACCEPT).paused_at == at("2026-11-23 10:00")
    assert clock(done.ticket).runs  # 首接负责
    assert [(one.data["stage"], one.data["new"]) for one in done.events[1:]] == [("accept", "grey")]


def test_refused_the_accept_clock_goes_on_with_what_was_left() -> None:
    returned = act(ticket(), Action.RETURN, member(), at("2026-11-23 10:00"), **RETURNING)
    before = clock(returned, Stage.ACCEPT)
    kept = act(returned, Action.TRANSFER, OPERATOR, at("2026-11-24 10:00"), brigade=CITY, reason="属你队职责")
    after = clock(kept, Stage.ACCEPT)
    assert local(before.due_at) == at("2026-11-23 14:30")  # begun at nine, four working hours
    assert (local(after.due_at), after.runs) == (at("2026-11-24 14:30"), True)
    assert after.original_due_at == before.due_at


def test_the_desk_has_a_clock_for_its_own_ruling() -> None:
    returned = act(ticket(), Action.RETURN, member(), at("2026-11-23 10:00"), **RETURNING)
    (ruling,) = [one for one in returned.desk_clocks if one.runs]
    assert (ruling.stage, ruling.rule, local(ruling.due_at)) == (Stage.DISPATCH, "L-dispatch", at("2026-11-23 12:00"))
    for brigade in (CITY, "brigade-2"):
        ruled = act(returned, Action.TRANSFER, OPERATOR, at("2026-11-23 11:00"), brigade=brigade)
        assert [one.stopped_at for one in ruled.desk_clocks] == [at("2026-11-23 11:00")]


def test_a_second_return_waits_under_the_clock_of_the_first() -> None:
    joint = act(ticket(), Action.RETURN, member(), at("2026-11-23 10:00"), **RETURNING)
    both = act(joint, Action.RETURN, member("brigade-3"), at("2026-11-23 11:00"), **RETURNING)
    assert len(both.desk_clocks) == 1
    one_left = act(both, Action.TRANSFER, OPERATOR, at("2026-11-23 11:30"), brigade=CITY, assignment=1)
    assert one_left.desk_clocks[0].runs
    none_left = act(one_left, Action.TRANSFER, OPERATOR, at("2026-11-23 11:40"), brigade="brigade-3", assignment=2)
    assert not none_left.desk_clocks[0].runs


# ── more time than the platform gives ──────────────────────────────────────


def test_an_extension_past_the_platforms_own_deadline_says_so() -> None:
    outer = at("2026-12-01 17:30")
    work = accepted(case(STALL, complaint=complaint(due_outer=outer)))
    within = act(work, Action.EXTEND, member(), working_days=1, reason="需协调")
    within = act(within, Action.EXTEND, SUPERVISOR, decision="approved")
    past = act(work, Action.EXTEND, member(), working_days=3, reason="需协调")
    past = act(past, Action.EXTEND, SUPERVISOR, decision="approved")
    assert not any("晚于平台时限" in line for line in clock(within).reasons)
    assert clock(past).reasons[-1].startswith("延期后晚于平台时限 2026-12-01 17:30")
