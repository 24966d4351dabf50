"""Lists of tracks, and sound from elsewhere, in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.by_api import refused
from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.config.shape import Config, Source

TO = "destinations: {a: {url: out.ts}}"


def loaded(folder: Path, stream: str) -> Config:
    file = folder / "nd.yml"
    file.write_text(f"streams: {{radio: {{{stream}, {TO}}}}}")
    return load(file).config


def problems(folder: Path, stream: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        loaded(folder, stream)
    return [str(problem) for problem in error.value.problems]


def test_a_radio_is_three_lines(tmp_path: Path) -> None:
    radio = loaded(tmp_path, "source: {url: cover.jpg, loop: true}, audio: {source: {playlist: music}}").streams[
        "radio"
    ]
    assert isinstance(radio.audio.source, Source)
    assert radio.audio.source.playlist == (tmp_path / "music",)
    assert list(radio.sources) == ["source", "audio.source"]


def test_sound_alone_gets_a_picture(tmp_path: Path) -> None:
    radio = loaded(tmp_path, "source: {playlist: [a.mp3, b.m3u], shuffle: true}, video: {generate: waveform}")
    source = radio.streams["radio"].source
    assert source
    assert source.playlist == (tmp_path / "a.mp3", tmp_path / "b.m3u")


COVER = "source: {url: cover.jpg, loop: true}"


@pytest.mark.parametrize(
    ("stream", "problem"),
    [
        ("source: {loop: true}", "streams.radio.source.url: expected a value: this key is required"),
        ("source: {}", "streams.radio.source.url: expected a value: this key is required"),
        (
            "source: {playlist: []}, video: {generate: still}",
            "streams.radio.source.playlist: a list: expected something",
        ),
        ("source: {playlist: music}, video: {codec: copy}", "streams.radio.video.codec: 'copy': expected an encoder"),
        ("source: {directory: m}, audio: {codec: copy}", "streams.radio.audio.codec: 'copy': expected aac"),
        ("source: {playlist: m, directory: n}", "streams.radio.source.directory: expected one of playlist and"),
        ("source: {directory: m, format: mp4}", "streams.radio.source.format: cannot be had with a directory"),
        ("source: {pipe: []}", "streams.radio.source.pipe: a list: expected"),
        ("source: {pipe: ['']}", "streams.radio.source.pipe: a list: expected a program"),
        ("source: {pipe: yt-dlp}", "streams.radio.source.pipe: "),
        ("source: {pipe: [cat], loop: true}", "streams.radio.source.loop: cannot be had with pipe"),
        ("source: {pipe: [cat], url: x}", "streams.radio.source.pipe: expected one of url and pipe, not both"),
        ("source: {v4l2: /etc/passwd}", "streams.radio.source.v4l2: ***: expected a device"),
        ("source: {v4l2: /dev/video0, channels: 2}", "streams.radio.source.channels: goes with alsa alone"),
        ("source: {url: a.mp4, size: 640x360}", "streams.radio.source.size: goes with v4l2 alone"),
        ("source: {v4l2: /dev/video0}, video: {codec: copy}", "streams.radio.video.codec: 'copy': expected an encoder"),
        ("source: {alsa: 'hw:1'}", "streams.radio.video.generate: expected waveform or still: alsa has no picture"),
        ('source: {alsa: "a b\'"}, video: {generate: still}', "streams.radio.source.alsa: "),
        (
            "source: {url: a.mp4}, audio: {source: {v4l2: /dev/video0}}",
            "streams.radio.audio.source.v4l2: expected alsa",
        ),
        (
            "source: {playlist: m, url: x}, video: {generate: still}",
            "streams.radio.source.playlist: expected one of url",
        ),
        (
            "source: {playlist: m, format: s16le}, video: {generate: still}",
            "streams.radio.source.format: cannot be had",
        ),
        (
            "source: {playlist: 'http://a/b.m3u'}, video: {generate: still}",
            "streams.radio.source.playlist: ***: expected the path",
        ),
        ("source: {url: a.mp3, shuffle: true}, video: {generate: still}", "streams.radio.source.shuffle: true: cannot"),
        (
            f"{COVER}, fallback: [{{source: {{alsa: default}}}}]",
            "streams.radio.video.generate: expected waveform or still",
        ),
        (f"{COVER}, fallback: [{{source: {{loop: true}}}}]", "streams.radio.fallback[0].source.url: expected a value"),
        (f"{COVER}, audio: {{source: {{}}}}", "streams.radio.audio.source.url: expected a value: this key is required"),
        (f"{COVER}, audio: {{source: loud}}", "streams.radio.audio.source: 'loud': expected one of auto, silence"),
        (f"{COVER}, audio: {{source: [a.mp3]}}", "streams.radio.audio.source: a list: expected keys and values"),
        (f"{COVER}, audio: {{source: {{playlst: m, url: x}}}}", "streams.radio.audio.source.playlst: unknown key; did"),
        (
            f"{COVER}, audio: {{source: {{playlist: m}}, codec: copy}}",
            "streams.radio.audio.codec: 'copy': expected aac",
        ),
        (
            f"{COVER}, audio: {{source: {{playlist: m}}}}, video: {{codec: copy}}",
            "streams.radio.video.codec: 'copy': ex",
        ),
        (
            f"{COVER}, audio: {{source: {{playlist: m}}}}, video: {{generate: still}}",
            "streams.radio.video.generate: can",
        ),
        (
            "source: {url: a.mp3}, video: {generate: still}, audio: {source: none}",
            "streams.radio.audio.source: 'none': ",
        ),
        (
            "source: {url: a.mp3}, video: {generate: movie}",
            "streams.radio.video.generate: 'movie': expected one of wave",
        ),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, stream: str, problem: str) -> None:
    found = problems(tmp_path, stream)
    assert len(found) == 1, found
    assert found[0].startswith(problem)


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ({"playlist": "/music"}, None),
        ({"playlist": ["/music/a.mp3", "/b.m3u"]}, None),
        ({"playlist": ["/music/a.mp3", "/etc/a.key"]}, "playlist"),
        ({"url": "/music/a.mp3"}, None),
        ({"url": "/etc/passwd"}, "url"),
        ({"url": "x", "options": ["-report"]}, "options"),
        ({"directory": "/music"}, None),
        ({"m3u": "/etc/shadow.key"}, "m3u"),
        ({"pipe": ["sh", "-c", "id"]}, "pipe"),
        ({"v4l2": "/dev/video0"}, None),
        ({"alsa": "plughw:1,0"}, None),
        ({"alsa": "file:x"}, "alsa"),
        ({"url": "amovie=/etc/a", "format": "lavfi"}, "url"),
    ],
)
def test_the_api_may_name_no_more_for_sound_than_for_a_picture(source: dict[str, object], wrong: str | None) -> None:
    config = Config.model_validate({"streams": {}})
    body = {"source": {"url": "rtsp://cam/1"}, "audio": {"source": source}}
    paths = {problem.path for problem in refused("cam", body, None, config, Path("/etc/nd"))}
    assert (f"streams.cam.audio.source.{wrong}" in paths) is bool(wrong)
    assert bool(paths) is bool(wrong)


def test_lists_devices_and_programs(tmp_path: Path) -> None:
    file = tmp_path / "nd.yml"
    file.write_text(
        f"""
streams:
  a: {{source: {{directory: films}}, {TO}}}
  b: {{source: {{m3u: b.m3u, shuffle: true}}, destinations: {{a: {{url: b.ts}}}}}}
  c: {{source: {{pipe: [yt-dlp, -o, -, "https://x/?key=1"]}}, destinations: {{a: {{url: c.ts}}}}}}
  d:
    source: {{v4l2: /dev/video0, size: 1280x720, fps: 30, format: h264}}
    video: {{codec: copy}}
    destinations: {{a: {{url: d.ts}}}}
  e:
    source: {{v4l2: /dev/video1}}
    audio: {{source: {{alsa: "hw:1", channels: 1}}}}
    destinations: {{a: {{url: e.ts}}}}
"""
    )
    streams = load(file).config.streams
    sources = {name: stream.source for name, stream in streams.items() if stream.source}
    assert sources["a"].playlist == (tmp_path / "films",)
    assert sources["b"].playlist == (tmp_path / "b.m3u",)
    assert [word.get_secret_value() for word in sources["c"].pipe or ()][:2] == ["yt-dlp", "-o"]
    assert "yt-dlp" not in repr(sources["c"])
    assert (sources["d"].format, sources["d"].url.get_secret_value()) == ("v4l2", "/dev/video0")
