"""What must outlive neverdark of the broadcasts that we made: a small file, written before YouTube is asked. IO.

Not in the database: that one is written when it can be, and may be away for a while. An intent must be kept before the
call that it is of, or the call is not made.

A copy lies beside it, which is written first, so that it is never the older one. What can be read of neither is kept
under another name and never written over; until it is known again what we made of a stream, none is made for it.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from supervisor.platforms.youtube.private_file import read_private, write_private
from supervisor.platforms.youtube.steps import Intent, Memory

FILE_NAME = "youtube-broadcasts.json"  # in the data_dir
KEPT_ASIDE: Final = 3  # of those that could not be read; the oldest make room
_VERSION = 1
_MOST_BYTES = 4_000_000  # a destination is 500 bytes; one that could not be read again would be forgotten
_NOT_TO_BE_READ = (OSError, ValueError, TypeError, LookupError, RecursionError, AttributeError)


class MemoryFile:
    """All memories, by the id of the stream that they are of: accounts and names in the configuration may change.

    For any thread; one file has one of these, so that two logins do not write over each other's. `said` is what has
    become of the file at the start, in words; empty where all was well.
    """

    def __init__(self, path: Path) -> None:
        self.said = ""
        self._path = path
        self._copy = path.with_name(f"{path.name}.copy")
        self._lock = threading.Lock()
        self._lost = False  # of a stream that is not in it nothing is known: not even that we made none
        self._may_write = True
        self._known = self._recalled()

    def of(self, stream_id: str) -> Memory:
        """What is remembered of a stream of YouTube's."""
        return self._known.get(stream_id) or Memory(lost=self._lost)

    def take_said(self) -> str:
        """The same, to be told once."""
        said, self.said = self.said, ""
        return said

    def keep(self, stream_id: str, memory: Memory) -> bool:
        """Keep it. Returns whether it could be, so that it will be there after a loss of power."""
        with self._lock:
            if not self._may_write:
                return False
            known = {**self._known, stream_id: memory}
            content = _written(known, lost=self._lost)
            try:
                write_private(self._copy, content)
                write_private(self._path, content)
            except OSError:
                return False
            self._known = known
            return True

    # --- at the start ------------------------------------------------------------------------------

    def _recalled(self) -> dict[str, Memory]:
        """What is there. No file at all is a first start: nothing was made, or somebody has removed it on purpose."""
        unreadable = []
        for file in (self._path, self._copy):
            try:
                known = self._read(file)
            except FileNotFoundError:
                continue
            except _NOT_TO_BE_READ:
                unreadable.append(file)
                continue
            if file is self._path and not self._copy.exists():  # an earlier version made none
                with contextlib.suppress(OSError):
                    write_private(self._copy, _written(known, lost=self._lost))
            return self._told(unreadable, known)
        return self._told(unreadable, None) if unreadable else {}

    def _read(self, file: Path) -> dict[str, Memory]:
        tree = json.loads(read_private(file, _MOST_BYTES))
        if tree["version"] != _VERSION:
            raise ValueError("of another version")
        known = {str(name): _memory(row) for name, row in tree["streams"].items()}
        self._lost = bool(tree.get("lost"))
        return known

    def _told(self, unreadable: list[Path], known: dict[str, Memory] | None) -> dict[str, Memory]:
        """Put aside what cannot be read, and say so: once, for from then on the file says itself that it is not all."""
        if unreadable:
            kept = [self._aside(file) for file in unreadable]
            instead = "its copy is used" if known is not None else "which broadcasts neverdark made is not known"
            self.said = f"{unreadable[0].name} cannot be read ({', '.join(kept)}): {instead}"
        if known is None:
            known, self._lost = {}, True
            if self._may_write:
                with contextlib.suppress(OSError):
                    write_private(self._path, _written(known, lost=True))
        return known

    def _aside(self, file: Path) -> str:
        """Move it to another name. Where that cannot be, nothing is written any more."""
        now = datetime.now(UTC)
        place = file.with_name(f"{file.name}.damaged-{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z")
        try:
            earlier = sorted(file.parent.glob(f"{file.name}.damaged-*"))
            for old in earlier[: max(0, len(earlier) - KEPT_ASIDE + 1)]:
                old.unlink(missing_ok=True)
            file.rename(place)
        except OSError:
            self._may_write = False
            return "nor moved away: nothing is written any more"
        return f"kept as {place.name}"


def _written(known: Mapping[str, Memory], *, lost: bool) -> bytes:
    rows = {name: {key: value for key, value in one._asdict().items() if key != "lost"} for name, one in known.items()}
    more = {"lost": True} if lost else {}
    return json.dumps({"version": _VERSION, "streams": rows, **more}).encode()  # an intent becomes a list


def _memory(row: Mapping[str, Any]) -> Memory:
    intent = row["intent"]
    return Memory(
        current=str(row["current"]),
        following=str(row["following"]),
        made=tuple(str(one) for one in row["made"]),
        intent=Intent(str(intent[0]), float(intent[1]), bool(intent[2])) if intent else None,
        inserts=tuple(float(one) for one in row["inserts"]),
        live_since=None if row["live_since"] is None else float(row["live_since"]),
        made_so_far=int(row["made_so_far"]),
    )
