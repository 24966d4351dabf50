"""How often a source that refuses is asked: an hour of both layers together, by numbers for time."""

from __future__ import annotations

from itertools import pairwise

import pytest

from supervisor.judge.ladder import Record, Situation, decide
from supervisor.lifecycle.pauses import must_not_be_hurried
from supervisor.lifecycle.table import step
from supervisor.lifecycle.types import (
    Advanced,
    AskedToWait,
    Event,
    Exited,
    PoliciesChanged,
    Restart,
    Spawn,
    Start,
    Status,
    Tick,
    View,
)
from supervisor.model.policies import Policies, RestartPolicy
from supervisor.model.terms import ExitCause, Refusal, RestartReason, Segment, State, Verdict

DEFAULT = Policies()
EAGER = DEFAULT.model_copy(
    update={"restart": RestartPolicy(initial_delay=0.2, max_delay=1, attempts=5, cooldown=2, jitter=0)}
)
DENIED = Exited(ExitCause.SOURCE_REFUSED, Refusal.DENIED)
BUSY = Exited(ExitCause.SOURCE_UNREACHABLE, Refusal.BUSY)
LIMITED = Exited(ExitCause.SOURCE_REFUSED, Refusal.LIMITED)
NOT_THERE = Exited(ExitCause.SOURCE_REFUSED, Refusal.NOT_THERE)
UNREACHABLE = Exited(ExitCause.SOURCE_UNREACHABLE)


class Source:
    """A process whose every run ends after a tenth of a second as `answers` say, in turn; the last one stays."""

    def __init__(self, *answers: Exited, policies: Policies = DEFAULT) -> None:
        self.policies, self.answers = policies, list(answers)
        self.asked: list[float] = []
        self.recoveries = 0
        self.status = Status()
        self.record = Record()
        self.handle(Start(), 0.0)

    def handle(self, event: Event, now: float) -> None:
        result = step(self.status, event, View(now, self.policies))
        self.status = result.status
        if any(isinstance(action, Spawn) for action in result.actions):
            self.asked.append(round(now, 3))

    def live(self, seconds: float) -> list[float]:
        """Go on for so many seconds, with a look of the second layer every 30 s; returns when it was asked."""
        for tick in range(round(seconds * 10)):
            now = tick / 10
            if self.status.state is State.STARTING and now > self.status.since:
                self.handle(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0], now)
            elif self.status.deadline is not None and now >= self.status.deadline:
                self.handle(Tick(), now)
            if tick % 300 == 299:
                self.judge(now)
        return self.asked

    def judge(self, now: float) -> None:
        at_work = self.status.state not in {State.RUNNING, State.COOLDOWN}
        refused = must_not_be_hurried(self.status.refusal)
        seen = Situation(Verdict.UNHEALTHY, Segment.SOURCE, refused=refused, first_layer_at_work=at_work)
        decision = decide(self.record, seen, self.policies.watchdog, now)
        self.record = decision.record
        if decision.action:
            self.recoveries += 1
            self.handle(Restart(RestartReason.WATCHDOG, force=True), now)


def distances(moments: list[float]) -> list[float]:
    return [round(later - earlier) for earlier, later in pairwise(moments)]


def test_a_source_that_denies_is_asked_three_times_in_the_first_minute_and_sixteen_in_an_hour() -> None:
    source = Source(DENIED)
    asked = source.live(3600)
    assert distances(asked)[:6] == [10, 20, 40, 80, 160, 300]
    assert set(distances(asked)[5:]) == {300}
    assert [sum(moment < end for moment in asked) for end in (60, 420, 600, 3600)] == [3, 6, 6, 16]
    assert source.recoveries == 0


def test_a_busy_source_is_asked_once_a_minute_and_seldom_when_all_attempts_are_spent() -> None:
    asked = Source(BUSY).live(3600)
    assert distances(asked)[:5] == [10, 20, 40, 60, 60]
    assert min(distances(asked)[10:]) == 300
    assert len(asked) < 25


