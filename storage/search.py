"""Finding tickets by any part of their text, their numbers or the reporter's phone, however many there are.

An index of pieces (`grams`) leads to candidates, which are then compared with what was sent. It is kept beside the tickets by
following their events, a second or so behind, so that taking one in costs nothing more. It holds no name, of a phone number
its last four digits only, and every piece as a keyed digest. On SQLite it is an FTS5 table without the texts, on PostgreSQL a
GIN index.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    and_,
    column,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.complaint import Reporter
from domain.disclosure import without_reporter
from storage import tables
from storage.cursors import read_cursor, write_cursor
from storage.database import writing
from storage.grams import PHONE_TAIL, grams, grams_of, phone_tail, squeezed
from storage.keyring import Keyring
from storage.rows import reporter_key
from storage.sealing import keyring_of
from storage.tickets import LargestId, Page, TicketFilter, summaries

JOB = "search"
"""The job whose cursor says up to which event the index is complete."""

SENDINGS = ("received", "sent_differently", "sent_again")
"""The events behind which there may be a new sending."""

AT_ONCE = 200
"""Events that one round of following looks at."""

MOST_WORDS = 8
SHORTEST_PHONE = 7
COMPARED_AT_ONCE = 200
MOST_COMPARED = 2_000
"""Candidates that are compared for one page; the next page goes on behind them."""

NEWEST = 3_000
"""Tickets that PostgreSQL looks through before it asks the index about all of them."""

PIECE_SIZE = 5
"""Bytes of a piece's digest: in a million pieces two are hardly ever taken for each other."""

_VERSIONS = 256
"""On SQLite a sending's row in the index is its ticket's id times this, and its ordinal; nothing is sent so often."""


class TooShort(Exception):
    """What is looked for has no two characters (or three letters or digits) next to each other."""


class _Sent(msgspec.Struct):
    """The texts of a stored complaint that can be looked for."""

    title: str
    content: str
    party: str
    appeal: str
    place: _Place


class _Place(msgspec.Struct):
    address: str


_sent_decoder = msgspec.json.Decoder(_Sent)
_reporter_decoder = msgspec.json.Decoder(Reporter)

_index = table(
    "search_grams",
    column("rowid", Integer),
    column("ticket_id", BigInteger),
    column("ordinal", Integer),
    column("grams", ARRAY(Text)),
)


@dataclass(frozen=True, slots=True)
class _Word:
    """One of the words looked for: `whole` in the index's spelling, its pieces, and what else it may be."""

    whole: str
    pieces: frozenset[str]
    tail: str

    @property
    def exact(self) -> bool:
        """Whether the pieces alone say that the word is there."""
        return self.pieces == {self.whole}


def _words(query: str, *, by_phone: bool) -> list[_Word]:
    """Raises TooShort where none of the words has a piece."""
    found = []
    for word in query.split()[:MOST_WORDS]:
        whole = squeezed(word)
        may_end = by_phone and len(whole) == PHONE_TAIL and whole.isdigit() and whole.isascii()
        tail = phone_tail(whole) if may_end else ""
        if whole:
            found.append(_Word(whole, frozenset(grams(whole)), tail))
    if not any(word.pieces for word in found):
        raise TooShort(query)
    return found


