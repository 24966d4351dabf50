"""What neverdark's probes find in the simulated world: the truth, after as long as a look takes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import SecretStr

from supervisor.ffmpeg.sources import PathPlace, SourcePlace
from supervisor.judge.checks import Life
from supervisor.model.quantities import Address
from supervisor.model.terms import Reach
from supervisor.probes.probes import Probes
from supervisor.probes.process import Usage
from supervisor.probes.uplink import ProbeFailed, Sockets, Watched
from tests.simulation.senders import Sender

if TYPE_CHECKING:
    from tests.simulation.world import World

_A_LOOK = 0.002
_MEMORY = 60_000_000


class SimulatedProbes(Probes):
    """Every method of the real ones, over a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.closed = False

    # --- the way -----------------------------------------------------------------------------------

    def is_here(self, host: str) -> bool:
        return host == "127.0.0.1"

    async def reach_ingest(self, address: Address, *, tls: bool) -> Reach:
        del tls
        return await self._found(self._world.ingest_at(address).reach())

    async def reach_host(self, address: Address) -> Reach:
        del address
        return await self._found(self._world.line.lost() or (Reach.ACCEPTS, 0.02))

    async def reach_source(self, place: SourcePlace) -> Reach:
        if isinstance(place, PathPlace):
            return await self._found((Reach.ACCEPTS, _A_LOOK))
        return await self._found(self._world.source_at(place.address.host).reach())

    async def _found(self, found: tuple[Reach, float]) -> Reach:
        reach, seconds = found
        await asyncio.sleep(seconds)
        return reach

    async def retry_after(self, url: SecretStr) -> float | None:
        del url
        await asyncio.sleep(0.1)
        return None

    async def certificate_fault(self, address: Address) -> str | None:
        del address
        await asyncio.sleep(0.1)
        return None

    # --- this machine ------------------------------------------------------------------------------

    async def uplinks(self, watched: Sequence[Watched]) -> Sockets:
        if self._world.looks_fail:
            raise ProbeFailed("the kernel tells nothing of connections")
        processes = self._world.table.processes
        connections = {}
        for one in watched:
            process = processes.get(one.pid)
            if isinstance(process, Sender) and (sample := process.sample()):
                connections[one.key] = sample
        listening = frozenset(
            (ingest.address.host, ingest.address.port) for ingest in self._world.near if not ingest.has("ingest_down")
        )
        await asyncio.sleep(0)
        return Sockets(connections, listening)

    async def usages(self, pids: Mapping[int, bool]) -> Mapping[int, Usage]:
        return {pid: self._usage(pid) for pid in pids}

    def _usage(self, pid: int) -> Usage:
        process = self._world.table.processes.get(pid)
        if self._world.looks_fail:
            return Usage(pid, Life.RUNNING)
        if process is None:
            return Usage(pid, Life.GONE)
        age = self._world.agenda.now - process.began
        if not process.alive:
            return Usage(pid, Life.ZOMBIE)
        return Usage(pid, Life.STOPPED if process.stopped else Life.RUNNING, 0.05 * age, age, _MEMORY)

    async def publishers(self, places: Iterable[str]) -> Mapping[str, str]:
        del places
        return {}

    def close(self) -> None:
        self.closed = True
