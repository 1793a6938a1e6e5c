"""`/channels/wecom`: what 企业微信 tells us. 签收 on a task card signs for the task as its handler, once for all tellings.

WeCom waits five seconds and tells three times in all. It is answered when the signature is on disk; the card, which is
changed by a call of our own, need not have changed by then.
"""

from __future__ import annotations

import asyncio
import hashlib
import time

import structlog
from aiohttp import web

from adapters.wechat.crypto import Envelope, NotFromPlatform
from adapters.wechat.messages import NotReadable, fields_of
from adapters.wecom.cards import Card
from adapters.wecom.events import Pressed, pressed
from domain.actions import Accept
from domain.handling import handle
from domain.lifecycle import Action, Forbidden, Incomplete, NotAllowed
from domain.outcome import Outcome
from domain.people import Actor
from domain.ticket import Ticket
from intake_bot.api.limits import count
from intake_bot.api.problems import Problem, not_found, unreadable
from intake_bot.api.routes import Parameter, Route, house_of
from intake_bot.house import House
from intake_bot.rates import Rate
from intake_bot.task_cards import CHANGED, Signing, actor_of_account, signing_of, state_words, task_card
from intake_bot.wechat_calls import WechatRefused
from intake_bot.wecom import WecomAccount
from storage.store import RequestKey, TicketNotFound, VersionConflict

log = structlog.get_logger()

PATH = "/channels/wecom"
PATIENCE = 4.0
"""Seconds after which an answer comes too late for WeCom's five: the work goes on without it."""
GREATEST_SKEW = 300
NO_ACCOUNT = "账号未开通"
NOT_YOURS = "不能由您签收"
_TRIES = 3

_QUERY = tuple(
    Parameter(name, said)
    for name, said in (
        ("msg_signature", "企业微信的签名"),
        ("timestamp", "Unix 时间戳（秒）"),
        ("nonce", "随机串"),
    )
)


def wecom_routes() -> list[Route]:
    text = {"type": "string"}
    return [
        Route(
            "GET",
            PATH,
            verify,
            "企业微信验证接收消息的地址",
            "channels",
            parameters=(*_QUERY, Parameter("echostr", "加密的验证串，解开后返回")),
            answers={200: ("验证串的明文", text)},
            answer_type="text/plain",
        ),
        Route(
            "POST",
            PATH,
            receive,
            "企业微信任务卡片上的操作",
            "channels",
            parameters=_QUERY,
            body=text,
            body_type="application/xml",
            answers={200: ("收到（空）", text)},
            answer_type="text/plain",
        ),
    ]


async def verify(request: web.Request) -> web.Response:
    """WeCom asks once, when the address is entered, whether we can open what it seals."""
    _, envelope = _account(request)
    opened = _opened(envelope, request, request.query.get("echostr", ""))
    return web.Response(text=opened.decode(errors="replace")[:200])


async def receive(request: web.Request) -> web.Response:
    """One event. What is none of a card's buttons is taken and forgotten."""
    house, (account, envelope) = house_of(request), _account(request)
    try:
        encrypted = fields_of(await request.read()).get("Encrypt", "")
        event = pressed(fields_of(_opened(envelope, request, encrypted)))
    except NotReadable as error:
        raise unreadable(str(error)) from None
    count(request, Rate.CHANNEL, "wecom")
    if event is None:
        return web.Response()
    answering = _kept(asyncio.create_task(_press(house, account, event), name="wecom-press"))
    done, _ = await asyncio.wait({answering}, timeout=PATIENCE)
    if done:
        answering.result()  # what the database could not do, WeCom tells us again
    return web.Response()


def _account(request: web.Request) -> tuple[WecomAccount, Envelope]:
    account = house_of(request).wecom
    if account is None or account.envelope is None:
        raise not_found(
            "没有接企业微信：请在 config.yml 的 wecom 中填写 corp_id，并设置存放 Token、EncodingAESKey 的环境变量"
        )
    return account, account.envelope


def _opened(envelope: Envelope, request: web.Request, encrypted: str) -> bytes:
    """Raises `Problem` 403 for what WeCom did not seal for us just now."""
    query = request.query
    stamp = query.get("timestamp", "")
    try:
        if not (stamp.isascii() and stamp.isdigit()) or abs(time.time() - int(stamp[:12])) > GREATEST_SKEW:
            raise NotFromPlatform("时间戳与本机相差超过 300 秒，请核对服务器时间")
        return envelope.open(encrypted, query.get("msg_signature", ""), stamp, query.get("nonce", ""))
    except NotFromPlatform as refused:
        raise Problem(403, "bad-signature", "签名不符", str(refused)) from None


async def _press(house: House, account: WecomAccount, event: Pressed) -> None:
    """Do what the button says, and let the card say what became of it."""
    signing = signing_of(event.key)
    if signing is None:
        log.warning("wecom_button_unknown", key=event.key[:40])
        return
    actor = await actor_of_account(house, account.account_of(event.user_id))
    shown = await _sign(house, signing, actor, event) if actor is not None else NO_ACCOUNT
    _kept(asyncio.create_task(_change_card(house, account, event, shown), name="wecom-card"))


async def _sign(house: House, signing: Signing, actor: Actor, event: Pressed) -> Card | str:
    """Sign by the rules of the page. What the card is to say; a card anew where the ticket has changed since it was sent."""
    now = house.now()

    def work(before: Ticket) -> Outcome:
        details = Accept(signing.position, "在企业微信签收")
        return handle(before, Action.ACCEPT, details, actor, now, house.planner)

    try:
        key = RequestKey(f"wecom:{_fingerprint(event)}", now)
        ticket = await house.store.change(signing.no, work, expected_version=signing.version, key=key)
    except (TicketNotFound, Forbidden):
        return NOT_YOURS
    except (NotAllowed, Incomplete, VersionConflict):
        found = await house.store.tickets.get(signing.no)
        assert found is not None, "no ticket is ever deleted"
        share = next((one for one in found.assignments if one.position == signing.position), None)
        card = task_card(house, found, share, actor, "待签收", CHANGED)
        return card if card.button is not None else state_words(found, signing.position)
    return state_words(ticket, signing.position)


async def _change_card(house: House, account: WecomAccount, event: Pressed, shown: Card | str) -> None:
    """Another card in place of the one that was answered, or a word in place of its buttons."""
    task_id = _fingerprint(event)
    for attempt in range(1, _TRIES + 1):
        try:
            if isinstance(shown, Card):
                await account.replace(shown, event.user_id, task_id, event.response_code, house.now())
            else:
                await account.settle(shown, event.user_id, event.response_code, house.now())
        except WechatRefused as refused:
            if refused.code or refused.final or attempt == _TRIES:
                # Told again by WeCom, the card has been changed by the first: its code is good for one change.
                log.warning("wecom_card_not_changed", error=str(refused))
                return
            await asyncio.sleep(attempt)
        else:
            return


def _fingerprint(event: Pressed) -> str:
    return hashlib.sha256(event.id.encode()).hexdigest()[:32]


def _kept(task: asyncio.Task[None]) -> asyncio.Task[None]:
    """Held so that a task in hand is not collected; what it raises later than anybody waits for is logged."""
    _working.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[None]) -> None:
    _working.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("wecom_event_failed", error=type(error).__name__)


_working: set[asyncio.Task[None]] = set()
