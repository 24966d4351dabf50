"""Programs that run their own FFmpeg: watched like our own, recovered by their owner's means, and never signalled."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from supervisor.clients.external import NeverdarkClient, NeverdarkError, start_time
from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import Json
from tests.integration.harness.supervised import REPOSITORY, Neverdark
from tests.integration.harness.waiting import SLACK, eventually

QUICK = {"restart": {"initial_delay": "200ms"}, "stall": {"timeout": "3s"}}
KEY = "owners-key-4711-x7Qp2"  # the database has to keep it, so it is none of the harness' own bait
EXAMPLE = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / "external.md").read_text(), re.DOTALL)[0]


class Owner:
    """Whoever runs the program of the documentation; in the end, nothing of it is left."""

    def __init__(self, folder: Path, ingest: Ingest, ffmpeg: str) -> None:
        self.folder, self.ffmpeg = folder, ffmpeg
        self.url = f"{ingest.url}/{KEY}"
        folder.mkdir()

    def play(self, running: Neverdark) -> int:
        said = {
            "http://127.0.0.1:9833": running.url,
            "rtmp://127.0.0.1/live/test-key": self.url,
            "/tmp/player-progress.txt": str(self.folder / "progress.txt"),  # noqa: S108 - what is replaced
            '"ffmpeg"': repr(self.ffmpeg),
        }
        player = self.folder / "player.py"
        player.write_text(re.sub("|".join(map(re.escape, said)), lambda found: said[found.group()], EXAMPLE))
        assert all(text in player.read_text() for text in said.values())
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        subprocess.run(
            [sys.executable, str(player)], env=environment, check=True, timeout=60, stdout=subprocess.DEVNULL
        )
        return int(external(running)["pid"])

    def alive(self) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and self.url in (entry / "cmdline").read_text(errors="replace"):
                    found.append(int(entry.name))
        return found

    def end(self) -> None:
        for pid in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def owner(tmp_path: Path, ingest: Ingest, request: pytest.FixtureRequest) -> Iterator[Owner]:
    ffmpeg = request.getfixturevalue("ffmpeg") if "ffmpeg" in request.fixturenames else "ffmpeg"
    owner = Owner(tmp_path / "owner", ingest, ffmpeg)
    yield owner
    owner.end()


def external(running: Neverdark) -> Json:
    answer: Json = running.get("/api/external/player").json()
    return answer


def incidents(running: Neverdark) -> list[Json]:
    found: list[Json] = running.get("/api/incidents").json()["incidents"]
    return found


def output(running: Neverdark) -> str:
    return "".join(path.read_text(errors="replace") for path in running.log_files() if path.suffix == ".log")


def assert_no_key(running: Neverdark) -> None:
    """In nothing that neverdark shows or writes, but in the database that has to know it."""
    seen = [running.get(path).text for path in ("/metrics", "/api/streams", "/api/external", "/api/incidents", "/")]
    assert not [text for text in (*seen, output(running), running.log()) if KEY in text]


def test_a_program_is_watched_recovered_by_its_command_and_ends_as_planned(
    owner: Owner, neverdark: Launch, ingest: Ingest, ffmpeg: str
) -> None:
    del ffmpeg
    running = neverdark({}, external={"commands": True}, defaults=QUICK)
    first = owner.play(running)
    running.wait_on_air("player")
    shown = running.stream("player")
    (process,) = shown["processes"]
    assert (shown["origin"], process["role"], process["pid"]) == ("external", "command", first)
    eventually(lambda: running.stream("player")["destinations"][0]["uplink"]["connected"], 5 + SLACK, "its connection")

    os.kill(first, signal.SIGKILL)
    eventually(lambda: external(running)["pid"] != first, 5 + SLACK, "another one is announced")
    running.wait_on_air("player")
    second = external(running)["pid"]
    assert owner.alive() == [second]
    eventually(lambda: ingest.receives(KEY), SLACK, "the other one publishes")
    (incident,) = incidents(running)
    actions = [action["action"] for action in incident["actions"]]
    assert (incident["segment"], actions) == ("encoder", ["restart_command"])
    assert running.metric("process_restarts_total", stream="player", reason="exit") == 1
    eventually(lambda: f"FFmpeg {second} sends to rtmp://" in output(running), 5 + SLACK, "the command's words")

    os.kill(second, signal.SIGSTOP)
    eventually(lambda: external(running)["pid"] != second, 3 + 5 + SLACK, "a stall is recovered, too")
    running.wait_on_air("player")
    third = external(running)["pid"]
    assert owner.alive() == [third]

    NeverdarkClient(running.url).notify_stream_stopped("player")
    assert owner.alive() == [third], "it is not neverdark's to end"
    os.kill(third, signal.SIGTERM)
    eventually(lambda: not owner.alive(), 5 + SLACK, "its owner ends it")
    (incident,) = incidents(running)
    assert [finding["cause"] for finding in incident["findings"]] == ["killed", "stall"]
    assert incident["closed"], "until media has flowed for long enough it is one, and a stop ends it"
    assert running.metric("stream_wanted", stream="player") == 0
    assert_no_key(running)


def test_a_program_is_found_again_by_the_next_neverdark_and_missed_if_it_is_gone(
    owner: Owner, unstarted: Launch
) -> None:
    running = unstarted({}, external={"commands": True}, defaults=QUICK).start()
    first = owner.play(running)
    running.wait_on_air("player")
    running.crash()
    running.start().wait_on_air("player")
    assert external(running)["pid"] == first
    assert incidents(running) == []
    running.crash()
    os.kill(first, signal.SIGKILL)
    running.start()
    eventually(lambda: external(running)["pid"] != first, 5 + SLACK, "it is recovered")
    running.wait_on_air("player")
    (incident,) = incidents(running)
    assert "ended while neverdark was away" in incident["said"]
    last = external(running)["pid"]
    assert running.stop() == 0
    assert owner.alive() == [last], "the end of neverdark is none of its"
    running.start().wait_on_air("player")
    assert external(running)["pid"] == last
    assert_no_key(running)


@contextmanager
def webhook() -> Iterator[tuple[str, list[Json]]]:
    said: list[Json] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, format: str, *words: object) -> None: ...  # noqa: A002 - its name there

        def do_POST(self) -> None:
            said.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/restart?token=owners-token-4711", said
        server.shutdown()
        thread.join()


def test_a_webhook_is_told_and_what_cannot_be_is_refused(neverdark: Launch) -> None:
    running = neverdark({"cam": {"enabled": False, "command": ["sleep", "1000"]}}, defaults=QUICK)
    client = NeverdarkClient(running.url, timeout=30)
    url = "rtmp://127.0.0.1:1/live/owners-key"
    program = subprocess.Popen(["sleep", "1000"])
    try:
        for pid, said in ((1, "init process"), (running.process.pid if running.process else 0, "neverdark itself")):
            with pytest.raises(NeverdarkError, match=said):
                client.notify_stream_started("show", pid, url)
        with pytest.raises(NeverdarkError, match=r"external: \{commands: true\}"):
            client.notify_stream_started("show", program.pid, url, recovery_command=["true"])
        with pytest.raises(NeverdarkError, match="a stream of the configuration is called so"):
            client.notify_stream_started("cam", program.pid, url)
        with pytest.raises(NeverdarkError, match="destination_url: expected"):
            client.notify_stream_started("show", program.pid, "gopher://x/owners-key")
        assert running.get("/api/external").json() == {"external": []}

        with webhook() as (address, told):
            client.notify_stream_started("show", program.pid, url, recovery_webhook=address)
            running.wait_on_air("show")
            for order in ("stop", "restart"):
                assert running.post(f"/api/streams/show/{order}").status_code == 409
            other = subprocess.Popen(["sleep", "1000"])
            try:
                with pytest.raises(NeverdarkError, match="is there still"):
                    client.notify_stream_started("show", other.pid, url, recovery_webhook=address)
                client.notify_stream_started("show", other.pid, url, recovery_webhook=address, replace=True)
                assert program.poll() is None
                assert incidents(running) == []
                begun = start_time(other.pid)
            finally:
                other.kill()
                other.wait()
            eventually(lambda: told, 5 + SLACK, "the webhook is told")
            (incident,) = incidents(running)
            assert told[0].pop("said") == ""
            assert told[0] == {
                "name": "show",
                "reason": "exit",
                "segment": incident["segment"],
                "cause": incident["cause"],
                "incident": incident["id"],
                "attempt": 1,
                "pid": other.pid,
                "start_time": begun,
            }
            client.notify_stream_started("show", program.pid, url)
            running.wait_on_air("show")
        seen = running.log() + running.get("/api/external").text + running.get("/api/streams").text
        assert "owners-key" not in seen
        assert "owners-token" not in seen
        answers = [
            running.get("/api/external/nobody").status_code,
            running.post("/api/external/nobody/stopped").status_code,
        ]
        assert answers == [404, 404]
        client.notify_stream_stopped("show")
    finally:
        program.kill()
        program.wait()
