"""督办 by rule and the raising of orders: each once, whatever the number of processes; read from both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import town
from parts import act, sweeps, taken

from domain.lifecycle import Action
from domain.ticket import PressCause, PressLevel, PressOrder, Ticket
from domain.worktime import local
from storage.store import Store

NOW = town.MONDAY


async def orders(store: Store, no: str) -> tuple[PressOrder, ...]:
    found = await store.tickets.get(no)
    assert found is not None
    return found.orders


async def look(store: Store, written: str) -> None:
    """Several processes look at once."""
    now = town.at(written)
    await sweeps(store).lights(now)
    await asyncio.gather(*(sweeps(store).orders(now) for _ in range(3)))


async def actions(store: Store, no: str, action: str) -> list[dict[str, Any]]:
    return [one.event.data for one in await store.tickets.events(no) if one.event.action == action]


async def urged(store: Store, times: int) -> Ticket:
    ticket = await taken(store, "S1", town.SMELL)
    for _ in range(times):
        ticket = await act(store, ticket.no, Action.URGE, town.OPERATOR, town.at("2026-11-23 10:00"))
    return ticket


async def test_a_matter_urged_often_is_pressed_once(store: Store) -> None:
    ticket = await urged(store, 2)
    await look(store, "2026-11-23 10:05")
    assert await orders(store, ticket.no) == ()
    for _ in range(3):
        ticket = await act(store, ticket.no, Action.URGE, town.OPERATOR, town.at("2026-11-23 10:10"))
        await look(store, "2026-11-23 10:15")
    (order,) = await orders(store, ticket.no)
    assert (order.level, order.cause, order.issued_by) == (PressLevel.BLUE, PressCause.URGED, "system")
    assert local(order.due_at or NOW) == town.at("2026-11-24 17:30")
    assert len(await actions(store, ticket.no, "pressed")) == 1


async def test_not_solved_again_counts_as_asking_again(store: Store) -> None:
    ticket = await urged(store, 2)
    member, now = town.member(town.ENTERPRISE), town.at("2026-11-23 11:00")
    await act(store, ticket.no, Action.ACCEPT, member, now)
    await act(store, ticket.no, Action.RESOLVE, member, now, result="已处理")
    await look(store, "2026-11-23 11:05")
    assert await orders(store, ticket.no) == ()
    await act(store, ticket.no, Action.FOLLOW_UP, town.OPERATOR, town.at("2026-11-23 14:00"), solved="no")
    await look(store, "2026-11-23 14:05")
    assert [(one.cause, one.level) for one in await orders(store, ticket.no)] == [(PressCause.URGED, PressLevel.BLUE)]


async def test_unanswered_it_turns_orange_then_red_each_once(store: Store) -> None:
    ticket = await urged(store, 3)
    for moment in ("2026-11-23 10:15", "2026-11-24 17:31", "2026-11-24 18:00", "2026-11-25 17:31", "2026-11-30 09:00"):
        await look(store, moment)
    (order,) = [one for one in await orders(store, ticket.no) if one.cause is PressCause.URGED]
    assert order.level is PressLevel.RED
    steps = [(one["old"], one["level"]) for one in await actions(store, ticket.no, "press_raised")]
    assert steps == [("blue", "orange"), ("orange", "red")]
    assert await store.tickets.orders_due(town.at("2026-12-30 09:00"), 10) == []


async def reported(store: Store) -> list[tuple[str, str, int]]:
    """Who is told of which order that nobody answered."""
    due = await store.outbox.lease("account:", town.at("2027-01-01 00:00"), limit=500, lease=timedelta(minutes=1))
    return sorted(
        (one.destination, one.ticket_no, one.data["number"]) for one in due if one.about == "press_unanswered"
    )


async def test_a_red_order_that_nobody_answers_goes_to_the_bureaus_head_once(store: Store) -> None:
    ticket = await urged(store, 3)
    for moment in ("2026-11-23 10:15", "2026-11-24 17:31", "2026-11-25 17:31"):
        await look(store, moment)
    assert (await orders(store, ticket.no))[0].level is PressLevel.RED
    assert await actions(store, ticket.no, "press_reported") == []
    for moment in ("2026-11-26 17:31", "2026-11-27 09:00"):
        await look(store, moment)
    (order,) = [one for one in await orders(store, ticket.no) if one.cause is PressCause.URGED]
    assert (order.reported_at, order.open) == (town.at("2026-11-26 17:31"), True)
    (event,) = await actions(store, ticket.no, "press_reported")
    assert (event["number"], event["told"]) == (order.number, ["d1", "s1"])
    assert await reported(store) == [
        ("account:d1", ticket.no, order.number),
        ("account:s1", ticket.no, order.number),
    ]


async def test_a_reported_order_whose_share_is_over_lapses(store: Store) -> None:
    ticket = await urged(store, 3)
    for moment in ("2026-11-23 10:15", "2026-11-24 17:31", "2026-11-25 17:31", "2026-11-26 17:31"):
        await look(store, moment)
    await act(store, ticket.no, Action.TRANSFER, town.OPERATOR, town.at("2026-11-27 09:00"), brigade=town.CITY)
    await look(store, "2026-11-27 10:00")
    assert (await orders(store, ticket.no))[0].lapsed_at == town.at("2026-11-27 10:00")


async def test_answered_it_is_raised_no_more(store: Store) -> None:
    ticket = await urged(store, 3)
    await look(store, "2026-11-23 10:15")
    member = town.member(town.ENTERPRISE)
    await act(store, ticket.no, Action.ANSWER_PRESS, member, town.at("2026-11-24 09:00"), answer="已安排复查")
    await look(store, "2026-11-27 09:00")
    (order,) = await orders(store, ticket.no)
    assert (order.level, order.answer) == (PressLevel.BLUE, "已安排复查")
    assert await actions(store, ticket.no, "press_raised") == []


async def test_a_unit_that_must_keep_it_and_is_late_is_warned_once(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    member = town.member(town.ENTERPRISE)
    await act(store, ticket.no, Action.RETURN, member, town.at("2026-11-23 10:00"), reason_code="R1", basis="清单")
    await act(store, ticket.no, Action.TRANSFER, town.OPERATOR, town.at("2026-11-23 11:00"), brigade=town.ENTERPRISE)
    await look(store, "2026-11-23 11:30")
    assert await orders(store, ticket.no) == ()
    for moment in ("2026-11-23 16:00", "2026-11-24 09:00"):  # the accept limit has passed
        await look(store, moment)
    (order,) = await orders(store, ticket.no)
    assert (order.level, order.cause) == (PressLevel.ORANGE, PressCause.REFUSED)


async def test_an_order_whose_share_is_over_lapses_and_is_found_no_more(store: Store) -> None:
    ticket = await urged(store, 3)
    await look(store, "2026-11-23 10:15")
    await act(store, ticket.no, Action.TRANSFER, town.OPERATOR, town.at("2026-11-23 11:00"), brigade=town.CITY)
    await look(store, "2026-11-25 09:00")
    first = (await orders(store, ticket.no))[0]
    assert first.lapsed_at == town.at("2026-11-25 09:00")
    assert len(await actions(store, ticket.no, "press_lapsed")) == 1
