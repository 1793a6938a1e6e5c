"""One event, many tickets, in the running service: found with reasons, joined, worked on once, and taken apart again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from service import Caller

from domain.category import CategoryTree
from domain.worktime import LOCAL
from intake_bot.api.server import build_app
from intake_bot.house import House, open_house
from intake_bot.joining import follow
from intake_bot.reporting_back import report_of
from intake_bot.settings import Deployment
from intake_bot.simulation.bodies import BODIES, Matter
from nlu.embedded.engine import EmbeddedEngine

SMOKE = "恬庄南街38号老味道面馆油烟直排，油烟味飘到楼上居民家里，要求查处"
SMOKE_AGAIN = "恬庄南街38号的老味道面馆每天油烟直排，油烟味很大，楼上没法开窗"
PARKING = "支山路12号门口的盲道被共享单车占了，盲人没法走"


async def tell(caller: Caller, number: int, text: str = SMOKE, *, phone: int | None = None, **fields: Any) -> str:
    """A complaint over the hotline; its ticket number."""
    body = {
        "orderNum": f"TZ26112400{number:04d}",
        "majorContent": text,
        "callTime": f"2026-11-24 09:{number % 60:02d}:00",
        "callerPhone": f"1380000{number if phone is None else phone:04d}",
        "callerType": "投诉",
        "address": "凤凰镇恬庄南街38号" if "恬庄" in text else "",
        **fields,
    }
    answer = await caller.send("12345", body)
    assert answer.status == 201, answer.body
    return str(answer.body["ticket_no"])


async def follow_all(house: House) -> None:
    while await follow(house):
        pass


async def same(caller: Caller, no: str, token: str | None = None) -> Any:
    answer = await caller.get(f"/api/v1/tickets/{no}/same", token)
    assert answer.status == 200, answer.body
    return answer.body


async def decide(caller: Caller, no: str, word: str, token: str | None = None, **body: Any) -> Any:
    return await caller.post(f"/api/v1/tickets/{no}/same/{word}", body, token)


async def brigade_of(caller: Caller, no: str) -> str:
    ticket = (await caller.get(f"/api/v1/tickets/{no}")).body
    assert ticket["status"] == "dispatched", "the texts of this test are clear enough"
    return await caller.new_token("brigade", ticket["brigade"]["code"])


async def actions(caller: Caller, no: str) -> list[str]:
    events = (await caller.get(f"/api/v1/tickets/{no}/events")).body["events"]
    return [one["action"] for one in events]


def by_rule(house: House, confidence: float) -> House:
    """The same house, configured to join by rule."""
    settings = house.settings
    joining = settings.router.joining.model_copy(update={"confidence": confidence})
    router = settings.router.model_copy(update={"joining": joining})
    changed = settings.model_copy(update={"router": router})
    return replace(house, deployment=replace(house.deployment, settings=changed))


async def test_a_neighbour_is_proposed_with_reasons_and_nobody_is_joined_unasked(caller: Caller) -> None:
    first, other, again = await tell(caller, 1), await tell(caller, 2, PARKING), await tell(caller, 3, SMOKE_AGAIN)
    await follow_all(caller.house)
    seen = await same(caller, again)
    assert seen["incident"] is None
    assert [(one["other"], one["state"]) for one in seen["proposals"]] == [(first, "open")]
    assert "地点相同：恬庄南街38号" in seen["proposals"][0]["why"]
    assert [one["other"] for one in (await same(caller, first))["proposals"]] == [again], "both sides show it"
    assert (await same(caller, other))["proposals"] == []
    assert (await same(caller, again, await brigade_of(caller, again)))["proposals"] == []


async def test_one_task_one_visit_and_every_ticket_its_own_reply(caller: Caller) -> None:
    first, again = await tell(caller, 1), await tell(caller, 3, SMOKE_AGAIN)
    await follow_all(caller.house)
    desk, brigade = await caller.new_token("operator"), await brigade_of(caller, first)
    assert (await decide(caller, again, "join", brigade, other=first)).status == 403
    joined = await decide(caller, again, "join", desk, other=first)
    assert joined.status == 200, joined.body
    assert [one["ticket_no"] for one in joined.body["incident"]["members"]] == [first, again]
    assert [one["state"] for one in joined.body["proposals"]] == ["accepted"]

    await caller.act(first, "accept", brigade)
    await caller.act(first, "contact", brigade, note="已到现场")
    await follow_all(caller.house)
    assert (await caller.get(f"/api/v1/tickets/{again}")).body["status"] == "accepted"
    await caller.act(first, "resolve", brigade, result="已加装油烟净化器", public_reply="已整改")
    await follow_all(caller.house)
    await follow_all(caller.house)
    steps = await actions(caller, again)
    assert [steps.count(one) for one in ("accepted", "contacted", "resolved")] == [1, 1, 1]
    told = (await caller.get(f"/api/v1/tickets/{again}/events")).body["events"]
    assert first in next(one for one in told if one["action"] == "accepted")["data"]["note"]

    assert (await caller.act(first, "follow-up", desk, solved="yes", satisfaction="satisfied")).status == 200
    mine = (await caller.get(f"/api/v1/tickets/{again}")).body
    assert (mine["status"], mine["satisfaction"]) == ("resolved", ""), "its own reporter is asked for itself"
    back = await caller.act(again, "follow-up", desk, solved="no", satisfaction="unsatisfied")
    assert back.body["status"] == "accepted"
    tasks, _ = await caller.house.store.tasks.in_hand(mine["brigade"]["code"], 10)
    assert again in [one.no for one in tasks], "what is not solved for this reporter is a task again"
    assert (await caller.house.store.verify_chain()).intact


async def test_one_event_across_the_channels_is_told_to_each_in_its_own_words(caller: Caller) -> None:
    at = datetime(2026, 11, 24, 9, 0, tzinfo=LOCAL)
    numbers = []
    for count, (channel, adapter) in enumerate(
        (
            ("12345", "hotline_12345"),
            ("12319", "hotline_12319"),
            ("12369", "hotline_12369"),
            ("e-steward", "e_steward"),
        )
    ):
        text = (SMOKE, SMOKE_AGAIN)[count % 2]
        matter = Matter(text, count + 1, at + timedelta(minutes=count), 120.6245, 31.7712, f"1380000000{count}")
        plain = {"isSecret": "0", "callerType": "投诉"} if channel == "12345" else {}
        answer = await caller.send(channel, BODIES[adapter](matter, random.Random(1)) | plain)
        assert answer.status == 201, answer.body
        numbers.append(str(answer.body["ticket_no"]))
    await follow_all(caller.house)
    first, *others = numbers
    desk, brigade = await caller.new_token("operator"), await brigade_of(caller, first)
    for no in others:
        assert first in {one["other"] for one in (await same(caller, no))["proposals"]}, no
        assert (await decide(caller, no, "join", desk, other=first)).status == 200
    await caller.act(first, "accept", brigade)
    await caller.act(
        first, "resolve", brigade, result="店家已加装油烟净化器并停用旧排口", public_reply="店家已加装油烟净化器"
    )
    await follow_all(caller.house)
    for no in numbers:
        ticket = await caller.house.store.tickets.get(no)
        assert ticket is not None
        told = await caller.house.store.outbox.latest(no, f"channel:{ticket.complaint.channel}")
        assert told is not None and told.about == "resolved", ticket.complaint.channel
        assert told.data["source_no"] == ticket.complaint.source_no
        payload = caller.house.channels[ticket.complaint.channel].report(report_of(caller.house, told, ticket))
        assert payload is not None and "油烟净化器" in str(payload)


async def test_who_joins_a_task_in_hand_is_signed_for_and_taken_out_keeps_what_was_done(caller: Caller) -> None:
    first, again = await tell(caller, 1), await tell(caller, 3, SMOKE_AGAIN)
    await caller.act(first, "accept", await brigade_of(caller, first))
    assert (await decide(caller, again, "join", other=first)).status == 200
    await follow_all(caller.house)
    assert (await actions(caller, again)).count("accepted") == 1
    assert (await decide(caller, again, "leave")).status == 422
    assert (await decide(caller, first, "leave", reason="误并")).status == 409
    left = await decide(caller, again, "leave", reason="误并")
    assert (left.status, left.body["incident"]) == (200, None)
    assert (await caller.get(f"/api/v1/tickets/{again}")).body["status"] == "accepted"
    assert (await decide(caller, again, "leave", reason="再拆")).status == 409


async def test_more_time_for_the_lead_is_more_time_for_all_and_who_joins_a_rest_rests(caller: Caller) -> None:
    first, again, third = await tell(caller, 1), await tell(caller, 3, SMOKE_AGAIN), await tell(caller, 5, SMOKE_AGAIN)
    desk, brigade, leader = (
        await caller.new_token("operator"),
        await brigade_of(caller, first),
        await caller.new_token("supervisor"),
    )
    await decide(caller, again, "join", desk, other=first)
    await caller.act(first, "accept", brigade)
    await follow_all(caller.house)
    due = {one["ticket_no"]: one["due_at"] for one in (await same(caller, first))["incident"]["members"]}
    await caller.act(first, "extend", brigade, working_days=1, reason="需要检测")
    assert (await caller.act(first, "extend", leader, decision="approved")).status == 200
    await follow_all(caller.house)
    members = (await same(caller, first, brigade))["incident"]["members"]
    assert [(one["ticket_no"], one["extended"]) for one in members] == [(first, True), (again, True)]
    assert all(one["due_at"] > due[one["ticket_no"]] for one in members)
    until = (caller.house.now() + timedelta(days=3)).date().isoformat()
    await caller.act(first, "suspend", brigade, until=until, reason="等待检测结果")
    assert (await caller.act(first, "suspend", leader, decision="approved")).status == 200
    assert (await decide(caller, third, "join", desk, other=first)).status == 200
    await follow_all(caller.house)
    for no in (again, third):
        ticket = (await caller.get(f"/api/v1/tickets/{no}")).body
        assert ticket["status"] == "suspended", no
    assert (await actions(caller, third)).count("suspended") == 1
    assert {one["paused"] for one in (await same(caller, first))["incident"]["members"]} == {True}
    await caller.act(first, "resume", brigade)
    await follow_all(caller.house)
    assert {one["paused"] for one in (await same(caller, first))["incident"]["members"]} == {False}
    assert [(await actions(caller, no)).count("resumed") for no in (again, third)] == [1, 1]


async def test_a_refused_proposal_stays_refused(caller: Caller) -> None:
    first, again = await tell(caller, 1), await tell(caller, 3, SMOKE_AGAIN)
    await follow_all(caller.house)
    refused = await decide(caller, again, "refuse", other=first, note="两处烟道")
    assert [one["state"] for one in refused.body["proposals"]] == ["refused"]
    assert "sameness_refused" in await actions(caller, again)
    assert (await decide(caller, again, "refuse", other=first)).status == 409
    assert (await decide(caller, again, "refuse")).fields == ["other"]
    assert (await decide(caller, again, "refuse", other="FH000000-00000")).status == 404
    assert (await decide(caller, again, "join", other=again)).fields == ["other"]


async def test_the_same_person_again_is_marked_with_the_earlier_number(caller: Caller) -> None:
    first, again = await tell(caller, 1, phone=1), await tell(caller, 3, SMOKE_AGAIN, phone=1)
    await follow_all(caller.house)
    seen = (await same(caller, again))["proposals"]
    assert [(one["other"], one["state"], one["same_reporter"]) for one in seen] == [(first, "repeat", True)]
    assert seen[0]["state_name"] == "重复诉求"
    in_other_words = await tell(caller, 5, "那家店还是没人管，天天呛得人睡不着，油烟到底什么时候处理", phone=1)
    await follow_all(caller.house)
    assert {one["other"] for one in (await same(caller, in_other_words))["proposals"]} == {first, again}
    refused = await decide(caller, in_other_words, "refuse", other=first, note="说的是另一家")
    assert {one["other"]: one["state"] for one in refused.body["proposals"]} == {first: "refused", again: "repeat"}
    told = (await caller.get(f"/api/v1/tickets/{again}")).body
    assert told["version"] == 1, "finding it in the background changes nothing under people's hands"


async def test_what_comes_after_the_end_is_a_hint_and_not_joined(caller: Caller) -> None:
    first = await tell(caller, 1)
    brigade = await brigade_of(caller, first)
    await caller.act(first, "accept", brigade)
    await caller.act(first, "resolve", brigade, result="已整改")
    again = await tell(caller, 3, SMOKE_AGAIN)
    await follow_all(by_rule(caller.house, 0.5))
    seen = await same(caller, again)
    assert seen["incident"] is None
    assert [(one["other"], one["state"]) for one in seen["proposals"]] == [(first, "repeat")]
    assert (await decide(caller, again, "join", other=first)).status == 409


async def test_a_brigade_learns_only_how_many_confidential_ones_there_are(caller: Caller) -> None:
    first = await tell(caller, 1)
    open_one, secret = await tell(caller, 3, SMOKE_AGAIN), await tell(caller, 4, SMOKE_AGAIN, isSecret="1")
    for no in (open_one, secret):
        assert (await decide(caller, no, "join", other=first)).status == 200
    brigade = await brigade_of(caller, first)
    seen = (await same(caller, first, brigade))["incident"]
    assert [one["ticket_no"] for one in seen["members"]] == [first, open_one]
    assert seen["joined"] == 2
    events = await caller.get(f"/api/v1/tickets/{first}/events", brigade)
    assert secret not in str(events.body)
    assert open_one in str(events.body)


async def test_a_lead_that_goes_to_another_brigade_lets_its_members_go(caller: Caller) -> None:
    first, again = await tell(caller, 1), await tell(caller, 3, SMOKE_AGAIN)
    await decide(caller, again, "join", other=first)
    unit = (await caller.get(f"/api/v1/tickets/{first}")).body["brigade"]["code"]
    elsewhere = "brigade-2" if unit != "brigade-2" else "brigade-3"
    moved = await caller.act(first, "transfer", brigade=elsewhere, reason="属企业管理")
    assert moved.status == 200, moved.body
    await follow_all(caller.house)
    assert (await same(caller, again))["incident"] is None
    assert (await actions(caller, again))[-1] == "left_incident"
    assert (await caller.get(f"/api/v1/tickets/{again}")).body["brigade"]["code"] == unit


@pytest.fixture
async def other_process(
    house: House, deployment: Deployment, tree: CategoryTree, engine: EmbeddedEngine
) -> AsyncIterator[House]:
    """A second service over the same database, with connections of its own."""
    async with open_house(deployment, tree, engine) as opened:
        yield opened


async def test_thirty_neighbours_are_joined_by_rule_once_by_two_processes(caller: Caller, other_process: House) -> None:
    told = [await tell(caller, number, f"{SMOKE}（楼上第{number}户）") for number in range(1, 31)]
    houses = [by_rule(caller.house, 0.9), by_rule(other_process, 0.9)]

    async def following(house: House) -> None:
        for _ in range(12):
            await follow(house)

    await asyncio.gather(*(following(house) for house in houses))
    incident = (await same(caller, told[0]))["incident"]
    assert sorted(one["ticket_no"] for one in incident["members"]) == sorted(told)
    assert incident["lead"] == told[0]
    for no in told[1:]:
        assert (await actions(caller, no)).count("joined_incident") == 1
    unit = (await caller.get(f"/api/v1/tickets/{told[0]}")).body["brigade"]["code"]
    tasks, in_all = await caller.house.store.tasks.in_hand(unit, 100)
    assert ([one.no for one in tasks], in_all) == ([told[0]], 1)
    assert (await caller.house.store.verify_chain()).intact


async def test_the_timer_of_the_service_follows_by_itself(house: House) -> None:
    client: TestClient[Any, Any] = TestClient(TestServer(build_app(house)))
    async with client:
        caller = Caller(client, house)
        first, again = await tell(caller, 1), await tell(caller, 3, SMOKE_AGAIN)
        async with asyncio.timeout(60):
            while not (found := (await same(caller, again))["proposals"]):
                await asyncio.sleep(0.1)
        assert found[0]["other"] == first
