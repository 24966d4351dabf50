"""Runs the soak: faults one after the other and a few at once, for the given time, and checks after each."""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import shlex
import signal
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import requests

from bench.__main__ import machine
from bench.soak.episode import Episode
from bench.soak.faults import KINDS, Fault
from bench.soak.monitor import Monitor
from bench.soak.report import Report, page, show
from bench.soak.view import View, look
from bench.soak.world import World
from tests.integration.harness.supervised import REPOSITORY, Neverdark
from tests.integration.harness.waiting import ON_AIR

_TICK = 0.1
_AT_ONCE = (1, 2, 3)
_CLOSING = 50.0  # after the last fault: until its incident must be closed
_LAST = 120.0  # and until it must be over at all
_METRICS = 5.0


class Soak:
    """One run. `run` takes as long as it was told, and a minute or two for the last incidents to close."""

    def __init__(self, world: World, report: Report) -> None:
        self._world = world
        self._running: Neverdark = world.neverdark
        self._report = report
        self._rng = random.Random(report.seed)  # noqa: S311 - not a secret
        self._monitor = Monitor(world.neverdark)
        self._active: list[Episode] = []
        self._over: list[Episode] = []  # whose incidents are still open
        self._deck: list[type[Fault]] = []
        self._at_once = 1
        self._claimed: set[str] = set()
        self._began = time.monotonic()
        self._view: View
        self._counted = 0.0

    def run(self) -> None:
        self._running.wait_on_air(seconds=3 * ON_AIR)
        self._began = time.monotonic()
        self._view = look(self._running)
        try:
            self._work(self._report.minutes * 60)
            self._finish()
        except KeyboardInterrupt:
            self._tell("called off")
            self._report.wrong.append("called off")
        finally:
            for episode in self._active:
                with contextlib.suppress(Exception):
                    episode.abort()
            self._sum_up()

    def _work(self, seconds: float) -> None:
        while (now := time.monotonic() - self._began) < seconds or self._active or self._over:
            if now > seconds + _LAST + _CLOSING:
                self._report.wrong.append(f"not over: {[episode.result.fault for episode in self._active]}")
                return
            if now < seconds:
                self._begin_one()
            self._turn()

    def _turn(self) -> None:
        time.sleep(_TICK)
        try:
            self._view = look(self._running)
        except (requests.RequestException, KeyError) as error:
            self._report.wrong.append(f"{self._clock()} the API did not answer: {type(error).__name__}")
            return
        self._monitor.look(self._view, self._active, self._clock())
        for episode in list(self._active):
            self._take_on(episode)
        self._over = [episode for episode in self._over if not self._look_back(episode)]
        if self._view.at > self._counted + _METRICS:
            self._counted = self._view.at
            self._count()

    def _take_on(self, episode: Episode) -> None:
        try:
            going_on = episode.step()
        except (AssertionError, OSError, LookupError, ValueError) as error:
            episode.result.wrong.append(f"the fault could not be caused: {type(error).__name__}: {error}")
            episode.ended = self._view.at
            going_on = False
        if going_on:
            return
        result = episode.result
        self._active.remove(episode)
        self._over.append(episode)
        self._claimed |= episode.ids
        self._report.results.append(result)
        self._at_once = self._rng.choice(_AT_ONCE)
        times = f"noticed {result.noticed} s, back {result.back} s of {result.allowed} s"
        self._tell(
            f"{result.fault} on {result.stream}: {', '.join(result.named)} ({', '.join(result.causes)}); {times}"
        )
        for why in result.wrong:
            self._tell(f"  WRONG {why}")

    def _look_back(self, episode: Episode) -> bool:
        said = len(episode.result.wrong)
        done = episode.look_back(self._view)
        for why in episode.result.wrong[said:]:
            self._tell(f"  WRONG, afterwards: {episode.result.fault} on {episode.result.stream}: {why}")
        return done

    def _begin_one(self) -> None:
        """The next card of the deck that fits somewhere; each kind comes once before any comes again."""
        if sum(not episode.fault.idle for episode in self._active) >= self._at_once:
            return
        if not self._deck:
            self._deck = self._rng.sample(KINDS, len(KINDS))
        busy = {spot[0] for episode in self._active for spot in episode.spots}
        for kind in self._deck:
            fault = kind(self._world, self._rng)
            targets = fault.targets()
            if not targets:
                self._deck.remove(kind)
                return
            calm = [spots for spots in targets if all(self._calm(spot[0], busy) for spot in spots)]
            if calm:
                self._deck.remove(kind)
                fault.spots = self._rng.choice(calm)
                began = time.monotonic() - self._began
                self._tell(f"{fault.name} on {fault.spots[0][0]}")
                self._active.append(Episode(fault, self._world, self._rng, self._view, began, lambda: self._view))
                return

    def _calm(self, stream: str, busy: set[str]) -> bool:
        if stream in busy or self._view.open_incidents(stream) or not self._view.streams[stream]["on_air"]:
            return False
        return not any(stream == spot[0] for episode in self._over for spot in episode.spots if episode.ids)

    # --- checks --------------------------------------------------------------------------------------

    def _count(self) -> None:
        try:
            self._running.metrics()
        except AssertionError as error:
            self._report.wrong.append(f"{self._clock()} {error}")
        watchdogs = self._running.get("/api/watchdog/status").json()["watchdogs"]
        idle = [name for name, one in watchdogs.items() if not one["running"]]
        if idle or len(watchdogs) != len(self._world.landings):
            self._report.wrong.append(f"{self._clock()} watchdogs: {len(watchdogs)}, not running: {idle}")

    def _finish(self) -> None:
        """All is well again, and neverdark's own accounts are in order."""
        wrong = self._report.wrong
        self._view = look(self._running)
        if not self._running.get("/healthz").ok:
            wrong.append(f"/healthz: {self._running.get('/healthz').text}")
        if not self._running.get("/readyz").ok:
            wrong.append(f"/readyz: {self._running.get('/readyz').text}")
        samples = self._running.metrics()
        counted: Counter[str] = Counter()
        for (name, labels), value in samples.items():
            if name == "livestream_incidents_total":
                counted[dict(labels)["stream"]] += int(value)
        told = Counter(one["stream"] for one in self._view.incidents if one["closed"])
        open_ones = Counter(one["stream"] for one in self._view.incidents if not one["closed"])
        # An open one is counted when it has settled, so it may or may not be among them. The segments need not agree:
        # something graver may have been found after that.
        if told - counted or counted - told - open_ones:
            wrong.append(f"incidents_total says {+counted}, the API {told} and open {open_ones}")
        for stream in self._view.streams:
            parts = ("stream_wanted_seconds_total", "stream_on_air_seconds_total", "stream_off_air_seconds_total")
            wanted, on, off = (self._sum(samples, part, stream) for part in parts)
            if abs(wanted - on - off) > 0.01:
                wrong.append(f"{stream}: wanted for {wanted} s, on air {on} s and off air {off} s")

    @staticmethod
    def _sum(samples: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, stream: str) -> float:
        wanted = f"livestream_{name}"
        return sum(value for (own, labels), value in samples.items() if own == wanted and ("stream", stream) in labels)

    def _sum_up(self) -> None:
        self._monitor.count_natural(self._view, self._claimed)
        report = self._report
        report.natural, report.flatness = self._monitor.natural, self._monitor.flatness()
        report.answers, report.load = self._monitor.answers, self._monitor.load
        report.wrong += self._monitor.wrong
        report.wrong += [f"{one.what} grew from {one.first} to {one.last}" for one in report.flatness if not one.flat]

    def _clock(self) -> str:
        return f"{time.monotonic() - self._began:5.0f} s"

    def _tell(self, line: str) -> None:
        print(f"{self._clock()}  {line}", file=sys.stderr, flush=True)


