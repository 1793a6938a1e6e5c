"""The kept counts of what stands open are those of the tickets, whatever has happened to them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import town
from histories import History, make_histories
from parts import act, drafted, sweeps, take, taken
from sealing_keys import KEYRING, open_all_seals
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.lifecycle import Action
from domain.ticket import OPEN, Ticket
from storage import tables
from storage.migrate import downgrade, upgrade
from storage.standing import recount
from storage.store import Store
from storage.tickets import TicketFilter

Counts = dict[tuple[str, str, str], int]
START = town.at("2026-09-28 00:00")


def naive(tickets: list[Ticket]) -> Counts:
    """Counted from the tickets one by one, without any help of what is tested."""
    found: Counter[tuple[str, str, str]] = Counter()
    for ticket in tickets:
        if ticket.status in OPEN:
            found["", "light", ticket.light.value] += 1
            for unit in {share.unit for share in ticket.assignments}:
                found[unit, "light", ticket.light.value] += 1
        for gap in ticket.gaps:
            if gap.cured_at is not None:
                continue
            found["", "gap", gap.code] += 1
            for share in ticket.assignments:
                if share.position == gap.position:
                    found[share.unit, "gap", gap.code] += 1
    return dict(found)


async def kept(connection: AsyncConnection) -> Counts:
    rows = await connection.execute(select(tables.standing).where(tables.standing.c.number != 0))
    return {(row.scope, row.of, row.key): row.number for row in rows}


async def test_after_weeks_of_histories_the_counts_are_those_of_the_tickets(
    lived: tuple[Store, list[History]],
) -> None:
    store, histories = lived
    expected = naive([one.ticket for one in histories])
    assert {of for _, of, _ in expected} == {"light", "gap"}, "the weeks leave something of each kind open"
    async with store._engine.connect() as connection:
        assert await kept(connection) == expected
        await connection.execute(delete(tables.standing))
        await recount(connection)
        assert await kept(connection) == expected
        await connection.rollback()


async def test_the_board_reads_what_is_counted(lived: tuple[Store, list[History]]) -> None:
    store, histories = lived
    expected = naive([one.ticket for one in histories])
    for unit in (None, town.CITY, town.ENTERPRISE, "nobody"):
        scope = unit or ""
        lights = await store.tickets.light_counts(TicketFilter(unit=unit))
        assert {key: number for key, number in lights.items() if number} == {
            key: number for (its, of, key), number in expected.items() if (its, of) == (scope, "light")
        }
        # A filter that matches all is counted, not read: both say the same.
        assert await store.tickets.light_counts(TicketFilter(unit=unit, created_from=START)) == lights
        assert await store.lights.gap_counts(unit) == {
            key: number for (its, of, key), number in expected.items() if (its, of) == (scope, "gap")
        }


async def test_what_is_over_counts_no_more(store: Store) -> None:
    ticket = await taken(store, "S1", town.STALL, confidence=0.1)
    assert (await store.tickets.light_counts(TicketFilter()))["green"] == 1
    await act(store, ticket.no, Action.CLOSE, town.OPERATOR, town.MONDAY + timedelta(hours=1), reason="属于信访")
    assert set((await store.tickets.light_counts(TicketFilter())).values()) == {0}


async def test_what_comes_twice_counts_once(store: Store) -> None:
    await take(store, drafted("S1"), drafted("S2"), drafted("S1"))
    assert (await store.tickets.light_counts(TicketFilter()))["green"] == 2


async def test_the_migration_counts_what_there_is(database_url: str) -> None:
    store = await Store.open(database_url, KEYRING)
    await make_histories(store, 3, 12, START, 14)
    await sweeps(store).lights(START + timedelta(days=10))
    await sweeps(store).gaps(START + timedelta(days=10))
    async with store._engine.connect() as connection:
        before = await kept(connection)
    await open_all_seals(store)
    await store.close()
    await downgrade(database_url, "0004")
    await upgrade(database_url)
    store = await Store.open(database_url, KEYRING)
    async with store._engine.connect() as connection:
        assert await kept(connection) == before != {}
    await store.close()
