"""Whether a stream is on air, since when, how it is, and why not."""

from __future__ import annotations

from copy import deepcopy

import pytest

from supervisor.judge.on_air import AirJudgement, Culprit, OnAir, explain, health, who_is_dark
from supervisor.model.terms import ExitCause, Health, Segment, State, Verdict

WALL = 1_700_000_000.0
YES = AirJudgement(wanted=True, on_air=True)
DARK = AirJudgement(wanted=True, on_air=False, segment=Segment.ENCODER, dark_for=3.0, reason="encoder: backoff")
PLANNED = DARK._replace(planned=True, segment=Segment.NEVERDARK)
STOPPED = AirJudgement(wanted=False, on_air=False, planned=True, reason="stopped")


@pytest.mark.parametrize(
    ("needed", "dark"),
    [
        ([], None),
        ([[None], [None]], None),
        ([[None], [50.0], [40.0]], (1, 0)),
        ([[50.0, None]], None),  # any will do
        ([[40.0, 50.0]], (0, 1)),  # who was the last one, and so made it dark
        ([[0.0, 0.0]], (0, 0)),
        ([[None, 40.0], [50.0]], (1, 0)),
    ],
)
def test_who_keeps_a_stream_from_being_on_air(needed: list[list[float | None]], dark: tuple[int, int] | None) -> None:
    assert who_is_dark(needed) == dark


@pytest.mark.parametrize(
    ("judged", "every", "verdicts", "expected"),
    [
        (STOPPED, True, [], Health.UNKNOWN),
        (PLANNED, True, [], Health.UNKNOWN),
        (DARK, True, [Verdict.HEALTHY], Health.UNHEALTHY),
        (YES, True, [Verdict.HEALTHY, Verdict.UNKNOWN], Health.HEALTHY),
        (YES, False, [Verdict.HEALTHY], Health.DEGRADED),
        (YES, True, [Verdict.DEGRADED], Health.DEGRADED),
        (YES, True, [Verdict.HEALTHY, Verdict.UNHEALTHY], Health.DEGRADED),
    ],
)
def test_how_a_stream_is(judged: AirJudgement, *, every: bool, verdicts: list[Verdict], expected: Health) -> None:
    assert health(judged, every_destination=every, verdicts=verdicts) is expected


CULPRIT = Culprit("pusher youtube", State.BACKOFF, False, ExitCause.INGEST_CLOSED, None, 104.0, 90.0)


@pytest.mark.parametrize(
    ("culprit", "words"),
    [
        (CULPRIT, "pusher youtube: backoff after ingest_closed, next attempt in 4s"),
        (
            CULPRIT._replace(said="wrong key"),
            "pusher youtube: backoff after ingest_closed (wrong key), next attempt in 4s",
        ),
        (CULPRIT._replace(retry_at=99.0), "pusher youtube: backoff after ingest_closed, next attempt in 0ms"),
        (CULPRIT._replace(state=State.RUNNING), "pusher youtube: no progress for 10s"),
        (CULPRIT._replace(state=State.RUNNING, last_advance=None), "pusher youtube: running after ingest_closed"),
        (CULPRIT._replace(state=State.STARTING, cause=None, said="of before"), "pusher youtube: starting"),
        (CULPRIT._replace(held=True), "pusher youtube: waits for another process that does the same to be gone"),
    ],
)
def test_why_not_in_words(culprit: Culprit, words: str) -> None:
    assert explain(culprit, 100.0) == words


def test_a_change_is_told_once_with_how_long_the_state_before_lasted() -> None:
    air = OnAir(100.0)
    history = [
        (DARK, 101.0, None),  # a stream begins off air: no news
        (YES, 104.0, 3.0),
        (YES, 105.0, None),
        (DARK, 110.0, 6.0),
        (STOPPED, 111.0, None),
        (YES, 112.0, 2.0),
    ]
    for judged, now, lasted in history:
        assert air.account(judged, now, WALL + now, excused=False) == lasted, now
    assert (air.yes, air.since) == (True, WALL + 112)
    assert (air.time.wanted, air.time.on_air) == (11.0, 5.0), "of the time in which it was stopped, nothing"
    assert air.time.off_air[Segment.ENCODER] == 6.0


def test_what_is_excused_is_no_time_off_air_and_the_lapse_of_media_is_known() -> None:
    air = OnAir(100.0)
    air.account(YES, 101.0, WALL + 101, excused=False)
    air.account(DARK, 103.0, WALL + 103, excused=True)
    assert air.time.wanted == 1.0
    assert air.time.off_air_since == WALL + 100, "media had stopped 3 s before"


@pytest.mark.parametrize("judged", [YES, DARK, PLANNED, STOPPED])
@pytest.mark.parametrize("before", [YES, DARK, PLANNED, STOPPED])
def test_a_reader_sees_what_the_next_account_would_make_of_it_and_changes_nothing(
    before: AirJudgement, judged: AirJudgement
) -> None:
    air = OnAir(100.0)
    for second in range(101, 140):
        air.account(before, second, WALL + second, excused=False)
    state = deepcopy(_state(air))
    seen = air.since_at(judged, WALL + 139.5), air.dark_since_at(judged, 139.5, WALL + 139.5)
    assert _state(air) == state
    air.account(judged, 139.5, WALL + 139.5, excused=False)
    assert seen == (air.since, air.time.off_air_since)


def _state(air: OnAir) -> dict[str, object]:
    return vars(air) | {"time": vars(air.time)}
