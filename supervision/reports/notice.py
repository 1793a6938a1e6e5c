"""A report as a notice (通报) in .docx: text with the figures in words, tables, charts, signature. Not: its look (`layout`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from domain.worktime import local
from storage.assessments import Level
from storage.figures import Dimension
from supervision.assessment.assessing import DIMENSIONS, LEVEL_NAMES, MonthResult
from supervision.assessment.curves import rule_in_words
from supervision.assessment.scores import SAMPLE_IN_WORDS
from supervision.figures import Value
from supervision.metrics import BY_CODE, Metric, MetricUnit
from supervision.reports.charts import add_bar_chart
from supervision.reports.content import GroupRow, Listing, ReportContent
from supervision.reports.layout import NoticePage
from supervision.reports.periods import day_in_words
from supervision.reports.settings import ReportSettings
from supervision.reports.words import NOTHING, change, figure, minute, percent

WORST = 5
"""How many overdue tickets are named."""
MOST_CATEGORIES = 10
_IN_TABLES = (
    "received",
    "dispatched",
    "accepted_in_time",
    "contacted_in_time",
    "resolved_in_time",
    "solved",
    "satisfied",
)
_NUMERALS = "一二三四五六七八九十"


def write_notice(content: ReportContent, settings: ReportSettings) -> bytes:
    """The notice's bytes. Its number is left open: an office gives it when the notice is issued."""
    return _Notice(content, settings).written()


