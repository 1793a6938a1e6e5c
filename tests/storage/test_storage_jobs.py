"""What timers need of the database: claims and cursors that any number of processes share, kept days, the purge."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import town
from parts import drafted, take
from sealing_keys import KEYRING
from sqlalchemy import select

from domain.people import Role
from storage import tables
from storage.account_events import AccountEventFilter
from storage.store import NonceSeen, Store

NOW = town.MONDAY


async def test_a_slot_is_claimed_by_one_of_many(database_url: str) -> None:
    stores = [await Store.open(database_url, KEYRING) for _ in range(2)]
    try:
        won = await asyncio.gather(*(stores[n % 2].jobs.claim("report", "2026-11", NOW) for n in range(6)))
        assert won.count(True) == 1
        assert await stores[0].jobs.claim("report", "2026-12", NOW)
        assert not await stores[1].jobs.claim("report", "2026-12", NOW)

        assert await stores[0].jobs.settled("calendar") is None
        for slot in ("one", "other", "one"):
            await asyncio.gather(*(one.jobs.settle("calendar", slot, NOW) for one in stores))
            assert await stores[1].jobs.settled("calendar") == slot
    finally:
        for one in stores:
            await one.close()


async def test_a_cursor_never_goes_back(store: Store) -> None:
    assert await store.jobs.followed("gaps") == 0
    await asyncio.gather(*(store.jobs.follow("gaps", sequence) for sequence in (5, 9, 7)))
    await store.jobs.follow("gaps", 3)
    assert await store.jobs.followed("gaps") == 9
    assert await store.jobs.followed("other") == 0


async def test_the_purge_forgets_only_what_is_old(store: Store) -> None:
    await take(store, drafted("S1"), nonce="old", seen_at=NOW)
    await take(store, drafted("S2"), nonce="new", seen_at=NOW + timedelta(hours=2))
    await store.jobs.claim("job", "old", NOW)
    await store.jobs.claim("job", "new", NOW + timedelta(hours=2))
    hour = NOW + timedelta(hours=1)
    await store.jobs.purge(hour, nonces_before=hour, claims_before=hour, tokens_before=hour)
    await take(store, drafted("S3"), nonce="old")
    with pytest.raises(NonceSeen):
        await take(store, drafted("S4"), nonce="new")
    assert await store.jobs.claim("job", "old", hour)
    assert not await store.jobs.claim("job", "new", hour)


async def test_the_purge_forgets_tokens_that_are_over_and_keeps_their_record(store: Store) -> None:
    accounts = store.accounts
    tokens = {
        name: await accounts.create_token(
            f"token:{name}", Role.SUPERVISOR, None, "test", NOW, NOW + timedelta(days=days), by=town.SUPERVISOR
        )
        for name, days in (("expired", 1), ("revoked", 90), ("ended_lately", 90), ("lives", 90))
    }
    await accounts.revoke(tokens["revoked"], NOW + timedelta(days=2))
    await accounts.revoke(tokens["ended_lately"], NOW + timedelta(days=4))
    before = NOW + timedelta(days=3)
    await store.jobs.purge(before, nonces_before=before, claims_before=before, tokens_before=before)
    async with store._engine.connect() as connection:
        left = set((await connection.execute(select(tables.tokens.c.account))).scalars())
    assert left == {"token:ended_lately", "token:lives"}
    assert await accounts.actor_for_token(tokens["lives"], before) is not None
    assert await accounts.actor_for_token(tokens["expired"], NOW) is None
    made, _ = await store.account_events.find(AccountEventFilter(), limit=10)
    assert {one.subject for one in made} == set(tokens)
