"""The answers about streams that are made, changed and removed by API."""

from __future__ import annotations

from typing import Any, Literal

from exporter.api.example import Example
from exporter.api.shape import Shape
from supervisor.model.edits import Change, ProcessChange
from supervisor.model.terms import Role

_DESTINATION = {"url": "rtmps://a.rtmps.youtube.com/live2", "key": "***"}
_STREAM = {
    "source": {"format": "lavfi", "url": "testsrc2=size=1280x720:rate=30", "realtime": True},
    "destinations": {"youtube": _DESTINATION},
}


@Example(path="streams.harbour-cam.video.bitrate", value="'fast'", expected="expected a bit rate such as 4500k or 6M")
class Mistake(Shape):
    """Where it stands, what stands there (null: that tells nothing, or is secret), what was expected."""

    path: str
    value: str | None
    expected: str


@Example(
    detail="streams.harbour-cam.video.bitrate: 'fast': expected a bit rate such as 4500k or 6M",
    problems=[
        {
            "path": "streams.harbour-cam.video.bitrate",
            "value": "'fast'",
            "expected": "expected a bit rate such as 4500k or 6M",
        }
    ],
)
class Mistakes(Shape):
    """A body that cannot be used, with every mistake that was found; `detail` has all in one text."""

    detail: str
    problems: list[Mistake] | None = None


@Example(role="encoder", destination=None, change="restarts")
class ProcessEffect(Shape):
    """What becomes of one process, if the stream is wanted."""

    role: Role
    destination: str | None
    change: ProcessChange


@Example(stream="harbour-cam", origin="api", dry_run=False, change="changed", warnings=[], config=_STREAM)
class EditedStream(Shape):
    """What came of an edit, or would of a `dry_run`; `config` is what is configured now, secrets hidden."""

    stream: str
    origin: Literal["file", "api"] | None
    dry_run: bool
    change: Change
    processes: list[ProcessEffect]
    warnings: list[str]
    config: dict[str, Any] | None


@Example(stream="harbour-cam", origin="api", config=_STREAM, problems=[])
class ConfiguredStream(Shape):
    """What is configured, secrets hidden; `problems`: why one that was made does not go with the file as it is."""

    stream: str
    origin: Literal["file", "api"]
    config: dict[str, Any]
    problems: list[str]


@Example(stream="harbour-cam", name="youtube", origin="api", config=_DESTINATION)
class ConfiguredDestination(Shape):
    """What is configured of a destination, secrets hidden."""

    stream: str
    name: str
    origin: Literal["file", "api"]
    config: dict[str, Any]


@Example(stream="harbour-cam", origin="api")
class ConfiguredDestinations(Shape):
    """Those of one stream, in their order."""

    stream: str
    origin: Literal["file", "api"]
    destinations: list[ConfiguredDestination]


@Example(enable_watchdog=True, watchdog_check_interval=30, watchdog_failures=3, watchdog_cooldown=120)
class WatchdogConfig(Shape):
    """The settings in force of a destination's watchdog; times are in seconds. Null: the stream cannot run now."""

    enable_watchdog: bool | None
    watchdog_check_interval: float | None
    watchdog_failures: int | None
    watchdog_cooldown: float | None
