"""The light sweep: every change once, with its facts, whatever the number of sweeps and the jumps of the time."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import town
from parts import act, drafted, sweeps, take, taken
from sealing_keys import KEYRING
from sqlalchemy import event, select

from domain.complaint import Urgency
from domain.event import Event
from domain.lifecycle import Action
from domain.light import Light
from domain.lighting import CHANGED
from domain.limit import Stage
from domain.ticket import Clock
from storage import tables
from storage.rows import event_of
from storage.store import Store
from storage.tickets import TicketFilter
from supervision import sweeps as sweeping
from supervision.lights import light_now, relit

NOW = town.MONDAY
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TOLERANCE = 5 * MINUTE


async def changes(store: Store, no: str, stage: Stage | None = None) -> list[tuple[int, str, str, str]]:
    """(share, stage, old, new) of every light event of a ticket."""
    events = [one.event for one in await store.tickets.events(no) if one.event.action == CHANGED]
    return [
        (event.position, event.data["stage"], event.data["old"], event.data["new"])
        for event in events
        if stage is None or event.data["stage"] == stage
    ]


def clock(due: datetime, yellow: datetime, light: Light = Light.GREEN, stage: Stage = Stage.RESOLVE) -> Clock:
    return Clock(stage, "5 working_days", "L-resolve", NOW, due, yellow, due, light=light)


@pytest.mark.parametrize(
    ("stored", "now", "expected"),
    [
        (Light.GREEN, NOW + 2 * HOUR - MINUTE, Light.GREEN),
        (Light.GREEN, NOW + 2 * HOUR, Light.YELLOW),
        (Light.YELLOW, NOW + 3 * HOUR, Light.YELLOW),  # kept at its very due moment
        (Light.YELLOW, NOW + 3 * HOUR + timedelta(microseconds=1), Light.RED),
        (Light.GREEN, NOW + 30 * DAY, Light.RED),
        (Light.YELLOW, NOW + 2 * HOUR - MINUTE, Light.YELLOW),  # a machine that is a little behind
        (Light.YELLOW, NOW + 2 * HOUR - TOLERANCE, Light.YELLOW),
        (Light.YELLOW, NOW + 2 * HOUR - TOLERANCE - MINUTE, Light.GREEN),
        (Light.RED, NOW + 3 * HOUR - MINUTE, Light.RED),
        (Light.RED, NOW + 3 * HOUR - TOLERANCE - MINUTE, Light.YELLOW),
        (Light.RED, NOW, Light.GREEN),
    ],
)
def test_the_light_that_a_clock_should_show(stored: Light, now: datetime, expected: Light) -> None:
    assert light_now(clock(NOW + 3 * HOUR, NOW + 2 * HOUR, stored), now, TOLERANCE) is expected


def test_clocks_that_stopped_or_are_a_right_stay_as_they_are() -> None:
    ticket = town.ticket()
    assert ticket.lead is not None
    stopped = replace(clock(NOW, NOW), stopped_at=NOW)
    a_right = clock(NOW, NOW, stage=Stage.RETURN)
    lead = replace(ticket.lead, clocks=(stopped, a_right))
    outcome = relit(replace(ticket, assignments=(lead,)), NOW + DAY, TOLERANCE)
    assert outcome.events == ()
    assert outcome.ticket.assignments == (lead,)


async def test_the_sweep_finds_what_the_rule_says(store: Store) -> None:
    """At any moment, what the query calls stale is exactly what the pure rule would change."""
    for number, category in enumerate((town.STALL, town.RUBBISH, town.SMELL, town.COLLAPSE)):
        await taken(store, f"S{number}", category, NOW + number * HOUR)
    await taken(store, "desk", confidence=0.1)
    for hours in (0, 1, 3, 5, 8, 24, 26, 47, 48, 120, 200, 240, 100, 5, 0):
        now = NOW + hours * HOUR
        stale = set(await store.lights.stale(now, TOLERANCE, 100))
        every = await store.tickets.several(await store.tickets.numbers(TicketFilter()))
        assert stale == {ticket.no for ticket in every if relit(ticket, now, TOLERANCE).events}
        await sweeps(store).lights(now)
        assert await store.lights.stale(now, TOLERANCE, 100) == []


async def test_each_change_is_one_event_with_its_facts(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    assert ticket.lead is not None
    accept = ticket.lead.clock(Stage.ACCEPT)
    assert accept is not None
    for now in (NOW, accept.yellow_at, accept.yellow_at + MINUTE, accept.due_at, accept.due_at + MINUTE, NOW + DAY):
        await sweeps(store).lights(now)
        await sweeps(store).lights(now)
    assert await changes(store, ticket.no, Stage.ACCEPT) == [
        (1, "accept", "green", "yellow"),
        (1, "accept", "yellow", "red"),
    ]
    (turned_red,) = [
        one.event
        for one in await store.tickets.events(ticket.no)
        if one.event.action == CHANGED and one.event.data["new"] == "red"
    ]
    assert turned_red == Event(
        CHANGED,
        accept.due_at + MINUTE,
        "system",
        "system",
        1,
        {
            "stage": "accept",
            "round": 1,
            "rule": accept.rule,
            "limit": accept.limit,
            "old": "yellow",
            "new": "red",
            "yellow_at": accept.yellow_at.isoformat(),
            "due_at": accept.due_at.isoformat(),
        },
    )
    now_red = await store.tickets.get(ticket.no)
    assert now_red is not None
    assert now_red.lead is not None
    assert (now_red.light, now_red.lead.light) == (Light.RED, Light.RED)
    assert (await store.verify_chain()).intact


async def test_a_late_sweep_goes_straight_to_red(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    await sweeps(store).lights(NOW + 60 * DAY)
    assert sorted(await changes(store, ticket.no)) == [
        (1, "accept", "green", "red"),
        (1, "contact", "green", "red"),
        (1, "resolve", "green", "red"),
    ]


async def test_each_share_has_lights_of_its_own(store: Store) -> None:
    ticket = await taken(store, "S1", town.STALL)
    lead, helper = ticket.assignments
    await act(store, ticket.no, Action.ACCEPT, town.member(lead.unit), NOW)
    await act(store, ticket.no, Action.CONTACT, town.member(lead.unit), NOW)
    accept = helper.clock(Stage.ACCEPT)
    assert accept is not None
    await sweeps(store).lights(accept.due_at + MINUTE)
    found = await store.tickets.get(ticket.no)
    assert found is not None
    assert [one.light for one in found.assignments] == [Light.GREEN, Light.RED]
    assert found.light is Light.RED
    await act(store, ticket.no, Action.ACCEPT, town.member(helper.unit), accept.due_at + HOUR)
    cured = await store.tickets.get(ticket.no)
    assert cured is not None
    assert cured.light is Light.GREEN


async def test_the_desk_has_its_light(store: Store) -> None:
    ticket = await taken(store, "S1", confidence=0.1)
    await sweeps(store).lights(NOW + DAY)
    assert await changes(store, ticket.no) == [(0, "dispatch", "green", "red")]
    found = await store.tickets.get(ticket.no)
    assert found is not None
    assert found.light is Light.RED


async def test_a_finished_ticket_changes_no_light(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    member = town.member(town.ENTERPRISE)
    await act(store, ticket.no, Action.ACCEPT, member, NOW)
    await act(store, ticket.no, Action.RESOLVE, member, NOW + HOUR, result="已处理")
    await sweeps(store).lights(NOW + 90 * DAY)
    assert await changes(store, ticket.no) == []


async def test_an_extension_turns_the_light_back(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    member = town.member(town.ENTERPRISE)
    await act(store, ticket.no, Action.ACCEPT, member, NOW)
    await act(store, ticket.no, Action.CONTACT, member, NOW)
    assert ticket.due_inner is not None
    late = ticket.due_inner - HOUR
    await sweeps(store).lights(late)
    await act(store, ticket.no, Action.EXTEND, member, late, working_days=5, reason="需要鉴定")
    await act(store, ticket.no, Action.EXTEND, town.SUPERVISOR, late, decision="approved")
    await sweeps(store).lights(late)
    assert await changes(store, ticket.no) == [(1, "resolve", "green", "yellow"), (1, "resolve", "yellow", "green")]


async def test_time_that_jumps_about_leaves_the_light_where_time_ends(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    assert ticket.lead is not None
    accept = ticket.lead.clock(Stage.ACCEPT)
    assert accept is not None
    for now in (NOW, NOW + 365 * DAY, NOW, NOW + 365 * DAY, NOW):
        await sweeps(store).lights(now)
    assert await changes(store, ticket.no, Stage.ACCEPT) == 2 * [
        (1, "accept", "green", "red"),
        (1, "accept", "red", "green"),
    ]
    found = await store.tickets.get(ticket.no)
    assert found is not None
    assert found.light is Light.GREEN


async def test_processes_whose_times_differ_a_little_never_turn_a_light_back(database_url: str) -> None:
    ahead, behind = await Store.open(database_url, KEYRING), await Store.open(database_url, KEYRING)
    try:
        ticket = await taken(ahead, "S1", town.SMELL)
        assert ticket.lead is not None
        accept = ticket.lead.clock(Stage.ACCEPT)
        assert accept is not None
        for moment in (accept.yellow_at, accept.due_at + MINUTE):
            for _ in range(3):
                await asyncio.gather(
                    sweeps(ahead).lights(moment),
                    sweeps(behind).lights(moment - 2 * MINUTE),
                    sweeps(ahead).lights(moment),
                )
        assert await changes(ahead, ticket.no, Stage.ACCEPT) == [
            (1, "accept", "green", "yellow"),
            (1, "accept", "yellow", "red"),
        ]
    finally:
        await ahead.close()
        await behind.close()


async def test_sweeps_at_once_change_each_light_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More tickets than one page, swept by two processes' stores at once."""
    monkeypatch.setattr(sweeping, "PAGE", 7)
    stores = [await Store.open(database_url, KEYRING) for _ in range(2)]
    try:
        await take(stores[0], *(drafted(f"S{n}", town.SMELL) for n in range(25)))
        await asyncio.gather(*(sweeps(stores[n % 2]).lights(NOW + 60 * DAY) for n in range(4)))
        async with stores[0]._engine.connect() as connection:
            changed = select(tables.events).where(tables.events.c.action == "light_changed")
            rows = (await connection.execute(changed)).mappings()
            counted = Counter((row["ticket_id"], str(event_of(row).data)) for row in rows)
        assert len(counted) == 75
        assert set(counted.values()) == {1}
        assert (await stores[0].verify_chain()).intact
    finally:
        for one in stores:
            await one.close()


