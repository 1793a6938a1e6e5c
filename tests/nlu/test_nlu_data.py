from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import xlsxwriter

from nlu.data import UnusableData, read_rows
from nlu.training import Row

TABLE = [
    ["标题", "内容", "类别", "类型"],
    ["油烟太大", "饭店厨房排烟管对着居民楼", "餐饮油烟", "投诉"],
    ["", "请问到哪里办证", "咨询窗口", "咨询"],
    ["没有标注", "没有标注的行", "", ""],
    ["", "", "餐饮油烟", "投诉"],
    ["怪类型", "类型不是五类之一", "餐饮油烟", "表扬"],
]
EXPECTED = [
    Row("油烟太大。饭店厨房排烟管对着居民楼", "餐饮油烟", "complaint"),
    Row("请问到哪里办证", "咨询窗口", "consultation"),
    Row("怪类型。类型不是五类之一", "餐饮油烟", None),
]


def written(folder: Path, kind: str) -> Path:
    path = folder / f"export.{kind.partition('-')[0]}"
    if kind == "xlsx":
        book = xlsxwriter.Workbook(path)
        sheet = book.add_worksheet()
        for at, line in enumerate(TABLE):
            sheet.write_row(at, 0, line)
        book.close()
    elif kind == "jsonl":
        records = [dict(zip(TABLE[0], line, strict=True)) for line in TABLE[1:]]
        path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in records), encoding="utf-8")
    else:
        with path.open("w", encoding=kind.partition("-")[2], newline="") as file:
            csv.writer(file).writerows(TABLE)
    return path


@pytest.mark.parametrize("kind", ["csv-utf-8", "csv-utf-8-sig", "csv-gb18030", "xlsx", "jsonl"])
def test_rows_come_out_of_every_format(tmp_path: Path, kind: str) -> None:
    assert read_rows(written(tmp_path, kind), ["标题", "内容"], "类别", "类型") == EXPECTED


def test_one_column_alone_will_do(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, "jsonl"), ["内容"], None, "类型")
    assert rows[0] == Row("饭店厨房排烟管对着居民楼", None, "complaint")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "内容,类别\n甲,乙\n".encode(), "没有列“文本”"),
        ("a.csv", "文本,类别\n,乙\n".encode(), "没有可用的行"),
        ("a.csv", b"", "没有可用的行"),
        ("a.csv", b"\xff\xff\xff\xff", "编码"),
        ("a.jsonl", b"[1]\n", "第 1 行不是 JSON 对象"),
        ("a.jsonl", b"{\n", "第 1 行不是 JSON"),
        ("a.xlsx", b"no sheet", "无法作为表格打开"),
        ("a.pdf", b"", "不认识的文件类型"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnusableData, match=message):
        read_rows(path, ["文本"], "类别")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match="找不到"):
        read_rows(tmp_path / "none.csv", ["文本"], "类别")
