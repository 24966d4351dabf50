"""`neverdark drill` against a real neverdark: each fault is caused, named and recovered from, or honestly refused."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import Json, cam, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, eventually, free_port

# Short enough to see all layers at work within a test.
QUICK = {
    "restart": {"initial_delay": "100ms", "max_delay": "1s", "attempts": 2, "reset_after": "5s", "cooldown": "2m"},
    "stall": {"startup": "10s", "timeout": "3s"},
    "uplink": {"interval": "500ms", "timeout": "2s"},
    "watchdog": {"interval": "2s", "failures": 3, "cooldown": "5s"},  # after the stall's timeout, not before it
}
SEGMENTS = {
    "quick": "encoder",
    "freeze": "encoder",
    "pusher": "pusher",
    "uplink": "uplink",
    "source": "source",
    "fallback": "source",
    "full": "encoder",
}


FALLBACK = {"fallback": [{"slate": True}], "fallback_policy": {"return_after": "2s"}}


def begin(running: Neverdark, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "supervisor", "drill", *words, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=running.environment,
        cwd=running.folder,
    )


def incidents(running: Neverdark, stream: str) -> list[Json]:
    found: list[Json] = running.get(f"/api/streams/{stream}/incidents").json()["incidents"]
    return found


def report(drill: subprocess.Popen[str], seconds: float) -> tuple[int, Json, str]:
    """Exit code, what it reported, and what it said meanwhile."""
    out, err = drill.communicate(timeout=seconds)
    (only,) = json.loads(out)["drills"]
    return drill.returncode, only, err


def test_every_drill_is_recovered_from_and_names_its_segment(ingest: Ingest, neverdark: Launch) -> None:
    """All at once, each on a stream of its own: one after the other they wait for each other's incidents to close."""
    streams: Json = {name: cam(ingest.url, secret(name), **QUICK) for name in SEGMENTS}
    streams["fallback"] |= FALLBACK
    running = neverdark(streams)
    running.wait_on_air(seconds=20 + SLACK)
    encoders = {name: running.pid(name, "encoder") for name in streams}
    connection = ingest.publishers()[secret("fallback")].client
    slates = running.data_dir / "slates"
    eventually(lambda: list(slates.glob("[!.]*.mkv")), 30 + SLACK, "the slate is made")

    begun = {name: begin(running, name, "--stream", name) for name in SEGMENTS}
    results = {name: report(drill, 60) for name, drill in begun.items()}

    for name, (code, shown, said) in results.items():
        assert (code, shown["outcome"]) == (0, "recovered"), f"{name}: {shown}\n{said}"
        assert shown["segment"] == shown["expected_segment"] == SEGMENTS[name]
        assert shown["recovered_by"] == ("watchdog" if name == "full" else "process"), f"{name}: {shown}"
        assert 0 <= shown["recovery_seconds"] <= shown["allowed_seconds"]
        assert shown["seconds_dark"] >= 0
        assert running.stream(name)["maintenance"] is False, "the drill is over"
    assert results["quick"][1]["detection_seconds"] < 1 + SLACK
    shown = results["fallback"][1]
    assert shown["fallback"] == "fallback1"
    assert 0 < shown["fallback_seconds"] < shown["return_seconds"] <= shown["allowed_seconds"]
    assert ingest.publishers()[secret("fallback")].client == connection
    assert "until no attempt was left" in results["full"][1]["done"]
    running.wait_on_air()
    untouched = {name for name in streams if running.pid(name, "encoder") == encoders[name]}
    assert untouched == {"pusher", "uplink"}
    assert all(incident["drill"] for name in streams for incident in incidents(running, name))


def test_drills_that_are_refused_break_nothing(ingest: Ingest, neverdark: Launch) -> None:
    running = neverdark(
        {
            "off": cam(ingest.url, secret("off"), **QUICK) | {"drills": False},
            "dark": cam(f"rtmp://127.0.0.1:{free_port()}/live", secret("dark"), **QUICK),
            "bare": {"command": ["sleep", "1000"], **QUICK},
        }
    )
    running.wait_on_air("off", "bare")
    before = {name: pid for name, pid in running.pids().items() if name[0] != "dark"}
    refused = {
        ("quick", "off"): "drills: false",
        ("quick", "dark"): "not on air",
        ("freeze", "bare"): "no progress",
        ("pusher", "bare"): "no pusher",
        ("source", "bare"): "own business",
        ("uplink", "bare"): "no destination",
    }
    begun = {words: begin(running, words[0], "--stream", words[1]) for words in refused}
    for words, drill in begun.items():
        code, shown, said = report(drill, 30)
        assert (code, shown["outcome"]) == (1, "refused"), said
        assert refused[words] in shown["reason"]
    assert running.cli("drill", "quick", "--stream", "nobody").returncode == 1
    assert {name: pid for name, pid in running.pids().items() if name[0] != "dark"} == before
    assert incidents(running, "off") == incidents(running, "bare") == []
