"""A destination that is a folder of segments, as it is written; and others that are pushed to without RTMP."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.config.shape import DestinationSection

SECRET = "S3CR3T-word"


def read(folder: Path, destination: str, stream: str = "source: {url: x.mp4}") -> DestinationSection:
    file = folder / "neverdark.yml"
    file.write_text(f"streams: {{a: {{{stream}, destinations: {{d: {destination}}}}}}}")
    return load(file).config.streams["a"].destinations["d"]


def refused(folder: Path, destination: str, stream: str = "source: {url: x.mp4}") -> str:
    with pytest.raises(ConfigError) as raised:
        read(folder, destination, stream)
    assert SECRET not in str(raised.value)
    (line,) = str(raised.value).splitlines()
    return line.removeprefix(f"{folder / 'neverdark.yml'}: ").removeprefix("streams.a.destinations.d")


def test_a_recording_is_not_required_and_has_its_defaults(tmp_path: Path) -> None:
    found = read(tmp_path, "{recording: {directory: rec}}")
    assert found.recording
    assert found.recording.directory == tmp_path / "rec"
    assert (found.recording.format, found.recording.segment) == ("mkv", 600.0)
    keep = found.recording.keep
    assert (keep.size, keep.age, keep.free) == (None, None, 0.05)
    assert not found.required
    assert read(tmp_path, "{recording: {directory: rec}, required: true}").required


def test_what_is_kept(tmp_path: Path) -> None:
    found = read(
        tmp_path, "{recording: {directory: /r, segment: 1m, keep: {size: 50GB, age: 7d, free: 2.5%}}}"
    ).recording
    assert found
    assert (found.segment, found.keep.size, found.keep.age, found.keep.free) == (60, 50_000_000_000, 604_800, 0.025)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{recording: {directory: /r}, url: x.ts}", ".url: cannot be had with recording"),
        ("{recording: {directory: /r}, key: S3CR3T-word}", ".key: cannot be had with recording"),
        ("{recording: {directory: /r, segment: 5s}}", ".recording.segment: '5s': expected a duration from 10s to 24h"),
        ("{recording: {directory: /r, format: avi}}", ".recording.format: 'avi': expected"),
        ("{recording: {directory: /r, keep: {free: 95%}}}", ".recording.keep.free: ***: expected a part of the disk"),
        ("{recording: {directory: /r, keep: {free: 5}}}", ".recording.keep.free: 5: expected a part of the disk"),
        ("{recording: {directory: /r, keep: {size: lots}}}", ".recording.keep.size: 'lots': expected a size"),
        ("{recording: {segment: 10m}}", ".recording.directory: expected"),
        ("{recording: /r}", ".recording: text: expected"),
        ("{url: 'udp://h:1', key: S3CR3T-word}", ".key: expected none: udp has no keys"),
        ("{url: 'udp://h'}", ".url: 'udp://h/***': expected a port"),
        ("{url: 'udp://h:1?pktsize=1'}", ".url: 'udp://h:1/***': expected only parameters such as"),
        ("{url: 'udp://h:1?ttl=1&ttl=2'}", ".url: 'udp://h:1/***': expected ttl once"),
        ("{url: 'udp://h:1?ttl=%20'}", ".url: 'udp://h:1/***': expected a plain value of ttl"),
        ("{url: 'rist://h:1?S3CR3T-word=1'}", ".url: 'rist://h:1/***': expected only parameters such as"),
        ("{url: 'rtsp://u:S3CR3T-word@:1/x'}", ".url: 'rtsp://***@:1/***': expected a URL with a host"),
        ("{url: 'srt://0.0.0.0:1?mode=listener'}", ".url: 'srt://0.0.0.0:1/***': expected a passphrase"),
        ("{url: 'srt://h:1?mode=listener&passphrase='}", ".url: 'srt://h:1/***': expected a passphrase"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path: Path, written: str, says: str) -> None:
    assert refused(tmp_path, written).startswith(says)


def test_a_command_has_no_recording(tmp_path: Path) -> None:
    says = refused(tmp_path, "{recording: {directory: /r}}", "command: [x]")
    assert says.startswith(".recording: cannot be had with command")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_who_waits_on_the_loopback_needs_no_passphrase_and_nobody_need_call(tmp_path: Path, host: str) -> None:
    assert not read(tmp_path, f"{{url: 'srt://{host}:9000?mode=listener'}}").required
    assert read(tmp_path, f"{{url: 'srt://{host}:9000?mode=caller'}}").required
