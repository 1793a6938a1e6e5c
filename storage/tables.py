"""The tables. `migrations/` brings a database to this shape; a test holds the two together."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from storage.columns import UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = BigInteger().with_variant(Integer(), "sqlite")

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

tickets = Table(
    "tickets",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
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
    Column("excerpt", String(200), nullable=False),
    Column("confidential", Boolean, nullable=False),
    Column("reporter_key", String(32), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("engine", String(32), nullable=False),
    Column("model_version", String(64), nullable=False),
    Column("understanding", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("problems", Text, nullable=False),
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
    Column("version", Integer, nullable=False),
    UniqueConstraint("channel", "source_no"),
    Index("ix_tickets_created_at_id", "created_at", "id"),
    Index("ix_tickets_status_id", "status", "id"),
    Index("ix_tickets_unit_status_id", "unit", "status", "id"),
    Index("ix_tickets_light_id", "light", "id"),
    Index(
        "ix_tickets_created_at_light_unit_status",
        "created_at",
        "light",
        "unit",
        "status",
        sqlite_where=text(STILL_OPEN),
        postgresql_where=text(STILL_OPEN),
    ),
    Index("ix_tickets_reporter_key_category_created_at", "reporter_key", "category", "created_at"),
)

complaints = Table(
    "complaints",
    metadata,
    Column("ticket_id", _Id, ForeignKey("tickets.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("source_version", Integer, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("document", Text, nullable=False),
    Column("reporter", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("raw_type", String(32), nullable=False),
    comment="What was sent, as often as it was sent differently; ordinal 1 is the ticket's own.",
)

SHARE_IN_WORK = "ended_at IS NULL AND resolved_at IS NULL"
"""The shares that somebody still has to handle, as their index and its query spell it."""

assignments = Table(
    "assignments",
    metadata,
    Column("ticket_id", _Id, ForeignKey("tickets.id"), primary_key=True),
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
    Column("result", Text, nullable=False),
    Column("request", Text),
    Column("stands_in_for", String(64), nullable=False, server_default=text("''")),
    Column("suspended_until", UtcDateTime),
    Column("dispatched_at", UtcDateTime, nullable=False),
    Column("accepted_at", UtcDateTime),
    Column("contacted_at", UtcDateTime),
    Column("resolved_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index("ix_assignments_dispatched_at", "dispatched_at"),
    Index("ix_assignments_unit_ticket_id_position", "unit", "ticket_id", "position"),
    Index("ix_assignments_handler", "handler", sqlite_where=text(SHARE_IN_WORK), postgresql_where=text(SHARE_IN_WORK)),
    Index(
        "ix_assignments_suspended_until",
        "suspended_until",
        sqlite_where=text("suspended_until IS NOT NULL"),
        postgresql_where=text("suspended_until IS NOT NULL"),
    ),
)

CLOCK_LIGHTS_UP = "stopped_at IS NULL AND stage <> 'return'"
"""The clocks that can change their light, as the partial indexes and their queries spell it; a paused one is grey."""


def _lit(name: str, *columns: str) -> Index:
    """An index over running clocks only: a sweep reads what falls due, however many clocks have ever run."""
    return Index(name, *columns, sqlite_where=text(CLOCK_LIGHTS_UP), postgresql_where=text(CLOCK_LIGHTS_UP))


clocks = Table(
    "clocks",
    metadata,
    Column("ticket_id", _Id, ForeignKey("tickets.id"), primary_key=True),
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
    Column("ticket_id", _Id, ForeignKey("tickets.id"), primary_key=True),
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
    Column("ticket_id", _Id, ForeignKey("tickets.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("level", String(8), nullable=False),
    Column("cause", String(16), nullable=False),
    Column("requirement", Text, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("issued_by", String(80), nullable=False),
    Column("due_at", UtcDateTime),
    Column("answer", Text, nullable=False),
    Column("answered_at", UtcDateTime),
    Column("answered_by", String(80), nullable=False),
    Column("lapsed_at", UtcDateTime),
    Column("reported_at", UtcDateTime),
    Index("ix_press_orders_due_at", "due_at", sqlite_where=text(ORDER_IS_OPEN), postgresql_where=text(ORDER_IS_OPEN)),
    comment="督办; position 0: to the desk",
)

events = Table(
    "events",
    metadata,
    Column("sequence", _Id, primary_key=True, autoincrement=False),
    Column("ticket_id", _Id, ForeignKey("tickets.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("action", String(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("role", String(16), nullable=False),
    Column("data", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_events_ticket_id_sequence", "ticket_id", "sequence"),
    Index("ix_events_action_at", "action", "at"),
)

TO_PLATFORM = "substr(destination, 1, 8) = 'channel:'"
"""The rows that platforms are told, as their indexes and queries spell it: most rows are for our own people."""


def _to_platforms(name: str, *columns: str) -> Index:
    return Index(name, *columns, sqlite_where=text(TO_PLATFORM), postgresql_where=text(TO_PLATFORM))


outbox = Table(
    "outbox",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("ticket_id", _Id, ForeignKey("tickets.id")),  # none: about no single ticket
    Column("destination", String(96), nullable=False),
    Column("about", String(32), nullable=False),
    Column("payload", Text, nullable=False),
    Column("idempotency_key", String(96), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime),
    Column("delivered_at", UtcDateTime),
    Column("parked_at", UtcDateTime),
    Column("last_error", String(500), nullable=False),
    Column("foldable", Boolean, nullable=False, server_default=false()),
    Column("folded_into", _Id),  # the digest that tells it; then nothing more is tried for it
    Index("ix_outbox_next_attempt_at_id", "next_attempt_at", "id"),
    _to_platforms("ix_outbox_destination_created_at", "destination", "created_at"),
    _to_platforms("ix_outbox_ticket_id_id", "ticket_id", "id"),
    Index(
        "ix_outbox_parked_at",
        "parked_at",
        sqlite_where=text("parked_at IS NOT NULL"),
        postgresql_where=text("parked_at IS NOT NULL"),
    ),
    comment="next_attempt_at is empty once a row is delivered or parked",
)

nonces = Table(
    "nonces",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("nonce", String(128), primary_key=True),
    Column("seen_at", UtcDateTime, nullable=False, index=True),
)

absences = Table(
    "absences",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("account", String(64), nullable=False),
    Column("start_at", UtcDateTime, nullable=False),
    Column("end_at", UtcDateTime, nullable=False, index=True),
    Column("reason", String(200), nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    UniqueConstraint("account", "start_at", "end_at"),
)

job_claims = Table(
    "job_claims",
    metadata,
    Column("job", String(64), primary_key=True),
    Column("slot", String(64), primary_key=True),
    Column("claimed_at", UtcDateTime, nullable=False),
)

job_cursors = Table(
    "job_cursors",
    metadata,
    Column("job", String(64), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    comment="How far a job has followed the events",
)

users = Table(
    "users",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("unit", String(32)),
    Column("password_hash", String(200), nullable=False),
    Column("must_change_password", Boolean, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("account", String(80), nullable=False),
    Column("role", String(16), nullable=False),
    Column("unit", String(32)),
    Column("purpose", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
)

daily_figures = Table(
    "daily_figures",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("dimension", String(16), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("figures", Text, nullable=False),
    Column("computed_at", UtcDateTime, nullable=False),
    Column("sequence", BigInteger, nullable=False, server_default="0"),  # the last event before the day was counted
)

assessment_adjustments = Table(
    "assessment_adjustments",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("month", String(7), nullable=False),
    Column("level", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("points", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("ticket_no", String(32), nullable=False),
    Column("appeal_id", _Id, unique=True),
    Column("made_by", String(80), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Index("ix_assessment_adjustments_month_level", "month", "level"),
    comment="加分、扣分; never changed: a wrong one is undone by an opposite one. appeal_id: the appeal whose effect it is",
)

assessment_appeals = Table(
    "assessment_appeals",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("month", String(7), nullable=False),
    Column("level", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("indicator", String(64), nullable=False),
    Column("ticket_no", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("unit", String(32), nullable=False),
    Column("filed_by", String(80), nullable=False),
    Column("filed_at", UtcDateTime, nullable=False),
    Column("status", String(16), nullable=False),
    Column("points", Float, nullable=False),
    Column("decision", Text, nullable=False),
    Column("decided_by", String(80), nullable=False),
    Column("decided_at", UtcDateTime),
    Index("ix_assessment_appeals_month_level", "month", "level"),
)

assessment_results = Table(
    "assessment_results",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("level", String(16), primary_key=True),
    Column("document", Text, nullable=False),
    Column("frozen_by", String(80), nullable=False),
    Column("frozen_at", UtcDateTime, nullable=False),
    comment="A month's result as it was frozen, with the weights and figures that led to it; never changed",
)

scheduled_reports = Table(
    "scheduled_reports",
    metadata,
    Column("period", String(8), primary_key=True),
    Column("first_day", String(10), primary_key=True),
    Column("format", String(8), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("person", String(64), nullable=False, unique=True),
    Column("document", Text, nullable=False),
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
    Column("turn", Text, nullable=False),
    Column("reply", Text),  # none: what the turn asks for is being done
    UniqueConstraint("conversation_id", "turn_id"),
    Index("ix_conversation_turns_at", "at", sqlite_where=text("reply IS NULL"), postgresql_where=text("reply IS NULL")),
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
    Column("content", LargeBinary, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("sent_by", String(80), nullable=False),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("ticket_no", String(32), nullable=False, server_default=text("''"), index=True),
    comment="JPEG, made anew from what was sent; the sender chooses the id, so that sending again is harmless",
)

remote_tokens = Table(
    "remote_tokens",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    comment="Short-lived access tokens of services that we call, shared by all processes",
)

request_keys = Table(
    "request_keys",
    metadata,
    Column("key", String(160), primary_key=True),
    Column("ticket_no", String(32), nullable=False),
    Column("done_at", UtcDateTime, nullable=False, index=True),
    comment="Idempotency-Key of actions that were carried out: sent again, they change nothing",
)

search_documents = Table(
    "search_documents",
    metadata,
    Column("ticket_id", _Id, ForeignKey("tickets.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    comment="Which sendings the search index holds; the index itself, search_grams, is of each database's own kind",
)

account_events = Table(
    "account_events",
    metadata,
    Column("sequence", _Id, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("actor", String(80), nullable=False),
    Column("role", String(16), nullable=False),
    Column("deed", String(32), nullable=False),
    Column("subject", String(96), nullable=False),
    Column("data", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_account_events_actor_sequence", "actor", "sequence"),
    Index("ix_account_events_subject_sequence", "subject", "sequence"),
    comment="What administrators did and what happened to accounts; only ever added to, chained by hash as events are",
)

sameness_signatures = Table(
    "sameness_signatures",
    metadata,
    Column("ticket_id", _Id, ForeignKey("tickets.id"), primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("document", LargeBinary, nullable=False),
    comment="What is compared of a complaint, as long as one may still be the same trouble as it",
)

sameness_keys = Table(
    "sameness_keys",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("ticket_id", _Id, primary_key=True, autoincrement=False),
    comment="Where candidates are looked for: tickets that may be one trouble share a key",
    sqlite_with_rowid=False,
)

PROPOSAL_WAITS = "state IN ('due', 'open')"
"""The proposals that wait to be joined or decided, as their index and its query spell it."""

sameness_proposals = Table(
    "sameness_proposals",
    metadata,
    Column("ticket_id", _Id, ForeignKey("tickets.id"), primary_key=True, autoincrement=False),
    Column("other_id", _Id, ForeignKey("tickets.id"), primary_key=True, autoincrement=False, index=True),
    Column("chance", Float, nullable=False),
    Column("why", Text, nullable=False),
    Column("same_reporter", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
    Column("decided_by", String(80), nullable=False),
    Index(
        "ix_sameness_proposals_state_ticket_id",
        "state",
        "ticket_id",
        sqlite_where=text(PROPOSAL_WAITS),
        postgresql_where=text(PROPOSAL_WAITS),
    ),
    comment="ticket_id may be the same trouble as the earlier other_id",
)

IN_INCIDENT = "left_at IS NULL"
"""Members that are in it now, as the index that lets a ticket be in one incident only spells it."""

incident_members = Table(
    "incident_members",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("incident", BigInteger, nullable=False, index=True),
    Column("ticket_id", _Id, ForeignKey("tickets.id"), nullable=False),
    Column("leads", Boolean, nullable=False),
    Column("chance", Float, nullable=False),
    Column("why", Text, nullable=False),
    Column("joined_at", UtcDateTime, nullable=False),
    Column("joined_by", String(80), nullable=False),
    Column("left_at", UtcDateTime),
    Column("left_by", String(80), nullable=False),
    Index(
        "uq_incident_members_ticket_id",
        "ticket_id",
        unique=True,
        sqlite_where=text(IN_INCIDENT),
        postgresql_where=text(IN_INCIDENT),
    ),
    comment="Who is and was in which incident; incident is the id of the ticket that leads it",
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
    Column("id", _Id, primary_key=True, autoincrement=True),
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
    Column("note", String(500), nullable=False),
    Index("ix_reconciliation_differences_channel_source_no", "channel", "source_no"),
    Index(
        "ix_reconciliation_differences_found_at",
        "found_at",
        sqlite_where=text(DIFFERENCE_OPEN),
        postgresql_where=text(DIFFERENCE_OPEN),
    ),
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
