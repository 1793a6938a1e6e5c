"""Assessment and reports over HTTP and on the command line: who may do what, what is refused, and that figures agree."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import docx
import jsonschema
import pytest
from aiohttp.test_utils import TestClient, TestServer
from openapi_spec_validator import validate
from python_calamine import CalamineWorkbook
from service import ROOT, Caller, sample
from typer.testing import CliRunner

from domain.worktime import local
from intake_bot.api.assessment import assessment_routes
from intake_bot.api.openapi import document
from intake_bot.api.server import build_app
from intake_bot.cli import app as command_line
from intake_bot.house import House
from storage.assessments import ScheduledReport
from supervision.assessment.assessing import month_before

CITY = "brigade-1"
LEADERS_ONLY = [
    ("POST", "/api/v1/assessment/freeze"),
    ("POST", "/api/v1/assessment/adjustments"),
    ("POST", "/api/v1/assessment/appeals/1/decision"),
    ("POST", "/api/v1/assessment/trial"),
    ("POST", "/api/v1/tickets/FH261124-00001/unreasonable"),
    ("GET", "/api/v1/reports/month"),
]
WEIGHTS = [
    {"metric": "accepted_in_time", "marks": 60, "target": 100, "slope": 1},
    {"metric": "resolved_in_time", "marks": 40, "target": 100, "slope": 1},
]


@pytest.fixture
def database_kind() -> str:
    """The queries are tested on both kinds elsewhere."""
    return "sqlite"


@pytest.fixture
async def caller(house: House) -> AsyncIterator[Caller]:
    """A service without timers that has the assessment's routes."""
    app = build_app(house, timers=False)
    client: TestClient[Any, Any] = TestClient(TestServer(app))
    async with client:
        yield Caller(client, house)


def this_month(caller: Caller) -> str:
    return f"{local(caller.house.now()):%Y-%m}"


def last_month(caller: Caller) -> str:
    return month_before(local(caller.house.now()).date())


def adjustment(caller: Caller, **changed: Any) -> dict[str, Any]:
    whole = {"month": last_month(caller), "level": "brigade", "subject": CITY, "points": -2, "reason": "抽查不合格"}
    return {**whole, **changed}


def appealed(caller: Caller, **changed: Any) -> dict[str, Any]:
    whole = {"month": last_month(caller), "level": "brigade", "subject": CITY, "reason": "平台故障致超期"}
    return {**whole, **changed}


def fits(caller: Caller, path: str, method: str, status: int, value: Any) -> None:
    """The answer is what `/api/openapi.json` says of it."""
    described = document(caller.house, assessment_routes())
    schema = described["paths"][path][method]["responses"][str(status)]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator(schema).validate(value)


async def test_the_description_is_valid(caller: Caller) -> None:
    validate(document(caller.house, assessment_routes()))


@pytest.mark.parametrize("role", ["operator", "brigade"])
@pytest.mark.parametrize(("method", "path"), LEADERS_ONLY)
async def test_what_leaders_do_others_may_not(caller: Caller, role: str, method: str, path: str) -> None:
    token = await caller.new_token(role, CITY if role == "brigade" else "")
    answer = await (caller.get(path, token) if method == "GET" else caller.post(path, {}, token))
    assert (answer.status, answer.body["type"]) == (403, "/problems/forbidden")


async def test_nothing_without_a_token(caller: Caller) -> None:
    for route in assessment_routes():
        path = route.path.format(id=1, no="x", period="day")
        answer = await (caller.get(path, "") if route.method == "GET" else caller.post(path, {}, ""))
        assert answer.status == 401, path


