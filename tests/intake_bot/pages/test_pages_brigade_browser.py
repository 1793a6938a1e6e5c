"""The handler's pages in a real browser: a whole case on a phone, dead spots, lost answers, two tabs, what leaving leaves."""

from __future__ import annotations

import io
import json
from typing import Any

import aiohttp
import pytest
from browser import DESKTOP, PHONE, Site, Visitor
from PIL import Image
from playwright.async_api import Page, Route, expect
from service import PATHS, sample, signed_headers

from domain.actions import DETAILS
from domain.handling import handle
from domain.lifecycle import Action
from domain.outcome import Outcome
from domain.people import Actor, Role
from domain.ticket import Ticket

OWNER = "brigade-1.fh.a"
SUPERVISOR = Actor("v1", Role.SUPERVISOR)
OPERATOR = Actor("o1", Role.OPERATOR)
GOOD_RESULT = (
    "11月25日上午我大队到恬庄古街北入口现场核查，发现七处流动摊贩占道，已当场劝离并清理，人行道恢复通行，"
    "并安排每日傍晚巡查；已电话告知诉求人。承办单位电话：0512-58110000。"
)
OFFLINE = ["ERR_INTERNET_DISCONNECTED", "status of 503"]
expect.set_options(timeout=15_000)  # a busy machine is no failure
DATABASES = "indexedDB.databases().then((all) => all.map((one) => one.name))"
DRAFTS = """new Promise((resolve) => {
  const open = indexedDB.open("brigade");
  open.onsuccess = () => {
    const all = open.result.transaction("drafts").objectStore("drafts").getAll();
    all.onsuccess = () => { open.result.close(); resolve(all.result.length === 1); };
  };
})"""
KEPT_PAGES = "caches.has('brigade-pages')"


async def reported(site: Site, **changed: Any) -> str:
    """A ticket of the first brigade, whose A post is OWNER."""
    body = json.dumps(sample("12345") | changed, ensure_ascii=False).encode()
    async with aiohttp.ClientSession() as client:
        headers = signed_headers("12345", body)
        async with client.post(site.address + PATHS["12345"], data=body, headers=headers) as answer:
            told = await answer.json()
            assert answer.status == 201, told
            return str(told["ticket_no"])


async def act(site: Site, no: str, action: Action, actor: Actor, **details: Any) -> Ticket:
    """What somebody else does meanwhile."""
    house = site.house

    def work(before: Ticket) -> Outcome:
        return handle(before, action, DETAILS[action](**details), actor, house.now(), house.planner)

    return await house.store.change(no, work)


async def handler(site: Site, size: dict[str, int] = PHONE) -> Visitor:
    return await site.colleague(Role.BRIGADE, "brigade-1", size, OWNER)


async def actions(site: Site, no: str) -> list[str]:
    """What happened to a ticket after it was dispatched."""
    events = [one.event.action for one in await site.house.store.tickets.events(no)]
    return events[events.index("dispatched") + 1 :]


async def until_worker(page: Page) -> None:
    """Until the page in hand would open without a connection."""
    await page.evaluate(
        """async () => {
          await navigator.serviceWorker.ready;
          while (!(await caches.match(location.pathname))) await new Promise((resolve) => setTimeout(resolve, 50));
          while (!navigator.serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 50));
        }"""
    )


