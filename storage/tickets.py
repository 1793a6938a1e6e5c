"""Reading tickets: one whole, lists by filter, events. Not: running limits (`lights`) or counts over periods (`figures`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from msgspec import Meta
from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, literal, literal_column, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.complaint import Complaint, Kind, Reporter, Urgency
from domain.event import Event
from domain.light import Light
from domain.ticket import IN_HAND, OPEN, Status, Ticket
from storage import tables
from storage.cursors import read_cursor, write_cursor
from storage.database import in_parts
from storage.loading import load_tickets
from storage.rows import complaint_of, event_of, reporter_key
from storage.sealing import keyring_of
from storage.standing import EVERYWHERE, Standing
from storage.standing import read as read_standing

LargestId = Annotated[int, Meta(ge=0, lt=2**62)]
"""An id as a cursor may hold it: what a database can compare with."""

IS_OPEN: ColumnElement[bool] = func.coalesce(tables.tickets.c.status, literal_column("''")).in_(
    [literal_column(f"'{one}'") for one in sorted(str(status) for status in OPEN)]
)
"""As the partial index spells it (`tables.STILL_OPEN`), without parameters, or it would not serve."""


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets; an empty filter means all. `unit` also finds tickets that the unit helps with, or had a share of."""

    statuses: tuple[Status, ...] = ()
    light: Light | None = None
    channel: str | None = None
    kind: Kind | None = None
    category: str | None = None
    urgency: Urgency | None = None
    unit: str | None = None
    cell: str | None = None
    handler: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    open_only: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on the tickets table."""
        table = tables.tickets.c
        equal = {
            table.light: self.light,
            table.channel: self.channel,
            table.kind: self.kind,
            table.category: self.category,
            table.urgency: self.urgency,
            table.cell: self.cell,
            table.handler: self.handler,
        }
        found: list[ColumnElement[bool]] = [
            column == str(value) for column, value in equal.items() if value is not None
        ]
        if self.statuses:
            found.append(table.status.in_([str(one) for one in self.statuses]))
        if self.open_only:
            found.append(IS_OPEN)
        if self.unit is not None:
            shares = tables.assignments.c
            found.append(
                select(shares.ticket_id).where(shares.unit == self.unit, shares.ticket_id == table.id).exists()
            )
        if self.created_from is not None:
            found.append(table.created_at >= self.created_from)
        if self.created_to is not None:
            found.append(table.created_at < self.created_to)
        return found


@dataclass(frozen=True, slots=True)
class TicketSummary:
    """A row of a list. Holds nothing of the reporter; long numbers in the excerpt are masked."""

    ticket_no: str
    status: str
    light: str
    kind: str
    category: str
    category_name: str
    urgency: str
    channel: str
    source_no: str
    brigade: str
    cell: str
    handler: str
    refer_to: str
    excerpt: str
    confidence: float
    reported_at: datetime
    created_at: datetime
    due_inner: datetime | None
    due_outer: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list and where the next ones begin; no cursor at the end."""

    items: list[TicketSummary]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its place in the chain."""

    sequence: int
    ticket_no: str
    event: Event
    hash: str


_SUMMARY = (
    tables.tickets.c.id,
    tables.tickets.c.no.label("ticket_no"),
    tables.tickets.c.unit.label("brigade"),
    *(
        tables.tickets.c[name]
        for name in (
            "status",
            "light",
            "kind",
            "category",
            "category_name",
            "urgency",
            "channel",
            "source_no",
            "cell",
            "handler",
            "refer_to",
            "excerpt",
            "confidence",
            "reported_at",
            "created_at",
            "due_inner",
            "due_outer",
            "resolved_at",
            "closed_at",
            "version",
        )
    ),
)


class Tickets:
    """Queries about tickets. None of them writes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get(self, no: str) -> Ticket | None:
        """The whole ticket, without the raw body."""
        async with self._engine.connect() as connection:
            found = await load_tickets(connection, tables.tickets.c.no == no)
        return found[0] if found else None

    async def by_source(self, channel: str, source_no: str) -> Ticket | None:
        table = tables.tickets.c
        async with self._engine.connect() as connection:
            found = await load_tickets(connection, and_(table.channel == channel, table.source_no == source_no))
        return found[0] if found else None

    async def known(self, channel: str, source_nos: Sequence[str]) -> dict[str, tuple[str, Status]]:
        """Our number and the status of those of a channel's numbers that we have, by its number."""
        table = tables.tickets.c
        found: dict[str, tuple[str, Status]] = {}
        async with self._engine.connect() as connection:
            for part in in_parts(source_nos):
                statement = select(table.no, table.source_no, table.status).where(
                    table.channel == channel, table.source_no.in_(part)
                )
                rows = await connection.execute(statement)
                found |= {row.source_no: (row.no, Status(row.status)) for row in rows}
        return found

    async def of_number(self, phone: str, *, limit: int) -> list[TicketSummary]:
        """The newest tickets of the reporter with a phone number, however it is spelled; none for no number."""
        key, table = reporter_key(Reporter(phone=phone), keyring_of(self._engine.dialect)), tables.tickets.c
        if not key:
            return []
        newest = select(table.id).where(table.reporter_key == key).order_by(table.created_at.desc()).limit(limit)
        async with self._engine.connect() as connection:
            return await summaries(connection, list((await connection.execute(newest)).scalars()))

    async def several(self, numbers: Sequence[str]) -> list[Ticket]:
        """Whole tickets by number, in order of arrival; unknown numbers are left out."""
        async with self._engine.connect() as connection:
            return await load_tickets(connection, tables.tickets.c.no.in_(numbers))

    async def raw_bodies(self, no: str) -> list[tuple[bytes, str]]:
        """What was sent for a ticket, byte for byte, oldest first, with its type."""
        sent = tables.complaints.c
        statement = (
            select(sent.raw, sent.raw_type)
            .join(tables.tickets, tables.tickets.c.id == sent.ticket_id)
            .where(tables.tickets.c.no == no)
            .order_by(sent.ordinal)
        )
        async with self._engine.connect() as connection:
            return [(bytes(row.raw), row.raw_type) for row in await connection.execute(statement)]

    async def supplements(self, no: str) -> list[Complaint]:
        """What was sent for a ticket after its first complaint, oldest first, without the raw bodies."""
        sent = tables.complaints.c
        statement = (
            select(sent.document, sent.reporter)
            .join(tables.tickets, tables.tickets.c.id == sent.ticket_id)
            .where(tables.tickets.c.no == no, sent.ordinal > 1)
            .order_by(sent.ordinal)
        )
        async with self._engine.connect() as connection:
            return [complaint_of(row) for row in (await connection.execute(statement)).mappings()]

    async def page(self, wanted: TicketFilter, *, cursor: str | None = None, limit: int = 50) -> Page:
        """Newest first; `search` finds tickets by their words. Raises ValueError for a cursor that was not ours."""
        table = tables.tickets.c
        before = read_cursor(cursor, LargestId) if cursor else None
        statement = select(*_SUMMARY).where(*wanted.conditions()).order_by(table.id.desc()).limit(limit + 1)
        if before is not None:
            statement = statement.where(table.id < before)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        last: int | None = rows[limit - 1]["id"] if len(rows) > limit else None
        items = [_summary(row) for row in rows[:limit]]
        return Page(items, write_cursor(last) if last is not None else None)

    async def summaries(self, numbers: Collection[str]) -> list[TicketSummary]:
        """Rows of a list by ticket number, newest first; unknown numbers are left out."""
        ids = select(tables.tickets.c.id).where(tables.tickets.c.no.in_(numbers)).order_by(tables.tickets.c.id.desc())
        async with self._engine.connect() as connection:
            return await summaries(connection, list((await connection.execute(ids)).scalars()))

    async def numbers(self, wanted: TicketFilter) -> list[str]:
        """The numbers of all tickets of a filter, oldest first."""
        statement = select(tables.tickets.c.no).where(*wanted.conditions()).order_by(tables.tickets.c.id)
        async with self._engine.connect() as connection:
            return list((await connection.execute(statement)).scalars())

    async def light_counts(self, wanted: TicketFilter) -> dict[str, int]:
        """How many open tickets of a filter show each light.

        Of all tickets, and of one unit's, these are kept and read; any other filter is counted.
        """
        if replace(wanted, unit=None, open_only=False) == TicketFilter():
            known = await read_standing(self._engine, Standing.LIGHT, wanted.unit or EVERYWHERE)
            return {light.value: known.get(light.value, 0) for light in Light}
        # Not by the column itself: for the sake of its order SQLite would walk the index over the lights of all tickets.
        light = func.coalesce(tables.tickets.c.light, literal_column("''")).label("shown")
        statement = select(light, func.count()).where(*wanted.conditions(), IS_OPEN).group_by(light)
        async with self._engine.connect() as connection:
            counts = {row[0]: row[1] for row in await connection.execute(statement)}
        return {light.value: counts.get(light.value, 0) for light in Light}

    async def events(self, no: str) -> list[StoredEvent]:
        return await self._events(_events().where(tables.tickets.c.no == no))

    async def events_after(
        self, sequence: int, limit: int, *, up_to: int | None = None, unit: str | None = None
    ) -> list[StoredEvent]:
        """The next events of all tickets, or of those that a unit has or had a share of, for whoever follows along."""
        event, share = tables.events.c, tables.assignments.c
        statement = _events().where(event.sequence > sequence).limit(limit)
        if up_to is not None:
            statement = statement.where(event.sequence <= up_to)
        if unit is not None:
            has = select(share.ticket_id).where(share.ticket_id == event.ticket_id, share.unit == unit)
            statement = statement.where(has.exists())
        return await self._events(statement)

    async def last_sequence(self) -> int:
        async with self._engine.connect() as connection:
            return int((await connection.execute(select(tables.head.c.event_sequence))).scalar_one())

    async def _events(self, statement: Select[tuple[object, ...]]) -> list[StoredEvent]:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [StoredEvent(row["sequence"], row["no"], event_of(row), row["hash"]) for row in rows]

    async def touched_after(self, sequence: int, actions: Collection[str], limit: int) -> list[tuple[int, str]]:
        """(sequence, ticket number) of the next events with one of the actions, in order."""
        event = tables.events.c
        statement = (
            select(event.sequence, tables.tickets.c.no)
            .join(tables.tickets, tables.tickets.c.id == event.ticket_id)
            .where(event.sequence > sequence, event.action.in_(sorted(actions)))
            .order_by(event.sequence)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [(row.sequence, row.no) for row in await connection.execute(statement)]

    async def suspended_until(self, now: datetime, limit: int) -> list[str]:
        """Numbers of tickets with a share whose suspension is over at `now`, the longest over first."""
        share, table = tables.assignments.c, tables.tickets.c
        statement = (
            select(table.no)
            .join(tables.assignments, share.ticket_id == table.id)
            .where(share.suspended_until.is_not(None), share.suspended_until <= now)
            .order_by(share.suspended_until, table.id)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return list(dict.fromkeys((await connection.execute(statement)).scalars()))

    async def unmanned_after(self, no_id: int, away: Collection[str], limit: int) -> list[tuple[int, str]]:
        """(id, number) of tickets with a share at somebody who is away, or at a stand-in of somebody who is not any more; in
        order, after an id."""
        share, table = tables.assignments.c, tables.tickets.c
        back = and_(share.stands_in_for != "", share.stands_in_for.not_in(away))
        ids = select(share.ticket_id).where(text(tables.SHARE_IN_WORK), or_(share.handler.in_(away), back))
        wanted = (table.id.in_(ids), table.id > no_id)
        statement = select(table.id, table.no).where(*wanted).order_by(table.id).limit(limit)
        async with self._engine.connect() as connection:
            return [(row.id, row.no) for row in await connection.execute(statement)]

    async def orders_due(self, now: datetime, limit: int) -> list[str]:
        """Numbers of tickets with an unanswered 督办 order due at `now` that is to be raised or reported, or whose share is
        over."""
        order, share, table = tables.press_orders.c, tables.assignments.c, tables.tickets.c
        here = and_(share.ticket_id == order.ticket_id, share.position == order.position)
        in_hand = or_(
            and_(share.ended_at.is_(None), share.status.in_([str(one) for one in IN_HAND])),
            and_(order.position == 0, table.status == str(Status.TRIAGE)),
        )
        statement = (
            select(table.no)
            .select_from(tables.press_orders)
            .join(tables.tickets, table.id == order.ticket_id)
            .outerjoin(tables.assignments, here)
            .where(
                text(tables.ORDER_IS_OPEN),
                order.due_at <= now,
                or_(order.reported_at.is_(None), ~func.coalesce(in_hand, literal(False))),
            )
            .order_by(order.due_at, table.id)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return list(dict.fromkeys((await connection.execute(statement)).scalars()))

    async def unfinished_after(self, no_id: int, limit: int) -> list[tuple[int, str]]:
        """(id, number) of tickets that still owe somebody a step, in order, after an id: for sweeps over all of them."""
        table = tables.tickets.c
        living = [str(one) for one in OPEN | {Status.RESOLVED, Status.FOLLOWED_UP}]
        statement = (
            select(table.id, table.no).where(table.status.in_(living), table.id > no_id).order_by(table.id).limit(limit)
        )
        async with self._engine.connect() as connection:
            return [(row.id, row.no) for row in await connection.execute(statement)]


async def summaries(connection: AsyncConnection, ids: Sequence[int]) -> list[TicketSummary]:
    """The rows of some tickets, in the order of their ids given."""
    statement = select(*_SUMMARY).where(tables.tickets.c.id.in_(ids))
    rows = {row["id"]: row for row in (await connection.execute(statement)).mappings()} if ids else {}
    return [_summary(rows[one]) for one in ids if one in rows]


def _summary(row: RowMapping) -> TicketSummary:
    return TicketSummary(**{name: value for name, value in row.items() if name != "id"})


def _events() -> Select[tuple[object, ...]]:
    return (
        select(tables.events, tables.tickets.c.no)
        .join(tables.tickets, tables.tickets.c.id == tables.events.c.ticket_id)
        .order_by(tables.events.c.sequence)
    )
