"""A peer that plays 企业微信: its interfaces over HTTP, and its server, which tells us sealed what somebody pressed.

The envelope is that of an independent implementation (`wechatpy`).
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from wechatpy.enterprise.crypto import WeChatCrypto

CORP_ID = "ww0123456789abcdef"
SECRET = "secret-of-the-application"
AGENT_ID = 1000002
TOKEN = "token-of-the-application"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


@dataclass
class WecomPeer:
    """What was asked of it, and how it shall answer. `refusals`: error codes for the next calls, in order.

    A card stands under its `response_code`, which lets it be changed once; a press gives a new one.
    """

    address: str = ""
    tokens_given: int = 0
    good: str = ""
    members: set[str] = field(default_factory=set)
    messages: list[dict[str, Any]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    task_ids: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    seconds: int = 0

    async def token(self, request: web.Request) -> web.Response:
        if (request.query["corpid"], request.query["corpsecret"]) != (CORP_ID, SECRET):
            return web.json_response({"errcode": 40001, "errmsg": "invalid credential"})
        if not self.good:
            self.tokens_given += 1
            self.good = f"token-{self.tokens_given}"
        return web.json_response({"errcode": 0, "errmsg": "ok", "access_token": self.good, "expires_in": 7200})

    def _refusal(self, request: web.Request) -> web.Response | None:
        if not self.good or request.query.get("access_token") != self.good:
            return web.json_response({"errcode": 42001, "errmsg": "access_token expired"})
        if self.refusals:
            return web.json_response({"errcode": self.refusals.pop(0), "errmsg": "refused"})
        return None

    async def send(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        text = await request.text()
        assert "\\u" not in text, "WeCom takes no escaped characters"
        body = await request.json()
        if body["touser"].casefold() not in self.members:
            return web.json_response({"errcode": 0, "errmsg": "ok", "invaliduser": body["touser"], "msgid": "1"})
        self._check(body["template_card"])
        assert body["agentid"] == AGENT_ID
        self.messages.append(body)
        return web.json_response({"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": "1", "response_code": "x"})

    async def update(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        body = await request.json()
        if body["response_code"] not in self.codes:
            return web.json_response({"errcode": 42014, "errmsg": "response_code is used or over"})
        self.codes.discard(body["response_code"])
        assert ("button" in body) != ("template_card" in body)
        if "template_card" in body:
            self._check(body["template_card"])
        self.updates.append(body)
        return web.json_response({"errcode": 0, "errmsg": "ok", "invaliduser": []})

    def _check(self, card: dict[str, Any]) -> None:
        """What the documentation asks of a card."""
        assert len(card["main_title"]["title"]) <= 36 and len(card.get("sub_title_text", "")) <= 160
        assert card["card_action"]["type"] == 1 and card["card_action"]["url"].startswith("https://")
        lines = card["horizontal_content_list"]
        assert len(lines) <= 6 and all(len(one["keyname"]) <= 5 and len(one["value"]) <= 30 for one in lines)
        if card["card_type"] == "button_interaction":
            assert re.fullmatch(r"[A-Za-z0-9_\-@]{1,128}", card["task_id"]) and card["task_id"] not in self.task_ids
            self.task_ids.add(card["task_id"])
            assert all(
                len(one["text"]) <= 10 and ("url" in one) == (one.get("type") == 1) for one in card["button_list"]
            )
        else:
            assert card["card_type"] == "text_notice" and "button_list" not in card

    def press(self, card: dict[str, Any], user: str) -> str:
        """The event of somebody pressing a card's first button; every press is a second of its own."""
        self.seconds += 1
        code = f"code-{self.seconds}"
        self.codes.add(code)
        members = {
            "ToUserName": CORP_ID,
            "FromUserName": user,
            "MsgType": "event",
            "Event": "template_card_event",
            "EventKey": card["button_list"][0]["key"],
            "TaskId": card["task_id"],
            "CardType": card["card_type"],
            "ResponseCode": code,
        }
        inner = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in members.items())
        return f"<xml>{inner}<CreateTime>{1_700_000_000 + self.seconds}</CreateTime><AgentID>{AGENT_ID}</AgentID></xml>"


def sealed(text: str, corp_id: str = CORP_ID) -> tuple[str, dict[str, str]]:
    """A text as WeCom seals it, and the query that goes with it."""
    stamp, nonce = str(int(time.time())), "nonce1"
    xml = WeChatCrypto(TOKEN, AES_KEY, corp_id).encrypt_message(text, nonce, stamp)
    encrypted = re.search(r"<Encrypt><!\[CDATA\[(.*?)\]\]>", xml)
    signature = re.search(r"<MsgSignature><!\[CDATA\[(.*?)\]\]>", xml)
    assert encrypted and signature
    return encrypted[1], {"msg_signature": signature[1], "timestamp": stamp, "nonce": nonce}


@asynccontextmanager
async def wecom_peer() -> AsyncIterator[WecomPeer]:
    peer = WecomPeer()
    app = web.Application()
    app.router.add_get("/cgi-bin/gettoken", peer.token)
    app.router.add_post("/cgi-bin/message/send", peer.send)
    app.router.add_post("/cgi-bin/message/update_template_card", peer.update)
    async with TestServer(app) as server:
        peer.address = str(server.make_url("")).rstrip("/")
        yield peer
