"""What waits for a supervisor, read back from each kind of database: requests to be ruled on and orders without an answer."""

from __future__ import annotations

from datetime import date, timedelta

import town
from parts import act, taken

from domain.lifecycle import Action
from domain.ticket import PressCause, PressLevel, Status
from storage.store import Store

LATER = town.MONDAY + timedelta(minutes=30)
CITY = town.member(town.CITY)


async def test_requests_wait_until_they_are_ruled_on(store: Store) -> None:
    tickets = [await taken(store, f"A{number}", now=town.MONDAY + timedelta(minutes=number)) for number in range(4)]
    returned, extended, suspended, quiet = (one.no for one in tickets)
    for no in (extended, suspended, quiet):
        await act(store, no, Action.ACCEPT, CITY, LATER)
    await act(store, returned, Action.RETURN, CITY, LATER, reason_code="R1", basis="职责清单")
    await act(store, extended, Action.EXTEND, CITY, LATER, working_days=2, reason="需要鉴定")
    until = date(2026, 12, 31) if town.MONDAY.year == 2026 else (town.MONDAY + timedelta(days=20)).date()
    await act(store, suspended, Action.SUSPEND, CITY, LATER, until=until, reason="等待检测")
    waiting = await store.attention.requests()
    assert [(one.ticket_no, one.status, one.position, one.unit) for one in waiting] == [
        (returned, Status.RETURNED, 1, town.CITY),
        (extended, Status.EXTENDED, 1, town.CITY),
        (suspended, Status.SUSPENDING, 1, town.CITY),
    ]
    assert waiting[0].request["basis"] == "职责清单"
    assert waiting[1].request["working_days"] == 2
    assert waiting[2].request["until"] == until.isoformat()
    for one in waiting:
        ticket = await store.tickets.get(one.ticket_no)
        assert ticket is not None and ticket.version == one.version
    await act(store, extended, Action.EXTEND, town.SUPERVISOR, LATER, decision="refused")
    assert [one.ticket_no for one in await store.attention.requests()] == [returned, suspended]


async def test_requests_of_one_channel_or_unit(store: Store) -> None:
    ticket = await taken(store, "A1")
    await act(store, ticket.no, Action.RETURN, CITY, LATER, reason_code="R1", basis="职责清单")
    channel = ticket.complaint.channel
    assert len(await store.attention.requests(channel=channel, unit=town.CITY)) == 1
    assert await store.attention.requests(channel="another") == []
    assert await store.attention.requests(unit=town.ENTERPRISE) == []
    assert await store.attention.requests(limit=0) == []


async def test_orders_wait_until_they_are_answered_the_most_pressing_first(store: Store) -> None:
    numbers = [
        (await taken(store, f"A{number}", now=town.MONDAY + timedelta(minutes=number))).no for number in range(3)
    ]
    for no, due_at in zip(numbers, (None, LATER + timedelta(hours=5), LATER + timedelta(hours=2)), strict=True):
        await act(store, no, Action.PRESS, town.SUPERVISOR, LATER, requirement="请说明进展", due_at=due_at)
    orders = await store.attention.orders()
    assert [one.ticket_no for one in orders] == [numbers[2], numbers[1], numbers[0]]
    assert [one.level for one in orders] == [PressLevel.ORANGE, PressLevel.ORANGE, PressLevel.BLUE]
    assert {one.cause for one in orders} == {PressCause.SUPERVISOR}
    assert orders[0].unit == town.CITY and orders[0].due_at == LATER + timedelta(hours=2)
    assert [one.ticket_no for one in await store.attention.orders(unit=town.CITY, limit=1)] == [numbers[2]]
    assert await store.attention.orders(unit=town.ENTERPRISE) == []
    assert await store.attention.orders(channel="another") == []
    await act(store, numbers[1], Action.ANSWER_PRESS, CITY, LATER, answer="正在办理")
    assert [one.ticket_no for one in await store.attention.orders()] == [numbers[2], numbers[0]]


async def test_an_order_to_the_desk_has_no_unit(store: Store) -> None:
    ticket = await taken(store, "A1", confidence=0.1)
    assert ticket.status is Status.TRIAGE
    await act(store, ticket.no, Action.PRESS, town.SUPERVISOR, LATER, requirement="请尽快研判")
    orders = await store.attention.orders()
    assert [(one.unit, one.handler) for one in orders] == [("", "")]
    assert await store.attention.orders(unit=town.CITY) == []
