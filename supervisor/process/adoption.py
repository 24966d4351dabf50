"""Which runs of an earlier neverdark are taken over, and what is opened for it before anything is ended."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from supervisor.model.runs import RunRecord
from supervisor.model.terms import ProcessKey, Role

if TYPE_CHECKING:
    from supervisor.desired.plan import ProcessSpec
    from supervisor.machine.adoption import FoundRun
    from supervisor.machine.machine import Machine
    from supervisor.machine.media_links import MediaLinks
    from supervisor.machine.parameter_tap import ParameterTap
    from supervisor.machine.process import Child
    from supervisor.machine.progress_socket import ProgressSocket


@dataclass(frozen=True, slots=True)
class Adoptable:
    """A run that lives, with its wires: they are of the place that takes it over."""

    child: Child
    run_id: str
    record: RunRecord
    progress: ProgressSocket | None
    tap: ParameterTap | None
    sender: int | None  # the port that a pusher's media comes from: that of an encoder which is taken over, too


class Adoption:
    """What was found, until it is known what of it fits what shall be."""

    def __init__(self, machine: Machine, links: MediaLinks, found: Sequence[FoundRun]) -> None:
        self._machine = machine
        self._links = links
        self._all = found
        count = Counter(run.record.key for run in found)
        # Of a place with several runs, none: nobody can tell which is the right one; but see `_that_feeds`.
        self._found = {run.record.key: run for run in found if count[run.record.key] == 1 and not run.stopped}
        self._several = {key for key, runs in count.items() if runs > 1 and key.role is Role.ENCODER}
        self._pushers: set[ProcessKey] = set()  # whose links are found

    def find_links(self) -> None:
        """Open the links as they were, before the streams are planned: command lines tell their ports.

        A pusher whose link is not to be had cannot be taken over.
        """
        for run in self._all:
            key = run.record.key
            if key.role is Role.PUSHER:
                if self._links.find(key.stream, key.destination, run.record.media, run.child.pid):
                    self._pushers.add(key)
                else:
                    self._found.pop(key, None)
        for key in self._several:
            if feeding := self._that_feeds(key):
                self._found[key] = feeding
        for key, run in self._found.items():
            for destination, (port, _) in run.record.feeds.items():
                if destination:
                    self._links.find(key.stream, destination, port, None)

    def _that_feeds(self, key: ProcessKey) -> FoundRun | None:
        """Of an encoder that was being replaced without a gap, the run whose media the pushers take.

        The other one, where that one had just been stopped for it; None: nobody can tell.
        """
        pushers = [one for one in self._pushers if one.stream == key.stream]
        taken = {self._links.get(one.stream, one.destination).peer for one in pushers}
        left = [run for run in self._all if run.record.key == key and not run.stopped]
        feeding = [run for run in left if taken & {port for name, (_, port) in run.record.feeds.items() if name}]
        (only,) = feeding or left if len(feeding or left) == 1 else (None,)
        return only

    def choose(
        self, wanted: Mapping[ProcessKey, ProcessSpec], settings: Callable[[ProcessSpec], str]
    ) -> list[Adoptable]:
        """Those that can be taken over with certainty: they shall run, with the settings that they were started with.

        `settings` tells them (see `RunRecord`). What is not chosen is let go of: it is still to be ended.
        """
        for key, run in tuple(self._found.items()):
            if key not in wanted or not run.record.settings or run.record.settings != settings(wanted[key]):
                del self._found[key]
        chosen = [fit for key in tuple(self._found) if (fit := self._open(key, wanted[key]))]
        for key in self._pushers - {fit.record.key for fit in chosen}:
            link = self._links.get(key.stream, key.destination)
            link.read(by_somebody=False)
            link.empty()
        kept = {id(self._found[fit.record.key]) for fit in chosen}
        for run in self._all:
            if id(run) not in kept:
                run.child.close()
        encoders = [fit.record for fit in chosen if fit.record.key.role is Role.ENCODER]
        return [self._with_sender(fit, encoders) for fit in chosen]

    def _with_sender(self, fit: Adoptable, encoders: Sequence[RunRecord]) -> Adoptable:
        """A pusher goes on with the media of the encoder that it has it from, if that one is taken over, too."""
        key = fit.record.key
        if key.role is not Role.PUSHER:
            return fit
        peer = self._links.get(key.stream, key.destination).peer
        ports = [one.feeds.get(key.destination, (0, 0))[1] for one in encoders if one.key.stream == key.stream]
        return replace(fit, sender=peer if peer in ports else None)

    def _open(self, key: ProcessKey, spec: ProcessSpec) -> Adoptable | None:
        """Its wires, at the ports where it expects them."""
        run = self._found[key]
        record, progress, tap = run.record, None, None
        try:
            if spec.tracked:
                progress = self._machine.progress_socket(record.progress)
            if key.role is Role.ENCODER:
                tap = self._machine.parameter_tap(record.tap)
        except OSError:
            if progress:
                progress.close()
            return None
        return Adoptable(run.child, run.run_id, record, progress, tap, None)


def end(adoptable: Adoptable) -> None:
    """Nobody wants it after all. Its wires stay with its place, if there is one."""
    adoptable.child.signal_group(signal.SIGKILL)
    adoptable.child.close()
