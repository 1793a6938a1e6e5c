"""`/board/assessment` and `/board/reports`: scores with how they came about, trial weights, and the files of reports.

What changes something (freezing, adjustments, decisions) is sent to `/api/v1/assessment`. Not: how scores come about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from pydantic import ValidationError

from domain.worktime import local
from intake_bot.api.assessment_views import result_view, trial_view
from intake_bot.api.filters import read_choice, read_number
from intake_bot.api.problems import FieldError, bad_fields
from intake_bot.api.routes import house_of
from intake_bot.assessment import assessing_of, group_names, subjects_of
from intake_bot.house import House
from intake_bot.pages.board_query import read_chosen
from intake_bot.pages.rendering import page, see_other
from intake_bot.wording import in_chinese
from storage.assessments import AppealStatus, Level
from supervision.assessment.assessing import DIMENSIONS, LEVEL_NAMES, month_before, month_slice
from supervision.assessment.curves import rule_in_words
from supervision.assessment.settings import AssessmentSettings, IndicatorSettings
from supervision.metrics import BY_CODE, MetricUnit
from supervision.reports.periods import REPORT_NAMES, PeriodKind, period_before, period_of
from supervision.reports.settings import ReportFormat

MONTHS = 13
"""Months that can be chosen from: this one and a year before it."""

APPEAL_NAMES: dict[AppealStatus, str] = {
    AppealStatus.WAITING: "待裁定",
    AppealStatus.GRANTED: "成立",
    AppealStatus.REFUSED: "不成立",
}
FORMAT_NAMES: dict[ReportFormat, str] = {ReportFormat.XLSX: "Excel 统计表", ReportFormat.DOCX: "Word 通报"}
_TRIED = ("marks", "target", "slope", "floor")


@dataclass(frozen=True, slots=True)
class Offered:
    """A report that can be fetched: the period in words and the query that names it."""

    name: str
    day: date


async def show_assessment(request: web.Request) -> web.Response:
    house = house_of(request)
    month, level = _read_month(request, house), read_choice(request, "level", Level) or Level.BRIGADE
    result = await _result(house, month, level)
    over = house.now() >= month_slice(month).end
    return page(
        request,
        "board/assessment.html",
        **_choices(house, month, level),
        result=result,
        over=over,
        names={one["metric"]: one["name"] for one in result["indicators"]},
        rates={one["metric"] for one in result["indicators"] if BY_CODE[one["metric"]].unit is MetricUnit.RATE},
        subjects=_subjects(house, level),
        appeal_names=APPEAL_NAMES,
        waiting=[one for one in result["appeals"] if one["status"] == AppealStatus.WAITING],
    )


async def show_trial(request: web.Request) -> web.Response:
    """Other weights in the address, tried over the last months; nothing is kept. Wrong weights are said beside the form."""
    house = house_of(request)
    month, level = _read_month(request, house), read_choice(request, "level", Level) or Level.BRIGADE
    months = read_number(request, "months", default=1, least=1, most=12)
    in_force = (await assessing_of(house).month(month, level, house.now())).settings
    written = {
        f"{one.metric}.{field}": request.query.get(f"{one.metric}.{field}", f"{getattr(one, field):g}")
        for one in in_force.indicators
        for field in _TRIED
    }
    tried, errors = _read_weights(in_force, written)
    found: Mapping[str, Any] | None = None
    if tried is not None and any(name in request.query for name in written):
        chosen = [month]
        while len(chosen) < months:
            chosen.append(month_before(month_slice(chosen[-1]).start.date()))
        names = group_names(house.settings, house.router, house.tree)
        found = trial_view(await assessing_of(house).trial(chosen, level, tried, house.now()), level, tried, names)
    return page(
        request,
        "board/trial.html",
        200 if not errors else 422,
        **_choices(house, month, level),
        months=months,
        indicators=[(one.metric, BY_CODE[one.metric].name, rule_in_words(one)) for one in in_force.indicators],
        written=written,
        errors=errors,
        found=found,
    )


async def show_reports(request: web.Request) -> web.Response:
    """The last periods that are over, and forms for others; the files come from `/api/v1/reports`."""
    house = house_of(request)
    today = local(house.now()).date()
    offered: dict[PeriodKind, list[Offered]] = {}
    for kind, number in ((PeriodKind.DAY, 7), (PeriodKind.WEEK, 5), (PeriodKind.MONTH, 12)):
        period = period_before(kind, today)
        found = []
        for _ in range(number):
            found.append(Offered(period.name, period.first))
            period = period_of(kind, period.first - timedelta(days=1))
        offered[kind] = found
    return page(
        request,
        "board/reports.html",
        offered=offered,
        report_names=REPORT_NAMES,
        formats=FORMAT_NAMES,
        today=today,
        month_first=today.replace(day=1),
    )


async def fetch_range(request: web.Request) -> web.Response:
    """The report of the chosen days: people name the last day, the API the one after it."""
    chosen = read_chosen(request, house_of(request))
    wanted = read_choice(request, "format", ReportFormat) or ReportFormat.XLSX
    query = urlencode({"from": chosen.first, "to": chosen.last + timedelta(days=1), "format": wanted})
    return see_other(f"/api/v1/reports/range?{query}")


async def _result(house: House, month: str, level: Level) -> dict[str, Any]:
    """The month's result as `/api/v1/assessment` gives it to a supervisor."""
    found = await assessing_of(house).month(month, level, house.now())
    appeals = await house.store.assessments.appeals(month, level)
    names = group_names(house.settings, house.router, house.tree)
    return result_view(found, appeals, partial(names, DIMENSIONS[level]), None)


