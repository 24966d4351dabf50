"""The place of one process: carries out what its lifecycle decides, and collects what its runs tell."""

from __future__ import annotations

import asyncio
import errno
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from supervisor.desired.plan import PROGRESS, ProcessSpec
from supervisor.ffmpeg.destinations import MEDIA_DESCRIPTOR
from supervisor.ffmpeg.failure import Failure, classify
from supervisor.ffmpeg.opening import Traits
from supervisor.ffmpeg.parameters import Parameters, picture
from supervisor.ffmpeg.phrases import CERTIFICATE, OF_CERTIFICATES, not_carried
from supervisor.ffmpeg.progress import parse_report
from supervisor.ffmpeg.sources import lacks_picture, waiting_for_picture
from supervisor.ffmpeg.telling import telling
from supervisor.judge.attribution import Evidence, segment_of
from supervisor.judge.incident import BREAKS_WITHIN
from supervisor.judge.incidents import Book
from supervisor.judge.progress_meter import ProgressMeter
from supervisor.judge.rhythm import Rhythm
from supervisor.judge.rivals import SOON_SECONDS, suspicion
from supervisor.judge.source_clock import SourceClock
from supervisor.judge.source_watch import SourceWatch
from supervisor.judge.uplink import UplinkMeter
from supervisor.lifecycle import table as lifecycle
from supervisor.lifecycle import types as lifecycle_types
from supervisor.lifecycle.pauses import had_nothing, must_not_be_hurried
from supervisor.lifecycle.types import Advanced, Exited, Restart, Start, Status, Stop, UplinkBlocked, Useless, View
from supervisor.machine.data_dir import DataDir
from supervisor.machine.gather import Gather
from supervisor.machine.machine import Machine
from supervisor.machine.marks import RUN_VARIABLE, run_id_of
from supervisor.machine.media_links import MediaLinks
from supervisor.machine.process import Child
from supervisor.machine.runlog import Trouble as StorageTrouble
from supervisor.model import events
from supervisor.model.quantities import Address
from supervisor.model.snapshot import LastFailure, ProcessSnapshot
from supervisor.model.terms import (
    EXITS_OF,
    REASONS_OF,
    Cause,
    Exit,
    ExitCause,
    ProcessKey,
    Refusal,
    RestartReason,
    Role,
    Segment,
    State,
    Trouble,
)
from supervisor.model.thresholds import ON_AIR_SECONDS
from supervisor.process.feeds import Feeds
from supervisor.process.intake import Intake
from supervisor.process.output import Output
from supervisor.secrets.secrecy import Redactor

UNTRACKED_SECONDS = 1.0  # who reports nothing has proved something by living this long
_MOST_REPORTS = 100  # that one look takes in: a flood of them must not hold up the loop
_FAILURE_LINES = 20
_BACKLOG_SHARE = 0.85  # of what is allowed at most: it is looked at once a second, and a new connection takes its time
_PATIENCE_SHARE = 0.8  # of a start: so that FFmpeg can say itself that it has waited in vain
_REPORTED_SECONDS = 2.0  # FFmpeg reports twice a second, whether or not anything advances
_TROUBLE = {
    RestartReason.STALL: Trouble.STALL,
    RestartReason.START_TIMEOUT: Trouble.START_TIMEOUT,
    RestartReason.UPLINK: Trouble.UPLINK_BLOCKED,
}
_ON_PURPOSE = frozenset({None, RestartReason.OPERATOR, RestartReason.CONFIG, RestartReason.PARAMETERS})
# What fails like this may do so because our own line is down.
_OVER_THE_LINE = frozenset(
    {ExitCause.INGEST_UNREACHABLE, ExitCause.INGEST_CLOSED, Trouble.UPLINK_BLOCKED, Trouble.START_TIMEOUT}
)
_MAY_SAY_HOW_LONG = frozenset({Refusal.BUSY, Refusal.LIMITED})


@dataclass(frozen=True, slots=True)
class Host:
    """What a slot needs of the engine."""

    loop: asyncio.AbstractEventLoop
    machine: Machine
    progress: Gather
    environment: Callable[[ProcessKey], Mapping[str, str]]
    file_limits: tuple[int, int]  # soft and hard, of each child's open files
    data_dir: DataDir
    links: MediaLinks
    tell: events.Listener
    trouble: StorageTrouble
    changed: Callable[[Slot], None]  # called after every turn of the lifecycle
    later: Callable[[Slot], None]  # has `catch_up` called when nothing more urgent is left
    claim: Callable[[Slot], bool]  # whether it may do now what no two processes may do at the same time
    memory_ran_out: Callable[[], bool]  # whether the kernel has ended somebody for want of memory, a moment ago
    line_down: Callable[[Address], bool]  # whether it is our own line that keeps this ingest from us
    book: Book
    adapted: Callable[[str, Traits], tuple[str, ...]]  # a stream's encoder, made for what is known of its source
    add_looks: Callable[[Evidence, ProcessSpec], Evidence]  # adds what probes have found to the evidence of a failure
    rival: Callable[[ProcessKey], str | None] = lambda _: None  # who else is known to publish on its key, in words


