"""The official account, driven by an independent implementation of WeChat's envelope (`wechatpy`) and a peer for its API."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image
from wechat_peer import APP_ID, SECRET, WechatPeer, wechat_peer
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import check_signature

from domain.actions import Accept
from domain.category import CategoryTree
from domain.handling import handle
from domain.lifecycle import Action
from domain.people import Actor, Role
from intake_bot.api import wechat as endpoint
from intake_bot.api.server import build_app
from intake_bot.delivery import Delivery
from intake_bot.house import House, open_house
from intake_bot.settings import Deployment
from nlu.embedded.engine import EmbeddedEngine

TOKEN = "token-of-the-account"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OPEN_ID = "oInvented0123456789"
ACCOUNT = "gh_invented"
PATH = "/channels/e-steward/wechat"
NUMBER = re.compile(r"FH\d{6}-\d{5}")


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
async def peer() -> AsyncIterator[WechatPeer]:
    async with wechat_peer() as running:
        yield running


@dataclass
class Wechat:
    """WeChat's server, as it sends to us."""

    client: TestClient[Any, Any]
    house: House
    serial: int = 1_000

    def query(self, encrypted: str = "", **changed: str) -> dict[str, str]:
        stamp, nonce = str(int(time.time())), f"nonce{self.serial}"
        found = {"timestamp": stamp, "nonce": nonce, "signature": _signed(TOKEN, stamp, nonce)}
        if encrypted:
            found |= {"encrypt_type": "aes", "msg_signature": _signed(TOKEN, stamp, nonce, encrypted)}
        return found | changed

    def message(self, kind: str, number: int = 0, **members: str) -> str:
        self.serial += 1
        number = number or self.serial
        inner = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in members.items())
        identity = "" if kind == "event" else f"<MsgId>{number}</MsgId>"
        return (
            f"<xml><ToUserName>{ACCOUNT}</ToUserName><FromUserName>{OPEN_ID}</FromUserName>"
            f"<CreateTime>{int(time.time())}</CreateTime><MsgType>{kind}</MsgType>{identity}{inner}</xml>"
        )

    async def send(self, xml: str, *, sealed: bool = True) -> tuple[int, str]:
        """Send as WeChat does; the status and, opened, the text of the reply."""
        crypto = WeChatCrypto(TOKEN, AES_KEY, APP_ID)
        if sealed:
            encrypted = re.search(r"<Encrypt><!\[CDATA\[(.*?)\]\]>", crypto.encrypt_message(xml, "n", "1"))
            assert encrypted
            body = f"<xml><ToUserName>{ACCOUNT}</ToUserName><Encrypt>{encrypted[1]}</Encrypt></xml>"
            query = self.query(encrypted[1])
        else:
            body, query = xml, self.query()
        async with self.client.post(PATH, params=query, data=body.encode()) as answer:
            text = await answer.text()
        if answer.status != 200 or text == "success":
            return answer.status, text
        if sealed:
            got = {name: _member(text, name) for name in ("MsgSignature", "TimeStamp", "Nonce")}
            text = crypto.decrypt_message(text, got["MsgSignature"], got["TimeStamp"], got["Nonce"])
            text = text.decode() if isinstance(text, bytes) else text
        assert _member(text, "ToUserName") == OPEN_ID and _member(text, "FromUserName") == ACCOUNT
        return answer.status, _member(text, "Content")

    async def say(self, words: str, **options: Any) -> str:
        status, text = await self.send(self.message("text", Content=words), **options)
        assert status == 200
        return text


