"""Who works here: users, tokens, absences, and the record of administration."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from storage.columns import UtcDateTime
from storage.tables.base import Id, metadata

absences = Table(
    "absences",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("account", String(64), nullable=False),
    Column("start_at", UtcDateTime, nullable=False),
    Column("end_at", UtcDateTime, nullable=False, index=True),
    Column("reason", String(200), nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    UniqueConstraint("account", "start_at", "end_at"),
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

sign_in_misses = Table(
    "sign_in_misses",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("place", String(80), primary_key=True),
    Column("misses", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("waits_until", UtcDateTime),
    Column("signed_in_at", UtcDateTime),
    comment="Wrong passwords by account and place, until when the next try there waits, and where an account is known",
)

account_events = Table(
    "account_events",
    metadata,
    Column("sequence", Id, primary_key=True, autoincrement=False),
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

sealing_keys = Table(
    "sealing_keys",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("fingerprint", String(32), nullable=False),
    Column("first_used_at", UtcDateTime, nullable=False),
    comment="The keys that sealed columns were sealed with, by what tells them apart; 0: the key of digests",
)