@pytest.mark.parametrize(("moment", "expected"), [("early", 0), ("late", 40)])
async def test_a_sweep_reads_what_has_fallen_due(store: Store, moment: str, expected: int) -> None:
    await take(store, *(drafted(f"S{n}", town.SMELL) for n in range(40)))
    now = NOW if moment == "early" else NOW + 60 * DAY
    assert await sweeps(store).lights(now) == expected
    assert await sweeps(store).lights(now) == 0


async def test_the_queries_read_the_partial_indexes(sqlite_database_url: str) -> None:
    """On SQLite, whose plan is the same for few rows and many; PostgreSQL reads few rows whole."""
    store = await Store.open(sqlite_database_url, KEYRING)
    seen: list[tuple[str, Any]] = []

    @event.listens_for(store._engine.sync_engine, "before_cursor_execute")
    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    await store.lights.stale(NOW, TOLERANCE, 10)
    await store.lights.climbing(0, (Light.RED,), tuple(Urgency), limit=10)
    await store.lights.page(TicketFilter(), limit=10)
    plans = []
    async with store._engine.connect() as connection:
        for statement, parameters in [one for one in seen if "clocks" in one[0]]:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append(" ".join(row[3] for row in rows))
    await store.close()
    stale, climbing, page = plans
    assert "ix_clocks_light_yellow_at" in stale
    assert "ix_clocks_light_due_at" in stale
    assert "ix_clocks_rungs_light_due_at" in climbing
    assert "ix_clocks_light_due_at" in page
    assert not any("SCAN clocks" in one for one in plans)


