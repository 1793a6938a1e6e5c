"""Dialogues with citizens: where each stands, under an optimistic lock, and what was said. Not: what a dialogue means.

Documents are JSON text that `intake_bot.conversation` writes and reads. They hold what people told us, phone numbers
too, and are forgotten after a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage import tables
from storage.database import as_told, writing


class ConversationChanged(Exception):
    """Another turn of the same dialogue was stored meanwhile; nothing was stored."""


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """A dialogue as it stands. `version` grows by one with every change; 0: it has not been stored yet."""

    id: str
    version: int
    document: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """One thing that a person sent, and what was answered; `reply` None: what it asks for is still being done."""

    turn_id: str
    at: datetime
    turn: str
    reply: str | None


class Conversations:
    """Reading and writing dialogues. `person` is a digest of a channel and its key, never the key itself."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, person: str) -> StoredConversation | None:
        """The dialogue of a person. Raises StorageUnavailable."""
        table = tables.conversations
        try:
            async with self._engine.connect() as connection:
                row = (await connection.execute(select(table).where(table.c.person == person))).one_or_none()
        except (DBAPIError, OSError) as error:
            raise as_told(error) from error
        return StoredConversation(row.id, row.version, row.document, row.changed_at) if row else None

    async def turn(self, conversation_id: str, turn_id: str) -> StoredTurn | None:
        """A turn that was sent before. Raises StorageUnavailable."""
        table = tables.conversation_turns.c
        statement = select(tables.conversation_turns).where(
            table.conversation_id == conversation_id, table.turn_id == turn_id
        )
        try:
            async with self._engine.connect() as connection:
                row = (await connection.execute(statement)).one_or_none()
        except (DBAPIError, OSError) as error:
            raise as_told(error) from error
        return StoredTurn(row.turn_id, row.at, row.turn, row.reply) if row else None

    async def turns(self, conversation_id: str, limit: int) -> list[StoredTurn]:
        """The last turns of a dialogue, oldest first."""
        table = tables.conversation_turns.c
        statement = (
            select(tables.conversation_turns)
            .where(table.conversation_id == conversation_id)
            .order_by(table.ordinal.desc())
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).all()
        return [StoredTurn(row.turn_id, row.at, row.turn, row.reply) for row in reversed(rows)]

    async def unanswered(self, before: datetime, limit: int) -> list[str]:
        """Whose turns, sent before a moment, still wait for what they ask for, the oldest first."""
        table, turn = tables.conversations.c, tables.conversation_turns.c
        statement = (
            select(table.person)
            .join(tables.conversation_turns, turn.conversation_id == table.id)
            .where(turn.reply.is_(None), turn.at < before)
            .order_by(turn.at)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return list(dict.fromkeys((await connection.execute(statement)).scalars()))

    async def save(self, person: str, now: StoredConversation, turn: StoredTurn) -> None:
        """Store a dialogue as it stands after a turn, together with the turn, which may be there without its reply.

        `now.version` is the version that was read. Raises ConversationChanged where it is no longer so, and
        StorageUnavailable; then nothing was stored.
        """
        try:
            async with writing(self._engine) as connection:
                await _save_state(connection, person, now)
                await _save_turn(connection, now.id, turn)
        except IntegrityError as error:
            raise ConversationChanged from error
        except (DBAPIError, OSError) as error:
            raise as_told(error) from error

    async def forget(self, before: datetime) -> int:
        """Delete the dialogues in which nothing was said since a moment; how many there were."""
        table = tables.conversations.c
        async with writing(self._engine) as connection:
            result = await connection.execute(delete(tables.conversations).where(table.changed_at < before))
            return result.rowcount

    async def erase(self, conversation_id: str) -> None:
        """Delete a dialogue; nothing happens where there is none of that id."""
        async with writing(self._engine) as connection:
            await connection.execute(delete(tables.conversations).where(tables.conversations.c.id == conversation_id))


async def _save_state(connection: AsyncConnection, person: str, now: StoredConversation) -> None:
    table = tables.conversations
    values = {"document": now.document, "version": now.version + 1, "changed_at": now.changed_at}
    if now.version == 0:
        await connection.execute(insert(table).values(id=now.id, person=person, begun_at=now.changed_at, **values))
        return
    changed = await connection.execute(
        update(table).where(table.c.id == now.id, table.c.version == now.version).values(**values)
    )
    if changed.rowcount == 0:
        raise ConversationChanged


async def _save_turn(connection: AsyncConnection, conversation_id: str, turn: StoredTurn) -> None:
    """The version that was just raised orders all writers of a dialogue, so its turns cannot be numbered twice."""
    table = tables.conversation_turns
    here = (table.c.conversation_id == conversation_id, table.c.turn_id == turn.turn_id)
    known = await connection.execute(update(table).where(*here).values(reply=turn.reply))
    if known.rowcount:
        return
    last = await connection.execute(select(func.max(table.c.ordinal)).where(table.c.conversation_id == conversation_id))
    await connection.execute(
        insert(table).values(
            conversation_id=conversation_id,
            ordinal=(last.scalar_one() or 0) + 1,
            turn_id=turn.turn_id,
            at=turn.at,
            turn=turn.turn,
            reply=turn.reply,
        )
    )
