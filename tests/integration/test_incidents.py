"""Every fault has one incident, with the segment that broke; what is planned has none."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path

from supervisor.model.thresholds import SUSTAINED_SECONDS as SUSTAINED
from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import publishing, record
from tests.integration.harness.recipes import Json, cam, secret
from tests.integration.harness.rtsp import RtspCamera
from tests.integration.harness.supervised import Neverdark, ProcessName
from tests.integration.harness.waiting import ON_AIR, SLACK, eventually

QUICK: Json = {
    "restart": {"initial_delay": "200ms", "max_delay": "2s", "attempts": 1000},
    "stall": {"timeout": "3s"},
    # Layer 2 has every occasion to meddle with what layer 1 mends.
    "watchdog": {"interval": "1s", "failures": 3, "cooldown": "3s"},
}


def incidents(running: Neverdark, stream: str) -> list[Json]:
    found: list[Json] = running.get(f"/api/streams/{stream}/incidents").json()["incidents"]
    return found


def only(running: Neverdark, stream: str) -> Json:
    found = incidents(running, stream)
    assert len(found) == 1, f"{stream}: {found}"
    return found[0]


def closed(running: Neverdark, stream: str) -> bool:
    return only(running, stream)["closed"] is not None


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def test_what_is_planned_is_no_incident(ingest: Ingest, neverdark: Launch) -> None:
    running = neverdark({"cam": cam(ingest.url, secret("main"), **QUICK)})
    running.wait_on_air()

    def all_changed(before: dict[ProcessName, int | None]) -> bool:
        return not before.items() & running.pids().items()

    encoder = running.pid("cam", "encoder")
    assert running.post("/api/streams/cam/restart").status_code == 202
    eventually(partial(running.replaced, encoder, "cam", "encoder"), ON_AIR, "restarted")
    for order in ("stop", "start"):
        before = running.pids()
        assert running.post(f"/api/streams/cam/{order}").status_code == 202
        eventually(partial(all_changed, before), 5 + SLACK, f"{order}: done")
    running.wait_on_air("cam")
    encoder = running.pid("cam", "encoder")
    running.config["streams"]["cam"]["video"]["bitrate"] = "200k"
    running.write_config()
    running.send(signal.SIGHUP)
    eventually(partial(running.replaced, encoder, "cam", "encoder"), 5 + SLACK, "reloaded")
    running.wait_on_air()

    def judged() -> bool:
        return bool(running.get("/api/watchdog/status").json()["watchdogs"]["cam:yt"]["verdict"] == "healthy")

    eventually(judged, 2 + SLACK, "layer 2 has looked")
    assert incidents(running, "cam") == []
    for counter in ("incidents_total", "recovery_attempts_total", "recovery_results_total"):
        assert running.metric(counter) == 0
    assert running.metric("incident_open") == 0
    assert running.metric("stream_off_air_since_timestamp_seconds", stream="cam") == 0
    assert "incident" not in running.log()


def test_a_destination_that_is_removed_takes_its_incident_with_it(ingest: Ingest, neverdark: Launch) -> None:
    stream = cam(ingest.url, secret("main"), **QUICK)
    stream["destinations"]["dead"] = {"url": "rtmp://127.0.0.1:9/live", "key": secret("dead"), "required": False}
    running = neverdark({"cam": stream})
    running.wait_on_air()
    found = eventually(partial(only, running, "cam"), 5 + SLACK, "nobody listens there")
    assert (found["destination"], found["segment"], found["closed"]) == ("dead", "platform", None)
    eventually(lambda: running.stream("cam")["health"] == "degraded", SLACK, "on air, and yet not well")

    del running.config["streams"]["cam"]["destinations"]["dead"]
    running.write_config()
    running.send(signal.SIGHUP)

    eventually(partial(closed, running, "cam"), 3 + SLACK, "nobody wants it any more")
    assert running.metric("incident_open") == 0
    eventually(lambda: running.stream("cam")["health"] == "healthy", 3 + SLACK, "nothing else is wrong")
    assert list(running.get("/api/watchdog/status").json()["watchdogs"]) == ["cam:yt"]
    assert running.restarts()["cam", "encoder", ""].keys() <= {"config"}


def test_each_fault_is_put_down_to_the_segment_that_broke(ingest: Ingest, tmp_path: Path, neverdark: Launch) -> None:
    """And only what has media for 30 s is over. Meanwhile layer 2 does nothing: layer 1 is at work, or all is well."""
    mended, lasting = ("encoder", "pusher", "dropped"), ("taken", "camera", "file")
    keys = {name: secret(name) for name in (*mended, *lasting, "calm")}
    file = record(tmp_path / "film.ts", 6)
    with ExitStack() as world:
        camera = world.enter_context(RtspCamera("viewer", secret("camera-password")))
        world.enter_context(publishing(f"{ingest.url}/{keys['taken']}"))
        eventually(lambda: ingest.receives(keys["taken"]), 5 + SLACK, "somebody else publishes on our key")
        streams = {name: cam(ingest.url, key, **QUICK) for name, key in keys.items()}
        streams["camera"]["source"] = {"url": camera.url}
        streams["file"]["source"] = {"url": str(file), "realtime": True}
        running = neverdark(streams)
        running.wait_on_air("camera", "file")
        file.unlink()  # it is played to its end, and is not there for the next time
        running.wait_on_air("calm", *mended)

        _break(running, ingest, keys["dropped"])
        camera.refuse()
        running.wait_on_air(*mended)

        expected = {
            "encoder": ("encoder", None, {"killed"}),
            "pusher": ("pusher", "yt", {"killed"}),
            "dropped": ("platform", "yt", {"ingest_closed"}),
            "taken": ("platform", "yt", {"ingest_refused"}),
            # FFmpeg 5 ends with its source; a later one goes on with silence, and its frames no longer advance.
            "camera": ("source", None, {"source_unreachable", "source_ended", "stall"}),
            "file": ("source", None, {"source_unreachable", "source_ended", "stall"}),
        }
        for name, (segment, destination, causes) in expected.items():
            found = eventually(partial(only, running, name), 10 + SLACK, f"{name}: an incident")
            assert (found["segment"], found["destination"]) == (segment, destination), found
            assert found["cause"] in causes, found
            assert (found["layer"], found["drill"], found["closed"]) == ("process", False, None)
            assert running.metric("incident_open", stream=name, segment=segment) == 1
            assert running.metric("incident_open", stream=name) == 1, "and in no other segment"

        for name in mended:
            eventually(partial(closed, running, name), SUSTAINED + SLACK, f"{name}: closed")
        for name, (segment, _, _) in expected.items():
            found = only(running, name)
            assert {act["layer"] for act in found["actions"]} <= {"process"}
            counted = partial(running.metric, "incidents_total", stream=name)
            eventually(lambda counted=counted: counted() == 1, SUSTAINED + SLACK, f"{name}: settled, and counted")  # type: ignore[misc]  # bound in the loop
            assert counted(segment=segment) == 1
            if name in mended:
                assert found["actions"][-1]["result"] == "recovered"
                assert seconds_between(found["opened"], found["closed"]) >= SUSTAINED - 1
                assert 0 < found["seconds_dark"] < SUSTAINED - 1
                assert running.metric("incident_open", stream=name) == 0
            else:
                assert found["closed"] is None
                assert found["seconds_dark"] > SUSTAINED - 1
        assert running.metric("recovery_attempts_total", layer="watchdog") == 0, "one layer only"
        assert incidents(running, "calm") == []
        assert running.restarts()["calm", "encoder", ""] == running.restarts()["calm", "pusher", "yt"] == {}


def _break(running: Neverdark, ingest: Ingest, key: str) -> None:
    ingest.drop_publisher(key)
    for name in (("encoder", "encoder", ""), ("pusher", "pusher", "yt")):
        old = running.pid(*name)
        os.kill(old, signal.SIGKILL)
        eventually(partial(running.replaced, old, *name), 3 + SLACK, "replaced")
    eventually(lambda: running.exits("dropped", "pusher", "yt"), 5 + SLACK, "the drop is noticed")
