"""Wrong digits for a ticket are counted over all visitors and processes, and no more than allowed get through at once."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

from sealing_keys import KEYRING

from storage.store import Store

TODAY = date(2026, 11, 24)


async def test_a_ticket_is_closed_for_the_day_after_so_many_misses(store: Store) -> None:
    assert [await store.look_ups.allowed("FH261124-00001", TODAY, 2) for _ in range(3)] == [True, True, False]
    assert await store.look_ups.allowed("FH261124-00002", TODAY, 2), "another ticket is not concerned"
    assert await store.look_ups.allowed("FH261124-00001", TODAY + timedelta(days=1), 2), "nor is another day"


async def test_right_digits_are_no_miss(store: Store) -> None:
    for _ in range(5):
        assert await store.look_ups.allowed("FH261124-00001", TODAY, 1)
        await store.look_ups.matched("FH261124-00001", TODAY)
    assert await store.look_ups.allowed("FH261124-00001", TODAY, 1)
    assert not await store.look_ups.allowed("FH261124-00001", TODAY, 1)


async def test_many_guesses_at_once_get_no_more_than_that(database_url: str) -> None:
    stores = [await Store.open(database_url, KEYRING) for _ in range(2)]
    try:
        let_through = await asyncio.gather(
            *(stores[n % 2].look_ups.allowed("FH261124-00001", TODAY, 5) for n in range(20))
        )
        assert let_through.count(True) == 5
    finally:
        for one in stores:
            await one.close()