async def test_an_adjustment_moves_the_total_and_shows_why(caller: Caller) -> None:
    supervisor = await caller.new_token("supervisor")
    made = await caller.post(
        "/api/v1/assessment/adjustments",
        adjustment(caller, reason="群众 13800000001 来访表扬", points=1.234),
        supervisor,
    )
    assert made.status == 201, made.body
    fits(caller, "/api/v1/assessment/adjustments", "post", 201, made.body)
    assert made.body["points"] == 1.23
    assert "13800000001" not in made.body["reason"]
    answer = await caller.get("/api/v1/assessment", supervisor)
    assert answer.status == 200
    fits(caller, "/api/v1/assessment", "get", 200, answer.body)
    assert (answer.body["month"], answer.body["level"], answer.body["frozen"]) == (last_month(caller), "brigade", None)
    (card,) = answer.body["cards"]
    assert (card["subject"], card["base"], card["adjusted"], card["total"]) == (CITY, 100.0, 1.23, 101.23)
    assert (card["name"], card["rank"]) == ("一大队（城市管理）", None)
    assert card["adjustments"][0]["reason"] == made.body["reason"]
    assert sum(one["marks"] for one in answer.body["indicators"]) == 100
    assert all(one["rule"] and one["formula"] for one in answer.body["indicators"])


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"month": "2026-13"}, "month"),
        ({"level": "town"}, "level"),
        ({"subject": "brigade-9"}, "subject"),
        ({"level": "cell", "subject": CITY}, "subject"),
        ({"points": 0}, "points"),
        ({"points": 0.004}, "points"),
        ({"points": 101}, "points"),
        ({"reason": ""}, "reason"),
        ({"reason": "有\x00空"}, "reason"),
        ({"ticket_no": "FH000000-00000"}, "ticket_no"),
        ({"more": 1}, "more"),
    ],
)
async def test_adjustments_that_cannot_be(caller: Caller, changed: dict[str, Any], field: str) -> None:
    answer = await caller.post("/api/v1/assessment/adjustments", adjustment(caller, **changed))
    assert (answer.status, answer.fields) == (422, [field])
    assert (await caller.get("/api/v1/assessment")).body["cards"] == []


async def test_points_that_are_no_number_are_refused(caller: Caller) -> None:
    body = str(adjustment(caller)).replace("'", '"').replace("-2", "NaN").encode()
    answer = await caller.post("/api/v1/assessment/adjustments", body)
    assert answer.status in {400, 422}


async def test_a_brigade_sees_and_appeals_for_its_own(caller: Caller) -> None:
    for subject in (CITY, "brigade-2"):
        await caller.post("/api/v1/assessment/adjustments", adjustment(caller, subject=subject))
    own = await caller.new_token("brigade", CITY)
    seen = (await caller.get("/api/v1/assessment", own)).body
    assert [card["subject"] for card in seen["cards"]] == [CITY]
    assert len((await caller.get("/api/v1/assessment")).body["cards"]) == 2

    filed = await caller.post("/api/v1/assessment/appeals", appealed(caller, indicator="satisfied"), own)
    assert filed.status == 201, filed.body
    fits(caller, "/api/v1/assessment/appeals", "post", 201, filed.body)
    assert (filed.body["status"], filed.body["unit"]) == ("waiting", CITY)
    other = await caller.post("/api/v1/assessment/appeals", appealed(caller, subject="brigade-2"), own)
    assert other.status == 403
    not_scored = await caller.post("/api/v1/assessment/appeals", appealed(caller, indicator="received"), own)
    assert (not_scored.status, not_scored.fields) == (422, ["indicator"])
    assert (
        await caller.post("/api/v1/assessment/appeals", appealed(caller))
    ).status == 403  # an administrator is no brigade

    stranger = await caller.new_token("brigade", "brigade-2")
    assert (await caller.get("/api/v1/assessment", stranger)).body["appeals"] == []
    assert [one["id"] for one in (await caller.get("/api/v1/assessment", own)).body["appeals"]] == [filed.body["id"]]


@pytest.mark.parametrize(("level", "subject"), [("cell", "cs-001"), ("handler", "brigade-1.fh.a")])
async def test_cells_and_handlers_belong_to_their_unit(caller: Caller, level: str, subject: str) -> None:
    made = await caller.post("/api/v1/assessment/adjustments", adjustment(caller, level=level, subject=subject))
    assert made.status == 201, made.body
    for unit, expected in ((CITY, [subject]), ("brigade-2", [])):
        token = await caller.new_token("brigade", unit)
        seen = (await caller.get(f"/api/v1/assessment?level={level}", token)).body
        assert [card["subject"] for card in seen["cards"]] == expected
        filed = await caller.post("/api/v1/assessment/appeals", appealed(caller, level=level, subject=subject), token)
        assert filed.status == (201 if expected else 403)


