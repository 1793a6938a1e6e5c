"""`/login/portal`: to the bureau's own portal and back, and whose account it is. Not: the protocol (`intake_bot.portal`)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from domain.people import Actor, Role
from intake_bot.api.problems import Problem, not_found
from intake_bot.api.routes import SESSION, Route, house_of
from intake_bot.api.users import LONGEST_NAME, is_account
from intake_bot.house import House
from intake_bot.pages.rendering import home_of, see_other
from intake_bot.pages.sign_in import own_path, sign_in_form
from intake_bot.passwords import one_time_password
from intake_bot.portal import ATTEMPT_LASTS, PORTAL, Portal, PortalFailed
from intake_bot.rates import Rate
from intake_bot.sessions import open_session
from storage.accounts import AccountExists, User
from storage.users import LastAdministrator, UnknownUser, UserRecord

COOKIE = "intake_portal"
BACK = "/login/portal/callback"
BY_PORTAL = Actor("portal", Role.SYSTEM)
"""In whose name the portal's claims change an account."""
_WORD = re.compile(r"[a-z_]{1,40}")


def portal_routes() -> list[Route]:
    return [
        Route("GET", "/login/portal", begin, "去统一门户登录", "pages", page=True, rate=Rate.SIGN_IN),
        Route("GET", BACK, come_back, "从统一门户登录回来", "pages", page=True, rate=Rate.SIGN_IN),
    ]


async def begin(request: web.Request) -> web.Response:
    """Lead the browser to the portal."""
    portal = _portal(request)
    wanted = own_path(request.query.get("next", ""))
    if SESSION in request:
        return see_other(wanted or home_of(request[SESSION].actor.role))
    try:
        address, cookie = await portal.begin(_redirect_uri(request), wanted)
    except PortalFailed as failed:
        return sign_in_form(request, failed.status, wanted=wanted, message=str(failed))
    response = see_other(address)
    response.set_cookie(
        COOKIE,
        cookie,
        path=BACK,
        max_age=int(ATTEMPT_LASTS.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=house_of(request).settings.server.public_url.startswith("https://"),
    )
    return response


async def come_back(request: web.Request) -> web.Response:
    """Take what the portal says; each attempt serves once."""
    portal, house = _portal(request), house_of(request)
    wanted = ""
    try:
        attempt = portal.attempt_of(request.cookies.get(COOKIE, ""), request.query.get("state", ""))
        wanted = attempt.wanted
        if not await house.store.accounts.first_use("portal", attempt.state, house.now()):
            raise PortalFailed("这次登录已经用过，请重新登录", 400)
        if request.query.get("iss", portal.settings.issuer) != portal.settings.issuer:
            raise PortalFailed("回答不是本局的统一门户给出的，未能登录")
        code = request.query.get("code", "")
        if not code:
            error = request.query.get("error", "")
            said = f"（{error}）" if _WORD.fullmatch(error) else ""
            raise PortalFailed(f"统一门户没有完成登录{said}，请重新登录")
        claims = await portal.claims(attempt, code, _redirect_uri(request))
        user = await _user(house, portal, claims)
    except PortalFailed as failed:
        response = sign_in_form(request, failed.status, wanted=wanted, message=str(failed))
    else:
        response = see_other(wanted or home_of(user.role))
        await open_session(house, request, response, User(user.account, user.name, user.role, user.unit, False))
    response.del_cookie(COOKIE, path=BACK)
    return response


def _portal(request: web.Request) -> Portal:
    portal = request.app[PORTAL]
    if portal is None:
        raise not_found("本系统没有启用统一门户登录，请用账号和口令登录")
    if not portal.ready:
        detail = f"服务端没有设置环境变量 {portal.settings.secret_env}，统一门户登录暂不可用，请用账号和口令登录"
        raise Problem(503, "portal-not-ready", "统一门户登录暂不可用", detail, headers={"Retry-After": "300"})
    return portal


def _redirect_uri(request: web.Request) -> str:
    """Where the portal sends people back to: under the public address, as it is registered there."""
    public = house_of(request).settings.server.public_url
    return f"{public or f'{request.scheme}://{request.host}'}{BACK}"


async def _user(house: House, portal: Portal, claims: Mapping[str, Any]) -> UserRecord:
    """The account that the claims name. Raises PortalFailed."""
    account = claims.get(portal.settings.account_claim)
    if not isinstance(account, str) or not is_account(account):
        raise PortalFailed("统一门户没有给出可用的账号，请联系管理员")
    try:
        user: UserRecord | None = await house.store.users.get(account)
    except UnknownUser:
        user = None
    if user is not None and user.disabled:
        raise PortalFailed(f"账号 {account} 已停用，请联系管理员")
    if portal.settings.role_claim:
        return await _as_claimed(house, portal, account, user, claims)
    if user is None:
        raise PortalFailed(f"本系统没有账号 {account}，请联系管理员开通")
    return user


async def _as_claimed(
    house: House, portal: Portal, account: str, user: UserRecord | None, claims: Mapping[str, Any]
) -> UserRecord:
    """The account with the role and unit that the portal gives it; made where there is none yet. Raises PortalFailed."""
    settings = portal.settings
    given = claims.get(settings.role_claim)
    values = [str(one) for one in given] if isinstance(given, list) else [str(given)]
    role = next((Role(role) for value, role in settings.roles.items() if value in values), None)
    if role is None:
        raise PortalFailed(f"统一门户没有给账号 {account} 使用本系统的权限，请联系管理员")
    unit = str(claims.get(settings.unit_claim, "")) if settings.unit_claim and role is Role.BRIGADE else ""
    if role is Role.BRIGADE and not house.planner.is_unit(unit):
        raise PortalFailed(f"统一门户给出的单位不是本局的承办单位，账号 {account} 不能登录，请联系管理员")
    claimed = " ".join(str(claims.get(settings.name_claim) or "").split())[:LONGEST_NAME]
    name = claimed if claimed.isprintable() and claimed else (user.name if user is not None else account)
    now = house.now()
    if user is None:
        # Nobody knows the password: the account opens through the portal only, until one is reset for it.
        with contextlib.suppress(AccountExists):  # made by another process at the same moment
            await house.store.accounts.create_user(
                account, name, role, unit or None, one_time_password(), now, must_change=True, by=BY_PORTAL
            )
    try:
        return await house.store.users.change(account, now, BY_PORTAL, name=name, role=role, unit=unit or None)
    except LastAdministrator:
        raise PortalFailed("统一门户要将唯一的管理员改为其他角色，未能登录，请先另设一名管理员") from None
