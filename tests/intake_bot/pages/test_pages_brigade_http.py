"""The handler's pages over HTTP: whose tasks are listed, what is never in a page, the look at a number, what is offered."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from service import ROOT, Answer, Caller, sample

from domain.category import CategoryTree
from domain.complaint import Attachment, Point
from domain.people import Role
from intake_bot.config_file import ConfigurationError
from intake_bot.pages.brigade_ticket import pictures_of, ways_there
from intake_bot.pages.static import Assets
from intake_bot.sessions import COOKIE
from intake_bot.settings import load_deployment
from storage.accounts import SESSION

OWNER = "brigade-1.fh.a"
LOOK = {"reason": "联系诉求人核实情况"}


async def cookie(
    caller: Caller, role: Role = Role.BRIGADE, unit: str | None = "brigade-1", account: str = OWNER
) -> Any:
    """The header of somebody who is signed in."""
    house = caller.house
    now = house.now()
    await house.store.accounts.create_user(account, "队员甲", role, unit, "Obviously-1nvented", now, must_change=False)
    token = await house.store.accounts.create_token(account, role, unit, SESSION, now, now + timedelta(hours=1))
    return {"Cookie": f"{COOKIE}={token}"}


async def page(caller: Caller, path: str, headers: Any) -> tuple[int, str]:
    answer = await caller.client.get(path, headers=headers, allow_redirects=False)
    return answer.status, await answer.text()


async def reported(caller: Caller, channel: str = "12345", **changed: Any) -> str:
    answer = await caller.send(channel, sample(channel) | changed)
    assert answer.status == 201, answer.body
    return str(answer.body["ticket_no"])


async def look(caller: Caller, no: str, token: str, body: Any = None, key: str = "") -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    return await caller.post(f"/api/v1/tickets/{no}/reporter", LOOK if body is None else body, token, headers)


async def looks(caller: Caller, no: str) -> list[Any]:
    events = (await caller.get(f"/api/v1/tickets/{no}/events")).body["events"]
    return [one for one in events if one["action"] == "reporter_seen"]


def groups(text: str) -> dict[str, list[str]]:
    """Group code → the numbers of its rows, in order."""
    parts = re.split(r'<section class="group group-(\w+)"', text)
    return {
        code: re.findall(r'<li class="[^"]+" data-no="([^"]+)"', rows)
        for code, rows in zip(parts[1::2], parts[2::2], strict=True)
    }


async def test_everybody_is_led_where_they_belong(caller: Caller) -> None:
    no = await reported(caller)
    for path in ("/brigade", f"/brigade/{no}"):
        answer = await caller.client.get(path, allow_redirects=False)
        assert (answer.status, answer.headers["Location"].split("?")[0]) == (303, "/login")
    operator = await cookie(caller, Role.OPERATOR, None, "operator.x")
    assert (await page(caller, "/brigade", operator))[0] == 403
    assert (await page(caller, f"/brigade/{no}", operator))[0] == 403


async def test_a_ticket_of_another_brigade_does_not_exist(caller: Caller) -> None:
    no = await reported(caller, "12319")
    assert (await caller.get(f"/api/v1/tickets/{no}")).body["brigade"]["code"] == "brigade-1"
    stranger = await cookie(caller, unit="brigade-3", account="brigade-3.fh.a")
    status, text = await page(caller, f"/brigade/{no}", stranger)
    assert status == 404
    assert no not in re.sub(r"没有编号为“[^”]+”的工单", "", html.unescape(text))
    assert groups((await page(caller, "/brigade", stranger))[1]) == {}


async def test_the_list_is_mine_then_my_units_then_what_waits_then_what_is_done(caller: Caller) -> None:
    mine, urgent, waiting, done, others = [
        await reported(caller, orderNum=f"PZ2026050600020{n}", urgency=word)
        for n, word in enumerate(("一般", "紧急", "一般", "一般", "一般"))
    ]
    brigade = await caller.new_token("brigade", "brigade-1")
    await caller.act(waiting, "return", brigade, reason_code="R2", basis="不在本镇")
    await caller.act(done, "accept", brigade)
    await caller.act(done, "resolve", brigade, result="已劝离摊贩并清理")
    moved = await caller.act(others, "transfer", brigade, handler="brigade-1.gk.a")
    assert moved.status == 200, moved.body
    owner = await cookie(caller)
    status, text = await page(caller, "/brigade", owner)
    assert status == 200
    assert groups(text) == {"mine": [urgent, mine], "unit": [others], "waiting": [waiting], "finished": [done]}
    counts = dict(re.findall(r'data-show="(\w+)"[^>]*>[^<]+<b>(\d+)</b>', text))
    assert counts == {"all": "4", "mine": "3", "red": "0", "unsigned": "3"}
    assert "经办：一大队港口责任区A岗" in text
    # The same tasks, read by the colleague to whom one was handed over.
    colleague = await cookie(caller, account="brigade-1.gk.a")
    assert groups((await page(caller, "/brigade", colleague))[1])["mine"] == [others]


async def test_a_joint_task_shows_each_unit_its_own_share(caller: Caller) -> None:
    no = await reported(caller)
    helper = await caller.new_token("brigade", "brigade-2")
    await caller.act(no, "accept", await caller.new_token("brigade", "brigade-1"))
    lead_page = (await page(caller, f"/brigade/{no}", await cookie(caller)))[1]
    helping = await cookie(caller, unit="brigade-2", account="brigade-2.fh.a")
    helper_page = (await page(caller, f"/brigade/{no}", helping))[1]
    assert "联合处置" in lead_page and "协办：二大队（企业管理）" in lead_page
    assert "主办：一大队（城市管理）" in helper_page
    assert 'data-queue="accept"' in helper_page and 'data-queue="accept"' not in lead_page
    assert "协办" in (await page(caller, "/brigade", helping))[1]
    # The lead's end is the end of the helper's share: nothing is left to do or to offer.
    await caller.act(no, "accept", helper)
    await caller.act(no, "resolve", await caller.new_token("brigade", "brigade-1"), result="已劝离摊贩并清理")
    ended = (await page(caller, f"/brigade/{no}", helping))[1]
    assert "data-queue" not in ended and "已不由本单位办理" in ended
    assert groups((await page(caller, "/brigade", helping))[1]) == {}


async def test_no_number_and_no_name_is_ever_in_a_page(caller: Caller) -> None:
    said = "我是测试甲，电话13800000000，摊贩每天占道，请打电话联系。"
    open_no = await reported(caller, title="", majorContent=said, address="恬庄古街 13800000000 号旁")
    secret = await reported(caller, orderNum="PZ20260506000138", isSecret="1", majorContent=said)
    owner, token = await cookie(caller), await caller.new_token("brigade", "brigade-1")
    for no in (open_no, secret):
        await caller.act(no, "accept", token)
        await caller.act(no, "urge", note="测试甲来电催办，电话13800000000")
        for path in ("/brigade", f"/brigade/{no}"):
            text = html.unescape((await page(caller, path, owner))[1])
            assert "13800000000" not in text and "测试甲" not in text, path
        told = (await caller.get(f"/api/v1/tickets/{no}", token)).body
        leaking = {key: value for key, value in told.items() if "13800000000" in str(value) or "测试甲" in str(value)}
        assert leaking == {}, json.dumps(leaking, ensure_ascii=False, default=str)
    shown = (await page(caller, f"/brigade/{open_no}", owner))[1]
    assert "138****0000" in shown and 'data-open="look"' in shown
    hidden = (await page(caller, f"/brigade/{secret}", owner))[1]
    assert "138****0000" not in hidden and 'data-open="look"' not in hidden and "保密件或举报件" in hidden


async def test_a_number_is_told_for_a_reason_and_every_look_is_on_record(caller: Caller) -> None:
    no = await reported(caller)
    token = await caller.new_token("brigade", "brigade-1")
    assert (await look(caller, no, token)).status == 409  # not signed yet
    await caller.act(no, "accept", token)
    refused = await look(caller, no, token, {"reason": " "})
    assert (refused.status, refused.fields) == (422, ["reason"])
    assert await looks(caller, no) == []
    first = await look(caller, no, token, key="look-1")
    assert (first.status, first.body["phone"], first.body["name"]) == (200, "13800000000", "测试甲")
    again = await look(caller, no, token, key="look-1")
    assert (again.status, again.body["phone"]) == (200, "13800000000")
    assert len(await looks(caller, no)) == 1
    await look(caller, no, token, key="look-2")
    seen = await looks(caller, no)
    assert [one["data"] for one in seen] == [LOOK, LOOK]
    assert {(one["role"], one["assignment"]) for one in seen} == {("brigade", 1)}
    assert "13800000000" not in str(seen)
    assert (await caller.house.store.verify_chain()).intact
    story = (await page(caller, f"/brigade/{no}", await cookie(caller)))[1]
    assert story.count("查看诉求人信息") == 2
    await caller.act(no, "resolve", token, result="已劝离摊贩并清理")
    assert (await look(caller, no, token, key="look-1")).status == 409  # what was told once is not told for ever


async def test_a_number_is_not_told_to_strangers_or_of_those_who_must_stay_unknown(caller: Caller) -> None:
    no = await reported(caller, "12369")
    token = await caller.new_token("brigade", "brigade-2")
    await caller.act(no, "accept", token)
    answer = await look(caller, no, token)
    assert answer.status == 403 and "13800000005" not in str(answer.body)
    assert (await look(caller, no, await caller.new_token("brigade", "brigade-3"))).status == 404
    assert (await look(caller, no, await caller.new_token("operator"))).status == 403
    assert await looks(caller, no) == []


async def test_what_somebody_typed_is_text_wherever_it_is_shown(caller: Caller) -> None:
    evil = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>' {{ 7*7 }}"
    no = await reported(
        caller,
        title=evil,
        majorContent=evil + "恬庄古街流动摊贩占道经营",
        address=evil,
        attachments=[{"name": evil, "url": "https://files.example.com/1.jpg"}],
    )
    owner = await cookie(caller)
    for path in ("/brigade", f"/brigade/{no}"):
        status, text = await page(caller, path, owner)
        assert status == 200
        assert "<script>alert" not in text and "<img src=x" not in text and "javascript:" not in text
        assert "&lt;script&gt;" in text
    assert 'href="https://files.example.com/1.jpg"' in text


async def test_only_what_would_succeed_is_offered(caller: Caller) -> None:
    no = await reported(caller)
    owner, token = await cookie(caller), await caller.new_token("brigade", "brigade-1")
    fresh = (await page(caller, f"/brigade/{no}", owner))[1]
    assert re.search(r'data-open="do-resolve" data-later hidden', fresh), "in a dead spot one signs and goes on"
    await caller.act(no, "accept", token)
    signed = (await page(caller, f"/brigade/{no}", owner))[1]
    assert "data-later" not in signed and 'data-queue="accept"' not in signed
    assert not re.search(r'data-swap="do-extend" disabled', signed)
    await caller.act(no, "extend", token, working_days=2, reason="等待配合")
    await caller.act(no, "extend", decision="approved")
    extended = (await page(caller, f"/brigade/{no}", owner))[1]
    assert re.search(r'data-swap="do-extend" disabled', extended) and "已经延期一次" in extended
    assert re.search(r'data-swap="do-return"(?! disabled)', extended)


async def test_orders_are_shown_until_they_are_answered(caller: Caller) -> None:
    no = await reported(caller)
    owner, token = await cookie(caller), await caller.new_token("brigade", "brigade-1")
    await caller.act(no, "accept", token)
    await caller.act(no, "press", requirement="今天到场，下班前回话")
    assert ">督办<" in (await page(caller, "/brigade", owner))[1]
    assert 'data-open="do-answer-1"' in (await page(caller, f"/brigade/{no}", owner))[1]
    answered = await caller.act(no, "answer-press", token, order=1, answer="已到场")
    assert answered.status == 200
    assert 'data-open="do-answer-1"' not in (await page(caller, f"/brigade/{no}", owner))[1]


async def test_pictures_before_and_after_stay_apart(caller: Caller) -> None:
    no = await reported(caller)
    token = await caller.new_token("brigade", "brigade-1")
    await caller.act(no, "accept", token)
    before, after = f"/pictures/{'a' * 32}", f"/pictures/{'b' * 32}"
    await caller.act(no, "resolve", token, result="已清理并劝离", photos_before=[before], photos=[after])
    text = (await page(caller, f"/brigade/{no}", await cookie(caller)))[1]
    assert re.search(rf'src="{before}" alt="处置前照片 1"', text)
    assert re.search(rf'src="{after}" alt="处置后照片 1"', text)


async def test_phrases_fit_the_matter(caller: Caller) -> None:
    no = await reported(caller)
    owner, token = await cookie(caller), await caller.new_token("brigade", "brigade-1")
    await caller.act(no, "accept", token)
    offered = re.findall(r'data-phrase="([^"]+)"', (await page(caller, f"/brigade/{no}", owner))[1])
    leaf = caller.house.tree.get((await caller.get(f"/api/v1/tickets/{no}")).body["category"]["code"])
    assert leaf is not None
    phrases = caller.house.settings.pages.phrases
    wanted = {one.text for one in phrases if not one.matters or {leaf.code, leaf.group, leaf.branch} & set(one.matters)}
    assert set(offered) == wanted and wanted != {one.text for one in phrases}


async def test_an_account_without_work_reads_so(caller: Caller) -> None:
    status, text = await page(caller, "/brigade?show=nonsense", await cookie(caller))
    assert status == 200 and 'data-show="all"' in text and "目前没有在办任务" in text


async def test_many_tasks_are_cut_at_the_least_urgent(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intake_bot.pages.brigade.MOST_TASKS", 2)
    urgent = await reported(caller, orderNum="PZ20260506000211", urgency="紧急")
    for n in range(2):
        await reported(caller, orderNum=f"PZ2026050600022{n}")
    text = (await page(caller, "/brigade", await cookie(caller)))[1]
    assert groups(text)["mine"][0] == urgent and len(groups(text)["mine"]) == 2
    assert "还有 1 件没有列出" in text


async def test_the_worker_may_answer_for_the_list_and_leaving_clears_the_phone(caller: Caller) -> None:
    answer = await caller.client.get("/brigade/sw.js")
    assert (answer.status, answer.headers["Service-Worker-Allowed"]) == (200, "/brigade")
    assert answer.headers["Cache-Control"] == "no-cache"
    manifest = await caller.client.get("/static/brigade.webmanifest")
    told = await manifest.json(content_type="application/manifest+json")
    assert (told["start_url"], told["scope"]) == ("/brigade", "/brigade")
    owner = await cookie(caller)
    csrf = re.search(r'name="csrf" value="(\w+)"', (await page(caller, "/brigade", owner))[1])
    assert csrf is not None
    left = await caller.client.post("/logout", data={"csrf": csrf[1]}, headers=owner, allow_redirects=False)
    assert (left.status, left.headers["Clear-Site-Data"]) == (303, '"storage"')


def test_only_our_own_pictures_are_loaded_and_only_web_addresses_linked() -> None:
    own = f"/pictures/{'a' * 32}"
    sent = (
        own,
        "https://files.example.com/1.jpg",
        "javascript:alert(3)",
        "/pictures/../api/v1/me",
        "data:text/html,x",
        "",
    )
    assert pictures_of(tuple(Attachment(one) for one in sent)) == (
        (own,),
        [("https://files.example.com/1.jpg", "附件 2")],
    )


def test_ways_are_built_from_place_and_address_alone() -> None:
    assert list(ways_there(None, "")) == []
    for point in (None, Point(120.6386, 31.7362)):
        ways = [address for _, address in ways_there(point, '恬庄"&x=1#<b>')]
        assert len(ways) == 3
        for address in ways:
            assert not set(address) & set('"<># ') and "&x=1" not in address
            assert point is None or "31.736200" in address


def test_scripts_name_one_another_by_the_addresses_that_pages_use() -> None:
    assets = Assets()
    own = [
        one for one in (ROOT / "intake_bot/pages/static/js").glob("*.js") if '"./' in one.read_text(encoding="utf-8")
    ]
    assert own
    for path in own:
        content = assets._files[f"js/{path.name}"].content.decode()
        named = re.findall(r'(?:from|import)\s*\(?\s*"([./][^"]+)"', content)
        assert named and set(named) <= {assets.url(f"js/{one.name}") for one in path.parent.glob("*.js")}


def test_a_phrase_for_a_matter_that_does_not_exist_is_refused(
    tree: CategoryTree, tmp_path: Any, environment: pytest.MonkeyPatch
) -> None:
    for path in ROOT.glob("*.geojson"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for name in ("questions.yml",):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    written = (ROOT / "config.yml").read_text(encoding="utf-8")
    (tmp_path / "config.yml").write_text(written.replace("matters: [街面秩序]", "matters: [飞碟]"), encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_deployment(tmp_path / "config.yml", tree)
    assert [one.where for one in refused.value.mistakes] == ["pages.phrases[5].matters"]
