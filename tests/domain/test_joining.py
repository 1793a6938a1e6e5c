"""Joining and leaving: nothing of a ticket changes but its record, and the lead's steps are done on each member as its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from town import (
    CITY,
    ILLEGAL_BUILDING,
    MONDAY,
    OPERATOR,
    PLANNER,
    RUBBISH,
    SUPERVISOR,
    accepted,
    case,
    complaint,
    member,
    outcome,
    resolved,
    ticket,
)

from domain.complaint import Kind, Reporter
from domain.event import Event
from domain.handling.joining import GREW, JOINED, LEFT, SHRANK, join, lead_stands, leave, mirrored, refuse
from domain.incident import Sameness
from domain.lifecycle import Action, Forbidden, Incomplete, NotAllowed
from domain.limit import Stage
from domain.people import SYSTEM, Actor, Role
from domain.ticket import Status, Ticket

LATER = MONDAY + timedelta(hours=1)
FOUND = Sameness(0.97)
LEAD = replace(ticket(case(RUBBISH)), id=7, no="QS261123-00007")


def other(**changed: object) -> Ticket:
    told = complaint(source_no="T20261123-2", reporter=Reporter(name="测试乙", phone="13800000002"))
    return replace(ticket(case(RUBBISH, complaint=told)), id=9, no="QS261123-00009", **changed)  # type: ignore[arg-type]


@given(st.sampled_from([OPERATOR, SUPERVISOR, SYSTEM]), st.booleans())
def test_joining_and_leaving_again_is_the_same_ticket(actor: Actor, signed: bool) -> None:
    fresh = other()
    mine = outcome(fresh, Action.ACCEPT, member(CITY)).ticket if signed else fresh
    joined, grew = join(mine, LEAD, FOUND, 7, actor, LATER)
    left, shrank = leave(joined.ticket, grew.ticket, 7, actor, LATER, "不是同一处")
    assert (left.ticket, shrank.ticket) == (mine, LEAD)
    assert [one.events[0].action for one in (joined, grew, left, shrank)] == [JOINED, GREW, LEFT, SHRANK]
    assert not any(one.notices for one in (joined, grew, left, shrank)), "nobody outside is told"


def test_units_and_citizens_do_not_decide_it() -> None:
    for actor in (member(CITY), Actor("citizen", Role.CITIZEN)):
        with pytest.raises(Forbidden, match="坐席"):
            join(other(), LEAD, FOUND, 7, actor, LATER)
        with pytest.raises(Forbidden):
            leave(other(), LEAD, 7, actor, LATER, "")
        with pytest.raises(Forbidden):
            refuse(other(), LEAD.no, actor, LATER, "")


def test_only_what_the_same_unit_has_in_hand_can_be_joined() -> None:
    with pytest.raises(Incomplete, match="自己"):
        join(LEAD, LEAD, FOUND, 7, OPERATOR, LATER)
    with pytest.raises(NotAllowed, match="已办结"):
        join(other(), replace(resolved(case(RUBBISH)), no="QS261123-00008"), FOUND, 7, OPERATOR, LATER)
    with pytest.raises(NotAllowed, match="先派单"):
        join(replace(ticket(case(RUBBISH, 0.1)), no="QS261123-00008"), LEAD, FOUND, 7, OPERATOR, LATER)
    with pytest.raises(NotAllowed, match="不同单位"):
        join(replace(ticket(case(ILLEGAL_BUILDING)), no="QS261123-00008"), LEAD, FOUND, 7, OPERATOR, LATER)


@pytest.mark.parametrize(
    ("reporter", "kind"),
    [(Reporter(phone="13800000002", confidential=True), Kind.COMPLAINT), (Reporter(), Kind.REPORT)],
)
def test_the_lead_does_not_learn_which_confidential_ticket_or_report_it_is(reporter: Reporter, kind: Kind) -> None:
    told = complaint(source_no="T20261123-2", reporter=reporter)
    mine = replace(ticket(case(RUBBISH, complaint=told, kind=kind)), id=9, no="QS261123-00009")
    for _, of_lead in (join(mine, LEAD, FOUND, 7, OPERATOR, LATER), leave(mine, LEAD, 7, OPERATOR, LATER, "")):
        assert of_lead.events[0].data == {"incident": 7}
    assert join(other(), LEAD, FOUND, 7, OPERATOR, LATER)[1].events[0].data == {"incident": 7, "member": other().no}


def test_what_is_written_down_is_masked() -> None:
    said = leave(other(), LEAD, 7, OPERATOR, LATER, "诉求人13800000002说不是")[0].events[0].data["reason"]
    assert "13800000002" not in said


def done(action: str, **data: object) -> Event:
    return Event(action, LATER, "member-of-brigade-1", Role.BRIGADE, 1, dict(data))


def test_the_steps_of_the_lead_are_those_of_the_member_too() -> None:
    one = other()
    for event, status in (
        (done("accepted"), Status.ACCEPTED),
        (done("contacted", reached=True), Status.ACCEPTED),
        (done("resolved", result="已清理", public_reply="已经清理完毕", photos=["/p/1"]), Status.RESOLVED),
    ):
        made = mirrored(one, event, LEAD.no, PLANNER)
        assert made is not None
        one = made.ticket
        assert (one.status, one.version) == (status, 1)
        assert [(event.actor, event.at) for event in made.events] == [("member-of-brigade-1", LATER)]
        assert LEAD.no in str(made.events[0].data) or event.action == "resolved"
        assert [notice.to for notice in made.notices] == ["channel:12345"], "its own reporter is told"
    assert one.lead is not None
    assert (one.lead.accepted_at, one.lead.contacted_at, one.lead.resolved_at) == (LATER, LATER, LATER)
    assert all(clock.stopped_at is not None for clock in one.lead.clocks)


def test_its_own_clocks_run_on_when_it_has_joined() -> None:
    one = join(other(), LEAD, FOUND, 7, OPERATOR, LATER)[0].ticket
    assert one.lead is not None
    clock = one.lead.clock(Stage.RESOLVE)
    assert clock is not None
    assert clock.runs


def test_a_member_that_was_signed_for_by_nobody_is_signed_for_before_it_is_resolved() -> None:
    made = mirrored(other(), done("resolved", result="已清理"), LEAD.no, PLANNER)
    assert made is not None
    assert [event.action for event in made.events] == ["accepted", "resolved"]
    assert made.ticket.status is Status.RESOLVED


def test_what_is_done_already_or_cannot_be_done_is_left() -> None:
    signed = outcome(other(), Action.ACCEPT, member(CITY)).ticket
    assert mirrored(signed, done("accepted"), LEAD.no, PLANNER) is None
    finished = replace(resolved(case(RUBBISH)), no="QS261123-00008")
    assert mirrored(finished, done("resolved", result="又一次"), LEAD.no, PLANNER) is None
    assert mirrored(ticket(case(RUBBISH, 0.1)), done("accepted"), LEAD.no, PLANNER) is None


def granted(lead: Ticket, action: Action, actor: Actor = SUPERVISOR, **asked: object) -> Event:
    """What the ruling on a request of the lead's unit leaves on the lead."""
    waiting = outcome(lead, action, member(CITY), LATER, **asked).ticket
    ruled = outcome(waiting, action, actor, LATER + timedelta(hours=2), decision="approved")
    return next(one for one in ruled.events if one.action in ("extended", "suspended"))


