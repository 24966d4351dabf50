"""Holds a live scrape of a real neverdark against promtool and against the OpenMetrics reference parser.

Exits 1 on anything that either has to say. Needs promtool; FFmpeg comes with the virtual environment.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg
import requests
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.metrics import FAMILIES, PREFIX
from supervisor.config.youtube import AccountSection
from supervisor.platforms.youtube.oauth import Grant, OAuth
from supervisor.platforms.youtube.tokens import Tokens
from tests.youtube.fake import FakeYouTube
from tests.youtube.model import State
from tests.youtube.oauth import TV

READY_WITHIN = 30.0
COMPLETE_WITHIN = 60.0
STOPPED_WITHIN = 10.0


def configuration(listen: int, ingest: int, directory: Path, youtube: FakeYouTube) -> dict[str, object]:
    """A bare command, which is also the ingest; a command with progress; a test card to the ingest and a file; a radio.

    Between them they bring every family of series to life.
    """
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    url = f"rtmp://127.0.0.1:{ingest}/live"
    picture = "testsrc2=size=160x90:rate=10"
    return {
        "listen": f"127.0.0.1:{listen}",
        "data_dir": str(directory / "data"),
        "ffmpeg": ffmpeg,
        "network": {"reference": f"127.0.0.1:{listen}"},  # neverdark itself: a host that is there
        # The pusher may be there before the ingest: try again soon.
        "defaults": {
            "restart": {"initial_delay": "100ms", "max_delay": "500ms", "attempts": 100},
            "watchdog": {"interval": "1s"},
        },
        "youtube": {"accounts": {"main": account(directory, youtube)}},
        "streams": {
            "ingest": {"command": [ffmpeg, "-listen", 1, "-i", f"{url}/key", "-f", "null", "-"]},
            "counter": {
                "command": [ffmpeg, *f"-progress {{progress}} -re -f lavfi -i {picture} -f null -".split()],
            },
            "card": {
                "source": {"url": picture, "format": "lavfi", "realtime": True},
                "video": {"codec": "libx264", "bitrate": "100k", "preset": "ultrafast"},
                "content": True,
                "fallback": [{"slate": True}],
                "fallback_policy": {"page_after": "10m"},
                "destinations": {
                    "local": {"url": url, "key": "key", "profile": "youtube", "youtube": at_youtube(youtube)},
                    "file": {"url": str(directory / "card.ts"), "required": False},
                },
            },
            "radio": {
                "source": {"playlist": [str(tone(ffmpeg, directory))]},
                "video": {"generate": "still", "size": "160x90", "fps": 10, "preset": "ultrafast"},
                "destinations": {"file": {"url": str(directory / "radio.ts")}},
            },
        },
    }


def account(directory: Path, youtube: FakeYouTube) -> dict[str, object]:
    """One that somebody has logged in to."""
    secret = directory / "client-secret"
    secret.write_text(TV.client_secret)
    secret.chmod(0o600)
    token = str(directory / "token")
    section: dict[str, object] = {
        "client_id": TV.client_id,
        "client_secret_file": str(secret),
        "token_file": token,
        **youtube.urls,
    }
    parsed = AccountSection.model_validate(section)
    Tokens(parsed, OAuth(parsed)).save(Grant("none", youtube.oauth.granted(), 0.0))
    return section


def at_youtube(youtube: FakeYouTube) -> dict[str, object]:
    """What a destination is there: live, received, and not without a fault."""
    stream = youtube.studio.stream("key")
    youtube.ingest.sends("key")
    youtube.ingest.issues("key", "gopSizeLong", severity="warning")
    youtube.studio.broadcast(stream=stream, state=State.LIVE)
    return {
        "account": "main",
        "channel": youtube.channel.id,
        "stream_id": stream.id,
        "poll": "1s",
        "page_poll": "1s",
        "broadcast": {"title": "Card", "adopt": True},
        "rotate": {"every": "11h"},
    }


def tone(ffmpeg: str, directory: Path) -> Path:
    """A track for the list."""
    track = directory / "tone.wav"
    argv = [ffmpeg, "-loglevel", "error", "-nostdin", "-f", "lavfi", "-i", "sine=duration=2", str(track)]
    subprocess.run(argv, check=True, timeout=30)
    return track


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_until_ready(base: str, neverdark: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN
    last = "it does not answer"
    while time.monotonic() < deadline:
        if neverdark.poll() is not None:
            raise SystemExit(f"neverdark ended by itself, exit code {neverdark.returncode}")
        try:
            answer = requests.get(f"{base}/readyz", timeout=5)
        except requests.ConnectionError:
            pass
        else:
            if answer.ok:
                return
            last = answer.text
        time.sleep(0.1)
    raise SystemExit(f"neverdark was not ready within {READY_WITHIN:.0f} s: {last}")


def kill_an_encoder(base: str) -> None:
    """Some families have nothing to tell before something has failed and recovered."""
    processes = requests.get(f"{base}/api/streams/card", timeout=5).json()["processes"]
    pid = next(process["pid"] for process in processes if process["role"] == "encoder")
    os.kill(pid, signal.SIGKILL)


def stop_a_watchdog(base: str) -> None:
    """One tells since when it is stopped, the other what it finds."""
    requests.post(f"{base}/api/watchdog/card:file/stop", timeout=5).raise_for_status()


def scrape(base: str, accept: str) -> str:
    answer = requests.get(f"{base}/metrics", headers={"Accept": accept}, timeout=10)
    answer.raise_for_status()
    answer.encoding = "utf-8"
    return answer.text


def missing_families(text: str) -> list[str]:
    names = [PREFIX + family.name for family in FAMILIES]
    return [name for name in names if f"# TYPE {name} " not in text]


def check(base: str) -> list[str]:
    """What is wrong with the two formats; empty if nothing."""
    # On air comes first; the uplink's first samples and the first speed follow within seconds.
    deadline = time.monotonic() + COMPLETE_WITHIN
    while missing_families(text := scrape(base, "text/plain;version=0.0.4")) and time.monotonic() < deadline:
        time.sleep(0.2)
    problems = [f"{name} is declared and never shown" for name in missing_families(text)]

    promtool = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    problems += [f"promtool: {line}" for line in promtool.stdout.splitlines()]
    if promtool.returncode:
        problems.append(f"promtool: exit code {promtool.returncode}")

    # promtool reads the classic text only: it even finds fault with the library's own OpenMetrics.
    open_metrics = scrape(base, "application/openmetrics-text;version=1.0.0")
    try:
        families = list(text_string_to_metric_families(open_metrics))  # type: ignore[no-untyped-call]  # it has no types
    except ValueError as error:
        problems.append(f"OpenMetrics: {error}")
    else:
        samples = sum(len(family.samples) for family in families)
        print(f"{len(families)} families, {samples} samples")
    return problems


def main() -> int:
    with FakeYouTube() as youtube, tempfile.TemporaryDirectory(prefix="neverdark-check-") as name:
        directory = Path(name)
        listen, ingest = free_port(), free_port()
        file = directory / "neverdark.yml"
        file.write_text(yaml.safe_dump(configuration(listen, ingest, directory, youtube)), encoding="utf-8")
        log = directory / "log"
        with log.open("wb") as output:
            neverdark = subprocess.Popen(
                [sys.executable, "-m", "supervisor", "run", "-c", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        base = f"http://127.0.0.1:{listen}"
        try:
            wait_until_ready(base, neverdark)
            kill_an_encoder(base)
            stop_a_watchdog(base)
            problems = check(base)
        except BaseException:
            print(log.read_text(encoding="utf-8", errors="replace"), file=sys.stderr)
            raise
        finally:
            neverdark.terminate()
            try:
                neverdark.wait(STOPPED_WITHIN)
            except subprocess.TimeoutExpired:
                neverdark.kill()
                neverdark.wait()
    print("\n".join(problems) or "metrics: nothing to complain about")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
