"""What the next run of a place is started with, and its start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from supervisor.desired.plan import PROGRESS
from supervisor.ffmpeg.content import CONTENT_PORT
from supervisor.ffmpeg.destinations import MEDIA_DESCRIPTOR
from supervisor.machine.marks import RECORD_VARIABLE, RUN_VARIABLE
from supervisor.model.runs import RecordWriter, RunRecord, digest
from supervisor.process.run import Run

if TYPE_CHECKING:
    from supervisor.desired.environment import Environments
    from supervisor.desired.plan import ProcessSpec
    from supervisor.model.terms import RestartReason
    from supervisor.process.adoption import Adoptable
    from supervisor.process.place import Place

    _Begin = Callable[[Sequence[str]], Callable[[str], str]]  # gives a run its ports, see `Feeds`


def settings_of(spec: ProcessSpec, environments: Environments) -> str:
    """What tells one process from another: its command line, and what that asks for in the environment."""
    return digest((*spec.argv, "", *environments.asked_for(spec.key)))


class Launch:
    """Starts the runs of one place. Lives on the engine's loop."""

    def __init__(self, place: Place, output: int) -> None:
        """`output` is the descriptor that each run writes to."""
        self._place = place
        self._output = output
        self._once: tuple[str, ...] | None = None  # another command line, for the next run alone
        self._writer = RecordWriter()
        self._settings: tuple[object, object, str] = (None, None, "")  # of a command line in an environment, made once

    def once(self, argv: Sequence[str] | None) -> None:
        """Start the next run by another command line, or by none such."""
        self._once = tuple(argv) if argv else None

    def start(self, reason: RestartReason | None, progress: str) -> Run:
        """The next run; `progress` is where it is to report. Raises OSError or ValueError."""
        begin = self._place.feeds.begin_run if self._place.feeds else None
        return self._start(reason, progress, begin)

    def start_beside(self, reason: RestartReason, progress: str, fill: Callable[[str], str]) -> Run:
        """The run that is to follow the one that lives; `fill` as from `Feeds`. Raises OSError or ValueError."""
        return self._start(reason, progress, lambda _: fill)

    def _start(self, reason: RestartReason | None, progress: str, begin: _Begin | None) -> Run:
        place, host = self._place, self._place.host
        wall = host.machine.wall()
        run_id = host.names.name(wall, place.status.run)
        inherited = self._media(host.loop.time()) if place.intake else {}
        usual = self._once is None
        for overlay in place.spec.overlays:
            host.machine.ready_overlay(overlay)
        argv = self._argv(progress, wall, begin)
        environment = host.environments.of(place.key)
        record = self._writer.write(self._record(environment, reason, progress, wall, usual=usual))
        environment = {**environment, RUN_VARIABLE: run_id, RECORD_VARIABLE: record}
        child = host.machine.spawn(argv, environment, self._output, inherited, host.file_limits)
        fed = place.feeder.meter.fed_seconds if place.feeder else 0.0
        return Run(child, run_id, wall, host.loop.time(), reason, fed)

    def take_over(self, found: Adoptable) -> Run:
        """A run of an earlier neverdark goes on here."""
        place, record = self._place, found.record
        place.count_on(record.before)
        if place.intake:
            place.intake.go_on(found.sender)
        if place.feeds:
            place.feeds.go_on(record.feeds, record.clock)
        fed = place.feeder.meter.fed_seconds if place.feeder else 0.0
        return Run(found.child, found.run_id, record.started, record.began, None, fed, adopted=True)

    def prepare(self) -> None:
        """In a quiet moment: have encoded what will be the same in the next run's record, as far as that is known."""
        place = self._place
        self._writer.write(self._record(place.host.environments.of(place.key), None, "", 0.0, usual=self._once is None))

    def _record(
        self, environment: Mapping[str, str], reason: RestartReason | None, progress: str, wall: float, *, usual: bool
    ) -> RunRecord:
        """What another neverdark needs to take it over."""
        place, host = self._place, self._place.host
        argv = place.spec.argv
        if self._settings[0] is not argv or self._settings[1] is not environment:
            self._settings = argv, environment, settings_of(place.spec, host.environments)
        feeds, intake, source = place.feeds, place.intake, place.source
        return RunRecord(
            place.key,
            self._settings[2] if usual else "",
            host.loop.time(),
            wall,
            int(progress.rpartition(":")[2] or 0),
            intake.link.port if intake else 0,
            feeds.tap.port if feeds else 0,
            feeds.recorded if feeds else {},
            place.counted(reason),
            source.learned if source else None,
            feeds.clock if feeds else 0,
            place.content.port if place.content else 0,
        )

    def _media(self, now: float) -> dict[int, int]:
        """What a pusher inherits: the link that its encoder's media comes by."""
        intake, feeder = self._place.intake, self._place.feeder
        assert intake is not None
        intake.begin_run(now, feeder.feeds.current if feeder and feeder.feeds else None)
        return {MEDIA_DESCRIPTOR: intake.link.fd}

    def _argv(self, progress: str, wall: float, begin: _Begin | None) -> list[str]:
        place = self._place
        once, self._once = self._once, None
        ready = place.ready_argv if place.last_cause is None else None  # it has just failed: what it reads may be gone
        words: Sequence[str] = once or ready or place.spec.argv
        if place.source:
            words = place.source.words(once, place.spec.policies.stall.startup)
        argv = [word.replace(PROGRESS, progress) for word in words]
        if begin:
            argv = list(map(begin(place.spec.feeds), argv))
        if place.content and place.content.port:
            argv = [word.replace(CONTENT_PORT, str(place.content.port)) for word in argv]
        if place.recording:
            path, unused = str(place.recording.path), str(place.recording.file(wall, place.status.run))
            argv = [unused if word == path else word for word in argv]
        return argv
