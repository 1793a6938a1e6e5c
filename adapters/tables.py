"""A table of text, whatever file it came out of. Not: how the file is read (`workbooks`, `delimited`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

Block = tuple[tuple[int, int], tuple[int, int]]
"""Merged cells: (row, column) of the first and of the last one, counted from 0 within the table."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its number in the file counted from 1, its cells, and in Chinese what is broken about it, if anything."""

    number: int
    cells: tuple[str, ...]
    damage: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet of a workbook, or a text file split at one delimiter. `rows` begins anew at each call.

    `height`: how many rows there are at most. `strict_width`: a filled cell beyond the headings means a shifted row.
    """

    name: str
    height: int
    rows: Callable[[], Iterator[TableRow]]
    merged: tuple[Block, ...] = ()
    strict_width: bool = False
