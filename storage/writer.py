"""Group commit: one task per process takes units of work from a queue and commits many of them in one transaction.

An answer resolves only after the commit. A unit that fails is refused alone; the others of its group go on. The head row is
locked first, so that ticket numbers, duplicates and the chain of events are decided one group after another among all
processes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.limit import Stage
from domain.outcome import Outcome
from domain.ticket import Ticket
from storage import tables
from storage.database import StorageUnavailable, as_told, in_parts, is_outage, lock_head
from storage.inserting import insert_rows
from storage.loading import tickets_on
from storage.saving import Ledger
from storage.transactions import transactions_of

log = structlog.get_logger()

LARGEST_QUEUE = 2_000
LARGEST_GROUP = 256
"""Tickets in one transaction; more would make the first of them, and other processes, wait for the last."""

Again = Callable[[Ticket, Outcome], Outcome | None]
Work = Callable[[tuple[Ticket, ...]], tuple[Outcome, ...]]
"""Pure functions: they are called inside the transaction, on SQLite in the writer's thread."""


class NonceSeen(Exception):
    """This nonce of this channel was used before; nothing of the unit was stored."""


class TicketNotFound(Exception):
    """There is no ticket of that number."""


class VersionConflict(Exception):
    """The ticket has changed since the caller read it; nothing was stored."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one complaint: its ticket, and whether that was there already."""

    ticket: Ticket
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Climb:
    """A clock of a ticket goes up the escalation ladder, from `taken` steps to `until`; position 0 is the desk."""

    position: int
    stage: Stage
    round: int
    taken: int
    until: int


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What the sender of a change calls it (`Idempotency-Key`), unique to the sender: sent again, it is not done again."""

    key: str
    now: datetime


@dataclass(slots=True)
class Take:
    """Complaints to store, all of one request; the result is a list of receipts."""

    drafts: Sequence[Outcome]
    channel: str
    nonce: str | None
    seen_at: datetime
    again: Again
    done: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def size(self) -> int:
        return len(self.drafts)


@dataclass(slots=True)
class Change:
    """A change to one or more stored tickets; the result is a tuple of the changed tickets.

    With a `climb` of the first ticket nothing happens unless its clock stands where the climb begins; with a `key`
    nothing happens when it was used before.
    """

    numbers: tuple[str, ...]
    work: Work
    expected_version: int | None = None
    climb: Climb | None = None
    key: RequestKey | None = None
    done: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def size(self) -> int:
        return len(self.numbers)


Unit = Take | Change


class _Declined(Exception):
    """The caller's own function said no to a change; nothing of the unit has been written."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(reason)
        self.reason = reason


