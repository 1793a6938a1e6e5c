"""Wrong passwords are counted by account and place; the flat lock of an account goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_in_misses",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("waits_until", UtcDateTime(), nullable=True),
        sa.Column("signed_in_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("account", "place", name="pk_sign_in_misses"),
        comment="Wrong passwords by account and place, until when the next try there waits, and where an account is known",
    )
    op.drop_column("users", "failures")
    op.drop_column("users", "locked_until")


def downgrade() -> None:
    op.add_column("users", sa.Column("locked_until", UtcDateTime(), nullable=True))
    op.add_column("users", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
    op.drop_table("sign_in_misses")
