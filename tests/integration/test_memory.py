"""A real neverdark that is killed, started anew, and finds its database, or none."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from supervisor.store import schema
from supervisor.store.postgres import Postgres
from tests.integration.conftest import Launch
from tests.integration.harness.postgres import PostgresServer
from tests.integration.harness.recipes import secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import ON_AIR, SLACK, eventually
from tests.store_scenes import rows

SLEEPER = {"command": ["sleep", "1000"]}


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with PostgresServer(secret("database")) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def top(request: pytest.FixtureRequest) -> dict[str, object]:
    """What a configuration says of the database."""
    if request.param == "sqlite":
        return {}
    server: PostgresServer = request.getfixturevalue("server")
    return {"database_url": server.url}


def incidents(running: Neverdark, top: dict[str, object]) -> list[tuple[str, object]]:
    if top:
        return [(row["id"], row["ended_by"]) for row in rows(Postgres(str(top["database_url"])), schema.INCIDENTS)]
    with closing(sqlite3.connect(running.data_dir / "neverdark.db")) as database:
        return database.execute("SELECT id, ended_by FROM incidents").fetchall()


def test_a_stop_outlives_kill_9_and_every_incident_is_there_once(neverdark: Launch, top: dict[str, object]) -> None:
    running = neverdark({"a": SLEEPER, "b": SLEEPER}, **top)
    running.wait_on_air()
    assert running.post("/api/streams/a/stop").status_code == 202
    running.send(signal.SIGKILL)  # at once: who got an answer may rely on it
    running.wait(10)
    running.start()
    running.wait_on_air("b")
    assert not running.on_air("a")
    assert running.metric("stream_wanted", stream="a") == 0

    os.kill(running.pid("b", "command"), signal.SIGKILL)
    (before,) = eventually(lambda: incidents(running, top), 5 + SLACK, "the incident is remembered")
    assert before[1] is None
    running.crash()
    running.start()
    (after,) = eventually(
        lambda: [one for one in incidents(running, top) if one[1]], 5 + SLACK, "it is closed, as it was: by our end"
    )
    assert after == (before[0], "neverdark ended")
    told = running.cli("incidents", "--since", "1h", "--json")
    assert [(one["id"], one["ended_by"]) for one in json.loads(told.stdout)["incidents"]] == [after]
    assert running.get(f"/api/incidents/{after[0]}").json()["id"] == after[0]
    assert running.get("/api/incidents").json()["incidents"] == [], "without a question: since the start"

    assert running.post("/api/streams/a/start").status_code == 202
    assert running.stop() == 0
    running.start()
    running.wait_on_air("a", "b")


def test_postgresql_may_be_away_at_the_start_and_come_later(neverdark: Launch, server: PostgresServer) -> None:
    server.stop()
    running = neverdark({"a": SLEEPER}, database_url=server.url)
    running.wait_on_air()
    eventually(lambda: running.metric("store_up") == 0, ON_AIR, "that is shown")
    assert "the configuration counts" in running.log()
    assert running.metric("store_queue_length") > 0
    os.kill(running.pid("a", "command"), signal.SIGKILL)
    eventually(lambda: running.get("/api/incidents").json()["incidents"], 5 + SLACK, "an incident")
    page = running.get("/api/incidents?stream=a").json()
    assert (len(page["incidents"]), page["complete"]) == (1, False), "what is known without the database"
    server.start()
    eventually(lambda: running.metric("store_up") == 1, ON_AIR, "and its end")
    eventually(lambda: len(rows(Postgres(server.url), schema.RUNS)) == 2, 5 + SLACK, "nothing is lost")
    assert len(rows(Postgres(server.url), schema.INCIDENTS)) == 1
    page = running.get("/api/incidents?stream=a").json()
    assert (len(page["incidents"]), page["complete"]) == (1, True)
    assert running.metric("store_dropped_total") == 0


def test_a_newer_database_is_one_clear_error(unstarted: Launch) -> None:
    running = unstarted({"a": SLEEPER})
    running.start()
    running.wait_on_air()
    assert running.stop() == 0
    with closing(sqlite3.connect(running.data_dir / "neverdark.db")) as database, database:
        database.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")  # noqa: S608
    before = len(running.log().splitlines())
    running.launch()
    assert running.wait(ON_AIR) == 2
    (line,) = running.log().splitlines()[before:]
    assert "data_dir" in line
    assert "newer" in line
    assert "9999" in line
