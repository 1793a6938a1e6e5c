"""Rows are stored as SQLAlchemy's own INSERT would store them, on each kind of database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.exc import IntegrityError

from storage import tables
from storage.database import writing
from storage.inserting import insert_rows
from storage.store import Store

NOON = datetime(2026, 11, 23, 12, 0, 0, 1, tzinfo=timezone(timedelta(hours=8)))


def absence(account: str, **changed: Any) -> dict[str, Any]:
    return {
        "account": account,
        "start_at": NOON,
        "end_at": NOON + timedelta(days=1),
        "reason": "年休假",
        "imported_at": datetime(2026, 11, 23, tzinfo=UTC),
    } | changed


def picture(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "id": f"picture-{number}",
        "sha256": "0" * 64,
        "content": b"\x00'\xff",
        "width": 640,
        "height": 480,
        "sent_by": "测试市民",
        "sent_at": NOON,
    } | changed


async def stored(store: Store, ours: Any, others: Any) -> list[Row[Any]]:
    def both(connection: Connection) -> None:
        insert_rows(connection, ours[0], ours[1])
        connection.execute(insert(others[0]), others[1])

    async with writing(store._engine) as connection:
        await connection.run_sync(both)
        return list(await connection.execute(select(ours[0])))


async def test_times_numbers_and_bytes_are_as_sqlalchemy_stores_them(store: Store) -> None:
    ours, others = [picture(1), picture(2)], [picture(3), picture(4)]
    rows = await stored(store, (tables.pictures, ours), (tables.pictures, others))
    assert [row.id for row in rows] == ["picture-1", "picture-2", "picture-3", "picture-4"]
    assert len({tuple(row)[1:] for row in rows}) == 1
    assert rows[0].sent_at == NOON
    assert rows[0].content == b"\x00'\xff"


async def test_columns_that_are_not_named_take_the_databases_own_values(store: Store) -> None:
    rows = await stored(store, (tables.absences, [absence("a1"), absence("a2")]), (tables.absences, [absence("a3")]))
    assert len({row.id for row in rows}) == 3
    (pictured,) = await stored(store, (tables.pictures, [picture(1)]), (tables.absences, [absence("a4")]))
    assert pictured.ticket_no == ""


async def test_an_order_of_keys_is_no_order_of_columns(store: Store) -> None:
    turned = dict(reversed(absence("a1").items()))
    rows = await stored(store, (tables.absences, [turned, absence("a2")]), (tables.absences, [absence("a3")]))
    assert {(row.account, row.reason) for row in rows} == {(one, "年休假") for one in ("a1", "a2", "a3")}


async def test_no_row_is_no_statement(store: Store) -> None:
    assert len(await stored(store, (tables.pictures, []), (tables.pictures, [picture(1)]))) == 1


async def test_what_does_not_fit_is_refused_whole(store: Store) -> None:
    with pytest.raises(ValueError, match="no column colour"):
        await stored(store, (tables.pictures, [picture(1, colour="red")]), (tables.pictures, [picture(2)]))
    with pytest.raises(ValueError, match="time zone"):
        await stored(store, (tables.pictures, [picture(1, sent_at=datetime(2026, 1, 1))]), (tables.pictures, []))
    with pytest.raises(IntegrityError) as refused:
        await stored(store, (tables.pictures, [picture(1), picture(2, sent_by=None)]), (tables.pictures, [picture(3)]))
    assert "picture-1" not in str(refused.value)  # errors are logged, and must not show what people told us
    async with store._engine.connect() as connection:
        assert (await connection.execute(select(tables.pictures.c.id))).all() == []
