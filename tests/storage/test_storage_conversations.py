"""Dialogues in the database: an optimistic lock, each turn once, forgotten with everything that belongs to them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage.conversations import ConversationChanged, StoredConversation, StoredTurn
from storage.store import Store

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
NEW = StoredConversation("c1", 0, "{}", NOW)


def said(number: int, reply: str | None = "好") -> StoredTurn:
    return StoredTurn(f"t{number}", NOW + timedelta(minutes=number), f"话{number}", reply)


async def test_a_dialogue_is_found_as_it_was_saved(store: Store) -> None:
    kept = store.conversations
    assert await kept.find("nobody") is None
    await kept.save("somebody", NEW, said(1))
    assert await kept.find("somebody") == StoredConversation("c1", 1, "{}", NOW)
    assert await kept.turn("c1", "t1") == said(1)
    assert await kept.turn("c1", "t2") is None


async def test_whoever_read_an_older_version_stores_nothing(store: Store) -> None:
    kept = store.conversations
    await kept.save("somebody", NEW, said(1))
    await kept.save("somebody", replace(NEW, version=1, document="1"), said(2))
    with pytest.raises(ConversationChanged):
        await kept.save("somebody", replace(NEW, version=1, document="2"), said(3))
    found = await kept.find("somebody")
    assert found is not None
    assert (found.version, found.document) == (2, "1")
    assert await kept.turn("c1", "t3") is None


async def test_a_person_has_one_dialogue(store: Store) -> None:
    kept = store.conversations
    await kept.save("somebody", NEW, said(1))
    with pytest.raises(ConversationChanged):
        await kept.save("somebody", replace(NEW, id="c2"), said(1))


async def test_of_many_at_once_one_wins_each_round(store: Store) -> None:
    kept = store.conversations

    async def one(number: int) -> None:
        while True:
            found = await kept.find("somebody") or NEW
            try:
                await kept.save("somebody", replace(found, document=str(number)), said(number))
            except ConversationChanged:
                continue
            return

    await asyncio.gather(*(one(number) for number in range(12)))
    found = await kept.find("somebody")
    assert found is not None
    assert found.version == 12
    turns = await kept.turns("c1", 100)
    assert sorted(one.turn_id for one in turns) == sorted(f"t{number}" for number in range(12))


async def test_a_reply_is_filled_in_later_and_the_turn_keeps_its_place(store: Store) -> None:
    kept = store.conversations
    await kept.save("somebody", NEW, said(1, None))
    await kept.save("somebody", replace(NEW, version=1), said(2))
    await kept.save("somebody", replace(NEW, version=2), said(1, "办好了"))
    assert [(one.turn_id, one.reply) for one in await kept.turns("c1", 10)] == [("t1", "办好了"), ("t2", "好")]
    assert [one.turn_id for one in await kept.turns("c1", 1)] == ["t2"]


async def test_turns_that_wait_are_found(store: Store) -> None:
    kept = store.conversations
    await kept.save("somebody", NEW, said(1, None))
    await kept.save("another", replace(NEW, id="c2"), said(2))
    assert await kept.unanswered(NOW + timedelta(minutes=1), 10) == []
    assert await kept.unanswered(NOW + timedelta(minutes=2), 10) == ["somebody"]
    await kept.save("somebody", replace(NEW, version=1), said(1))
    assert await kept.unanswered(NOW + timedelta(minutes=2), 10) == []


async def test_old_dialogues_are_forgotten_whole(store: Store) -> None:
    kept = store.conversations
    await kept.save("old", NEW, said(1))
    await kept.save("young", replace(NEW, id="c2", changed_at=NOW + timedelta(days=9)), said(1))
    assert await kept.forget(NOW + timedelta(days=5)) == 1
    assert await kept.find("old") is None
    assert await kept.turns("c1", 10) == []
    assert await kept.find("young") is not None
    assert await kept.forget(NOW + timedelta(days=5)) == 0
