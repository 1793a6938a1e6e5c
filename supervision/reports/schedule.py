"""定期报告: the reports that are made when their period is over, once among all processes, kept, and told
through the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.outcome import Notice
from domain.worktime import local
from storage.assessments import Assessments, ScheduledReport
from supervision.metrics import BY_CODE
from supervision.reports.content import Gathering, ReportContent
from supervision.reports.notice import write_notice
from supervision.reports.periods import REPORT_NAMES, Period, period_before
from supervision.reports.settings import ReportFormat, ReportSettings
from supervision.reports.words import figure
from supervision.reports.workbook import write_workbook

MEDIA_TYPES: dict[ReportFormat, str] = {
    ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ReportFormat.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


def write_report(content: ReportContent, wanted: ReportFormat, settings: ReportSettings) -> bytes:
    """The file of a report."""
    writers: dict[ReportFormat, Callable[[], bytes]] = {
        ReportFormat.XLSX: lambda: write_workbook(content),
        ReportFormat.DOCX: lambda: write_notice(content, settings),
    }
    return writers[wanted]()


def file_name(period: Period, wanted: ReportFormat) -> str:
    """`月报-2026-10.xlsx`."""
    return f"{period.file_stem}.{wanted.value}"


REPORT = "report"
"""What the notice of a kept report is about."""


@dataclass(frozen=True, slots=True)
class MadeReport:
    """The files of a period just made and kept, with what people are told of them: a heading and a text without any ticket."""

    reports: tuple[ScheduledReport, ...]
    file_names: tuple[str, ...]
    title: str
    text: str

    def notice(self, account: str) -> Notice:
        """To one person; the files go with it."""
        files = [
            {"period": one.period, "first_day": one.first_day, "format": one.format, "name": name}
            for one, name in zip(self.reports, self.file_names, strict=True)
        ]
        return Notice(f"account:{account}", REPORT, {"title": self.title, "text": self.text, "files": files})


class ReportSchedule:
    """The timer's part: any number of processes may call `make_due` at once, late, twice or after a crash."""

    def __init__(self, gathering: Gathering, kept: Assessments, settings: ReportSettings) -> None:
        self._gathering = gathering
        self._kept = kept
        self._settings = settings

    async def make_due(self, now: datetime) -> Sequence[MadeReport]:
        """Make, keep and announce the reports that are due and not kept yet; those that this call kept, and no other call did.

        A report that is kept already is neither made nor told again, whatever has happened to its figures since.
        """
        today, began = local(now), await self._kept.began_at()
        made: list[MadeReport] = []
        for one in self._settings.schedule:
            period = period_before(one.period, today.date())
            if began is None or period.until <= local(began).date():
                continue  # the service was not there yet
            if today.date() == period.until and today.time() < self._settings.at:
                continue
            missing = [
                wanted
                for wanted in one.formats
                if await self._kept.report(period.kind.value, period.first.isoformat(), wanted.value) is None
            ]
            if not missing:
                continue
            found = await self._made(period, missing, now)
            notices = [found.notice(account) for account in self._settings.tell]
            if await self._kept.keep_reports(found.reports, notices):
                made.append(found)
        return made

    async def _made(self, period: Period, formats: Sequence[ReportFormat], now: datetime) -> MadeReport:
        content = await self._gathering.gather(period, now)
        reports = []
        for wanted in formats:
            # Off the event loop: a month's workbook takes a while, and the service goes on answering.
            file = await asyncio.to_thread(write_report, content, wanted, self._settings)
            reports.append(ScheduledReport(period.kind.value, period.first.isoformat(), wanted.value, file, now))
        names = tuple(file_name(period, wanted) for wanted in formats)
        return MadeReport(tuple(reports), names, *_announcement(content))


def _announcement(content: ReportContent) -> tuple[str, str]:
    period = content.period
    received, in_time = content.overview["received"].total, content.overview["resolved_in_time"].total
    title = f"{REPORT_NAMES[period.kind]}：{period.name}"
    rate = figure(BY_CODE["resolved_in_time"], in_time)
    text = f"受理 {received.n} 件，按时办结率 {rate}，超期 {content.overdue.total} 件。"
    return title, text
