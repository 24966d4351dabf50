"""An encoder is replaced by a run that begins beside it; where that cannot be, it is ended first."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

import pytest

from supervisor.ffmpeg.parameters import Parameters
from supervisor.model import events
from supervisor.model.fallback import ReplacementReason, SwitchWay
from supervisor.model.terms import RestartReason, Role, State
from supervisor.process.changeover import lacks
from supervisor.process.slot import Slot
from supervisor.secrets.secrecy import Redactor
from tests.unit.process.stage import Handover, Stage

OPERATOR = RestartReason.OPERATOR


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def encoder(stage: Stage) -> Slot:
    """One that delivers, with a pusher that takes it."""
    encoder, pusher = stage.path(feeds=("yt",))
    for slot in (pusher, encoder):
        slot.start()
        stage.loop.move(0.5)
        stage.report(slot, 1.0)
    stage.kinds()
    return encoder


def child_of(slot: Slot) -> Any:
    """Its process, as the stage has it."""
    return slot.child


def sends(stage: Stage, *, keyframe: bool = True) -> Handover:
    """The next encoder has sent for a while, and now, perhaps, a keyframe."""
    handover = stage.machine.handovers[-1]
    read = stage.loop.readers[handover.sides[0].fd]
    handover.came = True
    read()
    stage.loop.move(1.1)
    handover.keyframe = keyframe
    read()
    return handover


def test_the_next_run_feeds_before_this_one_is_ended(stage: Stage, encoder: Slot) -> None:
    before = stage.child
    assert encoder.replace(OPERATOR)
    after = stage.child
    assert after is not before
    assert before.signals == []
    assert child_of(encoder) is before
    assert encoder.helper
    assert encoder.helper[0] == after.pid, "and nobody takes it for a stray"
    sends(stage)
    assert after.signals == [signal.SIGSTOP, signal.SIGCONT], "nothing that it sends is lost between two sockets"
    assert before.signals == [signal.SIGTERM]
    stage.loop.move(0.1)
    assert child_of(encoder) is after
    assert encoder.restarts[OPERATOR] == 1
    stage.report(encoder, 3.0)
    assert encoder.status.state is State.RUNNING
    stage.loop.move(0.1)
    (fact,) = stage.heard(events.EncoderReplaced)
    assert (fact.reason, fact.seconds < 0.1) == (OPERATOR, True)
    assert [fact.planned for fact in stage.heard(events.ProcessExited)] == [True]


def test_a_keyframe_is_waited_for(stage: Stage, encoder: Slot) -> None:
    before = stage.child
    encoder.replace(OPERATOR)
    handover = sends(stage, keyframe=False)
    assert (stage.child.signals, before.signals) == ([], [])
    handover.keyframe = True
    stage.loop.readers[handover.sides[0].fd]()
    assert before.signals == [signal.SIGTERM]


def test_one_that_does_not_come_to_send_is_given_up(stage: Stage, encoder: Slot) -> None:
    before = stage.child
    encoder.replace(OPERATOR)
    beside = stage.child
    for second in range(int(encoder.spec.policies.stall.startup)):
        assert before.signals == []
        stage.report(encoder, 9.0 + second)
        stage.loop.move(1.0)
    stage.loop.move(0.5)
    assert beside.signals == [signal.SIGKILL]
    assert signal.SIGTERM in before.signals, "and it is replaced the other way"
    stage.loop.move(1.0)
    assert child_of(encoder) not in {None, before, beside}
    assert stage.machine.handovers[-1].closed


def test_one_that_dies_is_followed_by_the_other_way(stage: Stage, encoder: Slot) -> None:
    before = stage.child
    encoder.replace(OPERATOR)
    stage.child.end(code=1)
    assert before.signals == [signal.SIGTERM]
    stage.loop.move(1.0)
    assert child_of(encoder) is stage.child
    assert encoder.restarts[OPERATOR] == 1
    assert [fact.planned for fact in stage.heard(events.ProcessExited)] == [True]


def test_if_the_one_that_feeds_dies_the_next_one_is_there(stage: Stage, encoder: Slot) -> None:
    before = stage.child
    encoder.replace(OPERATOR)
    beside = stage.child
    before.end(number=9)
    stage.loop.move(2.0)
    assert child_of(encoder) is beside
    assert encoder.feeds
    assert all(link.sender == port for link, port in encoder.feeds.links.items())


def test_where_links_cannot_go_over_nothing_is_started(stage: Stage, encoder: Slot) -> None:
    stage.machine.no_handover = True
    count = len(stage.machine.children)
    assert not encoder.replace(OPERATOR)
    assert len(stage.machine.children) == count
    encoder.recover(RestartReason.WATCHDOG)
    stage.loop.move(1.0)
    assert encoder.restarts[RestartReason.WATCHDOG] == 1


def test_one_that_does_not_deliver_is_not_waited_for(stage: Stage, encoder: Slot) -> None:
    stage.loop.move(5.0)
    assert not encoder.replace(OPERATOR)


def test_asked_twice_it_is_replaced_once(stage: Stage, encoder: Slot) -> None:
    encoder.replace(OPERATOR)
    count = len(stage.machine.children)
    encoder.recover(RestartReason.WATCHDOG)
    assert len(stage.machine.children) == count


def test_a_changed_specification_is_that_of_the_next_run(stage: Stage, encoder: Slot) -> None:
    encoder.replace(OPERATOR)
    beside = stage.child
    encoder.update(replace(encoder.spec, argv=("ffmpeg", "other", "{progress}")), Redactor(()))
    assert beside.signals == [signal.SIGKILL]
    assert "other" in stage.child.argv
    sends(stage)
    stage.loop.move(1.0)
    assert "other" in child_of(encoder).argv


def test_a_stop_ends_both(stage: Stage, encoder: Slot) -> None:
    before = stage.child
    encoder.replace(OPERATOR)
    beside = stage.child
    encoder.stop()
    stage.loop.move(1.0)
    assert (before.signals, beside.signals) == ([signal.SIGTERM], [signal.SIGKILL])
    assert encoder.status.state is State.STOPPED
    assert beside.closed, "and it is reaped"


def test_a_better_command_line_is_not_tried_twice(stage: Stage) -> None:
    """A slate's file may be gone: then it is drawn."""
    slot = stage.place(Role.ENCODER, slate=True)
    slot.ready_argv = ("ffmpeg", "made.mkv")
    slot.start()
    assert stage.child.argv == ["ffmpeg", "made.mkv"]
    stage.child.end(code=1)
    stage.loop.move(5.0)
    assert stage.child.argv[0:2] != ["ffmpeg", "made.mkv"]
    assert child_of(slot) is stage.child


