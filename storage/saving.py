"""Writing tickets and events inside a transaction that holds the head lock. Not: when to commit (`writer`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Insert, Table, bindparam, func, select, update

from domain.event import chained
from domain.intake import differing
from domain.outcome import Outcome
from domain.ticket import Ticket
from storage import tables
from storage.database import Head, save_head, upsert
from storage.inserting import insert_rows
from storage.rows import (
    Row,
    assignment_row,
    clock_rows,
    complaint_of,
    complaint_row,
    event_row,
    gap_row,
    notice_row,
    order_row,
    parted,
    ticket_row,
)
from storage.sealing import keyring_of
from storage.standing import Place, standing_of
from storage.standing import add as add_standing

_PARENTS_FIRST = tables.metadata.sorted_tables
SMALLEST_NUMBER = 5
"""Digits of the day's number in a ticket number; it grows wider on a day with more tickets."""

_LAST_NUMBER = select(tables.day_counters.c.last_number).where(tables.day_counters.c.day == bindparam("of_day"))


@cache
def _numbering(dialect: str) -> Insert:
    new = upsert(dialect, tables.day_counters)
    return new.on_conflict_do_update(index_elements=["day"], set_={"last_number": new.excluded.last_number})


class Ledger:
    """One transaction's writes: collects the rows of new tickets, numbers and chains events, and flushes them together."""

    def __init__(self, connection: Connection, head: Head, *, ticket_prefix: str, zone: ZoneInfo) -> None:
        self.connection = connection
        self._keyring = keyring_of(connection.dialect)
        self._head = head
        self._prefix = ticket_prefix
        self._zone = zone
        self._days: dict[datetime, tuple[str, str]] = {}
        self._day_numbers: dict[str, int] = {}
        self._rows: dict[Table, list[Row]] = {}
        self._touched = False
        self._standing: Counter[Place] = Counter()

    def add(self, draft: Outcome, day_of: datetime) -> Ticket:
        """Give a draft its id and number and collect its rows. Nothing is written until `flush`."""
        self._head.ticket_sequence += 1
        ticket = replace(draft.ticket, id=self._head.ticket_sequence, no=self._next_no(day_of))
        self._collect(tables.tickets, (ticket_row(ticket, self._keyring),))
        self._collect(tables.complaints, (complaint_row(ticket.id, 1, ticket.complaint),))
        self._collect(tables.assignments, (assignment_row(ticket.id, one) for one in ticket.assignments))
        self._collect(tables.clocks, clock_rows(ticket))
        self._collect(tables.gaps, (gap_row(ticket.id, gap) for gap in ticket.gaps))
        self._collect(tables.press_orders, (order_row(ticket.id, one) for one in ticket.orders))
        self._standing.update(standing_of(ticket))
        self._record(ticket, draft)
        return ticket

    def change(self, before: Ticket, outcome: Outcome) -> Ticket:
        """Write the difference between a stored ticket and its newer self, with the events and notices of the change."""
        after = replace(outcome.ticket, version=before.version + 1)
        old, new = ticket_row(before, self._keyring), ticket_row(after, self._keyring)
        differing = {name: value for name, value in new.items() if old[name] != value}
        self.connection.execute(update(tables.tickets).where(tables.tickets.c.id == before.id).values(**differing))
        self._merge(
            tables.assignments,
            (assignment_row(before.id, one) for one in before.assignments),
            (assignment_row(after.id, one) for one in after.assignments),
        )
        self._merge(tables.clocks, clock_rows(before), clock_rows(after))
        self._merge(
            tables.gaps,
            (gap_row(before.id, one) for one in before.gaps),
            (gap_row(after.id, one) for one in after.gaps),
        )
        self._merge(
            tables.press_orders,
            (order_row(before.id, one) for one in before.orders),
            (order_row(after.id, one) for one in after.orders),
        )
        self._standing.update(standing_of(after))
        self._standing.subtract(standing_of(before))
        self._record(after, outcome)
        return after

    def keep_sending(self, ticket: Ticket, draft: Outcome) -> None:
        """Keep a complaint that was sent again differently, raw body and all."""
        table = tables.complaints
        sent = self.connection.execute(select(func.max(table.c.ordinal)).where(table.c.ticket_id == ticket.id))
        row = complaint_row(ticket.id, int(sent.scalar_one()) + 1, draft.ticket.complaint)
        insert_rows(self.connection, table, [row])
        # A matter that was erased and is told again holds what people told us again.
        told_again = update(tables.tickets).where(tables.tickets.c.id == ticket.id, tables.tickets.c.erased)
        self.connection.execute(told_again.values(erased=False))

    def was_just_sent(self, ticket: Ticket, draft: Outcome) -> bool:
        """Whether the newest sending of this version says the same."""
        complaint, table = draft.ticket.complaint, tables.complaints
        same_version = (table.c.ticket_id == ticket.id, table.c.source_version == complaint.source_version)
        newest = select(table).where(*same_version).order_by(table.c.ordinal.desc()).limit(1)
        row = self.connection.execute(newest).mappings().one_or_none()
        return row is not None and not differing(complaint_of(row), complaint)

    def flush(self) -> None:
        """Write what was collected, parents first; then how far the numbers, the counts and the chain have got."""
        for table in _PARENTS_FIRST:
            insert_rows(self.connection, table, self._rows.pop(table, ()))
        if self._day_numbers:
            days = [{"day": day, "last_number": number} for day, number in self._day_numbers.items()]
            self.connection.execute(_numbering(self.connection.dialect.name), days)
        add_standing(self.connection, self._standing)
        self._standing.clear()
        if self._touched:
            save_head(self.connection, self._head)

    def _collect(self, table: Table, rows: Iterable[Row]) -> None:
        self._rows.setdefault(table, []).extend(rows)

    def _record(self, ticket: Ticket, outcome: Outcome) -> None:
        """Chain the events after the newest one of all, and put the notices into the outbox beside them."""
        self._touched = True
        head, events = self._head, []
        for event in outcome.events:
            head.event_sequence += 1
            stored = parted(event)
            head.event_hash = chained(
                head.event_hash, head.event_sequence, ticket.id, stored.counted, stored.words_digest
            )
            events.append(event_row(head.event_sequence, ticket.id, stored, head.event_hash))
        self._collect(tables.events, events)
        if outcome.notices:
            at = outcome.events[-1].at
            key = f"{ticket.no}-{head.event_sequence}"
            notices = [
                {"ticket_id": ticket.id, **notice_row(notice, number, key, at)}
                for number, notice in enumerate(outcome.notices, start=1)
            ]
            self._collect(tables.outbox, notices)

    def _next_no(self, at: datetime) -> str:
        if at not in self._days:  # spelled once for each moment, which all of a request share
            local = at.astimezone(self._zone)
            self._days[at] = f"{local:%Y-%m-%d}", f"{self._prefix}{local:%y%m%d}"
        day, prefix = self._days[at]
        if day not in self._day_numbers:
            last = self.connection.execute(_LAST_NUMBER, {"of_day": day}).scalar_one_or_none()
            self._day_numbers[day] = last or 0
        self._day_numbers[day] += 1
        return f"{prefix}-{self._day_numbers[day]:0{SMALLEST_NUMBER}d}"

    def _merge(self, table: Table, before: Iterable[Row], after: Iterable[Row]) -> None:
        keys = [column.name for column in table.primary_key]
        known = {tuple(row[key] for key in keys): row for row in before}
        for row in after:
            old = known.get(tuple(row[key] for key in keys))
            if old is None:
                insert_rows(self.connection, table, [row])
            elif differing := {name: value for name, value in row.items() if old[name] != value}:
                if table is tables.clocks and "due_at" in differing:
                    differing["rungs"] = 0  # a moved deadline starts the escalation ladder again
                where = [table.c[key] == row[key] for key in keys]
                self.connection.execute(update(table).where(*where).values(**differing))
