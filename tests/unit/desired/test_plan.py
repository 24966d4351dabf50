"""From a configuration to processes: who there is, in which order, under which policies, and with which secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.file import load
from supervisor.config.shape import Config
from supervisor.desired.plan import PROGRESS, StreamSpec, adapted, plan
from supervisor.ffmpeg.opening import Traits
from supervisor.ffmpeg.parameters import Picture
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.model.profiles import PLATFORMS
from supervisor.model.quantities import Address
from supervisor.model.terms import ProcessKey, Role
from supervisor.secrets.secrecy import Redactor

BINARY = Binary("/usr/bin/ffmpeg", (5, 1), frozenset({"libx264"}), frozenset({"rtmp", "rtmps", "srt", "file"}))
CONFIG = """
api_token: the-api-token
streams:
  cam:
    source: {url: "rtsp://viewer:cam-password@10.0.0.5/s", options: [-headers, "Authorization: Bearer opt-secret", 7]}
    video: {bitrate: 4M}
    stall: {timeout: 20s}
    destinations:
      main: {url: "rtmps://a.example/live2", key: main-key}
      own-port: {url: "rtmp://b.example:1936/app/url-key", required: false, stall: {timeout: 30s}}
      srt: {url: "srt://c.example:9000?passphrase=srt-passphrase", key: srt-key}
      file: {url: rec/cam.flv}
  mine:
    command: [ffmpeg, -progress, "{progress}", "rtmp://a/live2/command-key"]
    uplink: {timeout: 7s}
    destinations:
      yt: {url: "rtmp://a/live2", key: command-key}
      fb: {url: "RTMPS://[2001:db8::1]/rtmp", key: command-key, uplink: {timeout: 9s}}
      local: {url: "srt://c.example:9000"}
  silent: {command: [sleep, 9], enabled: false}
"""
SECRETS = {"cam-password", "opt-secret", "main-key", "url-key", "srt-passphrase", "srt-key", "the-api-token"}


def port(stream: str, destination: str) -> int:
    return 20000 + len(stream) * 100 + len(destination)


def planned(config: Config, variables: frozenset[str] = frozenset()) -> dict[str, StreamSpec]:
    return plan(config, BINARY, port, ca_file="/ca.pem", variables=variables)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    file = tmp_path / "neverdark.yml"
    file.write_text(CONFIG)
    return load(file).config


def test_pushers_come_before_their_encoder(config: Config) -> None:
    keys = [process.key for process in planned(config)["cam"].processes]
    pushers = [ProcessKey("cam", Role.PUSHER, name) for name in ("main", "own-port", "srt", "file")]
    assert keys == [*pushers, ProcessKey("cam", Role.ENCODER)]


def test_a_command_is_one_process_whatever_its_destinations(config: Config) -> None:
    specs = planned(config)
    (tracked,), (untracked,) = specs["mine"].processes, specs["silent"].processes
    assert specs["mine"].is_command
    assert not specs["cam"].is_command
    assert (tracked.tracked, untracked.tracked) == (True, False)
    assert tracked.argv == ("ffmpeg", "-progress", PROGRESS, "rtmp://a/live2/command-key")
    assert [d.name for d in specs["mine"].destinations] == ["yt", "fb", "local"]
    assert (specs["mine"].enabled, specs["silent"].enabled) == (True, False)


def test_every_word_of_every_command_line_is_text(config: Config) -> None:
    """A SecretStr among them could not be started."""
    for spec in planned(config).values():
        for process in spec.processes:
            assert all(type(word) is str for word in process.argv)
    encoder = planned(config)["cam"].processes[-1].argv
    assert encoder[encoder.index("-headers") + 1] == "Authorization: Bearer opt-secret"
    assert "7" in encoder


def test_ports_are_the_same_for_both_ends(config: Config) -> None:
    *pushers, encoder = planned(config)["cam"].processes
    for pusher in pushers:
        assert pusher.media_port == port("cam", pusher.key.destination)
        assert rf"127.0.0.1\:{pusher.media_port}?" in encoder.argv[-1]
        assert f"localport={{from-{pusher.key.destination}}}" in encoder.argv[-1]
    assert encoder.feeds == tuple(pusher.key.destination for pusher in pushers)


LEFT_OPEN = """
streams:
  open: {source: {url: "rtsp://h/x"}, destinations: {d: {url: /a.flv}}}
  sized: {source: {url: "rtsp://h/x"}, video: {size: 640x360}, destinations: {d: {url: /b.flv}}}
  copied: {source: {url: "rtsp://h/x"}, video: {codec: copy}, destinations: {d: {url: /c.flv}}}
  told: {source: {url: "rtsp://h/x"}, video: {size: 640x360, fps: 25}, destinations: {d: {url: /d.flv}}}
