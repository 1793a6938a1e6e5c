"""The desk's queues: the worst light and the nearest deadline first, in parts; danger elsewhere only while it is new."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import town
from parts import act, drafted, take

from domain.handling.joining import join, refuse
from domain.incident import ProposalState, Sameness, Signature
from domain.lifecycle import Action
from domain.outcome import Outcome
from domain.people import Actor, Role
from domain.ticket import Ticket
from storage.queues import Queue
from storage.sameness import Found
from storage.store import Store

NOW = town.MONDAY
LONG_AGO = NOW - timedelta(days=7)
HEAD = Actor("s1", Role.SUPERVISOR)


async def numbers(store: Store, queue: Queue, **more: int) -> list[str]:
    return [one.no for one in await store.queues.rows(queue, LONG_AGO, **more)]


async def test_what_falls_due_first_stands_first(store: Store) -> None:
    later, sooner = await take(
        store,
        drafted("A1", now=NOW + timedelta(hours=2), confidence=0.1),
        drafted("A2", now=NOW, confidence=0.1),
    )
    assert await numbers(store, Queue.TRIAGE) == [sooner.ticket.no, later.ticket.no]
    assert (await store.queues.counts([Queue.TRIAGE], LONG_AGO)) == {Queue.TRIAGE: 2}
    assert await numbers(store, Queue.TRIAGE, offset=1, limit=5) == [later.ticket.no]
    row = (await store.queues.rows(Queue.TRIAGE, LONG_AGO))[0]
    assert row.due_at is not None and row.due_at > NOW and row.understanding.category.code


async def test_a_ticket_with_an_order_to_the_desk_waits_there_until_it_is_answered(store: Store) -> None:
    receipt = (await take(store, drafted("A1", confidence=0.1)))[0]
    await act(store, receipt.ticket.no, Action.PRESS, HEAD, NOW, requirement="今天研判")
    assert await numbers(store, Queue.ORDER) == [receipt.ticket.no]
    operator = Actor("o1", Role.OPERATOR)
    await act(store, receipt.ticket.no, Action.ANSWER_PRESS, operator, NOW, answer="已研判")
    assert await numbers(store, Queue.ORDER) == []


async def proposed(store: Store, pairs: list[tuple[Ticket, Ticket, ProposalState]]) -> None:
    """Note of pairs (later, earlier) that they may be the same."""
    round_ = await store.sameness.next_round(("received",))
    found: dict[int, list[tuple[int, Sameness, ProposalState]]] = {}
    for later, earlier, state in pairs:
        found.setdefault(later.id, []).append((earlier.id, Sameness(0.9), state))
    signature = Signature(NOW, "C0201", "环境卫生")
    await store.sameness.keep(round_, [Found(one, signature, (), tuple(each)) for one, each in found.items()], NOW)


def joining(member: Ticket, lead: Ticket, incident: int) -> tuple[Outcome, Outcome]:
    return join(member, lead, Sameness(0.9), incident, HEAD, NOW)


async def test_a_duplicate_waits_while_both_are_open_and_nobody_has_said_what_it_is(store: Store) -> None:
    drafts = [drafted(f"A{number}", now=NOW, category=town.RUBBISH) for number in range(7)]
    tickets = [one.ticket for one in await take(store, *drafts)]
    first, again, told, closed, joined, third, sure = tickets
    closing = (await take(store, drafted("B1", confidence=0.1)))[0].ticket
    await proposed(
        store,
        [
            (again, first, ProposalState.OPEN),
            (told, first, ProposalState.REPEAT),
            (closing, first, ProposalState.OPEN),
            (closed, closing, ProposalState.REPEAT),
            (joined, first, ProposalState.OPEN),
            (third, first, ProposalState.OPEN),
            (third, joined, ProposalState.OPEN),
            (sure, first, ProposalState.DUE),
        ],
    )
    assert set(await numbers(store, Queue.DUPLICATE)) == {
        one.no for one in (again, told, closing, closed, joined, third)
    }
    assert {one.no for one in await store.queues.rows(Queue.TRIAGE, LONG_AGO) if one.may_repeat} == {closing.no}

    await act(store, closing.no, Action.CLOSE, HEAD, NOW, reason="已告知")
    for one in (joined, third):
        await store.incidents.join(one.no, first.no, joining, Sameness(0.9), "s1", NOW)
    assert await numbers(store, Queue.DUPLICATE) == [again.no, told.no], "those of one incident are handled together"
    for one in (again, told):
        work_of = partial(refuse, earlier_no=first.no, actor=HEAD, now=NOW, note="")
        assert await store.incidents.refuse(one.no, first.no, work_of, "s1", NOW)
    assert await numbers(store, Queue.DUPLICATE) == []
    assert await store.queues.counts([Queue.DUPLICATE], LONG_AGO) == {Queue.DUPLICATE: 0}
