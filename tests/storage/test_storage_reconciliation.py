"""Differences between a platform's list and ours: open until both agree or a person settles them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import town
from parts import drafted, take

from domain.outcome import Notice
from domain.ticket import Status
from storage.reconciliation import AGREES, Difference, NotOpen, Run
from storage.store import Store

NOW = town.MONDAY
DAY = timedelta(days=1)
STATE = Difference("S1", "state", "sent", "handling", "FH1")
MISSING = Difference("S2", "missing_there", "", "sent", "FH2")


def run(number: int = 0, **more: object) -> Run:
    moment = NOW + number * DAY
    return Run("12345", f"{moment:%Y-%m-%d}", moment, **more)  # type: ignore[arg-type]


async def open_numbers(store: Store) -> list[tuple[str, str]]:
    return [(one.source_no, one.kind) for one in await store.reconciliation.differences()]


async def test_a_difference_stays_open_while_it_is_found_and_ends_when_both_agree(store: Store) -> None:
    await store.reconciliation.record(run(), [STATE, MISSING])
    await store.reconciliation.record(run(1), [replace(STATE, theirs="closed")])
    (still,) = await store.reconciliation.differences()
    assert (still.source_no, still.theirs, still.found_at, still.seen_at) == ("S1", "closed", NOW, NOW + DAY)
    (over,) = await store.reconciliation.differences(settled=True)
    assert (over.source_no, over.settled_by, over.note, over.settled_at) == ("S2", "system", AGREES, NOW + DAY)
    assert await store.reconciliation.open_counts() == {"12345": 1}


async def test_what_a_person_settled_stays_settled_while_nothing_changes(store: Store) -> None:
    await store.reconciliation.record(run(), [STATE])
    (found,) = await store.reconciliation.differences()
    settled = await store.reconciliation.settle(found.id, "已电话核实", "v1", NOW)
    assert (settled.settled_by, settled.note) == ("v1", "已电话核实")
    await store.reconciliation.record(run(1), [STATE])
    assert await open_numbers(store) == []
    await store.reconciliation.record(run(2), [replace(STATE, theirs="closed")])
    assert await open_numbers(store) == [("S1", "state")]
    with pytest.raises(NotOpen):
        await store.reconciliation.settle(found.id, "再次", "v1", NOW)
    with pytest.raises(NotOpen):
        await store.reconciliation.settle(10**6, "没有", "v1", NOW)


async def test_what_agreed_once_and_differs_again_is_open_again(store: Store) -> None:
    await store.reconciliation.record(run(), [STATE])
    await store.reconciliation.record(run(1), [])
    await store.reconciliation.record(run(2), [STATE])
    assert await open_numbers(store) == [("S1", "state")]


async def test_what_was_fetched_is_on_record_and_not_open(store: Store) -> None:
    await store.reconciliation.record(run(), [Difference("S3", "missing_here", "sent", "sent", "FH3", "对账时补收")])
    assert await open_numbers(store) == []
    (kept,) = await store.reconciliation.differences(settled=True)
    assert (kept.ticket_no, kept.note) == ("FH3", "对账时补收")


async def test_channels_do_not_settle_each_others_differences(store: Store) -> None:
    await store.reconciliation.record(run(), [STATE])
    await store.reconciliation.record(replace(run(), channel="12319"), [])
    assert await store.reconciliation.open_counts() == {"12345": 1}
    assert await store.reconciliation.differences(channel="12319") == []


async def test_the_last_run_of_each_channel_is_kept_with_its_failure(store: Store) -> None:
    await store.reconciliation.record(run(0, theirs=5, ours=4), [])
    await store.reconciliation.failed(run(1, error="平台列表回答 503"))
    assert (await store.reconciliation.last_runs())["12345"].error == "平台列表回答 503"
    await store.reconciliation.record(run(1, theirs=6, ours=6, fetched=1, differing=2), [])
    last = (await store.reconciliation.last_runs())["12345"]
    assert (last.error, last.theirs, last.fetched, last.differing) == ("", 6, 1, 2)


async def test_our_side_of_the_comparison(store: Store) -> None:
    await take(store, drafted("S1"))
    await take(store, replace(drafted("S2"), notices=(Notice("channel:12345", "accepted", {}),)))
    own = {one.source_no: one for one in await store.reconciliation.own("12345", NOW - DAY)}
    assert {number: (one.status, one.telling) for number, one in own.items()} == {
        "S1": (Status.DISPATCHED, False),
        "S2": (Status.DISPATCHED, True),
    }
    assert await store.reconciliation.own("12345", NOW + DAY) == []
    known = await store.tickets.known("12345", ["S1", "none", *(f"x{n}" for n in range(900))])
    assert known == {"S1": (own["S1"].no, Status.DISPATCHED)}
    assert await store.tickets.known("12319", ["S1"]) == {}


async def test_a_page_goes_on_below_the_last_number(store: Store) -> None:
    await store.reconciliation.record(run(), [replace(STATE, source_no=f"S{n}") for n in range(5)])
    first = await store.reconciliation.differences(limit=2)
    second = await store.reconciliation.differences(limit=10, before=first[-1].id)
    assert [one.source_no for one in (*first, *second)] == ["S4", "S3", "S2", "S1", "S0"]
