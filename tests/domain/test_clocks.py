"""Clocks kept ahead of a platform's deadline, extended, and counted anew when the calendar changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from town import CONSTRUCTION, MONDAY, SUPERVISOR, accepted, act, at, case, complaint, member, ticket

from domain.clocks import begun, beside_platform, earlier, extended, kept_ahead, paused_for, recomputed
from domain.lifecycle import Action
from domain.light import Light
from domain.limit import Limit, Stage, Unit
from domain.recomputing import with_deadlines_of
from domain.ticket import Clock
from domain.worktime import Override, WorkCalendar, local

CALENDAR = WorkCalendar()
FREE_WEDNESDAY = WorkCalendar(overrides={date(2026, 11, 25): Override(False, "镇政府通知放假")})
A_DAY = Limit.parse("1 working_days")
FIVE_DAYS = Limit.parse("5 working_days")


def clock(limit: str = "5 working_days", **changed: object) -> Clock:
    made = begun(Stage.RESOLVE, Limit.parse(limit), "L-x", MONDAY, CALENDAR)
    return replace(made, **changed)  # type: ignore[arg-type]


def due(of: Clock) -> str:
    return f"{local(of.due_at):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("margin", "expected"),
    [
        ("1 working_days", "2026-11-26 17:30"),
        ("2 working_days", "2026-11-25 17:30"),
        ("1 calendar_days", "2026-11-26 12:00"),
        ("3 natural_hours", "2026-11-27 09:00"),
        ("2 working_hours", "2026-11-27 10:00"),
        ("4 working_hours", "2026-11-26 17:00"),  # 3.5 h in the morning, the rest the evening before
        ("240 working_minutes", "2026-11-26 17:00"),
    ],
)
def test_our_deadline_keeps_the_margin_ahead_of_the_platforms(margin: str, expected: str) -> None:
    outer = at("2026-11-27 12:00")
    kept = kept_ahead(clock(), outer, Limit.parse(margin), CALENDAR)
    assert due(kept) == expected
    assert kept.original_due_at == kept.due_at
    assert MONDAY < kept.yellow_at < kept.due_at
    assert "平台时限 2026-11-27 12:00，提前" in kept.reasons[-1]


def test_a_working_day_back_passes_over_a_holiday() -> None:
    back = earlier(at("2026-10-08 17:30"), A_DAY, CALENDAR)
    assert f"{local(back):%Y-%m-%d %H:%M}" == "2026-09-30 17:30"


def test_a_far_platform_deadline_leaves_our_own() -> None:
    own = clock()
    assert kept_ahead(own, at("2026-12-31 12:00"), A_DAY, CALENDAR) is own
    assert kept_ahead(own, None, A_DAY, CALENDAR) is own


def test_a_near_platform_deadline_counts_itself_and_a_past_one_not_at_all() -> None:
    near = kept_ahead(clock(), at("2026-11-23 15:00"), A_DAY, CALENDAR)
    assert due(near) == "2026-11-23 15:00"
    assert "所余不足以提前" in near.reasons[-1]
    own = clock()
    assert kept_ahead(own, MONDAY, A_DAY, CALENDAR) is own
    assert kept_ahead(own, at("2026-11-20 15:00"), A_DAY, CALENDAR) is own


@given(st.integers(1, 400), st.sampled_from(Unit), st.integers(1, 9))
def test_a_kept_deadline_is_never_later_than_ours_nor_than_the_platforms(hours: int, unit: Unit, number: int) -> None:
    own, outer = clock(), MONDAY + timedelta(hours=hours)
    kept = kept_ahead(own, outer, Limit(number, unit), CALENDAR)
    assert MONDAY < kept.yellow_at <= kept.due_at <= min(own.due_at, outer)


def test_two_extensions_add_up() -> None:
    twice = extended(extended(clock(), 2, CALENDAR), 3, CALENDAR)
    assert twice.due_at == extended(clock(), 5, CALENDAR).due_at
    assert (twice.extended_by, twice.original_due_at) == (5, clock().due_at)
    assert "经批准延期 3 个工作日" in twice.reasons


def test_an_extension_of_a_clock_round_the_clock_ends_at_a_close() -> None:
    longer = extended(clock("24 natural_hours"), 1, CALENDAR)
    assert due(longer) == "2026-11-25 17:30"


def test_a_pause_moves_the_deadline_by_the_working_time_that_passed_and_says_so() -> None:
    moved = paused_for(clock(), at("2026-11-24 16:30"), at("2026-11-25 09:30"), CALENDAR)
    assert due(moved) == "2026-12-01 10:30"
    assert moved.original_due_at == clock().due_at
    assert moved.yellow_at > clock().yellow_at
    assert (
        "2026-11-24 16:30 至 2026-11-25 09:30 暂停计时，顺延 120 分钟工作时间，2026-12-01 10:30 到期" in moved.reasons
    )


def test_a_pause_outside_office_hours_moves_nothing() -> None:
    moved = paused_for(clock(), at("2026-11-27 17:30"), at("2026-11-29 20:00"), CALENDAR)
    assert moved.due_at == clock().due_at


def test_a_limit_round_the_clock_is_paused_round_the_clock() -> None:
    moved = paused_for(clock("24 natural_hours"), at("2026-11-23 20:00"), at("2026-11-24 02:30"), CALENDAR)
    assert due(moved) == "2026-11-24 15:30"
    assert "顺延 6.5 小时" in moved.reasons[-1]


def test_calendar_days_that_a_pause_ends_on_a_free_day_move_on_to_a_worked_one() -> None:
    moved = paused_for(clock("4 calendar_days"), at("2026-11-24 00:00"), at("2026-11-25 00:00"), CALENDAR)
    assert due(clock("4 calendar_days")) == "2026-11-27 23:59"
    assert due(moved) == "2026-11-30 17:30"


@given(st.sampled_from(Unit), st.integers(1, 9), st.integers(1, 4), st.integers(0, 5000), st.integers(0, 9000))
def test_a_pause_and_an_extension_give_the_same_deadline_in_either_order(
    unit: Unit, number: int, more: int, start: int, length: int
) -> None:
    whole = begun(Stage.RESOLVE, Limit(number, unit), "L-x", MONDAY, CALENDAR)
    since = MONDAY + timedelta(minutes=start)
    until = since + timedelta(minutes=length)
    first = extended(paused_for(whole, since, until, CALENDAR), more, CALENDAR)
    then = paused_for(extended(whole, more, CALENDAR), since, until, CALENDAR)
    assert (first.due_at, first.yellow_at, first.pauses) == (then.due_at, then.yellow_at, then.pauses)
    assert MONDAY < first.yellow_at <= first.due_at
    assert recomputed(first, CALENDAR, None, A_DAY).due_at == first.due_at
    assert recomputed(paused_for(whole, since, until, CALENDAR), CALENDAR, None, A_DAY).due_at >= whole.due_at


def test_a_clock_that_stands_still_is_not_overdue_however_late_it_gets() -> None:
    standing = clock(paused_at=at("2026-11-24 10:00"))
    assert not standing.overdue(at("2027-01-01 10:00"))
    assert not replace(standing, stopped_at=at("2027-01-01 10:00")).overdue(at("2027-02-01 10:00"))
    assert (standing.runs, standing.paused, standing.lights_up) == (False, True, False)


# ── the calendar changes ───────────────────────────────────────────────────


def test_a_running_deadline_moves_with_the_calendar() -> None:
    assert due(clock()) == "2026-11-30 17:30"
    moved = recomputed(clock(light=Light.YELLOW), FREE_WEDNESDAY, None, A_DAY)
    assert due(moved) == "2026-12-01 17:30"
    assert moved.original_due_at == moved.due_at
    assert moved.light is Light.YELLOW  # the sweep changes lights
    assert any("镇政府通知放假" in line for line in moved.reasons)


def test_an_approved_extension_is_kept_when_the_calendar_changes() -> None:
    moved = recomputed(extended(clock(), 3, CALENDAR), FREE_WEDNESDAY, None, A_DAY)
    assert (due(moved), moved.extended_by) == ("2026-12-04 17:30", 3)
    assert f"{local(moved.original_due_at):%m-%d}" == "12-01"


def test_a_deadline_kept_ahead_of_the_platforms_stays_ahead_of_it() -> None:
    outer = at("2026-11-26 17:30")
    tight = kept_ahead(clock(), outer, A_DAY, CALENDAR)
    assert due(tight) == "2026-11-25 17:30"
    assert due(recomputed(tight, FREE_WEDNESDAY, outer, A_DAY)) == "2026-11-24 17:30"


def test_a_provisional_deadline_becomes_certain() -> None:
    start = at("2029-12-31 09:00")
    guessed = begun(Stage.RESOLVE, A_DAY, "L-x", start, CALENDAR)
    announced = WorkCalendar(
        overrides={
            date(2030, 1, 1): Override(False, "元旦"),
            date(2030, 1, 2): Override(False, "元旦"),
            date(2030, 1, 3): Override(True, "上班"),
        }
    )
    assert guessed.provisional
    certain = recomputed(guessed, announced, None, A_DAY)
    assert (due(certain), certain.provisional) == ("2030-01-03 17:30", False)


@given(st.sampled_from(Unit), st.integers(1, 20), st.integers(0, 5), st.integers(0, 300))
def test_nothing_moves_while_the_calendar_stands(unit: Unit, number: int, more: int, outer_hours: int) -> None:
    outer = MONDAY + timedelta(hours=outer_hours) if outer_hours else None
    one = kept_ahead(begun(Stage.RESOLVE, Limit(number, unit), "L-x", MONDAY, CALENDAR, 2), outer, A_DAY, CALENDAR)
    if more:
        one = beside_platform(extended(one, more, CALENDAR), outer)
    assert recomputed(one, CALENDAR, outer, A_DAY) == one


def test_what_has_stopped_is_judged_by_the_calendar_of_its_day() -> None:
    stopped = clock(stopped_at=MONDAY + timedelta(hours=1))
    assert recomputed(stopped, FREE_WEDNESDAY, None, A_DAY) is stopped


def test_a_tickets_recomputation_is_on_record_share_by_share() -> None:
    joint = accepted(case("J0101"))
    done = with_deadlines_of(joint, FREE_WEDNESDAY, A_DAY, MONDAY + timedelta(hours=3))
    assert done is not None
    assert [(one.action, one.position, one.actor) for one in done.events] == [
        ("deadlines_recomputed", 1, "system"),
        ("deadlines_recomputed", 2, "system"),
    ]
    assert done.events[0].data["changes"] == [
        {
            "stage": "resolve",
            "round": 1,
            "before": at("2026-11-30 17:30").isoformat(),
            "after": at("2026-12-01 17:30").isoformat(),
            "provisional": False,
        }
    ]
    assert done.ticket.due_inner == at("2026-12-01 17:30")
    assert with_deadlines_of(done.ticket, FREE_WEDNESDAY, A_DAY, MONDAY) is None  # once


def test_a_ticket_whose_deadlines_stand_is_left_alone() -> None:
    outer = complaint(due_outer=at("2026-11-27 17:30"))
    work = act(accepted(case(complaint=outer)), Action.EXTEND, member(), working_days=1, reason="需协调")
    work = act(work, Action.EXTEND, SUPERVISOR, decision="approved")
    assert with_deadlines_of(work, CALENDAR, A_DAY, MONDAY) is None


def test_the_desks_clock_and_finished_shares() -> None:
    closing_early = WorkCalendar(overrides={date(2026, 11, 23): Override(False, "停电")})
    doubtful = ticket(case(confidence=0.1))
    done = with_deadlines_of(doubtful, closing_early, A_DAY, MONDAY)
    assert done is not None
    assert done.events[0].position == 0
    assert due(done.ticket.desk_clocks[0]) == "2026-11-24 10:30"
    over = act(accepted(case("J0101")), Action.RESOLVE, member(CONSTRUCTION), result="已拆除")
    assert with_deadlines_of(over, FREE_WEDNESDAY, A_DAY, MONDAY) is None
