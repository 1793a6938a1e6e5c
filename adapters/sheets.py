"""Exported tables (.xlsx, .xls, .csv) read row by row into complaints. Not: how a file is opened, nor where rows go."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec

from adapters import delimited, workbooks
from adapters.canonical import FIELDS, Shape
from adapters.fields import Plan
from adapters.headings import Headings, best_headings, plain
from adapters.problems import BODY, FieldProblem, Refused, Unreadable, quoted
from adapters.settings import FingerprintSettings, SheetSettings
from adapters.tables import Table, TableRow
from domain.complaint import Complaint

ROW_NUMBER = "行号"
REASON = "退回原因"
"""The columns that `refusals` adds to a row; they are no part of it when it is fed back."""

_OWN_COLUMNS = frozenset({ROW_NUMBER, REASON})
_COUNTERS = frozenset({"序号", "no", "no.", *_OWN_COLUMNS})  # columns that may be filled far beyond the last complaint
_WEB_PAGE = re.compile(rb"\s*(?:<!doctype html|<html|<head|<meta|<table|<\?xml)", re.IGNORECASE)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FOOTER = re.compile(
    r"(?:本页|本月)?(?:合计|总计|小计|共计|累计|总数)|共\s*[0-9]+\s*[条件行]|(?:制表|填表|审核|打印|导出|备注|说明|注)[人时间日期]*\s*[:：]"
)
_MOST_SHOWN = 12  # headings that a message lists


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row as a complaint, or with every reason against it.

    `number`: the row in the file, counted from 1. `cells`: as read, at least one for each heading.
    """

    number: int
    cells: tuple[str, ...]
    complaint: Complaint | None
    problems: list[FieldProblem]


class Sheet:
    """A table whose headings were found. Iterating reads the file anew and yields its rows, bad ones among them.

    `settings`: the map that fits. `name`: of the sheet or file. `headings`: one for each column, unique. `total`: how
    many rows follow at most, for a progress bar. `others`: names of further sheets that the same map would fit and
    that are not read.
    """

    def __init__(self, table: Table, headings: Headings, others: Sequence[str], received_at: datetime) -> None:
        self.settings: SheetSettings = headings.settings
        self.name = table.name
        self.headings = headings.names
        self.total = max(table.height - headings.last_row, 0)
        self.others = tuple(others)
        self._table = table
        self._found = headings
        self._received_at = received_at
        self._plan = Plan(self.settings, headings.columns, self.settings.constants, from_sheet=True)
        self._own = frozenset(name for name in headings.names if plain(name) in _OWN_COLUMNS)
        self._counters = frozenset(name for name in headings.names if plain(name) in _COUNTERS)

    def __iter__(self) -> Iterator[SheetRow]:
        """Every row below the headings that is meant as a complaint; raises `OSError` when the file is gone."""
        for row in self._table.rows():
            if row.number > self._found.last_row and not self._is_no_complaint(row):
                yield self._read(row)

    def _is_no_complaint(self, row: TableRow) -> bool:
        """An empty row, the headings once more, or a line of totals or notes."""
        filled = {name: text for name, text in self._named(row.cells).items() if text.strip()}
        if not filled.keys() - self._counters and not row.damage:
            return True
        if all(plain(text) == plain(name) for name, text in filled.items()):
            return True
        vital = (name for field in ("content", "reported_at") for name in self._headings_of(field))
        if any(name in filled for name in vital):
            return False
        return any(_FOOTER.match(text.strip()) for text in islice(filled.values(), 2))

    def _headings_of(self, field: str) -> tuple[str, ...]:
        return next((one.from_ for name, one in self._found.columns.items() if name == field), ())

    def _named(self, cells: Sequence[str]) -> dict[str, str]:
        """The cells under their headings; those beyond the last heading under their column's number."""
        beyond = (f"第{column + 1}列" for column in range(len(self.headings), len(cells)))
        return dict(zip((*self.headings, *beyond), cells, strict=False))

    def _read(self, row: TableRow) -> SheetRow:
        cells = _trimmed(row.cells, len(self.headings))
        problems: list[FieldProblem] = []
        complaint = None
        if row.damage:
            problems = [FieldProblem(BODY, f"这一行{row.damage}", "unreadable")]
        elif self._table.strict_width and len(cells) > self._found.width:
            told = f"这一行有 {len(cells)} 列，表头只有 {self._found.width} 列，内容中的分隔符可能没有加引号"
            problems = [FieldProblem(BODY, told, "format")]
        else:
            try:
                complaint = self._complaint(self._named(cells))
            except Refused as refused:
                problems = refused.problems
        return SheetRow(row.number, cells, complaint, problems)

    def _complaint(self, named: Mapping[str, str]) -> Complaint:
        told = {name: text for name, text in named.items() if name not in self._own}
        complaint = self._plan.read(
            told, self._received_at, channel=self.settings.channel, raw=msgspec.json.encode(told)
        )
        made_of = self.settings.source_no
        if isinstance(made_of, FingerprintSettings):
            return replace(complaint, source_no=self._fingerprint(made_of, complaint, told))
        return complaint

    def _fingerprint(self, made_of: FingerprintSettings, complaint: Complaint, told: Mapping[str, str]) -> str:
        """The same for the same content, however file and spreadsheet wrote its times, spaces and widths."""
        parts = []
        for name in made_of.fingerprint:
            if FIELDS[name].shape in (Shape.TIME, Shape.DEADLINE):
                moment: datetime | None = getattr(complaint, name)
                text = moment.isoformat() if moment else ""
            else:
                text = next((told[one] for one in self._headings_of(name) if told.get(one, "").strip()), "")
            parts.append(f"{name}={_compact(text)}")
        parts += [
            f"{name}={_compact(told.get(one, ''))}"
            for name, one in zip(made_of.headings, self._found.fingerprint, strict=True)
        ]
        return "fp-" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]


