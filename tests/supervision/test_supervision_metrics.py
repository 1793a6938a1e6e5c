"""Every metric against a count of its own, made from events and facts without any SQL, over random histories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import town
from histories import History, make_histories
from sealing_keys import KEYRING
from sqlalchemy.event import listens_for

from domain.complaint import Kind
from domain.event import Event
from domain.limit import Stage
from domain.ticket import OPEN, Assignment, Clock, Share, Ticket
from domain.worktime import WorkCalendar, local
from storage.figures import Dimension, Slice
from storage.store import Store
from supervision.figures import Comparison, Metrics
from supervision.metrics import BY_CODE, METRICS, Better, MetricUnit

START = town.at("2026-09-28 00:00")
END = town.at("2026-10-19 00:00")
MUCH_LATER = town.at("2027-03-01 00:00")
MONTH = Slice(town.at("2026-10-01 00:00"), town.at("2026-11-01 00:00"))

Row = tuple[str, int, datetime, bool]
"""Ticket number, share, moment, whether it counts."""

AGAIN = {"sent_back_to_work", "reopened"}
REROUTED = {"return_granted", "transferred", "reclassified"}


def times(one: History, action: str, position: int | None = None, **data: object) -> list[datetime]:
    return [
        event.at
        for event in one.events
        if event.action == action
        and (position is None or event.position == position)
        and all(event.data.get(name) == value for name, value in data.items())
    ]


def limits(one: History, stage: Stage) -> Iterator[tuple[Assignment, Clock]]:
    """Those that run or have run to an end: what stands still has not fallen due."""
    for share in one.ticket.assignments:
        for clock in share.clocks:
            if clock.stage is stage and clock.paused_at is None:
                yield share, clock


def done_at(one: History, share: Assignment, clock: Clock) -> datetime | None:
    """When a round of work ended with a resolution: the first one after the round began, before the next began."""
    rounds = sorted(other.started_at for other in share.clocks if other.stage is Stage.RESOLVE)
    following = [start for start in rounds if start > clock.started_at]
    ends = [at for at in times(one, "resolved", share.position) if at >= clock.started_at]
    return next((at for at in ends if not following or at <= following[0]), None)


def step_due(one: History, stage: Stage, action: str, **data: object) -> Iterator[Row]:
    for share, clock in limits(one, stage):
        done = min(times(one, action, share.position, **data), default=None)
        stopped_early = share.ended_at is not None and share.ended_at <= clock.due_at
        closed_before = done is None and clock.stopped_at is not None and clock.stopped_at == share.ended_at
        if stopped_early and closed_before:
            continue
        yield one.ticket.no, share.position, clock.due_at, done is not None and done <= clock.due_at


def resolve_due(one: History, counts: Callable[[Assignment, Clock, datetime | None], bool]) -> Iterator[Row]:
    for share, clock in limits(one, Stage.RESOLVE):
        if share.share is not Share.LEAD:
            continue
        done = done_at(one, share, clock)
        if done is None and share.ended_at is not None and share.ended_at <= clock.due_at:
            continue
        yield one.ticket.no, share.position, clock.due_at, counts(share, clock, done)


def later_than(one: History, event: Event) -> list[Event]:
    return list(one.events[one.events.index(event) + 1 :])


def of_events(one: History, action: str, counts: Callable[[Event], bool], whole: bool = False) -> Iterator[Row]:
    for event in one.events:
        if event.action == action:
            yield one.ticket.no, 0 if whole else event.position, event.at, counts(event)


def lead_resolutions(one: History) -> list[Event]:
    leads = {share.position for share in one.ticket.assignments if share.share is Share.LEAD}
    return [event for event in one.events if event.action == "resolved" and event.position in leads]


def same_matter(one: Ticket, other: Ticket) -> bool:
    phone = one.complaint.reporter.phone
    return (
        one.no != other.no
        and phone != ""
        and phone == other.complaint.reporter.phone
        and one.category == other.category
    )


def of_shares(one: History, counts: Callable[[Assignment], bool], leads_only: bool = False) -> Iterator[Row]:
    for share in one.ticket.assignments:
        if not leads_only or share.share is Share.LEAD:
            yield one.ticket.no, share.position, share.dispatched_at, counts(share)


def resolutions(one: History, counts: Callable[[Event], bool]) -> Iterator[Row]:
    for event in lead_resolutions(one):
        yield one.ticket.no, event.position, event.at, counts(event)


def follow_ups(one: History, counts: Callable[[Event, tuple[Event, ...]], bool]) -> Iterator[Row]:
    """Valid ones, each with the events before it."""
    for place, event in enumerate(one.events):
        if event.action == "followed_up" and event.data["reached"] and event.data["solved"]:
            yield one.ticket.no, 0, event.at, counts(event, one.events[:place])


def came_again(one: History, event: Event, everything: list[History]) -> bool:
    until = event.at + timedelta(days=7)
    resent = any(later.action == "sent_again" and later.at <= until for later in later_than(one, event))
    return resent or any(
        same_matter(one.ticket, other.ticket) and event.at <= other.ticket.created_at <= until for other in everything
    )


def came_before(one: History, everything: list[History]) -> bool:
    latest = one.ticket.created_at
    return any(
        same_matter(one.ticket, other.ticket) and latest - timedelta(days=30) <= other.ticket.created_at <= latest
        for other in everything
    )


def worked_again(events: Iterable[Event]) -> bool:
    return any(event.action in AGAIN for event in events)


def times_again(events: Iterable[Event]) -> int:
    return sum(event.action in AGAIN for event in events)


Hand = Callable[[History, datetime, list[History]], Iterable[Row]]

BY_HAND: dict[str, Hand] = {
    "received": lambda one, _end, _all: [(one.ticket.no, 0, one.ticket.created_at, True)],
    "backlog": lambda one, _end, _all: (
        [(one.ticket.no, 0, one.ticket.created_at, True)] if one.ticket.status in OPEN else []
    ),
    "dispatched": lambda one, _end, _all: of_shares(one, lambda _share: True),
    "dispatched_in_time": lambda one, _end, _all: [
        (one.ticket.no, 0, clock.due_at, clock.stopped_at is not None and clock.stopped_at <= clock.due_at)
        for clock in one.ticket.desk_clocks
    ],
    "accepted_in_time": lambda one, _end, _all: step_due(one, Stage.ACCEPT, "accepted"),
    "contacted_in_time": lambda one, _end, _all: step_due(one, Stage.CONTACT, "contacted", reached=True),
    "resolved": lambda one, end, _all: resolve_due(one, lambda _s, _c, done: done is not None and done < end),
    "resolved_in_time": lambda one, _end, _all: resolve_due(
        one, lambda _s, clock, done: done is not None and done <= clock.due_at
    ),
    "resolved_in_first_time": lambda one, _end, _all: resolve_due(
        one, lambda _s, clock, done: done is not None and done <= clock.original_due_at
    ),
    "resolved_in_outer_time": lambda one, end, _all: resolve_due(
        one, lambda _s, clock, done: done is not None and done < end and done <= (one.ticket.due_outer or clock.due_at)
    ),
    "closed_in_time": lambda one, _end, _all: resolve_due(
        one,
        lambda _s, clock, done: done is not None and any(done <= at <= clock.due_at for at in times(one, "closed")),
    ),
    "closed": lambda one, end, _all: resolve_due(
        one,
        lambda _s, _c, done: done is not None and any(done <= at < end for at in times(one, "closed")),
    ),
    "extended": lambda one, _end, _all: resolve_due(
        one,
        lambda share, clock, done: any(
            clock.started_at <= at <= (done or MUCH_LATER) for at in times(one, "extended", share.position)
        ),
    ),
    "returned": lambda one, end, _all: of_shares(
        one, lambda share: any(at < end for at in times(one, "returned", share.position))
    ),
    "misrouted": lambda one, end, _all: of_shares(
        one,
        lambda share: any(e.action in REROUTED and e.at == share.ended_at and e.at < end for e in one.events),
        leads_only=True,
    ),
    "reworked": lambda one, end, _all: resolutions(
        one, lambda event: worked_again(later for later in later_than(one, event) if later.at < end)
    ),
    "followed_up": lambda one, end, _all: resolutions(
        one,
        lambda event: any(
            later.action == "followed_up" and later.data["reached"] and later.data["solved"] != "" and later.at < end
            for later in later_than(one, event)
        ),
    ),
    "falsely_resolved": lambda one, _end, everything: resolutions(
        one, lambda event: came_again(one, event, everything)
    ),
    "repeated": lambda one, _end, everything: [(one.ticket.no, 0, one.ticket.created_at, came_before(one, everything))],
    "solved": lambda one, _end, _all: follow_ups(one, lambda event, _before: event.data["solved"] == "yes"),
    "solved_at_once": lambda one, _end, _all: follow_ups(
        one, lambda event, before: event.data["solved"] == "yes" and not worked_again(before)
    ),
    "solved_at_second": lambda one, _end, _all: follow_ups(
        one, lambda event, before: event.data["solved"] == "yes" and times_again(before) == 1
    ),
    "solved_later": lambda one, _end, _all: follow_ups(
        one, lambda event, before: event.data["solved"] == "yes" and times_again(before) >= 2
    ),
    "dissatisfied": lambda one, _end, _all: follow_ups(
        one, lambda event, _before: event.data["satisfaction"] == "unsatisfied"
    ),
    "satisfied": lambda one, _end, _all: follow_ups(
        one, lambda event, _before: event.data["satisfaction"] in {"satisfied", "basically"}
    ),
    "pressed": lambda one, _end, _all: of_events(one, "pressed", lambda _event: True, whole=True),
    "urged": lambda one, _end, _all: of_events(one, "urged", lambda _event: True, whole=True),
    "red_lights": lambda one, _end, _all: (
        row for row in of_events(one, "light_changed", lambda event: event.data["new"] == "red") if row[3]
    ),
    "gaps": lambda one, _end, _all: of_events(one, "gap_opened", lambda _event: True),
}
"""The members of each metric's population over all time, as of a moment, among everything that happened."""


