"""A whole case through all four pages: from a citizen's first word to the closing, with everybody in a browser of their own."""

from __future__ import annotations

import io
import re
from typing import Any

from browser import DESKTOP, PHONE, Site, Visitor
from PIL import Image
from playwright.async_api import Page, expect

from domain.people import Role
from domain.ticket import Status, Ticket

NUMBER = re.compile(r"FH\d{6}-\d{5}")
expect.set_options(timeout=15_000)  # a busy machine is no failure


def button(page: Page, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


async def say(visitor: Visitor, words: str) -> str:
    """What the bureau answers to a turn."""
    page = visitor.page
    shown = await page.locator(".bubble").count()
    before = await page.locator("input[name=turn]").get_attribute("value")
    await page.get_by_label("说说您的问题").fill(words)
    await button(page, "发送").click()
    await page.wait_for_function("before => document.querySelector('input[name=turn]').value !== before", arg=before)
    return "\n".join((await page.locator(".bubble").all_inner_texts())[shown:])


async def complained(citizen: Visitor) -> str:
    await citizen.goto("/")
    await say(citizen, "恬庄街38号门口人行道上每天晚上有流动摊贩占道摆摊卖水果，路都走不了，希望管一管")
    await say(citizen, "没有照片")
    await say(citizen, "13800000000")
    answer = await say(citizen, "提交")
    assert "前办结" in answer, answer
    return NUMBER.findall(answer)[-1]


async def current(site: Site, no: str) -> Ticket:
    found = await site.house.store.tickets.get(no)
    assert found is not None
    return found


async def urged(operator: Visitor, no: str) -> None:
    """The citizen calls; the operator finds the ticket by number and urges."""
    page = operator.page
    await operator.goto("/desk")
    await page.locator("#desk-q").fill(no)
    await page.locator("#desk-q").press("Enter")
    await page.get_by_role("link", name=no).first.click()
    await button(page, "催办 U").or_(page.locator("[data-open=dialog-urge]")).first.click()
    await page.get_by_label("诉求人怎么说").first.fill("诉求人来电，问什么时候有人来")
    await page.locator("#dialog-urge").get_by_role("button", name="催办").click()
    await expect(page.locator("#dialog-urge")).to_be_hidden()


async def pressed(supervisor: Visitor, no: str) -> None:
    page = supervisor.page
    await supervisor.goto("/board")
    await expect(page.locator('[data-light="green"]')).to_have_text("1")
    await supervisor.goto(f"/desk/{no}")
    await page.locator("[data-open=dialog-press]").first.click()
    await page.get_by_label("要求").fill("今天到场处置，并电话告知诉求人")
    await button(page, "发出督办").click()
    await expect(page.locator("#dialog-press")).to_be_hidden()


async def handled(handler: Visitor, no: str) -> None:
    page = handler.page
    await handler.goto(f"/brigade/{no}")
    await button(page, "签收").click()
    await button(page, "拨打电话").click()
    await button(page, "查看电话").click()
    await expect(page.get_by_role("link", name="拨打 13800000000")).to_be_visible()
    await button(page, "通话后填写联系记录").click()
    await page.get_by_text("已联系上", exact=True).click()
    await page.get_by_label("沟通情况").fill("约定当天到场")
    await button(page, "保存联系记录").click()
    await expect(page.locator(".limits li", has_text="联系诉求人")).to_contain_text("已完成")
    await button(page, "办结").click()
    picture = io.BytesIO()
    Image.new("RGB", (800, 600), "olive").save(picture, "JPEG")
    await page.get_by_label("处置后照片：拍照").set_input_files(
        {"name": "after.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()}
    )
    await expect(page.get_by_alt_text("预览")).to_have_count(1)
    await page.get_by_label("办理结果").fill(
        "11月25日上午我大队到恬庄街38号现场核查，发现两处流动摊贩占道，已当场劝离并清理，人行道恢复通行，"
        "并安排每日傍晚巡查；已电话告知诉求人。承办单位电话：0512-58110000。"
    )
    await button(page, "提交办结").click()
    await expect(page.get_by_text("已办结待回访").first).to_be_visible()


async def test_a_whole_case_through_all_four_pages(site: Site) -> None:
    citizen = await site.visitor(PHONE)
    no = await complained(citizen)
    lead = (await current(site, no)).lead
    assert lead is not None

    operator = await site.colleague(Role.OPERATOR, size=DESKTOP)
    await urged(operator, no)
    supervisor = await site.colleague(Role.SUPERVISOR, size=DESKTOP)
    await pressed(supervisor, no)
    handler = await site.colleague(Role.BRIGADE, lead.unit, PHONE, lead.handler)
    await handler.goto("/brigade")
    await expect(handler.page.locator(".task").first).to_contain_text("督办")
    await handled(handler, no)

    answer = await say(citizen, "上次反映的怎么样了")
    assert no in answer and "流动摊贩占道" in answer, answer
    assert "13800000000" not in answer
    await say(citizen, "评价")
    await say(citizen, "解决了")
    await say(citizen, "满意")
    rated = await current(site, no)
    assert (rated.status, rated.solved, rated.satisfaction) == (Status.FOLLOWED_UP, "yes", "satisfied")

    page = operator.page
    await operator.goto(f"/desk/{no}")
    await page.locator("[data-open=dialog-close]").first.click()
    await page.locator("#dialog-close").get_by_role("button", name="结案").click()
    await expect(page.locator("#dialog-close")).to_be_hidden()
    closed = await current(site, no)
    assert closed.status is Status.CLOSED
    assert (closed.urges, closed.presses) == (1, 1)

    await supervisor.goto("/board")
    await expect(supervisor.page.locator(".todays")).to_contain_text("今日办结")
    for light in ("red", "yellow", "green", "grey"):
        await expect(supervisor.page.locator(f'[data-light="{light}"]')).to_have_text("0")
    assert (await site.house.store.verify_chain()).intact
