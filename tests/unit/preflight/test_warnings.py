"""What a valid configuration is warned of: files that others can read or change, commands that tell nothing."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from supervisor.config.file import load
from supervisor.preflight import warnings as config_warnings
from supervisor.preflight.warnings import holds_secrets, warnings_of

PLAIN = "streams: {a: {source: {url: x.mp4}, destinations: {d: {url: x.flv}}}}"
INLINE = "streams: {a: {source: {url: x.mp4}, destinations: {d: {url: 'rtmp://h/live', key: abcd}}}}"
NAMED = "streams: {a: {source: {url: x.mp4}, destinations: {d: {url: 'rtmp://h/live', key_file: ./key}}}}"
MEMBERS: dict[str, list[str]] = {"shared": ["another"], "ours": ["us"], "empty": []}


def groups(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """The group of every file has these members; another user has a group of its own."""
    another = SimpleNamespace(pw_name="another", pw_uid=4242, pw_gid=-2)
    us = SimpleNamespace(pw_name="us", pw_uid=os.geteuid(), pw_gid=-3)
    monkeypatch.setattr(pwd, "getpwall", lambda: [another, us])
    monkeypatch.setattr(grp, "getgrgid", lambda gid: SimpleNamespace(gr_gid=gid, gr_mem=MEMBERS[kind]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def warned(folder: Path, content: str, *, mode: int = 0o600, key: int = 0o600) -> list[str]:
    file = folder / "neverdark.yml"
    file.write_text(content)
    file.chmod(mode)
    (folder / "key").write_text("abcd-efgh")
    (folder / "key").chmod(key)
    return list(map(str, warnings_of(load(file), file)))


@pytest.mark.parametrize("content", [PLAIN, INLINE, NAMED])
def test_closed_files_are_well(folder: Path, content: str) -> None:
    assert warned(folder, content) == []


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o444])
def test_a_secret_that_others_can_read(folder: Path, mode: int) -> None:
    says = "{0}: other users can read the secret in it: chmod 600 {0}"
    assert warned(folder, NAMED, key=mode) == [says.format(folder / "key")]
    assert warned(folder, INLINE, mode=mode) == [says.format(folder / "neverdark.yml")]
    assert warned(folder, NAMED, mode=mode) == [], "no secret is in that one"
    assert warned(folder, PLAIN, mode=mode) == []


def test_a_login_at_youtube_that_others_can_read(folder: Path) -> None:
    secret, login = folder / "client-secret", folder / "login"
    account = f"{{client_id: x.apps.googleusercontent.com, client_secret_file: {secret}, token_file: {login}}}"
    for file, mode in ((secret, 0o600), (login, 0o644)):
        file.write_text("made-up")
        file.chmod(mode)
    content = f"youtube: {{accounts: {{main: {account}}}}}\n{PLAIN}"
    says = f"{login}: other users can read the secret in it: chmod 600 {login}"
    assert [one for one in warned(folder, content) if str(login) in one and "chmod" in one] == [says]


@pytest.mark.parametrize("mode", [0o666, 0o602, 0o646])
def test_a_file_that_others_can_change(folder: Path, mode: int) -> None:
    """Also one without secrets: what stands in it is what we run."""
    says = "{0}: other users can change it: {1} {0}"
    assert warned(folder, NAMED, key=mode) == [says.format(folder / "key", "chmod 600")]
    assert warned(folder, INLINE, mode=mode) == [says.format(folder / "neverdark.yml", "chmod 600")]
    assert warned(folder, PLAIN, mode=mode) == [says.format(folder / "neverdark.yml", "chmod go-w")]


def test_the_command_that_it_names_mends_it(folder: Path) -> None:
    odd = folder / "it's here"
    odd.mkdir(mode=0o700)
    (warning,) = warned(odd, NAMED, key=0o666)
    command = shlex.split(warning.rpartition(": ")[2])
    assert command[:2] == ["chmod", "600"]
    Path(command[2]).chmod(0o600)
    assert list(warnings_of(load(odd / "neverdark.yml"), odd / "neverdark.yml")) == []


@pytest.mark.parametrize(("mode", "says"), [(0o640, "can read the secret"), (0o660, "can change it")])
def test_a_group_counts_only_if_somebody_else_is_in_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, mode: int, says: str
) -> None:
    """A group of one's own is what most users have, and root:neverdark 0640 is how it is done well."""
    for kind, expected in (("shared", 1), ("ours", 0), ("empty", 0)):
        groups(monkeypatch, kind)
        found = warned(folder, NAMED, key=mode)
        assert len(found) == expected, kind
        assert all(says in warning for warning in found)


def test_a_group_without_a_name_has_nobody_in_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(gid: int) -> object:
        raise KeyError(gid)

    groups(monkeypatch, "empty")
    monkeypatch.setattr(grp, "getgrgid", unknown)
    assert warned(folder, NAMED, key=0o640) == []


def test_who_has_a_group_as_its_first_is_in_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups(monkeypatch, "empty")
    first = SimpleNamespace(pw_name="another", pw_uid=4242, pw_gid=folder.stat().st_gid)
    monkeypatch.setattr(pwd, "getpwall", lambda: [first])
    assert len(warned(folder, NAMED, key=0o640)) == 1


