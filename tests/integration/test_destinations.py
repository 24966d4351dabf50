"""Where a stream can go besides RTMP: files, SRT, RTMPS; and what is in it."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import ffmpeg as running_ffmpeg
from tests.integration.harness.media import loudness, tracks
from tests.integration.harness.recipes import cam, card, secret
from tests.integration.harness.valve import Valve
from tests.integration.harness.waiting import SLACK, all_along, eventually, free_port

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")
SILENCE_DB = -80


def test_a_file_is_never_overwritten_and_has_silence_where_the_source_has_no_sound(
    neverdark: Launch, tmp_path: Path, ffmpeg: str
) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    # FFmpeg writes to a file in pieces of 256 KiB: at this rate one comes within two seconds.
    stream = cam(str(folder / "cam.ts"), **card(rate=30, bitrate="3M"))
    running = neverdark({"cam": stream}, ffmpeg=ffmpeg)
    running.wait_on_air()
    eventually(lambda: (folder / "cam.ts").stat().st_size, 5 + SLACK, "something is recorded")

    os.kill(running.pid(*PUSHER), signal.SIGKILL)
    eventually(lambda: len(list(folder.iterdir())) == 2, 3 + SLACK, "the next run has a file of its own")
    first = (folder / "cam.ts").read_bytes()
    running.wait_on_air()
    running.stop()

    assert (folder / "cam.ts").read_bytes() == first
    (second,) = set(folder.iterdir()) - {folder / "cam.ts"}
    for recording in (folder / "cam.ts", second):
        found = tracks(recording)
        assert found["video"]["codec_name"] == "h264"
        assert found["audio"]["codec_name"] == "aac"
        assert loudness(recording) < SILENCE_DB


def test_the_sound_of_the_source_is_kept_where_it_has_some(neverdark: Launch, tmp_path: Path) -> None:
    stream = cam(str(tmp_path / "cam.ts"))
    stream["source"]["url"] += "[out0];sine=frequency=440[out1]"
    running = neverdark({"cam": stream})
    running.wait_on_air()
    # Not frames: FFmpeg writes a file in pieces, and FFmpeg 7 leaves the last one behind when it is stopped.
    eventually(lambda: (tmp_path / "cam.ts").stat().st_size > 50_000, 10 + SLACK, "a second or two are recorded")
    running.stop()
    assert loudness(tmp_path / "cam.ts") > SILENCE_DB


def test_srt_with_a_passphrase(neverdark: Launch, tmp_path: Path) -> None:
    port, passphrase, received = free_port(), secret("passphrase"), tmp_path / "received.ts"
    listen = f"srt://127.0.0.1:{port}?mode=listener&passphrase={passphrase}&pbkeylen=16"
    with running_ffmpeg("-i", listen, "-c", "copy", "-f", "mpegts", "-flush_packets", "1", str(received)):
        running = neverdark({"cam": cam(f"srt://127.0.0.1:{port}?passphrase={passphrase}&pbkeylen=16")})
        running.wait_on_air()
        eventually(lambda: received.stat().st_size > 50_000, 10 + SLACK, "it is received")
        assert tracks(received).keys() == {"video", "audio"}
        assert running.restarts() == {PUSHER: {}, ENCODER: {}}
        uplink = [name for name, labels in running.metrics() if "uplink" in name and ("stream", "cam") in labels]
        assert not uplink, "SRT has no TCP connection to be looked at"


def test_what_is_written_is_what_a_receiver_gets(
    ingest: Ingest, neverdark: Launch, tmp_path: Path, ffmpeg: str
) -> None:
    """A `#` is nothing special to FFmpeg: in SRT's own stream ids, in keys, in names of files."""
    port, name = free_port(), f"#!::r=live/{secret('name')},m=publish"
    urls = {
        "srt": f"srt://127.0.0.1:{port}?streamid={name}",
        "one": f"{ingest.url}/cam#1",
        "two": f"{ingest.url}//cam#2/",
        "file": str(tmp_path / "cam#1 50%?.ts"),
    }
    stream = card(rate=30, bitrate="3M") | {"destinations": {key: {"url": url} for key, url in urls.items()}}
    listen = f"srt://127.0.0.1:{port}?mode=listener"
    with (tmp_path / "said").open("w") as said:
        listener = ["ffmpeg", "-nostdin", "-loglevel", "verbose", "-i", listen, "-f", "null", "-"]
        process = subprocess.Popen(listener, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            neverdark({"cam": stream}, ffmpeg=ffmpeg).wait_on_air()
            asked = f"accept streamid [{name}]"
            eventually(lambda: asked in (tmp_path / "said").read_text(), 5 + SLACK, "the stream id came whole")
            eventually(lambda: {"cam#1", "cam#2"} <= ingest.publishers().keys(), 5 + SLACK, "both names came whole")
            eventually(lambda: Path(urls["file"]).stat().st_size, 5 + SLACK, "the file has that name")
        finally:
            process.kill()
            process.wait()


Certify = Callable[[str], tuple[Path, ssl.SSLContext]]


@pytest.fixture
def certify(tmp_path: Path) -> Certify:
    """Makes a certificate authority, and a TLS server for 127.0.0.1 that it vouches for."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=tmp_path, timeout=60)

    def make(name: str) -> tuple[Path, ssl.SSLContext]:
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
        openssl("req", "-x509", *key, "-keyout", f"{name}-ca.key", "-out", f"{name}-ca.pem", "-subj", f"/CN={name}")
        openssl(
            *("req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", "/CN=ingest"),
            *("-CA", f"{name}-ca.pem", "-CAkey", f"{name}-ca.key"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
        return tmp_path / f"{name}-ca.pem", context

    return make


def test_rtmps_with_a_certificate_that_we_trust(
    ingest: Ingest, unstarted: Launch, certify: Certify, ffmpeg: str
) -> None:
    authority, context = certify("ours")
    key = secret("main")
    with Valve(ingest.port, tls=context) as tls:
        running = unstarted({"cam": cam(tls.url, key)}, ffmpeg=ffmpeg)
        running.environment["SSL_CERT_FILE"] = str(authority)
        running.start().wait_on_air()
        eventually(lambda: ingest.receives(key), SLACK, "received")
        assert running.restarts() == {PUSHER: {}, ENCODER: {}}
        # The uplink is seen through TLS, too.
        eventually(lambda: running.metric("uplink_acked_bytes_total", stream="cam") > 0, 3 + SLACK, "acknowledged")


def test_rtmps_goes_by_no_proxy(ingest: Ingest, unstarted: Launch, certify: Certify, ffmpeg: str) -> None:
    """As Docker puts one into every container; FFmpeg would go by it, and stand still."""
    authority, context = certify("ours")
    with Valve(ingest.port, tls=context) as tls, socket.create_server(("127.0.0.1", 0)) as proxy:
        running = unstarted({"cam": cam(tls.url, secret("main"))}, ffmpeg=ffmpeg)
        names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        running.environment |= dict.fromkeys(names, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        running.environment |= {"SSL_CERT_FILE": str(authority), "no_proxy": "", "NO_PROXY": ""}
        running.start().wait_on_air()
        proxy.settimeout(0.5)
        with pytest.raises(TimeoutError):
            proxy.accept()


def test_rtmps_with_a_certificate_that_nobody_vouches_for(
    ingest: Ingest, unstarted: Launch, certify: Certify, ffmpeg: str
) -> None:
    """FFmpeg 5.1 would not even look at the certificate unless it is told to."""
    _, context = certify("theirs")
    authority, _ = certify("ours")
    with Valve(ingest.port, tls=context) as tls:
        running = unstarted({"cam": cam(tls.url, secret("main"))}, ffmpeg=ffmpeg)
        running.environment["SSL_CERT_FILE"] = str(authority)
        running.start()
        eventually(lambda: running.one(*PUSHER)["state"] == "backoff", 5 + SLACK, "refused")
        assert running.one(*PUSHER)["last_failure"]["cause"] == "ingest_refused"
        all_along(lambda: not ingest.publishers(), 0.5, "no picture for a stranger")


def test_srt_that_waits_to_be_called(neverdark: Launch, tmp_path: Path, ffmpeg: str) -> None:
    port, passphrase = free_port(), secret("passphrase")
    listen = f"srt://127.0.0.1:{port}?mode=listener&passphrase={passphrase}"
    running = neverdark({"cam": cam(listen, stall={"startup": "2s"})}, ffmpeg=ffmpeg)
    running.wait_on_air()
    waits = "yt waits for a viewer"
    all_along(lambda: running.get("/api/streams/cam").json()["note"] == waits, 3, "nobody has called")
    received = tmp_path / "received.ts"
    call = (
        "-fpsprobesize",
        "0",
        "-analyzeduration",
        "1000000",
        "-i",
        f"srt://127.0.0.1:{port}?passphrase={passphrase}",
    )
    with running_ffmpeg(*call, "-c", "copy", "-f", "mpegts", "-flush_packets", "1", str(received)):
        eventually(lambda: received.stat().st_size > 30_000, 15 + SLACK, "a viewer is served")
        assert tracks(received).keys() == {"video", "audio"}
        eventually(lambda: running.get("/api/streams/cam").json()["note"] is None, 3 + SLACK, "which is known")
    eventually(lambda: running.get("/api/streams/cam").json()["note"] == waits, 10 + SLACK, "it waits again")
    eventually(lambda: running.restarts() == {PUSHER: {"exit": 1}, ENCODER: {}}, SLACK, "it was replaced once")
    assert running.get("/api/incidents").json()["incidents"] == []
