"""A ticket with everything that one can hold goes through rows, and through each database, unchanged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import town
from hypothesis import given, settings
from hypothesis import strategies as st
from parts import unchanged
from sealing_keys import KEYRING

from domain.complaint import Attachment, Code, Complaint, Kind, Place, Point, Reporter, Urgency
from domain.event import Event
from domain.light import Light
from domain.limit import Stage
from domain.outcome import Outcome
from domain.ticket import Assignment, Clock, Gap, PressCause, PressLevel, PressOrder, Share, Status, Ticket
from domain.understanding import Guess, Matter, Party, PersonalNumber, TimeSpan, Understanding, Word
from storage.rows import (
    assignment_row,
    clock_rows,
    complaint_row,
    gap_row,
    order_row,
    reporter_key,
    ticket_of,
    ticket_row,
)
from storage.store import Store

moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))
maybe = st.none() | moments
texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30)
words = st.text("abcdefghij-123", max_size=16)
counts = st.integers(0, 1000)
shares_of_one = st.floats(0, 1)
codes = st.builds(Code, texts, texts, texts, texts)
guesses = st.builds(Guess, words, texts, shares_of_one)


def several(of: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=most).map(tuple)


complaints = st.builds(
    Complaint,
    channel=words,
    source_no=texts,
    reported_at=moments,
    received_at=moments,
    content=texts,
    source_version=counts,
    title=texts,
    claimed_kind=st.none() | st.sampled_from(Kind),
    claimed_kind_word=texts,
    claimed_urgency=st.none() | st.sampled_from(Urgency),
    codes=several(codes),
    reporter=st.builds(Reporter, texts, texts, texts, st.booleans(), st.booleans(), st.booleans()),
    place=st.builds(Place, texts, st.none() | st.builds(Point, st.floats(-180, 180), st.floats(-90, 90)), texts),
    party=texts,
    appeal=texts,
    way=texts,
    industry=texts,
    due_outer=maybe,
    platform_dispatched_at=maybe,
    attachments=several(st.builds(Attachment, texts, texts)),
)
understandings = st.builds(
    Understanding,
    engine=words,
    version=words,
    kind=st.sampled_from(Kind),
    kind_confidence=shares_of_one,
    category=guesses,
    runners_up=several(guesses),
    urgency=st.sampled_from(Urgency),
    confidence=shares_of_one,
    places=several(texts),
    risks=several(words),
    words=several(st.builds(Word, texts, st.floats(-9, 9))),
    times=several(st.builds(TimeSpan, texts, moments, moments, st.booleans())),
    parties=several(st.builds(Party, texts, words)),
    personal_numbers=several(st.builds(PersonalNumber, words, counts, counts)),
    matters=several(st.builds(Matter, texts, guesses)),
)


@st.composite
def clocks(draw: st.DrawFn, stages: tuple[Stage, ...]) -> tuple[Clock, ...]:
    """One clock for some of the stages, and further rounds of the last; in the order in which they are read."""
    drawn = draw(st.sets(st.sampled_from(stages)))
    rounds = [(stage, round_) for stage in Stage if stage in drawn for round_ in range(1, draw(st.integers(1, 2)) + 1)]
    return tuple(
        Clock(
            stage=stage,
            limit="3 working_days",
            rule=draw(words),
            started_at=draw(moments),
            due_at=draw(moments),
            yellow_at=draw(moments),
            original_due_at=draw(moments),
            provisional=draw(st.booleans()),
            reasons=draw(several(texts)),
            light=draw(st.sampled_from(Light)),
            stopped_at=draw(maybe),
            round=round_,
            extended_by=draw(counts),
            paused_at=draw(maybe),
            pauses=draw(several(st.tuples(moments, moments), 2)),
        )
        for stage, round_ in rounds
    )


@st.composite
def tickets(draw: st.DrawFn) -> Ticket:
    unit_stages = (Stage.ACCEPT, Stage.CONTACT, Stage.RETURN, Stage.RESOLVE)
    assignments = tuple(
        Assignment(
            position=position,
            share=draw(st.sampled_from(Share)),
            unit=draw(words),
            status=draw(st.sampled_from(Status)),
            dispatched_at=draw(moments),
            owner=draw(words),
            backup=draw(words),
            handler=draw(words),
            area=draw(words),
            cell=draw(words),
            light=draw(st.sampled_from(Light)),
            clocks=draw(clocks(unit_stages)),
            return_barred=draw(st.booleans()),
            extensions=draw(counts),
            accepted_at=draw(maybe),
            contacted_at=draw(maybe),
            resolved_at=draw(maybe),
            ended_at=draw(maybe),
            stands_in_for=draw(words),
            suspended_until=draw(maybe),
            result=draw(texts),
            request=draw(st.none() | st.dictionaries(words, texts | counts | st.booleans(), max_size=3)),
        )
        for position in range(1, draw(st.integers(0, 3)) + 1)
    )
    gap_keys = draw(st.lists(st.tuples(st.integers(0, 3), words, moments), unique=True, max_size=3))
    gaps = tuple(
        Gap(code, position, opened_at, draw(st.booleans()), draw(maybe))
        for position, code, opened_at in sorted(gap_keys)
    )
    orders = tuple(
        PressOrder(
            number=number,
            position=draw(st.integers(0, 3)),
            level=draw(st.sampled_from(PressLevel)),
            cause=draw(st.sampled_from(PressCause)),
            requirement=draw(texts),
            issued_at=draw(moments),
            issued_by=draw(words),
            due_at=draw(maybe),
            answer=draw(texts),
            answered_at=draw(maybe),
            answered_by=draw(words),
            lapsed_at=draw(maybe),
            reported_at=draw(maybe),
        )
        for number in range(1, draw(st.integers(0, 2)) + 1)
    )
    return Ticket(
        id=draw(st.integers(1, 2**40)),
        no=draw(words),
        complaint=draw(complaints),
        understanding=draw(understandings),
        kind=draw(st.sampled_from(Kind)),
        category=draw(words),
        category_name=draw(texts),
        urgency=draw(st.sampled_from(Urgency)),
        status=draw(st.sampled_from(Status)),
        created_at=draw(moments),
        why=draw(several(texts)),
        problems=draw(several(texts)),
        refer_to=draw(words),
        refer_to_name=draw(texts),
        assignments=assignments,
        desk_clocks=draw(clocks((Stage.DISPATCH,))),
        gaps=gaps,
        orders=orders,
        light=draw(st.sampled_from(Light)),
        due_outer=draw(maybe),
        returns=draw(counts),
        redispatches=draw(counts),
        extensions=draw(counts),
        urges=draw(counts),
        presses=draw(counts),
        rehandled=draw(counts),
        merged_into=draw(words),
        resolved_at=draw(maybe),
        followed_up_at=draw(maybe),
        solved=draw(st.sampled_from(["", "yes", "partly", "no"])),
        satisfaction=draw(st.sampled_from(["", "satisfied", "basically", "unsatisfied"])),
        closed_at=draw(maybe),
        source_version=draw(counts),
        version=draw(counts),
    )


@settings(deadline=None)
@given(tickets())
def test_rows_and_back(ticket: Ticket) -> None:
    read = ticket_of(
        ticket_row(ticket, KEYRING),
        complaint_row(ticket.id, 1, ticket.complaint),
        [assignment_row(ticket.id, one) for one in ticket.assignments],
        clock_rows(ticket)[::-1],
        [gap_row(ticket.id, one) for one in ticket.gaps],
        [order_row(ticket.id, one) for one in ticket.orders],
    )
    assert read == ticket


async def test_through_the_database(store: Store) -> None:
    """Rich tickets, stored anew and then changed into another, are read as they were written."""
    examples: list[Ticket] = []

    @settings(max_examples=6, deadline=None, database=None)
    @given(st.tuples(tickets(), tickets()))
    def collect(pair: tuple[Ticket, Ticket]) -> None:
        examples.extend(pair)

    collect()
    event = Event("received", town.MONDAY, "system", "system")
    for number, ticket in enumerate(examples):
        fresh = replace(
            ticket,
            id=0,
            no="",
            category=ticket.category[:16],
            complaint=replace(ticket.complaint, channel="12345", source_no=f"S{number}"),
        )
        (receipt,) = await store.take(
            [Outcome(fresh, (event,))], channel="12345", nonce=None, seen_at=town.MONDAY, again=unchanged
        )
        assert await store.tickets.get(receipt.ticket.no) == receipt.ticket
    before, after = examples[0], examples[1]
    no = (await store.tickets.by_source("12345", "S0")).no  # type: ignore[union-attr]

    def become(old: Ticket) -> Outcome:
        """Another ticket's values; shares, clocks and gaps never vanish."""
        new = replace(
            after,
            id=old.id,
            no=old.no,
            version=old.version,
            complaint=old.complaint,
            created_at=old.created_at,
            gaps=old.gaps,
            orders=(*old.orders, *after.orders[len(old.orders) :]),
            assignments=(*old.assignments, *after.assignments[len(old.assignments) :]),
            desk_clocks=old.desk_clocks,
        )
        return Outcome(new, (event,))

    changed = await store.change(no, become)
    assert changed.version == before.version + 1
    assert await store.tickets.get(no) == changed


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Reporter(phone="13800000001"), Reporter(phone="138 0000 0001", name="测试甲"), True),
        (Reporter(phone="13800000001"), Reporter(contact="13800000001"), True),
        (Reporter(phone="13800000001"), Reporter(phone="13800000002"), False),
    ],
)
def test_a_reporters_key_is_that_of_the_number(one: Reporter, other: Reporter, same: bool) -> None:
    assert (reporter_key(one, KEYRING) == reporter_key(other, KEYRING)) is same
    assert "13800000001" not in reporter_key(one, KEYRING)


def test_who_gives_no_number_has_no_key() -> None:
    assert reporter_key(Reporter(name="测试甲", contact="微信"), KEYRING) == ""


async def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    """And one of another zone is the same moment."""
    zoned = town.MONDAY.astimezone(timezone(timedelta(hours=8)))
    draft = town.draft()
    (receipt,) = await store.take(
        [replace(draft, ticket=replace(draft.ticket, created_at=zoned))],
        channel="12345",
        nonce=None,
        seen_at=zoned,
        again=unchanged,
    )
    read = await store.tickets.get(receipt.ticket.no)
    assert read is not None
    assert (read.created_at, read.created_at.tzinfo) == (town.MONDAY, UTC)
    naive = replace(draft.ticket, created_at=datetime(2026, 11, 23, 9))
    with pytest.raises(Exception, match="time zone"):
        await store.take(
            [replace(draft, ticket=replace(naive, complaint=town.complaint(source_no="S9")))],
            channel="12345",
            nonce=None,
            seen_at=town.MONDAY,
            again=unchanged,
        )