class Search:
    """The index of one database: kept up by `follow`, asked by `find`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._keyring = keyring_of(engine.dialect)
        self._on_sqlite = engine.dialect.name == "sqlite"

    async def follow(self) -> bool:
        """Take the next sendings into the index; false when it has caught up. Any number of processes may do so at once."""
        cursors, head = tables.job_cursors, tables.head.c
        mine = select(cursors.c.sequence).where(cursors.c.job == JOB)
        async with self._engine.connect() as connection:
            newest = (await connection.execute(select(head.event_sequence))).scalar_one()
            if (await connection.execute(mine)).scalar_one() >= newest:
                return False
        async with writing(self._engine) as connection:
            done = (await connection.execute(mine.with_for_update())).scalar_one()
            newest = (await connection.execute(select(head.event_sequence))).scalar_one()
            event = tables.events.c
            following = (
                select(event.sequence, event.ticket_id)
                .where(event.sequence > done, event.sequence <= newest, event.action.in_(SENDINGS))
                .order_by(event.sequence)
                .limit(AT_ONCE)
            )
            found = (await connection.execute(following)).all()
            await self._add(connection, sorted({row.ticket_id for row in found}))
            reached = found[-1].sequence if len(found) == AT_ONCE else newest
            await connection.execute(update(cursors).where(cursors.c.job == JOB).values(sequence=reached))
        return bool(reached < newest)

    async def catch_up(self) -> None:
        """Follow until there is nothing left."""
        while await self.follow():
            pass

    async def _add(self, connection: AsyncConnection, ids: Sequence[int]) -> None:
        """Index those sendings of tickets that are not in the index yet."""
        fresh = tables.search_documents.c.ticket_id.is_(None)
        rows = (await connection.execute(_sendings(ids).where(fresh))).all() if ids else []
        if not rows:
            return
        places = [{"ticket_id": row.ticket_id, "ordinal": row.ordinal} for row in rows]
        await connection.execute(insert(tables.search_documents), places)
        pieces = [_kept_pieces(row, self._keyring) for row in rows]
        if self._on_sqlite:
            await connection.execute(
                text("INSERT INTO search_grams (rowid, grams) VALUES (:row, :grams)"),
                [
                    {"row": row.ticket_id * _VERSIONS + row.ordinal, "grams": " ".join(one)}
                    for row, one in zip(rows, pieces, strict=True)
                ],
            )
        else:
            index = insert(_index)
            await connection.execute(
                index, [{**place, "grams": one} for place, one in zip(places, pieces, strict=True)]
            )

    async def find(
        self,
        query: str,
        wanted: TicketFilter | None = None,
        *,
        cursor: str | None = None,
        limit: int = 50,
        by_phone: bool = True,
    ) -> Page:
        """Tickets that hold every word of a query somewhere, newest first.

        A word may be any part of the text, the place, the party or a number, whatever spaces and punctuation stand between.
        Four digits also find the tickets of reporters whose number ends so, a whole number those of that number, unless
        `by_phone` is false: for those who may not learn whose a ticket is. What came within the last second may not be found
        yet. Raises TooShort, and ValueError for a cursor that was not ours.
        """
        before = read_cursor(cursor, LargestId) if cursor else None
        query = "".join(char for char in query if char.isprintable() or char.isspace())
        words = _words(query, by_phone=by_phone)
        conditions = wanted.conditions() if wanted else []
        ticket = tables.tickets.c
        async with self._engine.connect() as connection:
            ids, last = await self._compared(connection, words, conditions, before, limit, by_phone=by_phone)
            exact = self._by_number(query.strip(), words, by_phone=by_phone)
            if exact is not None:
                more = select(ticket.id).where(exact, *conditions).order_by(ticket.id.desc()).limit(limit + 1)
                if before is not None:
                    more = more.where(ticket.id < before)
                if last is not None:
                    more = more.where(ticket.id >= last)
                ids = sorted({*ids, *(await connection.execute(more)).scalars()}, reverse=True)
                if len(ids) > limit:
                    ids, last = ids[:limit], ids[limit - 1]
            items = await summaries(connection, ids)
        return Page(items, write_cursor(last) if last is not None else None)

    async def _compared(
        self,
        connection: AsyncConnection,
        words: Sequence[_Word],
        conditions: Sequence[ColumnElement[bool]],
        before: int | None,
        limit: int,
        *,
        by_phone: bool,
    ) -> tuple[list[int], int | None]:
        """Ids of the tickets that really hold the words, and the last one looked at where there may be more."""
        certain = by_phone and all(word.exact for word in words)
        ids: dict[int, None] = {}
        at_once, seen = limit + 1 if certain else COMPARED_AT_ONCE, 0
        for above in await self._floors(connection, before):
            while True:
                statement = self._candidates(words, conditions, above, before, at_once)
                rows = (await connection.execute(statement)).all()
                for row in rows:
                    if row.ticket_id not in ids and (certain or _holds(row, words, by_phone=by_phone)):
                        if len(ids) == limit:
                            return list(ids), list(ids)[-1]
                        ids[row.ticket_id] = None
                seen += len(rows)
                if len(rows) < at_once:
                    before = above
                    break
                # The last ticket may have another sending beyond this batch.
                before = rows[-1].ticket_id + (rows[0].ticket_id != rows[-1].ticket_id)
                if seen >= MOST_COMPARED:
                    return list(ids), before
        return list(ids), None

    async def _floors(self, connection: AsyncConnection, before: int | None) -> list[int]:
        """Down to which ids to look, one after another. PostgreSQL gathers all that fits before it knows the newest: words
        that stand everywhere are found among the newest tickets alone."""
        if self._on_sqlite:
            return [0]
        if before is None:
            before = (
                await connection.execute(select(func.coalesce(func.max(tables.tickets.c.id), 0)))
            ).scalar_one() + 1
        return [before - NEWEST, 0] if before > 2 * NEWEST else [0]

    def _candidates(
        self,
        words: Sequence[_Word],
        conditions: Sequence[ColumnElement[bool]],
        above: int,
        before: int | None,
        limit: int,
    ) -> Select[Any]:
        """Sendings whose pieces fit, newest ticket first, from the id `above` up to below `before`, with what they are
        compared by."""
        sent, ticket = tables.complaints.c, tables.tickets.c
        ticket_id: ColumnElement[int]
        ordinal: ColumnElement[int]
        fits: ColumnElement[bool]
        if self._on_sqlite:
            row = literal_column("search_grams.rowid", BigInteger)
            ticket_id, ordinal = row.op("/")(_VERSIONS), row.op("%")(_VERSIONS)
            fits = literal_column("search_grams", Text).bool_op("MATCH")(self._match(words))
            order = row.desc()
            bounds = [row < before * _VERSIONS] if before is not None else []
        else:
            ticket_id, ordinal = _index.c.ticket_id, _index.c.ordinal
            fits = and_(*(self._contains(word) for word in words if word.pieces))
            # Not by the column itself: for the sake of its order PostgreSQL would walk all tickets instead of the index.
            order = ticket_id.op("+")(literal_column("0")).desc()
            bounds = [ticket_id >= above] if above else []
            bounds += [ticket_id < before] if before is not None else []
        return (
            select(
                *(ticket.id.label("ticket_id"), ticket.no, ticket.source_no, ticket.reporter_key),
                *(sent.document, sent.reporter),
            )
            .select_from(_index)
            .join(tables.tickets, ticket.id == ticket_id)
            .join(tables.complaints, and_(sent.ticket_id == ticket.id, sent.ordinal == ordinal))
            .where(fits, *bounds, *conditions)
            .order_by(order)
            .limit(limit)
        )

    def _kept(self, piece: str) -> str:
        return kept_piece(piece, self._keyring)

    def _match(self, words: Sequence[_Word]) -> str:
        """In the language of FTS5."""
        parts = []
        for word in words:
            if word.pieces:
                all_of = " AND ".join(map(self._kept, sorted(word.pieces)))
                parts.append(f"(({all_of}) OR {self._kept(word.tail)})" if word.tail else f"({all_of})")
        return " AND ".join(parts)

    def _contains(self, word: _Word) -> ColumnElement[bool]:
        fits = _index.c.grams.contains(sorted(map(self._kept, word.pieces)))
        return or_(fits, _index.c.grams.contains([self._kept(word.tail)])) if word.tail else fits

    def _by_number(self, query: str, words: Sequence[_Word], *, by_phone: bool) -> ColumnElement[bool] | None:
        """What finds a whole number of ours or a reporter's whole phone number at once, indexed already or not."""
        ticket = tables.tickets.c
        if len(words) != 1:
            return None
        whole = words[0].whole
        named = ticket.no == query.upper()
        if by_phone and whole.isascii() and whole.isdigit() and len(whole) >= SHORTEST_PHONE:
            return or_(named, ticket.reporter_key == reporter_key(Reporter(phone=whole), self._keyring))
        return named


