"""`/desk`: the queues of what needs a person, and one ticket beside them. Entry, search, import and merging stand elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aiohttp import web

from domain.people import Actor
from domain.ticket import Ticket
from intake_bot.api.filters import read_choice, read_number, read_word
from intake_bot.api.problems import Problem, not_found
from intake_bot.api.routes import DESK, Route, actor_of, house_of
from intake_bot.pages.board_query import channel_names
from intake_bot.pages.desk_import import import_routes
from intake_bot.pages.desk_merge import merge_routes
from intake_bot.pages.desk_new import entry_routes
from intake_bot.pages.desk_search import search_routes
from intake_bot.pages.desk_ticket import asked_words, rules_on_requests, ticket_context
from intake_bot.pages.desk_words import GRAVE, QUEUE_HINTS, QUEUE_NAMES, risk_name
from intake_bot.pages.rendering import fragment, page
from storage.queues import Queue

ROWS = 60
DANGER_IS_NEW = timedelta(days=7)
"""How long a danger that is another's business is still looked at."""

_PART = "HX-Request"
"""The header of a request for a part of the page."""


def desk_routes() -> list[Route]:
    """All of the desk, the fixed addresses before those that name a ticket."""
    return [
        Route("GET", "/desk", show_queue, "受理台：待处理队列", "pages", DESK, page=True),
        Route("GET", "/desk/queue", show_rows, "受理台：队列的内容", "pages", DESK, page=True),
        *entry_routes(),
        *search_routes(),
        *import_routes(),
        *merge_routes(),
        Route("GET", "/desk/{no}", show_ticket, "受理台：一件工单", "pages", DESK, page=True),
    ]


async def show_queue(request: web.Request) -> web.Response:
    """The queues; with `no` one ticket is open beside them."""
    context = await _queue(request)
    no = read_word(request, "no")
    ticket = await house_of(request).store.tickets.get(no) if no else None
    opened = await _opened(request, ticket) if ticket is not None else {}
    return page(request, "desk/queue.html", **{**context, **opened, "opened": ticket.no if ticket else ""})


async def show_rows(request: web.Request) -> web.Response:
    """The tabs and rows alone, for a page that keeps itself fresh."""
    return fragment(request, "desk/queue_rows.html", **await _queue(request), opened=read_word(request, "no") or "")


async def show_ticket(request: web.Request) -> web.Response:
    """One ticket: a page of its own, or the part that stands beside the queue."""
    house = house_of(request)
    ticket = await house.store.tickets.get(request.match_info["no"])
    if ticket is None:
        raise not_found(f"没有编号为“{request.match_info['no'][:40]}”的工单，请核对编号，或用查找功能")
    context = await _opened(request, ticket)
    queue = read_choice(request, "queue", Queue)
    if _PART in request.headers:
        return fragment(request, "desk/ticket_pane.html", **context, queue=queue)
    return page(request, "desk/ticket.html", **context, queue=queue)


async def _queue(request: web.Request) -> dict[str, Any]:
    house, actor = house_of(request), actor_of(request)
    queues = queues_for(actor)
    recent = house.now() - DANGER_IS_NEW
    counts = await house.store.queues.counts(queues, recent)
    chosen = read_choice(request, "queue", Queue) or next((one for one in queues if counts[one]), queues[0])
    if chosen not in queues:
        raise Problem(403, "forbidden", "没有权限", "延期和挂起由督办人员审批")
    pages = max(1, -(-counts[chosen] // ROWS))
    number = min(read_number(request, "page", default=1, least=1, most=100_000), pages)
    rows = await house.store.queues.rows(chosen, recent, offset=(number - 1) * ROWS, limit=ROWS)
    return {
        "queues": [(one, QUEUE_NAMES[one], counts[one]) for one in queues],
        "queue": chosen,
        "hint": QUEUE_HINTS[chosen],
        "rows": rows,
        "page_number": number,
        "pages": pages,
        "channels": channel_names(house),
        "name_of_unit": house.router.unit_name,
        "name_of_cell": house.router.cell_name,
        "risk_name": risk_name,
        "grave": GRAVE,
    }


def queues_for(actor: Actor) -> list[Queue]:
    """Requests for more time are not the operator's to decide."""
    return [one for one in Queue if one is not Queue.ASKED or rules_on_requests(actor)]


async def _opened(request: web.Request, ticket: Ticket) -> dict[str, Any]:
    context = await ticket_context(house_of(request), ticket, actor_of(request))
    return {**context, "asked_words": asked_words}
