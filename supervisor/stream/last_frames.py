"""The last good frame of each stream whose slate shows it.

Taken off the stream's own encoder now and then, while all is well; and kept only when all has been well for a while
after it: what was black, frozen or broken already is known by then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from supervisor.machine.kept_frames import KeptFrames
from supervisor.machine.machine import Machine
from supervisor.machine.runlog import AfterWrite
from supervisor.model.content import Defect
from supervisor.model.thumbnails import NoPicture, Picture
from supervisor.process.run import Run
from supervisor.process.slot import Slot
from supervisor.stream.streams import Streams

_LOOK_EVERY = 1.0
_AGAIN = 30.0  # after a frame that could not be taken or was not good
_OF_PICTURE = frozenset({Defect.BLACK, Defect.FROZEN})
_PROVEN = 5.0  # longer than any check of the content takes to find something, and so long where there is none


class _Candidate(NamedTuple):
    """A frame that may turn out to be good: what it was taken from, and when it will have proved to be (monotonic)."""

    jpeg: bytes
    run: Run | None
    proven: float


class LastFrames:
    """Lives on the engine's loop; `run_forever` is a job. One frame is taken at a time."""

    def __init__(
        self,
        machine: Machine,
        streams: Streams,
        kept: KeptFrames,
        every: Callable[[str], float | None],
        take: Callable[[str], Awaitable[Picture]],
        trouble: AfterWrite,
    ) -> None:
        """`every` tells how often a stream's is to be taken (None: never), `take` takes one or raises NoPicture.

        `trouble` is told when one cannot be written (with the error), and when one can again (with None).
        """
        self._machine = machine
        self._streams = streams
        self._kept = kept
        self._every = every
        self._take = take
        self._trouble = trouble
        self._due: dict[str, float] = {}
        self._candidates: dict[str, _Candidate] = {}
        self._versions: dict[str, int] = {}  # how many each stream has been given
        self._failing = False

    def path(self, stream: str) -> Path | None:
        """Where the frame is, or will be, that a stream's slate shows; None: it shows none."""
        return None if self._every(stream) is None else self._kept.path(stream)

    def version(self, stream: str) -> int:
        """Another one for each frame that was kept."""
        return self._versions.get(stream, 0)

    async def run_forever(self) -> None:
        """Take what is due, and keep what has proved good."""
        await self._machine.in_a_thread(partial(self._kept.keep_only, tuple(self._streams)))
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            for name in self._due.keys() - self._streams.keys():
                for known in (self._due, self._candidates, self._versions):
                    known.pop(name, None)
            for name, slot in tuple(self._wanting()):
                await self._look(name, slot)

    def _wanting(self) -> Iterator[tuple[str, Slot]]:
        """The streams whose slate shows a frame, with their own encoder."""
        for name, stream in self._streams.items():
            if stream.wanted and stream.ladder and stream.encoder and self._every(name) is not None:
                yield name, stream.encoder
            else:
                self._candidates.pop(name, None)

    async def _look(self, name: str, slot: Slot) -> None:
        now = self._machine.now()
        candidate = self._candidates.get(name)
        if candidate and (candidate.run is not slot.run or not _is_good(slot, now)):
            del self._candidates[name]
            self._due[name] = now + _AGAIN
        elif not _is_good(slot, now):
            return
        elif candidate and now >= candidate.proven:
            del self._candidates[name]
            await self._keep(name, candidate.jpeg)
        elif candidate is None and now >= self._due.get(name, 0.0):
            await self._begin(name, slot, now)

    async def _begin(self, name: str, slot: Slot, now: float) -> None:
        run, self._due[name] = slot.run, now + _AGAIN
        with contextlib.suppress(NoPicture):
            picture = await self._take(name)
            self._candidates[name] = _Candidate(picture.jpeg, run, self._machine.now() + _seconds_to_prove(slot))
            self._due[name] = now + (self._every(name) or _AGAIN)

    async def _keep(self, name: str, jpeg: bytes) -> None:
        error = None
        try:
            await self._machine.in_a_thread(partial(self._kept.keep, name, jpeg))
            self._versions[name] = self.version(name) + 1
        except OSError as failed:
            error = failed
        if bool(error) != self._failing:
            self._failing = bool(error)
            self._trouble(self._kept.path(name).parent, error)


def _is_good(slot: Slot, now: float) -> bool:
    """Media comes, and nothing is known to be wrong with its picture."""
    state = slot.content.state(now) if slot.content else None
    wrong = {found.defect for found in state.findings} & _OF_PICTURE if state else None
    return slot.alive and slot.advancing(now) and not wrong


def _seconds_to_prove(slot: Slot) -> float:
    policy = slot.spec.content
    checks = [bounds.after for defect, bounds in policy.bounds.items() if defect in _OF_PICTURE] if policy else []
    return _PROVEN + max(checks, default=0.0)
