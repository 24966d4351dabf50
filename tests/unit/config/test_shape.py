"""What a configuration means: every key is taken, and what is said last and nearest wins."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from supervisor.config.fields import text
from supervisor.config.file import Loaded, load
from supervisor.config.problems import ConfigError
from supervisor.config.shape import VIDEO_CODECS, Config, DefaultsSection
from supervisor.config.urls import DESTINATION_SCHEMES, FILE_TYPES, destination_scheme
from supervisor.ffmpeg import codecs
from supervisor.ffmpeg.destinations import destination_output
from supervisor.model.policies import Policies
from supervisor.model.quantities import Address, PortRange, Size

# Every key once.
EVERY_KEY = """
listen: 127.0.0.1:9833
data_dir: ./neverdark-data
api_token_file: ./token
ffmpeg: auto
ports: 20000-29999
network: {reference: null}

defaults:
  restart:  {initial_delay: 500ms, factor: 2, max_delay: 10s, jitter: 0.1, attempts: 10, reset_after: 60s, cooldown: 5m}
  stall:    {startup: 30s, timeout: 10s}
  uplink:   {interval: 1s, timeout: 5s}
  watchdog: {enabled: true, interval: 30s, failures: 3, cooldown: 120s}
  limits:   {cpu: null, memory: null, speed: 0.95, bitrate: null}
  stop:     {second_signal: 500ms, kill: 3s}

streams:
  harbour-cam:
    enabled: true
    source: {url: "rtsp://viewer:${CAM_PASSWORD}@10.0.0.5/stream1", format: rtsp, options: [-fflags, nobuffer, 1]}
    video:  {codec: libx264, size: 1920x1080, fps: 30, bitrate: 4500k, keyframe_interval: 2s, preset: veryfast}
    audio:  {codec: aac, bitrate: 128k, source: auto}
    destinations:
      youtube: {url: "rtmps://a.rtmps.youtube.com:443/live2", key_file: ./secrets/harbour-key}
      backup:  {url: "rtmps://b.rtmps.youtube.com:443/live2?backup=1", key_file: ./secrets/harbour-key, required: false}
  test-card:
    source: {url: "testsrc2=size=640x360:rate=25", format: lavfi, realtime: true}
    video:  {codec: libx264, bitrate: 800k, preset: ultrafast}
    destinations: {local: {url: "rtmp://127.0.0.1:1935/live", key: demo}}
  my-encoder:
    command: [ffmpeg, -progress, "{progress}", -re, "rtmp://a.rtmp.youtube.com/live2/KEY"]
    destinations: {youtube: {url: "rtmp://a.rtmp.youtube.com/live2", key_file: ./secrets/other-key}}
