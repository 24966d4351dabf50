"""What the tests of the store say to it, over SQLite and PostgreSQL alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Any

import sqlalchemy as sa

from supervisor.model import events
from supervisor.model.facts import Fact, subject_of
from supervisor.model.incidents import ActionTaken, Finding, Incident
from supervisor.model.remembered import Page, Question
from supervisor.model.terms import Action, ExitCause, Layer, ProcessKey, Result, Role, Segment
from supervisor.store.database import Database
from supervisor.store.store import Store

KEY = ProcessKey("cam", Role.ENCODER)
FINDING = Finding(1000.0, ExitCause.KILLED, Segment.ENCODER, Role.ENCODER, None, Layer.PROCESS, said="häfen \0 \ud800")
PATIENCE = 30.0  # seconds: only a hang takes so long


def incident(number: int = 1, **changed: Any) -> Incident:
    """One that has just opened."""
    known: dict[str, Any] = {
        "id": f"cam-{number}",
        "stream": "cam",
        "destination": None,
        "opened": 1000.0 + number,
        "closed": None,
        "cause": ExitCause.KILLED,
        "segment": Segment.ENCODER,
        "layer": Layer.PROCESS,
        "drill": False,
        "seconds_dark": 0.5,
        "detection_seconds": 0.01,
        "recovery_seconds": None,
        "actions": (),
        "role": Role.ENCODER,
        "findings": (FINDING,),
    }
    return Incident(**known | changed)


def closed(number: int = 1, **changed: Any) -> Incident:
    """The same when it is over."""
    done = ActionTaken(1001.0, Layer.PROCESS, Action.RESTART_ENCODER, Result.RECOVERED)
    over = {"closed": 1040.0 + number, "seconds_dark": 2.5, "recovery_seconds": 0.4, "actions": (done,)}
    return incident(number, **over | changed)


class Speaker:
    """Tells a store facts, as an engine does."""

    def __init__(self, store: Store, wall: Callable[[], float] = time.time) -> None:
        self._store = store
        self._wall = wall
        self._numbers = count(1)

    def say(self, *whats: events.Payload) -> None:
        for what in whats:
            self._store(Fact(self._wall(), next(self._numbers), subject_of(what), what))

    def life(self, number: int) -> None:
        """An incident, and the run that it was about."""
        self.say(
            events.ProcessStarted(KEY, f"r{number}", 100 + number, None),
            events.IncidentOpened(incident(number), FINDING),
            exited(f"r{number}"),
            events.IncidentClosed(closed(number)),
            events.StreamOnAir("cam", on_air=True, reason=None, seconds=float(number)),
        )


def exited(run_id: str) -> events.ProcessExited:
    return events.ProcessExited(
        KEY,
        run_id,
        ExitCause.KILLED,
        None,
        9,
        12.5,
        planned=False,
        last_words=(),
        segment=Segment.ENCODER,
        silent=0.1,
        ended=5.0,
    )


def rows(database: Database, table: sa.Table) -> list[dict[str, Any]]:
    """Everything in a table, by its key."""
    with database.read() as connection, connection.begin():
        return [dict(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()]


def until(condition: Callable[[], object]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def page_of(store: Store, **asked: Any) -> Page:
    """What is remembered of incidents."""
    page = store.incidents(Question(**asked))
    assert page, "it can be read"
    return page
