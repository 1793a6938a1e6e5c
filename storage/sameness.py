"""What is kept for finding the same trouble: signatures, keys that lead to candidates, how far the events were followed.

Finding costs the same however many tickets there are: a bounded number of candidates for each key, by index. Keys stand in the
table as keyed digests: what a ticket says cannot be guessed from them. Not: comparing (`router.sameness`), nor joining
(`storage.incidents`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import CompoundSelect, Connection, and_, bindparam, delete, insert, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.event import Event
from domain.incident import ProposalState, Sameness, Signature
from domain.ticket import Status, Ticket
from storage import tables
from storage.database import lock_head, writing
from storage.keyring import Keyring
from storage.loading import load_tickets
from storage.rows import encoded, event_of
from storage.sealing import keyring_of

JOB = "incidents"
"""The job whose cursor says up to which event everything has been looked at."""

AT_ONCE = 40
"""Events of one round: what is compared in it is read and written together."""

MOST_IN_BLOCK = 40
MOST_COMPARED = 120
"""Candidates of one key, and of a complaint in all: those that share the most keys with it."""

KeysOf = Callable[[Signature], Sequence[int]]
"""The keys that a signature was kept under."""

_signature_decoder = msgspec.msgpack.Decoder(Signature)
_event, _ticket = tables.events.c, tables.tickets.c
_signature, _key = tables.sameness_signatures.c, tables.sameness_keys.c


@dataclass(frozen=True, slots=True)
class Followed:
    """An event that may matter, of the ticket with that id."""

    sequence: int
    ticket_id: int
    event: Event


@dataclass(frozen=True, slots=True)
class Round:
    """The next events: after `cursor`, up to `reached`. Nothing is behind `reached` when `done`."""

    cursor: int
    reached: int
    events: tuple[Followed, ...]
    done: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """An earlier ticket that may be the same trouble."""

    ticket_id: int
    no: str
    status: Status
    signature: Signature


@dataclass(frozen=True, slots=True)
class Found:
    """What was found about a new ticket: its signature and keys, and the earlier tickets (id, state) it may be the same as."""

    ticket_id: int
    signature: Signature
    keys: tuple[int, ...]
    proposals: tuple[tuple[int, Sameness, ProposalState], ...]


class SamenessIndex:
    """The signatures and proposals of one database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._keyring = keyring_of(engine.dialect)

    async def next_round(self, actions: Sequence[str]) -> Round:
        """The next events of these actions that nobody has dealt with."""
        async with self._engine.connect() as connection:
            cursor = (await connection.execute(_cursor())).scalar_one()
            newest = (await connection.execute(select(tables.head.c.event_sequence))).scalar_one()
            if cursor >= newest:
                return Round(cursor, cursor, (), True)
            statement = (
                select(tables.events)
                .where(_event.sequence > cursor, _event.sequence <= newest, _event.action.in_(actions))
                .order_by(_event.sequence)
                .limit(AT_ONCE)
            )
            rows = (await connection.execute(statement)).mappings().all()
        reached = rows[-1]["sequence"] if len(rows) == AT_ONCE else newest
        return Round(cursor, reached, tuple(_followed(row) for row in rows), reached == newest)

    async def tickets(self, ids: Sequence[int]) -> dict[int, Ticket]:
        """Whole tickets by id."""
        async with self._engine.connect() as connection:
            return {one.id: one for one in await load_tickets(connection, _ticket.id.in_(ids))} if ids else {}

    async def candidates(self, ticket_id: int, keys: Sequence[int]) -> list[Candidate]:
        """Earlier tickets that share keys with one, at most `MOST_COMPARED`."""
        if not keys:
            return []
        kept = [kept_key(key, self._keyring) for key in keys]
        async with self._engine.connect() as connection:
            met = Counter(row.ticket_id for row in await connection.execute(_blocks(kept, ticket_id)))
            ids = [one for one, _ in sorted(met.items(), key=lambda one: (-one[1], -one[0]))[:MOST_COMPARED]]
            statement = (
                select(_signature.ticket_id, _signature.document, _ticket.no, _ticket.status)
                .join(tables.tickets, _ticket.id == _signature.ticket_id)
                .where(_signature.ticket_id.in_(ids))
            )
            rows = (await connection.execute(statement)).all() if ids else []
        return [
            Candidate(row.ticket_id, row.no, Status(row.status), _signature_decoder.decode(row.document))
            for row in rows
        ]

    async def keep(self, round_: Round, found: Sequence[Found], now: datetime) -> bool:
        """Write what a round found, and that it is done. False, and nothing is written, where another process has done it."""

        def keeping(connection: Connection) -> bool:
            lock_head(connection)  # orders two processes that found the same
            if connection.execute(_cursor()).scalar_one() != round_.cursor:
                return False
            known = set(
                connection.execute(
                    select(_signature.ticket_id).where(_signature.ticket_id.in_([one.ticket_id for one in found]))
                ).scalars()
            )
            fresh = [one for one in found if one.ticket_id not in known]
            _insert(connection, tables.sameness_signatures, [_signature_row(one) for one in fresh])
            keys = [
                {"key": kept_key(key, self._keyring), "ticket_id": one.ticket_id} for one in fresh for key in one.keys
            ]
            _insert(connection, tables.sameness_keys, keys)
            _insert(connection, tables.sameness_proposals, [row for one in fresh for row in _proposal_rows(one, now)])
            connection.execute(
                update(tables.job_cursors).where(tables.job_cursors.c.job == JOB).values(sequence=round_.reached)
            )
            return True

        async with writing(self._engine) as connection:
            return await connection.run_sync(keeping)

    async def forget(self, before: datetime, keys_of: KeysOf, most: int = 200) -> int:
        """Drop signatures and keys of complaints told before a moment, at most so many; how many were."""
        old = select(_signature.ticket_id).where(_signature.at < before).limit(most)

        def forgetting(connection: Connection) -> int:
            ids = connection.execute(old).scalars().all()
            forget_signatures(connection, ids, keys_of)
            return len(ids)

        async with self._engine.connect() as connection:
            if (await connection.execute(old.limit(1))).first() is None:
                return 0
        async with writing(self._engine) as connection:
            return await connection.run_sync(forgetting)


