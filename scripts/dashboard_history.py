"""Six made-up hours of two neverdarks: snapshots that the exporter's own collector turns into what Prometheus scrapes.

Nothing is random, so that pictures can be compared. Between them the streams have every kind of trouble that a
dashboard shows: short and long darkness, each layer's recoveries, a planned stop, maintenance, a neverdark that dies.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple, TextIO

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from exporter.collector import Collector
from supervisor.judge.switch_costs import SwitchTally
from supervisor.model.content import ContentState, Defect
from supervisor.model.events import SwitchMeasured
from supervisor.model.facts import Fact, subject_of
from supervisor.model.fallback import ReplacementReason, SwitchReason, SwitchWay, source_name
from supervisor.model.platforms import Measure, PlatformState
from supervisor.model.remembered import StoreState
from supervisor.model.snapshot import (
    DETECTION_BUCKETS,
    LOOP_LAG_BUCKETS,
    RECOVERY_BUCKETS,
    ConfigState,
    DestinationSnapshot,
    Histogram,
    ProcessSnapshot,
    ProgressTotals,
    Snapshot,
    SourceSnapshot,
    StreamSnapshot,
    SwitchCosts,
    UplinkTotals,
    WatchdogSnapshot,
)
from supervisor.model.terms import (
    Action,
    Check,
    ExitCause,
    Health,
    Layer,
    ProcessKey,
    RestartReason,
    Result,
    Role,
    Segment,
    State,
    Verdict,
)
from supervisor.model.thumbnails import ThumbnailResult
from supervisor.platforms.youtube.model import HealthStatus, LifeCycle, StreamStatus
from tests.unit.exporter.snapshots import (
    UNLIKE,
    content,
    destination,
    login,
    one_hot,
    process,
    snapshot,
    stream,
    watchdog,
)

SCRAPE = 15  # seconds between scrapes
SETTLED = 30  # seconds of advance that end an incident
RETURN_AFTER = 30  # seconds for which a source is good before viewers see it again
LOOK = 30  # seconds between the watchdog's looks
RETRY = 45  # seconds between attempts, about
ATTEMPTS = 10


class Episode(NamedTuple):
    """Something that breaks: `at` seconds after the beginning, for `dark` seconds."""

    at: float
    dark: float
    segment: Segment
    reason: RestartReason
    cause: ExitCause
    noticed: float = 0.05  # seconds after
    layer: Layer = Layer.PROCESS  # who noticed it, and who brought it back
    destination: str | None = None  # only this one; else all that the segment concerns

    def is_on(self, at: float) -> bool:
        return self.at <= at < self.at + self.dark

    def is_open(self, at: float) -> bool:
        return self.at + self.noticed <= at < self.at + self.dark + SETTLED

    def stops_encoder(self) -> bool:
        return self.segment in {Segment.SOURCE, Segment.ENCODER}

    def concerns(self, destination: str) -> bool:
        return self.destination in {None, destination}


class Span(NamedTuple):
    """From when to when, and how much."""

    start: float
    end: float
    level: float = 1.0

    def holds(self, at: float) -> bool:
        return self.start <= at < self.end


class Place(NamedTuple):
    """A destination: how far away it is, and when the way to it is bad."""

    name: str
    round_trip: float
    required: bool = True
    bad: tuple[Span, ...] = ()


class Plan(NamedTuple):
    """One stream and what happens to it."""

    name: str
    frame_rate: float
    bit_rate: float
    places: tuple[Place, ...]
    troubles: tuple[Episode, ...] = ()
    planned: tuple[Span, ...] = ()
    maintenance: tuple[Span, ...] = ()
    slow: tuple[Span, ...] = ()
    slate: bool = False  # what viewers see while the source is gone

    def covers(self, trouble: Episode) -> bool:
        """Viewers see the slate meanwhile, and nothing goes off air."""
        return self.slate and trouble.segment is Segment.SOURCE

    def shown(self, at: float) -> int:
        """Which source viewers see: 0 is the stream's own."""
        return int(any(self.covers(one) and one.at <= at < one.at + one.dark + RETURN_AFTER for one in self.troubles))

    def now(self, at: float) -> tuple[Episode, ...]:
        return tuple(trouble for trouble in self.troubles if trouble.is_on(at))


