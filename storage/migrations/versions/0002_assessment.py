"""Assessment: adjustments, appeals and frozen results; and the reports that were made by schedule."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "assessment_adjustments",
        sa.Column("id", _id(), autoincrement=True, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("points", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ticket_no", sa.String(length=32), nullable=False),
        sa.Column("appeal_id", _id(), nullable=True),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessment_adjustments")),
        sa.UniqueConstraint("appeal_id", name=op.f("uq_assessment_adjustments_appeal_id")),
        comment="加分、扣分; never changed: a wrong one is undone by an opposite one. appeal_id: the appeal whose effect it is",
    )
    op.create_index("ix_assessment_adjustments_month_level", "assessment_adjustments", ["month", "level"])
    op.create_table(
        "assessment_appeals",
        sa.Column("id", _id(), autoincrement=True, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("indicator", sa.String(length=64), nullable=False),
        sa.Column("ticket_no", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("unit", sa.String(length=32), nullable=False),
        sa.Column("filed_by", sa.String(length=80), nullable=False),
        sa.Column("filed_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("points", sa.Float(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessment_appeals")),
    )
    op.create_index("ix_assessment_appeals_month_level", "assessment_appeals", ["month", "level"])
    op.create_table(
        "assessment_results",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("frozen_by", sa.String(length=80), nullable=False),
        sa.Column("frozen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("month", "level", name=op.f("pk_assessment_results")),
        comment="A month's result as it was frozen, with the weights and figures that led to it; never changed",
    )
    op.create_table(
        "scheduled_reports",
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("first_day", sa.String(length=10), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("period", "first_day", "format", name=op.f("pk_scheduled_reports")),
    )


def downgrade() -> None:
    op.drop_table("scheduled_reports")
    op.drop_table("assessment_results")
    op.drop_index("ix_assessment_appeals_month_level", table_name="assessment_appeals")
    op.drop_table("assessment_appeals")
    op.drop_index("ix_assessment_adjustments_month_level", table_name="assessment_adjustments")
    op.drop_table("assessment_adjustments")
