"""`/api/v1/tickets/suggest` and `/api/v1/search`: what a call would become before it is entered; any ticket, found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from domain.ticket import Ticket
from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.filters import filter_parameters
from intake_bot.api.problems import FieldError, bad_fields
from intake_bot.api.routes import DESK, Parameter, Route, actor_of, house_of, json_answer
from intake_bot.api.searching import found_page
from intake_bot.api.tickets import summary_view
from intake_bot.api.views import answer, moment
from intake_bot.house import House
from intake_bot.suggestions import Suggestion, suggest

LONGEST_TEXT = 20_000
_SUMMARIES = {"type": "array", "items": {"$ref": "#/components/schemas/TicketSummary"}}
_WORDS = {"type": "array", "items": {"type": "string"}}
_DRAFT: dict[str, Any] = {
    "type": ["object", "null"],
    "description": "如现在录入会怎样；没有诉求内容时为 null",
    "properties": {
        "kind": {"type": "string"},
        "category": {"type": "object"},
        "runners_up": {"type": "array", "items": {"type": "object"}},
        "confidence": {"type": "number"},
        "urgency": {"type": "string"},
        "risks": _WORDS,
        "places": _WORDS,
        "status": {"type": "string"},
        "brigade": {"type": ["object", "null"]},
        "cell": {"type": ["object", "null"]},
        "handler": {"type": ["object", "null"]},
        "refer_to": {"type": "object"},
        "due_inner": {"type": ["string", "null"], "format": "date-time"},
        "why": {"type": "string"},
    },
    "required": ["kind", "category", "runners_up", "confidence", "urgency", "risks", "places", "status", "why"],
}
_SUGGESTION: dict[str, Any] = {
    "type": "object",
    "properties": {"draft": _DRAFT, "same_caller": _SUMMARIES, "same_place": _SUMMARIES},
    "required": ["draft", "same_caller", "same_place"],
}


@dataclass(frozen=True, slots=True)
class Call:
    """来电录入到一半时的内容；都可以不填。"""

    source: Literal["phone", "walk_in", "patrol"] = "phone"
    content: str = ""
    address: str = ""
    phone: str = ""
    category: str = ""


def suggestion_routes() -> list[Route]:
    return [
        Route(
            "POST",
            "/api/v1/tickets/suggest",
            post_suggest,
            "试算：按已录入的内容建议分类、承办单位和地点，列出同一号码、同一地点的工单；不保存任何内容",
            "tickets",
            DESK,
            body=schema_of(Call),
            answers={200: ("建议", _SUGGESTION)},
        ),
        Route(
            "GET",
            "/api/v1/search",
            get_search,
            "查找工单：编号、来源编号（可只写一段）、电话（全号或末四位）、内容、地点、被反映对象中的词，多个词以空格分隔",
            "tickets",
            DESK,
            parameters=(
                Parameter("q", "要找的词；不写则列出符合条件的全部工单"),
                *filter_parameters(),
                Parameter("cursor", "上一页返回的 next_cursor"),
                Parameter("limit", "每页条数，1 至 200", {"type": "integer", "minimum": 1, "maximum": 200}),
            ),
            answers={200: ("一页工单，新的在前", {"$ref": "#/components/schemas/TicketPage"})},
        ),
    ]


async def read_call(request: web.Request) -> Call:
    """The call as far as it was typed. Raises `Problem` for what cannot be read or is too long."""
    call = await read_body(request, Call)
    for name in ("content", "address", "phone", "category"):
        if len(getattr(call, name)) > LONGEST_TEXT:
            raise bad_fields([FieldError(name, f"{name} 最多 {LONGEST_TEXT} 个字符")])
    return call


async def suggested(request: web.Request) -> Suggestion:
    """The suggestion for the call in the request's body."""
    house, call = house_of(request), await read_call(request)
    return await suggest(
        house,
        actor_of(request),
        source=call.source,
        content=call.content,
        address=call.address,
        phone=call.phone,
        category=call.category,
        now=house.now(),
    )


async def post_suggest(request: web.Request) -> web.Response:
    found = await suggested(request)
    return json_answer(
        {
            "draft": _draft_view(house_of(request), found.ticket) if found.ticket is not None else None,
            "same_caller": [summary_view(one) for one in found.same_caller],
            "same_place": [summary_view(one) for one in found.same_place],
        }
    )


def _draft_view(house: House, ticket: Ticket) -> dict[str, Any]:
    told = answer(house, ticket, duplicate=False)
    del told["ticket_no"], told["duplicate"]
    lead, understanding = ticket.lead, ticket.understanding
    handler = {"account": lead.handler, "name": house.router.person_name(lead.handler)} if lead else None
    return {
        **told,
        "runners_up": understanding.runners_up,
        "urgency": ticket.urgency,
        "risks": understanding.risks,
        "places": understanding.places,
        "handler": handler,
        "due_inner": moment(ticket.due_inner),
    }


async def get_search(request: web.Request) -> web.Response:
    page = await found_page(request, "q")
    return json_answer({"items": [summary_view(one) for one in page.items], "next_cursor": page.next_cursor})
