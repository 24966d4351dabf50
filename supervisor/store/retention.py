"""What is too old, or too much, is removed: a few rows at a time, so that nobody waits for a lock."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from supervisor.store.schema import ACCOUNTS, AIRTIME, BOOTS, FACTS, INCIDENTS, NOTIFICATIONS, ORDERS, RUNS

EVERY: Final = 3600.0
AT_ONCE: Final = 500
# Of each table: a thousand streams of which each fails every five minutes would else fill the disk within the time.
MOST_ROWS: Final = 1_000_000
_HOURS: Final = 10  # times as many hours on air: a thousand streams of 400 days
_DAY: Final = 86_400.0
# What tells the age of a row. What goes on still is of no age.
_AGES: Final = {
    FACTS: FACTS.c.at,
    RUNS: RUNS.c.ended,
    INCIDENTS: INCIDENTS.c.closed,
    ORDERS: ORDERS.c.at,
    NOTIFICATIONS: NOTIFICATIONS.c.at,
    AIRTIME: AIRTIME.c.hour,
    BOOTS: BOOTS.c.alive,
    ACCOUNTS: ACCOUNTS.c.at,  # a stream that is there is younger
}


def clear_some(connection: sa.Connection, wall: float, days: float, most_rows: int = MOST_ROWS) -> bool:
    """Remove some of what is older than so many days. Returns whether there may be more."""
    more = False
    for table, age in _AGES.items():
        keys = list(table.primary_key)
        with connection.begin():
            count = connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            old = sa.select(*keys).where(age < wall - days * _DAY).order_by(age).limit(AT_ONCE)
            most = most_rows * (_HOURS if table is AIRTIME else 1)
            if count > most:
                surplus = min(AT_ONCE, count - most)
                old = sa.select(*keys).where(age.is_not(None)).order_by(age).limit(surplus)
            rows = connection.execute(old).all()
            if rows:
                connection.execute(table.delete().where(sa.tuple_(*keys).in_([tuple(row) for row in rows])))
        more = more or len(rows) == AT_ONCE or count - len(rows) > most
    return more
