"""A peer that speaks WeChat's interfaces over HTTP: access tokens, customer-service and template messages, pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

SECRET = "secret-of-the-account"
APP_ID = "wx0123456789abcdef"


@dataclass
class WechatPeer:
    """What was asked of it, and how it shall answer. `refusals`: error codes for the next messages, in order."""

    address: str = ""
    tokens_given: int = 0
    sent: list[dict[str, Any]] = field(default_factory=list)
    templates: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)
    good: set[str] = field(default_factory=set)

    async def token(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked["appid"] != APP_ID or asked["secret"] != SECRET:
            return web.json_response({"errcode": 40125, "errmsg": "invalid appsecret"})
        if asked["force_refresh"]:
            self.good.clear()
        if not self.good:
            self.tokens_given += 1
            self.good.add(f"token-{self.tokens_given}")
        return web.json_response({"access_token": next(iter(self.good)), "expires_in": 7200})

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.query.get("access_token") not in self.good:
            return web.json_response({"errcode": 42001, "errmsg": "access_token expired"})
        if self.refusals:
            return web.json_response({"errcode": self.refusals.pop(0), "errmsg": "refused"})
        return None

    async def custom(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is None:
            self.sent.append(await request.json())
        return refusal or web.json_response({"errcode": 0, "errmsg": "ok"})

    async def template(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is None:
            self.templates.append(await request.json())
        return refusal or web.json_response({"errcode": 0, "errmsg": "ok", "msgid": 1})

    async def media(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        content = self.pictures.get(request.query["media_id"])
        if content is None:
            return web.json_response({"errcode": 40007, "errmsg": "invalid media_id"})
        return web.Response(body=content, content_type="image/jpeg")


@asynccontextmanager
async def wechat_peer() -> AsyncIterator[WechatPeer]:
    peer = WechatPeer()
    app = web.Application()
    app.router.add_post("/cgi-bin/stable_token", peer.token)
    app.router.add_post("/cgi-bin/message/custom/send", peer.custom)
    app.router.add_post("/cgi-bin/message/template/send", peer.template)
    app.router.add_get("/cgi-bin/media/get", peer.media)
    async with TestServer(app) as server:
        peer.address = str(server.make_url("")).rstrip("/")
        yield peer
