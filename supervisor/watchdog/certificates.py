"""When an ingest's certificate is not accepted: finds out why, and tells it with the failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from supervisor.ffmpeg.phrases import OF_CERTIFICATES
from supervisor.judge.incidents import Book
from supervisor.model import events
from supervisor.model.facts import Fact
from supervisor.model.terms import ProcessKey
from supervisor.probes.probes import Probes
from supervisor.watchdog.interfaces import ExplainedProcess


class CertificateWatch:
    """A listener to facts. Lives on the engine's loop; one look at a time for a process."""

    def __init__(self, probes: Probes, find: Callable[[ProcessKey], ExplainedProcess | None], book: Book) -> None:
        self._probes = probes
        self._book = book
        self._find = find
        self._pending: dict[ProcessKey, asyncio.Task[None]] = {}

    def __call__(self, fact: Fact) -> None:
        """Look, if FFmpeg did not accept a certificate."""
        what = fact.what
        if not isinstance(what, events.ProcessExited) or what.planned or what.said not in OF_CERTIFICATES:
            return
        if what.key not in self._pending:
            task = asyncio.get_running_loop().create_task(self._look(what.key))
            self._pending[what.key] = task
            task.add_done_callback(lambda _: self._pending.pop(what.key, None))

    async def _look(self, key: ProcessKey) -> None:
        process = self._find(key)
        for way in [way for way in process.spec.ingests if way.tls] if process else ():
            said = await self._probes.certificate_fault(way.address)
            if said and (process := self._find(key)):  # it may be another one by now
                if process.explain(said):
                    self._book.learn(key, process.segment, said=said)
                return
