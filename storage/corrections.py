"""What people set right after the model: rows to learn from, and how often nobody had to. Holds no reporter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.complaint import Kind
from domain.privacy import masked_text
from domain.understanding import Guess
from storage import tables
from storage.rows import complaint_of, event_of, understanding_of

RECLASSIFIED = "reclassified"
RETURNED = "return_granted"
CORRECTED = (RECLASSIFIED, RETURNED)
"""Events that say that the model (or the rules over it) was wrong."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A text with the category and kind that a person gave it; long numbers in the text are masked."""

    text: str
    category: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Returned:
    """A text that a unit returned as not its own, and was right. `guesses`: what the model thought of, the likeliest
    first; `unit`, `department`: whose it is by the ruling, an outside department's where one is named."""

    text: str
    kind: Kind
    guesses: tuple[Guess, ...]
    unit: str
    department: str


@dataclass(frozen=True, slots=True)
class Untouched:
    """Of the tickets of one week and category as the model gave it: how many there were, how many nobody corrected."""

    week: datetime
    category: str
    tickets: int
    never_corrected: int


@dataclass(frozen=True, slots=True)
class CorrectedTicket:
    """One act of setting right: from what to what (category codes), who did it, when and why. The text is masked."""

    ticket_no: str
    at: datetime
    actor: str
    text: str
    before: str
    after: str
    note: str


_ticket = tables.tickets.c
_OPEN_TO_LEARNING = (_ticket.confidential.is_(False), _ticket.kind != Kind.REPORT.value, ~_ticket.erased)
"""Whose words may be learnt from; of what was erased there are none."""


class Corrections:
    """Queries over corrections. None of them writes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def rows(self) -> list[Correction]:
        """Every reclassified ticket as a training row, oldest first. 保密 reporters and reports (举报) are left out."""
        statement = _told().where(_ticket.id.in_(_with(RECLASSIFIED)), *_OPEN_TO_LEARNING).order_by(_ticket.id)
        async with self._engine.connect() as connection:
            found = (await connection.execute(statement)).mappings().all()
        return [_correction(row) for row in found]

    async def returned(self) -> list[Returned]:
        """Every ticket that a unit returned with success and that nobody classified anew, oldest first.

        保密 reporters and reports (举报) are left out.
        """
        statement = (
            _told()
            .where(_ticket.id.in_(_with(RETURNED)), _ticket.id.not_in(_with(RECLASSIFIED)), *_OPEN_TO_LEARNING)
            .order_by(_ticket.id)
        )
        async with self._engine.connect() as connection:
            found = (await connection.execute(statement)).mappings().all()
        return [_returned(row) for row in found]

    async def latest(self, limit: int) -> list[CorrectedTicket]:
        """What people set right last. 保密 reporters and reports (举报) are left out."""
        event, sent = tables.events.c, tables.complaints.c
        statement = (
            select(_ticket.no, tables.events, sent.document, sent.reporter)
            .join(tables.tickets, _ticket.id == event.ticket_id)
            .join(tables.complaints, and_(sent.ticket_id == _ticket.id, sent.ordinal == 1))
            .where(event.action == RECLASSIFIED, *_OPEN_TO_LEARNING)
            .order_by(event.at.desc(), event.sequence.desc())
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            found = (await connection.execute(statement)).mappings().all()
        return [_corrected(row) for row in found]

    async def untouched(self, weeks: Sequence[datetime], end: datetime) -> list[Untouched]:
        """Week by week, each from its first moment to the next one's (the last one's to `end`), and by the category that
        the model gave."""
        found: list[Untouched] = []
        async with self._engine.connect() as connection:
            for start, after in pairwise((*weeks, end)):
                found += await _week(connection, start, after)
        return found


def _told() -> Select[Any]:
    """Tickets with what was told."""
    sent = tables.complaints.c
    columns = (_ticket.category, _ticket.kind, _ticket.understanding, _ticket.unit, _ticket.refer_to)
    first = and_(sent.ticket_id == _ticket.id, sent.ordinal == 1)
    return select(*columns, sent.document, sent.reporter).join(tables.complaints, first)


def _with(action: str) -> Select[tuple[int]]:
    """Tickets that an event happened to."""
    return select(tables.events.c.ticket_id).where(tables.events.c.action == action)


def _returned(row: Mapping[Any, Any]) -> Returned:
    read = understanding_of(row["understanding"])
    guesses = (read.category, *read.runners_up)
    text = masked_text(complaint_of(row).text)
    return Returned(text, Kind(row["kind"]), guesses, row["unit"], row["refer_to"])


def _correction(row: Mapping[Any, Any]) -> Correction:
    complaint = complaint_of(row)
    return Correction(masked_text(complaint.text), row["category"], Kind(row["kind"]))


def _corrected(row: Mapping[Any, Any]) -> CorrectedTicket:
    data = event_of(row).data
    return CorrectedTicket(
        row["no"],
        row["at"],
        row["actor"],
        masked_text(complaint_of(row).text),
        data["before"]["category"],
        data["after"]["category"],
        data["note"],
    )


async def _week(connection: AsyncConnection, start: datetime, end: datetime) -> list[Untouched]:
    """A ticket that nobody corrected still has the model's category; of the few others it is read from what it said."""
    ticket = tables.tickets.c
    touched = select(tables.events.c.ticket_id).where(
        tables.events.c.action.in_(CORRECTED), tables.events.c.at >= start
    )
    this_week = (ticket.created_at >= start, ticket.created_at < end)
    kept = await connection.execute(
        select(ticket.category, func.count().label("tickets"))
        .where(*this_week, ticket.id.not_in(touched))
        .group_by(ticket.category)
    )
    right = Counter({row.category: row.tickets for row in kept})
    said = await connection.execute(select(ticket.understanding).where(*this_week, ticket.id.in_(touched)))
    wrong = Counter(understanding_of(row.understanding).category.code for row in said)
    return [
        Untouched(start, category, right[category] + wrong[category], right[category])
        for category in sorted(right.keys() | wrong.keys())
    ]
