"""Events come into the outbox once for each webhook, in order, from the moment it is first there."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import town
from parts import taken
from sealing_keys import KEYRING

from storage import webhooks
from storage.outbox import Delivery
from storage.store import Store

NOW = town.MONDAY
MINUTE = timedelta(minutes=1)


async def put(store: Store, name: str = "city") -> list[Delivery]:
    return await store.outbox.lease(f"webhook:{name}", NOW, limit=1000, lease=MINUTE)


async def test_it_begins_with_what_happens_from_now_on(store: Store) -> None:
    await taken(store, "S1")
    assert await store.webhooks.spread("city", (), NOW) is False
    ticket = await taken(store, "S2")
    assert await store.webhooks.spread("city", (), NOW) is False
    rows = await put(store)
    assert [(one.ticket_no, one.about) for one in rows] == [(ticket.no, "received"), (ticket.no, "dispatched")]
    assert [one.data["source_no"] for one in rows] == ["S2", "S2"]
    events = await store.tickets.events(ticket.no)
    assert [(one.data["sequence"], one.data["hash"]) for one in rows] == [(one.sequence, one.hash) for one in events]


async def test_only_the_events_that_were_asked_for(store: Store) -> None:
    for name, actions in (("city", ("dispatched",)), ("county", ("received", "closed"))):
        await store.webhooks.spread(name, actions, NOW)
    await taken(store, "S1")
    for name, actions in (("city", ("dispatched",)), ("county", ("received", "closed"))):
        await store.webhooks.spread(name, actions, NOW)
    assert [one.about for one in await put(store, "city")] == ["dispatched"]
    assert [one.about for one in await put(store, "county")] == ["received"]


async def test_processes_at_once_put_each_event_once(
    database_url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "AT_ONCE", 3)
    await store.webhooks.spread("city", (), NOW)
    for number in range(6):
        await taken(store, f"S{number}")
    other = await Store.open(database_url, KEYRING)

    async def all_of_it(one: Store) -> None:
        while await one.webhooks.spread("city", (), NOW):
            pass

    try:
        await asyncio.gather(*(all_of_it(one) for one in (store, other, store, other)))
    finally:
        await other.close()
    sequences = [one.data["sequence"] for one in await put(store)]
    assert sequences == list(range(1, 13))
