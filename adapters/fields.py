"""The one mechanism behind every channel, sheet and form: a field map compiled into a plan that makes a `Complaint`.

Compiled once, at start: no regular expression, format or word list is prepared while a message is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from adapters import coordinates, values
from adapters.canonical import FIELDS, CodeField, FieldName, Shape
from adapters.codes import CodeBook
from adapters.problems import Fault, FieldProblem, Refused, Unfit, type_name
from adapters.settings import FieldSettings, MapSettings
from adapters.times import DEFAULT_FORMATS, TimeFormats
from domain.complaint import Code, Complaint, Place, Point, Reporter

Reader = Callable[[object, datetime], Any]
"""A value and the moment it was received, to what it means. Raises `Unfit`."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One field of the map, ready to be read. `sources`: each name as the sender writes it, and its path in the JSON."""

    name: FieldName
    label: str
    sources: tuple[tuple[str, tuple[str, ...]], ...]
    required: bool
    read: Reader

    def find(self, source: Mapping[str, object]) -> tuple[str, object]:
        """The first of the names that has a value, and the value; None where none has. Raises `Unfit`."""
        for written, path in self.sources:
            value: object = source
            for depth, part in enumerate(path):
                if not isinstance(value, Mapping):
                    if value is None or value == "":
                        value = None
                        break
                    raise _WrongParent(".".join(path[:depth]), value)
                value = value.get(part)
            if value is None or value == "" or (type(value) is str and not value.strip()):
                continue
            return written, value
        return self.sources[0][0], None


_SPREADSHEET_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "excel")
"""What a spreadsheet makes of a time, in whatever format it was entered."""


class _WrongParent(Exception):
    """Something stands where an object with inner fields should."""

    def __init__(self, path: str, value: object) -> None:
        self.problem = FieldProblem(path, f"{path} 应为对象，收到的是{type_name(value)}", "type")


