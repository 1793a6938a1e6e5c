"""The headers that guard every answer: nothing that somebody typed can run, no other site can frame or read it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from intake_bot.api.routes import REQUEST_ID, ROUTE
from intake_bot.settings import Settings

REQUEST_ID_HEADER = "X-Request-Id"
PAGES_TAG = "pages"
_POLICY = "Content-Security-Policy"
_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""The policy of what is no page: whoever opens it as one gets nothing to run."""


def guarding(settings: Settings) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """What is done to each answer before it goes out, streams and refusals too. A handler's own headers stay."""
    shared = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "geolocation=(self), camera=(self), microphone=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    if settings.server.public_url.startswith("https://") and settings.server.hsts_days:
        shared["Strict-Transport-Security"] = f"max-age={settings.server.hsts_days * 86_400}"
    for_pages, for_programs = {**shared, _POLICY: _page_policy(settings)}, {**shared, _POLICY: _NOTHING}

    async def guard(request: web.Request, response: web.StreamResponse) -> None:
        headers, route = response.headers, request.get(ROUTE)
        is_page = route.tag == PAGES_TAG if route is not None else response.content_type == "text/html"
        for name, value in (for_pages if is_page else for_programs).items():
            headers.setdefault(name, value)
        if REQUEST_ID in request:
            headers[REQUEST_ID_HEADER] = request[REQUEST_ID]
        headers.popall(hdrs.SERVER, None)  # which versions we run is nobody's business

    return guard


def _page_policy(settings: Settings) -> str:
    tiles = settings.map.tile_origin
    images = "'self' data: blob:" + (f" {tiles}" if tiles else "")
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src {images}",
            "connect-src 'self'",
            "manifest-src 'self'",
            "worker-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )
