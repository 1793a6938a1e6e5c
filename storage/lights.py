"""Reading lights and gaps: which have to change, whom to tell, what the board shows. Each query follows what is lit or due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, and_, func, literal, select, text, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.complaint import Urgency
from domain.light import Light
from domain.limit import Stage
from storage import tables
from storage.cursors import read_cursor, write_cursor
from storage.standing import EVERYWHERE, Standing
from storage.standing import read as read_standing
from storage.tickets import LargestId, TicketFilter

_LIGHTS_UP = text(tables.CLOCK_LIGHTS_UP)
"""Without parameters, as the partial indexes spell it, or they would not serve."""

_shares = tables.assignments.alias("share")
"""Under a name of its own, because a filter looks for shares too."""
_ticket, _share, _clock = tables.tickets.c, _shares.c, tables.clocks.c


@dataclass(frozen=True, slots=True)
class LitClock:
    """A running clock that shows yellow or red; position 0 is the desk, which has no unit."""

    ticket_no: str
    ticket_id: int
    position: int
    stage: Stage
    round: int
    light: Light
    due_at: datetime
    brigade: str
    cell: str
    handler: str
    status: str
    kind: str
    category: str
    category_name: str
    urgency: str
    channel: str
    excerpt: str


class _Place(msgspec.Struct, array_like=True):
    """Where in the order of lit clocks a page ended."""

    light: str
    due_at: Annotated[datetime, msgspec.Meta(tz=True)]
    ticket_id: LargestId
    position: Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
    stage: str
    round: Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


_ORDER = (_clock.light, _clock.due_at, _clock.ticket_id, _clock.position, _clock.stage, _clock.round)
"""Red before yellow, which is also the order of the words; then by deadline."""

_LIT = (
    select(
        _ticket.no,
        _clock.ticket_id,
        _clock.position,
        _clock.stage,
        _clock.round,
        _clock.light,
        _clock.due_at,
        func.coalesce(_share.unit, "").label("unit"),
        func.coalesce(_share.cell, "").label("cell"),
        func.coalesce(_share.handler, "").label("handler"),
        _ticket.status,
        _ticket.kind,
        _ticket.category,
        _ticket.category_name,
        _ticket.urgency,
        _ticket.channel,
        _ticket.excerpt,
    )
    .select_from(tables.clocks)
    .join(tables.tickets, _ticket.id == _clock.ticket_id)
    .outerjoin(_shares, and_(_share.ticket_id == _clock.ticket_id, _share.position == _clock.position))
    .where(_LIGHTS_UP)
    .order_by(*_ORDER)
)


class Lights:
    """Queries about lights and gaps. None of them writes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def stale(self, now: datetime, tolerance: timedelta, limit: int) -> list[str]:
        """Numbers of tickets with a running clock whose stored light is no longer the one of `now`, by id.

        A light that has become less severe counts only where its moment lies more than `tolerance` ahead. Each of the four
        reads a range of a partial index, so that the cost follows what has changed; the order and the limit of each say so
        to PostgreSQL, which otherwise thinks that as many clocks run as have ever run with that light.
        """
        moved = (
            (Light.GREEN, _clock.yellow_at, _clock.yellow_at <= now),
            (Light.YELLOW, _clock.due_at, _clock.due_at < now),
            (Light.YELLOW, _clock.yellow_at, _clock.yellow_at > now + tolerance),
            (Light.RED, _clock.due_at, _clock.due_at > now + tolerance),
        )
        each = (
            select(_clock.ticket_id)
            .where(_clock.light == light.value, condition, _LIGHTS_UP)
            .order_by(moment)
            .limit(limit)
            .subquery()
            for light, moment, condition in moved
        )
        ids = union_all(*(select(one.c.ticket_id) for one in each)).subquery()
        statement = select(_ticket.no).where(_ticket.id.in_(select(ids.c.ticket_id))).order_by(_ticket.id).limit(limit)
        async with self._engine.connect() as connection:
            return list((await connection.execute(statement)).scalars())

    async def climbing(
        self,
        taken: int,
        lights: Sequence[Light],
        urgencies: Sequence[Urgency],
        *,
        after: LitClock | None = None,
        limit: int,
    ) -> list[LitClock]:
        """Running clocks that show one of the lights and have taken so many steps of the escalation ladder.

        Red before yellow, then by deadline. `after`: the last one of the page before.
        """
        conditions: list[ColumnElement[bool]] = [
            _clock.rungs == taken,
            _clock.light.in_([one.value for one in lights]),
            _ticket.urgency.in_([one.value for one in urgencies]),
        ]
        return await self._lit(conditions, _place_of(after) if after is not None else None, limit)

    async def page(
        self, wanted: TicketFilter, *, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[LitClock], str | None]:
        """Yellow and red clocks of a filter's tickets, red first, then by deadline; and the next page's cursor.

        A unit in the filter sees its own shares' clocks only. Raises ValueError for a cursor that was not ours.
        """
        conditions = wanted.conditions()
        if wanted.light is None:
            conditions.append(_clock.light.in_([Light.RED.value, Light.YELLOW.value]))
        else:
            conditions.append(_clock.light == wanted.light.value)
        if wanted.unit is not None:
            conditions.append(_share.unit == wanted.unit)
        found = await self._lit(conditions, read_cursor(cursor, _Place) if cursor else None, limit + 1)
        more = len(found) > limit
        return found[:limit], write_cursor(_place_of(found[limit - 1])) if more else None

    async def _lit(self, conditions: Sequence[ColumnElement[bool]], after: _Place | None, limit: int) -> list[LitClock]:
        statement = _LIT.where(*conditions).limit(limit)
        if after is not None:
            place: tuple[Any, ...] = msgspec.structs.astuple(after)
            bound = (literal(value, column.type) for value, column in zip(place, _ORDER, strict=True))
            statement = statement.where(tuple_(*_ORDER) > tuple_(*bound))
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).all()
        return [
            LitClock(
                row.no,
                row.ticket_id,
                row.position,
                Stage(row.stage),
                row.round,
                Light(row.light),
                row.due_at,
                row.unit,
                row.cell,
                row.handler,
                row.status,
                row.kind,
                row.category,
                row.category_name,
                row.urgency,
                row.channel,
                row.excerpt,
            )
            for row in rows
        ]

    async def gap_counts(self, unit: str | None = None) -> dict[str, int]:
        """How many gaps of each kind wait to be cured; of one unit's shares only where one is named."""
        return await read_standing(self._engine, Standing.GAP, unit or EVERYWHERE)


def _place_of(clock: LitClock) -> _Place:
    return _Place(clock.light.value, clock.due_at, clock.ticket_id, clock.position, clock.stage.value, clock.round)
