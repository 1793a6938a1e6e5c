"""A complaint becomes a ticket; the same number again adds to the ticket it already is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from town import (
    CHANNEL,
    CITY,
    ENTERPRISE,
    ILLEGAL_BUILDING,
    MONDAY,
    OPERATOR,
    PARKING,
    PLANNER,
    SMELL,
    STALL,
    act,
    case,
    complaint,
    draft,
    member,
    resolved,
    router,
    ticket,
    understanding,
)

from domain.complaint import Attachment, Place
from domain.intake import open_ticket, received_again
from domain.lifecycle import Action
from domain.outcome import Outcome
from domain.ticket import Status, Ticket
from domain.understanding import Understanding

LATER = MONDAY + timedelta(days=3)


def resent(category: str = STALL, confidence: float = 0.9, **changed: Any) -> Outcome:
    """The draft that the same source number makes when it comes again."""
    return draft(case(category, confidence, complaint=complaint(**changed)), LATER)


def again(existing: Ticket, what: Outcome) -> Outcome | None:
    return received_again(existing, what, CHANNEL, LATER, PLANNER)


def test_a_new_ticket_says_where_it_came_from_and_why_it_went_there() -> None:
    fresh = draft()
    assert [one.action for one in fresh.events] == ["received", "dispatched"]
    assert fresh.events[0].data["source_no"] == "T20261123-1"
    assert fresh.events[1].data["why"] == list(fresh.ticket.why)
    assert [one.to for one in fresh.notices] == ["account:a3", "account:c2"]
    assert "13800000001" not in str(fresh.events)


def test_a_doubtful_ticket_waits_at_the_desk_and_a_foreign_one_is_referred() -> None:
    doubtful = draft(case(confidence=0.1))
    assert (doubtful.ticket.status, doubtful.events[1].action, doubtful.notices) == (
        Status.TRIAGE,
        "sent_to_desk",
        (),
    )
    foreign = draft(case(PARKING))
    assert (foreign.ticket.status, foreign.ticket.refer_to) == (Status.TRANSFERRED, "traffic-police")
    assert [one.to for one in foreign.notices] == ["channel:12345"]


def test_a_category_that_is_gone_from_the_tree_waits_at_the_desk_under_its_old_name() -> None:
    one = case(understanding=understanding("C9999"), category="C9999")
    routing = router().route(one, MONDAY)
    made = open_ticket(one.complaint, one.understanding, None, one.kind, routing, CHANNEL, MONDAY).ticket
    assert (made.status, made.category, made.problems) == (
        Status.TRIAGE,
        "C9999",
        ("事项分类 C9999 已不在分类表中",),
    )


def test_the_same_again_is_nothing_new() -> None:
    assert again(ticket(), resent()) is None


def test_when_and_how_it_was_received_makes_no_difference() -> None:
    assert again(ticket(), resent(received_at=LATER, raw=b'{"x": 1}')) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"content": "内容改了"},
        {"title": "加了标题"},
        {"place": Place(address="柳塘新村")},
        {"due_outer": LATER},
        {"attachments": (Attachment("https://example.invalid/1.jpg"),)},
    ],
)
def test_the_same_number_with_another_body_is_kept_as_an_event(changed: dict[str, Any]) -> None:
    before = ticket()
    outcome = again(before, resent(**changed))
    assert outcome is not None
    assert outcome.ticket == before
    assert [(one.action, one.data) for one in outcome.events] == [("sent_differently", {"fields": list(changed)})]


def test_an_older_version_never_reopens() -> None:
    newer = replace(resolved(), source_version=2)
    assert again(newer, resent(source_version=1)) is None


@pytest.mark.parametrize("before", [ticket(), ticket(case(confidence=0.1))])
def test_a_newer_version_of_an_unfinished_ticket_urges_it(before: Ticket) -> None:
    outcome = again(before, resent(source_version=1))
    assert outcome is not None
    assert (outcome.ticket.urges, outcome.ticket.source_version, outcome.ticket.status) == (1, 1, before.status)
    assert outcome.ticket.assignments == before.assignments
    assert [one.action for one in outcome.events] == ["sent_again"]


def closed() -> Ticket:
    done = act(resolved(), Action.FOLLOW_UP, OPERATOR, solved="yes", satisfaction="satisfied")
    return act(done, Action.CLOSE, OPERATOR)


@pytest.mark.parametrize("before", [resolved(), closed(), ticket(case(PARKING))])
def test_a_newer_version_of_a_finished_ticket_is_worked_again(before: Ticket) -> None:
    outcome = again(before, resent(source_version=1, content="摊贩又回来了"))
    assert outcome is not None
    reopened = outcome.ticket
    assert (reopened.status, reopened.rehandled, reopened.source_version) == (Status.DISPATCHED, 1, 1)
    assert (reopened.resolved_at, reopened.followed_up_at, reopened.closed_at) == (None, None, None)
    assert (reopened.solved, reopened.satisfaction, reopened.refer_to) == ("", "", "")
    lead = reopened.lead
    assert lead is not None
    assert lead.unit == CITY
    assert lead.position == len(before.assignments) + 1
    assert {clock.round for clock in lead.clocks} == {2}
    assert all(clock.started_at == LATER for clock in lead.clocks)
    assert sum(one.ended_at is None for one in reopened.assignments) == 2
    assert [one.action for one in outcome.events] == ["sent_again", "reopened"]
    assert [one.to for one in outcome.notices] == ["account:a3", "account:c2"]


def test_reopening_goes_by_todays_understanding_whole() -> None:
    outcome = again(closed(), resent(SMELL, source_version=1, content="改反映工厂废气"))
    assert outcome is not None
    reopened = outcome.ticket
    assert reopened.lead is not None
    assert (reopened.lead.unit, reopened.category, reopened.category_name) == (ENTERPRISE, SMELL, "工业废气")
    assert reopened.understanding.category.code == SMELL


def test_a_persons_correction_outlives_reopening() -> None:
    """The model goes on reading a stall; the person said smell, and the enterprise brigade worked on it."""
    corrected = act(ticket(), Action.RECLASSIFY, OPERATOR, category=SMELL)
    accepted_ = act(corrected, Action.ACCEPT, member(ENTERPRISE))
    contacted = act(accepted_, Action.CONTACT, member(ENTERPRISE))
    done = act(
        contacted, Action.RESOLVE, member(ENTERPRISE), result="已整改", photos=("https://example.invalid/1.jpg",)
    )
    finished = act(
        act(done, Action.FOLLOW_UP, OPERATOR, solved="yes", satisfaction="satisfied"), Action.CLOSE, OPERATOR
    )
    outcome = again(finished, resent(STALL, source_version=1))
    assert outcome is not None
    reopened = outcome.ticket
    assert (reopened.category, reopened.category_name) == (SMELL, "工业废气")
    assert reopened.understanding.category.code == STALL
    assert reopened.lead is not None
    assert (reopened.lead.unit, reopened.lead.position) == (ENTERPRISE, len(finished.assignments) + 1)
    assert {clock.round for clock in reopened.lead.clocks} == {2}
    assert reopened.version == finished.version
    assert outcome.events[-1].data["category"] == SMELL


def test_a_reopened_ticket_that_is_not_ours_any_more_is_referred_back() -> None:
    outcome = again(closed(), resent(PARKING, source_version=1))
    assert outcome is not None
    assert (outcome.ticket.status, outcome.ticket.lead) == (Status.TRANSFERRED, None)
    assert [(one.to, one.about) for one in outcome.notices] == [("channel:12345", "referred")]


def test_each_wait_at_the_desk_has_a_clock_of_its_own() -> None:
    """Clocks are told apart by stage and round: the third wait must not fall on the first."""
    doubtful = ticket(case(confidence=0.1))
    for version in (1, 2):
        rejected = act(doubtful, Action.CLOSE, OPERATOR, reason="不属受理范围")
        outcome = again(rejected, resent(confidence=0.1, source_version=version))
        assert outcome is not None
        doubtful = outcome.ticket
    assert doubtful.status is Status.TRIAGE
    assert [(clock.round, clock.runs) for clock in doubtful.desk_clocks] == [(1, False), (2, False), (3, True)]


def test_a_platform_that_moves_its_deadline_with_a_new_version_is_followed() -> None:
    outcome = again(closed(), resent(ILLEGAL_BUILDING, source_version=1, due_outer=LATER + timedelta(days=4)))
    assert outcome is not None
    assert outcome.ticket.due_outer == LATER + timedelta(days=4)


def test_the_model_that_spoke_is_on_record() -> None:
    spoken: Understanding = understanding()
    assert draft().events[0].data["model"] == f"{spoken.engine}/{spoken.version}"
