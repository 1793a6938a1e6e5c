"""What timers share, the figures of single days, assessment and kept reports."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, String, Table, Text

from storage.columns import UtcDateTime
from storage.sealing import SealedBytes, SealedText
from storage.tables.base import Id, metadata

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
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("month", String(7), nullable=False),
    Column("level", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("points", Float, nullable=False),
    Column("reason", SealedText(), nullable=False),
    Column("ticket_no", String(32), nullable=False),
    Column("appeal_id", Id, unique=True),
    Column("made_by", String(80), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Index("ix_assessment_adjustments_month_level", "month", "level"),
    comment="加分、扣分; never changed: a wrong one is undone by an opposite one. appeal_id: the appeal whose effect it is",
)

assessment_appeals = Table(
    "assessment_appeals",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("month", String(7), nullable=False),
    Column("level", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("indicator", String(64), nullable=False),
    Column("ticket_no", String(32), nullable=False),
    Column("reason", SealedText(), nullable=False),
    Column("unit", String(32), nullable=False),
    Column("filed_by", String(80), nullable=False),
    Column("filed_at", UtcDateTime, nullable=False),
    Column("status", String(16), nullable=False),
    Column("points", Float, nullable=False),
    Column("decision", SealedText(), nullable=False),
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
    Column("content", SealedBytes(), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
)
