"""Maps and makers of exported tables, for the tests of sheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import xlsxwriter
import xlwt
from platforms import NOW

from adapters.settings import SheetSettings
from adapters.sheets import Sheet, SheetRow, open_sheet

EXPORT = SheetSettings.model_validate(
    {
        "code": "12345-export",
        "name": "12345工单导出表",
        "channel": "12345",
        "source_no": {"from": ["工单编号", "编号"], "version_suffix": "-([0-9]{1,3})$"},
        "columns": {
            "reported_at": ["受理时间", "来电时间"],
            "content": ["诉求内容", "内容描述"],
            "title": "标题",
            "kind": "诉求类型",
            "reporter_name": ["诉求人姓名"],
            "reporter_phone": ["联系电话"],
            "party": ["被反映人姓名"],
            "due_outer": "办理期限",
        },
        "constants": {"way": "导入"},
    }
)
ARCHIVE = SheetSettings.model_validate(
    {
        "code": "archive",
        "name": "档案表",
        "channel": "12345",
        "source_no": {"fingerprint": ["reported_at", "content"], "headings": ["答复"]},
        "columns": {"reported_at": {"from": "时间", "format": "%m/%d/%Y"}, "content": "内容", "title": "标题"},
    }
)
REPORTED = datetime(2026, 11, 24, 1, 12, 33, tzinfo=UTC)
HEADINGS = ["工单编号", "受理时间", "诉求内容"]
ROW = ["PZ1", "2026-11-24 09:12:33", "有垃圾"]


def opened(path: Path, *candidates: SheetSettings) -> Sheet:
    return open_sheet(path, candidates or (EXPORT, ARCHIVE), NOW)


def numbers(sheet: Sheet) -> list[str]:
    """The numbers of the complaints; every row must have become one."""
    rows = list(sheet)
    assert [row.problems for row in rows] == [[]] * len(rows)
    return [row.complaint.source_no for row in rows if row.complaint]


def refusals(row: SheetRow) -> dict[str, str]:
    assert row.complaint is None
    return {one.field: one.code for one in row.problems}


def write_text(path: Path, rows: list[list[str]], encoding: str = "utf-8", delimiter: str = ",") -> Path:
    """A text file as spreadsheets write it."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def write_xlsx(path: Path, rows: Sequence[Sequence[object]], top: int = 0, left: int = 0) -> Path:
    """A workbook of one sheet; datetimes and dates become serials with a number format."""
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("工单")
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        day = book.add_format({"num_format": "yyyy/m/d"})
        for row, cells in enumerate(rows, start=top):
            for column, cell in enumerate(cells, start=left):
                if isinstance(cell, datetime):
                    sheet.write_datetime(row, column, cell, moment)
                elif isinstance(cell, date):
                    sheet.write_datetime(row, column, datetime(cell.year, cell.month, cell.day), day)
                elif cell not in (None, ""):
                    sheet.write(row, column, cell)
    return path


def write_xls(path: Path, rows: Sequence[Sequence[object]], top: int = 0, left: int = 0) -> Path:
    """The same in the older format."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("工单")
    moment = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss")
    for row, cells in enumerate(rows, start=top):
        for column, cell in enumerate(cells, start=left):
            if isinstance(cell, datetime):
                sheet.write(row, column, cell, moment)
            elif cell not in (None, ""):
                sheet.write(row, column, cell)
    book.save(str(path))
    return path
