"""`/api/openapi.json`: the whole outside of the service, made from the same rows as the routes themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from domain.complaint import Kind, Urgency
from domain.lifecycle import Action
from domain.light import Light
from domain.limit import Stage
from domain.ticket import PressCause, PressLevel, Share, Status
from intake_bot.api.routes import Parameter, Route, house_of, json_answer
from intake_bot.api.schemas import MOMENT, NUMBER, TEXT, WHOLE, YES, list_of, one_of, or_null, record, text
from intake_bot.house import House
from intake_bot.sessions import COOKIE, CSRF_HEADER

VERSION = "1.0.0"

_PROBLEM_ANSWERS: dict[int, str] = {
    400: "无法读取",
    401: "没有登录，或签名不符",
    403: "没有权限",
    404: "没有找到",
    409: "现在不能这样做",
    412: "已被他人更新",
    413: "正文太大",
    415: "不是可用的照片",
    422: "内容有误，逐个字段说明",
    429: "太频繁",
    503: "暂时不能受理，请按 Retry-After 稍后重试",
}
_SIGNATURE_HEADERS = (
    Parameter("X-Timestamp", "Unix 时间戳（秒），与服务端相差不超过 300 秒", place="header"),
    Parameter("X-Nonce", "随机串，每次不同", place="header"),
    Parameter("X-Signature", "以渠道密钥对“时间戳\\n随机串\\n正文”计算的 HMAC-SHA256（十六进制）", place="header"),
)


def openapi_route(routes: Sequence[Route]) -> Route:
    """The route that answers the description of `routes` and of itself."""

    async def describe(request: web.Request) -> web.Response:
        return json_answer(document(house_of(request), [*routes, itself]))

    itself = Route(
        "GET",
        "/api/openapi.json",
        describe,
        "本接口的 OpenAPI 说明",
        "operations",
        answers={200: ("OpenAPI 3.1", {"type": "object"})},
    )
    return itself


def document(house: House, routes: Sequence[Route]) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{house.settings.bureau.name}诉求受理接口",
            "version": VERSION,
            "description": "四个渠道统一受理、统一督办、统一考核。时间均为带时区的 ISO 8601。",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE,
                    "description": f"网页登录后的会话；改动类请求须带 {CSRF_HEADER} 头",
                },
            },
            "schemas": {
                **_schemas(),
                **{code: channel.schema() for code, channel in house.channels.items()},
                "ManualEntry": house.manual_entry.schema(),
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_"),
        "summary": route.summary,
        "tags": [route.tag],
        "responses": {str(status): _answer(route, status) for status in route.answers},
    }
    parameters = [*route.parameters, *(_SIGNATURE_HEADERS if route.signed else ())]
    if parameters:
        described["parameters"] = [_parameter(one, route) for one in parameters]
    if route.body is not None:
        # Without a body it is as if all its members were left out; that is an answer where none is needed.
        needed = bool(route.body.get("required")) or route.body.get("type") != "object"
        described["requestBody"] = {"required": needed, "content": {route.body_type: {"schema": dict(route.body)}}}
    if route.roles is not None:
        described["security"] = [{"token": []}, {"session": []}]
        described["description"] = f"角色：{'、'.join(sorted(route.roles))}"
    for status in _problems(route):
        refusal = {
            "description": _PROBLEM_ANSWERS[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        described["responses"].setdefault(str(status), refusal)
    return described


def _answer(route: Route, status: int) -> dict[str, Any]:
    description, schema = route.answers[status]
    if schema is None:
        return {"description": description}
    types = (route.answer_type,) if isinstance(route.answer_type, str) else route.answer_type
    return {"description": description, "content": {one: {"schema": dict(schema)} for one in types}}


def _parameter(one: Parameter, route: Route) -> dict[str, Any]:
    required = one.place == "path" or (route.signed and one in _SIGNATURE_HEADERS)
    return {
        "name": one.name,
        "in": one.place,
        "description": one.description,
        "required": required,
        "schema": dict(one.schema) if required else _may_be_empty(one.schema),
    }


def _may_be_empty(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter of a form that was not filled in is sent empty, which is as good as not sent."""
    return {"anyOf": [dict(schema), {"const": ""}]} if "format" in schema else dict(schema)


def _problems(route: Route) -> list[int]:
    """The refusals that a route can answer with."""
    found = {503}
    if route.roles is not None or route.signed:
        found.add(401)
    if route.roles is not None:
        found.add(403)
    if route.body is not None:
        found |= {400, 413, 422}
    if any(one.place != "path" for one in route.parameters):
        found.add(422)
    if "{" in route.path:
        found.add(404)
    if route.tag == "channels" and not route.signed:
        found |= {403, 404}  # no signature of ours but the platform's own; nothing there where it is not configured
    if route.tag == "actions":
        found |= {409, 412}
    if route.tag == "accounts" and "{account}" in route.path:
        found.add(409)
    if route.body_type.startswith("image/"):
        found |= {409, 415}
    if route.path.endswith("/login"):
        found |= {401, 403}
    if route.rate is not None or route.roles is not None or route.signed:
        found.add(429)
    return sorted(found)


_WHEN = or_null(MOMENT)
_NAMED = record(code=TEXT, name=TEXT)
_PERSON = record(account=TEXT, name=TEXT)


