"""Delimited text files (.csv) as tables: which encoding, which rows, and what to do with quotes that never close.

A file is streamed, never held: what is kept at a time is one row, whose cells the `csv` library limits to 131,072
characters, so that a quote that was never closed is noticed soon.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from adapters.problems import Unreadable
from adapters.tables import Table, TableRow

DELIMITERS = (",", ";", "\t")
_PIECE = 1 << 20
_FEW = 0.1  # so large a share of broken characters is damage; a larger one means another encoding
_CONTROLS = bytes({*range(32)} - set(b"\t\n\r\f"))
_MOST_CONTROLS = 0.02  # of the bytes of a text
_REPLACED = "\ufffd"
_BAD_QUOTES = '引号（"）不成对，无法分清各列；内容中的引号应写成两个，请核对后重新保存'
_TOO_LONG = "有一列过长，无法读取，请缩短后重新保存"
_BAD_SIGNS = "含有无法识别的字符，文件的编码可能有误，请核对后重新保存"
_ENCODINGS = ("utf-8-sig", "gb18030")
_TEXT_MARK = re.compile(r"'(?=[=+\-@0-9])")
_TEXT_FORMULA = re.compile(r'="([^"]*)"')


@dataclass(frozen=True, slots=True)
class _Encoding:
    name: str
    lines: int


class _OpenQuote(Exception):
    """A quote is still open at the end of the file."""


def delimited(path: Path) -> list[Table]:
    """The file split at each of the usual delimiters; the right one is that under which the headings are found.

    Raises `Unreadable` when it is no text in UTF-8, UTF-16 or GB18030.
    """
    encoding = _encoding_of(path)

    def table(delimiter: str) -> Table:
        def rows() -> Iterator[TableRow]:
            with path.open(encoding=encoding.name, errors="replace", newline="") as file:
                yield from _rows(file, delimiter)

        return Table(name=path.name, height=encoding.lines, rows=rows, strict_width=True)

    return [table(one) for one in DELIMITERS]


# Encodings.


def _encoding_of(path: Path) -> _Encoding:
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _Encoding("utf-16", _quality(path, "utf-16")[1])
    if len(head) - len(head.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(head):
        raise Unreadable(f"文件“{path.name}”不是表格，可导入的是 .xlsx、.xls 和 .csv")
    for name in _ENCODINGS:
        broken, lines = _quality(path, name)
        if broken <= _FEW:
            return _Encoding(name, lines)
    raise Unreadable(
        f"文件“{path.name}”的文字既不是 UTF-8 编码，也不是 GB18030 编码，请另存为 UTF-8 编码的 .csv 再导入"
    )


def _quality(path: Path, encoding: str) -> tuple[float, int]:
    """Broken characters as a share of those beyond ASCII, and the number of lines."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    foreign = broken = lines = 0
    ends_open = False
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            text = decoder.decode(piece)
            foreign += len(text) - len(text.encode("ascii", "ignore"))
            broken += text.count(_REPLACED)
            lines += text.count("\n")
            ends_open = not text.endswith("\n")
    return broken / max(foreign, 1), lines + ends_open


# Rows.


def _rows(file: Iterable[str], delimiter: str) -> Iterator[TableRow]:
    """A row for each record. One whose quotes never close is given up alone: reading goes on with the next line."""
    ahead: deque[str] = deque()
    lines = iter(file)
    taken: list[str] = []

    def feed() -> Iterator[str]:
        while True:
            line = ahead.popleft() if ahead else next(lines, None)
            if line is None:
                if taken:
                    raise _OpenQuote
                return
            taken.append(line)
            yield line

    number = 0
    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    while True:
        taken.clear()
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (_OpenQuote, csv.Error):
            ahead.extendleft(reversed(taken[1:]))
            reader = csv.reader(feed(), delimiter=delimiter, strict=True)
            yield TableRow(
                number, tuple(taken[0].rstrip("\r\n").split(delimiter)), _BAD_QUOTES if '"' in taken[0] else _TOO_LONG
            )
            continue
        damage = _BAD_SIGNS if any(_REPLACED in cell for cell in cells) else ""
        yield TableRow(number, tuple(map(_unmarked, cells)), damage)


def _unmarked(cell: str) -> str:
    """A cell without the signs that platforms put before long numbers so that spreadsheets take them for text."""
    if cell.startswith("'"):
        return _TEXT_MARK.sub("", cell, count=1)
    if cell.startswith("=") and (found := _TEXT_FORMULA.fullmatch(cell)):
        return found.group(1)
    return cell
