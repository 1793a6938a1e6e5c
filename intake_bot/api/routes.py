"""What a route is: one row gives the handler, who may call it and its part of `/api/openapi.json`, so that they agree."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from domain.people import Actor, Role
from intake_bot.house import House
from intake_bot.rates import Rate
from storage.accounts import Session

HOUSE: web.AppKey[House] = web.AppKey("house", House)
STOPPING: web.AppKey[asyncio.Event] = web.AppKey("stopping", asyncio.Event)
"""Set when the service is told to stop: answers that would go on for long end themselves."""
ACTOR: web.RequestKey[Actor] = web.RequestKey("actor", Actor)
"""The key under which authentication leaves the `Actor` on the request."""
SESSION: web.RequestKey[Session] = web.RequestKey("session", Session)
"""The session on a page, where the caller has one."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
EVERYONE: frozenset[Role] = frozenset({Role.OPERATOR, Role.BRIGADE, Role.SUPERVISOR, Role.ADMINISTRATOR})
DESK: frozenset[Role] = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.ADMINISTRATOR})
LEADERS: frozenset[Role] = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
ADMINISTRATORS: frozenset[Role] = frozenset({Role.ADMINISTRATOR})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query or path parameter, as OpenAPI describes it."""

    name: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    place: str = "query"


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one address.

    `roles`: who may call it, with a bearer token or signed in on a page; None: open to anyone, or guarded by a
    signature (`signed`).
    `body`: the JSON schema of the request body. `answers`: status → (description, JSON schema of the body or None).
    `page`: for people in a browser: who is not signed in is led to the sign-in, refusals are pages, and OpenAPI is silent
    about it.
    `rate`: what calls of an address are counted under; who is known is counted by account besides.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    tag: str
    roles: frozenset[Role] | None = None
    signed: bool = False
    parameters: tuple[Parameter, ...] = ()
    body: Mapping[str, Any] | None = None
    answers: Mapping[int, tuple[str, Mapping[str, Any] | None]] = field(default_factory=dict)
    answer_type: str | tuple[str, ...] = "application/json"
    body_type: str = "application/json"
    page: bool = False
    rate: Rate | None = None


REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
"""The number of a request, in its answer and in the log."""
ROUTE: web.RequestKey[Route] = web.RequestKey("route", Route)
"""The row that a request was led to."""


def house_of(request: web.Request) -> House:
    return request.app[HOUSE]


def actor_of(request: web.Request) -> Actor:
    return request[ACTOR]


def json_answer(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer; dataclasses, enums and times are spelled by msgspec."""
    return web.Response(
        body=msgspec.json.encode(data),
        status=status,
        headers={"Content-Type": "application/json; charset=utf-8", **(headers or {})},
    )
