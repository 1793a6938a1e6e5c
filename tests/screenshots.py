"""`make screenshots`: the pictures of README and manuals, taken from a running service over an invented town."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from aiohttp.test_utils import TestServer
from browser import DESKTOP, PHONE, Site, Visitor, missing, running_browser
from databases import sqlite_url
from invented_town import live
from service import ADMIN_TOKEN, ROOT, SECRETS

from domain.people import Role
from intake_bot.api.server import build_app
from intake_bot.engines import build_engine
from intake_bot.house import House, open_house
from intake_bot.settings import load_deployment
from nlu.categories import load_categories

FOLDER = ROOT / "docs" / "pictures"
WALL = {"width": 1920, "height": 1080}
Preparing = Callable[[Visitor], Awaitable[None]]


async def take_pictures() -> None:
    os.environ |= {**SECRETS, "INTAKE_ADMIN_TOKEN": ADMIN_TOKEN}
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = sqlite_url(Path(folder) / "town.db")
        tree = load_categories()
        deployment = load_deployment(ROOT / "config.yml", tree)
        async with open_house(deployment, tree, build_engine(deployment, tree)) as house:
            await live(house, datetime.now(UTC))
            server = TestServer(build_app(house, timers=False))
            await server.start_server()
            try:
                async with running_browser() as browser:
                    await _all(Site(browser, house, str(server.make_url("")).rstrip("/")), house)
            finally:
                await server.close()


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
    await _shoot(visitor, "citizen-done")


async def _staff(site: Site, house: House) -> None:
    for name, role, unit, account, size, path in PAGES:
        visitor = await site.colleague(role, unit, size, account)
        await visitor.goto(path)
        await _shoot(visitor, name)


PAGES: tuple[tuple[str, Role, str | None, str, dict[str, int], str], ...] = (
    ("desk-queue", Role.OPERATOR, None, "operator.one", DESKTOP, "/desk"),
    ("desk-new", Role.OPERATOR, None, "operator.one", DESKTOP, "/desk/new"),
    ("brigade-tasks", Role.BRIGADE, "brigade-1", "brigade-1.fh.a", PHONE, "/brigade"),
    ("board", Role.SUPERVISOR, None, "supervision.head", DESKTOP, "/board"),
    ("board-wall", Role.SUPERVISOR, None, "supervision.head", WALL, "/board/wall"),
)


if __name__ == "__main__":
    if reason := missing():
        raise SystemExit(reason)
    asyncio.run(take_pictures())
