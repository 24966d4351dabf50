"""Pushers that are not like RTMP's: a recording, whose disk may fail, and one that waits to be called."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from supervisor.lifecycle.types import RetryNow, Useless
from supervisor.machine.segments import Segments
from supervisor.model import events
from supervisor.model.policies import Policies, RestartPolicy, StallPolicy
from supervisor.model.recordings import RUN, Kept
from supervisor.model.terms import ExitCause, RestartReason, Role, State, Trouble
from supervisor.process.slot import Slot
from tests.unit.process.stage import Stage

KEPT = Kept(Path("/srv/rec"), "cam.yt", ".mkv", 600.0, None, None, 0.05)
PATIENT = Policies(restart=RestartPolicy(initial_delay=1, jitter=0, cooldown=300), stall=StallPolicy(startup=5))
LEFT = "[out#0/mpegts @ 0x1] [error] Error writing trailer: Input/output error"


@pytest.fixture
def stage() -> Stage:
    return Stage()


def recording(stage: Stage) -> Slot:
    argv = ("ffmpeg", "{progress}", str(KEPT.pattern))
    return stage.place(Role.PUSHER, PATIENT, argv=argv, output_file=KEPT.pattern, kept=KEPT)


def test_every_run_of_a_recording_has_names_of_its_own(stage: Stage) -> None:
    slot = recording(stage)
    slot.start()
    stage.report(slot, 1.0)
    stage.child.end(number=signal.SIGKILL)
    stage.loop.move(2.0)
    first, second = (child.argv[-1] for child in stage.machine.children)
    assert first != second
    assert RUN not in first + second


def test_a_recording_that_is_to_wait_is_tried_ever_more_slowly_and_at_once_when_there_is_room(stage: Stage) -> None:
    slot = recording(stage)
    slot.start()
    stage.report(slot, 1.0)
    child = stage.child
    assert isinstance(slot.recording, Segments)
    slot.recording.waits = "less than 5% of the disk is free"
    slot.dispatch(Useless(RestartReason.LIMIT, Trouble.STORAGE))
    assert child.signals == [signal.SIGKILL]
    stage.loop.move(1.5)
    assert slot.last_cause is ExitCause.DISK_FULL
    assert slot.last_said
    assert "less than 5% of the disk is free" in slot.last_said
    stage.loop.move(3600.0)
    tries = len(stage.heard(events.SpawnFailed))
    assert 10 <= tries <= 30, "an hour of patience"
    slot.recording.waits = None
    slot.dispatch(RetryNow())
    assert slot.alive


def test_a_recording_that_stands_still_blames_its_disk(stage: Stage) -> None:
    slot = recording(stage)
    slot.start()
    stage.report(slot, 1.0)
    stage.loop.move(11.0)
    (silent,) = stage.heard(events.ProcessSilent)
    assert silent.trouble is Trouble.STORAGE


def test_a_recording_that_somebody_has_stopped_does_not(stage: Stage) -> None:
    slot = recording(stage)
    slot.start()
    stage.report(slot, 1.0)
    stage.machine.stopped.add(stage.child.pid)
    stage.loop.move(11.0)
    (silent,) = stage.heard(events.ProcessSilent)
    assert silent.trouble is Trouble.STALL


def called(stage: Stage) -> tuple[Slot, Slot]:
    """An encoder that runs, and a pusher that waits to be called."""
    encoder, pusher = stage.path(PATIENT, listens=True)
    encoder.start()
    pusher.start()
    return encoder, pusher


def minute(stage: Stage, encoder: Slot, pusher: Slot) -> None:
    for second in range(60):
        stage.report(encoder, stage.loop.now + second)
        encoder.look(stage.loop.now)
        pusher.look(stage.loop.now)
        stage.loop.move(1.0)


def test_who_waits_to_be_called_is_not_late_and_as_good_as_its_encoder(stage: Stage) -> None:
    encoder, pusher = called(stage)
    child = stage.child
    minute(stage, encoder, pusher)
    assert child.signals == []
    assert pusher.waits_for_viewer
    assert pusher.advancing(stage.loop.now) is encoder.advancing(stage.loop.now) is True
    assert pusher.intake
    assert pusher.intake.link.emptied >= 50, "what nobody sees is dropped"  # type: ignore[attr-defined]
    stage.loop.move(20.0)
    assert not pusher.advancing(stage.loop.now), "an encoder that stands still"


def test_a_viewer_that_leaves_is_no_failure_and_the_next_may_call_at_once(stage: Stage) -> None:
    encoder, pusher = called(stage)
    minute(stage, encoder, pusher)
    stage.report(pusher, 1.0)
    waits, child = [pusher.waits_for_viewer], stage.child
    stage.say(pusher, LEFT)
    child.end(1)
    assert stage.child is not child
    assert [*waits, pusher.waits_for_viewer] == [False, True]
    stage.loop.move(0.1)
    (exited,) = stage.heard(events.ProcessExited)
    assert exited.planned
    assert pusher.status.spent == 0
    assert pusher.last_cause is None


def test_a_viewer_that_looks_in_for_a_moment_is_none_either(stage: Stage) -> None:
    """It is gone before the first report of progress."""
    encoder, pusher = called(stage)
    minute(stage, encoder, pusher)
    child = stage.child
    stage.say(pusher, LEFT)
    child.end(1)
    assert stage.child is not child


def test_a_listener_that_cannot_even_wait_fails_like_any_other(stage: Stage) -> None:
    _, pusher = called(stage)
    stage.say(pusher, LEFT)
    stage.child.end(1)
    assert pusher.status.state is State.BACKOFF
