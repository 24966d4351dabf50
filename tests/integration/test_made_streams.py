"""A stream made by API, on real FFmpegs and a real ingest: on air, there again after a kill, changed, and gone."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import Json, cam, card, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, eventually

ORDERS = [
    ("make stream", "cam", ""),
    ("change stream", "cam", ""),
    ("change watchdog", "cam", "yt"),
    ("add destination", "cam", "more"),
    ("remove destination", "cam", "more"),
    ("remove stream", "cam", ""),
]
ENCODER, PUSHER = ("cam", "encoder", ""), ("cam", "pusher", "yt")


def asked(running: Neverdark, method: str, path: str, body: Json | None = None, status: int = 200) -> Json:
    answer = running.ask(method, f"/api/streams{path}", body)
    assert answer.status_code == status, answer.text
    told: Json = answer.json()
    return told


def test_a_made_stream_outlives_a_kill_is_changed_and_vanishes(ingest: Ingest, neverdark: Launch, ffmpeg: str) -> None:
    key, other = secret("main"), secret("other")
    running = neverdark({"own": card() | {"enabled": False, **cam(ingest.url, secret("own"))}}, ffmpeg=ffmpeg)
    running.vault = ("neverdark.db", "made-streams.json")
    made = {"name": "cam", **cam(ingest.url, key)}
    assert asked(running, "POST", "?dry_run=true", made)["change"] == "added"
    assert running.get("/api/streams/cam").status_code == 404
    told = asked(running, "POST", "", made, 201)
    assert told["config"]["destinations"]["yt"]["key"] == "***"
    running.wait_on_air("cam")
    eventually(lambda: ingest.receives(key), SLACK, "published")
    client, pids = ingest.publisher(key).client, running.pids()

    running.crash()  # at once: what was answered is written
    running.start()
    running.wait_on_air("cam")
    assert running.stream("cam")["origin"] == "api"
    assert ingest.publisher(key).client == client
    assert {name: running.pids()[name] for name in (ENCODER, PUSHER)} == {
        name: pids[name] for name in (ENCODER, PUSHER)
    }

    asked(running, "POST", "", made, 409)
    assert "change it there" in asked(running, "PATCH", "/own", {"enabled": True}, 409)["detail"]
    mistakes = asked(running, "PUT", "/cam", {"video": {"bitrat": "1M"}, "destinations": {"yt": {"url": "x"}}}, 422)
    assert {one["path"] for one in mistakes["problems"]} == {
        "streams.cam.source",
        "streams.cam.video.bitrat",
        "streams.cam.destinations.yt.url",
    }
    config = asked(running, "GET", "/cam/config")["config"]
    asked(running, "PUT", "/cam", config | {"limits": {"bitrate": "100k"}})
    asked(running, "PUT", "/cam/destinations/yt/watchdog-config", {"watchdog_check_interval": 10})
    assert asked(running, "GET", "/cam/destinations/yt/watchdog-config")["watchdog_check_interval"] == 10
    added = {"name": "more", "url": ingest.url, "key": other, "required": False}
    asked(running, "POST", "/cam/destinations", added, 201)
    eventually(lambda: ingest.receives(other), SLACK + 20, "the new destination is published")
    assert ingest.publisher(key).client == client, "the hidden key was kept, and the pusher was left alone"
    asked(running, "DELETE", "/cam/destinations/more")

    assert asked(running, "DELETE", "/cam")["change"] == "removed"
    eventually(lambda: key not in ingest.publishers(), SLACK + 5, "nobody publishes")
    eventually(
        lambda: not any('stream="cam"' in line for line in running.get("/metrics").text.splitlines()),
        SLACK + 5,
        "its metrics are gone",
    )
    assert running.get("/api/incidents").json()["incidents"] == []

    database = running.data_dir / "neverdark.db"
    assert stat.S_IMODE(database.stat().st_mode) == 0o600

    def orders() -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as read:
            assert read.execute("SELECT count(*) FROM streams").fetchone() == (0,)
            return read.execute("SELECT what, stream, destination, by, address FROM orders ORDER BY at").fetchall()

    eventually(lambda: len(orders()) >= len(ORDERS), SLACK + 10, "every order is written")
    assert [order[:3] for order in orders()] == ORDERS
    assert {order[3:] for order in orders()} == {("local", "127.0.0.1")}
