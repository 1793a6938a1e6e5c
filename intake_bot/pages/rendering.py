"""Templates become answers: what every page is given, how times and codes read in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
from aiohttp import web

from domain.complaint import KIND_NAMES, URGENCY_NAMES
from domain.lifecycle import ACTION_NAMES, ROLE_NAMES
from domain.light import LIGHT_NAMES
from domain.limit import STAGE_NAMES
from domain.people import Role
from domain.ticket import LEVEL_NAMES, STATUS_NAMES
from intake_bot.api.routes import SESSION, Route, house_of
from intake_bot.pages.static import FOLDER, Assets
from intake_bot.pages.times import local_day, local_time, until
from intake_bot.sessions import COOKIE, csrf_token


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation, and who has it."""

    path: str
    name: str
    roles: frozenset[Role]


PLACES: tuple[Place, ...] = (
    Place("/desk", "受理台", frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.ADMINISTRATOR})),
    Place("/brigade", "我的任务", frozenset({Role.BRIGADE})),
    Place("/board", "督办看板", frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})),
    Place("/admin", "系统管理", frozenset({Role.ADMINISTRATOR})),
)


def home_of(role: Role) -> str:
    """Where somebody of this role starts."""
    if role is Role.ADMINISTRATOR:
        return "/admin"
    return next(place.path for place in PLACES if role in place.roles)


class Pages:
    """The templates and what they share."""

    def __init__(self, assets: Assets) -> None:
        self.assets = assets
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"local_time": local_time, "local_day": local_day, "until": until}
        self._templates.globals |= {
            "asset": assets.url,
            "ROLE_NAMES": ROLE_NAMES,
            "STATUS_NAMES": STATUS_NAMES,
            "KIND_NAMES": KIND_NAMES,
            "LIGHT_NAMES": LIGHT_NAMES,
            "LEVEL_NAMES": LEVEL_NAMES,
            "STAGE_NAMES": STAGE_NAMES,
            "URGENCY_NAMES": URGENCY_NAMES,
            "ACTION_NAMES": ACTION_NAMES,
        }

    def render(self, template: str, context: Mapping[str, Any]) -> str:
        return self._templates.get_template(template).render(context)


PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)


def static_route() -> Route:
    """What pages load beside their HTML."""

    async def serve(request: web.Request) -> web.Response:
        return request.app[PAGES].assets.answer(request)

    return Route("GET", "/static/{name:.+}", serve, "页面所用的样式和脚本", "pages")


def page(request: web.Request, template: str, status: int = 200, **context: Any) -> web.Response:
    """Answer with a page. Every template has `session` (or None), `csrf`, `now`, `bureau`, `places`, `here`."""
    html = request.app[PAGES].render(template, {**_shared(request), **context})
    return web.Response(text=html, status=status, content_type="text/html")


def see_other(path: str) -> web.Response:
    """Lead the browser on to another page, to be read there."""
    return web.Response(status=303, headers={"Location": path})


def fragment(request: web.Request, template: str, **context: Any) -> web.Response:
    """Answer with a part of a page, for htmx to put in its place."""
    return page(request, template, **context)


def _shared(request: web.Request) -> dict[str, Any]:
    house = house_of(request)
    session = request.get(SESSION)
    role = session.actor.role if session else None
    return {
        "session": session,
        "csrf": csrf_token(request.cookies[COOKIE]) if session else "",
        "now": house.now(),
        "bureau": house.settings.bureau.name,
        "places": [place for place in PLACES if role in place.roles],
        "here": request.path,
    }
