"""Inserting many rows of one table: the way in which all rows of new tickets are written.

SQLAlchemy's own `execute(insert(table), rows)` works every parameter of every row through its statement machinery, which
costs twice what SQLite then needs to store them. Here the statement is compiled once for each table, and a row becomes a
tuple in one step; the columns' types spell the values as they do everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table, insert

from storage.rows import Row

Processor = Callable[[Any], Any]


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns (two at least); without any row nothing happens."""
    if rows:
        statement = _compiled(table, tuple(sorted(rows[0])), connection.dialect)
        connection.exec_driver_sql(statement.sql, list(statement.parameters(rows)))


class _Insert:
    """An INSERT of some columns of a table, as a dialect spells it."""

    def __init__(self, table: Table, names: tuple[str, ...], dialect: Dialect) -> None:
        columns = [column for column in table.columns if column.name in names]
        unknown = set(names) - {column.name for column in columns}
        if unknown:
            raise ValueError(f"{table.name} has no column {', '.join(sorted(unknown))}")
        self.sql = str(insert(table).compile(dialect=dialect, column_keys=[column.name for column in columns]))
        self._values = itemgetter(*(column.name for column in columns))
        processors = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns]
        self._processors: list[tuple[int, Processor]] = [
            (place, processor) for place, processor in enumerate(processors) if processor is not None
        ]

    def parameters(self, rows: Sequence[Row]) -> Iterator[tuple[Any, ...]]:
        """What the driver takes for each row. None is NULL to every type that our tables have."""
        for row in rows:
            values = list(self._values(row))
            for place, processor in self._processors:
                if values[place] is not None:
                    values[place] = processor(values[place])
            yield tuple(values)


@lru_cache(maxsize=128)
def _compiled(table: Table, names: tuple[str, ...], dialect: Dialect) -> _Insert:
    """Dialects are told apart by identity: there is one for each engine of a process."""
    return _Insert(table, names, dialect)
