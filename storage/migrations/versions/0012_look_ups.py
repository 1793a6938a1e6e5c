"""How often the digits that open a ticket to a stranger were wrong on a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "look_up_misses",
        sa.Column("ticket_no", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_no", "day", name="pk_look_up_misses"),
        comment="How often the four digits for a ticket number, whether there is such a ticket or not, were wrong on a day",
    )


def downgrade() -> None:
    op.drop_table("look_up_misses")
