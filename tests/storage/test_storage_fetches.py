"""Whose turn it is to read a source, how far it is read, and that a file is taken in once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import town
from sealing_keys import KEYRING

from storage.store import Store

NOW = town.MONDAY
MINUTE = timedelta(minutes=1)
BEGIN = NOW - timedelta(days=7)


async def lease(store: Store, now: datetime) -> datetime | None:
    return await store.fetches.lease("pull:12345", now, every=5 * MINUTE, lease=30 * MINUTE, begin=BEGIN)


async def test_one_process_at_a_time_reads_a_source(database_url: str, store: Store) -> None:
    other = await Store.open(database_url, KEYRING)
    try:
        turns = await asyncio.gather(*(lease(one, NOW) for one in (store, other, store, other)))
        assert sorted(turn is None for turn in turns) == [False, True, True, True]
        assert next(turn for turn in turns if turn is not None) == BEGIN
    finally:
        await other.close()


async def test_the_next_turn_goes_on_where_the_last_one_ended(store: Store) -> None:
    assert await lease(store, NOW) == BEGIN
    await store.fetches.reached("pull:12345", NOW - MINUTE)
    await store.fetches.ended("pull:12345", NOW, "有 1 件读不出")
    assert await lease(store, NOW + 4 * MINUTE) is None, "it is not time yet"
    assert await lease(store, NOW + 5 * MINUTE) == NOW - MINUTE
    (one,) = await store.fetches.all()
    assert (one.source, one.at, one.error) == ("pull:12345", NOW, "有 1 件读不出")


async def test_a_process_that_died_gives_up_its_turn_after_a_while(store: Store) -> None:
    assert await lease(store, NOW) == BEGIN
    assert await lease(store, NOW + 29 * MINUTE) is None
    assert await lease(store, NOW + 30 * MINUTE) == BEGIN


async def test_a_file_is_known_by_its_content_for_each_channel(store: Store) -> None:
    digest = "a" * 64
    assert not await store.fetches.is_taken(digest, "12345")
    await store.fetches.take_file(digest, "12345", "一月.csv", NOW)
    await store.fetches.take_file(digest, "12345", "一月.csv", NOW)
    assert await store.fetches.is_taken(digest, "12345")
    assert not await store.fetches.is_taken(digest, "12319")
