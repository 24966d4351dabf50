"""What the next run of a place is started with, and its start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from supervisor.desired.plan import PROGRESS
from supervisor.ffmpeg.destinations import MEDIA_DESCRIPTOR
from supervisor.machine.marks import RUN_VARIABLE
from supervisor.process.run import Run

if TYPE_CHECKING:
    from supervisor.model.terms import RestartReason
    from supervisor.process.place import Place


class Launch:
    """Starts the runs of one place. Lives on the engine's loop."""

    def __init__(self, place: Place, output: int) -> None:
        """`output` is the descriptor that each run writes to."""
        self._place = place
        self._output = output
        self._once: tuple[str, ...] | None = None  # another command line, for the next run alone

    def once(self, argv: Sequence[str] | None) -> None:
        """Start the next run by another command line, or by none such."""
        self._once = tuple(argv) if argv else None

    def start(self, reason: RestartReason | None, progress: str) -> Run:
        """The next run; `progress` is where it is to report. Raises OSError or ValueError."""
        place, host = self._place, self._place.host
        wall = host.machine.wall()
        run_id = host.names.name(wall, place.status.run)
        inherited = self._media(host.loop.time()) if place.intake else {}
        environment = {**host.environments.of(place.key), RUN_VARIABLE: run_id}
        argv = self._argv(progress, wall)
        child = host.machine.spawn(argv, environment, self._output, inherited, host.file_limits)
        fed = place.feeder.meter.fed_seconds if place.feeder else 0.0
        return Run(child, run_id, wall, host.loop.time(), reason, fed)

    def _media(self, now: float) -> dict[int, int]:
        """What a pusher inherits: the link that its encoder's media comes by."""
        intake, feeder = self._place.intake, self._place.feeder
        assert intake is not None
        intake.begin_run(now, feeder.feeds.current if feeder and feeder.feeds else None)
        return {MEDIA_DESCRIPTOR: intake.link.fd}

    def _argv(self, progress: str, wall: float) -> list[str]:
        place = self._place
        once, self._once = self._once, None
        words: Sequence[str] = once or place.spec.argv
        if place.source:
            words = place.source.words(once, place.spec.policies.stall.startup)
        argv = [word.replace(PROGRESS, progress) for word in words]
        if place.feeds:
            argv = list(map(place.feeds.begin_run(place.spec.feeds), argv))
        if place.recording:
            path, unused = str(place.recording.path), str(place.recording.file(wall, place.status.run))
            argv = [unused if word == path else word for word in argv]
        return argv
