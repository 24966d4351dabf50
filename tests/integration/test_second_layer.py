"""The second layer in earnest: it takes over where the process manager gives up, and otherwise keeps its hands off."""

from __future__ import annotations

import os
import signal
from datetime import datetime
from functools import partial

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import publishing
from tests.integration.harness.recipes import Json, cam, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.valve import Valve
from tests.integration.harness.waiting import SLACK, eventually

INTERVAL, FAILURES, COOLDOWN = 1.5, 3, 4.0
WATCHDOG: Json = {"watchdog": {"interval": INTERVAL, "failures": FAILURES, "cooldown": COOLDOWN}}
EAGER: Json = {"watchdog": {"interval": 1.0, "failures": FAILURES, "cooldown": COOLDOWN}}
# What is promised, from the end of layer 1's attempts to media.
TAKEN_OVER = FAILURES * INTERVAL + 10


def watched(running: Neverdark, stream: str) -> Json:
    """What the watchdog says of a stream's destination."""
    found: Json = running.get("/api/watchdog/status").json()["watchdogs"][f"{stream}:yt"]
    return found


def actions(running: Neverdark, stream: str) -> float:
    """How often the second layer has acted on a stream."""
    return running.metric("recovery_attempts_total", layer="watchdog", stream=stream)


def incident(running: Neverdark, stream: str) -> Json:
    """A stream's only incident."""
    found = running.get(f"/api/streams/{stream}/incidents").json()["incidents"]
    assert len(found) == 1
    only: Json = found[0]
    return only


def told(running: Neverdark, stream: str, what: str) -> list[str]:
    """Log lines about a stream that say so."""
    return [line for line in running.log().splitlines() if f'"stream": "{stream}"' in line and what in line]


def is_in(running: Neverdark, stream: str, state: str) -> bool:
    """Whether that is the state of a stream's encoder."""
    return bool(running.one(stream, "encoder")["state"] == state)


def healthy(running: Neverdark, stream: str) -> bool:
    """Whether the latest verdict says so."""
    return bool(watched(running, stream)["verdict"] == "healthy")


def test_it_takes_over_when_no_attempts_are_left(ingest: Ingest, neverdark: Launch) -> None:
    """`none` never had any, `one` has used up its own; both would wait for five minutes."""
    keys = {name: secret(name) for name in ("none", "one")}
    restart = {"cooldown": "5m", "initial_delay": 0, "reset_after": "60s"}
    running = neverdark(
        {
            "none": cam(ingest.url, keys["none"], restart=restart | {"attempts": 0}, **WATCHDOG),
            "one": cam(ingest.url, keys["one"], restart=restart | {"attempts": 1}, **WATCHDOG),
        }
    )
    running.wait_on_air()
    for name in keys:
        eventually(partial(healthy, running, name), 2 * INTERVAL + SLACK, "judged")
        assert watched(running, name)["last_recovery_time"] is None
    clients = {name: ingest.publisher(key).client for name, key in keys.items()}
    pushers = {name: running.pid(name, "pusher", "yt") for name in keys}

    first = running.pid("one", "encoder")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: running.replaced(first, "one", "encoder"), SLACK, "its one attempt")
    for name in keys:
        os.kill(running.pid(name, "encoder"), signal.SIGKILL)
        eventually(partial(is_in, running, name, "cooldown"), SLACK, "given up")
        assert running.one(name, "encoder")["budget_remaining"] == 0

    shown: list[Json] = []

    def taken_over() -> bool:
        shown.extend(watched(running, name) for name in keys)
        return all(actions(running, name) for name in keys)

    eventually(taken_over, TAKEN_OVER + SLACK, "the second layer acts")
    running.wait_on_air(seconds=10 + SLACK)
    assert all(one["running"] for one in shown), "the status tells the truth: the jobs run"
    assert 0 < max(one["consecutive_unhealthy"] for one in shown) < FAILURES, "the last one is acted upon"
    for name, key in keys.items():
        eventually(partial(healthy, running, name), INTERVAL + SLACK, "healthy again")
        now = watched(running, name)
        assert (now["recovery_count"], now["consecutive_unhealthy"]) == (1, 0)
        assert now["last_recovery_time"] < now["last_healthy_time"]
        for count in range(1, FAILURES + 1):
            assert len(told(running, name, f"Stream unhealthy ({count}/{FAILURES} checks)")) == 1
        assert len(told(running, name, "=== RECOVERY ATTEMPT #1 ===")) == actions(running, name) == 1
        labels = {"layer": "watchdog", "stream": name}
        assert running.metric("recovery_attempts_total", action="restart_encoder", **labels) == 1
        found = incident(running, name)
        assert (found["segment"], found["cause"], found["destination"]) == ("encoder", "killed", None)
        assert (found["actions"][-1]["layer"], found["actions"][-1]["action"]) == ("watchdog", "restart_encoder")
        assert running.restarts()[name, "encoder", ""]["watchdog"] == 1
        # The pusher waited for its encoder: same process, same connection.
        assert running.pid(name, "pusher", "yt") == pushers[name]
        assert ingest.publisher(key).client == clients[name]
        assert running.restarts()[name, "pusher", "yt"] == {}
    assert running.metric("restart_budget_remaining", stream="one", role="encoder") == 1, "all attempts are back"


