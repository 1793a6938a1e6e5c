"""`/api/v1/tickets/{no}/reporter`: how to reach the reporter, for the unit that works on the matter. Each look is on record."""

from __future__ import annotations

from aiohttp import web

from domain.disclosure import Look, looked, may_look
from domain.lifecycle import RULES, Action
from domain.outcome import Outcome
from domain.people import Role
from domain.ticket import Ticket
from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.problems import lifecycle_refusals
from intake_bot.api.routes import Parameter, Route, actor_of, house_of, json_answer
from intake_bot.api.schemas import TEXT, record, text
from intake_bot.api.tickets import TICKET_NO, found_ticket, request_key

_ROLES = frozenset[Role]().union(*(rule.roles for rule in RULES if rule.action is Action.CONTACT))

_REPORTER = record(ticket_no=TEXT, name=TEXT, phone=TEXT, contact=TEXT, content=text("诉求原文，其中的号码不隐去"))


def reporter_routes() -> list[Route]:
    return [
        Route(
            "POST",
            "/api/v1/tickets/{no}/reporter",
            look,
            "查看诉求人姓名和电话：须说明理由，每次查看都记入全过程记录；保密件和举报件不提供",
            "actions",
            _ROLES,
            parameters=(
                TICKET_NO,
                Parameter("Idempotency-Key", "本次查看的编号；以同一编号再次提交不会重复记录", place="header"),
            ),
            body=schema_of(Look),
            answers={200: ("诉求人的联系方式", _REPORTER)},
        )
    ]


async def look(request: web.Request) -> web.Response:
    """Record the look, then tell: what is not on record is not told."""
    house, actor, now = house_of(request), actor_of(request), house_of(request).now()
    no = (await found_ticket(request)).no
    details = await read_body(request, Look)
    key = request_key(request, now)

    def work(before: Ticket) -> Outcome:
        return looked(before, details, actor, now)

    with lifecycle_refusals(no):
        ticket = await house.store.change(no, work, key=key)
        may_look(ticket, actor)  # a look that is asked for again may have been allowed only the first time
    complaint = ticket.complaint
    return json_answer(
        {
            "ticket_no": no,
            "name": complaint.reporter.name,
            "phone": complaint.reporter.phone,
            "contact": complaint.reporter.contact,
            "content": complaint.content,
        }
    )
