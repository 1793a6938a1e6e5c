"""Suspensions end by themselves, once, whatever the number of processes; their pauses survive storage."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import town
from parts import act, sweeps, taken

from domain.lifecycle import Action
from domain.light import Light
from domain.limit import Stage
from domain.ticket import Clock, Status, Ticket
from domain.worktime import local
from storage.figures import Measure
from storage.populations import Population, Slice
from storage.store import Store

ASKING: dict[str, Any] = {"until": date(2026, 11, 26), "reason": "等待检测报告"}


async def suspended(store: Store, source_no: str = "S1") -> Ticket:
    """Asked for on Tuesday at ten until Thursday."""
    ticket = await taken(store, source_no, town.RUBBISH)
    await act(store, ticket.no, Action.ACCEPT, town.member(), town.at("2026-11-23 09:30"))
    await act(store, ticket.no, Action.SUSPEND, town.member(), town.at("2026-11-24 10:00"), **ASKING)
    return await act(
        store, ticket.no, Action.SUSPEND, town.SUPERVISOR, town.at("2026-11-24 11:00"), decision="approved"
    )


def resolve_clock(ticket: Ticket) -> Clock:
    assert ticket.lead is not None
    found = ticket.lead.clock(Stage.RESOLVE)
    assert found is not None
    return found


async def test_what_stands_still_is_stored_as_it_is_and_no_sweep_lights_it(store: Store) -> None:
    ticket = await suspended(store)
    assert await store.tickets.get(ticket.no) == ticket
    clock = resolve_clock(ticket)
    assert (clock.paused_at, clock.light) == (town.at("2026-11-24 10:00"), Light.GREY)
    each = sweeps(store)
    for moment in ("2026-11-25 12:00", "2026-11-26 12:00"):
        await each.lights(town.at(moment))
        await each.escalation(town.at(moment))
    there = await store.tickets.get(ticket.no)
    assert there == ticket


async def test_it_ends_by_itself_once_and_the_lights_go_on(store: Store) -> None:
    ticket = await suspended(store)
    now = town.at("2026-11-27 00:00")
    assert await sweeps(store).suspensions(town.at("2026-11-26 23:59")) == 0
    await asyncio.gather(*(sweeps(store).suspensions(now) for _ in range(4)))
    assert await sweeps(store).suspensions(now) == 0
    back = await store.tickets.get(ticket.no)
    assert back is not None
    assert back.status is Status.ACCEPTED
    clock = resolve_clock(back)
    assert local(clock.original_due_at) == town.at("2026-11-24 17:30")
    # Tuesday from ten, Wednesday and Thursday: 360 + 450 + 450 minutes later
    assert local(clock.due_at) == town.at("2026-11-27 16:00")
    events = [one.event.action for one in await store.tickets.events(ticket.no)]
    assert events.count("resumed") == 1
    await sweeps(store).lights(town.at("2026-11-27 16:01"))
    late = await store.tickets.get(ticket.no)
    assert late is not None
    assert late.light is Light.RED


async def test_a_limit_that_stands_still_has_not_fallen_due(store: Store) -> None:
    ticket = await suspended(store)
    span = Slice(town.at("2026-11-24 00:00"), town.at("2026-11-30 00:00"))

    async def due() -> list[str]:
        return [one.ticket_no for one in await store.figures.list_members(Measure(Population.RESOLVE_DUE), span)]

    assert await due() == []
    await sweeps(store).suspensions(town.at("2026-11-27 08:00"))
    assert await due() == [ticket.no]


async def test_a_recount_of_the_calendar_keeps_the_pause(store: Store) -> None:
    ticket = await suspended(store)
    await sweeps(store).suspensions(town.at("2026-11-27 08:00"))
    before = await store.tickets.get(ticket.no)
    await sweeps(store).deadlines(town.at("2026-11-27 08:30"))
    assert await store.tickets.get(ticket.no) == before
