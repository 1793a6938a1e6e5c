"""`make screenshots`: the pictures of README and manuals, taken from a running service over an invented town."""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer
from browser import DESKTOP, PHONE, Site, Visitor, missing, running_browser
from databases import sqlite_url
from invented_town import live
from PIL import Image
from service import ADMIN_TOKEN, ROOT, SECRETS

from domain.absence import Absence
from domain.people import Role
from domain.ticket import Status
from intake_bot.api.server import build_app
from intake_bot.delivery import Delivery
from intake_bot.engines import build_engine
from intake_bot.exchange_settings import ExchangeSettings
from intake_bot.house import House, open_house
from intake_bot.settings import DeliverySettings, Deployment, load_deployment
from nlu.categories import load_categories
from storage.reconciliation import Difference, Run
from storage.tickets import TicketFilter

FOLDER = ROOT / "docs" / "pictures"
WALL = {"width": 1920, "height": 1080}


async def take_pictures() -> None:
    os.environ |= {**SECRETS, "INTAKE_ADMIN_TOKEN": ADMIN_TOKEN}
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = sqlite_url(Path(folder) / "town.db")
        tree = load_categories()
        deployment = _with_platforms(load_deployment(ROOT / "config.yml", tree))
        async with open_house(deployment, tree, build_engine(deployment, tree)) as house:
            await live(house, datetime.now(UTC))
            await house.store.search.catch_up()
            await _report(house)
            await _deliver(house)
            server = TestServer(build_app(house, timers=False))
            await server.start_server()
            try:
                async with running_browser() as browser:
                    await _all(Site(browser, house, str(server.make_url("")).rstrip("/")), house)
            finally:
                await server.close()


def _with_platforms(deployment: Deployment) -> Deployment:
    """Two platforms that are reported to and compared with."""
    settings, codes = deployment.settings, ("12345", "12369")
    ledgers = {code: {"url": "https://platform.example.invalid/ledger"} for code in codes}
    addresses = dict.fromkeys(codes, "https://platform.example.invalid/told")
    changed = {
        "exchange": ExchangeSettings.model_validate({"ledgers": ledgers}),
        "delivery": settings.delivery.model_copy(update={"platforms": addresses}),
    }
    return replace(deployment, settings=settings.model_copy(update=changed))


async def _report(house: House) -> None:
    """What platforms are told arrived soon after; last night's comparison left a few differences."""
    now, outbox = house.now(), house.store.outbox
    for code in house.settings.delivery.platforms:
        while rows := await outbox.lease(f"channel:{code}", now, limit=200, lease=timedelta(hours=1)):
            for row in rows:
                await outbox.delivered(row.id, row.created_at + timedelta(minutes=3 if row.id % 9 else 90))
        own = await house.store.reconciliation.own(code, now - timedelta(days=30))
        last, before = own[-1], own[-2]
        found = [
            Difference(last.source_no, "state", "closed", "handling", last.no),
            Difference(before.source_no, "missing_there", "", "sent", before.no),
        ]
        run = Run(code, f"{now:%Y-%m-%d}", now, len(own) - 1, len(own), 0, len(found))
        await house.store.reconciliation.record(run, found)


async def _deliver(house: House) -> None:
    """Try what is due once: without addresses most of it is kept on record, which the administrator sees."""
    delivery = Delivery(house, DeliverySettings())
    async with aiohttp.ClientSession() as session:
        for _ in range(5):
            await delivery.deliver_due(session)


async def _all(site: Site, house: House) -> None:
    await _citizen(site)
    await _staff(site, house)


async def _shoot(visitor: Visitor, name: str, *, whole: bool = False) -> None:
    await visitor.page.wait_for_timeout(900)
    await visitor.page.screenshot(path=FOLDER / f"{name}.png", full_page=whole)


async def _say(visitor: Visitor, words: str) -> None:
    page = visitor.page
    before = await page.locator("input[name=turn]").get_attribute("value")
    await page.get_by_label("说说您的问题").fill(words)
    await page.get_by_role("button", name="发送", exact=True).click()
    await page.wait_for_function("before => document.querySelector('input[name=turn]').value !== before", arg=before)


async def _citizen(site: Site) -> None:
    visitor = await site.visitor(PHONE)
    await visitor.goto("/")
    await _say(visitor, "恬庄街38号门口人行道上每天晚上有流动摊贩占道摆摊卖水果，路都走不了，希望管一管")
    await _shoot(visitor, "citizen-talk")
    await _say(visitor, "没有照片")
    await _say(visitor, "13800000000")
    await _shoot(visitor, "citizen-confirm")
    await _say(visitor, "提交")


async def _staff(site: Site, house: House) -> None:
    await _desk(site, house)
    await _brigade(site, house)
    await _board(site)
    await _admin(site, house)


