"""The keys of the tests: everybody's, so that one process reads what another has written."""

from __future__ import annotations

from sqlalchemy import LargeBinary, type_coerce, update

from storage.database import writing
from storage.keyring import Keyring, parsed
from storage.keys import sealed_columns
from storage.store import Store

WRITTEN = (
    "index:" + "aW5kZXgta2V5LW9mLXRoZS10ZXN0cy0uLi4uLi4uLi4=" + " 1:" + "a2V5LW51bWJlci1vbmUtb2YtdGhlLXRlc3RzLi4uLi4="
)
KEYRING = Keyring(*parsed(WRITTEN))


async def open_all_seals(store: Store) -> None:
    """As the database was before there were keys: only such a one can go back."""
    async with writing(store._engine) as connection:
        for table, column in sealed_columns():
            plain = type_coerce(b"[]", LargeBinary)
            await connection.execute(update(table).where(column.is_not(None)).values({column: plain}))
