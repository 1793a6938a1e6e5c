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
        described["requestBody"] = {"required": True, "content": {route.body_type: {"schema": dict(route.body)}}}
    if route.roles is not None:
        described["security"] = [{"token": []}, {"session": []}]
        described["description"] = f"角色：{'、'.join(sorted(route.roles))}"
    for status in _problems(route):
        described["responses"][str(status)] = {
            "description": _PROBLEM_ANSWERS[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return described


def _answer(route: Route, status: int) -> dict[str, Any]:
    description, schema = route.answers[status]
    if schema is None:
        return {"description": description}
    return {"description": description, "content": {route.answer_type: {"schema": dict(schema)}}}


def _parameter(one: Parameter, route: Route) -> dict[str, Any]:
    required = one.place == "path" or (route.signed and one in _SIGNATURE_HEADERS)
    return {
        "name": one.name,
        "in": one.place,
        "description": one.description,
        "required": required,
        "schema": dict(one.schema),
    }


def _problems(route: Route) -> list[int]:
    """The refusals that a route can answer with."""
    found = {503}
    if route.roles is not None or route.signed:
        found.add(401)
    if route.roles is not None:
        found.add(403)
    if route.body is not None:
        found |= {400, 413, 422}
    if any(one.place == "query" for one in route.parameters):
        found.add(422)
    if "{" in route.path:
        found.add(404)
    if route.tag == "actions":
        found |= {409, 412}
    if route.tag == "accounts" and "{account}" in route.path:
        found.add(409)
    if route.body_type.startswith("image/"):
        found |= {409, 415}
    if route.path.endswith("/login"):
        found |= {401, 403, 429}
    return sorted(found)


def _text(description: str = "") -> dict[str, Any]:
    return {"type": "string", "description": description} if description else {"type": "string"}


def _choice(choices: type[Any]) -> dict[str, Any]:
    return {"type": "string", "enum": [str(one) for one in choices]}


def _object(properties: Mapping[str, Any], *, optional: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
    }


def _maybe(schema: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [dict(schema), {"type": "null"}]}


def _list(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(of)}


_MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}
_WHEN = _maybe(_MOMENT)
_NUMBER: dict[str, Any] = {"type": "integer"}
_SHARE: dict[str, Any] = {"type": "number"}
_YES: dict[str, Any] = {"type": "boolean"}
_NAMED = _object({"code": _text(), "name": _text()})
_PERSON = _object({"account": _text(), "name": _text()})


def _schemas() -> dict[str, Any]:
    answer = {
        "ticket_no": _text("工单编号"),
        "duplicate": _YES,
        "status": _choice(Status),
        "kind": _choice(Kind),
        "category": _NAMED,
        "brigade": _maybe(_NAMED),
        "cell": _maybe(_NAMED),
        "confidence": _SHARE,
        "why": _text("派单理由"),
        "refer_to": _NAMED,
        "merged_into": _text(),
    }
    one = _object(answer, optional=("refer_to", "merged_into"))
    problem = _object(
        {
            "type": _text(),
            "title": _text(),
            "status": _NUMBER,
            "detail": _text(),
            "errors": _list(_object({"field": _text(), "message": _text()})),
        },
        optional=("errors",),
    )
    return {
        "Answer": one,
        "Answers": {"anyOf": [one, _list({"anyOf": [one, problem]})]},
        "Problem": problem,
        "Health": _object({"status": _text(), "model": _text()}, optional=("model",)),
        "Token": _object(
            {
                "token": _text("只在此处显示一次"),
                "expires_at": _MOMENT,
                "role": _text(),
                "brigade": _maybe(_text()),
                "name": _text(),
            }
        ),
        "Picture": _object(
            {"id": _text(), "url": _text(), "width": {"type": "integer"}, "height": {"type": "integer"}}
        ),
        "Identity": _object({"account": _text(), "role": _text(), "brigade": _maybe(_text())}),
        "Events": _object({"ticket_no": _text(), "events": _list(_event())}),
        "TicketSummary": _summary(),
        "TicketPage": _object({"items": _list(_summary()), "next_cursor": _maybe(_text())}),
        "Ticket": _ticket(answer),
    }


def _event() -> dict[str, Any]:
    return _object(
        {
            "sequence": _NUMBER,
            "at": _MOMENT,
            "action": _text(),
            "actor": _text(),
            "role": _text(),
            "assignment": _NUMBER,
            "data": {"type": "object"},
            "hash": _text(),
        }
    )


def _summary() -> dict[str, Any]:
    names = "ticket_no category category_name channel source_no brigade cell handler refer_to excerpt"
    return _object(
        {
            **{name: _text() for name in names.split()},
            "status": _choice(Status),
            "light": _choice(Light),
            "kind": _choice(Kind),
            "urgency": _choice(Urgency),
            "confidence": _SHARE,
            "reported_at": _MOMENT,
            "created_at": _MOMENT,
            "due_inner": _WHEN,
            "due_outer": _WHEN,
            "resolved_at": _WHEN,
            "closed_at": _WHEN,
            "version": _NUMBER,
        }
    )


def _clock() -> dict[str, Any]:
    return _object(
        {
            "stage": _choice(Stage),
            "name": _text(),
            "limit": _text(),
            "rule": _text(),
            "round": _NUMBER,
            "light": _choice(Light),
            "started_at": _MOMENT,
            "yellow_at": _MOMENT,
            "due_at": _MOMENT,
            "original_due_at": _MOMENT,
            "paused_at": _WHEN,
            "pauses": _list(_object({"from": _MOMENT, "to": _MOMENT})),
            "stopped_at": _WHEN,
            "provisional": _YES,
            "reasons": _list(_text()),
        }
    )


def _assignment() -> dict[str, Any]:
    return _object(
        {
            "assignment": _NUMBER,
            "share": _choice(Share),
            "brigade": _maybe(_NAMED),
            "cell": _maybe(_NAMED),
            "status": _choice(Status),
            "light": _choice(Light),
            "owner": _PERSON,
            "backup": _PERSON,
            "handler": _PERSON,
            "stands_in_for": _text("替谁值守；为空是本人的工作"),
            "suspended_until": _WHEN,
            "dispatched_at": _MOMENT,
            "accepted_at": _WHEN,
            "contacted_at": _WHEN,
            "resolved_at": _WHEN,
            "ended_at": _WHEN,
            "return_barred": _YES,
            "request": _maybe({"type": "object"}),
            "result": _text(),
            "clocks": _list(_clock()),
        }
    )


def _order() -> dict[str, Any]:
    return _object(
        {
            "number": _NUMBER,
            "assignment": _NUMBER,
            "level": _choice(PressLevel),
            "level_name": _text(),
            "cause": _choice(PressCause),
            "requirement": _text("督办要求"),
            "issued_at": _MOMENT,
            "due_at": _WHEN,
            "answer": _text("大队的答复"),
            "answered_at": _WHEN,
            "open": _YES,
        }
    )


def _ticket(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that callers rely on; `views.ticket_view` makes it, and a test holds the two together."""
    return _object(
        {
            **answer,
            "version": _NUMBER,
            "status_name": _text(),
            "kind_name": _text(),
            "urgency": _choice(Urgency),
            "urgency_name": _text(),
            "light": _choice(Light),
            "light_name": _text(),
            "channel": _text(),
            "source_no": _text(),
            "source_version": _NUMBER,
            "title": _text(),
            "content": _text(),
            "address": _text(),
            "point": _maybe(_object({"longitude": _SHARE, "latitude": _SHARE})),
            "party": _text(),
            "appeal": _text(),
            "reporter": {
                "type": "object",
                "description": "按角色显示：坐席可见全部，大队可见打码，保密和举报对大队隐去",
            },
            "claimed": {"type": "object", "description": "平台所称的类型、紧急程度和代码，只作参考"},
            "attachments": _list(_object({"name": _text(), "url": _text()})),
            "supplements": {
                "type": "array",
                "items": {"type": "object"},
                "description": "其后补充或另行发来的内容，由早到晚；只在查看单件工单时给出",
            },
            "understanding": {"type": "object", "description": "模型的判断：类型、事项、备选、依据、地名、风险"},
            "problems": _list(_text("派单规则出错的说明，须由管理员处理")),
            "reported_at": _MOMENT,
            "created_at": _MOMENT,
            "due_inner": _WHEN,
            "due_outer": _WHEN,
            "resolved_at": _WHEN,
            "followed_up_at": _WHEN,
            "solved": _text(),
            "satisfaction": _text(),
            "closed_at": _WHEN,
            "counts": {"type": "object", "additionalProperties": _NUMBER},
            "assignments": _list(_assignment()),
            "orders": _list(_order()),
            "desk_clocks": _list(_clock()),
            "gaps": _list(_object({"code": _text(), "assignment": _NUMBER, "blocking": _YES, "opened_at": _MOMENT})),
            "lead": _maybe(_NUMBER),
            "allowed": _list(
                _object({"action": {"type": "string", "enum": [str(one) for one in Action]}, "name": _text()})
            ),
        },
        optional=("refer_to", "merged_into", "supplements"),
    )
