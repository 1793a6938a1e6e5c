"""企业微信 for brigades: cards out, signatures in; the peer seals with an independent implementation (`wechatpy`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from service import Caller, sample
from wecom_peer import AES_KEY, AGENT_ID, CORP_ID, SECRET, TOKEN, WecomPeer, sealed, wecom_peer

from domain.category import CategoryTree
from domain.limit import Limit
from domain.people import SYSTEM, Role
from domain.ticket import Status
from intake_bot.api import wecom as endpoint
from intake_bot.api.server import build_app
from intake_bot.delivery import Delivery
from intake_bot.house import House, open_house
from intake_bot.settings import Deployment
from intake_bot.wecom_settings import WecomSettings, check_wecom
from nlu.embedded.engine import EmbeddedEngine
from supervision.sweeps import Sweeps

PATH = "/channels/wecom"
WITH_ACCOUNT = ("brigade-1.fh.a", "brigade-2.fh.a", "supervision.head")
PUBLIC = "https://intake.example.gov.cn"


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
async def peer() -> AsyncIterator[WecomPeer]:
    async with wecom_peer() as running:
        yield running


def in_wecom(account: str) -> str:
    """Who somebody is there."""
    return f"Wx-{account}"


@dataclass
class Wecom:
    """The service with an application in WeCom, and WeCom as it tells us things."""

    caller: Caller
    peer: WecomPeer

    @property
    def house(self) -> House:
        return self.caller.house

    async def deliver(self) -> list[dict[str, Any]]:
        """Deliver what is due; the cards that came of it, with the person as `touser`."""
        before = len(self.peer.messages)
        delivery = Delivery(self.house, self.house.settings.delivery)
        async with aiohttp.ClientSession() as session:
            while await delivery.deliver_due(session):
                pass
        return self.peer.messages[before:]

    async def dispatched(self, **changed: Any) -> tuple[str, str, dict[str, Any]]:
        """A ticket that was just dispatched: its number, its handler and the handler's card."""
        body = sample("12345") | changed
        no = str((await self.caller.send("12345", body)).body["ticket_no"])
        ticket = await self.house.store.tickets.get(no)
        assert ticket is not None and ticket.lead is not None
        cards = {one["touser"]: one["template_card"] for one in await self.deliver()}
        return no, ticket.lead.handler, cards[in_wecom(ticket.lead.handler)]

    async def tell(self, event: str) -> int:
        encrypted, query = sealed(event)
        body = f"<xml><ToUserName>{CORP_ID}</ToUserName><AgentID>1</AgentID><Encrypt>{encrypted}</Encrypt></xml>"
        async with self.caller.client.post(PATH, params=query, data=body) as answer:
            assert await answer.read() == b"" or answer.status != 200
            return answer.status

    async def changed(self, count: int) -> dict[str, Any]:
        """The last change of a card, once there were so many."""
        for _ in range(500):
            if len(self.peer.updates) >= count:
                break
            await asyncio.sleep(0.02)
        assert len(self.peer.updates) == count
        return self.peer.updates[-1]

    async def steps(self, no: str, action: str) -> list[Any]:
        return [one.event for one in await self.house.store.tickets.events(no) if one.event.action == action]


