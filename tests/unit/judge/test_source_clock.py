"""A source that counts anew, told by what FFmpeg really says and counts; a stumble is none."""

from __future__ import annotations

from itertools import pairwise

import pytest

from supervisor.judge.source_clock import SourceClock
from supervisor.model.terms import Cause, ExitCause, Report, Trouble

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
    clock.begin_run(0.0)
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


def report(frames: int | None, dropped: int = 0, media: float = 1.0) -> Report:
    return Report(frames, media, 1000, dropped, 0, ended=False)


def test_frames_that_are_thrown_away_while_none_is_encoded_prove_it() -> None:
    clock = SourceClock()
    assert not clock.report(report(500, 3), 0.0)
    assert not clock.report(report(500, 14), 0.5)
    assert clock.report(report(500, 15), 1.0) is Trouble.CLOCK_JUMPED


def test_a_source_that_is_merely_too_fast_proves_nothing() -> None:
    """Frames are dropped for ever, but others are encoded beside them."""
    clock = SourceClock()
    assert not any(clock.report(report(500 + n, 10 * n), n / 2) for n in range(100))


def test_frames_that_were_dropped_before_count_no_more() -> None:
    clock = SourceClock()
    assert not clock.report(report(500, 1000), 0.0)
    assert not clock.report(report(500, 1011), 0.5)
    assert not clock.report(report(501, 1500), 1.0)
    assert not clock.report(report(501, 1511), 1.5)
    assert clock.report(report(501, 1512), 2.0)


def test_what_the_run_before_dropped_counts_no_more() -> None:
    clock = SourceClock()
    clock.report(report(500, 0), 0.0)
    clock.begin_run(1.0)
    assert not clock.report(report(1, 13), 1.5)


def test_a_report_without_frames_proves_nothing() -> None:
    clock = SourceClock()
    assert not any(clock.report(report(None, 100 * n), n / 2) for n in range(9))


# --- the end, and a clock that jumps forward -----------------------------------------------------------

Moment = tuple[float, int, float]  # seconds since the start of the run, frames, media seconds


def first_proof(*told: Moment) -> tuple[float, Cause] | None:
    """When something was proved, and what."""
    clock = SourceClock()
    proofs = ((at, clock.report(report(frames, media=media), at)) for at, frames, media in told)
    return next(((at, proof) for at, proof in proofs if proof), None)


def going_on(last: Moment, seconds: float, *, media: float = 0.0) -> list[Moment]:
    """More reports, two a second, without a frame; with so many media seconds each second."""
    at, frames, so_far = last
    return [(at + n / 2, frames, so_far + media * n / 2) for n in range(1, int(seconds * 2) + 1)]


