"""Indexes that keep the board and the lists as quick over a million tickets as over ten thousand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STILL_OPEN = "status IN ('accepted', 'dispatched', 'extended', 'returned', 'triage')"
UNCURED = "cured_at IS NULL"


def upgrade() -> None:
    _partial("ix_tickets_light_unit_created_at", "tickets", ["light", "unit", "created_at"], STILL_OPEN)
    op.create_index("ix_assignments_unit_ticket_id", "assignments", ["unit", "ticket_id"])
    _partial("ix_gaps_code_ticket_id", "gaps", ["code", "ticket_id"], UNCURED)
    op.drop_index("ix_gaps_cured_at", table_name="gaps")


def _partial(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.create_index("ix_gaps_cured_at", "gaps", ["cured_at"])
    op.drop_index("ix_gaps_code_ticket_id", table_name="gaps")
    op.drop_index("ix_assignments_unit_ticket_id", table_name="assignments")
    op.drop_index("ix_tickets_light_unit_created_at", table_name="tickets")
