"""Who is calling: bearer tokens and sessions become an `Actor`. Not: channel signatures (`channels`), nor what may be done
(`lifecycle`)."""

from __future__ import annotations

import hmac

from aiohttp import web

from domain.lifecycle import ROLE_NAMES
from domain.people import Actor, Role
from intake_bot.api.bodies import read_form
from intake_bot.api.problems import Problem
from intake_bot.api.routes import ACTOR, SESSION, Route, house_of
from intake_bot.sessions import COOKIE, CSRF_FIELD, SAFE_METHODS, is_from_our_page, proves_our_page, session_of

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="intake"'}
_FORM = "application/x-www-form-urlencoded"


async def authenticate(request: web.Request, route: Route) -> None:
    """Leave the caller's `Actor` on the request, and the `Session` where there is one.

    Raises `Problem` 401 for nobody, 403 for a wrong role or a change that no page of ours sent.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if token.strip():
        if route.roles is None:
            return
        actor = await _bearer(request, token.strip()) if scheme.lower() == "bearer" else None
        if actor is None:
            detail = "令牌不存在、已过期或已停用，请重新登录或向管理员申请"
            raise Problem(401, "bad-token", "令牌无效", detail, headers=_CHALLENGE)
    else:
        if route.roles is None and not route.page:
            return
        session = await session_of(house_of(request), request)
        if session is not None:
            request[SESSION] = session
        if route.roles is None:
            return
        if session is None:
            detail = "请在 Authorization 头中提供 Bearer 令牌，或在登录页登录"
            raise Problem(401, "not-signed-in", "请先登录", detail, headers=_CHALLENGE)
        await _require_our_page(request)
        actor = session.actor
    if actor.role not in route.roles:
        names = "、".join(ROLE_NAMES[role] for role in Role if role in route.roles)
        raise Problem(403, "forbidden", "没有权限", f"此功能只供{names}使用，您的身份是{ROLE_NAMES[actor.role]}")
    request[ACTOR] = actor


async def _bearer(request: web.Request, token: str) -> Actor | None:
    house = house_of(request)
    if not token.isascii():  # none of ours, and perhaps bytes that are no characters at all
        return None
    if house.admin_token and hmac.compare_digest(token.encode(), house.admin_token.encode()):
        return Actor("administrator", Role.ADMINISTRATOR)
    return await house.store.accounts.actor_for_token(token, house.now())


async def _require_our_page(request: web.Request) -> None:
    """A change under a session must carry the token of the page it comes from: another site could not know it."""
    if request.method in SAFE_METHODS:
        return
    field = ""
    if request.content_type == _FORM:
        field = (await read_form(request)).get(CSRF_FIELD, "")
    if not is_from_our_page(house_of(request), request) or not proves_our_page(request, request.cookies[COOKIE], field):
        raise Problem(403, "csrf", "请求来源无法确认", "页面已过期或请求不是从本系统页面发出的，请刷新页面后重试")
