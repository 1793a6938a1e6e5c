"""Held against platforms' own lists: runs and differences; how far lists were pulled, and which files were taken in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("settled_at IS NULL")
_TO_PLATFORM = sa.text("substr(destination, 1, 8) = 'channel:'")


def upgrade() -> None:
    op.create_table(
        "reconciliation_runs",
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("theirs", sa.Integer(), nullable=False),
        sa.Column("ours", sa.Integer(), nullable=False),
        sa.Column("fetched", sa.Integer(), nullable=False),
        sa.Column("differing", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("channel", "day", name="pk_reconciliation_runs"),
        comment="A night's comparison of a platform's list with ours; error: why it could not be made",
    )
    op.create_table(
        "reconciliation_differences",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("source_no", sa.String(length=64), nullable=False),
        sa.Column("ticket_no", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("theirs", sa.String(length=16), nullable=False),
        sa.Column("ours", sa.String(length=16), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("settled_by", sa.String(length=80), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation_differences"),
        comment="Where a platform's list and ours disagree, listed until settled",
    )
    op.create_index(
        "ix_reconciliation_differences_channel_source_no", "reconciliation_differences", ["channel", "source_no"]
    )
    op.create_index(
        "ix_reconciliation_differences_found_at",
        "reconciliation_differences",
        ["found_at"],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_table(
        "fetches",
        sa.Column("source", sa.String(length=48), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("leased_until", UtcDateTime(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_fetches"),
        comment="Platforms' lists (pull:channel) and watched folders (folder:channel): how far they were fetched, when last",
    )
    op.create_table(
        "taken_files",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "channel", name="pk_taken_files"),
        comment="Tables from watched folders that were taken in: each content once",
    )
    for name, columns in (
        ("ix_outbox_destination_created_at", ["destination", "created_at"]),
        ("ix_outbox_ticket_id_id", ["ticket_id", "id"]),
    ):
        op.create_index(name, "outbox", columns, sqlite_where=_TO_PLATFORM, postgresql_where=_TO_PLATFORM)


def downgrade() -> None:
    op.drop_index("ix_outbox_ticket_id_id", "outbox")
    op.drop_index("ix_outbox_destination_created_at", "outbox")
    for name in ("taken_files", "fetches", "reconciliation_differences", "reconciliation_runs"):
        op.drop_table(name)