def test_the_command_leaves_it_readable_to_us(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is somebody else's, such as root's: 600 would lock us out."""
    warned(folder, NAMED, key=0o644)
    key, file = folder / "key", folder / "neverdark.yml"
    loaded = load(file)
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    monkeypatch.setattr(os, "getegid", lambda: key.stat().st_gid)
    (warning,) = warnings_of(loaded, file)
    assert warning.text.endswith(f": chmod 640 {key}")
    monkeypatch.setattr(os, "getegid", lambda: 4243)
    monkeypatch.setattr(os, "getgroups", list)
    (warning,) = warnings_of(loaded, file)
    assert warning.text.endswith(f": chown 4242 {key} && chmod 600 {key}")


@pytest.mark.parametrize(
    ("path", "owner", "expected"),
    [
        ("/run/secrets/key", 0, True),
        ("/run/secrets/deeper/key", 0, True),
        ("/run/secrets/key", 4242, False),
        ("/run/secrets-of-mine/key", 0, False),
        ("/etc/neverdark/key", 0, False),
    ],
)
def test_what_a_container_engine_gives_is_not_ours_to_close(
    monkeypatch: pytest.MonkeyPatch, path: str, owner: int, *, expected: bool
) -> None:
    """Docker's secrets are root's, 0444; one that others can change is told all the same."""
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=0))  # noqa: ARG005
    assert config_warnings._given(Path(path), os.stat_result((0o100444, 0, 0, 0, owner, 0, 0, 0, 0, 0))) is expected


def test_what_cannot_be_written_at_all_is_not_ours_to_close(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=os.ST_RDONLY))  # noqa: ARG005
    assert warned(folder, NAMED, key=0o644) == []
    assert len(warned(folder, NAMED, key=0o646)) == 1, "who can write to it elsewhere can change it"


def test_a_folder_whose_files_others_can_replace(folder: Path) -> None:
    says = "{0}: other users can replace what is in it: chmod go-w {0}"
    inner = folder / "inner"
    inner.mkdir(mode=0o700)
    inner.chmod(0o777)
    assert warned(inner, PLAIN) == [says.format(inner)]
    inner.chmod(0o1777)  # as /tmp: only who made a file can replace it
    assert warned(inner, PLAIN) == []
    inner.chmod(0o700)
    folder.chmod(0o777)
    assert warned(inner, NAMED) == [says.format(folder)]


def test_a_file_behind_a_link_is_looked_at_and_so_is_its_folder(folder: Path) -> None:
    place = folder / "place"
    place.mkdir()
    (place / "real").write_text("abcd-efgh")
    (place / "real").chmod(0o644)
    place.chmod(0o777)
    warned(folder, NAMED)
    (folder / "key").unlink()
    (folder / "key").symlink_to(place / "real")
    found = [warning.about for warning in warnings_of(load(folder / "neverdark.yml"), folder / "neverdark.yml")]
    assert found == [str(folder / "key"), str(place)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"api_token": "long-enough"}, True),
        ({"api_token": 12345678}, True),
        ({"api_token": "${TOKEN}"}, False),
        ({"streams": {"a": {"destinations": {"d": {"url": "rtmp://h/live", "key": "k"}}}}}, True),
        ({"streams": {"a": {"destinations": {"d": {"url": "rtmp://h/live", "key": "${KEY}"}}}}}, False),
        ({"streams": {"a": {"destinations": {"d": {"url": "rtmp://h/live", "key_file": "./key"}}}}}, False),
        ({"streams": {"a": {"destinations": {"d": {"url": "rtmp://h/live/abcd-efgh"}}}}}, True),
        ({"streams": {"a": {"destinations": {"d": {"url": "rtmp://h/live/${KEY}"}}}}}, False),
        ({"streams": {"a": {"source": {"url": "rtsp://viewer:password@h/stream1"}}}}, True),
        ({"streams": {"a": {"source": {"url": "rtsp://viewer:${PASSWORD}@h/stream1"}}}}, False),
        ({"streams": {"a": {"source": {"url": "x.mp4"}, "enabled": True, "audio": None}}}, False),
        ({"streams": {"a": {"command": ["ffmpeg", "rtmp://h/live2/abcd-efgh"]}}}, True),
        ({"streams": {"a": {"command": ["ffmpeg", "rtmp://h/live2/${KEY}"]}}}, False),
        ({"streams": {"a": {"source": {"url": "x", "options": ["-headers", "Authorization: Bearer abcd"]}}}}, True),
        ({"streams": {}, "network": None}, False),
    ],
)
def test_whether_a_secret_stands_in_the_configuration_itself(written: object, *, expected: bool) -> None:
    assert holds_secrets(written) is expected


@pytest.mark.parametrize(
    ("stream", "mute"),
    [
        ("{command: [sleep, 60]}", True),
        ("{command: [ffmpeg, -progress, '{progress}']}", False),
        ("{command: [sleep, 60], destinations: {d: {url: 'rtmp://h/live', key_file: ./key}}}", False),
        ("{source: {url: x}, destinations: {d: {url: x.flv}}}", False),
    ],
)
def test_a_command_of_which_nothing_can_be_known(folder: Path, stream: str, *, mute: bool) -> None:
    says = "streams.a.command: without {progress} and without destinations, on air will mean: it runs, unverified"
    assert warned(folder, f"streams: {{a: {stream}}}") == ([says] if mute else [])


def test_of_many_of_a_kind_only_the_first_are_told(folder: Path) -> None:
    found = warned(folder, "streams:\n" + "".join(f"  s{n}: {{command: [x]}}\n" for n in range(30)))
    assert len(found) == 11
    assert found[-1] == "and 20 more: likewise"
