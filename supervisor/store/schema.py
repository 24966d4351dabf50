"""The tables as this version has them. `migrations` makes them; a test holds the two against each other.

Times are seconds since 1970. `boot` is one life of neverdark: numbers begin anew with each.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

VERSION_TABLE: Final = "neverdark_version"
HEAD: Final = (
    "0007"  # the latest step: asked for at each start, and to load Alembic for that takes as long as SQLAlchemy
)
METADATA: Final = sa.MetaData()

# --- what happened ---------------------------------------------------------------------------------

BOOTS: Final = sa.Table(
    "boots",
    METADATA,
    sa.Column("boot", sa.Text, primary_key=True),
    sa.Column("started", sa.Double, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("alive", sa.Double, nullable=False),  # when it last said so
    sa.Column("ended", sa.Double),  # in order; else it was killed, or is alive
)
FACTS: Final = sa.Table(
    "facts",
    METADATA,
    sa.Column("boot", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("stream", sa.Text, nullable=False),  # empty: neverdark's own
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
)
RUNS: Final = sa.Table(
    "runs",
    METADATA,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("boot", sa.Text, nullable=False),  # the neverdark that told of it last
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer),
    sa.Column("reason", sa.Text),  # why it replaced another one
    sa.Column("started", sa.Double, nullable=False, index=True),
    sa.Column("ended", sa.Double),
    sa.Column("planned", sa.Boolean),
    sa.Column("cause", sa.Text),
    sa.Column("code", sa.Integer),
    sa.Column("signal", sa.Integer),
    sa.Column("segment", sa.Text),
    sa.Column("said", sa.Text),
)
INCIDENTS: Final = sa.Table(
    "incidents",
    METADATA,
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
    sa.Column("excused", sa.Text),  # what was announced when it began
    sa.Column("findings", sa.JSON, nullable=False),
    sa.Column("actions", sa.JSON, nullable=False),
    sa.Column("part_of", sa.Text),  # the incident that it goes on as a part of
    sa.Column("ended_by", sa.Text),  # what closed it, where that was no recovery and no stop
    sa.Index("ix_incidents_opened", "opened", "id"),
    sa.Index("ix_incidents_stream", "stream", "opened"),
    sa.Index("ix_incidents_closed", "closed"),
    sa.Index("ix_incidents_part_of", "part_of"),
)
ACCOUNTS: Final = sa.Table(  # how long each stream was on air and off air, as neverdark noted it last
    "accounts",
    METADATA,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("boot", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("body", sa.JSON, nullable=False),
)
ORDERS: Final = sa.Table(
    "orders",
    METADATA,
    sa.Column("boot", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),  # the name of a token, never itself
    sa.Column("address", sa.Text, nullable=False),
)
NOTIFICATIONS: Final = sa.Table(
    "notifications",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", sa.Double, nullable=False, index=True),
    sa.Column("incident", sa.Text, index=True),
    sa.Column("stream", sa.Text),
    sa.Column("receiver", sa.Text, nullable=False),
    sa.Column("alert", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("destination", sa.Text),
    sa.Column("severity", sa.Text),
    sa.Column("times", sa.Integer, nullable=False, server_default="1"),  # how often the same was told
    sa.Column("last", sa.Double, nullable=False, server_default="0"),  # when it was told latest
)
AIRTIME: Final = sa.Table(  # so many seconds of an hour a stream was in a state, see `availability`
    "airtime",
    METADATA,
    sa.Column("hour", sa.Double, primary_key=True),  # when it began
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("boot", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, primary_key=True),
    sa.Column("seconds", sa.Double, nullable=False),
)

# --- what shall be ---------------------------------------------------------------------------------

WANTED: Final = sa.Table(  # the word that an operator has given last, as long as it holds
    "wanted",
    METADATA,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("wanted", sa.Boolean, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("since", sa.Double),
    sa.Column("until", sa.Double),
    sa.Column("ends", sa.Text, nullable=False),  # how `until` was said
    sa.Column("enabled", sa.Boolean, nullable=False),  # what the configuration says meanwhile
)
ORDERED_SOURCES: Final = sa.Table(  # what an operator wants viewers to see, as long as that holds
    "ordered_sources",
    METADATA,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("since", sa.Double, nullable=False),
    sa.Column("until", sa.Double),
)
STOPPED_WATCHDOGS: Final = sa.Table(  # by an operator
    "stopped_watchdogs",
    METADATA,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("destination", sa.Text, primary_key=True),
    sa.Column("since", sa.Double, nullable=False),
)
MAINTENANCE: Final = sa.Table(  # windows that operators have ordered, until they are over
    "maintenance",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("streams", sa.JSON),  # null: all
    sa.Column("since", sa.Double, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("lasting", sa.Boolean, nullable=False),  # how long was said, and not until when
)
STREAMS: Final = sa.Table(  # made by API
    "streams",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("added", sa.Double, nullable=False),
    sa.Column("changed", sa.Double, nullable=False),
)
DESTINATIONS: Final = sa.Table(  # of all streams: a number that stays, beside the name
    "destinations",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("body", sa.JSON),  # of one that was made by API
    sa.UniqueConstraint("stream", "name", name="uq_destinations_stream"),
    sqlite_autoincrement=True,  # a number is never given twice
)
WATCHDOG_SETTINGS: Final = sa.Table(
    "watchdog_settings",
    METADATA,
    sa.Column("destination", sa.Integer, sa.ForeignKey("destinations.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("changed", sa.Double, nullable=False),
)
EXTERNALS: Final = sa.Table(  # programs that run their own FFmpeg, as they have announced themselves
    "externals",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("body", sa.JSON, nullable=False),
)
