"""Score cards from counts: totals, ranks, small samples, additions and deductions."""

from __future__ import annotations

import town

from storage.assessments import Adjustment, Level, Tally
from supervision.assessment.scores import score_cards
from supervision.assessment.settings import AssessmentSettings, IndicatorSettings

SETTINGS = AssessmentSettings(
    indicators=(
        IndicatorSettings(metric="resolved_in_time", marks=60, target=100, slope=1),
        IndicatorSettings(metric="gaps", marks=40, target=0, slope=5),
    ),
    smallest_ranked=3,
)


def adjustment(subject: str, points: float) -> Adjustment:
    return Adjustment("2026-10", Level.BRIGADE, subject, points, "创建检查", "v1", town.MONDAY, id=7)


def test_the_breakdown_leads_to_the_total() -> None:
    tallies = {"resolved_in_time": {"a": Tally(4, 3, 1)}, "gaps": {"a": Tally(2, 2)}}
    (card,) = score_cards(SETTINGS, tallies, {"a": Tally(4, 4)}, [adjustment("a", -1.5), adjustment("a", 3)])
    in_time, gaps = card.indicators
    assert (in_time.n, in_time.hits, in_time.ruled_out, in_time.value, in_time.marks) == (4, 3, 1, 75.0, 35.0)
    assert (gaps.n, gaps.value, gaps.marks, gaps.full) == (2, 2.0, 30.0, 40.0)
    assert (card.base, card.adjusted, card.total, card.rank) == (65.0, 1.5, 66.5, 1)
    assert [one.points for one in card.adjustments] == [-1.5, 3]


def test_equals_share_a_rank_and_the_next_is_left_out() -> None:
    tallies = {"resolved_in_time": {"a": Tally(10, 9), "b": Tally(20, 18), "c": Tally(10, 8), "d": Tally(10, 10)}}
    samples = {key: Tally(10, 10) for key in "abcd"}
    cards = score_cards(SETTINGS, tallies, samples, ())
    assert [(card.subject, card.rank) for card in cards] == [("d", 1), ("a", 2), ("b", 2), ("c", 4)]


def test_small_samples_are_shown_last_without_a_rank() -> None:
    tallies = {"resolved_in_time": {"few": Tally(2, 2), "many": Tally(10, 1)}}
    cards = score_cards(SETTINGS, tallies, {"few": Tally(2, 2), "many": Tally(10, 10)}, ())
    assert [(card.subject, card.rank, card.sample) for card in cards] == [("many", 1, 10), ("few", None, 2)]
    assert cards[1].total == 100


def test_nothing_counted_costs_nothing_and_is_shown_as_nothing() -> None:
    (card,) = score_cards(SETTINGS, {}, {"a": Tally(0, 0, 2)}, ())
    assert card.total == 100
    assert card.indicators[0].value is None
    assert card.rank is None


def test_nobody_falls_below_nothing_and_additions_may_pass_a_hundred() -> None:
    cards = score_cards(SETTINGS, {}, {}, [adjustment("bad", -100), adjustment("bad", -20), adjustment("good", 5)])
    assert {card.subject: card.total for card in cards} == {"bad": 0.0, "good": 105.0}


def test_the_exempt_and_what_has_no_subject_are_left_out() -> None:
    settings = SETTINGS.model_copy(update={"exempt": ("centre",)})
    tallies = {"resolved_in_time": {"": Tally(5, 0), "centre": Tally(5, 5), "a": Tally(5, 4)}}
    cards = score_cards(settings, tallies, {key: Tally(5, 5) for key in ("", "centre", "a")}, ())
    assert [(card.subject, card.rank) for card in cards] == [("a", 1)]
