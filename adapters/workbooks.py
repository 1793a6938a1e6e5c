"""Excel workbooks (.xlsx, .xls) as tables of text: what a cell shows, in a form that the field readers take."""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, TypeVar
from zipfile import BadZipFile, ZipFile

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

_ZIP = SIGNATURES[0]
MOST_UNPACKED = 268_435_456
"""Bytes of a workbook once it is unpacked; a small file can hold any number of them."""
MOST_CELLS = 10_000_000
"""Cells of a sheet from its first to its last, where fewer than half are filled: the library makes room for all of them."""
LONGEST_READING = 120.0
"""Seconds that loading a workbook may take."""
_CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br\s*=\s*["']([A-Za-z]{1,7})([0-9]{1,7})["']""")
_PART = 4_194_304
_LONGEST_TAG = 1_024

_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_SPREADSHEET_DIGITS = 15  # as many a spreadsheet keeps of a number; the rest it fills up with zeros

Cell = int | float | str | bool | time | date | datetime | timedelta
Read = TypeVar("Read")


def worksheets(path: Path) -> Iterator[Table]:
    """The visible sheets in order, each loaded when its turn comes. Raises `Unreadable`."""
    refuse_deadly(path)
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


def refuse_deadly(path: Path) -> None:
    """Raises `Unreadable` for a file that would end the process or fill its memory, made so or damaged."""
    with path.open("rb") as file:
        is_archive = file.read(len(_ZIP)) == _ZIP
    if is_archive:
        _refuse_too_large(path)
    probe = Path(__file__).with_name("workbook_probe.py")
    try:
        done = subprocess.run(  # noqa: S603  (our own program)
            [sys.executable, "-I", str(probe), str(path.absolute())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST_READING,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unreadable(f"文件“{path.name}”太大，读取超过 {LONGEST_READING:.0f} 秒，请分成几个文件导入") from None
    if done.returncode:
        raise Unreadable(f"文件“{path.name}”已损坏，或太大，请在表格软件中打开后另存为 .xlsx 再导入")


def _refuse_too_large(path: Path) -> None:
    """Raises `Unreadable` for a file that would fill the memory: one that unpacks to too much, or whose cells lie so far
    apart that the room between them does."""
    try:
        with ZipFile(path) as archive:
            members = archive.infolist()
            if sum(one.file_size for one in members) > MOST_UNPACKED:
                raise Unreadable(f"文件“{path.name}”解开后超过 {MOST_UNPACKED // 1_048_576} MB，请分成几个文件导入")
            for one in members:
                if "/worksheets/" in f"/{one.filename}".replace("\\", "/").lower():
                    with archive.open(one) as content:
                        _refuse_too_wide(path, content)
    except (BadZipFile, OSError, EOFError, ValueError, RuntimeError, zlib.error):
        return  # damaged, with a password or packed in a rare way: the library says so itself, behind the child's bound


def _refuse_too_wide(path: Path, content: IO[bytes]) -> None:
    """Look where the outermost cells of a sheet are."""
    rows, columns, filled, rest, seen = 0, 0, 0, b"", 0
    while part := content.read(_PART):
        seen += len(part)
        if seen > MOST_UNPACKED:
            raise Unreadable(f"文件“{path.name}”解开后超过 {MOST_UNPACKED // 1_048_576} MB，请分成几个文件导入")
        text = rest + part
        for found in _CELL.finditer(text):
            rows, columns, filled = max(rows, int(found[2])), max(columns, _column(found[1])), filled + 1
        rest = text[-_LONGEST_TAG:]  # a tag may be cut in two; one that is not is counted twice, which does no harm
    if rows * columns > max(MOST_CELLS, 2 * filled):
        raise Unreadable(
            f"文件“{path.name}”中有单元格远在表格之外（第 {rows} 行、第 {columns} 列），请删去多余的行列后另存再导入"
        )


def _column(letters: bytes) -> int:
    """The number of a column: A is 1, AA is 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number


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
