"""Notices that the configuration, or a secret file that it names, has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

_INTERVAL = 1.0

_RETRY_LOOKS = 5


class Reload(Protocol):
    """Reads the configuration and puts it in force; False when it was rejected."""

    async def __call__(self, *, asked: bool) -> bool:
        """`asked`: somebody waits for the answer, so tell it even if it is the same again."""


Signature = tuple[tuple[int, int, int], ...]


class ConfigWatch:
    """Looks at the files once a second; an editor's half-written file is left alone until it rests."""

    def __init__(self, files: Callable[[], tuple[Path, ...]]) -> None:
        """`files` gives the files of the configuration in force."""
        self._files = files
        self._asked = asyncio.Event()
        self._applied = _signature(files())

    def ask(self) -> None:
        """Reload now, whether or not anything seems to have changed."""
        self._asked.set()

    async def run_forever(self, reload: Reload) -> None:
        """Call `reload` when asked, and when a file has changed and then stayed the same for one look.

        What was rejected is tried again now and then: a secret file that it named may have come since.
        """
        seen = self._applied
        looks_to_retry: int | None = None
        while True:
            asked = await self._asked_within(_INTERVAL)
            files = self._files()
            now = _signature(files)
            changed = now != self._applied and now == seen
            if asked or changed or looks_to_retry == 0:
                self._asked.clear()
                accepted = await reload(asked=asked)
                # What was there before the reading is what was read, unless other files are in force now.
                self._applied = now if self._files() == files else _signature(self._files())
                looks_to_retry = None if accepted else _RETRY_LOOKS
            elif looks_to_retry is not None:
                looks_to_retry -= 1
            seen = now

    async def _asked_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._asked.wait(), seconds)
        except TimeoutError:
            return False
        return True


def _signature(files: tuple[Path, ...]) -> Signature:
    found = []
    for file in files:
        try:
            status = file.stat()
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            found.append((0, 0, 0))
    return tuple(found)
