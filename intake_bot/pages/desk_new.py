"""`/desk/new`: entering a call, a visit or something seen on patrol, with suggestions while the operator types."""

from __future__ import annotations

import secrets

from aiohttp import web

from domain.complaint import KIND_NAMES, MANUAL_SOURCES, SOURCE_NAMES, URGENCY_NAMES, Kind, Urgency
from domain.ticket import OPEN
from intake_bot.api.routes import DESK, Route, house_of
from intake_bot.api.suggestions import suggested
from intake_bot.pages.desk_ticket import choices_of, grouped_categories
from intake_bot.pages.desk_words import GRAVE, first_of_all, risk_name
from intake_bot.pages.rendering import fragment, page


def entry_routes() -> list[Route]:
    return [
        Route("GET", "/desk/new", show_form, "受理台：录入来电、来访、巡查", "pages", DESK, page=True),
        Route("POST", "/desk/new/suggestions", show_suggestions, "受理台：录入时的建议", "pages", DESK, page=True),
    ]


async def show_form(request: web.Request) -> web.Response:
    """The form. It brings its own number, so that sending it twice makes one ticket."""
    house = house_of(request)
    return page(
        request,
        "desk/new.html",
        entry_no=f"{house.now():%y%m%d%H%M%S}{secrets.token_hex(4)}",
        sources=[(code, SOURCE_NAMES[code]) for code in SOURCE_NAMES if code in MANUAL_SOURCES],
        kinds=[(str(kind), KIND_NAMES[kind]) for kind in Kind],
        urgencies=[(str(one), URGENCY_NAMES[one]) for one in Urgency],
        categories=grouped_categories(house),
    )


async def show_suggestions(request: web.Request) -> web.Response:
    """What the call would become as far as it was typed, and what was told before; nothing is stored."""
    house = house_of(request)
    found = await suggested(request)
    ticket = found.ticket
    return fragment(
        request,
        "desk/suggestions.html",
        t=ticket,
        choices=choices_of(ticket) if ticket else [],
        first_of_all=first_of_all(ticket.understanding.risks) if ticket else [],
        same_caller=found.same_caller,
        same_place=found.same_place,
        open_statuses=OPEN,
        risk_name=risk_name,
        grave=GRAVE,
        name_of_unit=house.router.unit_name,
        name_of_cell=house.router.cell_name,
        name_of_person=house.router.person_name,
    )
