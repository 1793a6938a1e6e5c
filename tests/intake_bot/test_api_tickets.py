"""The life cycle over the API: every action of the contract, by those who may, and what the rest are told."""

from __future__ import annotations

from typing import Any

import pytest
from service import Caller, sample

CHANNELS = ("12345", "12319", "12369", "e-steward")


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_ticket_of_each_channel_goes_all_the_way(caller: Caller, channel: str) -> None:
    """Accepted, returned and dispatched again, contacted, extended, resolved, followed up and closed."""
    told = (await caller.send(channel, sample(channel))).body
    no, brigade = told["ticket_no"], told["brigade"]["code"]
    other = "brigade-2" if brigade != "brigade-2" else "brigade-3"
    first, second = await caller.new_token("brigade", brigade), await caller.new_token("brigade", other)
    desk, leader = await caller.new_token("operator"), await caller.new_token("supervisor")

    accepted = await caller.act(no, "accept", first)
    assert (accepted.status, accepted.body["status"]) == (200, "accepted")
    returned = await caller.act(no, "return", first, reason_code="R1", basis="权力清单第12项", suggested_unit=other)
    assert (returned.status, returned.body["status"]) == (200, "returned")
    assert returned.body["counts"]["returns"] == 1
    again = await caller.act(no, "transfer", desk, brigade=other, reason="同意退单")
    assert (again.status, again.body["status"], again.body["brigade"]["code"]) == (200, "dispatched", other)
    assert again.body["counts"]["redispatches"] == 1

    barred = await caller.act(no, "return", second, reason_code="R1", basis="权力清单第12项")
    assert barred.status == 409, "the command centre has ruled"
    assert (await caller.act(no, "accept", second)).body["status"] == "accepted"
    contacted = await caller.act(no, "contact", second, note="已电话联系")
    lead = lead_of(contacted.body)
    assert (lead["brigade"]["code"], bool(lead["contacted_at"])) == (other, True)
    asked = await caller.act(no, "extend", second, working_days=3, reason="需要检测")
    assert (asked.status, asked.body["status"]) == (200, "extended")
    before = asked.body["due_inner"]
    granted = await caller.act(no, "extend", leader, decision="approved")
    assert (granted.status, granted.body["status"]) == (200, "accepted")
    assert granted.body["due_inner"] > before
    resolve = [one for one in lead_of(granted.body)["clocks"] if one["stage"] == "resolve"]
    assert [(one["original_due_at"], one["due_at"]) for one in resolve] == [(before, granted.body["due_inner"])]

    resolved = await caller.act(no, "resolve", second, result="已现场核查并整改到位", public_reply="您反映的问题已整改")
    assert (resolved.status, resolved.body["status"]) == (200, "resolved")
    visited = await caller.act(no, "follow-up", desk, solved="yes", satisfaction="satisfied")
    assert (visited.status, visited.body["status"]) == (200, "followed_up")
    closed = await caller.act(no, "close", desk)
    assert (closed.status, closed.body["status"]) == (200, "closed")
    assert closed.body["light"] == "grey"
    assert all(one["stopped_at"] for share in closed.body["assignments"] for one in share["clocks"])

    events = (await caller.get(f"/api/v1/tickets/{no}/events")).body["events"]
    assert [one["action"] for one in events if one["action"] != "helper_ended"] == [
        "received",
        "dispatched",
        "accepted",
        "returned",
        "return_granted",
        "dispatched",
        "accepted",
        "contacted",
        "extension_asked",
        "extended",
        "resolved",
        "followed_up",
        "closed",
    ]
    assert (await caller.house.store.verify_chain()).intact


def lead_of(ticket: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in ticket["assignments"] if one["assignment"] == ticket["lead"])


async def dispatched(caller: Caller, channel: str = "12345") -> tuple[str, str]:
    """A fresh ticket: its number, and a token of its brigade."""
    told = (await caller.send(channel, sample(channel))).body
    return told["ticket_no"], await caller.new_token("brigade", told["brigade"]["code"])


