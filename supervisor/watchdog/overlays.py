"""When to look whether what is laid over a picture has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from supervisor.desired.plan import ProcessSpec
from supervisor.machine.machine import Machine
from supervisor.model import events
from supervisor.model.overlays import OverlayFile
from supervisor.model.terms import RestartReason
from supervisor.probes.patience import Patience

_EVERY = 1.0
_LONGEST_LOOK = 1.0
_AGAIN = (60.0, 600.0, 3600.0)  # seconds, for a file that does not answer: each such look keeps a thread
_looks = Patience(at_once=8)


class Drawer(Protocol):
    """The place of an encoder, as far as this cares."""

    @property
    def spec(self) -> ProcessSpec:
        """What it is to be."""

    @property
    def alive(self) -> bool:
        """A process exists."""

    def replace(self, reason: RestartReason) -> bool:
        """Replace it without a lost frame; False where that cannot be."""

    def restart(self, reason: RestartReason) -> None:
        """Replace it."""


class OverlayWatch:
    """Keeps the copies as the owner's files are. A text is read by who draws it; for an image it begins anew."""

    def __init__(self, machine: Machine, slots: Callable[[], Iterable[Drawer]], tell: events.Tell) -> None:
        self._machine = machine
        self._slots = slots
        self._tell = tell
        self._hung: dict[OverlayFile, tuple[int, float]] = {}  # how often, and when to look again
        self._failed: set[OverlayFile] = set()

    async def run_forever(self) -> None:
        """Look at each file once a second, one after another."""
        while True:
            for one in dict.fromkeys(one for slot in self._slots() for one in slot.spec.overlays):
                if await self._renewed(one) and one.image:
                    for slot in [slot for slot in self._slots() if one in slot.spec.overlays]:
                        _begin_anew(slot)
            await asyncio.sleep(_EVERY)

    async def _renewed(self, one: OverlayFile) -> bool:
        times, until = self._hung.get(one, (0, 0.0))
        if self._machine.now() < until:
            return False
        try:
            look = partial(_looks.call, partial(self._machine.renew_overlay, one), _LONGEST_LOOK)
            renewed = await self._machine.in_a_thread(look)
        except TimeoutError:
            wait = _AGAIN[min(times, len(_AGAIN) - 1)]
            self._hung[one] = times + 1, self._machine.now() + wait
            return False
        except OSError as error:
            if one not in self._failed:
                self._failed.add(one)
                self._tell(events.InternalError(f"copy of {one.file.name}", error.strerror or type(error).__name__))
            return False
        self._failed.discard(one)
        self._hung.pop(one, None)
        return renewed


def _begin_anew(slot: Drawer) -> None:
    """Without a lost frame where that can be; but a publisher that has come is not sent away for it."""
    if slot.alive and not slot.spec.awaits and not slot.replace(RestartReason.CONFIG):
        slot.restart(RestartReason.CONFIG)
