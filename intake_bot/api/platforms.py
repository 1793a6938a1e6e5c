"""What platforms say after they have sent a ticket (`{channel path}/{source_no}/actions`), and our own score with them."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from adapters.channel import Channel, Refused
from domain.platform import Said
from domain.ticket import Ticket
from domain.worktime import local
from intake_bot.api.bodies import schema_of
from intake_bot.api.channels import nonce_used, problem_of, verified
from intake_bot.api.filters import read_word
from intake_bot.api.problems import FieldError, Problem, bad_fields
from intake_bot.api.routes import DESK, Handler, Parameter, Route, house_of, json_answer
from intake_bot.house import House
from intake_bot.platform_answers import take_message
from intake_bot.platform_scores import PlatformScore, score_of
from intake_bot.reporting_back import report_of
from storage.store import NonceSeen


def platform_routes(channels: Iterable[Channel]) -> list[Route]:
    """A POST route for each channel whose platform says more, and the score."""
    return [
        *(_message_route(channel) for channel in channels if channel.says_more),
        Route(
            "GET",
            "/api/v1/platforms/score",
            show_score,
            "回传质量自评：按平台的考核口径（数据完整、内容完整、数据及时、接口稳定）计分，并列出不足",
            "supervision",
            DESK,
            parameters=(
                Parameter("channel", "渠道代码，如 12345"),
                Parameter("month", "月份，如 2026-11；默认本月"),
            ),
            answers={200: ("一个渠道一个月的自评", schema_of(PlatformScore))},
        ),
    ]


def _message_route(channel: Channel) -> Route:
    text = {"type": "string"}
    return Route(
        "POST",
        f"{channel.settings.path}/{{source_no}}/actions",
        _message_handler(channel),
        f"{channel.settings.name}后续消息：催办、撤单、延期答复、退回结果、评价等",
        "channels",
        signed=True,
        parameters=(Parameter("source_no", "平台的工单编号，与来件时相同", place="path"),),
        body=channel.message_schema(),
        answers={
            200: (
                "已记录；applied 表示是否改变了工单，未改变的 why 说明原因；duplicate 表示此消息以前已经执行",
                {
                    "type": "object",
                    "required": ["ticket_no", "status", "action", "applied", "why", "duplicate", "progress"],
                    "properties": {
                        "ticket_no": text,
                        "status": text,
                        "action": {"type": "string", "enum": [str(one) for one in Said]},
                        "applied": {"type": "boolean"},
                        "why": text,
                        "duplicate": {"type": "boolean"},
                        "progress": {
                            "type": ["object", "null"],
                            "description": "询问进度时：最近一次回传的内容；尚无回传为 null",
                        },
                    },
                },
            )
        },
    )


def _message_handler(channel: Channel) -> Handler:
    async def take(request: web.Request) -> web.Response:
        house = house_of(request)
        body = await request.read()
        now = house.now()
        nonce = verified(house, channel, request, body)
        try:
            message = channel.message(body)
        except Refused as refused:
            raise problem_of(refused.problems) from None
        ticket = await _ticket(house, channel, request.match_info["source_no"])
        try:
            await house.store.take([], channel=channel.code, nonce=nonce, seen_at=now, again=lambda *_: None)
        except NonceSeen:
            raise nonce_used() from None
        taken = await take_message(house, channel, ticket.no, message, now)
        progress = await _progress(house, channel, taken.ticket) if message.said is Said.PROGRESS_ASKED else None
        return json_answer(
            {
                "ticket_no": taken.ticket.no,
                "status": taken.ticket.status,
                "action": message.said,
                "applied": taken.applied,
                "why": taken.why,
                "duplicate": taken.repeated,
                "progress": progress,
            }
        )

    return take


async def _ticket(house: House, channel: Channel, written: str) -> Ticket:
    number, _ = channel.source(written)
    ticket = await house.store.tickets.by_source(channel.code, number)
    if ticket is None:
        raise Problem(
            404,
            "not-found",
            "没有找到",
            f"尚未收到编号为“{written[:64]}”的来件；如来件还在发送，请稍后重新发送本消息",
            headers={"Retry-After": "60"},
        )
    return ticket


async def _progress(house: House, channel: Channel, ticket: Ticket) -> object:
    """What the platform was last told, or is about to be told, in its own fields."""
    row = await house.store.outbox.latest(ticket.no, f"channel:{channel.code}")
    return channel.report(report_of(house, row, ticket)) if row is not None else None


async def show_score(request: web.Request) -> web.Response:
    house = house_of(request)
    code = read_word(request, "channel") or ""
    channel = house.channels.get(code)
    if channel is None:
        known = "、".join(house.channels)
        raise bad_fields([FieldError("channel", f"没有渠道“{code}”，可用：{known}")])
    month = request.query.get("month") or f"{local(house.now()):%Y-%m}"
    try:
        return json_answer(await score_of(house, channel, month))
    except ValueError as error:
        raise bad_fields([FieldError("month", str(error))]) from None
