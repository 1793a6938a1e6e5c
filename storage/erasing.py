"""Taking what people told us out of everything that is kept about a ticket, in one transaction with the event that says so.

Not: when that may be (`domain.erasure`), nor which tickets are somebody's or old enough (the caller asks here for both).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.complaint import Reporter
from domain.erasure import MAY_BE_ERASED, bare_complaint
from domain.lifecycle import NotAllowed
from domain.outcome import Outcome
from domain.ticket import Ticket
from storage import tables
from storage.database import lock_head, writing
from storage.loading import tickets_on
from storage.rows import complaint_of, complaint_row, reporter_key
from storage.sameness import KeysOf, forget_signatures
from storage.saving import Ledger
from storage.sealing import keyring_of
from storage.search import forget_sendings
from storage.writer import TicketNotFound

_ticket = tables.tickets.c


class Erasing:
    """Erasing in one database."""

    def __init__(self, engine: AsyncEngine, *, ticket_prefix: str, zone: ZoneInfo) -> None:
        self._engine = engine
        self._prefix = ticket_prefix
        self._zone = zone

    async def of_number(self, phone: str) -> list[str]:
        """The numbers of all tickets of the reporter with a phone number that are not erased, oldest first."""
        key = reporter_key(Reporter(phone=phone), keyring_of(self._engine.dialect))
        theirs = select(_ticket.no).where(_ticket.reporter_key == key, ~_ticket.erased).order_by(_ticket.id)
        async with self._engine.connect() as connection:
            return list((await connection.execute(theirs)).scalars()) if key else []

    async def over_since(self, before: datetime, limit: int) -> list[str]:
        """Tickets that nothing has happened to since a moment and that may be erased, the oldest first."""
        over = and_(
            text(tables.NOT_ERASED),
            _ticket.created_at < before,  # for the index; what is over was there before
            _ticket.status.in_(sorted(str(one) for one in MAY_BE_ERASED)),
            func.coalesce(_ticket.closed_at, _ticket.created_at) < before,
        )
        oldest = select(_ticket.no).where(over).order_by(_ticket.created_at, _ticket.id).limit(limit)
        async with self._engine.connect() as connection:
            return list((await connection.execute(oldest)).scalars())

    async def erase(self, no: str, work: Callable[[Ticket], Outcome], keys_of: KeysOf) -> Ticket:
        """Erase one ticket. Raises what `work` raises, NotAllowed while something about it waits to be delivered,
        TicketNotFound."""

        def erasing(connection: Connection) -> Ticket:
            head = lock_head(connection)
            found = tickets_on(connection, _ticket.no == no)
            if not found:
                raise TicketNotFound
            (before,) = found
            outcome = work(before)
            _refuse_what_waits(connection, before)
            forget_sendings(connection, before.id)
            forget_signatures(connection, [before.id], keys_of)
            _blank(connection, before)
            ledger = Ledger(connection, head, ticket_prefix=self._prefix, zone=self._zone)
            after = ledger.change(before, outcome)
            ledger.flush()
            connection.execute(update(tables.tickets).where(_ticket.id == before.id).values(erased=True))
            return after

        async with writing(self._engine) as connection:
            return await connection.run_sync(erasing)


def _refuse_what_waits(connection: Connection, ticket: Ticket) -> None:
    row = tables.outbox.c
    waits = select(func.count()).where(row.ticket_id == ticket.id, row.next_attempt_at.is_not(None))
    if number := connection.execute(waits).scalar_one():
        raise NotAllowed(f"工单 {ticket.no} 还有 {number} 条通知没有送达，送达或停止后才能清除")


def _blank(connection: Connection, ticket: Ticket) -> None:
    """Everything that stands beside the ticket's own row. Words of events go; their digests hold the chain together."""
    sent, event, told = tables.complaints, tables.events, tables.outbox
    for row in connection.execute(select(sent).where(sent.c.ticket_id == ticket.id)).mappings().all():
        bare = bare_complaint(complaint_of(row))
        this = and_(sent.c.ticket_id == ticket.id, sent.c.ordinal == row["ordinal"])
        row_of = complaint_row(ticket.id, row["ordinal"], bare)
        connection.execute(
            update(sent).where(this).values({name: row_of[name] for name in ("document", "reporter", "raw")})
        )
    connection.execute(update(event).where(event.c.ticket_id == ticket.id).values(words=None))
    # What was given up could be put back, and would tell nothing then.
    connection.execute(delete(told).where(told.c.ticket_id == ticket.id, told.c.parked_at.is_not(None)))
    connection.execute(update(told).where(told.c.ticket_id == ticket.id).values(payload="{}", last_error=""))
    connection.execute(delete(tables.pictures).where(tables.pictures.c.ticket_no == ticket.no))
    proposal, member, difference = (
        tables.sameness_proposals,
        tables.incident_members,
        tables.reconciliation_differences,
    )
    either = or_(proposal.c.ticket_id == ticket.id, proposal.c.other_id == ticket.id)
    connection.execute(update(proposal).where(either).values(why="[]"))
    connection.execute(update(member).where(member.c.ticket_id == ticket.id).values(why="[]"))
    connection.execute(update(difference).where(difference.c.ticket_no == ticket.no).values(note=""))
