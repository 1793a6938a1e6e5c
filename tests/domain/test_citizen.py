"""What citizens may do themselves on our page: urge, rate, bring a matter back once, add to what they said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from town import MONDAY, OPERATOR, PLANNER, accepted, act, case, complaint, draft, member, outcome, resolved, ticket

from domain.complaint import CITIZEN_SOURCES, MANUAL_SOURCES, OWN_SOURCES, SOURCE_NAMES, Attachment, Place
from domain.intake import received_again
from domain.lifecycle import Action, Forbidden, allowed_actions
from domain.people import Actor, Role
from domain.ticket import Status, Ticket

CITIZEN = Actor("citizen:web", Role.CITIZEN)
LATER = MONDAY + timedelta(days=2)


def test_every_own_source_has_a_name_and_only_wechat_is_told_of_each_step() -> None:
    assert set(SOURCE_NAMES) == OWN_SOURCES
    assert MANUAL_SOURCES | {"web", "wechat"} <= OWN_SOURCES
    assert {"web", "wechat"} <= CITIZEN_SOURCES
    for source in OWN_SOURCES:
        done = resolved(case(complaint=complaint(channel=source)))
        told = outcome(done, Action.CLOSE, OPERATOR, reason="已当面答复").notices
        assert [notice.to for notice in told] == (["channel:wechat"] if source == "wechat" else [])
    assert ticket().complaint.awaits_reports


def test_a_citizen_may_urge_and_rate_and_nothing_else() -> None:
    assert allowed_actions(accepted(), CITIZEN) == (Action.URGE,)
    assert allowed_actions(resolved(), CITIZEN) == (Action.FOLLOW_UP,)
    for action in set(Action) - {Action.URGE, Action.FOLLOW_UP}:
        with pytest.raises(Forbidden):
            act(accepted(), action, CITIZEN)
    urged = outcome(accepted(), Action.URGE, CITIZEN, note="还没人来，电话13800000001")
    assert (urged.ticket.urges, urged.events[0].role) == (1, Role.CITIZEN)
    assert "13800000001" not in str(urged.events[0].data)


def test_a_citizens_rating_counts_as_a_follow_up() -> None:
    done = act(resolved(), Action.FOLLOW_UP, CITIZEN, LATER, solved="yes", satisfaction="satisfied")
    assert (done.status, done.solved, done.satisfaction, done.followed_up_at) == (
        Status.FOLLOWED_UP,
        "yes",
        "satisfied",
        LATER,
    )


def again_resolved(before: Ticket) -> Ticket:
    lead = before.lead
    assert lead is not None
    return act(before, Action.RESOLVE, member(lead.unit), LATER, result="再次处理")


def test_a_citizens_no_sends_it_back_once_and_then_the_desk_decides() -> None:
    first = act(resolved(), Action.FOLLOW_UP, CITIZEN, LATER, solved="no", satisfaction="unsatisfied")
    assert (first.status, first.rehandled) == (Status.ACCEPTED, 1)
    second = outcome(again_resolved(first), Action.FOLLOW_UP, CITIZEN, LATER, solved="no", satisfaction="unsatisfied")
    assert (second.ticket.status, second.ticket.rehandled, second.ticket.solved) == (Status.RESOLVED, 1, "no")
    assert [one.action for one in second.events] == ["followed_up"]
    assert second.notices == ()
    third = act(second.ticket, Action.FOLLOW_UP, OPERATOR, LATER, solved="no", satisfaction="unsatisfied")
    assert (third.status, third.rehandled) == (Status.ACCEPTED, 2)


@pytest.mark.parametrize("before", [ticket(), ticket(case(confidence=0.1)), resolved()])
def test_what_a_citizen_adds_is_on_record_and_changes_nothing_else(before: Ticket) -> None:
    own = replace(before, complaint=replace(before.complaint, channel="web"))
    added = replace(
        own.complaint,
        source_version=1,
        content="三楼还有人，电话13800000001",
        place=Place("恬庄街12号"),
        attachments=(Attachment("/attachments/a"),),
    )
    sent = draft(case(complaint=added))
    done = received_again(own, sent, CITIZEN, LATER, PLANNER)
    assert done is not None
    assert done.ticket == replace(own, source_version=1)
    (event,) = done.events
    assert (event.action, event.data["place"], event.data["photos"]) == (
        "supplemented",
        "恬庄街12号",
        ["/attachments/a"],
    )
    assert "13800000001" not in event.data["text"]
    in_hand = [one.handler for one in own.assignments if one.in_hand]
    assert [(one.to, one.about) for one in done.notices] == [(f"account:{one}", "supplemented") for one in in_hand]
    repeated = received_again(done.ticket, sent, CITIZEN, LATER, PLANNER)
    assert repeated is None or repeated.ticket == done.ticket