async def test_an_appeal_is_settled_once(caller: Caller) -> None:
    own = await caller.new_token("brigade", CITY)
    number = (await caller.post("/api/v1/assessment/appeals", appealed(caller), own)).body["id"]
    path = f"/api/v1/assessment/appeals/{number}/decision"
    for body in (
        {"decision": "granted", "reason": "属实"},
        {"decision": "granted", "reason": "属实", "points": -1},
        {"decision": "refused", "reason": "不实", "points": 1},
    ):
        refused = await caller.post(path, body)
        assert (refused.status, refused.fields) == (422, ["points"])
    settled = await caller.post(path, {"decision": "granted", "reason": "属实", "points": 2})
    assert settled.status == 200, settled.body
    fits(caller, "/api/v1/assessment/appeals/{id}/decision", "post", 200, settled.body)
    again = await caller.post(path, {"decision": "refused", "reason": "不实"})
    assert (again.status, again.body["type"]) == (409, "/problems/not-allowed")
    (card,) = (await caller.get("/api/v1/assessment")).body["cards"]
    assert (card["adjusted"], card["adjustments"][0]["appeal_id"]) == (2.0, number)
    for missing in (number + 1, "x", "9" * 30, "-1"):
        answer = await caller.post(
            f"/api/v1/assessment/appeals/{missing}/decision", {"decision": "refused", "reason": "不实"}
        )
        assert answer.status == 404


async def test_a_month_is_frozen_once_and_only_when_it_is_over(caller: Caller) -> None:
    running = await caller.post("/api/v1/assessment/freeze", {"month": this_month(caller)})
    assert (running.status, running.body["type"]) == (409, "/problems/not-allowed")
    await caller.post("/api/v1/assessment/adjustments", adjustment(caller))
    frozen = await caller.post("/api/v1/assessment/freeze", {"month": last_month(caller)})
    assert frozen.status == 200, frozen.body
    fits(caller, "/api/v1/assessment/freeze", "post", 200, frozen.body)
    assert frozen.body["frozen"]["by"] == "administrator"
    assert frozen.body["corrections"] == []
    assert (await caller.post("/api/v1/assessment/freeze", {"month": last_month(caller)})).status == 409
    await caller.post("/api/v1/assessment/adjustments", adjustment(caller, points=5, reason="更正"))
    after = (await caller.get("/api/v1/assessment")).body
    fits(caller, "/api/v1/assessment", "get", 200, after)
    assert after["cards"] == frozen.body["cards"]
    (correction,) = after["corrections"]
    assert (correction["frozen_total"], correction["total"]) == (98.0, 103.0)
    assert [one["reason"] for one in correction["adjustments"]] == ["更正"]
    bad = await caller.post("/api/v1/assessment/freeze", {"month": "2026"})
    assert (bad.status, bad.fields) == (422, ["month"])


async def test_a_ruling_is_on_the_ticket(caller: Caller) -> None:
    no = (await caller.send("12345", sample("12345"))).body["ticket_no"]
    path = f"/api/v1/tickets/{no}/unreasonable"
    first = await caller.post(path, {"reason": "反复缠访，无新事实", "applicant": CITY})
    assert first.status == 200, first.body
    fits(caller, "/api/v1/tickets/{no}/unreasonable", "post", 200, first.body)
    assert first.body["counted"] is False
    second = await caller.post(path, {"reason": "查否：诉求合理", "unreasonable": False})
    assert second.body["counted"] is True
    assert [one["unreasonable"] for one in second.body["rulings"]] == [True, False]
    assert second.body["rulings"][0]["by"] == "administrator"
    events = (await caller.get(f"/api/v1/tickets/{no}/events")).body["events"]
    assert [one["action"] for one in events][-2:] == ["ruled_unreasonable", "ruled_reasonable"]
    assert (await caller.post("/api/v1/tickets/FH000000-00000/unreasonable", {"reason": "没有"})).status == 404
    assert (await caller.post(path, {})).fields == ["reason"]
    assert (await caller.post(path, {"reason": "反复", "applicant": "nobody"})).fields == ["applicant"]


