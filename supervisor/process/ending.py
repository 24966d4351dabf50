"""The end of a run: why it ended, what takes its place, and, after that, what is told of it."""

from __future__ import annotations

import signal
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from supervisor.ffmpeg.failure import Failure, classify
from supervisor.ffmpeg.telling import telling
from supervisor.judge.attribution import FailureEvidence
from supervisor.judge.rivals import suspicion
from supervisor.lifecycle.types import Exited
from supervisor.model import events
from supervisor.model.snapshot import LastFailure
from supervisor.model.terms import Exit, ExitCause, Role, State
from supervisor.model.thresholds import ENDED_SOON_SECONDS, ON_AIR_SECONDS
from supervisor.process.failures import why_not_started

if TYPE_CHECKING:
    from supervisor.process.run import Run
    from supervisor.process.slot import Slot

_AS_A_VIEWER_LEAVES = frozenset({ExitCause.INGEST_CLOSED, ExitCause.OTHER})
_WAITED = 1.0  # seconds
FAILURE_LINES = 20  # of its last words, that people are shown


class _End(NamedTuple):
    """What is known of an end at its moment, and is told later. Times as in `Run`."""

    run: Run
    how: Exit
    failure: Failure
    lines: list[str]  # still to be written
    at: float
    wall: float
    silent: float | None  # since when
    blamed: bool  # it ended by itself, and failed at something
    idle: bool  # it had had nothing to send