"""


def write(folder: Path, content: str) -> Path:
    (folder / "secrets").mkdir(exist_ok=True)
    (folder / "token").write_text("a-token-for-the-api\n")
    (folder / "secrets" / "harbour-key").write_text("abcd-efgh\n")
    (folder / "secrets" / "other-key").write_text("\ufeffijkl-mnop\r\n", encoding="utf-8")
    file = folder / "neverdark.yml"
    file.write_text(content, encoding="utf-8")
    return file


@pytest.fixture
def every_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    monkeypatch.setenv("CAM_PASSWORD", "s3cret-of-the-camera")
    return load(write(tmp_path, EVERY_KEY))


def of(tmp_path: Path, content: str) -> Config:
    return load(write(tmp_path, content)).config


def test_every_key_is_understood(every_key: Loaded, tmp_path: Path) -> None:
    config = every_key.config
    assert config.listen == Address("127.0.0.1", 9833)
    assert config.data_dir == tmp_path / "neverdark-data"
    assert config.token is not None
    assert config.token.get_secret_value() == "a-token-for-the-api"
    assert config.ports == PortRange(20000, 29999)
    assert config.network.reference is None
    harbour = config.streams["harbour-cam"]
    assert harbour.source is not None
    assert text(harbour.source.url) == "rtsp://viewer:s3cret-of-the-camera@10.0.0.5/stream1"
    assert [text(word) for word in harbour.source.options] == ["-fflags", "nobuffer", "1"]
    assert harbour.source.realtime is None
    assert (harbour.video.size, harbour.video.fps, harbour.video.bitrate) == (Size(1920, 1080), 30, 4_500_000)
    assert harbour.audio.bitrate == 128_000
    assert text(harbour.destinations["youtube"].secret_key) == "abcd-efgh"
    assert harbour.destinations["youtube"].required
    assert not harbour.destinations["backup"].required
    assert text(config.streams["test-card"].destinations["local"].secret_key) == "demo"
    command = config.streams["my-encoder"]
    assert [text(word) for word in command.command or ()][:3] == ["ffmpeg", "-progress", "{progress}"]
    assert text(command.destinations["youtube"].secret_key) == "ijkl-mnop"


def test_defaults_that_are_written_out_change_nothing(every_key: Loaded) -> None:
    assert every_key.config.defaults == DefaultsSection()


def test_all_files_that_were_read_are_watched(every_key: Loaded, tmp_path: Path) -> None:
    names = {file.relative_to(tmp_path).as_posix() for file in every_key.files}
    assert names == {"neverdark.yml", "token", "secrets/harbour-key", "secrets/other-key"}


def test_secrets_of_the_environment_are_known(every_key: Loaded) -> None:
    assert every_key.variables == {"s3cret-of-the-camera"}


def test_no_secret_in_what_python_shows_of_it(every_key: Loaded) -> None:
    shown = repr(every_key) + str(every_key) + repr(every_key.config.streams) + str(every_key.config.model_dump())
    shown += every_key.config.model_dump_json()
    for secret in ("s3cret-of-the-camera", "a-token-for-the-api", "abcd-efgh", "ijkl-mnop", "demo", "live2/KEY"):
        assert secret not in shown


def test_a_file_may_say_that_no_streams_are_wanted(tmp_path: Path) -> None:
    config = of(tmp_path, "streams: {}")
    assert config.streams == {}
    assert config.data_dir == tmp_path / "neverdark-data"


SECTIONS = {
    "restart": {
        "initial_delay": ("1s", 1.0),
        "factor": ("3", 3.0),
        "max_delay": ("20s", 20.0),
        "jitter": ("0.5", 0.5),
        "attempts": ("4", 4),
        "reset_after": ("2m", 120.0),
        "cooldown": ("1h", 3600.0),
    },
    "stall": {"startup": ("1m", 60.0), "timeout": ("7", 7.0)},
    "uplink": {"interval": ("2s", 2.0), "timeout": ("9s", 9.0)},
    "watchdog": {"enabled": ("false", False), "interval": ("10s", 10.0), "failures": ("7", 7), "cooldown": ("0", 0.0)},
    "limits": {
        "cpu": ("4.0", 4.0),
        "memory": ("2GiB", 2 * 1024**3),
        "speed": ("0.5", 0.5),
        "bitrate": ("1M", 1_000_000),
        "backlog": ("3s", 3.0),
        "backlog_max": ("15s", 15.0),
    },
    "stop": {"second_signal": ("0", 0.0), "kill": ("1s", 1.0)},
}
KEYS = [(section, key) for section, keys in SECTIONS.items() for key in keys]


def test_every_policy_is_tested_here() -> None:
    models = {name: field.default for name, field in Policies.model_fields.items()}
    assert {name: set(type(model).model_fields) for name, model in models.items()} == {
        name: set(keys) for name, keys in SECTIONS.items()
    }


@pytest.mark.parametrize(("section", "key"), KEYS)
@pytest.mark.parametrize("layer", ["defaults", "stream", "destination"])
def test_every_policy_can_be_set_at_every_layer_and_changes_nothing_else(
    tmp_path: Path, section: str, key: str, layer: str
) -> None:
    written, value = SECTIONS[section][key]
    override = f"{section}: {{{key}: {written}}}"
    at = {name: override if name == layer else "drills: true" for name in ("stream", "destination")}
    defaults = f"defaults: {{{override}}}" if layer == "defaults" else ""
    destination = f", {override}" if layer == "destination" else ""
    config = of(
        tmp_path,
        f"""
{defaults}
streams:
  a:
    source: {{url: x.mp4}}
    {at["stream"]}
    destinations: {{d: {{url: a.flv{destination}}}, other: {{url: b.flv}}}}
  b: {{source: {{url: x.mp4}}, destinations: {{d: {{url: c.flv}}}}}}
