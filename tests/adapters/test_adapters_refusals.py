"""Refused rows written to a file, corrected there and fed back."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import xlsxwriter
from platforms import NOW
from python_calamine import CalamineWorkbook

from adapters.refusals import write_refusals
from adapters.settings import SheetSettings
from adapters.sheets import Sheet, open_sheet

EXPORT = SheetSettings.model_validate(
    {
        "code": "12345-export",
        "name": "12345工单导出表",
        "channel": "12345",
        "source_no": "编号",
        "columns": {"reported_at": "受理时间", "content": "诉求内容", "reporter_name": "诉求人姓名"},
    }
)
NUMBER = "20261124091233000123"
ROWS = [
    ["编号", "受理时间", "诉求内容", "备注"],
    ["PZ1", "2026-11-24 09:12:33", "有垃圾", ""],
    [NUMBER, "昨天", "=HYPERLINK(1)", "-1+2"],
    ["PZ3", "2026-11-24 09:12:33", "", "含,逗号和\n换行"],
]


def opened(path: Path) -> Sheet:
    return open_sheet(path, [EXPORT], NOW)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "导出.csv"
    with path.open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows([["工单导出表"], *ROWS])
    return path


def rows_of(path: Path) -> list[list[str]]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))
    return [[str(cell) for cell in row] for row in CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()]


@pytest.mark.parametrize("name", ["退回.csv", "退回.xlsx"])
def test_the_refused_rows_with_their_numbers_and_reasons(export: Path, tmp_path: Path, name: str) -> None:
    sheet = opened(export)
    assert write_refusals(tmp_path / name, sheet, sheet) == 2
    headings, first, second = rows_of(tmp_path / name)
    assert headings == [*ROWS[0], "行号", "退回原因"]
    assert (first[4], second[4]) == ("4", "5")
    assert "“受理时间”列" in first[5]
    assert "“诉求内容”列必填" in second[5]
    assert second[:4] == ROWS[3]


@pytest.mark.parametrize("name", ["退回.csv", "退回.xlsx"])
def test_corrected_and_fed_back(export: Path, tmp_path: Path, name: str) -> None:
    """Once more wrong, then right: long numbers, formula signs and line ends come back as they were."""
    sheet = opened(export)
    first, second = tmp_path / name, tmp_path / f"2{name}"
    write_refusals(first, sheet, sheet)
    again = opened(first)
    assert [row.cells[:4] for row in again] == [tuple(row) for row in ROWS[2:]]
    assert write_refusals(second, again, again) == 2
    headings, *rows = rows_of(second)
    assert headings == [*ROWS[0], "行号", "退回原因"]
    assert [row[4] for row in rows] == ["2", "3"]

    corrected = tmp_path / "改正.csv"
    rows[0][1], rows[1][2] = "2026-11-24 10:00:00", "有垃圾"
    with corrected.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([headings, *rows])
    complaints = [row.complaint for row in opened(corrected)]
    assert [one.source_no for one in complaints if one] == [NUMBER, "PZ3"]
    assert complaints[0] is not None
    assert complaints[0].content == "=HYPERLINK(1)"
    assert "退回原因" not in complaints[0].raw.decode()


def test_a_spreadsheet_runs_no_formula_and_rounds_no_number(export: Path, tmp_path: Path) -> None:
    sheet = opened(export)
    write_refusals(tmp_path / "x.csv", sheet, sheet)
    text = (tmp_path / "x.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    assert rows_of(tmp_path / "x.csv")[1][:4] == ["'" + NUMBER, "昨天", "'=HYPERLINK(1)", "'-1+2"]
    write_refusals(tmp_path / "x.xlsx", sheet, sheet)
    assert rows_of(tmp_path / "x.xlsx")[1][:4] == [NUMBER, "昨天", "=HYPERLINK(1)", "-1+2"]


def test_headings_in_two_rows_come_back_in_one(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for column, name in enumerate(("编号", "受理时间", "诉求内容")):
            sheet.merge_range(0, column, 1, column, name)
        sheet.merge_range(0, 3, 0, 4, "诉求人")
        sheet.write_row(1, 3, ["姓名", "电话"])
        sheet.write_row(2, 0, ["PZ1", "昨天", "有垃圾", "测试甲", "13800000000"])
    found = opened(path)
    write_refusals(tmp_path / "退回.csv", found, found)
    headings, row = rows_of(tmp_path / "退回.csv")
    assert headings[:5] == ["编号", "受理时间", "诉求内容", "诉求人姓名", "电话"]
    text = (tmp_path / "退回.csv").read_text(encoding="utf-8").replace("昨天", "2026-11-24 09:12:33")
    (tmp_path / "改正.csv").write_text(text, encoding="utf-8")
    complaint = next(iter(opened(tmp_path / "改正.csv"))).complaint
    assert complaint is not None
    assert complaint.reporter.name == "测试甲"
    assert row[5] == "3"


def test_a_shifted_row_keeps_all_its_cells(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("编号,受理时间,诉求内容\nPZ1,2026-11-24 09:12:33,有,垃圾\n", encoding="utf-8")
    found = opened(path)
    assert write_refusals(tmp_path / "退回.csv", found, found) == 1
    row = rows_of(tmp_path / "退回.csv")[1]
    assert row[:4] == ["PZ1", "2026-11-24 09:12:33", "有", "2"]
    assert row[5] == "垃圾"
    assert "表头只有 3 列" in row[4]
    assert [one.problems[0].code for one in opened(tmp_path / "退回.csv")] == ["format"]


def test_nothing_refused_makes_no_file_and_a_wrong_suffix_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("编号,受理时间,诉求内容\nPZ1,2026-11-24 09:12:33,有垃圾\n", encoding="utf-8")
    found = opened(path)
    assert write_refusals(tmp_path / "退回.xlsx", found, found) == 0
    assert not (tmp_path / "退回.xlsx").exists()
    with pytest.raises(ValueError, match="txt"):
        write_refusals(tmp_path / "退回.txt", found, found)
