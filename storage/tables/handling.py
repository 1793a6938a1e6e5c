"""Tickets on their way: what was sent, shares, limits, gaps, orders, and the chain of what happened."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from storage.columns import UtcDateTime
from storage.sealing import SealedBytes, SealedText
from storage.tables.base import Id, metadata, partial_index

head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("event_sequence", BigInteger, nullable=False),
    Column("event_hash", String(64), nullable=False),
    Column("ticket_sequence", BigInteger, nullable=False),
    Column("deed_sequence", BigInteger, nullable=False, server_default="0"),
    Column("deed_hash", String(64), nullable=False, server_default="0" * 64),
    comment="One row. Whoever writes locks it first: it orders all changes of all processes.",
)

day_counters = Table(
    "day_counters",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("last_number", Integer, nullable=False),
)

STILL_OPEN = (
    "coalesce(status, '') IN ('accepted', 'dispatched', 'extended', 'returned', 'suspended', 'suspending', 'triage')"
)
"""The tickets of `domain.ticket.OPEN`, as the partial index and its queries spell it: so that it serves, and not the index over
all statuses."""

NOT_ERASED = "NOT erased"
"""The tickets that still hold what people told us, as the index over their age and its query spell it."""

tickets = Table(
    "tickets",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("no", String(32), nullable=False, unique=True),
    Column("channel", String(32), nullable=False),
    Column("source_no", String(64), nullable=False),
    Column("source_version", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("category", String(16), nullable=False),
    Column("category_name", String(64), nullable=False),
    Column("urgency", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("light", String(8), nullable=False),
    Column("unit", String(32), nullable=False),
    Column("area", String(32), nullable=False),
    Column("cell", String(32), nullable=False),
    Column("handler", String(64), nullable=False),
    Column("excerpt", SealedText(200), nullable=False),
    Column("confidential", Boolean, nullable=False),
    Column("reporter_key", String(32), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("engine", String(32), nullable=False),
    Column("model_version", String(64), nullable=False),
    Column("understanding", SealedText(), nullable=False),
    Column("risky", Boolean, nullable=False, server_default=false()),
    Column("why", SealedText(), nullable=False),
    Column("problems", SealedText(), nullable=False),
    Column("refer_to", String(32), nullable=False),
    Column("refer_to_name", String(64), nullable=False),
    Column("merged_into", String(32), nullable=False),
    Column("solved", String(8), nullable=False),
    Column("satisfaction", String(16), nullable=False),
    Column("returns", Integer, nullable=False),
    Column("redispatches", Integer, nullable=False),
    Column("extensions", Integer, nullable=False),
    Column("urges", Integer, nullable=False),
    Column("presses", Integer, nullable=False),
    Column("rehandled", Integer, nullable=False),
    Column("reported_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_inner", UtcDateTime),
    Column("due_outer", UtcDateTime),
    Column("resolved_at", UtcDateTime),
    Column("followed_up_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    Column("erased", Boolean, nullable=False, server_default=false()),
    Column("version", Integer, nullable=False),
    UniqueConstraint("channel", "source_no"),
    Index("ix_tickets_created_at_id", "created_at", "id"),
    Index("ix_tickets_status_id", "status", "id"),
    Index("ix_tickets_unit_status_id", "unit", "status", "id"),
    Index("ix_tickets_light_id", "light", "id"),
    partial_index("ix_tickets_created_at_light_unit_status", "created_at", "light", "unit", "status", where=STILL_OPEN),
    partial_index("ix_tickets_created_at", "created_at", where=NOT_ERASED),
    Index("ix_tickets_reporter_key_category_created_at", "reporter_key", "category", "created_at"),
)

complaints = Table(
    "complaints",
    metadata,
    Column("ticket_id", Id, ForeignKey("tickets.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("source_version", Integer, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("document", SealedText(), nullable=False),
    Column("reporter", SealedText(), nullable=False),
    Column("raw", SealedBytes(), nullable=False),
    Column("raw_type", String(32), nullable=False),
    comment="What was sent, as often as it was sent differently; ordinal 1 is the ticket's own.",
)

SHARE_IN_WORK = "ended_at IS NULL AND resolved_at IS NULL"
"""The shares that somebody still has to handle, as their index and its query spell it."""

assignments = Table(
    "assignments",
    metadata,
    Column("ticket_id", Id, ForeignKey("tickets.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("share", String(8), nullable=False),
    Column("unit", String(32), nullable=False),
    Column("area", String(32), nullable=False),
    Column("cell", String(32), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("backup", String(64), nullable=False),
    Column("handler", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("light", String(8), nullable=False),
    Column("return_barred", Boolean, nullable=False),
    Column("extensions", Integer, nullable=False),
    Column("result", SealedText(), nullable=False),
    Column("request", SealedText()),
    Column("stands_in_for", String(64), nullable=False, server_default=text("''")),
    Column("suspended_until", UtcDateTime),
    Column("dispatched_at", UtcDateTime, nullable=False),
    Column("accepted_at", UtcDateTime),
    Column("contacted_at", UtcDateTime),
    Column("resolved_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index("ix_assignments_dispatched_at", "dispatched_at"),
    Index("ix_assignments_unit_ticket_id_position", "unit", "ticket_id", "position"),
    partial_index("ix_assignments_handler", "handler", where=SHARE_IN_WORK),
    partial_index("ix_assignments_suspended_until", "suspended_until", where="suspended_until IS NOT NULL"),
)

CLOCK_LIGHTS_UP = "stopped_at IS NULL AND stage <> 'return'"
"""The clocks that can change their light, as the partial indexes and their queries spell it; a paused one is grey."""


def _lit(name: str, *columns: str) -> Index:
    """An index over running clocks only: a sweep reads what falls due, however many clocks have ever run."""
    return partial_index(name, *columns, where=CLOCK_LIGHTS_UP)


clocks = Table(
    "clocks",
    metadata,
    Column("ticket_id", Id, ForeignKey("tickets.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("stage", String(16), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("limit", String(32), nullable=False),
    Column("rule", String(64), nullable=False),
    Column("reasons", Text, nullable=False),
    Column("light", String(8), nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("yellow_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("original_due_at", UtcDateTime, nullable=False),
    Column("extended_by", Integer, nullable=False),
    Column("paused_at", UtcDateTime),
    Column("pauses", Text, nullable=False, server_default="[]"),
    Column("stopped_at", UtcDateTime),
    Column("rungs", Integer, nullable=False, default=0),
    _lit("ix_clocks_light_yellow_at", "light", "yellow_at"),
    _lit("ix_clocks_light_due_at", "light", "due_at"),
    _lit("ix_clocks_rungs_light_due_at", "rungs", "light", "due_at"),
    Index("ix_clocks_stage_due_at", "stage", "due_at"),
    comment="position 0: the desk; rungs: steps of the escalation ladder taken since the deadline was last set",
)

gaps = Table(
    "gaps",
    metadata,
    Column("ticket_id", Id, ForeignKey("tickets.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("code", String(32), primary_key=True),
    Column("opened_at", UtcDateTime, primary_key=True),
    Column("blocking", Boolean, nullable=False),
    Column("cured_at", UtcDateTime),
)

standing = Table(
    "standing",
    metadata,
    Column("scope", String(32), primary_key=True),
    Column("of", String(8), primary_key=True),
    Column("key", String(32), primary_key=True),
    Column("number", Integer, nullable=False),
    comment="How many stand open; scope: a unit, or empty for all",
)

ORDER_IS_OPEN = "answered_at IS NULL AND lapsed_at IS NULL"
"""The 督办 orders that wait for an answer, as their index and its query spell it."""

press_orders = Table(
    "press_orders",
    metadata,
    Column("ticket_id", Id, ForeignKey("tickets.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("level", String(8), nullable=False),
    Column("cause", String(16), nullable=False),
    Column("requirement", SealedText(), nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("issued_by", String(80), nullable=False),
    Column("due_at", UtcDateTime),
    Column("answer", SealedText(), nullable=False),
    Column("answered_at", UtcDateTime),
    Column("answered_by", String(80), nullable=False),
    Column("lapsed_at", UtcDateTime),
    Column("reported_at", UtcDateTime),
    partial_index("ix_press_orders_due_at", "due_at", where=ORDER_IS_OPEN),
    comment="督办; position 0: to the desk",
)

events = Table(
    "events",
    metadata,
    Column("sequence", Id, primary_key=True, autoincrement=False),
    Column("ticket_id", Id, ForeignKey("tickets.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("action", String(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("role", String(16), nullable=False),
    Column("data", Text, nullable=False),
    Column("words", SealedText()),
    Column("words_digest", String(64), nullable=False, server_default=text("''")),
    Column("hash", String(64), nullable=False),
    Index("ix_events_ticket_id_sequence", "ticket_id", "sequence"),
    Index("ix_events_action_at", "action", "at"),
    comment="data: what figures are counted from; words: all else that was said, as long as it may be kept",
)

request_keys = Table(
    "request_keys",
    metadata,
    Column("key", String(160), primary_key=True),
    Column("ticket_no", String(32), nullable=False),
    Column("done_at", UtcDateTime, nullable=False, index=True),
    comment="Idempotency-Key of actions that were carried out: sent again, they change nothing",
)
