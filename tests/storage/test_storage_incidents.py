"""Incidents on both databases: once among processes, with their events, and undone without loss."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from parts import act, taken
from sealing_keys import KEYRING, open_all_seals
from town import CITY, MONDAY, OPERATOR, RUBBISH, member

from domain.complaint import Reporter
from domain.handling.joining import JOINED, join, leave, refuse
from domain.incident import Incident, ProposalState, Sameness, Signature
from domain.lifecycle import Action, NotAllowed
from domain.outcome import Outcome
from domain.ticket import Ticket
from storage import sameness
from storage.migrate import downgrade, upgrade
from storage.sameness import Found
from storage.store import Store, TicketNotFound

LATER = MONDAY + timedelta(hours=1)
SURE = Sameness(0.97, ())


@pytest.fixture
async def other_process(store: Store, database_url: str) -> AsyncIterator[Store]:
    """A second store over the same database, with connections of its own."""
    opened = await Store.open(database_url, KEYRING)
    yield opened
    await opened.close()


def joining(one: Ticket, lead: Ticket, incident: int) -> tuple[Outcome, Outcome]:
    return join(one, lead, SURE, incident, OPERATOR, LATER)


def leaving(one: Ticket, lead: Ticket, incident: int) -> tuple[Outcome, Outcome]:
    return leave(one, lead, incident, OPERATOR, LATER, "不是同一处")


async def told(store: Store, count: int) -> list[Ticket]:
    return [
        await taken(store, f"T{number}", RUBBISH, reporter=Reporter(phone=f"1380000000{number}"))
        for number in range(count)
    ]


async def joined(store: Store, no: str, other: str, *, due: bool = False) -> Incident:
    return await store.incidents.join(no, other, joining, SURE, "o1", LATER, due=due)


async def actions(store: Store, no: str) -> list[str]:
    return [one.event.action for one in await store.tickets.events(no)]


async def test_a_member_stands_behind_its_lead_and_comes_back_unchanged(store: Store) -> None:
    lead, one = await store.tickets.several([ticket.no for ticket in await told(store, 2)])
    incident = await joined(store, one.no, lead.no)
    assert (incident.lead.no, [member.no for member in incident.joined]) == (lead.no, [one.no])
    assert await store.incidents.members_behind([lead.id, one.id]) == {lead.id: [one.no]}
    assert [task.no for task in (await store.tasks.in_hand(CITY, 10))[0]] == [lead.no]
    assert (await store.tasks.in_hand(CITY, 1))[1] == 1

    assert await store.incidents.leave(one.no, leaving, "o1", LATER)
    assert {task.no for task in (await store.tasks.in_hand(CITY, 10))[0]} == {lead.no, one.no}
    for before in (lead, one):
        after = await store.tickets.get(before.no)
        assert after is not None
        assert replace(after, version=before.version) == before
        assert await store.incidents.of(before.no) is None, "it ended with its last member"
    assert await actions(store, one.no) == ["received", "dispatched", "joined_incident", "left_incident"]
    assert not await store.incidents.leave(one.no, leaving, "o1", LATER)
    assert (await store.verify_chain()).intact


async def test_a_member_is_a_task_again_once_the_lead_is_done(store: Store) -> None:
    lead, one = await told(store, 2)
    await joined(store, one.no, lead.no)
    await act(store, lead.no, Action.ACCEPT, member(CITY), LATER)
    await act(store, lead.no, Action.RESOLVE, member(CITY), LATER, result="已清理")
    assert [task.no for task in (await store.tasks.in_hand(CITY, 10))[0]] == [one.no]


async def test_who_joins_a_member_joins_its_lead(store: Store) -> None:
    lead, one, two = await told(store, 3)
    await joined(store, one.no, lead.no)
    incident = await joined(store, two.no, one.no)
    assert (incident.lead.no, {member.no for member in incident.joined}) == (lead.no, {one.no, two.no})
    assert await store.incidents.leave(one.no, leaving, "o1", LATER)
    still = await store.incidents.of(two.no)
    assert still is not None
    assert [member.no for member in still.joined] == [two.no]
    assert [(member.no, member.left_by) for member in still.members if member.left_at] == [(one.no, "o1")]


async def test_a_ticket_is_in_one_incident_only(store: Store) -> None:
    one, two, three, four = await told(store, 4)
    await joined(store, two.no, one.no)
    await joined(store, four.no, three.no)
    with pytest.raises(NotAllowed, match="拆分"):
        await joined(store, two.no, three.no)
    with pytest.raises(NotAllowed, match="主工单"):
        await store.incidents.leave(one.no, leaving, "o1", LATER)
    with pytest.raises(TicketNotFound):
        await joined(store, "FH000000-00000", one.no)
    assert "joined_incident" not in await actions(store, one.no)


async def test_who_leads_an_incident_brings_its_members_along(store: Store) -> None:
    one, two, three, four = await told(store, 4)
    await joined(store, two.no, one.no)
    await joined(store, four.no, three.no)
    incident = await joined(store, three.no, one.no)
    assert (incident.lead.no, {member.no for member in incident.joined}) == (one.no, {two.no, three.no, four.no})
    assert (await actions(store, four.no)).count(JOINED) == 2
    assert await store.incidents.members_behind([three.id]) == {}
    assert [task.no for task in (await store.tasks.in_hand(CITY, 10))[0]] == [one.no]
    assert (await store.verify_chain()).intact


async def test_two_processes_at_once_join_once(store: Store, other_process: Store) -> None:
    lead, one, two = await told(store, 3)
    stores = (store, other_process)
    await asyncio.gather(*(joined(stores[turn % 2], no, lead.no) for turn in range(6) for no in (one.no, two.no)))
    incident = await store.incidents.of(lead.no)
    assert incident is not None
    assert sorted(member.no for member in incident.joined) == [one.no, two.no]
    for no in (one.no, two.no):
        assert (await actions(store, no)).count(JOINED) == 1
    assert (await actions(store, lead.no)).count("incident_grew") == 2
    assert (await store.verify_chain()).intact


SIGNATURE = Signature(MONDAY, "C0201", "环境卫生")


async def found(store: Store, new: Ticket, earlier: Ticket, state: ProposalState, **changed: object) -> Found:
    pair = (earlier.id, Sameness(0.95, ()), state)
    return replace(Found(new.id, SIGNATURE, (1, 2), (pair,)), **changed)  # type: ignore[arg-type]


async def test_a_round_is_kept_once(store: Store, other_process: Store) -> None:
    earlier, new = await told(store, 2)
    round_ = await store.sameness.next_round(("received",))
    assert [one.ticket_id for one in round_.events] == [earlier.id, new.id]
    what = [await found(store, new, earlier, ProposalState.OPEN)]
    kept = await asyncio.gather(*(one.sameness.keep(round_, what, LATER) for one in (store, other_process)))
    assert sorted(kept) == [False, True]
    assert [(one.no, one.other) for one in await store.incidents.proposals(earlier.no)] == [(new.no, earlier.no)]
    after = await store.sameness.next_round(("received",))
    assert (after.events, after.cursor) == ((), round_.reached)


async def test_what_is_due_is_joined_once_and_what_was_decided_is_not(store: Store, other_process: Store) -> None:
    earlier, new, refused = await told(store, 3)
    round_ = await store.sameness.next_round(("received",))
    due = [await found(store, one, earlier, ProposalState.DUE) for one in (new, refused)]
    await store.sameness.keep(round_, due, LATER)

    def refusing(later: Ticket) -> Outcome:
        return refuse(later, earlier.no, OPERATOR, LATER, "")

    assert await store.incidents.refuse(refused.no, earlier.no, refusing, "o1", LATER)
    assert not await store.incidents.refuse(refused.no, earlier.no, refusing, "o1", LATER)
    await asyncio.gather(
        *(one.incidents.join(no.no, earlier.no, joining, SURE, "system", LATER, due=True)
          for one in (store, other_process) for no in (new, refused))
    )  # fmt: skip
    incident = await store.incidents.of(earlier.no)
    assert incident is not None
    assert [member.no for member in incident.joined] == [new.no]
    states = {one.no: one.state for one in await store.incidents.proposals(earlier.no)}
    assert states == {new.no: ProposalState.ACCEPTED, refused.no: ProposalState.REFUSED}
    assert await store.incidents.leave(new.no, leaving, "o1", LATER)
    assert await store.incidents.waiting(ProposalState.DUE, 10) == [], "what a person took out is not joined again"


async def test_an_upgrade_compares_what_was_told_in_the_last_month_and_no_older(
    store: Store, database_url: str
) -> None:
    now = datetime.now(UTC)
    await taken(store, "old", RUBBISH, now=now - timedelta(days=40))
    recent = await taken(store, "recent", RUBBISH, now=now - timedelta(days=20))
    await open_all_seals(store)
    await downgrade(database_url, "0009")
    await upgrade(database_url)
    assert [one.ticket_id for one in (await store.sameness.next_round(("received",))).events] == [recent.id]


async def test_candidates_are_bounded_and_the_newest(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    many = await told(store, 3)
    round_ = await store.sameness.next_round(("received",))
    await store.sameness.keep(
        round_, [replace(await found(store, one, many[0], ProposalState.OPEN), proposals=()) for one in many], LATER
    )
    met = await store.sameness.candidates(many[2].id, (1, 2, 99))
    assert {one.ticket_id for one in met} == {many[0].id, many[1].id}
    assert {one.signature for one in met} == {SIGNATURE}
    assert await store.sameness.candidates(many[0].id, (1, 2)) == []
    assert await store.sameness.candidates(many[2].id, ()) == []
    monkeypatch.setattr(sameness, "MOST_IN_BLOCK", 1)
    assert [one.ticket_id for one in await store.sameness.candidates(many[2].id, (1, 2))] == [many[1].id]
    monkeypatch.undo()
    monkeypatch.setattr(sameness, "MOST_COMPARED", 1)
    assert [one.ticket_id for one in await store.sameness.candidates(many[2].id, (1, 2))] == [many[1].id]


async def test_what_is_old_is_forgotten_key_and_all(store: Store) -> None:
    old, new = await told(store, 2)
    round_ = await store.sameness.next_round(("received",))
    signatures = {old.id: SIGNATURE, new.id: replace(SIGNATURE, at=LATER)}
    await store.sameness.keep(round_, [Found(one, signature, (1,), ()) for one, signature in signatures.items()], LATER)
    assert await store.sameness.forget(LATER, lambda _: (1,)) == 1
    assert await store.sameness.forget(LATER, lambda _: (1,)) == 0
    assert [one.ticket_id for one in await store.sameness.candidates(new.id + 1, (1,))] == [new.id]
