"""No channel shows what FFmpeg or a script says of passwords and keys, wherever in a URL they stand."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from tests.integration.conftest import Launch
from tests.integration.harness.recipes import BAIT, Json, cam, card, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, eventually, free_port

LOGIN = f"admin:{secret('basic')}"
AS_SENT = base64.b64encode(LOGIN.encode()).decode()
TWICE = {"initial_delay": "200ms", "attempts": 1, "cooldown": "1h"}  # then it is quiet


class _Door(BaseHTTPRequestHandler):
    """Lets nobody in; the playlist it gives to everybody has signed segments."""

    def do_GET(self) -> None:
        body = b""
        if self.path.endswith("index.m3u8"):
            segment = f"seg1.ts?sig={secret('segment')}&auth={secret('auth')}"
            body = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{segment}\n#EXT-X-ENDLIST\n".encode()
            self.send_response(200)
        elif self.path.startswith("/login") and not self.headers["Authorization"]:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
        else:
            self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _closed_door() -> Iterator[str]:
    """Its `host:port`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Door)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _streams(door: str, folder: Path, ffmpeg: str) -> dict[str, Json]:
    nobody = f"127.0.0.1:{free_port()}"
    sources = {
        "rtsp-path": {"url": f"rtsp://{nobody}/user=admin_password={secret('xm')}_channel=1_stream=0.sdp"},
        "iptv": {"url": f"http://{door}/live/{secret('user')}/{secret('iptv')}/1234.ts"},
        "camera": {"url": f"http://{door}/videostream.cgi?loginuse=admin&loginpas={secret('query')}"},
        "short": {"url": f"http://{door}/video?u=admin&p={secret('p')}&pin={secret('pin')}"},
        "signed": {"url": f"http://{door}/hls/index.m3u8"},
        "basic": {"url": f"http://{LOGIN}@{door}/login", "options": ["-loglevel", "trace"]},
        "srt": {"url": f"srt://{nobody}?streamid={secret('streamid')}&passphrase={secret('phrase')}"},
        "token": {"url": f"rtmp://{nobody}/live/{secret('rtmp')}", "options": ["-loglevel", "debug"]},
    }
    streams: dict[str, Json] = {}
    for name, source in sources.items():
        destination = {"file": {"url": str(folder / f"{name}.flv")}}
        streams[name] = {"source": source, "destinations": destination, "restart": TWICE}
    script = folder / "radio.sh"
    script.write_text(
        f"set -x\nKEY={secret('script')}\n"
        f"{shlex.quote(ffmpeg)} -loglevel debug -f lavfi -i testsrc2=size=64x64:rate=5 -c:v flv1 -f flv "
        f"rtmp://{nobody}/live2/$KEY\n"
        f"echo 'Authorization: Basic {AS_SENT}'; exit 1\n"
    )
    streams["script"] = {"command": ["bash", str(script)], "restart": TWICE}
    streams["no-program"] = {"command": [f"ffmpeg -f flv rtmp://{nobody}/live2/{secret('argv')}"], "restart": TWICE}
    return streams


def _role(stream: str) -> str:
    return "command" if stream in {"script", "no-program"} else "encoder"


def _everything_shown(running: Neverdark, streams: dict[str, Json]) -> dict[str, str]:
    """What every channel shows, but for log files and journal, which are looked through at the end of every test."""
    paths = ["/", "/metrics", "/readyz", "/healthz", "/api/streams", "/api/incidents", "/api/watchdog/status"]
    for name in streams:
        paths += [f"/api/streams/{name}", f"/api/streams/{name}/incidents"]
        paths += [f"/api/streams/{name}/logs?role={_role(name)}"]
    shown = {path: running.get(path).text for path in paths}
    commands = [("check",), ("status",), ("status", "--json")]
    commands += [("logs", name, "--role", _role(name)) for name in streams]
    for words in commands:
        done = running.cli(*words)
        shown[" ".join(words)] = done.stdout + done.stderr
    shown["journal"] = running.log()
    shown |= {str(path): path.read_text(errors="replace") for path in running.log_files()}
    return shown


def test_no_channel_shows_a_secret_of_a_source_or_a_script(tmp_path: Path, neverdark: Launch, ffmpeg: str) -> None:
    with _closed_door() as door:
        streams = _streams(door, tmp_path, ffmpeg)
        running = neverdark(streams, ffmpeg=ffmpeg)

        def all_have_failed() -> bool:
            return all(running.exits(name, _role(name)) for name in streams)

        eventually(all_have_failed, 30 + SLACK, "every stream has failed")
        shown = _everything_shown(running, streams)
        leaks = [
            f"{channel}: {line}"
            for channel, text in shown.items()
            for line in text.splitlines()
            if BAIT in line or AS_SENT.rstrip("=") in line
        ]
        assert not leaks, "\n".join(leaks[:10])

        said = {name: "\n".join(running.one(name, _role(name))["last_failure"]["log"]) for name in streams}
        assert f"http://{door}/" in said["iptv"], "what one needs at night is there: the host"
        assert "403 Forbidden" in said["camera"], "and the status"
        assert "srt://127.0.0.1:" in said["srt"]
        assert "Connection refused" in said["rtsp-path"], "and the reason"
        assert "/live2/***" in said["script"]
        assert "cannot start" in said["no-program"]


def test_check_shows_no_secret_of_a_source_that_is_wrong(tmp_path: Path, unstarted: Launch) -> None:
    urls = [
        f"rtsp://10.0.0.5:0/user=admin_password={secret('xm')}_channel=1_stream=0.sdp",
        f"htp://tv.example/live/{secret('user')}/{secret('iptv')}/1234.ts",
        f"http://10.0.0.5:99999/x?p={secret('p')}",
        f"rtmp://:1935/{secret('rtmp')}",
    ]
    destination = {"file": {"url": str(tmp_path / "x.flv")}}
    streams = {f"a{n}": {"source": {"url": url}, "destinations": destination} for n, url in enumerate(urls)}
    done = unstarted(streams).cli("check")
    assert done.returncode == 2
    assert "'rtsp://10.0.0.5:0/***'" in done.stderr
    assert "htp://tv.example/***" in done.stderr
    assert BAIT not in done.stdout + done.stderr


def test_a_key_that_is_a_word_of_ffmpegs_changes_no_cause(neverdark: Launch, ffmpeg: str) -> None:
    """What is shown reads `*** refused`; the cause is found in what was said."""
    url = f"rtmp://127.0.0.1:{free_port()}/live"
    running = neverdark(
        {"cam": cam(url, "Connection", restart=TWICE), "other": card() | cam(url, "refused")}, ffmpeg=ffmpeg
    )
    for name in ("cam", "other"):
        exits = eventually(partial(running.exits, name, "pusher", "yt"), 15 + SLACK, "the pusher failed")
        assert set(exits) == {"ingest_unreachable"}
    log = "\n".join(running.one("cam", "pusher", "yt")["last_failure"]["log"])
    assert "*** refused" in log
    assert "Connection" not in log
