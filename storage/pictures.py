"""Pictures that citizens and brigades send. Kept in the database, so that every process and every backup has them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from storage import tables
from storage.database import writing

CITIZEN = "citizen:"
"""What stands before the digest of a person, which their dialogue is kept under, where a citizen sent a picture."""
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG. `sent_by`: an account, or `CITIZEN` and whose dialogue it is; `ticket_no`: empty until the picture belongs to a
    ticket."""

    id: str
    content: bytes
    width: int
    height: int
    sent_by: str
    sent_at: datetime
    ticket_no: str = ""


class PictureDiffers(Exception):
    """There is another picture of that id; ids are chosen at random by the sender."""


class Pictures:
    """Queries and changes about pictures."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def keep(self, picture: Picture) -> bool:
        """Store a picture; false where the very same is there already. Raises PictureDiffers."""
        digest = hashlib.sha256(picture.content).hexdigest()
        table = tables.pictures
        try:
            async with writing(self._engine) as connection:
                await connection.execute(
                    insert(table).values(
                        id=picture.id,
                        sha256=digest,
                        content=picture.content,
                        width=picture.width,
                        height=picture.height,
                        sent_by=picture.sent_by,
                        sent_at=picture.sent_at,
                        ticket_no=picture.ticket_no,
                    )
                )
        except IntegrityError as error:
            async with self._engine.connect() as connection:
                known = (
                    await connection.execute(select(table.c.sha256, table.c.sent_by).where(table.c.id == picture.id))
                ).one_or_none()
            if known is None or (known.sha256, known.sent_by) != (digest, picture.sent_by):
                raise PictureDiffers(picture.id) from error
            return False
        return True

    async def get(self, picture_id: str) -> Picture | None:
        """A picture with its content."""
        table = tables.pictures.c
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(
                    select(
                        *(table.id, table.content, table.width, table.height),
                        *(table.sent_by, table.sent_at, table.ticket_no),
                    ).where(table.id == picture_id)
                )
            ).one_or_none()
        return Picture(*row) if row else None

    async def senders(self, picture_ids: Sequence[str]) -> dict[str, str]:
        """Who sent each of these pictures; an id that is unknown is left out."""
        table = tables.pictures.c
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(table.id, table.sent_by).where(table.id.in_(picture_ids)))
            return {row.id: row.sent_by for row in rows}

    async def forget(self, before: datetime) -> int:
        """Delete what citizens sent before a moment and what never came to belong to a ticket, except what the sender's
        dialogue still speaks of; how many there were. A few at a time, so that nobody waits long to write.
        """
        table, talk = tables.pictures.c, tables.conversations.c
        left = (
            select(table.id, talk.document)
            .outerjoin(tables.conversations, talk.person == func.substr(table.sent_by, len(CITIZEN) + 1))
            .where(table.ticket_no == "", table.sent_by.startswith(CITIZEN), table.sent_at < before)
            .order_by(table.id)
            .limit(_AT_ONCE)
        )
        gone, last = 0, ""
        while True:
            async with writing(self._engine) as connection:
                rows = (await connection.execute(left.where(table.id > last))).all()
                ids = [row.id for row in rows if row.id not in (row.document or "")]
                if ids:
                    await connection.execute(delete(tables.pictures).where(table.id.in_(ids)))
            gone += len(ids)
            if len(rows) < _AT_ONCE:
                return gone
            last = rows[-1].id

    async def belong(self, picture_ids: Sequence[str], ticket_no: str) -> None:
        """Note whose ticket pictures belong to; one that belongs elsewhere already stays there."""
        table = tables.pictures
        async with writing(self._engine) as connection:
            await connection.execute(
                update(table).where(table.c.id.in_(picture_ids), table.c.ticket_no == "").values(ticket_no=ticket_no)
            )
