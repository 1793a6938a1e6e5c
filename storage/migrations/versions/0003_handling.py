"""Handling: pauses of clocks, suspensions of shares, 督办 orders, digests, absences."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clocks", sa.Column("paused_at", UtcDateTime(), nullable=True))
    op.add_column("clocks", sa.Column("pauses", sa.Text(), nullable=False, server_default="[]"))
    op.add_column(
        "assignments", sa.Column("stands_in_for", sa.String(length=64), nullable=False, server_default=sa.text("''"))
    )
    _partial("ix_assignments_handler", "assignments", "handler", "ended_at IS NULL AND resolved_at IS NULL")
    op.add_column("assignments", sa.Column("suspended_until", UtcDateTime(), nullable=True))
    _partial("ix_assignments_suspended_until", "assignments", "suspended_until", "suspended_until IS NOT NULL")
    op.add_column("outbox", sa.Column("foldable", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column(
        "outbox", sa.Column("folded_into", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )
    op.create_table(
        "absences",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("start_at", UtcDateTime(), nullable=False),
        sa.Column("end_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("imported_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
        sa.UniqueConstraint("account", "start_at", "end_at", name=op.f("uq_absences_account_start_at_end_at")),
    )
    op.create_index(op.f("ix_absences_end_at"), "absences", ["end_at"])
    op.create_table(
        "press_orders",
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("requirement", sa.Text(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("issued_by", sa.String(length=80), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("answered_by", sa.String(length=80), nullable=False),
        sa.Column("lapsed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_press_orders_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "number", name=op.f("pk_press_orders")),
        comment="督办; position 0: to the desk",
    )
    _partial("ix_press_orders_due_at", "press_orders", "due_at", "answered_at IS NULL AND lapsed_at IS NULL")


def _partial(name: str, table: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_press_orders_due_at", table_name="press_orders")
    op.drop_table("press_orders")
    op.drop_index(op.f("ix_absences_end_at"), table_name="absences")
    op.drop_table("absences")
    op.drop_column("outbox", "folded_into")
    op.drop_column("outbox", "foldable")
    op.drop_index("ix_assignments_suspended_until", table_name="assignments")
    op.drop_column("assignments", "suspended_until")
    op.drop_index("ix_assignments_handler", table_name="assignments")
    op.drop_column("assignments", "stands_in_for")
    op.drop_column("clocks", "pauses")
    op.drop_column("clocks", "paused_at")
