"""Labelled rows from the user's own export (csv, xlsx, jsonl): text, label, kind columns by name. Not an intake channel."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import python_calamine

from domain.complaint import KIND_NAMES
from nlu.training import Row

_KINDS = {name: str(kind) for kind, name in KIND_NAMES.items()} | {str(kind): str(kind) for kind in KIND_NAMES}


class UnusableData(Exception):
    """The file cannot be read as labelled rows; the message says why, in Chinese."""


def read_rows(path: Path, text: Sequence[str], label: str | None, kind: str | None = None) -> list[Row]:
    """The labelled rows of a file.

    `text`: one column, or several (title, content) that are joined with a full stop, so that the title is weighed as a
    title. Rows without text, or without label and kind, are passed over; kinds are the five Chinese or English words,
    others count as none. Raises UnusableData when a column is missing, nothing is left or the format is unknown.
    """
    rows: list[Row] = []
    for at, record in enumerate(_records(path)):
        if at == 0:
            missing = [name for name in (*text, label, kind) if name and name not in record]
            if missing:
                raise UnusableData(f"文件中没有列“{'、'.join(missing)}”；现有：{'、'.join(record)}")
        words = "。".join(part for part in (record.get(name, "").strip() for name in text) if part)
        label_word = record.get(label, "").strip() if label else ""
        kind_word = _KINDS.get(record.get(kind, "").strip()) if kind else None
        if words and (label_word or kind_word):
            rows.append(Row(words, label_word or None, kind_word))
    if not rows:
        raise UnusableData(f"文件 {path.name} 中没有可用的行：文本列与标注列不能都为空")
    return rows


def _records(path: Path) -> Iterator[Mapping[str, str]]:
    if not path.is_file():
        raise UnusableData(f"找不到文件 {path}")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        csv.field_size_limit(10_000_000)
        for record in csv.DictReader(io.StringIO(_decoded(path), newline="")):
            yield {str(name): value or "" for name, value in record.items() if isinstance(value, str | None)}
    elif suffix in {".jsonl", ".ndjson"}:
        yield from _json_lines(path)
    elif suffix in {".xlsx", ".xls"}:
        yield from _sheet(path)
    else:
        raise UnusableData(f"不认识的文件类型“{suffix}”；可用 .csv、.xlsx、.xls、.jsonl")


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            return content.decode("gb18030")
        except UnicodeDecodeError as error:
            raise UnusableData(f"文件 {path.name} 既不是 UTF-8 也不是 GB18030 编码") from error


def _json_lines(path: Path) -> Iterator[Mapping[str, str]]:
    for number, line in enumerate(_decoded(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise UnusableData(f"文件 {path.name} 第 {number} 行不是 JSON：{error}") from error
        if not isinstance(record, dict):
            raise UnusableData(f"文件 {path.name} 第 {number} 行不是 JSON 对象")
        yield {str(name): "" if value is None else str(value) for name, value in record.items()}


def _sheet(path: Path) -> Iterator[Mapping[str, str]]:
    try:
        lines = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    except (python_calamine.CalamineError, OSError, IndexError) as error:
        raise UnusableData(f"文件 {path.name} 无法作为表格打开：{error}") from error
    if not lines:
        return
    names = [str(name).strip() for name in lines[0]]
    for line in lines[1:]:
        yield {name: "" if value is None else str(value) for name, value in zip(names, line, strict=False)}