class Plan:
    """A compiled field map. Safe to use from any number of threads: reading changes nothing in it."""

    def __init__(
        self,
        settings: MapSettings,
        fields: Mapping[FieldName, FieldSettings],
        defaults: Mapping[FieldName, str | bool],
        *,
        from_sheet: bool = False,
    ) -> None:
        """`from_sheet`: names are column headings without inner fields, and numbers may have lost digits.

        Raises `ValueError` (Chinese) when words or defaults of the map do not fit their fields.
        """
        self._settings = settings
        self._from_sheet = from_sheet
        self._zone = ZoneInfo(settings.timezone)
        self._gcj02 = settings.coordinate_system == "gcj02"
        self._books: dict[str, CodeBook] = {}
        readers = {name: self._reader(name, one) for name, one in fields.items()}
        self._steps = tuple(
            _Step(name, FIELDS[name].label, self._sources(one), one.required, readers[name])
            for name, one in fields.items()
        )
        self._names = {step.name: step.sources[0][0] for step in self._steps}
        suffix = fields["source_no"].version_suffix if "source_no" in fields else ""
        self._suffix = re.compile(suffix) if suffix else None
        self._defaults = {name: self._default(name, one, readers.get(name)) for name, one in defaults.items()}

    def read(
        self,
        source: Mapping[str, object],
        received_at: datetime,
        *,
        channel: str,
        raw: bytes,
        raw_type: str = "application/json",
        source_no: str = "",
    ) -> Complaint:
        """The complaint that a mapping of the source's own names tells of. Raises `Refused` naming every bad field.

        `source_no` is used where the map has no number, or the source gives none.
        """
        found: dict[str, Any] = {}
        problems: list[FieldProblem] = []
        for step in self._steps:
            written = step.sources[0][0]
            try:
                written, value = step.find(source)
                read = None if value is None else step.read(value, received_at)
            except _WrongParent as error:
                if error.problem not in problems:
                    problems.append(error.problem)
                continue
            except Unfit as error:
                problems += [self._problem(step.label, written, fault) for fault in error.faults]
                continue
            if read is not None and read != "":
                found[step.name] = read
            elif step.required:
                problems.append(self._problem(step.label, written, Fault("必填，不能为空", "missing")))
        for name, default in self._defaults.items():
            found.setdefault(name, default)
        number, version = self._number(found.get("source_no", source_no), problems)
        point = self._point(found, problems)
        reported_at: datetime = found.get("reported_at", received_at)
        due: datetime | None = found.get("due_outer")
        if due is not None and due <= reported_at and not problems:
            problems.append(self._late_deadline(due, reported_at))
        if problems:
            raise Refused(problems)
        kind, kind_word = found.get("kind", (None, ""))
        return Complaint(
            channel=channel,
            source_no=number,
            source_version=version,
            reported_at=reported_at,
            received_at=received_at,
            content=found["content"],
            title=found.get("title", ""),
            claimed_kind=kind,
            claimed_kind_word=kind_word,
            claimed_urgency=found.get("urgency"),
            codes=self._codes(found),
            reporter=Reporter(
                name=found.get("reporter_name", ""),
                phone=found.get("reporter_phone", ""),
                contact=found.get("reporter_contact", ""),
                anonymous=found.get("anonymous", False),
                confidential=found.get("confidential", False),
                wants_follow_up=found.get("wants_follow_up", True),
            ),
            place=Place(found.get("address", ""), point, found.get("platform_cell", "")),
            party=found.get("party", ""),
            appeal=found.get("appeal", ""),
            way=found.get("way", ""),
            industry=found.get("industry", ""),
            due_outer=due,
            platform_dispatched_at=found.get("platform_dispatched_at"),
            attachments=found.get("attachments", ()),
            raw=raw,
            raw_type=raw_type,
        )

    def number(self, written: str) -> tuple[str, int]:
        """A sender's number without its re-handling suffix, and the suffix; one that is only a suffix stays whole."""
        return self._number(written, [])

    # What is prepared at start.

    def _sources(self, field: FieldSettings) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return tuple((name, (name,) if self._from_sheet else tuple(name.split("."))) for name in field.from_)

    def _reader(self, name: FieldName, field: FieldSettings) -> Reader:
        canonical = FIELDS[name]
        shape, limit = canonical.shape, canonical.limit
        keep = field.unknown == "keep"
        if shape in (Shape.TIME, Shape.DEADLINE):
            written = field.format or DEFAULT_FORMATS
            formats = TimeFormats((*written, *_SPREADSHEET_TIMES) if self._from_sheet else written, self._zone)
            return formats.report_time if shape is Shape.TIME else formats.deadline
        if shape in (Shape.CODE, Shape.CODES):
            words = {word: str(code) for word, code in field.values.items()}
            book = CodeBook(
                self._settings.schemes[cast(CodeField, name)],
                words,
                field.unknown or "refuse",
                from_sheet=self._from_sheet,
            )
            self._books[name] = book
            return _alone(book.code if shape is Shape.CODE else book.codes)
        if shape is Shape.KIND:
            kinds = _meanings(name, field, values.KIND_WORDS)
            return _alone(values.kind_reader(kinds, keep=field.unknown != "refuse"))
        if shape is Shape.URGENCY:
            urgencies = _meanings(name, field, values.URGENCY_WORDS)
            return _alone(values.choice_reader(urgencies, keep=keep))
        if shape is Shape.FLAG:
            flags = _meanings(name, field, values.FLAG_WORDS)
            return _alone(values.choice_reader(flags, keep=keep))
        number = values.sheet_number_reader if self._from_sheet else values.number_reader
        plain: dict[Shape, Callable[[object], Any]] = {
            Shape.TEXT: values.text_reader(limit),
            Shape.LINE: values.line_reader(limit),
            Shape.NUMBER: number(limit),
            Shape.PHONE: values.phone_reader(limit),
            Shape.PAIR: coordinates.pair,
            Shape.DEGREES: coordinates.degrees,
            Shape.FILES: values.attachments,
        }
        return _alone(plain[shape])

    def _default(self, name: FieldName, value: str | bool, reader: Reader | None) -> Any:
        if FIELDS[name].shape in (Shape.DEADLINE, Shape.NUMBER, Shape.PAIR, Shape.DEGREES):
            raise ValueError(f"字段 {name}（{FIELDS[name].label}）不能有固定值")
        read = reader or self._reader(name, FieldSettings.model_validate(name))
        try:
            return read(value, datetime.now(self._zone))
        except Unfit as error:
            raise ValueError(f"{name}（{FIELDS[name].label}）的固定值{error.faults[0].message}") from None

    # What is put together from several fields.

    def _problem(self, label: str, written: str, fault: Fault) -> FieldProblem:
        named = f"“{written}”列" if self._from_sheet else f"{label}（{written}）"
        return FieldProblem(written + fault.at, named + fault.message, fault.code)

    def _number(self, number: str, problems: list[FieldProblem]) -> tuple[str, int]:
        """The number without its re-handling suffix, and the suffix."""
        if self._suffix is None or not number or not (found := self._suffix.search(number)):
            return number, 0
        bare = number[: found.start()] + number[found.end() :]
        if not bare or not found.group(1).isascii() or not found.group(1).isdigit():
            fault = Fault(f"“{number}”只有重办次数，缺少编号本身", "format")
            problems.append(self._problem(FIELDS["source_no"].label, self._names["source_no"], fault))
            return number, 0
        return bare, int(found.group(1))

    def _point(self, found: Mapping[str, Any], problems: list[FieldProblem]) -> Point | None:
        written = self._names.get("coordinates") or self._names.get("longitude", "")
        pair: tuple[float, float] | None = None
        if "coordinates" in found:
            first, second = found["coordinates"]
            pair = (first, second) if self._settings.coordinate_order == "lon_lat" else (second, first)
        elif ("longitude" in found) != ("latitude" in found):
            given, absent = ("longitude", "latitude") if "longitude" in found else ("latitude", "longitude")
            if found[given] == 0:
                return None
            absent_name = self._names.get(cast(FieldName, absent), absent)
            if not any(one.field == absent_name for one in problems):
                label = FIELDS[cast(FieldName, absent)].label
                problems.append(self._problem(label, absent_name, Fault("缺失，经度和纬度应同时提供", "missing")))
            return None
        elif "longitude" in found:
            pair = found["longitude"], found["latitude"]
            written = self._names["longitude"]
        if pair is None:
            return None
        try:
            placed = coordinates.located(*pair)
        except Unfit as error:
            problems += [FieldProblem(written, fault.message, fault.code) for fault in error.faults]
            return None
        return None if placed is None else coordinates.to_point(*placed, gcj02=self._gcj02)

    def _codes(self, found: Mapping[str, Any]) -> tuple[Code, ...]:
        codes: tuple[Code, ...] = ()
        name: str = found.get("category_name", "")
        category: Code | None = found.get("category")
        if category is not None:
            codes += (Code(category.scheme, category.version, category.code, category.name or name),)
        elif name and "category" in self._books and (known := self._books["category"].named(name)):
            codes += (known,)
        return (*codes, *found.get("pollution_types", ()), *found.get("pollution_details", ()))

    def _late_deadline(self, due: datetime, reported_at: datetime) -> FieldProblem:
        formats = TimeFormats(("iso",), self._zone)
        names = f"{self._names.get('due_outer', 'due_outer')}、{self._names.get('reported_at', 'reported_at')}"
        return FieldProblem(
            self._names.get("due_outer", "due_outer"),
            f"办理期限（{formats.local(due)}）不晚于反映时间（{formats.local(reported_at)}），请核对 {names}",
            "range",
        )


def _alone(read: Callable[[object], Any]) -> Reader:
    """A reader that does not ask when the value was received."""

    def at_any_time(value: object, received_at: datetime) -> Any:
        return read(value)

    return at_any_time


def _meanings(name: FieldName, field: FieldSettings, known: Mapping[str, Any]) -> dict[str, Any]:
    """The usual words and the map's own, with what they mean; raises `ValueError` for a meaning that there is not."""
    meanings = dict(known)
    for word, meaning in field.values.items():
        key = str(meaning).lower()
        if key not in known:
            raise ValueError(
                f"字段 {name}（{FIELDS[name].label}）的取值对照“{word}: {meaning}”有误，可用：{'、'.join(known)}"
            )
        meanings[word] = known[key]
    return meanings
