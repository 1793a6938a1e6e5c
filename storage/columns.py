"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import DateTime, Dialect
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeDecorator, TypeEngine


class _Written(sqlite.DATETIME):
    """SQLite's time, already spelled when it gets here."""

    def bind_processor(self, dialect: Dialect) -> None:
        return None


@lru_cache(maxsize=4_096)
def _spelled(in_utc: datetime) -> str:
    """As SQLAlchemy would spell it, at a fraction of the cost: a new ticket has some twenty times, most of them the same."""
    return in_utc.replace(tzinfo=None).isoformat(" ", "microseconds")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, kept in UTC to the microsecond: `timestamptz` on PostgreSQL, sortable text on SQLite.

    A naive time is refused with ValueError: nobody could say which moment it is.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        written = _Written()  # type: ignore[no-untyped-call]
        return written if dialect.name == "sqlite" else super().load_dialect_impl(dialect)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        in_utc = value.astimezone(UTC)
        return _spelled(in_utc) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return self
