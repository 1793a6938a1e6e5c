"""What the assessment's answers look like, and their JSON schemas beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from intake_bot.api.schemas import NUMBER, TEXT, WHOLE, YES, list_of, one_of, or_null, record
from intake_bot.api.views import moment
from storage.assessments import Adjustment, Appeal, AppealStatus, Level
from supervision.assessment.assessing import DIMENSIONS, Correction, MonthResult, Trial
from supervision.assessment.curves import rule_in_words
from supervision.assessment.rulings import Ruling
from supervision.assessment.scores import SAMPLE_IN_WORDS, IndicatorScore, Scorecard
from supervision.assessment.settings import AssessmentSettings, IndicatorSettings
from supervision.metrics import BY_CODE
from supervision.reports.content import Names

_LEVEL = one_of(Level)

_INDICATOR = record(
    metric=TEXT,
    name=TEXT,
    marks=NUMBER,
    target=NUMBER,
    slope=NUMBER,
    floor=NUMBER,
    rule=TEXT,
    formula=TEXT,
)
_SCORE = record(metric=TEXT, n=WHOLE, hits=WHOLE, ruled_out=WHOLE, value=or_null(NUMBER), marks=NUMBER, full=NUMBER)
_MADE = record(id=WHOLE, points=NUMBER, reason=TEXT, ticket_no=TEXT, made_by=TEXT, appeal_id=or_null(WHOLE))
_CARD = record(
    subject=TEXT,
    name=TEXT,
    rank=or_null(WHOLE),
    total=NUMBER,
    base=NUMBER,
    adjusted=NUMBER,
    sample=WHOLE,
    indicators=list_of(_SCORE),
    adjustments=list_of(_MADE),
)
ADJUSTMENT = record(
    id=WHOLE,
    month=TEXT,
    level=_LEVEL,
    subject=TEXT,
    points=NUMBER,
    reason=TEXT,
    ticket_no=TEXT,
    appeal_id=or_null(WHOLE),
    made_by=TEXT,
    made_at=TEXT,
)
APPEAL = record(
    id=WHOLE,
    month=TEXT,
    level=_LEVEL,
    subject=TEXT,
    indicator=TEXT,
    ticket_no=TEXT,
    reason=TEXT,
    unit=TEXT,
    filed_by=TEXT,
    filed_at=TEXT,
    status=one_of(AppealStatus),
    points=NUMBER,
    decision=TEXT,
    decided_by=TEXT,
    decided_at=or_null(TEXT),
)
_CORRECTION = record(
    subject=TEXT,
    name=TEXT,
    frozen_total=or_null(NUMBER),
    frozen_rank=or_null(WHOLE),
    total=or_null(NUMBER),
    rank=or_null(WHOLE),
    indicators=list_of(record(metric=TEXT, name=TEXT, frozen=or_null(_SCORE), now=or_null(_SCORE))),
    adjustments=list_of(ADJUSTMENT),
)
RESULT = record(
    month=TEXT,
    level=_LEVEL,
    frozen=or_null(record(by=TEXT, at=TEXT)),
    sample=TEXT,
    smallest_ranked=WHOLE,
    indicators=list_of(_INDICATOR),
    cards=list_of(_CARD),
    corrections=list_of(_CORRECTION),
    appeals=list_of(APPEAL),
)
RULINGS = record(
    ticket_no=TEXT,
    counted=YES,
    rulings=list_of(record(unreasonable=YES, reason=TEXT, applicant=TEXT, by=TEXT, at=TEXT)),
)
TRIAL = record(
    level=_LEVEL,
    indicators=list_of(_INDICATOR),
    months=list_of(
        record(
            month=TEXT,
            subjects=list_of(
                record(
                    subject=TEXT,
                    name=TEXT,
                    sample=WHOLE,
                    total=NUMBER,
                    rank=or_null(WHOLE),
                    tried_total=NUMBER,
                    tried_rank=or_null(WHOLE),
                    indicators=list_of(_SCORE),
                )
            ),
        )
    ),
)


def result_view(
    found: MonthResult, appeals: Sequence[Appeal], name: Callable[[str], str], own: set[str] | None
) -> dict[str, Any]:
    """A month's result; `own`: the only subjects that the caller may see, None for all."""

    def visible(subject: str) -> bool:
        return own is None or subject in own

    return {
        "month": found.month,
        "level": found.level,
        "frozen": {"by": found.frozen.by, "at": moment(found.frozen.at)} if found.frozen is not None else None,
        "sample": SAMPLE_IN_WORDS,
        "smallest_ranked": found.settings.smallest_ranked,
        "indicators": [_indicator_view(one) for one in found.settings.indicators],
        "cards": [_card_view(card, name(card.subject)) for card in found.cards if visible(card.subject)],
        "corrections": [_correction_view(one, name(one.subject)) for one in found.corrections if visible(one.subject)],
        "appeals": [appeal_view(one) for one in appeals if visible(one.subject)],
    }