@pytest.fixture
async def wecom(
    deployment: Deployment,
    tree: CategoryTree,
    engine: EmbeddedEngine,
    peer: WecomPeer,
    environment: pytest.MonkeyPatch,
) -> AsyncIterator[Wecom]:
    for name, value in (("TOKEN", TOKEN), ("AES_KEY", AES_KEY), ("SECRET", SECRET)):
        environment.setenv(f"INTAKE_WECOM_{name}", value)
    settings = deployment.settings
    people = [(one.account, unit) for unit in settings.router.units for one in unit.people]
    peer.members = {in_wecom(account).casefold() for account, _ in people}
    changed = {
        "wecom": settings.wecom.model_copy(
            update={
                "corp_id": CORP_ID,
                "agent_id": AGENT_ID,
                "api": peer.address,
                "people": {account: in_wecom(account) for account, _ in people},
            }
        ),
        "server": settings.server.model_copy(update={"public_url": PUBLIC}),
    }
    async with open_house(replace(deployment, settings=settings.model_copy(update=changed)), tree, engine) as house:
        for account, unit in people:
            role = {"supervision": Role.SUPERVISOR, "command": Role.OPERATOR}.get(unit.code, Role.BRIGADE)
            if account in WITH_ACCOUNT:
                await house.store.accounts.create_user(
                    *(account, account, role, unit.code, "a long pass phrase", house.now()), must_change=False
                )
        client: TestClient[Any, Any] = TestClient(TestServer(build_app(house, timers=False)))
        async with client:
            yield Wecom(Caller(client, house), peer)


def words(card: dict[str, Any]) -> dict[str, str]:
    return {one["keyname"]: one["value"] for one in card["horizontal_content_list"]}


async def test_the_address_is_verified_and_nobody_else_is_heard(wecom: Wecom) -> None:
    get, post = wecom.caller.client.get, wecom.caller.client.post
    encrypted, query = sealed("1616140317555161061")
    async with get(PATH, params=query | {"echostr": encrypted}) as answer:
        assert (answer.status, await answer.text()) == (200, "1616140317555161061")
    other, signed = sealed("1616140317555161061", "ww9999999999999999")
    for changed in (
        query | {"echostr": encrypted, "msg_signature": "0" * 40},
        query | {"echostr": encrypted, "timestamp": "1"},
        query | {"echostr": ""},
        signed | {"echostr": other},
    ):
        assert (await get(PATH, params=changed)).status == 403
        assert (await post(PATH, params=changed, data=f"<xml><Encrypt>{encrypted}x</Encrypt></xml>")).status == 403
    assert (await post(PATH, params=query, data="no xml")).status == 400
    assert await wecom.tell("<xml><MsgType>event</MsgType></xml>") == 400
    for kind in (
        "<MsgType>text</MsgType><Content>在吗</Content>",
        "<MsgType>event</MsgType><Event>enter_agent</Event>",
    ):
        assert await wecom.tell(f"<xml><FromUserName>x</FromUserName><CreateTime>1</CreateTime>{kind}</xml>") == 200
    assert wecom.peer.updates == []


async def test_a_card_goes_out_and_its_button_signs_once(wecom: Wecom) -> None:
    no, handler, card = await wecom.dispatched()
    assert card["card_type"] == "button_interaction" and card["main_title"]["title"] == "新派单"
    assert words(card)["工单"] == no and {"事项", "地点", "签收期限", "办结期限"} <= words(card).keys()
    assert "13800000000" not in str(card) and sample("12345")["callerName"] not in str(card)
    assert [one["text"] for one in card["button_list"]] == ["签收", "查看"]
    assert card["button_list"][1]["url"] == card["card_action"]["url"] == f"{PUBLIC}/brigade/{no}"
    assert await wecom.deliver() == [], "told once"
    assert wecom.house.deployment.unset == []

    event = wecom.peer.press(card, in_wecom(handler).upper())  # WeCom's ids are the same in any case
    assert await asyncio.gather(*(wecom.tell(event) for _ in range(3))) == [200, 200, 200]
    changed = await wecom.changed(1)
    assert changed["button"] == {"replace_name": "已签收"} and changed["userids"] == [in_wecom(handler).upper()]
    (step,) = await wecom.steps(no, "accepted")
    assert (step.actor, step.role, step.data["note"]) == (handler, Role.BRIGADE, "在企业微信签收")
    ticket = await wecom.house.store.tickets.get(no)
    assert ticket is not None and ticket.status is Status.ACCEPTED

    assert await wecom.tell(wecom.peer.press(card, in_wecom(handler))) == 200
    assert (await wecom.changed(2))["button"] == {"replace_name": "已签收"}
    assert len(await wecom.steps(no, "accepted")) == 1


