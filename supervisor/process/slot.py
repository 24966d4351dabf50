"""The life of one process' place: carries out what its lifecycle decides."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from supervisor.ffmpeg.telling import telling
from supervisor.judge.attribution import FailureEvidence
from supervisor.judge.uplink import UplinkMeter
from supervisor.lifecycle import table as lifecycle
from supervisor.lifecycle import types as lifecycle_types
from supervisor.lifecycle.types import Exited, Restart, Start, Stop, Tick, UplinkBlocked, View
from supervisor.model import events
from supervisor.model.snapshot import LastFailure, ProcessSnapshot
from supervisor.model.terms import ExitCause, RestartReason, State, Trouble
from supervisor.process.changeover import REPLACEMENTS, Changeover
from supervisor.process.ending import FAILURE_LINES, Ending
from supervisor.process.launch import Launch
from supervisor.process.place import Place, Shown
from supervisor.process.reports import Reports
from supervisor.process.rounds import look
from supervisor.process.successor import Successor

if TYPE_CHECKING:
    import asyncio

    from supervisor.desired.plan import ProcessSpec
    from supervisor.ffmpeg.parameters import Parameters
    from supervisor.process.adoption import Adoptable
    from supervisor.process.host import Host
    from supervisor.process.run import Run
    from supervisor.secrets.secrecy import Redactor

_TROUBLE = {
    RestartReason.STALL: Trouble.STALL,
    RestartReason.START_TIMEOUT: Trouble.START_TIMEOUT,
    RestartReason.UPLINK: Trouble.UPLINK_BLOCKED,
}


class Slot(Place):
    """One process of a stream, through all of its runs. Lives on the engine's loop."""

    def __init__(self, spec: ProcessSpec, redactor: Redactor, host: Host) -> None:
        super().__init__(spec, host)
        self._timer: asyncio.TimerHandle | None = None
        self.successor: Successor | None = None
        self._put_off: list[Callable[[], None]] = []
        self._shown: Shown | None = None  # as it was before what is still to be told
        self.reports = Reports(self, redactor)
        self._launch = Launch(self, self.reports.output.outlet.fd)
        self._ending = Ending(self)

    # --- orders ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Let it run; what failed before it was stopped has nothing to do with it."""
        if self.status.state is State.STOPPED:
            self._begin_afresh()
        self.dispatch(Start())

    def stop(self, *, force: bool = False) -> None:
        """End it as planned; `force` skips the polite signals."""
        self._give_up_successor()
        self.changeover = None
        self._launch.once(None)
        self.dispatch(Stop())
        if force:
            self.send(signal.SIGKILL)

    def restart(self, reason: RestartReason) -> None:
        """Replace it on purpose; what failed before has nothing to do with it."""
        self._give_up_successor()
        self._launch.once(None)
        self._begin_afresh()
        self._break_first(reason)
        self.dispatch(Restart(reason))

    # --- a replacement that nobody sees ------------------------------------------------------------

    def replace(self, reason: RestartReason) -> bool:
        """Replace it on purpose, the next run beside this one: returns False where that cannot be.

        If the next one does not come to send, this one is replaced as by `restart`.
        """
        now = self.host.loop.time()
        if self.successor:
            return True  # it is being replaced
        if not self.feeds or not self.feeds.on_feed or not self.advancing(now) or self.adoptable:
            return False
        if self.spec.awaits:  # its publisher comes once, and the port is taken
            return False
        self._launch.once(None)
        self._begin_afresh()
        try:
            self.successor = Successor(self, self._launch, reason, self.reports.url)
        except (OSError, ValueError):
            return False
        return True

    def follow_with(self, successor: Successor, seconds: float) -> None:
        """The pushers' media comes from it already, since it stood still for `seconds`: this run can go."""
        self.host.tell(events.EncoderReplaced(self.key, successor.reason, seconds))
        self.dispatch(Restart(successor.reason))

    def go_without(self, successor: Successor) -> None:
        """There is none after all."""
        self.successor = None
        if self.alive and not self.status.ending:
            self._break_first(successor.reason, successor.decided)
            self.dispatch(Restart(successor.reason))

    def _break_first(self, reason: RestartReason, decided: float | None = None) -> None:
        """It is ended before the next run sends, which was `decided` then; without a word of it, now."""
        now = self.host.loop.time()
        if self.feeds and self.feeds.on_feed and self.advancing(now) and reason in REPLACEMENTS:
            since = now if decided is None else decided
            self.changeover = Changeover(self, since, self.meter.frame_rate, REPLACEMENTS[reason])

    def follow_nobody(self) -> None:
        """Another encoder feeds now: there is nothing to go over from, and no viewer sees a replacement."""
        if successor := self.successor:
            self._give_up_successor()
            self.go_without(successor)

    @property
    def helper(self) -> tuple[int, str] | None:
        """The run that is to follow this one."""
        return self.successor.helper if self.successor else None

    def _give_up_successor(self) -> None:
        if self.successor:
            self.successor.give_up()
            self.successor = None

    def _begin_afresh(self) -> None:
        self.catch_up()  # what has failed before is told with its own reasons
        self.failures.forgive()
        if self.source:
            self.source.hope()

    def await_next_run(self) -> None:
        """Its encoder is about to be replaced on purpose; what it has not begun to send, it leaves out."""
        if self.intake and self.meter.last_advance is None:
            self.intake.await_next_run()

    def recover(self, reason: RestartReason) -> None:
        """Replace it because the second layer says so: with all attempts, and whatever it waits for."""
        if not self.replace(reason):
            self._break_first(reason)
            self.dispatch(Restart(reason, force=True))

    def run_once(self, argv: Sequence[str]) -> None:
        """Replace it by another command line for one run; the run after that is as it should be."""
        self._give_up_successor()
        self._launch.once(argv)
        self.catch_up()
        self.failures.forgive()
        self.dispatch(Restart(RestartReason.OPERATOR, force=True))

    def feed(self, eaters: Sequence[Slot]) -> None:
        """From now on its media goes to these, and to no others."""
        for gone in [eater for eater in self.eaters if eater.feeder is self]:
            gone.feeder = None
        self.eaters = tuple(eaters)
        for eater in self.eaters:
            if eater.feeder is not self:
                eater.count_from(self)
            eater.feeder = self

    def update(self, spec: ProcessSpec, redactor: Redactor) -> None:  # noqa: C901 - each part is on its own
        """Take a changed specification; one that changes the command line replaces the process."""
        if spec.tracked:
            self.reports.track()  # first, for it may fail, and then nothing has changed
        if self.content:
            self.content.follow(spec.content)
        before, self.spec = self.spec, spec
        replaced = spec.argv != before.argv
        if replaced:
            self._give_up_successor()  # it is as this one was
            self.failures.forget_certificate()
            self.ready_argv = None
            if self.source:
                self.source.renew(spec)
        if (spec.output_file, spec.kept) != (before.output_file, before.kept):
            self.recording = self.host.machine.recording(spec.output_file, spec.kept) if spec.output_file else None
        self.reports.output.hide(redactor)
        if bool(self.uplink) != bool(spec.ingest):
            self.uplink = UplinkMeter() if spec.ingest else None
        self.observed = {one.name: self.observed.get(one.name, UplinkMeter()) for one in spec.observed}
        if replaced and self.status.wanted:
            if not self.replace(RestartReason.CONFIG):
                self.restart(RestartReason.CONFIG)
        elif before.ingests != spec.ingests and self.status.state is State.BACKOFF:
            self.dispatch(lifecycle_types.RetryNow())  # what it waited for may be none of its business any more
        elif before.policies != spec.policies:
            self.dispatch(lifecycle_types.PoliciesChanged())

    def close(self) -> None:
        """Let go of everything; the process is gone by now."""
        if self._timer:
            self._timer.cancel()
        self._give_up_successor()
        self.feed(())
        self.reports.let_go()
        self.catch_up()
        self.reports.output.close()

    # --- turns of its life -------------------------------------------------------------------------

    def dispatch(self, event: lifecycle_types.Event) -> None:
        """One turn of the lifecycle: actions at once, book-keeping after them."""
        step = lifecycle.step(self.status, event, self._view(event))
        if isinstance(event, Tick) and not step.actions and not step.notices:
            self.status = step.status  # the deadline has moved, as nearly always: there is nothing to tell
            self._arm()
            return
        self.keep_shown()
        self.status = step.status
        for action in step.actions:
            self._act(action)
        self._arm()
        for notice in step.notices:
            self._take_notice(notice)
        if not self._put_off:
            self._shown = None
        self.host.owner.turned(self)

    def _view(self, event: lifecycle_types.Event) -> View:
        now, policies, tracked = self.host.loop.time(), self.spec.policies, self.spec.tracked
        chance, down = self.host.machine.chance(), self.line_is_down()
        if isinstance(event, Exited):  # nothing is overdue of a run that is over, and the next one waits for this
            listens = self.spec.awaits is not None
            return View(now, policies, chance, tracked, None, down, listens=listens)
        usual = self.usual_silence(now) + self._wait_for_keyframe + self._patience(now)
        last = self.meter.last_advance
        if last is None and self.run:
            last = self.run.believed
        return View(now, policies, chance, tracked, last, down, usual, self.fed)

    @property
    def _wait_for_keyframe(self) -> float:
        """Seconds for which a pusher that has just been started may have nothing that it could begin with."""
        feeds = self.feeder.feeds if self.feeder and self.meter.last_advance is None else None
        return feeds.keyframe_distance if feeds else 0.0

    def _patience(self, now: float) -> float:
        return self.source.patience(now) if self.source and self.meter.last_advance is None else 0.0

    def _act(self, action: lifecycle_types.ProcessAction) -> None:
        match action:
            case lifecycle_types.Spawn(reason):
                self._spawn(reason)
            case lifecycle_types.Kill():
                if (run := self.run) and not run.over:
                    run.was_stopped = self.host.machine.is_stopped(run.child.pid)
                self.send(signal.SIGKILL)
            case lifecycle_types.Terminate():
                self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Signal it and all that it has started; what is held has never begun."""
        if child := self.child:
            child.signal_group(number)
        elif self.held:
            self.held = False
            self.host.loop.call_soon(self.dispatch, Exited(ExitCause.STOPPED))

    def release(self) -> None:
        """Try again what was held."""
        if self.held:
            self._spawn(self.status.reason)

    def _spawn(self, reason: RestartReason | None) -> None:
        self.held = not self.host.claims.claim(self)
        if self.held:
            return
        if self.adoptable:
            self._take_over(self.adoptable)
            return
        if self.successor and self._follow(self.successor):
            return
        if self.changeover:
            self.changeover.look_back()
        try:
            run = self._launch.start(reason, self.reports.url)
        except (OSError, ValueError) as error:
            # Not from here: this is the middle of a turn of the lifecycle.
            self.host.loop.call_soon(self._ending.not_started, error)
            return
        self._begin_run(run)
        if reason:
            self.restarts = {**self.restarts, reason: self.restarts.get(reason, 0) + 1}
        self.put_off(partial(self._tell_start, run.run_id, run.child.pid, reason))

    def _follow(self, successor: Successor) -> bool:
        """Its run is there already; False if it is over."""
        self.successor, run = None, successor.surrender()
        if run is None:
            return False
        self._begin_run(run)
        if self.source:
            self.source.go_on_beside(run.began)
        reason = successor.reason
        self.restarts = {**self.restarts, reason: self.restarts.get(reason, 0) + 1}
        self.put_off(partial(self._tell_start, run.run_id, run.child.pid, reason))
        return True

    def _take_over(self, found: Adoptable) -> None:
        self.adoptable, run = None, self._launch.take_over(found)
        now, stall = self.host.loop.time(), self.spec.policies.stall
        if self.spec.tracked:
            if run.began + stall.startup <= now + stall.timeout:
                run.believed = now
            due = max(run.began + stall.startup, now + stall.timeout)
            self.status = self.status._replace(since=run.began, deadline=due)
        self._begin_run(run)
        if self.source:
            self.source.go_on(run.began, found.record.learned)
        self.put_off(partial(self._tell_adoption, run))

    def _begin_run(self, run: Run) -> None:
        self.run = run
        self.host.exits.add(run.child.pidfd, self._ending.on_exit)
        self.reports.begin_run(run)

    def _tell_start(self, run_id: str, pid: int, reason: RestartReason | None) -> None:
        self.reports.output.begin_run(run_id)
        self.host.tell(events.ProcessStarted(self.key, run_id, pid, reason))
        self._launch.prepare()

    def _tell_adoption(self, run: Run) -> None:
        self.reports.output.begin_run(run.run_id)
        self.host.tell(events.ProcessAdopted(self.key, run.run_id, run.child.pid, self.host.loop.time() - run.began))

    # --- its failures ------------------------------------------------------------------------------

    def fail(self, evidence: FailureEvidence, said: str | None = None) -> None:
        """It fails at this moment; `said` tells more than the cause, in words for people."""
        assert evidence.cause is not None
        self.failures.blame(evidence.cause, said)
        self.failures.weigh(self.completed(evidence))

    def weigh_again(self) -> None:
        """Probes have found more about the way: it may explain the last failure."""
        self.failures.weigh(self.host.knowledge.add_to(self.failures.evidence, self.spec))

    def explain(self, said: str) -> bool:
        """Somebody has found out why the ingest's certificate is not accepted. Returns whether that failed last."""
        return self.failures.explain(said)

    def _take_notice(self, notice: lifecycle_types.Notice) -> None:
        match notice:
            case lifecycle_types.Silent(reason, seconds, named):
                self._fall_silent(self._of_storage() or named or _TROUBLE[reason], seconds)
            case lifecycle_types.Waiting(state, delay, left):
                self.put_off(partial(self._tell_retry, state, delay, left))  # after the exit it follows from
            case lifecycle_types.Refilled():
                self.host.tell(events.BudgetRefilled(self.key))

    def _of_storage(self) -> Trouble | None:
        """What keeps a recording from going on is its disk, unless somebody has stopped its process."""
        stopped = self.run is not None and self.run.was_stopped
        return Trouble.STORAGE if self.spec.kept and not stopped else None

    def _fall_silent(self, trouble: Trouble, seconds: float) -> None:
        run, now = self.run, self.host.loop.time()
        said = telling(self.key.role, trouble, self.reports.output.last_lines, FAILURE_LINES)
        self.failures.show(LastFailure(trouble, self.host.machine.wall(), said))
        stopped, reported = run is not None and run.was_stopped, run is not None and run.reported(now)
        idle = self.was_idle(now)
        self.fail(FailureEvidence(self.key.role, trouble, reported=reported, stopped=stopped, idle=idle))
        left = self.spec.external is not None
        self.host.tell(events.ProcessSilent(self.key, self.run_id or "", trouble, seconds, self.segment, left))

    def _tell_retry(self, state: State, delay: float, left: int) -> None:
        cause = self.failures.cause or ExitCause.OTHER
        self.host.tell(events.RetryScheduled(self.key, state, delay, left, cause))

    # --- what waits for a quieter moment -----------------------------------------------------------

    def put_off(self, work: Callable[[], None], place: int | None = None) -> None:
        """Do this a little later, for the sake of a quicker respawn; `place`: before what else was put off."""
        self._put_off.insert(len(self._put_off) if place is None else place, work)
        self.host.backlog.put_off(self)

    @property
    def put_off_so_far(self) -> int:
        """How much is put off: a place for `put_off`."""
        return len(self._put_off)

    def catch_up(self) -> None:
        """Do the book-keeping that was put off: all of it, whatever goes wrong with a piece."""
        while self._put_off:
            work = self._put_off.pop(0)
            try:
                work()
            except Exception as error:  # noqa: BLE001 - it is told, and the next piece is done all the same
                self.host.loop.call_exception_handler({"message": f"book-keeping of {self.key}", "exception": error})
        self._shown = None

    # --- time --------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """One timer a slot. A deadline that moved away costs nothing: the tick looks again and re-arms."""
        deadline = self.status.deadline
        if self._timer is not None:
            if deadline is not None and self._timer.when() <= deadline and not self._timer.cancelled():
                return
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            self._timer = self.host.loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.hear_first()
        deadline = self.status.deadline
        try:
            if deadline is not None and self.host.loop.time() >= deadline:
                self.dispatch(Tick())
            else:
                self._arm()
        except Exception:  # a mistake of ours must not leave a process that nobody looks at
            self._timer = self.host.loop.call_later(1.0, self._tick)
            raise

    look = look  # called every second, while its stream is wanted

    # --- what others have to say -------------------------------------------------------------------

    def hear_first(self) -> None:
        """Take in what was sent before what happens now, its feeder's reports first.

        If this loop was stopped itself (SIGSTOP, a frozen container), timers and ends come before what was sent
        meanwhile: a healthy process would be killed for our own silence, and one that was fed would seem to have been
        given nothing.
        """
        for slot in (self.feeder, self):
            if slot:
                slot.read_progress()

    def read_progress(self) -> None:
        """Take in the reports that are waiting."""
        self.reports.read_progress()

    def learn(self, parameters: Parameters) -> None:
        """Its encoder's media is made of these from now on."""
        self.reports.learn(parameters)

    def uplink_blocked(self, seconds: float) -> None:
        """The kernel says that the ingest has acknowledged nothing for so long."""
        self.dispatch(UplinkBlocked(seconds))

    # --- what it shows -----------------------------------------------------------------------------

    def keep_shown(self, before: Shown | None = None) -> Shown:
        """Something changes now of which the telling is put off: until then what is shown is as it was `before`."""
        if self._shown is None:
            self._shown = before or self.shown()
        return self._shown

    def snapshot(self, now: float, wall: float) -> ProcessSnapshot:
        """The process as the outside may see it: never a state without what led to it having been told."""
        before = self._shown if self._put_off else None
        return self.snapshot_of(before or self.shown(), now, wall)
