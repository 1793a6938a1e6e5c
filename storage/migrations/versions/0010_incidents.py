"""One event, many tickets: what is compared of each, where candidates are found, proposals, and who is a member of what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_IN_IT = sa.text("left_at IS NULL")
_WAITS = sa.text("state IN ('due', 'open')")


def upgrade() -> None:
    op.create_table(
        "sameness_signatures",
        sa.Column("ticket_id", _ID, autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_sameness_signatures_ticket_id"),
        sa.PrimaryKeyConstraint("ticket_id", name="pk_sameness_signatures"),
        comment="What is compared of a complaint, as long as one may still be the same trouble as it",
    )
    op.create_index("ix_sameness_signatures_at", "sameness_signatures", ["at"])
    op.create_table(
        "sameness_keys",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", _ID, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", "ticket_id", name="pk_sameness_keys"),
        comment="Where candidates are looked for: tickets that may be one trouble share a key",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sameness_proposals",
        sa.Column("ticket_id", _ID, autoincrement=False, nullable=False),
        sa.Column("other_id", _ID, autoincrement=False, nullable=False),
        sa.Column("chance", sa.Float(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("same_reporter", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_sameness_proposals_ticket_id"),
        sa.ForeignKeyConstraint(["other_id"], ["tickets.id"], name="fk_sameness_proposals_other_id"),
        sa.PrimaryKeyConstraint("ticket_id", "other_id", name="pk_sameness_proposals"),
        comment="ticket_id may be the same trouble as the earlier other_id",
    )
    op.create_index("ix_sameness_proposals_other_id", "sameness_proposals", ["other_id"])
    op.create_index(
        "ix_sameness_proposals_state_ticket_id",
        "sameness_proposals",
        ["state", "ticket_id"],
        sqlite_where=_WAITS,
        postgresql_where=_WAITS,
    )
    op.create_table(
        "incident_members",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("incident", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", _ID, nullable=False),
        sa.Column("leads", sa.Boolean(), nullable=False),
        sa.Column("chance", sa.Float(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=False),
        sa.Column("joined_by", sa.String(length=80), nullable=False),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.Column("left_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_incident_members_ticket_id"),
        sa.PrimaryKeyConstraint("id", name="pk_incident_members"),
        comment="Who is and was in which incident; incident is the id of the ticket that leads it",
    )
    op.create_index("ix_incident_members_incident", "incident_members", ["incident"])
    op.create_index(
        "uq_incident_members_ticket_id",
        "incident_members",
        ["ticket_id"],
        unique=True,
        sqlite_where=_IN_IT,
        postgresql_where=_IN_IT,
    )
    # What was told within the window of `router.sameness` before this is compared too, what is older is not.
    since = sa.bindparam("since", datetime.now(UTC) - timedelta(days=30), UtcDateTime())
    op.execute(
        sa.text(
            "INSERT INTO job_cursors (job, sequence) SELECT 'incidents', coalesce("
            "(SELECT min(sequence) - 1 FROM events WHERE action = 'received' AND at >= :since),"
            " (SELECT event_sequence FROM head), 0)"
        ).bindparams(since)
    )


def downgrade() -> None:
    op.execute("DELETE FROM job_cursors WHERE job = 'incidents'")
    op.drop_table("incident_members")
    op.drop_table("sameness_proposals")
    op.drop_table("sameness_keys")
    op.drop_table("sameness_signatures")