class Ending:
    """Ends the runs of one place. Lives on the engine's loop."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._output = slot.reports.output
        self._closed_soon = 0  # times in a row

    def on_exit(self) -> None:
        """Replace it, if it shall be, and only then note what is known of its end: nothing of that has changed.

        Between here and the next process stands only what decides whether, when and how there is one.
        """
        slot, run = self._slot, self._slot.run
        assert run is not None
        slot.catch_up()  # the run before is closed before this one's last words are kept
        before = slot.keep_shown()
        last = slot.meter.last_advance
        if last is not None and slot.host.loop.time() - last > ON_AIR_SECONDS:
            slot.hear_first()
        how, cpu = run.child.reap()
        if run.read_to_end:
            how = Exit(0, None)
        run.over = True
        slot.cpu_seconds += cpu
        planned, ours = slot.status.state is State.STOPPING, slot.status.ending
        failure, lines, again = self._diagnose(run, how, planned=planned or run.left)
        again = (again or self._viewer_left(failure)) and not planned and not ours
        blamed = not (planned or ours or again)
        if blamed:
            slot.failures.blame(failure.cause, failure.said)
        host = slot.host
        now = host.loop.time()
        slot.failures.uncounted = failure.cause
        silent, idle, place = slot.silent_since(), slot.was_idle(now), slot.put_off_so_far
        try:
            slot.dispatch(Exited(failure.cause, None if again else failure.refusal, again=again or idle))
        finally:
            slot.keep_shown(before)  # a turn after which nothing is to be told has let go of it
            self._let_go(_End(run, how, failure, lines, now, host.machine.wall(), silent, blamed, idle), place)

    def _let_go(self, end: _End, place: int) -> None:
        """The next run is there, if there is one: keep what is known of the one before. `place`: in what is put off."""
        slot, child = self._slot, end.run.child
        slot.host.exits.remove(child.pidfd)
        child.close()
        slot.put_off(partial(self._tell, end, slot.connected), place)  # before the run that follows
        if slot.intake:
            slot.intake.ended(end.at, replaced=slot.alive)
        if slot.feeds and not slot.alive:
            slot.feeds.ended()
        if slot.recording and not slot.alive:
            slot.recording.tidy()

    # --- why ---------------------------------------------------------------------------------------

    def _viewer_left(self, failure: Failure) -> bool:
        """Whether it ended because who had called has gone: nothing has failed, and the next one may call."""
        slot = self._slot
        if not slot.spec.listens or slot.run is None or failure.cause not in _AS_A_VIEWER_LEAVES:
            return False
        # Who leaves within a second may not have been noticed; but what cannot wait at all ends at once.
        return slot.meter.last_advance is not None or slot.host.loop.time() - slot.run.began >= _WAITED

    def _diagnose(self, run: Run, how: Exit, *, planned: bool) -> tuple[Failure, list[str], bool]:
        """Why the run ended, its last lines, and whether it was but too impatient.

        Whatever goes wrong in here, the process must be replaced.
        """
        slot, lines = self._slot, list[str]()
        try:
            lines += self._output.rest()
            said = self._output.take_unredacted()  # cleaned words may say something else
            if run.not_carried and not planned:
                return Failure(ExitCause.BAD_ARGUMENTS, run.not_carried, configured=True), lines, False
            failure = classify(slot.key.role, how, said, stopping=planned)
            if failure.said and (full := slot.failures.in_full(failure.said)) != failure.said:
                failure = replace(failure, said=full)
            if slot.source is None or planned:
                return failure, lines, False
            failure, again = slot.source.explained(failure)
            return failure, lines, again or slot.source.has_patience(said)
        except Exception as error:  # noqa: BLE001 - see above
            slot.host.tell(events.InternalError(f"diagnosis of {slot.key}", type(error).__name__))
            return Failure(ExitCause.OTHER), lines, False

    # --- what is told ------------------------------------------------------------------------------

    def _weigh(self, end: _End, *, connected: bool) -> None:
        failure = end.failure
        evidence = FailureEvidence(
            self._slot.key.role,
            failure.cause,
            answered=failure.answered,
            reported=end.run.reported(end.at),
            idle=end.idle,
            configured=failure.configured,
        )
        self._slot.failures.weigh(self._slot.completed(evidence)._replace(connected=connected))

    def _fact(self, end: _End) -> events.ProcessExited:
        return events.ProcessExited(
            self._slot.key,
            end.run.run_id,
            end.failure.cause,
            end.how.code,
            end.how.signal,
            end.at - end.run.began,
            not end.blamed,
            self._output.last_lines,
            self._slot.segment,
            None if end.silent is None else end.at - end.silent,
            end.at,
            end.failure.said,
            end.run.left,
        )

    def _tell(self, end: _End, connected: bool) -> None:  # noqa: FBT001 - as it is put off
        """The book-keeping of an exit; the next run may be alive already."""
        slot = self._slot
        if end.blamed:
            self._weigh(end, connected=connected)
        fact = self._fact(end)
        if fact.signal == signal.SIGKILL and not fact.planned and slot.host.memory.ran_out():
            fact = replace(fact, cause=ExitCause.OUT_OF_MEMORY)
            slot.failures.want_of_memory()
        slot.failures.count(fact.cause)
        lines = end.lines
        if words := self._rival(fact):
            fact = replace(fact, last_words=(*fact.last_words, words))
            lines.append(f"[neverdark] {words}")
        if not fact.planned:
            said = telling(slot.key.role, fact.cause, fact.last_words, FAILURE_LINES)
            slot.failures.show(LastFailure(fact.cause, end.wall, said, fact.said))
        how = f"signal {fact.signal}" if fact.signal else f"exit code {fact.code}"
        words = "looked at no more" if fact.left else "ended"
        lines.append(f"[neverdark] {words} after {fact.seconds:.1f} s: {fact.cause} ({how})")
        self._output.write(lines, end.wall, slot.host.loop.time())
        slot.host.tell(fact)

    def _rival(self, fact: events.ProcessExited) -> str | None:
        """In words, that somebody else seems to publish where this pusher does."""
        slot = self._slot
        if slot.key.role is not Role.PUSHER or fact.planned:
            return None
        soon = fact.cause is ExitCause.INGEST_CLOSED and fact.seconds < ENDED_SOON_SECONDS
        self._closed_soon = self._closed_soon + 1 if soon else 0
        return suspicion(fact.cause, fact.last_words, self._closed_soon, slot.host.rivals.of(slot.key))

    # --- a run that never was ----------------------------------------------------------------------

    def not_started(self, error: OSError | ValueError) -> None:
        """The program could not be started: an end like any other, but of no run."""
        slot = self._slot
        slot.catch_up()  # the end of the run before has a reason of its own
        cause, reason = why_not_started(error, slot.key.role)
        message = self._output.clean(f"cannot start {slot.spec.argv[0]}: {reason}")
        slot.failures.count(cause)
        slot.fail(FailureEvidence(slot.key.role, cause), message)
        slot.failures.show(LastFailure(cause, slot.host.machine.wall(), (message,), message))
        slot.dispatch(Exited(cause))
        slot.host.tell(events.SpawnFailed(slot.key, cause, message))
