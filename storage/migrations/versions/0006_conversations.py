"""Conversations with citizens: where each stands, and what was said in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
        sa.UniqueConstraint("person", name="uq_conversations_person"),
        comment=(
            "Where the dialogue with each citizen stands; person is a digest of the channel and its key, "
            "never the key itself"
        ),
    )
    op.create_index("ix_conversations_changed_at", "conversations", ["changed_at"])
    op.create_table(
        "conversation_turns",
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.String(64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("turn", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text()),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="fk_conversation_turns_conversation_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("conversation_id", "ordinal", name="pk_conversation_turns"),
        sa.UniqueConstraint("conversation_id", "turn_id", name="uq_conversation_turns_conversation_id_turn_id"),
    )
    op.create_index(
        "ix_conversation_turns_at",
        "conversation_turns",
        ["at"],
        sqlite_where=sa.text("reply IS NULL"),
        postgresql_where=sa.text("reply IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("conversation_turns")
    op.drop_table("conversations")
