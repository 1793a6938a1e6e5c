"""Refusals as people read them: a page with what to do, or the way to the sign-in."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from intake_bot.api.problems import Problem
from intake_bot.api.routes import SESSION
from intake_bot.pages.rendering import home_of, page, see_other

_FOR_PARTS = "HX-Request"
"""The header of a request for a part of a page: there a redirect would put the sign-in inside the page."""


def problem_page(request: web.Request, problem: Problem) -> web.StreamResponse:
    """The page for a refusal; who is not signed in goes to the sign-in and comes back afterwards."""
    if problem.status == 401 and _FOR_PARTS not in request.headers:
        wanted = request.path_qs if request.method == "GET" else ""
        return see_other(f"/login?{urlencode({'next': wanted})}" if wanted else "/login")
    home = home_of(request[SESSION].actor.role) if SESSION in request else "/"
    response = page(request, "problem.html", problem.status, problem=problem, home=home)
    response.headers.update(problem.headers)
    return response
