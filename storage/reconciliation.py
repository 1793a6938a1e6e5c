"""A platform's list held against ours: what we have, the runs made, the differences until they are settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.people import SYSTEM
from domain.ticket import Status
from storage import tables
from storage.database import locked_head, upsert, writing

LONGEST_NOTE = 500
AGREES = "两边已经一致"
_OPEN = text(tables.DIFFERENCE_OPEN)


@dataclass(frozen=True, slots=True)
class OwnTicket:
    """A ticket of ours as far as it is compared. `telling`: something of it is still on its way to the platform."""

    no: str
    source_no: str
    status: Status
    reported_at: datetime
    telling: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """One disagreement found in a run. `kind`: missing_here, missing_there or state. `note` settles it at once where given."""

    source_no: str
    kind: str
    theirs: str
    ours: str
    ticket_no: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class StoredDifference:
    """A disagreement on record; `seen_at`: the last run that found it."""

    id: int
    channel: str
    source_no: str
    ticket_no: str
    kind: str
    theirs: str
    ours: str
    found_at: datetime
    seen_at: datetime
    settled_at: datetime | None
    settled_by: str
    note: str


@dataclass(frozen=True, slots=True)
class Run:
    """One comparison of a channel. `error` says why it could not be made; then the counts are 0."""

    channel: str
    day: str
    at: datetime
    theirs: int = 0
    ours: int = 0
    fetched: int = 0
    differing: int = 0
    error: str = ""


class NotOpen(Exception):
    """There is no unsettled difference of that number."""


class Reconciliation:
    """Runs and differences; our side of the comparison."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def own(self, channel: str, since: datetime) -> list[OwnTicket]:
        """The tickets of a channel that came since a moment."""
        ticket, row = tables.tickets.c, tables.outbox.c
        waits = select(row.id).where(
            row.ticket_id == ticket.id,
            row.destination == f"channel:{channel}",
            text(tables.TO_PLATFORM),
            row.next_attempt_at.is_not(None),
        )
        statement = select(
            ticket.no, ticket.source_no, ticket.status, ticket.reported_at, waits.exists().label("telling")
        ).where(ticket.channel == channel, ticket.created_at >= since)
        async with self._engine.connect() as connection:
            return [
                OwnTicket(one.no, one.source_no, Status(one.status), one.reported_at, bool(one.telling))
                for one in await connection.execute(statement)
            ]

    async def record(self, run: Run, found: Sequence[Difference]) -> None:
        """Keep a run that could be made. Differences that it did not find again are settled by themselves.

        What a person has settled is not opened again while both sides say the same as then.
        """
        table = tables.reconciliation_differences
        async with writing(self._engine) as connection:
            await locked_head(connection)
            statement = select(table).where(table.c.channel == run.channel)
            known = (await connection.execute(statement.order_by(table.c.id))).mappings().all()
            is_open = {(one["source_no"], one["kind"]): one for one in known if one["settled_at"] is None}
            settled = {
                _said(one) for one in known if one["settled_at"] is not None and one["settled_by"] != SYSTEM.name
            }
            for one in found:
                before = is_open.pop((one.source_no, one.kind), None)
                if before is not None:
                    values = {"theirs": one.theirs, "ours": one.ours, "ticket_no": one.ticket_no, "seen_at": run.at}
                    if one.note:
                        values |= _settled(run.at, one.note)
                    await connection.execute(update(table).where(table.c.id == before["id"]).values(**values))
                elif (one.source_no, one.kind, one.theirs, one.ours) not in settled:
                    await connection.execute(insert(table).values(**_row(run, one)))
            for gone in is_open.values():
                values = _settled(run.at, AGREES)
                await connection.execute(update(table).where(table.c.id == gone["id"]).values(**values))
            await connection.execute(_put(self._engine, run))

    async def failed(self, run: Run) -> None:
        """Keep a run that could not be made; the differences stay as they are."""
        async with writing(self._engine) as connection:
            await connection.execute(_put(self._engine, run))

    async def settle(self, number: int, note: str, by: str, now: datetime) -> StoredDifference:
        """Settle an open difference by hand. Raises NotOpen."""
        table = tables.reconciliation_differences
        async with writing(self._engine) as connection:
            changed = await connection.execute(
                update(table)
                .where(table.c.id == number, table.c.settled_at.is_(None))
                .values(settled_at=now, settled_by=by, note=note[:LONGEST_NOTE])
            )
            if changed.rowcount != 1:
                raise NotOpen(number)
            row = (await connection.execute(select(table).where(table.c.id == number))).mappings().one()
        return StoredDifference(**row)

    async def differences(
        self, *, channel: str | None = None, settled: bool = False, before: int | None = None, limit: int = 50
    ) -> list[StoredDifference]:
        """Unsettled differences, or the settled ones, the newest first; with numbers below `before`."""
        table = tables.reconciliation_differences.c
        statement = select(tables.reconciliation_differences).where(table.settled_at.is_not(None) if settled else _OPEN)
        if channel is not None:
            statement = statement.where(table.channel == channel)
        if before is not None:
            statement = statement.where(table.id < before)
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement.order_by(table.id.desc()).limit(limit))
            return [StoredDifference(**row) for row in rows.mappings()]

    async def open_counts(self) -> dict[str, int]:
        """Channel → differences that wait to be settled; channels without any are left out."""
        table = tables.reconciliation_differences.c
        statement = select(table.channel, func.count().label("number")).where(_OPEN).group_by(table.channel)
        async with self._engine.connect() as connection:
            return {one.channel: int(one.number) for one in await connection.execute(statement)}

    async def last_runs(self) -> dict[str, Run]:
        """The newest run of each channel."""
        table = tables.reconciliation_runs
        newest = select(table.c.channel, func.max(table.c.day).label("day")).group_by(table.c.channel).subquery()
        statement = select(table).join(newest, (table.c.channel == newest.c.channel) & (table.c.day == newest.c.day))
        async with self._engine.connect() as connection:
            return {row["channel"]: Run(**row) for row in (await connection.execute(statement)).mappings()}


def _put(engine: AsyncEngine, run: Run) -> Any:
    """One run for each day: a later one of the same day takes the place of the earlier."""
    values = {name: getattr(run, name) for name in run.__slots__}
    keys = ("channel", "day")
    statement = upsert(engine.dialect.name, tables.reconciliation_runs).values(**values)
    changed = {name: value for name, value in values.items() if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def _row(run: Run, one: Difference) -> dict[str, Any]:
    return {
        "channel": run.channel,
        "source_no": one.source_no,
        "ticket_no": one.ticket_no,
        "kind": one.kind,
        "theirs": one.theirs,
        "ours": one.ours,
        "found_at": run.at,
        "seen_at": run.at,
        "settled_at": None,
        "settled_by": "",
        "note": "",
    } | (_settled(run.at, one.note) if one.note else {})


def _settled(at: datetime, note: str) -> dict[str, Any]:
    return {"settled_at": at, "settled_by": SYSTEM.name, "note": note[:LONGEST_NOTE]}


def _said(row: RowMapping) -> tuple[str, str, str, str]:
    return row["source_no"], row["kind"], row["theirs"], row["ours"]
