"""`/api/v1/tickets/{no}/check-reply`: what is to be mended in a reply before it goes out. It never blocks anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.problems import FieldError, bad_fields
from intake_bot.api.routes import EVERYONE, Parameter, Route, json_answer
from intake_bot.api.tickets import found_ticket
from nlu.replies import Severity, Verdict, check_reply

LONGEST_REPLY = 20_000

_CHECK: dict[str, Any] = {
    "type": "object",
    "properties": {
        "verdict": {"type": "string", "enum": [str(one) for one in Verdict]},
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "code": {"type": "string"},
                    "severity": {"type": "string", "enum": [str(one) for one in Severity]},
                    "reason": {"type": "string"},
                    "spans": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
                },
                "required": ["code", "severity", "reason", "spans"],
            },
        },
    },
    "required": ["verdict", "findings"],
}


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
            parameters=(Parameter("no", "工单编号，如 FH261124-00001", place="path"),),
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
