"""Watches everything that no fault has touched: nothing else may restart, go off air or be called broken."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bench.soak.episode import Episode
from bench.soak.view import View, places_of
from tests.integration.harness.supervised import Neverdark, ProcessName

# These end by themselves, as a file does that is not looped.
NATURAL: frozenset[ProcessName] = frozenset({("once", "encoder", "")})
_ALLOWED = {"resident MiB": 8.0, "threads": 6.0, "file descriptors": 12.0}
_FIFTHS = 5


class Flatness(NamedTuple):
    """Medians of the first and the last fifth of the run."""

    what: str
    first: float
    last: float
    slack: float
    fifths: list[float]

    @property
    def flat(self) -> bool:
        return self.last - self.first <= self.slack


class Monitor:
    """Compares each look with the one before."""

    def __init__(self, neverdark: Neverdark) -> None:
        self.wrong: list[str] = []
        self.natural: list[str] = []  # the segments of the incidents of what ends by itself
        self.answers: list[float] = []
        self.load: list[float] = []
        self._neverdark = neverdark
        self._restarts: dict[ProcessName, dict[str, int]] = {}
        self._judged: dict[str, str] = {}  # incident → its segment when last seen
        self._dark: set[str] = set()
        self._samples: list[tuple[float, float, float]] = []
        self._sampled = 0.0

    def look(self, view: View, active: Iterable[Episode], clock: str) -> None:
        touched = {spot for episode in active for spot in episode.spots}
        owned = touched | NATURAL
        self.answers.append(view.took)
        for spot, process in view.processes():
            counts = dict(process["restarts"])
            before = self._restarts.get(spot, counts)
            if counts != before and spot not in owned:
                gained = {reason: count - before[reason] for reason, count in counts.items() if count != before[reason]}
                self.wrong.append(f"{clock} {spot} was restarted for {gained}: {process['last_failure']}")
            self._restarts[spot] = counts
        self._incidents(view, owned, clock)
        self._air(view, {spot[0] for spot in touched}, clock)
        if view.at >= self._sampled + 1.0:
            self._sampled = view.at
            self._sample()

    def _incidents(self, view: View, owned: set[ProcessName], clock: str) -> None:
        places = {(stream, destination or None) for stream, _, destination in owned}
        for incident in view.incidents:
            identity, segment = str(incident["id"]), str(incident["segment"])
            if identity not in self._judged and not places & places_of(incident):
                self.wrong.append(f"{clock} an incident of its own accord: {dict(incident)}")
            self._judged[identity] = segment

    def count_natural(self, view: View, claimed: set[str]) -> None:
        """At the end: the ends of the file that is not looped."""
        mine = [one for one in view.incidents if one["stream"] == "once" and one["destination"] is None]
        self.natural = [str(one["segment"]) for one in mine if one["id"] not in claimed]
        self.wrong += [f"the end of a file was called {segment}" for segment in self.natural if segment != "source"]

    def _air(self, view: View, busy: set[str], clock: str) -> None:
        for name, stream in view.streams.items():
            if stream["on_air"] or name in busy:
                self._dark.discard(name)
            elif name not in self._dark:
                self._dark.add(name)
                self.wrong.append(f"{clock} {name} went off air: {stream['reason']}")

    def _sample(self) -> None:
        assert self._neverdark.process
        folder = Path(f"/proc/{self._neverdark.process.pid}")
        self.load.append(os.getloadavg()[0])
        pages = int((folder / "statm").read_text().split()[1])
        self._samples.append(
            (
                pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
                len(list((folder / "task").iterdir())),
                len(list((folder / "fd").iterdir())),
            )
        )

    def flatness(self) -> list[Flatness]:
        """Of what a leak would let grow."""
        size = max(1, len(self._samples) // _FIFTHS)
        parts = [
            self._samples[-size:] if n == _FIFTHS - 1 else self._samples[n * size :][:size] for n in range(_FIFTHS)
        ]
        found = []
        for index, (what, slack) in enumerate(_ALLOWED.items()):
            fifths = [round(statistics.median(sample[index] for sample in part), 1) for part in parts if part]
            found.append(Flatness(what, fifths[0], fifths[-1], slack, fifths))
        return found