def test_it_keeps_its_hands_off(ingest: Ingest, valve: Valve, neverdark: Launch) -> None:
    """Off what the process manager mends, and off what no restart can help."""
    keys = {name: secret(name) for name in ("mended", "refused")}
    badly = cam(ingest.url, secret("badly"), **EAGER)
    badly["source"]["options"] = ["-nosuchoption", "1"]
    patient = {"initial_delay": "2s", "max_delay": "4s", "attempts": 1000}
    with publishing(f"{ingest.url}/{keys['refused']}"):
        eventually(lambda: ingest.receives(keys["refused"]), 5 + SLACK, "somebody else publishes on our key")
        running = neverdark(
            {
                "mended": cam(valve.url, keys["mended"], restart=patient, **EAGER),
                "refused": cam(ingest.url, keys["refused"], **EAGER),
                "badly": badly,
            }
        )

        def unhealthy(name: str) -> bool:
            return int(watched(running, name)["consecutive_unhealthy"]) > FAILURES

        running.wait_on_air("mended")
        valve.refuse()

        why = {
            "mended": "the process manager is at work and has attempts left",
            "refused": "a restart cannot help, somebody must change something first",
            "badly": "a restart cannot help, somebody must change something first",
        }
        for name, words in why.items():
            # Verdicts of `unknown`, while an attempt is under way, do not count: it may take more than three checks.
            eventually(partial(told, running, name, words), 5 * FAILURES + SLACK, f"{name}: nothing is done")
            eventually(partial(unhealthy, name), 5 + SLACK, f"{name}: nor at the next check")
        valve.listen()
        running.wait_on_air("mended")
        for name in ("mended", "refused", "badly"):
            assert actions(running, name) == watched(running, name)["recovery_count"] == 0
        assert "RECOVERY ATTEMPT" not in running.log()

        found = incident(running, "mended")
        assert (found["segment"], found["destination"], found["layer"]) == ("platform", "yt", "process")
        assert {act["layer"] for act in found["actions"]} == {"process"}
        found = incident(running, "refused")
        assert (found["segment"], found["cause"]) == ("platform", "ingest_refused")
        found = incident(running, "badly")
        assert (found["segment"], found["cause"]) == ("encoder", "bad_arguments")
        assert running.restarts()["badly", "encoder", ""] == {}


def test_a_process_that_is_too_big_is_replaced_less_and_less_often(ingest: Ingest, neverdark: Launch) -> None:
    """While media flows, each restart costs the viewers something: one that did not help waits twice as long."""
    quick = {"watchdog": {"interval": "500ms", "failures": 2, "cooldown": 4.0}}
    stream = cam(ingest.url, secret("main"), limits={"memory": "1MiB"}, **quick)
    stream["destinations"]["yt"]["limits"] = {"memory": "10GiB"}  # the pusher may, or it would be its turn sometimes
    running = neverdark({"cam": stream})
    running.wait_on_air()

    eventually(lambda: actions(running, "cam") == 3, 2 + 4 + 8 + 5 + SLACK, "three recoveries that do not help")

    found = incident(running, "cam")
    assert (found["cause"], found["segment"], found["layer"]) == ("limit", "encoder", "watchdog")
    assert {act["action"] for act in found["actions"]} == {"restart_encoder"}
    times = [datetime.fromisoformat(act["at"]).timestamp() for act in found["actions"]]
    assert times[1] - times[0] >= 4.0 - 0.05
    assert times[2] - times[1] >= 2 * 4.0 - 0.05
    assert len(told(running, "cam", "the last recovery was too short a while ago")) >= 1
    eventually(lambda: running.restarts()["cam", "encoder", ""] == {"limit": 3}, SLACK, "counted as what it is")
    assert running.restarts()["cam", "pusher", "yt"] == {}
    running.wait_on_air()
    # Of a run that has just begun nothing is known until its first check.
    eventually(lambda: running.stream("cam")["health"] == "degraded", 2 + SLACK, "on air, and yet not well")
