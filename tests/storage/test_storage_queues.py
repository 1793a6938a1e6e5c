"""The desk's queues: the worst light and the nearest deadline first, in parts; danger elsewhere only while it is new."""

from __future__ import annotations

from datetime import timedelta

import town
from parts import act, drafted, take

from domain.complaint import Reporter
from domain.lifecycle import Action
from domain.people import Actor, Role
from storage.queues import Queue
from storage.store import Store

NOW = town.MONDAY
LONG_AGO = NOW - timedelta(days=7)
HEAD = Actor("s1", Role.SUPERVISOR)


async def numbers(store: Store, queue: Queue, **more: int) -> list[str]:
    return [one.no for one in await store.queues.rows(queue, (), LONG_AGO, **more)]


async def test_what_falls_due_first_stands_first(store: Store) -> None:
    later, sooner = await take(
        store,
        drafted("A1", now=NOW + timedelta(hours=2), confidence=0.1),
        drafted("A2", now=NOW, confidence=0.1),
    )
    assert await numbers(store, Queue.TRIAGE) == [sooner.ticket.no, later.ticket.no]
    assert (await store.queues.counts([Queue.TRIAGE], (), LONG_AGO)) == {Queue.TRIAGE: 2}
    assert await numbers(store, Queue.TRIAGE, offset=1, limit=5) == [later.ticket.no]
    row = (await store.queues.rows(Queue.TRIAGE, (), LONG_AGO))[0]
    assert row.due_at is not None and row.due_at > NOW and row.understanding.category.code


async def test_a_ticket_with_an_order_to_the_desk_waits_there_until_it_is_answered(store: Store) -> None:
    receipt = (await take(store, drafted("A1", confidence=0.1)))[0]
    await act(store, receipt.ticket.no, Action.PRESS, HEAD, NOW, requirement="今天研判")
    assert await numbers(store, Queue.ORDER) == [receipt.ticket.no]
    operator = Actor("o1", Role.OPERATOR)
    await act(store, receipt.ticket.no, Action.ANSWER_PRESS, operator, NOW, answer="已研判")
    assert await numbers(store, Queue.ORDER) == []


async def test_duplicates_are_those_that_are_named_and_open(store: Store) -> None:
    first, second = await take(store, drafted("A1", confidence=0.1), drafted("A2", confidence=0.1))
    named = (second.ticket.no, "FH000000-00001")
    assert [one.no for one in await store.queues.rows(Queue.DUPLICATE, named, LONG_AGO)] == [second.ticket.no]
    await act(store, second.ticket.no, Action.CLOSE, HEAD, NOW, reason="已告知")
    assert await store.queues.rows(Queue.DUPLICATE, named, LONG_AGO) == []
    assert await numbers(store, Queue.TRIAGE) == [first.ticket.no]


async def test_sightings_are_of_what_is_open_and_new(store: Store) -> None:
    reporter = Reporter(phone="13800000001")
    old, new = await take(
        store,
        drafted("A1", now=NOW - timedelta(days=30), confidence=0.1, reporter=reporter),
        drafted("A2", confidence=0.1, reporter=reporter),
    )
    seen = await store.queues.sightings(LONG_AGO)
    assert [one.no for one in seen] == [new.ticket.no] and seen[0].reporter
    assert {one.no for one in await store.queues.sightings(NOW - timedelta(days=60))} == {old.ticket.no, new.ticket.no}
    assert len({one.reporter for one in await store.queues.sightings(NOW - timedelta(days=60))}) == 1
