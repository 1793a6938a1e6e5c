"""Finding tickets: the search index's bookkeeping, what is compared to tell the same trouble, and what stands together."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Integer, String, Table

from storage.columns import UtcDateTime
from storage.sealing import SealedBytes, SealedText
from storage.tables.base import Id, metadata, partial_index

search_documents = Table(
    "search_documents",
    metadata,
    Column("ticket_id", Id, ForeignKey("tickets.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    comment="Which sendings the search index holds; the index itself, search_grams, is of each database's own kind",
)

sameness_signatures = Table(
    "sameness_signatures",
    metadata,
    Column("ticket_id", Id, ForeignKey("tickets.id"), primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("document", SealedBytes(), nullable=False),
    comment="What is compared of a complaint, as long as one may still be the same trouble as it",
)

sameness_keys = Table(
    "sameness_keys",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("ticket_id", Id, primary_key=True, autoincrement=False),
    comment="Where candidates are looked for: tickets that may be one trouble share a key",
    sqlite_with_rowid=False,
)

PROPOSAL_WAITS = "state IN ('due', 'open')"
"""The proposals that wait to be joined or decided, as their index and its query spell it."""

sameness_proposals = Table(
    "sameness_proposals",
    metadata,
    Column("ticket_id", Id, ForeignKey("tickets.id"), primary_key=True, autoincrement=False),
    Column("other_id", Id, ForeignKey("tickets.id"), primary_key=True, autoincrement=False, index=True),
    Column("chance", Float, nullable=False),
    Column("why", SealedText(), nullable=False),
    Column("same_reporter", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
    Column("decided_by", String(80), nullable=False),
    partial_index("ix_sameness_proposals_state_ticket_id", "state", "ticket_id", where=PROPOSAL_WAITS),
    comment="ticket_id may be the same trouble as the earlier other_id",
)

IN_INCIDENT = "left_at IS NULL"
"""Members that are in it now, as the index that lets a ticket be in one incident only spells it."""

incident_members = Table(
    "incident_members",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("incident", BigInteger, nullable=False, index=True),
    Column("ticket_id", Id, ForeignKey("tickets.id"), nullable=False),
    Column("leads", Boolean, nullable=False),
    Column("chance", Float, nullable=False),
    Column("why", SealedText(), nullable=False),
    Column("joined_at", UtcDateTime, nullable=False),
    Column("joined_by", String(80), nullable=False),
    Column("left_at", UtcDateTime),
    Column("left_by", String(80), nullable=False),
    partial_index("uq_incident_members_ticket_id", "ticket_id", where=IN_INCIDENT, unique=True),
    comment="Who is and was in which incident; incident is the id of the ticket that leads it",
)
