"""Who is signed in on a page: the cookie, how long it lasts, and the proof that a request comes from our own page.

Not: passwords (`storage.accounts`), nor what a role may do (`api.routes`, `domain.lifecycle`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from aiohttp import web

from intake_bot.api.limits import client_of
from intake_bot.house import House
from storage.accounts import SESSION, Session, User
from storage.sign_in_misses import Origin

COOKIE = "intake_session"
DEVICE_COOKIE = "intake_device"
"""Tells a browser on which somebody signed in from those of strangers. It opens nothing."""
_LONGEST_DEVICE = 64
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PROLONG_AFTER = timedelta(minutes=1)
"""A session is prolonged at most this often: not every request has to write."""


async def open_session(house: House, request: web.Request, response: web.StreamResponse, user: User) -> None:
    """Sign a user in: a new token in a cookie that scripts cannot read. An earlier session of this browser ends."""
    now = house.now()
    await close_session(house, request, response)
    idle = timedelta(minutes=house.settings.sign_in.idle_minutes)
    token = await house.store.accounts.create_token(user.account, user.role, user.unit, SESSION, now, now + idle)
    set_cookie(house, response, COOKIE, token)
    origin = origin_of(request)
    if not origin.device:
        origin = replace(origin, device=secrets.token_urlsafe(32))
        set_cookie(house, response, DEVICE_COOKIE, origin.device, lasting=True)
    await house.store.accounts.know(user.account, origin, now)


def origin_of(request: web.Request) -> Origin:
    """Where a password comes from: the network, and the browser if somebody signed in on it before."""
    device = request.cookies.get(DEVICE_COOKIE, "")
    return Origin(client_of(request), device if len(device) <= _LONGEST_DEVICE and device.isascii() else "")


async def close_session(house: House, request: web.Request, response: web.StreamResponse) -> None:
    """Sign out whoever is signed in on this browser."""
    token = _token(request)
    if token:
        await house.store.accounts.revoke(token, house.now())
    response.del_cookie(COOKIE, path="/")


async def session_of(house: House, request: web.Request) -> Session | None:
    """The session of this browser, prolonged because it is used; None where nobody is signed in."""
    token = _token(request)
    if not token:
        return None
    now = house.now()
    session = await house.store.accounts.session(token, now)
    if session is None:
        return None
    until = _lasts_until(house, session, now)
    if until > session.expires_at + _PROLONG_AFTER:
        await house.store.accounts.prolong(token, until)
    return session


def _token(request: web.Request) -> str:
    """What the cookie holds; empty for what is none of ours, and may be bytes that are no characters at all."""
    token = request.cookies.get(COOKIE, "")
    return token if token.isascii() else ""


def _lasts_until(house: House, session: Session, now: datetime) -> datetime:
    sign_in = house.settings.sign_in
    idle, longest = timedelta(minutes=sign_in.idle_minutes), timedelta(hours=sign_in.longest_hours)
    return min(now + idle, session.created_at + longest)


def set_cookie(house: House, response: web.StreamResponse, name: str, value: str, *, lasting: bool = False) -> None:
    """A cookie for our own pages only. `lasting`: kept for a year, otherwise until the browser is closed."""
    response.set_cookie(
        name,
        value,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=house.settings.server.public_url.startswith("https://"),
        max_age=365 * 86_400 if lasting else None,
    )


def csrf_token(secret: str) -> str:
    """What a page must send back with every change: only a page of ours can know it. `secret`: the cookie's value."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def is_from_our_page(house: House, request: web.Request) -> bool:
    """Whether the browser says that a page of this very site sent the request; old browsers say nothing of it."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    public = house.settings.server.public_url
    try:
        named = urlsplit(origin).netloc
    except ValueError:
        return False
    return named in {request.host, urlsplit(public).netloc if public else request.host}


def proves_our_page(request: web.Request, secret: str, field: str = "") -> bool:
    """Whether the request carries the token of the page that it comes from, in the header or the form field."""
    given = request.headers.get(CSRF_HEADER) or field
    return given.isascii() and hmac.compare_digest(given, csrf_token(secret))
