"""The table of transitions, row by row, and what a broadcast becomes by itself."""

from __future__ import annotations

import pytest

from tests.unit.youtube.asking import KEY, Asker, reason, state
from tests.youtube.errors import ApiError
from tests.youtube.fake import FakeYouTube
from tests.youtube.model import State
from tests.youtube.rules import Rules
from tests.youtube.transitions import transition

INVALID = (403, "invalidTransition")
REDUNDANT = (403, "redundantTransition")
INACTIVE = (403, "errorStreamInactive")
UNWRITTEN = (400, "anyWord")

# from, asked, monitor stream, result where the stream is active, result where it is not
TABLE: list[tuple[str, str, bool, object, object]] = [
    ("created", "testing", True, UNWRITTEN, UNWRITTEN),
    ("created", "live", False, UNWRITTEN, UNWRITTEN),
    ("created", "complete", False, INVALID, INVALID),
    ("ready", "testing", True, "testStarting", INACTIVE),
    ("ready", "testing", False, INVALID, INVALID),
    ("ready", "live", False, "liveStarting", INACTIVE),
    ("ready", "live", True, INVALID, INVALID),
    ("ready", "complete", True, INVALID, INVALID),
    ("testStarting", "testing", True, REDUNDANT, REDUNDANT),
    ("testStarting", "live", True, UNWRITTEN, UNWRITTEN),
    ("testStarting", "complete", True, UNWRITTEN, UNWRITTEN),
    ("testing", "testing", True, REDUNDANT, REDUNDANT),
    ("testing", "live", True, "liveStarting", INACTIVE),
    ("testing", "complete", True, "complete", "complete"),
    ("liveStarting", "testing", True, INVALID, INVALID),
    ("liveStarting", "live", False, REDUNDANT, REDUNDANT),
    ("liveStarting", "complete", False, UNWRITTEN, UNWRITTEN),
    ("live", "testing", True, INVALID, INVALID),
    ("live", "live", False, REDUNDANT, REDUNDANT),
    ("live", "complete", False, "complete", "complete"),
    ("complete", "testing", True, INVALID, INVALID),
    ("complete", "live", False, INVALID, INVALID),
    ("complete", "complete", False, REDUNDANT, REDUNDANT),
    ("revoked", "testing", True, INVALID, INVALID),
    ("revoked", "live", False, INVALID, INVALID),
    ("revoked", "complete", False, INVALID, INVALID),
]


def _result(before: str, asked: str, *, monitor: bool, active: bool) -> object:
    rules = Rules(unwritten=UNWRITTEN)
    try:
        return transition(State(before), asked, monitor=monitor, active=active, rules=rules)
    except ApiError as error:
        return error.code, error.reason


@pytest.mark.parametrize(("before", "asked", "monitor", "sending", "silent"), TABLE)
def test_a_row(before: str, asked: str, *, monitor: bool, sending: object, silent: object) -> None:
    assert _result(before, asked, monitor=monitor, active=True) == sending
    assert _result(before, asked, monitor=monitor, active=False) == silent


def test_every_pair_has_a_row() -> None:
    assert {row[:2] for row in TABLE} == {(s.value, a) for s in State for a in ("testing", "live", "complete")}


def test_complete_again_can_be_the_other_of_the_two() -> None:
    with pytest.raises(ApiError, match="invalidTransition"):
        transition(
            State.COMPLETE, "complete", monitor=True, active=True, rules=Rules(complete_again="invalidTransition")
        )


