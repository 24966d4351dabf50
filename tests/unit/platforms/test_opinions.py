"""What the checks find in what YouTube says."""

from __future__ import annotations

import pytest

from supervisor.model.terms import Trouble, Verdict
from supervisor.platforms.youtube.desk import Standing
from supervisor.platforms.youtube.model import HealthStatus, Issue, LiveStream, Page, Privacy, Severity, StreamStatus
from supervisor.platforms.youtube.opinions import COMES_UP_IN, NOT_LIVE_FOR, of_broadcast, of_page, of_stream
from supervisor.platforms.youtube.steps import Trouble as Seen

GOOD = LiveStream("S", StreamStatus.ACTIVE, HealthStatus.GOOD)
INACTIVE = GOOD._replace(status=StreamStatus.INACTIVE)
WARNED = (Issue("bitrateLow", Severity.WARNING),)
HINT = (Issue("videoBitrateMismatch", Severity.INFO),)


@pytest.mark.parametrize(
    ("stream", "seen", "verdict", "cause"),
    [
        (None, Seen.NOT_READ, Verdict.UNKNOWN, None),
        (GOOD, Seen.NOT_SENDING, Verdict.UNKNOWN, None),
        (GOOD, Seen.NONE, Verdict.HEALTHY, None),
        (GOOD._replace(issues=HINT), Seen.NONE, Verdict.HEALTHY, None),
        (GOOD._replace(issues=WARNED), Seen.NONE, Verdict.DEGRADED, None),
        (GOOD._replace(health=HealthStatus.BAD), Seen.NONE, Verdict.UNHEALTHY, Trouble.NOT_WELL_RECEIVED),
        (GOOD, Seen.ENDED, Verdict.HEALTHY, None),
        (INACTIVE, Seen.STREAM_INACTIVE, Verdict.UNHEALTHY, Trouble.NOT_RECEIVED),
    ],
)
def test_the_stream(stream: LiveStream | None, seen: Seen, verdict: Verdict, cause: Trouble | None) -> None:
    found = of_stream(Standing(seen, stream=stream, unreceived=True))
    assert (found.verdict, found.cause) == (verdict, cause)
    assert bool(found.said) is (verdict in {Verdict.DEGRADED, Verdict.UNHEALTHY})


def test_at_one_look_alone_a_stream_that_is_not_received_may_only_have_begun() -> None:
    found = of_stream(Standing(Seen.STREAM_INACTIVE, stream=INACTIVE))
    assert (found.verdict, found.cause) == (Verdict.DEGRADED, Trouble.NOT_RECEIVED)


@pytest.mark.parametrize("seen", list(Seen))
def test_the_broadcast(seen: Seen) -> None:
    """Each trouble is either none, or unknown, or said in words."""
    found = of_broadcast(Standing(seen, stream=GOOD), COMES_UP_IN)
    unknown = {Seen.NOT_READ, Seen.NOT_SENDING, Seen.STREAM_INACTIVE, Seen.WRONG_KEY, Seen.NO_STREAM}
    healthy = {Seen.NONE, Seen.UNHEALTHY}
    degraded = {Seen.NOT_OURS, Seen.SEVERAL, Seen.WRONG_CHANNEL}
    expected = (
        Verdict.UNKNOWN
        if seen in unknown
        else Verdict.HEALTHY
        if seen in healthy
        else Verdict.DEGRADED
        if seen in degraded
        else Verdict.UNHEALTHY
    )
    assert found.verdict is expected
    assert bool(found.said) is (expected in {Verdict.DEGRADED, Verdict.UNHEALTHY})
    assert bool(found.cause) is (expected is Verdict.UNHEALTHY)


def test_one_that_comes_up_is_given_its_time_and_one_that_has_ended_is_not() -> None:
    assert of_broadcast(Standing(Seen.NOT_LIVE_YET), COMES_UP_IN - 1).verdict is Verdict.DEGRADED
    assert of_broadcast(Standing(Seen.NOT_LIVE_YET), COMES_UP_IN).cause is Trouble.BROADCAST_NOT_LIVE
    assert of_broadcast(Standing(Seen.ENDED), 0.0).cause is Trouble.BROADCAST_ENDED


@pytest.mark.parametrize(
    ("page", "lasted", "sends", "privacy", "verdict"),
    [
        (Page.LIVE, 0.0, True, Privacy.PUBLIC, Verdict.HEALTHY),
        (Page.UNKNOWN, 9999.0, True, Privacy.PUBLIC, Verdict.UNKNOWN),
        (Page.NOT_LIVE, NOT_LIVE_FOR - 1, True, Privacy.PUBLIC, Verdict.DEGRADED),
        (Page.NOT_LIVE, NOT_LIVE_FOR, True, Privacy.PUBLIC, Verdict.UNHEALTHY),
        (Page.NOT_LIVE, 9999.0, False, Privacy.PUBLIC, Verdict.UNKNOWN),
        (Page.NOT_LIVE, 9999.0, True, Privacy.UNLISTED, Verdict.UNKNOWN),
        (Page.NOT_LIVE, 9999.0, True, Privacy.PRIVATE, Verdict.UNKNOWN),
    ],
)
def test_the_page(page: Page, lasted: float, privacy: Privacy, verdict: Verdict, *, sends: bool) -> None:
    assert of_page(page, lasted, sends=sends, privacy=privacy).verdict is verdict