def count_by_hand(code: str, everything: list[History], end: datetime) -> list[Row]:
    return [row for one in everything for row in BY_HAND[code](one, end, everything)]


COUNTED = [metric.code for metric in METRICS if metric.unit is not MetricUnit.DURATION]


def within(rows: list[Row], wanted: Slice, code: str) -> list[Row]:
    start = MONTH.start.replace(year=1990) if code == "backlog" else wanted.start
    return sorted(row for row in rows if start <= row[2] < wanted.end)


async def test_every_metric_is_what_a_count_by_hand_gives(lived: tuple[Store, list[History]]) -> None:
    store, histories = lived
    metrics = Metrics(store.figures, WorkCalendar(), 1)
    told_apart = 0
    for code in COUNTED:
        metric = BY_CODE[code]
        rows = within(count_by_hand(code, histories, MONTH.end), MONTH, code)
        hits = sum(row[3] for row in rows)
        figure = await metrics.compute(metric, MONTH, MUCH_LATER)
        assert (figure.total.n, figure.total.hits) == (len(rows), hits), code
        members = await metrics.members(metric, MONTH, MUCH_LATER, limit=10_000)
        assert sorted((m.ticket_no, m.position, m.at, m.hit) for m in members) == rows, code
        told_apart += 0 < hits < len(rows)
    assert told_apart >= 14, "the histories are too plain to tell the metrics apart"