def _indicator_view(one: IndicatorSettings) -> dict[str, Any]:
    metric = BY_CODE[one.metric]
    return {**one.model_dump(), "name": metric.name, "rule": rule_in_words(one), "formula": metric.formula}


def _score_view(one: IndicatorScore) -> dict[str, Any]:
    return {field: getattr(one, field) for field in IndicatorScore.__slots__}


def _card_view(card: Scorecard, name: str) -> dict[str, Any]:
    return {
        "subject": card.subject,
        "name": name,
        "rank": card.rank,
        "total": card.total,
        "base": card.base,
        "adjusted": card.adjusted,
        "sample": card.sample,
        "indicators": [_score_view(one) for one in card.indicators],
        "adjustments": [{field: getattr(one, field) for field in type(one).__slots__} for one in card.adjustments],
    }


def _correction_view(one: Correction, name: str) -> dict[str, Any]:
    return {
        "subject": one.subject,
        "name": name,
        "frozen_total": one.frozen_total,
        "frozen_rank": one.frozen_rank,
        "total": one.total,
        "rank": one.rank,
        "indicators": [
            {
                "metric": changed.metric,
                "name": BY_CODE[changed.metric].name,
                "frozen": _score_view(changed.frozen) if changed.frozen is not None else None,
                "now": _score_view(changed.now) if changed.now is not None else None,
            }
            for changed in one.indicators
        ],
        "adjustments": [adjustment_view(made) for made in one.adjustments],
    }


def adjustment_view(one: Adjustment) -> dict[str, Any]:
    return {field: getattr(one, field) for field in Adjustment.__slots__} | {"made_at": moment(one.made_at)}


def appeal_view(one: Appeal) -> dict[str, Any]:
    fields = {field: getattr(one, field) for field in Appeal.__slots__}
    return fields | {"filed_at": moment(one.filed_at), "decided_at": moment(one.decided_at)}


def rulings_view(ticket_no: str, rulings: Sequence[Ruling]) -> dict[str, Any]:
    """All rulings on a ticket; `counted`: whether it counts in the assessment now."""
    return {
        "ticket_no": ticket_no,
        "counted": not rulings or not rulings[-1].unreasonable,
        "rulings": [
            {field: getattr(one, field) for field in Ruling.__slots__} | {"at": moment(one.at)} for one in rulings
        ],
    }


def trial_view(
    found: Mapping[str, Sequence[Trial]], level: Level, tried: AssessmentSettings, names: Names
) -> dict[str, Any]:
    """Each month's subjects under the weights in force and under those tried."""
    return {
        "level": level,
        "indicators": [_indicator_view(one) for one in tried.indicators],
        "months": [
            {
                "month": month,
                "subjects": [
                    {
                        "subject": one.subject,
                        "name": names(DIMENSIONS[level], one.subject),
                        "sample": one.sample,
                        "total": one.total,
                        "rank": one.rank,
                        "tried_total": one.tried.total,
                        "tried_rank": one.tried.rank,
                        "indicators": [_score_view(score) for score in one.tried.indicators],
                    }
                    for one in subjects
                ],
            }
            for month, subjects in found.items()
        ],
    }
