"""What FFmpeg, and who starts it, said in real runs: each row of tests/unit/ffmpeg/stderr/ with what it must be called.

A row's `origin` is `captured` (run here, against servers on this machine) or `public` (somebody's report). Its segment
is the one without any probe. `said` are the words for people, where there are more than the cause's own.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from supervisor.ffmpeg.failure import Failure, classify
from supervisor.ffmpeg.phrases import not_carried
from supervisor.judge.attribution import FailureEvidence, segment_of
from supervisor.model.terms import EXITS_OF, Exit, ExitCause, Role, Segment

FOLDER = Path(__file__).parent / "stderr"
ORIGINS = {"captured", "public"}
# What no words of a process tell: we asked it to end, or the kernel says so.
NOT_BY_WORDS = {ExitCause.STOPPED}
# An encoder writes no file and has no end of its own that is not named; a pusher opens no encoder; what want of memory
# does to FFmpeg it says before it can be a pusher or a command that runs.
NOT_SEEN = {
    (Role.PUSHER, ExitCause.ENCODER_MISSING),
    (Role.ENCODER, ExitCause.DISK_FULL),
    (Role.ENCODER, ExitCause.OTHER),
    (Role.PUSHER, ExitCause.OUT_OF_MEMORY),
    (Role.COMMAND, ExitCause.OUT_OF_MEMORY),
}


class Row(NamedTuple):
    """One run: who it was, how it ended, what it said, and what that must be called."""

    name: str
    version: str
    platform: str
    protocol: str
    role: Role
    exit: Exit
    origin: str
    cause: ExitCause
    segment: Segment
    said: str | None
    lines: list[str]


def rows_of(file: Path) -> list[Row]:
    return [read(row) for row in tomllib.loads(file.read_text(encoding="utf-8"))["row"]]


def read(row: dict[str, Any]) -> Row:
    how = row["exit"]
    return Row(
        row["name"],
        row["version"],
        row["platform"],
        row["protocol"],
        Role(row["role"]),
        Exit(how, None) if isinstance(how, int) else Exit(None, int(how.removeprefix("signal "))),
        row["origin"],
        ExitCause(row["cause"]),
        Segment(row["segment"]),
        row.get("said"),
        row["lines"],
    )


ROWS = [row for file in sorted(FOLDER.glob("*.toml")) for row in rows_of(file)]


def judge(row: Row) -> Failure:
    return classify(row.role, row.exit, row.lines, stopping=False)


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.version}-{row.name}" for row in ROWS])
def test_each_row_is_called_what_it_is(row: Row) -> None:
    failure = judge(row)
    evidence = FailureEvidence(row.role, failure.cause, answered=failure.answered, configured=failure.configured)
    assert (failure.cause, segment_of(evidence), failure.said) == (row.cause, row.segment, row.said)
    assert row.origin in ORIGINS


def test_every_cause_has_a_row_for_every_role() -> None:
    seen = Counter((row.role, row.cause) for row in ROWS)
    for role, causes in EXITS_OF.items():
        print(f"\n{role}: ", ", ".join(f"{cause} {seen[role, cause]}" for cause in causes))
    missing = {(role, cause) for role, causes in EXITS_OF.items() for cause in causes if cause not in NOT_BY_WORDS}
    assert missing - set(seen) == NOT_SEEN


def test_the_table_speaks_of_every_way_and_of_every_ffmpeg() -> None:
    ways = Counter(row.protocol for row in ROWS)
    versions = Counter(row.version for row in ROWS)
    print("\n", dict(ways), "\n", dict(versions), "\n", dict(Counter(row.platform for row in ROWS)))
    assert {"rtmp", "rtmps", "srt", "rtsp", "http", "https", "hls", "tcp", "udp", "file", "concat", "v4l2"} <= set(ways)
    assert {"5.1.9", "6.0", "7.0.2", "9.0.2"} <= set(versions)
    assert len(ROWS) >= 150


def test_no_words_for_people_hold_what_a_process_wrote() -> None:
    for row in ROWS:
        marked = [line.replace("127.0.0.1", "HOST.secret").replace("KEY", "secret") for line in row.lines]
        said = classify(row.role, row.exit, marked, stopping=False).said
        assert "secret" not in (said or "")


CARRIED = tomllib.loads((FOLDER / "carried" / "mpegts.toml").read_text(encoding="utf-8"))["row"]


@pytest.mark.parametrize("row", CARRIED, ids=[f"{row['version']}-{row['track']}" for row in CARRIED])
def test_a_track_that_nobody_can_read_in_mpeg_ts_is_named(row: dict[str, Any]) -> None:
    said = [words for line in row["lines"] if (words := not_carried(line.encode()))]
    assert bool(said) != row["carried"]
    assert all("must be encoded" in words for words in said)


def test_who_asks_for_what_cannot_be_is_the_configuration() -> None:
    for row in ROWS:
        if "not compatible with flv" in "".join(row.lines):
            assert (judge(row).configured, row.cause, row.segment) == (True, ExitCause.BAD_ARGUMENTS, Segment.ENCODER)


# The last words, the signal, whether memory ran out: the cause, and whether the crash is mentioned.
MISSING = "[in#0/concat @ 0x1] [error] Impossible to open 'b.mp4'"
NOISE = "[h264 @ 0x1] [error] Invalid data found when processing input"
OVERCOME = "[https @ 0x1] [warning] Will reconnect at 9 in 1 second(s), error=Connection reset by peer."
CRASHES = [
    ([MISSING], 11, ExitCause.SOURCE_UNREACHABLE, True),
    ([MISSING], 6, ExitCause.SOURCE_UNREACHABLE, True),
    ([MISSING, *["[error] something else"] * 9], 11, ExitCause.KILLED, True),
    ([NOISE], 11, ExitCause.KILLED, True),
    ([OVERCOME], 11, ExitCause.KILLED, True),
    (["[tcp @ 0x1] [warning] Connection refused"], 11, ExitCause.KILLED, True),
    (["[error] Cannot allocate memory"], 11, ExitCause.OUT_OF_MEMORY, True),
    ([], 11, ExitCause.KILLED, True),
    ([MISSING], 9, ExitCause.KILLED, False),
    ([MISSING], 15, ExitCause.KILLED, False),
    ([MISSING], 2, ExitCause.KILLED, False),
    ([MISSING], 1, ExitCause.KILLED, False),
]


@pytest.mark.parametrize(("lines", "number", "cause", "crash"), CRASHES)
def test_what_was_said_before_a_signal(lines: list[str], number: int, cause: ExitCause, *, crash: bool) -> None:
    failure = classify(Role.ENCODER, Exit(None, number), lines, stopping=False)
    assert failure.cause is cause
    assert (f"it crashed (signal {number}" in (failure.said or "")) is crash
    assert classify(Role.ENCODER, Exit(None, number), lines, stopping=True).cause is ExitCause.STOPPED


@pytest.mark.parametrize(
    ("glibc", "musl"),
    [
        ("Input/output error", "I/O error"),
        ("Connection timed out", "Operation timed out"),
        ("No route to host", "Host is unreachable"),
        ("Network is unreachable", "Network unreachable"),
        ("Cannot allocate memory", "Out of memory"),
        ("Disk quota exceeded", "Quota exceeded"),
    ],
)
def test_a_system_with_musl_says_the_same_in_other_words(glibc: str, musl: str) -> None:
    spoken = [row for row in ROWS if glibc in "".join(row.lines)]
    assert spoken or glibc == "Disk quota exceeded"
    for row in spoken:
        other = row._replace(lines=[line.replace(glibc, musl) for line in row.lines])
        assert judge(other) == judge(row), row.name
