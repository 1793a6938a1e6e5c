"""The channels' own addresses: a signed body of one object or an array in, one answer for each member out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aiohttp import web

from adapters.channel import Channel, FieldProblem, Unreadable
from adapters.signature import BadSignature, verify
from intake_bot.api.limits import count
from intake_bot.api.problems import FieldError, Problem, bad_fields, unreadable
from intake_bot.api.routes import Handler, Route, house_of, json_answer
from intake_bot.api.views import answer
from intake_bot.house import House
from intake_bot.intake import receive
from intake_bot.rates import Rate
from storage.store import NonceSeen, Receipt


def channel_routes(channels: Iterable[Channel]) -> list[Route]:
    """One POST route for each channel of `config.yml`."""
    return [_route(channel) for channel in channels]


def _route(channel: Channel) -> Route:
    return Route(
        "POST",
        channel.settings.path,
        _handler(channel),
        f"{channel.settings.name}来件",
        "channels",
        signed=True,
        body={
            "oneOf": [
                {"$ref": f"#/components/schemas/{channel.code}"},
                {"type": "array", "minItems": 1, "items": {"$ref": f"#/components/schemas/{channel.code}"}},
            ]
        },
        answers={
            200: ("全部为重复来件", {"$ref": "#/components/schemas/Answers"}),
            201: ("已受理并存盘", {"$ref": "#/components/schemas/Answers"}),
            207: ("数组中有被退回的成员，逐件说明", {"$ref": "#/components/schemas/Answers"}),
        },
    )


def _handler(channel: Channel) -> Handler:
    async def take(request: web.Request) -> web.Response:
        house = house_of(request)
        body = await request.read()
        now = house.now()
        nonce = verified(house, channel, request, body)
        try:
            members, was_array = channel.members(body)
        except Unreadable as error:
            raise unreadable(str(error)) from None
        try:
            results = await receive(house, channel, members, nonce, now)
        except NonceSeen:
            raise nonce_used() from None
        house.counters.received(channel.code, results)
        if not was_array:
            return _single(house, results[0])
        return _several(house, results)

    return take


def verified(house: House, channel: Channel, request: web.Request, body: bytes) -> str:
    """The nonce of a request whose signature holds.

    Raises 401, 429 where the channel sends too often, or 503 while its secret is not set.
    """
    secret = house.secrets.get(channel.code)
    if not secret:
        raise Problem(
            503,
            "channel-not-ready",
            "渠道尚未启用",
            f"服务端没有设置环境变量 {channel.settings.secret_env}，请联系管理员",
            headers={"Retry-After": "300"},
        )
    headers = request.headers
    try:
        nonce = verify(
            secret,
            timestamp=headers.get("X-Timestamp", ""),
            nonce=headers.get("X-Nonce", ""),
            signature=headers.get("X-Signature", ""),
            body=body,
            now=house.now(),
        )
    except BadSignature as error:
        house.counters.refused(channel.code, error.code)
        raise _refused(error.code, str(error)) from None
    count(request, Rate.CHANNEL, channel.code)  # only what is signed: nobody else can use up a channel's share
    return nonce


def nonce_used() -> Problem:
    """The refusal of a request that was sent before."""
    return _refused("replayed", "随机串（X-Nonce）已经用过，请换一个新的随机串重新签名发送")


def _refused(code: str, detail: str) -> Problem:
    return Problem(401, "bad-signature", "签名校验未通过", detail, extra={"code": code})


def problem_of(problems: Sequence[FieldProblem]) -> Problem:
    """The refusal that names each bad field."""
    return bad_fields([FieldError(one.field, one.message) for one in problems])


def _single(house: House, result: Receipt | list[FieldProblem]) -> web.Response:
    if isinstance(result, list):
        raise problem_of(result)
    return json_answer(answer(house, result.ticket, duplicate=result.duplicate), 200 if result.duplicate else 201)


def _several(house: House, results: Sequence[Receipt | list[FieldProblem]]) -> web.Response:
    answers: list[dict[str, Any]] = [
        problem_of(one).body() if isinstance(one, list) else answer(house, one.ticket, duplicate=one.duplicate)
        for one in results
    ]
    if any(isinstance(one, list) for one in results):
        return json_answer(answers, 207)
    all_known = all(isinstance(one, Receipt) and one.duplicate for one in results)
    return json_answer(answers, 200 if all_known else 201)
