"""Who is calling: bearer tokens become an `Actor`. Not: channel signatures (`channels`), nor what may be done (`lifecycle`)."""

from __future__ import annotations

import hmac

from aiohttp import web

from domain.lifecycle import ROLE_NAMES
from domain.people import Actor, Role
from intake_bot.api.problems import Problem
from intake_bot.api.routes import ACTOR, Route, house_of

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="intake"'}


async def authenticate(request: web.Request, route: Route) -> None:
    """Leave the caller's `Actor` on the request. Raises `Problem` 401 without a valid token, 403 for a wrong role."""
    if route.roles is None:
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem(401, "not-signed-in", "请先登录", "请在 Authorization 头中提供 Bearer 令牌", headers=_CHALLENGE)
    actor = await _actor(request, token.strip())
    if actor is None:
        raise Problem(
            401, "bad-token", "令牌无效", "令牌不存在、已过期或已停用，请重新登录或向管理员申请", headers=_CHALLENGE
        )
    if actor.role not in route.roles:
        names = "、".join(ROLE_NAMES[role] for role in Role if role in route.roles)
        raise Problem(403, "forbidden", "没有权限", f"此功能只供{names}使用，您的身份是{ROLE_NAMES[actor.role]}")
    request[ACTOR] = actor


async def _actor(request: web.Request, token: str) -> Actor | None:
    house = house_of(request)
    if house.admin_token and hmac.compare_digest(token.encode(), house.admin_token.encode()):
        return Actor("administrator", Role.ADMINISTRATOR)
    return await house.store.accounts.actor_for_token(token, house.now())
