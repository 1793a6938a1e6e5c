"""What people told us is gone from everywhere once it is erased; the chain, the figures and other tickets stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from parts import act, drafted, taken
from sqlalchemy import select, text, update
from town import CHANNEL, MONDAY, OPERATOR, PLANNER, STALL, member

from domain.complaint import Reporter
from domain.erasure import ERASED, GONE, erase
from domain.intake import received_again
from domain.lifecycle import Action, NotAllowed
from domain.outcome import Outcome
from domain.people import SYSTEM
from domain.ticket import Status, Ticket
from storage import tables
from storage.database import writing
from storage.store import Store, TicketNotFound

PHONE = "13800000001"
TOLD = "石桥菜场门口有人占道摆摊，我叫张发明，住石桥新村9幢"


async def closed(store: Store, source_no: str = "S1") -> Ticket:
    reporter = Reporter(name="张发明", phone=PHONE)
    ticket = await taken(store, source_no, STALL, content=TOLD, reporter=reporter, raw=TOLD.encode())
    await act(store, ticket.no, Action.ACCEPT, member(), MONDAY)
    await act(store, ticket.no, Action.CONTACT, member(), MONDAY, note="已和张发明联系")
    await act(
        store, ticket.no, Action.RESOLVE, member(), MONDAY, result="已请摊主离开，并告知张发明", photos=("/pictures/1",)
    )
    await act(store, ticket.no, Action.FOLLOW_UP, OPERATOR, MONDAY, solved="yes", satisfaction="satisfied")
    return await act(store, ticket.no, Action.CLOSE, OPERATOR, MONDAY)


async def tell_all(store: Store) -> None:
    """Nothing waits to be delivered any more."""
    async with writing(store._engine) as connection:
        await connection.execute(update(tables.outbox).values(next_attempt_at=None, delivered_at=MONDAY))


async def erased(store: Store, no: str) -> Ticket:
    return await store.erasing.erase(no, lambda found: erase(found, "request", SYSTEM, MONDAY), lambda _: (1,))


async def test_what_was_told_is_gone_and_the_chain_and_the_figures_stay(store: Store) -> None:
    ticket, other = await closed(store), await closed(store, "S2")
    await tell_all(store)
    await store.search.catch_up()
    assert len((await store.search.find("石桥新村9幢")).items) == 2
    assert await store.erasing.of_number("138-0000-0001") == [ticket.no, other.no]
    before = await store.tickets.events(ticket.no)

    await erased(store, ticket.no)

    after = await store.tickets.get(ticket.no)
    assert after is not None
    assert after.complaint.content == GONE
    assert after.complaint.reporter == Reporter()
    assert (after.status, after.satisfaction, after.category) == (Status.CLOSED, "satisfied", ticket.category)
    assert await store.erasing.of_number(PHONE) == [other.no]
    assert [one.ticket_no for one in (await store.search.find("石桥新村9幢")).items] == [other.no]
    events = await store.tickets.events(ticket.no)
    assert [one.event.action for one in events] == [*(one.event.action for one in before), ERASED]
    followed_up = next(one.event for one in events if one.event.action == "followed_up")
    assert followed_up.data["satisfaction"] == "satisfied"
    assert not any("张发明" in str(one.event.data) for one in events)
    assert (await store.verify_chain()).intact
    untouched = await store.tickets.get(other.no)
    assert untouched is not None and untouched.complaint.content == TOLD


async def test_nothing_of_it_stands_anywhere(store: Store) -> None:
    ticket = await closed(store)
    await tell_all(store)
    await store.search.catch_up()
    await erased(store, ticket.no)
    async with store._engine.connect() as connection:
        for table in tables.metadata.sorted_tables:
            for row in (await connection.execute(select(table))).all():
                assert "张发明" not in str(row) and PHONE not in str(row), table.name
        raw = select(tables.complaints.c.raw).where(tables.complaints.c.ticket_id == ticket.id)
        assert (await connection.execute(raw)).scalars().all() == [b""]
        kind = connection.dialect.name
        holds = "search_grams MATCH :p" if kind == "sqlite" else "grams @> ARRAY[:p]"
        left = f"SELECT count(*) FROM search_grams WHERE {holds}"
        piece = store.search._kept("石桥")
        assert (await connection.execute(text(left), {"p": piece})).scalar_one() == 0


async def test_what_is_told_again_after_that_can_be_erased_again(store: Store) -> None:
    ticket = await closed(store)
    await tell_all(store)
    await erased(store, ticket.no)
    again = drafted("S1", STALL, content=TOLD, raw=TOLD.encode(), source_version=1)

    def received(existing: Ticket, draft: Outcome) -> Outcome | None:
        return received_again(existing, draft, CHANNEL, MONDAY, PLANNER)

    await store.take([again], channel="12345", nonce=None, seen_at=MONDAY, again=received)
    await act(store, ticket.no, Action.ACCEPT, member(), MONDAY)
    await act(store, ticket.no, Action.CONTACT, member(), MONDAY)
    await act(store, ticket.no, Action.RESOLVE, member(), MONDAY, result="已再次处理", photos=("/pictures/2",))
    await act(store, ticket.no, Action.FOLLOW_UP, OPERATOR, MONDAY, solved="yes", satisfaction="satisfied")
    await act(store, ticket.no, Action.CLOSE, OPERATOR, MONDAY)
    await tell_all(store)
    assert await store.erasing.over_since(MONDAY + timedelta(days=1), 10) == [ticket.no]
    await erased(store, ticket.no)
    assert [raw for raw, _ in await store.tickets.raw_bodies(ticket.no)] == [b"", b""]
    assert (await store.verify_chain()).intact


async def test_what_was_given_up_is_not_told_emptied(store: Store) -> None:
    ticket = await closed(store)
    async with writing(store._engine) as connection:
        await connection.execute(update(tables.outbox).values(next_attempt_at=None, parked_at=MONDAY))
    await erased(store, ticket.no)
    assert await store.parked.latest(10) == []


async def test_what_is_worked_on_or_waits_to_be_told_is_not_erased(store: Store) -> None:
    ticket = await closed(store)
    with pytest.raises(NotAllowed, match="没有送达"):
        await erased(store, ticket.no)
    running = await taken(store, "S2")
    await tell_all(store)
    with pytest.raises(NotAllowed, match="还没有结案"):
        await erased(store, running.no)
    with pytest.raises(TicketNotFound):
        await erased(store, "FH000000-00000")
    again = await store.tickets.get(ticket.no)
    assert again is not None and again.complaint.content == TOLD


async def test_what_is_over_long_enough_is_found_once(store: Store) -> None:
    ticket = await closed(store)
    await tell_all(store)
    later = MONDAY + timedelta(days=1)
    assert await store.erasing.over_since(MONDAY, 10) == []
    assert await store.erasing.over_since(later, 10) == [ticket.no]
    await erased(store, ticket.no)
    assert await store.erasing.over_since(later, 10) == []
