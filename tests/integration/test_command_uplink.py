"""A command that names its destinations: the kernel tells how its connections fare, whatever program it is."""

from __future__ import annotations

import os
import shlex
import signal

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import Json, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.valve import Valve
from tests.integration.harness.waiting import ON_AIR, SLACK, all_along, eventually

COMMAND = ("mine", "command", "")
TIMEOUT = 3.0


def script(ffmpeg: str, *urls: str) -> list[str]:
    """What owners have: a shell, and FFmpeg as its child. It reports no progress to anybody."""
    argv = [ffmpeg, "-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10"]
    argv += ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-b:v", "800k", "-map", "0:v"]
    argv += ["-f", "tee", "|".join(f"[f=flv]{url}" for url in urls)]
    return ["sh", "-c", f"{shlex.join(argv)}; true"]


def observing(command: list[str], **destinations: Json) -> Json:
    return {"mine": {"command": command, "uplink": {"timeout": TIMEOUT}, "destinations": destinations}}


def acked(running: Neverdark, destination: str) -> float:
    return running.metric("uplink_acked_bytes_total", stream="mine", destination=destination)


def connections(running: Neverdark, destination: str) -> float:
    return running.metric("uplink_connections_total", stream="mine", destination=destination)


def grows(running: Neverdark, destination: str) -> bool:
    """Whether the ingest acknowledges more; raises what `eventually` takes for "not yet"."""
    before = acked(running, destination)
    eventually(lambda: acked(running, destination) > before + 20_000, 3 + SLACK, "more is acknowledged")
    return True


@pytest.fixture
def broken(ingest: Ingest, valve: Valve, neverdark: Launch, ffmpeg: str) -> Neverdark:
    """A command on air through a line that can be broken, and directly as well."""
    main, backup = secret("main"), secret("backup")
    running = neverdark(
        observing(
            script(ffmpeg, f"{valve.url}/{main}", f"{ingest.url}/{backup}"),
            main={"url": valve.url, "key": main},
            backup={"url": ingest.url, "key": backup},
        )
    )
    running.wait_on_air()
    eventually(lambda: ingest.receives(main) and ingest.receives(backup), ON_AIR, "the ingest receives both")
    return running


def test_an_ingest_that_stops_reading_is_noticed_although_the_command_says_nothing(
    ingest: Ingest, valve: Valve, broken: Neverdark
) -> None:
    running = broken
    for destination in ("main", "backup"):
        assert grows(running, destination)
        assert connections(running, destination) == 1
    old = running.pid(*COMMAND)

    valve.freeze()

    # The kernels on both sides of the line take some in before nothing is acknowledged any more.
    eventually(lambda: running.replaced(old, *COMMAND), TIMEOUT + 4 + SLACK, "it is replaced")
    assert running.restarts() == {COMMAND: {"uplink": 1}}
    assert running.one(*COMMAND)["last_failure"]["cause"] == "uplink_blocked"

    valve.thaw()

    # The ingest may still hold the old connection, and refuse the next one or two.
    eventually(lambda: ingest.receives(secret("main")) and grows(running, "main"), ON_AIR, "the next one sends")
    running.wait_on_air()
    assert running.restarts()[COMMAND]["uplink"] == 1


def test_who_is_only_slow_to_start_is_left_alone(neverdark: Launch) -> None:
    """No connection is no blocked one: a script may take its time."""
    running = neverdark(
        observing(["sh", "-c", "sleep 1000; true"], main={"url": "rtmp://127.0.0.1:9/live", "key": secret("main")})
    )
    running.wait_on_air()
    assert acked(running, "main") == 0
    all_along(lambda: running.restarts() == {COMMAND: {}}, TIMEOUT + 2, "nothing is restarted")


def test_destinations_can_be_named_later(ingest: Ingest, neverdark: Launch, ffmpeg: str) -> None:
    """A reload that only observes more touches no process, and what was counted stays."""
    main, backup = secret("main"), secret("backup")
    command = script(ffmpeg, f"{ingest.url}/{main}", f"{ingest.url}/{backup}")
    running = neverdark(observing(command, main={"url": ingest.url, "key": main}))
    running.wait_on_air()
    assert grows(running, "main")
    old = running.pid(*COMMAND)
    os.kill(old, signal.SIGKILL)
    eventually(lambda: connections(running, "main") == 2, ON_AIR, "another one is connected")
    old = running.pid(*COMMAND)

    running.config["streams"] = observing(
        command, main={"url": ingest.url, "key": main}, backup={"url": ingest.url, "key": backup}
    )
    running.write_config()
    running.send(signal.SIGHUP)

    eventually(lambda: acked(running, "backup") > 0, 5 + SLACK, "the other one is seen, too")
    assert grows(running, "main")
    assert grows(running, "backup")
    assert (connections(running, "main"), connections(running, "backup")) == (2, 1)
    assert not running.replaced(old, *COMMAND)
    assert running.restarts() == {COMMAND: {"exit": 1}}