async def test_not_solved_goes_back_to_work_with_a_new_limit(caller: Caller) -> None:
    no, brigade = await dispatched(caller)
    await caller.act(no, "accept", brigade)
    await caller.act(no, "resolve", brigade, result="已处理")
    back = await caller.act(no, "follow-up", solved="no", satisfaction="unsatisfied")
    assert (back.body["status"], back.body["counts"]["rehandled"]) == ("accepted", 1)
    rounds = [
        one["round"] for one in lead_of(back.body)["clocks"] if one["stage"] == "resolve" and not one["stopped_at"]
    ]
    assert rounds == [2]


async def test_an_action_that_is_not_allowed_says_what_is(caller: Caller) -> None:
    no, brigade = await dispatched(caller)
    answer = await caller.act(no, "resolve", brigade, result="已处理")
    assert answer.status == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.body["allowed"]) >= {"accept", "return"}
    assert "签收" in answer.body["detail"]


async def test_what_must_accompany_an_action_is_named(caller: Caller) -> None:
    no, brigade = await dispatched(caller)
    answer = await caller.act(no, "return", brigade)
    assert answer.status == 422
    assert answer.fields == ["reason_code", "basis"]
    unknown = await caller.act(no, "return", brigade, reason_code="R99", basis="x")
    assert (unknown.status, unknown.fields) == (422, ["reason_code"])
    misspelt = await caller.act(no, "accept", brigade, notes="多了一个字母")
    assert (misspelt.status, misspelt.fields) == (422, ["notes"])


async def test_a_role_that_may_not_is_refused(caller: Caller) -> None:
    no, _ = await dispatched(caller)
    operator = await caller.new_token("operator")
    answer = await caller.act(no, "accept", operator)
    assert answer.status == 403
    assert "大队队员" in answer.body["detail"]
    assert (await caller.act(no, "press", operator, requirement="请尽快")).status == 403


async def test_a_brigade_neither_sees_nor_touches_what_is_not_its_own(caller: Caller) -> None:
    no, _ = await dispatched(caller)
    stranger = await caller.new_token("brigade", "brigade-3")
    assert (await caller.get(f"/api/v1/tickets/{no}", stranger)).status == 404
    assert (await caller.get(f"/api/v1/tickets/{no}/events", stranger)).status == 404
    assert (await caller.act(no, "accept", stranger)).status in {403, 404}
    assert (await caller.get("/api/v1/tickets", stranger)).body["items"] == []


async def test_two_people_cannot_change_the_same_version(caller: Caller) -> None:
    no, brigade = await dispatched(caller)
    seen = await caller.get(f"/api/v1/tickets/{no}")
    version = seen.headers["ETag"]
    first = await caller.post(f"/api/v1/tickets/{no}/accept", {}, brigade, headers={"If-Match": version})
    assert first.status == 200
    late = await caller.post(f"/api/v1/tickets/{no}/urge", {}, headers={"If-Match": version})
    assert late.status == 412


async def test_press_and_urge_are_counted(caller: Caller) -> None:
    no, _ = await dispatched(caller)
    await caller.act(no, "urge", note="市民再次来电")
    pressed = await caller.act(no, "press", requirement="今日内反馈", due_at="2026-12-01T17:00:00+08:00")
    assert pressed.status == 200, pressed.body
    assert (pressed.body["counts"]["urges"], pressed.body["counts"]["presses"]) == (1, 1)


async def test_reclassifying_sends_it_to_the_brigade_whose_business_it_is(caller: Caller) -> None:
    no, _ = await dispatched(caller)
    answer = await caller.act(no, "reclassify", category="J0302", note="是工地扬尘")
    assert answer.status == 200, answer.body
    assert (answer.body["category"]["code"], answer.body["brigade"]["code"]) == ("J0302", "brigade-3")
    unknown = await caller.act(no, "reclassify", category="Z9999")
    assert (unknown.status, unknown.fields) == (422, ["category"])


async def test_the_desk_settles_what_waits_there(caller: Caller) -> None:
    body = {"orderNum": "DESK1", "majorContent": "你好，在吗", "callTime": "2026-11-20 09:00:00"}
    no = (await caller.send("12345", body)).body["ticket_no"]
    sent = await caller.act(no, "transfer", brigade="brigade-2", reason="电话问明是企业排污")
    assert (sent.status, sent.body["status"], sent.body["brigade"]["code"]) == (200, "dispatched", "brigade-2")
    assert all(clock["stopped_at"] for clock in sent.body["desk_clocks"])


