"""Values that are allowed and hardly meant: what is said of them, and that usual ones are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.config.values import doubtful_values

KEY = "S3CR3T-key"


def told(folder: Path, content: str) -> list[str]:
    file = folder / "neverdark.yml"
    file.write_text(content)
    found = [str(warning) for warning in doubtful_values(load(file).config)]
    assert KEY not in str(found)
    return found


def stream(body: str) -> str:
    return f"streams: {{a: {{source: {{url: x.mp4}}, destinations: {{d: {{url: x.flv}}}}, {body}}}}}"


def destination(body: str) -> str:
    return f"streams: {{a: {{source: {{url: x.mp4}}, destinations: {{d: {{{body}}}}}}}}}"


def test_labels_are_no_quantities(tmp_path: Path) -> None:
    assert told(tmp_path, stream("group: lobby, labels: {bitrate: 3}")) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            stream("fallback_policy: {after: 1h}"),
            "streams.a.fallback_policy.after: 1h: so long viewers would see nothing",
        ),
        (
            stream("fallback_policy: {return_after: 1s}"),
            "streams.a.fallback_policy.return_after: 1s: a source that comes and goes would flap",
        ),
        (stream("video: {bitrate: 3000}"), "streams.a.video.bitrate: 3000 bits a second; did you mean 3000k?"),
        (stream("video: {bitrate: 6k}"), "streams.a.video.bitrate: 6000 bits a second; did you mean 6000k?"),
        (stream("video: {bitrate: 600M}"), "streams.a.video.bitrate: 600 megabits a second, more than platforms take"),
        (stream("video: {keyframe_interval: 20ms}"), "streams.a.video.keyframe_interval: 20ms: so many keyframes"),
        (stream("audio: {bitrate: 128}"), "streams.a.audio.bitrate: 128 bits a second; did you mean 128k?"),
        (stream("audio: {bitrate: 128M}"), "streams.a.audio.bitrate: 128 megabits a second, more than AAC needs"),
        (stream("stall: {timeout: 10ms}"), "streams.a.stall.timeout: 10ms: FFmpeg tells of its progress twice a s"),
        (stream("stall: {timeout: 10000}"), "streams.a.stall.timeout: 2h46m: for so long a process that stands still"),
        (stream("stall: {startup: 1s}"), "streams.a.stall.startup: 1s: hardly a process shows progress so soon"),
        (stream("uplink: {timeout: 5ms}"), "streams.a.uplink.timeout: 5ms: a short jam would cost the connection"),
        (stream("watchdog: {interval: 2d}"), "streams.a.watchdog.interval: 2d: so long nothing would be tried"),
        (stream("stop: {kill: 1h}"), "streams.a.stop.kill: 1h: a stop can take so long"),
        (stream("limits: {memory: 512}"), "streams.a.limits.memory: 512 bytes; did you mean 512MiB?"),
        (stream("limits: {cpu: 80}"), "streams.a.limits.cpu: 80 cores; 4.0 = four cores, it is no percentage"),
        (
            f"defaults: {{limits: {{bitrate: 500}}}}\n{stream('drills: no')}",
            "defaults.limits.bitrate: 500 bits a second; did you mean 500k?",
        ),
        (
            destination("url: x.flv, restart: {cooldown: 5ms}"),
            "streams.a.destinations.d.restart.cooldown: 5ms: a server that refuses would be asked so often",
        ),
        ("streams: {}", "streams: none is wanted, so nothing will be on air"),
        (stream("enabled: no"), "streams: enabled: false in each of the 1: nothing will be on air"),
        (
            destination(f"url: 'rtmps://h.example', key: {KEY}"),
            "streams.a.destinations.d.url: 'rtmps://h.example/***': names no application, which hardly a",
        ),
        (
            destination(f"url: 'rtmp://h/live/{KEY}', key: {KEY}"),
            "streams.a.destinations.d.url: 'rtmp://h/live/***': ends with the key, which then comes twice",
        ),
        (destination(f"url: 'rtmp://h/a//b', key: {KEY}"), "streams.a.destinations.d.url: 'rtmp://h/a/***': two sl"),
        (
            destination(f"url: 'rtmp://h:443/live', key: {KEY}"),
            "streams.a.destinations.d.url: 'rtmp://h:443/live/***': port 443 is usually that of rtmps: did you mean rtmps://?",
        ),
        (
            destination(f"url: 'rtmps://h:1935/live', key: {KEY}"),
            "streams.a.destinations.d.url: 'rtmps://h:1935/live/***': port 1935 is usually that of rtmp: did you mean rtmp://?",
        ),
        (
            destination("url: 'udp://239.1.2.3:5000?ttl=1'"),
            "streams.a.destinations.d.url: 'udp://239.1.2.3:5000/***': what goes there is sent, not confirmed",
        ),
        (
            destination(f"url: 'rist://h:5000?secret={KEY}'"),
            "streams.a.destinations.d.url: 'rist://h:5000/***': what goes there is sent, not confirmed",
        ),
    ],
)
def test_what_is_hardly_meant_is_said_where_it_was_written(tmp_path: Path, content: str, says: str) -> None:
    (found,) = told(tmp_path, content)
    assert found.startswith(says)


@pytest.mark.parametrize(
    "content",
    [
        stream("video: {bitrate: 300k, keyframe_interval: 1s}, audio: {bitrate: 64k}"),
        stream("video: {bitrate: 51M}, stall: {timeout: 1s, startup: 2m}, uplink: {timeout: 30s}"),
        stream("limits: {memory: 512MiB, cpu: 4.0, bitrate: 100k}, stop: {kill: 10s}, watchdog: {interval: 5s}"),
        "streams: {a: {command: [x]}, b: {command: [y], enabled: no}}",
        destination(f"url: 'rtmps://h:443/live2?backup=1', key: {KEY}"),
        destination(f"url: 'rtmp://h/live//{KEY}/'"),
        destination("url: 'srt://h:443?streamid=#!::mode=listener'"),
        destination("url: 'srt://0.0.0.0:9000?mode=listener&passphrase=0123456789'"),
        destination("recording: {directory: /srv/rec}"),
    ],
)
def test_what_is_usual_is_left_alone(tmp_path: Path, content: str) -> None:
    assert told(tmp_path, content) == []


def test_multicast_that_says_nothing_of_how_far_it_goes(tmp_path: Path) -> None:
    _, far = told(tmp_path, destination("url: 'udp://239.1.2.3:5000'"))
    assert "passes up to 16 routers" in far
