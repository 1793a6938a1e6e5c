"""Duty rosters as sheets: rows become absences, all or none, every wrong row named. Not: keeping them (`storage.absences`)."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from adapters.problems import Unreadable
from adapters.workbooks import refuse_deadly
from domain.absence import Absence
from domain.worktime import local, midnight_after

PERSON = ("账号", "姓名")
START, END, REASON = "离岗开始", "离岗结束", "事由"
LONGEST_REASON = 200
_WRITTEN = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
_WRITTEN_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日")

_ZIP = b"PK"
"""How every .xlsx begins."""

Cell = object
Sheet = Sequence[Sequence[Cell]]


class UnreadableSheet(Exception):
    """A sheet that cannot be imported; each message is Chinese and names the row."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("；".join(problems))
        self.problems = problems


def sheet_rows(content: bytes) -> Sheet:
    """The rows of the first sheet of an .xlsx, or of a .csv in UTF-8 or GB18030. Raises UnreadableSheet.

    Not for the event loop: a workbook is looked at by a process of its own first.
    """
    if content.startswith(_ZIP):
        with tempfile.NamedTemporaryFile(prefix="roster-", suffix=".xlsx") as file:
            file.write(content)
            file.flush()
            try:
                refuse_deadly(Path(file.name))
                return CalamineWorkbook.from_path(file.name).get_sheet_by_index(0).to_python()
            except (CalamineError, Unreadable):
                raise UnreadableSheet(["文件打不开，请确认它是 .xlsx 或 .csv，没有损坏，也不太大"]) from None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return list(csv.reader(content.decode(encoding).splitlines()))
        except (UnicodeDecodeError, csv.Error):
            continue
    raise UnreadableSheet(["文件不是 .xlsx，其编码也不认识，请另存为 .xlsx 或 UTF-8 编码的 .csv"])


def read_absences(rows: Sheet, people: Mapping[str, str]) -> list[Absence]:
    """The absences of a sheet, all or none. `people`: account → name. Raises UnreadableSheet with every row that is wrong.

    A day without a time means its beginning as a start, and its end as an end.
    """
    if not rows:
        raise UnreadableSheet(["表是空的"])
    heading = [str(cell).strip() for cell in rows[0]]
    person = next((one for one in PERSON if one in heading), None)
    missing = [one for one in (START, END) if one not in heading]
    if person is None or missing:
        lacking = "、".join(([] if person else ["账号（或姓名）"]) + missing)
        raise UnreadableSheet([f"表头缺少：{lacking}"])
    found, problems = [], []
    for number, cells in enumerate(rows[1:], start=2):
        row = dict(zip(heading, cells, strict=False))
        if not any(str(cell).strip() for cell in cells):
            continue
        try:
            found.append(_absence(row, person, people))
        except ValueError as error:
            problems.append(f"第 {number} 行：{error}")
    if problems:
        raise UnreadableSheet(problems)
    return found


def _absence(row: Mapping[str, Cell], heading: str, people: Mapping[str, str]) -> Absence:
    who = str(row.get(heading, "")).strip()
    accounts = [who] if who in people else [account for account, name in people.items() if name == who]
    if len(accounts) != 1:
        what = "没有这个人" if not accounts else "有几个人同名，请改用账号"
        raise ValueError(f"{heading}“{who}”在 config.yml 的人员中{what}")
    start, end = _moment(row.get(START), START, is_end=False), _moment(row.get(END), END, is_end=True)
    if end <= start:
        raise ValueError(f"{END}应晚于{START}")
    reason = " ".join(str(row.get(REASON, "") or "").split())
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        raise ValueError(f"{REASON}应为不含控制字符的文字，不超过 {LONGEST_REASON} 个字")
    return Absence(accounts[0], start, end, reason)


def _moment(cell: Cell, heading: str, *, is_end: bool) -> datetime:
    """A cell as a moment in UTC. Raises ValueError, in Chinese, for what is none."""
    if isinstance(cell, datetime):
        # A sheet's day without a time comes as its midnight.
        whole_day = is_end and cell.time() == time(0)
        return midnight_after(cell.date()) if whole_day else local(cell).astimezone(UTC)
    if isinstance(cell, date):
        return midnight_after(cell) if is_end else local(datetime.combine(cell, time(0))).astimezone(UTC)
    written = str(cell or "").strip()
    for form in _WRITTEN:
        try:
            return local(datetime.strptime(written, form)).astimezone(UTC)  # noqa: DTZ007  (`local` gives the zone)
        except ValueError:
            continue
    for form in _WRITTEN_DAYS:
        try:
            return _moment(datetime.strptime(written, form).date(), heading, is_end=is_end)  # noqa: DTZ007
        except ValueError:
            continue
    raise ValueError(f"{heading}“{written}”不是时间，应如 2026-12-01 08:30 或 2026-12-01")