async def test_the_desk_may_refuse_with_a_reason(caller: Caller) -> None:
    body = {"orderNum": "DESK2", "majorContent": "你好，在吗", "callTime": "2026-11-20 09:00:00"}
    no = (await caller.send("12345", body)).body["ticket_no"]
    assert (await caller.act(no, "close")).status == 422
    refused = await caller.act(no, "close", reason="没有诉求内容，已告知如何反映")
    assert (refused.status, refused.body["status"]) == (200, "rejected")


async def test_merging_ends_one_and_goes_on_with_the_other(caller: Caller) -> None:
    first, _ = await dispatched(caller)
    second = (await caller.send("12345", {**sample("12345"), "orderNum": "SAME2"})).body["ticket_no"]
    merged = await caller.act(second, "merge", into=first)
    assert (merged.status, merged.body["status"], merged.body["merged_into"]) == (200, "merged", first)
    assert (await caller.act(second, "merge", into=first)).status == 409
    assert (await caller.act(first, "merge", into=first)).status == 422
    assert (await caller.act(first, "merge", into="FH000000-00000")).status == 422


async def test_a_helper_works_beside_the_lead_with_its_own_clocks(caller: Caller) -> None:
    no, _ = await dispatched(caller, "12369")
    added = await caller.act(no, "transfer", brigade="brigade-3", share="helper", reason="联合检查")
    assert added.status == 200, added.body
    helper = next(one for one in added.body["assignments"] if one["brigade"]["code"] == "brigade-3")
    assert helper["share"] == "helper" and {clock["stage"] for clock in helper["clocks"]} >= {"accept", "resolve"}
    token = await caller.new_token("brigade", "brigade-3")
    accepted = await caller.act(no, "accept", token)
    assert accepted.status == 200
    assert accepted.body["status"] == "dispatched", "the lead has not accepted yet"


async def test_what_an_operator_enters_takes_the_same_path(caller: Caller) -> None:
    operator = await caller.new_token("operator")
    body = {
        "source": "phone",
        "content": "支山村村口的建筑垃圾堆了一个多星期没人清运，都堆到路上了，希望尽快清掉。",
        "reporter": {"name": "测试戊", "phone": "13800000008"},
        "address": "支山村村口",
    }
    answer = await caller.post("/api/v1/tickets", body, operator)
    assert answer.status == 201, answer.body
    assert (answer.body["status"], answer.body["brigade"]["code"], answer.body["cell"]["code"]) == (
        "dispatched",
        "brigade-3",
        "js-201",
    )
    for wrong, fields in (({}, ["source", "content"]), ({"source": "fax", "content": "x"}, ["source"])):
        refused = await caller.post("/api/v1/tickets", wrong, operator)
        assert (refused.status, refused.fields) == (422, fields)
    brigade = await caller.new_token("brigade", "brigade-1")
    assert (await caller.post("/api/v1/tickets", body, brigade)).status == 403


async def test_lists_filter_and_page(caller: Caller) -> None:
    rows = [{**sample("12345"), "orderNum": f"PAGE{number:03d}"} for number in range(7)]
    await caller.send("12345", rows)
    await caller.send("12369", sample("12369"))
    numbers: list[str] = []
    cursor = ""
    while True:
        page = await caller.get("/api/v1/tickets", params={"limit": "3", **({"cursor": cursor} if cursor else {})})
        numbers += [one["ticket_no"] for one in page.body["items"]]
        if not page.body["next_cursor"]:
            break
        cursor = page.body["next_cursor"]
    assert len(numbers) == len(set(numbers)) == 8
    assert numbers == sorted(numbers, reverse=True)
    found = await caller.get("/api/v1/tickets", params={"channel": "12369"})
    assert [one["brigade"] for one in found.body["items"]] == ["brigade-2"]
    assert len((await caller.get("/api/v1/tickets", params={"text": "流动摊贩"})).body["items"]) == 7
    assert (await caller.get("/api/v1/tickets", params={"text": "流动摊贩", "channel": "12369"})).body["items"] == []
    for name, value in (
        ("light", "blue"),
        ("limit", "0"),
        ("from", "昨天"),
        ("cursor", "!!"),
        ("status", "lost"),
        ("text", "摊"),
    ):
        refused = await caller.get("/api/v1/tickets", params={name: value})
        assert (refused.status, refused.fields) == (422, [name])


