"""Reading tickets: whole, by filter, page by page, with their events."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import town
from parts import act, taken
from sealing_keys import KEYRING
from sqlalchemy.event import listens_for

from domain.complaint import Kind, Reporter, Urgency
from domain.lifecycle import Action
from domain.light import Light
from domain.ticket import Status
from storage.figures import Dimension, Measure, Population, Slice
from storage.store import Store
from storage.tickets import TicketFilter

HOUR = timedelta(hours=1)


async def found(store: Store, **wanted: object) -> list[str]:
    """Source numbers of a filter's tickets, oldest first; the page and the list of numbers must agree."""
    filter_ = TicketFilter(**wanted)  # type: ignore[arg-type]
    page = await store.tickets.page(filter_, limit=100)
    assert [one.ticket_no for one in reversed(page.items)] == await store.tickets.numbers(filter_)
    return [one.source_no for one in reversed(page.items)]


@pytest.fixture
async def filled(store: Store) -> Store:
    """Five tickets: a stall (brigade 1 leads, 3 helps), rubbish next day, a smell, a collapse, one at the desk."""
    await taken(store, "stall", town.STALL)
    await taken(store, "rubbish", town.RUBBISH, town.MONDAY + 24 * HOUR, channel="12319", kind=Kind.REPORT)
    await taken(store, "smell", town.SMELL, content="云岭工业园气味刺鼻 100%_真的")
    await taken(store, "collapse", town.COLLAPSE)
    await taken(store, "desk", confidence=0.1)
    return store


async def test_no_filter_finds_all(filled: Store) -> None:
    assert await found(filled) == ["stall", "rubbish", "smell", "collapse", "desk"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"channel": "12319"}, ["rubbish"]),
        ({"kind": Kind.REPORT}, ["rubbish"]),
        ({"category": town.SMELL}, ["smell"]),
        ({"urgency": Urgency.URGENT}, ["collapse"]),
        ({"unit": town.ENTERPRISE}, ["smell"]),
        ({"unit": town.CONSTRUCTION}, ["stall"]),  # only as a helper
        ({"unit": town.CITY}, ["stall", "rubbish", "collapse"]),
        ({"statuses": (Status.TRIAGE,)}, ["desk"]),
        ({"statuses": (Status.TRIAGE, Status.DISPATCHED)}, ["stall", "rubbish", "smell", "collapse", "desk"]),
        ({"light": Light.GREEN}, ["stall", "rubbish", "smell", "collapse", "desk"]),
        ({"light": Light.RED}, []),
        ({"created_from": town.MONDAY + HOUR}, ["rubbish"]),
        ({"created_to": town.MONDAY + HOUR}, ["stall", "smell", "collapse", "desk"]),
        ({"created_from": town.MONDAY, "created_to": town.MONDAY}, []),
        ({"open_only": True, "unit": town.ENTERPRISE}, ["smell"]),
        ({"channel": "nowhere"}, []),
    ],
)
async def test_each_filter_finds_its_own(filled: Store, wanted: dict[str, object], expected: list[str]) -> None:
    assert await found(filled, **wanted) == expected


async def test_cell_and_handler_are_those_of_the_lead(filled: Store) -> None:
    stall = await filled.tickets.by_source("12345", "stall")
    assert stall is not None
    assert stall.lead is not None
    assert "stall" in await found(filled, cell=stall.lead.cell)
    assert "stall" in await found(filled, handler=stall.lead.handler)
    assert await found(filled, cell="no-such-cell") == []


async def test_a_finished_ticket_is_not_open(filled: Store) -> None:
    desk = await filled.tickets.by_source("12345", "desk")
    assert desk is not None
    await act(filled, desk.no, Action.CLOSE, town.OPERATOR, town.MONDAY, reason="不属于受理范围")
    assert "desk" not in await found(filled, open_only=True)
    assert await filled.tickets.light_counts(TicketFilter()) == {"green": 4, "yellow": 0, "red": 0, "grey": 0}