def open_sheet(path: Path, candidates: Sequence[SheetSettings], received_at: datetime) -> Sheet:
    """The first sheet of a file that has the headings of a candidate, under the candidate that fits it best.

    `received_at` is aware and becomes that of every complaint. Raises `Unreadable` (Chinese): no table, a password, or
    no headings, saying which are missing and what was found.
    """
    if not candidates:
        raise Unreadable("该渠道没有配置表格对照，请先在 config.yml 的 sheets 中添加")
    chosen: tuple[Table, Headings] | None = None
    nearest: Headings | None = None
    others: list[str] = []
    for readings in _tables(path):
        matches = [(table, found) for table in readings if (found := best_headings(table, candidates))]
        if not matches:
            continue
        table, found = max(matches, key=lambda one: one[1].rank)
        if not found.missing and chosen is None:
            chosen = table, found
        elif chosen is not None and not found.missing and found.settings.code == chosen[1].settings.code:
            others.append(table.name)
        nearest = found if nearest is None or found.rank > nearest.rank else nearest
    if chosen is None:
        raise Unreadable(_no_headings(path, nearest, candidates))
    return Sheet(*chosen, others, received_at)


def _tables(path: Path) -> Iterable[list[Table]]:
    """The tables of a file in order, each with every way to read it. The content decides what it is, not its name."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise Unreadable(f"无法打开文件“{path.name}”，请核对文件名和权限（{error.strerror}）") from None
    if not head:
        raise Unreadable(f"文件“{path.name}”是空的")
    if head.startswith(workbooks.SIGNATURES):
        return ([table] for table in workbooks.worksheets(path))
    if _WEB_PAGE.match(head.removeprefix(_BYTE_ORDER_MARK)):
        raise Unreadable(f"文件“{path.name}”其实是网页，不是表格，请在表格软件中打开后另存为 .xlsx 再导入")
    return [delimited.delimited(path)]


def _no_headings(path: Path, nearest: Headings | None, candidates: Sequence[SheetSettings]) -> str:
    if nearest is None:
        names = "、".join(f"“{one.name}”" for one in candidates)
        return f"文件“{path.name}”中没有找到表头行：没有一行含有表格对照 {names} 的列名，请核对文件和渠道"
    missing = "、".join(f"“{name}”" for name in nearest.missing)
    shown = "、".join(quoted(name) for name in nearest.names[:_MOST_SHOWN])
    more = f" 等 {len(nearest.names)} 列" if len(nearest.names) > _MOST_SHOWN else ""
    return (
        f"文件“{path.name}”中没有找到完整的表头行：按“{nearest.settings.name}”缺少列{missing}；"
        f"最接近的是第 {nearest.last_row} 行：{shown}{more}"
    )


def _trimmed(cells: Sequence[str], width: int) -> tuple[str, ...]:
    """The cells up to the last filled one, at least `width` of them."""
    end = len(cells)
    while end > width and not cells[end - 1].strip():
        end -= 1
    return (*cells[:end], *[""] * (width - end))


def _compact(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())
