"""Alertmanager, and where its messages arrive: an HTTP sink for Slack, Discord and webhooks, an SMTP sink for mail."""

from __future__ import annotations

import email
import email.policy
import json
import os
import shutil
import socketserver
import subprocess
import threading
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Self

from tests.integration.harness.waiting import STARTED, eventually, free_port

ALERTMANAGER = Path(__file__).parents[3] / "alertmanager"


@dataclass(frozen=True)
class Post:
    """A request that came in."""

    path: str
    body: Any  # of JSON


def units(text: str) -> int:
    """How long a text is where a character beyond U+FFFF counts twice: as in JavaScript."""
    return len(text.encode("utf-16-le")) // 2


def too_long(post: Post) -> bool:
    """Whether Discord would refuse it: https://discord.com/developers/docs/resources/message#embed-object-embed-limits"""
    embeds = post.body.get("embeds", ()) if isinstance(post.body, dict) else ()
    return any(units(embed["title"]) > 256 or units(embed["description"]) > 4096 for embed in embeds)


class _Served:
    """Takes connections in a thread of its own, as long as it is entered."""

    def __init__(self, server: socketserver.TCPServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"


class HttpSink(_Served):
    """Takes every POST with 200, or with `answer`; with 400 what a platform would find too long."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.refused: list[Post] = []
        self.answer = 200
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                post = Post(self.path, json.loads(body))
                (sink.refused if too_long(post) else sink.posts).append(post)
                self.send_response(400 if too_long(post) else sink.answer)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), Handler))

    def url(self, path: str = "/") -> str:
        return f"http://{self.address}{path}"

    def at(self, path: str) -> list[Any]:
        """The bodies that came to `path`."""
        return [post.body for post in self.posts if post.path == path]


class SmtpSink(_Served):
    """Takes every mail: as much of SMTP as a sender without TLS and log-in speaks."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            verbs: ClassVar[Mapping[bytes, bytes]] = {b"DATA": b"354 go on", b"QUIT": b"221 bye"}

            def handle(self) -> None:
                self._say(b"220 sink")
                while line := self.rfile.readline():
                    verb = line[:4].strip().upper()
                    self._say(self.verbs.get(verb, b"250 ok"))
                    if verb == b"DATA":
                        mail = email.message_from_bytes(self._data(), policy=email.policy.default)
                        assert isinstance(mail, EmailMessage)
                        sink.mails.append(mail)
                        self._say(b"250 taken")
                    if verb == b"QUIT":
                        return

            def _say(self, line: bytes) -> None:
                self.wfile.write(line + b"\r\n")

            def _data(self) -> bytes:
                lines = []
                while (line := self.rfile.readline()) not in {b".\r\n", b""}:
                    lines.append(line.removeprefix(b"."))
                return b"".join(lines)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        super().__init__(Server(("127.0.0.1", 0), Handler))


def part(mail: EmailMessage, kind: str) -> str:
    """What a mail says, as `plain` or `html`."""
    body = mail.get_body((kind,))
    assert body is not None, f"no {kind} in {mail}"
    return str(body.get_content())


class Alertmanager:
    """A real Alertmanager with our configuration: what has files among `secrets` is on.

    `hurry` gives other waiting times (`group_wait: 5s` → …) and opens the business hours: a test has seconds.
    """

    def __init__(self, room: Path, secrets: Mapping[str, str], *, hurry: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._room = room
        self._secrets = secrets
        self._hurry = hurry or {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self._room / "running.yml"

    def __enter__(self) -> Self:
        kept = self._room / "secrets"
        kept.mkdir(parents=True)
        for name, value in self._secrets.items():
            (kept / name).write_text(value + "\n")
        shutil.copytree(ALERTMANAGER, self._room / "alertmanager", ignore=shutil.ignore_patterns("secrets"))
        base = self._room / "alertmanager" / "alertmanager.yml"
        text = base.read_text(encoding="utf-8")
        for usual, hurried in self._hurry.items():
            assert usual in text, usual
            text = text.replace(usual, hurried)
        base.write_text(text, encoding="utf-8")
        command = ["prometheus-alertmanager", f"--config.file={self.config}", f"--storage.path={self._room / 'data'}"]
        command += [f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="]
        command += ["--web.external-url=https://alerts.example.net", "--web.route-prefix=/"]
        with (self._room / "alertmanager.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["sh", base.parent / "receivers.sh", kept, self.config, *command],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"TZ": "UTC"},
            )
        try:
            eventually(self._ready, STARTED, f"Alertmanager ready; see {self._room}/alertmanager.log")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def add(self, *labels: str, annotations: Mapping[str, str] | None = None, **times: str) -> None:
        """`amtool alert add`; times: start, end (RFC 3339)."""
        command = ["amtool", f"--alertmanager.url={self.url}", "alert", "add", *labels]
        command += [f"--annotation={name}={value}" for name, value in (annotations or {}).items()]
        command += [f"--{name}={value}" for name, value in times.items()]
        subprocess.run(command, check=True, capture_output=True, timeout=10)

    def post(self, alerts: Sequence[Mapping[str, object]]) -> None:
        """All of them at once, as Prometheus does."""
        request = urllib.request.Request(  # noqa: S310 - of ours
            f"{self.url}/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - of ours
            assert answer.status == 200

    def failures(self) -> float:
        """How many messages could not be delivered, by webhooks."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:  # noqa: S310 - of ours
            lines = answer.read().decode().splitlines()
        counted = [line for line in lines if line.startswith("alertmanager_notification_requests_failed_total")]
        return sum(float(line.rpartition(" ")[2]) for line in counted if 'integration="webhook"' in line)

    def _ready(self) -> bool:
        with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as answer:  # noqa: S310 - of ours
            return bool(answer.status == 200)
