"""What FFmpeg says is what the owner is told: the right cause, the right segment, and words that help."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import QUIET, record
from tests.integration.harness.media import ffmpeg as an_ffmpeg
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.valve import Valve
from tests.integration.harness.waiting import SLACK, eventually, free_port
from tests.unit.certificates import Authority

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")
QUICK = {"initial_delay": "200ms", "max_delay": "1s", "attempts": 100}
G711 = ("-f", "lavfi", "-i", "sine", "-c:a", "pcm_alaw", "-ar", "8000")


def incident(running: Neverdark) -> dict[str, Any]:
    found = eventually(lambda: running.get("/api/incidents").json()["incidents"], 5 + SLACK, "an incident")
    newest: dict[str, Any] = found[0]
    return newest


def why_off_air(running: Neverdark) -> str:
    return str(running.get("/readyz").json()["streams"]["cam"]["reason"])


def test_sound_that_cannot_be_copied_is_the_configurations_fault(
    ingest: Ingest, neverdark: Launch, tmp_path: Path, ffmpeg: str
) -> None:
    """G.711, which MPEG-TS takes and nobody can read there: the pusher is not kept waiting, nor the platform blamed."""
    picture, camera = record(tmp_path / "picture.ts", 3), tmp_path / "camera.mkv"
    subprocess.run([*QUIET, "-i", picture, *G711, "-c:v", "copy", "-t", "3", camera], check=True, timeout=60)
    stream = cam(ingest.url, secret("main")) | {"audio": {"source": "copy"}, "video": {"codec": "copy"}}
    stream["source"] = {"url": str(camera), "loop": True}
    running = neverdark({"cam": stream}, ffmpeg=ffmpeg)

    eventually(lambda: running.exits(*ENCODER).get("bad_arguments"), 5 + SLACK, "it is named")
    found = incident(running)
    assert (found["cause"], found["segment"]) == ("bad_arguments", "encoder")
    assert found["said"] == "MPEG-TS cannot carry pcm_alaw: it must be encoded, not copied"
    assert running.one(*ENCODER)["last_failure"]["said"] == found["said"]
    assert found["said"] in why_off_air(running)
    assert not set(running.exits(*PUSHER)), "nobody else is to blame"


def test_a_list_with_a_missing_file_names_the_source(
    ingest: Ingest, neverdark: Launch, tmp_path: Path, ffmpeg: str
) -> None:
    """FFmpeg crashes there, and has said before what it could not find."""
    record(tmp_path / "first.ts", 2)
    (tmp_path / "list.txt").write_text("file first.ts\nfile missing.ts\n")
    stream = cam(ingest.url, secret("main"), restart=QUICK) | {"audio": {"source": "silence"}}
    stream["source"] = {"url": str(tmp_path / "list.txt"), "format": "concat", "options": ["-safe", "0"], "loop": True}
    running = neverdark({"cam": stream}, ffmpeg=ffmpeg)

    eventually(lambda: running.exits(*ENCODER).get("source_unreachable"), 10 + SLACK, "it is named")
    found = incident(running)
    assert (found["cause"], found["segment"]) == ("source_unreachable", "source")
    assert "is not there" in found["said"] or "cannot be opened" in found["said"]


def test_an_srt_server_that_refuses_and_one_that_goes(neverdark: Launch, ffmpeg: str) -> None:
    port, right, wrong = free_port(), secret("right-word"), secret("wrong-word")
    listen = f"srt://127.0.0.1:{port}?mode=listener&passphrase="
    with an_ffmpeg("-i", listen + right, "-c", "copy", "-f", "null", "-") as server:
        streams = {"cam": cam(f"srt://127.0.0.1:{port}?passphrase={wrong}", restart=QUICK)}
        running = neverdark(streams, ffmpeg=ffmpeg)
        eventually(lambda: running.exits(*PUSHER).get("ingest_refused"), 5 + SLACK, "it is refused")
        found = incident(running)
        assert (found["cause"], found["segment"]) == ("ingest_refused", "platform")
        assert found["said"] == "the SRT server refused the passphrase"

        running.config["streams"]["cam"]["destinations"]["yt"]["url"] = f"srt://127.0.0.1:{port}?passphrase={right}"
        running.write_config()
        running.wait_on_air()
        server.kill()
        eventually(lambda: running.exits(*PUSHER).get("ingest_closed"), 15 + SLACK, "it goes")
    findings = {(one["cause"], one["segment"]) for one in incident(running)["findings"]}
    assert findings == {("ingest_refused", "platform"), ("ingest_closed", "platform")}


def test_a_program_that_is_not_there_is_named(neverdark: Launch) -> None:
    running = neverdark({"cam": {"command": ["ffmpegg", "-i", "x"]}})
    found = incident(running)
    assert (found["cause"], found["said"]) == ("bad_arguments", "cannot start ffmpegg: No such file or directory")


def test_a_certificate_that_is_not_valid_yet_is_no_refused_key(
    ingest: Ingest, unstarted: Launch, tmp_path: Path, ffmpeg: str
) -> None:
    """As where a machine without a clock has started: FFmpeg tells only that it does not accept it."""
    authority = Authority(tmp_path / "authority")
    with Valve(ingest.port, tls=authority.not_valid_yet()) as tls:
        running = unstarted({"cam": cam(tls.url, secret("main"))}, ffmpeg=ffmpeg)
        running.environment["SSL_CERT_FILE"] = str(authority.bundle)
        running.start()
        words = "the server's certificate is not valid yet: is this machine's clock right?"
        eventually(lambda: (running.one(*PUSHER)["last_failure"] or {}).get("said") == words, 10 + SLACK, "it is told")
        assert incident(running)["said"] == words
        eventually(lambda: words in why_off_air(running), 5 + SLACK, "and wherever it says why")
