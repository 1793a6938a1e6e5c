"""The record of administration: in the transaction of what it tells, found again, whole while others write."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import town

from domain.administration import Deed
from domain.people import SYSTEM, Actor, Role
from storage import chain
from storage.account_events import AccountEventFilter
from storage.store import Store

BY = Actor("administrator", Role.ADMINISTRATOR)
NOW = town.MONDAY


async def test_entries_are_found_by_account_deed_and_time_page_by_page(store: Store) -> None:
    record = store.account_events
    for number in range(5):
        at = NOW + timedelta(hours=number)
        await record.add(BY, Deed.USER_ADDED if number % 2 else Deed.USER_CHANGED, f"a{number}", at, {"n": number})
    await record.add(Actor("a1", Role.OPERATOR), Deed.SIGNED_IN, "a1", NOW + timedelta(hours=9))

    async def found(**wanted: object) -> list[int]:
        entries, _ = await record.find(AccountEventFilter(**wanted), limit=10)  # type: ignore[arg-type]
        return [one.sequence for one in entries]

    assert await found() == [6, 5, 4, 3, 2, 1]
    assert await found(account="a1") == [6, 2], "what was done to somebody, and what they did"
    assert await found(account="administrator", deed=Deed.USER_ADDED) == [4, 2]
    assert await found(start=NOW + timedelta(hours=1), end=NOW + timedelta(hours=3)) == [3, 2]
    first, before = await record.find(AccountEventFilter(), limit=4)
    second, end = await record.find(AccountEventFilter(), limit=4, before=before)
    assert ([one.sequence for one in first], [one.sequence for one in second], end) == ([6, 5, 4, 3], [2, 1], None)
    assert second[-1].data == {"n": 0} and second[-1].at == NOW


async def test_what_does_not_happen_is_not_recorded(store: Store) -> None:
    await store.accounts.set_password("nobody", "Obviously-1nvented", NOW, must_change=True, by=BY)
    assert not await store.absences.remove(7, NOW, BY)
    assert await store.parked.replay_all(NOW, BY) == 0
    assert await store.account_events.find(AccountEventFilter(), limit=10) == ([], None)


async def test_the_chain_is_whole_while_others_write(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "BATCH", 2)
    for number in range(20):
        await store.account_events.add(SYSTEM, Deed.USER_LOCKED, f"a{number}", NOW)
    stop = asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            await store.account_events.add(BY, Deed.USER_UNLOCKED, "a1", NOW)

    writing = asyncio.create_task(write())
    try:
        reports = [await store.account_events.verify() for _ in range(5)]
    finally:
        stop.set()
        await writing
    assert [one.reason for one in reports if not one.intact] == []
    assert reports[0].checked >= 20
