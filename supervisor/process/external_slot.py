"""The place of a program that somebody else runs: its lifecycle is that of any process, and nobody is started or ended.

Where another place ends its process, this one lets go of it: it looks no longer. Where another one spawns, this one
takes the program that has been announced, or has the owner's recovery carried out and waits for an announcement.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from supervisor.judge.attribution import FailureEvidence
from supervisor.lifecycle.types import Came, Exited, RetryNow
from supervisor.machine.foreign import is_over
from supervisor.machine.progress_text import NoProgress
from supervisor.model import events
from supervisor.model.snapshot import LastFailure, Refused
from supervisor.model.terms import ExitCause, RestartReason, State
from supervisor.process.recovery import Attempt
from supervisor.process.run import Run
from supervisor.process.slot import Slot

if TYPE_CHECKING:
    import signal

    from supervisor.desired.plan import ProcessSpec
    from supervisor.lifecycle import types as lifecycle_types
    from supervisor.lifecycle.types import View
    from supervisor.machine.foreign import Found
    from supervisor.machine.progress_text import ProgressFile, ProgressUrl
    from supervisor.model.external import External
    from supervisor.process.host import Host
    from supervisor.secrets.secrecy import Redactor

_FOR_EVER = 1e9  # seconds: nobody is to start it again but its owner
_ANSWER_SECONDS = 4.0  # a progress URL has less
_LATE_SECONDS = 5.0  # since its progress was read last: then it is we who were late
_WHILE_AWAY = "it ended while neverdark was away"


@dataclass(frozen=True, slots=True)
class Announced:
    """A program that is there; `remembered`: it was taken before neverdark was started anew."""

    found: Found
    remembered: bool = False


class ExternalSlot(Slot):
    """Lives on the engine's loop."""

    def __init__(self, spec: ProcessSpec, redactor: Redactor, host: Host) -> None:
        super().__init__(spec, redactor, host)
        assert spec.external is not None
        self.recoveries = 0
        self.last_recovery: str | None = None
        self._announced: Announced | None = None
        self._attempt: Attempt | None = None
        self._is_going = False  # an end is due that no process tells
        self._progress: ProgressFile | ProgressUrl | None = None  # of the program that is looked at
        self._asked: asyncio.Task[None] | None = None
        self._asked_at = 0.0  # when its progress was last read, or could not be
        self._blind: str | None = None  # why it could not be

    @property
    def external(self) -> External:
        """What it has told of itself."""
        assert self.spec.external is not None
        return self.spec.external

    @property
    def is_to_be_taken_over(self) -> bool:
        """An earlier neverdark has looked at a program that is there still."""
        return self._announced is not None and self._announced.remembered

    @property
    def lives(self) -> bool:
        """The program that is looked at is there: asked of the kernel, whose word may not have come yet."""
        return self.child is not None and not is_over(self.child.pidfd)

    # --- what others tell --------------------------------------------------------------------------

    def announce(self, announced: Announced) -> None:
        """There is a program: the first one, or one after the last."""
        if self._announced:
            self._announced.found.child.close()
        self._announced = announced
        if self._attempt:
            self._attempt.confirmed()
        if self.alive and not self.lives and self.run:
            self._let_go(self.run)
        if self.alive:
            self.restart(RestartReason.OPERATOR)
        elif self.waits:
            self.dispatch(RetryNow())
        elif self.status.state in {State.STARTING, State.RUNNING} and not self._is_going:
            self._take()
            self.dispatch(Came())

    def was_lost(self) -> None:
        """It shall run, and ended while no neverdark looked."""
        if self.alive or self.status.state is not State.STARTING:
            return  # it has been announced meanwhile, or is not wanted any more
        external, host, now = self.external, self.host, self.host.loop.time()
        self.failures.blame(ExitCause.OTHER, _WHILE_AWAY)
        self.failures.weigh(self.completed(FailureEvidence(self.key.role, ExitCause.OTHER)))
        self.failures.count(ExitCause.OTHER)
        wall = host.machine.wall()
        self.failures.show(LastFailure(ExitCause.OTHER, wall, (_WHILE_AWAY,), _WHILE_AWAY))
        run_id = host.names.name(external.since, 0)
        seconds, segment = max(0.0, wall - external.since), self.segment
        host.tell(
            events.ProcessExited(
                self.key,
                run_id,
                ExitCause.OTHER,
                None,
                None,
                seconds,
                planned=False,
                last_words=(_WHILE_AWAY,),
                segment=segment,
                silent=None,
                ended=now,
                said=_WHILE_AWAY,
            )
        )
        self.dispatch(Exited(ExitCause.OTHER))

    # --- its life ----------------------------------------------------------------------------------

    def _view(self, event: lifecycle_types.Event) -> View:
        view = super()._view(event)
        if self.alive:
            late = max(0.0, view.now - self._asked_at - _LATE_SECONDS) if self.spec.tracked else 0.0
            return view._replace(usual=view.usual + late + self._given_up)
        known = self.external.recovery
        return view._replace(tracked=True, usual=known.timeout if known else _FOR_EVER)

    @property
    def _given_up(self) -> float:
        """Nobody can do anything about it: so it is given all the time that it takes."""
        failed = self.status.reason is not None and self.meter.last_advance is None
        return _FOR_EVER if failed and not self.external.recovery else 0.0

    def _spawn(self, reason: RestartReason | None) -> None:
        self.meter.begin_run()  # what it waits for is another run, whoever begins it
        if not self._announced and reason and not self.external.recovery:
            self._look_again()
        if self._announced:
            self._take()
            self.host.loop.call_soon(self.dispatch, Came())
        elif reason is None:
            self.host.loop.call_soon(self.was_lost)
        elif self.external.recovery:
            self._recover(reason)

    def _look_again(self) -> None:
        """What stood still, and nobody can start anew, may go on by itself."""
        try:
            found = self.host.machine.find_program(self.external.pid, self.external.begun)
        except Refused:
            return
        self._announced = Announced(found)

    def _take(self) -> None:
        """Look at the program from now on."""
        assert self._announced is not None
        (found, remembered), self._announced = (self._announced.found, self._announced.remembered), None
        host, external = self.host, self.external
        now, wall = host.loop.time(), host.machine.wall()
        began = now - max(0.0, wall - external.since) if remembered else now
        run_id = host.names.name(external.since, 0)  # the next neverdark gives it the same
        run = Run(found.child, run_id, found.started, began, None, adopted=remembered)
        self._asked_at = now
        self._progress = self._progress_of(found.started)
        self._begin_run(run)
        tell = (
            partial(self._tell_adoption, run)
            if remembered
            else partial(self._tell_start, run_id, found.child.pid, None)
        )
        self.put_off(tell)

    def update(self, spec: ProcessSpec, redactor: Redactor) -> None:
        """Take a changed specification."""
        before = self.external
        super().update(spec, redactor)
        now = self.external
        if (
            self.run
            and self.alive
            and (before.progress_file, before.progress_url) != (now.progress_file, now.progress_url)
        ):
            self._progress = self._progress_of(self.run.started)

    def _progress_of(self, started: float) -> ProgressFile | ProgressUrl | None:
        known = self.external
        return (
            self.host.machine.progress_of(known.progress_file, known.progress_url, started) if known.tracked else None
        )

    def send(self, number: signal.Signals) -> None:
        """No signal is sent: it is let go of."""
        del number
        if self.run and not self.run.over:
            self.host.loop.call_soon(self._let_go, self.run)
        elif not self._is_going:
            self._is_going = True
            self.host.loop.call_soon(self._gone)

    def _let_go(self, run: Run) -> None:
        if run is self.run and not run.over:
            run.left = not is_over(run.child.pidfd)
            self._ending.on_exit()

    def _gone(self) -> None:
        """What was waited for has not come, or is not to come any more."""
        self._is_going = False
        if self._attempt:
            self._attempt.give_up()
            self._attempt = None
        planned = self.status.state is State.STOPPING
        self.dispatch(Exited(ExitCause.STOPPED if planned else ExitCause.OTHER))
        if self._announced and self.waits:
            self.dispatch(RetryNow())

    def close(self) -> None:
        """Let go of everything."""
        if self._announced:
            self._announced.found.child.close()
        if self._attempt:
            self._attempt.give_up()
        if self._asked:
            self._asked.cancel()
        super().close()

    # --- recovery ----------------------------------------------------------------------------------

    @property
    def helper(self) -> tuple[int, str] | None:
        """The command that is to start the program again, while it runs."""
        pid = self._attempt.pid if self._attempt else None
        return (pid, "recovery") if pid else None

    def attempt_failed(self, attempt: Attempt) -> None:
        """Nothing is to be expected of it: the next one comes after its wait."""
        if attempt is self._attempt and not self.alive and self.status.state is State.STARTING and not self._is_going:
            self._is_going = True
            self.host.loop.call_soon(self._gone)

    def _recover(self, reason: RestartReason) -> None:
        if self._attempt:
            self._attempt.give_up()
        self.recoveries += 1
        self.restarts = {**self.restarts, reason: self.restarts.get(reason, 0) + 1}
        self._attempt = Attempt(self, self.recoveries, reason)
        self.put_off(self._attempt.begin)

    # --- progress ----------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Called every second, while its stream is wanted."""
        del now
        if self._progress and self.alive and (self._asked is None or self._asked.done()):
            self._asked = self.host.loop.create_task(self._ask(self._progress))

    async def _ask(self, progress: ProgressFile | ProgressUrl) -> None:
        report, blind = b"", None
        answer = asyncio.ensure_future(self.host.machine.ask_program(progress))
        try:
            report = await asyncio.wait_for(asyncio.shield(answer), _ANSWER_SECONDS)
        except NoProgress as error:
            blind = str(error)
        except TimeoutError:
            blind = "its progress cannot be read in time"
        if progress is not self._progress:
            return
        self._asked_at = self.host.loop.time()
        if report:
            self.reports.hear(report)
        if blind != self._blind:
            self._blind = blind
            self.host.tell(events.ProgramTrouble(self.key, blind))
        if blind and not answer.done():
            await asyncio.wait({answer})  # no second thread waits beside this one
