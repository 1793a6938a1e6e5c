"""Column types whose values are sealed on their way into the database and opened on their way out.

Each engine has its keyring: what is read through one is opened by it. On SQLite a sealed text stands as a blob in a column
declared as text, on PostgreSQL in a `bytea`. Sealed columns cannot be compared or searched in SQL.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, LargeBinary, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from storage.keyring import Keyring

_keyrings: WeakKeyDictionary[Dialect, Keyring] = WeakKeyDictionary()


def seal_with(dialect: Dialect, keyring: Keyring) -> None:
    """From now on the columns of this dialect's engine are sealed and opened with a keyring."""
    _keyrings[dialect] = keyring


def keyring_of(dialect: Dialect) -> Keyring:
    """The keyring of a dialect's engine. Raises LookupError where there is none: nothing is ever written unsealed."""
    try:
        return _keyrings[dialect]
    except KeyError:
        raise LookupError("this engine has no keyring: open it with one") from None


class SealedText(TypeDecorator[str]):
    """A text that only the keyring opens. `length`: how SQLite's column was declared, which nothing enforces."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__()
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return String(self.length) if self.length is not None else Text()
        return LargeBinary()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else keyring_of(dialect).seal(value.encode())

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if value is None or isinstance(value, str):
            return value  # SQLite gives texts from before there were keys as they are
        return keyring_of(dialect).open(value).decode()


class SealedBytes(TypeDecorator[bytes]):
    """Bytes that only the keyring opens."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> Any:
        return None if value is None else keyring_of(dialect).seal(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else keyring_of(dialect).open(value)
