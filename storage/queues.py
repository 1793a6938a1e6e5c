"""What waits for a person at the desk, queue by queue. Not: what may be done about it (`domain.lifecycle`)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.light import Light
from domain.ticket import WAITING, Status
from domain.understanding import Understanding
from storage import tables
from storage.incidents import MAY_REPEAT
from storage.rows import understanding_of
from storage.tickets import IS_OPEN


class Queue(StrEnum):
    """Why a ticket waits for a person. One ticket may stand in several."""

    TRIAGE = "triage"  # 待研判
    RISK = "risk"  # 有风险
    RETURNED = "returned"  # 退单待裁定
    ASKED = "asked"  # 延期、挂起待审批
    DUPLICATE = "duplicate"  # 疑似重复
    OUTSIDE = "outside"  # 不属本局
    FOLLOW_UP = "follow_up"  # 待回访、待结案
    ORDER = "order"  # 对受理台的督办


_SEVERITY = case(
    (tables.tickets.c.light == str(Light.RED), 0),
    (tables.tickets.c.light == str(Light.YELLOW), 1),
    (tables.tickets.c.light == str(Light.GREEN), 2),
    else_=3,
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of a queue. `due_at`: the next limit that runs. `may_repeat`: it stands among the duplicates as well.

    Holds nothing of the reporter.
    """

    no: str
    status: str
    light: str
    kind: str
    category_name: str
    urgency: str
    channel: str
    unit: str
    cell: str
    refer_to_name: str
    excerpt: str
    confidential: bool
    urges: int
    created_at: datetime
    resolved_at: datetime | None
    due_at: datetime | None
    may_repeat: bool
    understanding: Understanding


class Queues:
    """The queues of one database. `recent`: since when a danger that is another's business is still to be looked at."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def counts(self, queues: Collection[Queue], recent: datetime) -> dict[Queue, int]:
        """How many tickets wait in each queue."""
        counts = {}
        async with self._engine.connect() as connection:
            for queue in queues:
                statement = select(func.count()).select_from(tables.tickets).where(*_conditions(queue, recent))
                counts[queue] = int((await connection.execute(statement)).scalar_one())
        return counts

    async def rows(self, queue: Queue, recent: datetime, *, offset: int = 0, limit: int = 100) -> list[Waiting]:
        """A part of a queue: the worst light first, then what falls due first; what is outside, where no limit runs and
        much may wait, as it came."""
        ticket, clock = tables.tickets.c, tables.clocks.c
        due = (
            select(func.min(clock.due_at))
            .where(clock.ticket_id == ticket.id, text(tables.CLOCK_LIGHTS_UP), clock.paused_at.is_(None))
            .scalar_subquery()
            .label("due_at")
        )
        order: list[ColumnElement[Any]] = [ticket.id]
        if queue is not Queue.OUTSIDE:
            order = [_SEVERITY, func.coalesce(due, ticket.resolved_at, ticket.created_at), ticket.id]
        found = (due, MAY_REPEAT.label("may_repeat"))
        columns = [ticket[name] for name in Waiting.__dataclass_fields__ if name not in {one.name for one in found}]
        statement = (
            select(*columns, *found).where(*_conditions(queue, recent)).order_by(*order).offset(offset).limit(limit)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [_waiting(row) for row in rows]


def _waiting(row: Any) -> Waiting:
    return Waiting(**{**row, "understanding": understanding_of(row["understanding"])})


def _conditions(queue: Queue, recent: datetime) -> list[ColumnElement[bool]]:
    ticket, order = tables.tickets.c, tables.press_orders.c
    if queue is Queue.TRIAGE:
        return [ticket.status == str(Status.TRIAGE)]
    if queue is Queue.RISK:
        outside = and_(ticket.status == str(Status.TRANSFERRED), ticket.created_at >= recent)
        return [or_(IS_OPEN, outside), ticket.risky]
    if queue is Queue.RETURNED:
        return [_has_share(frozenset({Status.RETURNED}))]
    if queue is Queue.ASKED:
        return [_has_share(WAITING - {Status.RETURNED})]
    if queue is Queue.DUPLICATE:
        return [IS_OPEN, MAY_REPEAT]
    if queue is Queue.OUTSIDE:
        return [ticket.status == str(Status.TRANSFERRED)]
    if queue is Queue.FOLLOW_UP:
        return [ticket.status.in_([str(Status.RESOLVED), str(Status.FOLLOWED_UP)])]
    mine = select(order.ticket_id).where(text(tables.ORDER_IS_OPEN), order.position == 0)
    return [ticket.id.in_(mine)]


def _has_share(statuses: frozenset[Status]) -> ColumnElement[bool]:
    """A unit's share waits so. Such tickets are open: that index is asked first."""
    share, ticket = tables.assignments.c, tables.tickets.c
    waits = exists().where(
        share.ticket_id == ticket.id,
        share.ended_at.is_(None),
        share.status.in_([str(one) for one in sorted(statuses)]),
    )
    return and_(IS_OPEN, waits)
