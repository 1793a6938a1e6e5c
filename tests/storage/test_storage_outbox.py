"""The outbox: each delivery is one deliverer's at a time, comes back when that one dies, and ends delivered or parked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import town
from parts import drafted, take
from sealing_keys import KEYRING

from domain.outcome import Notice
from storage.outbox import LONGEST_ERROR
from storage.store import Store

NOW = town.MONDAY
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def filled(store: Store) -> Store:
    """Six notices to the platform, and one to an account."""
    for number in range(6):
        notices = (Notice("channel:12345", "accepted", {"number": number}),)
        if number == 0:
            notices += (Notice("account:a1", "dispatched"),)
        await take(store, replace(drafted(f"S{number}"), notices=notices))
    return store


async def test_a_delivery_says_what_to_tell_whom(filled: Store) -> None:
    (first, *_) = await filled.outbox.lease("channel:", NOW, limit=10, lease=MINUTE)
    assert (first.ticket_no, first.destination, first.about) == ("FH261123-00001", "channel:12345", "accepted")
    assert (first.data, first.attempts, first.created_at) == ({"number": 0}, 1, NOW)
    (told,) = await filled.outbox.lease("account:", NOW, limit=10, lease=MINUTE)
    assert told.destination == "account:a1"
    assert told.idempotency_key != first.idempotency_key


async def test_a_platform_hears_of_a_tickets_steps_in_their_order(store: Store) -> None:
    steps = tuple(Notice("channel:12345", about) for about in ("accepted", "contacted", "resolved"))
    others = (Notice("account:a1", "dispatched"), Notice("account:a1", "pressed"))
    await take(store, replace(drafted("S1"), notices=(*steps, *others)))
    await take(store, replace(drafted("S2"), notices=steps[:1]))

    async def due(kind: str, now: datetime) -> list[tuple[str, str]]:
        return [(one.ticket_no[-1], one.about) for one in await store.outbox.lease(kind, now, limit=10, lease=MINUTE)]

    (first, _) = await store.outbox.lease("channel:", NOW, limit=10, lease=MINUTE)
    assert await due("account:", NOW) == [("1", "dispatched"), ("1", "pressed")], "people are told all at once"
    assert await due("channel:", NOW) == []
    await store.outbox.failed(first.id, "503", NOW + 10 * MINUTE)
    assert await due("channel:", NOW + 5 * MINUTE) == [("2", "accepted")], "the second's lease is over"
    await store.outbox.delivered(first.id, NOW)
    ((_, contacted),) = await due("channel:", NOW)
    assert contacted == "contacted"
    (waiting,) = await store.outbox.lease("channel:1", NOW + MINUTE, limit=1, lease=MINUTE)
    await store.outbox.parked([waiting.id], "given up", NOW)
    assert await due("channel:", NOW) == [("1", "resolved")], "what is given up keeps nobody waiting"


async def test_what_is_leased_is_nobody_elses(database_url: str, filled: Store) -> None:
    other = await Store.open(database_url, KEYRING)
    try:
        leases = await asyncio.gather(
            *(one.outbox.lease("channel:", NOW, limit=2, lease=MINUTE) for one in (filled, other, filled, other))
        )
        ids = [delivery.id for lease in leases for delivery in lease]
        assert len(ids) == len(set(ids)) == 6
        assert await filled.outbox.lease("channel:", NOW, limit=10, lease=MINUTE) == []
    finally:
        await other.close()


async def test_what_a_dead_deliverer_held_comes_back_with_the_same_key(filled: Store) -> None:
    first = await filled.outbox.lease("channel:", NOW, limit=10, lease=MINUTE)
    assert await filled.outbox.lease("channel:", NOW + MINUTE / 2, limit=10, lease=MINUTE) == []
    again = await filled.outbox.lease("channel:", NOW + MINUTE, limit=10, lease=MINUTE)
    assert [one.idempotency_key for one in again] == [one.idempotency_key for one in first]
    assert {one.attempts for one in again} == {2}


async def test_delivered_and_parked_ones_rest(filled: Store) -> None:
    first, second, third, *_ = await filled.outbox.lease("channel:", NOW, limit=10, lease=MINUTE)
    await filled.outbox.delivered(first.id, NOW)
    await filled.outbox.parked([second.id], "平台拒收", NOW)
    await filled.outbox.failed(third.id, "超时" * LONGEST_ERROR, NOW + 5 * MINUTE)
    left = await filled.outbox.lease("channel:", NOW + 2 * MINUTE, limit=10, lease=100 * MINUTE)
    assert {one.id for one in left} & {first.id, second.id, third.id} == set()
    (late,) = await filled.outbox.lease("channel:", NOW + 5 * MINUTE, limit=10, lease=MINUTE)
    assert late.id == third.id
    assert await filled.outbox.counts() == {"waiting": 5, "delivered": 1, "parked": 1}


async def test_a_kind_is_no_pattern(filled: Store) -> None:
    assert await filled.outbox.lease("%", NOW, limit=10, lease=MINUTE) == []
    assert await filled.outbox.lease("channe_", NOW, limit=10, lease=MINUTE) == []
    assert len(await filled.outbox.lease("", NOW, limit=10, lease=MINUTE)) == 7


async def test_nothing_is_due_before_its_time(filled: Store) -> None:
    assert await filled.outbox.lease("", NOW - MINUTE, limit=10, lease=MINUTE) == []
