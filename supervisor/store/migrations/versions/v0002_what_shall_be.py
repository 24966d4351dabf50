"""What shall be: an operator's words, streams and destinations made by API, settings of the watchdog."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "wanted",
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("wanted", sa.Boolean, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("since", sa.Double),
        sa.Column("until", sa.Double),
        sa.Column("ends", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
    )
    op.create_table(
        "streams",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("added", sa.Double, nullable=False),
        sa.Column("changed", sa.Double, nullable=False),
    )
    op.create_table(
        "destinations",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("body", sa.JSON),
        sa.UniqueConstraint("stream", "name", name="uq_destinations_stream"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "watchdog_settings",
        sa.Column("destination", sa.Integer, sa.ForeignKey("destinations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("changed", sa.Double, nullable=False),
    )
