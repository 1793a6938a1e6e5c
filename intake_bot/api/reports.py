"""`/api/v1/reports`: the files of reports, made on demand or kept when their time had come. Not: what stands in them."""

from __future__ import annotations

import asyncio
from datetime import date
from urllib.parse import quote

from aiohttp import web

from domain.worktime import local
from intake_bot.api.filters import read_choice, read_day, read_flag
from intake_bot.api.problems import FieldError, bad_fields, not_found
from intake_bot.api.routes import LEADERS, Parameter, Route, house_of
from intake_bot.assessment import reporting_of
from supervision.reports.periods import Period, PeriodKind, period_before, period_between, period_of
from supervision.reports.schedule import MEDIA_TYPES, file_name, write_report
from supervision.reports.settings import ReportFormat

_DAY = {"type": "string", "format": "date"}


def report_routes() -> list[Route]:
    """The one address of all reports."""
    return [
        Route(
            "GET",
            "/api/v1/reports/{period}",
            report_file,
            "统计报告文件：日报、周报、月报或任意时段；xlsx 统计表，docx 通报",
            "reports",
            LEADERS,
            parameters=(
                Parameter("period", "day、week、month 或 range", {"type": "string", "enum": list(PeriodKind)}, "path"),
                Parameter("date", "所在的某一天；默认最近一个已结束的周期", _DAY),
                Parameter("from", "起始日期（含），只用于 range", _DAY),
                Parameter("to", "截止日期（不含），只用于 range", _DAY),
                Parameter("kept", "true：定期生成并保存的那一份，此后数据的更正不影响它", {"type": "boolean"}),
                Parameter("format", "xlsx（默认）或 docx", {"type": "string", "enum": list(ReportFormat)}),
            ),
            answers={200: ("文件", {"type": "string", "format": "binary"})},
            answer_type=tuple(MEDIA_TYPES.values()),
        ),
    ]


async def report_file(request: web.Request) -> web.Response:
    house = house_of(request)
    period = _period(request, local(house.now()).date())
    wanted = read_choice(request, "format", ReportFormat) or ReportFormat.XLSX
    if read_flag(request, "kept"):
        kept = await house.store.assessments.report(period.kind.value, period.first.isoformat(), wanted.value)
        if kept is None:
            raise not_found(f"没有保存{period.name}的这种报告；去掉 kept 可以现在生成")
        file = kept.content
    else:
        reporting = reporting_of(house.settings, house.router, house.tree, house.store)
        content = await reporting.gathering.gather(period, house.now())
        file = await asyncio.to_thread(write_report, content, wanted, reporting.settings)
    name = quote(file_name(period, wanted))
    return web.Response(
        body=file,
        headers={"Content-Type": MEDIA_TYPES[wanted], "Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
    )


def _period(request: web.Request, today: date) -> Period:
    written = request.match_info["period"]
    if written not in list(PeriodKind):
        raise not_found(f"没有“{written[:20]}”这种报告；可用：{'、'.join(PeriodKind)}")
    kind = PeriodKind(written)
    # What belongs to another kind is read too: written wrong, it is not overlooked.
    day, first, until = (read_day(request, name) for name in ("date", "from", "to"))
    if kind is not PeriodKind.RANGE:
        return period_of(kind, day.date()) if day is not None else period_before(kind, today)
    if first is None or until is None:
        raise bad_fields([FieldError("from" if first is None else "to", "专报请填写起止日期 from（含）和 to（不含）")])
    try:
        return period_between(first.date(), until.date())
    except ValueError as error:
        raise bad_fields([FieldError("to", str(error))]) from None
