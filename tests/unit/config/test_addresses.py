"""The address of a backup that the configuration leaves to YouTube."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.addresses import FILE_NAME, USUAL, written_addresses
from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.preflight.youtube import backup_addresses

TOLD = "rtmps://c.rtmps.youtube.com:443/live2?backup=1"
ACCOUNT = {"client_id": "1-tv.apps.googleusercontent.com", "client_secret_file": "secret", "token_file": "token.json"}
PLACE = {"account": "main", "stream_id": "AbC"}
PRIMARY = {"url": "rtmp://a.example/live2", "key": "made-up-key", "role": "primary", "youtube": PLACE}
BACKUP: dict[str, Any] = {"key": "made-up-key", "role": "backup"}


def written(folder: Path, primary: Any = PRIMARY, backup: Any = BACKUP, **top: Any) -> Path:
    (folder / "secret").write_text("GOCSPX-made-up-secret")
    (folder / "secret").chmod(0o600)
    cam = {"source": {"url": "x.mp4"}, "destinations": {"a": primary, "b": backup}}
    file = folder / "neverdark.yml"
    file.write_text(json.dumps({"youtube": {"accounts": {"main": ACCOUNT}}, "streams": {"cam": cam}, **top}))
    return file


def remember(folder: Path, content: bytes) -> Path:
    (folder / "data").mkdir()
    (folder / "data" / FILE_NAME).write_bytes(content)
    return folder / "data" / FILE_NAME


def url(file: Path) -> str:
    return load(file).config.streams["cam"].destinations["b"].url.get_secret_value()


def test_it_is_the_usual_one_until_youtube_has_told_another(tmp_path: Path) -> None:
    file = written(tmp_path, data_dir="data")
    assert url(file) == USUAL
    assert "as is usual; YouTube is asked" in next(backup_addresses(load(file).config))
    at = remember(tmp_path, written_addresses({"AbC": TOLD, "other": "rtmp://x.example/live"}))
    assert url(file) == TOLD
    assert (
        next(backup_addresses(load(file).config)) == f"streams.cam.destinations.b: sent to {TOLD}, as YouTube has told"
    )
    assert at in load(file).files, "a change of it is a change of the configuration"


def test_the_sections_place_may_be_the_backups_own(tmp_path: Path) -> None:
    remember(tmp_path, written_addresses({"AbC": TOLD}))
    plain = {key: value for key, value in PRIMARY.items() if key != "youtube"}
    assert url(written(tmp_path, plain, BACKUP | {"youtube": PLACE}, data_dir="data")) == TOLD


def test_what_is_written_counts(tmp_path: Path) -> None:
    remember(tmp_path, written_addresses({"AbC": TOLD}))
    file = written(tmp_path, backup=BACKUP | {"url": "rtmp://b.example/live"}, data_dir="data")
    assert url(file) == "rtmp://b.example/live"
    assert not [one for one in load(file).files if one.name == FILE_NAME]
    assert list(backup_addresses(load(file).config)) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"version": 1, "addresses": []}',
        written_addresses({"AbC": "file:///etc/passwd"}),
        written_addresses({"AbC": "rtmp://x -f mpegts y"}),
        json.dumps({"version": 1, "addresses": {"AbC": 7}}).encode(),
    ],
)
def test_what_is_broken_or_no_address_is_left_out(tmp_path: Path, content: bytes) -> None:
    remember(tmp_path, content)
    assert url(written(tmp_path, data_dir="data")) == USUAL


def test_what_others_could_have_written_is_not_believed(tmp_path: Path) -> None:
    remember(tmp_path, written_addresses({"AbC": TOLD})).chmod(0o666)
    assert url(written(tmp_path, data_dir="data")) == USUAL


@pytest.mark.parametrize("data_dir", ["~nobody-of-this-name/data", 7, ["data"]])
def test_a_data_dir_that_is_none_is_told_as_such(tmp_path: Path, data_dir: Any) -> None:
    with pytest.raises(ConfigError) as raised:
        load(written(tmp_path, data_dir=data_dir))
    assert [line for line in str(raised.value).splitlines() if "data_dir" in line]
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("place", [None, {"channel": "UC1234567890123456789012"}])
def test_without_a_login_it_has_to_be_said(tmp_path: Path, place: Any) -> None:
    with pytest.raises(ConfigError, match=r"streams\.cam\.destinations\.b\.url: expected"):
        load(written(tmp_path, PRIMARY | {"youtube": place}))
