"""A month assessed on both databases: computed, ruled on, frozen, corrected, appealed against and tried with other weights."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import town
from histories import History
from parts import act, taken
from sealing_keys import KEYRING
from sqlalchemy.event import listens_for

from domain.lifecycle import Action
from domain.people import Role
from storage.assessments import (
    Adjustment,
    AlreadyFrozen,
    Appeal,
    AppealNotFound,
    AppealSettled,
    AppealStatus,
    Level,
    Tally,
)
from storage.figures import Dimension, Slice
from storage.store import Store
from supervision.assessment.assessing import DIMENSIONS, Assessing, MonthNotOver, month_before, month_slice
from supervision.assessment.rulings import rule, rulings_of
from supervision.assessment.scores import Scorecard
from supervision.assessment.settings import AssessmentSettings, IndicatorSettings
from supervision.metrics import BY_CODE

MONTH = "2026-11"
DECEMBER = town.at("2026-12-01 00:10")
WEIGHTS = AssessmentSettings(
    indicators=(
        IndicatorSettings(metric="accepted_in_time", marks=40, target=100, slope=0.5),
        IndicatorSettings(metric="resolved_in_time", marks=60, target=100, slope=1),
    ),
    smallest_ranked=1,
)
EQUAL = AssessmentSettings(
    indicators=(
        IndicatorSettings(metric="accepted_in_time", marks=50, target=100, slope=0.5),
        IndicatorSettings(metric="resolved_in_time", marks=50, target=100, slope=0.5),
    ),
    smallest_ranked=2,
)


async def worked(store: Store, source_no: str, category: str, unit: str) -> str:
    """A ticket that its unit has signed for and resolved in time."""
    no = (await taken(store, source_no, category)).no
    await act(store, no, Action.ACCEPT, town.member(unit), town.MONDAY + timedelta(minutes=10))
    await act(store, no, Action.RESOLVE, town.member(unit), town.MONDAY + timedelta(hours=1), result="已处理")
    return no


async def november(store: Store) -> str:
    """Brigade 2 works one ticket and leaves another lie; brigade 1 works one. The number of the one that lies."""
    await worked(store, "A", town.SMELL, town.ENTERPRISE)
    await worked(store, "B", town.RUBBISH, town.CITY)
    return (await taken(store, "C", town.SMELL)).no


async def ruled(store: Store, no: str, now: datetime, *, unreasonable: bool = True) -> None:
    await store.change(
        no,
        lambda ticket: rule(
            ticket,
            unreasonable=unreasonable,
            reason="同一诉求反复提出，电话 13800000001",
            applicant=town.ENTERPRISE,
            actor=town.SUPERVISOR,
            now=now,
        ),
    )


def totals(cards: tuple[Scorecard, ...]) -> dict[str, float]:
    return {card.subject: card.total for card in cards}


async def test_tallies_are_the_figures_of_the_metrics(lived: tuple[Store, list[History]]) -> None:
    """Without a ruling the assessment counts what every other page counts."""
    store, _ = lived
    wanted = Slice(town.at("2026-10-01 00:00"), town.at("2026-11-01 00:00"))
    seen = 0
    for indicator in AssessmentSettings().indicators:
        measure = BY_CODE[indicator.metric].measure
        for level in Level:
            counts = await store.figures.counts(measure, wanted, DIMENSIONS[level])
            found = await store.assessments.tallies(measure, wanted, DIMENSIONS[level])
            assert found == {one.key: Tally(one.members, one.hits, 0) for one in counts}
            seen += sum(one.members for one in counts)
    assert seen > 100


async def test_a_month_by_hand(store: Store) -> None:
    await november(store)
    result = await Assessing(store, WEIGHTS).month(MONTH, Level.BRIGADE, DECEMBER)
    assert result.frozen is None
    assert [(card.subject, card.total, card.rank, card.sample) for card in result.cards] == [
        (town.CITY, 100.0, 1, 1),
        (town.ENTERPRISE, 25.0, 2, 2),  # 40 − 0.5 × 50, and 60 − 1 × 50
    ]
    accepted, resolved = result.cards[1].indicators
    assert (accepted.n, accepted.hits, accepted.value, accepted.marks) == (2, 1, 50.0, 15.0)
    assert (resolved.n, resolved.hits, resolved.value, resolved.marks) == (2, 1, 50.0, 10.0)


@pytest.mark.parametrize(("level", "subject"), [(Level.CELL, "qy-001"), (Level.HANDLER, "b2")])
async def test_cells_and_handlers_are_assessed_alike(store: Store, level: Level, subject: str) -> None:
    await november(store)
    result = await Assessing(store, WEIGHTS).month(MONTH, level, DECEMBER)
    assert totals(result.cards)[subject] == 25.0


async def test_a_ruling_takes_a_ticket_out_of_the_denominators_and_another_brings_it_back(store: Store) -> None:
    no = await november(store)
    assessing = Assessing(store, WEIGHTS)
    await ruled(store, no, town.MONDAY + timedelta(days=1))
    out = (await assessing.month(MONTH, Level.BRIGADE, DECEMBER)).cards
    card = next(one for one in out if one.subject == town.ENTERPRISE)
    assert (card.total, card.sample) == (100.0, 1)
    assert [(one.n, one.ruled_out) for one in card.indicators] == [(1, 1), (1, 1)]
    figures = await store.figures.counts(BY_CODE["resolved_in_time"].measure, month_slice(MONTH), Dimension.BRIGADE)
    assert {one.key: one.members for one in figures}[town.ENTERPRISE] == 2  # the bureau's figures still have it

    await ruled(store, no, town.MONDAY + timedelta(days=2), unreasonable=False)
    back = (await assessing.month(MONTH, Level.BRIGADE, DECEMBER)).cards
    assert totals(back)[town.ENTERPRISE] == 25.0

    rulings = rulings_of([one.event for one in await store.tickets.events(no)])
    assert [(one.unreasonable, one.by, one.applicant) for one in rulings] == [
        (True, "v1", town.ENTERPRISE),
        (False, "v1", town.ENTERPRISE),
    ]
    assert "13800000001" not in rulings[0].reason
    assert (await store.verify_chain()).intact


async def test_a_frozen_month_stays_and_corrections_stand_beside_it(store: Store) -> None:
    no = await november(store)
    assessing = Assessing(store, WEIGHTS)
    before = (await assessing.month(MONTH, Level.BRIGADE, DECEMBER)).cards
    await assessing.freeze(MONTH, town.SUPERVISOR, DECEMBER)
    quiet = await assessing.month(MONTH, Level.BRIGADE, DECEMBER)
    assert quiet.frozen is not None
    assert (quiet.frozen.by, quiet.frozen.at) == ("v1", DECEMBER)
    assert (quiet.cards, quiet.corrections) == (before, ())

    later = DECEMBER + timedelta(days=3)
    await ruled(store, no, later)
    made = await store.assessments.add_adjustment(
        Adjustment(MONTH, Level.BRIGADE, town.CITY, -2.0, "抽查不合格", "v1", later)
    )
    # The weights in force have changed since; a frozen month keeps its own.
    result = await Assessing(store, EQUAL).month(MONTH, Level.BRIGADE, later)
    assert (result.cards, result.settings) == (before, WEIGHTS)
    city, enterprise = result.corrections
    assert (city.subject, city.frozen_total, city.total) == (town.CITY, 100.0, 98.0)
    assert (city.adjustments, city.indicators) == ((made,), ())
    assert (enterprise.frozen_total, enterprise.total, enterprise.frozen_rank, enterprise.rank) == (25.0, 100.0, 2, 1)
    changed = enterprise.indicators[0]
    assert changed.frozen is not None
    assert changed.now is not None
    assert (changed.metric, changed.frozen.n, changed.now.n, changed.now.ruled_out) == ("accepted_in_time", 2, 1, 1)


async def test_a_month_is_frozen_once_and_not_before_it_is_over(store: Store) -> None:
    await november(store)
    assessing = Assessing(store, WEIGHTS)
    with pytest.raises(MonthNotOver):
        await assessing.freeze(MONTH, town.SUPERVISOR, town.at("2026-11-30 23:59"))
    assert await store.assessments.frozen(MONTH, Level.BRIGADE) is None
    answers = await asyncio.gather(
        *(assessing.freeze(MONTH, town.SUPERVISOR, DECEMBER) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(one, AlreadyFrozen) for one in answers) == 2
    assert sum(one is None for one in answers) == 1
    assert all([await store.assessments.frozen(MONTH, level) is not None for level in Level])


async def test_the_timer_freezes_the_last_month_once_when_its_day_has_come(store: Store) -> None:
    await november(store)
    waiting = Assessing(store, WEIGHTS.model_copy(update={"freeze_after_days": 5}))
    await waiting.freeze_due(town.at("2026-12-05 23:59"))
    assert await store.assessments.frozen(MONTH, Level.BRIGADE) is None
    now = town.at("2026-12-06 00:00")
    answers = await asyncio.gather(*(waiting.freeze_due(now) for _ in range(3)))
    assert sorted(one or "" for one in answers) == ["", "", MONTH]
    frozen = await store.assessments.frozen(MONTH, Level.BRIGADE)
    assert frozen is not None
    assert frozen.frozen_by == "system"
    assert await waiting.freeze_due(now + timedelta(days=1)) is None


async def test_a_month_before_the_service_began_is_not_frozen(store: Store) -> None:
    """On the first start the month before is empty: nobody worked here then, and a later import must not find it frozen."""
    assessing = Assessing(store, WEIGHTS)
    assert await assessing.freeze_due(DECEMBER) is None
    await taken(store, "S1", now=town.at("2026-12-01 08:00"))
    assert await assessing.freeze_due(DECEMBER) is None
    assert await store.assessments.frozen(MONTH, Level.BRIGADE) is None
    evening = town.at("2026-11-30 23:59")
    await store.accounts.create_user(
        "v1", "测试主任", Role.SUPERVISOR, None, "correct horse battery", evening, must_change=False
    )
    assert await assessing.freeze_due(DECEMBER) == MONTH, "the service was running on the last evening"


async def test_a_granted_appeal_gives_points_back_once(store: Store) -> None:
    await november(store)
    filed = await store.assessments.file_appeal(
        Appeal(MONTH, Level.BRIGADE, town.ENTERPRISE, "平台故障", town.ENTERPRISE, "b1", DECEMBER, "accepted_in_time")
    )
    answers = await asyncio.gather(
        *(
            store.assessments.decide_appeal(
                filed.id, AppealStatus.GRANTED, points=7.5, decision="情况属实", by="v1", now=DECEMBER
            )
            for _ in range(3)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(one, AppealSettled) for one in answers) == 2
    (kept,) = await store.assessments.appeals(MONTH, Level.BRIGADE)
    assert (kept.status, kept.points, kept.decided_by, kept.decided_at) == (AppealStatus.GRANTED, 7.5, "v1", DECEMBER)
    card = (await Assessing(store, WEIGHTS).month(MONTH, Level.BRIGADE, DECEMBER)).cards[1]
    assert (card.subject, card.base, card.adjusted, card.total) == (town.ENTERPRISE, 25.0, 7.5, 32.5)
    assert card.adjustments[0].appeal_id == filed.id


async def test_a_refused_appeal_changes_no_score(store: Store) -> None:
    await november(store)
    filed = await store.assessments.file_appeal(
        Appeal(MONTH, Level.HANDLER, "b2", "不服", town.ENTERPRISE, "b1", DECEMBER)
    )
    settled = await store.assessments.decide_appeal(
        filed.id, AppealStatus.REFUSED, points=0, decision="查无此事", by="v1", now=DECEMBER
    )
    assert settled.status is AppealStatus.REFUSED
    assert await store.assessments.adjustments(MONTH, Level.HANDLER) == []
    with pytest.raises(AppealNotFound):
        await store.assessments.decide_appeal(
            filed.id + 1, AppealStatus.REFUSED, points=0, decision="无", by="v1", now=DECEMBER
        )


async def test_other_weights_are_tried_and_nothing_is_kept(store: Store) -> None:
    await november(store)
    assessing = Assessing(store, WEIGHTS)
    found = await assessing.trial([MONTH, "2026-10"], Level.BRIGADE, EQUAL, DECEMBER)
    assert found["2026-10"] == ()
    assert {one.subject: (one.total, one.rank, one.tried.total, one.tried.rank) for one in found[MONTH]} == {
        town.ENTERPRISE: (25.0, 2, 50.0, 1),  # 50 − 0.5 × 50, twice
        town.CITY: (100.0, 1, 100.0, None),  # one ticket is too few under these
    }
    assert (await assessing.month(MONTH, Level.BRIGADE, DECEMBER)).settings == WEIGHTS
    await assessing.freeze(MONTH, town.SUPERVISOR, DECEMBER)
    after = await Assessing(store, EQUAL).trial([MONTH], Level.BRIGADE, EQUAL, DECEMBER)
    assert after[MONTH] == found[MONTH]  # a frozen month is compared under the weights that it was frozen with


async def test_a_month_that_runs_counts_what_has_fallen_due(store: Store) -> None:
    await november(store)
    assessing = Assessing(store, WEIGHTS)
    early = await assessing.month(MONTH, Level.BRIGADE, town.at("2026-11-23 12:00"))
    assert {card.subject: card.sample for card in early.cards} == {}
    ahead = await assessing.month("2027-05", Level.BRIGADE, DECEMBER)
    assert ahead.cards == ()


async def test_tallies_read_ranges_of_indexes(sqlite_database_url: str) -> None:
    """On SQLite, whose plan is the same for few rows and many: the cost follows the month, not what is stored."""
    store = await Store.open(sqlite_database_url, KEYRING)
    seen: list[tuple[str, Any]] = []

    @listens_for(store._engine.sync_engine, "before_cursor_execute")
    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    for indicator in AssessmentSettings().indicators:
        seen.clear()
        await store.assessments.tallies(BY_CODE[indicator.metric].measure, month_slice(MONTH), Dimension.CELL)
        ((statement, parameters),) = [one for one in seen if one[0].startswith("SELECT")]
        async with store._engine.connect() as connection:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [row[3] for row in rows]
        assert [step for step in steps if step.startswith("SEARCH ruling") and "action=?" in step], steps
        assert [step for step in steps if step.startswith("SEARCH newer") and "ticket_id=?" in step], steps
        assert not [step for step in steps if step.startswith("SCAN") and "rows" not in step], steps
    await store.close()


@pytest.mark.parametrize("written", ["2026-13", "2026-1", "202611", "1999-01", "", "20２６-11", "2026-11\n"])
def test_what_is_no_month(written: str) -> None:
    with pytest.raises(ValueError, match="应为 2026-10"):
        month_slice(written)


def test_months_follow_one_another() -> None:
    december = month_slice("2026-12")
    assert december.end == month_slice("2027-01").start
    assert (december.end - december.start).days == 31
    assert month_before(datetime(2027, 1, 31).date()) == "2026-12"
