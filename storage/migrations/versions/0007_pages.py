"""Pictures that people send, keys of requests that were carried out, tokens that other services gave us."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pictures",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("sent_by", sa.String(length=80), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.Column("ticket_no", sa.String(length=32), nullable=False, server_default=sa.text("''")),
        sa.PrimaryKeyConstraint("id", name="pk_pictures"),
        comment="JPEG, made anew from what was sent; the sender chooses the id, so that sending again is harmless",
    )
    op.create_index("ix_pictures_ticket_no", "pictures", ["ticket_no"])
    op.create_table(
        "request_keys",
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("ticket_no", sa.String(length=32), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_request_keys"),
        comment="Idempotency-Key of actions that were carried out: sent again, they change nothing",
    )
    op.create_index("ix_request_keys_done_at", "request_keys", ["done_at"])
    op.create_table(
        "remote_tokens",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_remote_tokens"),
        comment="Short-lived access tokens of services that we call, shared by all processes",
    )


def downgrade() -> None:
    op.drop_table("remote_tokens")
    op.drop_table("request_keys")
    op.drop_table("pictures")
