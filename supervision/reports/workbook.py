"""A report as an .xlsx workbook. The same content gives the same bytes: nothing of the moment of writing is in it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import xlsxwriter

from domain.worktime import local
from storage.assessments import Level
from supervision.assessment.assessing import DIMENSIONS, LEVEL_NAMES, MonthResult
from supervision.assessment.curves import rule_in_words
from supervision.assessment.scores import SAMPLE_IN_WORDS, Scorecard
from supervision.figures import Times, Value
from supervision.metrics import BY_CODE, METRICS, Metric, MetricUnit
from supervision.reports.content import GROUPED, GROUPINGS, GroupTable, Listing, ReportContent
from supervision.reports.periods import REPORT_NAMES
from supervision.reports.words import NOTHING, minute

Cell = str | float | int | None
"""A number is written as a number, None as a dash."""

OVERVIEW = "概况"
OVERDUE = "超期清单"
RETURNED = "退单清单"
REWORKED = "重办清单"
RED_LIGHTS = "亮灯清单"
FORMULAS = "指标说明"
MOST_CHARTED = 15
"""Groups in a chart; the table beside it has all of them."""


def assessment_sheet(level: Level) -> str:
    """The name of the sheet of a level's ranking."""
    return f"考核排名（{LEVEL_NAMES[level]}）"


def write_workbook(content: ReportContent) -> bytes:
    """The workbook's bytes."""
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(buffer, options)
    book.set_properties(
        {
            "title": f"{content.issuer}诉求办理{REPORT_NAMES[content.period.kind]}（{content.period.name}）",
            "author": content.issuer,
            "company": content.issuer,
            "created": local(content.as_of).replace(tzinfo=None),
        }
    )
    writing = _Writing(book)
    _write_overview(writing, content)
    for dimension, heading in GROUPINGS.items():
        _write_groups(writing, heading, content.tables[dimension])
    _write_listing(
        writing, OVERDUE, content.overdue, "办结时限在期内到期、未按时办结的主办派单", ("办结时限", "实际办结时间")
    )
    _write_listing(writing, RETURNED, content.returned, "期内派出、截至期末申请过退单的派单", ("派单时间", "退单次数"))
    _write_listing(
        writing, REWORKED, content.reworked, "期内办结、截至期末被退回重办或再次来件而重办的", ("办结时间", "重办次数")
    )
    _write_listing(writing, RED_LIGHTS, content.red_lights, "期内时限转为红灯的次数", ("首次亮灯时间", "亮灯次数"))
    for result in content.assessment:
        _write_assessment(writing, result, content)
    _write_formulas(writing, content)
    book.close()
    return buffer.getvalue()


class _Writing:
    """A workbook being written, with the few formats that it uses."""

    def __init__(self, book: Any) -> None:
        self.book = book
        font = {"font_name": "宋体", "font_size": 11, "valign": "vcenter"}
        bordered = {**font, "border": 1}
        self.title = book.add_format({**font, "font_size": 16, "bold": True})
        self.note = book.add_format({**font, "font_color": "#555555"})
        self.heading = book.add_format(
            {**bordered, "bold": True, "bg_color": "#DDEBF7", "text_wrap": True, "align": "center"}
        )
        self.text = book.add_format({**bordered, "text_wrap": True})
        self.number = book.add_format({**bordered, "num_format": "#,##0"})
        self.decimal = book.add_format({**bordered, "num_format": "#,##0.00"})
        self.percent = book.add_format({**bordered, "num_format": "0.00%"})

    def sheet(self, name: str, title: str, notes: Sequence[str], widths: Sequence[float]) -> Any:
        """A new sheet with its title in row 1 and notes below."""
        sheet = self.book.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        sheet.write_string(0, 0, title, self.title)
        for row, note in enumerate(notes, start=1):
            sheet.write_string(row, 0, note, self.note)
        return sheet

    def headings(self, sheet: Any, row: int, headings: Sequence[str]) -> None:
        for column, heading in enumerate(headings):
            sheet.write_string(row, column, heading, self.heading)

    def cells(self, sheet: Any, row: int, cells: Sequence[tuple[Cell, Any]]) -> None:
        for column, (value, form) in enumerate(cells):
            if value is None or isinstance(value, str):
                sheet.write_string(row, column, NOTHING if value is None else value, self.text)
            else:
                sheet.write_number(row, column, value, form)


