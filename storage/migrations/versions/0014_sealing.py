"""What people told us is sealed: events' words stand apart, PostgreSQL's texts become `bytea`, keys are known by fingerprint.

The search index and the keys of one-event finding become keyed digests and are made anew. Values from before stay readable as
they are until `intake-bot keys rotate` seals them; words in events from before stay in `data`, which the chain holds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_SEALED_TEXTS = {
    "tickets": ("excerpt", "understanding", "why", "problems"),
    "complaints": ("document", "reporter"),
    "assignments": ("result", "request"),
    "press_orders": ("requirement", "answer"),
    "outbox": ("payload",),
    "assessment_adjustments": ("reason",),
    "assessment_appeals": ("reason", "decision"),
    "conversations": ("document",),
    "conversation_turns": ("turn", "reply"),
    "remote_tokens": ("value",),
    "sameness_proposals": ("why",),
    "incident_members": ("why",),
    "reconciliation_differences": ("note",),
}
_LENGTHS = {"excerpt": 200, "note": 500}
_DIGEST_TABLES = ("search_grams", "search_documents", "sameness_keys", "sameness_signatures")


def upgrade() -> None:
    op.create_table(
        "sealing_keys",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("first_used_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_sealing_keys"),
        comment="The keys that sealed columns were sealed with, by what tells them apart; 0: the key of digests",
    )
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    op.add_column("tickets", sa.Column("risky", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE tickets SET reporter_key = ''")  # digests without a key: numbers could be guessed from them
    op.execute("UPDATE tickets SET risky = true WHERE understanding NOT LIKE '%\"risks\":[]%'")
    op.add_column("tickets", sa.Column("erased", sa.Boolean(), nullable=False, server_default=sa.false()))
    not_erased = sa.text("NOT erased")
    op.create_index(
        "ix_tickets_created_at", "tickets", ["created_at"], sqlite_where=not_erased, postgresql_where=not_erased
    )
    op.add_column("events", sa.Column("words", sa.LargeBinary() if on_postgresql else sa.Text(), nullable=True))
    op.add_column(
        "events", sa.Column("words_digest", sa.String(length=64), nullable=False, server_default=sa.text("''"))
    )
    if on_postgresql:
        op.create_table_comment(
            "events", "data: what figures are counted from; words: all else that was said, as long as it may be kept"
        )
        for table, columns in _SEALED_TEXTS.items():
            for column in columns:
                op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE bytea USING convert_to({column}, 'UTF8')")
    _forget_digests(on_postgresql)


def downgrade() -> None:
    """Sealed values cannot be read without their keys: only a database that holds none can go back."""
    for table, columns in _SEALED_TEXTS.items():
        begin = f"substr({columns[0]}, 1, 2)"
        marked = f"{begin} = '\\x0001'::bytea" if op.get_bind().dialect.name == "postgresql" else f"{begin} = x'0001'"
        sealed = sa.select(sa.literal(1)).select_from(sa.table(table)).where(sa.text(marked)).limit(1)
        if op.get_bind().execute(sealed).first():
            raise RuntimeError(f"{table} 中有加密的内容，不能退回到没有加密的版本；请用升级前的备份恢复")
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in _SEALED_TEXTS.items():
            for column in columns:
                kind = f"varchar({_LENGTHS[column]})" if column in _LENGTHS else "text"
                op.execute(
                    f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind} USING convert_from({column}, 'UTF8')"
                )
        op.drop_table_comment("events")
        _forget_digests(on_postgresql=True)
    else:
        _forget_digests(on_postgresql=False)
    op.drop_column("events", "words_digest")
    op.drop_column("events", "words")
    op.drop_index("ix_tickets_created_at", "tickets")
    op.drop_column("tickets", "erased")
    op.drop_column("tickets", "risky")
    op.drop_table("sealing_keys")


def _forget_digests(on_postgresql: bool) -> None:
    """Following the events from the first one makes all of them anew."""
    for table in _DIGEST_TABLES:
        if table == "search_grams" and not on_postgresql:
            op.execute("INSERT INTO search_grams (search_grams) VALUES ('delete-all')")
        else:
            op.execute(sa.delete(sa.table(table)))
    op.execute("UPDATE job_cursors SET sequence = 0 WHERE job = 'search'")
