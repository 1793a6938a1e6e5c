"""A real Chromium for tests of the pages: visits that fail on anything a browser complains about, and what axe finds."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from domain.people import Role
from intake_bot.house import House
from intake_bot.pages.static import MODULES
from intake_bot.sessions import COOKIE
from storage.accounts import SESSION, AccountExists

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
NAMES = {
    Role.OPERATOR: "坐席一号",
    Role.BRIGADE: "队员一号",
    Role.SUPERVISOR: "督办一号",
    Role.ADMINISTRATOR: "管理员一号",
}
SERIOUS = frozenset({"serious", "critical"})
AXE = MODULES / "axe-core" / "axe.min.js"


def chromium() -> str | None:
    """Where this machine's Chromium is; None where it has none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def missing() -> str:
    """Why pages cannot be tested here; empty where they can."""
    if chromium() is None:
        return "no Chromium on this machine: make browser"
    return "" if AXE.is_file() else "the scripts of the pages are not installed: make run"


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Visitor:
    """Somebody with a browser of their own. `complaints`: what the browser had to say against a page."""

    page: Page
    context: BrowserContext
    address: str
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    """Parts of complaints that the test provokes itself, e.g. `status of 422`."""

    async def goto(self, path: str, status: int = 200) -> None:
        response = await self.page.goto(self.address + path)
        assert response is not None and response.status == status, (path, response and response.status)

    async def settled(self) -> None:
        """Until nothing is under way."""
        await self.page.wait_for_load_state("networkidle")

    async def serious_findings(self) -> list[str]:
        """What axe finds that keeps people from using the page."""
        await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = await self.page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})"
        )
        return [
            f"{one['id']}: {one['help']} — {[node['html'][:160] for node in one['nodes'][:3]]}"
            for one in found["violations"]
            if one["impact"] in SERIOUS
        ]

    async def overflow(self) -> int:
        """Pixels by which the page is wider than its window: nobody wants to scroll sideways on a phone."""
        wider: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return wider

    def check(self) -> None:
        """Fail on what the browser complained about and nobody expected."""
        unexpected = [one for one in self.complaints if not any(part in one for part in self.expected)]
        assert not unexpected, unexpected


class Site:
    """A service and a browser that visits it."""

    def __init__(self, browser: Browser, house: House, address: str) -> None:
        self.browser = browser
        self.house = house
        self.address = address
        self._visitors: list[Visitor] = []

    async def visitor(self, size: dict[str, int] | None = None, **options: Any) -> Visitor:
        """A new browser window without any cookie. `options` are Playwright's for a context."""
        touch = size == PHONE
        context = await self.browser.new_context(
            viewport=size or DESKTOP,  # type: ignore[arg-type]
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            has_touch=touch,
            is_mobile=touch,
            **options,
        )
        context.set_default_timeout(15_000)
        page = await context.new_page()
        visitor = Visitor(page, context, self.address)
        page.on("console", lambda message: _note(visitor, message))
        page.on("pageerror", lambda error: visitor.complaints.append(f"script: {error}"))
        page.on("requestfailed", lambda request: _failed(visitor, request))
        self._visitors.append(visitor)
        return visitor

    async def colleague(
        self,
        role: Role,
        unit: str | None = None,
        size: dict[str, int] | None = None,
        account: str = "",
        **options: Any,
    ) -> Visitor:
        """Somebody who is signed in. `account` matters where tickets are dispatched to a person."""
        visitor = await self.visitor(size, **options)
        account = account or f"{role}.one"
        now = self.house.now()
        accounts = self.house.store.accounts
        try:
            password = "Obviously-1nvented"
            await accounts.create_user(account, NAMES[role], role, unit, password, now, must_change=False)
        except AccountExists:
            pass
        token = await accounts.create_token(account, role, unit, SESSION, now, now + timedelta(hours=1))
        await visitor.context.add_cookies([{"name": COOKIE, "value": token, "url": self.address}])
        return visitor

    def check(self) -> None:
        for one in self._visitors:
            one.check()


def _note(visitor: Visitor, message: ConsoleMessage) -> None:
    if message.type in {"error", "warning"}:
        visitor.complaints.append(f"{message.type}: {message.text}")


def _failed(visitor: Visitor, request: Request) -> None:
    if request.failure != "net::ERR_ABORTED":  # a page that was left behind
        visitor.complaints.append(f"request: {request.url} {request.failure}")
