"""What waits to be written: bounded, each row once, the precious dropped last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from supervisor.store.records import Key, Record


class Pending:
    """In the order in which they came. At most `most` wait, and as many more of what is precious."""

    def __init__(self, most: int) -> None:
        self.dropped = 0  # ever
        self._most = most
        self._records: dict[Key, Record] = {}

    def __len__(self) -> int:
        return len(self._records)

    def add(self, records: Iterable[Record]) -> None:
        """What is there already is brought up to date."""
        for record in records:
            room = 2 * self._most if record.into.is_precious else self._most
            if record.key in self._records or len(self._records) < room:
                self._records[record.key] = record
            else:
                self.dropped += 1

    def first(self, count: int) -> Sequence[Record]:
        """Those that have waited longest. They go on waiting until they are `done`."""
        return tuple(islice(self._records.values(), count))

    def done(self, records: Iterable[Record]) -> None:
        """They are written; one that has been brought up to date since is not."""
        for record in records:
            if self._records.get(record.key) is record:
                del self._records[record.key]
