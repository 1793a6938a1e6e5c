"""Which keys a database was sealed with, and sealing it anew with the newest one, while the service goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import (
    Column,
    LargeBinary,
    Table,
    and_,
    bindparam,
    func,
    insert,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage import tables
from storage.database import locked_head, open_engine, writing
from storage.keyring import MARK, is_sealed
from storage.sealing import SealedBytes, SealedText, keyring_of

AT_ONCE = 500


class WrongKeyring(Exception):
    """The keyring is not the one that this database was sealed with; the message says which key, in Chinese."""


class Keys:
    """The keys of one database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._keyring = keyring_of(engine.dialect)

    async def check(self) -> None:
        """Hold the keyring against the keys that were used here. Raises WrongKeyring where one is missing or another."""
        async with self._engine.connect() as connection:
            self._hold(await _used(connection))

    async def adopt(self, now: datetime) -> None:
        """Check, and note the keys that are used from now on. Raises WrongKeyring."""
        async with writing(self._engine) as connection:
            await locked_head(connection)  # two that start at once take turns
            used = await _used(connection)
            self._hold(used)
            fresh = [
                {"number": number, "fingerprint": fingerprint, "first_used_at": now}
                for number, fingerprint in self.fingerprints().items()
                if number not in used
            ]
            if fresh:
                await connection.execute(insert(tables.sealing_keys), fresh)

    def _hold(self, used: Mapping[int, str]) -> None:
        ours = self.fingerprints()
        for number, fingerprint in sorted(used.items()):
            if ours.get(number) != fingerprint:
                name = f"编号 {number} 的密钥" if number else "index 密钥"
                what = "不是当初用的那一个" if number in ours else "不在密钥文件里"
                raise WrongKeyring(f"{name}{what}，数据库里的内容无法解密")

    async def seal_anew(self) -> int:
        """Seal with the newest key whatever is not; how many values that were. Rows are taken in small parts, and one that
        changes meanwhile is left to the change, which seals it itself."""
        return sum([await self._seal_column(table, column) for table, column in sealed_columns()])

    async def _seal_column(self, table: Table, column: Column[object]) -> int:
        """One column, in the order of the primary key, so that a part begins where the last one ended."""
        key = list(table.primary_key)
        raw = type_coerce(column, LargeBinary)
        newest = MARK + bytes([self._keyring.newest])
        stale = and_(column.is_not(None), func.substr(raw, 1, len(newest)) != newest)
        this = and_(*(part == bindparam(f"of_{part.name}", type_=part.type) for part in key))
        writes = (
            update(table)
            .where(this, raw == bindparam("before", type_=LargeBinary))
            .values({column: bindparam("after", type_=column.type)})
        )
        done, last = 0, None
        while True:
            statement = select(*key, raw.label("raw"), column.label("plain")).where(stale).order_by(*key).limit(AT_ONCE)
            if last is not None:
                statement = statement.where(tuple_(*key) > tuple_(*last))
            async with writing(self._engine) as connection:
                rows = (await connection.execute(statement)).all()
                for row in rows:
                    values = {f"of_{part.name}": row[place] for place, part in enumerate(key)}
                    await connection.execute(writes, {**values, "before": row.raw, "after": row.plain})
            done += len(rows)
            if len(rows) < AT_ONCE:
                return done
            last = rows[-1][: len(key)]

    def refresh(self) -> None:
        """Read the keys anew, where they can be: another process may have made one. Raises `storage.keyring.BadKeyring`."""
        self._keyring.refresh()

    def fingerprints(self) -> dict[int, str]:
        """What tells the keys of the keyring apart; 0 is the key of digests."""
        return self._keyring.fingerprints()

    async def numbers(self) -> dict[int, int]:
        """How many values each key seals; 0: not sealed, from before there were keys."""
        found: dict[int, int] = {}
        async with self._engine.connect() as connection:
            for _, column in sealed_columns():
                begin = func.substr(type_coerce(column, LargeBinary), 1, len(MARK) + 1).label("begin")
                rows = await connection.execute(
                    select(begin, func.count()).where(column.is_not(None)).group_by("begin")
                )
                for start, count in rows:
                    start = start.encode() if isinstance(start, str) else bytes(start)
                    number = start[len(MARK)] if is_sealed(start) and len(start) > len(MARK) else 0
                    found[number] = found.get(number, 0) + count
        return found


async def _used(connection: AsyncConnection) -> dict[int, str]:
    return {row.number: row.fingerprint for row in await connection.execute(select(tables.sealing_keys))}


async def was_sealed(url: str) -> bool:
    """Whether anything was ever sealed in a migrated database."""
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            return (await connection.execute(select(tables.sealing_keys).limit(1))).first() is not None
    finally:
        await engine.dispose()


def sealed_columns() -> Iterator[tuple[Table, Column[object]]]:
    """Every column that is sealed, with its table."""
    for table in tables.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, SealedText | SealedBytes):
                yield table, column
