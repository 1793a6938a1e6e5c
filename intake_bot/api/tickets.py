"""`/api/v1/tickets`: list, enter, read, and every action of the life cycle."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from typing import Any

from aiohttp import web

from adapters.channel import Refused, Unreadable
from domain.actions import DETAILS, Merge, Resolve
from domain.handling import handle
from domain.handling.closing import merge
from domain.lifecycle import ACTION_NAMES, RULES, Action, Incomplete
from domain.outcome import Outcome
from domain.people import Role
from domain.ticket import Ticket
from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.channels import problem_of
from intake_bot.api.filters import filter_parameters, whole_number
from intake_bot.api.problems import FieldError, bad_fields, lifecycle_refusals, not_found, unreadable
from intake_bot.api.routes import DESK, EVERYONE, Parameter, Route, actor_of, house_of, json_answer
from intake_bot.api.searching import found_page
from intake_bot.api.views import answer, moment, supplement_view, ticket_view
from intake_bot.intake import take
from intake_bot.pictures import pictures_belong
from storage.store import RequestKey, TicketNotFound
from storage.tickets import TicketSummary

TICKET_NO = Parameter("no", "工单编号，如 FH261124-00001", place="path")
_TICKET = {"$ref": "#/components/schemas/Ticket"}


def ticket_routes() -> list[Route]:
    """The list, entry, reading and action routes."""
    return [
        Route(
            "GET",
            "/api/v1/tickets",
            list_tickets,
            "工单列表（按受理时间从新到旧，游标翻页）",
            "tickets",
            EVERYONE,
            parameters=(
                *filter_parameters(),
                Parameter(
                    "text",
                    "编号（可只写一段）、内容、地点、被反映对象中的词，多个词以空格分隔；至少两个汉字或三个字母、数字。"
                    "一页可能少于所要的条数而仍有 next_cursor，请继续翻页",
                ),
                Parameter("cursor", "上一页返回的 next_cursor"),
                Parameter("limit", "每页条数，1 至 200", {"type": "integer", "minimum": 1, "maximum": 200}),
            ),
            answers={200: ("一页工单", {"$ref": "#/components/schemas/TicketPage"})},
        ),
        Route(
            "POST",
            "/api/v1/tickets",
            enter_ticket,
            "录入来电、来访或巡查发现的诉求",
            "tickets",
            DESK,
            body={"$ref": "#/components/schemas/ManualEntry"},
            answers={
                200: ("同一来源编号已受理", {"$ref": "#/components/schemas/Answer"}),
                201: ("已受理并存盘", {"$ref": "#/components/schemas/Answer"}),
            },
        ),
        Route(
            "GET",
            "/api/v1/tickets/{no}",
            get_ticket,
            "一件工单",
            "tickets",
            EVERYONE,
            parameters=(TICKET_NO,),
            answers={200: ("工单", _TICKET)},
        ),
        Route(
            "GET",
            "/api/v1/tickets/{no}/events",
            get_events,
            "一件工单的全过程记录",
            "tickets",
            EVERYONE,
            parameters=(TICKET_NO,),
            answers={200: ("按发生顺序的事件", {"$ref": "#/components/schemas/Events"})},
        ),
        *[_action_route(action) for action in Action],
    ]


def _action_route(action: Action) -> Route:
    roles = frozenset[Role]().union(*(rule.roles for rule in RULES if rule.action is action)) & EVERYONE
    return Route(
        "POST",
        f"/api/v1/tickets/{{no}}/{action}",
        _acting(action),
        ACTION_NAMES[action],
        "actions",
        roles,
        parameters=(
            TICKET_NO,
            Parameter("If-Match", "只在工单版本号与此相符时执行", place="header"),
            Parameter("Idempotency-Key", "本次操作的编号；以同一编号再次提交不会重复执行", place="header"),
        ),
        body=schema_of(DETAILS[action]),
        answers={200: ("执行后的工单", _TICKET)},
    )


async def list_tickets(request: web.Request) -> web.Response:
    page = await found_page(request, "text")
    return json_answer(
        {
            "items": [summary_view(one) for one in page.items],
            "next_cursor": page.next_cursor,
        }
    )


def summary_view(summary: TicketSummary) -> dict[str, Any]:
    """A row of a list: the summary's own fields, with times in local spelling."""
    row: dict[str, Any] = {}
    for one in fields(summary):
        value = getattr(summary, one.name)
        row[one.name] = moment(value) if isinstance(value, datetime) else value
    return row