def _write_overview(writing: _Writing, content: ReportContent) -> None:
    name = f"{content.issuer}诉求办理{REPORT_NAMES[content.period.kind]}"
    notes = (
        f"统计期间：{content.period.name}；数据截至 {minute(content.as_of)}",
        "分子、样本数与计算方法列于各指标之后",
    )
    sheet = writing.sheet(OVERVIEW, name, notes, (20, 12, 12, 12, 12, 12, 90))
    row = len(notes) + 2
    writing.headings(sheet, row, ("指标", "本期", "分子", "样本数", "上期", "去年同期", "计算方法"))
    for metric in METRICS:
        if metric.unit is MetricUnit.DURATION:
            continue
        row += 1
        line = content.overview[metric.code]
        form = writing.percent if metric.unit is MetricUnit.RATE else writing.number
        writing.cells(
            sheet,
            row,
            [
                (metric.name, None),
                (shown(metric, line.total), form),
                (line.total.hits if metric.unit is MetricUnit.RATE else None, writing.number),
                (line.total.n, writing.number),
                (shown(metric, line.before), form),
                (shown(metric, line.last_year), form),
                (metric.formula, None),
            ],
        )
    row += 2
    writing.headings(sheet, row, ("用时", "样本数", "平均", "中位数", "P90", "单位", "计算方法"))
    for metric in METRICS:
        if metric.unit is not MetricUnit.DURATION:
            continue
        total = content.overview[metric.code].total
        for times, unit in ((total.working_minutes, "工作分钟"), (total.calendar_hours, "自然小时")):
            row += 1
            line_of_times: list[tuple[Cell, Any]] = [(one, writing.decimal) for one in _of_times(times)]
            ends: list[tuple[Cell, Any]] = [(unit, None), (metric.formula, None)]
            writing.cells(sheet, row, [(metric.name, None), (total.n, writing.number), *line_of_times, *ends])
    sheet.freeze_panes(len(notes) + 3, 1)


def _of_times(times: Times | None) -> tuple[float | None, ...]:
    """Mean, median and P90, as the interface gives them."""
    if times is None:
        return None, None, None
    return tuple(round(one, 2) if one is not None else None for one in (times.mean, times.median, times.p90))


def shown(metric: Metric, value: Value) -> float | int | None:
    """A value as the interface gives it: a rate to four decimals, a count; None where nothing was counted."""
    if metric.unit is MetricUnit.COUNT:
        return value.n
    return round(value.value, 4) if value.value is not None else None


def group_headings() -> list[str]:
    """The columns of a table of groups: a count has one, a rate a second one with its n."""
    headings = ["名称", "代码"]
    for metric in GROUPED:
        headings.append(metric.name)
        if metric.unit is MetricUnit.RATE:
            headings.append(f"{metric.name}样本数")
    return headings


def _write_groups(writing: _Writing, heading: str, table: GroupTable) -> None:
    headings = group_headings()
    notes = ("各指标的计算方法见“指标说明”；“—”表示没有样本",)
    sheet = writing.sheet(heading, heading, notes, (24, 22, *(11 for _ in headings[2:])))
    top = len(notes) + 2
    writing.headings(sheet, top, headings)
    for row, group in enumerate(table.rows, start=top + 1):
        cells: list[tuple[Cell, Any]] = [(group.name, None), (group.key, None)]
        for metric in GROUPED:
            value = group.values.get(metric.code, Value(0, 0, None))
            rate = metric.unit is MetricUnit.RATE
            cells.append((shown(metric, value), writing.percent if rate else writing.number))
            if rate:
                cells.append((value.n, writing.number))
        writing.cells(sheet, row, cells)
    sheet.freeze_panes(top + 1, 1)
    if table.rows:
        _chart(writing, sheet, heading, headings, top, len(table.rows))


def _chart(writing: _Writing, sheet: Any, name: str, headings: Sequence[str], top: int, rows: int) -> None:
    """Received as columns, resolved in time as a line on an axis of its own, below the table."""
    last = top + min(rows, MOST_CHARTED)
    received, rate = headings.index("受理量"), headings.index("按时办结率")
    chart = writing.book.add_chart({"type": "column"})
    categories = [name, top + 1, 0, last, 0]
    chart.add_series({"name": "受理量", "categories": categories, "values": [name, top + 1, received, last, received]})
    line = writing.book.add_chart({"type": "line"})
    line.add_series(
        {
            "name": "按时办结率",
            "categories": categories,
            "values": [name, top + 1, rate, last, rate],
            "y2_axis": True,
            "marker": {"type": "circle"},
        }
    )
    chart.combine(line)
    chart.set_title({"name": f"{name}：受理量与按时办结率"})
    chart.set_y_axis({"name": "件", "min": 0})
    line.set_y2_axis({"num_format": "0%", "min": 0, "max": 1})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 900, "height": 360})
    sheet.insert_chart(top + rows + 2, 0, chart)