@pytest.mark.parametrize("by", list(Dimension))
async def test_groups_add_up_to_the_whole(lived: tuple[Store, list[History]], by: Dimension) -> None:
    store, _ = lived
    metrics = Metrics(store.figures, WorkCalendar(), 1)
    for metric in METRICS:
        figure = await metrics.compute(metric, MONTH, MUCH_LATER, by=by)
        assert sum(group.value.n for group in figure.groups) == figure.total.n, metric.code
        assert sum(group.value.hits for group in figure.groups) == figure.total.hits, metric.code
        for group in figure.groups[:2]:
            listed = await metrics.members(metric, MONTH, MUCH_LATER, group=(by, (group.key,)), hit=True, limit=10_000)
            assert len(listed) == group.value.hits, (metric.code, group.key)


async def test_groups_of_time_are_local(lived: tuple[Store, list[History]]) -> None:
    store, histories = lived
    spelled: dict[Dimension, Callable[[datetime], str]] = {
        Dimension.HOUR: lambda at: f"{at:%Y-%m-%d %H}:00",
        Dimension.DAY: lambda at: f"{at:%Y-%m-%d}",
        Dimension.WEEK: lambda at: f"{at - timedelta(days=at.weekday()):%Y-%m-%d}",
        Dimension.MONTH: lambda at: f"{at:%Y-%m}",
        Dimension.QUARTER: lambda at: f"{at:%Y}-Q{1 + (at.month - 1) // 3}",
        Dimension.YEAR: lambda at: f"{at:%Y}",
    }
    wanted = Slice(START, END)
    for by, spell in spelled.items():
        expected = Counter(
            spell(local(one.ticket.created_at)) for one in histories if START <= one.ticket.created_at < END
        )
        figure = await Metrics(store.figures, WorkCalendar(), 1).compute(BY_CODE["received"], wanted, MUCH_LATER, by=by)
        assert {group.key: group.value.n for group in figure.groups} == dict(expected)
        assert [group.key for group in figure.groups] == sorted(expected)


