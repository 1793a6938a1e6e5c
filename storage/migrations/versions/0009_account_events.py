"""The record of administration, chained as the events of tickets are; what the outbox has given up on is found by index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_PARKED = sa.text("parked_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "account_events",
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("deed", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=96), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_account_events"),
        comment="What administrators did and what happened to accounts; only ever added to, chained by hash as events are",
    )
    op.create_index("ix_account_events_at", "account_events", ["at"])
    op.create_index("ix_account_events_actor_sequence", "account_events", ["actor", "sequence"])
    op.create_index("ix_account_events_subject_sequence", "account_events", ["subject", "sequence"])
    op.add_column("head", sa.Column("deed_sequence", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("head", sa.Column("deed_hash", sa.String(length=64), nullable=False, server_default="0" * 64))
    op.create_index("ix_outbox_parked_at", "outbox", ["parked_at"], sqlite_where=_PARKED, postgresql_where=_PARKED)


def downgrade() -> None:
    op.drop_index("ix_outbox_parked_at", "outbox")
    op.drop_column("head", "deed_hash")
    op.drop_column("head", "deed_sequence")
    op.drop_table("account_events")