class Writer:
    """The writing task of one process."""

    def __init__(self, engine: AsyncEngine, *, ticket_prefix: str, zone: ZoneInfo) -> None:
        self._transactions = transactions_of(engine)
        self._prefix = ticket_prefix
        self._zone = zone
        self._queue: asyncio.Queue[Unit | None] = asyncio.Queue(LARGEST_QUEUE)
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.commits = 0

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="storage-writer")

    async def close(self) -> None:
        """Finish what is queued, then stop."""
        self._closing = True
        if self._task is not None:
            await self._queue.put(None)
            await self._task
        await self._transactions.close()

    async def submit(self, unit: Unit) -> Any:
        """Queue a unit and wait until it is durable.

        Raises what the unit raised, StorageUnavailable, or what the database said to data that it cannot hold.
        """
        if self._closing:
            raise StorageUnavailable("服务正在停止")
        try:
            self._queue.put_nowait(unit)
        except asyncio.QueueFull:
            raise StorageUnavailable("待写入的来件过多") from None
        # A caller that goes away must not cancel a unit that is being written with others.
        return await asyncio.shield(unit.done)

    async def _run(self) -> None:
        while True:
            first = await self._queue.get()
            if first is None:
                return
            group, size = [first], first.size
            stop = False
            while size < LARGEST_GROUP and not self._queue.empty():
                unit = self._queue.get_nowait()
                if unit is None:
                    stop = True
                    break
                group.append(unit)
                size += unit.size
            await self._commit(group)
            if stop:
                return

    async def _commit(self, group: list[Unit]) -> None:
        """Commit a group; one that fails as a whole for a reason of its own is committed unit by unit."""
        try:
            await self._transaction(group)
        except Exception as error:
            if is_outage(error) or len(group) == 1:
                log.error("group_failed", units=len(group), error=type(error).__name__)
                for unit in group:
                    _refuse(unit, as_told(error))
                return
            for unit in group:
                await self._commit([unit])

    async def _transaction(self, group: list[Unit]) -> None:
        """One transaction; its units are answered after the commit. What raises here rolls all of it back."""
        settled = await self._transactions.run(partial(self._write, group))
        self.commits += 1
        for unit, result in settled:
            if isinstance(result, Exception):
                _refuse(unit, result)
            elif not unit.done.done():
                unit.done.set_result(result)

    def _write(self, group: list[Unit], connection: Connection) -> list[tuple[Unit, Any]]:
        """Each unit with its result, or with the exception that refuses it alone. Nothing of the event loop is touched:
        on SQLite this runs in a thread beside it."""
        ledger = Ledger(connection, lock_head(connection), ticket_prefix=self._prefix, zone=self._zone)
        batch = _Batch.prepare(connection, [unit for unit in group if isinstance(unit, Take)])
        settled: list[tuple[Unit, Any]] = []
        for unit in group:
            try:
                if isinstance(unit, Take):
                    settled.append((unit, batch.take(unit, ledger)))
                else:
                    settled.append((unit, _change(unit, connection, ledger)))
            except (NonceSeen, TicketNotFound, VersionConflict) as error:
                settled.append((unit, error))
            except _Declined as declined:
                settled.append((unit, declined.reason))
        batch.flush_nonces(connection)
        ledger.flush()
        return settled


_SEEN_NONCES = select(tables.nonces.c.channel, tables.nonces.c.nonce).where(
    tuple_(tables.nonces.c.channel, tables.nonces.c.nonce).in_(bindparam("pairs", expanding=True))
)
_KNOWN_NUMBERS = select(tables.tickets.c.id, tables.tickets.c.channel, tables.tickets.c.source_no).where(
    tuple_(tables.tickets.c.channel, tables.tickets.c.source_no).in_(bindparam("pairs", expanding=True))
)


