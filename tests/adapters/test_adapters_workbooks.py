"""Workbooks of every make, and what is no table at all."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from exports import (
    HEADINGS,
    REPORTED,
    ROW,
    numbers,
    opened,
    refusals,
    write_text,
    write_xls,
    write_xlsx,
)
from platforms import NOW
from xlwt.CompoundDoc import XlsDoc

from adapters.channel import Unreadable
from adapters.sheets import open_sheet
from domain.complaint import Kind


def test_a_workbook_with_serials_numbers_and_an_offset(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["工单导出", None, None],
        [*HEADINGS, "办理期限", "标题"],
        [2026112409, datetime(2026, 11, 24, 9, 12, 33), "有垃圾", date(2026, 12, 1), 12.5],
        [123456789012345, 46350.38371527778, "有垃圾", datetime(2026, 12, 1, 12, 0), True],
        ["20261124091233000123", "2026-11-24 09:12:33", "有垃圾", None, None],
    ]
    sheet = opened(write_xlsx(tmp_path / "x.xlsx", rows, top=3, left=2))
    found = list(sheet)
    assert [row.number for row in found] == [6, 7, 8]
    assert numbers(sheet) == ["2026112409", "123456789012345", "20261124091233000123"]
    complaints = [row.complaint for row in found if row.complaint]
    assert {one.reported_at for one in complaints} == {REPORTED}
    assert complaints[0].due_outer == datetime(2026, 12, 1, 15, 59, 59, tzinfo=UTC)
    assert complaints[1].due_outer == datetime(2026, 12, 1, 4, 0, tzinfo=UTC)
    assert [one.title for one in complaints] == ["12.5", "TRUE", ""]
    assert (sheet.name, sheet.total) == ("工单", 3)


@pytest.mark.parametrize("number", [2026112409123310, 20261124091233004, 2.5])
def test_a_number_cell_that_lost_its_end_is_refused(tmp_path: Path, number: float) -> None:
    rows = list(opened(write_xlsx(tmp_path / "x.xlsx", [HEADINGS, [number, *ROW[1:]], ROW])))
    if number == 2.5:
        assert rows[0].complaint is not None
        assert rows[0].complaint.source_no == "2.5"
    else:
        assert refusals(rows[0]) == {"工单编号": "format"}
        assert "文本格式" in rows[0].problems[0].message
    assert rows[1].complaint is not None


def test_an_old_workbook(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["工单导出表"],
        [],
        [*HEADINGS, "诉求类型"],
        [20261124, datetime(2026, 11, 24, 9, 12, 33), "有垃圾", "投诉"],
        ["合计", "", "", 1],
    ]
    sheet = opened(write_xls(tmp_path / "x.xls", rows, top=2, left=1))
    assert numbers(sheet) == ["20261124"]
    row = next(iter(sheet))
    assert row.complaint is not None
    assert (row.number, row.complaint.reported_at, row.complaint.claimed_kind) == (6, REPORTED, Kind.COMPLAINT)
    assert sheet.total == 2


def test_the_first_sheet_with_the_headings_is_read_and_others_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("封面").write(0, 0, "凤凰镇")
        hidden = book.add_worksheet("隐藏")
        hidden.hide()
        for sheet in (hidden, book.add_worksheet("十月"), book.add_worksheet("十一月")):
            sheet.write_row(0, 0, HEADINGS)
            sheet.write_row(1, 0, [sheet.get_name(), *ROW[1:]])
        book.add_worksheet("空")
    found = opened(path)
    assert (found.name, found.others) == ("十月", ("十一月",))
    assert numbers(found) == ["十月"]


@pytest.mark.parametrize("name", ["x.csv", "x.xls", "x.xlsx", "x.txt", "x"])
def test_the_content_decides_not_the_name(tmp_path: Path, name: str) -> None:
    assert numbers(opened(write_xlsx(tmp_path / name, [HEADINGS, ROW]))) == ["PZ1"]
    assert numbers(opened(write_xls(tmp_path / name, [HEADINGS, ROW]))) == ["PZ1"]
    assert numbers(opened(write_text(tmp_path / name, [HEADINGS, ROW]))) == ["PZ1"]


# What cannot be read.


def encrypted_workbook(path: Path) -> Path:
    """An encrypted .xlsx as spreadsheets write it: a compound file whose stream is named so."""
    write_xls(path, [HEADINGS, ROW])
    file = bytearray(path.read_bytes())
    entry = file.find("Workbook".encode("utf-16-le"))
    name = "EncryptedPackage".encode("utf-16-le")
    file[entry : entry + 66] = name.ljust(64, b"\0") + struct.pack("<H", len(name) + 2)
    path.write_bytes(file)
    return path


def encrypted_old_workbook(path: Path) -> Path:
    begin = struct.pack("<HHHHHHII", 0x809, 16, 0x600, 5, 0, 0, 0, 0)
    password = struct.pack("<HHHHH", 0x2F, 6, 1, 1, 1)
    XlsDoc().save(str(path), begin + password + struct.pack("<HH", 10, 0))
    return path


@pytest.mark.parametrize("name", ["x.xlsx", "x.xls", "x"])
def test_a_password_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unreadable, match="设有密码"):
        opened(encrypted_workbook(tmp_path / name))


def test_a_password_of_an_old_workbook_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="设有密码"):
        opened(encrypted_old_workbook(tmp_path / "x.xls"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "是空的"),
        (b"%PDF-1.7\n\x00\x01", "不是表格"),
        (b"\x89PNG\r\n\x1a\n\x00", "不是表格"),
        (b"PK\x03\x04 no archive", "不是 Excel 表格"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 1024, "不是 Excel 表格|已损坏"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "网页"),
        (b"\xef\xbb\xbf<!DOCTYPE html>", "网页"),
        (b"\x81\xff\xff\xfe" * 500, "编码"),
        (b'[{"orderNum": "A1"}]', "没有找到表头行"),
        (b"\r\n\r\n", "没有找到表头行"),
        ("，，，".encode(), "没有找到表头行"),
    ],
)
def test_what_is_no_table_is_told_in_words(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "导出.csv"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=told):
        opened(path)


def test_a_missing_file_a_folder_and_a_missing_map(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(Unreadable, match="无法打开"):
            opened(path)
    with pytest.raises(Unreadable, match="没有配置表格对照"):
        open_sheet(write_text(tmp_path / "导出.csv", [HEADINGS, ROW]), [], NOW)


def test_missing_columns_are_named_with_what_was_found(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as refused:
        opened(write_text(tmp_path / "导出.csv", [["工单导出表"], ["工单编号", "受理时间", "事由"], ROW]))
    message = str(refused.value)
    assert "12345工单导出表" in message
    assert "缺少列“诉求内容”" in message
    assert "第 2 行：“工单编号”、“受理时间”、“事由”" in message


def test_headings_far_down_are_not_looked_for(tmp_path: Path) -> None:
    assert numbers(opened(write_text(tmp_path / "导出.csv", [*[["说明"]] * 49, HEADINGS, ROW]))) == ["PZ1"]
    with pytest.raises(Unreadable):
        opened(write_text(tmp_path / "导出.csv", [*[["说明"]] * 50, HEADINGS, ROW]))


@pytest.mark.parametrize("write", [write_xlsx, write_xls])
def test_a_workbook_cut_short_is_refused_in_words(
    tmp_path: Path, write: Callable[[Path, list[list[str]]], Path]
) -> None:
    """As a broken download leaves it; some cuts make the library panic."""
    whole = write(tmp_path / "whole", [HEADINGS, *[ROW] * 200]).read_bytes()
    path = tmp_path / "cut"
    for size in range(8, len(whole) - 512, 211):
        path.write_bytes(whole[:size])
        with pytest.raises(Unreadable, match="另存为"):
            opened(path)
