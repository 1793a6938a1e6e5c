"""The aiohttp application: routes, the middleware that every request passes, start and stop of the timers."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import structlog
from aiohttp import web

from adapters.channel import Channel
from domain.limit import Limit
from intake_bot.api.accounts import account_routes
from intake_bot.api.assessment import assessment_routes
from intake_bot.api.authentication import authenticate
from intake_bot.api.channels import channel_routes
from intake_bot.api.health import health_routes
from intake_bot.api.models import model_routes
from intake_bot.api.openapi import openapi_route
from intake_bot.api.problems import Problem, busy
from intake_bot.api.replies import reply_routes
from intake_bot.api.routes import HOUSE, STOPPING, Handler, Route
from intake_bot.api.supervision import supervision_routes
from intake_bot.api.tickets import ticket_routes
from intake_bot.assessment import assessing_of, schedule_of
from intake_bot.delivery import Delivery
from intake_bot.house import House
from storage.store import StorageUnavailable
from supervision.scheduler import Supervisor

log = structlog.get_logger()

ABSENCES_EVERY = 60.0
"""Seconds between two looks at who is away."""


def all_routes(channels: Iterable[Channel]) -> list[Route]:
    """Every address of the service; `/api/openapi.json` is made from the same list."""
    routes = [
        *channel_routes(channels),
        *ticket_routes(),
        *reply_routes(),
        *supervision_routes(),
        *assessment_routes(),
        *account_routes(),
        *model_routes(),
        *health_routes(),
    ]
    return [*routes, openapi_route(routes)]


def build_app(house: House, *, timers: bool = True) -> web.Application:
    """The application over a house. `timers` False leaves the scheduler and the outbox to another process."""
    app = web.Application(client_max_size=house.settings.server.max_body_bytes, middlewares=[_watch])
    app[HOUSE] = house
    app[STOPPING] = asyncio.Event()
    app.on_shutdown.append(_stop_streams)
    for route in all_routes(house.channels.values()):
        app.router.add_route(route.method, route.path, _guarded(route))
    if timers:
        app.cleanup_ctx.append(_timers)
    return app


async def _stop_streams(app: web.Application) -> None:
    app[STOPPING].set()


def _guarded(route: Route) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        await authenticate(request, route)
        return await route.handler(request)

    return handler


@web.middleware
async def _watch(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Give every request a number, turn what is raised into problem details, log and count the answer."""
    started = time.perf_counter()
    request_id = uuid.uuid4().hex[:16]
    try:
        response = await handler(request)
    except Problem as problem:
        response = problem.response()
    except StorageUnavailable as error:
        log.error("storage_unavailable", request=request_id, error=str(error))
        response = busy("数据库暂时不可用，来件未受理，请稍后重新发送").response()
    except web.HTTPException as error:
        response = _of_http(request, error).response()
    except Exception:
        log.exception("request_failed", request=request_id, method=request.method, route=_route_name(request))
        response = Problem(
            500, "internal", "服务内部错误", f"请求没有完成，请稍后重试；如仍失败，请将编号 {request_id} 告知管理员"
        ).response()
    if not response.prepared:
        response.headers["X-Request-Id"] = request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Cache-Control", "no-store")
    seconds = time.perf_counter() - started
    house = request.app[HOUSE]
    house.counters.answered(request.method, _route_name(request), response.status, seconds)
    log.debug("answered", request=request_id, method=request.method, route=_route_name(request), status=response.status)
    return response


def _route_name(request: web.Request) -> str:
    """The route's pattern, never the address itself: addresses can hold numbers of people's tickets."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(none)"


def _of_http(request: web.Request, error: web.HTTPException) -> Problem:
    """aiohttp's own refusals in our form."""
    if error.status == 404:
        return Problem(404, "not-found", "没有找到", f"没有这个地址：{request.path}")
    if error.status == 405:
        allowed = error.headers.get("Allow", "")
        return Problem(
            405, "method", "方法不对", f"此地址只接受 {allowed}", headers={"Allow": allowed} if allowed else {}
        )
    if error.status == 413:
        largest = request.app[HOUSE].settings.server.max_body_bytes
        return Problem(
            413, "too-large", "正文太大", f"正文超过 {largest // 1024} KB；请分批发送，附件请只发送地址", headers={}
        )
    return Problem(error.status, "http", error.reason or "请求有误", error.text or error.reason or "请求有误")


async def _timers(app: web.Application) -> AsyncIterator[None]:
    house = app[HOUSE]
    supervisor = Supervisor(
        house.store,
        house.settings.supervision,
        house.calendar,
        house.planner,
        house.now,
        house.counters.job_failures,
        margin=Limit.parse(house.settings.router.margin),
        hourly={
            "freeze_assessment": assessing_of(house).freeze_due,
            "reports": schedule_of(house).make_due,
        },
    )
    delivery = Delivery(house, house.settings.delivery)
    supervisor.start()
    delivery.start()
    absences = asyncio.create_task(_follow_absences(house), name="absences")
    yield
    absences.cancel()
    await delivery.stop()
    await supervisor.stop()


async def _follow_absences(house: House) -> None:
    """Keep what routing knows of absences as new as a minute ago."""
    while True:
        await asyncio.sleep(ABSENCES_EVERY)
        try:
            await house.absences.refresh(house.store, house.now())
        except Exception as error:
            log.error("absences_not_read", error=type(error).__name__)
