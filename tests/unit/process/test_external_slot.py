"""A program of somebody else's has the life of any process: but nobody starts it, and nobody ever signals it."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from supervisor.desired.plan import ProcessSpec
from supervisor.lifecycle.types import UplinkBlocked
from supervisor.machine.foreign import Found
from supervisor.model import events
from supervisor.model.external import External, Recovery
from supervisor.model.policies import Policies, RestartPolicy, StallPolicy
from supervisor.model.snapshot import Refused
from supervisor.model.terms import Exit, ExitCause, ProcessKey, RestartReason, Role, State, Trouble
from supervisor.process.external_slot import Announced, ExternalSlot
from supervisor.process.slot import Slot
from supervisor.secrets.secrecy import Redactor
from tests.unit.process.stage import Stage

COMMAND = Recovery(("restart-show", "--now"), timeout=20.0)
QUICK = Policies(
    restart=RestartPolicy(initial_delay=1, factor=2, jitter=0, attempts=3, cooldown=100),
    stall=StallPolicy(startup=30, timeout=10),
)


class Program:
    """Somebody else's process; its descriptor becomes readable when it ends."""

    def __init__(self, stage: Stage, pid: int) -> None:
        self.pid = pid
        self.pidfd, self._end = os.pipe()
        self.signals: list[int] = []
        self.closed = False
        self._stage = stage
        self._how = Exit(None, None)

    def signal_group(self, number: int) -> None:
        self.signals.append(number)

    def reap(self) -> tuple[Exit, float]:
        return self._how, 0.0

    def end(self, *, seen: bool = True) -> None:
        self._how = Exit(None, signal.SIGKILL)
        os.write(self._end, b".")
        if seen:
            self._stage.loop.readers[self.pidfd]()

    def close(self) -> None:
        self.closed = True


class Show:
    """One stage with one program's place, and all programs that there ever were."""

    def __init__(self, recovery: Recovery | None = COMMAND, *, tracked: bool = True) -> None:
        self.stage = Stage()
        self.stage.loop.readers = defaultdict(lambda: lambda: None)  # of a command that was ended nobody hears
        machine = cast("Any", self.stage.machine)
        machine.progress_of = lambda *_: None
        machine.find_program = self._find
        host = self.stage.host
        self.may_run = True
        object.__setattr__(host, "may_run_commands", lambda: self.may_run)
        object.__setattr__(host, "book", SimpleNamespace(open=SimpleNamespace(of=lambda _: SimpleNamespace(id="I-1"))))
        cast("Any", host.environments).of_programs = {"PATH": "/bin"}
        self.programs: list[Program] = []
        external = External("show", 500, 1, "b", 0.0, "rtmp://h/a/k", "/p" if tracked else "", recovery=recovery)
        key = ProcessKey("show", Role.COMMAND)
        spec = ProcessSpec(key=key, argv=(), policies=QUICK, tracked=tracked, video=False, external=external)
        self.slot = ExternalSlot(spec, Redactor(()), host)

    def announce(self, *, remembered: bool = False) -> Program:
        self.programs.append(Program(self.stage, 500 + len(self.programs)))
        found = Found(cast("Any", self.programs[-1]), 1, 0.0)
        self.slot.announce(Announced(found, remembered))
        return self.programs[-1]

    def begin(self) -> Program:
        program = self.announce()
        self.slot.start()
        self.stage.loop.move(0.1)
        return program

    def advance(self, media: float) -> None:
        self.slot.reports.hear(f"out_time_us={round(media * 1e6)}\nprogress=continue\n".encode())
        self.stage.loop.move(0)

    def _find(self, pid: int, begun: int | None = None) -> Found:
        if any(one._how.signal for one in self.programs if one.pid == pid):
            raise Refused("gone")
        again = Program(self.stage, pid)
        self.programs.append(again)
        return Found(cast("Any", again), begun or 1, 0.0)

    def state(self) -> State:
        return self.slot.status.state

    @property
    def commands(self) -> list[Any]:
        return self.stage.machine.children


@pytest.fixture
def show() -> Iterator[Show]:
    show = Show()
    yield show
    _end(show)


def _end(show: Show) -> None:
    """Whatever a test has done: nobody was signalled, and nothing went wrong on the way."""
    show.slot.stop()
    show.stage.loop.move(5)
    assert show.state() is State.STOPPED
    show.slot.close()
    assert [program.signals for program in show.programs if program.signals] == []
    assert show.stage.loop.errors == []
    for program in show.programs:
        os.close(program.pidfd)
        os.close(program._end)


