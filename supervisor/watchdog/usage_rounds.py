"""UsageRounds at processes together: what is asked for in one turn of the loop is one round in a worker thread."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from supervisor.probes.probes import Probes
from supervisor.probes.process import Usage


class UsageRounds:
    """Lives on the engine's loop."""

    def __init__(self, probes: Probes) -> None:
        self._probes = probes
        self._asked: dict[int, bool] = {}
        self._round: asyncio.Task[Mapping[int, Usage]] | None = None  # the one that can still be joined

    async def at(self, pids: Mapping[int, bool]) -> dict[int, Usage]:
        """What the system tells of these; where the value is true, with all that they started as well."""
        if self._round is None:
            self._round = asyncio.get_running_loop().create_task(self._take())
        self._asked |= pids
        found = await asyncio.shield(self._round)  # who gives up does not give up for the others
        return {pid: found[pid] for pid in pids}

    async def _take(self) -> Mapping[int, Usage]:
        # Begins when everybody who was ready to run in this turn has asked.
        asked, self._asked, self._round = self._asked, {}, None
        return await self._probes.usages(asked)
