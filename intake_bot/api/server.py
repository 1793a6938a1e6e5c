"""The aiohttp application: routes, the middleware that every request passes, start and stop of the timers."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import partial

import structlog
from aiohttp import web

from adapters.channel import Channel
from domain.limit import Limit
from intake_bot.api.absences import absence_routes
from intake_bot.api.accounts import account_routes
from intake_bot.api.assessment import assessment_routes
from intake_bot.api.audit import audit_routes
from intake_bot.api.authentication import authenticate
from intake_bot.api.channels import channel_routes
from intake_bot.api.headers import guarding
from intake_bot.api.health import health_routes
from intake_bot.api.incidents import incident_routes
from intake_bot.api.limits import PROXIES, RATES, Proxies, client_of, count
from intake_bot.api.models import model_routes
from intake_bot.api.open311 import open311_routes
from intake_bot.api.openapi import openapi_route
from intake_bot.api.outbox import outbox_routes
from intake_bot.api.pictures import picture_routes
from intake_bot.api.platforms import platform_routes
from intake_bot.api.problems import Problem, busy, not_found
from intake_bot.api.reconciliation import reconciliation_routes
from intake_bot.api.replies import reply_routes
from intake_bot.api.reporters import reporter_routes
from intake_bot.api.reports import report_routes
from intake_bot.api.routes import ACTOR, HOUSE, REQUEST_ID, ROUTE, STOPPING, Handler, Route
from intake_bot.api.suggestions import suggestion_routes
from intake_bot.api.supervision import supervision_routes
from intake_bot.api.tickets import ticket_routes
from intake_bot.api.users import user_routes
from intake_bot.api.webhooks import asyncapi_routes
from intake_bot.api.wechat import wechat_routes
from intake_bot.api.wecom import wecom_routes
from intake_bot.assessment import assessing_of, schedule_of
from intake_bot.backups import JOB as BACKUP
from intake_bot.backups import back_up_due
from intake_bot.conversation.dialogue import forget_old, keep_finishing
from intake_bot.delivery import Delivery
from intake_bot.house import House
from intake_bot.joining import keep_joining
from intake_bot.pages.admin import admin_routes
from intake_bot.pages.board import board_routes
from intake_bot.pages.board_exchange import SCORES
from intake_bot.pages.brigade import brigade_routes
from intake_bot.pages.citizen import citizen_routes
from intake_bot.pages.desk import desk_routes
from intake_bot.pages.maps import OUTLINES, map_route, outlines
from intake_bot.pages.portal import portal_routes
from intake_bot.pages.problems import problem_page
from intake_bot.pages.rendering import PAGES, Pages, static_route
from intake_bot.pages.sign_in import sign_in_routes
from intake_bot.pages.static import Assets
from intake_bot.person_data import erase_old
from intake_bot.polling import Poller
from intake_bot.portal import PORTAL, portal_of
from intake_bot.rates import Rate, Rates
from intake_bot.reconciling import reconcile_due
from intake_bot.searching import keep_index
from intake_bot.webhooks import Followers
from storage.keyring import BadKeyring
from storage.store import StorageUnavailable
from supervision.scheduler import Supervisor

log = structlog.get_logger()

ABSENCES_EVERY = 60.0
"""Seconds between two looks at who is away."""

KEYS_EVERY = 30.0
"""Seconds between two looks at the key file."""


def all_routes(channels: Iterable[Channel]) -> list[Route]:
    """Every address of the service; `/api/openapi.json` is made from the same list."""
    channels = tuple(channels)
    routes = [
        *channel_routes(channels),
        *platform_routes(channels),
        *reconciliation_routes(),
        *wechat_routes(),
        *wecom_routes(),
        *suggestion_routes(),
        *ticket_routes(),
        *incident_routes(),
        *reply_routes(),
        *reporter_routes(),
        *supervision_routes(),
        *assessment_routes(),
        *report_routes(),
        *account_routes(),
        *user_routes(),
        *absence_routes(),
        *outbox_routes(),
        *audit_routes(),
        *model_routes(),
        *picture_routes(),
        *open311_routes(),
        *health_routes(),
        *asyncapi_routes(),
    ]
    return [*routes, openapi_route(routes), *page_routes()]


def page_routes() -> list[Route]:
    """Every address for people in a browser."""
    return [
        *citizen_routes(),
        *sign_in_routes(),
        *portal_routes(),
        *brigade_routes(),
        *board_routes(),
        *desk_routes(),
        *admin_routes(),
        map_route(),
        static_route(),
    ]


def build_app(house: House, *, timers: bool = True) -> web.Application:
    """The application over a house. `timers` False leaves the scheduler and the outbox to another process."""
    app = web.Application(client_max_size=house.settings.server.max_body_bytes, middlewares=[_watch])
    app[HOUSE] = house
    app[STOPPING] = asyncio.Event()
    app.on_shutdown.append(_stop_streams)
    app.on_response_prepare.append(guarding(house.settings))
    app[PAGES] = Pages(Assets())
    app[OUTLINES] = outlines(house)
    app[PORTAL] = portal_of(house)
    app[SCORES] = {}
    app[PROXIES] = Proxies(house.settings.server.trusted_proxies)
    app[RATES] = Rates(house.settings.rate_limits)
    for route in all_routes(house.channels.values()):
        app.router.add_route(route.method, route.path, _guarded(route))
    if timers:
        app.cleanup_ctx.append(_timers)
    return app


async def _stop_streams(app: web.Application) -> None:
    app[STOPPING].set()


def _guarded(route: Route) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        request[ROUTE] = route
        if route.rate is not None:
            count(request, route.rate, client_of(request))
        await authenticate(request, route)
        if ACTOR in request:
            count(request, Rate.ACCOUNT, request[ACTOR].name)
        if any("\x00" in part for part in request.match_info.values()):
            raise not_found("没有这个地址")  # nothing is called so, and PostgreSQL takes no such text
        return await route.handler(request)

    return handler


@web.middleware
async def _watch(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Give every request a number, turn what is raised into problem details, log and count the answer."""
    started = time.perf_counter()
    request_id = request[REQUEST_ID] = uuid.uuid4().hex[:16]
    try:
        response = await handler(request)
    except Problem as problem:
        response = _refused(request, problem)
    except StorageUnavailable as error:
        log.error("storage_unavailable", request=request_id, error=str(error))
        response = _refused(request, busy("数据库暂时不可用，来件未受理，请稍后重新发送"))
    except web.HTTPException as error:
        response = _refused(request, _of_http(request, error))
    except Exception:
        log.exception("request_failed", request=request_id, method=request.method, route=_route_name(request))
        detail = f"请求没有完成，请稍后重试；如仍失败，请将编号 {request_id} 告知管理员"
        response = _refused(request, Problem(500, "internal", "服务内部错误", detail))
    seconds = time.perf_counter() - started
    house = request.app[HOUSE]
    house.counters.answered(request.method, _route_name(request), response.status, seconds)
    log.debug("answered", request=request_id, method=request.method, route=_route_name(request), status=response.status)
    return response