def test_a_program_that_is_announced_and_advances_runs(show: Show) -> None:
    show.begin()
    assert show.state() is State.STARTING
    show.advance(1.0)
    assert show.state() is State.RUNNING
    assert show.slot.advancing(show.stage.loop.now)
    assert show.slot.snapshot(show.stage.loop.now, 0.0).pid == 500
    show.stage.loop.move(1)
    assert [type(fact) for fact in show.stage.told] == [events.ProcessStarted, events.ProcessAdvanced]
    assert show.commands == [], "nothing is started"


def test_who_reports_nothing_runs_by_being_there() -> None:
    show = Show(tracked=False)
    show.begin()
    assert show.state() is State.RUNNING
    show.stage.loop.move(1.5)
    assert show.slot.advancing(show.stage.loop.now)
    show.programs[0].end()
    show.stage.loop.move(1.5)
    assert show.state() is State.STARTING, "the next one is waited for"
    show.announce()
    show.stage.loop.move(0.1)
    assert show.state() is State.RUNNING
    _end(show)


def test_its_end_is_told_and_the_command_is_run_after_the_wait(show: Show) -> None:
    show.begin().end()
    show.stage.loop.move(0.9)
    (exited,) = show.stage.heard(events.ProcessExited)
    assert (exited.cause, exited.planned, exited.left, exited.signal) == (ExitCause.KILLED, False, False, 9)
    assert show.commands == [], "there is a wait before the first attempt"
    show.stage.loop.move(0.2)
    (command,) = show.commands
    assert command.argv == ["restart-show", "--now"]
    told = {name: value for name, value in command.environment.items() if name.startswith("NEVERDARK_")}
    assert told == {
        "NEVERDARK_NAME": "show",
        "NEVERDARK_REASON": "exit",
        "NEVERDARK_SEGMENT": "encoder",
        "NEVERDARK_CAUSE": "killed",
        "NEVERDARK_SAID": "",
        "NEVERDARK_INCIDENT": "I-1",
        "NEVERDARK_ATTEMPT": "1",
        "NEVERDARK_PID": "500",
        "NEVERDARK_START_TIME": "1",
    }
    assert not any("_NEVERDARK" in name for name in command.environment), "what it starts carries no mark of ours"
    (ordered,) = show.stage.heard(events.RecoveryOrdered)
    assert ordered.reason is RestartReason.EXIT
    assert show.slot.helper == (command.pid, "recovery")


def test_a_new_announcement_confirms_the_recovery_and_its_command_is_left_alone(show: Show) -> None:
    show.begin().end()
    show.stage.loop.move(1.1)
    show.announce()
    show.advance(1.0)
    assert show.state() is State.RUNNING
    assert show.slot.last_recovery == "confirmed"
    show.stage.loop.move(60)
    assert show.commands[0].signals == [], "what it does now is its own business"
    assert show.slot.helper is None
    assert show.slot.restarts[RestartReason.EXIT] == 1


def test_a_command_that_announces_nothing_in_time_is_ended_and_the_next_attempt_comes_later(show: Show) -> None:
    show.begin().end()
    show.stage.loop.move(1.1)
    show.stage.loop.move(20)
    assert show.commands[0].signals == [signal.SIGKILL]
    (answered,) = show.stage.heard(events.RecoveryAnswered)
    assert answered.error == "the command was not done within 20 s, and was ended"
    assert show.state() is State.BACKOFF
    show.stage.loop.move(2.1)
    assert len(show.commands) == 2


def test_attempts_are_spent_like_those_of_any_process(show: Show) -> None:
    show.may_run = False
    show.begin().end()
    show.stage.loop.move(1 + 2 + 4 + 1)
    assert show.state() is State.COOLDOWN
    assert show.slot.recoveries == 3
    assert {fact.error for fact in show.stage.heard(events.RecoveryAnswered)} == {
        "not carried out: the configuration does not allow commands (external: commands: true)"
    }
    show.stage.loop.move(100)
    assert show.slot.recoveries == 4
    show.announce()
    show.advance(1.0)
    assert show.state() is State.RUNNING, "whenever it comes back, it is looked at"


def test_one_that_stands_still_is_let_go_and_recovered(show: Show) -> None:
    program = show.begin()
    show.advance(1.0)
    show.slot._asked_at = show.stage.loop.now + 100  # its progress goes on being read
    show.stage.loop.move(10.5)
    (silent,) = show.stage.heard(events.ProcessSilent)
    assert (silent.trouble, silent.left) == (Trouble.STALL, True)
    show.stage.loop.move(1.1)
    (exited,) = show.stage.heard(events.ProcessExited)
    assert (exited.left, exited.planned, exited.cause) == (True, True, ExitCause.STOPPED)
    assert program.closed
    assert len(show.commands) == 1
    assert show.slot.last_cause is Trouble.STALL


