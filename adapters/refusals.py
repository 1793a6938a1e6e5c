"""Rows that were refused, written as a file that a person corrects and feeds back. Not: which rows those are."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable
from pathlib import Path

import xlsxwriter

from adapters.sheets import REASON, ROW_NUMBER, Sheet, SheetRow

_MARKED = re.compile(r"[=+\-@]|[0-9]{12}")
_LONGEST_CELL = 32_767  # of a spreadsheet
_WIDTHS = {ROW_NUMBER: 8, REASON: 60}


def write_refusals(path: Path, sheet: Sheet, rows: Iterable[SheetRow]) -> int:
    """Write the refused ones among `rows` as .csv or .xlsx, by the path's suffix; how many there were.

    The headings are the sheet's, followed by the row's number in the first file and the reasons; `open_sheet` takes no
    notice of these two. Without a refused row no file is made. Raises `ValueError` for another suffix, `OSError`.
    """
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise ValueError(f"退回清单应为 .csv 或 .xlsx 文件，不能是“{path.name}”")
    own = {column for column, name in enumerate(sheet.headings) if name in (ROW_NUMBER, REASON)}
    lines = [_line(row, len(sheet.headings), own) for row in rows if row.problems]
    if lines:
        kept = [name for column, name in enumerate(sheet.headings) if column not in own]
        write = _write_text if path.suffix.lower() == ".csv" else _write_workbook
        write(path, [*kept, ROW_NUMBER, REASON], lines)
    return len(lines)


def _line(row: SheetRow, width: int, own: Collection[int]) -> list[str]:
    """Cells beyond the headings come last, where they still tell that something is shifted."""
    cells = [cell for column, cell in enumerate(row.cells[:width]) if column not in own]
    return [*cells, str(row.number), "；".join(one.message for one in row.problems), *row.cells[width:]]


def _write_text(path: Path, headings: list[str], lines: list[list[str]]) -> None:
    """With a byte order mark, without which Excel takes UTF-8 for something else."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headings)
        writer.writerows(map(_marked, line) for line in lines)


def _marked(cell: str) -> str:
    """A sign before what a spreadsheet would run as a formula or round as a number; `delimited` takes it off again."""
    return f"'{cell}" if _MARKED.match(cell) else cell


def _write_workbook(path: Path, headings: list[str], lines: list[list[str]]) -> None:
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet("退回清单")
        text = workbook.add_format({"num_format": "@"})
        bold = workbook.add_format({"num_format": "@", "bold": True})
        for column, name in enumerate(headings):
            sheet.set_column(column, column, _WIDTHS.get(name, 16), text)
        sheet.freeze_panes(1, 0)
        for number, line in enumerate([headings, *lines]):
            for column, cell in enumerate(line):
                if cell:  # written as text: nothing in it runs as a formula
                    sheet.write_string(number, column, cell[:_LONGEST_CELL], text if number else bold)
