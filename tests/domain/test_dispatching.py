"""Who has the ticket: transfer, hand-over, helpers, rulings on a return, reclassification."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from town import (
    CENTRE,
    CITY,
    COLLAPSE,
    CONSTRUCTION,
    ENTERPRISE,
    ILLEGAL_BUILDING,
    MONDAY,
    OFFICER,
    OPERATOR,
    PARKING,
    RUBBISH,
    SMELL,
    STALL,
    SUPERVISION,
    SUPERVISOR,
    accepted,
    act,
    at,
    case,
    member,
    outcome,
    ticket,
)

from domain.complaint import Kind, Urgency
from domain.lifecycle import Action, Incomplete, NotAllowed
from domain.limit import Stage
from domain.ticket import Clock, Share, Status, Ticket

LATER = MONDAY + timedelta(hours=2)
RETURNING: dict[str, Any] = {"reason_code": "R1", "basis": "不在权力清单"}


def live(of: Ticket) -> list[tuple[str, Share]]:
    return [(one.unit, one.share) for one in of.assignments if one.ended_at is None]


def returned() -> Ticket:
    return act(ticket(case(RUBBISH)), Action.RETURN, member(), **RETURNING)


def test_a_transfer_ends_the_old_share_and_begins_a_new_one() -> None:
    done = outcome(accepted(case(RUBBISH)), Action.TRANSFER, OPERATOR, LATER, brigade=ENTERPRISE, reason="企业厂区内")
    old, new = done.ticket.assignments
    assert (old.ended_at, old.unit) == (LATER, CITY)
    assert not any(clock.runs for clock in old.clocks)
    assert (new.position, new.unit, new.status, new.dispatched_at) == (2, ENTERPRISE, Status.DISPATCHED, LATER)
    assert new.cell == "qy-001"
    assert (done.ticket.status, done.ticket.redispatches) == (Status.DISPATCHED, 1)
    assert [one.action for one in done.events] == ["transferred", "dispatched"]
    assert [one.to for one in done.notices] == ["account:b2"]
    assert not new.return_barred


def test_a_transfer_to_the_unit_that_leads_would_wind_back_its_clocks() -> None:
    with pytest.raises(Incomplete, match="已经在主办本工单"):
        act(accepted(), Action.TRANSFER, OPERATOR, brigade=CITY)


def test_a_transfer_to_an_outside_department_tells_the_platform() -> None:
    done = outcome(ticket(), Action.TRANSFER, OPERATOR, department="power")
    assert (done.ticket.status, done.ticket.refer_to_name, live(done.ticket)) == (Status.TRANSFERRED, "供电公司", [])
    assert [(one.to, one.about) for one in done.notices] == [("channel:12345", "referred")]
    back = act(done.ticket, Action.TRANSFER, OPERATOR, brigade=CITY)
    assert (back.status, back.refer_to, back.lead is not None) == (Status.DISPATCHED, "", True)


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({}, "只填写一项"),
        ({"brigade": CITY, "department": "power"}, "只填写一项"),
        ({"brigade": "brigade-9"}, "承办单位“brigade-9”不存在"),
        ({"department": "nobody"}, "外部门“nobody”不存在"),
        ({"department": "power", "share": "helper"}, "协办单位只能是本局的承办单位"),
        ({"handler": "b2"}, "“b2”不是一大队的人员"),
        ({"handler": "a3"}, "“a3”已经是经办人"),
    ],
)
def test_a_transfer_says_what_it_lacks(details: dict[str, Any], said: str) -> None:
    with pytest.raises(Incomplete, match=said):
        act(ticket(), Action.TRANSFER, OPERATOR, **details)


def test_a_brigade_hands_over_within_itself_and_no_further() -> None:
    done = outcome(accepted(), Action.TRANSFER, member(), handler="a4", reason="轮休")
    assert done.ticket.lead is not None
    assert done.ticket.lead.handler == "a4"
    assert done.ticket.lead.owner == "a3"  # the post stays
    assert (done.events[0].data["before"], done.events[0].data["after"]) == ("a3", "a4")
    with pytest.raises(NotAllowed, match="请退单，由指挥中心转办"):
        act(accepted(), Action.TRANSFER, member(), brigade=ENTERPRISE)


def test_nothing_is_handed_over_at_the_desk() -> None:
    with pytest.raises(NotAllowed, match="没有在办的派单"):
        act(ticket(case(confidence=0.1)), Action.TRANSFER, OPERATOR, handler="a4")


# ── rulings ────────────────────────────────────────────────────────────────


def test_a_return_is_granted_by_giving_it_to_another_unit_which_must_keep_it() -> None:
    done = outcome(returned(), Action.TRANSFER, OPERATOR, LATER, brigade=ENTERPRISE)
    lead = done.ticket.lead
    assert lead is not None
    assert (lead.unit, lead.return_barred) == (ENTERPRISE, True)
    assert (done.events[0].action, done.events[0].position) == ("return_granted", 1)
    with pytest.raises(NotAllowed, match="已由指挥中心裁定"):
        act(done.ticket, Action.RETURN, member(ENTERPRISE), LATER, **RETURNING)
    further = act(done.ticket, Action.TRANSFER, OPERATOR, LATER, brigade=CONSTRUCTION)
    assert further.lead is not None
    assert further.lead.return_barred  # one ruling is enough


@pytest.mark.parametrize("signed", [False, True])
def test_a_refused_return_goes_back_to_where_it_stood(signed: bool) -> None:
    before = accepted(case(RUBBISH)) if signed else ticket(case(RUBBISH))
    back = act(before, Action.RETURN, member(), **RETURNING)
    done = outcome(back, Action.TRANSFER, OPERATOR, brigade=CITY, reason="属你队职责")
    lead = done.ticket.lead
    assert lead is not None
    assert before.lead is not None
    assert (lead.status, lead.position, lead.request) == (before.lead.status, 1, None)
    assert lead.clock(Stage.RESOLVE) == before.lead.clock(Stage.RESOLVE)  # the clock ran on
    assert done.events[0].action == "return_refused"
    assert done.ticket.status is before.status


def test_a_granted_return_may_leave_the_house() -> None:
    done = outcome(returned(), Action.TRANSFER, OPERATOR, department="power")
    assert (done.ticket.status, done.events[0].action) == (Status.TRANSFERRED, "return_granted")


# ── helpers ────────────────────────────────────────────────────────────────


def test_a_helper_is_added_beside_the_lead_with_its_own_clocks() -> None:
    done = outcome(accepted(case(RUBBISH)), Action.TRANSFER, OPERATOR, LATER, brigade=CONSTRUCTION, share="helper")
    helper = done.ticket.assignments[1]
    assert live(done.ticket) == [(CITY, Share.LEAD), (CONSTRUCTION, Share.HELPER)]
    assert all(clock.started_at == LATER for clock in helper.clocks)
    assert helper.clock(Stage.CONTACT) is None  # the citizen is called by one unit, not by each
    assert done.ticket.status is Status.ACCEPTED
    assert [one.to for one in done.notices] == ["account:c2"]
    with pytest.raises(Incomplete, match="已经在承办本工单"):
        act(done.ticket, Action.TRANSFER, OPERATOR, LATER, brigade=CONSTRUCTION, share="helper")


def test_no_helper_without_a_lead() -> None:
    with pytest.raises(NotAllowed, match="还没有主办单位"):
        act(ticket(case(confidence=0.1)), Action.TRANSFER, OPERATOR, brigade=CITY, share="helper")


def joint_returned() -> Ticket:
    """brigade-3 leads and has signed; its helper brigade-1 wants out."""
    return act(accepted(case(ILLEGAL_BUILDING)), Action.RETURN, member(CITY), **RETURNING)


def test_a_helpers_return_leaves_the_lead_untouched() -> None:
    waiting = joint_returned()
    assert waiting.status is Status.ACCEPTED
    assert [one.status for one in waiting.assignments] == [Status.ACCEPTED, Status.RETURNED]


def test_a_helpers_return_is_granted_by_naming_the_lead() -> None:
    waiting = joint_returned()
    done = outcome(waiting, Action.TRANSFER, OPERATOR, LATER, brigade=CONSTRUCTION)
    assert live(done.ticket) == [(CONSTRUCTION, Share.LEAD)]
    assert done.ticket.lead == waiting.lead
    assert [(one.action, one.position) for one in done.events] == [("return_granted", 2)]


def test_a_helpers_return_is_refused_by_naming_the_helper() -> None:
    done = act(joint_returned(), Action.TRANSFER, OPERATOR, LATER, brigade=CITY)
    assert [one.status for one in done.assignments] == [Status.ACCEPTED, Status.DISPATCHED]
    with pytest.raises(NotAllowed, match="已由指挥中心裁定"):
        act(done, Action.RETURN, member(CITY), LATER, **RETURNING)
    moved = act(done, Action.TRANSFER, OPERATOR, LATER, brigade=ENTERPRISE)
    assert moved.lead is not None
    assert not moved.lead.return_barred  # who leads was never ruled on


def test_another_helper_takes_the_place_of_one_that_returned() -> None:
    done = outcome(joint_returned(), Action.TRANSFER, OPERATOR, LATER, brigade=ENTERPRISE, share="helper")
    assert live(done.ticket) == [(CONSTRUCTION, Share.LEAD), (ENTERPRISE, Share.HELPER)]
    assert [one.action for one in done.events] == ["return_granted", "helper_added"]
    assert done.ticket.assignments[2].return_barred


def test_where_lead_and_helper_both_wait_the_named_share_is_ruled_on() -> None:
    both = act(joint_returned(), Action.RETURN, member(CONSTRUCTION), **RETURNING)
    helper_first = act(both, Action.TRANSFER, OPERATOR, LATER, assignment=2, brigade=CONSTRUCTION)
    assert [one.status for one in helper_first.assignments if one.ended_at is None] == [Status.RETURNED]
    lead_first = act(both, Action.TRANSFER, OPERATOR, LATER, brigade=CONSTRUCTION)
    assert [one.status for one in lead_first.assignments] == [Status.ACCEPTED, Status.RETURNED]


# ── own officers ───────────────────────────────────────────────────────────


def test_a_complaint_about_our_officers_is_given_to_no_brigade() -> None:
    about = ticket(case(OFFICER))
    assert live(about) == [(SUPERVISION, Share.LEAD)]
    bodies: list[dict[str, Any]] = [{"brigade": CITY}, {"brigade": CENTRE}, {"brigade": CITY, "share": "helper"}]
    for details in bodies:
        with pytest.raises(Incomplete, match="本工单反映我局人员（执法人员作风），只能由督察组办理"):
            act(about, Action.TRANSFER, OPERATOR, **details)
    other = act(about, Action.RECLASSIFY, OPERATOR, category=RUBBISH)
    assert live(other) == [(CITY, Share.LEAD)]


# ── reclassification ───────────────────────────────────────────────────────


def test_a_persons_word_sends_a_doubtful_ticket_on_its_way() -> None:
    doubtful = ticket(case(confidence=0.1))
    assert doubtful.status is Status.TRIAGE
    done = outcome(doubtful, Action.RECLASSIFY, OPERATOR, LATER, category=SMELL, kind=Kind.REPORT)
    assert live(done.ticket) == [(ENTERPRISE, Share.LEAD)]
    assert (done.ticket.category, done.ticket.category_name, done.ticket.kind) == (SMELL, "工业废气", Kind.REPORT)
    assert not any(clock.runs for clock in done.ticket.desk_clocks)
    assert done.ticket.redispatches == 0
    assert done.events[0].data["before"] == {"category": STALL, "kind": Kind.COMPLAINT, "urgency": Urgency.NORMAL}


def resolve_clock(of: Ticket) -> Clock:
    assert of.lead is not None
    clock = of.lead.clock(Stage.RESOLVE)
    assert clock is not None
    return clock


def test_the_unit_stays_with_its_clocks_where_matter_and_limits_are_its_own_too() -> None:
    work = accepted(case(STALL))
    done = outcome(work, Action.RECLASSIFY, OPERATOR, category=STALL, kind=Kind.HELP)
    assert done.ticket.assignments == work.assignments
    assert (done.ticket.kind, done.ticket.urgency) == (Kind.HELP, Urgency.NORMAL)
    assert [one.action for one in done.events] == ["reclassified"]


def test_a_matter_that_is_urgent_by_itself_makes_the_ticket_urgent() -> None:
    done = act(accepted(case(STALL)), Action.RECLASSIFY, OPERATOR, LATER, category=COLLAPSE)
    assert done.urgency is Urgency.URGENT
    assert resolve_clock(done).due_at == LATER + timedelta(hours=24)


def test_the_limit_of_the_new_matter_counts_from_where_the_old_one_began() -> None:
    work = accepted(case(STALL))
    done = outcome(work, Action.RECLASSIFY, OPERATOR, LATER, category=RUBBISH)
    before, after = resolve_clock(work), resolve_clock(done.ticket)
    assert (after.rule, after.started_at, after.due_at) == ("L-resolve-cleanup", MONDAY, at("2026-11-24 17:30"))
    assert after.original_due_at == after.due_at
    assert [(one.action, one.position) for one in done.events] == [
        ("reclassified", 0),
        ("limits_changed", 1),
        ("limits_changed", 2),
    ]
    assert done.events[1].data["changes"] == [
        {
            "stage": "resolve",
            "limit": "1 working_days",
            "before": before.due_at.isoformat(),
            "after": after.due_at.isoformat(),
        }
    ]
    back = act(done.ticket, Action.RECLASSIFY, OPERATOR, LATER, category=STALL)
    assert resolve_clock(back).due_at == before.due_at  # to and fro wins no time


def test_a_new_matter_brings_the_helpers_that_its_rule_names() -> None:
    done = outcome(accepted(case(RUBBISH)), Action.RECLASSIFY, OPERATOR, LATER, category=STALL)
    assert live(done.ticket) == [(CITY, Share.LEAD), (CONSTRUCTION, Share.HELPER)]
    assert [(one.action, one.position) for one in done.events][-1] == ("helper_added", 2)
    assert [one.to for one in done.notices] == ["account:c2"]
    again = outcome(done.ticket, Action.RECLASSIFY, OPERATOR, LATER, category=STALL)
    assert again.ticket.assignments == done.ticket.assignments


def test_a_raised_urgency_counts_from_now_for_every_unit() -> None:
    joint = accepted(case(ILLEGAL_BUILDING))
    done = act(joint, Action.RECLASSIFY, OPERATOR, LATER, category=ILLEGAL_BUILDING, urgency=Urgency.CRITICAL)
    clock = resolve_clock(done)
    assert (clock.started_at, clock.due_at) == (LATER, LATER + timedelta(hours=2))
    helper = done.assignments[1].clock(Stage.ACCEPT)
    assert helper is not None
    assert helper.due_at == LATER + timedelta(hours=1)
    assert not any(one.runs for one in done.assignments[0].clocks if one.stage is Stage.ACCEPT)  # signed is signed


def test_an_approved_extension_is_kept_under_the_new_limit() -> None:
    work = act(accepted(case(STALL)), Action.EXTEND, member(), working_days=2, reason="需协调")
    work = act(work, Action.EXTEND, SUPERVISOR, decision="approved")
    clock = resolve_clock(act(work, Action.RECLASSIFY, OPERATOR, LATER, category=RUBBISH))
    assert (clock.extended_by, clock.due_at) == (2, at("2026-11-26 17:30"))
    assert clock.original_due_at == at("2026-11-24 17:30")


def test_a_new_matter_of_another_unit_moves_the_ticket() -> None:
    done = act(accepted(case(RUBBISH)), Action.RECLASSIFY, OPERATOR, category=ILLEGAL_BUILDING)
    assert live(done) == [(CONSTRUCTION, Share.LEAD), (CITY, Share.HELPER)]
    assert done.redispatches == 1


def test_a_new_matter_of_nobody_here_is_referred() -> None:
    done = outcome(accepted(case(RUBBISH)), Action.RECLASSIFY, OPERATOR, category=PARKING)
    assert (done.ticket.status, done.ticket.refer_to) == (Status.TRANSFERRED, "traffic-police")
    assert [one.about for one in done.notices] == ["referred"]


def test_reclassifying_a_return_that_waits_is_a_ruling() -> None:
    kept = outcome(returned(), Action.RECLASSIFY, OPERATOR, LATER, category=STALL)
    assert kept.ticket.lead is not None
    assert (kept.ticket.lead.position, kept.ticket.lead.status) == (1, Status.DISPATCHED)
    assert kept.ticket.lead.return_barred
    assert [one.action for one in kept.events] == [
        *("reclassified", "limits_changed", "helper_added", "return_refused"),
        "light_changed",  # the accept clock goes on
    ]
    moved = outcome(returned(), Action.RECLASSIFY, OPERATOR, LATER, category=SMELL)
    assert moved.ticket.lead is not None
    assert (moved.ticket.lead.unit, moved.ticket.lead.return_barred) == (ENTERPRISE, True)
    granted = moved.events[1]
    assert [one.action for one in moved.events] == ["reclassified", "return_granted", "dispatched"]
    assert (granted.position, granted.data["to"]) == (1, ENTERPRISE)


def test_reclassifying_needs_a_leaf_that_exists() -> None:
    with pytest.raises(Incomplete, match="事项分类代码“Z9999”不存在"):
        act(ticket(), Action.RECLASSIFY, OPERATOR, category="Z9999")