async def test_slices_look_at_their_own(lived: tuple[Store, list[History]]) -> None:
    store, histories = lived
    metrics = Metrics(store.figures, WorkCalendar(), 1)
    for changed, belongs in (
        ({"channel": "12319"}, lambda ticket: ticket.complaint.channel == "12319"),
        ({"kind": Kind.REPORT}, lambda ticket: ticket.kind is Kind.REPORT),
        ({"category": town.SMELL}, lambda ticket: ticket.category == town.SMELL),
        ({"grid": "cg"}, lambda ticket: ticket.lead is not None and ticket.lead.cell.startswith("cg-")),
        ({"brigade": town.CITY}, lambda ticket: ticket.lead is not None and ticket.lead.unit == town.CITY),
    ):
        wanted = replace(MONTH, **changed)  # type: ignore[arg-type]
        expected = sum(MONTH.start <= one.ticket.created_at < MONTH.end and belongs(one.ticket) for one in histories)
        assert expected > 0
        assert (await metrics.compute(BY_CODE["received"], wanted, MUCH_LATER)).total.n == expected


async def test_a_closed_month_stays_as_it_was(store: Store) -> None:
    """What happens after the period's end changes nothing but the two figures that say so."""
    await make_histories(store, seed=3, number=25, start=START, days=21)
    metrics = Metrics(store.figures, WorkCalendar(), 1)
    period = Slice(START, town.at("2026-10-12 00:00"))
    before = {code: (await metrics.compute(BY_CODE[code], period, MUCH_LATER)).total for code in COUNTED}
    await make_histories(store, seed=4, number=15, start=town.at("2026-10-12 00:00"), days=20)
    after = {code: (await metrics.compute(BY_CODE[code], period, MUCH_LATER)).total for code in COUNTED}
    assert {code for code in COUNTED if before[code] != after[code]} <= {"falsely_resolved"}


async def test_nothing_is_no_error_and_no_rate(store: Store) -> None:
    metrics = Metrics(store.figures, WorkCalendar(), 1)
    for metric in METRICS:
        for by in (None, Dimension.BRIGADE, Dimension.WEEK):
            figure = await metrics.compute(metric, MONTH, MUCH_LATER, by=by, comparison=Comparison.PREVIOUS)
            expected = 0.0 if metric.unit is MetricUnit.COUNT else None
            assert (figure.total.n, figure.total.value, figure.groups) == (0, expected, ())
            assert figure.before is not None
            assert figure.before.n == 0
            if metric.unit is MetricUnit.DURATION:
                assert figure.total.working_minutes is not None
                assert figure.total.working_minutes.mean is None
        assert await metrics.members(metric, MONTH, MUCH_LATER) == []


