"""The book of incidents: from a first failure until 30 s of sustained advance. Pure; times are passed in.

One incident a process at a time: an encoder's concerns the whole stream, a pusher's its destination. What is planned
(a stop, a restart, a new configuration) opens none and closes what is open.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from supervisor.model import Action, Cause, Layer, ProcessKey, Result, Role, Segment
from supervisor.snapshot import DETECTION_BUCKETS, RECOVERY_BUCKETS, ActionTaken, Histogram, Incident

SUSTAINED = 30.0
NOTHING_OPEN: Mapping[Segment, int] = dict.fromkeys(Segment, 0)
_REMEMBERED = 1000
_MOST_ACTIONS = 50
# The segment may change while evidence comes in: until media advances again, or for so long.
_SETTLES = 30.0
LAYERS = (Layer.PROCESS, Layer.WATCHDOG)
ACTION_OF_ROLE = {
    Role.ENCODER: Action.RESTART_ENCODER,
    Role.PUSHER: Action.RESTART_PUSHER,
    Role.COMMAND: Action.RESTART_COMMAND,
}


class Failed(NamedTuple):
    """A failure. `silent` seconds ago media last advanced; None: it has not in this run."""

    key: ProcessKey
    cause: Cause
    segment: Segment
    silent: float | None = None
    layer: Layer = Layer.PROCESS
    drill: bool = False


@dataclass(slots=True)
class _Case:
    """An open incident."""

    id: str
    key: ProcessKey
    opened: float  # wall clock
    opened_now: float
    cause: Cause
    segment: Segment
    layer: Layer
    drill: bool
    noticed: float  # the latest failure
    dark_from: float | None = None  # None: media flows
    detection: float | None = None
    recovery: float | None = None
    dark: float = 0.0
    since: float | None = None  # since when it has advanced without a break
    standing: set[object] = field(default_factory=set)  # who says that something is wrong although media flows
    settled: bool = False
    actor: Layer | None = None  # who acted last
    actions: list[ActionTaken] = field(default_factory=list)

    def show(self, now: float, closed: float | None = None) -> Incident:
        dark = self.dark + (now - self.dark_from if self.dark_from is not None else 0.0)
        return Incident(
            self.id,
            self.key.stream,
            self.key.destination or None,
            self.opened,
            closed,
            self.cause,
            self.segment,
            self.layer,
            self.drill,
            round(dark, 3),
            self.detection,
            self.recovery,
            tuple(self.actions),
        )

    def conclude(self, result: Result) -> Layer | None:
        """Give the latest action its result; returns whose it was, if it had none yet."""
        if not self.actions or self.actions[-1].result is not None:
            return None
        self.actions[-1] = self.actions[-1]._replace(result=result)
        return self.actions[-1].layer


@dataclass(slots=True)
class Sums:
    """What a stream's incidents add up to; a mapping is replaced, never changed, so a snapshot may keep it."""

    incidents: Mapping[Segment, int]
    attempts: Mapping[tuple[Layer, Action], int]
    results: Mapping[tuple[Layer, Result], int]
    last_detection: Mapping[Layer, float] = field(default_factory=dict)
    last_recovery: Mapping[Layer, float] = field(default_factory=dict)


