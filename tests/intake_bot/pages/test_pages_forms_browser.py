"""Forms of every page: also without https, when what was wrong has been mended, and when a second thought came in between."""

from __future__ import annotations

from browser import Site

from domain.people import Role

PLAIN_HTTP = "delete Crypto.prototype.randomUUID"
"""What a browser leaves out on a page that came without https, as in a bureau's own network."""


async def test_a_form_without_https_says_only_what_is_still_wrong(site: Site) -> None:
    visitor = await site.colleague(Role.ADMINISTRATOR)
    visitor.expected.append("status of 422")
    await visitor.page.add_init_script(PLAIN_HTTP)
    await visitor.goto("/admin/users")
    await visitor.page.get_by_role("button", name="新建账号").click()
    account, unit = visitor.page.locator("#new-account"), visitor.page.locator("#new-unit")
    await account.fill("NOT AN ACCOUNT")
    send = visitor.page.get_by_role("button", name="新建，取得一次性口令")
    await send.click()
    await visitor.page.locator("#new-account-help", has_text="账号应为").wait_for()
    assert await unit.get_attribute("aria-invalid") == "true"
    await account.fill("brigade-1.new")
    await send.click()
    await visitor.page.locator("#new-account-help", has_text="如 brigade-1.fh.a").wait_for()
    assert await account.get_attribute("aria-invalid") is None
    assert await unit.get_attribute("aria-invalid") == "true"
    await unit.select_option("brigade-1")
    await send.click()
    await visitor.page.locator("#secret", has_text="brigade-1.new").wait_for()


async def test_a_call_that_was_to_be_joined_and_was_not_complete_is_not_joined_later(site: Site) -> None:
    visitor = await site.colleague(Role.OPERATOR)
    page = visitor.page
    number = "13800000000"
    await visitor.goto("/desk/new")
    await page.get_by_label("来电号码").fill(number)
    await page.get_by_label("诉求内容").fill("凤凰大道人行道上有人摆摊卖菜，行人走不过去")
    await page.get_by_role("button", name="受理", exact=True).click()
    await page.wait_for_url("**/desk/FH*")
    earlier = page.url.rpartition("/")[2]
    await visitor.goto("/desk/new")
    await page.get_by_label("来电号码").fill(number)
    await page.get_by_role("button", name="受理后并入这一件").click()  # the words are still missing
    await page.get_by_label("诉求内容").fill("桃源苑小区门口垃圾桶满了好几天没有人清")
    await page.get_by_role("button", name="受理", exact=True).click()
    await page.wait_for_url("**/desk/FH*")
    no = page.url.rpartition("/")[2]
    assert no != earlier
    ticket = await site.house.store.tickets.get(no)
    assert ticket is not None and ticket.merged_into == ""