def _signed(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def _member(xml: str, name: str) -> str:
    found = re.search(rf"<{name}>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</{name}>", xml, re.DOTALL)
    assert found, xml
    return found[1]


async def _wechat(
    deployment: Deployment, tree: CategoryTree, engine: EmbeddedEngine, **settings: Any
) -> AsyncIterator[Wechat]:
    wanted = deployment.settings.wechat.model_copy(update={"app_id": APP_ID, **settings})
    changed = replace(deployment, settings=deployment.settings.model_copy(update={"wechat": wanted}))
    async with open_house(changed, tree, engine) as house:
        client: TestClient[Any, Any] = TestClient(TestServer(build_app(house, timers=False)))
        async with client:
            yield Wechat(client, house)


@pytest.fixture
async def wechat(
    deployment: Deployment,
    tree: CategoryTree,
    engine: EmbeddedEngine,
    peer: WechatPeer,
    environment: pytest.MonkeyPatch,
) -> AsyncIterator[Wechat]:
    environment.setenv("INTAKE_WECHAT_TOKEN", TOKEN)
    environment.setenv("INTAKE_WECHAT_AES_KEY", AES_KEY)
    environment.setenv("INTAKE_WECHAT_SECRET", SECRET)
    async for one in _wechat(deployment, tree, engine, mode="compatible", api=peer.address):
        yield one


async def test_the_address_is_verified(wechat: Wechat) -> None:
    query = wechat.query()
    check_signature(TOKEN, query["signature"], query["timestamp"], query["nonce"])
    answer = await wechat.client.get(PATH, params={**query, "echostr": "echo-1"})
    assert (answer.status, await answer.text()) == (200, "echo-1")
    answer = await wechat.client.get(PATH, params={**query, "signature": "0" * 40, "echostr": "echo-1"})
    assert answer.status == 403


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
async def test_a_complaint_in_wechat(wechat: Wechat, sealed: bool) -> None:
    told = await wechat.say("恬庄街38号门口人行道上每天晚上有流动摊贩占道摆摊", sealed=sealed)
    assert "占道" in told and "可回复数字" in told
    told = await wechat.say("1", sealed=sealed)  # the first choice: no picture
    told = await wechat.say("13800000000", sealed=sealed)
    told = await wechat.say("1", sealed=sealed)  # hand in
    no = NUMBER.findall(told)[-1]
    ticket = await wechat.house.store.tickets.get(no)
    assert ticket is not None and ticket.complaint.channel == "wechat"
    assert ticket.complaint.reporter.contact == f"wechat:{OPEN_ID}"


async def test_the_same_message_three_times_is_one_turn(wechat: Wechat) -> None:
    xml = wechat.message("text", Content="凤凰大道有人占道摆摊，堵得走不了")
    answers = await asyncio.gather(*(wechat.send(xml) for _ in range(3)))
    assert len({text for _, text in answers}) == 1 and answers[0][0] == 200


async def test_position_voice_link_and_events(wechat: Wechat) -> None:
    _, told = await wechat.send(wechat.message("event", Event="subscribe", EventKey=""))
    assert "反映问题" in told
    _, told = await wechat.send(wechat.message("event", Event="SCAN", EventKey="street-12", Ticket="t"))
    assert "反映问题" in told, "somebody who follows already scanned a code"
    _, told = await wechat.send(wechat.message("event", Event="CLICK", EventKey="report"))
    assert "什么" in told
    _, told = await wechat.send(wechat.message("voice", MediaId="m", Format="amr", Recognition="有人在绿化带里倒垃圾"))
    assert "地方" in told
    _, told = await wechat.send(
        wechat.message("location", Location_X="31.7712", Location_Y="120.6245", Scale="16", Label="恬庄街")
    )
    assert told
    link = {"Title": "烧烤店油烟扰民", "Description": "每晚油烟很大", "Url": "https://example.invalid/post"}
    _, told = await wechat.send(wechat.message("link", **link))
    assert told and "看不了" not in told
    for xml in (
        wechat.message("event", Event="LOCATION", Latitude="31.7", Longitude="120.6", Precision="10"),
        wechat.message("event", Event="unsubscribe"),
        wechat.message("event", Event="VIEW", EventKey="https://example.invalid/"),
    ):
        assert await wechat.send(xml) == (200, "success")
    _, told = await wechat.send(wechat.message("voice", MediaId="m", Format="amr"))
    assert "没有听清" in told
    _, told = await wechat.send(wechat.message("shortvideo", MediaId="m"))
    assert "暂时" in told


async def test_a_picture_is_fetched_and_kept_once(wechat: Wechat, peer: WechatPeer) -> None:
    made = io.BytesIO()
    Image.new("RGB", (900, 600), "green").save(made, "JPEG")
    peer.pictures["media-1"] = made.getvalue()
    await wechat.say("恬庄街38号门口人行道上每天晚上有流动摊贩占道摆摊")
    xml = wechat.message("image", PicUrl="http://127.0.0.1/never-fetched", MediaId="media-1")
    first, again = await wechat.send(xml), await wechat.send(xml)
    assert first == again and "照片" in first[1]
    await wechat.say("13800000000")
    no = NUMBER.findall(await wechat.say("1"))[-1]
    ticket = await wechat.house.store.tickets.get(no)
    assert ticket is not None and len(ticket.complaint.attachments) == 1
    _, told = await wechat.send(wechat.message("image", PicUrl="x", MediaId="never-there"))
    assert "没有收到" in told


async def test_a_large_picture_is_fetched_whole_also_with_a_token_that_has_ended(
    wechat: Wechat, peer: WechatPeer
) -> None:
    made = io.BytesIO()
    Image.effect_noise((1_600, 1_200), 90).save(made, "JPEG", quality=95)
    assert len(made.getvalue()) > 1_000_000  # more than arrives at once
    peer.pictures["large"] = made.getvalue()
    await wechat.say("恬庄街38号门口人行道上每天晚上有流动摊贩占道摆摊")
    _, told = await wechat.send(wechat.message("image", PicUrl="x", MediaId="large"))
    assert "照片收到了" in told
    peer.good = {"another-token"}  # somebody else has asked for a new one
    _, told = await wechat.send(wechat.message("image", PicUrl="x", MediaId="large"))
    assert "共 2 张" in told


async def test_an_answer_that_takes_long_is_sent_by_itself(
    wechat: Wechat, peer: WechatPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "PATIENCE", 0.0)
    assert await wechat.say("凤凰大道有人占道摆摊") == "success"
    for _ in range(200):
        if peer.sent:
            break
        await asyncio.sleep(0.05)
    assert [one["touser"] for one in peer.sent] == [OPEN_ID]
    assert "占道" in peer.sent[0]["text"]["content"]


async def test_processes_share_a_token_and_replace_one_that_is_over(wechat: Wechat, peer: WechatPeer) -> None:
    account, now = wechat.house.wechat, wechat.house.now()
    assert account is not None
    await asyncio.gather(*(account.send_text(OPEN_ID, f"第 {number} 条", now) for number in range(4)))
    await account.send_text(OPEN_ID, "又一条", now)
    assert peer.tokens_given == 1
    peer.good.clear()
    await account.send_text(OPEN_ID, "换过令牌", now)
    assert (peer.tokens_given, len(peer.sent)) == (2, 6)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<xml></xml>",
        b"<xml><MsgType>text</MsgType></xml>",
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><xml><MsgType>&a;</MsgType></xml>',
        b"<xml><ToUserName>a</ToUserName><FromUserName>b</FromUserName><CreateTime>soon</CreateTime><MsgType>text</MsgType></xml>",
        b"<xml><ToUserName>a</ToUserName><FromUserName>b</FromUserName><CreateTime>1</CreateTime><MsgType>location</MsgType>"
        b"<Location_X>here</Location_X></xml>",
        b"\xff\xfe\x00",
    ],
)
async def test_what_is_no_message_is_refused(wechat: Wechat, body: bytes) -> None:
    answer = await wechat.client.post(PATH, params=wechat.query(), data=body)
    assert answer.status == 400, await answer.text()


