"""What a platform says of a ticket it sent us: what it changes, what it cannot change, and that all of it is on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_random_histories import history, sound
from town import (
    CHANNEL,
    MONDAY,
    OPERATOR,
    PLANNER,
    SUPERVISOR,
    accepted,
    act,
    case,
    complaint,
    draft,
    member,
    resolved,
    ticket,
)

from domain.intake import received_again
from domain.lifecycle import Action
from domain.light import Light
from domain.limit import Stage
from domain.outcome import Outcome
from domain.platform import SAID_NAMES, Heard, PlatformMessage, Said, hear
from domain.ticket import FINISHED, OPEN, Clock, Status, Ticket

LATER = MONDAY + timedelta(hours=3)


def say(before: Ticket, said: Said, **more: object) -> Heard:
    message = PlatformMessage("M1", said, **more)  # type: ignore[arg-type]
    return hear(before, message, CHANNEL, LATER, PLANNER)


def actions(outcome: Outcome) -> list[str]:
    return [one.action for one in outcome.events]


def resolve_clock(one: Ticket) -> Clock:
    assert one.lead is not None
    clock = one.lead.clock(Stage.RESOLVE)
    assert clock is not None
    return clock


def extension_asked() -> Ticket:
    return act(accepted(), Action.EXTEND, member(), LATER, working_days=2, reason="需等待检测结果")


def extension_granted() -> Ticket:
    return act(extension_asked(), Action.EXTEND, SUPERVISOR, LATER, decision="approved")


def test_every_word_has_a_name() -> None:
    assert set(SAID_NAMES) == set(Said)


def test_an_urge_counts_and_the_handler_is_told() -> None:
    heard = say(accepted(), Said.URGED, text="请尽快，联系电话13800000001")
    assert heard.applied and heard.outcome.ticket.urges == 1
    assert actions(heard.outcome) == ["platform_said", "urged"]
    assert [one.about for one in heard.outcome.notices] == ["urged"]
    assert "13800000001" not in str(heard.outcome.events)
    assert {one.role for one in heard.outcome.events} == {"channel"}


def test_a_question_changes_nothing_but_the_record() -> None:
    before = accepted()
    heard = say(before, Said.PROGRESS_ASKED)
    assert heard.applied and heard.outcome.ticket == before
    assert actions(heard.outcome) == ["platform_said"]


def test_the_platforms_consent_is_the_ruling_on_an_extension() -> None:
    before = extension_asked()
    heard = say(before, Said.EXTENSION_APPROVED)
    assert heard.outcome.ticket.status is Status.ACCEPTED
    assert resolve_clock(heard.outcome.ticket).extended_by == 2
    assert resolve_clock(heard.outcome.ticket).due_at > resolve_clock(before).due_at
    assert not [one for one in heard.outcome.notices if one.to == "channel:12345"], "it knows what it has just said"


def test_the_platforms_refusal_is_the_ruling_on_an_extension() -> None:
    before = extension_asked()
    heard = say(before, Said.EXTENSION_REFUSED, text="理由不充分")
    assert heard.outcome.ticket.status is Status.ACCEPTED
    assert resolve_clock(heard.outcome.ticket) == resolve_clock(before)
    assert [(one.about, one.data["text"]) for one in heard.outcome.notices] == [("extension_refused", "理由不充分")]


def test_a_refusal_after_our_own_consent_takes_the_extension_back() -> None:
    first, granted = accepted(), extension_granted()
    assert resolve_clock(granted).due_at > resolve_clock(first).due_at
    heard = say(granted, Said.EXTENSION_REFUSED)
    clock = resolve_clock(heard.outcome.ticket)
    assert (clock.due_at, clock.extended_by) == (resolve_clock(first).due_at, 0)
    assert clock.started_at < clock.yellow_at <= clock.due_at
    assert actions(heard.outcome) == ["platform_said", "extension_taken_back"]
    assert [one.about for one in heard.outcome.notices] == ["extension_refused"]
    assert clock.light is Light.GREEN


def test_what_an_extension_had_hidden_shows_when_it_is_taken_back() -> None:
    granted = extension_granted()
    assert resolve_clock(granted).extended_by
    late = resolve_clock(accepted()).due_at + timedelta(minutes=1)
    message = PlatformMessage("M1", Said.EXTENSION_REFUSED)
    heard = hear(granted, message, CHANNEL, late, PLANNER)
    assert heard.outcome.ticket.light is Light.RED


def test_consent_after_our_own_is_only_noted() -> None:
    granted = extension_granted()
    heard = say(granted, Said.EXTENSION_APPROVED)
    assert heard.applied and heard.outcome.ticket == granted


@pytest.mark.parametrize("said", [Said.EXTENSION_APPROVED, Said.EXTENSION_REFUSED])
def test_a_ruling_on_nothing_is_on_record_with_the_reason(said: Said) -> None:
    before = accepted()
    heard = say(before, said)
    assert not heard.applied and "延期" in heard.why
    assert heard.outcome.ticket == before
    (event,) = heard.outcome.events
    assert (event.action, event.data["applied"], event.data["why"]) == ("platform_said", False, heard.why)


def test_a_rejected_result_goes_back_to_work_on_a_clock_of_its_own() -> None:
    before = resolved()
    heard = say(before, Said.RESULT_REJECTED, text="照片不清")
    after = heard.outcome.ticket
    assert (after.status, after.rehandled, after.resolved_at) == (Status.ACCEPTED, 1, None)
    assert resolve_clock(after).round == 2 and resolve_clock(after).runs
    assert actions(heard.outcome) == ["platform_said", "sent_back_to_work"]
    assert [(one.about, one.data["text"]) for one in heard.outcome.notices] == [("result_rejected", "照片不清")]


def test_a_result_is_rejected_also_after_we_had_closed_the_matter() -> None:
    followed = act(resolved(), Action.FOLLOW_UP, OPERATOR, LATER, solved="yes", satisfaction="satisfied")
    closed = act(followed, Action.CLOSE, OPERATOR, LATER)
    for before in (followed, closed):
        after = say(before, Said.RESULT_REJECTED).outcome.ticket
        assert (after.status, after.closed_at, after.solved, after.satisfaction) == (Status.ACCEPTED, None, "", "")
        assert after.lead is not None and after.lead.in_hand


def test_no_result_no_rejection() -> None:
    heard = say(accepted(), Said.RESULT_REJECTED)
    assert not heard.applied and "没有可以退回的办理结果" in heard.why


def test_a_rating_that_says_whether_it_is_solved_is_a_follow_up() -> None:
    heard = say(resolved(), Said.RATED, solved="yes", satisfaction="satisfied")
    after = heard.outcome.ticket
    assert (after.status, after.solved, after.satisfaction) == (Status.FOLLOWED_UP, "yes", "satisfied")
    assert after.followed_up_at == LATER


def test_a_rating_that_says_no_sends_the_matter_back_to_work() -> None:
    assert say(resolved(), Said.RATED, solved="no").outcome.ticket.status is Status.ACCEPTED


def test_a_rating_after_the_end_is_kept_and_opens_nothing() -> None:
    closed = act(resolved(), Action.CLOSE, OPERATOR, LATER, reason="已电话告知")
    heard = say(closed, Said.RATED, solved="no", satisfaction="unsatisfied")
    after = heard.outcome.ticket
    assert (after.status, after.solved, after.satisfaction) == (Status.CLOSED, "no", "unsatisfied")
    assert actions(heard.outcome) == ["platform_said", "rated"]


def test_satisfaction_alone_is_kept_and_leaves_the_call_to_the_desk() -> None:
    after = say(resolved(), Said.RATED, satisfaction="basically").outcome.ticket
    assert (after.status, after.satisfaction, after.solved) == (Status.RESOLVED, "basically", "")


def test_an_empty_rating_and_one_that_comes_too_early_change_nothing() -> None:
    assert not say(resolved(), Said.RATED).applied
    assert not say(accepted(), Said.RATED, satisfaction="satisfied").applied


def test_a_recalled_ticket_is_over_for_everybody_who_worked_on_it() -> None:
    before = accepted()
    heard = say(before, Said.RECALLED, text="市民撤诉")
    after = heard.outcome.ticket
    assert (after.status, after.closed_at, after.light) == (Status.CLOSED, LATER, Light.GREY)
    assert not [clock for share in after.assignments for clock in share.clocks if clock.stopped_at is None]
    assert len(before.assignments) == 2, "a lead and a helper"
    told = {one.to for one in heard.outcome.notices if one.about == "recalled"}
    assert told == {f"account:{one.handler}" for one in before.assignments}
    assert heard.outcome.events[-1].data == {"reason": "市民撤诉"}


def test_what_was_done_stays_when_the_matter_is_recalled_afterwards() -> None:
    after = say(resolved(), Said.RECALLED).outcome.ticket
    assert after.status is Status.CLOSED
    assert after.lead is not None and after.lead.result == "已清理并劝离"


def test_a_recalled_ticket_at_the_desk_and_one_already_over() -> None:
    at_desk = say(ticket(case(confidence=0.1)), Said.RECALLED)
    assert at_desk.outcome.ticket.status is Status.CLOSED
    assert not [one for one in at_desk.outcome.ticket.desk_clocks if one.stopped_at is None]
    again = hear(at_desk.outcome.ticket, PlatformMessage("M2", Said.RECALLED), CHANNEL, LATER, PLANNER)
    assert not again.applied and again.outcome.ticket == at_desk.outcome.ticket


def test_the_platform_closes_what_is_resolved_and_is_not_told_so() -> None:
    heard = say(resolved(), Said.CLOSED)
    assert heard.outcome.ticket.status is Status.CLOSED
    assert heard.outcome.notices == ()
    assert heard.outcome.events[-1].data["reason"] == "上级平台结案"


@pytest.mark.parametrize("before", [accepted(), ticket(case(confidence=0.1))])
def test_the_platform_closes_nothing_that_is_still_open(before: Ticket) -> None:
    heard = say(before, Said.CLOSED)
    assert not heard.applied and heard.outcome.ticket == before


def test_a_platform_that_sends_a_recalled_matter_again_has_it_worked_again() -> None:
    gone = say(accepted(), Said.RECALLED).outcome.ticket
    again = draft(case(complaint=complaint(source_version=1)), LATER)
    outcome = received_again(gone, again, CHANNEL, LATER, PLANNER)
    assert outcome is not None and outcome.ticket.status in OPEN


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_a_platform_says_a_ticket_stays_sound(seed: int) -> None:
    chance = Random(seed)
    current, steps = history(chance)
    before = chance.choice([current, *(done.ticket for _, done in steps)])
    now = max([MONDAY, *(event.at for _, done in steps for event in done.events)])
    for number in range(4):
        message = PlatformMessage(
            str(number),
            chance.choice(list(Said)),
            solved=chance.choice(["", "yes", "no"]),
            satisfaction=chance.choice(["", "satisfied", "unsatisfied"]),
        )
        heard = hear(before, message, CHANNEL, now + timedelta(hours=number), PLANNER)
        sound(heard.outcome.ticket)
        assert heard.outcome.events[0].action == "platform_said"
        if not heard.applied:
            assert heard.outcome.ticket == before and heard.why
        if before.status in FINISHED - {Status.CLOSED}:
            assert heard.outcome.ticket == before
        before = replace(heard.outcome.ticket, version=before.version + 1)