def _schemas() -> dict[str, Any]:
    answer = {
        "ticket_no": text("工单编号"),
        "duplicate": YES,
        "status": one_of(Status),
        "kind": one_of(Kind),
        "category": _NAMED,
        "brigade": or_null(_NAMED),
        "cell": or_null(_NAMED),
        "confidence": NUMBER,
        "why": text("派单理由"),
        "refer_to": _NAMED,
        "merged_into": TEXT,
    }
    one = record(("refer_to", "merged_into"), **answer)
    problem = record(
        ("errors",), type=TEXT, title=TEXT, status=WHOLE, detail=TEXT, errors=list_of(record(field=TEXT, message=TEXT))
    )
    return {
        "Answer": one,
        "Answers": {"anyOf": [one, list_of({"anyOf": [one, problem]})]},
        "Problem": problem,
        "Health": record(("model",), status=TEXT, model=TEXT),
        "Token": record(token=text("只在此处显示一次"), expires_at=MOMENT, role=TEXT, brigade=or_null(TEXT), name=TEXT),
        "Picture": record(id=TEXT, url=TEXT, width={"type": "integer"}, height={"type": "integer"}),
        "Identity": record(account=TEXT, role=TEXT, brigade=or_null(TEXT)),
        "Events": record(ticket_no=TEXT, events=list_of(_event())),
        "TicketSummary": _summary(),
        "TicketPage": record(items=list_of(_summary()), next_cursor=or_null(TEXT)),
        "Ticket": _ticket(answer),
    }


def _event() -> dict[str, Any]:
    return record(
        sequence=WHOLE,
        at=MOMENT,
        action=TEXT,
        actor=TEXT,
        role=TEXT,
        assignment=WHOLE,
        data={"type": "object"},
        hash=TEXT,
    )


def _summary() -> dict[str, Any]:
    names = "ticket_no category category_name channel source_no brigade cell handler refer_to excerpt"
    return record(
        **dict.fromkeys(names.split(), TEXT),
        status=one_of(Status),
        light=one_of(Light),
        kind=one_of(Kind),
        urgency=one_of(Urgency),
        confidence=NUMBER,
        reported_at=MOMENT,
        created_at=MOMENT,
        due_inner=_WHEN,
        due_outer=_WHEN,
        resolved_at=_WHEN,
        closed_at=_WHEN,
        version=WHOLE,
    )


def _clock() -> dict[str, Any]:
    return record(
        stage=one_of(Stage),
        name=TEXT,
        limit=TEXT,
        rule=TEXT,
        round=WHOLE,
        light=one_of(Light),
        started_at=MOMENT,
        yellow_at=MOMENT,
        due_at=MOMENT,
        original_due_at=MOMENT,
        paused_at=_WHEN,
        pauses=list_of(record(**{"from": MOMENT}, to=MOMENT)),
        stopped_at=_WHEN,
        provisional=YES,
        reasons=list_of(TEXT),
    )


def _assignment() -> dict[str, Any]:
    return record(
        assignment=WHOLE,
        share=one_of(Share),
        brigade=or_null(_NAMED),
        cell=or_null(_NAMED),
        status=one_of(Status),
        light=one_of(Light),
        owner=_PERSON,
        backup=_PERSON,
        handler=_PERSON,
        stands_in_for=text("替谁值守；为空是本人的工作"),
        suspended_until=_WHEN,
        dispatched_at=MOMENT,
        accepted_at=_WHEN,
        contacted_at=_WHEN,
        resolved_at=_WHEN,
        ended_at=_WHEN,
        return_barred=YES,
        request=or_null({"type": "object"}),
        result=TEXT,
        clocks=list_of(_clock()),
    )


def _order() -> dict[str, Any]:
    return record(
        number=WHOLE,
        assignment=WHOLE,
        level=one_of(PressLevel),
        level_name=TEXT,
        cause=one_of(PressCause),
        requirement=text("督办要求"),
        issued_at=MOMENT,
        due_at=_WHEN,
        answer=text("大队的答复"),
        answered_at=_WHEN,
        open=YES,
    )


def _ticket(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that callers rely on; `views.ticket_view` makes it, and a test holds the two together."""
    return record(
        ("refer_to", "merged_into", "supplements"),
        **answer,
        version=WHOLE,
        status_name=TEXT,
        kind_name=TEXT,
        urgency=one_of(Urgency),
        urgency_name=TEXT,
        light=one_of(Light),
        light_name=TEXT,
        channel=TEXT,
        source_no=TEXT,
        source_version=WHOLE,
        title=TEXT,
        content=TEXT,
        address=TEXT,
        point=or_null(record(longitude=NUMBER, latitude=NUMBER)),
        party=TEXT,
        appeal=TEXT,
        reporter={
            "type": "object",
            "description": "按角色显示：坐席可见全部，大队可见打码，保密和举报对大队隐去",
        },
        claimed={"type": "object", "description": "平台所称的类型、紧急程度和代码，只作参考"},
        attachments=list_of(record(name=TEXT, url=TEXT)),
        supplements={
            "type": "array",
            "items": {"type": "object"},
            "description": "其后补充或另行发来的内容，由早到晚；只在查看单件工单时给出",
        },
        understanding={"type": "object", "description": "模型的判断：类型、事项、备选、依据、地名、风险"},
        problems=list_of(text("派单规则出错的说明，须由管理员处理")),
        reported_at=MOMENT,
        created_at=MOMENT,
        due_inner=_WHEN,
        due_outer=_WHEN,
        resolved_at=_WHEN,
        followed_up_at=_WHEN,
        solved=TEXT,
        satisfaction=TEXT,
        closed_at=_WHEN,
        counts={"type": "object", "additionalProperties": WHOLE},
        assignments=list_of(_assignment()),
        orders=list_of(_order()),
        desk_clocks=list_of(_clock()),
        gaps=list_of(record(code=TEXT, assignment=WHOLE, blocking=YES, opened_at=MOMENT)),
        lead=or_null(WHOLE),
        allowed=list_of(record(action={"type": "string", "enum": [str(one) for one in Action]}, name=TEXT)),
    )
