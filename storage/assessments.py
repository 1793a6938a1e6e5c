"""What assessment needs of the database: counts without ruled-out tickets, adjustments, appeals, frozen results, kept reports.

Not: what a score is (`supervision.assessment`). Adjustments and frozen results are only ever added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import RowMapping, Select, case, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.outcome import Notice
from storage import outbox, tables
from storage.database import writing
from storage.figures import Measure, counted_members
from storage.populations import Dimension, Slice
from storage.rows import encoded

RULED_OUT = "ruled_unreasonable"
"""The event by which the command centre takes a ticket out of every count of the assessment (不合理诉求)."""
RULED_IN = "ruled_reasonable"
"""The event by which it stays in, or comes back in (查否). The newest of both counts."""


class Level(StrEnum):
    """Who is assessed."""

    BRIGADE = "brigade"
    CELL = "cell"
    HANDLER = "handler"


class AppealStatus(StrEnum):
    """How an appeal stands."""

    WAITING = "waiting"  # 待裁定
    GRANTED = "granted"  # 申诉成立
    REFUSED = "refused"  # 申诉不成立


@dataclass(frozen=True, slots=True)
class Tally:
    """How many members a group has, how many of them count, and how many more were left out by a ruling."""

    n: int = 0
    hits: int = 0
    ruled_out: int = 0


@dataclass(frozen=True, slots=True)
class Adjustment:
    """加分 (points above 0) or 扣分 (below), made by a supervisor or, with `appeal_id`, by a granted appeal."""

    month: str
    level: Level
    subject: str
    points: float
    reason: str
    made_by: str
    made_at: datetime
    ticket_no: str = ""
    appeal_id: int | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Appeal:
    """考核申诉: filed by a unit for a subject of its own. `points`: what a granted one gives back."""

    month: str
    level: Level
    subject: str
    reason: str
    unit: str
    filed_by: str
    filed_at: datetime
    indicator: str = ""
    ticket_no: str = ""
    status: AppealStatus = AppealStatus.WAITING
    points: float = 0.0
    decision: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen result: `document` is what the assessment wrote, plain JSON."""

    month: str
    level: Level
    document: Mapping[str, Any]
    frozen_by: str
    frozen_at: datetime


@dataclass(frozen=True, slots=True)
class ScheduledReport:
    """A report that was made by schedule. `first_day`: the first day of its period."""

    period: str
    first_day: str
    format: str
    content: bytes
    made_at: datetime


class AlreadyFrozen(Exception):
    """The month's result is frozen; a frozen one is never written again."""


class AppealNotFound(Exception):
    """There is no appeal of that number."""


class AppealSettled(Exception):
    """The appeal has been decided already."""


