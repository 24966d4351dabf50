"""What goes from an encoder to its destinations: nobody else's media, and none that a connection cannot show."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import ffmpeg, media_link, tracks
from tests.integration.harness.recipes import Json, cam, card, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.valve import Valve
from tests.integration.harness.waiting import SLACK, all_along, eventually

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")
SHOWN = ("-f", "mpegts", "-mpegts_flags", "+resend_headers")


def loopback_only(pids: set[int]) -> list[str]:
    """UDP sockets of these processes that somebody off this machine could send to."""
    inodes = {
        target.removeprefix("socket:[").removesuffix("]")
        for pid in pids
        for fd in Path(f"/proc/{pid}/fd").iterdir()
        if (target := str(fd.readlink())).startswith("socket:[")
    }
    table = Path("/proc/net/udp").read_text().splitlines()[1:]
    rows = [line.split() for line in table]
    # What only sends has an address of its own, too; what is connected hears its peer alone.
    return [row[1] for row in rows if row[9] in inodes and row[1].startswith("00000000") and _expected(row)]


def _expected(row: list[str]) -> bool:
    """Whether a socket that is bound to all addresses has anything to receive: FFmpeg's own that only send have not."""
    return int(row[1].split(":")[1], 16) in range(20000, 30000)


def test_the_media_port_is_the_loopbacks_and_hears_the_encoder_alone(
    ingest: Ingest, neverdark: Launch, ffmpeg: str
) -> None:
    """`udp://127.0.0.1` listened on every interface: a stranger's picture went out on the owner's channel."""
    key = secret("main")
    running = neverdark({"cam": cam(ingest.url, key)}, ffmpeg=ffmpeg)
    running.wait_on_air()
    host, port, sender = media_link(running.pid(*PUSHER))
    assert host == "127.0.0.1"
    assert sender != 0
    assert running.process
    assert not loopback_only({running.process.pid, *(pid for pid in running.pids().values() if pid)})

    os.kill(running.pid(*ENCODER), signal.SIGSTOP)  # frozen: whatever goes out now is somebody else's
    eventually(lambda: not running.on_air(), 6 + SLACK, "the freeze is seen")
    frames = running.frames(*PUSHER)
    with strangers(port):
        all_along(lambda: running.frames(*PUSHER) <= frames + 1, 3, "a stranger's media goes out")
    os.kill(running.pid(*ENCODER), signal.SIGCONT)
    running.wait_on_air(seconds=20 + SLACK)


@contextmanager
def strangers(port: int) -> Iterator[None]:
    """Others who send media of their own to a port, from this and from another loopback address."""
    picture = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-c:v", "libx264", "-g", "5", *SHOWN]
    here, elsewhere = f"udp://127.0.0.1:{port}", f"udp://127.0.0.1:{port}?localaddr=127.0.0.9"
    with ffmpeg(*picture, here), ffmpeg(*picture, elsewhere):
        yield


def media_goes_on(running: Neverdark, frames: int) -> None:
    """So many further frames leave."""
    before = running.frames(*PUSHER)
    eventually(lambda: running.frames(*PUSHER) > before + frames, 15 + SLACK, "media goes on")


def test_nobody_else_can_report_progress(ingest: Ingest, neverdark: Launch) -> None:
    """A frozen encoder stayed on air for as long as any user of the machine sent reports in its name."""
    running = neverdark({"cam": cam(ingest.url, secret("main"))})
    running.wait_on_air()
    words = Path(f"/proc/{running.pid(*ENCODER)}/cmdline").read_text().split("\0")
    host, port = words[words.index("-progress") + 1].removeprefix("udp://").split(":")
    pid = running.pid(*ENCODER)
    os.kill(pid, signal.SIGSTOP)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as liar:
        for number in range(200):
            report = f"frame={100_000 + number}\nout_time_us={(9_000 + number) * 500_000}\nprogress=continue\n"
            liar.sendto(report.encode(), (host, int(port)))
        eventually(lambda: not running.on_air(), 6 + SLACK, "the freeze is seen")
        eventually(lambda: running.replaced(pid, *ENCODER), 12 + SLACK, "the frozen encoder is replaced")
    assert running.restarts()[ENCODER] == {"stall": 1}
    running.wait_on_air()


def shape(path: Path) -> list[tuple[int, int]]:
    """The sizes of the pictures that a decoder gets out of a recording, in order; it may not stumble."""
    argv = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=width,height", "-of", "json"]
    done = subprocess.run([*argv, str(path)], capture_output=True, text=True, timeout=60, check=False)
    sizes: list[tuple[int, int]] = []
    for frame in json.loads(done.stdout or "{}").get("frames", []):
        size = (frame["width"], frame["height"])
        if not sizes or sizes[-1] != size:
            sizes.append(size)
    return sizes