async def enter_ticket(request: web.Request) -> web.Response:
    """What an operator heard or saw, through the same path as the channels."""
    house = house_of(request)
    actor = actor_of(request)
    now = house.now()
    made_up = f"{now:%y%m%d%H%M%S}{secrets.token_hex(4)}"
    try:
        complaint = house.manual_entry.read(await request.read(), now, default_source_no=made_up)
    except Unreadable as error:
        raise unreadable(str(error)) from None
    except Refused as refused:
        raise problem_of(refused.problems) from None
    receipt = (await take(house, [complaint], actor, now, channel=complaint.channel))[0]
    return json_answer(answer(house, receipt.ticket, duplicate=receipt.duplicate), 200 if receipt.duplicate else 201)


async def get_ticket(request: web.Request) -> web.Response:
    house = house_of(request)
    ticket = await found_ticket(request)
    actor = actor_of(request)
    added = await house.store.tickets.supplements(ticket.no)
    view = ticket_view(house, ticket, actor) | {"supplements": [supplement_view(ticket, one, actor) for one in added]}
    return json_answer(view, headers={"ETag": f'"{ticket.version}"'})


async def get_events(request: web.Request) -> web.Response:
    house = house_of(request)
    ticket = await found_ticket(request)
    events = await house.store.tickets.events(ticket.no)
    return json_answer(
        {
            "ticket_no": ticket.no,
            "events": [
                {
                    "sequence": one.sequence,
                    "at": moment(one.event.at),
                    "action": one.event.action,
                    "actor": one.event.actor,
                    "role": one.event.role,
                    "assignment": one.event.position,
                    "data": one.event.data,
                    "hash": one.hash,
                }
                for one in events
            ],
        }
    )


async def found_ticket(request: web.Request) -> Ticket:
    """The ticket that the address names. Raises `Problem` 404, also for a brigade whose ticket it is not."""
    no = request.match_info["no"]
    ticket = await house_of(request).store.tickets.get(no)
    actor = actor_of(request)
    if ticket is None or (actor.role is Role.BRIGADE and all(one.unit != actor.unit for one in ticket.assignments)):
        raise not_found(f"没有编号为“{no}”的工单，或它没有派给您所在的单位")
    return ticket


def _acting(action: Action) -> Callable[[web.Request], Any]:
    async def act(request: web.Request) -> web.Response:
        house = house_of(request)
        actor = actor_of(request)
        details = await read_body(request, DETAILS[action])
        no = request.match_info["no"]
        expected = _expected_version(request)
        now = house.now()
        key = request_key(request, now)
        with lifecycle_refusals(no):
            try:
                if isinstance(details, Merge):
                    ticket = await _merge(request, no, details, expected)
                else:

                    def work(before: Ticket) -> Outcome:
                        return handle(before, action, details, actor, now, house.planner)

                    ticket = await house.store.change(no, work, expected_version=expected, key=key)
            except TicketNotFound:
                raise not_found(f"没有编号为“{no}”的工单") from None
        if isinstance(details, Resolve):
            await pictures_belong(house, ticket.no, (*details.photos_before, *details.photos))
        return json_answer(ticket_view(house, ticket, actor), headers={"ETag": f'"{ticket.version}"'})

    return act


async def _merge(request: web.Request, no: str, details: Merge, expected: int | None) -> Ticket:
    house = house_of(request)
    actor = actor_of(request)
    now = house.now()
    if not details.into:
        raise Incomplete((("into", "请填写并入的工单编号（into）"),))
    if details.into == no:
        raise Incomplete((("into", "不能把工单并入它自己"),))
    if await house.store.tickets.get(details.into) is None:
        raise Incomplete((("into", f"没有编号为“{details.into}”的工单"),))

    def work(tickets: tuple[Ticket, Ticket]) -> tuple[Outcome, Outcome]:
        return merge(tickets[0], tickets[1], actor, now, details.note)

    merged, _ = await house.store.change_two(no, details.into, work, expected_version=expected)
    return merged


def request_key(request: web.Request, now: datetime) -> RequestKey | None:
    """What the caller calls this very request; of another caller the same key is another request."""
    given = request.headers.get("Idempotency-Key", "").strip()
    if not given:
        return None
    if not given.isascii() or not given.isprintable() or len(given) > 64:
        raise bad_fields([FieldError("Idempotency-Key", "Idempotency-Key 应为不超过 64 个字符的编号")])
    return RequestKey(f"{actor_of(request).name}:{given}", now)


def _expected_version(request: web.Request) -> int | None:
    given = request.headers.get("If-Match", "").strip()
    if given in {"", "*"}:
        return None
    number = whole_number(given.removeprefix("W/").strip('"'))
    if number is None:
        raise bad_fields([FieldError("If-Match", 'If-Match 应为工单的版本号，例如 "3"')])
    return number