def kept_piece(piece: str, keyring: Keyring) -> str:
    """A piece as the index holds it: by a keyed digest in letters and digits, from which nobody reads it back."""
    return base64.b32encode(keyring.digest(piece.encode(), PIECE_SIZE)).decode().lower()


def forget_sendings(connection: Connection, ticket_id: int) -> None:
    """Take a ticket's sendings out of the index, before what was sent is changed. They count as indexed: none comes back."""
    if connection.dialect.name != "sqlite":
        connection.execute(delete(_index).where(_index.c.ticket_id == ticket_id))
        return
    keyring = keyring_of(connection.dialect)
    indexed = tables.search_documents.c.ticket_id.is_not(None)
    for row in connection.execute(_sendings([ticket_id]).where(indexed)):
        # An index that holds no texts must be told what it holds of the one that goes.
        told = {"row": row.ticket_id * _VERSIONS + row.ordinal, "grams": " ".join(_kept_pieces(row, keyring))}
        connection.execute(
            text("INSERT INTO search_grams (search_grams, rowid, grams) VALUES ('delete', :row, :grams)"), told
        )


def _sendings(ids: Sequence[int]) -> Select[Any]:
    """What the index is made from, beside the note that a sending is in it."""
    sent, ticket, known = tables.complaints.c, tables.tickets.c, tables.search_documents.c
    return (
        select(sent.ticket_id, sent.ordinal, sent.document, sent.reporter, ticket.no, ticket.source_no)
        .join(tables.tickets, ticket.id == sent.ticket_id)
        .outerjoin(tables.search_documents, and_(known.ticket_id == sent.ticket_id, known.ordinal == sent.ordinal))
        .where(sent.ticket_id.in_(ids), sent.ordinal < _VERSIONS)
        .order_by(sent.ticket_id, sent.ordinal)
    )