class Assessments:
    """Queries and records of the assessment; each write is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._dialect = engine.dialect.name

    async def tallies(self, measure: Measure, wanted: Slice, by: Dimension) -> dict[str, Tally]:
        """The measure's count for each group as `Figures.counts` has it, with ruled-out tickets left out and told."""
        members, hit = counted_members(measure, wanted, self._dialect)
        rows = (
            select(
                members.key(by, self._dialect).label("key"),
                hit.label("hit"),
                case((tables.tickets.c.id.in_(_ruled_out()), 1), else_=0).label("out"),
            )
            .select_from(members.source)
            .where(*members.conditions)
            .subquery()
        )
        counted = 1 - rows.c.out
        statement = select(
            rows.c.key, func.sum(counted).label("n"), func.sum(rows.c.hit * counted).label("hits"), func.sum(rows.c.out)
        ).group_by(rows.c.key)
        async with self._engine.connect() as connection:
            found = await connection.execute(statement)
            return {row.key: Tally(int(row.n), int(row.hits), int(row[3])) for row in found}

    async def add_adjustment(self, adjustment: Adjustment) -> Adjustment:
        """Keep an adjustment; the same with its number."""
        async with writing(self._engine) as connection:
            return await _add(connection, adjustment)

    async def adjustments(self, month: str, level: Level) -> list[Adjustment]:
        """All of a month and level, oldest first."""
        table = tables.assessment_adjustments
        statement = select(table).where(table.c.month == month, table.c.level == level.value).order_by(table.c.id)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [Adjustment(**{**row, "level": Level(row["level"])}) for row in rows]

    async def file_appeal(self, appeal: Appeal) -> Appeal:
        """Keep an appeal; the same with its number."""
        values = _values(appeal)
        async with writing(self._engine) as connection:
            made = await connection.execute(insert(tables.assessment_appeals).values(**values))
            assert made.inserted_primary_key is not None
            return Appeal(**{**_fields(appeal), "id": int(made.inserted_primary_key[0])})

    async def appeals(self, month: str, level: Level) -> list[Appeal]:
        """All of a month and level, oldest first."""
        table = tables.assessment_appeals
        statement = select(table).where(table.c.month == month, table.c.level == level.value).order_by(table.c.id)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [_appeal(row) for row in rows]

    async def decide_appeal(
        self, appeal_id: int, status: AppealStatus, *, points: float, decision: str, by: str, now: datetime
    ) -> Appeal:
        """Settle a waiting appeal; what is granted becomes an adjustment in the same transaction.

        Raises AppealNotFound or AppealSettled, and nothing is changed.
        """
        table = tables.assessment_appeals
        async with writing(self._engine) as connection:
            changed = await connection.execute(
                update(table)
                .where(table.c.id == appeal_id, table.c.status == AppealStatus.WAITING.value)
                .values(status=status.value, points=points, decision=decision, decided_by=by, decided_at=now)
            )
            row = (await connection.execute(select(table).where(table.c.id == appeal_id))).mappings().one_or_none()
            if row is None:
                raise AppealNotFound
            if changed.rowcount == 0:
                raise AppealSettled
            appeal = _appeal(row)
            if status is AppealStatus.GRANTED:
                reason = f"考核申诉 {appeal.id} 成立：{decision}"
                await _add(
                    connection,
                    Adjustment(
                        appeal.month, appeal.level, appeal.subject, points, reason, by, now, appeal.ticket_no, appeal.id
                    ),
                )
        return appeal

    async def began_at(self) -> datetime | None:
        """When the service got its first ticket or its first account; None where it has neither."""
        firsts = (select(func.min(tables.tickets.c.created_at)), select(func.min(tables.users.c.created_at)))
        async with self._engine.connect() as connection:
            found = [(await connection.execute(first)).scalar_one() for first in firsts]
        return min((moment for moment in found if moment is not None), default=None)

    async def freeze(self, results: Sequence[Frozen]) -> None:
        """Keep results, all or none. Raises AlreadyFrozen where one of them is kept already."""
        rows = [
            {
                "month": one.month,
                "level": one.level.value,
                "document": encoded(one.document),
                "frozen_by": one.frozen_by,
                "frozen_at": one.frozen_at,
            }
            for one in results
        ]
        try:
            async with writing(self._engine) as connection:
                await connection.execute(insert(tables.assessment_results), rows)
        except IntegrityError:
            raise AlreadyFrozen from None

    async def frozen(self, month: str, level: Level) -> Frozen | None:
        table = tables.assessment_results
        statement = select(table).where(table.c.month == month, table.c.level == level.value)
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            return None
        return Frozen(row.month, Level(row.level), msgspec.json.decode(row.document), row.frozen_by, row.frozen_at)

    async def keep_reports(self, reports: Sequence[ScheduledReport], notices: Sequence[Notice]) -> bool:
        """Keep the files of one period together, and tell of them: all in one transaction.

        False, and nothing changes, where one of them is kept already: another made it, and told of it.
        """
        first = reports[0]
        formats = "+".join(sorted(one.format for one in reports))
        try:
            async with writing(self._engine) as connection:
                rows = [{name: getattr(one, name) for name in ScheduledReport.__slots__} for one in reports]
                await connection.execute(insert(tables.scheduled_reports), rows)
                key = f"report-{first.period}-{first.first_day}-{formats}"
                await outbox.put(connection, notices, first.made_at, key=key)
        except IntegrityError:
            return False
        return True

    async def report(self, period: str, first_day: str, format_: str) -> ScheduledReport | None:
        """A report that is kept."""
        table = tables.scheduled_reports
        statement = select(table).where(
            table.c.period == period, table.c.first_day == first_day, table.c.format == format_
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            return None
        return ScheduledReport(row.period, row.first_day, row.format, bytes(row.content), row.made_at)


def _ruled_out() -> Select[tuple[int]]:
    """The tickets whose newest ruling takes them out."""
    ruling, newer = tables.events.alias("ruling").c, tables.events.alias("newer").c
    overturned = exists(
        select(newer.sequence).where(
            newer.ticket_id == ruling.ticket_id,
            newer.sequence > ruling.sequence,
            # Spelled so that the index over actions cannot serve: the few events of the ticket are what is to be read.
            func.coalesce(newer.action, "").in_((RULED_OUT, RULED_IN)),
        )
    )
    return select(ruling.ticket_id).where(ruling.action == RULED_OUT, ~overturned)


def _fields(one: Adjustment | Appeal) -> dict[str, Any]:
    return {name: getattr(one, name) for name in type(one).__slots__}


def _values(one: Adjustment | Appeal) -> dict[str, Any]:
    """The columns of a new row; the database gives the number."""
    fields = _fields(one)
    return {name: str(value) if isinstance(value, StrEnum) else value for name, value in fields.items() if name != "id"}


async def _add(connection: AsyncConnection, adjustment: Adjustment) -> Adjustment:
    made = await connection.execute(insert(tables.assessment_adjustments).values(**_values(adjustment)))
    assert made.inserted_primary_key is not None
    return Adjustment(**{**_fields(adjustment), "id": int(made.inserted_primary_key[0])})


def _appeal(row: RowMapping) -> Appeal:
    return Appeal(**{**row, "level": Level(row["level"]), "status": AppealStatus(row["status"])})
