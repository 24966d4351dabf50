"""What happened: lives of neverdark, facts, runs, incidents, orders, notifications."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "boots",
        sa.Column("boot", sa.Text, primary_key=True),
        sa.Column("started", sa.Double, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("alive", sa.Double, nullable=False),
        sa.Column("ended", sa.Double),
    )
    op.create_table(
        "facts",
        sa.Column("boot", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
    )
    op.create_index("ix_facts_at", "facts", ["at"])
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("boot", sa.Text, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer),
        sa.Column("reason", sa.Text),
        sa.Column("started", sa.Double, nullable=False),
        sa.Column("ended", sa.Double),
        sa.Column("planned", sa.Boolean),
        sa.Column("cause", sa.Text),
        sa.Column("code", sa.Integer),
        sa.Column("signal", sa.Integer),
        sa.Column("segment", sa.Text),
        sa.Column("said", sa.Text),
    )
    op.create_index("ix_runs_started", "runs", ["started"])
    op.create_table(
        "incidents",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("boot", sa.Text, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("destination", sa.Text),
        sa.Column("role", sa.Text),
        sa.Column("opened", sa.Double, nullable=False),
        sa.Column("closed", sa.Double),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("segment", sa.Text, nullable=False),
        sa.Column("layer", sa.Text, nullable=False),
        sa.Column("drill", sa.Boolean, nullable=False),
        sa.Column("seconds_dark", sa.Double, nullable=False),
        sa.Column("detection_seconds", sa.Double),
        sa.Column("recovery_seconds", sa.Double),
        sa.Column("said", sa.Text),
        sa.Column("excused", sa.Text),
        sa.Column("findings", sa.JSON, nullable=False),
        sa.Column("actions", sa.JSON, nullable=False),
        sa.Column("part_of", sa.Text),
        sa.Column("ended_by", sa.Text),
    )
    op.create_index("ix_incidents_opened", "incidents", ["opened", "id"])
    op.create_index("ix_incidents_stream", "incidents", ["stream", "opened"])
    op.create_index("ix_incidents_closed", "incidents", ["closed"])
    op.create_table(
        "orders",
        sa.Column("boot", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
    )
    op.create_index("ix_orders_at", "orders", ["at"])
    op.create_table(
        "notifications",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("incident", sa.Text),
        sa.Column("stream", sa.Text),
        sa.Column("receiver", sa.Text, nullable=False),
        sa.Column("alert", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
    )
    op.create_index("ix_notifications_at", "notifications", ["at"])
    op.create_index("ix_notifications_incident", "notifications", ["incident"])
