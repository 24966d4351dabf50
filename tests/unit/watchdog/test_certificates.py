"""Why a certificate is not accepted is found out once for each failure, and told to the process that has it."""

from __future__ import annotations

import asyncio

import pytest

from supervisor.ffmpeg.phrases import CERTIFICATE
from supervisor.judge.incidents import Book
from supervisor.model import events
from supervisor.model.terms import ExitCause, Segment
from supervisor.watchdog.certificates import CertificateWatch
from tests.unit.watchdog.fakes import BACKUP, PUSHER, FakeProbes, FakeProcess, LoopClock, as_fact, in_quick_time, others

EXPIRED = "the certificate has expired"


def exited(said: str | None = CERTIFICATE, *, planned: bool = False) -> events.ProcessExited:
    cause, segment = ExitCause.INGEST_UNREACHABLE, Segment.PLATFORM
    return events.ProcessExited(PUSHER, "run-1", cause, 1, None, 1.0, planned, (), segment, None, 0.0, said)


class Scene:
    def __init__(self, *, tls: bool = True) -> None:
        self.probes = FakeProbes()
        self.probes.faults[BACKUP.address] = EXPIRED
        self.pusher: FakeProcess | None = FakeProcess(PUSHER, LoopClock(), ingest=BACKUP.address, tls=tls)
        self.watch = CertificateWatch(self.probes, lambda _: self.pusher, Book())


@in_quick_time
async def test_why_is_found_out_and_told() -> None:
    scene = Scene()
    scene.watch(as_fact(exited()))
    await others()
    assert scene.pusher
    assert (scene.probes.asked, scene.pusher.explained) == ([BACKUP.address], [EXPIRED])
    scene.watch(as_fact(exited()))
    await others()
    assert len(scene.pusher.explained) == 2, "another failure is another look: it may be another reason"


@pytest.mark.parametrize("fact", [exited(None), exited(planned=True), events.ProcessAdvanced(PUSHER, "run-1", 1.0)])
def test_nothing_else_is_a_reason_to_look(fact: events.Payload) -> None:
    @in_quick_time
    async def test() -> None:
        scene = Scene()
        scene.watch(as_fact(fact))
        await others()
        assert scene.probes.asked == []

    test()


@in_quick_time
async def test_one_look_at_a_time_and_nothing_stays_of_it() -> None:
    scene = Scene()
    scene.probes.takes = 5.0
    for _ in range(10):
        scene.watch(as_fact(exited()))
        await asyncio.sleep(0.1)
    await asyncio.sleep(10)
    assert (scene.probes.asked, scene.watch._pending) == ([BACKUP.address], {})


@in_quick_time
async def test_where_nothing_is_wrong_with_it_or_nobody_is_there_any_more_nothing_is_said() -> None:
    scene = Scene()
    pusher = scene.pusher
    assert pusher
    scene.probes.faults.clear()
    scene.watch(as_fact(exited()))
    await others()
    scene.probes.faults[BACKUP.address] = EXPIRED
    scene.probes.takes = 5.0
    scene.watch(as_fact(exited()))
    await asyncio.sleep(1)
    scene.pusher = None
    await asyncio.sleep(10)
    scene.watch(as_fact(exited()))
    await others()
    assert pusher.explained == []


@in_quick_time
async def test_without_tls_there_is_no_certificate() -> None:
    scene = Scene(tls=False)
    scene.watch(as_fact(exited()))
    await others()
    assert scene.probes.asked == []
