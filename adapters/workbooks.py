"""Excel workbooks (.xlsx, .xls) as tables of text: what a cell shows, in a form that the field readers take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from adapters.problems import Unreadable
from adapters.tables import Table, TableRow
from adapters.values import LARGEST_EXACT

SIGNATURES = (b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1"))
"""How the two kinds of workbook begin: a zip archive and a compound file."""

_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_SPREADSHEET_DIGITS = 15  # as many a spreadsheet keeps of a number; the rest it fills up with zeros

Cell = int | float | str | bool | time | date | datetime | timedelta
Read = TypeVar("Read")


def worksheets(path: Path) -> Iterator[Table]:
    """The visible sheets in order, each loaded when its turn comes. Raises `Unreadable`."""
    workbook = _guarded(path, lambda: _opened(path))
    for index, sheet in enumerate(workbook.sheets_metadata):
        if sheet.visible is SheetVisibleEnum.Visible and sheet.typ is SheetTypeEnum.WorkSheet:
            yield _table(_guarded(path, lambda index=index: workbook.get_sheet_by_index(index)))  # type: ignore[misc]


def _opened(path: Path) -> CalamineWorkbook:
    """By content first, for exports often bear the wrong suffix."""
    try:
        with path.open("rb") as file:
            return CalamineWorkbook.from_object(file)
    except CalamineError:
        if _ENCRYPTED_STREAM in path.read_bytes():
            raise PasswordError from None
        return CalamineWorkbook.from_path(path)  # the library tells an .xls with a password only by its name


def _guarded(path: Path, read: Callable[[], Read]) -> Read:
    try:
        return read()
    except PasswordError:
        raise Unreadable(f"文件“{path.name}”设有密码，请取消密码后另存再导入") from None
    except CalamineError:
        raise Unreadable(
            f"文件“{path.name}”不是 Excel 表格，或已损坏，请在表格软件中打开后另存为 .xlsx 再导入"
        ) from None
    except BaseException as error:
        # A damaged file makes the library panic, which is no Exception and has no name to catch it by.
        if type(error).__name__ != "PanicException":
            raise
        raise Unreadable(f"文件“{path.name}”已损坏，请在表格软件中打开后另存为 .xlsx 再导入") from None


def _table(sheet: CalamineSheet) -> Table:
    left = sheet.start[1] if sheet.start else 0  # rows come without the empty columns before the first filled one

    def rows() -> Iterator[TableRow]:
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            yield TableRow(number, tuple(map(_shown, cells)))

    merged = sheet.merged_cell_ranges or []
    return Table(
        name=sheet.name,
        height=sheet.end[0] + 1 if sheet.end else 0,
        rows=rows,
        merged=tuple(((top, first - left), (bottom, last - left)) for (top, first), (bottom, last) in merged),
    )


def _shown(cell: Cell) -> str:
    """A cell as text. Whole numbers keep every digit that they have; one that lost its last digits shows so."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int | float):
        return _digits(float(cell))
    if isinstance(cell, datetime):
        moment = cell + timedelta(microseconds=500_000)  # a serial is exact to some milliseconds only
        return f"{moment:%Y-%m-%d %H:%M:%S}"
    return str(cell)


def _digits(number: float) -> str:
    if not number.is_integer():
        return repr(number)
    if abs(number) >= 10**_SPREADSHEET_DIGITS:
        kept = f"{number:.{_SPREADSHEET_DIGITS - 1}e}"
        if float(kept) == number:
            return kept  # refused where a number is needed: its end may have been cut off
    return str(int(number)) if abs(number) < LARGEST_EXACT else f"{number:.16e}"
