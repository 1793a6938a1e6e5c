"""The chain of events: whoever alters, drops, reorders, adds or cuts off is found, and the first wrong place is named."""

from __future__ import annotations

import pytest
import town
from parts import act, taken
from sqlalchemy import text

from domain.lifecycle import Action
from storage import chain
from storage.database import writing
from storage.store import Store


@pytest.fixture
async def chained(store: Store) -> Store:
    """A store with seven events."""
    for number in range(3):
        ticket = await taken(store, f"S{number}")
    await act(store, ticket.no, Action.ACCEPT, town.member(), town.MONDAY)
    return store


async def tamper(store: Store, *statements: str) -> None:
    async with writing(store._engine) as connection:
        for one in statements:
            await connection.execute(text(one))


@pytest.mark.parametrize("batch", [1, 3, 7, 8, 5_000])
async def test_an_untouched_chain_is_intact_whatever_the_batch(
    chained: Store, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "BATCH", batch)
    report = await chained.verify_chain()
    assert (report.checked, report.broken_at, report.intact) == (7, None, True)


async def test_an_empty_chain_is_intact(store: Store) -> None:
    assert (await store.verify_chain()).checked == 0


@pytest.mark.parametrize(
    ("statements", "broken_at"),
    [
        pytest.param(('UPDATE events SET data = \'{"new":"red"}\' WHERE sequence = 3',), 3, id="altered data"),
        pytest.param(("UPDATE events SET words = NULL WHERE sequence = 3",), 3, id="words gone, and no event says why"),
        pytest.param(("UPDATE events SET words_digest = '' WHERE sequence = 3",), 3, id="no digest"),
        pytest.param(
            ("UPDATE events SET words = substr(words, 1, length(words) - 1) WHERE sequence = 3",), 3, id="altered words"
        ),
        pytest.param(
            ("UPDATE events SET words = (SELECT words FROM events WHERE sequence = 1) WHERE sequence = 3",),
            3,
            id="another event's words",
        ),
        pytest.param(("UPDATE events SET actor = 'x' WHERE sequence = 1",), 1, id="another actor"),
        pytest.param(("UPDATE events SET role = 'x' WHERE sequence = 2",), 2, id="another role"),
        pytest.param(("UPDATE events SET position = 2 WHERE sequence = 7",), 7, id="another share"),
        pytest.param(("UPDATE events SET ticket_id = 1 WHERE sequence = 5",), 5, id="another ticket"),
        pytest.param(("UPDATE events SET at = '2026-11-23 00:00:00.000000' WHERE sequence = 4",), 4, id="another time"),
        pytest.param(("UPDATE events SET action = 'urged' WHERE sequence = 6",), 6, id="another action"),
        pytest.param(("UPDATE events SET hash = '0' WHERE sequence = 4",), 4, id="another hash"),
        pytest.param(("DELETE FROM events WHERE sequence = 2",), 2, id="dropped"),
        pytest.param(("DELETE FROM events WHERE sequence = 1",), 1, id="the first dropped"),
        pytest.param(("DELETE FROM events WHERE sequence >= 6",), 6, id="cut off"),
        pytest.param(("DELETE FROM events",), 1, id="all gone"),
        pytest.param(
            (
                "UPDATE events SET sequence = 99 WHERE sequence = 3",
                "UPDATE events SET sequence = 3 WHERE sequence = 4",
                "UPDATE events SET sequence = 4 WHERE sequence = 99",
            ),
            3,
            id="reordered",
        ),
        pytest.param(
            ("DELETE FROM events WHERE sequence = 3", "UPDATE events SET sequence = sequence - 1 WHERE sequence > 3"),
            3,
            id="dropped and closed up",
        ),
        pytest.param(("UPDATE head SET event_hash = 'x'",), 7, id="another head"),
        pytest.param(("UPDATE head SET event_sequence = 6",), 7, id="one that the head does not know"),
        pytest.param(("UPDATE head SET event_sequence = 8",), 8, id="one that the head misses"),
    ],
)
async def test_tampering_is_found_and_named(chained: Store, statements: tuple[str, ...], broken_at: int) -> None:
    await tamper(chained, *statements)
    report = await chained.verify_chain()
    assert report.broken_at == broken_at
    assert report.reason
    assert not report.intact


async def test_a_forged_event_at_the_end_is_found(chained: Store) -> None:
    await tamper(
        chained,
        "INSERT INTO events (sequence, ticket_id, position, action, at, actor, role, data, hash) "
        "SELECT 8, ticket_id, position, action, at, actor, role, data, hash FROM events WHERE sequence = 7",
    )
    assert (await chained.verify_chain()).broken_at == 8
