"""What the assessment's answers look like, and their JSON schemas beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from intake_bot.api.views import moment
from storage.assessments import Adjustment, Appeal, AppealStatus, Level
from supervision.assessment.assessing import DIMENSIONS, Correction, MonthResult, Trial
from supervision.assessment.curves import rule_in_words
from supervision.assessment.rulings import Ruling
from supervision.assessment.scores import SAMPLE_IN_WORDS, IndicatorScore, Scorecard
from supervision.assessment.settings import AssessmentSettings, IndicatorSettings
from supervision.metrics import BY_CODE
from supervision.reports.content import Names


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "number"}
_WHOLE: dict[str, Any] = {"type": "integer"}
_LEVEL: dict[str, Any] = {"type": "string", "enum": list(Level)}

_INDICATOR = _object(
    metric=_TEXT,
    name=_TEXT,
    marks=_NUMBER,
    target=_NUMBER,
    slope=_NUMBER,
    floor=_NUMBER,
    rule=_TEXT,
    formula=_TEXT,
)
_SCORE = _object(
    metric=_TEXT, n=_WHOLE, hits=_WHOLE, ruled_out=_WHOLE, value=_or_null(_NUMBER), marks=_NUMBER, full=_NUMBER
)
_MADE = _object(id=_WHOLE, points=_NUMBER, reason=_TEXT, ticket_no=_TEXT, made_by=_TEXT, appeal_id=_or_null(_WHOLE))
_CARD = _object(
    subject=_TEXT,
    name=_TEXT,
    rank=_or_null(_WHOLE),
    total=_NUMBER,
    base=_NUMBER,
    adjusted=_NUMBER,
    sample=_WHOLE,
    indicators=_list(_SCORE),
    adjustments=_list(_MADE),
)
ADJUSTMENT = _object(
    id=_WHOLE,
    month=_TEXT,
    level=_LEVEL,
    subject=_TEXT,
    points=_NUMBER,
    reason=_TEXT,
    ticket_no=_TEXT,
    appeal_id=_or_null(_WHOLE),
    made_by=_TEXT,
    made_at=_TEXT,
)
APPEAL = _object(
    id=_WHOLE,
    month=_TEXT,
    level=_LEVEL,
    subject=_TEXT,
    indicator=_TEXT,
    ticket_no=_TEXT,
    reason=_TEXT,
    unit=_TEXT,
    filed_by=_TEXT,
    filed_at=_TEXT,
    status={"type": "string", "enum": list(AppealStatus)},
    points=_NUMBER,
    decision=_TEXT,
    decided_by=_TEXT,
    decided_at=_or_null(_TEXT),
)
_CORRECTION = _object(
    subject=_TEXT,
    name=_TEXT,
    frozen_total=_or_null(_NUMBER),
    frozen_rank=_or_null(_WHOLE),
    total=_or_null(_NUMBER),
    rank=_or_null(_WHOLE),
    indicators=_list(_object(metric=_TEXT, name=_TEXT, frozen=_or_null(_SCORE), now=_or_null(_SCORE))),
    adjustments=_list(ADJUSTMENT),
)
RESULT = _object(
    month=_TEXT,
    level=_LEVEL,
    frozen=_or_null(_object(by=_TEXT, at=_TEXT)),
    sample=_TEXT,
    smallest_ranked=_WHOLE,
    indicators=_list(_INDICATOR),
    cards=_list(_CARD),
    corrections=_list(_CORRECTION),
    appeals=_list(APPEAL),
)
RULINGS = _object(
    ticket_no=_TEXT,
    counted={"type": "boolean"},
    rulings=_list(_object(unreasonable={"type": "boolean"}, reason=_TEXT, applicant=_TEXT, by=_TEXT, at=_TEXT)),
)
TRIAL = _object(
    level=_LEVEL,
    indicators=_list(_INDICATOR),
    months=_list(
        _object(
            month=_TEXT,
            subjects=_list(
                _object(
                    subject=_TEXT,
                    name=_TEXT,
                    sample=_WHOLE,
                    total=_NUMBER,
                    rank=_or_null(_WHOLE),
                    tried_total=_NUMBER,
                    tried_rank=_or_null(_WHOLE),
                    indicators=_list(_SCORE),
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