async def test_other_weights_are_tried(caller: Caller) -> None:
    await caller.post("/api/v1/assessment/adjustments", adjustment(caller))
    body = {"months": [last_month(caller)], "indicators": WEIGHTS, "smallest_ranked": 1}
    answer = await caller.post("/api/v1/assessment/trial", body)
    assert answer.status == 200, answer.body
    fits(caller, "/api/v1/assessment/trial", "post", 200, answer.body)
    assert [one["metric"] for one in answer.body["indicators"]] == ["accepted_in_time", "resolved_in_time"]
    (month,) = answer.body["months"]
    assert [(one["subject"], one["total"], one["tried_total"]) for one in month["subjects"]] == [(CITY, 98.0, 98.0)]
    assert len((await caller.get("/api/v1/assessment")).body["indicators"]) > 2


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"months": []}, "months"),
        ({"months": ["x"]}, "months"),
        ({"indicators": []}, "indicators"),
        ({"indicators": WEIGHTS[:1]}, "indicators"),
        ({"indicators": [{**WEIGHTS[0], "metric": "backlog"}, WEIGHTS[1]]}, "indicators.0.metric"),
    ],
)
async def test_trials_that_cannot_be(caller: Caller, changed: dict[str, Any], field: str) -> None:
    answer = await caller.post(
        "/api/v1/assessment/trial", {"months": [last_month(caller)], "indicators": WEIGHTS, **changed}
    )
    assert (answer.status, answer.fields) == (422, [field])


async def test_a_kept_report_is_given_as_it_was_kept(caller: Caller) -> None:
    kept = ScheduledReport("week", "2026-10-26", "xlsx", b"as it was", caller.house.now())
    assert await caller.house.store.assessments.keep_reports([kept], [])
    file, _, name = await fetched(caller, "/api/v1/reports/week?date=2026-10-28&kept=true")
    assert (file, name) == (b"as it was", "周报-2026-10-26.xlsx")
    missing = await caller.get("/api/v1/reports/week?date=2026-10-28&kept=true&format=docx")
    assert (missing.status, "没有保存" in missing.body["detail"]) == (404, True)
    made, _, _ = await fetched(caller, "/api/v1/reports/week?date=2026-10-28&kept=false")
    assert made != b"as it was"


async def fetched(caller: Caller, path: str, token: str | None = None) -> tuple[bytes, str, str]:
    """A file: its bytes, type and name."""
    headers = {"Authorization": f"Bearer {token or caller.token}"}
    async with caller.client.get(path, headers=headers) as response:
        assert response.status == 200, await response.text()
        name = unquote(response.headers["Content-Disposition"].rpartition("''")[2])
        return await response.read(), response.headers["Content-Type"], name


async def test_a_report_is_a_file_that_equals_the_interface(caller: Caller) -> None:
    for channel in ("12345", "12319", "12369", "e-steward"):
        await caller.send(channel, sample(channel))
    today = local(caller.house.now()).date()
    period = f"from={today}&to={today + timedelta(days=1)}"
    supervisor = await caller.new_token("supervisor")
    file, kind, name = await fetched(caller, f"/api/v1/reports/range?{period}", supervisor)
    assert kind.endswith("spreadsheetml.sheet")
    assert name == f"专报-{today}至{today}.xlsx"
    book = CalamineWorkbook.from_filelike(io.BytesIO(file))
    rows = {row[0]: row for row in book.get_sheet_by_name("概况").to_python()}
    for one in (await caller.get(f"/api/v1/metrics?{period}")).body["metrics"]:
        if one["unit"] == "duration":
            continue
        value = one["total"]["value"]
        assert rows[one["name"]][1] == (value if value is not None else "—")
        assert rows[one["name"]][3] == one["total"]["n"]
        assert rows[one["name"]][6] == one["formula"]["text"]
    by_channel = (await caller.get(f"/api/v1/metrics?{period}&codes=received&group_by=channel")).body["metrics"][0]
    listed = {row[1]: row for row in book.get_sheet_by_name("按渠道").to_python()}
    assert len(by_channel["groups"]) == 4
    for group in by_channel["groups"]:
        assert listed[group["key"]][2] == group["value"]["n"]
        assert listed[group["key"]][0] == group["name"]


