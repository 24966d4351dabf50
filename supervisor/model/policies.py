"""How patient neverdark is, and what it bounds: the policies that a file, a stream or a destination may set.

Durations are seconds, sizes bytes, rates bits per second.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from supervisor.model.quantities import BitRate, ByteSize, Count, Duration, Number

PositiveDuration = Annotated[Duration, Field(gt=0)]
Ratio = Annotated[Number, Field(ge=0, le=1)]


class Section(BaseModel):
    """A part of the file: immutable, and with no keys but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True)

    def overridden_by(self, *others: Self) -> Self:
        """This section with the keys that `others` really name, the last one winning."""
        named = {key: getattr(other, key) for other in others for key in other.model_fields_set}
        return self.model_copy(update=named)


class RestartPolicy(Section):
    """Layer 1: how a process that ended is replaced."""

    initial_delay: Duration = 0.5
    factor: Number = Field(default=2.0, ge=1, le=100)
    max_delay: Duration = 10.0
    jitter: Ratio = 0.1
    attempts: Count = Field(default=10, ge=0)
    reset_after: Duration = 60.0
    cooldown: PositiveDuration = 300.0


class StallPolicy(Section):
    """How long a process may show no progress: before the first sign, and after it."""

    startup: PositiveDuration = 30.0
    timeout: PositiveDuration = 10.0


class UplinkPolicy(Section):
    """How long an ingest may acknowledge nothing while data waits."""

    interval: Duration = Field(default=1.0, ge=0.1)  # more often costs more than it tells
    timeout: PositiveDuration = 5.0


class WatchdogPolicy(Section):
    """Layer 2: how often a destination is judged and when recovery begins."""

    enabled: bool = True
    interval: PositiveDuration = 30.0
    failures: Count = Field(default=3, ge=1)
    cooldown: Duration = 120.0


class LimitsPolicy(Section):
    """Bounds: cores, bytes of memory, the lowest speed, the lowest bit rate, and how far a pusher may be behind.

    At `backlog` the line counts as too thin; before `backlog_max` the pusher is replaced, and what waits is dropped.
    """

    cpu: Number | None = Field(default=None, gt=0)
    memory: ByteSize | None = None
    speed: Number | None = Field(default=0.95, gt=0, le=1)
    bitrate: BitRate | None = None
    backlog: PositiveDuration = 5.0
    backlog_max: PositiveDuration = 20.0


class StopPolicy(Section):
    """A planned stop: when the second SIGTERM and when SIGKILL follow the first SIGTERM."""

    second_signal: Duration = 0.5
    kill: PositiveDuration = 3.0


class Policies(Section):
    """What `defaults` sets, and what every stream and every destination may override."""

    restart: RestartPolicy = RestartPolicy()
    stall: StallPolicy = StallPolicy()
    uplink: UplinkPolicy = UplinkPolicy()
    watchdog: WatchdogPolicy = WatchdogPolicy()
    limits: LimitsPolicy = LimitsPolicy()
    stop: StopPolicy = StopPolicy()

    def policies(self, *overrides: Policies) -> Policies:
        """The policies in force under `overrides`, section by section and key by key."""
        merged = {
            name: getattr(self, name).overridden_by(*(getattr(other, name) for other in overrides))
            for name in Policies.model_fields
        }
        return Policies.model_construct(**merged)
