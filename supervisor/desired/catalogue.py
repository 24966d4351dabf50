"""The streams that are configured, each with where it is configured. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Final, Literal, NamedTuple

from supervisor.desired.plan import StreamSpec
from supervisor.model.edits import API, FILE, Origin

EXTERNAL: Final = "external"


class Entry(NamedTuple):
    """One stream."""

    origin: Origin | Literal["external"]
    spec: StreamSpec


class Change(NamedTuple):
    """The names of the streams that were added, removed and changed."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


class Catalogue(Mapping[str, Entry]):
    """All of them by name: those of the file in its order, those made by API, programs of others."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def __getitem__(self, stream: str) -> Entry:
        return self._entries[stream]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def destinations(self) -> list[tuple[str, str]]:
        """Every destination, with its stream before it."""
        return [(name, known.name) for name, entry in self._entries.items() for known in entry.spec.destinations]

    def replace(self, specs: Mapping[str, StreamSpec], made: Container[str] = ()) -> Change:
        """From now on these are all that are configured; those of `made` come by API.

        To come from elsewhere is no change. Programs that have announced themselves stay.
        """
        new = {name: Entry(API if name in made else FILE, spec) for name, spec in specs.items()}
        others = {name: entry for name, entry in self._entries.items() if entry.origin == EXTERNAL}
        return self._change({**new, **others}, others)

    def announce(self, specs: Mapping[str, StreamSpec]) -> Change:
        """From now on these are the programs that have announced themselves; what is configured stays."""
        others = {name: entry for name, entry in self._entries.items() if entry.origin != EXTERNAL}
        return self._change({**others, **{name: Entry(EXTERNAL, spec) for name, spec in specs.items()}}, others)

    def revise(self, spec: StreamSpec) -> None:
        """One stream is to be otherwise, for another reason than what is configured."""
        self._entries[spec.name] = self._entries[spec.name]._replace(spec=spec)

    def _change(self, now: dict[str, Entry], others: Mapping[str, Entry]) -> Change:
        before, self._entries = self._entries, now
        specs = {name: entry.spec for name, entry in now.items() if name not in others}
        return Change(
            added=tuple(name for name in specs if name not in before),
            removed=tuple(name for name in before if name not in self._entries),
            changed=tuple(name for name, spec in specs.items() if name in before and before[name].spec != spec),
        )
