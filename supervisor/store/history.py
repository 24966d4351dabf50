"""Reads what is kept of incidents, in any thread. Nothing is changed by it."""

from __future__ import annotations

import base64
import json

import sqlalchemy as sa

from supervisor.model.remembered import Page, PastIncident, Question
from supervisor.store.database import Database
from supervisor.store.records import incident_of
from supervisor.store.schema import INCIDENTS


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
    following = _cursor(shown[-1]["opened"], shown[-1]["id"]) if len(rows) > len(shown) else None
    return Page(tuple(PastIncident(incident_of(dict(row)), row["ended_by"]) for row in shown), following)


def incident(database: Database, identity: str) -> PastIncident | None:
    """One by its id; of one that went on as a part of another, that one."""
    with database.read() as connection, connection.begin():
        for _ in range(100):  # a chain that bites its own tail must not keep us for ever
            row = connection.execute(sa.select(INCIDENTS).where(INCIDENTS.c.id == identity)).mappings().first()
            if row is None:
                return None
            if row["part_of"] is None:
                return PastIncident(incident_of(dict(row)), row["ended_by"])
            identity = row["part_of"]
    return None


def _cursor(opened: float, identity: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([opened, identity]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[float, str]:
    try:
        at, identity = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return float(at), str(identity)
    except (ValueError, TypeError):
        raise ValueError("expected what an answer before gave as next") from None
