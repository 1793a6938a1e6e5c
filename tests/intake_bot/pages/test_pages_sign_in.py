"""Signing in on the pages: the form, the first sign-in, lock-out, leaving, what another site may not do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from browser import DESKTOP, PHONE, Site
from service import Caller

from domain.people import Role
from intake_bot.api.server import all_routes
from intake_bot.sessions import COOKIE, CSRF_HEADER, DEVICE_COOKIE, csrf_token
from storage.accounts import SESSION
from storage.sign_in_misses import FREE_TRIES

PASSWORD = "Obviously-1nvented"
NEW_PASSWORD = "Another-1nvented"


async def an_operator(site_or_caller: Any, *, must_change: bool = False) -> None:
    house = site_or_caller.house
    await house.store.accounts.create_user(
        "operator.x", "坐席甲", Role.OPERATOR, None, PASSWORD, house.now(), must_change=must_change
    )


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_the_sign_in_is_for_everybody(site: Site, size: dict[str, int]) -> None:
    visitor = await site.visitor(size)
    await visitor.goto("/login")
    assert await visitor.serious_findings() == []
    assert await visitor.overflow() <= 0


async def test_whoever_signs_in_comes_to_where_they_wanted_to_go_and_can_leave(site: Site) -> None:
    await an_operator(site)
    visitor = await site.visitor()
    await visitor.page.goto(f"{site.address}/account")
    assert "/login?next=%2Faccount" in visitor.page.url
    await visitor.page.get_by_label("账号").fill("operator.x")
    await visitor.page.get_by_label("口令").fill(PASSWORD)
    await visitor.page.get_by_role("button", name="登录").click()
    await visitor.page.wait_for_url("**/account")
    assert await visitor.page.get_by_text("坐席甲").count() > 0
    cookie = next(one for one in await visitor.context.cookies() if one["name"] == COOKIE)
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax"
    assert await visitor.serious_findings() == []
    await visitor.page.get_by_role("button", name="退出").click()
    await visitor.page.wait_for_url("**/login")
    assert await site.house.store.accounts.session(cookie["value"], site.house.now()) is None


async def test_the_first_sign_in_sets_a_password_of_ones_own(site: Site) -> None:
    await an_operator(site, must_change=True)
    visitor = await site.visitor(PHONE)
    visitor.expected.append("status of 422")
    await visitor.goto("/login")
    await visitor.page.get_by_label("账号").fill("operator.x")
    await visitor.page.get_by_label("口令").fill(PASSWORD)
    await visitor.page.get_by_role("button", name="登录").click()
    await visitor.page.get_by_role("heading", name="设定新口令").wait_for()
    for new, again, said in (
        ("short", "short", "至少 10 位"),
        (NEW_PASSWORD, "Different-1nvented", "两次输入的新口令不一致"),
        (NEW_PASSWORD, NEW_PASSWORD, ""),
    ):
        await visitor.page.get_by_label("一次性口令").fill(PASSWORD)
        await visitor.page.get_by_label("新口令", exact=False).first.fill(new)
        await visitor.page.get_by_label("再输入一次新口令").fill(again)
        await visitor.page.get_by_role("button", name="设定并登录").click()
        if said:
            await visitor.page.get_by_text(said).wait_for()
    await visitor.page.wait_for_url("**/desk")


async def form(caller: Caller, path: str, data: dict[str, str], **options: Any) -> aiohttp.ClientResponse:
    response = await caller.client.post(path, data=data, allow_redirects=False, **options)
    await response.read()
    return response


async def test_a_password_guessed_too_often_locks_the_account(caller: Caller) -> None:
    await an_operator(caller)
    for _ in range(FREE_TRIES):
        assert (await form(caller, "/login", {"account": "operator.x", "password": "wrong"})).status == 401
    answer = await form(caller, "/login", {"account": "operator.x", "password": PASSWORD})
    assert answer.status == 429
    assert "口令多次输错" in await answer.text()


async def test_guessing_keeps_neither_a_known_browser_nor_a_session_out(caller: Caller) -> None:
    await an_operator(caller)
    right = {"account": "operator.x", "password": PASSWORD}
    known = (await form(caller, "/login", right)).cookies
    caller.client.session.cookie_jar.clear()
    for _ in range(FREE_TRIES):
        assert (await form(caller, "/login", {**right, "password": "wrong"})).status == 401
    refused = await form(caller, "/login", right)
    assert refused.status == 429 and int(refused.headers["Retry-After"]) <= 60
    session = {"Cookie": f"{COOKIE}={known[COOKIE].value}"}
    change = {"password": "wrong", "csrf": csrf_token(known[COOKIE].value)}
    assert (await form(caller, "/account/password", change, headers=session)).status == 401, "not 429"
    browser = {"Cookie": f"{DEVICE_COOKIE}={known[DEVICE_COOKIE].value}"}
    assert (await form(caller, "/login", right, headers=browser)).status == 303


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/logout"]
)
async def test_a_link_cannot_lead_away_after_the_sign_in(caller: Caller, wanted: str) -> None:
    await an_operator(caller)
    answer = await form(caller, "/login", {"account": "operator.x", "password": PASSWORD, "next": wanted})
    assert (answer.status, answer.headers["Location"]) == (303, "/desk")


async def signed_in(caller: Caller) -> str:
    await an_operator(caller)
    now = caller.house.now()
    accounts = caller.house.store.accounts
    return await accounts.create_token("operator.x", Role.OPERATOR, None, SESSION, now, now + timedelta(minutes=30))


async def test_a_session_is_no_bearer_token(caller: Caller) -> None:
    token = await signed_in(caller)
    assert (await caller.get("/api/v1/me", token=token)).status == 401
    answer = await caller.client.get("/api/v1/me", headers={"Cookie": f"{COOKIE}={token}"})
    assert answer.status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({CSRF_HEADER: "guessed"}, 403),
        ({CSRF_HEADER: "right", "Sec-Fetch-Site": "cross-site"}, 403),
        ({CSRF_HEADER: "right", "Origin": "https://evil.example"}, 403),
        ({CSRF_HEADER: "right", "Sec-Fetch-Site": "same-origin"}, 422),
        ({CSRF_HEADER: "right"}, 422),
    ],
)
async def test_only_our_own_page_changes_something(caller: Caller, headers: dict[str, str], status: int) -> None:
    token = await signed_in(caller)
    given = {name: csrf_token(token) if value == "right" else value for name, value in headers.items()}
    answer = await caller.client.post("/api/v1/tickets", json={}, headers={**given, "Cookie": f"{COOKIE}={token}"})
    assert answer.status == status, await answer.text()


async def test_a_session_ends_when_it_is_not_used_and_after_its_longest_time(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await signed_in(caller)
    house = caller.house
    begun = house.now()
    clock = [begun]
    monkeypatch.setattr(type(house), "now", lambda _: clock[0])
    minutes = house.settings.sign_in.idle_minutes

    async def status() -> int:
        return (await caller.client.get("/api/v1/me", headers={"Cookie": f"{COOKIE}={token}"})).status

    while clock[0] < begun + timedelta(hours=house.settings.sign_in.longest_hours) - timedelta(minutes=minutes):
        clock[0] += timedelta(minutes=minutes - 1)
        assert await status() == 200
    clock[0] = begun + timedelta(hours=house.settings.sign_in.longest_hours, seconds=1)
    assert await status() == 401


async def test_a_session_that_is_not_used_ends(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await signed_in(caller)
    house = caller.house
    later = house.now() + timedelta(minutes=house.settings.sign_in.idle_minutes, seconds=1)
    monkeypatch.setattr(type(house), "now", lambda _: later)
    answer = await caller.client.get("/account", headers={"Cookie": f"{COOKIE}={token}"}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=%2Faccount")


async def test_a_new_password_ends_every_other_session(caller: Caller) -> None:
    token = await signed_in(caller)
    other = await caller.house.store.accounts.create_token(
        "operator.x", Role.OPERATOR, None, SESSION, caller.house.now(), caller.house.now() + timedelta(minutes=30)
    )
    data = {
        "csrf": csrf_token(token),
        "password": PASSWORD,
        "new_password": NEW_PASSWORD,
        "new_password_again": NEW_PASSWORD,
    }
    answer = await form(caller, "/account/password", data, headers={"Cookie": f"{COOKIE}={token}"})
    assert answer.status == 200 and "口令已修改" in await answer.text()
    for one in (token, other):
        assert await caller.house.store.accounts.session(one, caller.house.now()) is None
    assert COOKIE in answer.cookies


async def test_pages_are_guarded_and_refusals_are_pages(caller: Caller) -> None:
    answer = await caller.client.get("/login")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    answer = await caller.client.get("/no-such-page", headers={"Accept": "text/html"})
    assert answer.status == 404 and "没有找到" in await answer.text()
    answer = await caller.client.get("/no-such-page", headers={"Accept": "application/json"})
    assert answer.content_type == "application/problem+json"


async def test_no_page_waits_for_a_script_and_none_holds_one(caller: Caller) -> None:
    """Modules and deferred scripts only: a slow line shows the page first. The content policy refuses what is inline."""
    brigade = await caller.new_token("brigade", "brigade-1")
    found = 0
    for route in all_routes(caller.house.channels.values()):
        if not route.page or route.method != "GET" or "{" in route.path:
            continue
        token = caller.token if route.roles is None or Role.ADMINISTRATOR in route.roles else brigade
        async with caller.client.get(
            route.path, headers={"Authorization": f"Bearer {token}"}, allow_redirects=False
        ) as answer:
            if answer.status != 200 or answer.content_type != "text/html":
                continue
            html = await answer.text()
        scripts = re.findall(r"<script([^>]*)>([^<]*)", html)
        assert all((" defer" in one or 'type="module"' in one) and not words.strip() for one, words in scripts), (
            route.path
        )
        assert not re.search(r"<[^>]+ (?:on[a-z]+|style)=", html) and "<style" not in html, route.path
        found += 1
    assert found >= 20, "few pages were looked at"


async def test_files_of_pages_are_kept_by_browsers_and_travel_small(caller: Caller) -> None:
    html = await (await caller.client.get("/login")).text()
    address = html.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = await caller.client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.status == 200 and "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] == "gzip"
    again = await caller.client.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304
    outlines = await caller.client.get("/map/cells.geojson", headers={"Accept-Encoding": "gzip"})
    assert outlines.headers["Content-Encoding"] == "gzip" and outlines.content_type == "application/geo+json"
    drawn = {one["properties"]["code"] for one in (await outlines.json(content_type=None))["features"]}
    assert drawn == set(caller.house.deployment.boundaries.codes)
    kept = await caller.client.get("/map/cells.geojson", headers={"If-None-Match": outlines.headers["ETag"]})
    assert kept.status == 304 and kept.headers["Cache-Control"] == "public, max-age=3600"
    for outside in ("/static/../rendering.py", "/static/%2e%2e/rendering.py", "/static/vendor/../package.json"):
        assert (await caller.client.get(outside)).status == 404
