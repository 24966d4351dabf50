"""A web server that refuses is asked for how long; who did not answer is not asked again."""

from __future__ import annotations

import asyncio

from pydantic import SecretStr

from supervisor.lifecycle.types import AskedToWait
from supervisor.model import events
from supervisor.model.terms import ExitCause, Segment, State
from supervisor.watchdog.refusal_watch import RefusalWatch
from tests.unit.watchdog.fakes import ENCODER, FakeProbes, FakeProcess, LoopClock, as_fact, in_quick_time, others

URL = SecretStr("https://camera.example/live.m3u8")


class Scene:
    def __init__(self) -> None:
        self.probes = FakeProbes()
        self.encoder: FakeProcess | None = FakeProcess(ENCODER, LoopClock(), question_url=URL)
        self.watch = RefusalWatch(self.probes, lambda _: self.encoder)

    async def refused(self, times: int, run_id: str = "run-1", *, planned: bool = False) -> None:
        if self.encoder:
            self.encoder.becomes(State.COOLDOWN, ExitCause.SOURCE_REFUSED)
            self.encoder.status = self.encoder.status._replace(refusals=times)
            self.encoder.may_be_told_to_wait = True
        fact = events.ProcessExited(
            ENCODER, run_id, ExitCause.SOURCE_REFUSED, 1, None, 1.0, planned, (), Segment.SOURCE, None, 0.0
        )
        self.watch(as_fact(fact))
        await others()


@in_quick_time
async def test_it_is_asked_and_told_for_as_long_as_it_answers() -> None:
    scene = Scene()
    encoder = scene.encoder
    assert encoder
    scene.probes.wait = 90.0
    await scene.refused(1)
    await scene.refused(2)
    assert encoder.told == [AskedToWait(90.0), AskedToWait(90.0)]
    scene.probes.wait = None
    await scene.refused(3)
    assert len(scene.probes.asked) == 3
    await scene.refused(4)
    assert len(scene.probes.asked) == 3, "it does not say: asking only makes it angry"
    await scene.refused(1)
    assert len(scene.probes.asked) == 4, "it worked meanwhile: another story"
    assert len(encoder.told) == 2


@in_quick_time
async def test_what_was_planned_or_is_of_another_run_or_may_not_wait_is_not_asked() -> None:
    scene = Scene()
    await scene.refused(1, planned=True)
    await scene.refused(1, "run-0")
    assert scene.encoder
    fact = events.ProcessExited(ENCODER, "run-1", ExitCause.OTHER, 1, None, 1.0, False, (), Segment.SOURCE, None, 0.0)
    scene.encoder.may_be_told_to_wait = False
    scene.watch(as_fact(fact))
    scene.encoder = None
    scene.watch(as_fact(fact))
    await others()
    assert scene.probes.asked == []


@in_quick_time
async def test_an_answer_that_comes_too_late_is_nobodys() -> None:
    scene = Scene()
    scene.probes.wait = 90.0
    encoder = scene.encoder
    assert encoder
    await scene.refused(1)
    encoder.told.clear()
    scene.probes.takes = 3.0
    await scene.refused(1)
    encoder.replaced(7)
    await asyncio.sleep(5)
    assert encoder.told == []


@in_quick_time
async def test_nothing_stays_of_a_process_that_is_removed() -> None:
    scene = Scene()
    scene.probes.wait = 90.0
    await scene.refused(1)
    assert scene.watch._answered == {ENCODER}
    scene.watch(as_fact(events.ProcessRemoved(ENCODER)))
    assert (scene.watch._answered, scene.watch._pending) == (set(), set())