"""
FOUND = Picture(1280, 720, 30000 / 1001, square=True)


@pytest.mark.parametrize(
    ("stream", "picture", "size", "rate"),
    [
        ("open", FOUND, "1280:720", "30000/1001"),
        ("open", FOUND._replace(rate=None), "1280:720", None),
        ("open", FOUND._replace(rate=90000.0), "1280:720", None),  # the ticks of a clock, no rate
        ("open", FOUND._replace(rate=240.0), "1280:720", "240"),
        ("sized", FOUND, "640:360", "30000/1001"),
    ],
)
def test_what_the_first_run_made_the_others_make_as_well(
    stream: str, picture: Picture, size: str, rate: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "neverdark.yml"
    file.write_text(LEFT_OPEN)
    argv = adapted(load(file).config, stream, BINARY, port, Traits(picture))
    assert f"scale={size}:" in argv[argv.index("-vf") + 1]
    assert (argv[argv.index("-r") + 1] if "-r" in argv else None) == rate
    assert argv[-1] == planned(load(file).config)[stream].processes[-1].argv[-1]


@pytest.mark.parametrize(
    ("stream", "picture"),
    [
        ("told", FOUND),
        ("copied", FOUND),
        ("open", FOUND._replace(square=False)),  # a scale that makes pixels square would be another picture
        ("sized", FOUND._replace(rate=None)),
    ],
)
def test_where_nothing_is_left_open_nothing_is_fixed(stream: str, picture: Picture, tmp_path: Path) -> None:
    file = tmp_path / "neverdark.yml"
    file.write_text(LEFT_OPEN)
    config = load(file).config
    assert adapted(config, stream, BINARY, port, Traits(picture)) == planned(config)[stream].processes[-1].argv


@pytest.mark.parametrize(
    ("source", "pieces"),
    [
        ("{url: 'http://h/a.m3u8'}", False),  # paced
        ("{url: 'http://h/a.m3u8', realtime: false}", True),
        ("{url: 'http://h/a.ts'}", True),
        ("{url: 'http://h/a.ts', realtime: true}", False),
        ("{url: 'rtsp://h/a'}", False),
        ("{url: /a.ts, realtime: false}", False),
    ],
)
def test_which_sources_come_in_pieces(source: str, pieces: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a row
    file = tmp_path / "neverdark.yml"
    file.write_text(f"streams: {{s: {{source: {source}, destinations: {{d: {{url: /x.flv}}}}}}}}")
    assert planned(load(file).config)["s"].processes[-1].in_pieces is pieces


def test_who_sends_sound_is_known(config: Config) -> None:
    *pushers, _ = planned(config)["cam"].processes
    assert all(pusher.sound for pusher in pushers)


def test_where_a_pusher_connects_to(config: Config) -> None:
    ingests = {p.key.destination: p.ingest for p in planned(config)["cam"].processes}
    assert ingests == {
        "main": Address("a.example", 443),
        "own-port": Address("b.example", 1936),
        "srt": None,
        "file": None,
        "": None,
    }


def test_who_speaks_tls(config: Config) -> None:
    assert {p.key.destination for p in planned(config)["cam"].processes if p.tls} == {"main"}


def test_what_a_command_is_observed_for(config: Config) -> None:
    """Where it connects to by TCP; each destination has its own patience."""
    specs = planned(config)
    (mine,) = specs["mine"].processes
    assert [(o.name, o.ingest, o.tls, o.uplink.timeout) for o in mine.observed] == [
        ("yt", Address("a", 1935), False, 7),
        ("fb", Address("2001:db8::1", 443), True, 9),
    ]
    assert mine.ingest is None
    assert all(not process.observed for process in (*specs["cam"].processes, *specs["silent"].processes))


def test_a_file_is_known_by_its_path(config: Config, tmp_path: Path) -> None:
    files = {p.key.destination: p.output_file for p in planned(config)["cam"].processes}
    assert files["file"] == tmp_path / "rec" / "cam.flv"
    assert files["main"] is None


def test_policies_are_those_of_the_place(config: Config) -> None:
    timeouts = {p.key.destination: p.policies.stall.timeout for p in planned(config)["cam"].processes}
    assert timeouts == {"main": 20, "own-port": 30, "srt": 20, "file": 20, "": 20}


def test_the_source_gives_up_before_it_counts_as_stalled(config: Config) -> None:
    encoder = planned(config)["cam"].processes[-1].argv
    assert int(encoder[encoder.index("-timeout") + 1]) == 16_000_000


def test_what_is_expected_of_a_destination(config: Config) -> None:
    specs = planned(config)
    assert {d.expected_bytes_per_second for d in specs["cam"].destinations} == {(4_000_000 + 128_000) / 8}
    assert {d.expected_bytes_per_second for d in specs["mine"].destinations} == {None}
    assert [d.required for d in specs["cam"].destinations] == [True, False, True, True]


def test_no_secret_in_what_python_or_the_page_shows(config: Config) -> None:
    specs = planned(config, frozenset({"from-a-variable"}))
    for secret in SECRETS | {"command-key", "from-a-variable"}:
        assert secret not in repr(specs)
        assert secret not in str([d.shown_url for spec in specs.values() for d in spec.destinations])


def test_every_secret_is_hidden_in_what_its_processes_say(config: Config) -> None:
    specs = planned(config, frozenset({"from-a-variable"}))
    redactor = Redactor(specs["cam"].secrets)
    said = " ".join(word for process in specs["cam"].processes for word in process.argv)
    shown = redactor.clean(said + " the-api-token from-a-variable")
    for secret in SECRETS | {"from-a-variable"}:
        assert secret not in shown
    assert "command-key" not in Redactor(specs["mine"].secrets).clean("rtmp://a/live2/command-key")


def test_equal_configurations_give_equal_plans_and_a_change_shows_where_it_is(config: Config, tmp_path: Path) -> None:
    before = planned(config)
    assert planned(config) == before
    file = tmp_path / "neverdark.yml"
    file.write_text(CONFIG.replace("main-key", "other-key"))
    after = planned(load(file).config)
    changed = {p.key.name for p, q in zip(before["cam"].processes, after["cam"].processes, strict=True) if p != q}
    assert changed == {"pusher-main"}
    assert (after["mine"], after["silent"]) == (before["mine"], before["silent"])


@given(st.from_regex(r"\A[A-Za-z0-9_-]{8,20}\Z"), st.from_regex(r"\A[A-Za-z0-9_-]{8,20}\Z"))
def test_whatever_key_and_password_they_are_hidden(key: str, password: str) -> None:
    config = Config.model_validate(
        {
            "streams": {
                "cam": {
                    "source": {"url": f"rtsp://u:{password}@h/x"},
                    "destinations": {"d": {"url": "rtmp://h/live", "key": key}},
                }
            }
        }
    )
    spec = planned(config)["cam"]
    said = Redactor(spec.secrets).clean("  ".join(word for process in spec.processes for word in process.argv))
    for word in said.split():
        assert f"={key}" != word
        assert key != word
        assert f":{password}@" not in word
    assert key not in repr(config).replace("SecretStr", "") or key in repr(Config(streams={}))


def test_one_place_that_is_written_in_two_ways_is_one_claim(tmp_path: Path) -> None:
    """So that the second of them, enabled by an order, waits."""
    file = tmp_path / "neverdark.yml"
    stream = "{source: {url: x.mp4}, enabled: %s, destinations: {d: {url: '%s', key: k}}}"
    one, other = stream % ("yes", "rtmp://a.example/live"), stream % ("no", "rtmp://A.example:1935/live/")
    file.write_text(f"streams: {{a: {one}, b: {other}}}")
    claims = [spec.processes[0].claim for spec in planned(load(file).config).values()]
    assert claims[0] == claims[1] != ()


def test_what_ffmpeg_lays_over_a_picture_is_a_copy_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "neverdark.yml"
    video = "{overlay: [{text: a}, {file: mine.txt}, {image: mine.png}]}"
    file.write_text(f"streams: {{s: {{source: {{url: x.mp4}}, video: {video}, destinations: {{d: {{url: x.flv}}}}}}}}")
    encoder = planned(load(file).config)["s"].processes[-1]
    folder = tmp_path / "neverdark-data" / "overlays"
    assert [(one.file.name, one.copy, one.image) for one in encoder.overlays] == [
        ("mine.txt", folder / "s.1.txt", False),
        ("mine.png", folder / "s.2.png", True),
    ]
    words = " ".join(encoder.argv)
    assert f"{folder}/s.1.txt" in words
    assert "mine" not in words


def test_an_encoder_that_listens_says_where_and_keeps_its_secret(tmp_path: Path) -> None:
    file = tmp_path / "neverdark.yml"
    source = "{listen: srt, port: 9000, passphrase: the-srt-passphrase}"
    file.write_text(f"streams: {{s: {{source: {source}, destinations: {{d: {{url: x.flv}}}}}}}}")
    spec = planned(load(file).config)["s"]
    encoder = spec.processes[-1]
    assert encoder.awaits == "waits for a publisher on port 9000 (srt://127.0.0.1:9000)"
    assert (encoder.source, encoder.live, encoder.keyed) == (None, True, False)
    assert "the-srt-passphrase" in spec.secrets
    assert "the-srt-passphrase" not in repr(spec)


def test_a_profile_is_known_of_its_destination_and_changes_no_process(tmp_path: Path) -> None:
    file = tmp_path / "neverdark.yml"
    file.write_text(CONFIG)
    plain = planned(load(file).config)
    file.write_text(
        CONFIG.replace("key: main-key}", "key: main-key, profile: youtube}").replace(
            "key: srt-key}", "key: srt-key, profile: none}"
        )
    )
    profiled = planned(load(file).config)
    profiles = {destination.name: destination.profile for destination in profiled["cam"].destinations}
    assert profiles == {"main": PLATFORMS["youtube"], "own-port": None, "srt": None, "file": None}
    assert profiled["cam"].processes == plain["cam"].processes
    assert profiled["cam"] != plain["cam"], "a reload takes it over"


@pytest.mark.parametrize(
    ("audio", "copied"),
    [("{}", False), ("{source: copy}", True), ("{codec: copy}", True), ("{source: silence, codec: copy}", False)],
)
def test_whether_an_encoder_copies_the_sound(tmp_path: Path, audio: str, copied: bool) -> None:  # noqa: FBT001 - a row
    file = tmp_path / "neverdark.yml"
    file.write_text(f"streams: {{a: {{source: {{url: x.mp4}}, audio: {audio}, destinations: {{d: {{url: y.flv}}}}}}}}")
    *_, encoder = planned(load(file).config)["a"].processes
    assert encoder.copies_sound is copied