async def _desk(site: Site, house: House) -> None:
    visitor = await site.colleague(Role.SUPERVISOR, None, DESKTOP, "supervision.head")
    page = visitor.page
    await visitor.goto("/desk")
    await page.keyboard.press("j")
    await page.locator("#ticket").wait_for()
    await _shoot(visitor, "desk-queue")
    await visitor.goto("/desk/search?q=渣土车")
    await _shoot(visitor, "desk-search")
    visitor = await site.colleague(Role.OPERATOR, None, DESKTOP, "operator.one")
    page = visitor.page
    await visitor.goto("/desk/new")
    await page.locator("[name='reporter.phone']").fill("13800000007")
    await page.locator("[name=content]").fill("我在湖滨苑12幢，楼道里有很重的煤气味，楼上老人好像晕倒了")
    await page.wait_for_timeout(2500)
    await _shoot(visitor, "desk-new")
    await visitor.goto("/desk/import")
    await page.locator("input[type=file]").set_input_files(
        {"name": "留言.csv", "mimeType": "text/csv", "buffer": SHEET.encode("utf-8-sig")}
    )
    await page.get_by_role("button", name="预览").click()
    await page.wait_for_timeout(1500)
    await _shoot(visitor, "desk-import")
    newest = (await house.store.tickets.page(TicketFilter(open_only=True, category="C0401"), limit=2)).items
    newest = (
        newest if len(newest) == 2 else (await house.store.tickets.page(TicketFilter(open_only=True), limit=2)).items
    )
    await visitor.goto(f"/desk/{newest[0].ticket_no}/merge?into={newest[1].ticket_no}")
    await _shoot(visitor, "desk-merge")


SHEET = """id,user,title,time,content
9001,某网友,占道经营,2026-11-24 09:10:00,恬庄街有人占道经营，影响通行
9002,某网友,异味,2026-11-24 10:20:00,双龙村夜里有刺鼻气味，闻着头疼
9003,某网友,路灯,昨天上午,港口老街的路灯坏了好几天
9004,某网友,垃圾,2026-11-24 11:00:00,
"""


async def _brigade(site: Site, house: House) -> None:
    """The handler who has most to do, on a phone."""
    open_ones = (await house.store.tickets.page(TicketFilter(open_only=True, unit="brigade-1"), limit=200)).items
    tickets = [one for one in await house.store.tickets.several([one.ticket_no for one in open_ones]) if one.lead]
    accepted = [one for one in tickets if one.lead and one.lead.status is Status.ACCEPTED]
    account = accepted[0].lead.handler if accepted and accepted[0].lead else "brigade-1.fh.a"
    visitor = await site.colleague(Role.BRIGADE, "brigade-1", PHONE, account)
    page = visitor.page
    await visitor.goto("/brigade")
    await _shoot(visitor, "brigade-tasks")
    await visitor.goto(f"/brigade/{accepted[0].no}")
    await _shoot(visitor, "brigade-ticket")
    await page.get_by_role("button", name="办结", exact=True).click()
    await page.get_by_label("处置前照片：拍照").set_input_files(_photo("#8a7d5a"))
    await page.get_by_label("处置后照片：拍照").set_input_files(_photo("#7fa06b"))
    await page.get_by_label("办理结果").fill("今天上午到现场核查，情况属实，已责令当事人当场改正，道路恢复通行。")
    await _shoot(visitor, "brigade-resolve")
    await visitor.goto("/brigade")
    await page.evaluate("navigator.serviceWorker.ready")
    await visitor.goto("/brigade")
    await page.wait_for_timeout(1500)
    await visitor.context.set_offline(True)
    sign = page.get_by_role("button", name="签收", exact=True)
    if await sign.count():
        await sign.first.click()
    await _shoot(visitor, "brigade-offline")
    await visitor.context.set_offline(False)


def _photo(colour: str) -> dict[str, Any]:
    file = io.BytesIO()
    Image.new("RGB", (1200, 900), colour).save(file, "JPEG")
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


async def _board(site: Site) -> None:
    visitor = await site.colleague(Role.SUPERVISOR, None, DESKTOP, "supervision.head")
    await visitor.goto("/board")
    await _shoot(visitor, "board-desktop")
    await visitor.goto("/board?period=month")
    await visitor.page.wait_for_timeout(1500)
    await visitor.page.locator("#period-title").evaluate("(one) => one.scrollIntoView()")
    await _shoot(visitor, "board-figures")
    await visitor.goto("/board/assessment")
    await _shoot(visitor, "board-assessment")
    await visitor.goto("/board/exchange")
    await _shoot(visitor, "board-exchange", whole=True)
    visitor = await site.colleague(Role.SUPERVISOR, None, WALL, "supervision.head")
    await visitor.goto("/board/wall")
    await visitor.page.wait_for_timeout(1500)
    await _shoot(visitor, "board-wall")


async def _admin(site: Site, house: House) -> None:
    start = datetime.now(UTC)
    away = Absence("brigade-1.fh.a", start, start + timedelta(days=2), "外出培训")
    await house.store.absences.add([away], start)
    visitor = await site.colleague(Role.ADMINISTRATOR, None, DESKTOP, "admin")
    for name, path in (
        ("admin-home", "/admin"),
        ("admin-users", "/admin/users"),
        ("admin-rosters", "/admin/rosters"),
        ("admin-outbox", "/admin/outbox"),
        ("admin-audit", "/admin/audit"),
    ):
        await visitor.goto(path)
        await _shoot(visitor, name)


if __name__ == "__main__":
    if reason := missing():
        raise SystemExit(reason)
    asyncio.run(take_pictures())