async def test_a_search_of_the_list_has_pages_and_keeps_to_what_one_may_see(caller: Caller) -> None:
    sent = [{**sample("12345"), "orderNum": f"PAGE{number:03d}", "callerPhone": "13800009876"} for number in range(5)]
    await caller.send("12345", sent)
    await caller.send("12369", sample("12369"))
    pages: list[list[str]] = []
    cursor = ""
    while cursor is not None:
        query = {"text": "流动 摊贩", "limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await caller.get("/api/v1/tickets", params=query)).body
        pages.append([one["source_no"] for one in page["items"]])
        cursor = page["next_cursor"]
    assert pages == [["PAGE004", "PAGE003"], ["PAGE002", "PAGE001"], ["PAGE000"]]

    operator = await caller.new_token("operator")
    own = await caller.new_token("brigade", "brigade-1")
    for token, text, number in (
        *((operator, "13800009876", 5), (operator, "9876", 5), (operator, "PAGE003", 1), (operator, "塑料制品厂", 1)),
        *((own, "13800009876", 0), (own, "9876", 0), (own, "PAGE003", 1), (own, "塑料制品厂", 0)),
    ):
        found = await caller.get("/api/v1/tickets", token, params={"text": text})
        assert len(found.body["items"]) == number, (text, number)


async def test_the_reporter_is_shown_by_role(caller: Caller) -> None:
    no, brigade = await dispatched(caller)
    assert (await caller.get(f"/api/v1/tickets/{no}")).body["reporter"]["phone"] == "13800000000"
    masked = (await caller.get(f"/api/v1/tickets/{no}", brigade)).body["reporter"]
    assert masked["phone"] == "138****0000"
    told = (await caller.send("12369", sample("12369"))).body
    assert told["brigade"]["code"] == "brigade-2"
    token = await caller.new_token("brigade", "brigade-2")
    hidden = (await caller.get(f"/api/v1/tickets/{told['ticket_no']}", token)).body["reporter"]
    assert hidden == {"anonymous": False, "confidential": True, "name": "", "phone": "", "contact": ""}


async def test_without_a_valid_token_nothing_is_told(caller: Caller) -> None:
    for token in ("", "wrong", "x" * 64):
        answer = await caller.get("/api/v1/tickets", token)
        assert answer.status == 401
        assert "Bearer" in answer.headers["WWW-Authenticate"]


async def test_an_unknown_ticket_is_not_found(caller: Caller) -> None:
    for path in ("/api/v1/tickets/FH000000-00000", "/api/v1/tickets/FH000000-00000/events"):
        assert (await caller.get(path)).status == 404
    assert (await caller.act("FH000000-00000", "urge")).status == 404
    assert (await caller.act("FH000000-00000", "dance")).status == 404


async def test_a_reply_is_checked_before_it_goes_out(caller: Caller) -> None:
    no, brigade = await dispatched(caller)
    empty = await caller.post(f"/api/v1/tickets/{no}/check-reply", {"reply": "感谢您的支持，我局高度重视。"}, brigade)
    assert (empty.status, empty.body["verdict"]) == (200, "mend")
    assert all(one["reason"] for one in empty.body["findings"])
    leaking = await caller.post(
        f"/api/v1/tickets/{no}/check-reply", {"reply": "已联系测试甲（13800000000），摊贩已劝离。"}, brigade
    )
    assert {one["code"] for one in leaking.body["findings"] if one["code"].startswith("leak_")}
    stranger = await caller.new_token("brigade", "brigade-3")
    assert (await caller.post(f"/api/v1/tickets/{no}/check-reply", {"reply": "x"}, stranger)).status == 404
