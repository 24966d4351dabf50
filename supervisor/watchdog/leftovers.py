"""When to clear what streams have left behind that are no longer configured."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from functools import partial

from supervisor.machine.data_dir import DataDir
from supervisor.machine.machine import Machine
from supervisor.model import events
from supervisor.model.facts import Fact

_EVERY = 3600.0
_ON_THEIR_WAY = 4.0  # until who was removed is gone, as a rule


class Leftovers:
    """Looks at the start, after each change of the configuration, and every hour. `hear` is a listener to facts."""

    def __init__(self, machine: Machine, data_dir: DataDir, streams: Callable[[], Collection[str]]) -> None:
        """`streams` are those that are there, on their way out included."""
        self._machine = machine
        self._data_dir = data_dir
        self._streams = streams
        self._due = asyncio.Event()

    def hear(self, fact: Fact) -> None:
        """Look soon, if streams have come or gone."""
        if isinstance(fact.what, events.ConfigReloaded | events.StreamsEdited) and (
            fact.what.removed or fact.what.added
        ):
            self._due.set()

    async def run_forever(self) -> None:
        """Look, and wait for a reason to look again."""
        while True:
            streams, wall = frozenset(self._streams()), self._machine.wall()
            await self._machine.in_a_thread(partial(self._machine.clear_leftovers, self._data_dir, streams, wall))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), _EVERY)
            await asyncio.sleep(_ON_THEIR_WAY)
            self._due.clear()
