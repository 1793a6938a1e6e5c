"""The desk in a real browser: keys, side pane and phone page, entering a call once, import, merging, what changes by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from browser import DESKTOP, PHONE, Site, Visitor
from playwright.async_api import expect

from domain.actions import Urge
from domain.handling import handle
from domain.handling.closing import merge
from domain.lifecycle import Action
from domain.people import Actor, Role
from domain.ticket import Status, Ticket
from intake_bot.intake import take
from intake_bot.joining import follow

OPERATOR = Actor("operator.two", Role.OPERATOR)
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


async def entered(site: Site, content: str, **more: Any) -> Ticket:
    """A ticket as a colleague's call would have made it."""
    house = site.house
    body = {"source": "phone", "content": content, **more}
    complaint = house.manual_entry.read(msgspec.json.encode(body), house.now(), f"T{abs(hash(content))}")
    receipts = await take(house, [complaint], OPERATOR, house.now(), channel=complaint.channel)
    await house.store.search.catch_up()
    return receipts[0].ticket


async def sound(visitor: Visitor) -> None:
    assert await visitor.serious_findings() == []
    assert await visitor.overflow() <= 0


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_every_page_of_the_desk_is_for_everybody(site: Site, size: dict[str, int]) -> None:
    ticket = await entered(site, f"魏庄村燃气泄漏有人晕倒{HOSTILE}", address=HOSTILE, reporter={"name": HOSTILE})
    other = await entered(site, "就是那个事情，" * 60, reporter={"phone": "13800000001"})
    visitor = await site.colleague(Role.SUPERVISOR, size=size)
    for path in (
        "/desk",
        f"/desk?no={other.no}",
        "/desk?queue=order",
        f"/desk/{ticket.no}",
        f"/desk/{other.no}/merge?into={ticket.no}",
        "/desk/search?q=%E4%BA%8B%E6%83%85",
        "/desk/new",
        "/desk/import",
    ):
        await visitor.goto(path)
        await sound(visitor)
    await visitor.goto(f"/desk/{ticket.no}")
    assert await visitor.page.locator("main script, main img[src='x']").count() == 0


async def test_the_queue_is_worked_by_keys_beside_the_open_ticket(site: Site) -> None:
    first = await entered(site, "就是那个事情，你们知道的")
    second = await entered(site, "不清楚该找谁，问一下")
    assert first.status is Status.TRIAGE and second.status is Status.TRIAGE
    visitor = await site.colleague(Role.OPERATOR)
    page = visitor.page
    await visitor.goto("/desk")
    await page.keyboard.press("j")
    ticket = page.locator("#ticket")
    await expect(ticket).to_have_attribute("data-no", first.no)
    assert first.no in page.url and "queue=triage" in page.url
    await page.keyboard.press("j")
    await expect(ticket).to_have_attribute("data-no", second.no)
    await page.keyboard.press("k")
    await expect(ticket).to_have_attribute("data-no", first.no)

    await page.keyboard.press("Shift+?")
    await expect(page.locator("#dialog-help")).to_be_visible()
    await page.keyboard.press("t")
    await expect(page.locator("#dialog-transfer")).to_be_hidden()
    await page.keyboard.press("Escape")

    await page.keyboard.press("/")
    await expect(page.locator("#desk-q")).to_be_focused()
    await page.keyboard.type("1tj")
    await expect(page.locator("#desk-q")).to_have_value("1tj")
    assert (await current(site, first)).status is Status.TRIAGE, "keys in a field are letters"
    await page.locator(".desk-head h2").click()

    await page.keyboard.press("r")
    await page.get_by_label("不予受理的理由").fill("已告知到法院起诉")
    await page.locator("#dialog-close").get_by_role("button", name="不予受理").click()
    await expect(page.locator(".desk-head h2")).to_contain_text("不予受理")
    await expect(page.locator(f'.desk-row[data-no="{first.no}"]')).to_have_count(0)
    assert (await current(site, first)).status is Status.REJECTED

    await page.keyboard.press("j")
    await expect(ticket).to_have_attribute("data-no", second.no)
    wanted = await page.locator('[data-key="2"]').inner_text()
    await page.keyboard.press("2")
    await expect(page.locator(".desk-head")).to_contain_text(wanted.split()[1])
    now = await current(site, second)
    assert now.category == second.understanding.runners_up[0].code


async def current(site: Site, ticket: Ticket) -> Ticket:
    found = await site.house.store.tickets.get(ticket.no)
    assert found is not None
    return found


