"""One outage is one incident, whoever fails because of it, and it is as long as it was dark."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from supervisor.model.thresholds import ON_AIR_SECONDS, SUSTAINED_SECONDS
from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import publishing
from tests.integration.harness.recipes import Json, cam, secret
from tests.integration.harness.rtsp import RtspCamera
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, all_along, eventually

PATIENCE = 5  # of the ingest
OUTAGE = 20.0
QUICK: Json = {
    "restart": {"initial_delay": "200ms", "max_delay": "2s", "attempts": 1000},
    "stall": {"timeout": "6s", "startup": "8s"},
    "watchdog": {"interval": "5s", "failures": 3, "cooldown": "30s"},
}


def incidents(running: Neverdark, stream: str) -> list[Json]:
    found: list[Json] = running.get(f"/api/streams/{stream}/incidents").json()["incidents"]
    return found


def closed(running: Neverdark, stream: str) -> bool:
    return all(one["closed"] for one in incidents(running, stream))


def off_air(running: Neverdark, stream: str) -> float:
    return running.metric("stream_off_air_seconds_total", stream=stream)


def test_a_camera_is_away_and_idle_ingests_hang_up(ingest: Ingest, tmp_path: Path, neverdark: Launch) -> None:
    """With one destination and with two, of which one hangs up: one incident, no second twice, two lines in the log."""
    keys = {name: secret(name) for name in ("one", "two", "backup", "camera")}
    with ExitStack() as world:
        hasty = Ingest(tmp_path / "hasty", patience=PATIENCE)
        world.callback(hasty.close)
        hasty.start()
        rtsp = world.enter_context(RtspCamera("viewer", secret("camera-password")))
        rtmp = world.enter_context(ExitStack())
        rtmp.enter_context(publishing(f"{ingest.url}/{keys['camera']}"))
        one = cam(hasty.url, keys["one"], **QUICK) | {"source": {"url": rtsp.url}}
        two = cam(hasty.url, keys["two"], **QUICK) | {"source": {"url": f"{ingest.url}/{keys['camera']}"}}
        two["destinations"]["backup"] = {"url": ingest.url, "key": keys["backup"]}
        running = neverdark({"one": one, "two": two})
        running.wait_on_air("one", "two")
        before = {name: off_air(running, name) for name in ("one", "two")}

        rtsp.refuse()
        rtmp.close()
        eventually(lambda: not hasty.publishers(), OUTAGE + SLACK, "the idle ingest has hung up on both")
        for name in ("one", "two"):
            eventually(lambda name=name: incidents(running, name), OUTAGE + SLACK, "noticed")  # type: ignore[misc]  # bound in the loop
        all_along(lambda: not running.on_air("one", "two"), 5, "the camera is away")
        assert keys["backup"] in ingest.publishers()
        rtsp.listen()
        world.enter_context(publishing(f"{ingest.url}/{keys['camera']}"))

        running.wait_on_air("one", "two", seconds=30 + SLACK)
        for name in ("one", "two"):
            eventually(partial(closed, running, name), SUSTAINED_SECONDS + 10 + SLACK, f"{name}: closed")
            (found,) = incidents(running, name)
            assert (found["segment"], found["destination"]) == ("source", None), found
            assert found["subject"] == {"stream": name, "destination": None, "role": "encoder"}
            follows = {
                (act["destination"], act["segment"], act["consequence"])
                for act in found["findings"]
                if act["role"] == "pusher"
            }
            assert follows == {("yt", "source", True)}, found
            assert {act["action"] for act in found["actions"]} == {"restart_encoder", "restart_pusher"}
            # Media is called off air when it has not come for so long.
            dark = off_air(running, name) - before[name] + ON_AIR_SECONDS
            assert abs(found["seconds_dark"] - dark) <= 1.5, found
            assert found["detection_seconds"] < 10
            assert found["seconds_dark"] > found["recovery_seconds"] > 5
            assert running.metric("incidents_total", stream=name) == 1
            assert running.metric("incidents_total", stream=name, segment="source") == 1
            assert running.metric("stream_off_air_seconds_total", stream=name, segment="platform") == 0
            said = [line for line in running.log().splitlines() if f'"stream": "{name}"' in line]
            for event in ("incident opened", "incident closed"):
                assert len([line for line in said if f'"{event}"' in line]) == 1, event
            consequences = [line for line in said if '"incident: something more was found"' in line]
            assert [line for line in consequences if '"destination": "yt"' in line], "told as a finding"
            assert running.one(name, "pusher", "yt")["budget_remaining"] == QUICK["restart"]["attempts"]
        assert running.restarts()["two", "pusher", "backup"] == {}


def test_a_corrected_key_ends_an_incident_when_media_flows_and_not_before(ingest: Ingest, neverdark: Launch) -> None:
    """Seen: closed by the reload, 5 s before media."""
    taken = secret("taken")
    with publishing(f"{ingest.url}/{taken}"):
        eventually(lambda: ingest.receives(taken), 5 + SLACK, "somebody else publishes on our key")
        running = neverdark({"cam": cam(ingest.url, taken, **QUICK)})
        eventually(lambda: incidents(running, "cam"), 10 + SLACK, "refused")
        running.config["streams"]["cam"]["destinations"]["yt"]["key"] = secret("right")
        running.write_config()
        running.send(signal.SIGHUP)
        running.wait_on_air("cam")
        (found,) = incidents(running, "cam")
        assert found["closed"] is None, "that it lasts is to be seen"
        assert found["actions"][-1]["layer"] == "operator"

        eventually(partial(closed, running, "cam"), SUSTAINED_SECONDS + SLACK, "closed")
        (found,) = incidents(running, "cam")
        last = found["actions"][-1]
        assert (last["action"], last["result"]) == ("restart_pusher", "recovered")
        assert (found["segment"], found["cause"]) == ("platform", "ingest_refused")
        assert running.metric("recovery_attempts_total", layer="watchdog") == 0


def test_destinations_that_are_cut_off_together_have_one_incident(
    ingest: Ingest, neverdark: Launch, tmp_path: Path
) -> None:
    """Their server goes away; a destination elsewhere has nothing to do with it."""
    with ExitStack() as world:
        lasting = Ingest(tmp_path / "lasting")
        world.callback(lasting.close)
        lasting.start()
        stream = cam(ingest.url, secret("main"), **QUICK)
        stream["destinations"]["backup"] = {"url": ingest.url, "key": secret("backup")}
        stream["destinations"]["other"] = {"url": lasting.url, "key": secret("other")}
        running = neverdark({"cam": stream})
        running.wait_on_air()
        before = off_air(running, "cam")

        ingest.stop()
        eventually(lambda: incidents(running, "cam"), 5 + SLACK, "noticed")
        all_along(lambda: not running.on_air("cam"), 8, "nobody listens")
        ingest.start()
        running.wait_on_air()

        (found,) = incidents(running, "cam")
        assert (found["segment"], found["destination"], found["subject"]["role"]) == ("platform", None, "pusher"), found
        assert {one["destination"] for one in found["findings"]} == {"yt", "backup"}
        # They are replaced at once, so it is off air before media has not come for a while.
        assert abs(found["seconds_dark"] - (off_air(running, "cam") - before)) <= ON_AIR_SECONDS, found
        assert running.metric("incident_open", stream="cam") == 1
        assert running.restarts()["cam", "pusher", "other"] == running.restarts()["cam", "encoder", ""] == {}