def main() -> int:
    """Exit code 0 when nothing deviated, else 1."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None, help="of the choice of faults; told at the end")
    parser.add_argument("--json", type=Path, metavar="FILE", help="everything that was measured")
    parser.add_argument("--write", action="store_true", help="write docs/soak.md")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep neverdark's data and log there")
    words = parser.parse_args()
    seed = words.seed if words.seed is not None else random.randrange(1_000_000)  # noqa: S311 - not a secret
    command = shlex.join(["make", "soak", f"ARGS=--minutes {words.minutes:g} --seed {seed}"])
    report = Report(machine(), f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", command, seed, words.minutes)
    began = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job would be born deaf to SIGINT
        signal.signal(number, _interrupt)
    with contextlib.ExitStack() as end:
        folder = words.keep or Path(end.enter_context(tempfile.TemporaryDirectory(prefix="neverdark-soak-")))
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _run(folder, report)
        except KeyboardInterrupt:
            report.wrong.append("called off")
    report.lasted = round(time.monotonic() - began, 1)
    show(report)
    if words.json:
        words.json.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    if words.write:
        (REPOSITORY / "docs" / "soak.md").write_text(page(report), encoding="utf-8")
    return 1 if report.deviations else 0


def _run(folder: Path, report: Report) -> None:
    with World(folder) as world:
        report.lacks = dict(world.lacks)
        Soak(world, report).run()
        # What every integration test looks for at its end: an orderly exit, nothing left behind, no secret anywhere.
        try:
            world.neverdark.end()
        except (AssertionError, requests.RequestException) as error:
            report.wrong.append(f"at the end: {error}")


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
