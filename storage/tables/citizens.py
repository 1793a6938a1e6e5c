"""What citizens tell us besides their complaints: dialogues, pictures, digits for a look-up."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table, UniqueConstraint, text

from storage.columns import UtcDateTime
from storage.sealing import SealedBytes, SealedText
from storage.tables.base import metadata, partial_index

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("person", String(64), nullable=False, unique=True),
    Column("document", SealedText(), nullable=False),
    Column("version", Integer, nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False, index=True),
    comment="Where the dialogue with each citizen stands; person is a digest of the channel and its key, never the key itself",
)

conversation_turns = Table(
    "conversation_turns",
    metadata,
    Column("conversation_id", String(32), ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("turn_id", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("turn", SealedText(), nullable=False),
    Column("reply", SealedText()),  # none: what the turn asks for is being done
    UniqueConstraint("conversation_id", "turn_id"),
    partial_index("ix_conversation_turns_at", "at", where="reply IS NULL"),
)

look_up_misses = Table(
    "look_up_misses",
    metadata,
    Column("ticket_no", String(32), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("misses", Integer, nullable=False),
    comment="How often the four digits for a ticket number, whether there is such a ticket or not, were wrong on a day",
)

pictures = Table(
    "pictures",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("content", SealedBytes(), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("sent_by", String(80), nullable=False),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("ticket_no", String(32), nullable=False, server_default=text("''"), index=True),
    comment="JPEG, made anew from what was sent; the sender chooses the id, so that sending again is harmless",
)
