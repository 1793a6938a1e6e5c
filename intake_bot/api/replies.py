"""`/api/v1/tickets/{no}/check-reply`: what is to be mended in a reply before it goes out. It never blocks anything."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.problems import FieldError, bad_fields
from intake_bot.api.routes import EVERYONE, Route, json_answer
from intake_bot.api.schemas import TEXT, WHOLE, list_of, one_of, record
from intake_bot.api.tickets import TICKET_NO, found_ticket
from nlu.replies import Severity, Verdict, check_reply

LONGEST_REPLY = 20_000

_FINDING = record(code=TEXT, severity=one_of(Severity), reason=TEXT, spans=list_of(list_of(WHOLE)))
_CHECK = record(verdict=one_of(Verdict), findings=list_of(_FINDING))


@dataclass(frozen=True, slots=True)
class Reply:
    """拟答复的内容。"""

    reply: str


def reply_routes() -> list[Route]:
    return [
        Route(
            "POST",
            "/api/v1/tickets/{no}/check-reply",
            check,
            "答复检查：是否答其所问、有无套话、是否泄露个人信息；只提示，不阻断",
            "replies",
            EVERYONE,
            parameters=(TICKET_NO,),
            body=schema_of(Reply),
            answers={200: ("需要修改之处", _CHECK)},
        )
    ]


async def check(request: web.Request) -> web.Response:
    ticket = await found_ticket(request)
    wanted = await read_body(request, Reply)
    if len(wanted.reply) > LONGEST_REPLY:
        raise bad_fields([FieldError("reply", f"答复最多 {LONGEST_REPLY} 个字符")])
    complaint = ticket.complaint
    names = [] if complaint.reporter.anonymous or not complaint.reporter.name else [complaint.reporter.name]
    found = check_reply(complaint.text, ticket.kind, wanted.reply, names)
    return json_answer(
        {
            "verdict": found.verdict,
            "findings": [
                {"code": one.code, "severity": one.severity, "reason": one.reason, "spans": one.spans}
                for one in found.findings
            ],
        }
    )
