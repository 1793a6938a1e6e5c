"""Escalation: who is told when, once each; quiet hours; 督办 by rule."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import town
from parts import act, sweeps, taken
from pydantic import ValidationError
from sealing_keys import KEYRING

from domain.complaint import Urgency
from domain.event import Event
from domain.lifecycle import Action
from domain.limit import Stage
from domain.outcome import Outcome
from domain.ticket import Ticket
from storage.outbox import Delivery
from storage.store import Store
from supervision import sweeps as sweeping
from supervision.settings import SupervisionSettings

NOW = town.MONDAY
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LADDER: dict[str, Any] = {
    "digest_minutes": 0,
    "bureau_head": "d1",
    "supervisors": ["s1", "s2"],
    "escalation": [
        {"light": "yellow", "tell": ["handler", "backup"]},
        {"light": "red", "tell": ["handler", "unit_head"]},
        {
            "light": "red",
            "after": "1 working_days",
            "tell": ["bureau_head"],
            "press": {"requirement": "已超期，请立即办理", "within": "1 working_days"},
        },
    ],
}


def settings(**changed: Any) -> SupervisionSettings:
    return SupervisionSettings.model_validate({**LADDER, **changed})


async def look(store: Store, now: datetime, **changed: Any) -> None:
    """What the timers do at a moment."""
    await sweeps(store, settings(**changed)).lights(now)
    await sweeps(store, settings(**changed)).escalation(now)


async def told(store: Store) -> list[tuple[str, str, str]]:
    """(account, about, stage) of what waits in the outbox beside the news of a dispatch, which is taken out."""
    leased = await store.outbox.lease("account:", NOW + 999 * DAY, limit=500, lease=timedelta(0))
    for one in leased:
        await store.outbox.delivered(one.id, NOW)
    return sorted(
        (one.destination.removeprefix("account:"), one.about, one.data.get("stage", ""))
        for one in leased
        if one.about != "dispatched"
    )


async def escalations(store: Store, no: str) -> list[Event]:
    return [one.event for one in await store.tickets.events(no) if one.event.action == "escalated"]


@pytest.fixture
async def working(store: Store) -> tuple[Store, Ticket]:
    """A smell that brigade 2 has signed for and called about: only the resolve limit runs. Its people: b1 head, b2, b3."""
    ticket = await taken(store, "S1", town.SMELL)
    member = town.member(town.ENTERPRISE)
    await act(store, ticket.no, Action.ACCEPT, member, NOW)
    ticket = await act(store, ticket.no, Action.CONTACT, member, NOW)
    await told(store)
    return store, ticket


def resolve_clock(ticket: Ticket) -> Any:
    assert ticket.lead is not None
    return ticket.lead.clock(Stage.RESOLVE)


async def test_each_step_tells_its_people_once(working: tuple[Store, Ticket]) -> None:
    store, ticket = working
    clock = resolve_clock(ticket)
    assert (ticket.lead.handler, ticket.lead.backup) == ("b2", "b3")  # type: ignore[union-attr]
    await look(store, clock.yellow_at - MINUTE)
    assert await told(store) == []
    for _ in range(3):
        await look(store, clock.yellow_at)
    assert await told(store) == [("b2", "light_yellow", "resolve"), ("b3", "light_yellow", "resolve")]
    for _ in range(3):
        await look(store, clock.due_at + MINUTE)
    assert await told(store) == [("b1", "light_red", "resolve"), ("b2", "light_red", "resolve")]
    await look(store, clock.due_at + 23 * HOUR)
    assert await told(store) == []
    next_close = town.at("2026-12-01 17:30")
    assert clock.due_at == next_close - DAY
    for _ in range(3):
        await look(store, next_close)
    assert await told(store) == [
        ("b1", "pressed", ""),
        ("b2", "pressed", ""),
        ("d1", "light_red", "resolve"),
    ]
    await look(store, next_close + 90 * DAY)
    assert await told(store) == []
    assert [one.data["steps"] for one in await escalations(store, ticket.no)] == [[1, 1], [2, 2], [3, 3]]
    found = await store.tickets.get(ticket.no)
    assert found is not None
    assert found.presses == 1
    (pressed,) = [one.event for one in await store.tickets.events(ticket.no) if one.event.action == "pressed"]
    assert (pressed.role, pressed.data["requirement"]) == ("system", "已超期，请立即办理")
    assert pressed.data["due_at"] == "2026-12-02T17:30:00+08:00"


async def test_an_event_says_who_was_told_of_what(working: tuple[Store, Ticket]) -> None:
    store, ticket = working
    clock = resolve_clock(ticket)
    await look(store, clock.yellow_at)
    (event,) = await escalations(store, ticket.no)
    assert event.data == {
        "stage": "resolve",
        "round": 1,
        "light": "yellow",
        "steps": [1, 1],
        "told": ["b2", "b3"],
        "due_at": clock.due_at.isoformat(),
    }
    assert (event.actor, event.position) == ("system", 1)


async def test_late_timers_tell_what_is_true_now(working: tuple[Store, Ticket]) -> None:
    """Who would have been told of yellow is not told of it when it is red already."""
    store, ticket = working
    await look(store, resolve_clock(ticket).due_at + MINUTE)
    assert await told(store) == [("b1", "light_red", "resolve"), ("b2", "light_red", "resolve")]
    assert [one.data["steps"] for one in await escalations(store, ticket.no)] == [[1, 2]]


async def test_a_resolved_matter_is_escalated_no_more(working: tuple[Store, Ticket]) -> None:
    store, ticket = working
    due = resolve_clock(ticket).due_at
    await sweeps(store, settings()).lights(due + MINUTE)
    await act(store, ticket.no, Action.RESOLVE, town.member(town.ENTERPRISE), due + MINUTE, result="已处理")
    await sweeps(store, settings()).escalation(due + 9 * DAY)
    assert await told(store) == []


async def test_only_an_overdue_resolution_is_pressed(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    accept = ticket.lead.clock(Stage.ACCEPT)  # type: ignore[union-attr]
    assert accept is not None
    await look(store, accept.due_at + MINUTE)
    await look(store, accept.due_at + 3 * DAY)
    assert ("d1", "light_red", "accept") in await told(store)
    found = await store.tickets.get(ticket.no)
    assert found is not None
    assert found.presses == 0


async def test_at_the_desk_the_supervisors_are_told(store: Store) -> None:
    ticket = await taken(store, "S1", confidence=0.1)
    (clock,) = ticket.desk_clocks
    await look(store, clock.due_at + MINUTE)
    assert await told(store) == [("s1", "light_red", "dispatch"), ("s2", "light_red", "dispatch")]
    assert [one.position for one in await escalations(store, ticket.no)] == [0]


async def test_in_quiet_hours_people_are_told_afterwards(store: Store) -> None:
    """A normal matter waits for the morning; an urgent one does not."""
    quiet = {"quiet_hours": {"from": "22:00", "to": "07:00"}}
    await taken(store, "calm", confidence=0.1)
    late = town.at("2026-11-23 21:59")
    urgent = await taken(store, "urgent", town.COLLAPSE, late)
    assert urgent.urgency is Urgency.URGENT
    await told(store)
    night = town.at("2026-11-24 06:59")
    for now in (town.at("2026-11-23 22:00"), town.at("2026-11-24 00:00"), night):
        await look(store, now, **quiet)
    first = await told(store)
    assert {stage for _, _, stage in first} <= {"resolve", "accept", "contact"}
    assert not any(stage == "dispatch" for _, _, stage in first)
    urgent_by_day = [one for one in first if one[0].startswith("a")]
    assert urgent_by_day == first
    await look(store, town.at("2026-11-24 07:00"), **quiet)
    assert ("s1", "light_red", "dispatch") in await told(store)


async def test_an_urgent_matter_breaks_the_quiet(store: Store) -> None:
    quiet = {"quiet_hours": {"from": "22:00", "to": "07:00"}}
    ticket = await taken(store, "urgent", town.COLLAPSE, NOW)
    await told(store)
    due = resolve_clock(ticket).due_at
    assert due == NOW + DAY
    midnight = town.at("2026-11-25 00:30")
    await look(store, midnight, **quiet)
    assert ("a1", "light_red", "resolve") in await told(store)


async def test_who_was_cured_in_the_quiet_hours_is_not_told(working: tuple[Store, Ticket]) -> None:
    store, ticket = working
    quiet = {"quiet_hours": {"from": "17:00", "to": "09:00"}}
    due = resolve_clock(ticket).due_at
    await look(store, due + HOUR, **quiet)
    await act(store, ticket.no, Action.RESOLVE, town.member(town.ENTERPRISE), due + 2 * HOUR, result="已处理")
    await look(store, due + 20 * HOUR, **quiet)
    assert await told(store) == []


async def test_an_extension_starts_the_ladder_again(working: tuple[Store, Ticket]) -> None:
    store, ticket = working
    member = town.member(town.ENTERPRISE)
    clock = resolve_clock(ticket)
    await look(store, clock.yellow_at)
    await act(store, ticket.no, Action.EXTEND, member, clock.yellow_at, working_days=5, reason="需要鉴定")
    later = await act(store, ticket.no, Action.EXTEND, town.SUPERVISOR, clock.yellow_at, decision="approved")
    await told(store)
    await look(store, clock.yellow_at + MINUTE)
    assert await told(store) == []
    await look(store, resolve_clock(later).yellow_at)
    assert await told(store) == [("b2", "light_yellow", "resolve"), ("b3", "light_yellow", "resolve")]


async def test_processes_at_once_tell_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "PAGE", 4)
    stores = [await Store.open(database_url, KEYRING) for _ in range(2)]
    try:
        for number in range(9):
            await taken(stores[0], f"S{number}", town.SMELL)
        await told(stores[0])
        now = NOW + 60 * DAY
        await sweeps(stores[0], settings()).lights(now)
        await asyncio.gather(*(sweeps(stores[n % 2], settings()).escalation(now) for n in range(4)))
        found = await told(stores[0])
        # Per ticket: accept and contact tell handler, head and bureau head; resolve the same, and presses two.
        assert len(found) == 9 * (3 * 3 + 2)
        assert len([one for one in found if one[1] == "pressed"]) == 9 * 2
    finally:
        for one in stores:
            await one.close()


async def test_an_order_by_a_person_is_not_in_the_way(working: tuple[Store, Ticket]) -> None:
    store, ticket = working
    await act(store, ticket.no, Action.PRESS, town.SUPERVISOR, NOW, requirement="请尽快")
    await look(store, resolve_clock(ticket).due_at + 30 * DAY)
    found = await store.tickets.get(ticket.no)
    assert found is not None
    assert found.presses == 2


async def test_nobody_to_tell_is_no_error(working: tuple[Store, Ticket]) -> None:
    store, ticket = working

    def orphaned(before: Ticket) -> Outcome:
        lead = replace(before.assignments[0], handler="", backup="")
        return Outcome(replace(before, assignments=(lead,)), (Event("handed_over", NOW, "x", "system"),))

    await store.change(ticket.no, orphaned)
    await look(store, resolve_clock(ticket).yellow_at)
    assert await told(store) == []
    assert [one.data["told"] for one in await escalations(store, ticket.no)] == [[]]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"escalation": [{"light": "green", "tell": ["handler"]}]}, "yellow 或 red"),
        ({"escalation": [{"light": "red"}]}, "通知对象"),
        (
            {"escalation": [{"light": "yellow", "press": {"requirement": "尽快", "within": "1 working_days"}}]},
            "未超期的工单不自动督办",
        ),
        (
            {"escalation": [{"light": "red", "tell": ["handler"]}, {"light": "yellow", "tell": ["handler"]}]},
            "按先后排列",
        ),
        ({"escalation": [{"light": "red", "after": "1 fortnight", "tell": ["handler"]}]}, "写法不对"),
        ({"gaps": [{"code": "no_photo"}, {"code": "no_photo"}]}, "重复"),
        ({"unknown": 1}, "Extra inputs"),
        ({"lights_seconds": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_cannot_work_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**changed)


# ── one digest instead of a flood ──────────────────────────────────────────


async def lit(store: Store, number: int, **changed: Any) -> list[Ticket]:
    """So many tickets of brigade 2 whose accept limit has just passed, looked at with digests on."""
    tickets = [await taken(store, f"D{one}", town.SMELL, **changed) for one in range(number)]
    for one in await store.outbox.lease("account:", NOW, limit=500, lease=timedelta(0)):
        await store.outbox.delivered(one.id, NOW)
    accept = tickets[0].lead.clock(Stage.ACCEPT) if tickets[0].lead else None
    assert accept is not None
    await look(store, accept.due_at + MINUTE, digest_minutes=10)
    return tickets


async def waiting(store: Store, now: datetime) -> list[Delivery]:
    return await store.outbox.lease("account:", now, limit=500, lease=HOUR)


LIT_AT = town.at("2026-11-23 14:31")


async def test_several_notices_to_one_person_become_one_digest(store: Store) -> None:
    tickets = await lit(store, 3)
    assert await waiting(store, LIT_AT + 9 * MINUTE) == []
    found = {one.destination: one for one in await waiting(store, LIT_AT + 10 * MINUTE)}
    assert {account: one.about for account, one in found.items()} == {"account:b1": "digest", "account:b2": "digest"}
    told_of = found["account:b2"].data
    numbers = "、".join(one.no for one in tickets)
    assert told_of["text"] == f"共 3 件工单需要处理：红灯 3 件（{numbers}）"
    assert [one["ticket_no"] for one in told_of["notices"]] == [one.no for one in tickets]
    assert await waiting(store, LIT_AT + 30 * MINUTE) == []
    again = await waiting(store, LIT_AT + 3 * HOUR)  # a deliverer that died: the same digest comes back, under its key
    assert {one.idempotency_key for one in again} == {one.idempotency_key for one in found.values()}
    assert (await store.outbox.counts())["waiting"] == 2


async def test_a_single_notice_is_told_as_it_is(store: Store) -> None:
    await lit(store, 1)
    found = await waiting(store, LIT_AT + 10 * MINUTE)
    assert sorted((one.destination, one.about) for one in found) == [
        ("account:b1", "light_red"),
        ("account:b2", "light_red"),
    ]


async def test_a_notice_that_comes_while_others_wait_goes_with_them(store: Store) -> None:
    await lit(store, 2)
    late = await taken(store, "late", town.SMELL, town.at("2026-11-23 09:04"))
    await look(store, LIT_AT + 5 * MINUTE, digest_minutes=10)
    found = {one.destination: one for one in await waiting(store, LIT_AT + 10 * MINUTE) if one.about == "digest"}
    assert found["account:b2"].data["notices"][-1]["ticket_no"] == late.no


async def test_two_deliverers_make_one_digest(database_url: str, store: Store) -> None:
    await lit(store, 4)
    other = await Store.open(database_url, KEYRING)
    try:
        leased = await asyncio.gather(*(waiting(one, LIT_AT + 10 * MINUTE) for one in (store, other, store, other)))
        told_of = [one for lease in leased for one in lease]
        assert len(told_of) == len({one.id for one in told_of})
        numbers = [
            notice["ticket_no"]
            for one in told_of
            if one.destination == "account:b2"
            for notice in one.data.get("notices", [{"ticket_no": one.ticket_no}])
        ]
        assert len(numbers) == len(set(numbers)) == 4
    finally:
        await other.close()


async def test_what_is_urgent_does_not_wait(store: Store) -> None:
    await lit(store, 2, claimed_urgency=Urgency.URGENT)
    found = await waiting(store, LIT_AT)
    assert {one.about for one in found} >= {"light_red"}
    assert "digest" not in {one.about for one in found}
