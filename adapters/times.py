"""Times as platforms, people and spreadsheets write them, turned into aware UTC. Formats are compiled once, at start."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, tzinfo

from adapters.problems import quoted, type_name, unfit

DEFAULT_FORMATS: tuple[str, ...] = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y%m%d%H%M%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "iso",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%Y年%m月%d日 %H时%M分",
    "%Y年%m月%d日",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y.%m.%d %H:%M:%S",
    "%Y.%m.%d %H:%M",
    "%Y%m%d%H%M",
    "%Y%m%d",
    "epoch",
    "excel",
)
"""Tried in order where a field map names no formats of its own."""

EARLIEST = datetime(2000, 1, 1)  # local; nothing that a hotline sends today was reported before
LATEST_AHEAD = timedelta(hours=24)  # a sender's clock or time zone may be off
LONGEST_DEADLINE = timedelta(days=3 * 366)

_DIRECTIVES = {"Y": "[0-9]{4}", "m": "[0-9]", "d": "[0-9]", "H": "[0-9]", "M": "[0-9]", "S": "[0-9]", "f": "[0-9]{1,6}"}
_ORDER = "YmdHMSf"
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)"
    r"\s*([Zz]|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})?"
)
_EPOCH = re.compile(r"([0-9]{9,10})(?:\.[0-9]+)?|([0-9]{13})(?:\.0*)?")
_EXCEL = re.compile(r"[0-9]{5}(?:\.[0-9]+)?")
_EXCEL_DAY_ZERO = datetime(1899, 12, 30)
_EXAMPLE = datetime(2026, 11, 24, 9, 12, 33)

_Parser = Callable[[str], datetime | None]


class TimeFormats:
    """The formats that one field may be written in; local times are in `zone`."""

    def __init__(self, formats: Iterable[str], zone: tzinfo) -> None:
        """Raises `ValueError` with a Chinese message for a format that is none."""
        self._zone = zone
        listed = tuple(formats)
        self._parsers = tuple((_parser(one, zone), one) for one in listed)
        self._example = "、".join(dict.fromkeys(_example(one) for one in listed[:2]))

    def parse(self, value: object) -> tuple[datetime, bool]:
        """The moment in UTC, and whether a time of day was given; without one it is 00:00. Raises `Unfit`."""
        text = _text_of(value)
        for parse, written in self._parsers:
            try:
                found = parse(text)
                if found is not None:
                    return found.astimezone(UTC), _has_clock(written, text)
            except (ValueError, OverflowError):  # 13th months, 25 o'clock, the year 0
                continue
        raise unfit(f"{quoted(value)}不是可以识别的时间，应写成 {self._example} 这样", "format")

    def report_time(self, value: object, received_at: datetime) -> datetime:
        """A moment that lies behind us: from 2000 to a day after it was received. Raises `Unfit`."""
        moment, _ = self.parse(value)
        if moment < EARLIEST.replace(tzinfo=self._zone):
            raise unfit(f"{quoted(value)}早于 2000 年，请核对", "range")
        if moment > received_at + LATEST_AHEAD:
            raise unfit(f"{quoted(value)}晚于收到时间（{self.local(received_at)}）24 小时以上，请核对", "range")
        return moment

    def deadline(self, value: object, received_at: datetime) -> datetime:
        """A moment that may lie up to three years ahead; a bare date means the end of that day. Raises `Unfit`."""
        moment, has_clock = self.parse(value)
        if not has_clock:
            moment += timedelta(days=1, seconds=-1)
        if moment < EARLIEST.replace(tzinfo=self._zone):
            raise unfit(f"{quoted(value)}早于 2000 年，请核对", "range")
        if moment > received_at + LONGEST_DEADLINE:
            raise unfit(f"{quoted(value)}在三年以后，请核对", "range")
        return moment

    def local(self, moment: datetime) -> str:
        """A moment as people here read it."""
        return f"{moment.astimezone(self._zone):%Y-%m-%d %H:%M:%S}"


def check_format(written: str) -> str:
    """The format itself when it is one; raises `ValueError` with a Chinese message."""
    _parser(written, UTC)
    return written


def _text_of(value: object) -> str:
    if isinstance(value, str):
        text = value.strip()
        return text if text.isascii() else unicodedata.normalize("NFKC", text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise unfit(f"应为时间，收到的是{type_name(value)}", "type")
    if isinstance(value, int):
        return str(value) if value.bit_length() < 64 else ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _parser(written: str, zone: tzinfo) -> _Parser:
    if written in ("iso", "iso_zone"):
        return _iso(zone if written == "iso" else None)
    if written == "epoch":
        return _epoch
    if written == "excel":
        return lambda text: _excel(text, zone)
    return _pattern(written, zone)


def _has_clock(written: str, text: str) -> bool:
    if written == "excel":
        return "." in text  # a whole number is a date alone
    return "%H" in written or "%" not in written


def _example(written: str) -> str:
    if written.startswith("iso"):
        return "2026-11-24T09:12:33+08:00"
    if written == "epoch":
        return "1795482753"
    if written == "excel":
        return "46350.38371"
    return _EXAMPLE.strftime(written)


def _iso(zone: tzinfo | None) -> _Parser:
    def parse(text: str) -> datetime | None:
        found = _ISO.fullmatch(text)
        if found is None or (zone is None and found.group(2) is None):
            return None
        moment = datetime.fromisoformat(found.group(1).upper() + (found.group(2) or "").upper())
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)

    return parse


def _epoch(text: str) -> datetime | None:
    found = _EPOCH.fullmatch(text)
    if found is None:
        return None
    seconds = int(found.group(1)) if found.group(1) else int(found.group(2)) / 1000
    return datetime.fromtimestamp(seconds, UTC)


def _excel(text: str, zone: tzinfo) -> datetime | None:
    if not _EXCEL.fullmatch(text):
        return None
    seconds = round(float(text) * 86_400)  # a serial holds the time of day to no better than some milliseconds
    return (_EXCEL_DAY_ZERO + timedelta(seconds=seconds)).replace(tzinfo=zone)


def _pattern(written: str, zone: tzinfo) -> _Parser:
    """A `strptime` format of plain numbers as one regular expression: several times faster than `strptime`."""
    parts = re.findall(r"%.|[^%]|%$", written)
    letters = [part[1] for part in parts if part.startswith("%") and len(part) == 2]
    unknown = [letter for letter in letters if letter not in _DIRECTIVES]
    if unknown or "%" in parts:
        raise ValueError(f"时间格式“{written}”含有不支持的 %{''.join(unknown)}，可用 %Y %m %d %H %M %S %f")
    if len(set(letters)) != len(letters) or not {"Y", "m", "d"} <= set(letters):
        raise ValueError(f"时间格式“{written}”应含 %Y、%m、%d 各一次，或为 iso、iso_zone、epoch、excel 之一")
    expression = ""
    for position, part in enumerate(parts):
        if part.startswith("%"):
            neighbours = parts[position - 1 : position] + parts[position + 1 : position + 2]
            touching = any(one.startswith("%") for one in neighbours)
            pattern = _DIRECTIVES[part[1]]
            expression += (
                f"({pattern}{{2}})"
                if touching and pattern == "[0-9]"
                else (f"({pattern}{{1,2}})" if pattern == "[0-9]" else f"({pattern})")
            )
        elif part == " ":
            expression += r"\s+" if position and parts[position - 1].startswith("%") else r"\s*"
        else:
            expression += re.escape(part)
    match = re.compile(expression).fullmatch
    indexes = tuple(letters.index(letter) + 1 for letter in _ORDER if letter in letters)
    fraction = "f" in letters
    filled = [letter for letter in _ORDER if letter in letters]
    in_row = filled == list(_ORDER[: len(filled)])

    def parse(text: str) -> datetime | None:
        found = match(text)
        if found is None:
            return None
        if in_row and not fraction:
            return datetime(*map(int, found.group(*indexes)), tzinfo=zone)  # type: ignore[arg-type,misc]
        numbers = dict(zip(filled, found.group(*indexes), strict=True))
        return datetime(
            int(numbers["Y"]),
            int(numbers["m"]),
            int(numbers["d"]),
            int(numbers.get("H", 0)),
            int(numbers.get("M", 0)),
            int(numbers.get("S", 0)),
            int(numbers.get("f", "0").ljust(6, "0")),
            tzinfo=zone,
        )

    return parse
