"""An encoder slower than real time and a bit rate that is too low are noticed, and told apart."""

from __future__ import annotations

from functools import partial

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import Json, cam, secret
from tests.integration.harness.waiting import ON_AIR, SLACK, eventually

INTERVAL, FAILURES = 1.0, 3
# Speed and bit rate are taken over 5 s at least; three times degraded is unhealthy, for the first time.
NOTICED = 5 + (3 + 1) * INTERVAL
ACTED = NOTICED + FAILURES * INTERVAL


def test_slow_and_thin_are_noticed_and_told_apart(ingest: Ingest, neverdark: Launch) -> None:
    watchdog: Json = {"watchdog": {"interval": INTERVAL, "failures": FAILURES, "cooldown": "60s"}}
    slow = cam(ingest.url, secret("slow"), **watchdog)
    # Half of the frames that are due, however fast the machine is.
    slow["source"]["url"] += ",realtime=speed=0.5"
    slow["audio"] = {"source": "none"}
    thin = cam(ingest.url, secret("thin"), limits={"bitrate": "2M"}, **watchdog)  # it sends 300 kbit/s and sound
    well = cam(ingest.url, secret("well"), limits={"bitrate": "100k"}, **watchdog)
    running = neverdark({"slow": slow, "thin": thin, "well": well})

    def incident(stream: str) -> Json:
        found = running.get(f"/api/streams/{stream}/incidents").json()["incidents"]
        assert len(found) == 1
        only: Json = found[0]
        return only

    def degraded(stream: str) -> bool:
        return bool(running.stream(stream)["health"] == "degraded")

    def acted_upon(stream: str) -> bool:
        return running.restarts()[stream, "encoder", ""] == {"watchdog": 1}

    causes = {"slow": "slow", "thin": "bitrate_low"}
    for stream in causes:
        eventually(partial(degraded, stream), ON_AIR + 5, "degraded")
        assert running.on_air(stream), "media flows all the while"
    assert running.metric("watchdog_verdict", stream="slow", check="progress", verdict="degraded") == 1
    for stream, cause in causes.items():
        found = eventually(partial(incident, stream), NOTICED + SLACK, "an incident")
        assert (found["cause"], found["segment"], found["layer"]) == (cause, "encoder", "watchdog")
        assert found["closed"] is None
    assert 0.3 < running.metric("progress_speed_ratio", stream="slow", role="encoder") < 0.7
    for stream in causes:
        eventually(partial(acted_upon, stream), ACTED + SLACK, "acted upon")
        assert [act["action"] for act in incident(stream)["actions"]] == ["restart_encoder"]
        assert running.restarts()[stream, "pusher", "yt"] == {}
    running.wait_on_air()
    assert running.stream("well")["health"] == "healthy"
    assert running.get("/api/streams/well/incidents").json()["incidents"] == []
    assert running.metric("recovery_attempts_total", layer="watchdog") == 2