async def test_the_list_keeps_itself_fresh_and_leaves_what_is_open(site: Site) -> None:
    first = await entered(site, "就是那个事情，你们知道的")
    visitor = await site.colleague(Role.OPERATOR)
    page = visitor.page
    await visitor.goto(f"/desk?queue=triage&no={first.no}")
    row = page.locator(f'.desk-row[data-no="{first.no}"]')
    await row.focus()
    await page.locator("#ticket").evaluate("ticket => ticket.dataset.mine = 'kept'")
    second = await entered(site, "不清楚该找谁，问一下")
    await expect(page.locator(f'.desk-row[data-no="{second.no}"]')).to_have_count(1)
    await expect(row).to_be_focused()
    await expect(page.locator("#ticket")).to_have_attribute("data-mine", "kept")
    house = site.house
    await house.store.change(
        first.no, lambda before: handle(before, Action.URGE, Urge(), OPERATOR, house.now(), house.planner)
    )
    await expect(page.locator("#changed")).to_be_visible()
    await page.get_by_role("button", name="显示最新内容").click()
    await expect(page.locator(".story")).to_contain_text("催办")


async def test_on_a_phone_a_row_leads_to_its_page_and_back(site: Site) -> None:
    ticket = await entered(site, "就是那个事情，你们知道的")
    visitor = await site.colleague(Role.OPERATOR, size=PHONE)
    page = visitor.page
    await visitor.goto("/desk")
    await page.locator(f'.desk-row[data-no="{ticket.no}"]').click()
    await page.wait_for_url(f"**/desk/{ticket.no}?queue=triage")
    await page.get_by_role("button", name="催办").click()
    await page.get_by_label("诉求人怎么说").fill("来电催促")
    await page.locator("#dialog-urge").get_by_role("button", name="催办").click()
    await expect(page.locator(".story")).to_contain_text("来电催促")
    await page.get_by_role("link", name="返回队列").click()
    await page.wait_for_url("**/desk?queue=triage")


async def test_a_call_is_entered_once_with_suggestions_and_survives_a_reload(site: Site) -> None:
    earlier = await entered(
        site, "凤凰大道88号烧烤店油烟扰民", address="凤凰大道88号", reporter={"phone": "13800000002"}
    )
    visitor = await site.colleague(Role.OPERATOR)
    page = visitor.page
    await visitor.goto("/desk/new")
    await expect(page.get_by_label("来电号码")).to_be_focused()
    await page.get_by_label("来电号码").fill("13800000002")
    await page.get_by_label("诉求内容").fill("凤凰大道88号的烧烤店又在冒烟，煤气泄漏有人晕倒")
    box = page.locator("#suggestions")
    await expect(box).to_contain_text("119")
    await expect(box).to_contain_text(earlier.no)
    await sound(visitor)
    await page.reload()
    await expect(page.get_by_label("诉求内容")).to_have_value("凤凰大道88号的烧烤店又在冒烟，煤气泄漏有人晕倒")
    await expect(box).to_contain_text(earlier.no)
    await box.get_by_role("button", name="凤凰大道", exact=True).first.click()
    await expect(page.get_by_label("地点")).to_have_value("凤凰大道")
    before = await site.house.store.tickets.last_sequence()
    await page.evaluate(
        "() => { const form = document.getElementById('entry'); form.requestSubmit(); form.requestSubmit(); }"
    )
    await page.wait_for_url("**/desk/FH*")
    events = await site.house.store.tickets.events_after(before, 50)
    assert [one.event.action for one in events].count("received") == 1, "sent twice, one ticket"
    await visitor.goto("/desk/new")
    await expect(page.get_by_label("诉求内容")).to_have_value("")


async def test_a_caller_who_calls_again_can_urge_or_join_with_one_click(site: Site) -> None:
    earlier = await entered(site, "凤凰大道烧烤店露天烧烤油烟扰民", reporter={"phone": "13800000003"})
    assert earlier.status is Status.DISPATCHED
    visitor = await site.colleague(Role.OPERATOR)
    page = visitor.page
    await visitor.goto("/desk/new")
    await page.get_by_label("来电号码").fill("13800000003")
    await page.get_by_label("诉求内容").fill("凤凰大道烧烤店还在露天烧烤")
    await page.get_by_role("button", name="只催办这一件").click()
    await page.wait_for_url(f"**/desk/{earlier.no}")
    await expect(page.locator(".toast")).to_contain_text("已催办")
    assert (await current(site, earlier)).urges == 1
    await visitor.goto("/desk/new")
    await page.get_by_label("来电号码").fill("13800000003")
    await page.get_by_label("诉求内容").fill("凤凰大道烧烤店露天烧烤，邻居也受不了")
    await page.get_by_role("button", name="受理后并入这一件").click()
    await page.wait_for_url(f"**/desk/{earlier.no}")
    await expect(page.locator(".story")).to_contain_text("并入一件工单")
    # joined to another by a colleague while the operator typed: the call is taken all the same, and the next page says so
    other = await entered(site, "凤凰大道烧烤店油烟大，请处理", reporter={"phone": "13800000009"})
    await visitor.goto("/desk/new")
    await page.get_by_label("来电号码").fill("13800000003")
    await page.get_by_label("诉求内容").fill("烧烤店的油烟又来了，第三次打电话")
    join = page.locator(f'#suggestions [data-join="{earlier.no}"]')
    await join.wait_for()
    now = site.house.now()
    await site.house.store.change_two(
        earlier.no, other.no, lambda one: merge(one[0], one[1], OPERATOR, now, "同一件事")
    )
    visitor.expected.append("status of 422")
    await join.click()
    await page.wait_for_url("**/desk/FH*")
    await expect(page.locator(".toast-wrong")).to_contain_text("已受理，但没有并入")
    taken = await site.house.store.tickets.get(page.url.rpartition("/")[2])
    assert taken is not None and taken.no not in {earlier.no, other.no} and not taken.merged_into
    await page.reload()
    await expect(page.locator(".toast")).to_have_count(0)


