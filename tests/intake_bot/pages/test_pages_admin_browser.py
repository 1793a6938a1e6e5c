"""The administrator's pages in a browser: readable by everybody at both sizes, and what is done there is done."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from browser import DESKTOP, PHONE, Site, Visitor
from playwright.async_api import expect

from domain.absence import Absence
from domain.people import Actor, Role
from storage.sign_in_misses import FREE_TRIES

PATHS = ("", "/users", "/tokens", "/rosters", "/outbox", "/models", "/config", "/audit", "/audit/accounts")
HOSTILE = "<img src=x onerror=alert(1)>“甲”&"
PASSWORD = "Obviously-1nvented"


async def fill(site: Site) -> None:
    """Something to show on every page, with names that would like to be markup."""
    house, now = site.house, site.house.now()
    by = Actor("administrator", Role.ADMINISTRATOR)
    accounts = house.store.accounts
    for number in range(3):
        await accounts.create_user(
            f"operator.{number}", HOSTILE * (number + 1), Role.OPERATOR, None, PASSWORD, now, must_change=True, by=by
        )
    await house.store.users.disable("operator.1", now, by)
    for _ in range(FREE_TRIES):
        await accounts.authenticate("operator.2", "wrong", now)
    await accounts.create_token(f"token:{HOSTILE}", Role.SUPERVISOR, None, HOSTILE, now, now + timedelta(days=3), by=by)
    away = Absence("brigade-1.fh.a", now, now + timedelta(days=2), HOSTILE)
    await house.store.absences.add([away], now, by)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_every_page_is_for_everybody(site: Site, size: dict[str, int]) -> None:
    visitor = await site.colleague(Role.ADMINISTRATOR, size=size)
    for path in PATHS:
        await visitor.goto(f"/admin{path}")
    await fill(site)
    for path in PATHS:
        await visitor.goto(f"/admin{path}")
        assert await visitor.serious_findings() == [], path
        assert await visitor.overflow() <= 0, path
        assert await visitor.page.locator("img[src='x']").count() == 0, path
    await visitor.goto("/admin")
    for said in ("2027 年放假安排尚未公布", "因多次输错口令被锁定", "只有一名管理员", "将于"):
        await expect(visitor.page.locator(".concerns")).to_contain_text(said)


async def secret_of(visitor: Visitor, term: str) -> str:
    """What is shown once, read and put away."""
    dialog = visitor.page.locator("#secret")
    await expect(dialog).to_be_visible()
    found = await dialog.locator(f"dt:text-is('{term}') + dd").inner_text()
    await visitor.page.keyboard.press("Escape")
    await expect(dialog).to_be_visible()
    async with visitor.page.expect_navigation():
        await dialog.get_by_role("button", name="我已记下，关闭").click()
    return found


async def test_a_colleague_is_given_an_account_and_comes_in_with_it(site: Site) -> None:
    visitor = await site.colleague(Role.ADMINISTRATOR)
    visitor.expected.append("status of 422")
    page = visitor.page
    page.on("dialog", lambda dialog: dialog.accept())
    await visitor.goto("/admin/users")
    await page.get_by_role("button", name="新建账号").click()
    adding = page.locator("#add-user")
    await adding.get_by_label("账号").fill("Bad Account")
    await adding.get_by_role("button", name="新建，取得一次性口令").click()
    await expect(adding.locator("#new-account-help")).to_contain_text("账号应为")
    await adding.get_by_label("账号").fill("desk.new")
    await adding.get_by_label("姓名").fill("坐席新")
    await adding.get_by_label("角色").select_option("operator")
    await adding.get_by_role("button", name="新建，取得一次性口令").click()
    first = await secret_of(visitor, "一次性口令")
    row = page.get_by_role("row").filter(has_text="desk.new")
    await expect(row).to_contain_text("待设定口令")

    await row.get_by_role("button", name="修改").click()
    editing = page.locator("#edit-user")
    await expect(editing.get_by_label("姓名")).to_have_value("坐席新")
    await editing.get_by_label("角色").select_option("brigade")
    await editing.get_by_label("单位").select_option("brigade-1")
    async with page.expect_navigation():
        await editing.get_by_role("button", name="保存").click()
    await expect(page.get_by_role("row").filter(has_text="desk.new")).to_contain_text("一大队")

    await page.get_by_role("row").filter(has_text="desk.new").get_by_role("button", name="重设口令").click()
    second = await secret_of(visitor, "一次性口令")
    house = site.house
    assert await house.store.accounts.authenticate("desk.new", first, house.now()) is None
    user = await house.store.accounts.authenticate("desk.new", second, house.now())
    assert user is not None and user.unit == "brigade-1"

    async with page.expect_navigation():
        await page.get_by_role("row").filter(has_text="desk.new").get_by_role("button", name="停用").click()
    await expect(page.get_by_role("row").filter(has_text="desk.new")).to_contain_text("已停用")
    await visitor.goto("/admin/audit/accounts?account=desk.new")
    for deed in ("新建账号", "修改账号", "重设口令", "停用账号"):
        await expect(page.locator("tbody")).to_contain_text(deed)
    await expect(page.locator("tbody")).to_contain_text("角色 坐席 → 大队队员")


async def test_the_last_administrator_is_told_why_not(site: Site) -> None:
    visitor = await site.colleague(Role.ADMINISTRATOR)
    visitor.expected.append("status of 409")
    visitor.page.on("dialog", lambda dialog: dialog.accept())
    await visitor.goto("/admin/users")
    await visitor.page.get_by_role("button", name="停用").click()
    await expect(visitor.page.locator(".toast-wrong")).to_contain_text("唯一可用的管理员账号")


async def test_a_token_is_shown_once_and_stopped(site: Site) -> None:
    visitor = await site.colleague(Role.ADMINISTRATOR, size=PHONE)
    page = visitor.page
    page.on("dialog", lambda dialog: dialog.accept())
    await visitor.goto("/admin/tokens")
    await expect(page.get_by_text("还没有签发过令牌")).to_be_visible()
    await page.get_by_role("button", name="签发令牌").click()
    await page.get_by_label("用途").fill("值班大屏")
    await page.get_by_role("button", name="签发", exact=True).click()
    token = await secret_of(visitor, "令牌")
    assert await site.house.store.accounts.actor_for_token(token, site.house.now()) is not None
    assert token not in await page.content()
    async with page.expect_navigation():
        await page.get_by_role("button", name="停用：值班大屏").click()
    await expect(page.get_by_role("row").filter(has_text="值班大屏")).to_contain_text("已停用")
    assert await site.house.store.accounts.actor_for_token(token, site.house.now()) is None


async def test_a_roster_is_seen_before_it_is_imported(site: Site) -> None:
    visitor = await site.colleague(Role.ADMINISTRATOR)
    visitor.expected.append("status of 422")
    page = visitor.page
    await visitor.goto("/admin/rosters")
    await page.get_by_role("button", name="导入表格").click()
    importing, file = page.get_by_role("button", name="确认导入"), page.get_by_label("选择表格")

    async def choose(text: str) -> None:
        content = f"账号,离岗开始,离岗结束,事由\n{text}\n".encode()
        await file.set_input_files({"name": "值班.csv", "mimeType": "text/csv", "buffer": content})

    await choose("无此人,2099-12-01,2099-12-02,")
    await expect(page.locator("#roster-preview")).to_contain_text("第 2 行")
    await expect(importing).to_be_disabled()
    await choose(f"brigade-1.fh.a,2099-12-01,2099-12-02,{HOSTILE}")
    await expect(page.locator("#roster-preview")).to_contain_text("共 1 行，其中新的 1 行")
    assert await page.locator("img[src='x']").count() == 0
    async with page.expect_navigation():
        await importing.click()
    await expect(page.locator("tbody")).to_contain_text(re.compile("2099年12月1日 00:00.*2099年12月3日 00:00", re.S))


async def test_the_record_is_checked_by_a_button(site: Site) -> None:
    visitor = await site.colleague(Role.ADMINISTRATOR)
    await visitor.goto("/admin/audit")
    await expect(visitor.page.get_by_text("还没有校验过")).to_be_visible()
    async with visitor.page.expect_navigation():
        await visitor.page.get_by_role("button", name="立即校验").click()
    await expect(visitor.page.locator(".plain")).to_contain_text("逐条相符")


async def test_every_page_reads_without_scripts(site: Site) -> None:
    await fill(site)
    visitor = await site.colleague(Role.ADMINISTRATOR, java_script_enabled=False)
    told = {
        "": "需要留意",
        "/users": "operator.1",
        "/rosters": "brigade-1.fh.a",
        "/config": "12345",
        "/audit/accounts": "新建账号",
    }
    for path in PATHS:
        await visitor.goto(f"/admin{path}")
        await expect(visitor.page.locator("main h1, main h2").first).to_be_visible()
        await expect(visitor.page.locator("main")).to_contain_text(told.get(path, ""))
