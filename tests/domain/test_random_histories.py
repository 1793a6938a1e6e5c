"""Whatever permitted things people do, in whatever order, a ticket stays sound."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from town import (
    ADMINISTRATOR,
    BLACKOUT,
    CENTRE,
    CITY,
    CONSTRUCTION,
    ENTERPRISE,
    ILLEGAL_BUILDING,
    MONDAY,
    OFFICER,
    OPERATOR,
    RUBBISH,
    SMELL,
    STALL,
    SUPERVISION,
    SUPERVISOR,
    complaint,
    member,
    outcome,
    ticket,
)
from town import case as of_case

from domain.complaint import Urgency
from domain.lifecycle import Action, Forbidden, Incomplete, NotAllowed, Rule, allowed_actions, permit
from domain.light import Light, worst
from domain.limit import Stage
from domain.outcome import Outcome
from domain.people import Actor, Role
from domain.ticket import FINISHED, IN_HAND, WAITING, Assignment, Share, Status, Ticket

UNITS = (CITY, ENTERPRISE, CONSTRUCTION, CENTRE, SUPERVISION)
CATEGORIES = (STALL, RUBBISH, SMELL, ILLEGAL_BUILDING, OFFICER, BLACKOUT)

ACTORS: tuple[Actor, ...] = (OPERATOR, SUPERVISOR, ADMINISTRATOR, *(member(unit) for unit in UNITS))

WEIGHTS: dict[Action, int] = {
    Action.ACCEPT: 8,
    Action.CONTACT: 4,
    Action.RETURN: 4,
    Action.EXTEND: 6,
    Action.SUSPEND: 6,
    Action.RESUME: 4,
    Action.TRANSFER: 3,
    Action.RESOLVE: 4,
    Action.FOLLOW_UP: 8,
    Action.CLOSE: 1,
    Action.PRESS: 1,
    Action.ANSWER_PRESS: 2,
    Action.URGE: 1,
    Action.RECLASSIFY: 1,
}
"""How often each is tried where it is allowed: mostly work, so that tickets live long."""

Steps = list[tuple[Ticket, Outcome]]


def body(action: Action, chance: Random) -> dict[str, Any]:
    """A body that is complete, though not always right for the ticket."""
    match action:
        case Action.RETURN:
            return {"reason_code": "R1", "basis": "不在权力清单"}
        case Action.EXTEND:
            return {
                "working_days": chance.randint(1, 5),
                "reason": "需协调",
                "decision": chance.choice(["approved", "approved", "refused"]),
            }
        case Action.SUSPEND:
            return {
                "until": date(2026, 12, 1) + timedelta(days=chance.randint(0, 30)),
                "reason": "等待鉴定",
                "decision": chance.choice(["approved", "approved", "refused"]),
            }
        case Action.TRANSFER:
            return chance.choice(
                [
                    {"brigade": chance.choice(UNITS)},
                    {"brigade": chance.choice(UNITS), "share": "helper"},
                    {"brigade": chance.choice(UNITS), "share": "helper"},
                    {"department": "power"},
                    {"handler": chance.choice(["a3", "a4", "b2", "c3"])},
                ]
            )
        case Action.RESOLVE:
            return {"result": "已处理"}
        case Action.FOLLOW_UP:
            return {"reached": chance.random() < 0.8, "solved": chance.choice(["", "yes", "partly", "no", "no", "no"])}
        case Action.CLOSE:
            return {"reason": "联系不上"}
        case Action.PRESS:
            return {"requirement": "尽快办理"}
        case Action.ANSWER_PRESS:
            return {"answer": "已安排"}
        case Action.RECLASSIFY:
            return {"category": chance.choice(CATEGORIES), "urgency": chance.choice([None, None, *Urgency])}
        case _:
            return {"reached": chance.random() < 0.7} if action is Action.CONTACT else {}


def _status_after(after: Ticket, rule: Rule, share: Assignment | None) -> Status:
    """The status that the rule speaks of, once it was followed."""
    if not rule.on_assignment:
        return after.status
    assert share is not None
    return next(one.status for one in after.assignments if one.position == share.position)


def history(chance: Random) -> tuple[Ticket, Steps]:
    """A first ticket, and what each of 40 tries did to it; refused tries leave nothing."""
    outer = complaint(due_outer=chance.choice([None, MONDAY + timedelta(hours=chance.randint(1, 300))]))
    confidence = chance.choice([0.9, 0.9, 0.1])
    now: datetime = MONDAY
    current = first = ticket(of_case(chance.choice(CATEGORIES), confidence, complaint=outer))
    steps: Steps = []
    for _ in range(40):
        actor = chance.choice(ACTORS)
        may = [one for one in allowed_actions(current, actor) if one in WEIGHTS]
        if may and chance.random() < 0.9:
            action = chance.choices(may, [WEIGHTS[one] for one in may])[0]
        else:
            action = chance.choice(list(WEIGHTS))  # now and then anything at all
        now += timedelta(minutes=chance.randint(0, 400))
        position = chance.choice([None, None, None, 1, 2, 3])
        try:
            rule, share = permit(current, action, actor, position)
            done = outcome(current, action, actor, now, **body(action, chance), assignment=position)
        except (NotAllowed, Forbidden, Incomplete):
            continue
        assert rule.leads_to in {None, _status_after(done.ticket, rule, share)}
        steps.append((current, done))
        current = done.ticket
    return first, steps


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_a_ticket_stays_sound(seed: int) -> None:
    first, steps = history(Random(seed))
    sound(first)
    for before, done in steps:
        sound(done.ticket)
        follows(before, done)


def test_the_histories_reach_every_event_of_the_life_cycle() -> None:
    """The property above is worth what its histories reach."""
    seen = {event.action for seed in range(300) for _, done in history(Random(seed))[1] for event in done.events}
    assert seen >= {
        *("accepted", "contacted", "returned", "return_granted", "return_refused", "extension_asked", "extended"),
        *("extension_refused", "resolved", "helper_ended", "helper_added", "followed_up", "sent_back_to_work"),
        *(
            "closed",
            "rejected",
            "suspension_asked",
            "suspension_refused",
            "suspended",
            "resumed",
            "pressed",
            "press_answered",
            "urged",
            "reclassified",
            "limits_changed",
            "transferred",
            "handed_over",
            "referred",
        ),
    }


def sound(one: Ticket) -> None:
    """What must hold of every ticket at every moment."""
    live = [share for share in one.assignments if share.ended_at is None]
    leads = [share for share in live if share.share is Share.LEAD]
    assert len(leads) <= 1
    assert len({share.unit for share in live}) == len(live)
    assert [share.position for share in one.assignments] == list(range(1, len(one.assignments) + 1))
    if one.status in IN_HAND | {Status.RESOLVED}:
        assert one.lead is not None
        assert one.lead.status is one.status
    if one.status in {Status.TRIAGE, Status.TRANSFERRED, Status.MERGED, Status.REJECTED}:
        assert live == []
    if one.status in FINISHED | {Status.RESOLVED, Status.FOLLOWED_UP, Status.TRANSFERRED}:
        assert not any(clock.runs for clock in every_clock(one))
        assert one.light is Light.GREY
    decides = one.status is Status.TRIAGE or any(share.in_hand and share.status is Status.RETURNED for share in live)
    assert [clock.stage for clock in one.desk_clocks if clock.runs] == ([Stage.DISPATCH] if decides else [])
    for share in one.assignments:
        keys = [(clock.stage, clock.round) for clock in share.clocks]
        assert len(set(keys)) == len(keys)  # how storage tells clocks apart
        if share.ended_at is not None or share.status is Status.RESOLVED:
            assert not any(clock.runs for clock in share.clocks)
            assert share.request is None
        if share.in_hand:
            resolve = share.clock(Stage.RESOLVE)
            assert resolve is not None
            assert resolve.stopped_at is None
        assert (share.request is not None) == (share.ended_at is None and share.status in WAITING)
        assert (share.suspended_until is not None) == (share.ended_at is None and share.status is Status.SUSPENDED)
        for clock in share.clocks:
            if clock.paused:
                paused_in = {Stage.ACCEPT: Status.RETURNED}.get(clock.stage, Status.SUSPENDED)
                assert (share.status, clock.light) == (paused_in, Light.GREY)
        assert share.light is worst(clock.light for clock in share.clocks if clock.lights_up and share.ended_at is None)
    desk = [clock.light for clock in one.desk_clocks if clock.lights_up]
    assert one.light is worst([*(share.light for share in live), *desk])
    keys = [(clock.stage, clock.round) for clock in one.desk_clocks]
    assert len(set(keys)) == len(keys)
    for clock in every_clock(one):
        assert clock.started_at <= clock.yellow_at <= clock.due_at
        assert clock.original_due_at <= clock.due_at
        if clock.extended_by:
            assert clock.original_due_at < clock.due_at
        elif not clock.pauses:
            assert clock.original_due_at == clock.due_at


def every_clock(one: Ticket) -> list[Any]:
    return [*one.desk_clocks, *(clock for share in one.assignments for clock in share.clocks)]


def follows(before: Ticket, done: Outcome) -> None:
    """What must hold between a ticket and its next self."""
    after = done.ticket
    assert after.version == before.version + 1
    assert done.events
    assert before.status not in FINISHED
    assert len(after.assignments) >= len(before.assignments)
    for old, new in zip(before.assignments, after.assignments, strict=False):
        assert (new.unit, new.share, new.dispatched_at) == (old.unit, old.share, old.dispatched_at)
        if old.ended_at is not None:
            assert new == old
        if old.return_barred:
            assert new.return_barred
        for was, now in zip(old.clocks, new.clocks, strict=False):
            if was.stopped_at is not None:
                assert now == was
            if done.events[0].action == "reclassified":
                assert (now.stage, now.round, now.extended_by) == (was.stage, was.round, was.extended_by)
                continue
            assert (now.stage, now.round, now.started_at, now.original_due_at) == (
                was.stage,
                was.round,
                was.started_at,
                was.original_due_at,
            )
    for count in ("returns", "redispatches", "extensions", "urges", "presses", "rehandled"):
        assert getattr(after, count) >= getattr(before, count)
    for notice in done.notices:
        if not notice.to.startswith("channel:"):
            assert "13800000001" not in str(notice.data)
    assert all(event.role in {str(role) for role in Role} for event in done.events)