async def test_a_report_as_a_notice(caller: Caller) -> None:
    await caller.send("12345", sample("12345"))
    file, kind, name = await fetched(caller, f"/api/v1/reports/month?date={this_month(caller)}-01&format=docx")
    assert kind.endswith("wordprocessingml.document")
    assert name == f"月报-{this_month(caller)}.docx"
    text = "\n".join(one.text for one in docx.Document(io.BytesIO(file)).paragraphs)
    assert "共受理诉求 1 件" in text
    assert caller.house.settings.bureau.name in text


async def test_the_last_period_that_is_over_is_reported_by_default(caller: Caller) -> None:
    _, _, name = await fetched(caller, "/api/v1/reports/month")
    assert name == f"月报-{last_month(caller)}.xlsx"


@pytest.mark.parametrize(
    ("path", "status", "fields"),
    [
        ("year", 404, []),
        ("day?date=yesterday", 422, ["date"]),
        ("day?format=pdf", 422, ["format"]),
        ("range", 422, ["from"]),
        ("range?from=2026-10-01", 422, ["to"]),
        ("range?from=2026-10-01&to=2026-10-01", 422, ["to"]),
        ("range?from=2001-01-01&to=2026-10-01", 422, ["to"]),
    ],
)
async def test_reports_that_cannot_be(caller: Caller, path: str, status: int, fields: list[str]) -> None:
    answer = await caller.get(f"/api/v1/reports/{path}")
    assert (answer.status, answer.fields) == (status, fields)


def test_the_command_writes_the_same_file_twice(
    environment: pytest.MonkeyPatch, sqlite_database_url: str, tmp_path: Path
) -> None:
    environment.setenv("DATABASE_URL", sqlite_database_url)
    environment.setenv("CONFIG", str(ROOT / "config.yml"))
    for format_ in ("xlsx", "docx"):
        files = [tmp_path / f"{number}.{format_}" for number in (1, 2)]
        for file in files:
            arguments = [
                "report",
                "--period",
                "month",
                "--date",
                "2026-10-08",
                "--format",
                format_,
                "--output",
                str(file),
            ]
            told = CliRunner().invoke(command_line, arguments)
            assert told.exit_code == 0, told.output
            assert "2026年10月" in told.output
        assert files[0].read_bytes() == files[1].read_bytes()
    environment.chdir(tmp_path)
    told = CliRunner().invoke(command_line, ["report", "--from", "2026-10-01", "--to", "2026-10-08"])
    assert told.exit_code == 0, told.output
    assert (tmp_path / "专报-2026-10-01至2026-10-07.xlsx").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "请用 --period 写明周期"),
        ("--period year", "周期“year”不认识"),
        ("--period range", "周期“range”不认识"),
        ("--period day --date today", "日期“today”无法识别"),
        ("--period day --from 2026-10-01", "不能与 --period"),
        ("--from 2026-10-01", "同时写明"),
        ("--from 2026-10-08 --to 2026-10-08", "必须晚于"),
        ("--period day --format pdf", "格式“pdf”不认识"),
    ],
)
def test_commands_that_cannot_be(arguments: str, said: str) -> None:
    told = CliRunner().invoke(command_line, ["report", *arguments.split()])
    assert told.exit_code == 2
    assert said in re.sub(r"\s+", "", told.output) or said in told.output


def test_a_file_that_cannot_be_written_is_said(
    environment: pytest.MonkeyPatch, sqlite_database_url: str, tmp_path: Path
) -> None:
    environment.setenv("DATABASE_URL", sqlite_database_url)
    environment.setenv("CONFIG", str(ROOT / "config.yml"))
    told = CliRunner().invoke(
        command_line, ["report", "--period", "day", "--output", str(tmp_path / "missing" / "x.xlsx")]
    )
    assert told.exit_code == 3
    assert "不能写文件" in told.output
