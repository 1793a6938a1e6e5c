"""How the board looks in a real browser: on a phone, at a desk and on the wall; for everybody, full and empty."""

from __future__ import annotations

import pytest
from board_histories import asked, live_through, received
from browser import DESKTOP, PHONE, Site

from domain.lifecycle import Action
from domain.people import Role

WALL = {"width": 1920, "height": 1080}
PATHS = (
    "/board?period=quarter",
    "/board?period=today",
    "/board/metrics",
    "/board/tickets?open=true",
    "/board/tickets?metric=accepted_in_time&first=2026-01-01",
    "/board/assessment",
    "/board/assessment/trial?resolved_in_time.marks=21",
    "/board/reports",
)
LONG = "港口社区：" + "这一处垃圾堆放很久没有人来清理已经影响到周围居民的正常生活" * 6


@pytest.mark.parametrize(
    ("size", "full"),
    [(PHONE, True), (DESKTOP, True), (PHONE, False)],
    ids=["full-phone", "full-desktop", "empty-phone"],
)
async def test_every_page_of_the_board_is_for_everybody(site: Site, size: dict[str, int], full: bool) -> None:
    if full:
        await live_through(site.house, 30, 40)
        await received(site.house, 900, site.house.now(), LONG)
        await asked(site.house, 901, Action.RETURN, reason_code="R1", basis="权力清单" * 40)
    visitor = await site.colleague(Role.SUPERVISOR, size=size)
    for path in PATHS:
        await visitor.goto(path)
        await visitor.page.wait_for_timeout(400)
        assert await visitor.serious_findings() == [], path
        assert await visitor.overflow() <= 0, path


async def test_dialogs_are_for_everybody(site: Site) -> None:
    await asked(site.house, 1, Action.RETURN, reason_code="R1", basis="权力清单")
    visitor = await site.colleague(Role.SUPERVISOR, size=PHONE)
    await visitor.goto("/board")
    await visitor.page.get_by_role("link", name="裁定").click()
    await visitor.page.get_by_role("dialog", name="裁定退单").wait_for()
    assert await visitor.serious_findings() == []
    assert await visitor.overflow() <= 0


@pytest.mark.parametrize("tickets", [0, 60])
async def test_the_wall_screen_shows_everything_without_scrolling(site: Site, tickets: int) -> None:
    if tickets:
        await live_through(site.house, tickets, 40)
    visitor = await site.colleague(Role.SUPERVISOR, size=WALL)
    page = visitor.page
    await visitor.goto("/board/wall")
    await page.wait_for_timeout(800)
    assert await visitor.overflow() <= 0
    assert await page.evaluate("document.documentElement.scrollHeight") <= WALL["height"]
    cut = await page.evaluate(
        """[...document.querySelectorAll('.wall .card')]
           .filter((card) => card.scrollHeight > card.clientHeight + 1)
           .map((card) => card.getAttribute('aria-labelledby'))"""
    )
    assert cut == []
    assert await visitor.serious_findings() == []
    assert await page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    shown = await page.locator("[data-light=red]").inner_text()
    await page.evaluate("htmx.trigger('#now', 'refresh')")
    await page.wait_for_timeout(500)
    assert await page.locator("[data-light=red]").inner_text() == shown
    assert await page.locator("[data-chart] svg").count() == 1


async def test_print_leaves_out_what_is_for_the_screen_only(site: Site) -> None:
    await live_through(site.house, 20, 20)
    visitor = await site.colleague(Role.SUPERVISOR)
    page = visitor.page
    await visitor.goto("/board")
    await page.emulate_media(media="print")
    for selector in (".top", ".chooser", ".tabs", "[data-press]", "[data-print]", ".what"):
        assert await page.locator(selector).first.is_hidden(), selector
    assert await page.get_by_role("heading", name="目前灯色").is_visible()
    pdf = await page.pdf(format="A4", prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
