"""An encoder tells what its picture and sound are like, through runs, stops, changes and strangers."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any, cast

import pytest

from supervisor.ffmpeg.content import CONTENT_PORT, Reading
from supervisor.machine.machine import Machine
from supervisor.machine.marks import RECORD_VARIABLE
from supervisor.model import events
from supervisor.model.content import Bounds, ContentPolicy, Defect, Level, Sampling
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


# --- samples of what is copied ---------------------------------------------------------------------

SAMPLED = POLICY._replace(sampling=Sampling(60.0, 6.0))
DARK, LIGHT = [Reading(Level.BRIGHT, 0.0)], [Reading(Level.BRIGHT, 0.7)]


def take(stage: Stage, slot: Slot, found: list[Reading]) -> bool:
    """A sample, if it is due."""
    assert slot.content
    if slot.content.due(stage.loop.now) is None:
        return False
    run = slot.content.begin_sample(stage.loop.now)
    slot.content.end_sample(found, run, stage.loop.now)
    slot.look(stage.loop.now)
    return True


def passes(stage: Stage, slot: Slot, found: list[Reading], seconds: int) -> list[int]:
    """In which seconds a sample was due."""
    taken = []
    for second in range(seconds):
        stage.report(slot, stage.loop.now)
        taken += [second] if take(stage, slot, found) else []
        slot.look(stage.loop.now)
        stage.loop.move(1.0)
    return taken


def test_what_is_copied_is_sampled_at_once_and_then_as_often_as_its_owner_wishes(stage: Stage) -> None:
    slot = encoder(stage, SAMPLED)
    assert passes(stage, slot, LIGHT, 121) == [0, 60, 120]
    assert slot.content
    state = slot.content.state(stage.loop.now)
    assert state
    assert state.verdict is Verdict.HEALTHY
    assert turns(stage) == []


def test_what_looks_bad_in_a_sample_is_looked_at_again_soon_and_named(stage: Stage) -> None:
    slot = encoder(stage, SAMPLED)
    assert passes(stage, slot, DARK, 11) == [0, 5, 10]
    assert turns(stage) == [events.ContentFound("cam", Defect.BLACK, 10.0, "black for 10s")]
    assert passes(stage, slot, DARK, 60) == [59], "it is known, and there is no hurry"


def test_silence_counts_from_the_second_of_the_sample_in_which_it_began(stage: Stage) -> None:
    silent = ContentPolicy({Defect.SILENT: Bounds(5.0, -70.0)}, 60.0, "fallback", Sampling(60.0, 8.0))
    slot = encoder(stage, silent)
    heard = [Reading(Level.SOUND, level) for level in (-30.0, *[-120.0] * 6)]
    assert take(stage, slot, [one for each in heard for one in (Reading(Level.OWN_SOUND, 1.0), each)])
    (found,) = turns(stage)
    assert isinstance(found, events.ContentFound)
    assert (found.defect, found.seconds) == (Defect.SILENT, 5.0)


def test_without_media_no_sample_is_taken_and_one_of_another_run_says_nothing(stage: Stage) -> None:
    slot = encoder(stage, SAMPLED)
    assert slot.content
    run = slot.content.begin_sample(stage.loop.now)
    stage.child.end(code=1)
    stage.loop.move(1.0)
    assert slot.content.due(stage.loop.now) is None
    stage.report(slot, 1.0)
    assert slot.content.doubtful(stage.loop.now), "nobody has seen it yet"
    slot.content.end_sample(DARK, run, stage.loop.now)
    state = slot.content.state(stage.loop.now)
    assert state
    assert state.verdict is Verdict.UNKNOWN


def test_what_is_encoded_is_never_sampled(stage: Stage) -> None:
    slot = encoder(stage)
    assert slot.content
    assert slot.content.sampling is None
    assert slot.content.due(stage.loop.now) is None


def test_of_a_fallback_only_what_viewers_are_given_is_told(stage: Stage) -> None:
    slot = encoder(stage)
    slot.key = slot.key._replace(rung=1)
    assert slot.feeds
    slot.feeds.on_feed = False
    tell(stage, slot, BLACK, 12)
    tell(stage, slot, BRIGHT, 4)
    assert turns(stage) == []
    slot.feeds.on_feed = True
    tell(stage, slot, BLACK, 12)
    tell(stage, slot, BRIGHT, 4)
    found, over = turns(stage)
    assert found == events.ContentFound("cam", Defect.BLACK, 10.0, "fallback1: black for 10s", 1)
    assert isinstance(over, events.ContentGood)
    assert over.rung == 1
