"""AB岗: work goes to B when A's absence begins, and back when it ends, once, whatever the number of processes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import town
from parts import act, sweeps, taken

from domain.absence import Absence
from domain.lifecycle import Action
from domain.ticket import Ticket
from storage.store import Store
from supervision import sweeps as sweeping

AWAY = Absence("b2", town.at("2026-11-23 13:30"), town.at("2026-11-25 08:30"), "培训")


async def look(store: Store, written: str) -> None:
    """Several processes look at once, twice."""
    for _ in range(2):
        await asyncio.gather(*(sweeps(store).posts(town.at(written)) for _ in range(3)))


async def handler(store: Store, ticket: Ticket) -> tuple[str, str]:
    found = await store.tickets.get(ticket.no)
    assert found is not None
    assert found.lead is not None
    return found.lead.handler, found.lead.stands_in_for


async def moves(store: Store, ticket: Ticket) -> list[tuple[str, str]]:
    events = [one.event for one in await store.tickets.events(ticket.no) if one.event.action == "handed_over"]
    return [(one.data["before"], one.data["after"]) for one in events]


async def test_work_goes_to_b_and_back_each_once(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)  # at b2, whose B post is b3
    await store.absences.add([AWAY], town.MONDAY)
    await look(store, "2026-11-23 13:29")
    assert await handler(store, ticket) == ("b2", "")
    await look(store, "2026-11-23 13:30")
    assert await handler(store, ticket) == ("b3", "b2")
    await look(store, "2026-11-25 08:29")
    await look(store, "2026-11-25 08:30")
    assert await handler(store, ticket) == ("b2", "")
    assert await moves(store, ticket) == [("b2", "b3"), ("b3", "b2")]
    told = await store.outbox.lease("account:", town.at("2026-11-26 09:00"), limit=50, lease=timedelta(0))
    assert [one.destination for one in told if one.about == "handed_over"] == ["account:b3", "account:b2"]


async def test_where_b_is_away_too_the_head_takes_over(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    await store.absences.add([AWAY, Absence("b3", AWAY.start, AWAY.end)], town.MONDAY)
    await look(store, "2026-11-24 09:00")
    assert await handler(store, ticket) == ("b1", "b2")
    await look(store, "2026-11-25 09:00")
    assert await handler(store, ticket) == ("b2", "")


async def test_a_stand_in_who_goes_away_hands_on_what_goes_back_to_a(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    await store.absences.add(
        [AWAY, Absence("b3", town.at("2026-11-24 08:30"), town.at("2026-11-26 08:30"))], town.MONDAY
    )
    await look(store, "2026-11-23 14:00")
    await look(store, "2026-11-24 09:00")
    assert await handler(store, ticket) == ("b1", "b2")
    await look(store, "2026-11-25 09:00")
    assert await handler(store, ticket) == ("b2", "")


async def test_what_a_person_handed_over_stays_there(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    member = town.member(town.ENTERPRISE)
    await store.absences.add([AWAY], town.MONDAY)
    await look(store, "2026-11-23 14:00")
    await act(store, ticket.no, Action.TRANSFER, member, town.at("2026-11-24 09:00"), handler="b1")
    await look(store, "2026-11-25 09:00")
    assert await handler(store, ticket) == ("b1", "")


async def test_what_is_resolved_stays_with_who_resolved_it(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    member = town.member(town.ENTERPRISE)
    await act(store, ticket.no, Action.ACCEPT, member, town.MONDAY)
    await act(store, ticket.no, Action.RESOLVE, member, town.MONDAY, result="已整改")
    await store.absences.add([AWAY], town.MONDAY)
    await look(store, "2026-11-23 14:00")
    assert await handler(store, ticket) == ("b2", "")


async def test_where_nobody_is_there_nobody_elses_work_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "PAGE", 1)
    stuck = [await taken(store, f"S{number}", town.SMELL) for number in range(2)]
    other = await taken(store, "S3", town.STALL)
    everybody = [Absence(one, AWAY.start, AWAY.end) for one in ("b1", "b2", "b3", (await handler(store, other))[0])]
    await store.absences.add(everybody, town.MONDAY)
    await look(store, "2026-11-24 09:00")
    assert [await handler(store, one) for one in stuck] == [("b2", ""), ("b2", "")], "the deputy is away too"
    assert (await handler(store, other))[1] == everybody[-1].account
    assert len(await moves(store, other)) == 1


async def test_the_same_sheet_again_changes_nothing_and_what_is_over_is_not_read(store: Store) -> None:
    assert await store.absences.add([AWAY, AWAY], town.MONDAY) == 1
    assert sum(await asyncio.gather(*(store.absences.add([AWAY], town.MONDAY) for _ in range(3)))) == 0
    assert await store.absences.current(AWAY.end - timedelta(seconds=1)) == [AWAY]
    assert await store.absences.current(AWAY.end) == []