async def test_what_has_changed_is_read_before_it_is_signed(wecom: Wecom) -> None:
    no, handler, card = await wecom.dispatched()
    assert (await wecom.caller.act(no, "urge", note="市民来电催办")).status == 200
    await wecom.tell(wecom.peer.press(card, in_wecom(handler)))
    anew = (await wecom.changed(1))["template_card"]
    assert anew["sub_title_text"] == "工单有新变化，请看后再签收" and await wecom.steps(no, "accepted") == []
    await wecom.tell(wecom.peer.press(anew, in_wecom(handler)))
    assert (await wecom.changed(2))["button"] == {"replace_name": "已签收"}
    assert len(await wecom.steps(no, "accepted")) == 1


async def test_who_may_not_sign_on_the_page_may_not_here(wecom: Wecom) -> None:
    no, handler, card = await wecom.dispatched()
    other = next(one for one in ("brigade-1.fh.a", "brigade-2.fh.a") if one.split(".")[0] != handler.split(".")[0])
    for count, (who, said) in enumerate(
        (
            (in_wecom(other), "不能由您签收"),
            (in_wecom("supervision.head"), "不能由您签收"),
            (in_wecom("brigade-3.deputy"), "账号未开通"),
            ("nobody-of-ours", "账号未开通"),
        ),
        start=1,
    ):
        assert await wecom.tell(wecom.peer.press(card, who)) == 200
        assert (await wecom.changed(count))["button"] == {"replace_name": said}
    await wecom.house.store.users.disable(handler, wecom.house.now(), SYSTEM)
    await wecom.tell(wecom.peer.press(card, in_wecom(handler)))
    assert (await wecom.changed(5))["button"] == {"replace_name": "账号未开通"}
    forged = card | {"button_list": [{"key": "sign|FH000000-00000|1|1"}, {}]}
    await wecom.house.store.users.enable(handler, wecom.house.now(), SYSTEM)
    await wecom.tell(wecom.peer.press(forged, in_wecom(handler)))
    assert (await wecom.changed(6))["button"] == {"replace_name": "不能由您签收"}
    assert await wecom.tell(wecom.peer.press(card | {"button_list": [{"key": "sign|x"}]}, in_wecom(handler))) == 200
    assert await wecom.steps(no, "accepted") == []


async def test_orders_and_lights_are_told_and_what_is_secret_stays_so(
    wecom: Wecom, monkeypatch: pytest.MonkeyPatch
) -> None:
    no, handler, secret = await wecom.dispatched(isSecret="1")
    ticket = await wecom.house.store.tickets.get(no)
    assert ticket is not None and ticket.lead is not None
    assert words(secret).keys() == {"工单", "签收期限", "办结期限"} and "请登录后查看" in secret["sub_title_text"]
    assert "恬庄" not in str(secret) and "摊" not in str(secret)
    assert (await wecom.caller.act(no, "press", requirement="今天到场，恬庄有人等候")).status == 200
    told = {one["touser"]: one["template_card"] for one in await wecom.deliver()}
    head = in_wecom(f"{ticket.lead.unit}.head")
    assert told.keys() == {in_wecom(handler), head} and told[head]["main_title"]["title"] == "督办"
    assert "恬庄" not in str(told)
    assert told[in_wecom(handler)]["card_type"] == "button_interaction"
    assert told[head]["card_type"] == "text_notice", "who has no account cannot sign"

    plain, handler, card = await wecom.dispatched(orderNum="WECOM0PLAIN")
    await wecom.tell(wecom.peer.press(card, in_wecom(handler)))
    await wecom.changed(1)
    await wecom.caller.act(plain, "press", requirement="今天到场，联系13900000000")
    told = {one["touser"]: one["template_card"] for one in await wecom.deliver()}
    card = told[in_wecom(handler)]
    assert card["card_type"] == "text_notice", "it is signed for"
    assert "今天到场" in card["sub_title_text"] and "13900000000" not in card["sub_title_text"]

    house = wecom.house
    later = house.now() + timedelta(days=30)
    watch = Sweeps(
        house.store, house.settings.supervision, house.calendar, house.planner, Limit.parse("1 working_days")
    )
    await watch.lights(later)
    await watch.escalation(later)
    later += timedelta(days=1)
    monkeypatch.setattr(House, "now", lambda self: later)
    told = {one["touser"]: one["template_card"] for one in await wecom.deliver()}
    assert {one["main_title"]["title"] for one in told.values()} & {"红灯提醒，已经超期", "待办汇总"}
    assert told[in_wecom(handler)]["card_action"]["url"].startswith(f"{PUBLIC}/brigade")