def forget_signatures(connection: Connection, ids: Sequence[int], keys_of: KeysOf) -> None:
    """Drop what is compared of some tickets, and the keys that led to it."""
    keyring = keyring_of(connection.dialect)
    theirs = _signature.ticket_id.in_(ids)
    rows = connection.execute(select(_signature.ticket_id, _signature.document).where(theirs)).all()
    pairs = [
        {"of_key": kept_key(key, keyring), "of_ticket": row.ticket_id}
        for row in rows
        for key in keys_of(_signature_decoder.decode(row.document))
    ]
    if pairs:
        this = and_(_key.key == bindparam("of_key"), _key.ticket_id == bindparam("of_ticket"))
        connection.execute(delete(tables.sameness_keys).where(this), pairs)
    connection.execute(delete(tables.sameness_signatures).where(theirs))


def kept_key(key: int, keyring: Keyring) -> int:
    """A key as the table holds it: 64 bits with a sign."""
    return int.from_bytes(keyring.digest(key.to_bytes(8, "big", signed=True), 8), "big", signed=True)


def _cursor() -> Any:
    cursors = tables.job_cursors.c
    return select(cursors.sequence).where(cursors.job == JOB)


def _blocks(keys: Sequence[int], ticket_id: int) -> CompoundSelect[tuple[int]]:
    """The newest earlier tickets of each key, by index: a key that many share costs no more than another."""
    each = (
        select(_key.ticket_id)
        .where(_key.key == key, _key.ticket_id < ticket_id)
        .order_by(_key.ticket_id.desc())
        .limit(MOST_IN_BLOCK)
        .subquery()
        for key in keys
    )
    return union_all(*(select(block.c.ticket_id) for block in each))


def _insert(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _followed(row: Mapping[Any, Any]) -> Followed:
    return Followed(row["sequence"], row["ticket_id"], event_of(row))


def _signature_row(found: Found) -> dict[str, Any]:
    return {
        "ticket_id": found.ticket_id,
        "at": found.signature.at,
        "document": msgspec.msgpack.encode(found.signature),
    }


def _proposal_rows(found: Found, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "ticket_id": found.ticket_id,
            "other_id": other,
            "chance": sameness.chance,
            "why": encoded(sameness.why),
            "same_reporter": sameness.same_reporter,
            "state": str(state),
            "made_at": now,
            "decided_by": "",
        }
        for other, sameness, state in found.proposals
    ]
