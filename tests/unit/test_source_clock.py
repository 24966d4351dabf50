"""A source that counts anew, told by what FFmpeg really says and counts; a stumble is none."""

from __future__ import annotations

import pytest

from supervisor.model import Report
from supervisor.source_clock import SourceClock

OLD = (
    "[tee @ 0x562f2515e7c0] [warning] Non-monotonous DTS in output stream 0:0; previous: {}, current: {}; changing to"
    " 341. This may result in incorrect timestamps in the output file."
)
NEW = (
    "[vost#0:0/copy @ 0x55ded02dfa80] [warning] Non-monotonic DTS; previous: {}, current: {}; changing to 13715. This"
    " may result in incorrect timestamps in the output file."
)
SOUND = [OLD.replace("0:0", "0:1"), NEW.replace("vost#0:0", "aost#0:1")]
BOTH = pytest.mark.parametrize("line", [OLD, NEW], ids=["5.1", "9.0"])


def said(clock: SourceClock, line: str, previous: int, current: int, times: int, *, pause: float = 0.04) -> list[bool]:
    words = (line.format(previous + n, current + n).encode() for n in range(times))
    return [clock.heed(word, 100.0 + n * pause) for n, word in enumerate(words)]


@BOTH
def test_twenty_packets_in_a_row_that_were_set_forward_prove_it_once(line: str) -> None:
    told = said(SourceClock(), line, 340, -23, 60)
    assert told.index(True) == 19
    assert sum(told) == 1


@pytest.mark.parametrize("line", SOUND, ids=["5.1", "9.0"])
def test_sound_alone_proves_nothing(line: str) -> None:
    assert not any(said(SourceClock(), line, 340, -23, 60))


@BOTH
def test_a_stumble_by_one_or_two_proves_nothing(line: str) -> None:
    assert not any(said(SourceClock(), line, 340, 339, 100))
    assert not any(said(SourceClock(), line, 340, 331, 100))
    assert any(said(SourceClock(), line, 340, 330, 100))


@BOTH
def test_single_packets_now_and_then_prove_nothing(line: str) -> None:
    assert not any(said(SourceClock(), line, 340, -23, 100, pause=1.5))


@BOTH
def test_another_run_has_another_clock(line: str) -> None:
    clock = SourceClock()
    assert not any(said(clock, line, 340, -23, 19))
    clock.begin_run()
    assert not any(said(clock, line, 340, -23, 19))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[warning] Non-monotonic DTS",
        b"[vost#0:0/copy @ 0x1] [warning] Non-monotonic DTS; previous: NOPTS, current: 4; changing to 5.",
        b"[vost#0:0/copy @ 0x1] [warning] Non-monotonic DTS; previous: " + b"9" * 5000 + b", current: 4;",
        b"Non-monoton" * 1000,
        b"\xff\xfe Non-monotonic \x00",
    ],
)
def test_other_lines_prove_nothing(line: bytes) -> None:
    clock = SourceClock()
    assert not any(clock.heed(line, n / 100) for n in range(50))


def report(frames: int | None, dropped: int) -> Report:
    return Report(frames, 1.0, 1000, dropped, 0, ended=False)


def test_frames_that_are_thrown_away_while_none_is_encoded_prove_it() -> None:
    clock = SourceClock()
    assert not clock.report(report(500, 3))
    assert not clock.report(report(500, 14))
    assert clock.report(report(500, 15))


def test_a_source_that_is_merely_too_fast_proves_nothing() -> None:
    """Frames are dropped for ever, but others are encoded beside them."""
    clock = SourceClock()
    assert not any(clock.report(report(500 + n, 10 * n)) for n in range(100))


def test_frames_that_were_dropped_before_count_no_more() -> None:
    clock = SourceClock()
    assert not clock.report(report(500, 1000))
    assert not clock.report(report(500, 1011))
    assert not clock.report(report(501, 1500))
    assert not clock.report(report(501, 1511))
    assert clock.report(report(501, 1512))


def test_what_the_run_before_dropped_counts_no_more() -> None:
    clock = SourceClock()
    clock.report(report(500, 0))
    clock.begin_run()
    assert not clock.report(report(1, 13))


def test_a_report_without_frames_proves_nothing() -> None:
    clock = SourceClock()
    assert not any(clock.report(report(None, 100 * n)) for n in range(9))
