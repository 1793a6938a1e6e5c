"""`/api/v1/assessment`: scores, freezing, adjustments, appeals, rulings and the trial of weights.

A brigade member sees the cards of their own unit, its cells and its handlers. Not: how scores come about (`supervision`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field, ValidationError

from domain.people import Actor, Role
from domain.privacy import masked_text
from domain.worktime import local
from intake_bot.api.assessment_views import (
    ADJUSTMENT,
    APPEAL,
    RESULT,
    RULINGS,
    TRIAL,
    adjustment_view,
    appeal_view,
    result_view,
    rulings_view,
    trial_view,
)
from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.filters import read_choice, whole_number
from intake_bot.api.problems import FieldError, Problem, bad_fields, not_found
from intake_bot.api.routes import LEADERS, Parameter, Route, actor_of, house_of, json_answer
from intake_bot.api.tickets import TICKET_NO
from intake_bot.assessment import assessing_of, group_names, subjects_of
from intake_bot.house import House
from intake_bot.wording import in_chinese
from storage.assessments import (
    Adjustment,
    AlreadyFrozen,
    Appeal,
    AppealNotFound,
    AppealSettled,
    AppealStatus,
    Level,
)
from storage.store import TicketNotFound
from supervision.assessment.assessing import DIMENSIONS, LEVEL_NAMES, MonthNotOver, month_before, month_slice
from supervision.assessment.curves import rounded
from supervision.assessment.rulings import rule, rulings_of
from supervision.assessment.settings import AssessmentSettings, IndicatorSettings

ASSESSED: frozenset[Role] = LEADERS | {Role.BRIGADE}

Reason = Annotated[str, Field(min_length=2, max_length=500)]
Word = Annotated[str, Field(max_length=64)]
Points = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class FreezeBody:
    """定档: the month, `2026-10`."""

    month: Word


@dataclass(frozen=True, slots=True)
class AdjustmentBody:
    """加分 (points above 0) or 扣分 (below) of a subject."""

    month: Word
    level: Level
    subject: Word
    points: Points
    reason: Reason
    ticket_no: Word = ""


@dataclass(frozen=True, slots=True)
class AppealBody:
    """考核申诉 for a subject of the caller's unit; `indicator` and `ticket_no` where it is about one."""

    month: Word
    level: Level
    subject: Word
    reason: Reason
    indicator: Word = ""
    ticket_no: Word = ""


@dataclass(frozen=True, slots=True)
class DecisionBody:
    """The settlement of an appeal; a granted one gives `points` back."""

    decision: Literal["granted", "refused"]
    reason: Reason
    points: Points = 0.0


@dataclass(frozen=True, slots=True)
class RulingBody:
    """不合理诉求: `unreasonable` false is 查否. `applicant`: the unit that asked for the ruling."""

    reason: Reason
    unreasonable: bool = True
    applicant: Word = ""


@dataclass(frozen=True, slots=True)
class TrialBody:
    """Other weights, tried over months."""

    months: Annotated[tuple[Word, ...], Field(min_length=1, max_length=24)]
    indicators: Annotated[tuple[IndicatorSettings, ...], Field(min_length=1)]
    level: Level = Level.BRIGADE
    smallest_ranked: Annotated[int, Field(ge=1)] = 10


_MONTH = Parameter("month", "月份，如 2026-10；默认上月")
_LEVEL = Parameter("level", "brigade 大队、cell 责任网格、handler 经办人", {"type": "string", "enum": list(Level)})