def _kept_pieces(row: Any, keyring: Keyring) -> list[str]:
    return sorted(kept_piece(piece, keyring) for piece in _pieces_of(row))


def _pieces_of(row: Any) -> set[str]:
    sent = _sent_decoder.decode(row.document)
    reporter = _reporter_decoder.decode(row.reporter)
    fields = (sent.title, sent.content, sent.party, sent.appeal, sent.place.address, row.no, row.source_no)
    tails = {phone_tail(number) for number in (reporter.phone, reporter.contact)} - {""}
    return grams_of(fields) | tails


def _holds(row: Any, words: Sequence[_Word], *, by_phone: bool) -> bool:
    """Not by phone, the texts are compared as a unit reads them: a number that is masked cannot be found out bit by bit."""
    sent = _sent_decoder.decode(row.document)
    texts = [sent.title, sent.content, sent.party, sent.appeal, sent.place.address]
    if not by_phone:
        name = _reporter_decoder.decode(row.reporter).name
        texts = [without_reporter(one, name) for one in texts]
    whole = "\n".join(squeezed(field) for field in (*texts, row.no, row.source_no))
    return all(word.whole in whole or (word.tail and _ends_so(row, word)) for word in words)


def _ends_so(row: Any, word: _Word) -> bool:
    reporter = _reporter_decoder.decode(row.reporter)
    return word.tail in {phone_tail(number) for number in (reporter.phone, reporter.contact)}
