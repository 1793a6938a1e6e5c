"""`/api/v1/stream`: changes of tickets and lights as server-sent events. A brigade member sees their own unit only."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import msgspec
import structlog
from aiohttp import web

from domain.lighting import CHANGED
from domain.people import Role
from intake_bot.api.problems import FieldError, bad_fields
from intake_bot.api.routes import EVERYONE, STOPPING, Parameter, Route, actor_of, house_of
from intake_bot.api.views import moment
from intake_bot.house import House
from storage.tickets import StoredEvent

log = structlog.get_logger()

POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
STREAM_SECONDS = 900.0
"""A stream ends after this long; the client comes back with a token that must still be good."""
PAGE = 500


def stream_route() -> Route:
    """The one route of this module."""
    return Route(
        "GET",
        "/api/v1/stream",
        stream,
        "工单与灯色变化的事件流（Server-Sent Events），以 Last-Event-ID 续接",
        "supervision",
        EVERYONE,
        parameters=(Parameter("Last-Event-ID", "上次收到的最后一个事件编号", place="header"),),
        answers={200: ("事件流：event 为 ticket 或 light，data 为 JSON", {"type": "string"})},
        answer_type="text/event-stream",
    )


async def stream(request: web.Request) -> web.StreamResponse:
    """Changes as they become durable. Holds nothing of reporters: numbers of tickets, actions, lights."""
    house, actor = house_of(request), actor_of(request)
    unit = actor.unit or "" if actor.role is Role.BRIGADE else None
    newest = await house.store.tickets.last_sequence()
    given = request.headers.get("Last-Event-ID", "").strip()
    if given and not (given.isascii() and given.isdigit()):
        raise bad_fields([FieldError("Last-Event-ID", "Last-Event-ID 应为上次收到的事件编号")])
    sequence = min(int(given[:18]), newest) if given else newest
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
    )
    await response.prepare(request)
    try:
        await response.write(f"retry: 3000\nid: {sequence}\n\n".encode())
        await _follow(house, response, sequence, unit, request.app[STOPPING])
    except ConnectionError:
        pass  # the client has gone; it comes back with the last id it saw
    except Exception as error:
        # The answer has begun: all that can be done is to end it, so that the client comes back.
        log.warning("stream_ended", error=type(error).__name__)
    return response


async def _follow(
    house: House, response: web.StreamResponse, sequence: int, unit: str | None, stopping: asyncio.Event
) -> None:
    loop = asyncio.get_running_loop()
    ends, beats = loop.time() + STREAM_SECONDS, loop.time() + HEARTBEAT_SECONDS
    while loop.time() < ends and not stopping.is_set():
        newest = await house.store.tickets.last_sequence()
        while sequence < newest:
            found = await house.store.tickets.events_after(sequence, PAGE, up_to=newest, unit=unit)
            for one in found:
                await response.write(_message(one))
            sequence = found[-1].sequence if len(found) == PAGE else newest
        if loop.time() >= beats:
            # The number lets a client resume here although none of these events was for it to see.
            await response.write(f"id: {sequence}\n\n".encode())
            beats = loop.time() + HEARTBEAT_SECONDS
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), POLL_SECONDS)


def _message(one: StoredEvent) -> bytes:
    event = one.event
    told: dict[str, Any] = {
        "sequence": one.sequence,
        "ticket_no": one.ticket_no,
        "action": event.action,
        "assignment": event.position,
        "at": moment(event.at),
    }
    is_light = event.action == CHANGED
    if is_light:
        told |= {name: event.data[name] for name in ("stage", "old", "new", "due_at")}
    kind = "light" if is_light else "ticket"
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (one.sequence, kind.encode(), msgspec.json.encode(told))
