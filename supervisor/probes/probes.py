"""Every probe, as the loop may ask it: what blocks runs in threads of its own. A simulation brings others.

Each look has a time limit, and one that hangs keeps no other kind of look waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from supervisor.ffmpeg.sources import SourcePlace
from supervisor.model.quantities import Address
from supervisor.model.terms import Reach
from supervisor.probes.board import FOLDER, Board
from supervisor.probes.certificate import certificate_fault
from supervisor.probes.here import is_here
from supervisor.probes.network import reach_host, reach_ingest
from supervisor.probes.process import Usage, look_at_all
from supervisor.probes.retry_after import retry_after
from supervisor.probes.source import reach_source
from supervisor.probes.uplink import Sockets, UplinkProbe, Watched

_TIMEOUT = 5.0  # seconds, of a look at something far away
_WORKERS = 8

T = TypeVar("T")


class Probes:
    """The real ones."""

    def __init__(self, data_dir: Path, ca_file: str) -> None:
        """`data_dir` is what others are told of us; `ca_file` has the certificates that are trusted."""
        self._ca_file = ca_file
        self._uplink = UplinkProbe()
        self._board = Board(FOLDER, str(data_dir))
        # A hundred cameras that are gone at once must not keep the line, or our own processes, from being looked at.
        self._near = ThreadPoolExecutor(4, thread_name_prefix="probe")
        self._ingests = ThreadPoolExecutor(_WORKERS, thread_name_prefix="reach")
        self._sources = ThreadPoolExecutor(_WORKERS, thread_name_prefix="source")

    # --- the way -----------------------------------------------------------------------------------

    def is_here(self, host: str) -> bool:
        """Whether an address is this machine's own."""
        return is_here(host)

    async def reach_ingest(self, address: Address, *, tls: bool) -> Reach:
        """How far one gets on the way to an ingest."""
        return await _run(self._ingests, partial(reach_ingest, address, tls=tls, timeout=_TIMEOUT))

    async def reach_host(self, address: Address) -> Reach:
        """How far one gets on the way to the reference host."""
        return await _run(self._ingests, partial(reach_host, address, _TIMEOUT))

    async def reach_source(self, place: SourcePlace) -> Reach:
        """How far one gets on the way to a source."""
        return await _run(self._sources, partial(reach_source, place, _TIMEOUT))

    async def retry_after(self, url: SecretStr) -> float | None:
        """For how many seconds a web server that refuses wants to be left alone, if it says so."""
        return await _run(self._sources, partial(retry_after, url, _TIMEOUT))

    async def certificate_fault(self, address: Address) -> str | None:
        """Why an ingest's certificate is not accepted, in words."""
        return await _run(self._near, partial(certificate_fault, address, self._ca_file, _TIMEOUT))

    # --- this machine ------------------------------------------------------------------------------

    async def uplinks(self, watched: Sequence[Watched]) -> Sockets:
        """What the kernel knows of our connections. Raises ProbeFailed."""
        return await _run(self._near, partial(self._uplink.sample, watched))

    async def usages(self, pids: Mapping[int, bool]) -> Mapping[int, Usage]:
        """What the system tells of processes; where the value is true, with all that they started as well."""
        return await _run(self._near, partial(look_at_all, pids))

    async def publishers(self, places: Iterable[str]) -> Mapping[str, str]:
        """Who else publishes to these places, in words. Raises OSError where that cannot be known."""
        return await _run(self._near, partial(self._board.exchange, places))

    def close(self) -> None:
        """Wait for no probe that is under way."""
        for workers in (self._near, self._ingests, self._sources):
            workers.shutdown(wait=False, cancel_futures=True)
        self._board.close()


async def _run(workers: ThreadPoolExecutor, look: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(workers, look)