def _watch(spec: ProcessSpec) -> SourceWatch | None:
    encodes = spec.key.role is Role.ENCODER
    return SourceWatch(sound=spec.takes_sound, copied=spec.copies_picture) if encodes else None


class Slot:
    """One process of a stream, through all of its runs. Lives on the engine's loop."""

    def __init__(self, spec: ProcessSpec, redactor: Redactor, host: Host) -> None:
        self.spec = spec
        self.key = spec.key
        self.status = Status()
        self.feeder: Slot | None = None
        self.eaters: list[Slot] = []  # whom it feeds
        self.child: Child | None = None
        self.run_id: str | None = None
        self.started: float | None = None  # wall clock
        self.restarts: Mapping[RestartReason, int] = dict.fromkeys(REASONS_OF[spec.key.role], 0)
        self.exits: Mapping[ExitCause, int] = dict.fromkeys(EXITS_OF[spec.key.role], 0)
        self.last_cause: Cause | None = None
        self.last_said: str | None = None  # more than the last cause tells, in words for people
        self.evidence = Evidence(spec.key.role)  # of the last failure
        self.last_failure: LastFailure | None = None
        self.held = False  # it shall run, and waits for another process that does the same to be gone
        self.meter = ProgressMeter(video=spec.video)
        self.uplink = UplinkMeter() if spec.ingest else None
        self.observed = {one.name: UplinkMeter() for one in spec.observed}
        self.intake = Intake(host.links.get(spec.key.stream, spec.key.destination)) if spec.media_port else None
        self.feeds = Feeds(host.machine, host.links, spec.key.stream) if spec.key.role is Role.ENCODER else None
        self._clock = SourceClock() if spec.key.role is Role.ENCODER else None
        self.rhythm = Rhythm() if spec.in_pieces else None
        self._resumed: float | None = None  # when a pusher's media came back in this run, after it had nothing to send
        self._closed_soon = 0  # times in a row
        self._recording = host.machine.recording(spec.output_file) if spec.output_file else None
        self._fed_before = 0.0  # the feeder's count at our last advance, or at the start of our run
        self._cpu_seconds = 0.0
        self.made = host.loop.time()
        self._run_started = 0.0  # monotonic
        self._last_report = 0.0
        self._argv_once: tuple[str, ...] | None = None
        self._argv_adapted: tuple[str, ...] | None = None  # with what the runs before have found out
        self.source = _watch(spec)
        self._late_picture = False  # the source shows its picture later than FFmpeg waits for by itself
        self._was_stopped = False  # by somebody else, at the moment when we killed it
        self._read_to_end = False  # what it reads has ended, and it would go on without
        self._certificate: str | None = None  # why it was not accepted, as far as somebody has looked
        self._not_carried: str | None = None  # why this run is of no use: a track that cannot be sent on
        self._host = host
        self._timer: asyncio.TimerHandle | None = None
        self._pending: deque[Callable[[], None]] = deque()
        self._output = Output(
            host.machine, host.data_dir, spec.key.stream, spec.key.name, redactor, host.trouble, self._heed
        )
        host.loop.add_reader(self._output.outlet.fd, self._on_output)
        self._progress = host.machine.progress_socket() if spec.tracked else None
        if self._progress:
            host.progress.add(self._progress.fd, self._on_progress)
        if self.feeds:
            host.loop.add_reader(self.feeds.tap.fd, self._on_parameters)

    # --- orders ------------------------------------------------------------------------------------

    def dispatch(self, event: lifecycle_types.Event) -> None:
        """One turn of the lifecycle: actions at once, book-keeping after them."""
        step = lifecycle.step(self.status, event, self._view())
        self.status = step.status
        for action in step.actions:
            self._act(action)
        self._arm()
        for fact in step.facts:
            self._tell(fact)
        self._host.changed(self)

    def start(self) -> None:
        """Let it run; what failed before it was stopped has nothing to do with it."""
        if self.status.state is State.STOPPED:
            self.last_cause = None
            self._hope()
        self.dispatch(Start())

    def stop(self, *, force: bool = False) -> None:
        """End it as planned; `force` skips the polite signals."""
        self._argv_once = None
        self.dispatch(Stop())
        if force:
            self._signal(signal.SIGKILL)

    def restart(self, reason: RestartReason) -> None:
        """Replace it on purpose; what failed before has nothing to do with it."""
        self.last_cause, self._argv_once = None, None
        self._hope()
        self.dispatch(Restart(reason))

    def await_next_run(self) -> None:
        """Its encoder is about to be replaced on purpose; what it has not begun to send, it leaves out."""
        if self.intake and self.meter.last_advance is None:
            self.intake.await_next_run()

    def recover(self, reason: RestartReason) -> None:
        """Replace it because the second layer says so: with all attempts, and whatever it waits for."""
        self.dispatch(Restart(reason, force=True))

    def run_once(self, argv: Sequence[str]) -> None:
        """Replace it by another command line for one run; the run after that is as it should be."""
        self._argv_once = tuple(argv)
        self.last_cause = None
        self.dispatch(Restart(RestartReason.OPERATOR, force=True))

    def update(self, spec: ProcessSpec, redactor: Redactor) -> None:
        """Take a changed specification; one that changes the command line replaces the process."""
        replaced = spec.argv != self.spec.argv
        if replaced:
            self._argv_adapted, self._late_picture, self._certificate = None, False, None
            self.source = _watch(spec)
            self.rhythm = Rhythm() if spec.in_pieces else None
        if spec.output_file != self.spec.output_file:
            self._recording = self._host.machine.recording(spec.output_file) if spec.output_file else None
        before, self.spec = self.spec, spec
        self._output.hide(redactor)
        if bool(self.uplink) != bool(spec.ingest):
            self.uplink = UplinkMeter() if spec.ingest else None
        self.observed = {one.name: self.observed.get(one.name, UplinkMeter()) for one in spec.observed}
        if spec.tracked and self._progress is None:
            self._progress = self._host.machine.progress_socket()
            self._host.progress.add(self._progress.fd, self._on_progress)
        if replaced and self.status.wanted:
            self.restart(RestartReason.CONFIG)
        elif before.ingests != spec.ingests and self.status.state is State.BACKOFF:
            self.dispatch(lifecycle_types.RetryNow())  # what it waited for may be none of its business any more
        elif before.policies != spec.policies:
            self.dispatch(lifecycle_types.PoliciesChanged())

    def close(self) -> None:
        """Let go of everything; the process is gone by now."""
        if self._timer:
            self._timer.cancel()
        self._host.loop.remove_reader(self._output.outlet.fd)
        if self._progress:
            self._host.progress.remove(self._progress.fd)
            self._progress.close()
        if self.feeds:
            self._host.loop.remove_reader(self.feeds.tap.fd)
            self.feeds.close()
        self.catch_up()
        self._output.close()

    def catch_up(self) -> None:
        """Do the book-keeping that was put off for the sake of a quicker respawn."""
        while self._pending:
            self._pending.popleft()()

    def _put_off(self, work: Callable[[], None]) -> None:
        self._pending.append(work)
        self._host.later(self)

    # --- what is known -----------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """A process exists."""
        return self.child is not None

    @property
    def excused(self) -> bool:
        """It has had no chance yet: a start, or a replacement on purpose. Nothing has failed."""
        planned = self.status.reason in _ON_PURPOSE
        leaving = self.status.state is State.STOPPING
        return self.last_cause is None and planned and (leaving or self.meter.last_advance is None)

    @property
    def waits_for_ingest(self) -> bool:
        """It waits for its next attempt because the ingest could not be reached."""
        waiting = self.status.state in {State.BACKOFF, State.COOLDOWN}
        return waiting and self.last_cause is ExitCause.INGEST_UNREACHABLE

    @property
    def waits_for_source(self) -> bool:
        """Its source could not be reached when it last tried, so that it may try again as soon as it can be."""
        return self.last_cause is ExitCause.SOURCE_UNREACHABLE and not self.refused

    @property
    def refused(self) -> bool:
        """What it reads from has refused it, and counts how often it is asked. Over when a run makes progress."""
        return self.key.role is not Role.PUSHER and must_not_be_hurried(self.status.refusal)

    @property
    def may_be_told_to_wait(self) -> bool:
        """It waits because a web server refused it that may say for how long."""
        waits = self.status.state in {State.BACKOFF, State.COOLDOWN}
        return waits and self.status.refusal in _MAY_SAY_HOW_LONG and self.spec.question_url is not None

    @property
    def first_layer_at_work(self) -> bool:
        """It is being replaced, or will be in a moment: not yet out of attempts, nor running as if all were well."""
        return self.status.ending or self.status.state not in {State.RUNNING, State.COOLDOWN}

    @property
    def segment(self) -> Segment:
        """The segment to which its last failure points; without one, its own."""
        return segment_of(self.evidence._replace(cause=self.last_cause))

    def advancing(self, now: float) -> bool:
        """It runs and has shown progress of late; one that reports none has lived for a moment."""
        if self.status.state is not State.RUNNING or self.status.ending:
            return False
        if not self.spec.tracked:
            return now - self.status.since >= UNTRACKED_SECONDS
        last = self.meter.last_advance
        if last is None:
            return False
        return now - last <= ON_AIR_SECONDS or now - last <= ON_AIR_SECONDS + self.usual_silence(now)

    def usual_silence(self, now: float) -> float:
        """Seconds without media that are no news, because of how the source delivers."""
        rhythm = (self.feeder or self).rhythm
        return rhythm.allowance(now) if rhythm else 0.0

    def proof(self, now: float) -> float | None:
        """When it last proved that it is alive, while it is; of who reports nothing, the start of its run is all."""
        if not self.advancing(now):
            return None
        return self.meter.last_advance if self.spec.tracked else self.status.since

    def _view(self) -> View:
        return View(
            now=self._host.loop.time(),
            policies=self.spec.policies,
            random=self._host.machine.chance(),
            tracked=self.spec.tracked,
            last_advance=self.meter.last_advance,
            line_down=self.line_is_down(),
            usual=self.usual_silence(self._host.loop.time()) + self._wait_for_keyframe + self._patience(),
            fed=self.fed,
        )

    @property
    def over_the_line(self) -> bool:
        """Its last failure may be that of our own line."""
        return bool(self.spec.ingests) and self.last_cause in _OVER_THE_LINE

    def line_is_down(self) -> bool:
        """It is our own line that keeps it from its ingest."""
        return self.over_the_line and any(self._host.line_down(way.address) for way in self.spec.ingests)

    @property
    def connected(self) -> bool:
        """A connection to an ingest stands."""
        meters = [self.uplink] if self.uplink else list(self.observed.values())
        return any(meter.totals.connected for meter in meters)

    def uplink_to(self, destination: str) -> UplinkMeter | None:
        """What is known of the connection to a destination."""
        return self.uplink or self.observed.get(destination)

    @property
    def fed(self) -> float | None:
        """Media seconds that its feeder delivered since it last advanced; None: it has no feeder."""
        return self._fed_so_far() - self._fed_before if self.feeder else None

    @property
    def _wait_for_keyframe(self) -> float:
        """Seconds for which a pusher that has just been started may have nothing that it could begin with."""
        feeds = self.feeder.feeds if self.feeder and self.meter.last_advance is None else None
        return feeds.keyframe_distance if feeds else 0.0

    def _fed_so_far(self) -> float:
        return self.feeder.meter.fed_seconds if self.feeder else 0.0

    # --- actions -----------------------------------------------------------------------------------

    def _act(self, action: lifecycle_types.Action) -> None:
        match action:
            case lifecycle_types.Spawn(reason):
                self._spawn(reason)
            case lifecycle_types.Kill():
                self._was_stopped = self.child is not None and self._host.machine.is_stopped(self.child.pid)
                self._signal(signal.SIGKILL)
            case lifecycle_types.Terminate():
                self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        if self.child:
            self.child.signal_group(number)
        elif self.held:
            self.held = False
            self._host.loop.call_soon(self.dispatch, Exited(ExitCause.STOPPED))

    def release(self) -> None:
        """Try again what was held."""
        if self.held:
            self._spawn(self.status.reason)

    def _spawn(self, reason: RestartReason | None) -> None:
        self.held = not self._host.claim(self)
        if self.held:
            return
        loop = self._host.loop
        wall = self._host.machine.wall()
        run_id = run_id_of(wall, self.status.run)
        inherited: dict[int, int] = {}
        if self.intake:
            self.intake.begin_run(loop.time(), self.feeder.feeds.current if self.feeder and self.feeder.feeds else None)
            inherited[MEDIA_DESCRIPTOR] = self.intake.link.fd
        environment = {**self._host.environment(self.key), RUN_VARIABLE: run_id}
        try:
            child = self._host.machine.spawn(
                self._argv(wall), environment, self._output.outlet.fd, inherited, self._host.file_limits
            )
        except (OSError, ValueError) as error:
            # Not from here: this is the middle of a turn of the lifecycle.
            loop.call_soon(self._spawn_failed, error)
            return
        self.child, self.run_id, self.started = child, run_id, wall
        loop.add_reader(child.pidfd, self._on_exit)
        self._run_started = loop.time()
        self._was_stopped, self._read_to_end, self._not_carried = False, False, None
        self.meter.begin_run()
        if self._clock:
            self._clock.begin_run(self._run_started)
        if self.source:
            self.source.begin_run()
        self._fed_before, self._resumed = self._fed_so_far(), None
        if self._progress:
            self._progress.begin_run(child.pid, family=self.key.role is Role.COMMAND)
        if reason:
            self.restarts = {**self.restarts, reason: self.restarts.get(reason, 0) + 1}
        self._put_off(partial(self._begin_run, run_id, child.pid, reason))

    def _argv(self, wall: float) -> list[str]:
        url = self._progress.url if self._progress else ""
        words, self._argv_once = self._argv_once or self._argv_adapted or self.spec.argv, None
        if self._late_picture:
            words = waiting_for_picture(words, _PATIENCE_SHARE * self.spec.policies.stall.startup)
        argv = [word.replace(PROGRESS, url) for word in words]
        if self.feeds:
            argv = list(map(self.feeds.begin_run(self.spec.feeds), argv))
        if self._recording:
            path, unused = str(self._recording.path), str(self._recording.file(wall, self.status.run))
            argv = [unused if word == path else word for word in argv]
        return argv

    def _begin_run(self, run_id: str, pid: int, reason: RestartReason | None) -> None:
        self._output.begin_run(run_id)
        self._host.tell(events.ProcessStarted(self.key, run_id, pid, reason))

    def _spawn_failed(self, error: OSError | ValueError) -> None:
        code = error.errno if isinstance(error, OSError) else None
        if code in {errno.EAGAIN, errno.ENOMEM}:
            cause = ExitCause.OUT_OF_MEMORY
        elif code in {errno.EMFILE, errno.ENFILE}:
            cause = ExitCause.OTHER
        else:
            cause = ExitCause.BAD_ARGUMENTS if self.key.role is Role.COMMAND else ExitCause.ENCODER_MISSING
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else "the command line cannot be used"
        self.exits = {**self.exits, cause: self.exits.get(cause, 0) + 1}
        message = self._output.clean(f"cannot start {self.spec.argv[0]}: {reason}")
        self._blame(cause, said=message)
        self.last_failure = LastFailure(cause, self._host.machine.wall(), (message,), message)
        self.dispatch(Exited(cause))
        self._host.tell(events.SpawnFailed(self.key, cause, message))

    # --- what the process does ---------------------------------------------------------------------

    def read_progress(self) -> None:
        """Take in the reports that are waiting, but not for ever."""
        for _ in range(_MOST_REPORTS):
            if not self._progress or not (data := self._progress.read()):
                return
            self._hear(data)

    def _on_progress(self) -> None:
        assert self._progress is not None
        self._hear(self._progress.read())

    def _hear(self, data: bytes) -> None:
        if not data or self.child is None:
            return
        now = self._last_report = self._host.loop.time()
        before = self.meter.last_advance
        first = before is None
        report = parse_report(data)
        advanced = self.meter.update(report, now, self._host.machine.wall())
        if self._clock and (proof := self._clock.report(report, now)):
            self._source_failed(proof)
        if not advanced:
            return
        if self.rhythm and before is not None:
            self.rhythm.note(now - before, now)
        if before is not None and self._had_nothing(before, now):
            self._resumed = now
        self._fed_before = self._fed_so_far()
        if first:
            self.last_cause = self._certificate = None  # whatever it was, it is over
            running = self.status.state is State.STARTING
            self.dispatch(Advanced())
            if running and self.run_id:
                fact = events.ProcessAdvanced(self.key, self.run_id, now - self._run_started)
                self._put_off(partial(self._host.tell, fact))

    def _on_parameters(self) -> None:
        """The encoder's media tells what it is made of: at its start, and with each keyframe."""
        assert self.feeds is not None
        if (parameters := self.feeds.heard(self._host.loop.time())) is None:
            return
        if self.source and self.source.traits.picture is None and (shown := picture(parameters)):
            self.source.traits = self.source.traits._replace(picture=shown)
            self._argv_adapted = self._host.adapted(self.key.stream, self.source.traits)
        for pusher in self.eaters:
            pusher.learn(parameters)

    def learn(self, parameters: Parameters) -> None:
        """What comes now is made of these: a connection that has announced others must be a new one."""
        if self.intake is None or self.child is None or self.status.ending:
            return
        announced = self.intake.announced or Parameters()
        if announced.differ(parameters):
            self.dispatch(Restart(RestartReason.PARAMETERS, force=True))
        else:
            self.intake.announced = announced.updated(parameters)

    def _heed(self, line: bytes) -> bool:
        """Look at a line that the process wrote; True when it is not for people."""
        now = self._host.loop.time()
        if self._clock and self._clock.heed(line, now):
            self._source_failed(Trouble.CLOCK_JUMPED)
        if self.feeds and (why := not_carried(line)):
            self._give_up(why)
        if self.source:
            ours = self.source.heed(line, now)
            if self.source.due:
                self._host.loop.call_soon(self._look_at_source)
            return ours
        return self.intake is not None and self.intake.heed(line, now)

    def _look_at_source(self) -> None:
        """What this run has found out about its source may call for another command line."""
        if not self.source or not self.child or self.status.ending:
            return
        if self.status.state not in {State.STARTING, State.RUNNING}:
            return
        learned = self.source.look(self._host.loop.time(), advanced=self.meter.last_advance is not None)
        if learned is None:
            return
        if gap := self.source.usual_gap:
            self.rhythm = Rhythm(max(gap, Rhythm.FIRST) if self.spec.in_pieces else gap)
        before = self._argv_adapted or self.spec.argv
        self._argv_adapted = self._host.adapted(self.key.stream, self.source.traits)
        replaced = learned.replace and self._argv_adapted != before
        if replaced or not learned.replace:
            self._host.tell(events.SourceLearned(self.key, learned.words))
        if replaced:
            self.dispatch(Restart(RestartReason.CONFIG, force=True))

    def _hope(self) -> None:
        """Begin afresh with the source's sound."""
        if self.source and self.source.note:
            self.source.hope()
            self._argv_adapted = self._host.adapted(self.key.stream, self.source.traits)

    def _patience(self) -> float:
        """Seconds that a start may take longer, for the source has little to show."""
        if not self.source or self.meter.last_advance is not None:
            return 0.0
        return self.source.patience(self._host.loop.time())

    def _source_failed(self, proof: Cause) -> None:
        """What the encoder reads has ended, or its clock jumped: it would hold back media, or send none, for long."""
        if self.child is None or self.status.ending or self._read_to_end:
            return
        if proof is ExitCause.SOURCE_ENDED:
            self._read_to_end = True  # from here on as if it had ended by itself, as FFmpeg 5 does
            self._signal(signal.SIGKILL)
        elif self.status.state is State.RUNNING:
            self._host.loop.call_soon(self.dispatch, Useless(RestartReason.STALL, Trouble.CLOCK_JUMPED))

    def _give_up(self, why: str) -> None:
        """What this encoder sends on, nobody can read: every destination would wait for it in vain."""
        if self._not_carried is None and self.child and self.status.state in {State.STARTING, State.RUNNING}:
            self._not_carried = why
            self._host.loop.call_soon(self._signal, signal.SIGKILL)

    def _on_output(self) -> None:
        self.catch_up()  # the run before must be closed before this one's words are kept
        self._output.read(self._host.loop.time())

    def _on_exit(self) -> None:
        """Replace it, if it shall be, and only then note what is known of its end: nothing of that has changed."""
        child, run_id = self.child, self.run_id
        assert child is not None
        assert run_id is not None
        loop = self._host.loop
        how, cpu = child.reap()
        if self._read_to_end:
            how = Exit(0, None)
        self.child = None
        self._cpu_seconds += cpu
        planned, ours = self.status.state is State.STOPPING, self.status.ending
        failure, lines, again = self._diagnose(how, planned=planned)
        if self._certificate and failure.said == CERTIFICATE:
            failure = replace(failure, said=self._certificate)
        again = again and not planned and not ours
        blamed = not (planned or ours or again)
        if blamed:
            self.last_cause, self.last_said = failure.cause, failure.said
        silent, began, place = self._silent_since(), self._run_started, len(self._pending)
        now, wall = loop.time(), self._host.machine.wall()
        idle = self._was_idle(now)
        try:
            self.dispatch(Exited(failure.cause, None if again else failure.refusal, again=again or idle))
        finally:
            loop.remove_reader(child.pidfd)
            child.close()
            if blamed:
                self._blame(
                    failure.cause, failure.said, answered=failure.answered, idle=idle, configured=failure.configured
                )
            fact = events.ProcessExited(
                self.key,
                run_id,
                failure.cause,
                how.code,
                how.signal,
                now - began,
                not blamed,
                self._output.last_lines,
                self.segment,
                None if silent is None else now - silent,
                now,
                failure.said,
            )
            self._pending.insert(place, partial(self._end_run, lines, wall, fact))  # before the run that follows
            self._host.later(self)
        if self.intake:
            self.intake.ended(now, replaced=self.child is not None)
        if self.feeds and self.child is None:
            self.feeds.ended()
        if self._recording and self.child is None:
            self._recording.tidy()

    def _was_idle(self, now: float) -> bool:
        """It has, or a moment ago it had, sent all that it was given, and long ago.

        An ingest hangs up on who sends nothing, and the next bytes show it: no failure of its own, and media waits.
        """
        if self._resumed is not None and now - self._resumed <= BREAKS_WITHIN:
            return True
        last = self.meter.last_advance
        return last is not None and self._had_nothing(last, now)

    def _had_nothing(self, last: float, now: float) -> bool:
        """Whether a pusher that has not advanced since `last` had nothing to send, for longer than is usual."""
        return now - last > ON_AIR_SECONDS and had_nothing(now - last, self.fed, self.usual_silence(now))

    def _silent_since(self) -> float | None:
        """When media last advanced; None when it has not since somebody wanted it.

        A run that never advanced continues the silence of the run before, but not one that somebody had replaced.
        """
        if self.meter.last_advance is not None or self.status.reason is None:
            return self.meter.last_advance
        if self.status.reason in {RestartReason.OPERATOR, RestartReason.CONFIG}:
            return self._run_started
        return self.meter.latest_advance

    def _blame(
        self,
        cause: Cause,
        said: str | None = None,
        *,
        answered: bool = False,
        stopped: bool = False,
        idle: bool = False,
        configured: bool = False,
    ) -> None:
        """Keep what is known of a failure at its moment; `stopped`: somebody had stopped the process by a signal."""
        self.last_cause, self.last_said = cause, said
        evidence = Evidence(
            self.key.role,
            cause,
            answered=answered,
            connected=self.connected,
            reported=self._host.loop.time() - self._last_report < _REPORTED_SECONDS,
            stopped=stopped,
            live=(self.feeder or self).spec.live,
            idle=idle,
            configured=configured,
        )
        self.evidence = self._host.add_looks(evidence, self.spec)

    def explain(self, said: str) -> None:
        """Somebody has found out why the ingest's certificate was not accepted."""
        self._certificate = said
        if self.last_said in OF_CERTIFICATES:
            self.last_said = said
            if self.last_failure:
                self.last_failure = self.last_failure._replace(said=said)
            self._host.book.learn(self.key, self.segment, said=said)

    def _diagnose(self, how: Exit, *, planned: bool) -> tuple[Failure, list[str], bool]:
        """Why the run ended, its last lines, and whether it was but too impatient.

        Whatever goes wrong in here, the process must be replaced.
        """
        lines: list[str] = []
        try:
            self.catch_up()
            lines += self._output.rest()
            said = self._output.take_unredacted()  # cleaned words may say something else
            if self._not_carried and not planned:
                return Failure(ExitCause.BAD_ARGUMENTS, self._not_carried, configured=True), lines, False
            failure = classify(self.key.role, how, said, stopping=planned, oom_killed=False)
            return failure, lines, self._has_patience(said)
        except Exception as error:  # noqa: BLE001 - see above
            self._host.tell(events.InternalError(f"diagnosis of {self.key}", type(error).__name__))
            return Failure(ExitCause.OTHER), lines, False

    def _has_patience(self, said: Sequence[str]) -> bool:
        """Whether a run that saw no picture will be followed by one that waits longer for it: once for each source."""
        ours = self.feeds is not None and not self._late_picture
        late = ours and lacks_picture(self.spec.argv, said)
        self._late_picture = self._late_picture or late
        return late

    def _end_run(self, lines: list[str], wall: float, fact: events.ProcessExited) -> None:
        """The book-keeping of an exit; the next run may be alive already."""
        if fact.signal == signal.SIGKILL and not fact.planned and self._host.memory_ran_out():
            fact = replace(fact, cause=ExitCause.OUT_OF_MEMORY)
            if self.last_cause is ExitCause.KILLED:
                self.last_cause = ExitCause.OUT_OF_MEMORY
        self.exits = {**self.exits, fact.cause: self.exits.get(fact.cause, 0) + 1}
        if self.key.role is Role.PUSHER and not fact.planned:
            soon = fact.cause is ExitCause.INGEST_CLOSED and fact.seconds < SOON_SECONDS
            self._closed_soon = self._closed_soon + 1 if soon else 0
            if words := suspicion(fact.cause, fact.last_words, self._closed_soon, self._host.rival(self.key)):
                fact = replace(fact, last_words=(*fact.last_words, words))
                lines.append(f"[neverdark] {words}")
        if not fact.planned:
            said = telling(self.key.role, fact.cause, fact.last_words, _FAILURE_LINES)
            self.last_failure = LastFailure(fact.cause, wall, said, fact.said)
        how = f"signal {fact.signal}" if fact.signal else f"exit code {fact.code}"
        lines.append(f"[neverdark] ended after {fact.seconds:.1f} s: {fact.cause} ({how})")
        self._output.write(lines, wall, self._host.loop.time())
        self._host.tell(fact)

    def _tell(self, fact: lifecycle_types.Fact) -> None:
        match fact:
            case lifecycle_types.Silent(reason, seconds, named):
                trouble = named or _TROUBLE[reason]
                said = telling(self.key.role, trouble, self._output.last_lines, _FAILURE_LINES)
                self.last_failure = LastFailure(trouble, self._host.machine.wall(), said)
                self._blame(trouble, stopped=self._was_stopped, idle=self._was_idle(self._host.loop.time()))
                self._host.tell(events.ProcessSilent(self.key, self.run_id or "", trouble, seconds, self.segment))
            case lifecycle_types.Waiting(state, delay, left):
                self._put_off(partial(self._tell_retry, state, delay, left))  # after the exit it follows from
            case lifecycle_types.Refilled():
                self._host.tell(events.BudgetRefilled(self.key))

    def _tell_retry(self, state: State, delay: float, left: int) -> None:
        cause = self.last_cause or ExitCause.OTHER
        self._host.tell(events.RetryScheduled(self.key, state, delay, left, cause))

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
            self._timer = self._host.loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        # If this loop was stopped itself (SIGSTOP, a frozen container), timers come before what was sent meanwhile:
        # hear that first, or a healthy process is killed for our own silence.
        for slot in (self.feeder, self):
            if slot:
                slot.read_progress()
        deadline = self.status.deadline
        try:
            if deadline is not None and self._host.loop.time() >= deadline:
                self.dispatch(lifecycle_types.Tick())
        except Exception:  # a mistake of ours must not leave a process that nobody looks at
            self._timer = self._host.loop.call_later(1.0, self._tick)
            raise
        self._arm()

    def look(self, now: float) -> None:
        """Called every second, while its stream is wanted."""
        if self.feeds and self.child and self.status.state is State.STARTING and self.feeds.robbed_by(self.child.pid):
            self.dispatch(Useless(RestartReason.START_TIMEOUT, Trouble.PORT_TAKEN))
        self._look_at_source()
        self._weigh(now)

    def _weigh(self, now: float) -> None:
        """How far a pusher is behind what it is given."""
        if not (self.intake and self.feeder and self.child):
            return
        self.intake.weigh(self.feeder.meter, self.meter, now)
        if self.backlog >= _BACKLOG_SHARE * self.spec.policies.limits.backlog_max and not self.status.ending:
            self.intake.drop_backlog()
            self._host.machine.forget_unsent(self.child.pid)
            self.dispatch(Useless(RestartReason.UPLINK, Trouble.BACKLOG, free=True))

    @property
    def backlog(self) -> float:
        """Media seconds that a pusher was given and that are not on the line yet."""
        if self.intake is None or self.child is None:
            return 0.0
        unsent = (self.uplink.totals.unsent_bytes or 0) if self.uplink else 0
        rate = self.meter.bytes_per_second
        return self.intake.behind + (unsent / rate if rate else 0.0)

    def uplink_blocked(self, seconds: float) -> None:
        """The kernel says that the ingest has acknowledged nothing for so long."""
        self.dispatch(UplinkBlocked(seconds))

    def snapshot(self, now: float, wall: float) -> ProcessSnapshot:
        """The process as the outside may see it: never a state without what led to it."""
        self.catch_up()
        status = self.status
        waiting = status.state in {State.BACKOFF, State.COOLDOWN}
        return ProcessSnapshot(
            key=self.key,
            state=status.state,
            pid=self.child.pid if self.child else None,
            run_id=self.run_id,
            started=self.started,
            restarts=self.restarts,
            exits=self.exits,
            budget_remaining=max(0, self.spec.policies.restart.attempts - status.spent),
            backoff_seconds=status.delay if waiting else 0.0,
            retry_at=wall + (status.deadline - now) if waiting and status.deadline else None,
            cpu_seconds=self._cpu_seconds,
            tracked=self.spec.tracked,
            policies=self.spec.policies,
            progress=self.meter.totals(now),
            last_failure=self.last_failure,
            uplink=self.uplink.totals if self.uplink else None,
            dropped_datagrams=self.intake.drops if self.intake else None,
        )
