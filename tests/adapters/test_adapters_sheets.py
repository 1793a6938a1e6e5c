"""Exported tables as townships get them, read row by row: text files, headings, maps, numbers, real data."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from exports import (
    ARCHIVE,
    EXPORT,
    HEADINGS,
    REPORTED,
    ROW,
    numbers,
    opened,
    refusals,
    write_text,
    write_xlsx,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from platforms import NOW

from adapters.channel import Unreadable
from adapters.settings import FingerprintSettings, SheetSettings
from adapters.sheets import SheetRow
from domain.complaint import Code

# Text files.


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_text_files_of_every_encoding_and_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    content = '㐂路、"西张",有;垃圾\t和𠮷堆\n第二行'
    sheet = opened(write_text(tmp_path / "导出.csv", [HEADINGS, ["PZ1", ROW[1], content]], encoding, delimiter))
    row = next(iter(sheet))
    assert row.complaint is not None
    assert row.complaint.content == content
    assert (row.number, row.complaint.reported_at, row.complaint.channel) == (2, REPORTED, "12345")
    assert (row.complaint.way, row.complaint.received_at) == ("导入", NOW)
    assert sheet.headings == tuple(HEADINGS)
    assert sheet.settings is EXPORT


def test_a_row_keeps_its_cells_and_its_raw_text(tmp_path: Path) -> None:
    row = next(iter(opened(write_text(tmp_path / "导出.csv", [[*HEADINGS, "备注"], [*ROW, " 无 "]]))))
    assert row.cells == (*ROW, " 无 ")
    assert row.complaint is not None
    assert json.loads(row.complaint.raw) == dict(zip([*HEADINGS, "备注"], row.cells, strict=True))
    assert row.complaint.raw_type == "application/json"


def test_titles_notes_totals_blanks_and_repeated_headings_are_no_complaints(tmp_path: Path) -> None:
    sheet = opened(
        write_text(
            tmp_path / "导出.csv",
            [
                ["凤凰镇12345工单导出表", "", "", ""],
                ["导出时间：2026-11-24", "", "", ""],
                [],
                ["序号", *HEADINGS],
                ["1", *ROW],
                ["", "", "", ""],
                ["序号", *HEADINGS],
                ["2", "PZ2", *ROW[1:]],
                ["3", "", "", ""],
                ["合计", "2", "", ""],
                ["", "共 2 条", "", ""],
                ["制表人：测试甲", "", "", ""],
                ["注：以上为示例", "", "", ""],
            ],
        )
    )
    assert [row.number for row in sheet] == [5, 8]
    assert numbers(sheet) == ["PZ1", "PZ2"]
    assert sheet.total == 9


def test_a_line_that_is_no_total_is_refused_not_dropped(tmp_path: Path) -> None:
    rows = list(opened(write_text(tmp_path / "导出.csv", [HEADINGS, ["PZ1", "", ""], ["合计", "", "有垃圾"], ROW])))
    assert refusals(rows[0]) == {"受理时间": "missing", "诉求内容": "missing"}
    assert refusals(rows[1]) == {"受理时间": "missing"}
    assert rows[2].complaint is not None


def test_headings_are_compared_without_dress(tmp_path: Path) -> None:
    headings = [" 工单 编号＊", "受理\n时间：", "诉求内容（必填）"]
    sheet = opened(write_text(tmp_path / "导出.csv", [headings, ROW]))
    assert numbers(sheet) == ["PZ1"]
    assert sheet.headings == ("工单 编号＊", "受理 时间：", "诉求内容（必填）")


def test_a_bad_row_is_refused_by_the_name_of_its_column_and_the_rest_unharmed(tmp_path: Path) -> None:
    good = [[f"PZ{n}", *ROW[1:]] for n in range(100)]
    good[41] = ["PZ41", "昨天", ""]
    rows = list(opened(write_text(tmp_path / "导出.csv", [HEADINGS, *good])))
    assert refusals(rows[41]) == {"受理时间": "format", "诉求内容": "missing"}
    assert rows[41].number == 43
    assert "“受理时间”列" in rows[41].problems[0].message
    assert sum(row.complaint is not None for row in rows) == 99


@pytest.mark.parametrize(
    "damaged",
    [
        b'PZ9,2026-11-24 09:12:33,"never closed\r\n',
        b'PZ9,2026-11-24 09:12:33,"closed" and on\r\n',
        b'"PZ9,2026-11-24 09:12:33,x\r\n',
        b"PZ9,2026-11-24 09:12:33,\xff\xfe broken\r\n",
        b"PZ9,2026-11-24 09:12:33,too,many\r\n",
        b'PZ9,2026-11-24 09:12:33,"' + b"x" * 200_000 + b"\r\n",
        b"PZ9,2026-11-24 09:12:33," + b"x" * 200_000 + b"\r\n",
        b"PZ9,2026-11-24 09:12:33,a\x00b\r\n",
    ],
    ids=["open", "after", "first", "bytes", "wide", "long-open", "long", "nul"],
)
@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_damaged_line_is_refused_alone(tmp_path: Path, damaged: bytes, place: int) -> None:
    lines = [",".join([f"PZ{n}", ROW[1], f"第{n}处垃圾，在恬庄古街北入口"]).encode() + b"\r\n" for n in range(6)]
    lines.insert(place, damaged)
    path = tmp_path / "x.csv"
    path.write_bytes(",".join(HEADINGS).encode() + b"\r\n" + b"".join(lines))
    rows = list(opened(path))
    assert [row.complaint.source_no for row in rows if row.complaint] == [f"PZ{n}" for n in range(6)]
    refused = [row for row in rows if row.problems]
    assert [row.number for row in refused] == [place + 2]
    quotes = b'"' in damaged
    assert ("不成对" in refused[0].problems[0].message) == quotes


def test_an_open_quote_costs_no_more_than_its_line_in_a_long_file(tmp_path: Path) -> None:
    lines = [f"PZ{n},{ROW[1]},垃圾" for n in range(5000)]
    lines[10] = f'PZ10,{ROW[1]},"垃圾'
    path = tmp_path / "x.csv"
    path.write_text("\n".join([",".join(HEADINGS), *lines]), encoding="utf-8")
    rows = list(opened(path))
    assert [row.number for row in rows if row.problems] == [12]
    assert len(rows) == 5000


@pytest.mark.parametrize("written", ["'PZ1", '="PZ1"', "\tPZ1", " PZ1 "])
def test_marks_that_keep_a_number_text_are_taken_off(tmp_path: Path, written: str) -> None:
    long = written.replace("PZ1", "20261124091233000123")
    assert numbers(opened(write_text(tmp_path / "导出.csv", [HEADINGS, [long, *ROW[1:]]]))) == ["20261124091233000123"]


def test_numbers_that_a_spreadsheet_made_scientific(tmp_path: Path) -> None:
    rows = list(
        opened(
            write_text(
                tmp_path / "导出.csv",
                [HEADINGS, ["1.23456789012345E+14", *ROW[1:]], ["2.02611E+16", *ROW[1:]], ["7.0", *ROW[1:]]],
            )
        )
    )
    assert [row.complaint.source_no for row in rows if row.complaint] == ["123456789012345", "7"]
    assert refusals(rows[1]) == {"工单编号": "format"}


def test_serials_in_text_are_times(tmp_path: Path) -> None:
    row = next(
        iter(
            opened(
                write_text(tmp_path / "导出.csv", [[*HEADINGS, "办理期限"], ["PZ1", "46350.38371527778", "x", "46357"]])
            )
        )
    )
    assert row.complaint is not None
    assert row.complaint.reported_at == REPORTED
    assert row.complaint.due_outer == datetime(2026, 12, 1, 15, 59, 59, tzinfo=UTC)


# Headings in two rows.


def test_merged_headings_in_two_rows_of_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.merge_range(0, 1, 0, 7, "凤凰镇工单")
        for column, name in ((1, "编号"), (2, "受理时间"), (7, "诉求内容")):
            sheet.merge_range(2, column, 3, column, name)
        sheet.merge_range(2, 3, 2, 4, "诉求人")
        sheet.merge_range(2, 5, 2, 6, "被反映人")
        sheet.write_row(3, 3, ["联系电话", "姓名", "电话", "姓名"])
        sheet.write_row(4, 1, ["PZ1", ROW[1], 13800000000, "测试甲", "", "测试店", "有垃圾"])
    sheet_read = opened(path)
    row = next(iter(sheet_read))
    assert row.complaint is not None
    assert row.number == 5
    assert row.complaint.reporter.name == "测试甲"
    assert row.complaint.reporter.phone == "13800000000"
    assert row.complaint.party == "测试店"
    assert sheet_read.headings == ("编号", "受理时间", "联系电话", "诉求人姓名", "电话", "被反映人姓名", "诉求内容")


def test_a_second_row_of_headings_that_no_field_needs_is_no_complaint(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for column, name in enumerate(HEADINGS):
            sheet.merge_range(0, column, 1, column, name)
        sheet.merge_range(0, 3, 0, 4, "其他")
        sheet.write_row(1, 3, ["甲", "乙"])
        sheet.write_row(2, 0, ROW)
    assert numbers(opened(path)) == ["PZ1"]


def test_headings_in_two_rows_of_a_text_file(tmp_path: Path) -> None:
    sheet = opened(
        write_text(
            tmp_path / "导出.csv",
            [
                ["编号", "受理时间", "诉求人", "", "被反映人", "", "诉求内容"],
                ["", "", "联系电话", "姓名", "电话", "姓名", ""],
                ["PZ1", ROW[1], "13800000000", "测试甲", "", "测试店", "有垃圾"],
            ],
        )
    )
    rows = list(sheet)
    assert len(rows) == 1
    assert rows[0].complaint is not None
    assert (rows[0].complaint.reporter.name, rows[0].complaint.party) == ("测试甲", "测试店")


def test_empty_and_repeated_headings_get_names_of_their_own(tmp_path: Path) -> None:
    sheet = opened(
        write_text(
            tmp_path / "导出.csv", [["工单编号", "", *HEADINGS[1:], "备注", "备注"], ["PZ1", "?", *ROW[1:], "a", "b"]]
        )
    )
    assert sheet.headings == ("工单编号", "第2列", "受理时间", "诉求内容", "备注", "备注（第6列）")
    row = next(iter(sheet))
    assert row.complaint is not None
    assert json.loads(row.complaint.raw)["备注（第6列）"] == "b"


# Choosing the map, and numbers out of content.


def test_of_several_maps_the_one_that_fits_best(tmp_path: Path) -> None:
    wider = EXPORT.model_copy(
        update={"code": "wider", "columns": {**EXPORT.columns, "address": EXPORT.columns["title"]}}
    )
    path = write_text(tmp_path / "导出.csv", [["工单编号", "来电时间", "内容描述"], ROW])
    assert opened(path, ARCHIVE, wider, EXPORT).settings is EXPORT
    assert (
        opened(
            write_text(tmp_path / "导出.csv", [["时间", "内容", "答复"], ["11/24/2026", "x", ""]]), EXPORT, ARCHIVE
        ).settings
        is ARCHIVE
    )


def archive(rows: list[list[str]], folder: Path, **how: str) -> list[str]:
    """The numbers that the archive's map gives to rows."""
    return numbers(opened(write_text(folder / "档案.csv", [["时间", "标题", "内容", "答复"], *rows], **how)))