def test_our_own_lateness_is_no_stall_of_its(show: Show) -> None:
    show.begin()
    show.advance(1.0)
    show.stage.loop.stand_still(60)
    show.stage.loop.move(0.1)
    assert show.state() is State.RUNNING


def test_a_blocked_connection_and_the_second_layer_have_it_recovered(show: Show) -> None:
    show.begin()
    show.advance(1.0)
    show.slot.dispatch(UplinkBlocked(5.0))
    show.stage.loop.move(1.1)
    assert len(show.commands) == 1
    show.announce()
    show.advance(1.0)
    show.slot.recover(RestartReason.WATCHDOG)
    show.stage.loop.move(0.1)
    assert len(show.commands) == 2
    assert show.slot.restarts[RestartReason.WATCHDOG] == 1


def test_a_planned_end_is_no_failure_and_nothing_is_recovered(show: Show) -> None:
    program = show.begin()
    show.advance(1.0)
    show.slot.stop()
    show.stage.loop.move(0.1)
    assert show.state() is State.STOPPED
    (exited,) = show.stage.heard(events.ProcessExited)
    assert (exited.planned, exited.left) == (True, True)
    assert program.closed
    show.stage.loop.move(100)
    assert show.commands == []


def test_a_planned_end_during_a_recovery_ends_its_command(show: Show) -> None:
    show.begin().end()
    show.stage.loop.move(1.1)
    show.slot.stop()
    show.stage.loop.move(0.1)
    assert show.state() is State.STOPPED
    assert show.commands[0].signals == [signal.SIGKILL]
    show.stage.loop.move(100)
    assert len(show.commands) == 1


def test_one_program_takes_the_place_of_another_as_planned(show: Show) -> None:
    first = show.begin()
    show.advance(1.0)
    second = show.announce()
    show.stage.loop.move(0.1)
    assert show.slot.child is cast("Any", second)
    assert first.closed
    assert not show.stage.heard(events.ProcessSilent)
    assert [fact.planned for fact in show.stage.heard(events.ProcessExited)] == [True]
    assert show.commands == []


def test_an_end_that_the_loop_has_not_seen_yet_is_none_as_planned(show: Show) -> None:
    show.begin().end(seen=False)
    show.announce()
    show.stage.loop.move(1.1)
    assert [fact.planned for fact in show.stage.heard(events.ProcessExited)] == [False]
    assert show.state() is State.STARTING
    assert show.slot.alive


def test_who_cannot_be_recovered_is_looked_at_until_it_goes_on_by_itself() -> None:
    show = Show(None)
    show.begin()
    show.advance(1.0)
    show.slot._asked_at = show.stage.loop.now + 1e9
    show.stage.loop.move(12)
    assert show.stage.heard(events.ProcessSilent)
    show.stage.loop.move(10_000)
    assert len(show.stage.heard(events.ProcessSilent)) == 1, "told once"
    assert show.state() is State.STARTING
    assert show.slot.recoveries == 0
    show.advance(2.0)
    assert show.state() is State.RUNNING
    show.programs[-1].end()
    show.stage.loop.move(10_000)
    assert show.state() is State.STARTING, "until its owner announces another one"
    show.announce()
    show.advance(1.0)
    assert show.state() is State.RUNNING
    assert show.commands == []
    _end(show)


def test_one_that_went_while_neverdark_was_away_is_told_and_recovered(show: Show) -> None:
    show.slot.start()
    show.stage.loop.move(0.1)
    (exited,) = show.stage.heard(events.ProcessExited)
    assert (exited.planned, exited.said) == (False, "it ended while neverdark was away")
    show.stage.loop.move(1.1)
    assert len(show.commands) == 1


def test_one_that_is_there_still_is_looked_at_again_without_a_word(show: Show) -> None:
    show.announce(remembered=True)
    show.slot.start()
    show.stage.loop.move(0.1)
    show.advance(1.0)
    show.stage.loop.move(0.1)
    assert [type(fact) for fact in show.stage.told] == [events.ProcessAdopted]
    assert show.state() is State.RUNNING


def test_places_of_our_own_processes_are_none_of_these() -> None:
    assert type(Stage().place(Role.COMMAND)) is Slot
