"""`/brigade`: the handler's pages for a phone in the street, and what lets them work through a dead spot.

Everything that is entered there goes to the JSON API, from the phone's own queue (`static/js/brigade-queue.js`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from aiohttp import web

from domain.disclosure import for_unit
from domain.limit import Stage
from domain.people import Role
from intake_bot.api.incidents import same_view
from intake_bot.api.problems import Problem
from intake_bot.api.routes import SESSION, Route, actor_of, house_of
from intake_bot.api.tickets import found_ticket
from intake_bot.api.views import reporter_view
from intake_bot.pages.brigade_tasks import task_list
from intake_bot.pages.brigade_ticket import (
    colleagues_of,
    limits_of,
    look_refused,
    offers,
    orders_of,
    own_share,
    partners_of,
    phrases_for,
    pictures_of,
    wants_photo,
    ways_there,
)
from intake_bot.pages.rendering import PAGES, page
from intake_bot.pages.story import story_of

MOST_TASKS = 200
MOST_FINISHED = 30
FINISHED_FOR = timedelta(days=7)
FILTERS: tuple[tuple[str, str], ...] = (("all", "全部"), ("mine", "我的"), ("red", "红灯"), ("unsigned", "待签收"))
SIZE_COOKIE = "text_size"
"""The cookie in which a phone remembers that its owner reads large letters."""

_HANDLERS = frozenset({Role.BRIGADE})


def brigade_routes() -> list[Route]:
    return [
        Route("GET", "/brigade", show_tasks, "队员：任务列表", "pages", _HANDLERS, page=True),
        Route("GET", r"/brigade/{name:sw\.js}", worker, "队员：离线时仍可打开页面的脚本", "pages"),
        Route("GET", "/brigade/{no}", show_ticket, "队员：办理一件工单", "pages", _HANDLERS, page=True),
    ]


async def show_tasks(request: web.Request) -> web.Response:
    """The list. Which part of it is shown is up to the style sheet, so that filters work without a connection."""
    house, actor = house_of(request), actor_of(request)
    _require_session(request)
    tasks, unit = house.store.tasks, actor.unit or ""
    in_hand, in_all = await tasks.in_hand(unit, MOST_TASKS)
    finished = await tasks.finished(unit, house.now() - FINISHED_FOR, MOST_FINISHED)
    listed = task_list(house, in_hand, in_all, finished, actor)
    show = request.query.get("show", "all")
    return page(
        request,
        "brigade/tasks.html",
        tasks=listed,
        counts=listed.counts(),
        filters=FILTERS,
        show=show if show in dict(FILTERS) else "all",
        unit=house.router.unit_name(unit) if unit else "",
        large=_large(request),
    )


async def show_ticket(request: web.Request) -> web.Response:
    """One ticket. The reporter's number is not in it, whoever reads: it is told by a look of its own."""
    house, actor, now = house_of(request), actor_of(request), house_of(request).now()
    _require_session(request)
    ticket = await found_ticket(request)
    share = own_share(ticket, actor)
    complaint = ticket.complaint
    address = for_unit(complaint.place.address, ticket)
    pictures, files = pictures_of(complaint.attachments)
    offered = offers(house, ticket, share, actor, now)
    point = complaint.place.point
    departments = {
        leaf.department.code: leaf.department.name for leaf in house.tree.leaves.values() if leaf.department is not None
    }
    return page(
        request,
        "brigade/ticket.html",
        ticket=ticket,
        share=share,
        unit=house.router.unit_name(share.unit),
        handler=house.router.person_name(share.handler) if share.handler else "",
        stands_in_for=house.router.person_name(share.stands_in_for) if share.stands_in_for else "",
        title=for_unit(complaint.title, ticket),
        content=for_unit(complaint.content, ticket),
        wish=for_unit(complaint.appeal, ticket),
        party=for_unit(complaint.party, ticket),
        address=address,
        cell=house.router.cell_name(share.cell) if share.cell else "",
        point=point,
        ways=list(ways_there(point, address)),
        pictures=pictures,
        files=files,
        reporter=reporter_view(ticket, actor),
        look_refused=look_refused(ticket, share, actor),
        offered={one.action: one for one in offered},
        limits=limits_of(share, now),
        returnable=share.clock(Stage.RETURN),
        partners=partners_of(house, ticket, share),
        orders=orders_of(ticket, share),
        incident=(await same_view(house, ticket, for_unit=True))["incident"],
        colleagues=colleagues_of(house, share, now),
        phrases=phrases_for(house, ticket),
        wants_photo=wants_photo(house, ticket),
        reasons=list(house.planner.return_reasons.items()),
        others=[(one.code, one.name) for one in house.settings.router.units if one.code != share.unit]
        + sorted(departments.items()),
        most_days=house.planner.extension_limit(ticket).number,
        story=[
            replace(line, words=tuple(for_unit(words, ticket) for words in line.words))
            for line in story_of(house, await house.store.tickets.events(ticket.no))
        ],
        tiles=house.settings.map,
        large=_large(request),
    )


async def worker(request: web.Request) -> web.Response:
    """The service worker, allowed to answer for `/brigade` itself and not only for what lies below it."""
    response = request.app[PAGES].assets.answer(request)
    response.headers["Service-Worker-Allowed"] = "/brigade"
    return response


def _large(request: web.Request) -> bool:
    return request.cookies.get(SIZE_COOKIE) == "large"


def _require_session(request: web.Request) -> None:
    if SESSION not in request:
        raise Problem(403, "session-needed", "需要登录", "本页只供在网页上登录的人使用")
