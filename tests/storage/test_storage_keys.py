"""The keys of a database: another keyring is refused, and everything is sealed anew while it changes."""

from __future__ import annotations

import asyncio

import pytest
from parts import act, taken
from sealing_keys import KEYRING
from sqlalchemy import LargeBinary, select, type_coerce
from town import MONDAY, member

from domain.lifecycle import Action
from storage import tables
from storage.keyring import Keyring, is_sealed, new_keyring
from storage.keys import WrongKeyring, was_sealed
from storage.store import Store


async def adopting(url: str, keyring: Keyring) -> None:
    store = await Store.open(url, keyring)
    try:
        await store.keys.adopt(MONDAY)
    finally:
        await store.close()


async def test_a_database_knows_its_keys(database_url: str) -> None:
    assert not await was_sealed(database_url)
    await adopting(database_url, KEYRING)
    assert await was_sealed(database_url)
    newer = KEYRING.with_new_key()
    await asyncio.gather(adopting(database_url, newer), adopting(database_url, newer))
    with pytest.raises(WrongKeyring, match="编号 2 的密钥不在"):
        await adopting(database_url, KEYRING)
    with pytest.raises(WrongKeyring, match="index 密钥不是当初用的"):
        await adopting(database_url, new_keyring())


async def test_everything_is_sealed_anew_while_it_changes(database_url: str) -> None:
    old = await Store.open(database_url, KEYRING)
    tickets = [await taken(old, f"S{number}") for number in range(3)]
    newer = await Store.open(database_url, KEYRING.with_new_key())
    try:
        before = await newer.keys.numbers()
        assert set(before) == {KEYRING.newest}
        changed = asyncio.create_task(act(newer, tickets[1].no, Action.ACCEPT, member(), MONDAY))
        sealed = await newer.keys.seal_anew()
        await changed
        assert sealed > 0
        assert await newer.keys.seal_anew() == 0
        assert set(await newer.keys.numbers()) == {KEYRING.newest + 1}
        again = await newer.tickets.get(tickets[0].no)
        assert again is not None and again.complaint.content == tickets[0].complaint.content
        assert (await newer.verify_chain()).intact
    finally:
        await old.close()
        await newer.close()


async def test_nothing_of_a_complaint_stands_open(store: Store) -> None:
    await taken(store, "S1")
    async with store._engine.connect() as connection:
        for column in (tables.complaints.c.document, tables.complaints.c.raw, tables.tickets.c.understanding):
            value = (await connection.execute(select(type_coerce(column, LargeBinary)))).scalar_one()
            assert is_sealed(value)
