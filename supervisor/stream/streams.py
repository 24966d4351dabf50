"""All streams by name, and their processes."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from itertools import chain

from supervisor.judge.entries import OWN_SOURCE, Feeding
from supervisor.model.terms import ProcessKey
from supervisor.process.slot import Slot
from supervisor.stream.stream import Stream


class Streams(dict[str, Stream]):
    """Those that are there, also those on their way out. Changed by the engine, in place; others read."""

    def slots(self) -> Iterator[Slot]:
        """Every process' place."""
        return chain.from_iterable(stream.slots.values() for stream in self.values())

    def alive(self) -> Iterator[tuple[int, str]]:
        """Pid and run of every process that lives."""
        for slot in self.slots():
            if (run := slot.run) and not run.over:
                yield run.child.pid, run.run_id
            if slot.helper:
                yield slot.helper

    def slot(self, key: ProcessKey) -> Slot | None:
        """The place of one process."""
        stream = self.get(key.stream)
        return stream.slots.get(key) if stream else None

    def keys_of(self, name: str) -> list[ProcessKey]:
        """The processes of one stream."""
        stream = self.get(name)
        return list(stream.slots) if stream else []

    def pushers(self) -> list[Slot]:
        """Those of all streams."""
        return [slot for stream in self.values() for slot in stream.pushers]

    def senders(self) -> list[Slot]:
        """Whoever connects to an ingest: pushers, and commands whose destinations are known."""
        return [slot for stream in self.values() for slot in stream.senders]

    def wants(self, key: ProcessKey) -> bool:
        """Whether a process shall run: a fallback's only while it is needed."""
        stream = self.get(key.stream)
        return stream is not None and stream.wants(key) and (not key.rung or stream.slots[key].status.wanted)

    def proof(self, key: ProcessKey, now: float) -> float | None:
        """When a process last proved that media flows, if it does."""
        slot = self.slot(key)
        return slot.proof(now) if slot else None

    def wanted(self) -> list[str]:
        """The names of those that shall run."""
        return [name for name, stream in self.items() if stream.wanted]

    def is_off_air(self, name: str) -> bool:
        """A stream that shall run is not on air, as far as the latest account knows."""
        stream = self.get(name)
        return stream is not None and stream.wanted and not stream.on_air

    def feeding(self, name: str) -> Feeding:
        """Whose media viewers are given."""
        stream = self.get(name)
        ladder = stream.ladder if stream else None
        return Feeding(ladder.feeding, ladder.ordered is not None) if ladder else OWN_SOURCE

    def drop_gone(self, configured: Container[str]) -> list[str]:
        """Let go of those that are not configured, when their processes are gone; returns their names."""
        gone = [name for name, stream in self.items() if name not in configured and stream.gone]
        for name in gone:
            self.pop(name).close()
        return gone

    def arrange(self, names: Iterable[str]) -> None:
        """In the order of these names, those on their way out first."""
        for name in names:
            if name in self:
                self[name] = self.pop(name)
