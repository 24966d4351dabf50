"""What the watchdog says of a destination."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime

from exporter.api.example import Example, example_of
from exporter.api.policies import show_seconds
from exporter.api.shape import From, Made, Shape
from supervisor.model.terms import Check, Verdict


@Example(
    running=True,
    stopped_since=None,
    verdict="healthy",
    verdicts={"process": "healthy", "progress": "healthy", "uplink": "healthy", "source": "unknown"},
    consecutive_unhealthy=0,
)
class WatchdogState(Shape):
    """What the watchdog says of a destination, in short; `verdicts` has the checks that apply.

    `stopped_since`: an operator has stopped it then.
    """

    running: bool
    stopped_since: AwareDatetime | None
    verdict: Verdict
    verdicts: dict[Check, Verdict]
    consecutive_unhealthy: Annotated[int, From("consecutive_failures")]


@Example(
    last_check_time="2026-03-01T17:59:41.002Z",
    last_healthy_time="2026-03-01T17:59:41.002Z",
    last_recovery_time=None,
    recovery_count=0,
    check_interval=30,
)
class Watchdog(WatchdogState):
    """What the watchdog says of a destination.

    `running` is true only if its job really ran within two intervals; `check_interval` is in seconds.
    """

    last_check_time: Annotated[AwareDatetime | None, From("last_check")]
    last_healthy_time: Annotated[AwareDatetime | None, From("last_healthy")]
    last_recovery_time: Annotated[AwareDatetime | None, From("last_recovery")]
    recovery_count: Annotated[int, From("recoveries")]
    check_interval: Annotated[float, Made(lambda watchdog: show_seconds(watchdog.interval))]


@Example(destination_id=1)
class WatchdogOfDestination(Watchdog):
    """The same with the destination's `id`."""

    destination_id: int | None


@Example(watchdog_count=1, watchdogs={"harbour-cam:youtube": example_of(WatchdogOfDestination)})
class WatchdogStatus(Shape):
    """Every watched destination as `stream:destination`."""

    watchdog_count: int
    watchdogs: dict[str, WatchdogOfDestination]


@Example(destination_name="harbour-cam:youtube", watchdog_enabled=True, message=None)
class WatchdogReport(WatchdogOfDestination):
    """The watchdog of one destination; `message` is null if it runs.

    `watchdog_enabled` is what the configuration says. Where it says no, nobody watches, and while the whole stream is
    switched off there and was not started.
    """

    destination_name: str
    watchdog_enabled: bool
    message: str | None


@Example(message="Watchdog started for destination 1 (harbour-cam:youtube)", destination_id=1)
class WatchdogOrdered(Shape):
    """What has become of the order, in words."""

    message: str
    destination_id: int | None


@Example(message="Watchdog configuration reloaded", active_watchdogs=1)
class WatchdogsReloaded(WatchdogStatus):
    """All watchdogs that the configuration enables are to run; `active_watchdogs` is their number once more."""

    message: str
    active_watchdogs: int


@Example(message="All watchdogs stopped")
class WatchdogsStopped(Shape):
    """All watchdogs are stopped."""

    message: str