# What FFmpeg 9.0 told when its source ended: silence goes on with the clock after it ran ahead.
ENDS = {
    "with sound": [(4.7, 90, 3.9), (5.2, 100, 4.4), (5.7, 111, 17.19), (6.21, 111, 60.97), (6.71, 111, 61.48)],
    "without": [(5.4, 100, 4.4), (5.91, 111, 12.88), (6.44, 111, 60.97), (6.94, 111, 61.5)],
    "copied": [(5.6, 115, 4.6), (6.1, 125, 7.23), (6.61, 125, 60.97), (7.11, 125, 61.48)],
    "all of it from one report to the next": [
        (5.6, 115, 4.6),
        (6.09, 125, 60.45),
        *going_on((6.09, 125, 60.45), 2, media=1),
    ],
    "at once": [(2.42, 16, 34.04), (2.92, 16, 60.97), (3.42, 16, 61.46)],
    "before the first frame": [(1.3, 0, 59.09), (1.81, 0, 60.99)],
}
# And both, when its clock jumped: FFmpeg 5.1 by 120 s, 9.0 by an hour.
JUMPS = {
    "5.1": [(6.54, 151, 5.48), (7.06, 164, 6.0), (7.59, 166, 126.08), *going_on((7.59, 166, 126.08), 9)],
    "5.1 with sound": [(6.23, 144, 5.78), (6.76, 157, 126.31), (7.24, 166, 126.65), *going_on((7.24, 166, 126.65), 9)],
    "9.0": [(6.35, 135, 5.54), (6.88, 146, 6.03), (7.35, 152, 3606.08), *going_on((7.35, 152, 3606.08), 9)],
    "9.0 with sound": [
        (6.01, 125, 5.61),
        (6.51, 137, 3606.1),
        (7.01, 150, 3606.61),
        (7.52, 152, 3606.67),
        *going_on((7.52, 152, 3606.67), 9),
    ],
}
BURST = [(5.0, 1, 0.0), (5.5, 751, 30.0), *going_on((5.5, 751, 30.0), 9)]
NOTHING: dict[str, list[Moment]] = {
    "a source that hangs, and catches up": [
        *((n / 2, 12 * n, n / 2) for n in range(1, 14)),
        *going_on((6.5, 156, 6.5), 9),
        (16.0, 296, 12.0),
        (16.5, 417, 17.0),
    ],
    "a picture that stands still while the sound goes on": [(1.0, 20, 1.0), *going_on((1.0, 20, 1.0), 60, media=1)],
    "segments with pauses between them": BURST,
    "a minute at once": [(5.0, 1, 0.0), (5.5, 1501, 60.0), *going_on((5.5, 1501, 60.0), 9)],
    "a frame each five seconds": [(5.0 * n, n, 5.0 * n) for n in range(1, 20)],
    "and eight of them at once": [(1.0, 1, 0.0), (20.0, 4, 15.0), (20.5, 12, 55.0), *going_on((20.5, 12, 55.0), 4)],
    "a jump that does not hold it up": [(1.0, 25, 1.0), *((1.5 + n / 2, 38 + 12 * n, 46.5 + n / 2) for n in range(40))],
    "sound in a burst before the first frame": [(1.0, 0, 12.0), (1.5, 0, 12.5), (2.0, 12, 13.0)],
}


@pytest.mark.parametrize("told", ENDS.values(), ids=ENDS)
def test_silence_that_runs_ahead_proves_the_end_of_the_source(told: list[Moment]) -> None:
    at, proof = first_proof(*told) or (0.0, None)
    assert proof is ExitCause.SOURCE_ENDED
    frozen = next(here[0] for here, later in pairwise(told) if here[1] == later[1])
    assert at <= frozen + 1.1


@pytest.mark.parametrize("told", JUMPS.values(), ids=JUMPS)
def test_media_time_that_leaps_and_stands_still_proves_a_jump(told: list[Moment]) -> None:
    at, proof = first_proof(*told) or (0.0, None)
    assert proof is Trouble.CLOCK_JUMPED
    frozen = next(here[0] for here, later in pairwise(told) if here[1] == later[1])
    assert at <= frozen + 1.1


@pytest.mark.parametrize("told", NOTHING.values(), ids=NOTHING)
def test_everything_else_proves_nothing(told: list[Moment]) -> None:
    assert first_proof(*told) is None


def test_what_stands_still_long_after_a_leap_does_so_for_another_reason() -> None:
    leaping = [(1.0, 25, 1.0), *((1.5 + n / 2, 38 + 12 * n, 46.5 + n / 2) for n in range(14))]
    assert first_proof(*leaping, *going_on(leaping[-1], 5)) is None


def test_another_run_has_not_leapt() -> None:
    clock = SourceClock()
    for at, frames, media in JUMPS["5.1"][:3]:
        assert not clock.report(report(frames, media=media), at)
    clock.begin_run(8.0)
    assert not any(clock.report(report(0, media=0.0), 8.0 + n / 2) for n in range(1, 9))


@pytest.mark.parametrize("frames", [36_000, 900_000, 0])
def test_a_run_that_was_not_seen_from_its_start_has_not_leapt(frames: int) -> None:
    """Ten hours of it are in its first report; at a frame a second, or while nothing comes, they would be a leap."""
    clock = SourceClock()
    clock.begin_run(100.0, seen=False)
    assert clock.report(Report(frames, 36_000.0, None, 50, 0, ended=False), 100.5) is None
    for number in range(1, 10):
        assert clock.report(Report(frames, 36_000.0, None, 50, 0, ended=False), 100.5 + number / 2) is None
