"""Notices about no single ticket (a report that was made), red 督办 orders reported upwards, and counts of what stands open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_OPEN = "('accepted', 'dispatched', 'extended', 'returned', 'suspended', 'suspending', 'triage')"
_STANDING = (
    f"SELECT '', 'light', light, count(*) FROM tickets WHERE status IN {_OPEN} GROUP BY light",  # noqa: S608
    "SELECT unit, 'light', light, count(*) FROM (SELECT DISTINCT a.unit, a.ticket_id, t.light FROM assignments AS a"  # noqa: S608
    f" JOIN tickets AS t ON t.id = a.ticket_id WHERE t.status IN {_OPEN}) AS of_unit GROUP BY unit, light",
    "SELECT '', 'gap', code, count(*) FROM gaps WHERE cured_at IS NULL GROUP BY code",
    "SELECT a.unit, 'gap', g.code, count(*) FROM gaps AS g JOIN assignments AS a ON a.ticket_id = g.ticket_id"
    " AND a.position = g.position WHERE g.cured_at IS NULL GROUP BY a.unit, g.code",
)
"""What stood open when the counts began."""


def upgrade() -> None:
    with op.batch_alter_table("outbox") as table:
        table.alter_column("ticket_id", existing_type=_ID, nullable=True)
    op.add_column("press_orders", sa.Column("reported_at", UtcDateTime(), nullable=True))
    op.create_table(
        "standing",
        sa.Column("scope", sa.String(32), nullable=False),
        sa.Column("of", sa.String(8), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "of", "key", name="pk_standing"),
        comment="How many stand open; scope: a unit, or empty for all",
    )
    op.drop_index("ix_gaps_cured_at_code_ticket_id_position", table_name="gaps")  # served the counting that is now kept
    for counted in _STANDING:
        op.execute(f'INSERT INTO standing (scope, "of", "key", number) {counted}')


def downgrade() -> None:
    op.create_index("ix_gaps_cured_at_code_ticket_id_position", "gaps", ["cured_at", "code", "ticket_id", "position"])
    op.drop_table("standing")
    op.drop_column("press_orders", "reported_at")
    op.execute("DELETE FROM outbox WHERE ticket_id IS NULL")
    with op.batch_alter_table("outbox") as table:
        table.alter_column("ticket_id", existing_type=_ID, nullable=False)