def recordings(folder: Path) -> list[Path]:
    return sorted(folder.glob("out*.flv"), key=lambda path: path.stat().st_mtime)


def test_a_pusher_is_replaced_exactly_when_its_parameters_change(
    ingest: Ingest, neverdark: Launch, ffmpeg: str, tmp_path: Path
) -> None:
    """It announced the old picture once; with the new one viewers saw green, or nothing."""
    key, sized = secret("main"), card(size="320x180")
    places = {"yt": {"url": ingest.url, "key": key}, "file": {"url": str(tmp_path / "out.flv")}}
    running = neverdark({"cam": sized | {"destinations": places}}, ffmpeg=ffmpeg)
    running.wait_on_air()
    for _ in range(2):  # the same parameters again: nothing happens
        os.kill(pid := running.pid(*ENCODER), signal.SIGKILL)
        eventually(partial(running.replaced, pid, *ENCODER), 5 + SLACK, "the encoder is replaced")
        media_goes_on(running, 30)
    assert running.restarts()[PUSHER] == {}
    before = ingest.publisher(key).client

    running.config["streams"]["cam"]["video"]["bitrate"] = "350k"  # what no decoder needs to know
    running.write_config()
    eventually(lambda: running.restarts()[ENCODER].get("config") == 1, 5 + SLACK, "the reload")
    media_goes_on(running, 30)
    assert running.restarts()[PUSHER] == {}
    assert ingest.publisher(key).client == before

    running.config["streams"]["cam"]["video"]["size"] = "640x360"
    running.write_config()
    eventually(lambda: running.restarts()[PUSHER] == {"parameters": 1}, 8 + SLACK, "the pushers are replaced")
    eventually(lambda: ingest.publisher(key).client != before, 8 + SLACK, "a connection of its own")
    media_goes_on(running, 30)
    assert running.restarts()["cam", "pusher", "file"] == {"parameters": 1}
    assert running.stream("cam")["health"] == "healthy"
    running.stop()
    first, *_, last = recordings(tmp_path)
    assert shape(first)[0] == (320, 180)
    assert shape(last) == [(640, 360)], "the new connection has the new picture alone"


def test_a_picture_that_is_left_open_stays_as_it_began(
    neverdark: Launch, ingest: Ingest, ffmpeg: str, tmp_path: Path
) -> None:
    """A camera comes back with another size and rate: what goes out does not change, and no connection is made anew."""
    source = ingest.url.replace("/live", "/live/camera")
    streams: dict[str, object] = {
        "cam": {
            "source": {"url": source},
            "video": {"codec": "libx264", "bitrate": "300k", "preset": "ultrafast", "keyframe_interval": "1s"},
            "destinations": {"yt": {"url": str(tmp_path / "out.flv")}},
        }
    }
    with camera(source, "320x180", 25):
        running = neverdark(streams, ffmpeg=ffmpeg)
        running.wait_on_air(seconds=20 + SLACK)
        media_goes_on(running, 50)
    with camera(source, "640x480", 15):
        pid = running.pid(*ENCODER)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: running.replaced(pid, *ENCODER), 8 + SLACK, "the encoder is replaced")
        running.wait_on_air(seconds=20 + SLACK)
        media_goes_on(running, 50)
        assert running.restarts()[PUSHER] == {}
    running.stop()
    assert shape(tmp_path / "out.flv") == [(320, 180)]


def test_a_copied_source_that_changes_gets_a_connection_of_its_own(
    neverdark: Launch, ingest: Ingest, ffmpeg: str, tmp_path: Path
) -> None:
    """Nobody here decides what a copied camera sends: its new picture, and its new sound, must be announced."""
    source = ingest.url.replace("/live", "/live/camera")
    streams: dict[str, object] = {
        "cam": {
            "source": {"url": source},
            "video": {"codec": "copy"},
            "audio": {"source": "copy"},
            "destinations": {"yt": {"url": str(tmp_path / "out.flv")}},
        }
    }
    mono, stereo = ("-ac", "1", "-ar", "44100"), ("-ac", "2", "-ar", "48000")
    changes = [("320x180", mono), ("320x180", mono), ("640x360", mono), ("640x360", stereo)]
    with camera(source, "320x180", 25, sound=True, extra=mono):
        running = neverdark(streams, ffmpeg=ffmpeg)
        running.wait_on_air(seconds=20 + SLACK)
    replaced = 0
    for (size, sound), changed in zip(changes[1:], (False, True, True), strict=True):
        replaced += changed
        with camera(source, size, 25, sound=True, extra=sound):
            running.wait_on_air(seconds=30 + SLACK)
            media_goes_on(running, 75)
            assert running.restarts()[PUSHER].get("parameters", 0) == replaced
    running.stop()
    assert shape(recordings(tmp_path)[-1]) == [(640, 360)]
    sound_of = tracks(recordings(tmp_path)[-1])["audio"]
    assert (sound_of["channels"], sound_of["sample_rate"]) == (2, "48000")