def test_an_extension_of_the_lead_is_each_members_own() -> None:
    lead = replace(accepted(case(RUBBISH)), no=LEAD.no)
    event = granted(lead, Action.EXTEND, working_days=2, reason="需要检测")
    signed = outcome(other(), Action.ACCEPT, member(CITY)).ticket
    made = mirrored(signed, event, lead.no, PLANNER)
    assert made is not None and made.ticket.lead is not None and signed.lead is not None
    before, after = signed.lead.clock(Stage.RESOLVE), made.ticket.lead.clock(Stage.RESOLVE)
    assert before is not None and after is not None
    assert (after.extended_by, after.original_due_at) == (2, before.due_at) and after.due_at > before.due_at
    assert [(one.action, one.actor, one.at) for one in made.events] == [
        ("extension_asked", member(CITY).name, LATER),
        ("extended", SUPERVISOR.name, LATER + timedelta(hours=2)),
    ]
    assert "需要检测" in made.events[0].data["reason"] and lead.no in made.events[0].data["reason"]
    assert [(one.to, one.about) for one in made.notices] == [
        ("channel:12345", "extension_asked"),
        ("channel:12345", "extended"),
    ], "its own platform hears of it"
    assert mirrored(made.ticket, event, lead.no, PLANNER) is None, "once is enough"
    late = replace(event, at=MONDAY + timedelta(days=60), data=event.data | {"asked_at": "2027-01-20T01:00:00+00:00"})
    assert mirrored(signed, late, lead.no, PLANNER) is None, "there was nothing left to extend"
    asking = outcome(signed, Action.EXTEND, member(CITY), LATER, working_days=1, reason="另有原因").ticket
    assert mirrored(asking, event, lead.no, PLANNER) is None, "it waits for a ruling of its own"
    by_platform = granted(lead, Action.EXTEND, Actor("channel:12345", Role.CHANNEL), working_days=2, reason="需要检测")
    assert mirrored(signed, by_platform, lead.no, PLANNER) is None, "a platform rules on its own ticket alone"


def test_a_suspension_of_the_lead_lets_each_members_clock_stand_still_until_it_goes_on() -> None:
    lead = replace(accepted(case(RUBBISH)), no=LEAD.no)
    event = granted(lead, Action.SUSPEND, until=date(2026, 11, 30), reason="等待评估")
    signed = outcome(other(), Action.ACCEPT, member(CITY)).ticket
    made = mirrored(signed, event, lead.no, PLANNER)
    assert made is not None and made.ticket.lead is not None
    clock = made.ticket.lead.clock(Stage.RESOLVE)
    assert clock is not None and clock.paused_at == LATER, "from when it was asked for"
    assert (made.ticket.status, made.notices) == (Status.SUSPENDED, ())
    went_on = Event("resumed", LATER + timedelta(days=1), member(CITY).name, Role.BRIGADE, 1)
    resumed = mirrored(made.ticket, went_on, lead.no, PLANNER)
    assert resumed is not None and resumed.ticket.lead is not None
    clock = resumed.ticket.lead.clock(Stage.RESOLVE)
    assert clock is not None and clock.runs and clock.due_at > clock.original_due_at
    by_itself = replace(went_on, actor=SYSTEM.name, role=Role.SYSTEM)
    assert mirrored(made.ticket, by_itself, lead.no, PLANNER) is None, "its own ends by itself too"


def test_a_lead_stands_while_a_unit_has_it() -> None:
    assert lead_stands(LEAD)
    assert lead_stands(accepted(case(RUBBISH)))
    assert not lead_stands(resolved(case(RUBBISH)))
    assert not lead_stands(ticket(case(RUBBISH, 0.1)))