async def test_what_wechat_did_not_send_is_refused(wechat: Wechat) -> None:
    xml = wechat.message("text", Content="你好")
    crypto = WeChatCrypto(TOKEN, AES_KEY, APP_ID)
    other = WeChatCrypto(TOKEN, AES_KEY, "wxffffffffffffffff")
    encrypted = [_member(one.encrypt_message(xml, "n", "1"), "Encrypt") for one in (crypto, other)]
    late = str(int(time.time()) - 1_000)
    nonce = "n"
    for query, body in (
        (wechat.query(signature="0" * 40), xml),
        (wechat.query() | {"timestamp": late, "nonce": nonce, "signature": _signed(TOKEN, late, nonce)}, xml),
        (wechat.query(timestamp="now"), xml),
        (wechat.query(encrypted[0], msg_signature="0" * 40), f"<xml><Encrypt>{encrypted[0]}</Encrypt></xml>"),
        (wechat.query(encrypted[1]), f"<xml><Encrypt>{encrypted[1]}</Encrypt></xml>"),
        (wechat.query(encrypted[0][:-8]), f"<xml><Encrypt>{encrypted[0][:-8]}</Encrypt></xml>"),
        (wechat.query("AAAA"), "<xml><Encrypt>AAAA</Encrypt></xml>"),
    ):
        answer = await wechat.client.post(PATH, params=query, data=body.encode())
        assert answer.status == 403, (query, await answer.text())


