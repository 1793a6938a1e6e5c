"""Writing tickets and events inside a transaction that holds the head lock. Not: when to commit (`writer`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Table, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.event import chained
from domain.outcome import Outcome
from domain.ticket import Ticket
from storage import tables
from storage.database import Head, Row, save_head
from storage.rows import (
    assignment_row,
    clock_rows,
    complaint_row,
    encoded,
    event_row,
    gap_row,
    order_row,
    ticket_row,
)

NO_TIME = timedelta(0)
SMALLEST_NUMBER = 5
"""Digits of the day's number in a ticket number; it grows wider on a day with more tickets."""


class Ledger:
    """One transaction's writes: collects the rows of new tickets, numbers and chains events, and flushes them together."""

    def __init__(self, connection: AsyncConnection, head: Head, *, ticket_prefix: str, zone: ZoneInfo) -> None:
        self.connection = connection
        self._head = head
        self._prefix = ticket_prefix
        self._zone = zone
        self._day_numbers: dict[str, int] = {}
        self._new_days: set[str] = set()
        self._rows: dict[Table, list[Row]] = {}
        self._touched = False

    async def add(self, draft: Outcome, day_of: datetime) -> Ticket:
        """Give a draft its id and number and collect its rows. Nothing is written until `flush`."""
        self._head.ticket_sequence += 1
        ticket = replace(draft.ticket, id=self._head.ticket_sequence, no=await self._next_no(day_of))
        self._collect(tables.tickets, (ticket_row(ticket),))
        self._collect(tables.complaints, (complaint_row(ticket.id, 1, ticket.complaint),))
        self._collect(tables.assignments, (assignment_row(ticket.id, one) for one in ticket.assignments))
        self._collect(tables.clocks, clock_rows(ticket))
        self._collect(tables.gaps, (gap_row(ticket.id, gap) for gap in ticket.gaps))
        self._collect(tables.press_orders, (order_row(ticket.id, one) for one in ticket.orders))
        self._record(ticket, draft)
        return ticket

    async def change(self, before: Ticket, outcome: Outcome) -> Ticket:
        """Write the difference between a stored ticket and its newer self, with the events and notices of the change."""
        after = replace(outcome.ticket, version=before.version + 1)
        old, new = ticket_row(before), ticket_row(after)
        differing = {name: value for name, value in new.items() if old[name] != value}
        await self.connection.execute(
            update(tables.tickets).where(tables.tickets.c.id == before.id).values(**differing)
        )
        await self._merge(
            tables.assignments,
            (assignment_row(before.id, one) for one in before.assignments),
            (assignment_row(after.id, one) for one in after.assignments),
        )
        await self._merge(tables.clocks, clock_rows(before), clock_rows(after))
        await self._merge(
            tables.gaps,
            (gap_row(before.id, one) for one in before.gaps),
            (gap_row(after.id, one) for one in after.gaps),
        )
        await self._merge(
            tables.press_orders,
            (order_row(before.id, one) for one in before.orders),
            (order_row(after.id, one) for one in after.orders),
        )
        self._record(after, outcome)
        return after

    async def keep_sending(self, ticket: Ticket, draft: Outcome) -> None:
        """Keep a complaint that was sent again differently, raw body and all."""
        table = tables.complaints
        sent = await self.connection.execute(select(func.max(table.c.ordinal)).where(table.c.ticket_id == ticket.id))
        row = complaint_row(ticket.id, int(sent.scalar_one()) + 1, draft.ticket.complaint)
        await self.connection.execute(insert(table), [row])

    async def flush(self) -> None:
        """Write what was collected: one statement for each table, parents first; then the head."""
        for table in tables.metadata.sorted_tables:
            rows = self._rows.pop(table, None)
            if rows:
                await self.connection.execute(insert(table), rows)
        for day, number in self._day_numbers.items():
            if day in self._new_days:
                statement = insert(tables.day_counters).values(day=day, last_number=number)
                await self.connection.execute(statement)
                self._new_days.discard(day)
            else:
                await self.connection.execute(
                    update(tables.day_counters).where(tables.day_counters.c.day == day).values(last_number=number)
                )
        if self._touched:
            await save_head(self.connection, self._head)

    def _collect(self, table: Table, rows: Iterable[Row]) -> None:
        self._rows.setdefault(table, []).extend(rows)

    def _record(self, ticket: Ticket, outcome: Outcome) -> None:
        """Chain the events after the newest one of all, and put the notices into the outbox beside them."""
        self._touched = True
        for event in outcome.events:
            self._head.event_sequence += 1
            self._head.event_hash = chained(self._head.event_hash, self._head.event_sequence, ticket.id, event)
            self._collect(
                tables.events, (event_row(self._head.event_sequence, ticket.id, event, self._head.event_hash),)
            )
        for number, notice in enumerate(outcome.notices, start=1):
            at = outcome.events[-1].at
            self._collect(
                tables.outbox,
                (
                    {
                        "ticket_id": ticket.id,
                        "destination": notice.to,
                        "about": notice.about,
                        "payload": encoded(notice.data),
                        "idempotency_key": f"{ticket.no}-{self._head.event_sequence}-{number}",
                        "created_at": at,
                        "attempts": 0,
                        "next_attempt_at": at + notice.hold,
                        "last_error": "",
                        "foldable": notice.hold > NO_TIME,
                    },
                ),
            )

    async def _next_no(self, at: datetime) -> str:
        local = at.astimezone(self._zone)
        day = f"{local:%Y-%m-%d}"
        if day not in self._day_numbers:
            table = tables.day_counters
            known = (
                await self.connection.execute(select(table.c.last_number).where(table.c.day == day))
            ).scalar_one_or_none()
            if known is None:
                self._new_days.add(day)
            self._day_numbers[day] = known or 0
        self._day_numbers[day] += 1
        return f"{self._prefix}{local:%y%m%d}-{self._day_numbers[day]:0{SMALLEST_NUMBER}d}"

    async def _merge(self, table: Table, before: Iterable[Row], after: Iterable[Row]) -> None:
        keys = [column.name for column in table.primary_key]
        known = {tuple(row[key] for key in keys): row for row in before}
        for row in after:
            old = known.get(tuple(row[key] for key in keys))
            if old is None:
                await self.connection.execute(insert(table), [row])
            elif differing := {name: value for name, value in row.items() if old[name] != value}:
                if table is tables.clocks and "due_at" in differing:
                    differing["rungs"] = 0  # a moved deadline starts the escalation ladder again
                where = [table.c[key] == row[key] for key in keys]
                await self.connection.execute(update(table).where(*where).values(**differing))
