"""The place of one process, as it is: what belongs to it through all of its runs, and what can be asked about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from supervisor.judge.attribution import FailureEvidence
from supervisor.judge.progress_meter import ProgressMeter
from supervisor.judge.uplink import UplinkMeter
from supervisor.lifecycle.pauses import had_nothing, must_not_be_hurried
from supervisor.lifecycle.types import Status
from supervisor.model.runs import Before
from supervisor.model.snapshot import LastFailure, ProcessSnapshot
from supervisor.model.terms import (
    REASONS_OF,
    Cause,
    ExitCause,
    Refusal,
    RestartReason,
    Role,
    Segment,
    State,
    Trouble,
)
from supervisor.model.thresholds import BREAKS_WITHIN_SECONDS, ON_AIR_SECONDS
from supervisor.process.content_side import ContentSide
from supervisor.process.failures import Failures
from supervisor.process.feeds import Feeds
from supervisor.process.intake import Intake
from supervisor.process.source_side import SourceSide

if TYPE_CHECKING:
    from supervisor.desired.plan import ProcessSpec
    from supervisor.machine.process import Child
    from supervisor.process.changeover import Changeover
    from supervisor.process.host import Host
    from supervisor.process.run import Run
    from supervisor.process.slot import Slot

UNTRACKED_SECONDS = 1.0  # who reports nothing has proved something by living this long
_ON_PURPOSE = frozenset({None, RestartReason.OPERATOR, RestartReason.CONFIG, RestartReason.PARAMETERS})
_WAITING = frozenset({State.BACKOFF, State.COOLDOWN})
_AS_IF_WELL = frozenset({State.RUNNING, State.COOLDOWN})
# What fails like this may do so because our own line is down.
_OVER_THE_LINE = frozenset(
    {ExitCause.INGEST_UNREACHABLE, ExitCause.INGEST_CLOSED, Trouble.UPLINK_BLOCKED, Trouble.START_TIMEOUT}
)
_FULL_LINE = 0.25  # seconds of media that wait in the socket of a line that takes no more
_MAY_SAY_HOW_LONG = frozenset({Refusal.BUSY, Refusal.LIMITED})


class Shown(NamedTuple):
    """What a turn changes of what is shown."""

    status: Status
    pid: int | None
    run_id: str | None
    started: float | None
    restarts: Mapping[RestartReason, int]
    exits: Mapping[ExitCause, int]
    cpu_seconds: float
    last_failure: LastFailure | None


class Place:
    """Answers questions. What changes it is in `slot`, and in what a slot is made of."""

    def __init__(self, spec: ProcessSpec, host: Host) -> None:
        self.host = host
        self.spec = spec
        self.key = spec.key
        self.made = host.loop.time()
        self.status = Status()
        self.held = False  # it shall run, and waits for another process that does the same to be gone
        self.run: Run | None = None  # the latest
        self.restarts: Mapping[RestartReason, int] = dict.fromkeys(REASONS_OF[spec.key.role], 0)
        self.cpu_seconds = 0.0  # of the runs that are over
        self.failures = Failures(spec.key.role)
        self.feeder: Slot | None = None
        self.eaters: tuple[Slot, ...] = ()  # whom it feeds
        self.meter = ProgressMeter(video=spec.video)
        self.uplink = UplinkMeter() if spec.ingest else None
        self.observed = {one.name: UplinkMeter() for one in spec.observed}
        self.adoptable = host.adoptable.pop(spec.key, None)  # a run that is to be taken over
        self.intake = Intake(host.links.get(spec.key.stream, spec.key.destination)) if spec.media_port else None
        encodes = spec.key.role is Role.ENCODER
        tap = self.adoptable.tap if self.adoptable else None
        self.feeds = Feeds(host.machine, host.links, spec.key.stream, tap) if encodes else None
        if self.feeds:
            self.feeds.clocks = lambda: [at] if (at := self.time_stamp) is not None else []
        self.ready_argv: tuple[str, ...] | None = None  # a better command line for the same, from the next run on
        self.source = SourceSide(spec, partial(host.owner.adapted, spec.key)) if encodes and not spec.slate else None
        known = self.adoptable.record.content if self.adoptable else 0
        self.content = ContentSide(self, known) if encodes else None
        self.changeover: Changeover | None = None  # its media is awaited, and another's was seen before
        self.recording = host.machine.recording(spec.output_file, spec.kept) if spec.output_file else None

    @property
    def time_stamp(self) -> float | None:
        """The one that an encoder's latest run is at, or was at last, in seconds; None: there was none."""
        if self.run is None or self.feeds is None:
            return None
        until = self.host.loop.time() if self.alive else self.meter.latest_advance or self.run.began
        return self.feeds.clock + max(0.0, until - self.run.began)

    # --- its run -----------------------------------------------------------------------------------

    @property
    def is_to_be_taken_over(self) -> bool:
        """A run of an earlier neverdark is there for it."""
        return self.adoptable is not None

    @property
    def helper(self) -> tuple[int, str] | None:
        """Another process of ours that is at work for it: its pid, and what it is."""
        return None

    @property
    def alive(self) -> bool:
        """A process exists."""
        return self.run is not None and not self.run.over

    @property
    def child(self) -> Child | None:
        """The process, while it exists."""
        run = self.run
        return None if run is None or run.over else run.child

    @property
    def run_id(self) -> str | None:
        """Of the latest run."""
        return self.run.run_id if self.run else None

    @property
    def is_known(self) -> bool:
        """All that it counts is there. A run that was taken over must have been heard, and its connection seen."""
        run = self.run
        if run is None or not run.adopted or run.over:
            return True
        heard = not self.spec.tracked or run.last_report > run.began
        return heard and (self.uplink is None or self.connected)

    # --- what it has counted -----------------------------------------------------------------------

    def counted(self, reason: RestartReason | None) -> Before:
        """All of it, at the start of a run that takes another one's place for this `reason`."""
        uplinks: dict[str, tuple[int, int, int]] = {}
        for name, meter in self.uplinks.items():
            if (of := meter.totals).connections:
                uplinks[name] = of.connections, of.acked_bytes, of.retransmits
        cause = self.failures.uncounted
        return Before(
            self.meter.sums, self.cpu_seconds, self.restarts, self.failures.exits, uplinks, reason or "", cause or ""
        )

    def count_on(self, before: Before) -> None:
        """Go on from what was counted before a run that is taken over."""
        self.meter.go_on(*before.progress)
        self.cpu_seconds = before.cpu_seconds
        known = {name: count for name, count in before.restarts.items() if name in self.restarts}
        self.restarts = {**self.restarts, **{RestartReason(name): count for name, count in known.items()}}
        self.failures.count_on(before.exits)
        for name, counts in before.uplinks.items():
            meter = self.uplink if not name else self.observed.get(name)
            if meter:
                meter.go_on(*counts)

    # --- its failures ------------------------------------------------------------------------------

    @property
    def last_cause(self) -> Cause | None:
        """Why it failed last, until it advances or somebody has it replaced."""
        return self.failures.cause

    @property
    def last_said(self) -> str | None:
        """More than the last cause tells, in words for people."""
        return self.failures.said

    @property
    def evidence(self) -> FailureEvidence:
        """What is known of its last failure."""
        return self.failures.evidence

    @property
    def segment(self) -> Segment:
        """The segment to which its last failure points; without one, its own."""
        return self.failures.segment

    @property
    def excused(self) -> bool:
        """It has had no chance yet: a start, or a replacement on purpose. Nothing has failed."""
        planned = self.status.reason in _ON_PURPOSE
        leaving = self.status.state is State.STOPPING
        return self.last_cause is None and planned and (leaving or self.meter.last_advance is None)

    @property
    def over_the_line(self) -> bool:
        """Its last failure may be that of our own line."""
        return self.failures.cause in _OVER_THE_LINE and bool(self.spec.ingests)

    def line_is_down(self) -> bool:
        """It is our own line that keeps it from its ingest."""
        return self.over_the_line and any(self.host.knowledge.line_down(way.address) for way in self.spec.ingests)

    def completed(self, evidence: FailureEvidence) -> FailureEvidence:
        """The evidence of a failure that happens now, with what is known here and what probes have found."""
        mine = evidence._replace(connected=self.connected, live=(self.feeder or self).spec.live)
        return self.host.knowledge.add_to(mine, self.spec)

    # --- what it waits for -------------------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """It waits for its next attempt."""
        return self.status.state in _WAITING

    @property
    def waits_for_ingest(self) -> bool:
        """It waits for its next attempt because the ingest could not be reached."""
        return self.failures.cause is ExitCause.INGEST_UNREACHABLE and self.waits

    @property
    def waits_for_source(self) -> bool:
        """Its source could not be reached when it last tried, so that it may try again as soon as it can be."""
        return self.last_cause is ExitCause.SOURCE_UNREACHABLE and not self.refused

    @property
    def awaits_publisher(self) -> bool:
        """It listens, and nobody is there. Of a run that was taken over nobody knows that before it advances."""
        waits = self.source is not None and self.source.awaited is not None
        return waits and self.status.state is State.STARTING and self.run is not None and not self.run.adopted

    @property
    def refused(self) -> bool:
        """What it reads from has refused it, and counts how often it is asked. Over when a run makes progress."""
        return self.key.role is not Role.PUSHER and must_not_be_hurried(self.status.refusal)

    @property
    def may_be_told_to_wait(self) -> bool:
        """It waits because a web server refused it that may say for how long."""
        return self.waits and self.status.refusal in _MAY_SAY_HOW_LONG and self.spec.question_url is not None

    @property
    def first_layer_at_work(self) -> bool:
        """It is being replaced, or will be in a moment: not yet out of attempts, nor running as if all were well."""
        return self.status.ending or self.status.state not in _AS_IF_WELL

    # --- media -------------------------------------------------------------------------------------

    def advancing(self, now: float) -> bool:
        """It runs and has shown progress of late; one that reports none has lived for a moment."""
        if self.spec.listens and self.waits_for_viewer and self.feeder:  # who calls will be served
            return self.feeder.advancing(now)
        if self.status.state is not State.RUNNING or self.status.ending:
            return False
        if not self.spec.tracked:
            return now - self.status.since >= UNTRACKED_SECONDS
        last = self.meter.last_advance
        if last is None:
            return False
        return now - last <= ON_AIR_SECONDS or now - last <= ON_AIR_SECONDS + self.usual_silence(now)

    def proof(self, now: float) -> float | None:
        """When it last proved that it is alive, while it is; of who reports nothing, the start of its run is all."""
        if not self.advancing(now):
            return None
        return self.meter.last_advance if self.spec.tracked else self.status.since

    def usual_silence(self, now: float) -> float:
        """Seconds without media that are no news, because of how the source delivers."""
        source = (self.feeder or self).source
        return source.rhythm.allowance(now) if source and source.rhythm else 0.0

    @property
    def waits_for_viewer(self) -> bool:
        """It waits to be called, and nobody has called yet."""
        return self.spec.listens and self.alive and not self.status.ending and self.meter.last_advance is None

    @property
    def fed(self) -> float | None:
        """Media seconds that its feeder delivered since it last advanced; None: it has no feeder.

        Who waits to be called has nobody to send anything to, however much comes.
        """
        if self.feeder is None:
            return None
        if self.spec.listens and self.waits_for_viewer:
            return 0.0
        return self.feeder.meter.fed_seconds - (self.run.fed_before if self.run else 0.0)

    def count_from(self, feeder: Slot) -> None:
        """What it is given is counted by this one from now on."""
        if self.run:
            self.run.fed_before = feeder.meter.fed_seconds
        if self.intake:
            self.intake.forget_feeder()

    def had_nothing(self, last: float, now: float) -> bool:
        """Whether a pusher that has not advanced since `last` had nothing to send, for longer than is usual."""
        return now - last > ON_AIR_SECONDS and had_nothing(now - last, self.fed, self.usual_silence(now))

    def was_idle(self, now: float) -> bool:
        """It has, or a moment ago it had, sent all that it was given, and long ago.

        An ingest hangs up on who sends nothing, and the next bytes show it: no failure of its own, and media waits.
        """
        if self.run and self.run.resumed is not None and now - self.run.resumed <= BREAKS_WITHIN_SECONDS:
            return True
        last = self.meter.last_advance
        return last is not None and self.had_nothing(last, now)

    def silent_since(self) -> float | None:
        """When media last advanced; None when it has not since somebody wanted it.

        A run that never advanced continues the silence of the run before, but not one that somebody had replaced.
        """
        if self.meter.last_advance is not None or self.status.reason is None:
            return self.meter.last_advance
        if self.status.reason in {RestartReason.OPERATOR, RestartReason.CONFIG}:
            return self.run.began if self.run else None
        return self.meter.latest_advance

    @property
    def backlog(self) -> float:
        """Media seconds that a pusher was given and that are not on the line yet."""
        if self.intake is None or not self.alive:
            return 0.0
        unsent = self.uplink.unsent_bytes if self.uplink else None
        if not unsent or not (rate := self.meter.bytes_per_second):
            return self.intake.behind
        return self.intake.behind + unsent / rate

    @property
    def encodes_late(self) -> bool:
        """A pusher that encodes is behind because of that, and not because of its line: that has room for more."""
        if self.spec.made_anew is None or self.intake is None:
            return False
        unsent = self.uplink.unsent_bytes if self.uplink else None
        return (unsent or 0) <= _FULL_LINE * self.meter.bytes_per_second

    # --- connections -------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """A connection to an ingest stands."""
        return any(meter.connected for meter in self._meters)

    @property
    def acknowledged_at(self) -> float | None:
        """When an ingest was last seen to have taken something."""
        return max((at for meter in self._meters if (at := meter.acknowledged_at) is not None), default=None)

    @property
    def _meters(self) -> Collection[UplinkMeter]:
        return (self.uplink,) if self.uplink else self.observed.values()

    @property
    def uplinks(self) -> Mapping[str, UplinkMeter]:
        """What is known of its connections by destination; "": its only one."""
        return {"": self.uplink} if self.uplink else self.observed

    def uplink_to(self, destination: str) -> UplinkMeter | None:
        """What is known of the connection to a destination."""
        return self.uplink or self.observed.get(destination)

    # --- what it shows -----------------------------------------------------------------------------

    def shown(self) -> Shown:
        """What is shown of this moment."""
        run = self.run
        alive = run is not None and not run.over
        return Shown(
            self.status,
            run.child.pid if run and alive else None,
            run.run_id if run else None,
            run.started if run else None,
            self.restarts,
            self.failures.exits,
            self.cpu_seconds,
            self.failures.last,
        )

    def snapshot_of(self, shown: Shown, now: float, wall: float) -> ProcessSnapshot:
        """The process as the outside may see it; `shown` is of this moment, or of one before."""
        status = shown.status
        waiting = status.state in _WAITING
        return ProcessSnapshot(
            key=self.key,
            state=status.state,
            pid=shown.pid,
            run_id=shown.run_id,
            started=shown.started,
            restarts=shown.restarts,
            exits=shown.exits,
            budget_remaining=max(0, self.spec.policies.restart.attempts - status.spent),
            backoff_seconds=status.delay if waiting else 0.0,
            retry_at=wall + (status.deadline - now) if waiting and status.deadline else None,
            cpu_seconds=shown.cpu_seconds,
            tracked=self.spec.tracked,
            policies=self.spec.policies,
            progress=self.meter.totals(now),
            last_failure=shown.last_failure,
            uplink=self.uplink.totals if self.uplink else None,
            dropped_datagrams=self.intake.drops if self.intake else None,
        )
