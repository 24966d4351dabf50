"""What is done on purpose (stop, restart, reload) is no failure, no recovery and no incident."""

from __future__ import annotations

import signal

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import cam, card, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import ON_AIR, SLACK, all_along, eventually

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")
PLANNED_REASONS = {"operator", "config"}


def assert_no_failure(running: Neverdark) -> None:
    """Nothing that was planned counts as anything that went wrong."""
    for name, process in running.processes():
        assert process["last_failure"] is None, name
        assert {cause for cause, count in process["exits"].items() if count} <= {"stopped"}, name
    for name, reasons in running.restarts().items():
        assert set(reasons) <= PLANNED_REASONS, name
    failures = [line for line in running.log().splitlines() if "next attempt" in line or '"level": "error"' in line]
    assert not failures


def test_stop_start_and_restart_are_no_failures(ingest: Ingest, neverdark: Launch, ffmpeg: str) -> None:
    key = secret("main")
    running = neverdark({"cam": cam(ingest.url, key)}, ffmpeg=ffmpeg)
    running.wait_on_air()
    pids = running.pids()

    assert running.post("/api/streams/cam/restart").status_code == 202
    eventually(lambda: running.pids()[ENCODER] not in {None, pids[ENCODER]}, ON_AIR, "a new encoder")
    running.wait_on_air()
    assert running.pids()[PUSHER] == pids[PUSHER], "it is well, and keeps its connection"
    assert running.restarts() == {PUSHER: {}, ENCODER: {"operator": 1}}

    assert running.post("/api/streams/cam/stop").status_code == 202
    eventually(lambda: set(running.pids().values()) == {None}, 5 + SLACK, "all ended")
    eventually(lambda: key not in ingest.publishers(), SLACK, "nothing is published")
    assert running.get("/readyz").status_code == 200, "a stream that nobody wants is no reason to be unready"
    assert running.metric("stream_wanted", stream="cam") == 0

    assert running.post("/api/streams/cam/start").status_code == 202
    running.wait_on_air("cam")
    assert_no_failure(running)
    assert running.exits(*PUSHER) == {"stopped": 1}
    assert running.exits(*ENCODER) == {"stopped": 2}


def test_a_reload_replaces_only_what_changed(ingest: Ingest, neverdark: Launch) -> None:
    keys = {name: secret(name) for name in ("same", "cam", "gone", "new")}
    running = neverdark({name: cam(ingest.url, keys[name]) for name in ("same", "cam", "gone")})
    running.wait_on_air()
    pids = running.pids()
    client = ingest.publisher(keys["same"]).client

    streams = running.config["streams"]
    del streams["gone"]
    streams["new"] = cam(ingest.url, keys["new"])
    streams["cam"]["video"]["bitrate"] = "200k"
    running.write_config()  # noticed by itself: no signal

    running.wait_on_air("new")
    eventually(lambda: running.pids()[ENCODER] not in {None, pids[ENCODER]}, 5 + SLACK, "the changed encoder")
    running.wait_on_air()
    now = running.pids()
    assert {name for name in now if now[name] == pids.get(name)} == {
        ("same", "pusher", "yt"),
        ("same", "encoder", ""),
        PUSHER,
    }
    assert running.restarts()[ENCODER] == {"config": 1}
    eventually(lambda: keys["gone"] not in ingest.publishers(), SLACK, "what was removed is not published")
    assert running.get("/api/streams/gone").status_code == 404
    assert not [labels for _, labels in running.metrics() if ("stream", "gone") in labels]
    assert ingest.publisher(keys["same"]).client == client
    assert_no_failure(running)


def test_sighup_reloads_a_key_file_and_replaces_only_its_pusher(ingest: Ingest, neverdark: Launch) -> None:
    keys = [secret("old"), secret("fresh"), secret("other")]
    stream = card()
    running: Neverdark = neverdark({})
    key_file = running.folder / "key"
    key_file.write_text(keys[0])
    stream["destinations"] = {
        "yt": {"url": ingest.url, "key_file": "./key"},
        "other": {"url": ingest.url, "key": keys[2]},
    }
    running.config["streams"]["cam"] = stream
    running.write_config()
    running.send(signal.SIGHUP)
    running.wait_on_air("cam")
    pids = running.pids()

    key_file.write_text(keys[1])
    running.send(signal.SIGHUP)

    eventually(lambda: ingest.publishers().keys() == {keys[1], keys[2]}, 5 + SLACK, "the new key is used, not the old")
    running.wait_on_air("cam")
    changed = {name for name, pid in running.pids().items() if pid != pids[name]}
    assert changed == {PUSHER}
    assert running.restarts()[PUSHER] == {"config": 1}
    assert_no_failure(running)


def test_an_invalid_reload_changes_nothing_and_is_counted(neverdark: Launch) -> None:
    running = neverdark({"cam": {"command": ["sleep", "1000"]}})
    running.wait_on_air()
    pids, good = running.pids(), dict(running.config)
    assert running.metric("config_last_reload_successful") == 1

    running.config["streams"] = {"cam": {"command": ["sleep", "1000"], "restart": {"attempts": "many"}}}
    running.write_config()
    running.send(signal.SIGHUP)

    eventually(lambda: running.metric("config_last_reload_successful") == 0, 3 + SLACK, "it is told")
    assert "streams.cam.restart.attempts" in running.log()
    all_along(lambda: running.pids() == pids and running.on_air(), 0.5, "nothing changes")

    running.config = good
    running.write_config()
    eventually(lambda: running.metric("config_last_reload_successful") == 1, 3 + SLACK, "good again")
    assert running.pids() == pids