def picture(colour: str) -> dict[str, Any]:
    file = io.BytesIO()
    Image.new("RGB", (2000, 1500), colour).save(file, "JPEG")
    return {"name": f"{colour}.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def button(page: Page, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_everybody_can_use_the_pages(site: Site, size: dict[str, int]) -> None:
    visitor = await handler(site, size)
    page = visitor.page
    await visitor.goto("/brigade")
    await expect(page.get_by_text("目前没有在办任务")).to_be_visible()
    assert await visitor.serious_findings() == []
    evil = "<img src=x onerror=alert(1)>" + "很长的没有空格的地址" * 20 + "x" * 120
    no = await reported(site, title="", majorContent="恬庄古街流动摊贩占道经营，" + evil, address=evil)
    other = await reported(site, orderNum="PZ20260506000301")
    await act(site, other, Action.PRESS, SUPERVISOR, requirement="今天到场")
    await act(site, other, Action.URGE, OPERATOR)
    await expect(page.locator(".task")).to_have_count(2)
    assert await visitor.serious_findings() == []
    assert await visitor.overflow() <= 0
    await button(page, "大字").click()
    assert await visitor.overflow() <= 0
    await visitor.goto(f"/brigade/{no}")
    await expect(page.locator("body.large")).to_have_count(1)  # remembered by the phone
    await button(page, "大字").click()
    await expect(page.locator("#map svg path").first).to_be_visible()
    await page.locator("summary", has_text="办理过程").click()
    assert await visitor.serious_findings() == []
    assert await visitor.overflow() <= 0
    await button(page, "更多").click()
    await button(page, "退单").click()
    assert await visitor.serious_findings() == []
    assert await visitor.overflow() <= 0


async def test_a_whole_case_on_a_phone(site: Site) -> None:
    no = await reported(site)
    visitor = await handler(site)
    page = visitor.page
    await visitor.goto("/brigade")
    await page.get_by_text("恬庄村恬庄古街北入口").click()
    await button(page, "签收").click()
    await button(page, "拨打电话").click()
    assert "13800000000" not in await page.content()
    await button(page, "查看电话").click()
    number = page.get_by_role("link", name="拨打 13800000000")
    await expect(number).to_have_attribute("href", "tel:13800000000")
    await button(page, "通话后填写联系记录").click()
    await page.get_by_text("已联系上", exact=True).click()
    await page.get_by_label("沟通情况").fill("约定上午到场")
    await button(page, "保存联系记录").click()
    await expect(page.locator(".limits li", has_text="联系诉求人")).to_contain_text("已完成")
    await button(page, "办结").click()
    await page.get_by_label("处置前照片：拍照").set_input_files(picture("red"))
    await page.get_by_label("处置后照片：从相册选").set_input_files([picture("green"), picture("blue")])
    await expect(page.get_by_alt_text("预览")).to_have_count(3)
    await button(page, "删除照片 2").click()
    await page.get_by_text("常用语").click()
    await page.get_by_role("button", name="占道物品已清理").click()
    await expect(page.get_by_label("办理结果")).to_have_value("占道物品已清理，道路恢复通行，已列入日常巡查路段。")
    await page.get_by_label("办理结果").fill("感谢您的支持，我局高度重视。")
    await button(page, "提交办结").click()
    await expect(page.locator(".advice li").first).to_be_visible()
    assert (await actions(site, no))[-1] == "contacted", "advice comes before anything is sent"
    await page.get_by_label("办理结果").fill(GOOD_RESULT)
    await button(page, "提交办结").click()
    await expect(page.get_by_text("已办结待回访").first).to_be_visible()
    assert await actions(site, no) == ["accepted", "reporter_seen", "contacted", "resolved", "helper_ended"]
    resolved = next(one.event for one in await site.house.store.tickets.events(no) if one.event.action == "resolved")
    assert (len(resolved.data["photos_before"]), len(resolved.data["photos"])) == (1, 1)
    await page.locator("summary", has_text="办理过程").click()
    shown = page.get_by_alt_text("处置后照片 1")
    await expect(shown).to_be_visible()
    assert await shown.evaluate("(one) => one.decode().then(() => one.naturalWidth)") == 1600


async def test_a_task_is_handed_to_whoever_stands_in(site: Site) -> None:
    no = await reported(site)
    visitor = await handler(site)
    page = visitor.page
    await visitor.goto(f"/brigade/{no}")
    await button(page, "签收").click()
    await expect(button(page, "办结")).to_be_visible()
    await button(page, "更多").click()
    await button(page, "移交同事").click()
    backup = page.get_by_label("移交给").locator("option", has_text="B岗").first
    await page.get_by_label("移交给").select_option(await backup.get_attribute("value"))
    await page.get_by_label("原因").last.fill("外出培训")
    await button(page, "移交").click()
    await expect(page.locator(".toast").last).to_contain_text("移交已发送")
    ticket = await site.house.store.tickets.get(no)
    assert ticket is not None and ticket.lead is not None and ticket.lead.handler == "brigade-1.fh.b"


async def test_a_dead_spot_delays_everything_and_loses_nothing(site: Site) -> None:
    no = await reported(site)
    visitor = await handler(site)
    visitor.expected += OFFLINE
    page, context = visitor.page, visitor.context
    await visitor.goto("/brigade")
    await until_worker(page)
    await visitor.goto(f"/brigade/{no}")
    await until_worker(page)
    await context.set_offline(True)
    await button(page, "签收").click()
    await expect(page.locator("#unsent")).to_contain_text("待发送 1 条")
    await button(page, "联系记录").click()
    await page.get_by_text("没有联系上", exact=True).click()
    await button(page, "保存联系记录").click()
    await button(page, "办结").click()
    await page.get_by_label("处置后照片：拍照").set_input_files(picture("green"))
    await page.get_by_label("办理结果").fill(GOOD_RESULT)
    await expect(page.get_by_alt_text("预览")).to_have_count(1)
    await button(page, "提交办结").click()
    await expect(page.locator("#unsent")).to_contain_text("待发送 3 条")
    # The pages stay readable, and what was entered outlives them.
    await page.goto(f"{site.address}/brigade")
    await expect(page.locator("#stale")).to_contain_text("没有网络，显示的是")
    await expect(page.locator("#unsent")).to_contain_text("待发送 3 条")
    await expect(page.locator(".task-unsent")).to_contain_text("办结：待发送")
    await page.goto(f"{site.address}/brigade/{no}")
    await expect(page.locator("#own-entries .entry")).to_have_count(3)
    await page.goto(f"{site.address}/brigade/FH000000-00000")
    await expect(page.get_by_text("这一页没有在本机打开过")).to_be_visible()
    await expect(page.locator(".card-centre")).to_have_css("text-align", "center")
    await page.goto(f"{site.address}/brigade")
    assert await actions(site, no) == []
    await context.set_offline(False)
    await expect(page.locator("#unsent")).to_be_hidden()
    await expect(page.locator(".group-finished .task")).to_have_count(1)
    assert await actions(site, no) == ["accepted", "contacted", "resolved", "helper_ended"]
    ticket = await site.house.store.tickets.get(no)
    assert ticket is not None and ticket.lead is not None
    assert ticket.lead.contacted_at is None, "nobody was reached"
    events = await site.house.store.tickets.events(no)
    (photo,) = next(one.event.data["photos"] for one in events if one.event.action == "resolved")
    kept = await site.house.store.pictures.get(photo.removeprefix("/pictures/"))
    assert kept is not None and kept.ticket_no == no


async def test_an_answer_that_is_lost_on_its_way_does_not_do_it_twice(site: Site) -> None:
    no = await reported(site)
    visitor = await handler(site)
    visitor.expected += ["net::ERR_FAILED"]
    page, context = visitor.page, visitor.context
    keys: list[str] = []

    async def lose_the_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            done = await route.fetch()
            assert done.status == 200
            await route.abort()
        else:
            await route.continue_()

    await context.route("**/api/v1/tickets/*/contact", lose_the_first)
    await visitor.goto(f"/brigade/{no}")
    await button(page, "签收").click()
    await button(page, "联系记录").click()
    await page.get_by_text("已联系上", exact=True).click()
    await button(page, "保存联系记录").click()
    await expect(page.locator("#unsent")).to_contain_text("待发送 1 条，没有网络")
    assert await actions(site, no) == ["accepted", "contacted"]
    # Another tab of the same phone sends what waits, too.
    second = await context.new_page()
    await second.goto(f"{site.address}/brigade")
    await expect(second.locator("#unsent")).to_be_hidden()
    await expect(page.locator("#unsent")).to_be_hidden()
    assert keys == [keys[0]] * len(keys) and len(keys) >= 2
    assert await actions(site, no) == ["accepted", "contacted"]


async def test_what_was_changed_meanwhile_is_said_and_can_be_mended(site: Site) -> None:
    no = await reported(site)
    visitor = await handler(site)
    visitor.expected += [*OFFLINE, "status of 409", "status of 422"]
    page, context = visitor.page, visitor.context
    await act(site, no, Action.ACCEPT, Actor(OWNER, Role.BRIGADE, "brigade-1"))
    await visitor.goto(f"/brigade/{no}")
    await until_worker(page)
    await context.set_offline(True)
    await button(page, "更多").click()
    await button(page, "申请延期").click()
    await page.get_by_label("延长工作日数").fill("3")
    await page.locator("#extend-reason").fill("当事人外出，约定后天到场")
    await page.locator("#do-extend").get_by_role("button", name="申请延期").click()
    await expect(page.locator("#unsent")).to_contain_text("待发送 1 条")
    # A supervisor gives the matter to another brigade before the phone is back.
    member = Actor("brigade-1.head", Role.BRIGADE, "brigade-1")
    await act(site, no, Action.RETURN, member, reason_code="R2", basis="不在本镇")
    await context.set_offline(False)
    await expect(page.locator("#unsent")).to_contain_text("被拒 1 条")
    refused = page.locator("#own-entries .entry-refused")
    await expect(refused).to_contain_text("不能延期")
    await expect(refused).to_contain_text("当事人外出，约定后天到场")
    assert await actions(site, no) == ["accepted", "returned"]
    # The desk refuses the return: now the same words can go out again, once.
    await act(site, no, Action.TRANSFER, SUPERVISOR, brigade="brigade-1", reason="属本镇")
    await visitor.goto("/brigade")
    await page.locator("#unsent").click()
    await page.get_by_role("link", name="修改后重发").click()
    await expect(page.locator("#extend-reason")).to_have_value("当事人外出，约定后天到场")
    await page.get_by_label("延长工作日数").fill("2")
    await page.locator("#do-extend").get_by_role("button", name="申请延期").click()
    await expect(page.locator("#unsent")).to_be_hidden()
    asked = [one.event for one in await site.house.store.tickets.events(no) if one.event.action == "extension_asked"]
    assert [one.data["working_days"] for one in asked] == [2]


async def test_leaving_leaves_nothing_and_another_account_sends_nothing_of_mine(site: Site) -> None:
    no = await reported(site)
    visitor = await handler(site)
    visitor.expected += [*OFFLINE, "status of 403"]
    page, context = visitor.page, visitor.context
    await visitor.goto(f"/brigade/{no}")
    await until_worker(page)
    await context.set_offline(True)
    await button(page, "签收").click()
    await expect(page.locator("#unsent")).to_contain_text("待发送 1 条")
    # The session is over and a colleague signs in on the same phone: what waits is not sent in their name.
    colleague = await site.colleague(Role.BRIGADE, "brigade-1", PHONE, "brigade-1.fh.b")
    await context.add_cookies(await colleague.context.cookies())
    await context.set_offline(False)
    await expect(page.locator("#unsent")).to_contain_text("现在登录的是另一账号")
    assert await actions(site, no) == []
    await visitor.goto("/brigade")
    await expect(page.locator("#unsent")).to_be_hidden()
    assert await page.evaluate("caches.match(location.pathname + '/none').then((one) => one === undefined)")
    assert await page.evaluate(f"caches.match('/brigade/{no}').then((one) => one === undefined)")
    asked: list[str] = []

    async def agree(dialog: Any) -> None:
        asked.append(dialog.message)
        await dialog.accept()

    page.on("dialog", agree)
    await button(page, "退出").click()
    await page.wait_for_url("**/login**")
    assert len(asked) == 1 and "1 条内容没有发送" in asked[0]
    assert await page.evaluate(DATABASES) == []
    assert not await page.evaluate(KEPT_PAGES)
    await context.set_offline(True)
    with pytest.raises(Exception, match="ERR_INTERNET_DISCONNECTED"):
        await page.goto(f"{site.address}/brigade")
    assert await actions(site, no) == []


async def test_new_tasks_come_by_themselves_and_are_filtered_without_a_round_trip(site: Site) -> None:
    first = await reported(site)
    visitor = await handler(site)
    page = visitor.page
    await visitor.goto("/brigade?show=mine")
    await expect(page.locator(".task:visible")).to_have_count(1)
    second = await reported(site, orderNum="PZ20260506000302")
    await expect(page.locator("#fresh")).to_have_text("新到任务 1 件")
    await expect(page.locator(".task:visible")).to_have_count(2)
    await expect(page.locator(f'.task[data-no="{second}"]')).to_have_class("task task-green task-fresh")
    await page.locator(f'.task[data-no="{first}"]').get_by_role("button", name="签收").click()
    await expect(page.locator(".chip-unsigned b")).to_have_text("1")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    await page.locator("#chips .chip-unsigned").click()
    await expect(page.locator(".task:visible")).to_have_count(1)
    await page.locator("#chips .chip-red").click()
    await expect(page.get_by_text("没有符合条件的任务")).to_be_visible()
    assert not [one for one in requests if "show=" in one]
    assert page.url.endswith("/brigade?show=red")
    # Somebody else's change to the ticket in hand is said, not laid over what is being written.
    await visitor.goto(f"/brigade/{second}")
    await button(page, "更多").click()
    await button(page, "退单").click()
    await page.get_by_label("依据").fill("写了一半")
    await act(site, second, Action.URGE, OPERATOR)
    await expect(page.locator("#fresh")).to_contain_text("工单有新的变化")
    await expect(page.get_by_label("依据")).to_have_value("写了一半")
    # Half a form is there again after the page was closed.
    await page.wait_for_function(DRAFTS)
    await page.reload()
    await button(page, "更多").click()
    await button(page, "退单").click()
    await expect(page.get_by_label("依据")).to_have_value("写了一半")


async def test_a_session_that_is_over_closes_what_was_kept_for_reading(site: Site) -> None:
    await reported(site)
    visitor = await handler(site)
    page = visitor.page
    await visitor.goto("/brigade")
    await until_worker(page)
    assert await page.evaluate(KEPT_PAGES)
    await visitor.context.clear_cookies()
    await page.goto(f"{site.address}/brigade")
    await expect(page.get_by_role("button", name="登录")).to_be_visible()
    await page.wait_for_function(f"{KEPT_PAGES}.then((kept) => !kept)")


async def test_a_task_is_found_and_read_without_scripts(site: Site) -> None:
    no = await reported(site)
    visitor = await site.colleague(Role.BRIGADE, "brigade-1", PHONE, OWNER, java_script_enabled=False)
    await visitor.goto("/brigade")
    await visitor.page.get_by_role("link", name=no).first.click()
    for said in (no, "流动摊贩占道经营", "恬庄古街北入口", "办结"):
        await expect(visitor.page.locator("body")).to_contain_text(said)
    assert await visitor.overflow() <= 0