class Book:
    """All incidents of all streams. `now` is monotonic, `wall` the time of day, both in seconds."""

    def __init__(self) -> None:
        self._open: dict[ProcessKey, _Case] = {}
        self._closed: deque[Incident] = deque(maxlen=_REMEMBERED)
        self._sums: dict[str, Sums] = {}
        self._numbers = count(1)
        self.detection = {layer: _empty(DETECTION_BUCKETS) for layer in LAYERS}
        self.recovery = {layer: _empty(RECOVERY_BUCKETS) for layer in LAYERS}

    # --- what happens ------------------------------------------------------------------------------

    def know(self, stream: str, *, is_command: bool) -> Sums:
        """The sums of a stream; every count that can occur exists from the start, and none is ever lost."""
        roles = (Role.COMMAND,) if is_command else (Role.ENCODER, Role.PUSHER)
        single = [ACTION_OF_ROLE[role] for role in roles]
        watchdog = single if is_command else [*single, Action.RESTART_ALL]
        pairs = [*((Layer.PROCESS, action) for action in single), *((Layer.WATCHDOG, action) for action in watchdog)]
        sums = self._sums.setdefault(
            stream,
            Sums(
                incidents=dict.fromkeys(Segment, 0),
                attempts=dict.fromkeys(pairs, 0),
                results={(layer, result): 0 for layer in LAYERS for result in Result},
            ),
        )
        if not sums.attempts.keys() >= set(pairs):  # a command became an encoder with pushers, or the other way round
            sums.attempts = {**dict.fromkeys(pairs, 0), **sums.attempts}
        return sums

    def _sums_of(self, key: ProcessKey) -> Sums:
        return self.know(key.stream, is_command=key.role is Role.COMMAND)

    def fail(self, failed: Failed, *, now: float, wall: float) -> bool:
        """A process has failed. Returns whether this opened an incident."""
        case = self._open.get(failed.key)
        opened = case is None
        if case is None:
            case = self._begin(failed, now, wall)
        else:
            self._count_result(failed.key.stream, case.conclude(Result.FAILED), Result.FAILED)
        if case.drill and not failed.drill:
            self._take_seriously(case)
            case.cause, case.segment, case.layer = failed.cause, failed.segment, failed.layer
        if case.dark_from is None:
            case.noticed, case.recovery, case.actor = now, None, None
            case.dark_from = now - (failed.silent or 0.0)
            self._detected(case, failed)
        case.since = None
        case.standing.clear()
        return opened

    def complain(self, failed: Failed, by: object, *, now: float, wall: float) -> bool:
        """Media flows, and yet something is wrong: too slow, too thin, too big. Said at every check, `by` somebody."""
        opened = failed.key not in self._open
        case = self._begin(failed, now, wall) if opened else self._open[failed.key]
        case.standing.add(by)
        return opened

    def praise(self, key: ProcessKey, by: object) -> None:
        """What somebody complained of is no longer so."""
        if (case := self._open.get(key)) and by in case.standing:
            case.standing.discard(by)
            case.since = None

    def act(self, key: ProcessKey, layer: Layer, action: Action, *, now: float, wall: float) -> None:
        """Somebody does something about it."""
        sums = self._sums_of(key)
        sums.attempts = {**sums.attempts, (layer, action): sums.attempts[layer, action] + 1}
        if case := self._open.get(key):
            self._count_result(key.stream, case.conclude(Result.SUPERSEDED), Result.SUPERSEDED)
            case.actions.append(ActionTaken(wall, layer, action, None))
            if len(case.actions) > _MOST_ACTIONS:  # a camera that is dead for a month: how it began, and the latest
                del case.actions[_MOST_ACTIONS // 2]
            case.actor = layer
            if case.dark_from is None:  # media flowed until this moment
                case.dark_from = case.noticed = now

    def advanced(self, key: ProcessKey, *, now: float) -> None:
        """A process makes progress again."""
        case = self._open.get(key)
        if case is None or case.dark_from is None:
            return
        case.dark += max(0.0, now - case.dark_from)
        case.dark_from, case.since = None, now
        case.recovery = round(max(0.0, now - case.noticed), 3)
        layer = case.actor or case.layer
        sums = self._sums_of(key)
        sums.last_recovery = {**sums.last_recovery, layer: case.recovery}
        self.recovery[layer] = _observe(self.recovery[layer], RECOVERY_BUCKETS, case.recovery)
        self._settle(case)

    def learn(self, key: ProcessKey, segment: Segment, cause: Cause | None = None) -> None:
        """More evidence has come in; it counts until the incident is settled."""
        if (case := self._open.get(key)) and not case.settled:
            case.segment = segment
            case.cause = cause or case.cause

    def planned(self, keys: Iterable[ProcessKey], *, now: float, wall: float) -> list[Incident]:
        """Somebody stops or replaces these on purpose: what was open is over. Returns what was closed."""
        closed = []
        for key in keys:
            if case := self._open.pop(key, None):
                self._count_result(key.stream, case.conclude(Result.SUPERSEDED), Result.SUPERSEDED)
                closed.append(self._close(case, now, wall))
        return closed

    def forget(self, stream: str) -> None:
        """The stream is no longer configured; its past stays readable."""
        self._sums.pop(stream, None)

    def look(
        self,
        proof: Callable[[ProcessKey], float | None],
        drilling: Callable[[str], bool],
        *,
        now: float,
        wall: float,
    ) -> list[Incident]:
        """Called every second: closes what has advanced for long enough. Returns what was closed.

        `proof` tells when a process that advances has last shown it (monotonic), None for one that does not. What it
        has shown before the failure was noticed proves nothing. What is still dark when the `drilling` of its stream is
        over is no drill any more.
        """
        closed = []
        for key, case in list(self._open.items()):
            if now - case.opened_now >= _SETTLES:
                self._settle(case)
            if case.drill and case.dark_from is not None and not drilling(key.stream):
                self._take_seriously(case)
            shown = proof(key)
            flows = shown is not None and (case.dark_from is None or shown >= case.noticed)
            if flows and case.dark_from is not None:
                self.advanced(key, now=now)
            if not flows or case.standing or case.dark_from is not None:
                case.since = None
            elif case.since is None:
                case.since = now
            elif now - case.since >= SUSTAINED:
                del self._open[key]
                self._count_result(key.stream, case.conclude(Result.RECOVERED), Result.RECOVERED)
                closed.append(self._close(case, now, wall))
        return closed

    # --- what it shows -----------------------------------------------------------------------------

    def incidents(self, stream: str | None, now: float) -> tuple[Incident, ...]:
        """Newest first, of one stream or of all; those that are open with the darkness so far."""
        every = [*(case.show(now) for case in self._open.values()), *self._closed]
        mine = [incident for incident in every if stream is None or incident.stream == stream]
        return tuple(sorted(mine, key=lambda incident: incident.opened, reverse=True))

    def open_segments(self) -> dict[str, dict[Segment, int]]:
        """How many incidents are open in each segment, of the streams that have any; drills do not count."""
        found: dict[str, dict[Segment, int]] = {}
        for case in self._open.values():
            if not case.drill:
                found.setdefault(case.key.stream, dict.fromkeys(Segment, 0))[case.segment] += 1
        return found

    def segment(self, key: ProcessKey) -> Segment | None:
        """The segment of a process' open incident."""
        case = self._open.get(key)
        return case.segment if case else None

    # --- book-keeping ------------------------------------------------------------------------------

    def _begin(self, failed: Failed, now: float, wall: float) -> _Case:
        key, cause, segment, layer = failed.key, failed.cause, failed.segment, failed.layer
        identity = f"{key.stream}-{int(wall * 1000)}-{next(self._numbers)}"
        case = _Case(identity, key, wall, now, cause, segment, layer, failed.drill, noticed=now)
        self._open[key] = case
        return case

    def _detected(self, case: _Case, failed: Failed) -> None:
        if failed.silent is None:
            return
        case.detection = round(failed.silent, 3)
        sums = self._sums_of(failed.key)
        sums.last_detection = {**sums.last_detection, failed.layer: case.detection}
        self.detection[failed.layer] = _observe(self.detection[failed.layer], DETECTION_BUCKETS, failed.silent)

    def _take_seriously(self, case: _Case) -> None:
        """It began as a drill, and it is none: it counts."""
        case.drill = case.settled = False

    def _settle(self, case: _Case) -> None:
        if case.settled:
            return
        case.settled = True
        if not case.drill and (sums := self._sums.get(case.key.stream)):
            sums.incidents = {**sums.incidents, case.segment: sums.incidents[case.segment] + 1}

    def _close(self, case: _Case, now: float, wall: float) -> Incident:
        self._settle(case)
        incident = case.show(now, closed=wall)
        self._closed.append(incident)
        return incident

    def _count_result(self, stream: str, layer: Layer | None, result: Result) -> None:
        if layer is not None and (sums := self._sums.get(stream)):
            sums.results = {**sums.results, (layer, result): sums.results[layer, result] + 1}


def _empty(bounds: tuple[float, ...]) -> Histogram:
    return Histogram((0,) * (len(bounds) + 1), 0.0)


def _observe(histogram: Histogram, bounds: tuple[float, ...], seconds: float) -> Histogram:
    counts = list(histogram.counts)
    counts[bisect_left(bounds, seconds)] += 1
    return Histogram(tuple(counts), histogram.sum + seconds)