def test_a_fingerprint_is_the_same_for_the_same_content(tmp_path: Path) -> None:
    first = archive([["11/24/2026", "一", "有垃圾", "好"]], tmp_path)
    assert first[0].startswith("fp-")
    assert len(first[0]) <= 64
    assert archive([["11/24/2026", "二", " 有 垃圾\n", "好"]], tmp_path, encoding="gb18030", delimiter=";") == first
    assert archive([["2026-11-24", "", "有垃圾", "好"]], tmp_path) == first
    workbook: list[list[object]] = [["时间", "标题", "内容", "答复"], [date(2026, 11, 24), "一", "有垃圾", "好"]]
    assert numbers(opened(write_xlsx(tmp_path / "x.xlsx", workbook))) == first


def test_a_fingerprint_differs_with_each_of_its_fields(tmp_path: Path) -> None:
    rows = [
        ["11/24/2026", "一", "有垃圾", "好"],
        ["11/23/2026", "一", "有垃圾", "好"],
        ["11/24/2026", "一", "没垃圾", "好"],
        ["11/24/2026", "一", "有垃圾", "行"],
    ]
    assert len(set(archive(rows, tmp_path))) == 4


def test_a_fingerprint_needs_all_its_columns(tmp_path: Path) -> None:
    titled = FingerprintSettings(fingerprint=("reported_at", "content", "title"))
    with pytest.raises(Unreadable, match="缺少列“标题”"):
        opened(
            write_text(tmp_path / "档案.csv", [["时间", "内容"], ["11/24/2026", "有垃圾"]]),
            ARCHIVE.model_copy(update={"source_no": titled}),
        )
    with pytest.raises(Unreadable, match="缺少列“答复”"):
        opened(write_text(tmp_path / "导出.csv", [["时间", "标题", "内容"], ["11/24/2026", "一", "有垃圾"]]), ARCHIVE)


