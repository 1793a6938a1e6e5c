"""A supervisor at the board with a real browser: pressing, ruling, what updates by itself, what a lost connection says."""

from __future__ import annotations

from datetime import timedelta

from board_histories import OPERATOR, asked, dispatched, done, live_through, member_of, received, sweep
from browser import DESKTOP, PHONE, Site, Visitor
from playwright.async_api import expect

from domain.lifecycle import Action
from domain.people import Role
from domain.ticket import PressLevel, Status, Ticket
from storage.assessments import Appeal, AppealStatus, Level
from supervision.assessment.assessing import month_before

SEEN_WITHIN = 15_000
"""Milliseconds in which a change is on the page: the stream looks each second, and waits for a quiet moment."""


async def ticket_of(site: Site, no: str) -> Ticket:
    found = await site.house.store.tickets.get(no)
    assert found is not None
    return found


async def lamp(visitor: Visitor, light: str) -> int:
    return int(await visitor.page.locator(f"[data-light={light}]").inner_text())


async def test_an_overdue_matter_is_pressed_from_the_list(site: Site) -> None:
    house = site.house
    ticket = await received(house, 1, house.now() - timedelta(days=40))
    await dispatched(house, ticket, house.now() - timedelta(days=39))
    await sweep(house, house.now())
    visitor = await site.colleague(Role.SUPERVISOR)
    visitor.expected.append("status of 422")
    page = visitor.page
    await visitor.goto("/board")
    await page.get_by_role("link", name="督办", exact=True).first.click()
    dialog = page.get_by_role("dialog", name="督办")
    await expect(dialog).to_contain_text(ticket.no)
    await expect(dialog.get_by_label("督办要求")).to_be_focused()
    await dialog.get_by_label("督办要求").fill("请今天到现场并说明进展")
    await dialog.get_by_label("答复期限").fill("2020-01-01T09:00")
    await dialog.get_by_role("button", name="发出督办").click()
    await expect(dialog).to_contain_text("已过，应晚于现在")
    await dialog.get_by_label("答复期限").fill("")
    await dialog.get_by_role("button", name="发出督办").click()
    await expect(dialog).to_be_hidden()
    orders = page.get_by_role("region", name="未答复的督办")
    await expect(orders).to_contain_text("请今天到现场并说明进展", timeout=SEEN_WITHIN)
    (order,) = (await ticket_of(site, ticket.no)).orders
    assert (order.level, order.issued_by) == (PressLevel.RED, "supervisor.one")


async def test_requests_are_ruled_on_and_leave_the_list(site: Site) -> None:
    house = site.house
    extended = await asked(house, 1, Action.EXTEND, working_days=2, reason="需要检测")
    until = (house.now() + timedelta(days=20)).date()
    suspended = await asked(house, 2, Action.SUSPEND, until=until, reason="诉求人外出")
    kept = await asked(house, 3, Action.RETURN, reason_code="R1", basis="权力清单第 3 项")
    visitor = await site.colleague(Role.SUPERVISOR)
    page = visitor.page
    await visitor.goto("/board")
    requests = page.get_by_role("region", name="待裁定的申请")
    await expect(requests).to_contain_text("3 件")

    async def rule(no: str, title: str) -> None:
        await requests.locator("li", has_text=no).get_by_role("link", name="裁定").click()
        await expect(page.get_by_role("dialog", name=title)).to_contain_text(no)

    await rule(extended.no, "裁定延期申请")
    dialog = page.get_by_role("dialog", name="裁定延期申请")
    await expect(dialog).to_contain_text("延期 2 个工作日。需要检测")
    await dialog.get_by_label("同意延期", exact=True).check()
    await dialog.get_by_role("button", name="确定").click()
    await expect(requests).to_contain_text("2 件", timeout=SEEN_WITHIN)
    lead = (await ticket_of(site, extended.no)).lead
    assert lead is not None and (lead.status, lead.extensions) == (Status.ACCEPTED, 1)

    await rule(suspended.no, "裁定挂起申请")
    dialog = page.get_by_role("dialog", name="裁定挂起申请")
    await dialog.get_by_label("不同意挂起").check()
    await dialog.get_by_label("说明").fill("可以电话核实")
    await dialog.get_by_role("button", name="确定").click()
    await expect(requests).to_contain_text("1 件", timeout=SEEN_WITHIN)
    lead = (await ticket_of(site, suspended.no)).lead
    assert lead is not None and lead.status is Status.ACCEPTED

    await rule(kept.no, "裁定退单")
    dialog = page.get_by_role("dialog", name="裁定退单")
    await expect(dialog).to_contain_text("权力清单第 3 项")
    unit = member_of(kept).unit
    assert unit is not None
    await dialog.get_by_label("由谁承办").select_option(unit)
    await dialog.get_by_label("裁定理由").fill("属于本单位职责")
    await dialog.get_by_role("button", name="确定").click()
    await expect(requests).to_contain_text("没有待裁定的申请", timeout=SEEN_WITHIN)
    lead = (await ticket_of(site, kept.no)).lead
    assert lead is not None and lead.return_barred and lead.unit == unit