class _Notice:
    """A notice being written, section by section."""

    def __init__(self, content: ReportContent, settings: ReportSettings) -> None:
        self._content = content
        self._settings = settings
        self._page = NoticePage()
        self._sections = 0
        self._charts = 0
        self._tables = 0

    def written(self) -> bytes:
        content, page = self._content, self._page
        title = f"关于{content.period.name}诉求办理情况的通报"
        page.head(content.issuer, f"{self._settings.document_word}〔{content.period.last.year}〕　　号")
        page.title(title)
        page.addressees(self._settings.addressed_to)
        page.text(
            f"现将{content.period.name}诉求统一受理、统一督办、统一考核情况通报如下（数据截至"
            f"{minute(content.as_of)}，括号内为分子与样本数）。"
        )
        self._whole()
        self._units()
        self._sources()
        self._troubles()
        if content.assessment:
            self._assessment()
        self._formulas()
        page.signature(content.issuer, day_in_words(local(content.as_of).date()))
        return page.file(title, content.issuer, local(content.as_of))

    def _section(self, heading: str) -> None:
        self._page.heading(f"{_NUMERALS[self._sections]}、{heading}")
        self._sections += 1

    def _table(self, caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self._tables += 1
        self._page.table(f"表{self._tables}　{caption}", headings, rows)

    def _chart(self, title: str, series: str, values: Sequence[tuple[str, float]]) -> None:
        self._charts += 1
        title = f"图{self._charts}　{title}"
        room = self._page.room()
        add_bar_chart(self._page.document, room, self._charts, title, series, values, self._content.as_of)

    def _said(self, code: str) -> str:
        """`按时办结率 88.34%（25783/29186）`."""
        row = self._content.overview[code]
        gap = "" if row.metric.unit is MetricUnit.DURATION else " "
        return f"{row.metric.name}{gap}{figure(row.metric, row.total)}"

    def _whole(self) -> None:
        overview = self._content.overview
        received = overview["received"]
        self._section("总体情况")
        self._page.text(
            f"共受理诉求 {received.total.n} 件，{change(received.total.n, received.before.n)}；"
            f"派单 {overview['dispatched'].total.n} 件次（主办、协办各计一次），期末在办 {overview['backlog'].total.n} 件。"
        )
        self._page.text(
            f"{self._said('accepted_in_time')}，{self._said('contacted_in_time')}，{self._said('resolved_in_time')}，"
            f"{self._said('closed')}。{self._said('time_to_resolve')}。"
        )
        self._page.text(
            f"回访中，{self._said('solved')}，{self._said('satisfied')}；{self._said('reworked')}，"
            f"{self._said('falsely_resolved')}，{self._said('repeated')}。"
        )

    def _units(self) -> None:
        rows = [row for row in self._content.tables[Dimension.BRIGADE].rows if row.key]
        self._section("各单位办理情况")
        if not rows:
            self._page.text("期内没有派往各单位的工单。")
            return
        self._table("各单位主要指标", ("单位", *_names(_IN_TABLES)), [_cells(row, _IN_TABLES) for row in rows])
        rates = [
            (row.name, round(value.value * 100, 2))
            for row in rows
            if (value := row.values.get("resolved_in_time")) is not None and value.value is not None
        ]
        if rates:
            self._chart("各单位按时办结率（%）", "按时办结率", rates)

    def _sources(self) -> None:
        self._section("诉求来源、类型和事项")
        received = BY_CODE["received"]
        for dimension, heading in (
            (Dimension.CHANNEL, "渠道"),
            (Dimension.KIND, "诉求类型"),
            (Dimension.CATEGORY, "事项"),
        ):
            rows = [row for row in self._content.tables[dimension].rows if row.values.get(received.code)]
            if not rows:
                continue
            shown = rows[:MOST_CATEGORIES]
            caption = f"受理量前 {len(shown)} 位的事项" if dimension is Dimension.CATEGORY else f"按{heading}统计"
            codes = ("received", "resolved_in_time", "solved", "satisfied")
            self._table(caption, (heading, *_names(codes)), [_cells(row, codes) for row in shown])
            if dimension is Dimension.CHANNEL:
                self._chart(
                    "各渠道受理量（件）", "受理量", [(row.name, float(row.values[received.code].n)) for row in shown]
                )

    def _troubles(self) -> None:
        content = self._content
        self._section("督办和存在的问题")
        self._page.text(
            f"期内督办 {content.overview['pressed'].total.n} 次，催办 {content.overview['urged'].total.n} 次，"
            f"亮红灯 {content.red_lights.total} 次，发现程序缺项 {content.overview['gaps'].total.n} 项，"
            f"申请退单 {content.returned.total} 件，重办 {content.reworked.total} 件。"
        )
        self._overdue(content.overdue)
        rows = [row for row in content.tables[Dimension.CELL].rows if row.key and _hits(row, "repeated")]
        if rows:
            most = sorted(rows, key=lambda row: (-_hits(row, "repeated"), row.key))[:WORST]
            told = "、".join(f"{row.name}（{row.key}）{_hits(row, 'repeated')} 件" for row in most)
            self._page.text(f"重复诉求较多的网格：{told}。")

    def _overdue(self, listing: Listing) -> None:
        if not listing.total:
            self._page.text("期内到期的工单没有超期办结或超期未办的。")
            return
        as_of = self._content.as_of
        self._page.text(f"期内到期而未按时办结的 {listing.total} 件，超期最久的如下。")
        worst = sorted(listing.rows, key=lambda one: (one.at - (one.until or as_of), one.ticket_no))[:WORST]
        if worst:
            self._table(
                "超期最久的工单",
                ("工单编号", "事项", "承办单位", "办结时限", "办结时间", "超期天数"),
                [
                    (
                        one.ticket_no,
                        one.category,
                        one.brigade,
                        minute(one.at),
                        minute(one.until) or "未办结",
                        f"{((one.until or as_of) - one.at) / timedelta(days=1):.1f}",
                    )
                    for one in worst
                ],
            )
        if listing.withheld:
            self._page.small(f"注：另有保密件和举报件 {listing.withheld} 件只计数，不列明细。")

    def _assessment(self) -> None:
        self._section("考核结果")
        for result in self._content.assessment:
            if result.level is not Level.HANDLER:  # people are ranked in the workbook, not in a notice to all
                self._ranking(result)
        if self._content.appeals_granted:
            self._page.text(f"当月考核申诉成立 {self._content.appeals_granted} 件，已计入得分。")

    def _ranking(self, result: MonthResult) -> None:
        brigades = result.level is Level.BRIGADE
        dimension = DIMENSIONS[result.level]
        rows = [
            (
                str(card.rank) if card.rank is not None else "不排名",
                # the three grids have cells of one name
                self._content.names(dimension, card.subject) + ("" if brigades else f"（{card.subject}）"),
                str(card.sample),
                f"{card.base:.2f}",
                f"{card.adjusted:+.2f}" if card.adjusted else "0",
                f"{card.total:.2f}",
            )
            for card in result.cards
        ]
        if not rows:
            return
        name = LEVEL_NAMES[result.level]
        self._table(f"{name}考核得分", ("排名", name, "应结案数", "指标得分", "加减分", "总分"), rows)
        if brigades:
            scored = result.settings.indicators
            self._table(
                "大队各指标得分",
                ("大队", *(f"{BY_CODE[one.metric].name}（满分 {one.marks:g}）" for one in scored)),
                [
                    (
                        self._content.names(dimension, card.subject),
                        *(f"{one.marks:.2f}（n={one.n}）" for one in card.indicators),
                    )
                    for card in result.cards
                ],
            )
        standing = f"已于 {minute(result.frozen.at)} 定档" if result.frozen is not None else "尚未定档"
        remark = f"注：结果{standing}；应结案数（{SAMPLE_IN_WORDS}）不足 {result.settings.smallest_ranked} 的不排名。"
        if result.corrections:
            told = "；".join(
                f"{self._content.names(dimension, one.subject)} {_points(one.frozen_total)} 更正为 {_points(one.total)}"
                for one in result.corrections
            )
            remark += f"定档后更正：{told}。"
        self._page.small(remark)

    def _formulas(self) -> None:
        self._section("指标说明")
        codes = dict.fromkeys((*_IN_TABLES, "closed", "reworked", "falsely_resolved", "repeated", "time_to_resolve"))
        for code in codes:
            metric = BY_CODE[code]
            self._page.small(f"{metric.name} = {metric.formula}")
        for result in self._content.assessment[:1]:
            for one in result.settings.indicators:
                self._page.small(f"考核计分　{BY_CODE[one.metric].name}：{rule_in_words(one)}")


def _names(codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(BY_CODE[code].name for code in codes)


def _cells(row: GroupRow, codes: Sequence[str]) -> tuple[str, ...]:
    return (row.name, *(_cell(BY_CODE[code], row.values.get(code)) for code in codes))


def _cell(metric: Metric, value: Value | None) -> str:
    """A rate with its n, a count; a dash where nothing was counted."""
    if metric.unit is MetricUnit.COUNT:
        return str(value.n) if value is not None else "0"
    return f"{percent(value.value)}（{value.n}）" if value is not None and value.n else NOTHING


def _hits(row: GroupRow, code: str) -> int:
    value = row.values.get(code)
    return value.hits if value is not None else 0


def _points(total: float | None) -> str:
    return f"{total:.2f}" if total is not None else NOTHING