async def test_processes_share_a_token_and_failures_are_tried_again(
    wecom: Wecom, monkeypatch: pytest.MonkeyPatch
) -> None:
    no, handler, first = await wecom.dispatched()
    await wecom.dispatched(orderNum="WECOM002")
    assert wecom.peer.tokens_given == 1
    wecom.peer.good = ""  # over before its time
    await wecom.dispatched(orderNum="WECOM003")
    assert wecom.peer.tokens_given == 2

    members, wecom.peer.members = wecom.peer.members, set()
    await wecom.caller.send("12345", sample("12345") | {"orderNum": "WECOM004"})
    assert await wecom.deliver() == []
    counts = await wecom.house.store.outbox.counts()
    assert (counts["parked"], counts["waiting"]) == (2, 0), "nobody knows these members: said at once"

    wecom.peer.members, wecom.peer.refusals = members, [-1]
    await wecom.caller.send("12345", sample("12345") | {"orderNum": "WECOM005"})
    assert len(await wecom.deliver()) == 1, "the helper's or the lead's; the other one waits"
    now = wecom.house.now()
    monkeypatch.setattr(House, "now", lambda self: now + timedelta(hours=1))
    (card,) = [one["template_card"] for one in await wecom.deliver()]
    assert card["task_id"].endswith("@2") and first["task_id"].endswith("@1")

    monkeypatch.setattr(endpoint, "PATIENCE", 0.0)
    assert await wecom.tell(wecom.peer.press(first, in_wecom(handler))) == 200, "answered in time, done all the same"
    assert (await wecom.changed(1))["button"] == {"replace_name": "已签收"}
    assert len(await wecom.steps(no, "accepted")) == 1


async def test_without_an_application_the_address_says_so(caller: Caller) -> None:
    answer = await caller.client.get(PATH)
    assert answer.status == 404 and "没有接企业微信" in await answer.text()


def test_mistakes_and_what_is_not_set_are_named(deployment: Deployment) -> None:
    wanted = WecomSettings(corp_id=CORP_ID)
    without = replace(deployment, settings=deployment.settings.model_copy(update={"wecom": wanted}))
    assert [variable for variable, _ in without.unset] == [
        f"INTAKE_WECOM_{one}" for one in ("TOKEN", "AES_KEY", "SECRET")
    ]

    people = {"brigade-1.fh.a": "ZhangWei", "brigade-1.fh.b": "zhangwei", "nobody": "李四"}
    settings = WecomSettings(corp_id=CORP_ID, people=people)
    found = {
        ".".join(map(str, where)): said for where, said in check_wecom(settings, {*WITH_ACCOUNT, "brigade-1.fh.b"}, "")
    }
    assert "AgentId" in found["wecom.agent_id"] and "server.public_url" in found["wecom.corp_id"]
    assert "多个账号" in found["wecom.people.brigade-1.fh.a"] and "多个账号" in found["wecom.people.brigade-1.fh.b"]
    assert found.keys() == {"wecom.agent_id", "wecom.corp_id", *(f"wecom.people.{one}" for one in people)}
    right = WecomSettings(corp_id=CORP_ID, agent_id=AGENT_ID, people={"brigade-1.fh.a": "zhangwei"})
    assert list(check_wecom(right, set(WITH_ACCOUNT), PUBLIC)) == []