def test_feeding_a_file_twice_gives_the_same_numbers(tmp_path: Path) -> None:
    path = write_text(tmp_path / "导出.csv", [HEADINGS, ["PZ1-02", *ROW[1:]], ROW])
    sheet = opened(path)
    assert numbers(sheet) == numbers(sheet) == numbers(opened(path)) == ["PZ1", "PZ1"]
    assert [row.complaint.source_version for row in sheet if row.complaint] == [2, 0]


def test_codes_out_of_a_sheet_may_have_lost_a_zero(tmp_path: Path) -> None:
    cases = SheetSettings.model_validate(
        {
            "code": "cases",
            "name": "案件表",
            "channel": "12319",
            "source_no": "案件编号",
            "columns": {"reported_at": "上报时间", "content": "问题描述", "category": "小类代码"},
            "schemes": {"category": [{"scheme": "gbt47678.5", "version": "2026", "table": "hotline_12319/items.csv"}]},
        }
    )
    rows: list[list[Any]] = [["案件编号", "上报时间", "问题描述", "小类代码"], ["A1", ROW[1], "x", 6010]]
    row = next(iter(opened(write_xlsx(tmp_path / "x.xlsx", rows), cases)))
    assert row.complaint is not None
    assert row.complaint.codes == (Code("gbt47678.5", "2026", "06010", "暴露垃圾"),)


