"""`/api/v1/outbox`: deliveries that were given up, and putting them back. Not: how they are delivered (`delivery`)."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.filters import whole_number
from intake_bot.api.problems import not_found
from intake_bot.api.routes import ADMINISTRATORS, Parameter, Route, actor_of, house_of, json_answer
from intake_bot.api.views import written
from intake_bot.house import House
from storage.parked import NotParked

SHOWN = 100
"""Parked deliveries that are listed one by one; the reasons count them all."""


@dataclass(frozen=True, slots=True)
class Replay:
    """重发哪些：填原因（last_error 原文）只重发因此停发的，不填则全部重发。"""

    error: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayCount:
    """放回待发的条数。"""

    replayed: int


@dataclass(frozen=True, slots=True)
class ReasonView:
    """停发的一种原因。"""

    error: str
    count: int
    first_at: str
    last_at: str


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """一条停发的通知。"""

    id: int
    ticket_no: str
    destination: str
    about: str
    created_at: str
    parked_at: str
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class OutboxView:
    """通知的发送情况。"""

    waiting: int
    delivered: int
    parked: int
    reasons: tuple[ReasonView, ...]
    latest: tuple[DeliveryView, ...]


def outbox_routes() -> list[Route]:
    return [
        Route(
            "GET",
            "/api/v1/outbox",
            show_outbox,
            "通知的发送情况：待发、已发、停发及原因",
            "operations",
            ADMINISTRATORS,
            answers={200: ("发送情况", schema_of(OutboxView))},
        ),
        Route(
            "POST",
            "/api/v1/outbox/replay",
            replay_all,
            "重发全部停发的通知，或其中因同一原因停发的",
            "operations",
            ADMINISTRATORS,
            body=schema_of(Replay),
            answers={200: ("放回待发的条数", schema_of(ReplayCount))},
        ),
        Route(
            "POST",
            "/api/v1/outbox/{id}/replay",
            replay_one,
            "重发一条停发的通知，幂等键不变",
            "operations",
            ADMINISTRATORS,
            parameters=(Parameter("id", "通知编号", {"type": "integer"}, place="path"),),
            answers={200: ("放回待发的条数", schema_of(ReplayCount))},
        ),
    ]


async def show_outbox(request: web.Request) -> web.Response:
    return json_answer(await outbox_view(house_of(request)))


async def outbox_view(house: House) -> OutboxView:
    """The outbox as the API and the administrator's page show it."""
    counts = await house.store.outbox.counts()
    return OutboxView(
        waiting=counts["waiting"],
        delivered=counts["delivered"],
        parked=counts["parked"],
        reasons=tuple(
            ReasonView(one.error, one.count, written(one.first_at), written(one.last_at))
            for one in await house.store.parked.reasons()
        ),
        latest=tuple(
            DeliveryView(
                id=one.id,
                ticket_no=one.ticket_no,
                destination=one.destination,
                about=one.about,
                created_at=written(one.created_at),
                parked_at=written(one.parked_at),
                attempts=one.attempts,
                error=one.error,
            )
            for one in await house.store.parked.latest(SHOWN)
        ),
    )


async def replay_all(request: web.Request) -> web.Response:
    house = house_of(request)
    wanted = await read_body(request, Replay)
    count = await house.store.parked.replay_all(house.now(), actor_of(request), wanted.error)
    return json_answer(ReplayCount(count))


async def replay_one(request: web.Request) -> web.Response:
    house, number = house_of(request), whole_number(request.match_info["id"])
    if number is None:
        raise not_found("没有这条通知")
    try:
        await house.store.parked.replay(number, house.now(), actor_of(request))
    except NotParked:
        raise not_found("没有这条停发的通知，可能已经重发") from None
    return json_answer(ReplayCount(1))
