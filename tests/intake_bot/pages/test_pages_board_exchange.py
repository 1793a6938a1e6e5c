"""`/board/exchange` in a browser: differences until they are settled, our own score, and the rows behind every figure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from board_histories import dispatched, done, member_of, received
from browser import DESKTOP, PHONE, Site
from playwright.async_api import expect

from domain.lifecycle import Action
from domain.people import Role
from domain.worktime import local
from intake_bot.exchange_settings import ExchangeSettings
from intake_bot.house import House
from storage.reconciliation import Difference, Run


async def told(house: House) -> tuple[str, str]:
    """Two tickets of 12345: one resolved well and told at once, one resolved with a stock phrase and told at the third try."""
    numbers = []
    for number, result in ((4, "已到恬庄街劝离流动摊贩三户并留人值守两晚"), (8, "已处理完毕，感谢您的理解")):
        ticket = await dispatched(house, await received(house, number, house.now(), channel="12345"), house.now())
        for action, details in ((Action.ACCEPT, {}), (Action.RESOLVE, {"result": result})):
            ticket = await done(house, ticket.no, action, member_of(ticket), house.now(), **details)
        numbers.append(ticket.no)
    outbox, at = house.store.outbox, house.now() + timedelta(minutes=1)
    for attempt in range(3):
        for row in await outbox.lease("channel:12345", at, limit=50, lease=timedelta(0)):
            if row.ticket_no == numbers[0] or attempt == 2:
                await outbox.delivered(row.id, at)
            else:
                await outbox.failed(row.id, "平台回答 503", at)
    return numbers[0], numbers[1]


async def test_differences_are_settled_and_figures_lead_to_their_rows(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = site.house
    good, stock = await told(house)
    ledger = {"url": "https://platform.example.invalid/ledger"}
    changed = {
        "exchange": ExchangeSettings.model_validate({"ledgers": {"12345": ledger, "12369": ledger}}),
        "delivery": house.settings.delivery.model_copy(update={"platforms": {"12345": "https://example.invalid/told"}}),
    }
    monkeypatch.setattr(House, "settings", house.settings.model_copy(update=changed))
    now = house.now()
    found = [Difference(f"PZ2026{number:010d}", "state", "closed", "handling", good) for number in range(60)]
    found += [
        Difference("PZ-GONE", "missing_there", "", "sent", stock),
        Difference("PZ-ODD", "missing_here", "审核中", ""),
    ]
    await house.store.reconciliation.record(Run("12345", f"{local(now):%Y-%m-%d}", now, 71, 70, 0, len(found)), found)
    await house.store.reconciliation.failed(
        Run("12369", f"{local(now):%Y-%m-%d}", now, error="连接平台失败（Timeout）")
    )

    visitor = await site.colleague(Role.SUPERVISOR, size=DESKTOP)
    page = visitor.page
    await visitor.goto("/board")
    await expect(page.get_by_role("link", name="与平台不一致")).to_contain_text("62")
    await page.get_by_role("link", name="与平台不一致").click()
    await expect(page.get_by_role("list", name="差异").get_by_role("listitem")).to_have_count(50)
    await expect(page.locator("main")).to_contain_text("连接平台失败（Timeout）")
    first = page.get_by_role("listitem").filter(has_text="PZ-ODD")
    await expect(first).to_contain_text("平台：审核中；我方：没有")
    await first.locator("summary").click()
    await first.get_by_label("怎样处理的").fill("平台已作废，与平台电话核实")
    await first.get_by_role("button", name="处理完毕").click()
    await expect(page.get_by_text("PZ-ODD")).to_have_count(0)
    await page.get_by_role("link", name="下一页").click()
    await expect(page.get_by_role("list", name="差异").get_by_role("listitem")).to_have_count(11)
    await page.get_by_role("link", name="已处理").click()
    await expect(page.get_by_role("listitem")).to_contain_text(["平台已作废，与平台电话核实"])

    score = page.get_by_role("article")
    await expect(score).to_contain_text("23.75 / 30 分")
    await expect(score).to_contain_text("办理情况只是套话，没有说明做了什么 1 条")
    assert await visitor.serious_findings() == []
    await score.get_by_role("link", name="内容完整 75.0%，不符合的 1 条").click()
    await expect(page.locator("#total")).to_have_text("1")
    await expect(page.locator("#reports tbody")).to_contain_text(stock)
    await page.get_by_role("link", name="计入分子 3").click()
    await expect(page.locator("#reports tbody tr")).to_have_count(3)
    assert await visitor.serious_findings() == []
    await page.get_by_role("link", name="回到自评").click()
    await score.get_by_role("link", name="数据及时符合的 3 条").click()
    await expect(page.locator("#reports tbody tr")).to_have_count(3)

    for path in ("/board/exchange", f"/board/exchange/reports?channel=12345&month={local(now):%Y-%m}&part=content"):
        phone = await site.colleague(Role.ADMINISTRATOR, size=PHONE)
        await phone.goto(path)
        assert await phone.overflow() <= 0 and await phone.serious_findings() == []
    await visitor.page.context.close()
    admin = await site.colleague(Role.ADMINISTRATOR)
    await admin.goto("/admin")
    await expect(admin.page.get_by_role("link", name="12345便民服务与平台不一致 61 处")).to_be_visible()
    await admin.page.get_by_role("link", name="12345便民服务本月自评 23.75 / 30 分").click()
    await expect(admin.page.get_by_role("heading", name="23.75 / 30 分")).to_be_visible()
