"""Telling the outside and hearing from it: the outbox, nonces, tokens of others, lists and files that are fetched."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, false

from storage.columns import UtcDateTime
from storage.sealing import SealedText
from storage.tables.base import Id, metadata, partial_index

TO_PLATFORM = "substr(destination, 1, 8) = 'channel:'"
"""The rows that platforms are told, as their indexes and queries spell it: most rows are for our own people."""


def _to_platforms(name: str, *columns: str) -> Index:
    return partial_index(name, *columns, where=TO_PLATFORM)


outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("ticket_id", Id, ForeignKey("tickets.id")),  # none: about no single ticket
    Column("destination", String(96), nullable=False),
    Column("about", String(32), nullable=False),
    Column("payload", SealedText(), nullable=False),
    Column("idempotency_key", String(96), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime),
    Column("delivered_at", UtcDateTime),
    Column("parked_at", UtcDateTime),
    Column("last_error", String(500), nullable=False),
    Column("foldable", Boolean, nullable=False, server_default=false()),
    Column("folded_into", Id),  # the digest that tells it; then nothing more is tried for it
    Index("ix_outbox_next_attempt_at_id", "next_attempt_at", "id"),
    _to_platforms("ix_outbox_destination_created_at", "destination", "created_at"),
    _to_platforms("ix_outbox_ticket_id_id", "ticket_id", "id"),
    partial_index("ix_outbox_parked_at", "parked_at", where="parked_at IS NOT NULL"),
    comment="next_attempt_at is empty once a row is delivered or parked",
)

nonces = Table(
    "nonces",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("nonce", String(128), primary_key=True),
    Column("seen_at", UtcDateTime, nullable=False, index=True),
)

remote_tokens = Table(
    "remote_tokens",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", SealedText(), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    comment="Short-lived access tokens of services that we call, shared by all processes",
)

reconciliation_runs = Table(
    "reconciliation_runs",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("theirs", Integer, nullable=False),
    Column("ours", Integer, nullable=False),
    Column("fetched", Integer, nullable=False),
    Column("differing", Integer, nullable=False),
    Column("error", String(500), nullable=False),
    comment="A night's comparison of a platform's list with ours; error: why it could not be made",
)

DIFFERENCE_OPEN = "settled_at IS NULL"

reconciliation_differences = Table(
    "reconciliation_differences",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("channel", String(32), nullable=False),
    Column("source_no", String(64), nullable=False),
    Column("ticket_no", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("theirs", String(16), nullable=False),
    Column("ours", String(16), nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("settled_by", String(80), nullable=False),
    Column("note", SealedText(500), nullable=False),
    Index("ix_reconciliation_differences_channel_source_no", "channel", "source_no"),
    partial_index("ix_reconciliation_differences_found_at", "found_at", where=DIFFERENCE_OPEN),
    comment="Where a platform's list and ours disagree, listed until settled",
)

fetches = Table(
    "fetches",
    metadata,
    Column("source", String(48), primary_key=True),
    Column("until", UtcDateTime, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("leased_until", UtcDateTime, nullable=False),
    Column("error", String(500), nullable=False),
    comment="Platforms' lists (pull:channel) and watched folders (folder:channel): how far they were fetched, when last",
)

taken_files = Table(
    "taken_files",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("channel", String(32), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("taken_at", UtcDateTime, nullable=False),
    comment="Tables from watched folders that were taken in: each content once",
)
