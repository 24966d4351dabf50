"""What the soak is made of: ten streams, two ingests, lines that can be broken, a camera, a file, and neverdark."""

from __future__ import annotations

import threading
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import parse_qs

import requests

from bench.soak.line import Line, Unavailable
from bench.soak.starve import Starve
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import record
from tests.integration.harness.recipes import Json, card, secret
from tests.integration.harness.rtsp import RtspCamera
from tests.integration.harness.supervised import Neverdark, ProcessName
from tests.integration.harness.valve import Valve

# Seconds. Short, so that a fault and its recovery take seconds and hundreds fit into an hour.
STALL, STARTUP, UPLINK = 4.0, 15.0, 3.0
MAX_DELAY, ATTEMPTS, COOLDOWN = 2.0, 6, 20.0
INTERVAL, FAILURES, WATCHDOG_COOLDOWN = 2.0, 2, 10.0
CLIP = 75.0  # the file that is not looped: an incident at each end, and calm in between
POLICIES: Json = {
    "restart": {
        "initial_delay": "200ms",
        "factor": 2,
        "max_delay": MAX_DELAY,
        "jitter": 0.1,
        "attempts": ATTEMPTS,
        "reset_after": "20s",
        "cooldown": COOLDOWN,
    },
    "stall": {"startup": STARTUP, "timeout": STALL},
    "uplink": {"interval": "1s", "timeout": UPLINK},
    "watchdog": {"interval": INTERVAL, "failures": FAILURES, "cooldown": WATCHDOG_COOLDOWN},
}


class Landing(NamedTuple):
    """Where a destination's media arrives."""

    ingest: Ingest
    key: str
    valve: Valve | None


class World:
    """Everything, running within its block; `lacks` says what this machine cannot do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lacks: dict[str, str] = {}
        self.line: Line | None = None
        self.starve: Starve | None = None
        self.landings: dict[ProcessName, Landing] = {}  # by the process that sends there
        self.far: tuple[str, ...] = ()
        self._end = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self._end.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    def _build(self) -> None:
        try:
            self.line = self._end.enter_context(Line())
        except Unavailable as error:
            self.lacks["line cut"] = str(error)
        try:
            self.starve = self._end.enter_context(Starve())
        except Unavailable as error:
            self.lacks["encoder starved"] = str(error)
        self.gate = self._end.enter_context(Gate())
        self.ingest = self._ingest(Ingest(self.folder / "near", on_publish=self.gate.url))
        self.far_ingest = self.ingest
        if self.line:
            self.far_ingest = self._ingest(Ingest(self.folder / "far", host=self.line.host, wrapper=self.line.wrapper))
        self.camera = self._end.enter_context(RtspCamera("viewer", secret("camera")))
        self.clip = record(self.folder / "clip.mp4", CLIP)
        loop = record(self.folder / "loop.mp4", 7, sound=True)
        streams: Json = {
            "card": card() | self._to("card"),
            "valved": card() | self._to("valved", valved=True),
            "slow": card() | self._to("slow"),
            "twin": card() | {"destinations": self._two("twin")},
            "cam": card() | {"source": {"url": self.camera.url}} | self._to("cam", valved=True),
            "loop": card() | {"source": {"url": str(loop), "loop": True}} | self._to("loop"),
            "once": card() | {"source": {"url": str(self.clip), "realtime": True}} | self._to("once"),
            "mine": self._command("mine"),
            "far-a": card() | self._to("far-a", far=True),
            "far-b": card() | self._to("far-b", far=True),
        }
        self.far = ("far-a", "far-b") if self.line else ()
        folder = self.folder / "neverdark"
        self.neverdark = Neverdark(folder, streams, defaults=POLICIES)
        self._end.callback(self._dispose)
        self.neverdark.start()

    def _ingest(self, ingest: Ingest) -> Ingest:
        self._end.callback(ingest.close)
        ingest.start()
        return ingest

    def _dispose(self) -> None:
        """After a failure: `Neverdark.end` has been called otherwise."""
        process = self.neverdark.process
        if process and process.poll() is None:
            with suppress(AssertionError, requests.RequestException):
                self.neverdark.end()

    def _to(self, name: str, *, valved: bool = False, far: bool = False) -> Json:
        return {"destinations": {"yt": self._destination((name, "pusher", "yt"), secret(name), valved=valved, far=far)}}

    def _two(self, name: str) -> Json:
        return {
            "yt": self._destination((name, "pusher", "yt"), secret(f"{name}-main"), valved=True),
            "backup": self._destination((name, "pusher", "backup"), secret(f"{name}-backup")) | {"required": False},
        }

    def _destination(self, spot: ProcessName, key: str, *, valved: bool = False, far: bool = False) -> Json:
        ingest = self.far_ingest if far else self.ingest
        valve = self._end.enter_context(Valve(ingest.port)) if valved else None
        self.landings[spot] = Landing(ingest, key, valve)
        return {"url": valve.url if valve else ingest.url, "key": key}

    def _command(self, name: str) -> Json:
        destination = self._destination((name, "command", ""), secret(name), valved=True)
        argv = ["ffmpeg", "-hide_banner", "-nostdin", "-progress", "{progress}", "-stats_period", "0.5", "-re"]
        argv += ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10", "-c:v", "libx264", "-preset", "ultrafast"]
        argv += ["-b:v", "300k", "-g", "10", "-pix_fmt", "yuv420p", "-f", "flv"]
        return {
            "command": [*argv, f"{destination['url']}/{destination['key']}"],
            "destinations": {"yt": destination},
        }

    def senders(self, stream: str) -> list[ProcessName]:
        """The processes of a stream that send to an ingest."""
        return [spot for spot in self.landings if spot[0] == stream]

    def bytes_in(self, spot: ProcessName) -> int:
        """What the ingest has received on the connection that publishes now; -1 when nobody does."""
        landing = self.landings[spot]
        try:
            return landing.ingest.publisher(landing.key).bytes_in
        except (LookupError, requests.RequestException):
            return -1


class Gate:
    """The platform's doorman: an HTTP server that nginx-rtmp asks whether a key may publish."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                name = parse_qs(body.decode()).get("name", [""])[0]
                self.send_response(403 if name in gate.refused else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
