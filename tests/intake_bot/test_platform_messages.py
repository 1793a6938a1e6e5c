"""The platforms' side after intake, over HTTP: their later messages change our tickets once, their answers to reports too."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from service import SECRETS, Answer, Caller, sample, signed_headers

from adapters.signature import sign
from domain.people import Role
from intake_bot.delivery import Delivery

pytestmark = [
    # apprise imports a module that Python 3.13 no longer has, where it is still there.
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
    pytest.mark.parametrize("database_kind", ["sqlite"]),
]
NUMBERS = {"12345": "orderNum", "12319": "AJBH", "12369": "reportNo", "e-steward": "id"}
PATHS = {
    "12345": "/channels/12345/tickets",
    "12319": "/channels/12319/cases",
    "12369": "/channels/12369/reports",
    "e-steward": "/channels/e-steward/reports",
}
URGES: dict[str, dict[str, Any]] = {
    "12345": {"messageId": "U1", "actionType": "催办"},
    "12319": {"XXBH": "U1", "CZLX": "催办"},
    "12369": {"msgNo": "U1", "type": "urge"},
    "e-steward": {"eventId": "U1", "event": "remind"},
}


async def say(caller: Caller, channel: str, source_no: str, body: object, **signing: Any) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    headers = signed_headers(channel, content, **signing)
    path = f"{PATHS[channel]}/{source_no}/actions"
    async with caller.client.post(path, data=content, headers=headers) as response:
        return Answer(response.status, await response.json(content_type=None), response.headers)


async def sent(caller: Caller, channel: str = "12345") -> tuple[str, str, str]:
    """A ticket of a channel in a brigade's hands: (source number, our number, brigade)."""
    body = sample(channel)
    told = (await caller.send(channel, body)).body
    assert told["brigade"], told
    return body[NUMBERS[channel]], told["ticket_no"], told["brigade"]["code"]


async def in_work(caller: Caller, channel: str = "12345") -> tuple[str, str, str]:
    """The same, signed for; with a token of the brigade."""
    source_no, no, brigade = await sent(caller, channel)
    token = await caller.new_token("brigade", brigade)
    assert (await caller.act(no, "accept", token)).status == 200
    return source_no, no, token


async def status(caller: Caller, no: str) -> str:
    return str((await caller.get(f"/api/v1/tickets/{no}")).body["status"])


async def events(caller: Caller, no: str) -> list[dict[str, Any]]:
    found = await caller.get(f"/api/v1/tickets/{no}/events")
    return list(found.body["events"])


@pytest.mark.parametrize("channel", list(PATHS))
async def test_each_platform_urges_in_its_own_words_once(caller: Caller, channel: str) -> None:
    source_no, no, _ = await sent(caller, channel)
    first = await say(caller, channel, source_no, URGES[channel])
    assert first.status == 200, first.body
    assert (first.body["ticket_no"], first.body["action"], first.body["applied"]) == (no, "urged", True)
    assert first.body["duplicate"] is False
    again = await say(caller, channel, source_no, URGES[channel])
    assert (again.status, again.body["duplicate"], again.body["applied"]) == (200, True, False)
    ticket = await caller.house.store.tickets.get(no)
    assert ticket is not None and ticket.urges == 1
    assert [one["action"] for one in await events(caller, no)].count("urged") == 1


async def test_a_number_with_a_suffix_means_the_same_ticket(caller: Caller) -> None:
    source_no, no, _ = await sent(caller)
    assert (await say(caller, "12345", f"{source_no}-01", URGES["12345"])).body["ticket_no"] == no


async def test_two_tickets_may_have_messages_of_the_same_number(caller: Caller) -> None:
    body = sample("12345")
    for number in ("N1", "N2"):
        await caller.send("12345", body | {"orderNum": number})
        assert (await say(caller, "12345", number, URGES["12345"])).body["duplicate"] is False


async def test_a_message_that_came_before_its_ticket_is_to_be_sent_again(caller: Caller) -> None:
    early = await say(caller, "12345", "NOT-YET-1", URGES["12345"])
    assert (early.status, early.headers["Retry-After"]) == (404, "60")
    assert "尚未收到" in early.body["detail"]


async def test_what_is_not_signed_or_sent_before_is_refused(caller: Caller) -> None:
    source_no, no, _ = await sent(caller)
    body = URGES["12345"]
    assert (await say(caller, "12345", source_no, body, nonce="used-once")).status == 200
    replayed = await say(caller, "12345", source_no, body | {"messageId": "U2"}, nonce="used-once")
    assert (replayed.status, replayed.body["code"]) == (401, "replayed")
    content = json.dumps(body).encode()
    headers = signed_headers("12319", content)
    path = f"{PATHS['12345']}/{source_no}/actions"
    async with caller.client.post(path, data=content, headers=headers) as response:
        assert response.status == 401
    ticket = await caller.house.store.tickets.get(no)
    assert ticket is not None and ticket.urges == 1


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"messageId": "1", "actionType": "跳舞"}, ["actionType"]),
        ({}, ["messageId", "actionType"]),
        (b"[1]", ["(正文)"]),
    ],
)
async def test_what_cannot_be_read_is_named(caller: Caller, body: object, wrong: list[str]) -> None:
    source_no, _, _ = await sent(caller)
    answer = await say(caller, "12345", source_no, body)
    assert (answer.status, answer.fields) == (422, wrong)


