"""The board's figures over HTTP: equal to the API's, each with exactly the tickets behind it, for supervisors only."""

from __future__ import annotations

import csv
import html
import io
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp.test_utils import TestClient, TestServer
from board_histories import dispatched, live_through, received, sweep
from service import Caller

from domain.people import Role
from domain.worktime import local
from intake_bot.api.server import build_app
from intake_bot.pages.board import board_routes
from intake_bot.pages.board_words import minutes, percent
from intake_bot.pages_settings import MapSettings
from supervision.metrics import BY_CODE, MetricUnit

PAGES = (
    "/board",
    "/board/now",
    "/board/metrics",
    "/board/wall",
    "/board/wall/now",
    "/board/tickets?open=true",
    "/board/tickets?metric=received",
    "/board/assessment",
    "/board/assessment/trial",
    "/board/reports",
)


class Links(HTMLParser):
    """Every link with its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._open: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._open = [dict(attrs).get("href") or "", ""]

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open[1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._open is not None:
            self.found.append((self._open[0], self._open[1].strip()))
            self._open = None


async def read(caller: Caller, path: str, status: int = 200) -> str:
    answer = await caller.get(path)
    assert answer.status == status, (path, answer.status, answer.body[:300])
    return str(answer.body)


def total_of(page: str) -> int:
    found = re.search(r'id="total">(\d+)<', page)
    assert found is not None
    return int(found[1])


def figures_of(page: str) -> dict[str, str]:
    """Metric code → what the page shows."""
    return {code: html.unescape(words) for code, words in re.findall(r'data-metric="(\w+)">([^<]*)<', page)}


async def test_every_number_that_is_a_link_leads_to_exactly_so_many_tickets(caller: Caller) -> None:
    await live_through(caller.house, 40, 40)
    page = await read(caller, "/board?period=quarter")
    numbers = {
        address: text
        for address, text in Links(page).found
        if address.startswith("/board/tickets?") and re.fullmatch(r"[\d,]+( 件)?", text)
    }
    assert len(numbers) > 40
    for address, text in numbers.items():
        listed = await read(caller, address)
        expected = int(re.sub(r"\D", "", text))
        assert total_of(listed) == expected, address
        file = await caller.get(address.replace("/board/tickets?", "/board/tickets.csv?"))
        assert len(list(csv.reader(io.StringIO(file.body.removeprefix("\ufeff"))))) == expected + 1, address


async def test_the_numbers_are_those_of_the_api(caller: Caller) -> None:
    await live_through(caller.house, 30, 50)
    today = local(caller.house.now()).date()
    period = f"from={today.replace(day=1)}&to={today + timedelta(days=1)}"
    for filters in ("", "&brigade=brigade-1", "&channel=12345"):
        told = (await caller.get(f"/api/v1/metrics?{period}{filters}&compare=previous")).body["metrics"]
        shown = figures_of(await read(caller, f"/board/metrics?period=month{filters}"))
        assert shown.keys() == BY_CODE.keys()
        for one in told:
            total = one["total"]
            expected = {
                MetricUnit.COUNT: f"{total['n']:,}",
                MetricUnit.RATE: percent(total["value"]),
                MetricUnit.DURATION: minutes((total["working_minutes"] or {}).get("median")),
            }[MetricUnit(one["unit"])]
            assert shown[one["code"]] == expected, (filters, one["code"])
        board = figures_of(await read(caller, f"/board?period=month{filters}"))
        received_now = next(one for one in told if one["code"] == "received")["total"]
        assert board["received"] == f"{received_now['n']:,}"
        lights = (await caller.get(f"/api/v1/lights?{filters}")).body["counts"]
        lamps = re.findall(r'data-light="(\w+)">(\d+)<', await read(caller, f"/board/now?{filters}"))
        assert {light: int(count) for light, count in lamps} == lights


async def test_a_rate_opens_its_denominator_its_numerator_and_the_rest(caller: Caller) -> None:
    await live_through(caller.house, 30, 40)
    page = await read(caller, "/board?period=quarter")
    address = next(one for one, text in Links(page).found if "metric=accepted_in_time" in one)
    counts = {}
    for part in ("all", "hit", "miss"):
        listed = await read(caller, f"{address}&part={part}")
        counts[part] = total_of(listed)
        marks = re.findall(r'<td data-heading="计入分子">(是|否)</td>', listed)
        assert len(marks) == min(counts[part], 50)
        assert set(marks) <= {"all": {"是", "否"}, "hit": {"是"}, "miss": {"否"}}[part]
    assert counts["all"] == counts["hit"] + counts["miss"] > counts["hit"] > 0


async def test_a_long_list_is_paged_and_its_file_is_whole(caller: Caller) -> None:
    now = caller.house.now()
    for number in range(53):
        await received(caller.house, number, now - timedelta(minutes=60 - number))
    day = local(now).date() - timedelta(days=1)
    for address in (f"/board/tickets?metric=received&first={day}", "/board/tickets?open=true"):
        found: list[str] = []
        path = address
        while path:
            page = await read(caller, path)
            found += re.findall(r'<th scope="row"><a class="numbers" href="/board/tickets/([^"]+)"', page)
            following = re.search(r'href="([^"]+)" rel="next"', page)
            path = html.unescape(following[1]) if following else ""
        assert len(found) == len(set(found)) == total_of(page)
        file = await caller.get(address.replace("/tickets?", "/tickets.csv?"))
        rows = list(csv.reader(io.StringIO(file.body.removeprefix("\ufeff"))))
        assert [row[0] for row in rows[1:]] == found


async def test_a_background_of_tiles_is_drawn_where_one_is_configured(caller: Caller) -> None:
    plain = await caller.get("/board")
    assert 'data-tiles=""' in plain.body and "example" not in plain.headers["Content-Security-Policy"]
    deployment = caller.house.deployment
    tiles = MapSettings(tiles="https://{s}.tiles.example/{z}/{x}/{y}.png", attribution="<b>测绘</b>")
    settings = deployment.settings.model_copy(update={"map": tiles})
    house = replace(caller.house, deployment=replace(deployment, settings=settings))
    async with TestClient(TestServer(build_app(house, timers=False))) as client:
        answer = await client.get("/board", headers={"Authorization": f"Bearer {caller.token}"})
        page = await answer.text()
    assert 'data-tiles="https://{s}.tiles.example/{z}/{x}/{y}.png"' in page and "<b>测绘" not in page
    policy = answer.headers["Content-Security-Policy"]
    assert "img-src 'self' data: blob: https://*.tiles.example;" in policy and "script-src 'self';" in policy


@pytest.mark.parametrize("tickets", [0, 1])
async def test_an_empty_house_and_a_single_ticket(caller: Caller, tickets: int) -> None:
    for number in range(tickets):
        await received(caller.house, number, caller.house.now() - timedelta(minutes=3))
    for path in PAGES:
        await read(caller, path)
    page = await read(caller, "/board?period=week")
    assert figures_of(page)["received"] == str(tickets)
    assert "历史还不够，暂不判断" in page
    assert ("这段时间没有受理" in page) is not tickets
    assert "没有待裁定的申请" in page and "没有未答复的督办" in page


async def test_what_is_typed_is_only_text(caller: Caller) -> None:
    house = caller.house
    hostile = '=cmd|calc"<script>window.hit=1</script><img src=x onerror="window.hit=1">{{7*7}}'
    ticket = await received(house, 1, house.now() - timedelta(days=30), hostile)
    await dispatched(house, ticket, house.now() - timedelta(days=29))
    await sweep(house, house.now())
    for path in ("/board?period=quarter", "/board/wall", "/board/tickets?light=red"):
        page = await read(caller, path)
        assert "<script>window" not in page and "<img src=x" not in page and "49}" not in page
    assert "&lt;script&gt;" in await read(caller, "/board/tickets?light=red")
    file = (await caller.get("/board/tickets.csv?light=red")).body
    heading, row = list(csv.reader(io.StringIO(file.removeprefix("\ufeff"))))
    assert dict(zip(heading, row, strict=True))["内容摘要"].startswith("'=cmd|calc")


async def test_nothing_in_the_file_runs_as_a_formula(caller: Caller) -> None:
    house = caller.house
    typed = ("＝1+1 路灯不亮", "＋1 路灯不亮", "－2+3 路灯不亮", "＠SUM(A1) 路灯不亮", "-3 路灯不亮", "1+1 路灯不亮")
    for number, words in enumerate(typed):
        await received(house, number, house.now() - timedelta(hours=number + 1), words)
    file = (await caller.get("/board/tickets.csv?open=true")).body
    heading, *rows = list(csv.reader(io.StringIO(file.removeprefix("\ufeff"))))
    found = {row[heading.index("内容摘要")] for row in rows}
    assert found == {f"'{one}" for one in typed[:-1]} | {typed[-1]}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("period=fortnight", "fortnight"),
        ("first=2026-11-02&last=2026-11-01", "截止日期不能早于起始日期"),
        ("first=2019-01-01&last=2026-01-01", "相距不能超过"),
        ("first=yesterday", "应为日期"),
        ("brigade=brigade-9", "brigade-9"),
        ("channel=%3Cscript%3E", "没有代码为"),
        ("rank=received", "不能按“received”排名"),
        ("step=second", "second"),
    ],
)
async def test_what_cannot_be_looked_at_is_said(caller: Caller, query: str, said: str) -> None:
    page = await read(caller, f"/board?{query}", 422)
    assert said in html.unescape(page)
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/board/tickets?metric=nothing", 404),
        ("/board/tickets?metric=received&group_by=cell", 422),
        ("/board/tickets?metric=received&key=cs-001", 422),
        ("/board/tickets?metric=received&group_by=cell&key=" + "&key=".join(map(str, range(201))), 422),
        ("/board/tickets?metric=received&group_by=cell&key=" + "&key=".join(map(str, range(200))), 200),
        ("/board/tickets?metric=received&group_by=cell&key=cs-001&offset=10000000", 200),
        ("/board/tickets?metric=received&offset=10000001", 422),
        ("/board/tickets?metric=received&part=some", 422),
        ("/board/tickets?open=true&cursor=forged", 422),
        ("/board/tickets?light=blue", 422),
        ("/board/assessment?month=2026-13", 422),
        ("/board/assessment/trial?months=99", 422),
    ],
)
async def test_addresses_that_were_tampered_with_are_refused(caller: Caller, path: str, status: int) -> None:
    await read(caller, path, status)


async def test_the_board_is_for_supervisors_and_administrators(caller: Caller) -> None:
    tokens = {
        Role.OPERATOR: await caller.new_token("operator"),
        Role.BRIGADE: await caller.new_token("brigade", "brigade-1"),
        Role.SUPERVISOR: await caller.new_token("supervisor"),
    }
    for route in board_routes():
        path = route.path.replace("{no}", "FH261101-00001")
        if path.endswith("/exchange/reports"):
            path += "?channel=12345"
        for role, token in tokens.items():
            async with caller.client.get(
                path, headers={"Authorization": f"Bearer {token}"}, allow_redirects=False
            ) as answer:
                allowed = {303} if "{no}" in route.path or route.path.endswith("/range") else {200}
                assert answer.status in (allowed if role is Role.SUPERVISOR else {403}), (path, role)
        async with caller.client.get(path, allow_redirects=False) as answer:
            assert answer.status == 303 and answer.headers["Location"].startswith("/login?next=")


async def test_a_ticket_is_opened_at_the_desk(caller: Caller) -> None:
    answer = await caller.client.get(
        "/board/tickets/FH261101-00001", headers={"Authorization": f"Bearer {caller.token}"}, allow_redirects=False
    )
    assert (answer.status, answer.headers["Location"]) == (303, "/desk/FH261101-00001")


async def test_a_small_sample_is_not_ranked(caller: Caller) -> None:
    await live_through(caller.house, 12, 40)
    page = await read(caller, "/board?period=quarter")
    ranking = page.split('id="ranking"')[1]
    assert "不排名" in ranking and "样本不足 10 的不参与排名" in ranking


async def test_a_hot_spot_opens_its_tickets(caller: Caller) -> None:
    house = caller.house
    now = house.now()
    for week in range(1, 6):
        await received(house, week, now - timedelta(days=7 * week + 1), "凤凰村：路灯不亮已经几天")
    for number in range(10, 16):
        await received(
            house, number, now - timedelta(days=1, hours=number), "港口社区：工地夜间施工噪声很大，影响居民休息"
        )
    page = await read(caller, "/board")
    links = [
        one
        for one in Links(page).found
        if "group_by=cell" in one[0] and one[1].endswith(" 件") and "category" in one[0]
    ]
    assert links, "no hot spot was found"
    address, text = links[0]
    assert total_of(await read(caller, address)) == int(text.removesuffix(" 件")) >= 3
    assert parse_qs(urlsplit(address).query)["metric"] == ["received"]
    assert "此前每 7 天平均 0.0 件，最多 0 件" in page


async def test_a_report_of_chosen_days_has_the_last_day_in_it(caller: Caller) -> None:
    path = "/board/reports/range?first=2026-11-02&last=2026-11-08&format=docx"
    headers = {"Authorization": f"Bearer {caller.token}"}
    answer = await caller.client.get(path, headers=headers, allow_redirects=False)
    wanted = "/api/v1/reports/range?from=2026-11-02&to=2026-11-09&format=docx"
    assert (answer.status, answer.headers["Location"]) == (303, wanted)
    file = await caller.client.get(path, headers=headers)
    assert file.status == 200 and (await file.read()).startswith(b"PK")
    await read(caller, "/board/reports/range?first=2026-11-08&last=2026-11-02", 422)


async def test_other_weights_are_tried_and_wrong_ones_are_said(caller: Caller) -> None:
    await live_through(caller.house, 20, 60)
    page = await read(caller, "/board/assessment/trial?months=3&resolved_in_time.marks=31&satisfied.marks=15")
    assert page.count("试算得分") >= 1
    assert page.count("试算得分") + page.count("这个月没有数据") == 3
    page = await read(caller, "/board/assessment/trial?resolved_in_time.marks=99", 422)
    assert "满分合计应为 100 分" in page
    page = await read(caller, "/board/assessment/trial?resolved_in_time.marks=many&satisfied.target=-1", 422)
    assert "按时办结率：应为数字" in page and "满意率：应不小于 0" in page
    page = await read(caller, "/board/assessment/trial?falsely_resolved.marks=0&solved.marks=18")
    assert page.count("试算得分") == 1
