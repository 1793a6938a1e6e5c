"""`/desk/search`: any ticket by number, phone, words, place or party."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from domain.ticket import Status
from intake_bot.api.problems import Problem
from intake_bot.api.routes import DESK, Route, house_of
from intake_bot.api.searching import found_page
from intake_bot.pages.board_query import channel_names, unit_names
from intake_bot.pages.day_ranges import with_last_day
from intake_bot.pages.rendering import page
from storage.tickets import Page

ROWS = 50
_FILTERS = ("status", "channel", "brigade", "from", "to")


def search_routes() -> list[Route]:
    return [Route("GET", "/desk/search", show_search, "受理台：查找工单", "pages", DESK, page=True)]


async def show_search(request: web.Request) -> web.Response:
    """The form, and what it finds. What is wrong with a query is said above an empty list."""
    house = house_of(request)
    asked = {name: request.query.get(name, "") for name in ("q", *_FILTERS)}
    found, wrong = Page([], None), ""
    try:
        found = await found_page(with_last_day(request), "q", ROWS)
    except Problem as problem:
        wrong = problem.detail
    following = urlencode(
        {**{name: value for name, value in asked.items() if value}, "cursor": found.next_cursor or ""}
    )
    context: dict[str, Any] = {
        "asked": asked,
        "rows": found.items,
        "wrong": wrong,
        "following": f"/desk/search?{following}" if found.next_cursor else "",
        "first_page": not request.query.get("cursor"),
        "statuses": [(str(one), one) for one in Status],
        "channels": channel_names(house),
        "units": list(unit_names(house).items()),
        "name_of_unit": house.router.unit_name,
        "name_of_cell": house.router.cell_name,
    }
    return page(request, "desk/search.html", 422 if wrong else 200, **context)
