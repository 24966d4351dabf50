"""What must outlive neverdark of the broadcasts that we made: a small file, written before YouTube is asked. IO.

Not in the database: that one is written when it can be, and may be away for a while. An intent must be kept before the
call that it is of, or the call is not made.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from supervisor.platforms.youtube.private_file import read_private, write_private
from supervisor.platforms.youtube.steps import Intent, Memory

FILE_NAME = "youtube-broadcasts.json"  # in the data_dir
_VERSION = 1
_MOST_BYTES = 4_000_000  # a destination is 500 bytes; one that could not be read again would be forgotten


class MemoryFile:
    """All memories, by the id of the stream that they are of: accounts and names in the configuration may change.

    For any thread; one file has one of these, so that two logins do not write over each other's.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known = self._read()

    def of(self, stream_id: str) -> Memory:
        """What is remembered of a stream of YouTube's."""
        return self._known.get(stream_id, Memory())

    def keep(self, stream_id: str, memory: Memory) -> bool:
        """Keep it. Returns whether it could be, so that it will be there after a loss of power."""
        with self._lock:
            known = {**self._known, stream_id: memory}
            rows = {name: one._asdict() for name, one in known.items()}  # an intent becomes a list
            try:
                write_private(self._path, json.dumps({"version": _VERSION, "streams": rows}).encode())
            except OSError:
                return False
            self._known = known
            return True

    def _read(self) -> dict[str, Memory]:
        with contextlib.suppress(OSError, ValueError, TypeError, LookupError, RecursionError, AttributeError):
            tree = json.loads(read_private(self._path, _MOST_BYTES))
            if tree.get("version") == _VERSION:
                return {str(name): _memory(row) for name, row in tree["streams"].items()}
        return {}


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