def assessment_routes() -> list[Route]:
    """Scores and what changes them, the ruling on a ticket, and the trial of weights."""
    tag = "assessment"
    return [
        Route(
            "GET",
            "/api/v1/assessment",
            month_result,
            "一个月的考核得分、排名与得分明细；定档后的更正另列",
            tag,
            ASSESSED,
            parameters=(_MONTH, _LEVEL),
            answers={200: ("考核结果", RESULT)},
        ),
        Route(
            "POST",
            "/api/v1/assessment/freeze",
            freeze,
            "把一个月的考核结果定档（各层级一并定档，连同权重与数据）",
            tag,
            LEADERS,
            body=schema_of(FreezeBody),
            answers={200: ("已定档", RESULT)},
        ),
        Route(
            "POST",
            "/api/v1/assessment/adjustments",
            adjust,
            "登记加分或扣分",
            tag,
            LEADERS,
            body=schema_of(AdjustmentBody),
            answers={201: ("已登记", ADJUSTMENT)},
        ),
        Route(
            "POST",
            "/api/v1/assessment/appeals",
            appeal,
            "大队提出考核申诉",
            tag,
            frozenset({Role.BRIGADE}),
            body=schema_of(AppealBody),
            answers={201: ("已提出", APPEAL)},
        ),
        Route(
            "POST",
            "/api/v1/assessment/appeals/{id}/decision",
            decide,
            "裁定考核申诉；成立的加回分数",
            tag,
            LEADERS,
            parameters=(Parameter("id", "申诉编号", {"type": "integer"}, place="path"),),
            body=schema_of(DecisionBody),
            answers={200: ("已裁定", APPEAL)},
        ),
        Route(
            "POST",
            "/api/v1/tickets/{no}/unreasonable",
            rule_unreasonable,
            "指挥中心裁定是否不合理诉求；裁定为不合理的不计入考核",
            tag,
            LEADERS,
            parameters=(TICKET_NO,),
            body=schema_of(RulingBody),
            answers={200: ("全部裁定记录，以最后一次为准", RULINGS)},
        ),
        Route(
            "POST",
            "/api/v1/assessment/trial",
            trial,
            "用另一套权重试算过去的月份，不保存",
            tag,
            LEADERS,
            body=schema_of(TrialBody),
            answers={200: ("试算结果", TRIAL)},
        ),
    ]


async def month_result(request: web.Request) -> web.Response:
    house = house_of(request)
    month = request.query.get("month") or month_before(local(house.now()).date())
    level = read_choice(request, "level", Level) or Level.BRIGADE
    return json_answer(await _result(house, actor_of(request), _month(month), level))


async def freeze(request: web.Request) -> web.Response:
    house, actor = house_of(request), actor_of(request)
    body = await read_body(request, FreezeBody)
    month = _month(body.month)
    try:
        await assessing_of(house).freeze(month, actor, house.now())
    except MonthNotOver:
        raise _not_now(f"{month} 还没有结束，不能定档") from None
    except AlreadyFrozen:
        raise _not_now(f"{month} 已经定档；更正请登记加分、扣分或裁定，将列在定档结果之后") from None
    return json_answer(await _result(house, actor, month, Level.BRIGADE))


async def adjust(request: web.Request) -> web.Response:
    house, actor = house_of(request), actor_of(request)
    body = await read_body(request, AdjustmentBody)
    points = rounded(body.points)
    if points == 0:
        raise bad_fields([FieldError("points", "points 应为不等于 0 的分数：加分为正，扣分为负")])
    _subject(house, body.level, body.subject)
    await _known_ticket(house, body.ticket_no, actor)
    made = await house.store.assessments.add_adjustment(
        Adjustment(
            _month(body.month),
            body.level,
            body.subject,
            points,
            masked_text(body.reason),
            actor.name,
            house.now(),
            body.ticket_no,
        )
    )
    return json_answer(adjustment_view(made), 201)


async def appeal(request: web.Request) -> web.Response:
    house, actor = house_of(request), actor_of(request)
    body = await read_body(request, AppealBody)
    if _subject(house, body.level, body.subject) != actor.unit:
        raise Problem(403, "forbidden", "没有权限", f"“{body.subject}”不属于您所在的单位，不能为其申诉")
    settings = (await assessing_of(house).month(_month(body.month), body.level, house.now())).settings
    scored = [one.metric for one in settings.indicators]
    if body.indicator and body.indicator not in scored:
        raise bad_fields([FieldError("indicator", f"indicator 应为计分指标：{'、'.join(scored)}")])
    await _known_ticket(house, body.ticket_no, actor)
    filed = await house.store.assessments.file_appeal(
        Appeal(
            body.month,
            body.level,
            body.subject,
            masked_text(body.reason),
            actor.unit or "",
            actor.name,
            house.now(),
            body.indicator,
            body.ticket_no,
        )
    )
    return json_answer(appeal_view(filed), 201)


