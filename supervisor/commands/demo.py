"""`neverdark demo`: a test card on air within seconds, with nothing to set up and something to break."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import requests
from rich.text import Text

from supervisor.commands import client, status_view
from supervisor.commands.api import Api, ApiError
from supervisor.machine.ffmpeg_binary import FfmpegNotFound, find
from supervisor.model.policies import StallPolicy
from supervisor.model.quantities import DEFAULT_LISTEN, show_duration

_START_SECONDS = 20.0
_LINES_SECONDS = 5.0

# The ingest is FFmpeg itself, listening for one connection: it is a `command` stream, so neverdark keeps it alive.
_CONFIG = """\
listen: 127.0.0.1:{http}
data_dir: ./data
streams:
  test-card:
    source: {{url: "testsrc2=size=640x360:rate=25", format: lavfi, realtime: true}}
    video: {{codec: libx264, bitrate: 800k, preset: ultrafast}}
    destinations:
      local: {{url: "rtmp://127.0.0.1:{rtmp}/live", key: demo-key}}
  demo-ingest:
    command: [{ffmpeg}, -hide_banner, -nostdin, -loglevel, error, -progress, "{{progress}}",
              -listen, "1", -i, "rtmp://127.0.0.1:{rtmp}/live/demo-key", -c, copy, -f, "null", "-"]
    stall: {{startup: 1h, timeout: 30s}}   # it waits for whoever comes, and for an encoder that is being replaced
"""


def run_demo(seconds: float | None) -> int:
    """Run a neverdark of its own and show what it does; returns the exit code."""
    try:
        ffmpeg = find("auto").path
    except FfmpegNotFound as error:
        print(f"neverdark: {error}", file=sys.stderr)
        return 1
    until = time.monotonic() + seconds if seconds is not None else None
    with tempfile.TemporaryDirectory(prefix="neverdark-demo-") as directory:
        folder = Path(directory)
        http, rtmp = _free_port(DEFAULT_LISTEN.port), _free_port(1935)
        config = folder / "neverdark.yml"
        config.write_text(_CONFIG.format(http=http, rtmp=rtmp, ffmpeg=f'"{ffmpeg}"'), encoding="utf-8")
        log = folder / "neverdark.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [sys.executable, "-m", "supervisor", "run", "-c", str(config)],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the table; the server is ended in order below
            )
        for number in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal must not leave a stream on air
            signal.signal(number, signal.default_int_handler)
        try:
            return _show(f"http://127.0.0.1:{http}", server, log, until)
        except KeyboardInterrupt:
            return 0
        finally:
            _end(server)


def _show(url: str, server: subprocess.Popen[bytes], log: Path, until: float | None) -> int:
    api = Api(url, None)
    if not _wait_until_up(url, server):
        sys.stderr.write(log.read_text(encoding="utf-8", errors="replace"))
        return 1
    console = client.terminal()
    hints = partial(_hints, url, log)
    if console.is_terminal:
        client.watch_status(api, console, below=hints, until=until)
        return 0
    while server.poll() is None:
        left = _LINES_SECONDS if until is None else until - time.monotonic()
        time.sleep(min(_LINES_SECONDS, max(0.0, left)))
        with contextlib.suppress(ApiError):
            answer = api.get("/api/streams")
            shown = status_view.report(answer, client.open_incidents(api), client.width_of(console))
            console.print(shown, *hints(answer["streams"]), sep="\n", soft_wrap=True)
        if left <= 0:
            return 0
    return 1


def _hints(url: str, log: Path, streams: client.ShownStreams) -> list[Text]:
    """What to look at, and what to type to break it; the pid is that of the encoder of this moment."""
    pids = [process["pid"] for stream in streams for process in stream["processes"] if process["role"] == "encoder"]
    encoder = str(pids[0]) if pids and pids[0] else "…"
    noticed = show_duration(StallPolicy().timeout)
    return [
        Text(),
        Text.assemble("page      ", (f"{url}/", "bold cyan")),
        Text.assemble("metrics   ", (f"{url}/metrics", "cyan")),
        Text.assemble("log       ", (str(log), "cyan")),
        Text(),
        Text("Break it from another terminal. The pusher keeps its one connection, the ingest notices nothing:"),
        Text.assemble("  kill the encoder    ", (f"kill -KILL {encoder}", "bold yellow")),
        Text.assemble(
            "  freeze it           ",
            (f"kill -STOP {encoder}", "bold yellow"),
            f"   (noticed after {noticed})",
        ),
        Text(),
        Text("Ctrl-C ends the demo.", style="dim"),
    ]


def _wait_until_up(url: str, server: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{url}/healthz", timeout=1).ok:
                return True
        time.sleep(0.1)
    return False


def _end(server: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGTERM):
        server.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(6)
            return
    server.kill()
    server.wait()


def _free_port(usual: int) -> int:
    """The usual port if nobody has it, else any."""
    for port in (usual, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")
