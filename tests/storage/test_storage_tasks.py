"""What a unit has to do: its own shares in hand, what is due first, what it finished lately; on each kind of database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import town
from parts import act, taken

from domain.lifecycle import Action
from domain.ticket import Ticket
from storage.store import Store

HOUR = timedelta(hours=1)


def sources(tickets: Sequence[Ticket]) -> list[str]:
    return [one.complaint.source_no for one in tickets]


async def test_in_hand_is_what_the_unit_leads_or_helps_with_and_has_not_finished(store: Store) -> None:
    stall = await taken(store, "stall", town.STALL)  # brigade 3 helps
    await taken(store, "rubbish", town.RUBBISH)
    await taken(store, "smell", town.SMELL)
    await taken(store, "desk", confidence=0.1)
    assert await named(store, town.CITY) == (["stall", "rubbish"], 2)
    assert await named(store, town.CONSTRUCTION) == (["stall"], 1)
    helper = town.member(town.CONSTRUCTION)
    await act(store, stall.no, Action.ACCEPT, helper, town.MONDAY + HOUR)
    await act(store, stall.no, Action.RESOLVE, helper, town.MONDAY + 2 * HOUR, result="已协助")
    assert await named(store, town.CONSTRUCTION) == ([], 0)
    assert await named(store, town.CITY) == (["stall", "rubbish"], 2)
    assert await named(store, "") == ([], 0)


async def named(store: Store, unit: str, most: int = 100) -> tuple[list[str], int]:
    tickets, in_all = await store.tasks.in_hand(unit, most)
    return sources(tickets), in_all


async def test_where_there_is_no_room_the_least_urgent_are_left_out(store: Store) -> None:
    await taken(store, "later", town.RUBBISH, town.MONDAY + 48 * HOUR)
    await taken(store, "first", town.RUBBISH)
    await taken(store, "urgent", town.COLLAPSE)
    assert await named(store, town.CITY, most=2) == (["first", "urgent"], 3)


async def test_finished_is_what_the_unit_itself_resolved_newest_first(store: Store) -> None:
    numbers = [(await taken(store, name, town.RUBBISH)).no for name in ("early", "late", "open", "old")]
    mine = town.member()
    for no, hours in ((numbers[0], 5), (numbers[1], 6), (numbers[3], 1)):
        await act(store, no, Action.ACCEPT, mine, town.MONDAY + HOUR / 2)
        await act(store, no, Action.RESOLVE, mine, town.MONDAY + hours * HOUR, result="已清理")
    since = town.MONDAY + 2 * HOUR
    assert sources(await store.tasks.finished(town.CITY, since, 10)) == ["late", "early"]
    assert sources(await store.tasks.finished(town.CITY, since, 1)) == ["late"]
    assert await store.tasks.finished(town.ENTERPRISE, since, 10) == []
