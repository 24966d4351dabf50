"""The silences of a source that comes in pieces: learnt from what was, forgotten after a while."""

from __future__ import annotations

import pytest

from supervisor.judge.rhythm import Rhythm

YOUNG = 15.0


def pieces(rhythm: Rhythm, gap: float, begin: float, seconds: float) -> float:
    """Media after every `gap` seconds. Returns when the last came."""
    now = begin
    while now + gap <= begin + seconds:
        now += gap
        rhythm.note(gap, now)
        rhythm.note(0.5, now + 0.5)  # the rest of a piece, as it is reported
        now += 0.5
    return now


def test_before_anything_is_known_segments_of_14_seconds_are_usual() -> None:
    rhythm = Rhythm()
    assert rhythm.allowance(0.0) == rhythm.allowance(1e6) == YOUNG


def test_what_was_seen_is_usual_and_a_quarter_more() -> None:
    rhythm = Rhythm()
    now = pieces(rhythm, 20.0, 0.0, 700.0)
    assert rhythm.allowance(now) == pytest.approx(25.0)


def test_after_ten_minutes_short_pieces_are_known_to_be_short() -> None:
    rhythm = Rhythm()
    assert rhythm.allowance(pieces(rhythm, 4.0, 0.0, 500.0)) == YOUNG
    assert rhythm.allowance(pieces(rhythm, 4.0, 500.0, 300.0)) == pytest.approx(5.0)


def test_a_source_without_pauses_has_none_that_are_usual() -> None:
    rhythm = Rhythm()
    for n in range(2000):
        rhythm.note(0.5, n / 2)
    assert rhythm.allowance(1000.0) == 0.0


def test_one_long_pause_is_forgotten_and_hides_no_shorter_one_meanwhile() -> None:
    rhythm = Rhythm()
    now = pieces(rhythm, 4.0, 0.0, 700.0)
    rhythm.note(24.0, now + 24)
    at = now + 24
    rhythm.note(8.0, at + 8)
    assert rhythm.allowance(at + 300) == pytest.approx(30.0)
    assert rhythm.allowance(at + 601) == pytest.approx(10.0)
    assert rhythm.allowance(at + 700) == 0.0


def test_an_outage_does_not_become_usual() -> None:
    rhythm = Rhythm()
    now = pieces(rhythm, 4.0, 0.0, 700.0)
    rhythm.note(3600.0, now)
    assert rhythm.allowance(now) == pytest.approx(75.0)


def test_a_month_of_pieces_is_not_kept() -> None:
    rhythm = Rhythm()
    for n in range(50_000):
        rhythm.note(2.0 + n % 7, n * 4.0)
        rhythm.allowance(n * 4.0)
    assert len(rhythm._gaps) <= 7