async def test_the_board_lists_what_is_lit(store: Store) -> None:
    """Red before yellow, then by deadline; a unit sees the clocks of its own shares; filters are those of the tickets."""
    stall = await taken(store, "stall", town.STALL)
    smell = await taken(store, "smell", town.SMELL)
    desk = await taken(store, "desk", confidence=0.1)
    assert await store.lights.page(TicketFilter()) == ([], None)
    lead = smell.lead
    assert lead is not None
    accept = lead.clock(Stage.ACCEPT)
    assert accept is not None
    await sweeps(store).lights(accept.yellow_at)
    await sweeps(store).lights(accept.due_at - MINUTE)
    found, cursor = await store.lights.page(TicketFilter())
    assert cursor is None
    assert {(one.ticket_no, one.position, one.stage, one.light) for one in found} == {
        (desk.no, 0, Stage.DISPATCH, Light.RED),
        (stall.no, 1, Stage.ACCEPT, Light.YELLOW),
        (stall.no, 2, Stage.ACCEPT, Light.YELLOW),
        (smell.no, 1, Stage.ACCEPT, Light.YELLOW),
    }
    assert found[0].light is Light.RED
    assert (found[0].brigade, found[0].handler) == ("", "")

    async def seen(**wanted: Any) -> list[tuple[str, int]]:
        return [(one.ticket_no, one.position) for one in (await store.lights.page(TicketFilter(**wanted)))[0]]

    assert await seen(unit=town.CONSTRUCTION) == [(stall.no, 2)]
    assert await seen(unit=town.ENTERPRISE) == [(smell.no, 1)]
    assert await seen(category=town.SMELL) == [(smell.no, 1)]
    assert await seen(channel="nowhere") == []
    assert await seen(light=Light.RED) == [(desk.no, 0)]
    walked: list[Any] = []
    cursor = None
    while True:
        page, cursor = await store.lights.page(TicketFilter(), cursor=cursor, limit=1)
        walked += page
        if cursor is None:
            break
    assert walked == found
    for nonsense in ("x", "W10", "WyJyZWQiXQ", "é"):
        with pytest.raises(ValueError, match="cursor"):
            await store.lights.page(TicketFilter(), cursor=nonsense)
