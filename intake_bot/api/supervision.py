"""`/api/v1/lights`, `metrics` and the stream, for those who supervise. A brigade member sees their own unit only."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from aiohttp import web

from domain.complaint import Kind, Urgency
from domain.light import LIGHT_NAMES, Light
from domain.limit import STAGE_NAMES, Stage
from domain.people import Actor, Role
from intake_bot.api.filters import filter_parameters, read_choice, read_filter, read_number, read_period, read_word
from intake_bot.api.problems import FieldError, bad_fields, not_found
from intake_bot.api.routes import EVERYONE, Parameter, Route, actor_of, house_of, json_answer
from intake_bot.api.schemas import NUMBER, TEXT, WHOLE, YES, list_of, one_of, or_null, record
from intake_bot.api.stream import stream_route
from intake_bot.api.views import moment
from intake_bot.assessment import group_names
from intake_bot.house import House
from storage.figures import Dimension, Slice
from storage.lights import LitClock
from supervision.figures import Comparison, Figure, Group, Metrics, Times, Value, earlier
from supervision.gaps import GAP_NAMES
from supervision.metrics import BY_CODE, METRICS, Metric
from supervision.reports.content import Names
from supervision.settings import GapCode


class _Part(StrEnum):
    ALL = "all"
    HIT = "hit"
    MISS = "miss"


_NUMBER = or_null(NUMBER)
_NAMED = or_null(record(code=TEXT, name=TEXT))
_PERIOD = or_null(record(**{"from": TEXT, "to": TEXT}))
_TIMES = or_null(record(mean=_NUMBER, median=_NUMBER, p90=_NUMBER))
_VALUE = or_null(record(n=WHOLE, hits=WHOLE, value=_NUMBER, working_minutes=_TIMES, calendar_hours=_TIMES))
_FORMULA = record(numerator=TEXT, denominator=TEXT, note=TEXT, text=TEXT)
_GROUP = record(key=TEXT, name=TEXT, value=_VALUE, before=_VALUE, ranked=YES, rank=or_null(WHOLE))
_METRIC = record(
    code=TEXT,
    name=TEXT,
    unit=TEXT,
    better=TEXT,
    formula=_FORMULA,
    total=_VALUE,
    before=_VALUE,
    groups=list_of(_GROUP),
)
_LIT = record(
    ticket_no=TEXT,
    light=one_of(Light),
    stage=one_of(Stage),
    round=WHOLE,
    assignment=WHOLE,
    due_at=TEXT,
    brigade=_NAMED,
    cell=_NAMED,
    status=TEXT,
    urgency=one_of(Urgency),
    excerpt=TEXT,
)

_SLICE_PARAMETERS = (
    Parameter("from", "起始日期（含），默认本月 1 日", {"type": "string", "format": "date"}),
    Parameter("to", "截止日期（不含），默认明天", {"type": "string", "format": "date"}),
    Parameter("channel", "渠道代码"),
    Parameter("kind", "诉求类型", one_of(Kind)),
    Parameter("category", "事项分类代码"),
    Parameter("urgency", "紧急程度", one_of(Urgency)),
    Parameter("brigade", "承办单位代码"),
    Parameter("grid", "网格代码（责任网格代码中的前缀），如 cs"),
    Parameter("area", "责任区代码"),
    Parameter("cell", "责任网格代码"),
    Parameter("handler", "经办人账号"),
)
_PAGING = (
    Parameter("cursor", "上一页返回的 next_cursor"),
    Parameter("limit", "每页条数，1 至 200", {"type": "integer", "minimum": 1, "maximum": 200}),
)


def supervision_routes() -> list[Route]:
    """The lights, the metrics with the tickets behind them, and the stream of changes."""
    return [
        Route(
            "GET",
            "/api/v1/lights",
            lights,
            "灯色统计，以及黄灯、红灯时限清单（红灯在前，按到期先后）",
            "supervision",
            EVERYONE,
            parameters=(*filter_parameters(), *_PAGING),
            answers={
                200: (
                    "灯色",
                    record(
                        counts=record(**{light.value: WHOLE for light in Light}),
                        gaps=list_of(record(code=TEXT, name=TEXT, count=WHOLE)),
                        items=list_of(_LIT),
                        next_cursor=or_null(TEXT),
                    ),
                )
            },
        ),
        Route(
            "GET",
            "/api/v1/metrics",
            metrics,
            "考核指标：数值、公式、样本数，可分组、可与往期比较",
            "supervision",
            EVERYONE,
            parameters=(
                *_SLICE_PARAMETERS,
                Parameter("codes", "只算这些指标，逗号分隔；默认全部"),
                Parameter("group_by", "分组", one_of(Dimension)),
                Parameter("compare", "比较：previous 环比，last_year 同比", one_of(Comparison)),
            ),
            answers={
                200: (
                    "指标",
                    record(
                        period=_PERIOD,
                        compared_with=_PERIOD,
                        group_by=or_null(TEXT),
                        smallest_ranked=WHOLE,
                        metrics=list_of(_METRIC),
                    ),
                )
            },
        ),
        Route(
            "GET",
            "/api/v1/metrics/{code}/tickets",
            metric_tickets,
            "一项指标所依据的工单",
            "supervision",
            EVERYONE,
            parameters=(
                Parameter("code", "指标代码，如 resolved_in_time", place="path"),
                *_SLICE_PARAMETERS,
                Parameter("part", "all 全部（分母），hit 计入分子的，miss 未计入分子的", one_of(_Part)),
                Parameter("group_by", "分组", one_of(Dimension)),
                Parameter("key", "分组中的一组（与 group_by 同用）"),
                Parameter("offset", "从第几条起", {"type": "integer", "minimum": 0}),
                _PAGING[1],
            ),
            answers={
                200: (
                    "工单",
                    record(
                        metric=TEXT,
                        period=_PERIOD,
                        items=list_of(record(ticket_no=TEXT, assignment=WHOLE, at=TEXT, hit=YES)),
                        next_offset=or_null(WHOLE),
                    ),
                )
            },
        ),
        stream_route(),
    ]


async def lights(request: web.Request) -> web.Response:
    house, actor = house_of(request), actor_of(request)
    wanted = read_filter(request, actor)
    limit = read_number(request, "limit", default=50, least=1, most=200)
    try:
        found, cursor = await house.store.lights.page(
            wanted, cursor=read_word(request, "cursor", longest=400), limit=limit
        )
    except ValueError:
        raise bad_fields([FieldError("cursor", "翻页游标无效，请使用上一页返回的 next_cursor")]) from None
    gaps = await house.store.lights.gap_counts(wanted.unit)
    return json_answer(
        {
            "counts": await house.store.tickets.light_counts(wanted),
            "gaps": [{"code": code, "name": GAP_NAMES[GapCode(code)], "count": count} for code, count in gaps.items()],
            "items": [_lit_view(house, one) for one in found],
            "next_cursor": cursor,
        }
    )


def _lit_view(house: House, one: LitClock) -> dict[str, Any]:
    router = house.router
    return {
        "ticket_no": one.ticket_no,
        "light": one.light,
        "light_name": LIGHT_NAMES[one.light],
        "stage": one.stage,
        "stage_name": STAGE_NAMES[one.stage],
        "round": one.round,
        "assignment": one.position,
        "due_at": moment(one.due_at),
        "brigade": {"code": one.brigade, "name": router.unit_name(one.brigade)} if one.brigade else None,
        "cell": {"code": one.cell, "name": router.cell_name(one.cell)} if one.cell else None,
        "handler": {"account": one.handler, "name": router.person_name(one.handler)} if one.handler else None,
        "status": one.status,
        "kind": one.kind,
        "category": {"code": one.category, "name": one.category_name},
        "urgency": one.urgency,
        "channel": one.channel,
        "excerpt": one.excerpt,
    }


async def metrics(request: web.Request) -> web.Response:
    house, actor = house_of(request), actor_of(request)
    now = house.now()
    wanted = _read_slice(request, actor, now)
    by = read_choice(request, "group_by", Dimension)
    comparison = read_choice(request, "compare", Comparison)
    computing = _computing(house)
    named = group_names(house.settings, house.router, house.tree)
    figures = [
        await computing.compute(metric, wanted, now, by=by, comparison=comparison) for metric in _read_codes(request)
    ]
    past = earlier(wanted, comparison) if comparison is not None else None
    return json_answer(
        {
            "period": _period(wanted),
            "compared_with": _period(past) if past is not None else None,
            "group_by": by,
            "smallest_ranked": house.settings.supervision.smallest_ranked,
            "metrics": [_figure_view(one, by, named) for one in figures],
        }
    )


async def metric_tickets(request: web.Request) -> web.Response:
    house, actor = house_of(request), actor_of(request)
    metric = BY_CODE.get(request.match_info["code"])
    if metric is None:
        raise not_found(f"没有代码为“{request.match_info['code'][:40]}”的指标；可用：{'、'.join(BY_CODE)}")
    now = house.now()
    wanted = _read_slice(request, actor, now)
    by, key = read_choice(request, "group_by", Dimension), request.query.get("key") and read_word(request, "key")
    if (by is None) is not (key is None):
        raise bad_fields([FieldError("key", "group_by 与 key 应同时填写：例如 group_by=brigade&key=brigade-1")])
    part = read_choice(request, "part", _Part) or _Part.ALL
    limit = read_number(request, "limit", default=200, least=1, most=200)
    offset = read_number(request, "offset", default=0, least=0, most=10_000_000)
    found = await _computing(house).members(
        metric,
        wanted,
        now,
        group=(by, (key,)) if by is not None and key is not None else None,
        hit=None if part is _Part.ALL else part is _Part.HIT,
        offset=offset,
        limit=limit + 1,
    )
    return json_answer(
        {
            "metric": metric.code,
            "period": _period(wanted),
            "items": [
                {"ticket_no": one.ticket_no, "assignment": one.position, "at": moment(one.at), "hit": one.hit}
                for one in found[:limit]
            ],
            "next_offset": offset + limit if len(found) > limit else None,
        }
    )


def _computing(house: House) -> Metrics:
    return Metrics(house.store.figures, house.calendar, house.settings.supervision.smallest_ranked)


def _read_slice(request: web.Request, actor: Actor, now: datetime) -> Slice:
    start, end = read_period(request, now)
    return Slice(
        start,
        end,
        channel=read_word(request, "channel"),
        kind=read_choice(request, "kind", Kind),
        category=read_word(request, "category"),
        urgency=read_choice(request, "urgency", Urgency),
        brigade=actor.unit or "" if actor.role is Role.BRIGADE else read_word(request, "brigade"),
        grid=read_word(request, "grid"),
        area=read_word(request, "area"),
        cell=read_word(request, "cell"),
        handler=read_word(request, "handler"),
    )


def _read_codes(request: web.Request) -> tuple[Metric, ...]:
    codes = [code.strip() for code in request.query.get("codes", "").split(",") if code.strip()]
    unknown = [code[:40] for code in codes if code not in BY_CODE]
    if unknown:
        raise bad_fields([FieldError("codes", f"没有指标“{'、'.join(unknown[:5])}”；可用：{'、'.join(BY_CODE)}")])
    return tuple(BY_CODE[code] for code in dict.fromkeys(codes)) or METRICS


def _figure_view(figure: Figure, by: Dimension | None, names: Names) -> dict[str, Any]:
    metric = figure.metric
    return {
        "code": metric.code,
        "name": metric.name,
        "unit": metric.unit,
        "better": metric.better,
        "formula": {
            "numerator": metric.numerator,
            "denominator": metric.denominator,
            "note": metric.note,
            "text": metric.formula,
        },
        "total": _value_view(figure.total),
        "before": _value_view(figure.before),
        "groups": [_group_view(one, names(by, one.key)) for one in figure.groups if by is not None],
    }


def _group_view(group: Group, name: str) -> dict[str, Any]:
    return {
        "key": group.key,
        "name": name,
        "value": _value_view(group.value),
        "before": _value_view(group.before),
        "ranked": group.ranked,
        "rank": group.rank,
    }


def _value_view(value: Value | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "n": value.n,
        "hits": value.hits,
        "value": _rounded(value.value, 4),
        "working_minutes": _times_view(value.working_minutes),
        "calendar_hours": _times_view(value.calendar_hours),
    }


def _times_view(times: Times | None) -> dict[str, Any] | None:
    if times is None:
        return None
    return {name: _rounded(getattr(times, name), 2) for name in ("mean", "median", "p90")}


def _rounded(value: float | None, digits: int) -> float | None:
    return round(value, digits) if value is not None else None


def _period(wanted: Slice) -> dict[str, Any]:
    return {"from": moment(wanted.start), "to": moment(wanted.end)}
