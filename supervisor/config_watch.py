"""Notices that the configuration, or a secret file that it names, has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

_INTERVAL = 1.0

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

    async def run_forever(self, reload: Callable[[], Awaitable[None]]) -> None:
        """Call `reload` when asked, and when a file has changed and then stayed the same for one look."""
        seen = self._applied
        while True:
            asked = await self._asked_within(_INTERVAL)
            files = self._files()
            now = _signature(files)
            if asked or (now != self._applied and now == seen):
                self._asked.clear()
                await reload()
                # What was there before the reading is what was read, unless other files are in force now.
                self._applied = now if self._files() == files else _signature(self._files())
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
