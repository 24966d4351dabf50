"""Notices that the configuration, or a secret file that it names, has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from supervisor.config.include import Listing
from supervisor.config.stamp import Stamp, ends_with_a_line, stamp_of
from supervisor.model.events import ConfigRejected, ConfigReloaded

_INTERVAL = 1.0
_RETRY_LOOKS = 5
_REST = 1  # looks for which a changed file must have been the same
_LONG_REST = 5  # the same for one that may be half saved

Files = Mapping[Path, Stamp]
Outcome = ConfigReloaded | ConfigRejected


class Reload(Protocol):
    """Reads the configuration and puts it in force, or rejects it."""

    async def __call__(self, *, asked: bool, allow_removal: bool) -> Outcome:
        """`asked`: somebody waits for the answer, so tell it even if it is the same again.

        `allow_removal`: also if most streams would go.
        """


class Looks:
    """Decides, look by look, when files are to be read again. An editor's half-written file is left alone.

    What was rejected is tried again now and then: a secret file that it named may have come since.
    """

    def __init__(self, files: Files) -> None:
        """`files` are those in force, each as it was before it was read: what came since then is a change."""
        self._read = self._seen = dict(files)
        self._rested = 0
        self._to_retry: int | None = None

    def due(self, now: Files, in_force: Files) -> bool:
        """Whether to read `now`, the files of the configuration `in_force` as they are at this look."""
        self._rested = self._rested + 1 if now == self._seen else 0
        self._seen = dict(now)
        if now != self._read:
            return self._rested >= _REST and self._rested >= self._rest_needed(now, in_force)
        if self._to_retry is not None:
            self._to_retry -= 1
        return self._to_retry == 0

    def follow(self, files: Files) -> None:
        """Of other files than before, those that are new were read just now."""
        self._read = {file: self._read.get(file, stamp) for file, stamp in files.items()}
        self._seen = {file: self._seen.get(file, stamp) for file, stamp in files.items()}

    def accepted(self, files: Files) -> None:
        """`files` are in force, as they were before they were read."""
        self._read, self._to_retry = dict(files), None

    def rejected(self, files: Files) -> None:
        """`files`, as they were before they were read, are not taken."""
        self._read, self._to_retry = dict(files), _RETRY_LOOKS

    def _rest_needed(self, now: Files, in_force: Files) -> int:
        changed = [file for file in now if now[file] != self._read.get(file)]
        half = any(_may_be_half_saved(file, now[file], in_force.get(file, Stamp())) for file in changed)
        return _LONG_REST if half else _REST


def _may_be_half_saved(file: Path, now: Stamp, before: Stamp) -> bool:
    """Shorter, and not put in the old one's place as a whole; new and empty; or its last line has no end."""
    shorter = now.inode == before.inode and now.size < before.size
    empty = before == Stamp() and now.inode != 0 and now.size == 0
    return shorter or empty or not ends_with_a_line(file)


class ConfigWatch:
    """Looks at the files once a second."""

    def __init__(self, files: Callable[[], Files], included: Callable[[], Path | None]) -> None:
        """`files` gives the files of the configuration in force, `included` the directory to which more may come."""
        self._files = files
        self._included = included
        self._listing = Listing()
        self._looks = Looks(files())
        self._woken = asyncio.Event()
        self._orders: list[tuple[asyncio.Future[Outcome], bool]] = []

    def ask(self, *, allow_removal: bool = False) -> asyncio.Future[Outcome]:
        """Reload now, whether or not anything seems to have changed. Cancelled if there will be no answer."""
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._orders.append((answer, allow_removal))
        self._woken.set()
        return answer

    def follow(self) -> None:
        """The configuration in force names other files, and they have been read."""
        self._looks.follow(self._files())

    async def run_forever(self, reload: Reload) -> None:
        """Call `reload` when asked, and when a file has changed and then rested."""
        while True:
            asked = await self._asked_within(_INTERVAL)
            in_force = self._files()
            now = self.look()
            if asked or self._looks.due(now, in_force):
                await self._reload(reload, now)

    def look(self) -> Files:
        """The files in force, and those that have come into the directory, as they are now."""
        in_force, directory = self._files(), self._included()
        come = self._listing.of(directory) if directory else []
        return {file: stamp_of(file) for file in (*in_force, *(file for file in come if file not in in_force))}

    async def _reload(self, reload: Reload, now: Files) -> None:
        orders, self._orders = self._orders, []
        try:
            allowed = any(allow_removal for _, allow_removal in orders)
            outcome = await reload(asked=bool(orders), allow_removal=allowed)
        except BaseException:
            for answer, _ in orders:
                answer.cancel()
            raise
        if isinstance(outcome, ConfigReloaded):
            self._looks.accepted(self._files())
        else:
            self._looks.rejected(now)
        for answer, _ in orders:
            if not answer.done():
                answer.set_result(outcome)

    async def _asked_within(self, seconds: float) -> bool:
        timer = asyncio.get_running_loop().call_later(seconds, self._woken.set)
        try:
            await self._woken.wait()
        finally:
            timer.cancel()
        self._woken.clear()
        return bool(self._orders)
