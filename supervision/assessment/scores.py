"""Score cards from counts: each indicator's marks, additions and deductions, the total and the rank. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from storage.assessments import Adjustment, Tally
from storage.figures import Measure, Population
from supervision.assessment.curves import marks_for, percentage, rounded
from supervision.assessment.settings import AssessmentSettings, IndicatorSettings
from supervision.metrics import BY_CODE, MetricUnit

SAMPLE = Measure(Population.RESOLVE_DUE)
"""What decides whether a subject is ranked: 应结案数."""
SAMPLE_IN_WORDS = "办结时限在当月到期的主办派单数，不含裁定剔除的"

Tallies = Mapping[str, Mapping[str, Tally]]
"""Metric code → subject → count."""


@dataclass(frozen=True, slots=True)
class IndicatorScore:
    """The marks of one indicator. `value`: percent or count as it was scored; None (and full marks) where nothing counts."""

    metric: str
    n: int
    hits: int
    ruled_out: int
    value: float | None
    marks: float
    full: float


@dataclass(frozen=True, slots=True)
class AdjustmentScore:
    """An addition or deduction, as it stands on a card."""

    id: int
    points: float
    reason: str
    ticket_no: str
    made_by: str
    appeal_id: int | None


@dataclass(frozen=True, slots=True)
class Scorecard:
    """How a subject's total came about: `total` = sum of the indicators' marks + `adjusted`, not below 0.

    `sample`: 应结案数. `rank` is None where that is too small; equals share a rank.
    """

    subject: str
    sample: int
    indicators: tuple[IndicatorScore, ...]
    adjustments: tuple[AdjustmentScore, ...]
    base: float
    adjusted: float
    total: float
    rank: int | None


def score_cards(
    settings: AssessmentSettings,
    tallies: Tallies,
    samples: Mapping[str, Tally],
    adjustments: Iterable[Adjustment],
) -> tuple[Scorecard, ...]:
    """The cards of all subjects that anything is known of, the best first; those without a rank come last."""
    by_subject: dict[str, list[Adjustment]] = {}
    for one in adjustments:
        by_subject.setdefault(one.subject, []).append(one)
    subjects = {key for counts in tallies.values() for key in counts} | set(samples) | set(by_subject)
    cards = [
        _card(settings, subject, tallies, samples.get(subject, Tally()), by_subject.get(subject, ()))
        for subject in subjects
        if subject and subject not in settings.exempt
    ]
    totals = [card.total for card in cards if card.sample >= settings.smallest_ranked]
    ranked = [
        replace(card, rank=1 + sum(other > card.total for other in totals))
        if card.sample >= settings.smallest_ranked
        else card
        for card in cards
    ]
    return tuple(sorted(ranked, key=lambda card: (card.rank is None, -card.total, card.subject)))


def _card(
    settings: AssessmentSettings, subject: str, tallies: Tallies, sample: Tally, adjustments: Iterable[Adjustment]
) -> Scorecard:
    indicators = tuple(_score(one, tallies.get(one.metric, {}).get(subject, Tally())) for one in settings.indicators)
    made = tuple(
        AdjustmentScore(one.id, one.points, one.reason, one.ticket_no, one.made_by, one.appeal_id)
        for one in adjustments
    )
    base = rounded(sum(one.marks for one in indicators))
    adjusted = rounded(sum(one.points for one in made))
    return Scorecard(subject, sample.n, indicators, made, base, adjusted, rounded(max(0.0, base + adjusted)), rank=None)


def _score(indicator: IndicatorSettings, tally: Tally) -> IndicatorScore:
    value: float | None
    if BY_CODE[indicator.metric].unit is MetricUnit.RATE:
        value = percentage(tally.hits, tally.n) if tally.n else None
    else:
        value = float(tally.n)
    marks = marks_for(indicator, value) if value is not None else rounded(indicator.marks)
    return IndicatorScore(
        indicator.metric, tally.n, tally.hits, tally.ruled_out, value, marks, rounded(indicator.marks)
    )
