"""What a configuration names on this machine and is not there, with real files."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.preflight import places as config_places
from supervisor.preflight.places import missing_places, unknown_programs


def told(folder: Path, content: str) -> list[str]:
    file = folder / "neverdark.yml"
    file.write_text(content)
    config = load(file).config
    return [*map(str, missing_places(config)), *map(str, unknown_programs(config))]


def program(path: Path, content: str) -> Path:
    path.write_bytes(content.encode())
    path.chmod(0o755)
    return path


def fed(source: str, url: str = "x.flv") -> str:
    return f"streams: {{a: {{source: {{{source}}}, destinations: {{d: {{url: {url}}}}}}}}}"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (fed("url: nope.mp4"), "streams.a.source.url: '{folder}/nope.mp4': there is no such file now"),
        (fed("url: good/nope.mp4"), "streams.a.source.url: '{folder}/good/nope.mp4': there is no such file now"),
        (fed("url: empty"), "streams.a.source.url: '{folder}/empty': this file is empty"),
        (fed("url: ."), "streams.a.source.url: '{folder}': this is a directory, not a file"),
        (
            fed(f"url: {'x' * 300}"),
            f"streams.a.source.url: '{{folder}}/{'x' * 300}': it cannot be looked at: File name too long",
        ),
        (
            fed("url: /nope/list.txt, format: concat"),
            "streams.a.source.url: '/nope/list.txt': there is no such file now",
        ),
        (
            fed("url: 'https://h/x.m3u8', options: [-ca_file, /nope/ca.pem]"),
            "streams.a.source.options[1]: '/nope/ca.pem': there is no such file now",
        ),
        (
            fed("url: good", "nope/x.flv"),
            "streams.a.destinations.d.url: '{folder}/nope/x.flv': its directory {folder}/nope is not there",
        ),
        (fed("v4l2: /dev/nope-video"), "streams.a.source.v4l2: '/dev/nope-video': there is no such device now"),
        (fed("pipe: [/nope/program]"), "streams.a.source.pipe[0]: '/nope/program': there is no such file now"),
        (fed("pipe: [nope-xyzzy]"), "streams.a.source.pipe[0]: expected a program that PATH knows"),
        (
            "streams: {a: {command: [/nope/program]}}",
            "streams.a.command[0]: '/nope/program': there is no such file now",
        ),
        (
            "streams: {a: {command: ['/nope/program S3CR3T']}}",
            "streams.a.command[0]: ***: there is no such file now: each arg",
        ),
        ("streams: {a: {command: [ffmpegg, -x]}}", "streams.a.command[0]: expected a program that PATH knows; did yo"),
        (
            "streams: {a: {command: [S3CR3T-program]}}",
            "streams.a.command[0]: expected a program that PATH knows",
        ),
        (
            "streams: {a: {command: ['rtmp://h/live/S3CR3T']}}",
            "streams.a.command[0]: 'rtmp://h/live/***': there is no such file now",
        ),
        (
            """streams: {a: {command: ["bash -c 'sleep 1'"]}}""",
            "streams.a.command[0]: expected a program alone: each argument is an item of its own, such as command: [b",
        ),
    ],
)
def test_what_is_not_there(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "good").write_text("media")
    (tmp_path / "empty").touch()
    (found,) = told(tmp_path, content)
    assert found.startswith(says.format(folder=tmp_path))
    assert "S3CR3T" not in found


def test_a_misspelt_program_is_told_which_one_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "ffmpeg", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", f"/nowhere:{tmp_path}")
    (found,) = told(tmp_path, "streams: {a: {command: [ffmpegg]}}")
    assert found.endswith("; did you mean ffmpeg?")
    assert told(tmp_path, "streams: {a: {command: [ffmpeg]}}") == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("echo hello\n", "this is a text without #! in its first line, such as #!/bin/sh"),
        ("#!/bin/sh\r\necho\r\n", "the program that its first line names is not there (is there a CR at its end?)"),
        ("#!/nope/sh -e\n", "the program that its first line names is not there (is there a CR at its end?)"),
        ("#! /bin/sh -e\n", None),
        ("\x7fELF\0\0", None),
    ],
)
def test_a_program_that_cannot_be_run(tmp_path: Path, content: str, says: str | None) -> None:
    path = program(tmp_path / "program", content)
    assert told(tmp_path, f"streams: {{a: {{command: [{path}]}}}}") == (
        [f"streams.a.command[0]: '{path}': {says}"] if says else []
    )


def test_a_program_that_may_not_be_executed(tmp_path: Path) -> None:
    path = program(tmp_path / "program", "#!/bin/sh\n")
    path.chmod(0o644)
    (found,) = told(tmp_path, f"streams: {{a: {{command: [{path}]}}}}")
    assert found == f"streams.a.command[0]: '{path}': it may not be executed: chmod +x"
    (found,) = told(tmp_path, f"streams: {{a: {{command: [{tmp_path}]}}}}")
    assert found == f"streams.a.command[0]: '{tmp_path}': this is a directory, not a program"


@pytest.mark.parametrize(
    "source",
    ["url: 'cam#1?.mp4'", "url: fifo", "url: 'a%03d.png'", "url: '-'", "url: 'nope.mp4[out]', format: lavfi"],
)
def test_what_is_there_or_cannot_be_known(tmp_path: Path, source: str) -> None:
    (tmp_path / "cam#1?.mp4").write_text("media")
    os.mkfifo(tmp_path / "fifo")
    assert told(tmp_path, fed(source)) == []


def test_a_mount_that_does_not_answer_holds_up_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(config_places, "_PATIENCE", 0.5)
    monkeypatch.setattr(config_places, "_of_file", lambda path: None if over.wait(60) else path)
    streams = "\n".join(
        f"  s{n}: {{source: {{url: {n}.mp4}}, destinations: {{d: {{url: {n}.flv}}}}}}" for n in range(30)
    )
    try:
        assert told(tmp_path, f"streams:\n{streams}") == []
    finally:
        over.set()


def test_who_may_not_read_a_device_is_told_of_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    said = told(tmp_path, fed("v4l2: /dev/null"))
    expected = "streams.a.source.v4l2: '/dev/null': this user may not read it: is it in the group 'video'"
    assert any(line.startswith(expected) for line in said)


@pytest.mark.parametrize(
    ("name", "path"),
    [("hw:7", "/dev/snd/controlC7"), ("plughw:CARD=2,DEV=0", "/dev/snd/controlC2"), ("hw:Mic", "/dev/snd")],
)
def test_a_sound_card_is_looked_for_by_its_number(name: str, path: str) -> None:
    assert config_places._cards(name) == path


def test_of_a_name_that_alsas_configuration_makes_nothing_is_known(tmp_path: Path) -> None:
    assert not told(tmp_path, f"streams: {{a: {{source: {{alsa: default}}, video: {{generate: still}}, {TO}}}}}")


TO = "destinations: {d: {url: x.flv}}"
