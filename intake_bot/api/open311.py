"""`/open311/v2`: GeoReport v2, so that any Open311 app can report to us and follow what became of it.

Everybody may read: nothing is told of the reporter, of confidential matters and reports (举报), nor a complaint's words.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

import msgspec
from aiohttp import web

from adapters.open311 import Open311Entry
from adapters.problems import Refused
from domain.category import Category
from domain.complaint import Kind
from domain.people import Actor, Role
from domain.ticket import FINISHED, STATUS_NAMES, Status, Ticket
from intake_bot.api.bodies import read_form
from intake_bot.api.problems import Problem
from intake_bot.api.routes import Parameter, Route, house_of
from intake_bot.api.views import moment
from intake_bot.house import House
from intake_bot.intake import take
from intake_bot.rates import Rate
from storage.tickets import TicketFilter, TicketSummary

CHANGESET = "2026-11-25T00:00:00+08:00"
"""When the list of services last changed its shape."""
LONGEST_SPAN = timedelta(days=90)
MOST_REQUESTS = 1_000
_MOST_CODES = 20
ROUNDING = 3
"""Decimals of a position that everybody may see: about a hundred metres."""
_MAY_SEND = frozenset({Role.CHANNEL, Role.OPERATOR, Role.ADMINISTRATOR})
_FORMATS = {"json": "application/json", "xml": "application/xml"}
_ENTRY = Open311Entry()
Data = Mapping[str, Any] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """What the standard calls an error; the message is Chinese."""

    status: int
    description: str


@dataclass(frozen=True, slots=True)
class Shape:
    """How a document is called in XML: its root and, for a list, each member."""

    root: str
    member: str = ""


_DISCOVERY = Shape("discovery")
_SERVICES = Shape("services", "service")
_DEFINITION = Shape("service_definition")
_REQUESTS = Shape("service_requests", "request")
_ERRORS = Shape("errors", "error")
Answering = Callable[[web.Request], Awaitable[tuple[Data, Shape]]]


def open311_routes() -> list[Route]:
    """Every address of the standard, in both formats."""
    rows: tuple[tuple[str, str, Answering, str, tuple[Parameter, ...]], ...] = (
        ("GET", "discovery", discovery, "Open311：服务发现", ()),
        ("GET", "services", services, "Open311：事项列表", ()),
        (
            "GET",
            "services/{code}",
            definition,
            "Open311：一个事项的说明",
            (Parameter("code", "事项代码", place="path"),),
        ),
        (
            "GET",
            "requests",
            requests,
            "Open311：诉求列表（不含诉求人、内容，不含保密件和举报件）",
            (
                Parameter("service_request_id", "工单编号，可用逗号分隔多个"),
                Parameter("service_code", "事项代码"),
                Parameter("start_date", "受理时间自，ISO 8601"),
                Parameter("end_date", "受理时间至，ISO 8601；与起始时间相差不超过 90 天"),
                Parameter("status", "open 或 closed"),
            ),
        ),
        ("GET", "requests/{no}", one_request, "Open311：一件诉求", (Parameter("no", "工单编号", place="path"),)),
        ("GET", "tokens/{no}", token, "Open311：由受理凭据查编号", (Parameter("no", "受理凭据", place="path"),)),
        ("POST", "requests", create, "Open311：提交诉求（需 api_key）", ()),
    )
    return [
        Route(
            method,
            f"/open311/v2/{path}.{kind}",
            _answering(handler, kind),
            summary,
            "open311",
            parameters=parameters,
            body=_FORM if method == "POST" else None,
            body_type="application/x-www-form-urlencoded",
            answers={201 if method == "POST" else 200: ("按 GeoReport v2 的约定", _DOCUMENT), **_REFUSED},
            answer_type=media_type,
            rate=Rate.OPEN311_POSTS if method == "POST" else Rate.LOOK_UPS,
        )
        for method, path, handler, summary, parameters in rows
        for kind, media_type in _FORMATS.items()
    ]


_DOCUMENT = {"type": ["object", "array"]}
_REFUSED = dict.fromkeys((400, 403, 404), ("错误，按 GeoReport v2 的约定", _DOCUMENT))
_FORM = {
    "type": "object",
    "required": ["api_key", "service_code", "description"],
    "properties": {
        "api_key": {"type": "string", "description": "管理员签发的令牌"},
        "service_code": {"type": "string"},
        "description": {"type": "string"},
        "lat": {"type": "number"},
        "long": {"type": "number"},
        "address_string": {"type": "string"},
        "first_name": {"type": "string"},
        "last_name": {"type": "string"},
        "phone": {"type": "string"},
        "email": {"type": "string"},
        "media_url": {"type": "string"},
    },
}


def _answering(handler: Answering, kind: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            if not house_of(request).settings.open311.enabled:
                raise Refusal(404, "没有开放 Open311 接口：请在 config.yml 中设 open311.enabled: true")
            data, shape = await handler(request)
            status = 201 if request.method == "POST" else 200
        except Refusal as refusal:
            data, shape, status = (
                [{"code": refusal.status, "description": refusal.description}],
                _ERRORS,
                refusal.status,
            )
        body = msgspec.json.encode(data) if kind == "json" else _xml(data, shape)
        return web.Response(body=body, status=status, content_type=_FORMATS[kind], charset="utf-8")

    return answer


async def discovery(request: web.Request) -> tuple[Data, Shape]:
    house = house_of(request)
    base = house.settings.server.public_url or f"{request.scheme}://{request.host}"
    return {
        "changeset": CHANGESET,
        "contact": f"{house.settings.bureau.name}，电话 {house.settings.conversation.hotline}",
        "key_service": "api_key 由本局管理员签发",
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": f"{base}/open311/v2",
                "changeset": CHANGESET,
                "type": "production",
                "formats": list(_FORMATS.values()),
            }
        ],
    }, _DISCOVERY


async def services(request: web.Request) -> tuple[Data, Shape]:
    return [_service(leaf) for leaf in house_of(request).tree.leaves.values()], _SERVICES


def _service(leaf: Category) -> dict[str, Any]:
    return {
        "service_code": leaf.code,
        "service_name": leaf.name,
        "description": "、".join(leaf.aliases) or leaf.name,
        "metadata": False,
        "type": "realtime",
        "keywords": ",".join(leaf.aliases),
        "group": f"{leaf.branch}/{leaf.group}",
    }


async def definition(request: web.Request) -> tuple[Data, Shape]:
    """No matter asks for more than the words: its definition has no attributes."""
    code = request.match_info["code"]
    if house_of(request).tree.get(code) is None:
        raise Refusal(404, f"没有代码为“{code[:20]}”的事项")
    return {"service_code": code, "attributes": []}, _DEFINITION


async def create(request: web.Request) -> tuple[Data, Shape]:
    """The same path as every channel; answered once the ticket is on disk."""
    house = house_of(request)
    try:
        form = await read_form(request)
    except Problem as problem:
        raise Refusal(problem.status, problem.detail) from None
    actor = await _sender(house, form.get("api_key", ""))
    code = form.get("service_code", "")
    if house.tree.get(code) is None:
        raise Refusal(404 if code else 400, f"没有代码为“{code[:20]}”的事项" if code else "请填写 service_code")
    if not (form.get("address_string") or (form.get("lat") and form.get("long"))):
        raise Refusal(400, "请填写地点：lat 与 long，或 address_string")
    now = house.now()
    source_no = f"{now:%y%m%d%H%M%S}{secrets.token_hex(4)}"
    try:
        complaint = _ENTRY.read(form, now, source_no)
    except Refused as refused:
        raise Refusal(400, "；".join(f"{one.field}：{one.message}" for one in refused.problems)) from None
    receipt = (await take(house, [complaint], actor, now, channel=complaint.channel))[0]
    no = receipt.ticket.no
    return [{"service_request_id": no, "service_notice": "；".join(receipt.ticket.why), "account_id": None}], _REQUESTS


async def _sender(house: House, key: str) -> Actor:
    if not key:
        raise Refusal(403, "请提供 api_key")
    actor = await house.store.accounts.actor_for_token(key, house.now())
    if actor is None or actor.role not in _MAY_SEND:
        raise Refusal(403, "api_key 无效，请向本局管理员申请")
    return actor


async def requests(request: web.Request) -> tuple[Data, Shape]:
    """The newest first; of 90 days where no period is asked for."""
    house, query = house_of(request), request.query
    named, codes = (
        list(dict.fromkeys(one for one in query.get(name, "").split(",") if one))
        for name in ("service_request_id", "service_code")
    )
    if not all(one.isprintable() for one in (*named, *codes)):
        raise Refusal(400, "service_request_id 与 service_code 不能含有控制字符")
    if named:
        tickets = await house.store.tickets.several(named[:MOST_REQUESTS])
        return [_public(house, one) for one in tickets if _is_public(one)], _REQUESTS
    now = house.now()
    end = _moment(query.get("end_date", ""), "end_date") or now
    start = _moment(query.get("start_date", ""), "start_date") or end - LONGEST_SPAN
    if not timedelta() <= end - start <= LONGEST_SPAN:
        raise Refusal(400, "start_date 应早于 end_date，两者相差不超过 90 天")
    status = query.get("status", "")
    if status not in {"", "open", "closed", "open,closed", "closed,open"}:
        raise Refusal(400, "status 应为 open 或 closed")
    found: list[TicketSummary] = []
    for code in codes[:_MOST_CODES] or (None,):
        wanted = TicketFilter(
            category=code,
            created_from=start,
            created_to=end,
            open_only=status == "open",
            statuses=tuple(FINISHED) if status == "closed" else (),
        )
        found += (await house.store.tickets.page(wanted, limit=MOST_REQUESTS)).items
    found.sort(key=lambda one: one.created_at, reverse=True)
    # Whole tickets are costly, and anybody may ask: of many codes no more are read than of one.
    tickets = await house.store.tickets.several([one.ticket_no for one in found[:MOST_REQUESTS]])
    newest = sorted(filter(_is_public, tickets), key=lambda one: one.created_at, reverse=True)
    return [_public(house, one) for one in newest], _REQUESTS


async def one_request(request: web.Request) -> tuple[Data, Shape]:
    house, no = house_of(request), request.match_info["no"]
    ticket = await house.store.tickets.get(no)
    if ticket is None or not _is_public(ticket):
        raise Refusal(404, f"没有编号为“{no[:32]}”的诉求")
    return [_public(house, ticket)], _REQUESTS


async def token(request: web.Request) -> tuple[Data, Shape]:
    """Numbers are given at once, so a token is the number itself."""
    data, shape = await one_request(request)
    assert isinstance(data, list)
    no = data[0]["service_request_id"]
    return [{"token": no, "service_request_id": no}], shape


def _is_public(ticket: Ticket) -> bool:
    return not ticket.complaint.reporter.confidential and ticket.kind is not Kind.REPORT


def _public(house: House, ticket: Ticket) -> dict[str, Any]:
    """What everybody may know: the matter, how it stands, by when, and roughly where."""
    lead, point = ticket.lead, ticket.complaint.place.point
    unit = ticket.refer_to_name or (house.router.unit_name(lead.unit) if lead else house.settings.bureau.name)
    return {
        "service_request_id": ticket.no,
        "status": "closed" if ticket.status in FINISHED else "open",
        "status_notes": STATUS_NAMES[Status(ticket.status)],
        "service_name": ticket.category_name,
        "service_code": ticket.category,
        "description": ticket.category_name,
        "agency_responsible": unit,
        "service_notice": None,
        "requested_datetime": moment(ticket.created_at),
        "updated_datetime": moment(ticket.closed_at or ticket.resolved_at or ticket.created_at),
        "expected_datetime": moment(ticket.due_outer or ticket.due_inner),
        "address": house.router.cell_name(lead.cell) if lead and lead.cell else None,
        "address_id": None,
        "zipcode": None,
        "lat": round(point.latitude, ROUNDING) if point else None,
        "long": round(point.longitude, ROUNDING) if point else None,
        "media_url": None,
    }


def _moment(written: str, name: str) -> datetime | None:
    if not written:
        return None
    try:
        found = datetime.fromisoformat(written)
        if not 2000 <= found.year <= 2100:
            raise ValueError
    except ValueError:
        raise Refusal(400, f"{name} 应为 ISO 8601 时间，例如 2026-11-01T00:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _xml(data: Data, shape: Shape) -> bytes:
    if isinstance(data, Mapping):
        inner = _members(data)
    else:
        inner = "".join(f"<{shape.member}>{_members(one)}</{shape.member}>" for one in data)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{shape.root}>{inner}</{shape.root}>'.encode()


_LISTS = {"endpoints": "endpoint", "formats": "format", "attributes": "attribute"}


def _members(row: Mapping[str, Any]) -> str:
    return "".join(f"<{name}>{_value(name, value)}</{name}>" for name, value in row.items())


def _value(name: str, value: Any) -> str:
    if isinstance(value, list):
        member = _LISTS[name]
        return "".join(
            f"<{member}>{_members(one) if isinstance(one, Mapping) else _text(one)}</{member}>" for one in value
        )
    return _text(value)


def _text(value: Any) -> str:
    """A value as text; characters that XML cannot hold are left out."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape("".join(char for char in str(value) if char.isprintable() or char in "\t\n"))
