"""What keeps board, lists and figures as quick over a million tickets as over ten thousand: indexes, and days that add up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STILL_OPEN = (
    "coalesce(status, '') IN ('accepted', 'dispatched', 'extended', 'returned', 'suspended', 'suspending', 'triage')"
)


def upgrade() -> None:
    op.create_index(
        "ix_tickets_created_at_light_unit_status",
        "tickets",
        ["created_at", "light", "unit", "status"],
        sqlite_where=sa.text(STILL_OPEN),
        postgresql_where=sa.text(STILL_OPEN),
    )
    op.create_index("ix_assignments_unit_ticket_id_position", "assignments", ["unit", "ticket_id", "position"])
    op.create_index("ix_gaps_cured_at_code_ticket_id_position", "gaps", ["cured_at", "code", "ticket_id", "position"])
    op.drop_index("ix_gaps_cured_at", table_name="gaps")
    op.add_column("daily_figures", sa.Column("sequence", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("daily_figures", "sequence")
    op.create_index("ix_gaps_cured_at", "gaps", ["cured_at"])
    op.drop_index("ix_gaps_cured_at_code_ticket_id_position", table_name="gaps")
    op.drop_index("ix_assignments_unit_ticket_id_position", table_name="assignments")
    op.drop_index("ix_tickets_created_at_light_unit_status", table_name="tickets")
