"""Runs a history in a world with all checks, and says what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from supervisor.model import events
from tests.simulation.channel_checks import OF_YOUTUBE
from tests.simulation.checks import ALL, Check
from tests.simulation.expected import fails
from tests.simulation.fault import Fault
from tests.simulation.history import history, needs_fallbacks, needs_youtube
from tests.simulation.lives import End
from tests.simulation.scene import Broken, Failure, Scene, payload, words
from tests.simulation.told import Verdicts, judge_incidents
from tests.simulation.world import World, run

_OF_AN_INCIDENT = (events.IncidentOpened, events.FindingEntered, events.IncidentClosed)
_LATEST = 30  # faults that are looked at
_QUIET_FACTS = (events.DestinationHealthy, events.ProcessAdvanced)


@dataclass(frozen=True, slots=True)
class Setup:
    """One run: everything that it depends on."""

    seed: int
    streams: int
    hours: float
    faults: int
    shapes: str = ""  # names with commas between; empty: all
    until: float | None = None  # virtual seconds: the history is the same, and ends there
    youtube: bool = False  # some streams are there, also where no shape says so

    @property
    def command(self) -> str:
        """What replays it."""
        args = f"--hours {self.hours:g} --streams {self.streams} --seed {self.seed} --seeds 1 --faults {self.faults}"
        if self.shapes:
            args += f" --shapes {self.shapes}"
        if self.until is not None:
            args += f" --until {self.until:g}"
        if self.youtube:
            args += " --youtube"
        return f'make simulate ARGS="{args}"'


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run.

    `recoveries` are those of both layers, `back` the seconds until the stream of a fault was on air again, by kind.
    """

    setup: Setup
    failures: Sequence[Failure]
    verdicts: Verdicts
    virtual: float
    facts: int
    incidents: int
    recoveries: int
    back: dict[str, list[float]]
    digest: str  # of all facts with their times


class Judge:
    """Hears and looks on behalf of all checks."""

    def __init__(self, world: World) -> None:
        self.scene = Scene(world)
        self.checks = [check(self.scene) for check in (*ALL, *(OF_YOUTUBE if world.youtube else ()))]
        self._hearing = [check for check in self.checks if type(check).hear is not Check.hear]
        self._looking = [check for check in self.checks if type(check).second is not Check.second]
        self.heard = 0
        self.recoveries = 0
        self._minute = 60.0
        self._digest = sha256()
        self._closing = False

    @property
    def digest(self) -> str:
        """Of all facts so far."""
        return self._digest.hexdigest()[:12]

    def hear(self, fact: Any) -> None:
        """A listener to facts."""
        what, scene = payload(fact), self.scene
        self.heard += 1
        line = f"{scene.world.now:.3f} {words(fact)}"
        self._digest.update(line.encode())
        if not isinstance(what, _QUIET_FACTS):
            scene.recent.append(line)
        match what:
            case events.StreamWanted(stream=stream, wanted=wanted, why=why):
                scene.wanted[stream] = wanted
                self._closing = self._closing or why == "shutdown"
            case events.StreamOnAir(stream=stream, on_air=on_air):
                scene.on_air[stream] = on_air
                scene.on_air_turns.setdefault(stream, []).append((scene.world.now, on_air))
            case events.RecoveryAttempted():
                self.recoveries += 1
            case events.ProcessStarted(reason=reason) if reason and reason not in {"operator", "config"}:
                self.recoveries += 1
        for check in self._hearing:
            check.hear(what)
        if isinstance(what, _OF_AN_INCIDENT):
            scene.read_incidents()

    def second(self, world: World) -> None:
        """A second of virtual time is over. Raises Broken."""
        if self._closing or not world.lives.present:
            return
        for check in self._looking:
            check.second()
        if world.now >= self._minute and world.lives.settled and not _stands_still(world):
            self._minute = max(self._minute, world.now - 1.0) + 60.0
            snapshot = self.scene.snapshot()
            for check in self.checks:
                check.minute(snapshot)
        if self.scene.failures:
            raise Broken

    def life_over(self, how: End) -> None:
        """See `lives.Watcher`."""
        self.scene.life_over()
        for check in self.checks:
            check.life_over(how)

    def life_begins(self) -> None:
        """See `lives.Watcher`."""
        self._closing = False
        for check in self.checks:
            check.life_begins()

    def end(self) -> Verdicts:
        """The engine has stopped."""
        for check in self.checks:
            check.end()
        return judge_incidents(self.scene)


def _stands_still(world: World) -> bool:
    """neverdark's loop gets no time, or has only just got some: what it shows is as old as that."""
    late = (one for one in world.faults[-_LATEST:] if one.fault.kind == "late_loop")
    return any(one.ended is None or one.ended > world.now - 3.0 for one in late)


def simulate(setup: Setup) -> Outcome:
    """Run one seed until it is over or something is wrong."""
    fallbacks = setup.faults > 0 and needs_fallbacks(setup.shapes)
    youtube = setup.youtube or needs_youtube(setup.shapes)
    world = World(setup.seed, setup.streams, fallbacks=fallbacks, youtube=youtube)
    seconds = setup.hours * 3600.0
    channel = world.youtube.spots if world.youtube else ()
    faults = history(setup.seed, world.site, seconds, setup.faults, setup.shapes, world.ladders, channel)
    return watch(world, faults, seconds if setup.until is None else min(seconds, setup.until), setup)


def watch(world: World, faults: Sequence[Fault], seconds: float, setup: Setup) -> Outcome:
    """Run these faults with all checks."""
    judge = Judge(world)
    world.listeners.append(judge.hear)
    world.watchers.append(judge)
    verdicts = Verdicts()
    try:
        run(world, faults, seconds, on_second=judge.second)
    except Broken:
        verdicts.faults.update(happened.fault.kind for happened in world.faults)
    else:
        verdicts = judge.end()
    scene = judge.scene
    back = _times_back(scene)
    return Outcome(
        setup, scene.failures, verdicts, world.now, judge.heard, len(scene.told), judge.recoveries, back, judge.digest
    )


def _times_back(scene: Scene) -> dict[str, list[float]]:
    """By kind, of faults that nothing else came after in time: how long after its end its stream was on air again.

    0 for a stream that was on air all the time. A destination that is not required keeps no stream off air.
    """
    back: dict[str, list[float]] = {}
    for stream in scene.streams:
        turns, spells = scene.on_air_turns.get(stream, []), scene.spells(stream)
        for place, (fault, began, ended, until) in enumerate(spells):
            after = spells[place + 1].began if place + 1 < len(spells) else float("inf")
            lasts = any(one.began <= began and one.ended > ended for one in spells[:place])
            if not fails(fault) or after < ended or lasts:
                continue
            mine = [(when, on_air) for when, on_air in turns if began <= when <= min(until, after)]
            on = [when for when, on_air in mine if on_air]
            if scene.was_on_air(stream, began) and not mine:
                back.setdefault(fault.kind, []).append(0.0)
            elif on:
                back.setdefault(fault.kind, []).append(max(0.0, on[-1] - ended))
    return back