async def test_pages_follow_one_another_while_tickets_arrive(store: Store) -> None:
    for number in range(7):
        await taken(store, f"S{number}")
    seen, cursor = [], None
    while True:
        page = await store.tickets.page(TicketFilter(), cursor=cursor, limit=3)
        seen += [one.source_no for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        await taken(store, f"late{len(seen)}")
    assert seen == ["S6", "S5", "S4", "S3", "S2", "S1", "S0"]


async def test_a_last_page_that_is_full_has_no_next(store: Store) -> None:
    for number in range(3):
        await taken(store, f"S{number}")
    assert (await store.tickets.page(TicketFilter(), limit=3)).next_cursor is None
    assert (await store.tickets.page(TicketFilter(), limit=2)).next_cursor is not None


async def test_what_is_unfinished_is_counted_from_its_own_index(sqlite_database_url: str) -> None:
    """On SQLite, whose plan is the same for few rows and many: what is finished is not looked at."""
    store = await Store.open(sqlite_database_url, KEYRING)
    seen: list[tuple[str, object]] = []

    @listens_for(store._engine.sync_engine, "before_cursor_execute")
    def keep(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        seen.append((statement, parameters))

    await store.tickets.light_counts(TicketFilter(created_from=town.MONDAY))
    await store.figures.counts(Measure(Population.OPEN), Slice(town.MONDAY, town.MONDAY + HOUR), Dimension.BRIGADE)
    selects = [one for one in seen if one[0].startswith("SELECT")]
    indexes = (
        "ix_tickets_created_at_light_unit_status",
        "ix_tickets_created_at_light_unit_status",
    )
    async with store._engine.connect() as connection:
        for (statement, parameters), index in zip(selects, indexes, strict=True):
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
            steps = [row[3] for row in rows]
            assert any(f"COVERING INDEX {index}" in step for step in steps), (statement, steps)
    await store.close()


@pytest.mark.parametrize(
    "cursor", ["x", "!!", "dDEy", "é", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "LTE", "bnVsbA", "MS41", ""]
)
async def test_a_cursor_that_was_not_ours_is_refused(store: Store, cursor: str) -> None:
    if cursor == "":
        assert (await store.tickets.page(TicketFilter(), cursor=cursor)).items == []
        return
    with pytest.raises(ValueError, match="cursor"):
        await store.tickets.page(TicketFilter(), cursor=cursor)


async def test_a_list_shows_no_number_of_the_reporter(store: Store) -> None:
    await taken(store, "S1", content="请打13800000001找我", reporter=Reporter(name="测试甲", phone="13800000001"))
    (row,) = (await store.tickets.page(TicketFilter())).items
    assert "13800000001" not in repr(row)
    assert "测试甲" not in repr(row)


async def test_unknown_numbers_give_nothing(filled: Store) -> None:
    assert await filled.tickets.get("FH000000-00000") is None
    assert await filled.tickets.by_source("12345", "nothing") is None
    assert await filled.tickets.events("FH000000-00000") == []
    assert await filled.tickets.raw_bodies("FH000000-00000") == []
    known = await filled.tickets.numbers(TicketFilter(channel="12319"))
    assert [one.no for one in await filled.tickets.several(["FH000000-00000", *known])] == known
    assert await filled.tickets.several([]) == []


async def test_events_are_followed_from_where_one_stands(filled: Store) -> None:
    assert await filled.tickets.last_sequence() == 10
    first = await filled.tickets.events_after(0, 4)
    rest = await filled.tickets.events_after(first[-1].sequence, 100)
    assert [one.sequence for one in first + rest] == list(range(1, 11))
    assert [one.sequence for one in await filled.tickets.events_after(0, 100, up_to=3)] == [1, 2, 3]
    assert await filled.tickets.events_after(10, 100) == []


async def test_a_unit_follows_the_tickets_it_has_or_helps_with(filled: Store) -> None:
    events = await filled.tickets.events_after(0, 100, unit=town.CONSTRUCTION)
    stall = await filled.tickets.by_source("12345", "stall")
    assert stall is not None
    assert {one.ticket_no for one in events} == {stall.no}
    assert await filled.tickets.events_after(0, 100, unit="nobody") == []


async def test_touched_tickets_are_those_with_a_deciding_event(filled: Store) -> None:
    smell = await filled.tickets.by_source("12345", "smell")
    assert smell is not None
    await act(filled, smell.no, Action.ACCEPT, town.member(town.ENTERPRISE), town.MONDAY)
    assert await filled.tickets.touched_after(0, {"accepted", "resolved"}, 10) == [(11, smell.no)]
    assert await filled.tickets.touched_after(11, {"accepted"}, 10) == []


async def test_unfinished_tickets_are_walked_through_in_order(filled: Store) -> None:
    desk = await filled.tickets.by_source("12345", "desk")
    assert desk is not None
    await act(filled, desk.no, Action.CLOSE, town.OPERATOR, town.MONDAY, reason="不属于受理范围")
    first = await filled.tickets.unfinished_after(0, 3)
    rest = await filled.tickets.unfinished_after(first[-1][0], 3)
    assert [one[0] for one in first + rest] == [1, 2, 3, 4]


async def test_what_is_read_is_what_was_stored(store: Store) -> None:
    ticket = await taken(store, "S1", due_outer=town.MONDAY + 100 * HOUR)
    read = await store.tickets.get(ticket.no)
    assert read == replace(ticket, complaint=replace(ticket.complaint, raw=b""))
    assert await store.tickets.raw_bodies(ticket.no) == [(b"{}", "application/json")]
