"""Finding the headings in a table: below titles, in one row or two, merged or not. Not: reading the rows below them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from adapters.canonical import FieldName
from adapters.settings import FieldSettings, FingerprintSettings, SheetSettings
from adapters.tables import Table, TableRow

DEEPEST = 50
"""Rows that are searched for the headings."""

_DRESS = re.compile(r"\s+|[*:]+|\((?:必填|选填|必填项)\)")


@dataclass(frozen=True, slots=True)
class Headings:
    """The headings found for one map. `names`: one for each column, unique, made up where the file has none.

    `columns`: the fields of the map, `from_` being names of this table where it has the column. `missing`: names of
    columns that the map cannot do without. `width`: cells of the heading row, empty ones at its end included.
    `last_row`: number of the last row that belongs to the headings.
    """

    settings: SheetSettings
    names: tuple[str, ...]
    columns: Mapping[FieldName, FieldSettings]
    fingerprint: tuple[str, ...]
    found: int
    missing: tuple[str, ...]
    width: int
    last_row: int

    @property
    def rank(self) -> tuple[bool, int, int]:
        """The higher, the better they fit: all needed ones there, many found, few of the map's absent."""
        return not self.missing, self.found, -len(self.columns)


def best_headings(table: Table, candidates: Sequence[SheetSettings]) -> Headings | None:
    """Those that fit best, perhaps with some missing; None when no row has any of the names. Of equals the first."""
    top = list(islice(table.rows(), DEEPEST))
    tried = (_matched(settings, names, last) for names, last in _possible(top, table) for settings in candidates)
    return max((one for one in tried if one.found), key=lambda one: one.rank, default=None)


def plain(heading: str) -> str:
    """A heading as it is compared: without spaces, line ends, stars, colons and “（必填）”, in half-width lower case."""
    return _DRESS.sub("", unicodedata.normalize("NFKC", heading)).casefold()


@dataclass(frozen=True, slots=True)
class _Names:
    """What stands over each column: the name to show, and every name that it may be known by."""

    shown: tuple[str, ...]
    known: tuple[tuple[str, ...], ...]


def _possible(top: Sequence[TableRow], table: Table) -> Iterator[tuple[_Names, int]]:
    """Every row, alone and together with the row above, as the headings; with the number of the last row of them."""
    for index, row in enumerate(top):
        end = max((last for (first, _), (last, _) in table.merged if first <= index <= last), default=index)
        yield _one_row(row), row.number + end - index
        if index:
            yield _two_rows(top[index - 1], row, table), row.number + end - index


def _one_row(row: TableRow) -> _Names:
    return _Names(_unique(row.cells), tuple((cell,) for cell in row.cells))


def _two_rows(upper: TableRow, lower: TableRow, table: Table) -> _Names:
    """A name below stands for itself and, joined to the group above it, for both; an empty cell for the one above."""
    width = max(len(upper.cells), len(lower.cells))
    above = [*upper.cells, *[""] * (width - len(upper.cells))]
    below = [*lower.cells, *[""] * (width - len(lower.cells))]
    groups = _spread(above, upper.number - 1, table)
    often = Counter(map(plain, below))
    shown = [
        own if not name.strip() else (group + name if often[plain(name)] > 1 else name)
        for own, group, name in zip(above, groups, below, strict=True)
    ]
    known = tuple(
        (name, group + name) if name.strip() else (own,) for own, group, name in zip(above, groups, below, strict=True)
    )
    return _Names(_unique(shown), known)


def _spread(cells: Sequence[str], index: int, table: Table) -> list[str]:
    """Group names over all the columns that they are merged across; in text files, over the empty cells after them."""
    spread = list(cells)
    if table.strict_width:
        for column in range(1, len(spread)):
            spread[column] = spread[column] if spread[column].strip() else spread[column - 1]
    for (first, left), (last, right) in table.merged:
        if first <= index <= last and left < len(spread):
            for column in range(left, min(right + 1, len(spread))):
                spread[column] = cells[left]
    return spread


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """The names on one line, without empty ones at the end; others get a number where they are empty or repeated."""
    lines = [" ".join(name.split()) for name in names]
    while lines and not lines[-1]:
        lines.pop()
    seen: set[str] = set()
    for column, name in enumerate(lines):
        unique = name or f"第{column + 1}列"
        while unique in seen:
            unique += f"（第{column + 1}列）"
        seen.add(unique)
        lines[column] = unique
    return tuple(lines)


def _matched(settings: SheetSettings, names: _Names, last: int) -> Headings:
    shown = list(names.shown)
    places: dict[str, int] = {}
    for column, known in enumerate(names.known[: len(shown)]):
        for name in known:
            if key := plain(name):
                places.setdefault(key, column)

    fields = settings.all_columns()
    named: set[int] = set()
    for written in (written for field in fields.values() for written in field.from_):
        place = places.get(plain(written))
        if place is not None and place not in named:
            named.add(place)
            if plain(written) != plain(shown[place]) and written not in shown:
                shown[place] = written  # known by both rows together: as the map calls it, it is found again in one row
    made_of = settings.source_no if isinstance(settings.source_no, FingerprintSettings) else None
    headings = made_of.headings if made_of else ()
    columns: dict[FieldName, FieldSettings] = {}
    missing = [one for one in headings if plain(one) not in places]
    found = 0
    for name, field in fields.items():
        here = tuple(dict.fromkeys(shown[places[key]] for key in map(plain, field.from_) if key in places))
        columns[name] = field.model_copy(update={"from_": here}) if here else field
        found += bool(here)
        if not here and (field.required or (made_of is not None and name in made_of.fingerprint)):
            missing.append(field.from_[0])
    return Headings(
        settings=settings,
        names=tuple(shown),
        columns=columns,
        fingerprint=tuple(shown[places[plain(one)]] if plain(one) in places else one for one in headings),
        found=found,
        missing=tuple(missing),
        width=len(names.known),
        last_row=last,
    )
