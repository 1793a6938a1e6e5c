"""`intake-bot report`: a day's, week's, month's or any period's report as a file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from domain.category import CategoryTree
from domain.worktime import local
from intake_bot.assessment import reporting_of
from intake_bot.commands.console import console, deployment_and_tree, fail, run
from intake_bot.house import open_store
from intake_bot.settings import Deployment
from router.route import Router
from supervision.reports.periods import Period, PeriodKind, period_before, period_between, period_of
from supervision.reports.schedule import file_name, write_report
from supervision.reports.settings import ReportFormat


def report(
    period: Annotated[str, typer.Option(help="day 日报、week 周报、month 月报")] = "",
    day: Annotated[str, typer.Option("--date", help="周期内的某一天；默认最近一个已结束的周期")] = "",
    since: Annotated[str, typer.Option("--from", help="任意时段的起始日期（含），与 --to 同用")] = "",
    until: Annotated[str, typer.Option("--to", help="任意时段的截止日期（不含）")] = "",
    format_: Annotated[str, typer.Option("--format", help="xlsx 统计表或 docx 通报")] = "xlsx",
    output: Annotated[Path | None, typer.Option(help="写到哪个文件；默认写到当前文件夹，如 月报-2026-10.xlsx")] = None,
) -> None:
    """生成统计报告；同样的数据得到逐字节相同的文件。"""
    wanted_period = _period(period, day, since, until)
    if format_ not in list(ReportFormat):
        fail(f"格式“{format_}”不认识，可用：{'、'.join(ReportFormat)}", code=2)
    wanted = ReportFormat(format_)
    deployment, tree = deployment_and_tree()
    file = run(_made(deployment, tree, wanted_period, wanted))
    target = output or Path(file_name(wanted_period, wanted))
    try:
        target.write_bytes(file)
    except OSError as error:
        fail(f"不能写文件 {target}：{error.strerror}", code=3)
    console.print(f"已生成 {target}（{wanted_period.name}，{len(file) // 1024 + 1} KB）。", markup=False)


async def _made(deployment: Deployment, tree: CategoryTree, period: Period, wanted: ReportFormat) -> bytes:
    settings = deployment.settings
    router = Router(settings.router, deployment.boundaries, tree, settings.calendar.work_calendar())
    async with open_store(deployment) as store:
        reporting = reporting_of(settings, router, tree, store)
        content = await reporting.gathering.gather(period, datetime.now(UTC))
        return write_report(content, wanted, reporting.settings)


def _period(period: str, day: str, since: str, until: str) -> Period:
    """The period that the options name; ends the command where they name none, or two."""
    if since or until:
        if period or day:
            fail("--from、--to 用于任意时段，不能与 --period、--date 同用", code=2)
        if not (since and until):
            fail("任意时段请同时写明 --from（含）和 --to（不含）", code=2)
        try:
            return period_between(_day(since), _day(until))
        except ValueError as error:
            fail(str(error), code=2)
    kinds = [one for one in PeriodKind if one is not PeriodKind.RANGE]
    if period not in kinds:
        named = f"周期“{period}”不认识" if period else "请用 --period 写明周期"
        fail(f"{named}，可用：{'、'.join(kinds)}；任意时段用 --from 和 --to", code=2)
    kind = PeriodKind(period)
    return period_of(kind, _day(day)) if day else period_before(kind, local(datetime.now(UTC)).date())


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        fail(f"日期“{written}”无法识别，应写成 2026-11-01", code=2)
