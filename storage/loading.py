"""Reading whole tickets, on any connection: inside a writing transaction or outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ticket import Ticket
from storage import tables
from storage.rows import ticket_of


async def load_tickets(connection: AsyncConnection, condition: ColumnElement[bool]) -> list[Ticket]:
    """The tickets that a condition on the tickets table names, by id, each with everything that belongs to it."""
    return await connection.run_sync(tickets_on, condition)


def tickets_on(connection: Connection, condition: ColumnElement[bool]) -> list[Ticket]:
    """The same for a function that runs inside a transaction of the writer."""
    found = connection.execute(select(tables.tickets).where(condition).order_by(tables.tickets.c.id)).mappings().all()
    if not found:
        return []
    ids = [row["id"] for row in found]
    complaints = {
        row["ticket_id"]: row for row in _belonging(connection, tables.complaints, ids) if row["ordinal"] == 1
    }
    shares = _by_ticket(_belonging(connection, tables.assignments, ids))
    clocks = _by_ticket(_belonging(connection, tables.clocks, ids))
    gaps = _by_ticket(_belonging(connection, tables.gaps, ids))
    orders = _by_ticket(_belonging(connection, tables.press_orders, ids))
    return [
        ticket_of(
            row,
            complaints[row["id"]],
            shares.get(row["id"], ()),
            clocks.get(row["id"], ()),
            gaps.get(row["id"], ()),
            orders.get(row["id"], ()),
        )
        for row in found
    ]


def _belonging(connection: Connection, table: Table, ids: Sequence[int]) -> Sequence[RowMapping]:
    columns = [column for column in table.c if column is not tables.complaints.c.raw]
    statement = select(*columns).where(table.c.ticket_id.in_(ids)).order_by(*table.primary_key)
    return connection.execute(statement).mappings().all()


def _by_ticket(rows: Sequence[RowMapping]) -> dict[int, list[Any]]:
    grouped: dict[int, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row["ticket_id"], []).append(row)
    return grouped