async def test_a_ruling_on_what_has_changed_meanwhile_is_refused(site: Site) -> None:
    ticket = await asked(site.house, 1, Action.EXTEND, working_days=2, reason="需要检测")
    visitor = await site.colleague(Role.SUPERVISOR)
    visitor.expected.append("status of 412")
    page = visitor.page
    await visitor.goto("/board")
    await page.get_by_role("link", name="裁定").click()
    dialog = page.get_by_role("dialog", name="裁定延期申请")
    await dialog.get_by_label("同意延期", exact=True).check()
    await done(site.house, ticket.no, Action.URGE, OPERATOR, site.house.now())
    await dialog.get_by_role("button", name="确定").click()
    await expect(page.get_by_text("已有新的变化")).to_be_visible()
    assert (await ticket_of(site, ticket.no)).status is Status.EXTENDED


async def test_the_board_follows_what_happens_and_says_when_it_cannot(site: Site) -> None:
    house = site.house
    visitor = await site.colleague(Role.SUPERVISOR)
    visitor.expected += ["ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:afterRequest"]
    page = visitor.page
    await visitor.goto("/board")
    await expect(page.locator("#live")).to_contain_text("实时更新")
    assert await lamp(visitor, "green") == 0
    await dispatched(house, await received(house, 1, house.now()), house.now())
    await expect(page.locator("[data-light=green]")).to_have_text("1", timeout=SEEN_WITHIN)
    await visitor.context.set_offline(True)
    await expect(page.locator("#live")).to_contain_text("连接中断")
    assert await page.locator("#live").get_attribute("data-state") == "off"
    await visitor.context.set_offline(False)
    await expect(page.locator("#live")).to_contain_text("实时更新")


async def test_the_board_reads_without_any_script(site: Site) -> None:
    await live_through(site.house, 20, 20)
    visitor = await site.colleague(Role.SUPERVISOR, java_script_enabled=False)
    await visitor.goto("/board?period=quarter")
    page = visitor.page
    for name in ("目前灯色", "各环节用时", "趋势", "受理量分布", "排名"):
        await expect(page.get_by_role("heading", name=name)).to_be_visible()
    await page.locator("summary[aria-label='按时办结率是怎么算的']").first.click()
    await expect(page.get_by_text("应结案数（期内办结时限到期的主办派单，每轮办理各计一次）").first).to_be_visible()
    await page.get_by_role("combobox", name="渠道").select_option("12345")
    await page.get_by_role("button", name="查看").last.click()
    await page.wait_for_url("**channel=12345**")
    link = page.get_by_role("link", name="督办", exact=True).first
    assert (await link.get_attribute("href") or "").startswith("/desk/FH")


async def test_a_place_of_the_map_opens_its_tickets(site: Site) -> None:
    for number in range(3):
        await received(site.house, number, site.house.now() - timedelta(minutes=9), "港口社区：流动摊贩占道经营")
    visitor = await site.colleague(Role.SUPERVISOR, size=DESKTOP)
    page = visitor.page
    await visitor.goto("/board")
    label = page.locator(".map-label", has_text="港口社区")
    await expect(label).to_contain_text("3")
    assert await page.locator("[data-chart] svg").count() == 2
    row = page.locator("#map-table tr", has_text="港口社区")
    await row.get_by_role("link").last.click()
    await expect(page.locator("#total")).to_have_text("3")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("港口社区")


async def test_a_month_is_corrected_decided_and_frozen(site: Site) -> None:
    house = site.house
    month = month_before(house.now().date())
    filed = await house.store.assessments.file_appeal(
        Appeal(month, Level.BRIGADE, "brigade-1", "平台故障致超期", "brigade-1", "member.one", house.now())
    )
    visitor = await site.colleague(Role.SUPERVISOR, size=PHONE)
    visitor.expected.append("status of 422")
    page = visitor.page
    page.on("dialog", lambda dialog: dialog.accept())
    await visitor.goto(f"/board/assessment?month={month}")
    await page.get_by_role("button", name="裁定").click()
    dialog = page.get_by_role("dialog", name="裁定考核申诉")
    await dialog.get_by_label("裁定理由").fill("情况属实")
    await dialog.get_by_role("button", name="确定").click()
    await expect(dialog).to_contain_text("请填写加回的分数")
    await dialog.get_by_label("加回的分数").fill("1.5")
    async with page.expect_navigation():
        await dialog.get_by_role("button", name="确定").click()
    await expect(page.get_by_text("加回 1.5 分")).to_be_visible()
    (appeal,) = await house.store.assessments.appeals(month, Level.BRIGADE)
    assert (appeal.id, appeal.status, appeal.points) == (filed.id, AppealStatus.GRANTED, 1.5)
    await page.get_by_label("分数", exact=False).fill("-2")
    await page.get_by_label("事由").fill("未按要求报送")
    async with page.expect_navigation():
        await page.get_by_role("button", name="登记").click()
    assert [one.points for one in await house.store.assessments.adjustments(month, Level.BRIGADE)] == [1.5, -2.0]
    async with page.expect_navigation():
        await page.get_by_role("button", name="定档").click()
    await expect(page.get_by_text("由 supervisor.one 定档")).to_be_visible()
    await expect(page.get_by_role("button", name="定档")).to_have_count(0)