async def test_an_extension_is_ruled_on_by_the_platform(caller: Caller) -> None:
    source_no, no, token = await in_work(caller)
    assert (await caller.act(no, "extend", token, working_days=2, reason="需要等待鉴定结果")).status == 200
    answer = await say(caller, "12345", source_no, {"messageId": "1", "actionType": "53", "opinion": "不同意"})
    assert (answer.body["applied"], answer.body["status"]) == (True, "accepted")
    again = await say(caller, "12345", source_no, {"messageId": "2", "actionType": "53"})
    assert (again.body["applied"], "延期" in again.body["why"]) == (False, True)


async def test_a_rejected_result_goes_back_to_work_and_a_rating_is_kept(caller: Caller) -> None:
    source_no, no, token = await in_work(caller)
    result = "已劝离流动摊贩七处，并安排人员每晚巡查"
    assert (await caller.act(no, "resolve", token, result=result)).status == 200
    answer = await say(caller, "12345", source_no, {"messageId": "1", "actionType": "退回重办", "opinion": "缺照片"})
    assert answer.body["status"] == "accepted"
    assert (await caller.act(no, "resolve", token, result=result)).status == 200
    rating = {"messageId": "2", "actionType": "62", "isSolved": "1", "satisfaction": "满意"}
    assert (await say(caller, "12345", source_no, rating)).body["status"] == "followed_up"
    ticket = await caller.house.store.tickets.get(no)
    assert ticket is not None and (ticket.solved, ticket.satisfaction, ticket.rehandled) == ("yes", "satisfied", 1)
    assert (await caller.house.store.verify_chain()).intact


async def test_a_recalled_ticket_is_closed(caller: Caller) -> None:
    source_no, no, _ = await in_work(caller, "12369")
    answer = await say(caller, "12369", source_no, {"msgNo": "1", "type": "withdrawn", "reason": "举报人撤回"})
    assert answer.body["status"] == "closed" == await status(caller, no)
    (said,) = [one for one in await events(caller, no) if one["action"] == "platform_said"]
    assert (said["role"], said["data"]["text"]) == ("channel", "举报人撤回")


async def test_progress_is_told_in_the_platforms_own_fields(caller: Caller) -> None:
    source_no, _, _ = await sent(caller)
    asked = {"messageId": "1", "actionType": "71"}
    assert (await say(caller, "12345", source_no, asked)).body["progress"] is None
    _, no, _ = await in_work(caller)
    progress = (await say(caller, "12345", source_no, asked | {"messageId": "2"})).body["progress"]
    assert (progress["orderNum"], progress["unitOrderNum"], progress["orderState"]) == (source_no, no, "30")


async def test_a_platforms_rights_are_not_open_to_tokens(caller: Caller) -> None:
    """A token with the role of a channel, as an app of the open standard has, decides nothing about tickets."""
    _, no, _ = await sent(caller)
    now = caller.house.now()
    token = await caller.house.store.accounts.create_token(
        "app-of-a-neighbour", Role.CHANNEL, None, "open311", now, now.replace(year=now.year + 1)
    )
    for action in ("urge", "close", "follow-up", "extend"):
        assert (await caller.act(no, action, token)).status == 403


@dataclass
class Platform:
    """A platform that keeps what it is told and answers as a test wants."""

    server: TestServer
    answers: list[tuple[int, object]] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    unsigned: int = 0

    @property
    def address(self) -> str:
        return str(self.server.make_url("/feedback"))


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async def feedback(request: web.Request) -> web.Response:
        body, given = await request.read(), request.headers
        expected = sign(SECRETS["INTAKE_SECRET_12345"], given["X-Timestamp"], given["X-Nonce"], body)
        peer.unsigned += expected != given["X-Signature"]
        peer.told.append(json.loads(body))
        code, answer = peer.answers.pop(0) if peer.answers else (200, {"code": "200"})
        return web.json_response(answer, status=code)

    app = web.Application()
    app.router.add_post("/feedback", feedback)
    async with TestServer(app) as server:
        peer = Platform(server)
        yield peer
    assert peer.unsigned == 0, "reports are signed with the channel's secret"


