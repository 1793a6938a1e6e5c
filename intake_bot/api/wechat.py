"""`/channels/e-steward/wechat`: what WeChat's server sends us. Words become turns of the one dialogue, answered in time.

WeChat waits five seconds and sends the same message three times in all. A message is one turn, however often it comes. An
answer that takes longer is sent by itself where we may call WeChat, and otherwise waits for WeChat's next try.
"""

from __future__ import annotations

import asyncio
import hashlib
import time

import structlog
from aiohttp import web

from adapters.wechat.crypto import NotFromPlatform, check_signature
from adapters.wechat.messages import Incoming, NotReadable, fields_of, read, sealed_reply, text_reply
from domain.complaint import WECHAT
from intake_bot.api.limits import count
from intake_bot.api.problems import Problem, not_found, unreadable
from intake_bot.api.routes import Parameter, Route, house_of
from intake_bot.conversation.dialogue import converse, digest
from intake_bot.conversation.turns import Person, Reply, Turn
from intake_bot.house import House
from intake_bot.pictures import NotAPicture, keep_made_anew
from intake_bot.rates import Rate
from intake_bot.wechat import WechatAccount
from intake_bot.wechat_calls import WechatRefused
from storage.pictures import CITIZEN, PictureDiffers

log = structlog.get_logger()

PATH = "/channels/e-steward/wechat"
PATIENCE = 4.0
"""Seconds after which an answer comes too late for WeChat's five."""
GREATEST_SKEW = 300
_NOTHING = b"success"
"""What WeChat takes for: received, and nothing to say."""
_NOT_TAKEN = {"voice": "没有听清。请在公众平台开启语音识别，或改发文字。", "video": "暂时不能看视频，请发照片或文字。"}
_TRIES = 3

_QUERY = tuple(
    Parameter(name, said)
    for name, said in (
        ("signature", "明文模式的签名"),
        ("msg_signature", "安全模式的签名"),
        ("timestamp", "Unix 时间戳（秒）"),
        ("nonce", "随机串"),
        ("encrypt_type", "aes：正文已加密"),
    )
)


def wechat_routes() -> list[Route]:
    text = {"type": "string"}
    return [
        Route(
            "GET",
            PATH,
            verify,
            "公众平台验证服务器地址",
            "channels",
            parameters=(*_QUERY, Parameter("echostr", "验证串，原样返回")),
            answers={200: ("验证串", text)},
            answer_type="text/plain",
        ),
        Route(
            "POST",
            PATH,
            receive,
            "公众号来的消息和事件",
            "channels",
            parameters=_QUERY,
            body=text,
            body_type="application/xml",
            answers={200: ("被动回复（XML），或 success", text)},
            answer_type="application/xml",
        ),
    ]


async def verify(request: web.Request) -> web.Response:
    """WeChat asks once, when the address is entered, whether we know the token."""
    account, query = _account(request), request.query
    try:
        check_signature(query.get("signature", ""), account.token, query.get("timestamp", ""), query.get("nonce", ""))
    except NotFromPlatform as refused:
        raise _forbidden(str(refused)) from None
    return web.Response(text=query.get("echostr", "")[:200])


async def receive(request: web.Request) -> web.Response:
    """One message or event. Answered only when the turn is on disk."""
    house, account = house_of(request), _account(request)
    body = await request.read()
    try:
        message, sealed = _opened(account, request, body)
    except NotFromPlatform as refused:
        raise _forbidden(str(refused)) from None
    except NotReadable as error:
        raise unreadable(str(error)) from None
    count(request, Rate.CHANNEL, WECHAT)
    answering = asyncio.create_task(_answer(house, account, message), name="wechat-turn")
    done, _ = await asyncio.wait({answering}, timeout=PATIENCE)
    if not done:
        if not account.can_call:
            # Too late for this try; WeChat's next one finds the answer in the database.
            await asyncio.wait({answering})
            return web.Response(body=_NOTHING)
        answering.add_done_callback(lambda task: _send_later(house, account, message, task))
        return web.Response(body=_NOTHING)
    text = answering.result()
    if not text:
        return web.Response(body=_NOTHING)
    reply = text_reply(message, text, house.now())
    if sealed:
        assert account.envelope is not None
        stamp, nonce = request.query.get("timestamp", ""), request.query.get("nonce", "")
        one = account.envelope.seal(reply, stamp, nonce)
        reply = sealed_reply(one.encrypted, one.signature, one.timestamp, one.nonce)
    return web.Response(body=reply, content_type="application/xml")