def _write_listing(writing: _Writing, name: str, listing: Listing, about: str, last_columns: tuple[str, ...]) -> None:
    notes = [f"{about}，共 {listing.total}。"]
    if listing.withheld:
        notes.append(f"其中保密件和举报件 {listing.withheld} 只计数，不列明细。")
    if listing.left_off:
        notes.append(f"另有 {listing.left_off} 从略。")
    sheet = writing.sheet(name, name, notes, (20, 10, 20, 16, 22, 14, 24, 18, 18))
    top = len(notes) + 2
    writing.headings(sheet, top, ("工单编号", "类型", "事项", "渠道", "承办单位", "网格", "经办人", *last_columns))
    for row, one in enumerate(listing.rows, start=top + 1):
        ends: dict[str, Cell] = {
            "实际办结时间": minute(one.until) or "未办结",
            "退单次数": one.times,
            "重办次数": one.times,
            "亮灯次数": one.times,
        }
        texts = (one.ticket_no, one.kind, one.category, one.channel, one.brigade, one.cell, one.handler)
        cells: list[tuple[Cell, Any]] = [(text, None) for text in texts]
        cells += [(ends.get(column, minute(one.at)), writing.number) for column in last_columns]
        writing.cells(sheet, row, cells)
    sheet.freeze_panes(top + 1, 1)


def _write_assessment(writing: _Writing, result: MonthResult, content: ReportContent) -> None:
    headings = ["排名", "名称", "代码", "总分", "应结案数", "加减分"]
    for one in result.settings.indicators:
        name = BY_CODE[one.metric].name
        headings += [f"{name}得分", name, f"{name}样本数", f"{name}裁定剔除"]
    notes = [_standing(result), f"应结案数（{SAMPLE_IN_WORDS}）不足 {result.settings.smallest_ranked} 的不排名"]
    notes += [f"{BY_CODE[one.metric].name}：{rule_in_words(one)}" for one in result.settings.indicators]
    name = assessment_sheet(result.level)
    widths = (7, 24, 22, 9, 9, 9, *(10 for _ in headings[6:]))
    sheet = writing.sheet(name, f"{name}：{content.period.name}", notes, widths)
    row = len(notes) + 2
    writing.headings(sheet, row, headings)
    for card in result.cards:
        row += 1
        writing.cells(sheet, row, list(_card_cells(writing, card, result, content)))
    for title, headings_of, lines in _remarks(result, content):
        row += 2
        sheet.write_string(row, 0, title, writing.note)
        row += 1
        writing.headings(sheet, row, headings_of)
        for line in lines:
            row += 1
            writing.cells(sheet, row, [(value, writing.decimal) for value in line])


def _standing(result: MonthResult) -> str:
    if result.frozen is None:
        return "本月结果尚未定档，随后续办理和裁定变化"
    return f"本月结果已于 {minute(result.frozen.at)} 定档，定档后的更正另列于后"


def _card_cells(
    writing: _Writing, card: Scorecard, result: MonthResult, content: ReportContent
) -> Iterator[tuple[Cell, Any]]:
    yield card.rank if card.rank is not None else "不排名", writing.number
    yield content.names(DIMENSIONS[result.level], card.subject), None
    yield card.subject, None
    yield card.total, writing.decimal
    yield card.sample, writing.number
    yield card.adjusted, writing.decimal
    for one in card.indicators:
        rate = BY_CODE[one.metric].unit is MetricUnit.RATE
        value = one.value / 100 if rate and one.value is not None else one.value
        yield one.marks, writing.decimal
        yield (round(value, 4) if value is not None else None), writing.percent if rate else writing.number
        yield one.n, writing.number
        yield one.ruled_out, writing.number


def _remarks(
    result: MonthResult, content: ReportContent
) -> Iterator[tuple[str, tuple[str, ...], list[tuple[Cell, ...]]]]:
    """Below the ranking: what was added and deducted, and what has been corrected since the month was frozen."""
    dimension = DIMENSIONS[result.level]
    adjustments: list[tuple[Cell, ...]] = [
        (content.names(dimension, card.subject), one.points, one.reason, one.ticket_no, one.made_by)
        for card in result.cards
        for one in card.adjustments
    ]
    if adjustments:
        yield "加分、扣分", ("名称", "分值", "理由", "工单", "登记人"), adjustments
    corrections: list[tuple[Cell, ...]] = [
        (
            content.names(dimension, one.subject),
            one.frozen_total,
            one.total,
            one.frozen_rank,
            one.rank,
            "；".join(
                [BY_CODE[changed.metric].name for changed in one.indicators]
                + [f"{made.points:+g} 分：{made.reason}" for made in one.adjustments]
            ),
        )
        for one in result.corrections
    ]
    if corrections:
        yield "定档后的更正", ("名称", "定档总分", "更正后总分", "定档排名", "更正后排名", "更正内容"), corrections


def _write_formulas(writing: _Writing, content: ReportContent) -> None:
    notes = (f"数据截至 {minute(content.as_of)}；本期未满的，以此时为期末",)
    sheet = writing.sheet(FORMULAS, FORMULAS, notes, (20, 24, 110))
    top = len(notes) + 2
    writing.headings(sheet, top, ("指标", "代码", "计算方法"))
    for row, metric in enumerate(METRICS, start=top + 1):
        writing.cells(sheet, row, [(metric.name, None), (metric.code, None), (metric.formula, None)])