@contextmanager
def camera(
    url: str, size: str, rate: int, *, sound: bool = False, extra: tuple[str, ...] = (), keyframes: int | None = None
) -> Iterator[None]:
    """Publishes to a relay, until the block ends. `keyframes`: in frames, how far they are apart; else a second."""
    inputs = ["-re", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}"]
    inputs += ["-re", "-f", "lavfi", "-i", "sine", "-c:a", "aac"] if sound else []
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", str(keyframes or rate)]
    codec += ["-pix_fmt", "yuv420p"]
    with ffmpeg(*inputs, *extra, *codec, "-f", "flv", url):
        yield


def test_rare_keyframes_are_waited_for_and_that_costs_no_attempt(
    neverdark: Launch, ingest: Ingest, ffmpeg: str, tmp_path: Path
) -> None:
    """A relay gives sound at once and the picture with its next keyframe, for which FFmpeg waits 5 s by itself."""
    interval = 8
    source = ingest.url.replace("/live", "/live/camera")
    streams: dict[str, object] = {
        "cam": {
            "enabled": False,
            "source": {"url": source},
            "video": {"codec": "copy"},
            "destinations": {"yt": {"url": str(tmp_path / "out.flv")}},
        }
    }
    running = neverdark(streams, ffmpeg=ffmpeg)
    with camera(source, "320x180", 25, sound=True, extra=("-bf", "2"), keyframes=interval * 25):
        eventually(lambda: ingest.publisher("camera").timestamp > 500, 5 + SLACK, "its first keyframe has passed")
        assert running.post("/api/streams/cam/start").status_code == 202
        running.wait_on_air(seconds=interval + 2 + SLACK)
        assert running.one(*ENCODER)["budget_remaining"] == 10
        os.kill(pid := running.pid(*PUSHER), signal.SIGKILL)
        eventually(partial(running.replaced, pid, *PUSHER), 5 + SLACK, "the pusher is replaced")
        running.wait_on_air(seconds=interval + 2 + SLACK)
        assert running.one(*PUSHER)["budget_remaining"] == 9, "for having been killed, and for nothing else"
        media_goes_on(running, 25)
        (found,) = running.get("/api/streams/cam/incidents").json()["incidents"]
        assert (found["cause"], found["segment"]) == ("killed", "pusher")
    running.stop()
    packets = picture_packets(recordings(tmp_path)[-1])
    assert packets[0]["flags"].startswith("K"), "it begins with a keyframe"
    assert any(packet["pts"] > packet["dts"] for packet in packets), "B-frames are shown when they are to be shown"


def picture_packets(path: Path) -> list[Json]:
    """The first packets of a recording's picture, in the order in which they stand there."""
    argv = [
        "ffprobe",
        "-v",
        "error",
        "-select_streams",
        "v",
        "-show_packets",
        "-read_intervals",
        "%+#50",
        "-of",
        "json",
    ]
    done = subprocess.run([*argv, str(path)], capture_output=True, timeout=60, check=True)
    found: list[Json] = json.loads(done.stdout)["packets"]
    return found


@pytest.mark.parametrize("codec", ["copy", "libx264"])
def test_a_source_whose_clock_begins_anew_costs_a_moment(
    neverdark: Launch, ingest: Ingest, ffmpeg: str, codec: str
) -> None:
    """A publisher behind a relay came back: frames advanced, media time stood, the ingest got nothing for 110 s."""
    source = ingest.url.replace("/live", "/live/camera")
    video: Json = {"codec": codec} | ({} if codec == "copy" else {"bitrate": "300k", "preset": "ultrafast"})
    streams: dict[str, object] = {
        "cam": {"source": {"url": source}, "video": video, "destinations": {"yt": {"url": ingest.url, "key": "out"}}}
    }
    with camera(source, "320x180", 25, sound=True):
        running = neverdark(streams, ffmpeg=ffmpeg)
        running.wait_on_air(seconds=20 + SLACK)
        eventually(lambda: ingest.publisher("out").timestamp > 8000, 12 + SLACK, "it has run for a while")
    with camera(source, "320x180", 25, sound=True):
        eventually(lambda: running.restarts()[ENCODER] == {"stall": 1}, 5 + SLACK, "the encoder is replaced at once")
        running.wait_on_air(seconds=5 + SLACK)
        received = ingest.publisher("out").bytes_in
        eventually(lambda: ingest.publisher("out").bytes_in > received + 50_000, 10 + SLACK, "the ingest receives")
    incident = running.get("/api/streams/cam/incidents").json()["incidents"][0]
    assert (incident["cause"], incident["segment"]) == ("clock_jumped", "source")


