"""The watch on ingests, sources and our own line: what is probed when, what is made of it, and who is told to retry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from supervisor.judge.attribution import FailureEvidence, segment_of
from supervisor.lifecycle.types import LineLost, RetryNow
from supervisor.model import events
from supervisor.model.quantities import Address
from supervisor.model.terms import ExitCause, Reach, Role, Segment, State, Trouble
from supervisor.watchdog.questions import questions_of
from supervisor.watchdog.reach_watch import ReachWatch, Target
from tests.unit.watchdog.fakes import (
    BACKUP,
    CAMERA,
    ENCODER,
    FAR,
    HERE,
    PUSHER,
    REFERENCE,
    FakeProbes,
    FakeProcess,
    LoopClock,
    as_fact,
    in_quick_time,
    others,
)


class Scene:
    """A watch over an encoder and a pusher, both of which have just failed unless a test says otherwise."""

    def __init__(self, reference: Address | None = None) -> None:
        self.clock, self.probes = LoopClock(), FakeProbes()
        self.encoder = FakeProcess(ENCODER, self.clock, source=CAMERA)
        self.pusher = FakeProcess(PUSHER, self.clock, ingest=FAR.address)
        self.pusher.feeder = self.encoder
        self.processes = [self.pusher, self.encoder]
        self.reference = reference
        self.told: list[events.Payload] = []
        self.learned: list[FakeProcess] = []
        self.flowing: set[FakeProcess] = {self.encoder}
        self.watch = ReachWatch(
            self.clock,
            self.probes,
            lambda: self.processes,
            lambda key: next((process for process in self.processes if process.key == key), None),
            lambda: self.reference,
            self.told.append,
            self.learned.append,
        )
        for process in self.processes:
            process.knows = self.watch.add_to

    def fails(self, cause: ExitCause | Trouble = ExitCause.INGEST_UNREACHABLE, state: State = State.BACKOFF) -> None:
        self.pusher.becomes(state, cause)
        self.pusher.over_the_line = True

    async def passes(self, seconds: float) -> None:
        """Time goes by; the watch looks once a second, and who flows advances."""
        for _ in range(round(seconds)):
            await asyncio.sleep(1)
            for process in self.flowing:
                process.advance()
            self.watch.look(self.clock.now())
            await others()

    def probed(self, target: Target) -> int:
        return self.probes.asked.count(target)


# --- when a target is looked at --------------------------------------------------------------------------


@in_quick_time
async def test_what_flows_is_left_alone() -> None:
    scene = Scene()
    scene.flowing.add(scene.pusher)
    await scene.passes(120)
    assert scene.probes.asked == []


URGENT: dict[str, events.Payload] = {
    "it could not be reached": events.ProcessExited(
        PUSHER,
        "run-1",
        ExitCause.INGEST_UNREACHABLE,
        1,
        None,
        1.0,
        False,
        (),
        Segment.NETWORK,
        None,
        0.0,
    ),
    "it acknowledges nothing": events.ProcessSilent(PUSHER, "run-1", Trouble.UPLINK_BLOCKED, 5.0, Segment.UPLINK),
}


@pytest.mark.parametrize("kind", URGENT)
def test_what_points_at_the_way_is_probed_in_that_moment(kind: str) -> None:
    @in_quick_time
    async def test() -> None:
        scene = Scene()
        scene.fails()
        scene.watch.hear(as_fact(URGENT[kind]))
        await others()
        assert scene.probes.asked == [FAR]
        scene.watch.hear(as_fact(URGENT[kind]))
        await others()
        assert scene.probes.asked == [FAR], "not again a moment later"

    test()


@in_quick_time
async def test_a_planned_exit_and_other_causes_are_not_urgent() -> None:
    scene = Scene()
    exited = URGENT["it could not be reached"]
    assert isinstance(exited, events.ProcessExited)
    for fact in (
        replace(exited, planned=True),
        replace(exited, cause=ExitCause.KILLED),
        events.ProcessAdvanced(PUSHER, "", 1.0),
    ):
        scene.watch.hear(as_fact(fact))
    await others()
    assert scene.probes.asked == []


@in_quick_time
async def test_what_fails_otherwise_is_probed_after_a_moment_then_often_then_seldom() -> None:
    scene = Scene()
    scene.fails(ExitCause.INGEST_CLOSED)
    await scene.passes(3)
    assert scene.probed(FAR) == 0
    await scene.passes(1)
    assert scene.probed(FAR) == 1
    await scene.passes(57)
    assert 10 <= scene.probed(FAR) <= 12
    before = scene.probed(FAR)
    await scene.passes(600)
    assert 19 <= scene.probed(FAR) - before <= 21


@in_quick_time
async def test_what_hangs_is_not_probed_a_second_time() -> None:
    scene = Scene()
    scene.fails()
    scene.probes.takes = 1000.0
    await scene.passes(900)
    assert scene.probes.asked == [FAR]


def _gets_no_media(scene: Scene) -> None:
    scene.flowing.clear()
    scene.pusher.becomes(State.STARTING)


def _answered_here(scene: Scene) -> None:
    scene.pusher.spec = replace(scene.pusher.spec, ingest=HERE.address)
    scene.pusher.evidence = scene.pusher.evidence._replace(answered=True)


NOT_ASKED: dict[str, Callable[[Scene], object]] = {
    "nobody wants it": lambda scene: setattr(scene.pusher, "status", scene.pusher.status._replace(wanted=False)),
    "it is being stopped": lambda scene: scene.pusher.becomes(State.STOPPING, ExitCause.INGEST_UNREACHABLE),
    "it gets no media": _gets_no_media,
    "it was refused: its ingest is there": lambda scene: scene.fails(ExitCause.INGEST_REFUSED),
    "it answered, and whether it listens can be seen": _answered_here,
}


@pytest.mark.parametrize("kind", NOT_ASKED)
def test_who_gives_no_reason_to_probe_its_ingest(kind: str) -> None:
    @in_quick_time
    async def test() -> None:
        scene = Scene()
        scene.fails()
        NOT_ASKED[kind](scene)
        await scene.passes(20)
        assert scene.probed(FAR) == scene.probed(HERE) == 0

    test()


@in_quick_time
async def test_what_connects_is_left_alone_for_five_seconds() -> None:
    scene = Scene()
    scene.pusher.becomes(State.STARTING)
    await scene.passes(4)
    assert list(questions_of(scene.pusher, scene.clock.now(), scene.probes.is_here)) == []
    await scene.passes(1)
    assert list(questions_of(scene.pusher, scene.clock.now(), scene.probes.is_here)) == [(FAR, False)]


@in_quick_time
async def test_a_source_is_probed_while_its_encoder_waits_but_not_one_that_refuses() -> None:
    scene = Scene()
    scene.flowing.clear()
    scene.encoder.becomes(State.BACKOFF, ExitCause.SOURCE_UNREACHABLE)
    await scene.passes(20)
    assert scene.probed(CAMERA) == 4
    scene.encoder.refused = True
    await scene.passes(20)
    assert scene.probed(CAMERA) == 4, "it may count a question without a password as a wrong one"


@in_quick_time
async def test_what_nobody_asks_for_or_what_flows_is_forgotten() -> None:
    scene = Scene()
    scene.fails()
    await scene.passes(1)
    assert scene.watch.reach(FAR) is Reach.TIMEOUT
    scene.pusher.becomes(State.RUNNING)
    scene.flowing.add(scene.pusher)
    await scene.passes(1)
    assert (scene.watch.reach(FAR), scene.watch._known) == (None, {})
    scene.flowing.discard(scene.pusher)
    scene.fails()
    await scene.passes(4)
    scene.processes.clear()
    await scene.passes(17)
    assert scene.watch._known == {}
    assert scene.watch._pending == set()


# --- what is made of it ----------------------------------------------------------------------------------


@in_quick_time
async def test_what_was_found_is_added_to_the_evidence_of_the_failure() -> None:
    scene = Scene(REFERENCE)
    scene.probes.reaches |= {FAR: Reach.REFUSED, REFERENCE: Reach.ACCEPTS}
    scene.fails()
    await scene.passes(1)
    assert scene.learned == [scene.pusher]
    assert (scene.pusher.evidence.ingest, scene.pusher.evidence.source) == (Reach.REFUSED, None)
    assert scene.watch.reachable() == {"ingest": False, "reference": True}


@in_quick_time
async def test_of_one_that_advances_again_nothing_is_explained() -> None:
    scene = Scene()
    scene.fails()
    scene.probes.takes = 2.0
    await scene.passes(1)
    scene.pusher.becomes(State.RUNNING)
    scene.flowing.add(scene.pusher)
    await scene.passes(3)
    assert scene.probes.asked == [FAR]
    assert (scene.learned, scene.pusher.evidence.ingest) == ([], None)


@in_quick_time
async def test_who_waits_for_an_ingest_that_is_back_retries_once() -> None:
    scene = Scene()
    scene.fails(state=State.COOLDOWN)
    await scene.passes(7)
    assert scene.pusher.told == []
    scene.probes.reaches[FAR] = Reach.ANSWERS
    await scene.passes(60)
    assert scene.pusher.told == [RetryNow()], "once, and not at each look that finds it there"


@in_quick_time
async def test_out_of_attempts_even_an_ingest_that_is_gone_for_a_moment_is_seen() -> None:
    scene = Scene()
    scene.fails(ExitCause.INGEST_CLOSED, State.COOLDOWN)
    await scene.passes(2)
    scene.probes.reaches[FAR] = Reach.ANSWERS
    await scene.passes(10)
    assert scene.pusher.told == [RetryNow()]


@in_quick_time
async def test_what_was_always_there_is_no_reason_to_retry() -> None:
    scene = Scene()
    scene.probes.reaches[FAR] = Reach.ANSWERS
    scene.fails(state=State.COOLDOWN)
    await scene.passes(60)
    assert scene.probed(FAR) > 1
    assert scene.pusher.told == []


@in_quick_time
async def test_only_who_waits_for_its_source_retries_when_that_is_back() -> None:
    scene = Scene()
    scene.flowing.clear()
    other = FakeProcess(ENCODER._replace(stream="other"), scene.clock, source=CAMERA)
    other.becomes(State.COOLDOWN, ExitCause.KILLED)
    scene.processes.append(other)
    scene.encoder.becomes(State.COOLDOWN, ExitCause.SOURCE_UNREACHABLE)
    scene.encoder.waits_for_source = True
    await scene.passes(7)
    scene.probes.reaches[CAMERA] = Reach.ACCEPTS
    await scene.passes(20)
    assert (scene.encoder.told, other.told) == ([RetryNow()], [])


# --- our own line ----------------------------------------------------------------------------------------


async def lost(scene: Scene) -> None:
    scene.fails()
    scene.pusher.over_the_line = True
    await scene.passes(2)


@in_quick_time
async def test_a_line_that_is_down_is_told_once_and_who_waits_for_it_retries_when_it_is_back() -> None:
    scene = Scene(REFERENCE)
    await lost(scene)
    began = scene.watch.down_since
    assert began is not None
    assert scene.told == [events.LineChanged(down=True, seconds=0.0)]
    assert scene.pusher.told == [LineLost()]
    assert (scene.watch.line_down(FAR.address), scene.watch.line_down(HERE.address)) == (True, False)
    await scene.passes(60)
    assert len(scene.told) == 1
    scene.probes.reaches |= {REFERENCE: Reach.ACCEPTS}
    await scene.passes(7)
    back = scene.told[1]
    assert isinstance(back, events.LineChanged)
    assert not back.down
    assert back.seconds == pytest.approx(scene.clock.now() - began, abs=7)
    assert scene.pusher.told == [LineLost(), RetryNow()]
    assert not scene.watch.line_down(FAR.address)
    await scene.passes(60)
    assert len(scene.told) == 2
    assert scene.pusher.told == [LineLost(), RetryNow()], "no storm of retries"


@pytest.mark.parametrize("asked_before", range(5))
def test_what_was_asked_while_the_line_was_down_and_answered_after_it_is_not_theirs(asked_before: int) -> None:
    """A look at an ingest takes 5 s to fail; the reference host answers in the middle of one."""

    @in_quick_time
    async def test() -> None:
        scene = Scene(REFERENCE)
        scene.probes.slow[FAR] = 5.0
        await lost(scene)
        await scene.passes(20 + asked_before)
        assert scene.watch.line_down(FAR.address)
        scene.probes.reaches[REFERENCE] = Reach.ACCEPTS
        for _ in range(15):
            await scene.passes(1)
            if not scene.watch.line_down(FAR.address):
                break
            failed = scene.pusher.evidence._replace(cause=Trouble.UPLINK_BLOCKED)
            assert segment_of(failed) is not Segment.PLATFORM
        assert not scene.watch.line_down(FAR.address)

    test()


@pytest.mark.parametrize("slow", [FAR, REFERENCE])
@pytest.mark.parametrize("after", [30, 300])
def test_it_is_theirs_while_the_reference_host_answers_whoever_is_faster(slow: Target, after: int) -> None:
    """An ingest whose name has no address fails within a millisecond, the reference host's answer comes after it; one
    that swallows packets fails after seconds. The answer counts for every later failure, too.
    """

    @in_quick_time
    async def test() -> None:
        scene = Scene(REFERENCE)
        scene.probes.reaches |= {FAR: Reach.UNRESOLVED, REFERENCE: Reach.ACCEPTS}
        scene.probes.slow[slow] = 1.5
        await lost(scene)
        await scene.passes(after)
        for _ in range(70):
            await scene.passes(1)
            failed = scene.watch.add_to(FailureEvidence(Role.PUSHER, ExitCause.INGEST_UNREACHABLE), scene.pusher.spec)
            assert (failed.reference, segment_of(failed)) == (Reach.ACCEPTS, Segment.PLATFORM)
            assert segment_of(scene.pusher.evidence._replace(cause=ExitCause.INGEST_UNREACHABLE)) is Segment.PLATFORM
        assert scene.told == []

    test()


@in_quick_time
async def test_who_fails_at_a_calm_moment_is_compared_with_the_reference_host_in_that_moment() -> None:
    """What it said ten seconds ago proves nothing, nor does what it says a second later."""
    scene = Scene(REFERENCE)
    scene.probes.reaches |= {FAR: Reach.UNRESOLVED, REFERENCE: Reach.ACCEPTS}
    scene.probes.slow[REFERENCE] = 0.5
    scene.flowing.add(scene.pusher)
    await scene.passes(10)
    scene.flowing.discard(scene.pusher)
    scene.fails()
    scene.watch.hear(as_fact(URGENT["it could not be reached"]))
    await scene.passes(1)
    assert (scene.probed(FAR), scene.probed(REFERENCE)) == (1, 2)
    assert scene.pusher.evidence.reference is Reach.ACCEPTS


@in_quick_time
async def test_what_the_reference_host_said_of_an_earlier_moment_is_not_kept_when_it_says_something_else() -> None:
    """First the ingest is gone, then our line as well."""
    scene = Scene(REFERENCE)
    scene.probes.reaches[REFERENCE] = Reach.ACCEPTS
    await lost(scene)
    await scene.passes(20)
    assert scene.pusher.evidence.reference is Reach.ACCEPTS
    assert scene.watch.reachable() == {"ingest": False, "reference": True}
    scene.probes.reaches[REFERENCE] = Reach.TIMEOUT
    await scene.passes(11)
    assert segment_of(scene.pusher.evidence._replace(cause=ExitCause.INGEST_UNREACHABLE)) is Segment.NETWORK
    assert scene.told == [events.LineChanged(down=True, seconds=0.0)]
    scene.probes.reaches |= {FAR: Reach.REFUSED, REFERENCE: Reach.ACCEPTS}
    await scene.passes(11)
    assert scene.watch.add_to(scene.pusher.evidence, scene.pusher.spec).reference is None, "the line is up: no doubt"


@in_quick_time
async def test_the_reference_host_is_not_pestered() -> None:
    scene = Scene(REFERENCE)
    scene.probes.reaches[REFERENCE] = Reach.ACCEPTS
    many = [
        FakeProcess(PUSHER._replace(destination=f"d{n}"), scene.clock, ingest=Address(f"i{n}.example", 1935))
        for n in range(20)
    ]
    for process in many:
        process.becomes(State.BACKOFF, ExitCause.INGEST_UNREACHABLE)
    scene.processes.extend(many)
    await scene.passes(600)
    assert scene.probed(REFERENCE) <= 600 / 5 + 10


@in_quick_time
async def test_it_is_theirs_while_another_ingest_acknowledges() -> None:
    scene = Scene(REFERENCE)
    another = FakeProcess(PUSHER._replace(destination="twitch"), scene.clock, ingest=BACKUP.address)
    another.connected = another.heard_of = True
    scene.processes.append(another)
    scene.flowing.add(another)
    await lost(scene)
    await scene.passes(30)
    assert (scene.told, scene.watch.reachable()["ingest"]) == ([], False)


@in_quick_time
async def test_what_goes_into_a_buffer_is_no_proof_of_a_line() -> None:
    """One whose source was away while the line went down has an old connection, and sends seconds of media into it."""
    scene = Scene(REFERENCE)
    await lost(scene)
    await scene.passes(30)
    another = FakeProcess(PUSHER._replace(destination="twitch"), scene.clock, ingest=BACKUP.address)
    another.connected = True
    scene.processes.append(another)
    scene.flowing.add(another)
    await scene.passes(5)
    assert [fact.down for fact in scene.told if isinstance(fact, events.LineChanged)] == [True]
    another.heard_of = True
    await scene.passes(2)
    assert [fact.down for fact in scene.told if isinstance(fact, events.LineChanged)] == [True, False]


@in_quick_time
async def test_an_ingest_on_this_machine_says_nothing_of_the_line() -> None:
    scene = Scene(REFERENCE)
    scene.pusher.spec = replace(scene.pusher.spec, ingest=HERE.address)
    scene.probes.reaches[HERE] = Reach.REFUSED
    await lost(scene)
    await scene.passes(30)
    assert scene.told == []


@in_quick_time
async def test_a_line_comes_back_also_when_nobody_is_in_need_any_more() -> None:
    scene = Scene(REFERENCE)
    await lost(scene)
    scene.processes.clear()
    await scene.passes(30)
    assert scene.watch.down_since is not None, "nothing says that it is up"
    scene.probes.reaches[REFERENCE] = Reach.ACCEPTS
    await scene.passes(31)
    assert [fact.down for fact in scene.told if isinstance(fact, events.LineChanged)] == [True, False]


@in_quick_time
async def test_it_looks_by_itself_once_a_second() -> None:
    scene = Scene()
    scene.fails()
    job = asyncio.create_task(scene.watch.run_forever())
    await asyncio.sleep(21.5)
    job.cancel()
    assert scene.probed(FAR) == 5
