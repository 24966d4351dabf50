"""Reads what is kept of incidents and time on air, in any thread. Nothing is changed by it."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from supervisor.model import availability as air
from supervisor.model.notifications import Notification
from supervisor.model.remembered import Page, PastIncident, Question
from supervisor.store.database import Database
from supervisor.store.records import incident_of, told_of
from supervisor.store.schema import AIRTIME, BOOTS, INCIDENTS, NOTIFICATIONS


def incidents(database: Database, question: Question) -> Page:
    """What is known of them. Raises SQLAlchemy's errors, and ValueError for an `after` that no answer gave."""
    opened, identity = INCIDENTS.c.opened, INCIDENTS.c.id
    wanted = sa.select(INCIDENTS).where(INCIDENTS.c.part_of.is_(None))
    if question.since is not None:
        wanted = wanted.where(sa.or_(INCIDENTS.c.closed.is_(None), INCIDENTS.c.closed >= question.since))
    if question.until is not None:
        wanted = wanted.where(opened < question.until)
    if question.stream is not None:
        wanted = wanted.where(INCIDENTS.c.stream == question.stream)
    if question.segment is not None:
        wanted = wanted.where(INCIDENTS.c.segment == question.segment)
    if question.open_only:
        wanted = wanted.where(INCIDENTS.c.closed.is_(None))
    if question.after is not None:
        at, last = _read_cursor(question.after)
        wanted = wanted.where(sa.or_(opened < at, sa.and_(opened == at, identity < last)))
    wanted = wanted.order_by(opened.desc(), identity.desc()).limit(question.limit + 1)
    with database.read() as connection, connection.begin():
        rows = connection.execute(wanted).mappings().all()
        shown = rows[: question.limit]
        told = _told(connection, [row["id"] for row in shown])
    following = _cursor(shown[-1]["opened"], shown[-1]["id"]) if len(rows) > len(shown) else None
    return Page(tuple(_past(row, told) for row in shown), following)


def incident(database: Database, identity: str) -> PastIncident | None:
    """One by its id; of one that went on as a part of another, that one."""
    with database.read() as connection, connection.begin():
        for _ in range(100):  # a chain that bites its own tail must not keep us for ever
            row = connection.execute(sa.select(INCIDENTS).where(INCIDENTS.c.id == identity)).mappings().first()
            if row is None:
                return None
            if row["part_of"] is None:
                return _past(row, _told(connection, [identity]))
            identity = row["part_of"]
    return None


def notifications(database: Database, since: float, until: float | None, limit: int) -> list[Notification]:
    """Who was told in that time, the newest first. Raises SQLAlchemy's errors."""
    at = NOTIFICATIONS.c.at
    wanted = sa.select(NOTIFICATIONS).where(NOTIFICATIONS.c.last >= since)
    if until is not None:
        wanted = wanted.where(at < until)
    with database.read() as connection, connection.begin():
        rows = connection.execute(wanted.order_by(at.desc(), NOTIFICATIONS.c.id).limit(limit)).mappings().all()
    return [told_of(dict(row)) for row in rows]


def availability(database: Database, since: float, until: float, stream: str | None = None) -> air.Availability:
    """How long each stream was on air in the hours that begin in that time. Raises SQLAlchemy's errors."""
    hour = AIRTIME.c.hour
    sums = sa.select(AIRTIME.c.stream, AIRTIME.c.state, sa.func.sum(AIRTIME.c.seconds))
    sums = sums.where(hour >= since, hour < until).group_by(AIRTIME.c.stream, AIRTIME.c.state)
    if stream is not None:
        sums = sums.where(AIRTIME.c.stream == stream)
    lives = sa.select(BOOTS.c.started, BOOTS.c.alive)
    with database.read() as connection, connection.begin():
        found = [(name, state, seconds) for name, state, seconds in connection.execute(sums)]
        remembered = connection.scalar(sa.select(sa.func.min(hour)))
        away = air.away(((begin, end) for begin, end in connection.execute(lives)), since, until)
    return air.Availability(since, until, remembered, away, air.add_up(found))


def _past(row: Mapping[Any, Any], told: Mapping[str, Iterable[Notification]]) -> PastIncident:
    incident = incident_of({str(name): value for name, value in row.items()})
    return PastIncident(incident._replace(notifications=tuple(told.get(incident.id, ()))), row["ended_by"])


def _told(connection: sa.Connection, incidents: Collection[str]) -> Mapping[str, list[Notification]]:
    """Who was told of these incidents, and of what goes on as a part of them, in the order of time."""
    whole = {identity: identity for identity in incidents}
    parts = set(whole)
    while parts:
        wanted = sa.select(INCIDENTS.c.id, INCIDENTS.c.part_of).where(INCIDENTS.c.part_of.in_(parts))
        found = {part: whole[of] for part, of in connection.execute(wanted) if part not in whole}
        whole |= found
        parts = set(found)
    rows = sa.select(NOTIFICATIONS).where(NOTIFICATIONS.c.incident.in_(whole)).order_by(NOTIFICATIONS.c.at)
    told: dict[str, list[Notification]] = {}
    for row in connection.execute(rows).mappings():
        told.setdefault(whole[row["incident"]], []).append(told_of(dict(row)))
    return told


def _cursor(opened: float, identity: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([opened, identity]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[float, str]:
    try:
        at, identity = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return float(at), str(identity)
    except (ValueError, TypeError):
        raise ValueError("expected what an answer before gave as next") from None
