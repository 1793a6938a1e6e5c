"""A server that speaks Rasa's HTTP API and behaves, or misbehaves, as a test tells it to. Real sockets, no Rasa."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

TOKEN = "token-of-the-peer"
RANKING = (("J0301", 0.9), ("C0101", 0.06), ("C0705", 0.03))

Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RasaPeer:
    """`behaviour`: how `/model/parse` answers; `texts`: what it was asked; `most_at_once`: calls under way together."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = well
        self.texts: list[str] = []
        self.most_at_once = 0
        self._at_once = 0
        self.model_file = "models/2026-11-24-rasa.tar.gz"
        self.url = ""

    async def parse(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("token") != TOKEN:
            return web.Response(status=401)
        self.texts.append((await request.json())["text"])
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self.behaviour(request)
        finally:
            self._at_once -= 1

    async def status(self, request: web.Request) -> web.Response:
        known = request.query.get("token") == TOKEN
        return web.json_response({"model_file": self.model_file, "model_id": "1"}, status=200 if known else 401)


@asynccontextmanager
async def running_peer() -> AsyncIterator[RasaPeer]:
    peer = RasaPeer()
    app = web.Application(client_max_size=10_000_000)
    app.router.add_post("/model/parse", peer.parse)
    app.router.add_get("/status", peer.status)
    async with TestServer(app, host="127.0.0.1") as server:
        peer.url = str(server.make_url("/"))
        yield peer


def ranking(entries: Any) -> dict[str, Any]:
    """An answer with these (intent, confidence) pairs."""
    return {"text": "", "intent_ranking": [{"name": name, "confidence": value} for name, value in entries]}


async def well(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(0.005)
    return web.json_response(ranking(RANKING))


async def half_a_body(request: web.Request) -> web.StreamResponse:
    """Promises more than it sends, then hangs up."""
    response = web.StreamResponse(headers={"Content-Length": "500", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"intent_ranking": [{"na')
    assert request.transport is not None
    request.transport.close()
    return response


def late(seconds: float) -> Behaviour:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await well(request)

    return answer


def body(content: bytes, status: int = 200) -> Behaviour:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=content, status=status, content_type="application/json")

    return answer