async def test_a_table_is_looked_through_and_taken_in(site: Site) -> None:
    table = (
        "工单编号,受理时间,内容描述,诉求地址\r\n"
        "DR0001,2026-11-20 09:00:00,凤凰大道烧烤店油烟扰民,凤凰大道\r\n"
        "DR0002,不是时间,双塘村河道垃圾,双塘村\r\n"
    ).encode("utf-8-sig")
    visitor = await site.colleague(Role.OPERATOR, size=PHONE)
    visitor.expected.append("status of 422")
    page = visitor.page
    await visitor.goto("/desk/import")
    chosen = page.get_by_label("表格文件")
    await chosen.set_input_files({"name": "别的.csv", "mimeType": "text/csv", "buffer": b"a,b\r\n1,2\r\n"})
    await page.get_by_role("button", name="预览").click()
    await expect(page.locator(".toast-wrong")).to_contain_text("没有找到表头行")
    await chosen.set_input_files({"name": "导出.csv", "mimeType": "text/csv", "buffer": table})
    await page.get_by_role("button", name="预览").click()
    await expect(page.locator("#preview")).to_contain_text("将退回的行")
    await sound(visitor)
    async with page.expect_download() as begun:
        await page.get_by_role("button", name="下载退回清单").click()
    download = await begun.value
    assert download.suggested_filename == "导出-退回.csv"
    content = await asyncio.to_thread((await download.path()).read_text, "utf-8-sig")
    assert "DR0002" in content and "DR0001" not in content
    await page.get_by_role("button", name="确认导入 1 行").click()
    await expect(page.locator("#preview")).to_contain_text("受理 1 件，重复 0 件，退回 1 行（共 2 行）")
    assert await site.house.store.tickets.known("12345", ["DR0001"])


async def test_two_tickets_are_merged_side_by_side(site: Site) -> None:
    first = await entered(site, "凤凰大道烧烤店露天烧烤油烟扰民", reporter={"phone": "13800000004"})
    second = await entered(site, "又打来：凤凰大道烧烤店露天烧烤油烟扰民", reporter={"phone": "13800000004"})
    visitor = await site.colleague(Role.OPERATOR)
    page = visitor.page
    await visitor.goto(f"/desk/{second.no}")
    await page.keyboard.press("m")
    await page.wait_for_url("**/merge")
    await page.locator(f'a.desk-line[href*="{first.no}"]').click()
    await page.get_by_role("button", name=f"把 {second.no} 并入 {first.no}").click()
    await page.wait_for_url(f"**/desk/{first.no}")
    assert (await current(site, second)).merged_into == first.no


async def test_without_scripts_the_desk_can_be_read(site: Site) -> None:
    ticket = await entered(site, "就是那个事情，你们知道的")
    visitor = await site.colleague(Role.OPERATOR, java_script_enabled=False)
    await visitor.goto("/desk")
    await visitor.page.locator(f'.desk-row[data-no="{ticket.no}"]').click()
    assert "就是那个事情" in await visitor.page.locator(".desk-text").first.inner_text()
    await visitor.page.get_by_label("查找工单").fill("那个事情")
    await visitor.page.get_by_role("button", name="查找").click()
    assert await visitor.page.get_by_role("link", name=ticket.no).count() == 1


async def test_the_same_event_is_joined_and_taken_apart_again(site: Site) -> None:
    address = "凤凰镇恬庄南街38号"
    first = await entered(site, "恬庄南街38号老味道面馆油烟直排，油烟味飘到楼上居民家里", address=address)
    other = await entered(site, "恬庄南街38号的老味道面馆每天油烟直排，油烟味很大，楼上没法开窗", address=address)
    while await follow(site.house):
        pass
    visitor = await site.colleague(Role.OPERATOR)
    page = visitor.page
    await visitor.goto(f"/desk/{other.no}")
    section = page.locator(".same")
    await expect(section).to_contain_text(first.no)
    await sound(visitor)
    await section.get_by_role("button", name="是同一事件，一并办理").click()
    await expect(section).to_contain_text(f"主工单 {first.no}")
    await section.get_by_role("button", name="拆分，单独办理").click()
    await page.locator("#dialog-leave").get_by_label("理由").fill("是楼下另一家店")
    await page.locator("#dialog-leave").get_by_role("button", name="拆分", exact=True).click()
    await expect(page.get_by_text("拆分，单独办理")).to_have_count(0)
    now = await current(site, other)
    assert now.assignments == other.assignments, "nothing was lost"
