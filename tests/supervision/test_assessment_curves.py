"""The arithmetic of marks, held against what a city published, and the settings that it goes by."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from storage.assessments import Tally
from supervision.assessment.curves import marks_for, percentage, rounded, rule_in_words
from supervision.assessment.scores import score_cards
from supervision.assessment.settings import AssessmentSettings, IndicatorSettings, scorable
from supervision.metrics import BY_CODE

IN_TIME = IndicatorSettings(metric="resolved_in_time", marks=21, target=96, slope=1)
SATISFIED = IndicatorSettings(metric="satisfied", marks=25, target=98, slope=0.5, floor=12.5)


def lianyungang(satisfaction_target: float) -> AssessmentSettings:
    """连云港's monthly marks as far as its bulletins tell: the other 33 marks are given in full."""
    return AssessmentSettings(
        indicators=(
            IndicatorSettings(metric="accepted_in_time", marks=11, target=96, slope=1),
            IN_TIME,
            IndicatorSettings(metric="satisfied", marks=25, target=satisfaction_target, slope=0.5, floor=12.5),
            IndicatorSettings(metric="gaps", marks=10, target=0, slope=1),
            IndicatorSettings(metric="contacted_in_time", marks=33, target=100, slope=1),
        )
    )


@pytest.mark.parametrize(
    ("published", "figures", "target"),
    [
        (66.5, {"resolved_in_time": (3, 2), "satisfied": (3, 2)}, 95),
        (75.5, {"accepted_in_time": (5, 4), "satisfied": (2, 1), "gaps": (1, 1)}, 95),
        (76.8, {"accepted_in_time": (22, 17), "satisfied": (17, 12)}, 95),
        (84.0, {"resolved_in_time": (5, 4)}, 98),
        (89.71, {"accepted_in_time": (7, 6)}, 98),
        (100.0, {}, 98),
    ],
)
def test_published_totals(published: float, figures: dict[str, tuple[int, int]], target: float) -> None:
    tallies = {code: {"unit": Tally(n, hits)} for code, (n, hits) in figures.items()}
    (card,) = score_cards(lianyungang(target), tallies, {"unit": Tally(20, 20)}, ())
    assert card.total == published
    assert card.total == rounded(sum(one.marks for one in card.indicators))


@pytest.mark.parametrize(
    ("indicator", "value", "published"),
    [
        (IN_TIME, 89.82, 14.82),
        (SATISFIED, 75.0, 13.5),
        (SATISFIED, 83.33, 17.67),
        (SATISFIED, 87.5, 19.75),
        (SATISFIED, 50.0, 12.5),
        (SATISFIED, 71.43, 12.5),
        (IN_TIME, 96.0, 21.0),
        (IN_TIME, 100.0, 21.0),
        (IN_TIME, 75.0, 0.0),
        (IN_TIME, 60.0, 0.0),
    ],
)
def test_published_marks(indicator: IndicatorSettings, value: float, published: float) -> None:
    assert marks_for(indicator, value) == published


def test_where_less_is_better_more_costs() -> None:
    reworked = IndicatorSettings(metric="reworked", marks=4, target=5, slope=0.5, floor=1)
    assert [marks_for(reworked, value) for value in (0, 5, 7, 11, 50)] == [4, 4, 3, 1, 1]
    gaps = IndicatorSettings(metric="gaps", marks=10, target=2, slope=3)
    assert [marks_for(gaps, value) for value in (0, 2, 3, 5, 9)] == [10, 10, 7, 1, 0]


def test_halves_go_up_as_people_round() -> None:
    assert percentage(1, 3) == 33.33
    assert percentage(2, 3) == 66.67
    assert percentage(1, 800) == 0.13  # 0.125 %
    assert rounded(12.795) == 12.8
    assert rounded(2.675) == 2.68
    assert rounded(0.1 + 0.2) == 0.3


def test_the_rule_is_said_beside_the_marks() -> None:
    assert (
        rule_in_words(SATISFIED)
        == "满分 25 分：98% 及以上得满分，每低 1 个百分点扣 0.5 分，最低 12.5 分；没有样本不扣分"
    )
    gaps = IndicatorSettings(metric="gaps", marks=10, target=0, slope=1)
    assert rule_in_words(gaps) == "满分 10 分：没有发生的得满分，每高 1 次扣 1 分；没有样本不扣分"


def test_the_defaults_add_up_to_a_hundred() -> None:
    settings = AssessmentSettings()
    assert sum(one.marks for one in settings.indicators) == 100
    assert {one.metric for one in settings.indicators} <= set(scorable())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"metric": "nothing"}, "没有指标“nothing”"),
        ({"metric": "received"}, f"指标“{BY_CODE['received'].name}”不能用于计分"),
        ({"metric": "backlog"}, "不能用于计分"),
        ({"metric": "time_to_resolve"}, "不能用于计分"),
        ({"floor": 101}, "100"),
        ({"marks": float("nan")}, "finite"),
    ],
)
def test_indicators_that_cannot_be(changed: dict[str, Any], said: str) -> None:
    whole = {"metric": "solved", "marks": 100, "target": 90, "slope": 1}
    with pytest.raises(ValidationError, match=said):
        AssessmentSettings.model_validate({"indicators": [{**whole, **changed}]})


def test_weights_that_cannot_be() -> None:
    half = {"metric": "solved", "marks": 50, "target": 90, "slope": 1}
    with pytest.raises(ValidationError, match="合计应为 100 分，现在是 50 分"):
        AssessmentSettings.model_validate({"indicators": [half]})
    with pytest.raises(ValidationError, match="重复的指标"):
        AssessmentSettings.model_validate({"indicators": [half, half]})
    with pytest.raises(ValidationError, match="保底分 60 不能高于满分 50"):
        AssessmentSettings.model_validate({"indicators": [{**half, "floor": 60}, {**half, "metric": "satisfied"}]})
