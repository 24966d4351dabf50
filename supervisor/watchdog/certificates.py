"""When an ingest's certificate is not accepted: finds out why, and tells it with the failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from supervisor.ffmpeg.phrases import OF_CERTIFICATES
from supervisor.model import events
from supervisor.model.terms import ProcessKey
from supervisor.probes.certificate import certificate_fault
from supervisor.process.slot import Slot

_TIMEOUT = 5.0


class CertificateWatch:
    """A listener to facts. Lives on the engine's loop; the look is taken in a thread, one at a time for a process."""

    def __init__(self, find: Callable[[ProcessKey], Slot | None], workers: Executor, ca_file: str) -> None:
        self._find = find
        self._workers = workers
        self._ca_file = ca_file
        self._pending: dict[ProcessKey, asyncio.Task[None]] = {}

    def __call__(self, fact: events.Fact) -> None:
        """Look, if FFmpeg did not accept a certificate."""
        if not isinstance(fact, events.ProcessExited) or fact.planned or fact.said not in OF_CERTIFICATES:
            return
        if fact.key not in self._pending:
            task = asyncio.get_running_loop().create_task(self._look(fact.key))
            self._pending[fact.key] = task
            task.add_done_callback(lambda _: self._pending.pop(fact.key, None))

    async def _look(self, key: ProcessKey) -> None:
        slot = self._find(key)
        for way in [way for way in slot.spec.ingests if way.tls] if slot else ():
            look = partial(certificate_fault, way.address, self._ca_file, _TIMEOUT)
            said = await asyncio.get_running_loop().run_in_executor(self._workers, look)
            if said and (slot := self._find(key)):
                slot.explain(said)
                return
