"""An encoder tells what its picture and sound are like, through runs, stops, changes and strangers."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any, cast

import pytest

from supervisor.ffmpeg.content import CONTENT_PORT
from supervisor.machine.machine import Machine
from supervisor.machine.marks import RECORD_VARIABLE
from supervisor.model import events
from supervisor.model.content import Bounds, ContentPolicy, Defect
from supervisor.model.runs import read
from supervisor.model.terms import Role, Verdict
from supervisor.process.slot import Slot
from supervisor.secrets.secrecy import Redactor
from tests.unit.process.stage import Stage

POLICY = ContentPolicy({Defect.BLACK: Bounds(10.0, 0.03)}, 60.0, "fallback")
ARGV = ("ffmpeg", "{progress}", rf"metadata=file=udp\\://127.0.0.1\\:{CONTENT_PORT}:direct=1")
BLACK, BRIGHT = b"lavfi.signalstats.YHIGH=16\n", b"lavfi.signalstats.YHIGH=180\n"


@pytest.fixture
def stage() -> Stage:
    return Stage()


def encoder(stage: Stage, policy: ContentPolicy | None = POLICY) -> Slot:
    slot = stage.place(Role.ENCODER, argv=ARGV, content=policy)
    slot.start()
    stage.report(slot, 1.0)
    stage.loop.move(0.05)
    stage.told.clear()
    return slot


def tell(stage: Stage, slot: Slot, sample: bytes, seconds: int) -> None:
    """A sample a second, and a look at it."""
    for _ in range(seconds):
        if sample:
            wire(slot).waiting.extend([b"frame:0    pts:0       pts_time:0\n", sample])
        slot.look(stage.loop.now)
        stage.loop.move(1.0)


def wire(slot: Slot) -> Any:
    assert slot.content
    return cast("Any", slot.content._socket)


def turns(stage: Stage) -> list[events.Payload]:
    found = stage.heard(events.ContentFound, events.ContentGood)
    stage.told.clear()
    return found


def test_what_is_black_is_told_and_that_it_is_over(stage: Stage) -> None:
    slot = encoder(stage)
    tell(stage, slot, BLACK, 11)
    assert turns(stage) == [events.ContentFound("cam", Defect.BLACK, 10.0, "black for 10s")]
    tell(stage, slot, BRIGHT, 3)
    assert turns(stage) == [events.ContentGood("cam", Defect.BLACK, 13.0, seen=True)]
    assert stage.machine.children[-1].signals == [], "nobody restarts anything for it"


def test_each_run_is_given_the_port_and_believed_alone_and_its_record_has_it(stage: Stage) -> None:
    slot = encoder(stage)
    port = wire(slot).port
    for _ in range(2):
        assert stage.child.argv[-1] == rf"metadata=file=udp\\://127.0.0.1\\:{port}:direct=1"
        assert wire(slot).pid == stage.child.pid
        record = read(stage.child.environment[RECORD_VARIABLE])
        assert record is not None
        assert record.content == port
        stage.child.end(code=1)
        stage.loop.move(1.0)


def test_where_nobody_looks_there_is_no_socket(stage: Stage) -> None:
    slot = encoder(stage, None)
    assert slot.content
    assert (slot.content.port, slot.content.state(stage.loop.now), slot.content.evidence(stage.loop.now)) == (
        0,
        None,
        None,
    )


def test_a_stop_withdraws_what_was_found(stage: Stage) -> None:
    slot = encoder(stage)
    tell(stage, slot, BLACK, 12)
    turns(stage)
    slot.stop()
    tell(stage, slot, b"", 2)
    (over,) = turns(stage)
    assert over == events.ContentGood("cam", Defect.BLACK, 11.0, seen=False)


def test_a_reload_changes_bounds_without_another_run_and_off_is_off(stage: Stage) -> None:
    slot = encoder(stage)
    first, known = stage.child, wire(slot)
    tell(stage, slot, BLACK, 5)
    slot.update(replace(slot.spec, content=POLICY._replace(bounds={Defect.BLACK: Bounds(4.0, 0.03)})), Redactor(()))
    tell(stage, slot, BLACK, 1)
    assert [type(turn) for turn in turns(stage)] == [events.ContentFound]
    slot.update(replace(slot.spec, content=None), Redactor(()))
    assert [type(turn) for turn in turns(stage)] == [events.ContentGood]
    assert known.closed
    assert stage.child is first
    tell(stage, slot, b"", 2)
    slot.update(replace(slot.spec, content=POLICY), Redactor(()))
    assert wire(slot).closed is False


def test_its_state_is_shown_with_words(stage: Stage) -> None:
    slot = encoder(stage)
    tell(stage, slot, BLACK, 12)
    assert slot.content
    state = slot.content.state(stage.loop.now)
    assert state
    assert (state.verdict, state.findings[0].said) == (Verdict.DEGRADED, "black for 12s")


def test_strangers_are_not_believed(stage: Stage) -> None:
    """A real socket: this very process sends, and the run is another one."""
    stage.machine.progress_socket = Machine().progress_socket  # type: ignore[assignment]
    slot = encoder_of_another(stage)
    assert slot.content
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for second in range(30):
            for _ in range(300):
                stranger.sendto(BLACK, ("127.0.0.1", slot.content.port))
            slot.content.look(stage.loop.now + second)
    state = slot.content.state(stage.loop.now + 30)
    assert state
    assert state.verdicts == {Defect.BLACK: Verdict.UNKNOWN}
    assert turns(stage) == []
    slot.close()


def encoder_of_another(stage: Stage) -> Slot:
    slot = stage.place(Role.ENCODER, argv=ARGV, content=POLICY)
    slot.start()
    stage.told.clear()
    return slot