# Size, and real data.


def test_a_hundred_thousand_rows_are_streamed(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    with path.open("w", encoding="gb18030", newline="") as file:
        file.write(",".join(HEADINGS) + "\r\n")
        file.writelines(f"PZ{n},{ROW[1]},恬庄古街有垃圾\r\n" for n in range(100_000))
    sheet = opened(path)
    assert sheet.total == 100_000
    reading: Iterator[SheetRow] = iter(sheet)
    assert next(reading).number == 2
    assert sum(row.complaint is not None for row in reading) == 99_999


def test_a_large_workbook(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        [*HEADINGS],
        *([n, datetime(2026, 11, 24, 9, 12, 33), "有垃圾"] for n in range(1, 5001)),
    ]
    assert numbers(opened(write_xlsx(tmp_path / "x.xlsx", rows))) == [str(n) for n in range(1, 5001)]


DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
RIVERS = SheetSettings.model_validate(
    {
        "code": "river-archive",
        "name": "河道诉求档案表",
        "channel": "12345",
        "source_no": {"fingerprint": ["reported_at", "title", "content", "address"], "headings": ["reply"]},
        "columns": {
            "reported_at": {"from": "time", "format": ["%Y-%m-%d %H:%M:%S", "%m/%d/%Y"]},
            "title": "title",
            "content": "content",
            "kind": "kind",
            "way": "source",
            "address": "river",
        },
    }
)
MESSAGES = SheetSettings.model_validate(
    {
        "code": "messages-12345",
        "name": "网民留言表",
        "channel": "12345",
        "source_no": "id",
        "columns": {"reported_at": "time", "title": "title", "content": "content", "reporter_name": "user"},
    }
)


@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not beside the project: no real exports to read")
@pytest.mark.parametrize(
    ("file", "chosen", "rows"), [("fuzhou_12345.csv", RIVERS, 749), ("messages_unlabelled.csv", MESSAGES, 4326)]
)
def test_real_exports_are_taken_whole_and_twice_the_same(file: str, chosen: SheetSettings, rows: int) -> None:
    sheet = opened(DATA / file, EXPORT, ARCHIVE, RIVERS, MESSAGES)
    assert sheet.settings is chosen
    found = numbers(sheet)
    assert len(set(found)) == len(found) == rows
    assert numbers(opened(DATA / file, MESSAGES, RIVERS)) == found


cells = st.text(max_size=12) | st.sampled_from(
    ["", "PZ1", ROW[1], "有垃圾", '"', '""', "\n", "合计", "工单编号", "1E+20"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(cells, max_size=5), max_size=6), st.binary(max_size=60))
def test_arbitrary_rows_and_bytes_below_good_headings(tmp_path: Path, rows: list[list[str]], tail: bytes) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([HEADINGS, ROW, *rows])
    path = tmp_path / f"{os.getpid()}.csv"
    path.write_bytes(text.getvalue().encode("utf-8", "replace") + tail)
    try:
        sheet = opened(path)
    except Unreadable as error:
        assert str(error)
        return
    for row in sheet:
        assert (row.complaint is None) == bool(row.problems)
        json.dumps([[one.field, one.message, one.code] for one in row.problems]).encode()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_no_table(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / f"{os.getpid()}.csv"
    path.write_bytes(content)
    with pytest.raises(Unreadable):
        opened(path)