""",
    )
    touched = {
        "defaults": {("a", ""), ("a", "d"), ("a", "other"), ("b", ""), ("b", "d")},
        "stream": {("a", ""), ("a", "d"), ("a", "other")},
        "destination": {("a", "d")},
    }[layer]
    plain = Policies().model_dump()
    for place in [("a", ""), ("a", "d"), ("a", "other"), ("b", ""), ("b", "d")]:
        found = config.policies_of(*place).model_dump()
        expected = {**plain, section: {**plain[section], key: value}} if place in touched else plain
        assert found == expected, place


def test_the_nearest_wins_key_by_key(tmp_path: Path) -> None:
    config = of(
        tmp_path,
        """
defaults: {stall: {startup: 1m, timeout: 11s}, restart: {attempts: 1, factor: 3}, limits: {speed: null}}
streams:
  a:
    source: {url: x.mp4}
    stall: {timeout: 22s}
    restart: {attempts: 2}
    destinations:
      near: {url: a.flv, stall: {timeout: 33s}, restart: {cooldown: 1m}, limits: {speed: 0.95}}
      far: {url: b.flv}
""",
    )
    near, far, stream = (config.policies_of("a", name) for name in ("near", "far", ""))
    assert (near.stall.startup, near.stall.timeout) == (60, 33)
    assert (far.stall.startup, far.stall.timeout) == (60, 22)
    assert (near.restart.attempts, near.restart.factor, near.restart.cooldown) == (2, 3, 60)
    assert (far.restart.cooldown, stream.restart.attempts) == (300, 2)
    assert (near.limits.speed, far.limits.speed) == (0.95, None), "a default's value, said again, is said"


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEVERDARK_LISTEN", "[::1]:8080")
    monkeypatch.setenv("NEVERDARK_DEFAULTS__STALL__TIMEOUT", "33s")
    monkeypatch.setenv("neverdark_data_dir", "elsewhere")
    monkeypatch.setenv("NEVERDARK_STREAMS__A__ENABLED", "no")
    monkeypatch.setenv("NEVERDARK_NETWORK__REFERENCE", "1.1.1.1:53")
    monkeypatch.setenv("NEVERDARK_API_TOKEN", "12345678")
    monkeypatch.setenv("NEVERDARK_URL", "http://somewhere:1")
    monkeypatch.setenv("NEVERDARK_PORT", "tcp://10.0.0.1:9833")  # Kubernetes, for a service of our name
    config = of(
        tmp_path,
        """
listen: 127.0.0.1:1
defaults: {stall: {startup: 5s, timeout: 5s}}
streams: {a: {command: [sleep, 60]}}
""",
    )
    assert config.listen == Address("::1", 8080)
    assert (config.defaults.stall.startup, config.defaults.stall.timeout) == (5, 33)
    assert config.data_dir == tmp_path / "elsewhere"
    assert not config.streams["a"].enabled
    assert config.network.reference == Address("1.1.1.1", 53)
    assert text(config.token) == "12345678"


def test_variables_stand_anywhere_and_can_be_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FPS", "25")
    monkeypatch.setenv("NAME", "demo")
    config = of(
        tmp_path,
        """
streams:
  a:
    source: {url: "${NAME}-$${x}-$y-${NAME}.mp4"}
    video: {fps: "${FPS}"}
    destinations: {d: {url: "rtmp://h/live", key: "${NAME}"}}
""",
    )
    stream = config.streams["a"]
    assert stream.source is not None
    assert text(stream.source.url) == str(tmp_path / "demo-${x}-$y-demo.mp4")
    assert stream.video.fps == 25
    assert text(stream.destinations["d"].key) == "demo"


def test_yaml_does_not_change_what_is_written(tmp_path: Path) -> None:
    """`0123` is no octal number, `1:30` no 90, `no` no false, and a stream may be called `on`."""
    config = of(
        tmp_path,
        """
streams:
  on: {command: [echo, 0123, 1:30, no, true, 1.50, 1e3, 2024-01-01, 0x1F, 12]}
  404: {source: {url: x.mp4}, enabled: no, destinations: {d: {url: "rtmp://h/live", key: 0123}}}
