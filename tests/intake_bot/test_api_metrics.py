"""Every metric by every dimension over HTTP, on a town's three weeks: groups, lists, filters and the sheet agree."""

from __future__ import annotations

import io
from typing import Any

import pytest
import town
from python_calamine import CalamineWorkbook
from service import Caller

from intake_bot.house import House
from storage.figures import Dimension
from supervision.figures import TIME_DIMENSIONS
from supervision.metrics import METRICS, MetricUnit
from supervision.reports.content import GROUPED, GROUPINGS
from supervision.reports.workbook import OVERVIEW

PERIOD = "from=2026-10-01&to=2026-11-01"
NOW = town.at("2027-03-01 09:00")


@pytest.fixture
def database_url(lived_url: str) -> str:
    """Over the lived weeks, which are only looked at."""
    return lived_url


@pytest.fixture(autouse=True)
def much_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything has fallen due."""
    monkeypatch.setattr(House, "now", lambda _house: NOW)


async def figures(caller: Caller, query: str) -> dict[str, Any]:
    answer = await caller.get(f"/api/v1/metrics?{query}")
    assert answer.status == 200, answer.body
    return {one["code"]: one for one in answer.body["metrics"]}


async def listed(caller: Caller, code: str, **query: str) -> list[dict[str, Any]]:
    answer = await caller.get(f"/api/v1/metrics/{code}/tickets?{PERIOD}", params=query)
    assert answer.status == 200, answer.body
    assert answer.body["next_offset"] is None
    found: list[dict[str, Any]] = answer.body["items"]
    return found


@pytest.mark.parametrize("by", list(Dimension))
async def test_every_metric_by_every_dimension(caller: Caller, by: Dimension) -> None:
    whole = await figures(caller, PERIOD)
    grouped = await figures(caller, f"{PERIOD}&group_by={by}&compare=previous")
    assert list(grouped) == [metric.code for metric in METRICS]
    told_apart = 0
    for metric in METRICS:
        figure = grouped[metric.code]
        total, groups = figure["total"], figure["groups"]
        assert total == whole[metric.code]["total"]
        assert sum(one["value"]["n"] for one in groups) == total["n"], metric.code
        assert sum(one["value"]["hits"] for one in groups) == total["hits"], metric.code
        assert all(one["name"] and (by not in TIME_DIMENSIONS or one["key"]) for one in groups)
        if metric.unit is MetricUnit.DURATION and total["n"]:
            for clock in ("working_minutes", "calendar_hours"):
                weighed = sum(one["value"]["n"] * one["value"][clock]["mean"] for one in groups)
                assert weighed / total["n"] == pytest.approx(total[clock]["mean"], abs=0.011), metric.code
        for one in {group["key"]: group for group in (*groups[:1], *groups[-1:])}.values():
            behind = await listed(caller, metric.code, group_by=by, key=one["key"])
            assert len(behind) == one["value"]["n"], (metric.code, one["key"])
            assert sum(member["hit"] for member in behind) == one["value"]["hits"]
        told_apart += len(groups) > 1
    assert told_apart > 5 or by in {Dimension.MONTH, Dimension.QUARTER, Dimension.YEAR}


@pytest.mark.parametrize("by", [one for one in Dimension if one not in TIME_DIMENSIONS])
async def test_a_group_is_what_its_filter_gives(caller: Caller, by: Dimension) -> None:
    grouped = await figures(caller, f"{PERIOD}&group_by={by}")
    keys = sorted({one["key"] for figure in grouped.values() for one in figure["groups"]} - {""})
    assert len(keys) > 1 or by is Dimension.AREA  # the lived weeks know one
    for key in (keys[0], keys[-1]):
        filtered = await figures(caller, f"{PERIOD}&{by}={key}")
        for code, figure in grouped.items():
            group = next((one["value"] for one in figure["groups"] if one["key"] == key), None)
            assert filtered[code]["total"]["n"] == (group["n"] if group else 0), (code, key)
            assert group is None or filtered[code]["total"] == group


def sheet(book: CalamineWorkbook, name: str, heading: str) -> dict[str, dict[str, Any]]:
    """The rows below the headings that begin with a word, by their first cell, or by name and unit."""
    rows = book.get_sheet_by_name(name).to_python()
    top = next(place for place, row in enumerate(rows) if row and row[0] == heading)
    found = {}
    for row in rows[top + 1 :]:
        if row[0] == "":
            break
        named = dict(zip(map(str, rows[top]), row, strict=True))
        found[f"{row[0]} {named['单位']}" if "单位" in named else str(named.get("代码", row[0]))] = named
    return found


def written(value: object) -> object:
    return "—" if value is None else value


async def test_the_sheet_of_a_month_says_what_the_interface_says(caller: Caller) -> None:
    answer = await caller.client.get(
        "/api/v1/reports/month?date=2026-10-15", headers={"Authorization": f"Bearer {caller.token}"}
    )
    assert answer.status == 200
    book = CalamineWorkbook.from_filelike(io.BytesIO(await answer.read()))
    now = await figures(caller, f"{PERIOD}&compare=previous")
    year = await figures(caller, f"{PERIOD}&compare=last_year")
    overview, times = sheet(book, OVERVIEW, "指标"), sheet(book, OVERVIEW, "用时")
    for metric in METRICS:
        shown = now[metric.code]
        total = shown["total"]
        if metric.unit is MetricUnit.DURATION:
            for clock, unit in (("working_minutes", "工作分钟"), ("calendar_hours", "自然小时")):
                row = times.pop(f"{metric.name} {unit}")
                assert row["样本数"] == total["n"]
                assert [row["平均"], row["中位数"], row["P90"]] == [
                    written(total[clock][name]) for name in ("mean", "median", "p90")
                ], metric.code
                assert row["计算方法"] == shown["formula"]["text"]
            continue
        row = overview.pop(metric.name)
        assert row["本期"] == written(total["value"]), metric.code
        assert row["样本数"] == total["n"]
        assert row["上期"] == written(shown["before"]["value"])
        assert row["去年同期"] == written(year[metric.code]["before"]["value"])
        assert row["计算方法"] == shown["formula"]["text"]
    assert not overview
    assert not times


@pytest.mark.parametrize("by", GROUPINGS)
async def test_the_tables_of_a_month_say_what_the_groups_say(caller: Caller, by: Dimension) -> None:
    answer = await caller.client.get(
        "/api/v1/reports/month?date=2026-10-15", headers={"Authorization": f"Bearer {caller.token}"}
    )
    rows = sheet(CalamineWorkbook.from_filelike(io.BytesIO(await answer.read())), GROUPINGS[by], "名称")
    grouped = await figures(caller, f"{PERIOD}&group_by={by}")
    seen = set()
    for metric in GROUPED:
        for one in grouped[metric.code]["groups"]:
            row = rows[one["key"]]
            assert row["名称"] == one["name"]
            assert row[metric.name] == written(one["value"]["value"]), (metric.code, one["key"])
            seen.add(one["key"])
    assert seen == rows.keys()
