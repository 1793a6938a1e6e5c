"""The slower sweeps: deadlines after a change of the calendar, daily figures, the purge."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest
import town
from histories import History
from parts import act, drafted, sweeps, take, taken
from sealing_keys import KEYRING

from domain.event import Event
from domain.lifecycle import Action
from domain.light import Light
from domain.outcome import Outcome
from domain.people import Role
from domain.ticket import Ticket
from domain.worktime import Override, WorkCalendar, local
from storage.conversations import StoredConversation, StoredTurn
from storage.figures import Dimension, Slice
from storage.pictures import CITIZEN, Picture
from storage.store import NonceSeen, Store
from supervision.daily import ALL, day_slice
from supervision.metrics import BY_CODE, METRICS
from supervision.settings import SupervisionSettings

NOW = town.MONDAY
DAY = timedelta(days=1)
FRIDAY_OFF = WorkCalendar(overrides={date(2026, 11, 27): Override(False, "停电检修")})


async def recomputed(store: Store, no: str) -> list[Event]:
    return [one.event for one in await store.tickets.events(no) if one.event.action == "deadlines_recomputed"]


async def test_a_changed_calendar_moves_open_deadlines_once(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    assert ticket.due_inner == town.at("2026-11-30 17:30")
    assert await sweeps(store).deadlines(NOW) == 1
    assert await recomputed(store, ticket.no) == []
    for _ in range(2):
        await sweeps(store, calendar=FRIDAY_OFF).deadlines(NOW)
    moved = await store.tickets.get(ticket.no)
    assert moved is not None
    assert moved.due_inner == town.at("2026-12-01 17:30")
    (event,) = await recomputed(store, ticket.no)
    assert {change["stage"] for change in event.data["changes"]} == {"resolve"}
    assert await sweeps(store, calendar=FRIDAY_OFF).deadlines(NOW + DAY) == 0
    assert await sweeps(store).deadlines(NOW + DAY) == 1, "the day off was a mistake"
    back = await store.tickets.get(ticket.no)
    assert back is not None
    assert back.due_inner == ticket.due_inner
    assert len(await recomputed(store, ticket.no)) == 2


async def test_what_is_finished_keeps_its_deadline(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    member = town.member(town.ENTERPRISE)
    await act(store, ticket.no, Action.ACCEPT, member, NOW)
    await act(store, ticket.no, Action.RESOLVE, member, NOW, result="已处理")
    await sweeps(store, calendar=FRIDAY_OFF).deadlines(NOW)
    assert await recomputed(store, ticket.no) == []


async def test_a_light_follows_its_moved_deadline(store: Store) -> None:
    ticket = await taken(store, "S1", town.SMELL)
    member = town.member(town.ENTERPRISE)
    await act(store, ticket.no, Action.ACCEPT, member, NOW)
    await act(store, ticket.no, Action.CONTACT, member, NOW)
    late = town.at("2026-11-30 17:31")
    await sweeps(store).lights(late)
    assert (await store.tickets.get(ticket.no)).light is Light.RED  # type: ignore[union-attr]
    await sweeps(store, calendar=FRIDAY_OFF).deadlines(late)
    await sweeps(store, calendar=FRIDAY_OFF).lights(late)
    assert (await store.tickets.get(ticket.no)).light is Light.YELLOW  # type: ignore[union-attr]


async def test_processes_at_once_recompute_once(database_url: str) -> None:
    stores = [await Store.open(database_url, KEYRING) for _ in range(2)]
    try:
        for number in range(8):
            ticket = await taken(stores[0], f"S{number}", town.SMELL)
        await asyncio.gather(*(sweeps(stores[n % 2], calendar=FRIDAY_OFF).deadlines(NOW) for n in range(4)))
        assert len(await recomputed(stores[0], ticket.no)) == 1
        assert (await stores[0].verify_chain()).checked == 16 + 8
    finally:
        for one in stores:
            await one.close()


async def test_a_deadline_that_cannot_be_counted_stays(store: Store) -> None:
    """A calendar without a single working hour is a mistake of the configuration, not a reason to lose a deadline."""
    ticket = await taken(store, "S1", town.SMELL)
    nothing = WorkCalendar(office_hours=())
    assert await sweeps(store, calendar=nothing).deadlines(NOW) == 1
    found = await store.tickets.get(ticket.no)
    assert found is not None
    assert found.due_inner == ticket.due_inner


async def test_every_day_that_is_over_is_kept_once(store: Store) -> None:
    settings = SupervisionSettings(figures_days_back=3)
    await taken(store, "S1", town.SMELL)
    assert await sweeps(store, settings).daily_figures(NOW) == 3
    assert await sweeps(store, settings).daily_figures(NOW) == 0
    assert await sweeps(store, settings).daily_figures(NOW + DAY) == 1
    kept = await store.figures.rollups.days("2026-11-01", "2026-11-30", ALL)
    assert list(kept) == ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"]
    assert kept["2026-11-23"][""]["received"] == [1, 1]
    assert kept["2026-11-23"][""]["accepted_in_time"] == [1, 0]
    assert [found[""]["received"] for found in kept.values()][:-1] == [[0, 0]] * 3


async def test_a_machine_that_was_off_makes_up_for_it(store: Store) -> None:
    settings = SupervisionSettings(figures_days_back=5)
    await sweeps(store, settings).daily_figures(NOW)
    await sweeps(store, settings).daily_figures(NOW + 4 * DAY)
    days = await store.figures.rollups.days("2026-11-01", "2026-11-30", ALL)
    assert list(days) == [f"2026-11-{n}" for n in range(18, 27)]


async def test_processes_at_once_keep_a_day_once(database_url: str) -> None:
    stores = [await Store.open(database_url, KEYRING) for _ in range(2)]
    try:
        await taken(stores[0], "S1", town.SMELL)
        settings = SupervisionSettings(figures_days_back=2)
        kept = await asyncio.gather(*(sweeps(stores[n % 2], settings).daily_figures(NOW + DAY) for n in range(4)))
        assert sum(kept) == 2
        assert len(await stores[0].figures.rollups.days("2026-11-22", "2026-11-23", ALL)) == 2
    finally:
        for one in stores:
            await one.close()


async def test_a_kept_day_is_what_the_figures_say(lived: tuple[Store, list[History]]) -> None:
    """For every day of the weeks that were lived, by brigade too; nothing is written."""
    store, _ = lived
    from supervision.daily import day_of_figures

    told_apart: set[str] = set()
    for number in range(0, 21, 3):
        day = date(2026, 9, 28) + timedelta(days=number)
        rows = {(dimension, key): values for dimension, key, values in await day_of_figures(store.figures, day)}
        for code, (members, hits, *_) in rows[(ALL, "")].items():
            (count,) = await store.figures.counts(BY_CODE[code].measure, day_slice(day))
            assert (members, hits) == (count.members, count.hits)
            by_brigade = [values[code] for (name, _), values in rows.items() if name == "brigade" and code in values]
            assert sum(one[0] for one in by_brigade) == members
            told_apart |= {code} if members else set()
    assert len(told_apart) > 15


async def test_days_add_up_to_their_month_where_the_facts_are_of_the_day(lived: tuple[Store, list[History]]) -> None:
    store, _ = lived
    month = Slice(town.at("2026-10-01 00:00"), town.at("2026-10-08 00:00"))
    for code in (
        "received",
        "dispatched",
        "accepted_in_time",
        "contacted_in_time",
        "resolved_in_time",
        "solved",
        "urged",
    ):
        (whole,) = await store.figures.counts(BY_CODE[code].measure, month)
        days = [
            (await store.figures.counts(BY_CODE[code].measure, day_slice(date(2026, 10, n))))[0] for n in range(1, 8)
        ]
        assert (sum(one.members for one in days), sum(one.hits for one in days)) == (whole.members, whole.hits), code


async def test_times_are_refused_where_nothing_takes_time(store: Store) -> None:
    with pytest.raises(ValueError, match="no time"):
        await store.figures.spans(METRICS[0].measure.population, day_slice(date(2026, 11, 23)), Dimension.BRIGADE)


async def test_the_purge_keeps_nonces_as_long_as_they_count(store: Store) -> None:
    settings = SupervisionSettings(nonces_kept_hours=2)
    await take(store, drafted("S1"), nonce="n1", seen_at=NOW)
    await sweeps(store, settings).purge(NOW + timedelta(hours=1))
    with pytest.raises(NonceSeen):
        await take(store, drafted("S2"), nonce="n1")
    await sweeps(store, settings).purge(NOW + timedelta(hours=3))
    await take(store, drafted("S2"), nonce="n1")


async def test_the_purge_keeps_tokens_as_long_as_set(store: Store) -> None:
    settings = SupervisionSettings(tokens_kept_days=3)
    over = NOW + timedelta(hours=8)
    token = await store.accounts.create_token("op", Role.OPERATOR, None, "test", NOW, over)
    await sweeps(store, settings).purge(over + timedelta(days=2))
    assert await store.accounts.actor_for_token(token, NOW) is not None
    await sweeps(store, settings).purge(over + timedelta(days=4))
    assert await store.accounts.actor_for_token(token, NOW) is None


async def test_the_purge_forgets_pictures_that_no_ticket_came_of(store: Store) -> None:
    """Those that a dialogue still speaks of stay, those of tickets and of colleagues always."""

    async def keep(letter: str, sent_by: str, ticket_no: str = "") -> None:
        await store.pictures.keep(Picture(letter * 32, letter.encode(), 1, 1, sent_by, NOW, ticket_no))

    await keep("a", f"{CITIZEN}someone")
    await keep("b", f"{CITIZEN}someone")
    await keep("c", f"{CITIZEN}someone", "FH261123-00001")
    await keep("d", "brigade-1.fh.a")
    for number in range(120):  # more than are deleted at once
        await store.pictures.keep(Picture(f"{number:032x}", b"", 1, 1, f"{CITIZEN}{number}", NOW))
    drafts = f'{{"drafts":[{{"photos":["{"a" * 32}"]}}]}}'
    turn = StoredTurn("t1", NOW, "照片", "好")
    await store.conversations.save("someone", StoredConversation("1", 0, drafts, NOW), turn)
    # somebody else's dialogue that names it keeps no picture of another person
    await store.conversations.save("other", StoredConversation("2", 0, f'"{"b" * 32}"', NOW), turn)
    settings = SupervisionSettings(pictures_kept_days=2)
    everything = {one * 32 for one in "abcd"} | {f"{number:032x}" for number in range(120)}
    await sweeps(store, settings).purge(NOW + timedelta(days=1))
    assert set(await store.pictures.senders(sorted(everything))) == everything
    await sweeps(store, settings).purge(NOW + timedelta(days=3))
    assert set(await store.pictures.senders(sorted(everything))) == {one * 32 for one in "acd"}
    await store.conversations.save("someone", StoredConversation("1", 1, "{}", NOW), replace(turn, turn_id="t2"))
    await sweeps(store, settings).purge(NOW + timedelta(days=3))
    assert set(await store.pictures.senders(sorted(everything))) == {one * 32 for one in "cd"}


async def test_the_purge_forgets_misses_of_days_that_are_over(store: Store) -> None:
    today = local(NOW).date()
    for day in (today - DAY, today):
        assert await store.look_ups.allowed("FH261123-00001", day, 1)
    await sweeps(store).purge(NOW)
    assert await store.look_ups.allowed("FH261123-00001", today - DAY, 1), "it is forgotten"
    assert not await store.look_ups.allowed("FH261123-00001", today, 1), "that of today counts on"


async def test_a_ticket_changed_between_is_looked_at_again(store: Store) -> None:
    """The gap sweep reads, then writes; somebody who comes between does not make it write what is no longer so."""
    ticket = await taken(store, "S1", town.SMELL)
    now = NOW + 3 * DAY
    await sweeps(store).lights(now)
    original = store.tickets.events
    interfered = []

    async def events(no: str) -> object:
        found = await original(no)
        if not interfered:
            interfered.append(no)
            await store.change(no, _touched)
        return found

    store.tickets.events = events  # type: ignore[method-assign,assignment]
    await sweeps(store).gaps(now)
    found = await store.tickets.get(ticket.no)
    assert found is not None
    assert (found.urges, len(found.gaps)) == (1, 1)


def _touched(before: Ticket) -> Outcome:
    return Outcome(replace(before, urges=before.urges + 1), (Event("urged", NOW, "o1", "operator"),))