""",
    )
    words = [text(word) for word in config.streams["on"].command or ()]
    assert words == ["echo", "0123", "1:30", "no", "true", "1.50", "1e3", "2024-01-01", "0x1F", "12"]
    assert text(config.streams["404"].destinations["d"].key) == "0123"
    assert not config.streams["404"].enabled


def test_paths_are_seen_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    config = of(tmp_path, "streams: {a: {source: {url: in/x.mp4}, destinations: {d: {url: out/x.flv}}}}")
    source = config.streams["a"].source
    assert source is not None
    assert text(source.url) == str(tmp_path / "in/x.mp4")
    assert text(config.streams["a"].destinations["d"].url) == str(tmp_path / "out/x.flv")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/r/cam#1.flv", "/r/cam#1.flv"),
        ("/r/what?.ts", "/r/what?.ts"),
        ("/r/50%20.mkv", "/r/50%20.mkv"),
        ("file:/r/cam#1.flv", "/r/cam#1.flv"),
        ("file:///r/a%20b?c.flv", "/r/a b?c.flv"),
        ("FILE://localhost/r/x.flv", "/r/x.flv"),
    ],
)
def test_a_files_name_may_hold_what_means_something_in_urls(tmp_path: Path, url: str, path: str) -> None:
    config = of(tmp_path, f"streams: {{a: {{source: {{url: in.mp4}}, destinations: {{d: {{url: '{url}'}}}}}}}}")
    assert text(config.streams["a"].destinations["d"].url) == path


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("rtmp://a/b", "rtmp"),
        ("RTMPS://a/b", "rtmps"),
        ("srt://a:1", "srt"),
        ("file:///x.flv", "file"),
        ("/x.flv", "file"),
        ("x.flv", "file"),
        ("https://a", "https"),
        ("1x:y", "file"),
        (":x", "file"),
    ],
)
def test_destination_scheme(url: str, scheme: str) -> None:
    assert destination_scheme(url) == scheme


def test_a_data_dir_that_only_its_owner_may_enter_is_for_its_owner_to_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else may look a file over with `check`; a `run` is told by the data_dir itself."""

    def closed(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", closed)
    assert of(tmp_path, "data_dir: /closed/data\nstreams: {}").data_dir == Path("/closed/data")


def test_the_configurations_lists_are_those_of_the_code() -> None:
    assert set(VIDEO_CODECS) == {"copy", *codecs.VIDEO_CODECS}
    for suffix in FILE_TYPES:
        assert destination_output(f"/x{suffix}", None, ca_file=None)
    for scheme in set(DESTINATION_SCHEMES) - {"file", "https"}:  # HLS is not sent by FFmpeg itself
        assert destination_output(f"{scheme}://h:1/live", "key", ca_file=None)


def test_a_configuration_cannot_be_changed(every_key: Loaded) -> None:
    model: BaseModel = every_key.config
    with pytest.raises(ValueError, match="frozen"):
        model.listen = Address("0.0.0.0", 80)  # type: ignore[attr-defined]


def test_a_group_and_labels_are_text_and_numbers_as_they_are_written(tmp_path: Path) -> None:
    body = "{command: [x], group: lobby, labels: {site: berlin, floor: 3, height: 2.5, row: '07'}}"
    known = of(tmp_path, f"streams: {{a: {body}, b: {{command: [x]}}}}").streams
    assert (known["a"].group, known["b"].group, known["b"].labels) == ("lobby", None, {})
    assert known["a"].labels == {"site": "berlin", "floor": "3", "height": "2.5", "row": "07"}


@pytest.mark.parametrize(
    ("written", "ratio"),
    [("99.9", 0.999), ("99.95 %", 0.9995), ("'99.5%'", 0.995), ("0.999", 0.999), ("100", 1.0), ("1", 1.0), ("50", 0.5)],
)
def test_an_objective_is_a_percentage_or_a_ratio(written: str, ratio: float, tmp_path: Path) -> None:
    file = tmp_path / "neverdark.yml"
    file.write_text(
        f"defaults: {{objective: 98}}\nstreams:\n  a: {{command: [x], objective: {written}}}\n  b: {{command: [x]}}\n"
    )
    config = load(file).config
    assert config.objective_of("a") == pytest.approx(ratio)
    assert config.objective_of("b") == config.objective_of("of no file") == pytest.approx(0.98)


@pytest.mark.parametrize("written", ["9.99", "999", "0", "true", "high", "-99", ".nan", "[99]", "101"])
def test_an_objective_that_is_a_slip_of_the_hand_is_refused(written: str, tmp_path: Path) -> None:
    file = tmp_path / "neverdark.yml"
    file.write_text(f"streams: {{a: {{command: [x], objective: {written}}}}}\n")
    with pytest.raises(ConfigError, match=r"streams\.a\.objective.*expected a percentage such as 99\.9, or a ratio"):
        load(file)
