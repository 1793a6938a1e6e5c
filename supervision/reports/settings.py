"""The `reports` part of `config.yml`: the form of notices, and which reports are made by schedule."""

from __future__ import annotations

from datetime import time
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from supervision.reports.periods import PeriodKind
from supervision.settings import Section


class ReportFormat(StrEnum):
    """What file a report is."""

    XLSX = "xlsx"
    DOCX = "docx"


class ScheduleSettings(Section):
    """A report that is made when its period is over."""

    period: PeriodKind = Field(description="周期：day 日报，week 周报，month 月报")
    formats: tuple[ReportFormat, ...] = Field(
        default=(ReportFormat.XLSX,), min_length=1, description="格式：xlsx 统计表，docx 通报"
    )

    @model_validator(mode="after")
    def _comes_again(self) -> Self:
        if self.period is PeriodKind.RANGE:
            raise ValueError("定期报告的周期（period）只能是 day、week 或 month")
        return self


class ReportSettings(Section):
    """Everything the reports may be told."""

    document_word: str = Field(default="综执通", min_length=1, max_length=20, description="通报的发文机关代字")
    addressed_to: str = Field(default="各大队、数字化指挥中心", min_length=1, max_length=100, description="通报主送")
    tell: tuple[str, ...] = Field(default=(), description="定期报告生成后发给哪些账号；收件地址见 delivery")
    at: time = Field(default=time(7, 30), description="期满次日几点以后生成定期报告")
    schedule: tuple[ScheduleSettings, ...] = Field(
        default=(
            ScheduleSettings(period=PeriodKind.WEEK),
            ScheduleSettings(period=PeriodKind.MONTH, formats=(ReportFormat.XLSX, ReportFormat.DOCX)),
        ),
        description="定期报告",
    )
