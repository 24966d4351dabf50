"""When bad verdicts become an action, and which: never too early, never too often, never given up."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.judge.ladder import Decision, Record, Situation, Withheld, decide
from supervisor.model.policies import WatchdogPolicy
from supervisor.model.terms import Action, Segment, Verdict

POLICY = WatchdogPolicy()  # every 30 s, three failures, two minutes between recoveries
BAD = Situation(Verdict.UNHEALTHY, Segment.PUSHER)
WEAK = Situation(Verdict.DEGRADED, Segment.ENCODER, media_flows=True)
GOOD, UNSURE = Situation(Verdict.HEALTHY), Situation(Verdict.UNKNOWN)


class Judged(NamedTuple):
    """A decision and when it was made."""

    at: float
    situation: Situation
    decision: Decision


def judge(
    situations: Iterable[Situation], policy: WatchdogPolicy = POLICY, record: Record | None = None
) -> list[Judged]:
    """One check every interval, from 0 on."""
    record, judged = record or Record(), []
    for number, situation in enumerate(situations):
        now = number * policy.interval
        decision = decide(record, situation, policy, now)
        record = decision.record
        judged.append(Judged(now, situation, decision))
    return judged


def acted(judged: Iterable[Judged]) -> list[float]:
    return [at for at, _, decision in judged if decision.action]


# --- when ----------------------------------------------------------------------------------------------

ROWS: dict[str, tuple[list[Situation], list[float]]] = {
    "two are not enough": ([BAD, BAD], []),
    "the third acts": ([BAD] * 3, [60]),
    "then the cooldown, and then at once": ([BAD] * 9, [60, 180]),
    "a healthy one forgives all": ([BAD, BAD, GOOD, BAD, BAD, GOOD, BAD], []),
    "an unknown one neither counts nor forgives": ([BAD, UNSURE, BAD, UNSURE, UNSURE, BAD], [150]),
    "unknown for ever is nothing to act on": ([UNSURE] * 50, []),
    "healthy for ever neither": ([GOOD] * 50, []),
    "one degraded verdict is not bad yet, and breaks the row": ([BAD, BAD, WEAK, BAD, BAD], []),
    "two neither": ([WEAK, WEAK, GOOD] * 10, []),
    "from the third on they count": ([WEAK] * 5, [120]),
    "an unknown one does not break the row of them": ([WEAK, WEAK, UNSURE, WEAK, WEAK, WEAK], [150]),
    "degraded and then worse": ([WEAK] * 4 + [BAD], [120]),
    "now degraded, now unhealthy": ([WEAK, BAD] * 4, [150]),
    "healthy in between does not shorten the cooldown": ([*[BAD] * 3, GOOD, *[BAD] * 3], [60, 180]),
}


@pytest.mark.parametrize(("situations", "moments"), ROWS.values(), ids=ROWS)
def test_when_it_acts(situations: list[Situation], moments: list[float]) -> None:
    assert acted(judge(situations)) == moments


def test_a_policy_of_ones_own() -> None:
    assert acted(judge([BAD] * 8, WatchdogPolicy(interval=10, failures=1, cooldown=0))) == [
        0,
        10,
        20,
        30,
        40,
        50,
        60,
        70,
    ]
    assert acted(judge([BAD] * 8, WatchdogPolicy(interval=10, failures=2, cooldown=45))) == [10, 60]


def test_what_is_counted() -> None:
    first, second, third = (one.decision.record for one in judge([BAD] * 3))
    assert (first.unhealthy, second.unhealthy) == (1, 2)
    assert third == Record(unhealthy=0, attempts=1, last_rung=60)
    healthy = decide(third, GOOD, POLICY, 90).record
    assert healthy == Record(last_rung=60), "what was tried is forgiven, when it was tried is not"


def test_the_verdict_that_is_shown() -> None:
    assert [one.decision.verdict for one in judge([WEAK, WEAK, WEAK, UNSURE, GOOD])] == [
        Verdict.DEGRADED,
        Verdict.DEGRADED,
        Verdict.UNHEALTHY,
        Verdict.UNKNOWN,
        Verdict.HEALTHY,
    ]


def situation(**known: object) -> Situation:
    return Situation(**{"verdict": Verdict.UNHEALTHY, "segment": Segment.PUSHER, **known})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("obstacle", "withheld"),
    [
        ("line_down", Withheld.LINE_DOWN),
        ("hopeless", Withheld.HOPELESS),
        ("refused", Withheld.REFUSED),
        ("first_layer_at_work", Withheld.FIRST_LAYER),
    ],
)
def test_what_keeps_it_from_acting_and_what_comes_right_after(obstacle: str, withheld: Withheld) -> None:
    """While our own line is down the second layer does nothing, so that the first goes on."""
    judged = judge([situation(**{obstacle: True})] * 20 + [BAD])
    assert acted(judged) == [600]
    assert [one.decision.withheld for one in judged] == [None, None, *[withheld] * 18, None]
    assert judged[-2].decision.record == Record(unhealthy=20), "withholding costs no attempt"


def test_another_watchdogs_recovery_of_the_same_process_counts_for_the_cooldown() -> None:
    row = Record(unhealthy=2)
    early = decide(row, situation(last_rung=900.0), POLICY, 1019.9)
    assert (early.action, early.withheld) == (None, Withheld.COOLDOWN)
    assert decide(row, situation(last_rung=900.0), POLICY, 1020.0).action
    for mine, others in ((900.0, 500.0), (500.0, 900.0)):
        both = decide(Record(unhealthy=2, last_rung=mine), situation(last_rung=others), POLICY, 1000.0)
        assert both.withheld is Withheld.COOLDOWN, "the later of both"


def test_while_media_flows_each_attempt_waits_twice_as_long_up_to_16_times() -> None:
    weak = Situation(Verdict.UNHEALTHY, Segment.ENCODER, media_flows=True)
    moments = acted(judge([weak] * 600))
    assert moments[0] == 60
    distances = [later - earlier for earlier, later in pairwise(moments)]
    assert distances[:5] == [120, 240, 480, 960, 1920]
    assert set(distances[5:]) == {1920}


def test_in_the_dark_it_never_waits_longer_than_the_cooldown() -> None:
    moments = acted(judge([BAD] * 600))
    assert moments == [60.0 + 120 * number for number in range(len(moments))]
    assert len(moments) == 150


def test_a_healthy_verdict_makes_the_next_distance_short_again() -> None:
    weak = Situation(Verdict.UNHEALTHY, Segment.ENCODER, media_flows=True)
    moments = acted(judge([*[weak] * 30, GOOD, *[weak] * 7]))
    assert moments == [60, 180, 420, 990, 1110]


# --- which ---------------------------------------------------------------------------------------------

FLOWS, OTHERS, DARK = {"media_flows": True}, {"others_on_air": True}, dict[str, bool]()
RUNGS: dict[Segment, tuple[Action, Action]] = {  # in the dark: the first attempt, and those after it
    Segment.SOURCE: (Action.RESTART_ENCODER, Action.RESTART_ALL),
    Segment.ENCODER: (Action.RESTART_ENCODER, Action.RESTART_ALL),
    Segment.PUSHER: (Action.RESTART_PUSHER, Action.RESTART_ALL),
    Segment.UPLINK: (Action.RESTART_PUSHER, Action.RESTART_PUSHER),
    Segment.NETWORK: (Action.RESTART_PUSHER, Action.RESTART_PUSHER),
    Segment.PLATFORM: (Action.RESTART_PUSHER, Action.RESTART_PUSHER),
    Segment.UNKNOWN: (Action.RESTART_ALL, Action.RESTART_ALL),
    Segment.NEVERDARK: (Action.RESTART_ALL, Action.RESTART_ALL),
}


def rung(attempts: int, segment: Segment, *, is_command: bool = False, **known: bool) -> Action | None:
    record = Record(unhealthy=2, attempts=attempts)
    return decide(record, situation(segment=segment, is_command=is_command, **known), POLICY, 1e6).action


@pytest.mark.parametrize("segment", Segment)
def test_which_rung_in_the_dark(segment: Segment) -> None:
    assert (rung(0, segment), rung(1, segment)) == RUNGS[segment]
    assert rung(7, segment) is RUNGS[segment][1]


@pytest.mark.parametrize("segment", Segment)
@pytest.mark.parametrize("light", [FLOWS, OTHERS, {**FLOWS, **OTHERS}])
def test_nothing_that_is_on_air_is_taken_off(segment: Segment, light: dict[str, bool]) -> None:
    single = RUNGS[segment][0]
    expected = Action.RESTART_PUSHER if single is Action.RESTART_ALL else single
    assert {rung(attempts, segment, **light) for attempts in range(4)} == {expected}


@pytest.mark.parametrize("segment", Segment)
def test_a_command_is_all_there_is(segment: Segment) -> None:
    assert {rung(attempts, segment, is_command=True) for attempts in range(3)} == {Action.RESTART_COMMAND}


# --- whatever happens ----------------------------------------------------------------------------------

POLICIES = st.builds(
    WatchdogPolicy,
    interval=st.floats(0.5, 60),
    failures=st.integers(1, 5),
    cooldown=st.floats(0, 300),
)
SITUATIONS = st.builds(
    Situation,
    verdict=st.sampled_from([Verdict.UNHEALTHY] * 4 + list(Verdict)),
    segment=st.sampled_from(Segment),
    is_command=st.booleans(),
    line_down=st.sampled_from([False] * 4 + [True]),
    hopeless=st.sampled_from([False] * 4 + [True]),
    refused=st.sampled_from([False] * 4 + [True]),
    first_layer_at_work=st.sampled_from([False] * 4 + [True]),
    media_flows=st.booleans(),
    others_on_air=st.booleans(),
)


@given(POLICIES, st.lists(st.tuples(st.floats(0.1, 100), SITUATIONS), max_size=50))
def test_whatever_happens_it_acts_with_good_reason_only(
    policy: WatchdogPolicy, history: list[tuple[float, Situation]]
) -> None:
    record, now, last, bad, weak = Record(), 0.0, -1e9, 0, 0
    for pause, seen in history:
        now += pause
        decision = decide(record, seen, policy, now)
        weak = 0 if seen.verdict is Verdict.HEALTHY else weak + (seen.verdict is Verdict.DEGRADED)
        counts = seen.verdict is Verdict.UNHEALTHY or (seen.verdict is Verdict.DEGRADED and weak >= 3)
        if counts:
            bad += 1
        elif seen.verdict is not Verdict.UNKNOWN:
            bad = 0
        assert not (decision.action and decision.withheld)
        if decision.action:
            assert counts, "unknown, healthy and hardly degraded are nothing to act on"
            assert bad >= policy.failures, "that many in a row"
            assert now >= last + policy.cooldown
            assert not any((seen.line_down, seen.hopeless, seen.refused, seen.first_layer_at_work))
            assert seen.is_command == (decision.action is Action.RESTART_COMMAND)
            if decision.action is Action.RESTART_ALL:
                assert not any((seen.media_flows, seen.others_on_air))
            last, bad = now, 0
        if seen.verdict is Verdict.HEALTHY:
            assert (decision.record.unhealthy, decision.record.attempts) == (0, 0)
        record = decision.record
        assert record.unhealthy == bad


@given(POLICIES, st.sampled_from(Segment), st.booleans(), st.integers(0, 20), st.booleans())
def test_it_never_gives_up(
    policy: WatchdogPolicy,
    segment: Segment,
    flows: bool,  # noqa: FBT001
    attempts: int,
    weak: bool,  # noqa: FBT001
) -> None:
    """With nothing in its way it acts again and again, at bounded distances, however often it was in vain."""
    kind = Verdict.DEGRADED if weak else Verdict.UNHEALTHY
    seen = Situation(kind, segment, media_flows=flows)
    bound = max(policy.failures * policy.interval, policy.cooldown * (16 if flows else 1)) + policy.interval
    checks = int(4 * bound / policy.interval) + 10
    start = Record(attempts=attempts, last_rung=0.0)
    if checks > 3000:
        policy = policy.model_copy(update={"interval": 4 * bound / 3000})
        checks = 3000
        bound = max(policy.failures * policy.interval, policy.cooldown * (16 if flows else 1)) + policy.interval
    moments = acted(judge([seen] * checks, policy, start))
    assert len(moments) >= 2
    early = 2 * policy.interval if weak else 0.0
    assert moments[0] <= bound + early
    for earlier, later in pairwise(moments):
        assert later - earlier <= bound + 1e-6