@dataclass
class Counts:
    """What one process has counted."""

    restarts: dict[RestartReason, int] = field(default_factory=lambda: dict.fromkeys(RestartReason, 0))
    exits: dict[ExitCause, int] = field(default_factory=lambda: dict.fromkeys(ExitCause, 0))
    budget: int = ATTEMPTS
    cpu: float = 0.0
    frames: float = 0.0
    dropped: float = 0.0
    bytes: float = 0.0
    media: float = 0.0
    advanced: float | None = None
    acked: float = 0.0
    retransmits: float = 0.0
    connections: int = 1
    datagrams: float = 0.0
    started: float = 0.0


def wave(at: float, period: float, phase: float) -> float:
    """Something that swings around 0, and looks alive."""
    return 0.6 * math.sin(at / period + phase) + 0.4 * math.sin(at / period * 7.3 + 2 * phase)


class Actor:
    """A stream that lives through its plan."""

    def __init__(self, plan: Plan, born: float, detection: Tally, recovery: Tally) -> None:
        self._plan = plan
        self._phase = sum(map(ord, plan.name)) % 7
        self._counts = {"": Counts(started=born), **{place.name: Counts(started=born) for place in plan.places}}
        self._wanted = self._on_air = 0.0
        self._off_air = dict.fromkeys(Segment, 0.0)
        self._incidents = dict.fromkeys(Segment, 0)
        actions = (Action.RESTART_ENCODER, Action.RESTART_PUSHER, Action.RESTART_ALL)
        layers = (Layer.PROCESS, Layer.WATCHDOG, Layer.OPERATOR)
        self._attempts = dict.fromkeys(product(layers, actions), 0)
        self._results = dict.fromkeys(product(layers, Result), 0)
        self._switches = dict.fromkeys(SwitchReason, 0)
        self._seconds = [0.0, 0.0]  # for which viewers saw the source, and the slate
        self._last_detection: dict[Layer, float] = {}
        self._last_recovery: dict[Layer, float] = {}
        self._detection, self._recovery = detection, recovery
        self._watchdogs = {
            place.name: watchdog(checks=dict.fromkeys(Verdict, 0), last_check=None) for place in plan.places
        }

    def advance(self, before: float, now: float, epoch: float) -> None:
        """Live from `before` until `now`."""
        plan, seconds = self._plan, now - before
        if self._is_wanted(now):
            self._wanted += seconds
            self._seconds[plan.shown(now)] += seconds
            if self._is_on_air(now):
                self._on_air += seconds
            else:
                worst = next((trouble for trouble in plan.now(now)), None)
                self._off_air[worst.segment if worst else Segment.UNKNOWN] += seconds
        if plan.shown(now) != plan.shown(before):
            self._switches[SwitchReason.FAILED if plan.shown(now) else SwitchReason.RETURNED] += 1
        for trouble in plan.troubles:
            self._live_through(trouble, before, now)
        for span in plan.planned:
            if before < span.end <= now:
                for counts in self._counts.values():
                    counts.started = now
        self._produce(now, seconds, epoch)
        if now // LOOK != before // LOOK:
            for place in plan.places:
                self._watchdogs[place.name] = self._look(place, now, epoch)

    def _live_through(self, trouble: Episode, before: float, now: float) -> None:
        noticed, over = trouble.at + trouble.noticed, trouble.at + trouble.dark
        concerned = [self._counts[name] for name in self._names_hit(trouble)]
        action = Action.RESTART_ENCODER if trouble.stops_encoder() else Action.RESTART_PUSHER
        if before < noticed <= now:
            self._incidents[trouble.segment] += 1
            self._last_detection[trouble.layer] = trouble.noticed
            self._detection.add(trouble.layer, trouble.noticed)
            if trouble.layer is Layer.WATCHDOG:
                self._attempts[Layer.WATCHDOG, Action.RESTART_ALL] += 1
        retries = int((now - noticed) // RETRY) if noticed <= now else -1
        if noticed <= now and before < over and (retries != (before - noticed) // RETRY or before < noticed):
            for counts in concerned:
                counts.restarts[trouble.reason if retries == 0 else RestartReason.EXIT] += 1
                counts.exits[trouble.cause] += 1
                counts.budget = max(counts.budget - 1, 0)
                counts.started = now
            self._attempts[Layer.PROCESS, action] += 1
            if retries:
                self._results[Layer.PROCESS, Result.FAILED] += 1
        if before < over <= now:
            took = trouble.dark - trouble.noticed
            self._last_recovery[trouble.layer] = took
            self._recovery.add(trouble.layer, took)
            self._results[trouble.layer, Result.RECOVERED] += 1
            for counts in concerned:
                counts.started = now
                counts.connections += counts is not self._counts[""]
        if before < over + 2 * SETTLED <= now:
            for counts in concerned:
                counts.budget = ATTEMPTS

    def _names_hit(self, trouble: Episode) -> list[str]:
        if trouble.stops_encoder():
            return [""]
        return [place.name for place in self._plan.places if trouble.concerns(place.name)]

    def _is_wanted(self, now: float) -> bool:
        return not any(span.holds(now) for span in self._plan.planned)

    def _delivers(self, place: Place, now: float) -> bool:
        return self._is_wanted(now) and not any(
            (trouble.stops_encoder() or trouble.concerns(place.name)) and not self._plan.covers(trouble)
            for trouble in self._plan.now(now)
        )

    def _encodes(self, now: float) -> bool:
        return self._is_wanted(now) and not any(trouble.stops_encoder() for trouble in self._plan.now(now))

    def _is_on_air(self, now: float) -> bool:
        return self._is_wanted(now) and all(self._delivers(place, now) for place in self._plan.places if place.required)

    def _speed(self, now: float) -> float:
        slow = next((span.level for span in self._plan.slow if span.holds(now)), 1.0)
        return slow + 0.006 * wave(now, 40, self._phase)

    def _produce(self, now: float, seconds: float, epoch: float) -> None:
        plan = self._plan
        for name, counts in self._counts.items():
            place = next((place for place in plan.places if place.name == name), None)
            if not (self._delivers(place, now) if place else self._encodes(now)):
                continue
            speed = self._speed(now)
            rate = plan.bit_rate / 8 * speed * (1 + 0.06 * wave(now, 300, self._phase))
            counts.cpu += seconds * (0.03 if place else 0.9 + 0.1 * wave(now, 500, self._phase))
            counts.frames += plan.frame_rate * speed * seconds
            counts.dropped += plan.frame_rate * max(0.0, 0.97 - speed) * seconds
            counts.bytes += rate * (1.02 if place else 1.0) * seconds
            counts.media += speed * seconds
            counts.advanced = epoch + now - 0.2
            if place:
                bad = next((span.level for span in place.bad if span.holds(now)), 0.0)
                counts.acked += rate * (1 - 0.3 * bad) * seconds
                counts.retransmits += seconds * (0.02 + 30 * bad * (1 + 0.3 * wave(now, 60, self._phase)))
                counts.datagrams += 0.0

    def _look(self, place: Place, now: float, epoch: float) -> WatchdogSnapshot:
        past = self._watchdogs[place.name]
        troubles = [one for one in self._plan.now(now) if one.stops_encoder() or one.concerns(place.name)]
        troubles = [one for one in troubles if not self._plan.covers(one)]
        found = dict.fromkeys(Check, Verdict.HEALTHY)
        if not self._is_wanted(now):
            return past._replace(running=True, last_check=epoch + now - 7)
        if any(span.holds(now) for span in place.bad):
            found[Check.UPLINK] = Verdict.DEGRADED
        if any(span.holds(now) for span in self._plan.slow):
            found[Check.PROGRESS] = Verdict.DEGRADED
        for trouble in troubles:
            found[Check.PROGRESS] = Verdict.UNHEALTHY
            found[Check.UPLINK] = Verdict.UNKNOWN
            if trouble.segment in {Segment.UPLINK, Segment.PLATFORM}:
                found[Check.UPLINK] = Verdict.UNHEALTHY
            if trouble.segment is Segment.NETWORK:
                found[Check.NETWORK] = Verdict.UNHEALTHY
            if trouble.segment is Segment.SOURCE:
                found[Check.SOURCE] = Verdict.UNHEALTHY
            if trouble.reason is RestartReason.EXIT:
                found[Check.PROCESS] = Verdict.UNHEALTHY
        order = (Verdict.UNHEALTHY, Verdict.DEGRADED, Verdict.UNKNOWN, Verdict.HEALTHY)
        verdict = next(one for one in order if one in found.values())
        return past._replace(
            verdict=verdict,
            verdicts=found,
            checks={**past.checks, verdict: past.checks[verdict] + 1},
            consecutive_failures=past.consecutive_failures + 1 if verdict is Verdict.UNHEALTHY else 0,
            last_check=epoch + now - 7,
        )

    def snapshot(self, now: float, epoch: float) -> StreamSnapshot:
        """What neverdark would show."""
        plan = self._plan
        wanted, on_air = self._is_wanted(now), self._is_on_air(now)
        open_now = dict.fromkeys(Segment, 0)
        for trouble in plan.troubles:
            open_now[trouble.segment] += trouble.is_open(now)
        dark_since = [one.at for one in plan.troubles if one.at <= now < one.at + one.dark + SETTLED]
        places = tuple(self._destination(place, now, epoch) for place in plan.places)
        required_fail = wanted and not on_air
        return stream(
            plan.name,
            self._process(None, now, epoch),
            *self._slates(now),
            *(self._process(place, now, epoch) for place in plan.places),
            wanted=wanted,
            on_air=on_air,
            health=Health.UNHEALTHY if required_fail else Health.HEALTHY if wanted else Health.UNKNOWN,
            destinations=places,
            wanted_seconds=self._wanted,
            on_air_seconds=self._on_air,
            off_air_seconds=dict(self._off_air),
            maintenance=any(span.holds(now) for span in plan.maintenance),
            off_air_since=epoch + min(dark_since) if required_fail and dark_since else 0.0,
            incident_open=open_now,
            incidents=dict(self._incidents),
            recovery_attempts=dict(self._attempts),
            recovery_results=dict(self._results),
            last_detection=dict(self._last_detection),
            last_recovery=dict(self._last_recovery),
            sources=self._sources(now),
            switches=dict(self._switches) if plan.slate else {},
            on_fallback_seconds=sum(one.seconds for one in self._sources(now)[1:]),
            content=self._content(now) if plan.slate else None,
        )

    def _content(self, now: float) -> ContentState:
        """What is seen and heard of a stream that is looked at: all is well, and it moves."""
        return content(
            verdict=Verdict.HEALTHY,
            verdicts=dict.fromkeys(Defect, Verdict.HEALTHY),
            counts=dict.fromkeys(Defect, 0),
            findings=(),
            luma=0.4 + 0.1 * wave(now, 900, self._phase),
            difference=0.02 + 0.01 * wave(now, 70, self._phase),
            sound=-22.0 + 4 * wave(now, 50, self._phase),
            peak=-9.0 + 3 * wave(now, 50, self._phase),
        )

    def _sources(self, now: float) -> tuple[SourceSnapshot, ...]:
        name, shown = self._plan.name, self._plan.shown(now)
        return tuple(
            SourceSnapshot(name, source_name(rung), rung == shown, rung > 0, round(seconds, 3))
            for rung, seconds in enumerate(self._seconds)
            if self._plan.slate
        )

    def _state(self, place: Place | None, now: float) -> State:
        if not self._is_wanted(now):
            return State.STOPPED
        for trouble in self._plan.now(now):
            hit = not trouble.stops_encoder() and trouble.concerns(place.name) if place else trouble.stops_encoder()
            since = now - trouble.at - trouble.noticed
            if hit and since >= 0:
                if since > RETRY * ATTEMPTS:
                    return State.COOLDOWN
                return State.STARTING if since % RETRY > RETRY - SCRAPE / 2 else State.BACKOFF
        return State.RUNNING

    def _slates(self, now: float) -> Iterator[ProcessSnapshot]:
        """The encoder that sends the slate: only while it is seen."""
        if self._plan.slate:
            runs = self._is_wanted(now) and self._plan.shown(now) > 0
            state = State.RUNNING if runs else State.STOPPED
            key = ProcessKey(self._plan.name, Role.ENCODER, rung=1)
            yield process(key, state=state, pid=os.getpid() if runs else None)

    def _process(self, place: Place | None, now: float, epoch: float) -> ProcessSnapshot:
        plan, state = self._plan, self._state(place, now)
        counts = self._counts[place.name if place else ""]
        role = Role.PUSHER if place else Role.ENCODER
        runs = state in {State.RUNNING, State.STARTING}
        flows = self._delivers(place, now) if place else self._encodes(now)
        return process(
            ProcessKey(plan.name, role, place.name if place else ""),
            state=state,
            pid=os.getpid() if runs else None,
            run_id=f"{plan.name}-{role}-{sum(counts.restarts.values())}" if runs else None,
            started=epoch + counts.started,
            restarts=dict(counts.restarts),
            exits=dict(counts.exits),
            budget_remaining=counts.budget,
            backoff_seconds=10.0 if state is State.BACKOFF else 0.0,
            cpu_seconds=round(counts.cpu, 3),
            progress=ProgressTotals(
                int(counts.frames),
                int(counts.dropped),
                0,
                int(counts.bytes),
                round(counts.media, 3),
                round(self._speed(now), 4) if flows else 0.0,
                counts.advanced,
            ),
            uplink=UplinkTotals() if place else None,
            dropped_datagrams=0 if place else None,
        )

    def _destination(self, place: Place, now: float, epoch: float) -> DestinationSnapshot:
        counts, delivers = self._counts[place.name], self._delivers(place, now)
        bad = next((span.level for span in place.bad if span.holds(now)), 0.0)
        blocked = any(one.segment is Segment.UPLINK and one.concerns(place.name) for one in self._plan.now(now))
        waits = 2_500_000 * blocked + 900_000 * bad * (1 + 0.5 * wave(now, 90, self._phase))
        round_trip = place.round_trip * (1 + 0.15 * wave(now, 200, self._phase) + 5 * bad)
        return destination(
            place.name,
            required=place.required,
            on_air=delivers,
            expected_bytes_per_second=self._plan.bit_rate / 8,
            limit_bytes_per_second=0.0,
            uplink=UplinkTotals(
                connected=delivers or blocked,
                connected_since=epoch + counts.started,
                connections=counts.connections,
                acked_bytes=int(counts.acked),
                retransmits=int(counts.retransmits),
                unsent_bytes=int(waits) if delivers or blocked else None,
                rtt_seconds=round(round_trip, 5) if delivers or blocked else None,
            ),
            dropped_datagrams=int(counts.datagrams),
            watchdog=self._watchdogs[place.name],
            conformance=UNLIKE._replace(conforms=True, findings=(), keyframe_interval=2.0)
            if self._plan.slate
            else None,
        )


class Tally:
    """Histograms by layer."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = {layer: [0] * (len(bounds) + 1) for layer in Layer}
        self._sums = dict.fromkeys(Layer, 0.0)

    def add(self, layer: Layer, seconds: float) -> None:
        self._counts[layer][sum(bound < seconds for bound in self._bounds)] += 1
        self._sums[layer] += seconds

    def shown(self) -> Mapping[Layer, Histogram]:
        return {layer: Histogram(tuple(self._counts[layer]), self._sums[layer]) for layer in Layer}


class Machine(NamedTuple):
    """A neverdark: its streams, and when it is gone."""

    instance: str
    plans: tuple[Plan, ...]
    gone: tuple[Span, ...] = ()
    line_down: tuple[Span, ...] = ()
    no_store: tuple[Span, ...] = ()  # the database is away, and so many records are lost
    rearmed: tuple[float, ...] = ()
    clock_steps: tuple[float, ...] = ()
    late: float = 1.0


HOUR, MINUTE = 3600.0, 60.0
CRASH = (Segment.ENCODER, RestartReason.EXIT, ExitCause.KILLED)
STALL = (Segment.ENCODER, RestartReason.STALL, ExitCause.KILLED)
CAMERA = (Segment.SOURCE, RestartReason.EXIT, ExitCause.SOURCE_UNREACHABLE)
BLOCKED = (Segment.UPLINK, RestartReason.UPLINK, ExitCause.KILLED)
CLOSED = (Segment.PLATFORM, RestartReason.EXIT, ExitCause.INGEST_CLOSED)
LINE = (Segment.NETWORK, RestartReason.EXIT, ExitCause.INGEST_UNREACHABLE)


def machines(span: float) -> tuple[Machine, ...]:
    """What happens in `span` seconds (made for six hours, and squeezed into less)."""

    def at(hours: float) -> float:
        return hours / 6 * span

    line = at(3.2)
    lost_line = Episode(line, 1.5 * MINUTE, *LINE, noticed=6.0)
    studio = (
        Plan(
            "harbour-cam",
            30,
            4_600_000,
            (Place("youtube", 0.023), Place("backup", 0.031, required=False, bad=(Span(at(4.2), at(4.9)),))),
            (
                Episode(at(0.6), 2, *CRASH),
                Episode(at(1.0), 4 * MINUTE, *CAMERA),
                Episode(at(1.5), 12, *STALL, noticed=10.2),
                Episode(at(2.3), 8, *BLOCKED, noticed=5.3, destination="youtube"),
                lost_line,
                Episode(at(4.5), 14 * MINUTE, *BLOCKED, noticed=5.3, destination="backup"),
                Episode(at(5.2), 2.2 * MINUTE, *STALL, noticed=95.0, layer=Layer.WATCHDOG),
            ),
            slow=(Span(at(1.9), at(2.15), 0.88),),
            slate=True,
        ),
        Plan(
            "garden-cam",
            25,
            2_600_000,
            (Place("youtube", 0.024),),
            (
                Episode(at(1.1), 25, *CAMERA),
                Episode(at(2.6), 40, *CAMERA),
                lost_line,
                Episode(span - 7 * MINUTE, 10 * HOUR, *CAMERA),
            ),
        ),
        Plan("church-tower", 25, 3_100_000, (Place("youtube", 0.022),), (lost_line, Episode(at(5.6), 3, *CRASH))),
        Plan("studio-loop", 30, 6_000_000, (Place("youtube", 0.025),), (lost_line,), planned=(Span(at(4.0), at(9)),)),
    )
    rack = (
        Plan("radio-1", 25, 1_500_000, (Place("youtube", 0.018), Place("twitch", 0.035))),
        Plan("aquarium", 30, 4_500_000, (Place("youtube", 0.019),), (Episode(at(4.4), 25, *CLOSED, noticed=0.1),)),
        Plan(
            "traffic-south",
            25,
            2_000_000,
            (Place("youtube", 0.02),),
            (Episode(span - 25 * MINUTE, 10 * HOUR, *CAMERA),),
            maintenance=(Span(span - 40 * MINUTE, 10 * HOUR),),
        ),
    )
    return (
        Machine(
            "studio:9833",
            studio,
            line_down=(Span(line, line + 90),),
            no_store=(Span(at(4.8), at(4.8) + 5 * MINUTE, 40),),
            rearmed=(at(2.9),),
            clock_steps=(at(1.3),),
        ),
        Machine("rack:9833", rack, gone=(Span(at(2.0), at(2.0) + 11 * MINUTE),), late=1.4),
    )


def snapshots(machine: Machine, span: float, epoch: float) -> Iterator[tuple[float, Snapshot | None]]:
    """What this neverdark shows at each scrape; None while it is gone. It begins anew when it is back."""
    actors: list[Actor] = []
    detection, recovery = Tally(DETECTION_BUCKETS), Tally(RECOVERY_BUCKETS)
    born = 0.0
    for step in range(int(span // SCRAPE) + 1):
        now = float(step * SCRAPE)
        if any(gone.holds(now) for gone in machine.gone):
            actors = []
            yield now, None
            continue
        if not actors:
            born = now
            detection, recovery = Tally(DETECTION_BUCKETS), Tally(RECOVERY_BUCKETS)
            actors = [Actor(plan, now, detection, recovery) for plan in machine.plans]
        else:
            for actor in actors:
                actor.advance(now - SCRAPE, now, epoch)
        ticks = int((now - born) * 10)
        late = int(ticks * 0.03 * machine.late)
        very_late = int(ticks * 0.002 * machine.late)
        lag = (ticks - late - very_late, late, very_late, *[0] * (len(LOOP_LAG_BUCKETS) - 2))
        down = any(gone.holds(now) for gone in machine.line_down)
        away = [span for span in machine.no_store if span.holds(now)]
        lost = sum(span.level for span in machine.no_store if born < span.end <= now)
        yield (
            now,
            snapshot(
                *(actor.snapshot(now, epoch) for actor in actors),
                at=epoch + now,
                config=ConfigState(epoch + born - 90 * MINUTE),
                clock_steps=sum(born < at <= now for at in machine.clock_steps),
                scheduler_rearmed=sum(born < at <= now for at in machine.rearmed),
                loop_lag=Histogram(lag, ticks * 0.0006),
                detection=detection.shown(),
                recovery=recovery.shown(),
                platforms=tuple(_youtube(plan.name, now) for plan in machine.plans if plan.name == "harbour-cam"),
                logins=(login(measures=_quota(now)),),
                network_reachable={"ingest": not down, "reference": not down},
                switching=_switching(now - born),
                thumbnails={
                    result: int((now - born) // (7 * MINUTE * (1 + 5 * number)))
                    for number, result in enumerate(ThumbnailResult)
                },
                store=StoreState(not away, int(sum(now - span.start for span in away)), int(now - born), int(lost)),
            ),
        )


def _youtube(name: str, now: float) -> PlatformState:
    """Live, but for a quarter of an hour in which the broadcast had ended and the next could not be made."""
    since = now % (3 * HOUR)
    ended, worse = since < 15 * MINUTE and now > HOUR, 20 * MINUTE < since < 50 * MINUTE
    return PlatformState(
        "youtube",
        name,
        "youtube",
        measures=(
            *one_hot("stream_status", "status", StreamStatus, StreamStatus.ACTIVE),
            *one_hot("health_status", "status", HealthStatus, HealthStatus.BAD if worse else HealthStatus.GOOD),
            *one_hot("broadcast_state", "state", LifeCycle, LifeCycle.COMPLETE if ended else LifeCycle.LIVE),
            *([Measure("configuration_issues", 1, {"type": "bitrateLow", "severity": "error"})] if worse else []),
            *([] if ended else [Measure("broadcast_age_seconds", since), Measure("broadcast_info", 1.0, _watch(now))]),
            Measure("exhausted", 0.0),
        ),
    )


def _watch(now: float) -> dict[str, str]:
    """Another one with each broadcast."""
    return {"watch_url": f"https://www.youtube.com/watch?v=harbour{now // (3 * HOUR):.0f}"}


def _quota(now: float) -> tuple[Measure, ...]:
    return (
        Measure("quota_used_units", 100 + now // 30),
        Measure("quota_limit_units", 10_000),
        Measure("unanswered_seconds", 0.0),
        Measure("token_valid", 1.0),
    )


def _switching(lived: float) -> SwitchCosts:
    """A source is lost every 50 minutes, comes back a few later, and now and then an encoder is replaced."""
    tally = SwitchTally()
    for number in range(int(lived // (50 * MINUTE)) + 1):
        moved = float(number % 4)
        told = [
            SwitchMeasured("harbour", 1, SwitchWay.BROKEN_FIRST, None, 0.15 + moved / 20, 0.3 + moved / 5, 9 + number),
            SwitchMeasured("harbour", 0, SwitchWay.MADE_BEFORE_BREAK, None, 1.2 + moved / 3, 0.0, int(moved > 2)),
        ]
        why = tuple(ReplacementReason)[number % len(ReplacementReason)]
        told.append(SwitchMeasured("harbour", 0, SwitchWay.MADE_BEFORE_BREAK, why, 3.0 + moved / 3, 0.0, 0))
        if number % 3 == 2:
            told.append(SwitchMeasured("harbour", 0, SwitchWay.BROKEN_FIRST, why, 2.2, 2.3, 69))
        for what in told:
            tally(Fact(0.0, number, subject_of(what), what))
    return tally.shown(kernel=False, alone=0)


class Itself:
    """What a neverdark's own process needs, in the place of what the kernel would tell."""

    def __init__(self, epoch: float, late: float) -> None:
        self.now = self.born = 0.0
        self._epoch, self._late = epoch, late

    def collector(self) -> Collector:
        """A new run's."""
        registry = CollectorRegistry()
        registry.register(self)
        return Collector("1.0.0", "4f2a9c1", registry)

    def collect(self) -> Iterator[Metric]:
        lived = self.now - self.born
        yield CounterMetricFamily("process_cpu_seconds_total", "", value=lived * 0.021 * self._late)
        memory = 62e6 + 6e6 * min(1.0, lived / 1200) + 1e6 * wave(self.now, 900, self._late)
        yield GaugeMetricFamily("process_resident_memory_bytes", "", value=int(memory))
        yield GaugeMetricFamily("process_start_time_seconds", "", value=self._epoch + self.born - 90 * MINUTE)


def write(file: TextIO, span: float, end: float) -> int:
    """The history as OpenMetrics with timestamps, for promtool. How many samples there are."""
    samples = 0
    epoch = end - span
    for machine in machines(span):
        target = f'instance="{machine.instance}",job="neverdark",site="{machine.instance.partition(":")[0]}"'
        itself = Itself(epoch, machine.late)
        collector = itself.collector()
        heads: dict[str, str] = {}
        for now, shown in snapshots(machine, span, epoch):
            stamp = int(epoch + now)
            itself.now = now
            if shown is None:
                itself.born = now + SCRAPE
                collector = itself.collector()  # what it remembers dies with it
            text = "" if shown is None else collector.exposition(shown, openmetrics=True).decode()
            count = 0
            for line in text.splitlines():
                if line.startswith("#"):
                    continue
                head, _, value = line.rpartition(" ")
                if head not in heads:
                    name, brace, labels = head.partition("{")
                    heads[head] = f"{name}{{{target}{',' + labels if brace else '}'}"
                file.write(f"{heads[head]} {value} {stamp}\n")
                count += 1
            duration = 0.012 + 0.004 * wave(now, 70, len(machine.instance))
            file.write(f"up{{{target}}} {int(shown is not None)} {stamp}\n")
            file.write(f"scrape_duration_seconds{{{target}}} {duration:.5f} {stamp}\n")
            file.write(f"scrape_samples_scraped{{{target}}} {count} {stamp}\n")
            for plan in machine.plans:
                # What is still known while neverdark is gone: a rule that reads itself, which cannot be made up later.
                wanted = int(not any(planned.holds(now) for planned in plan.planned))
                last_known = "stream:livestream_stream_wanted:last_known"
                file.write(f'{last_known}{{{target},stream="{plan.name}"}} {wanted} {stamp}\n')
            samples += count + 3 + len(machine.plans)
    file.write("# EOF\n")
    return samples