def _refused(request: web.Request, problem: Problem) -> web.StreamResponse:
    """A refusal as its reader can use it: a page for people, problem details for programs."""
    route = request.get(ROUTE)
    if route.page if route is not None else "text/html" in request.headers.get("Accept", ""):
        return problem_page(request, problem)
    return problem.response()


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
            "forget_conversations": partial(forget_old, house),
            "reconcile": partial(reconcile_due, house),
            "erase_old": partial(erase_old, house.store, house.settings.privacy),
            BACKUP: partial(back_up_due, house.deployment, house.store),
        },
    )
    delivery = Delivery(house, house.settings.delivery)
    supervisor.start()
    delivery.start()
    followers = Followers(house)
    followers.start()
    poller = Poller(house)
    poller.start()
    absences = asyncio.create_task(_follow_absences(house), name="absences")
    keys = asyncio.create_task(_follow_keys(house), name="keys")
    index = asyncio.create_task(keep_index(house), name="search")
    joining = asyncio.create_task(keep_joining(house), name="incidents")
    conversations = asyncio.create_task(keep_finishing(house), name="conversations")
    yield
    conversations.cancel()
    index.cancel()
    joining.cancel()
    absences.cancel()
    keys.cancel()
    await followers.stop()
    await poller.stop()
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


async def _follow_keys(house: House) -> None:
    """Seal with a new key soon after somebody has made one (`intake-bot keys rotate`)."""
    while True:
        await asyncio.sleep(KEYS_EVERY)
        try:
            house.store.keys.refresh()
        except BadKeyring as error:
            log.error("keys_not_read", error=str(error))
