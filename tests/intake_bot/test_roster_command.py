"""Rosters read from sheets: days and times, names and accounts, and every wrong row named."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
import town
import xlsxwriter

from domain.absence import Absence
from intake_bot.commands.roster import read_sheet
from intake_bot.roster_sheets import UnreadableSheet, read_absences

PEOPLE = {"a3": "测试员甲", "a4": "测试员乙", "b2": "测试员乙"}
HEADING = ["账号", "离岗开始", "离岗结束", "事由"]


def test_whole_days_last_to_their_end_and_times_are_local() -> None:
    found = read_absences(
        [HEADING, ["a3", "2026-12-01", "2026-12-02", "年假"], ["a4", "2026/12/03 08:30", "2026-12-03 12:00", ""]],
        PEOPLE,
    )
    assert found == [
        Absence("a3", town.at("2026-12-01 00:00"), town.at("2026-12-03 00:00"), "年假"),
        Absence("a4", town.at("2026-12-03 08:30"), town.at("2026-12-03 12:00"), ""),
    ]


def test_names_serve_where_they_are_clear() -> None:
    rows = [["姓名", *HEADING[1:]], ["测试员甲", "2026年12月01日", "2026-12-01", "会议"]]
    assert [one.account for one in read_absences(rows, PEOPLE)] == ["a3"]


def test_every_wrong_row_is_named_and_nothing_is_taken() -> None:
    rows = [
        ["姓名", *HEADING[1:]],
        ["测试员甲", "2026-12-01", "2026-12-01", ""],
        ["测试员乙", "2026-12-01", "2026-12-01", ""],
        ["无此人", "2026-12-01", "2026-12-01", ""],
        ["", "", "", ""],
        ["测试员甲", "明天", "2026-12-01", ""],
        ["测试员甲", "2026-12-02", "2026-12-01", ""],
    ]
    with pytest.raises(UnreadableSheet) as refused:
        read_absences(rows, PEOPLE)
    assert [one.split("：")[0] for one in refused.value.problems] == ["第 3 行", "第 4 行", "第 6 行", "第 7 行"]
    assert "有几个人同名，请改用账号" in refused.value.problems[0]


@pytest.mark.parametrize(
    ("rows", "said"), [([], "空的"), ([["账号", "事由"]], "离岗开始、离岗结束"), ([HEADING[1:]], "账号（或姓名）")]
)
def test_a_sheet_without_its_headings_is_refused(rows: list[list[str]], said: str) -> None:
    with pytest.raises(UnreadableSheet, match=said):
        read_absences(rows, PEOPLE)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_csv_of_either_encoding(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "值班.csv"
    file.write_bytes("姓名,离岗开始,离岗结束,事由\r\n测试员甲,2026-12-01,2026-12-01,年假\r\n".encode(encoding))
    assert [one.reason for one in read_absences(read_sheet(file), PEOPLE)] == ["年假"]


def test_a_workbook_with_real_dates(tmp_path: Path) -> None:
    file = tmp_path / "值班.xlsx"
    with xlsxwriter.Workbook(str(file)) as book:
        sheet = book.add_worksheet()
        day, minute = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_row(0, 0, HEADING)
        sheet.write_row(1, 0, ["a3"])
        sheet.write_datetime(1, 1, datetime(2026, 12, 1, 13, 30), minute)
        sheet.write_datetime(1, 2, datetime(2026, 12, 2), day)
    (found,) = read_absences(read_sheet(file), PEOPLE)
    assert (found.start, found.end) == (town.at("2026-12-01 13:30"), town.at("2026-12-03 00:00"))


def test_what_is_no_sheet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"PK no workbook")
    for file in (tmp_path / "x.xlsx", tmp_path / "gone.csv"):
        with pytest.raises(UnreadableSheet, match="打不开"):
            read_sheet(file)


def test_a_small_workbook_cannot_fill_the_memory(tmp_path: Path) -> None:
    file = tmp_path / "far.xlsx"
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, HEADING)
        sheet.write(1_048_575, 16_383, "远")
    assert file.stat().st_size < 20_000
    with pytest.raises(UnreadableSheet, match="不太大"):
        read_sheet(file)