class _Batch:
    """What the takes of a group need to know of the database, read at once: nonces and source numbers seen before."""

    def __init__(self, nonces: set[tuple[str, str]], known: dict[tuple[str, str], int]) -> None:
        self._nonces = nonces
        self._known = known
        self._fresh: dict[tuple[str, str], Ticket] = {}
        self._new_nonces: list[dict[str, Any]] = []

    @classmethod
    def prepare(cls, connection: Connection, takes: Sequence[Take]) -> _Batch:
        nonces = [(take.channel, take.nonce) for take in takes if take.nonce is not None]
        numbers = [
            (draft.ticket.complaint.channel, draft.ticket.complaint.source_no)
            for take in takes
            for draft in take.drafts
        ]
        seen: set[tuple[str, str]] = set()
        known: dict[tuple[str, str], int] = {}
        for part in in_parts(nonces):
            seen.update((row.channel, row.nonce) for row in connection.execute(_SEEN_NONCES, {"pairs": part}))
        for part in in_parts(numbers):
            rows = connection.execute(_KNOWN_NUMBERS, {"pairs": part})
            known.update({(row.channel, row.source_no): row.id for row in rows})
        return cls(seen, known)

    def take(self, unit: Take, ledger: Ledger) -> list[Receipt]:
        """Store one request's complaints. Raises NonceSeen before anything is written."""
        nonce = (unit.channel, unit.nonce) if unit.nonce is not None else None
        if nonce is not None and nonce in self._nonces:
            raise NonceSeen
        receipts = [self._take_one(unit, draft, ledger) for draft in unit.drafts]
        if nonce is not None:
            self._nonces.add(nonce)
            self._new_nonces.append({"channel": nonce[0], "nonce": nonce[1], "seen_at": unit.seen_at})
        return receipts

    def _take_one(self, unit: Take, draft: Outcome, ledger: Ledger) -> Receipt:
        source = _source(draft)
        if source in self._fresh:
            fresh = self._fresh[source]
            if unit.again(fresh, draft) is None:
                return Receipt(fresh, duplicate=True)
            # It differs from a ticket of this very transaction: that one must be in the tables first.
            ledger.flush()
            self._known[source] = self._fresh.pop(source).id
        if source in self._known:
            existing = tickets_on(ledger.connection, tables.tickets.c.id == self._known[source])[0]
            if ledger.was_just_sent(existing, draft):
                return Receipt(existing, duplicate=True)
            outcome = unit.again(existing, draft)
            if outcome is not None:
                ledger.keep_sending(existing, draft)
                existing = ledger.change(existing, outcome)
            return Receipt(existing, duplicate=True)
        ticket = ledger.add(draft, unit.seen_at)
        self._fresh[source] = ticket
        return Receipt(ticket, duplicate=False)

    def flush_nonces(self, connection: Connection) -> None:
        if self._new_nonces:
            insert_rows(connection, tables.nonces, self._new_nonces)


def _change(unit: Change, connection: Connection, ledger: Ledger) -> tuple[Ticket, ...]:
    found = {ticket.no: ticket for ticket in tickets_on(connection, tables.tickets.c.no.in_(unit.numbers))}
    if len(found) < len(unit.numbers):
        raise TicketNotFound
    before = tuple(found[no] for no in unit.numbers)
    if unit.key is not None and _was_done(connection, unit.key):
        return before
    if unit.expected_version is not None and before[0].version != unit.expected_version:
        raise VersionConflict
    if unit.climb is not None and not _stands_at(connection, before[0], unit.climb):
        return before
    try:
        outcomes = unit.work(before)
    except Exception as error:
        raise _Declined(error) from error
    changed = []
    for old, outcome in zip(before, outcomes, strict=True):
        changed.append(ledger.change(old, outcome) if outcome.events else old)
    if unit.climb is not None and outcomes[0].events:
        statement = update(tables.clocks).where(*_key(before[0], unit.climb)).values(rungs=unit.climb.until)
        connection.execute(statement)
    if unit.key is not None:
        row = {"key": unit.key.key, "ticket_no": before[0].no, "done_at": unit.key.now}
        connection.execute(insert(tables.request_keys), row)
    return tuple(changed)


def _was_done(connection: Connection, key: RequestKey) -> bool:
    table = tables.request_keys.c
    return connection.execute(select(table.key).where(table.key == key.key)).one_or_none() is not None


def _key(ticket: Ticket, climb: Climb) -> tuple[ColumnElement[bool], ...]:
    clock = tables.clocks.c
    return (
        clock.ticket_id == ticket.id,
        clock.position == climb.position,
        clock.stage == climb.stage.value,
        clock.round == climb.round,
    )


def _stands_at(connection: Connection, ticket: Ticket, climb: Climb) -> bool:
    statement = select(tables.clocks.c.rungs).where(*_key(ticket, climb))
    return connection.execute(statement).scalar_one_or_none() == climb.taken


def _source(draft: Outcome) -> tuple[str, str]:
    return draft.ticket.complaint.channel, draft.ticket.complaint.source_no


def _refuse(unit: Unit, error: Exception) -> None:
    if not unit.done.done():
        unit.done.set_exception(error)
        with contextlib.suppress(asyncio.InvalidStateError):
            unit.done.exception()  # seen: a caller that went away leaves no warning behind