def _choices(house: House, month: str, level: Level) -> dict[str, Any]:
    months = [f"{local(house.now()):%Y-%m}"]
    while len(months) < MONTHS:
        months.append(month_before(month_slice(months[-1]).start.date()))
    if month not in months:
        months.append(month)
    return {
        "month": month,
        "month_choices": [(one, f"{one[:4]}年{int(one[5:])}月") for one in months],
        "level": level,
        "levels": LEVEL_NAMES,
    }


def _read_month(request: web.Request, house: House) -> str:
    month = request.query.get("month") or month_before(local(house.now()).date())
    try:
        month_slice(month)
    except ValueError as error:
        raise bad_fields([FieldError("month", str(error))]) from None
    return month


def _subjects(house: House, level: Level) -> list[tuple[str, str]]:
    """Who can be assessed at a level, by name; cells with the grid that they belong to."""
    names = group_names(house.settings, house.router, house.tree)
    grids = {grid.code: grid.name for grid in house.settings.router.territory.grids}
    found = []
    for code in subjects_of(house.settings)[level]:
        grid = grids.get(code.rpartition("-")[0], "") if level is Level.CELL else ""
        name = names(DIMENSIONS[level], code)
        found.append((code, f"{name}（{grid}）" if grid else name))
    return found


def _read_weights(
    in_force: AssessmentSettings, written: Mapping[str, str]
) -> tuple[AssessmentSettings | None, list[str]]:
    """The weights as written; None with what is wrong with them, in Chinese."""
    indicators, errors = [], []
    for one in in_force.indicators:
        name = BY_CODE[one.metric].name
        values = {field: written[f"{one.metric}.{field}"].strip() for field in _TRIED}
        if values["marks"] in {"", "0"}:
            continue  # not scored in this trial
        try:
            indicators.append(IndicatorSettings.model_validate({"metric": one.metric, **values}))
        except ValidationError as error:
            errors += [f"{name}：{in_chinese(found)}" for found in error.errors()]
    if errors:
        return None, errors
    try:
        return AssessmentSettings(indicators=tuple(indicators), smallest_ranked=in_force.smallest_ranked), []
    except ValidationError as error:
        return None, [in_chinese(found) for found in error.errors()]
