"""A source that comes to us: what its keys may be, and that no two listen at the same port."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.config.shape import Config
from tests.plain_yaml import plain_dump

SECRET = "S3CR3T-word"


def _config(folder: Path, *sources: dict[str, Any], **top: Any) -> Config:
    file = folder / "neverdark.yml"
    streams = {
        f"s{number}": {"source": source, "destinations": {"f": {"url": f"{number}.flv"}}}
        for number, source in enumerate(sources)
    }
    file.write_text(plain_dump({**top, "streams": streams}, sort_keys=False))
    return load(file).config


def _problems(folder: Path, *sources: dict[str, Any], **top: Any) -> list[str]:
    with pytest.raises(ConfigError) as wrong:
        _config(folder, *sources, **top)
    assert SECRET not in str(wrong.value)
    return [str(problem) for problem in wrong.value.problems]


@pytest.mark.parametrize(
    ("source", "url", "secret"),
    [
        ({"listen": "rtmp", "port": 1935, "key": SECRET}, f"rtmp://127.0.0.1:1935/live/{SECRET}", SECRET),
        ({"listen": "rtmp", "port": "1935", "app": "obs"}, "rtmp://127.0.0.1:1935/obs/stream", None),
        ({"listen": "rtmp", "port": 1935, "address": "::1"}, "rtmp://[::1]:1935/live/stream", None),
        (
            {"listen": "rtmp", "port": 1935, "address": "0.0.0.0", "key": SECRET, "insecure": True},
            f"rtmp://0.0.0.0:1935/live/{SECRET}",
            SECRET,
        ),
        (
            {"listen": "srt", "port": 9000, "address": "0.0.0.0", "passphrase": "a b%c&d?e#f"},
            "srt://0.0.0.0:9000",
            "a b%c&d?e#f",
        ),
        ({"listen": "srt", "port": 9000}, "srt://127.0.0.1:9000", None),
    ],
)
def test_where_it_listens(source: dict[str, Any], url: str, secret: str | None, tmp_path: Path) -> None:
    found = _config(tmp_path, source).streams["s0"].source
    assert found is not None
    assert found.url.get_secret_value() == url
    assert (found.publisher_secret and found.publisher_secret.get_secret_value()) == secret
    assert SECRET not in repr(found)


def test_a_secret_may_stand_in_a_file_which_is_watched(tmp_path: Path) -> None:
    (tmp_path / "word").write_text(f"{SECRET}\n")
    file = tmp_path / "neverdark.yml"
    source = {"listen": "rtmp", "port": 1935, "key_file": "word"}
    file.write_text(plain_dump({"streams": {"s": {"source": source, "destinations": {"f": {"url": "x.flv"}}}}}))
    loaded = load(file)
    found = loaded.config.streams["s"].source
    assert found is not None
    assert found.url.get_secret_value().endswith(f"/live/{SECRET}")
    assert tmp_path / "word" in loaded.files


@pytest.mark.parametrize(
    ("source", "key", "words"),
    [
        ({"listen": "rtmp", "port": 1935, "url": "rtmp://h/live"}, "url", "cannot be had with listen"),
        ({"listen": "rtmp", "port": 1935, "format": "flv"}, "format", "cannot be had with listen"),
        ({"listen": "rtmp", "port": 1935, "loop": True}, "loop", "cannot be had with listen"),
        ({"listen": "rtmp"}, "port", "expected the port"),
        ({"listen": "rtmp", "port": 70000}, "port", "65535"),
        ({"listen": "rtmp", "port": 1935, "passphrase": SECRET}, "passphrase", "rtmp has a key"),
        ({"listen": "srt", "port": 1935, "key": SECRET}, "key", "srt has a passphrase"),
        ({"listen": "srt", "port": 1935, "passphrase": "too short"}, "passphrase", "10 to 79"),
        ({"listen": "rtmp", "port": 1935, "key": f"{SECRET}/x"}, "key", "a-z, A-Z, 0-9"),
        ({"listen": "rtmp", "port": 1935, "key": None}, "key", "nothing stands there"),
        ({"listen": "rtmp", "port": 1935, "key": SECRET, "key_file": "x"}, "key_file", "one of key and key_file"),
        ({"listen": "rtmp", "port": 1935, "address": "my.host"}, "address", "an IP address"),
        ({"listen": "rtmp", "port": 1935, "address": "0.0.0.0"}, "key_file", "not loopback"),
        ({"listen": "rtmp", "port": 1935, "address": "10.0.0.1", "key": SECRET}, "insecure", "plain text"),
        ({"listen": "rtmp", "port": 1935, "address": "10.0.0.1", "key": "x", "insecure": True}, "key", "at least 8"),
        ({"listen": "srt", "port": 9000, "address": "0.0.0.0"}, "passphrase_file", "not loopback"),
        ({"listen": "srt", "port": 9000, "address": "::", "passphrase": SECRET}, "address", "0.0.0.0 or one address"),
        ({"url": "rtmp://h/live/x", "port": 1935}, "port", "goes with listen alone"),
        ({"url": "rtmp://h/live/x", "passphrase": SECRET}, "passphrase", "goes with listen alone"),
        ({"listen": "udp", "port": 9000}, "listen", "rtmp"),
    ],
)
def test_what_does_not_go_together_is_named_where_it_stands(
    source: dict[str, Any], key: str, words: str, tmp_path: Path
) -> None:
    found = _problems(tmp_path, source)
    assert any(problem.startswith(f"streams.s0.source.{key}:") and words in problem for problem in found), found


RTMP = {"listen": "rtmp", "port": 1935}
SRT = {"listen": "srt", "port": 9000}
OUTSIDE = {"address": "0.0.0.0", "key": SECRET, "insecure": True}


@pytest.mark.parametrize(
    ("sources", "top", "other"),
    [
        ([RTMP, RTMP], {}, "streams.s0.source"),
        ([RTMP, RTMP | OUTSIDE], {}, "streams.s0.source"),
        ([SRT, SRT], {}, "streams.s0.source"),
        ([RTMP], {"listen": "127.0.0.1:1935"}, "listen"),
        ([RTMP | OUTSIDE], {"metrics_listen": "127.0.0.1:1935"}, "metrics_listen"),
        ([SRT], {"ports": "8000-9500"}, "ports (8000-9500)"),
    ],
)
def test_two_do_not_listen_at_one_port(
    sources: list[dict[str, Any]], top: dict[str, Any], other: str, tmp_path: Path
) -> None:
    (problem,) = _problems(tmp_path, *sources, **top)
    assert problem.startswith(f"streams.s{len(sources) - 1}.source.port:")
    assert f"another port than that of {other}" in problem


def test_what_does_not_meet_may_have_the_same_port(tmp_path: Path) -> None:
    elsewhere = {"listen": "rtmp", "port": 1935, "address": "127.0.0.2"}
    assert len(_config(tmp_path, RTMP, SRT | {"port": 1935}, elsewhere).streams) == 3
