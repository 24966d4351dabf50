"""What children find in their environment: FFmpeg what it needs, a program of the owner's no secret of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.config.variables import named
from supervisor.desired.environment import Environments, for_command, for_ffmpeg
from supervisor.model.terms import ProcessKey, Role

PLAIN = {
    "PATH": "/bin",
    "HOME": "/root",
    "USER": "me",
    "LANG": "C.UTF-8",
    "LC_ALL": "C",
    "TZ": "UTC",
    "TMPDIR": "/tmp",  # noqa: S108 - a value
    "LD_LIBRARY_PATH": "/opt/lib",
    "SSL_CERT_FILE": "/etc/ca.pem",
    "XDG_RUNTIME_DIR": "/run/user/0",
    "LIBVA_DRIVER_NAME": "iHD",
    "CUDA_VISIBLE_DEVICES": "0",
    "NVIDIA_VISIBLE_DEVICES": "all",
    "DISPLAY": ":0",
    "XAUTHORITY": "/root/.Xauthority",
    "AV_LOG_FORCE_256COLOR": "1",
}
PROXIES = {"http_proxy": "http://p:1", "HTTPS_PROXY": "http://p:1", "all_proxy": "socks://p:1", "no_proxy": "10.0.0.5"}
OURS = {"NEVERDARK_API_TOKEN": "x", "neverdark_listen": "x", "_NEVERDARK_OWNER": "x", "_NEVERDARK_RUN": "x"}
TO_US = {"NOTIFY_SOCKET": "/run/systemd/notify", "LISTEN_FDS": "1", "WATCHDOG_USEC": "1"}
OF_OWNER = {"VIRTUAL_ENV": "/venv", "PYTHONPATH": "/lib", "SITE": "harbour", "CAMERA_HOST": "10.0.0.5"}
SECRETS = {
    "CAM_PASSWORD": "hunter2",
    "YT_KEY": "abcd",
    "GH_TOKEN": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "MALLOC_TOKEN": "x",
}
EVERYTHING = PLAIN | PROXIES | OURS | TO_US | OF_OWNER | SECRETS


def test_an_encoder_gets_what_it_needs_and_the_way_to_its_source() -> None:
    assert for_ffmpeg(Role.ENCODER, EVERYTHING) == PLAIN | PROXIES


def test_a_pusher_is_sent_by_no_proxy() -> None:
    """FFmpeg sends RTMPS by `http_proxy`, and stands still."""
    assert for_ffmpeg(Role.PUSHER, EVERYTHING) == PLAIN


def test_a_program_of_the_owners_gets_all_but_what_is_ours_or_tells_of_a_secret() -> None:
    assert for_command(EVERYTHING, set(), set()) == PLAIN | PROXIES | OF_OWNER


def test_it_gets_the_secrets_that_its_own_text_names_and_no_others() -> None:
    given = for_command(EVERYTHING, {"CAM_PASSWORD", "YT_KEY"}, {"curl", "YT_KEY", "GH_TOKEN", "NEVERDARK_API_TOKEN"})
    assert given == PLAIN | PROXIES | OF_OWNER | {"YT_KEY": "abcd", "GH_TOKEN": "x"}


def test_what_the_configuration_uses_elsewhere_is_anothers_whatever_its_name_but_never_the_path_home() -> None:
    given = for_command(EVERYTHING, {"SITE", "CAMERA_HOST", "HOME", "PATH"}, {"CAMERA_HOST"})
    assert given.keys() == (PLAIN | PROXIES | OF_OWNER).keys() - {"SITE"}


TEXT = """
api_token: ${API}
data_dir: ${HOME}/nd
streams:
  cam:
    source: {url: "rtsp://u:${CAM}@10.0.0.5/"}
    destinations: {yt: {url: "rtmp://a.example/live", key: "${KEY}-x$${PLAIN}"}}
  mine:
    command: [sh, -c, "curl $MINE_TOKEN ${CAM2} $${LATER}"]
    destinations: {yt: {url: "rtmp://b.example/live", key: "${KEY2}"}}
"""


def test_what_a_configuration_names_and_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API", "CAM", "KEY", "CAM2", "KEY2"):
        monkeypatch.setenv(name, f"value-of-{name}")
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "c.yml"
    file.write_text(TEXT)
    found = load(file).named
    assert found.used == {"API", "HOME", "CAM", "KEY", "CAM2", "KEY2"}
    assert {"MINE_TOKEN", "CAM2", "LATER", "KEY2"} <= found.words["mine"]
    assert not {"CAM", "KEY", "API", "value", "HOME"} & found.words["mine"]


def test_a_stream_that_the_environment_overrides_is_meant_as_it_is_then() -> None:
    written = {"streams": {"a": {"command": ["old", "$OLD"]}}}
    found = named(written, {"streams": {"a": {"command": ["new", "$NEW"]}}})
    assert {"OLD", "NEW"} <= found.words["a"]


@pytest.mark.parametrize("odd", [None, [], {"streams": None}, {"streams": ["a"]}, {"streams": {"a": None}}])
def test_odd_trees_name_nothing(odd: object) -> None:
    assert not named(odd, odd).used
    assert not any(named(odd, odd).words.values())


def test_every_process_has_its_own_made_ahead() -> None:
    made = Environments(EVERYTHING, {"MARK": "m", "AV_LOG_FORCE_NOCOLOR": "1"})
    key = ProcessKey("mine", Role.COMMAND)
    made.follow(["mine", "other"], named({"streams": {"mine": {"command": ["$GH_TOKEN"]}}}, {}))
    assert made.of(key)["GH_TOKEN"] == "x"
    assert "GH_TOKEN" not in made.of(ProcessKey("other", Role.COMMAND))
    assert made.of(key) is made.of(key)
    made.follow(["mine"], named({"streams": {"mine": {"command": ["true"]}}}, {}))
    assert "GH_TOKEN" not in made.of(key)
    for each in (
        key,
        ProcessKey("gone", Role.COMMAND),
        ProcessKey("a", Role.ENCODER),
        ProcessKey("a", Role.PUSHER, "d"),
    ):
        assert made.of(each).items() >= {"MARK": "m", "AV_LOG_FORCE_NOCOLOR": "1"}.items()
    assert made.of_programs == PLAIN | PROXIES | OF_OWNER, "what starts programs of others has no mark of ours"
    assert "http_proxy" not in made.of(ProcessKey("a", Role.PUSHER, "d"))
    assert "http_proxy" in made.of(ProcessKey("a", Role.ENCODER))


def test_what_a_program_asks_for_in_its_text_is_told_with_its_value() -> None:
    made = Environments({"PATH": "/bin", "NAP": "1", "SITE": "x"}, {})
    mine = ProcessKey("mine", Role.COMMAND)
    made.follow(["mine"], named({"streams": {"mine": {"command": ["sh", "-c", "sleep $NAP; echo $GONE"]}}}, {}))
    assert made.asked_for(mine) == ["NAP=1"]
    assert made.asked_for(ProcessKey("other", Role.COMMAND)) == []
    assert made.asked_for(ProcessKey("mine", Role.ENCODER)) == []