async def test_safe_mode_takes_no_plain_message(
    deployment: Deployment, tree: CategoryTree, engine: EmbeddedEngine, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("INTAKE_WECHAT_TOKEN", TOKEN)
    environment.setenv("INTAKE_WECHAT_AES_KEY", AES_KEY)
    async for wechat in _wechat(deployment, tree, engine, mode="safe"):
        assert (await wechat.send(wechat.message("text", Content="你好"), sealed=False))[0] == 403
        assert "反映问题" in await wechat.say("你好")


async def test_plain_mode_and_without_a_secret_what_takes_long_waits_for_the_next_try(
    deployment: Deployment, tree: CategoryTree, engine: EmbeddedEngine, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("INTAKE_WECHAT_TOKEN", TOKEN)
    async for wechat in _wechat(deployment, tree, engine, mode="plain"):
        xml = wechat.message("text", Content="凤凰大道有人占道摆摊")
        environment.setattr(endpoint, "PATIENCE", 0.0)
        assert await wechat.send(xml, sealed=False) == (200, "success")
        environment.setattr(endpoint, "PATIENCE", 60.0)
        status, told = await wechat.send(xml, sealed=False)
        assert status == 200 and "占道" in told, "the same turn, answered at WeChat's next try"
        assert (await wechat.send(xml))[0] == 403, "nothing to open it with"


async def test_without_an_account_the_address_says_so(caller: Any) -> None:
    answer = await caller.client.get(PATH)
    assert answer.status == 404 and "没有接公众号" in await answer.text()


async def told(wechat: Wechat) -> None:
    """Deliver what is due, as the timer does."""
    delivery = Delivery(wechat.house, wechat.house.settings.delivery)
    async with aiohttp.ClientSession() as session:
        await delivery.deliver_due(session)


async def an_accepted_ticket(wechat: Wechat, *words: str) -> str:
    """Complain, say `words` on the way, hand in; then the brigade accepts."""
    await wechat.say("恬庄街38号门口人行道上每天晚上有流动摊贩占道摆摊")
    for one in ("没有照片", *words, "提交"):
        answer = await wechat.say(one)
    no = NUMBER.findall(answer)[-1]
    ticket = await wechat.house.store.tickets.get(no)
    assert ticket is not None and ticket.lead is not None
    actor = Actor(ticket.lead.handler, Role.BRIGADE, ticket.lead.unit)
    now = wechat.house.now()
    await wechat.house.store.change(
        no, lambda before: handle(before, Action.ACCEPT, Accept(), actor, now, wechat.house.planner)
    )
    return no


async def test_people_are_told_how_it_goes_on(wechat: Wechat, peer: WechatPeer) -> None:
    no = await an_accepted_ticket(wechat, "13800000000")
    await told(wechat)
    messages = [one["text"]["content"] for one in peer.sent]
    assert [no in one and "已有人办理" in one for one in messages] == [True]
    await told(wechat)
    assert len(peer.sent) == 1


async def test_whoever_stays_unknown_is_not_written_to(wechat: Wechat, peer: WechatPeer) -> None:
    no = await an_accepted_ticket(wechat, "匿名")
    ticket = await wechat.house.store.tickets.get(no)
    assert ticket is not None and OPEN_ID not in str(ticket)
    await told(wechat)
    assert peer.sent == []


async def test_who_has_not_written_lately_is_told_by_template(
    deployment: Deployment,
    tree: CategoryTree,
    engine: EmbeddedEngine,
    peer: WechatPeer,
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("INTAKE_WECHAT_TOKEN", TOKEN)
    environment.setenv("INTAKE_WECHAT_AES_KEY", AES_KEY)
    environment.setenv("INTAKE_WECHAT_SECRET", SECRET)
    template = {"template": "template-1", "template_fields": {"character_string1": "ticket_no", "phrase2": "status"}}
    async for wechat in _wechat(deployment, tree, engine, mode="safe", api=peer.address, **template):
        no = await an_accepted_ticket(wechat, "13800000000")
        peer.refusals.append(45015)
        await told(wechat)
        assert peer.sent == []
        assert [one["data"] for one in peer.templates] == [
            {"character_string1": {"value": no}, "phrase2": {"value": "已有人办理"}}
        ]