@pytest.mark.parametrize("answer", [DENIED, BUSY, LIMITED])
def test_an_owner_in_a_hurry_does_not_hurry_it(answer: Exited) -> None:
    source = Source(answer, policies=EAGER)
    assert sum(moment < 420 for moment in source.live(3600)) <= 10
    assert source.recoveries == 0


def test_a_relay_whose_publisher_is_not_there_yet_is_asked_every_ten_seconds_for_ever() -> None:
    asked = Source(NOT_THERE).live(3600)
    assert asked[5] < 17, "its publisher may be back in a moment"
    assert set(distances(asked)[5:]) == {10}


def test_a_source_that_is_out_of_reach_is_asked_as_before() -> None:
    source = Source(UNREACHABLE)
    assert sum(moment < 60 for moment in source.live(600)) >= 8
    assert source.recoveries > 0, "the second layer takes over where the first one has spent its attempts"


def test_who_is_banned_for_a_while_goes_on_where_it_was() -> None:
    """A firewall that bans drops what comes, and looks like a camera without power."""
    source = Source(DENIED, DENIED, DENIED, UNREACHABLE, UNREACHABLE, DENIED)
    assert distances(source.live(1200))[-3:] == [160, 300, 300]


@pytest.mark.parametrize("reason", [RestartReason.WATCHDOG, RestartReason.LIMIT])
@pytest.mark.parametrize("starting", [False, True])
def test_no_recovery_hurries_it_waiting_or_under_way(reason: RestartReason, starting: bool) -> None:  # noqa: FBT001
    source = Source(DENIED)
    source.live(1)
    if starting:
        source.handle(Tick(), 30.0)
    before = source.status
    source.handle(Restart(reason, force=True), 31.0)
    assert source.status == before


@pytest.mark.parametrize("reason", [RestartReason.OPERATOR, RestartReason.CONFIG])
def test_whoever_has_changed_something_is_believed_at_once_and_it_begins_anew(reason: RestartReason) -> None:
    source = Source(DENIED)
    source.live(400)
    source.handle(Restart(reason), 401.0)
    assert source.asked[-1] == 401.0
    source.handle(DENIED, 401.1)
    assert 9.0 <= source.status.delay <= 10.0


def test_a_server_that_says_how_long_is_left_alone_for_so_long_but_not_asked_sooner() -> None:
    source = Source(LIMITED)
    source.live(1)
    source.handle(AskedToWait(300.0), 0.5)
    assert (source.status.deadline, source.status.state) == (300.5, State.BACKOFF)
    assert source.status.delay == pytest.approx(300.4)
    source.handle(AskedToWait(5.0), 1.0)
    assert source.status.deadline == 300.5
    result = step(source.status, AskedToWait(600.0), View(1.0, DEFAULT, random=1.0))
    assert result.status.deadline == 631.0, "many streams do not come back at the same moment"
    assert result.notices, "and it is told"


def test_who_was_not_refused_waits_for_nobody() -> None:
    source = Source(UNREACHABLE)
    source.live(0.3)
    due = source.status.deadline
    source.handle(AskedToWait(300.0), 0.4)
    assert source.status.deadline == due


def test_other_policies_are_no_other_password() -> None:
    source = Source(DENIED)
    source.live(200)
    due = source.status.deadline
    source.policies = EAGER
    source.handle(PoliciesChanged(), 200.0)
    assert source.status.deadline == due


def test_a_source_that_has_worked_since_begins_anew() -> None:
    source = Source(DENIED)
    source.live(400)
    source.handle(Tick(), 620.0)
    assert source.status.refusals == 6
    source.handle(Advanced(), 621.0)
    assert source.status.refusal is None
    source.handle(DENIED, 500.0)
    assert 9.0 <= source.status.delay <= 10.0


def test_what_reports_nothing_is_not_held_to_a_refusal_for_ever() -> None:
    """A command that runs again proves it by nothing else."""
    waiting = step(Status(state=State.RUNNING, wanted=True, run=1), DENIED, View(5.0, DEFAULT, tracked=False)).status
    again = step(waiting, Tick(), View(15.0, DEFAULT, tracked=False)).status
    assert (again.state, again.refusal, again.refusals) == (State.RUNNING, None, 1)