async def test_what_has_not_fallen_due_is_in_no_denominator(lived: tuple[Store, list[History]]) -> None:
    store, histories = lived
    now = town.at("2026-10-14 12:00")
    figure = await Metrics(store.figures, WorkCalendar(), 1).compute(BY_CODE["resolved_in_time"], MONTH, now)
    rows = within(count_by_hand("resolved_in_time", histories, now), replace(MONTH, end=now), "resolved_in_time")
    assert figure.total.n == len(rows) > 0
    ahead = Slice(MUCH_LATER, MUCH_LATER + timedelta(days=30))
    assert (await Metrics(store.figures, WorkCalendar(), 1).compute(BY_CODE["received"], ahead, now)).total.n == 0


async def test_small_groups_are_shown_and_not_ranked(lived: tuple[Store, list[History]]) -> None:
    store, _ = lived
    metric = BY_CODE["accepted_in_time"]
    open_to_all = await Metrics(store.figures, WorkCalendar(), 1).compute(
        metric, MONTH, MUCH_LATER, by=Dimension.BRIGADE
    )
    assert all(group.ranked for group in open_to_all.groups)
    smallest = min(group.value.n for group in open_to_all.groups)
    figure = await Metrics(store.figures, WorkCalendar(), smallest + 1).compute(
        metric, MONTH, MUCH_LATER, by=Dimension.BRIGADE
    )
    assert {group.value.n for group in figure.groups} == {group.value.n for group in open_to_all.groups}
    ranked = sorted((group for group in figure.groups if group.ranked), key=lambda group: group.rank or 0)
    assert 0 < len(ranked) < len(figure.groups)
    rates = [group.value.value or 0 for group in ranked]
    assert rates == sorted(rates, reverse=True)
    assert ranked[0].rank == 1
    assert all(group.rank is None and group.value.n <= smallest for group in figure.groups if not group.ranked)


async def test_where_less_is_better_the_least_comes_first(lived: tuple[Store, list[History]]) -> None:
    store, _ = lived
    figure = await Metrics(store.figures, WorkCalendar(), 1).compute(
        BY_CODE["returned"], MONTH, MUCH_LATER, by=Dimension.BRIGADE
    )
    ranked = sorted((group for group in figure.groups if group.ranked), key=lambda group: group.rank or 0)
    rates = [group.value.value or 0 for group in ranked]
    assert rates == sorted(rates)


async def test_time_and_neutral_figures_are_not_ranked(lived: tuple[Store, list[History]]) -> None:
    store, _ = lived
    metrics = Metrics(store.figures, WorkCalendar(), 1)
    assert BY_CODE["received"].better is Better.NEUTRAL
    for code, by in (("received", Dimension.BRIGADE), ("accepted_in_time", Dimension.DAY)):
        figure = await metrics.compute(BY_CODE[code], MONTH, MUCH_LATER, by=by)
        assert figure.groups
        assert not any(group.ranked for group in figure.groups)


def test_every_metric_says_what_it_counts() -> None:
    assert len(BY_CODE) == len(METRICS)
    for metric in METRICS:
        assert metric.name
        assert metric.numerator in metric.formula
        assert (metric.unit is MetricUnit.RATE) == (metric.denominator != "") == (metric.measure.trait is not None)


async def test_every_figure_reads_ranges_of_indexes(sqlite_database_url: str) -> None:
    """On SQLite, whose plan is the same for few rows and many. A search within a search goes by the ticket or the number."""
    store = await Store.open(sqlite_database_url, KEYRING)
    seen: list[tuple[str, Any]] = []

    @listens_for(store._engine.sync_engine, "before_cursor_execute")
    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    for metric in METRICS:
        seen.clear()
        await store.figures.counts(metric.measure, MONTH, Dimension.BRIGADE)
        ((statement, parameters),) = [one for one in seen if one[0].startswith("SELECT")]
        async with store._engine.connect() as connection:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [row[3] for row in rows]
        assert not [step for step in steps if step.startswith("SCAN") and "rows" not in step], (metric.code, steps)
        within = [step for step in steps if step.startswith(("SEARCH other", "SEARCH later"))]
        assert all("ticket_id=?" in step or "reporter_key=?" in step for step in within), (metric.code, steps)
    await store.close()