def offset(running: Neverdark) -> float:
    return running.metric("destination_av_offset_seconds", stream="cam", destination="yt")


def test_sound_and_picture_stay_together_over_a_jump(neverdark: Launch, ingest: Ingest, ffmpeg: str) -> None:
    """A jump of one track by more than 10 s left them apart until the pusher was replaced, and all was healthy."""
    source = ingest.url.replace("/live", "/live/camera")
    video = {"codec": "libx264", "bitrate": "300k", "preset": "ultrafast", "keyframe_interval": "1s"}
    streams: dict[str, object] = {
        "cam": {"source": {"url": source}, "video": video, "destinations": {"yt": {"url": ingest.url, "key": "out"}}}
    }
    jump = ("-vf", "setpts='PTS+if(gt(T,10),30/TB,0)'", "-fps_mode", "passthrough", "-enc_time_base", "1/1000")
    with camera(source, "320x180", 25, extra=jump):
        running = neverdark(streams, ffmpeg=ffmpeg)
        running.wait_on_air(seconds=20 + SLACK)
        eventually(lambda: ingest.publisher("out").timestamp > 32_000, 25 + SLACK, "the jump has passed")
        eventually(lambda: abs(offset(running)) < 1, 5 + SLACK, "they leave together")
        all_along(lambda: abs(offset(running)) < 1, 4, "they leave apart")


def test_a_line_too_thin_is_named_and_the_delay_stays_bounded(neverdark: Launch, valve: Valve, ingest: Ingest) -> None:
    """The ingest took 39 % of the bit rate: the delay grew to 140 s, and every check was healthy."""
    limits = {"backlog": "1s", "backlog_max": "5s"}
    watchdog = {"interval": "1s"}
    streams: dict[str, object] = {
        "cam": card(rate=25, bitrate="1500k", size="640x360")
        | {
            "limits": limits,
            "watchdog": watchdog,
            "destinations": {
                "yt": {"url": valve.url, "key": secret("thin")},
                "other": {"url": ingest.url, "key": secret("other")},
            },
        }
    }
    running = neverdark(streams)
    running.wait_on_air()
    valve.limit(75_000)
    worst: list[float] = []

    def behind() -> float:
        worst.append(running.metric("destination_backlog_seconds", stream="cam", destination="yt"))
        return worst[-1]

    eventually(lambda: behind() > 1, 30 + SLACK, "the backlog grows")
    eventually(
        lambda: running.metric("watchdog_verdict", destination="yt", check="uplink", verdict="degraded") == 1,
        10 + SLACK,
        "the check says so",
    )
    eventually(lambda: behind() >= 0 and running.restarts()[PUSHER].get("uplink", 0) >= 1, 60 + SLACK, "it is replaced")
    assert max(worst) < 5 + 2
    assert running.one(*PUSHER)["budget_remaining"] == 10, "which is not its fault"
    assert running.restarts()["cam", "pusher", "other"] == {}
    incident = next(
        i for i in running.get("/api/streams/cam/incidents").json()["incidents"] if i["destination"] == "yt"
    )
    assert (incident["cause"], incident["segment"]) == ("backlog", "uplink")
    valve.limit(None)
    eventually(lambda: behind() < 1, 20 + SLACK, "the line carries it again")


def test_a_port_that_somebody_takes_before_the_encoder_does_is_given_up(
    neverdark: Launch, ingest: Ingest, unused_source: str
) -> None:
    """An encoder whose camera does not answer has not bound its ports yet, and its command line names them."""
    running = neverdark({"cam": cam(ingest.url, secret("main")) | {"source": {"url": unused_source}}})
    pid = eventually(lambda: running.pid(*ENCODER), 5 + SLACK, "it tries")
    words = Path(f"/proc/{pid}/cmdline").read_text()
    port, sender = (int(re.search(pattern, words)[1]) for pattern in (r":(\d+)\?pkt_size", r"localport=(\d+)"))  # type: ignore[index]
    assert media_link(running.pid(*PUSHER)).sender == sender
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.bind(("127.0.0.1", sender))
        eventually(lambda: media_link(running.pid(*PUSHER)).sender != sender, 3 + SLACK, "it is not listened to")
        thief.sendto(b"G" * 188, ("127.0.0.1", port))
        eventually(lambda: running.replaced(pid, *ENCODER), 3 + SLACK, "the encoder gets other ports")


@pytest.fixture
def unused_source() -> Iterator[str]:
    """A camera that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"rtsp://127.0.0.1:{server.getsockname()[1]}/cam"
