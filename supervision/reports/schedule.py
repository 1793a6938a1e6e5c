"""定期报告: the reports that are made when their period is over, once among all processes, and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True, slots=True)
class MadeReport:
    """A report just made and kept, with what people are told of it: a heading and a text without any single ticket."""

    report: ScheduledReport
    file_name: str
    title: str
    text: str


class ReportSchedule:
    """The timer's part: any number of processes may call `make_due` at once, late, twice or after a crash."""

    def __init__(self, gathering: Gathering, kept: Assessments, settings: ReportSettings) -> None:
        self._gathering = gathering
        self._kept = kept
        self._settings = settings

    async def make_due(self, now: datetime) -> Sequence[MadeReport]:
        """Make and keep the reports that are due and not kept yet; those that this call kept, and no other call did.

        A report that is kept already is not made again, whatever has happened to its figures since.
        """
        today = local(now)
        made: list[MadeReport] = []
        for one in self._settings.schedule:
            period = period_before(one.period, today.date())
            if today.date() == period.until and today.time() < self._settings.at:
                continue
            missing = [
                wanted
                for wanted in one.formats
                if await self._kept.report(period.kind.value, period.first.isoformat(), wanted.value) is None
            ]
            if not missing:
                continue
            content = await self._gathering.gather(period, now)
            for wanted in missing:
                file = write_report(content, wanted, self._settings)
                report = ScheduledReport(period.kind.value, period.first.isoformat(), wanted.value, file, now)
                if await self._kept.keep_report(report):
                    made.append(MadeReport(report, file_name(period, wanted), *_announcement(content)))
        return made


def _announcement(content: ReportContent) -> tuple[str, str]:
    period = content.period
    received, in_time = content.overview["received"].total, content.overview["resolved_in_time"].total
    title = f"{REPORT_NAMES[period.kind]}：{period.name}"
    rate = figure(BY_CODE["resolved_in_time"], in_time)
    text = f"受理 {received.n} 件，按时办结率 {rate}，超期 {content.overdue.total} 件。"
    return title, text