async def decide(request: web.Request) -> web.Response:
    house, actor = house_of(request), actor_of(request)
    body = await read_body(request, DecisionBody)
    status, points = AppealStatus(body.decision), rounded(body.points)
    if status is AppealStatus.GRANTED and points <= 0:
        raise bad_fields([FieldError("points", "申诉成立的，请填写加回的分数（points，大于 0）")])
    if status is AppealStatus.REFUSED and points != 0:
        raise bad_fields([FieldError("points", "申诉不成立的，不能填写分数（points）")])
    written, number = request.match_info["id"], whole_number(request.match_info["id"])
    missing = not_found(f"没有编号为“{written[:20]}”的考核申诉")
    if number is None:
        raise missing
    try:
        settled = await house.store.assessments.decide_appeal(
            number,
            status,
            points=points,
            decision=masked_text(body.reason),
            by=actor.name,
            now=house.now(),
        )
    except AppealNotFound:
        raise missing from None
    except AppealSettled:
        raise _not_now(f"考核申诉 {written} 已经裁定，不能再次裁定") from None
    return json_answer(appeal_view(settled))


async def rule_unreasonable(request: web.Request) -> web.Response:
    house, actor = house_of(request), actor_of(request)
    body = await read_body(request, RulingBody)
    if body.applicant:
        _subject(house, Level.BRIGADE, body.applicant, field="applicant")
    no = request.match_info["no"]
    ruling = partial(
        rule,
        unreasonable=body.unreasonable,
        reason=body.reason,
        applicant=body.applicant,
        actor=actor,
        now=house.now(),
    )
    try:
        ticket = await house.store.change(no, ruling)
    except TicketNotFound:
        raise not_found(f"没有编号为“{no[:40]}”的工单") from None
    events = [one.event for one in await house.store.tickets.events(ticket.no)]
    return json_answer(rulings_view(ticket.no, rulings_of(events)))


async def trial(request: web.Request) -> web.Response:
    house = house_of(request)
    body = await read_body(request, TrialBody)
    months = [_month(one, "months") for one in dict.fromkeys(body.months)]
    try:
        tried = AssessmentSettings(indicators=body.indicators, smallest_ranked=body.smallest_ranked)
    except ValidationError as error:
        raise bad_fields([FieldError("indicators", in_chinese(one)) for one in error.errors()]) from None
    found = await assessing_of(house).trial(months, body.level, tried, house.now())
    return json_answer(trial_view(found, body.level, tried, group_names(house.settings, house.router, house.tree)))


async def _result(house: House, actor: Actor, month: str, level: Level) -> dict[str, Any]:
    """The month's result with its appeals, as far as the caller may see it."""
    found = await assessing_of(house).month(month, level, house.now())
    appeals = await house.store.assessments.appeals(month, level)
    names = group_names(house.settings, house.router, house.tree)
    own: set[str] | None = None
    if actor.role is Role.BRIGADE:
        own = {one for one, unit in subjects_of(house.settings)[level].items() if unit == actor.unit}
    return result_view(found, appeals, partial(names, DIMENSIONS[level]), own)


def _month(written: str, field: str = "month") -> str:
    try:
        month_slice(written)
    except ValueError as error:
        raise bad_fields([FieldError(field, str(error))]) from None
    return written


def _subject(house: House, level: Level, code: str, field: str = "subject") -> str:
    """The unit that a subject belongs to. Raises `Problem` 422 for one that is not in the configuration."""
    unit = subjects_of(house.settings)[level].get(code)
    if unit is None:
        raise bad_fields([FieldError(field, f"没有代码为“{code[:40]}”的{LEVEL_NAMES[level]}")])
    return unit


async def _known_ticket(house: House, no: str, actor: Actor) -> None:
    """Raises `Problem` 422 for a number, where one is given, of no ticket that the caller may see."""
    if not no:
        return
    ticket = await house.store.tickets.get(no)
    if ticket is None or (actor.role is Role.BRIGADE and all(one.unit != actor.unit for one in ticket.assignments)):
        raise bad_fields([FieldError("ticket_no", f"没有编号为“{no[:40]}”的工单，或它没有派给您所在的单位")])


def _not_now(detail: str) -> Problem:
    return Problem(409, "not-allowed", "现在不能这样做", detail, extra={"allowed": []})
