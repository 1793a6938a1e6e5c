"""程序缺项: each is found, opened once and cured at the moment of the fact, whenever the sweep comes round."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import town
from parts import act, sweeps, taken
from sealing_keys import KEYRING
from sqlalchemy import text

from domain.complaint import Reporter
from domain.event import Event
from domain.lifecycle import Action
from domain.limit import Stage
from domain.outcome import Outcome
from domain.ticket import Gap, Ticket
from storage.store import Store
from supervision import sweeps as sweeping
from supervision.gaps import GAP_NAMES, Watch, find_gaps, with_gaps
from supervision.settings import GapCode, GapSettings, SupervisionSettings

NOW = town.MONDAY
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MEMBER = town.member(town.ENTERPRISE)
SETTINGS = SupervisionSettings(photo_required=("pollution",))


async def look(store: Store, now: datetime, settings: SupervisionSettings = SETTINGS) -> None:
    await sweeps(store, settings).lights(now)
    await sweeps(store, settings).gaps(now)


async def gaps(store: Store, no: str) -> list[Gap]:
    ticket = await store.tickets.get(no)
    assert ticket is not None
    return list(ticket.gaps)


async def told(store: Store, no: str) -> list[tuple[str, str]]:
    """(action, code) of every event about a gap."""
    events = [one.event for one in await store.tickets.events(no)]
    return [(one.action, one.data["code"]) for one in events if one.action.startswith("gap_")]


def clock(ticket: Ticket, stage: Stage) -> Any:
    assert ticket.lead is not None
    return ticket.lead.clock(stage)


async def test_a_step_that_is_late_while_the_whole_is_in_time(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    due = clock(ticket, Stage.ACCEPT).due_at
    await look(store, due)
    assert await gaps(store, ticket.no) == []
    for _ in range(3):
        await look(store, due + MINUTE)
    assert await gaps(store, ticket.no) == [Gap("step_late", 1, due)]
    await act(store, ticket.no, Action.ACCEPT, MEMBER, due + HOUR)
    for _ in range(2):
        await look(store, due + 2 * HOUR)
    assert await gaps(store, ticket.no) == [Gap("step_late", 1, due, cured_at=due + HOUR)]
    assert await told(store, ticket.no) == [("gap_opened", "step_late"), ("gap_cured", "step_late")]


async def test_a_step_that_was_late_between_two_sweeps_is_not_missed(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    due = clock(ticket, Stage.ACCEPT).due_at
    await act(store, ticket.no, Action.ACCEPT, MEMBER, due + HOUR)
    await look(store, due + 2 * HOUR)
    assert await gaps(store, ticket.no) == [Gap("step_late", 1, due, cured_at=due + HOUR)]


async def test_signed_and_nobody_called(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    due = clock(ticket, Stage.CONTACT).due_at
    await act(store, ticket.no, Action.ACCEPT, MEMBER, NOW)
    await act(store, ticket.no, Action.CONTACT, MEMBER, NOW + HOUR, reached=False)
    await look(store, due + MINUTE)
    assert await gaps(store, ticket.no) == [Gap("uncontacted", 1, due)]
    await act(store, ticket.no, Action.CONTACT, MEMBER, due + HOUR)
    await look(store, due + DAY)
    assert await gaps(store, ticket.no) == [Gap("uncontacted", 1, due, cured_at=due + HOUR)]


async def test_who_has_not_signed_owes_the_signature_first(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    due = clock(ticket, Stage.CONTACT).due_at
    await look(store, due + MINUTE)
    assert [gap.code for gap in await gaps(store, ticket.no)] == ["step_late"]
    await act(store, ticket.no, Action.ACCEPT, MEMBER, due + HOUR)
    await look(store, due + 2 * HOUR)
    assert ("uncontacted", due + HOUR) in [(gap.code, gap.opened_at) for gap in await gaps(store, ticket.no)]


async def test_who_called_in_time_has_no_gap(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    await act(store, ticket.no, Action.ACCEPT, MEMBER, NOW)
    await act(store, ticket.no, Action.CONTACT, MEMBER, NOW + HOUR)
    await look(store, NOW + 90 * DAY)
    assert await gaps(store, ticket.no) == []


async def test_the_desk_can_be_late(store: Store) -> None:
    ticket = await taken(store, "S1", confidence=0.1)
    (desk,) = ticket.desk_clocks
    await look(store, desk.due_at + MINUTE)
    assert await gaps(store, ticket.no) == [Gap("step_late", 0, desk.due_at)]
    await act(store, ticket.no, Action.TRANSFER, town.OPERATOR, desk.due_at + HOUR, brigade=town.CITY)
    await look(store, desk.due_at + 2 * HOUR)
    assert await gaps(store, ticket.no) == [Gap("step_late", 0, desk.due_at, cured_at=desk.due_at + HOUR)]


@pytest.mark.parametrize(
    ("category", "photos", "expected"),
    [(town.SMELL, (), ["no_photo"]), (town.SMELL, ("https://example.invalid/1.jpg",), []), (town.RUBBISH, (), [])],
)
async def test_a_picture_where_one_is_demanded(
    store: Store, category: str, photos: tuple[str, ...], expected: list[str]
) -> None:
    ticket = await taken(store, "S1", category)
    member = town.member(ticket.lead.unit)  # type: ignore[union-attr]
    await act(store, ticket.no, Action.ACCEPT, member, NOW)
    await act(store, ticket.no, Action.RESOLVE, member, NOW + HOUR, result="已处理", photos=photos)
    await look(store, NOW + 2 * HOUR)
    assert [gap.code for gap in await gaps(store, ticket.no)] == expected


async def test_a_picture_with_the_next_round_cures(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    await act(store, ticket.no, Action.ACCEPT, MEMBER, NOW)
    await act(store, ticket.no, Action.RESOLVE, MEMBER, NOW + HOUR, result="已处理")
    await look(store, NOW + HOUR)
    await act(store, ticket.no, Action.FOLLOW_UP, town.OPERATOR, NOW + 2 * HOUR, solved="no")
    await act(
        store,
        ticket.no,
        Action.RESOLVE,
        MEMBER,
        NOW + 3 * HOUR,
        result="已处理",
        photos=("https://example.invalid/1.jpg",),
    )
    await look(store, NOW + 4 * HOUR)
    assert await gaps(store, ticket.no) == [Gap("no_photo", 1, NOW + HOUR, cured_at=NOW + 3 * HOUR)]


def history(*events: tuple[str, dict[str, Any]]) -> list[Event]:
    return [Event(action, NOW + n * HOUR, "x", "brigade", 1, data) for n, (action, data) in enumerate(events)]


ALL = Watch(tuple(GapSettings(code=code, blocking=code is GapCode.NO_RESULT) for code in GapCode), True)
RESOLVED = ("resolved", {"result": "已处理", "photos": ["x"]})


@pytest.mark.parametrize(
    ("reporter", "events", "expected"),
    [
        (Reporter(), [RESOLVED, ("closed", {"reason": ""})], ["closed_unexplained"]),
        (Reporter(), [RESOLVED, ("closed", {"reason": "无法联系"})], []),
        (Reporter(), [RESOLVED, ("followed_up", {"reached": True}), ("closed", {"reason": ""})], []),
        (
            Reporter(),
            [RESOLVED, ("followed_up", {"reached": False}), ("closed", {"reason": ""})],
            ["closed_unexplained"],
        ),
        (
            Reporter(),
            [RESOLVED, ("followed_up", {"reached": True}), RESOLVED, ("closed", {"reason": ""})],
            ["closed_unexplained"],
        ),
        (Reporter(anonymous=True), [RESOLVED, ("closed", {"reason": ""})], []),
        (Reporter(wants_follow_up=False), [RESOLVED, ("closed", {"reason": ""})], []),
        (Reporter(), [("resolved", {"result": " \n", "photos": ["x"]})], ["no_result"]),
        (Reporter(), [("resolved", {"result": "", "photos": []})], ["no_result", "no_photo"]),
        (Reporter(), [RESOLVED, ("report_unfit", {"step": "resolved", "note": "套话"})], ["report_unfit"]),
    ],
)
def test_what_the_events_lack(
    reporter: Reporter, events: list[tuple[str, dict[str, Any]]], expected: list[str]
) -> None:
    ticket = town.ticket(town.case(complaint=town.complaint(reporter=reporter)))
    found = find_gaps(ticket, history(*events), NOW, ALL)
    assert [gap.code for gap in found] == expected
    assert all(gap.blocking == (gap.code is GapCode.NO_RESULT) for gap in found)


def test_a_report_that_was_not_fit_is_cured_by_the_next_resolution() -> None:
    unfit = ("report_unfit", {"step": "resolved", "note": "套话"})
    (gap,) = find_gaps(town.ticket(), history(RESOLVED, unfit, RESOLVED), NOW, ALL)
    assert (gap.code, gap.opened_at, gap.cured_at) == ("report_unfit", NOW + HOUR, NOW + 2 * HOUR)


def test_what_is_not_on_the_list_is_not_looked_for() -> None:
    events = history(("resolved", {"result": "", "photos": []}), ("closed", {"reason": ""}))
    watch = Watch((GapSettings(code=GapCode.NO_RESULT),), True)
    assert [gap.code for gap in find_gaps(town.ticket(), events, NOW + 90 * DAY, watch)] == ["no_result"]


def test_the_same_gap_is_opened_and_cured_once() -> None:
    ticket = town.ticket()
    open_gap, cured = Gap("step_late", 1, NOW), Gap("step_late", 1, NOW, cured_at=NOW + HOUR)
    first = with_gaps(ticket, [open_gap], NOW)
    assert [event.action for event in first.events] == ["gap_opened"]
    assert with_gaps(first.ticket, [open_gap], NOW).events == ()
    second = with_gaps(first.ticket, [cured], NOW)
    assert [event.action for event in second.events] == ["gap_cured"]
    assert with_gaps(second.ticket, [cured], NOW) == Outcome(second.ticket, ())
    assert with_gaps(second.ticket, [open_gap], NOW).events == (), "a cure is not undone"
    assert [event.action for event in with_gaps(ticket, [cured], NOW).events] == ["gap_opened", "gap_cured"]


def test_every_gap_has_a_name() -> None:
    assert set(GAP_NAMES) == set(GapCode)


async def test_processes_at_once_open_each_gap_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "PAGE", 5)
    stores = [await Store.open(database_url, KEYRING) for _ in range(2)]
    try:
        for number in range(12):
            await taken(stores[0], f"S{number}", town.SMELL)
        now = NOW + 3 * DAY
        await asyncio.gather(*(look(stores[n % 2], now) for n in range(4)))
        await look(stores[0], now)
        async with stores[0]._engine.connect() as connection:
            opened = text("SELECT count(*), count(DISTINCT ticket_id) FROM events WHERE action = 'gap_opened'")
            assert tuple((await connection.execute(opened)).one()) == (12, 12)
        assert await stores[0].lights.gap_counts() == {"step_late": 12}
        assert await stores[0].lights.gap_counts(town.ENTERPRISE) == {"step_late": 12}
        assert await stores[0].lights.gap_counts(town.CITY) == {}
        assert (await stores[0].verify_chain()).intact
    finally:
        for one in stores:
            await one.close()


async def test_a_sweep_follows_what_happened_since_the_last(store: Store) -> None:
    for number in range(6):
        ticket = await taken(store, f"S{number}", town.SMELL)
    assert await sweeps(store, SETTINGS).gaps(NOW) == 0
    await act(store, ticket.no, Action.ACCEPT, MEMBER, NOW)
    assert await sweeps(store, SETTINGS).gaps(NOW) == 1
    assert await sweeps(store, SETTINGS).gaps(NOW) == 0


async def test_a_lead_does_not_finish_over_a_working_helper_without_a_word(store: Store) -> None:
    found = {}
    for source_no, note in (("silent", ""), ("said", "清运由我队一并完成")):
        ticket = await taken(store, source_no, town.STALL)
        await act(store, ticket.no, Action.ACCEPT, town.member(), NOW)
        await act(store, ticket.no, Action.RESOLVE, town.member(), NOW + HOUR, result="已劝离", note=note)
        await look(store, NOW + 2 * HOUR)
        found[source_no] = [one for one in await gaps(store, ticket.no) if one.code == "helpers_unfinished"]
    assert found == {"silent": [Gap("helpers_unfinished", 2, NOW + HOUR)], "said": []}


async def test_a_helper_that_has_finished_leaves_no_gap(store: Store) -> None:
    ticket = await taken(store, "S1", town.STALL)
    for unit in (town.CONSTRUCTION, town.CITY):
        await act(store, ticket.no, Action.ACCEPT, town.member(unit), NOW)
        await act(store, ticket.no, Action.RESOLVE, town.member(unit), NOW + HOUR, result="已劝离")
    await look(store, NOW + 2 * HOUR)
    assert [one.code for one in await gaps(store, ticket.no)] == []