def test_the_states_in_between_last_as_long_as_they_shall(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.rules.test_starting, youtube.rules.live_starting = 7, 11
    youtube.ingest.sends(KEY)
    ready = youtube.studio.broadcast(stream=asker.stream, monitor=True)
    assert state(asker.move(ready, "testing")) == "testStarting"
    youtube.clock.move(6.9)
    assert youtube.studio.look(ready).state == "testStarting"
    youtube.clock.move(0.1)
    assert youtube.studio.look(ready).state == "testing"
    assert state(asker.move(ready, "live")) == "liveStarting"
    assert reason(asker.move(ready, "live")) == REDUNDANT
    youtube.clock.move(10.9)
    assert youtube.studio.look(ready).started is None
    youtube.clock.move(0.1)
    assert youtube.studio.look(ready).state == "live"
    assert youtube.studio.look(ready).started == youtube.clock.now()


def test_a_stuck_state_lasts_until_it_is_let_go(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.rules.stuck = {State.LIVE_STARTING}
    youtube.ingest.sends(KEY)
    ready = youtube.studio.broadcast(stream=asker.stream)
    asker.move(ready, "live")
    youtube.clock.move(3 * 3600)
    assert youtube.studio.look(ready).state == "liveStarting"
    youtube.rules.stuck.clear()
    assert youtube.studio.look(ready).state == "live"


def test_no_media_no_progress(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.rules.live_starting = 10
    youtube.ingest.sends(KEY)
    ready = youtube.studio.broadcast(stream=asker.stream)
    asker.move(ready, "live")
    youtube.ingest.stops(KEY)
    youtube.clock.move(100)
    assert youtube.studio.look(ready).state == "liveStarting"


def test_a_broadcast_that_is_bound_to_nothing_has_no_active_stream(asker: Asker) -> None:
    unbound = asker.fake.studio.broadcast()
    asker.fake.ingest.sends(KEY)
    assert reason(asker.move(unbound, "live")) == (403, "invalidTransition")
    asker.fake.rules.unwritten = (400, "errorStreamInactive")
    assert reason(asker.move(unbound, "live")) == (400, "errorStreamInactive")


def test_auto_start_when_the_stream_becomes_active(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.rules.live_starting = 5
    waiting = youtube.studio.broadcast(stream=asker.stream, enableAutoStart=True)
    assert youtube.studio.look(waiting).state == "ready"
    youtube.clock.move(60)
    youtube.ingest.sends(KEY)
    assert youtube.studio.look(waiting).state == "liveStarting"
    youtube.clock.move(5)
    assert youtube.studio.look(waiting).state == "live"


@pytest.mark.parametrize("does", [False, True])
def test_auto_start_on_a_stream_that_is_active_already(youtube: FakeYouTube, asker: Asker, *, does: bool) -> None:
    youtube.rules.auto_start_on_active = does
    youtube.ingest.sends(KEY)
    youtube.clock.move(60)
    late = youtube.studio.broadcast(stream=asker.stream, enableAutoStart=True)
    youtube.clock.move(600)
    assert youtube.studio.look(late).state == ("live" if does else "ready")


@pytest.mark.parametrize(("auto", "after"), [(True, "complete"), (False, "live")])
def test_auto_stop_a_minute_after_the_last_byte(youtube: FakeYouTube, asker: Asker, *, auto: bool, after: str) -> None:
    youtube.ingest.sends(KEY)
    live = youtube.studio.broadcast(stream=asker.stream, state="live", enableAutoStop=auto)
    youtube.clock.move(3600)
    youtube.ingest.stops(KEY)
    youtube.clock.move(59.9)
    assert youtube.studio.look(live).state == "live"
    youtube.clock.move(0.1)
    assert youtube.studio.look(live).state == after
    assert youtube.studio.look(live).ended == (youtube.clock.now() if auto else None)


def test_a_gap_that_nobody_looked_at_counts_for_auto_stop(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.ingest.sends(KEY)
    live = youtube.studio.broadcast(stream=asker.stream, state="live", enableAutoStop=True)
    youtube.ingest.stops(KEY)
    youtube.clock.move(61)
    youtube.ingest.sends(KEY)
    assert youtube.studio.look(live).state == "complete"


def test_limits_of_broadcasts_that_are_live_at_once(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.ingest.sends(KEY)
    old = youtube.studio.broadcast(stream=asker.stream, state="live")
    new = youtube.studio.broadcast(stream=asker.stream)
    youtube.rules.concurrent_limit = 1
    assert reason(asker.move(new, "live")) == (403, "concurrentBroadcastsExceedLimit")
    youtube.rules.concurrent_limit, youtube.rules.shared_ingestion_limit = 2, 1
    assert reason(asker.move(new, "live")) == (403, "sharedIngestionBroadcastsExceedLimit")
    asker.move(old, "complete")
    assert state(asker.move(new, "live")) == "live"
