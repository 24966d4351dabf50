"""What numbers and colours mean, the same in all dashboards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from supervisor.model.fallback import SwitchReason
from supervisor.model.terms import Layer, RestartReason, Segment, State, Verdict
from supervisor.platforms.youtube.model import HealthStatus, LifeCycle, StreamStatus

OBJECTIVE: Final = 0.999  # of the seconds in which a stream is wanted

Codes = Mapping[int, tuple[str, str]]  # what a number stands for: its text and its colour
Steps = Sequence[tuple[float | None, str]]  # thresholds: from where on, and its colour

QUIET: Final = "rgba(128, 128, 128, 0.18)"
NEUTRAL: Final[Steps] = ((None, "text"),)

# How a stream does, one number for each; the lower, the sooner somebody should look.
AIR: Final[Codes] = {
    0: ("OFF AIR", "red"),
    1: ("NOT KNOWN", "purple"),
    2: ("maintenance", "blue"),
    3: ("on air", "green"),
    4: ("planned off", "#6e7680"),
}
# Numbers of their own, so that both may stand in one panel.
PROCESS: Final[dict[State, tuple[int, str, str]]] = {
    State.STOPPED: (10, "stopped", "#6e7680"),
    State.STARTING: (11, "starting", "light-blue"),
    State.RUNNING: (12, "running", "dark-green"),
    State.BACKOFF: (13, "waits to try again", "orange"),
    State.COOLDOWN: (14, "attempts spent, waits long", "dark-red"),
    State.STOPPING: (15, "stopping", "light-blue"),
}
VERDICTS: Final[dict[Verdict, tuple[int, str, str]]] = {
    Verdict.HEALTHY: (1, "healthy", "dark-green"),
    Verdict.DEGRADED: (2, "degraded", "yellow"),
    Verdict.UNHEALTHY: (3, "unhealthy", "red"),
    Verdict.UNKNOWN: (4, "could not tell", "purple"),
}
# If several are open at once the highest number is shown: the one that explains the others.
SEGMENTS: Final[dict[Segment, tuple[int, str, str]]] = {
    Segment.UNKNOWN: (1, "unknown", "#9fa7b3"),
    Segment.NEVERDARK: (2, "neverdark itself", "#6e7680"),
    Segment.PUSHER: (3, "pusher", "light-blue"),
    Segment.UPLINK: (4, "uplink", "orange"),
    Segment.PLATFORM: (5, "platform", "super-light-red"),
    Segment.ENCODER: (6, "encoder", "blue"),
    Segment.SOURCE: (7, "source", "purple"),
    Segment.NETWORK: (8, "our line", "yellow"),
}
BROKEN: Final[Codes] = {0: ("nothing", QUIET)} | {code: (words, color) for code, words, color in SEGMENTS.values()}
SEGMENT_COLORS: Final = {str(segment): color for segment, (_, _, color) in SEGMENTS.items()}
# Somebody asked for the last two.
REASON_COLORS: Final = {
    RestartReason.EXIT: "orange",
    RestartReason.STALL: "red",
    RestartReason.START_TIMEOUT: "dark-red",
    RestartReason.UPLINK: "yellow",
    RestartReason.WATCHDOG: "purple",
    RestartReason.LIMIT: "light-orange",
    RestartReason.OPERATOR: "blue",
    RestartReason.CONFIG: "light-blue",
}
LAYER_COLORS: Final = {
    Layer.PROCESS: "green",
    Layer.WATCHDOG: "purple",
    Layer.PLATFORM: "orange",
    Layer.OPERATOR: "blue",
}
# Which source viewers are given: a number for the stream's own, one for every fallback.
SHOWN: Final[Codes] = {0: ("not seen", QUIET), 1: ("viewers see it", "green"), 2: ("viewers see it", "orange")}
SWITCH_COLORS: Final = {
    SwitchReason.FAILED: "orange",
    SwitchReason.RETURNED: "green",
    SwitchReason.ORDERED: "blue",
}

# What YouTube says, for one panel: what it receives, how well, and the broadcast.
RECEIVED: Final[dict[StrEnum, tuple[int, str, str]]] = {
    StreamStatus.CREATED: (1, "created", "#6e7680"),
    StreamStatus.READY: (2, "ready", "light-blue"),
    StreamStatus.ACTIVE: (3, "active", "dark-green"),
    StreamStatus.INACTIVE: (4, "inactive", "red"),
    StreamStatus.ERROR: (5, "error", "dark-red"),
    StreamStatus.UNKNOWN: (6, "unknown", "purple"),
}
RECEIVED_WELL: Final[dict[StrEnum, tuple[int, str, str]]] = {
    HealthStatus.GOOD: (11, "good", "dark-green"),
    HealthStatus.OK: (12, "ok", "green"),
    HealthStatus.BAD: (13, "bad", "red"),
    HealthStatus.NO_DATA: (14, "no data", "orange"),
    HealthStatus.REVOKED: (15, "revoked", "dark-red"),
    HealthStatus.UNKNOWN: (16, "unknown", "purple"),
}
BROADCAST: Final[dict[StrEnum, tuple[int, str, str]]] = {
    LifeCycle.CREATED: (21, "created", "#6e7680"),
    LifeCycle.READY: (22, "ready", "light-blue"),
    LifeCycle.TEST_STARTING: (23, "test starting", "yellow"),
    LifeCycle.TESTING: (24, "testing", "yellow"),
    LifeCycle.LIVE_STARTING: (25, "live starting", "light-green"),
    LifeCycle.LIVE: (26, "live", "dark-green"),
    LifeCycle.COMPLETE: (27, "ended", "red"),
    LifeCycle.REVOKED: (28, "revoked", "dark-red"),
    LifeCycle.UNKNOWN: (29, "unknown", "purple"),
}

AVAILABILITY_STEPS: Final[Steps] = ((None, "red"), (0.99, "orange"), (OBJECTIVE, "green"))
# A page comes after two minutes.
RECOVERY_STEPS: Final[Steps] = ((None, "green"), (10, "yellow"), (30, "orange"), (120, "red"))


def codes_of(*tables: Mapping[Any, tuple[int, str, str]]) -> Codes:
    """The codes of closed sets."""
    return {code: (words, color) for members in tables for code, words, color in members.values()}
