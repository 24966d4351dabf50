"""What the incidents of a stream add up to: counts and times. Pure; nothing in here ever falls."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

from supervisor.model.snapshot import DETECTION_BUCKETS, RECOVERY_BUCKETS, Histogram
from supervisor.model.terms import Action, Layer, ProcessKey, Result, Role, Segment

LAYERS = (Layer.PROCESS, Layer.WATCHDOG)  # an operator's remedies are no recoveries of ours
ACTION_OF_ROLE = {
    Role.ENCODER: Action.RESTART_ENCODER,
    Role.PUSHER: Action.RESTART_PUSHER,
    Role.COMMAND: Action.RESTART_COMMAND,
}


@dataclass(slots=True)
class Sums:
    """What a stream's incidents add up to; a mapping is replaced, never changed, so a snapshot may keep it."""

    incidents: Mapping[Segment, int]
    attempts: Mapping[tuple[Layer, Action], int]
    results: Mapping[tuple[Layer, Result], int]
    last_detection: Mapping[Layer, float] = field(default_factory=dict)
    last_recovery: Mapping[Layer, float] = field(default_factory=dict)


class Tally:
    """The sums of every stream, and the histograms over all of them."""

    def __init__(self) -> None:
        self.detection = {layer: no_samples(DETECTION_BUCKETS) for layer in LAYERS}
        self.recovery = {layer: no_samples(RECOVERY_BUCKETS) for layer in LAYERS}
        self._sums: dict[str, Sums] = {}

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

    def of(self, stream: str) -> Sums:
        """The sums of a stream that is known."""
        return self._sums[stream]

    def forget(self, stream: str) -> None:
        """The stream is no longer configured."""
        self._sums.pop(stream, None)

    def incident(self, stream: str, segment: Segment) -> None:
        """An incident counts from now on, in this segment."""
        if sums := self._sums.get(stream):
            sums.incidents = {**sums.incidents, segment: sums.incidents[segment] + 1}

    def attempt(self, key: ProcessKey, layer: Layer, action: Action) -> None:
        """A layer has acted."""
        sums = self._sums_of(key)
        sums.attempts = {**sums.attempts, (layer, action): sums.attempts.get((layer, action), 0) + 1}

    def result(self, stream: str, layer: Layer, result: Result) -> None:
        """What became of an action."""
        if layer in LAYERS and (sums := self._sums.get(stream)):
            sums.results = {**sums.results, (layer, result): sums.results[layer, result] + 1}

    def detected(self, key: ProcessKey, layer: Layer, seconds: float) -> None:
        """A layer noticed a failure so many seconds after the last advance."""
        sums = self._sums_of(key)
        sums.last_detection = {**sums.last_detection, layer: round(seconds, 3)}
        self.detection[layer] = observe(self.detection[layer], DETECTION_BUCKETS, seconds)

    def recovered(self, key: ProcessKey, layer: Layer, seconds: float) -> None:
        """Media advances again so many seconds after the notice, after this layer has acted."""
        if layer in LAYERS:
            sums = self._sums_of(key)
            sums.last_recovery = {**sums.last_recovery, layer: seconds}
            self.recovery[layer] = observe(self.recovery[layer], RECOVERY_BUCKETS, seconds)

    def _sums_of(self, key: ProcessKey) -> Sums:
        return self.know(key.stream, is_command=key.role is Role.COMMAND)


def no_samples(bounds: tuple[float, ...]) -> Histogram:
    """Of these buckets."""
    return Histogram((0,) * (len(bounds) + 1), 0.0)


def observe(histogram: Histogram, bounds: tuple[float, ...], seconds: float) -> Histogram:
    """The same with one more."""
    counts = list(histogram.counts)
    counts[bisect_left(bounds, seconds)] += 1
    return Histogram(tuple(counts), histogram.sum + seconds)
