"""The answers of /healthz and /readyz."""

from __future__ import annotations

from typing import Literal

from exporter.api.example import Example, example_of
from exporter.api.shape import Shape


@Example(status="ok")
class Live(Shape):
    """`late`: the parts (`loop`, `scheduler`) that do not tick, or not in time, with the seconds that they have lost.

    The loop is late after 5 s without a tick, and when in the last minute it stood still for a second or more at least
    three times, together 6 s.
    """

    status: Literal["ok", "failing"]
    late: dict[str, float] | None = None


@Example(wanted=True, on_air=True, verified=True, reason=None)
class ReadyStream(Shape):
    """Only streams that are `wanted` decide whether neverdark is ready."""

    wanted: bool
    on_air: bool
    verified: bool
    reason: str | None


@Example(status="ready", streams={"harbour-cam": example_of(ReadyStream)})
class Ready(Shape):
    """Whether every wanted stream is on air."""

    status: Literal["ready", "not ready"]
    streams: dict[str, ReadyStream]
