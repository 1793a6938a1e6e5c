"""Group commit: what is answered is stored, once; a bad unit is refused alone; nothing is lost and nothing doubled."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import town
from parts import act, drafted, take, taken, unchanged
from sealing_keys import KEYRING
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from domain.event import Event
from domain.intake import received_again
from domain.lifecycle import Action, NotAllowed
from domain.limit import Stage
from domain.outcome import Notice, Outcome
from domain.people import Role
from domain.ticket import Status, Ticket
from storage import tables, writer
from storage.database import open_engine, writing
from storage.store import Climb, NonceSeen, StorageUnavailable, Store, TicketNotFound, VersionConflict


async def count(store: Store, table: str) -> int:
    async with store._engine.connect() as connection:
        return int((await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


def without_raw(ticket: Ticket) -> Ticket:
    """As a ticket is read: the raw body stays where it is."""
    return replace(ticket, complaint=replace(ticket.complaint, raw=b""))


async def test_concurrent_requests_share_commits(store: Store) -> None:
    receipts = await asyncio.gather(*(take(store, drafted(f"S{n}"), nonce=f"n{n}") for n in range(60)))
    assert store.writer.commits <= 3
    assert len({one[0].ticket.no for one in receipts}) == 60
    assert len({one[0].ticket.id for one in receipts}) == 60
    assert not any(one[0].duplicate for one in receipts)
    report = await store.verify_chain()
    assert (report.checked, report.intact) == (120, True)


async def test_receipts_come_in_the_order_of_the_drafts(store: Store) -> None:
    receipts = await take(store, *(drafted(f"S{n}") for n in range(5)))
    assert [one.ticket.complaint.source_no for one in receipts] == ["S0", "S1", "S2", "S3", "S4"]
    assert [one.ticket.no for one in receipts] == [f"FH261123-{n:05d}" for n in range(1, 6)]


async def test_an_empty_request_stores_nothing(store: Store) -> None:
    assert await take(store) == []
    assert await count(store, "tickets") == 0


async def test_numbers_count_from_one_each_local_day(store: Store) -> None:
    late, early = town.at("2026-11-23 23:59"), town.at("2026-11-24 00:00")
    numbers = [
        (await taken(store, "S1", now=late)).no,
        (await taken(store, "S2", now=early)).no,
        (await taken(store, "S3", now=late)).no,
        (await taken(store, "S4", now=early)).no,
    ]
    assert numbers == ["FH261123-00001", "FH261124-00001", "FH261123-00002", "FH261124-00002"]


async def test_a_number_grows_wider_rather_than_repeat(store: Store) -> None:
    async with writing(store._engine) as connection:
        await connection.execute(tables.day_counters.insert().values(day="2026-11-23", last_number=99_999))
    assert (await taken(store, "S1")).no == "FH261123-100000"


async def test_a_nonce_counts_once_in_its_channel(store: Store) -> None:
    await take(store, drafted("S1"), nonce="abc")
    with pytest.raises(NonceSeen):
        await take(store, drafted("S2"), nonce="abc")
    assert await store.tickets.by_source("12345", "S2") is None
    await store.take([drafted("S3")], channel="12319", nonce="abc", seen_at=town.MONDAY, again=unchanged)
    assert await count(store, "nonces") == 2


async def test_of_two_requests_with_one_nonce_in_a_group_one_is_refused(store: Store) -> None:
    done = await asyncio.gather(
        take(store, drafted("S1"), nonce="abc"), take(store, drafted("S2"), nonce="abc"), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["NonceSeen", "list"]
    assert await count(store, "tickets") == 1


async def test_a_source_number_gives_one_ticket(store: Store) -> None:
    first, again = await take(store, drafted("S1"), drafted("S1"))
    assert (first.duplicate, again.duplicate) == (False, True)
    assert again.ticket == first.ticket
    later = (await take(store, drafted("S1")))[0]
    assert later.duplicate
    assert later.ticket == without_raw(first.ticket)
    assert await count(store, "complaints") == 1
    assert await count(store, "events") == 2


async def test_one_number_in_many_requests_at_once_gives_one_ticket(store: Store) -> None:
    done = await asyncio.gather(*(take(store, drafted("S1"), nonce=f"n{n}") for n in range(20)))
    assert [one[0].duplicate for one in done].count(False) == 1
    assert len({one[0].ticket.no for one in done}) == 1


async def test_the_same_number_of_another_channel_is_another_ticket(store: Store) -> None:
    await taken(store, "S1")
    other = await taken(store, "S1", channel="12319")
    assert other.no == "FH261123-00002"


@pytest.mark.parametrize("together", [True, False], ids=["in one request", "one after the other"])
async def test_a_differing_body_is_kept(store: Store, together: bool) -> None:
    drafts = drafted("S1", raw=b"first"), drafted("S1", content="石桥菜场又有人摆摊", raw=b"second")

    def again(existing: Ticket, draft: Outcome) -> Outcome | None:
        return received_again(existing, draft, town.CHANNEL, town.MONDAY, town.PLANNER)

    async def send(*some: Outcome) -> None:
        await store.take(some, channel="12345", nonce=None, seen_at=town.MONDAY, again=again)

    if together:
        await send(*drafts)
    else:
        for one in drafts:
            await send(one)
    await send(drafts[1])  # what was sent last comes once more: that is nothing new
    ticket = await store.tickets.by_source("12345", "S1")
    assert ticket is not None
    assert ticket.complaint.content == drafts[0].ticket.complaint.content
    assert [raw for raw, _ in await store.tickets.raw_bodies(ticket.no)] == [b"first", b"second"]
    events = [one.event for one in await store.tickets.events(ticket.no)]
    assert [one.action for one in events] == ["received", "dispatched", "sent_differently"]
    assert events[-1].data == {"fields": ["content"]}
    assert (await store.verify_chain()).intact


async def test_what_is_sent_back_to_what_it_was_is_kept_too(store: Store) -> None:
    first, other = drafted("S1", raw=b"first"), drafted("S1", content="石桥菜场又有人摆摊", raw=b"second")

    def again(existing: Ticket, draft: Outcome) -> Outcome | None:
        changed = {"fields": ["content"]}
        return Outcome(existing, (Event("sent_differently", town.MONDAY, "channel:12345", Role.CHANNEL, data=changed),))

    for one in (first, other, other, first, first):
        await store.take([one], channel="12345", nonce=None, seen_at=town.MONDAY, again=again)
    ticket = await store.tickets.by_source("12345", "S1")
    assert ticket is not None
    assert [raw for raw, _ in await store.tickets.raw_bodies(ticket.no)] == [b"first", b"second", b"first"]


async def test_a_change_is_there_whole(store: Store) -> None:
    ticket = await taken(store, "S1")
    changed = await act(store, ticket.no, Action.ACCEPT, town.member(), town.MONDAY + timedelta(minutes=5))
    assert changed.status is Status.ACCEPTED
    assert changed.version == ticket.version + 1
    assert await store.tickets.get(ticket.no) == without_raw(changed)
    assert await count(store, "events") == 3


async def test_an_outcome_without_events_changes_nothing(store: Store) -> None:
    ticket = await taken(store, "S1")
    same = await store.change(ticket.no, lambda before: Outcome(replace(before, urges=5), ()))
    assert (same.urges, same.version) == (0, ticket.version)
    assert (await store.tickets.get(ticket.no)) == same


async def test_an_unknown_ticket_is_not_found(store: Store) -> None:
    with pytest.raises(TicketNotFound):
        await act(store, "FH261123-99999", Action.ACCEPT, town.member(), town.MONDAY)


async def test_a_change_of_an_older_version_is_refused(store: Store) -> None:
    ticket = await taken(store, "S1")

    def urged(before: Ticket) -> Outcome:
        return Outcome(replace(before, urges=before.urges + 1), (Event("urged", town.MONDAY, "o1", "operator"),))

    await store.change(ticket.no, urged, expected_version=ticket.version)
    with pytest.raises(VersionConflict):
        await store.change(ticket.no, urged, expected_version=ticket.version)
    found = await store.tickets.get(ticket.no)
    assert found is not None
    assert (found.urges, found.version) == (1, ticket.version + 1)


async def test_changes_at_once_all_count(store: Store) -> None:
    ticket = await taken(store, "S1")

    def urged(before: Ticket) -> Outcome:
        return Outcome(replace(before, urges=before.urges + 1), (Event("urged", town.MONDAY, "o1", "operator"),))

    await asyncio.gather(*(store.change(ticket.no, urged) for _ in range(25)))
    found = await store.tickets.get(ticket.no)
    assert found is not None
    assert (found.urges, found.version) == (25, ticket.version + 25)
    assert (await store.verify_chain()).checked == 27


async def test_a_unit_that_fails_is_refused_alone(store: Store) -> None:
    ticket = await taken(store, "S0")
    before = store.writer.commits

    def broken(_ticket: Ticket) -> Outcome:
        raise ZeroDivisionError("a mistake of the caller")

    done = await asyncio.gather(
        take(store, drafted("S1")),
        store.change(ticket.no, broken),
        act(store, ticket.no, Action.ACCEPT, town.member(), town.MONDAY),
        act(store, ticket.no, Action.FOLLOW_UP, town.OPERATOR, town.MONDAY, solved="yes"),
        take(store, drafted("S2")),
        return_exceptions=True,
    )
    assert [type(one) for one in done] == [list, ZeroDivisionError, Ticket, NotAllowed, list]
    assert store.writer.commits == before + 1
    assert await count(store, "tickets") == 3
    assert (await store.verify_chain()).intact


async def test_a_draft_the_database_refuses_does_not_take_the_others_along(store: Store) -> None:
    """The category is longer than its column; SQLite does not mind, so there it is missing."""
    dialect = store._engine.dialect.name
    await taken(store, "S0")
    good, bad = drafted("S1"), drafted("S2")
    if dialect == "postgresql":
        bad = replace(bad, ticket=replace(bad.ticket, category="C" * 400))
    else:
        bad = replace(bad, ticket=replace(bad.ticket, category=None))  # type: ignore[arg-type]
    done = await asyncio.gather(take(store, good), take(store, bad), take(store, drafted("S3")), return_exceptions=True)
    assert [type(one) for one in done] == [list, DBAPIError if dialect == "postgresql" else IntegrityError, list]
    assert "13800000001" not in str(done[1])  # errors are logged, and must not show what people told us
    assert await store.tickets.by_source("12345", "S2") is None
    assert await count(store, "tickets") == 3
    assert (await store.verify_chain()).intact


async def test_two_tickets_change_together_or_not_at_all(store: Store) -> None:
    first, second = await taken(store, "S1"), await taken(store, "S2")

    def both(found: tuple[Ticket, Ticket]) -> tuple[Outcome, Outcome]:
        assert [one.no for one in found] == [second.no, first.no]
        return tuple(Outcome(replace(one, urges=7), (Event("urged", town.MONDAY, "o1", "operator"),)) for one in found)  # type: ignore[return-value]

    changed = await store.change_two(second.no, first.no, both)
    assert [(one.no, one.urges) for one in changed] == [(second.no, 7), (first.no, 7)]
    with pytest.raises(TicketNotFound):
        await store.change_two(first.no, "FH000000-00000", both)

    def refuses(found: tuple[Ticket, Ticket]) -> tuple[Outcome, Outcome]:
        raise NotAllowed("no")

    with pytest.raises(NotAllowed):
        await store.change_two(first.no, second.no, refuses)
    assert (await store.verify_chain()).checked == 6


async def test_a_caller_that_goes_away_takes_nothing_along(store: Store) -> None:
    tasks = [asyncio.ensure_future(take(store, drafted(f"S{n}"))) for n in range(10)]
    await asyncio.sleep(0)
    for one in tasks[::2]:
        one.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await take(store, drafted("last"))
    assert await count(store, "tickets") == 11


async def test_a_full_queue_refuses_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.writer._queue = asyncio.Queue(2)
    store.writer._task.cancel()  # type: ignore[union-attr]
    with pytest.raises(asyncio.CancelledError):
        await store.writer._task  # type: ignore[misc]
    waiting = [asyncio.ensure_future(take(store, drafted(f"S{n}"))) for n in range(3)]
    done, _ = await asyncio.wait(waiting, timeout=0.2)
    assert [type(one.exception()) for one in done] == [StorageUnavailable]
    store.writer.start()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await count(store, "tickets") == 2


async def test_closing_finishes_what_is_queued(database_url: str) -> None:
    store = await Store.open(database_url, KEYRING)
    waiting = [asyncio.ensure_future(take(store, drafted(f"S{n}"))) for n in range(40)]
    await asyncio.sleep(0)
    await store.close()
    receipts = await asyncio.gather(*waiting)
    assert len({one[0].ticket.no for one in receipts}) == 40
    with pytest.raises(StorageUnavailable):
        await take(store, drafted("S99"))
    again = await Store.open(database_url, KEYRING)
    try:
        assert await count(again, "tickets") == 40
    finally:
        await again.close()


async def test_closing_with_a_full_queue_does_not_hang(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "LARGEST_QUEUE", 3)
    store = await Store.open(database_url, KEYRING)
    waiting = [asyncio.ensure_future(take(store, drafted(f"S{n}"))) for n in range(6)]
    await asyncio.sleep(0)
    await asyncio.wait_for(store.close(), 20)
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(one) for one in done} <= {list, StorageUnavailable}
    assert sum(isinstance(one, list) for one in done) == 3


async def test_two_stores_over_one_database_number_and_chain_together(database_url: str) -> None:
    """As two processes do: each has its own writer."""
    stores = [await Store.open(database_url, KEYRING) for _ in range(2)]
    try:
        drafts = [take(stores[n % 2], drafted(f"S{n // 2}"), nonce=f"n{n}") for n in range(40)]
        receipts = [one[0] for one in await asyncio.gather(*drafts)]
        assert [one.duplicate for one in receipts].count(False) == 20
        assert {one.ticket.no for one in receipts} == {f"FH261123-{n:05d}" for n in range(1, 21)}
        assert (await stores[0].verify_chain()).checked == 40
    finally:
        for one in stores:
            await one.close()


async def test_a_nonce_seen_by_the_other_process_is_refused(database_url: str) -> None:
    one, other = await Store.open(database_url, KEYRING), await Store.open(database_url, KEYRING)
    try:
        done = await asyncio.gather(
            take(one, drafted("S1"), nonce="abc"), take(other, drafted("S2"), nonce="abc"), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in done) == ["NonceSeen", "list"]
    finally:
        await one.close()
        await other.close()


async def test_a_writer_that_waits_for_another_process_keeps_nobody_else_waiting(sqlite_database_url: str) -> None:
    """On SQLite one process writes at a time; reading, and the event loop, go on meanwhile."""
    store = await Store.open(sqlite_database_url, KEYRING)
    other = open_engine(sqlite_database_url)
    try:
        first = await taken(store, "S1")
        async with writing(other):
            waiting = asyncio.ensure_future(take(store, drafted("S2")))
            assert await store.tickets.get(first.no) is not None
            await asyncio.wait([waiting], timeout=0.1)
            assert not waiting.done()
        (receipt,) = await waiting
        assert receipt.ticket.no.endswith("-00002")
    finally:
        await store.close()
        await other.dispose()


async def test_an_unreachable_database_says_so() -> None:
    store = await Store.open("postgresql+asyncpg://nobody@127.0.0.1:9/nothing", KEYRING)
    try:
        with pytest.raises(StorageUnavailable):
            await take(store, drafted("S1"))
        with pytest.raises(StorageUnavailable):
            await store.ping()
    finally:
        await store.close()


async def test_a_step_of_the_ladder_is_taken_once(store: Store) -> None:
    ticket = await taken(store, "S1")
    climb = Climb(1, Stage.RESOLVE, 1, taken=0, until=2)

    def told(before: Ticket) -> Outcome:
        event = Event("escalated", town.MONDAY, "system", "system", 1)
        return Outcome(before, (event,), (Notice("account:a1", "light_red"),))

    await asyncio.gather(*(store.change(ticket.no, told, climb=climb) for _ in range(5)))
    assert [one.event.action for one in await store.tickets.events(ticket.no)].count("escalated") == 1
    assert (await store.outbox.counts())["waiting"] == 3  # the two units' handlers, and this one
    await store.change(ticket.no, told, climb=Climb(1, Stage.RESOLVE, 1, taken=2, until=3))
    assert [one.event.action for one in await store.tickets.events(ticket.no)].count("escalated") == 2


async def test_a_moved_deadline_starts_the_ladder_again(store: Store) -> None:
    ticket = await taken(store, "S1")

    def told(before: Ticket) -> Outcome:
        return Outcome(before, (Event("escalated", town.MONDAY, "system", "system", 1),))

    async def rungs() -> int:
        clock = tables.clocks.c
        statement = select(func.max(clock.rungs)).where(clock.position == 1, clock.stage == "resolve")
        async with store._engine.connect() as connection:
            return int((await connection.execute(statement)).scalar_one())

    await store.change(ticket.no, told, climb=Climb(1, Stage.RESOLVE, 1, taken=0, until=2))
    assert await rungs() == 2
    member = town.member()
    await act(store, ticket.no, Action.ACCEPT, member, town.MONDAY)
    await act(store, ticket.no, Action.EXTEND, member, town.MONDAY, working_days=2, reason="需要鉴定")
    assert await rungs() == 2
    await act(store, ticket.no, Action.EXTEND, town.SUPERVISOR, town.MONDAY, decision="approved")
    assert await rungs() == 0