def _account(request: web.Request) -> WechatAccount:
    account = house_of(request).wechat
    if account is None or not account.token:
        raise not_found("没有接公众号：请在 config.yml 的 wechat 中填写 app_id，并设置存放 Token 的环境变量")
    return account


def _forbidden(detail: str) -> Problem:
    return Problem(403, "bad-signature", "签名不符", detail)


def _opened(account: WechatAccount, request: web.Request, body: bytes) -> tuple[Incoming, bool]:
    """The message, and whether the reply must be sealed. Raises NotFromPlatform, NotReadable."""
    query = request.query
    stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    if not (stamp.isascii() and stamp.isdigit()) or abs(time.time() - int(stamp[:12])) > GREATEST_SKEW:
        raise NotFromPlatform("时间戳与本机相差超过 300 秒，请核对服务器时间")
    mode = account.settings.mode
    if query.get("encrypt_type") == "aes":
        if account.envelope is None:
            raise NotFromPlatform(f"消息已加密，但环境变量 {account.settings.aes_key_env} 未设置")
        encrypted = fields_of(body).get("Encrypt", "")
        return read(fields_of(account.envelope.open(encrypted, query.get("msg_signature", ""), stamp, nonce))), True
    if mode == "safe":
        raise NotFromPlatform("本系统设为安全模式，不收明文消息；请核对公众平台的消息加解密方式")
    check_signature(query.get("signature", ""), account.token, stamp, nonce)
    return read(fields_of(body)), False


async def _answer(house: House, account: WechatAccount, message: Incoming) -> str:
    """What is said to a message; empty for nothing."""
    person = Person("wechat", message.sender)
    if message.kind == "event":
        turn = _turn_of_event(house, message)
    elif message.kind == "picture":
        return await _answer_picture(house, account, person, message)
    elif message.kind == "other":
        return _NOT_TAKEN.get(message.text, "暂时看不了这种消息，请发文字、照片或定位。")
    else:
        turn = Turn(message.id, house.now(), text=message.text, point=message.point)
    return spoken(await converse(house, person, turn)) if turn is not None else ""


def _turn_of_event(house: House, message: Incoming) -> Turn | None:
    """A new follower and a scanned code are greeted, a menu entry is a button; other events say nothing to us."""
    match message.event:
        case "subscribe" | "SCAN":
            return Turn(message.id, house.now(), text="你好")
        case "CLICK":
            return Turn(message.id, house.now(), choice=message.key[:64])
    return None


async def _answer_picture(house: House, account: WechatAccount, person: Person, message: Incoming) -> str:
    """Fetch the picture and take it as part of the turn; the id follows from the message, so that it is kept once."""
    picture_id = hashlib.sha256(message.id.encode()).hexdigest()[:32]
    try:
        content = await account.picture(message.media_id, house.now())
        await keep_made_anew(house, picture_id, content, f"{CITIZEN}{digest(person)}", house.now())
    except (WechatRefused, PictureDiffers) as refused:
        log.warning("wechat_picture_not_fetched", error=str(refused))
        return "照片没有收到，请稍后再发一次，或用文字说明。"
    except NotAPicture as refused:
        return str(refused)
    return spoken(await converse(house, person, Turn(message.id, house.now(), photos=(picture_id,))))


def spoken(reply: Reply) -> str:
    """A reply as plain text: what is said, numbers to call, and the choices by number."""
    parts = [one.text for one in reply.messages if one.text]
    calls = [f"{link.label}：{link.address.removeprefix('tel:')}" for one in reply.messages for link in one.links]
    if calls:
        parts.append("\n".join(dict.fromkeys(calls)))
    if reply.choices:
        numbered = "\n".join(f"{number} {one.label}" for number, one in enumerate(reply.choices, 1))
        parts.append(f"可回复数字：\n{numbered}")
    return "\n\n".join(parts)


def _send_later(house: House, account: WechatAccount, message: Incoming, answered: asyncio.Task[str]) -> None:
    """The answer came too late for WeChat: send it by itself."""
    if answered.cancelled() or answered.exception() is not None:
        log.error("wechat_turn_failed", message=message.id)
        return
    if text := answered.result():
        task = asyncio.create_task(_push(house, account, message, text), name="wechat-push")
        _pushing.add(task)
        task.add_done_callback(_pushing.discard)


_pushing: set[asyncio.Task[None]] = set()
"""Held so that a task in hand is not collected."""


async def _push(house: House, account: WechatAccount, message: Incoming, text: str) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            await account.send_text(message.sender, text, house.now())
        except WechatRefused as refused:
            if refused.final or attempt == _TRIES:
                log.error("wechat_answer_not_sent", message=message.id, error=str(refused))
                return
            await asyncio.sleep(attempt)
        else:
            return