def measured(stage: Stage) -> list[events.SwitchMeasured]:
    stage.loop.move(0.1)
    return [fact for fact in stage.heard(events.SwitchMeasured) if isinstance(fact, events.SwitchMeasured)]


def keyframe(stage: Stage, slot: Slot) -> None:
    """The first of its run is at the tap."""
    stage.send(slot, Parameters(video=frozenset({b"sps"})))


def has_frames(stage: Stage, slot: Slot) -> None:
    """25 in each second of media."""
    wire: Any = slot.reports._progress
    wire.waiting.append(b"frame=50\nout_time_us=2000000\nprogress=continue\n")
    stage.loop.readers[wire.fd]()


def test_what_a_switch_without_a_gap_has_cost_is_told(stage: Stage, encoder: Slot) -> None:
    has_frames(stage, encoder)
    encoder.replace(OPERATOR)
    stage.machine.handovers[-1].gap = 0.12
    sends(stage)
    (fact,) = measured(stage)
    assert (fact.way, fact.replaces) == (SwitchWay.MADE_BEFORE_BREAK, ReplacementReason.RESTART)
    assert 1.0 < fact.seconds < 2.0, "from the order on"
    assert fact.missing == pytest.approx(0.08)
    assert fact.frames == 2


def test_where_it_is_ended_first_its_gap_is_measured(stage: Stage, encoder: Slot) -> None:
    has_frames(stage, encoder)
    stage.machine.no_handover = True
    encoder.spec = replace(encoder.spec, feeds=("yt",))
    links: Any = stage.host.links
    links.get(encoder.key.stream, "yt").quiet_for = 0.5
    encoder.recover(RestartReason.WATCHDOG)
    stage.loop.move(1.0)
    assert measured(stage) == [], "nothing of it has come"
    stage.loop.move(0.9)
    keyframe(stage, encoder)
    (fact,) = measured(stage)
    assert (fact.way, fact.replaces) == (SwitchWay.BROKEN_FIRST, ReplacementReason.WATCHDOG)
    assert fact.seconds == pytest.approx(2.0)
    assert fact.missing == pytest.approx(2.46), "from the last media on, not from the decision"
    assert fact.frames == round(2.5 * 25) - 1
    keyframe(stage, encoder)
    assert len(measured(stage)) == 1, "once"


def test_what_nobody_knows_is_left_out(stage: Stage, encoder: Slot) -> None:
    stage.machine.no_handover = True
    encoder.restart(OPERATOR)
    stage.loop.move(1.0)
    keyframe(stage, encoder)
    (fact,) = measured(stage)
    assert (fact.missing, fact.frames) == (None, None)


def test_one_that_is_given_up_counts_from_the_order(stage: Stage, encoder: Slot) -> None:
    encoder.replace(OPERATOR)
    stage.loop.move(1.0)
    stage.child.end(code=1)
    stage.loop.move(1.0)
    keyframe(stage, encoder)
    (fact,) = measured(stage)
    assert fact.way is SwitchWay.BROKEN_FIRST
    assert fact.seconds == pytest.approx(2.0)


def test_who_did_not_deliver_is_not_replaced_on_purpose(stage: Stage, encoder: Slot) -> None:
    stage.loop.move(5.0)
    encoder.recover(RestartReason.WATCHDOG)
    stage.loop.move(1.0)
    keyframe(stage, encoder)
    assert measured(stage) == []


@pytest.mark.parametrize(
    ("gap", "rate", "lost"),
    [(0.033, 30.0, (0.0, 0)), (0.1, 30.0, (0.0667, 2)), (4.0, 25.0, (3.96, 99)), (0.5, None, (None, None))],
)
def test_between_two_frames_there_is_a_gap_anyway(gap: float, rate: float | None, lost: tuple[Any, Any]) -> None:
    seconds, frames = lacks(gap, rate)
    assert (seconds if seconds is None else round(seconds, 4), frames) == lost


def test_of_a_codec_whose_keyframes_are_not_seen_the_first_advance_counts(stage: Stage, encoder: Slot) -> None:
    stage.machine.no_handover = True
    encoder.restart(OPERATOR)
    stage.loop.move(2.0)
    stage.report(encoder, 1.0)
    keyframe(stage, encoder)
    (fact,) = measured(stage)
    assert (fact.way, fact.missing) == (SwitchWay.BROKEN_FIRST, None)


def test_when_another_encoder_feeds_this_one_is_replaced_by_itself(stage: Stage, encoder: Slot) -> None:
    before = stage.child
    encoder.replace(OPERATOR)
    after = stage.child
    assert encoder.feeds
    encoder.feeds.on_feed = False
    encoder.follow_nobody()
    assert after.signals == [signal.SIGKILL], "or the links would go over to it, whoever feeds by then"
    assert before.signals == [signal.SIGTERM]
    assert encoder.successor is None