async def deliver(caller: Caller, platform: Platform) -> None:
    settings = caller.house.settings.delivery.model_copy(update={"platforms": {"12345": platform.address}})
    delivery = Delivery(caller.house, settings)
    async with aiohttp.ClientSession() as session:
        while await delivery.deliver_due(session):
            pass


async def test_a_result_that_the_platform_does_not_take_goes_back_to_work(caller: Caller, platform: Platform) -> None:
    _, no, token = await in_work(caller)
    await caller.act(no, "resolve", token, result="已劝离流动摊贩七处，并安排人员每晚巡查")
    platform.answers = [(200, {"code": "200"}), (200, {"code": "422", "message": "缺少现场照片"})]
    await deliver(caller, platform)
    assert [one["orderState"] for one in platform.told] == ["30", "60"]
    assert await status(caller, no) == "accepted"
    back = [one for one in await events(caller, no) if one["action"] == "platform_said"]
    assert [one["data"]["text"] for one in back] == ["缺少现场照片"]
    (reason,) = [one for one in await caller.house.store.parked.reasons() if "平台没有接收" in one.error]
    assert reason.count == 1


async def test_an_extension_may_be_refused_in_the_answer(caller: Caller, platform: Platform) -> None:
    _, no, token = await in_work(caller)
    await caller.act(no, "extend", token, working_days=2, reason="需要等待鉴定机构的结果")
    platform.answers = [(200, {"code": "200"}), (200, {"code": "200", "actionType": "53", "opinion": "不同意延期"})]
    await deliver(caller, platform)
    assert (platform.told[1]["delayDays"], platform.told[1]["content"]) == (2, "需要等待鉴定机构的结果")
    assert await status(caller, no) == "accepted"


async def test_another_step_that_is_not_taken_is_on_record_and_the_handler_is_told(
    caller: Caller, platform: Platform
) -> None:
    _, no, _ = await in_work(caller)
    platform.answers = [(400, {"code": "400", "message": "orderState 不允许"})]
    await deliver(caller, platform)
    assert await status(caller, no) == "accepted"
    (refused,) = [one for one in await events(caller, no) if one["action"] == "report_refused"]
    assert refused["data"] == {"step": "accepted", "reason": "orderState 不允许"}
    assert len(platform.told) == 1, "the same again would be refused again"


async def test_an_answer_without_the_platforms_word_is_only_a_failure(caller: Caller, platform: Platform) -> None:
    _, no, _ = await in_work(caller)
    platform.answers = [(400, {"detail": "no"}), (503, {"code": "500"}), (302, {})]
    await deliver(caller, platform)
    assert (await caller.house.store.outbox.counts())["waiting"] == 1
    assert "report_refused" not in [one["action"] for one in await events(caller, no)]


async def test_a_report_that_would_be_marked_down_is_a_gap_before_it_goes(caller: Caller, platform: Platform) -> None:
    _, no, token = await in_work(caller)
    await caller.act(no, "resolve", token, result="已处理完毕，感谢您的理解")
    await deliver(caller, platform)
    recorded = await events(caller, no)
    (unfit,) = [one for one in recorded if one["action"] == "report_unfit"]
    assert unfit["data"] == {"step": "resolved", "note": "办理情况只是套话，没有说明做了什么"}
    assert len(platform.told) == 2, "it goes all the same: silence is marked down more"


async def test_our_own_score_shows_what_the_platform_marks_down(caller: Caller, platform: Platform) -> None:
    _, no, token = await in_work(caller)
    await caller.act(no, "resolve", token, result="已处理完毕，感谢您的理解")
    platform.answers = [(200, {"code": "200"}), (503, {})]
    await deliver(caller, platform)
    answer = await caller.get("/api/v1/platforms/score?channel=12345")
    assert answer.status == 200, answer.body
    score = answer.body
    assert (score["reports"], score["undelivered"], score["marks"]) == (2, 1, 30)
    parts = {one["code"]: (one["good"], one["points"]) for one in score["parts"]}
    assert parts == {"complete": (2, 10.0), "content": (1, 5.0), "prompt": (1, 2.5), "interface": (1, 2.5)}
    assert score["points"] == 20.0
    assert [(one["code"], one["reports"], one["tickets"]) for one in score["faults"]] == [("stock", 1, [no])]


async def test_a_month_without_reports_and_questions_that_cannot_be_answered(caller: Caller) -> None:
    empty = (await caller.get("/api/v1/platforms/score?channel=12319&month=2026-02")).body
    assert (empty["reports"], empty["points"]) == (0, None)
    for query, wrong in (("", "channel"), ("?channel=wechat", "channel"), ("?channel=12345&month=2026-13", "month")):
        answer = await caller.get(f"/api/v1/platforms/score{query}")
        assert (answer.status, answer.fields) == (422, [wrong])
    token = await caller.new_token("brigade", "brigade-1")
    assert (await caller.get("/api/v1/platforms/score?channel=12345", token)).status == 403
