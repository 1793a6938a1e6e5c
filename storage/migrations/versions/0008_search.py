"""The search index: which sendings are in it, and their pieces, in the database's own kind of index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SQLITE = (
    "CREATE VIRTUAL TABLE search_grams USING fts5(grams, content='', detail='none', columnsize=0, tokenize='ascii')"
)
_POSTGRESQL = (
    "CREATE TABLE search_grams"
    " (ticket_id BIGINT, ordinal INTEGER, grams TEXT[] NOT NULL, PRIMARY KEY (ticket_id, ordinal))"
)


def upgrade() -> None:
    op.create_table(
        "search_documents",
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_search_documents_ticket_id"),
        sa.PrimaryKeyConstraint("ticket_id", "ordinal", name="pk_search_documents"),
        comment="Which sendings the search index holds; the index itself, search_grams, is of each database's own kind",
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_SQLITE)
    else:
        op.execute(_POSTGRESQL)
        op.execute("CREATE INDEX ix_search_grams_grams ON search_grams USING gin (grams)")
    op.execute("INSERT INTO job_cursors (job, sequence) VALUES ('search', 0)")


def downgrade() -> None:
    op.execute("DELETE FROM job_cursors WHERE job = 'search'")
    op.drop_table("search_grams")
    op.drop_table("search_documents")
