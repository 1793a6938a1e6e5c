"""`/api/asyncapi.json`: what we send by ourselves, described. Not: sending it (`webhooks`, `delivery`)."""

from __future__ import annotations

from aiohttp import web

from intake_bot.api.openapi import VERSION
from intake_bot.api.routes import Route, json_answer
from intake_bot.webhooks import asyncapi_document


def asyncapi_routes() -> list[Route]:
    return [
        Route(
            "GET",
            "/api/asyncapi.json",
            describe,
            "事件推送（webhooks）的 AsyncAPI 说明",
            "operations",
            answers={200: ("AsyncAPI 3.0", {"type": "object"})},
        )
    ]


async def describe(request: web.Request) -> web.Response:
    return json_answer(asyncapi_document(VERSION))
