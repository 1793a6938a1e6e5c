"""`/login`, `/logout`, `/account`: signing in and out on the pages, and changing one's password."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from aiohttp import web

from intake_bot.api.bodies import read_form
from intake_bot.api.problems import Problem
from intake_bot.api.routes import EVERYONE, SESSION, Route, actor_of, house_of
from intake_bot.house import House
from intake_bot.pages.rendering import home_of, page, see_other
from intake_bot.passwords import RULE, is_good
from intake_bot.portal import PORTAL
from intake_bot.rates import Rate
from intake_bot.sessions import COOKIE, close_session, is_from_our_page, open_session, origin_of
from storage.accounts import User
from storage.sign_in_misses import LockedOut, Origin

_LONGEST = 200
"""Characters of a password that are looked at: hashing more would only cost time."""


def sign_in_routes() -> list[Route]:
    return [
        Route("GET", "/login", show_login, "登录页", "pages", page=True),
        Route("POST", "/login", login, "登录", "pages", page=True, rate=Rate.SIGN_IN),
        Route("POST", "/logout", logout, "退出登录", "pages", EVERYONE, page=True),
        Route("GET", "/account", show_account, "我的账号", "pages", EVERYONE, page=True),
        Route(
            "POST",
            "/account/password",
            change_password,
            "修改口令",
            "pages",
            EVERYONE,
            page=True,
            rate=Rate.SIGN_IN,
        ),
    ]


def own_path(wanted: str) -> str:
    """An address of ours that somebody wanted to go to; empty for any other, so that nobody is led away by a link."""
    parts = urlsplit(wanted)
    safe = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return wanted if safe and wanted.isprintable() and not wanted.startswith("/log") else ""


async def show_login(request: web.Request) -> web.Response:
    """The form; who is signed in already goes on to where they wanted to go."""
    wanted = own_path(request.query.get("next", ""))
    if SESSION in request:
        return see_other(wanted or home_of(request[SESSION].actor.role))
    return sign_in_form(request, wanted=wanted)


def sign_in_form(
    request: web.Request,
    status: int = 200,
    *,
    wanted: str,
    account: str = "",
    message: str = "",
    tone: str = "wrong",
    error: str = "",
    new_password: bool = False,
) -> web.Response:
    """The sign-in page, with what was wrong or what is wanted."""
    portal = request.app[PORTAL]
    return page(
        request,
        "login.html",
        status,
        next=wanted,
        account=account,
        message=message,
        tone=tone,
        error=error,
        new_password=new_password,
        password_rule=RULE,
        portal=portal.settings.button if portal is not None and portal.ready else "",
    )


async def login(request: web.Request) -> web.Response:
    """Check account and password; the first sign-in sets a new password."""
    house = house_of(request)
    if not is_from_our_page(house, request):
        raise Problem(403, "csrf", "请求来源无法确认", "请从本系统的登录页登录")
    form = await read_form(request)
    account, password, new, again = (
        form.get(name, "")[:_LONGEST] for name in ("account", "password", "new_password", "new_password_again")
    )
    wanted = own_path(form.get("next", ""))
    now = house.now()
    try:
        user = await house.store.accounts.authenticate(account.strip(), password, now, origin_of(request))
    except LockedOut as locked:
        message = f"口令多次输错，此处须等 {_minutes(locked)} 分钟后才能再试，也可请管理员解除或重设口令"
        response = sign_in_form(request, 429, wanted=wanted, account=account, message=message)
        response.headers["Retry-After"] = str(locked.seconds)
        return response
    if user is None:
        return sign_in_form(request, 401, wanted=wanted, account=account, message="账号或口令不正确，请检查后重新输入")
    if user.must_change_password:
        error = _refusal(user.account, password, new, again) if new else ""
        if error or not new:
            message = "这是您第一次登录，请设定自己的口令" if not new else ""
            status = 200 if not new else 422
            return sign_in_form(
                request,
                status,
                wanted=wanted,
                account=account,
                message=message,
                tone="plain",
                error=error,
                new_password=True,
            )
        await house.store.accounts.set_password(user.account, new, now, must_change=False)
    response = see_other(wanted or home_of(user.role))
    await open_session(house, request, response, user)
    return response


def _refusal(account: str, old: str, new: str, again: str) -> str:
    """What is wrong with a new password; empty where nothing is."""
    if not is_good(new, account):
        return f"新口令{RULE}"
    if new == old:
        return "新口令不能与原口令相同"
    if new != again:
        return "两次输入的新口令不一致，请重新输入"
    return ""


async def logout(request: web.Request) -> web.Response:
    response = see_other("/login")
    response.headers["Clear-Site-Data"] = (
        '"storage"'  # what a phone kept for a dead spot: pages, entries, the worker itself
    )
    await close_session(house_of(request), request, response)
    return response


async def show_account(request: web.Request) -> web.Response:
    _require_session(request)
    return _account(request)


def _require_session(request: web.Request) -> None:
    if SESSION not in request:
        raise Problem(403, "session-needed", "需要登录", "本页只供在网页上登录的人使用")


def _account(
    request: web.Request, status: int = 200, *, message: str = "", tone: str = "wrong", error: str = ""
) -> web.Response:
    house, unit = house_of(request), actor_of(request).unit
    shown = {"message": message, "tone": tone, "error": error, "password_rule": RULE}
    return page(request, "account.html", status, unit=house.router.unit_name(unit) if unit else "", **shown)


async def change_password(request: web.Request) -> web.Response:
    """A new password ends every session of the account; this browser gets a new one."""
    _require_session(request)
    house = house_of(request)
    form = await read_form(request)
    old, new, again = (form.get(name, "")[:_LONGEST] for name in ("password", "new_password", "new_password_again"))
    account = actor_of(request).name
    now = house.now()
    origin = Origin(session=request.cookies[COOKIE])  # guessing elsewhere does not touch who is signed in
    user, message = await _checked(house, account, old, now, origin)
    if user is None:
        return _account(request, 401, message=message)
    error = _refusal(account, old, new, again)
    if error:
        return _account(request, 422, error=error)
    await house.store.accounts.set_password(account, new, now, must_change=False)
    response = _account(request, message="口令已修改，其他设备上的登录已全部退出", tone="good")
    await open_session(house, request, response, user)
    return response


async def _checked(house: House, account: str, password: str, now: datetime, origin: Origin) -> tuple[User | None, str]:
    try:
        return await house.store.accounts.authenticate(account, password, now, origin), "现在的口令不正确"
    except LockedOut as locked:
        return None, f"口令多次输错，请 {_minutes(locked)} 分钟后再试"


def _minutes(locked: LockedOut) -> int:
    """Whole minutes until the next try, never too few."""
    return -(-locked.seconds // 60)
