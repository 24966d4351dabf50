"""What is shown of last words: lines of real pushers that joined midway and were refused, of both FFmpegs."""

from __future__ import annotations

import pytest

from supervisor.ffmpeg.telling import telling
from supervisor.model.terms import ExitCause, Role, Trouble

PPS = "[h264 @ 0x5555da9e1040] [error] non-existing PPS 0 referenced"
JOINING_5 = (
    PPS,
    "[h264 @ 0x5555da9e1040] [error] decode_slice_header error",
    "[h264 @ 0x5555da9e1040] [error] no frame!",
)
JOINING_9 = (PPS, "[h264 @ 0x5555da9e1040] [error] no frame!")
HEVC_5 = ("[hevc @ 0x1] [error] PPS id out of range: 0", "[hevc @ 0x1] [warning] Error parsing NAL unit #3.")
HEVC_9 = ("[hevc @ 0x1] [error] PPS id out of range: 0", "[hevc @ 0x1] [warning] Skipping invalid undecodable NALU: 1")
APART = (
    "[flv @ 0x1] [warning] Packets poorly interleaved, failed to avoid negative timestamp -21 in stream 1.",
    "Try -max_interleave_delta 0 as a possible workaround.",
)
REFUSED_5 = ("[error] rtmp://127.0.0.1:22935/live2: Input/output error",)
REFUSED_9 = (
    "[out#0/flv @ 0x1] [fatal] Error opening output rtmp://127.0.0.1:22935/live2: Input/output error",
    "[error] Error opening output file rtmp://127.0.0.1:22935/live2.",
    "[fatal] Error opening output files: Input/output error",
)


@pytest.mark.parametrize(
    ("joining", "refused"),
    [(JOINING_5, REFUSED_5), (JOINING_9, REFUSED_9), (HEVC_5, REFUSED_5), (HEVC_9, REFUSED_9), (APART, REFUSED_5)],
)
def test_what_is_said_at_every_start_does_not_hide_why_it_ended(
    joining: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    shown = telling(Role.PUSHER, ExitCause.INGEST_REFUSED, (*joining * 12, *refused), 20)
    assert shown == refused


def test_the_line_that_named_the_cause_comes_first() -> None:
    said = ("[rtmp @ 0x1] [error] Server error: Already publishing", "[error] something", "[error] else")
    assert telling(Role.PUSHER, ExitCause.INGEST_REFUSED, said, 20) == said
    later = (said[1], said[0], said[2])
    assert telling(Role.PUSHER, ExitCause.INGEST_REFUSED, later, 20) == (said[0], said[1], said[2])
    assert telling(Role.PUSHER, ExitCause.INGEST_REFUSED, later, 2) == (said[0], said[2])
    assert telling(Role.PUSHER, ExitCause.INGEST_REFUSED, later, 1) == (said[0],)


def test_a_line_that_named_the_cause_is_shown_whatever_else_it_says() -> None:
    line = "[error] rtmp://h/no frame! x: Server error: no"
    assert telling(Role.PUSHER, ExitCause.INGEST_REFUSED, (line, *JOINING_5), 20) == (line,)


def test_repeats_are_told_once_with_their_number() -> None:
    said = [line for number in range(14) for line in (f"[error] packet {number} is late", f"[error] dts {number * 7}")]
    assert telling(Role.ENCODER, Trouble.STALL, (*said, "[error] end"), 20) == (
        "[error] packet 13 is late  (14 times)",
        "[error] dts 91  (14 times)",
        "[error] end",
    )


def test_where_there_is_nothing_but_noise_it_is_shown() -> None:
    assert telling(Role.PUSHER, ExitCause.KILLED, JOINING_9 * 5, 20) == tuple(
        f"{line}  (5 times)" for line in JOINING_9
    )
    assert telling(Role.PUSHER, ExitCause.KILLED, (), 20) == ()


def test_a_cause_that_no_line_named_leaves_the_latest_ones() -> None:
    said = tuple(f"[error] {word}" for word in ("one", "two", "three"))
    assert telling(Role.ENCODER, ExitCause.OTHER, said, 2) == said[1:]
