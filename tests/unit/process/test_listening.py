"""An encoder that listens: the wait for a publisher is no start, and no end of it is an outage of its own."""

from __future__ import annotations

from typing import Any

from supervisor.ffmpeg.listening import LEFT, TURNED_AWAY
from supervisor.lifecycle.types import Start
from supervisor.model import events
from supervisor.model.terms import ExitCause, RestartReason, Role, State, Trouble
from supervisor.process.slot import Slot
from tests.unit.process.stage import Stage

WORDS = "waits for a publisher on port 1935 (rtmp://127.0.0.1:1935)"
INPUT = "[info] Input #0, flv, from 'rtmp://127.0.0.1:1935/live/x':"
KNOCKED = ("[rtmp @ 0x1] [error] Unable to read handshake", "[error] rtmp://127.0.0.1:1935/live/x: Input/output error")
TAKEN = "[error] rtmp://127.0.0.1:1935/live/x: Address already in use"
OTHER_KEY = "[rtmp @ 0x1] [warning] Unexpected stream wrong, expecting right"


def _listener(stage: Stage, **more: Any) -> Slot:
    slot = stage.place(Role.ENCODER, awaits=WORDS, keyed=True, live=True, **more)
    slot.dispatch(Start())
    stage.loop.move(2.0)
    return slot


def _awaited(slot: Slot) -> str | None:
    return slot.source.awaited if slot.source else "it reads nothing"


def _say(stage: Stage, slot: Slot, *lines: str) -> None:
    stage.say(slot, *lines)
    stage.loop.readers[slot.reports.output.outlet.fd]()
    stage.loop.move(0.0)


def test_it_may_wait_for_its_publisher_for_days_and_then_has_as_long_as_any_start() -> None:
    stage = Stage()
    slot = _listener(stage)
    stage.loop.move(3 * 86400)
    assert len(stage.machine.children) == 1
    assert _awaited(slot) == WORDS

    _say(stage, slot, INPUT)
    assert _awaited(slot) is None
    startup = slot.spec.policies.stall.startup
    stage.loop.move(startup - 1)
    assert not stage.heard(events.ProcessSilent)
    stage.loop.move(startup + 2)
    (silent,) = stage.heard(events.ProcessSilent)
    assert silent.trouble is Trouble.START_TIMEOUT


def test_who_connects_and_is_no_publisher_ends_one_wait_and_nothing_else() -> None:
    stage = Stage()
    slot = _listener(stage)
    for number in range(50):
        stage.say(slot, *KNOCKED)
        stage.child.end(1)
        stage.loop.move(2.0)
        assert len(stage.machine.children) == number + 2
    assert slot.status.state is State.STARTING
    assert all(fact.planned for fact in stage.heard(events.ProcessExited))
    assert slot.status.spent == 0
    assert sum(slot.restarts.values()) == 0, "it waits as before"


def test_a_port_that_is_searched_all_the_time_costs_a_start_a_second() -> None:
    stage = Stage()
    slot = _listener(stage)
    began = stage.loop.now
    for _ in range(20):
        stage.say(slot, *KNOCKED)
        stage.child.end(1)
        stage.loop.move(0.0)
        while not slot.alive:
            stage.loop.move(0.1)
    assert stage.loop.now - began > 15
    assert not stage.heard(events.RetryScheduled)


def test_a_port_that_another_program_has_is_a_failure_and_tried_ever_more_slowly_but_not_for_minutes() -> None:
    stage = Stage()
    slot = stage.place(Role.ENCODER, awaits=WORDS, live=True)
    slot.dispatch(Start())
    delays = []
    for _ in range(30):
        stage.say(slot, TAKEN)
        stage.child.end(1)
        assert slot.status.state is State.BACKOFF
        delays.append(slot.status.delay)
        stage.loop.move(slot.status.delay)
    assert not any(fact.planned for fact in stage.heard(events.ProcessExited))
    assert (delays[0], max(delays), delays[-1]) == (0.5, 10.0, 10.0)


def test_a_publisher_that_leaves_is_awaited_again_at_once_however_often() -> None:
    stage = Stage()
    slot = _listener(stage)
    for number in range(30):
        _say(stage, slot, INPUT)
        stage.report(slot, 1.0)
        stage.report(slot, 2.0)
        assert slot.status.state is State.RUNNING
        stage.say(slot, "[error] rtmp://127.0.0.1:1935/live/x: Input/output error")
        stage.child.end(0)
        assert len(stage.machine.children) == number + 2, "at once"
        stage.loop.move(1.0)
    ends = stage.heard(events.ProcessExited)
    assert {(fact.cause, fact.said, fact.planned) for fact in ends} == {(ExitCause.SOURCE_ENDED, LEFT, False)}
    assert slot.status.spent == 0


def test_who_publishes_with_another_key_is_turned_away_and_the_key_is_not_shown() -> None:
    stage = Stage()
    slot = _listener(stage)
    child = stage.child
    _say(stage, slot, OTHER_KEY, OTHER_KEY, INPUT)
    assert child.how is not None
    stage.loop.move(2.0)
    assert [fact.words for fact in stage.heard(events.SourceLearned)] == [TURNED_AWAY]
    (end,) = stage.heard(events.ProcessExited)
    assert (end.cause, end.planned) == (ExitCause.SOURCE_REFUSED, True)
    assert len(stage.machine.children) == 2
    assert "wrong" not in str(stage.machine.log.lines)


def test_without_a_key_whoever_comes_is_taken() -> None:
    stage = Stage()
    slot = stage.place(Role.ENCODER, awaits=WORDS, live=True)
    slot.dispatch(Start())
    _say(stage, slot, OTHER_KEY, INPUT)
    assert slot.alive
    assert not stage.heard(events.SourceLearned)


def test_a_source_that_a_drill_takes_away_is_a_failure() -> None:
    stage = Stage()
    slot = _listener(stage)
    stage.say(slot, "[error] /neverdark/drill/no-such-source.ts: No such file or directory")
    stage.child.end(1)
    stage.loop.move(1.0)
    (end,) = stage.heard(events.ProcessExited)
    assert (end.cause, end.planned) == (ExitCause.SOURCE_UNREACHABLE, False)


def test_what_waits_is_known_to_be_no_source_for_the_moment_unless_it_was_taken_over() -> None:
    stage = Stage()
    slot = _listener(stage)
    run = slot.run
    assert run is not None
    told = []
    for adopted in (False, True):
        run.adopted = adopted  # then a publisher may be there already
        told.append(slot.awaits_publisher)
    run.adopted = False
    _say(stage, slot, INPUT)
    assert [*told, slot.awaits_publisher] == [True, False, False]


def test_a_listener_is_not_replaced_beside_itself() -> None:
    stage = Stage()
    slot = _listener(stage)
    _say(stage, slot, INPUT)
    stage.report(slot, 1.0)
    stage.report(slot, 2.0)
    assert not slot.replace(RestartReason.CONFIG)
    assert len(stage.machine.children) == 1
