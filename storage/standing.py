"""What stands open, counted as it changes: unfinished tickets by light, gaps that wait to be cured; of all and of each unit.

The board asks for these all day, and counting them would cost the more the more is open. The ledger adds every change to the
counts in the transaction of the change, under the writers' lock, so that they are never anything but exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection, Insert, Select, and_, delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.ticket import OPEN, Ticket
from storage import tables
from storage.database import upsert

EVERYWHERE = ""
"""The scope of all units together, and of what belongs to none."""


class Standing(StrEnum):
    """What is counted; the key says which."""

    LIGHT = "light"  # unfinished tickets by their light; of a unit those that it has or had a share of
    GAP = "gap"  # gaps that are not cured by their code; of a unit those of its shares


class Place(NamedTuple):
    """One of the counts: whose, of what, which."""

    scope: str
    of: Standing
    key: str


def standing_of(ticket: Ticket) -> Counter[Place]:
    """What a ticket adds to the counts."""
    found: Counter[Place] = Counter()
    if ticket.status in OPEN:
        for scope in {EVERYWHERE, *(share.unit for share in ticket.assignments)}:
            found[Place(scope, Standing.LIGHT, ticket.light.value)] += 1
    units = {share.position: share.unit for share in ticket.assignments}
    for gap in ticket.gaps:
        if gap.cured_at is None:
            for scope in {EVERYWHERE, units.get(gap.position, EVERYWHERE)}:
                found[Place(scope, Standing.GAP, gap.code)] += 1
    return found


def add(connection: Connection, changes: Mapping[Place, int]) -> None:
    """Add to the counts, in the transaction of what has changed and under the writers' lock."""
    rows = [{**place._asdict(), "number": number} for place, number in sorted(changes.items()) if number]
    if not rows:
        return
    connection.execute(_adding(connection.dialect.name), rows)


@cache
def _adding(dialect: str) -> Insert:
    table = tables.standing
    new = upsert(dialect, table)
    added = table.c.number + new.excluded.number
    return new.on_conflict_do_update(index_elements=list(table.primary_key), set_={"number": added})


async def read(engine: AsyncEngine, of: Standing, scope: str) -> dict[str, int]:
    """The counts of one kind and scope by key; those of nothing are left out."""
    table = tables.standing.c
    statement = select(table.key, table.number).where(table.scope == scope, table.of == of.value, table.number != 0)
    async with engine.connect() as connection:
        return {row.key: row.number for row in await connection.execute(statement.order_by(table.key))}


async def recount(connection: AsyncConnection) -> None:
    """Count everything from the tickets: for rows that came by another way than the writer, as a bulk load does."""
    await connection.execute(delete(tables.standing))
    for counted in (_lights_of_all(), _lights_of_units(), _gaps_of_all(), _gaps_of_units()):
        await connection.execute(insert(tables.standing).from_select(["scope", "of", "key", "number"], counted))


_ticket, _share, _gap = tables.tickets.c, tables.assignments.c, tables.gaps.c
_IS_OPEN = _ticket.status.in_([status.value for status in OPEN])
Counted = Select[tuple[str, str, str, int]]


def _lights_of_all() -> Counted:
    named = literal(EVERYWHERE), literal(Standing.LIGHT.value), _ticket.light
    return select(*named, func.count()).where(_IS_OPEN).group_by(_ticket.light)


def _lights_of_units() -> Counted:
    each = (
        select(_share.unit, _share.ticket_id, _ticket.light)
        .join(tables.tickets, _ticket.id == _share.ticket_id)
        .where(_IS_OPEN)
        .distinct()
        .subquery()
        .c
    )
    return select(each.unit, literal(Standing.LIGHT.value), each.light, func.count()).group_by(each.unit, each.light)


def _gaps_of_all() -> Counted:
    named = literal(EVERYWHERE), literal(Standing.GAP.value), _gap.code
    return select(*named, func.count()).where(_gap.cured_at.is_(None)).group_by(_gap.code)


def _gaps_of_units() -> Counted:
    here = and_(_share.ticket_id == _gap.ticket_id, _share.position == _gap.position)
    return (
        select(_share.unit, literal(Standing.GAP.value), _gap.code, func.count())
        .select_from(tables.gaps.join(tables.assignments, here))
        .where(_gap.cured_at.is_(None))
        .group_by(_share.unit, _gap.code)
    )
