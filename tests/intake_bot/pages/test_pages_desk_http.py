"""The desk over HTTP: queues and who has which, suggestions that store nothing, search, import with a preview, merging."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from service import Caller, sample

from domain.people import Role
from domain.worktime import local
from intake_bot.joining import follow
from intake_bot.searching import keep_index
from storage.queues import Queue

PHONE_NUMBER = "13800000001"
SHEET = (
    "工单编号,受理时间,内容描述,诉求地址,来电号码\r\n"
    "DR0001,2026-11-20 09:00:00,凤凰大道烧烤店油烟扰民，晚上睡不着,凤凰大道,13800000001\r\n"
    "DR0002,不是时间,双塘村河道垃圾,双塘村,13800000002\r\n"
    "DR0003,2026-11-20 10:00:00,,双塘村,13800000003\r\n"
    "DR0001,2026-11-20 09:00:00,凤凰大道烧烤店油烟扰民，晚上睡不着,凤凰大道,13800000001\r\n"
    'DR0004,2026-11-20 11:00:00,"<script>alert(1)</script>占道经营",金谷路,13800000004\r\n'
).encode("utf-8-sig")


async def entered(caller: Caller, content: str, **more: Any) -> str:
    """The number of a ticket that an operator entered."""
    answer = await caller.post("/api/v1/tickets", {"source": "phone", "content": content, **more})
    assert answer.status == 201, answer.body
    return str(answer.body["ticket_no"])


async def shown(caller: Caller, path: str, token: str | None = None, status: int = 200) -> str:
    answer = await caller.get(path, token)
    assert answer.status == status, (path, answer.status)
    return str(answer.body)


def rows(html: str) -> list[str]:
    return re.findall(r'data-no="([^"]+)" ?', html.split('<article class="desk-ticket"', maxsplit=1)[0])


def counts(html: str) -> dict[str, int]:
    found = re.findall(r'href="/desk\?queue=(\w+)"[^>]*>[^<]*<span class="desk-count[^>]*>(\d+)<', html)
    return {code: int(count) for code, count in found}


async def dispatched(caller: Caller) -> str:
    """The number of a ticket that a brigade has."""
    told = (await caller.send("12345", sample("12345"))).body
    assert told["status"] == "dispatched", told
    return str(told["ticket_no"])


async def test_every_queue_holds_what_waits_there_and_nothing_else(caller: Caller) -> None:
    no = await dispatched(caller)
    unsure = await entered(caller, "就是那个事情，你们知道的")
    ticket = (await caller.get(f"/api/v1/tickets/{unsure}")).body
    assert ticket["status"] == "triage"
    assert rows(await shown(caller, "/desk/queue?queue=triage")) == [unsure]
    danger = await entered(caller, "魏庄村燃气泄漏有人晕倒了，快来人")
    assert danger in rows(await shown(caller, "/desk/queue?queue=risk"))
    assert unsure not in rows(await shown(caller, "/desk/queue?queue=risk"))

    returned = await caller.act(no, "return", reason_code="R1", basis="不在权力清单内")
    assert returned.status == 200, returned.body
    assert rows(await shown(caller, "/desk/queue?queue=returned")) == [no]
    unit = returned.body["brigade"]["code"]
    page = await shown(caller, f"/desk/{no}")
    assert "申请退单" in page and "不在权力清单内" in page and f'name="brigade" value="{unit}"' in page
    assert (await caller.act(no, "transfer", brigade=unit, reason="属于本职责")).status == 200
    assert rows(await shown(caller, "/desk/queue?queue=returned")) == []

    await caller.act(no, "accept")
    assert (await caller.act(no, "extend", working_days=2, reason="会同村里")).status == 200
    assert rows(await shown(caller, "/desk/queue?queue=asked")) == [no]
    assert (await caller.act(no, "extend", decision="approved")).status == 200
    assert (await caller.act(no, "resolve", result="已转相关部门处理。")).status == 200
    assert rows(await shown(caller, "/desk/queue?queue=follow_up")) == [no]
    page = await shown(caller, f"/desk/{no}")
    assert "办理答复" in page and "应修改" in page, "a reply that says nothing is found out"

    assert (await caller.act(unsure, "press", requirement="今天研判")).status == 200
    assert rows(await shown(caller, "/desk/queue?queue=order")) == [unsure]
    assert (
        await caller.act(unsure, "transfer", department=await a_department(caller), reason="不属本局")
    ).status == 200
    assert set(rows(await shown(caller, "/desk/queue?queue=outside"))) == {unsure, danger}, "a gas leak is not ours"
    found = counts(await shown(caller, "/desk/queue?queue=triage"))
    assert set(found) == {str(one) for one in Queue}
    assert found["outside"] == 2 and found["risk"] == 1 and found["follow_up"] == 1 and found["returned"] == 0


async def a_department(caller: Caller) -> str:
    leaves = caller.house.tree.leaves.values()
    return next(leaf.department.code for leaf in leaves if leaf.department is not None)


async def test_the_same_caller_about_the_same_matter_is_held_to_be_a_duplicate(caller: Caller) -> None:
    content = "凤凰大道烧烤店油烟太大，晚上睡不着"
    first = await entered(caller, content, reporter={"phone": PHONE_NUMBER})
    other = await entered(caller, "双塘村河道有人倾倒垃圾", reporter={"phone": "13800000009"})
    second = await entered(caller, "又来反映，" + content, reporter={"phone": PHONE_NUMBER})
    await follow(caller.house)
    found = rows(await shown(caller, "/desk/queue?queue=duplicate"))
    assert second in found and other not in found and first not in found
    page = await shown(caller, f"/desk/{second}")
    assert f"/desk/{second}/merge?into={first}" in page and "重复诉求（同一号码）" in page
    assert f"/desk/{first}/merge?into={second}" not in await shown(caller, f"/desk/{first}"), "who came first goes on"
    assert (await caller.act(second, "merge", into=first)).status == 200
    assert rows(await shown(caller, "/desk/queue?queue=duplicate")) == []


async def test_queues_of_rulings_are_the_supervisors_and_brigades_have_no_desk(caller: Caller) -> None:
    operator = await caller.new_token("operator")
    assert "queue=asked" not in await shown(caller, "/desk", operator)
    await shown(caller, "/desk?queue=asked", operator, status=403)
    assert "queue=asked" in await shown(caller, "/desk", await caller.new_token("supervisor"))
    brigade = await caller.new_token("brigade", "brigade-1")
    no = await dispatched(caller)
    for path in ("/desk", "/desk/new", "/desk/search", "/desk/import", f"/desk/{no}", f"/desk/{no}/merge"):
        await shown(caller, path, brigade, status=403)
    assert (await caller.get("/api/v1/search?q=油烟", brigade)).status == 403
    assert (await caller.post("/api/v1/tickets/suggest", {}, brigade)).status == 403
    assert (await caller.client.get("/desk", allow_redirects=False)).status == 303


async def test_a_ticket_shows_why_when_and_what_happened(caller: Caller) -> None:
    no = await dispatched(caller)
    page = await shown(caller, f"/desk/{no}")
    ticket = (await caller.get(f"/api/v1/tickets/{no}")).body
    for line in ticket["why"].split("；"):
        assert line in page
    assert "<mark" in page and "办结" in page and "为什么是这个时间" in page and "受理诉求" in page
    assert ticket["reporter"]["phone"] in page
    for one in ticket["allowed"]:
        if one["action"] != "merge":
            assert f"/api/v1/tickets/{no}/{one['action']}" in page or one["action"] == "answer-press", one
    await shown(caller, "/desk/FH000000-99999", status=404)


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}"])
async def test_what_people_type_is_never_markup(caller: Caller, hostile: str) -> None:
    no = await entered(
        caller,
        f"油烟扰民{hostile}很久了",
        address=hostile,
        party=hostile,
        appeal=hostile,
        reporter={"name": hostile, "phone": PHONE_NUMBER},
    )
    await caller.act(no, "urge", note=hostile)
    await caller.house.store.search.catch_up()
    for path in (f"/desk/{no}", "/desk/search?q=油烟", f"/desk/{no}/merge", f"/desk?no={no}&queue=triage"):
        html = await shown(caller, path)
        assert "<script>alert" not in html and "<img src=x" not in html and ">49<" not in html
    answer = await caller.post("/desk/new/suggestions", {"content": f"油烟{hostile}", "phone": PHONE_NUMBER})
    assert answer.status == 200 and "<script>alert" not in answer.body and "<img src=x" not in answer.body
    html = (await caller.get("/desk/search", params={"q": hostile})).body
    assert "<script>alert" not in html and "<img src=x" not in html and ">49<" not in html


async def test_a_suggestion_says_what_entering_would_do_and_stores_nothing(caller: Caller) -> None:
    content = "凤凰大道88号烧烤店每天半夜油烟扰民"
    first = await entered(caller, content, reporter={"phone": PHONE_NUMBER}, address="凤凰大道88号")
    await caller.house.store.search.catch_up()
    before = await caller.house.store.tickets.last_sequence()
    told = (
        await caller.post(
            "/api/v1/tickets/suggest", {"content": content, "phone": "138-0000-0001", "address": "凤凰大道88号"}
        )
    ).body
    ticket = (await caller.get(f"/api/v1/tickets/{first}")).body
    assert told["draft"]["category"] == ticket["category"] and told["draft"]["kind"] == ticket["kind"]
    assert told["draft"]["brigade"] == ticket["brigade"] and told["draft"]["why"]
    assert [one["ticket_no"] for one in told["same_caller"]] == [first]
    assert told["same_place"] == [], "shown once"
    there = (await caller.post("/api/v1/tickets/suggest", {"address": "凤凰大道88号"})).body
    assert there["draft"] is None and [one["ticket_no"] for one in there["same_place"]] == [first]
    assert (await caller.post("/api/v1/tickets/suggest", {})).body == {
        "draft": None,
        "same_caller": [],
        "same_place": [],
    }
    assert await caller.house.store.tickets.last_sequence() == before
    danger = (await caller.post("/desk/new/suggestions", {"content": "工地坍塌有人被困"})).body
    assert "119" in danger and "120" in danger


async def test_the_category_that_the_operator_chooses_counts(caller: Caller) -> None:
    content = "凤凰大道烧烤店每天半夜油烟扰民"
    leaves = caller.house.tree.leaves.values()
    chosen = next(leaf for leaf in leaves if leaf.unit == "brigade-3")
    told = (await caller.post("/api/v1/tickets/suggest", {"content": content, "category": chosen.code})).body
    assert told["draft"]["brigade"]["code"] == "brigade-3"
    no = await entered(caller, content, category=chosen.code, kind="help", urgency="urgent")
    ticket = (await caller.get(f"/api/v1/tickets/{no}")).body
    assert ticket["category"]["code"] == chosen.code and ticket["kind"] == "help" and ticket["urgency"] == "urgent"
    assert ticket["brigade"]["code"] == "brigade-3"
    assert ticket["understanding"]["category"]["code"] != chosen.code, "what the model thought stays on record"
    gone = (await caller.post("/api/v1/tickets/suggest", {"content": content, "category": "X9999"})).body
    assert gone["draft"]["category"]["code"] == ticket["understanding"]["category"]["code"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": 7}, "content"),
        ({"source": "telegram"}, "source"),
        ({"unknown": "1"}, "unknown"),
        ({"content": "一" * 20_001}, "content"),
        ({"phone": "1" * 20_001}, "phone"),
        ({"content": "\x00"}, "content"),
    ],
)
async def test_a_bad_call_is_refused_by_field(caller: Caller, body: dict[str, Any], field: str) -> None:
    answer = await caller.post("/api/v1/tickets/suggest", body)
    assert answer.status == 422 and answer.fields == [field]


async def test_suggestions_and_searches_are_what_is_described(caller: Caller) -> None:
    no = await entered(caller, "凤凰大道烧烤店油烟扰民", reporter={"phone": PHONE_NUMBER})
    document = (await caller.get("/api/openapi.json")).body
    told = await caller.post("/api/v1/tickets/suggest", {"content": "烧烤店油烟扰民", "phone": PHONE_NUMBER})
    found = await caller.get(f"/api/v1/search?q={no}")
    for path, method, answer in (
        ("/api/v1/tickets/suggest", "post", told),
        ("/api/v1/search", "get", found),
    ):
        schema = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
        whole = {"$ref": "#/schema", "schema": schema, "components": document["components"]}
        jsonschema.Draft202012Validator(whole).validate(answer.body)
    assert told.body["same_caller"] and found.body["items"]


async def test_the_index_follows_by_itself(caller: Caller) -> None:
    house = caller.house
    following = asyncio.create_task(keep_index(house))
    try:
        no = await entered(caller, "金谷路水果店占道经营")
        async with asyncio.timeout(60):
            while not (page := await house.store.search.find("水果店占道")).items:
                await asyncio.sleep(0.1)
        assert page.items[0].ticket_no == no
    finally:
        following.cancel()


async def test_search_finds_by_every_way_and_says_what_is_wrong(caller: Caller) -> None:
    no = await entered(
        caller, "金谷路水果店占道经营", reporter={"phone": "13800004321", "name": "赵某"}, party="甜甜水果店"
    )
    other = await entered(caller, "双塘村河道垃圾", reporter={"phone": "13800009999"})
    await caller.house.store.search.catch_up()
    for query in (no, no[-9:], "13800004321", "4321", "占道 金谷路", "甜甜水果", "水果店占道"):
        answer = await caller.get(f"/api/v1/search?q={query}")
        assert [one["ticket_no"] for one in answer.body["items"]] == [no], query
    assert (await caller.get("/api/v1/search?q=赵某")).body["items"] == []
    every = await caller.get("/api/v1/search?limit=1")
    assert [one["ticket_no"] for one in every.body["items"]] == [other]
    following = await caller.get(f"/api/v1/search?limit=1&cursor={every.body['next_cursor']}")
    assert [one["ticket_no"] for one in following.body["items"]] == [no] and following.body["next_cursor"] is None
    assert (await caller.get("/api/v1/search?q=占")).fields == ["q"]
    assert (await caller.get("/api/v1/search?q=占道&cursor=none")).fields == ["cursor"]
    assert (await caller.get("/api/v1/search?q=" + "长" * 101)).fields == ["q"]
    assert (await caller.get("/api/v1/search?q=占道&status=nowhere")).fields == ["status"]
    html = await shown(caller, "/desk/search?q=%E5%8D%A0%E9%81%93&status=&channel=&brigade=&from=&to=")
    assert no in html and other not in html
    assert "至少两个" in await shown(caller, "/desk/search?q=%E5%8D%A0", status=422)
    assert "没有找到" in await shown(caller, "/desk/search?q=nothing")
    today = local(caller.house.now()).date()
    html = await shown(
        caller, f"/desk/search?from={today}&to={today}"
    )  # people name the last day, the API the next one
    assert no in html and other in html and f'value="{today}"' in html
    assert (await caller.get(f"/api/v1/search?from={today}&to={today}")).body["items"] == []
    assert "没有找到" in await shown(caller, f"/desk/search?to={today - timedelta(days=1)}")
    assert "应为日期" in await shown(caller, "/desk/search?to=9999-12-31", status=422)


async def test_an_import_is_shown_before_it_is_done_and_can_be_repeated(caller: Caller) -> None:
    before = await caller.house.store.tickets.last_sequence()
    html = (await caller.post("/desk/import/preview?name=%E5%AF%BC%E5%87%BA.csv", SHEET)).body
    tiles = dict(re.findall(r'tile-label">([^<]+)</span>\s*<strong class="tile-figure">(\d+)<', html))
    assert tiles == {"将受理": "2", "以前已受理": "0", "文件内重复": "1", "有问题，将退回": "2"}
    assert "受理时间" in html and "DR0004" in html and "<script>alert" not in html
    assert await caller.house.store.tickets.last_sequence() == before, "nothing is stored by looking"
    operator = await caller.new_token("operator")
    answer = await caller.post("/desk/import/take?name=a.csv&channel=12345", SHEET, operator)
    assert "受理 2 件，重复 1 件，退回 2 行（共 5 行）" in answer.body
    assert (
        "受理 0 件，重复 3 件，退回 2 行（共 5 行）" in (await caller.post("/desk/import/take?name=a.csv", SHEET)).body
    )
    again = (await caller.post("/desk/import/preview?name=a.csv", SHEET)).body
    tiles = dict(re.findall(r'tile-label">([^<]+)</span>\s*<strong class="tile-figure">(\d+)<', again))
    assert tiles == {"将受理": "0", "以前已受理": "2", "文件内重复": "1", "有问题，将退回": "2"}
    listed = (await caller.get("/api/v1/tickets?channel=12345")).body["items"]
    assert sorted(one["source_no"] for one in listed) == ["DR0001", "DR0004"]
    events = (await caller.get(f"/api/v1/tickets/{listed[0]['ticket_no']}/events")).body["events"]
    assert events[0]["role"] == Role.OPERATOR, "who imported it is on record"


async def test_refused_rows_come_back_with_their_reasons_and_can_be_mended(caller: Caller) -> None:
    text = (await caller.post("/desk/import/refusals?name=a.csv", SHEET)).body
    assert "DR0002" in text and "DR0003" in text and "DR0001" not in text and "退回原因" in text
    mended = text.replace("不是时间", "2026-11-20 09:30:00").encode()
    assert "受理 1 件，重复 0 件，退回 1 行" in (await caller.post("/desk/import/take?name=b.csv", mended)).body


@pytest.mark.parametrize(
    ("query", "body", "status", "said"),
    [
        ("name=a.csv", b"", 422, "空的"),
        ("name=a.csv", b"a,b\r\n1,2\r\n", 422, "没有找到"),
        ("name=a.xlsx", b"PK\x03\x04broken", 422, "损坏"),
        ("name=a.csv&channel=none", SHEET, 422, "没有配置"),
        ("name=..%2F..%2Fetc%2Fpasswd", SHEET, 200, "passwd"),
        ("name=" + "a" * 201, SHEET, 422, "200"),
    ],
)
async def test_a_file_that_is_no_table_is_refused_with_what_to_do(
    caller: Caller, query: str, body: bytes, status: int, said: str
) -> None:
    answer = await caller.post(f"/desk/import/preview?{query}", body)
    assert answer.status == status and said in answer.body


async def test_too_many_rows_are_for_the_command_line(caller: Caller) -> None:
    head, first = SHEET.split(b"\r\n")[:2]
    many = b"\r\n".join([head, *(first.replace(b"DR0001", b"X%05d" % one) for one in range(5_001))])
    answer = await caller.post("/desk/import/preview?name=a.csv", many)
    assert answer.status == 413 and "intake-bot ingest" in answer.body


async def test_merging_shows_both_and_refuses_what_cannot_be(caller: Caller) -> None:
    content = "凤凰大道烧烤店油烟太大"
    first = await entered(caller, content, reporter={"phone": PHONE_NUMBER, "name": "李某"})
    second = await entered(caller, content + "，又来电", reporter={"phone": PHONE_NUMBER})
    html = await shown(caller, f"/desk/{second}/merge")
    assert f"/desk/{second}/merge?into={first}" in html
    html = await shown(caller, f"/desk/{second}/merge?into={first.lower()}")
    assert "李某" in html and f'data-api="POST /api/v1/tickets/{second}/merge"' in html
    for into, said in ((second, "并入它自己"), ("FH000000-00009", "没有编号为")):
        html = await shown(caller, f"/desk/{second}/merge?into={into}")
        assert said in html and "data-api" not in html.split("<main")[1]
    assert (await caller.act(second, "merge", into=first)).status == 200
    await shown(caller, f"/desk/{second}/merge", status=409)
    assert "已并单或不予受理" in await shown(caller, f"/desk/{first}/merge?into={second}")
    assert f'href="/desk/{first}"' in await shown(caller, f"/desk/{second}")


async def test_a_department_that_a_unit_suggests_is_shown_by_its_name(caller: Caller) -> None:
    no = await dispatched(caller)
    leaves = caller.house.tree.leaves.values()
    outside = next(leaf.department for leaf in leaves if leaf.department is not None)
    suggested = {"reason_code": "R1", "basis": "不在权力清单内", "suggested_unit": outside.code}
    assert (await caller.act(no, "return", **suggested)).status == 200
    assert f"建议承办单位：{outside.name}" in await shown(caller, f"/desk/{no}")
