"""Who was told how often, and how long each stream was on air."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Nobody has written a notification before, so no row needs more than the defaults."""
    op.add_column("notifications", sa.Column("destination", sa.Text))
    op.add_column("notifications", sa.Column("severity", sa.Text))
    op.add_column("notifications", sa.Column("times", sa.Integer, nullable=False, server_default="1"))
    op.add_column("notifications", sa.Column("last", sa.Double, nullable=False, server_default="0"))
    op.create_table(
        "airtime",
        sa.Column("hour", sa.Double, primary_key=True),
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("boot", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, primary_key=True),
        sa.Column("seconds", sa.Double, nullable=False),
    )
    op.create_index("ix_incidents_part_of", "incidents", ["part_of"])
