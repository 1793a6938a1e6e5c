"""What waits for a supervisor: requests of units to be ruled on, and 督办 orders without an answer. None of it writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, Select, and_, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.ticket import WAITING, PressCause, PressLevel, Status
from storage import tables
from storage.tickets import IS_OPEN

_ticket, _share, _order = tables.tickets.c, tables.assignments.c, tables.press_orders.c


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A share whose unit asks for something: `status` says what (returned, extended, suspending), `request` its words.

    `version` is the ticket's, so that a ruling on what has changed meanwhile can be refused.
    """

    ticket_no: str
    version: int
    position: int
    unit: str
    handler: str
    status: Status
    request: Mapping[str, Any]
    category_name: str
    urgency: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """A 督办 order that waits for its answer; `unit` and `handler` are empty where it went to the desk."""

    ticket_no: str
    number: int
    unit: str
    handler: str
    level: PressLevel
    cause: PressCause
    requirement: str
    issued_at: datetime
    due_at: datetime | None


class Attention:
    """Queries over open tickets and open orders only: their cost follows what is unfinished, not what is stored."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def requests(
        self, *, channel: str | None = None, unit: str | None = None, limit: int = 200
    ) -> list[WaitingRequest]:
        """Requests that wait for a ruling, those of the oldest tickets first; of one channel or one unit where named."""
        statement = (
            select(
                _ticket.no,
                _ticket.version,
                _share.position,
                _share.unit,
                _share.handler,
                _share.status,
                _share.request,
                _ticket.category_name,
                _ticket.urgency,
                _ticket.excerpt,
            )
            .select_from(tables.tickets.join(tables.assignments, _share.ticket_id == _ticket.id))
            .where(IS_OPEN, _share.ended_at.is_(None), _share.status.in_(sorted(str(one) for one in WAITING)))
            .order_by(_ticket.id, _share.position)
            .limit(limit)
        )
        rows = await self._rows(statement, channel, unit)
        return [
            WaitingRequest(
                row.no,
                row.version,
                row.position,
                row.unit,
                row.handler,
                Status(row.status),
                msgspec.json.decode(row.request) if row.request else {},
                row.category_name,
                row.urgency,
                row.excerpt,
            )
            for row in rows
        ]

    async def orders(self, *, channel: str | None = None, unit: str | None = None, limit: int = 200) -> list[OpenOrder]:
        """Orders without an answer, by their deadline, those without one last; of one channel or one unit where named."""
        here = and_(_share.ticket_id == _order.ticket_id, _share.position == _order.position)
        statement = (
            select(
                _ticket.no,
                _order.number,
                func.coalesce(_share.unit, "").label("unit"),
                func.coalesce(_share.handler, "").label("handler"),
                _order.level,
                _order.cause,
                _order.requirement,
                _order.issued_at,
                _order.due_at,
            )
            .select_from(tables.press_orders)
            .join(tables.tickets, _ticket.id == _order.ticket_id)
            .outerjoin(tables.assignments, here)
            .where(text(tables.ORDER_IS_OPEN))
            .order_by(_order.due_at.is_(None), _order.due_at, _order.ticket_id, _order.number)
            .limit(limit)
        )
        rows = await self._rows(statement, channel, unit)
        return [
            OpenOrder(
                row.no,
                row.number,
                row.unit,
                row.handler,
                PressLevel(row.level),
                PressCause(row.cause),
                row.requirement,
                row.issued_at,
                row.due_at,
            )
            for row in rows
        ]

    async def _rows(self, statement: Select[Any], channel: str | None, unit: str | None) -> Sequence[Row[Any]]:
        """What a statement over tickets and shares finds; of one channel or one unit where named."""
        if channel is not None:
            statement = statement.where(_ticket.channel == channel)
        if unit is not None:
            statement = statement.where(_share.unit == unit)
        async with self._engine.connect() as connection:
            found: Sequence[Row[Any]] = (await connection.execute(statement)).all()
            return found
