"""How long each step takes: every interval against a count of its own, made from events without any SQL."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import town
from histories import History, read_histories
from parts import act, taken
from test_supervision_metrics import MONTH, MUCH_LATER, done_at, follow_ups, times

from domain.lifecycle import Action
from domain.limit import Stage
from domain.people import Actor
from domain.ticket import Share
from domain.worktime import WorkCalendar, working_minutes
from storage.store import Store
from supervision.figures import Metrics, Times
from supervision.metrics import BY_CODE, METRICS, MetricUnit

Interval = tuple[str, int, datetime, datetime]
"""Ticket number, share, from when, to when."""


def taken_since(one: History, ended: set[str], begun: str, *, of_share: bool = True) -> Iterator[Interval]:
    """From the last event that began it, of the share or of the ticket, to each event that ended it."""
    for place, event in enumerate(one.events):
        if event.action in ended:
            since = [
                earlier.at
                for earlier in one.events[:place]
                if earlier.action == begun and (not of_share or earlier.position == event.position)
            ]
            yield one.ticket.no, event.position if of_share else 0, since[-1], event.at


def taken_to_resolve(one: History) -> Iterator[Interval]:
    for share in one.ticket.assignments:
        if share.share is Share.LEAD:
            for clock in share.clocks:
                done = done_at(one, share, clock) if clock.stage is Stage.RESOLVE else None
                if done is not None:
                    yield one.ticket.no, share.position, clock.started_at, done


def taken_to_answer(one: History) -> Iterator[Interval]:
    for order in one.ticket.orders:
        if order.answered_at is not None:
            yield one.ticket.no, order.position, order.issued_at, order.answered_at


TAKEN: dict[str, Callable[[History], Iterable[Interval]]] = {
    "time_to_dispatch": lambda one: [
        (one.ticket.no, share.position, one.events[0].at, share.dispatched_at)
        for share in one.ticket.assignments[:1]
        if one.events[1].action != "dispatched"
    ],
    "time_to_accept": lambda one: [
        (one.ticket.no, share.position, share.dispatched_at, at)
        for share in one.ticket.assignments
        for at in times(one, "accepted", share.position)
    ],
    "time_to_contact": lambda one: [
        (one.ticket.no, share.position, share.dispatched_at, min(reached))
        for share in one.ticket.assignments
        if (reached := times(one, "contacted", share.position, reached=True))
    ],
    "time_to_resolve": taken_to_resolve,
    "time_to_follow_up": lambda one: (
        row
        for row in taken_since(one, {"followed_up"}, "resolved", of_share=False)
        if any(at == row[3] for _, _, at, _ in follow_ups(one, lambda _event, _before: True))
    ),
    "time_to_close": lambda one: [(one.ticket.no, 0, one.events[0].at, at) for at in times(one, "closed")],
    "time_to_rule_return": lambda one: taken_since(one, {"return_granted", "return_refused"}, "returned"),
    "time_to_rule_extension": lambda one: taken_since(one, {"extended", "extension_refused"}, "extension_asked"),
    "time_to_rule_suspension": lambda one: taken_since(one, {"suspended", "suspension_refused"}, "suspension_asked"),
    "time_to_answer_press": taken_to_answer,
}


def test_every_time_has_a_count_by_hand() -> None:
    timed = {metric.code for metric in METRICS if metric.unit is MetricUnit.DURATION}
    assert timed == {*TAKEN, "backlog_age"}


async def assert_taken(store: Store, histories: list[History], code: str) -> None:
    """The month's times of a metric, and the tickets behind them, are those of the events."""
    metrics = Metrics(store.figures, WorkCalendar(), 1)
    rows = [row for one in histories for row in TAKEN[code](one) if MONTH.start <= row[3] < MONTH.end]
    value = (await metrics.compute(BY_CODE[code], MONTH, MUCH_LATER)).total
    assert value.n == len(rows) >= 2
    members = await metrics.members(BY_CODE[code], MONTH, MUCH_LATER, limit=10_000)
    assert sorted((one.ticket_no, one.position, one.at) for one in members) == sorted(
        (no, position, ended) for no, position, _, ended in rows
    )
    hours = [(ended - begun) / timedelta(hours=1) for _, _, begun, ended in rows]
    minutes = [working_minutes(begun, ended, WorkCalendar()) for _, _, begun, ended in rows]
    for counted, found in ((hours, value.calendar_hours), (minutes, value.working_minutes)):
        assert found is not None
        assert found.mean == pytest.approx(statistics.mean(counted))
        assert found.median == pytest.approx(statistics.median(counted))
        assert found.p90 == pytest.approx(statistics.quantiles(counted, n=10, method="inclusive")[-1])
        assert max(counted) > 0


SELDOM = ("time_to_rule_extension", "time_to_rule_suspension", "time_to_answer_press")
"""What happens too seldom in the lived weeks."""


@pytest.mark.parametrize("code", [code for code in TAKEN if code not in SELDOM])
async def test_times_are_those_of_the_events(lived: tuple[Store, list[History]], code: str) -> None:
    store, histories = lived
    await assert_taken(store, histories, code)


async def test_rulings_and_answers_take_the_time_since_they_were_asked_for(store: Store) -> None:
    """Twice on one share: each ruling answers the request before it, each answer its own order."""
    first = (await taken(store, "S1", town.STALL, town.at("2026-10-12 09:00"))).no
    second = (await taken(store, "S2", town.RUBBISH, town.at("2026-10-12 09:00"))).no
    member, leader = town.member(town.CITY), town.SUPERVISOR
    steps: tuple[tuple[str, Action, Actor, str, dict[str, Any]], ...] = (
        (first, Action.ACCEPT, member, "12 10:00", {}),
        (second, Action.ACCEPT, member, "12 10:00", {}),
        (first, Action.EXTEND, member, "12 11:00", {"working_days": 1, "reason": "需要鉴定"}),
        (first, Action.EXTEND, leader, "12 14:30", {"decision": "refused"}),
        (first, Action.EXTEND, member, "12 15:00", {"working_days": 1, "reason": "需要鉴定"}),
        (first, Action.EXTEND, leader, "13 09:10", {"decision": "approved"}),
        (second, Action.SUSPEND, member, "12 10:05", {"until": date(2026, 10, 20), "reason": "等待检测"}),
        (second, Action.SUSPEND, leader, "12 10:25", {"decision": "refused"}),
        (second, Action.SUSPEND, member, "12 16:05", {"until": date(2026, 10, 20), "reason": "等待检测"}),
        (second, Action.SUSPEND, leader, "13 10:25", {"decision": "approved"}),
        (first, Action.PRESS, leader, "13 11:00", {"requirement": "尽快办理"}),
        (first, Action.PRESS, leader, "13 13:00", {"requirement": "今日办结"}),
        (first, Action.ANSWER_PRESS, member, "13 15:00", {"order": 2, "answer": "正在办理"}),
        (first, Action.ANSWER_PRESS, member, "14 09:00", {"order": 1, "answer": "正在办理"}),
    )
    for no, action, actor, at, details in steps:
        await act(store, no, action, actor, town.at(f"2026-10-{at}"), **details)
    histories = await read_histories(store)
    for code in SELDOM:
        await assert_taken(store, histories, code)
    answered = (await Metrics(store.figures, WorkCalendar(), 1).compute(BY_CODE[SELDOM[2]], MONTH, MUCH_LATER)).total
    assert answered.calendar_hours == Times(12.0, 12.0, pytest.approx(20.0))
