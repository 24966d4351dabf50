"""Asks a web server that refuses for how long it wants to be left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from supervisor.lifecycle.types import AskedToWait
from supervisor.model import events
from supervisor.model.facts import Fact
from supervisor.model.terms import ProcessKey
from supervisor.probes.probes import Probes
from supervisor.watchdog.interfaces import ConnectingProcess


class RefusalWatch:
    """A listener to facts: one question for each refused run, and again only to who has answered it before."""

    def __init__(self, probes: Probes, find: Callable[[ProcessKey], ConnectingProcess | None]) -> None:
        self._probes = probes
        self._find = find
        self._answered: set[ProcessKey] = set()  # by what refused it last time
        self._pending: set[asyncio.Task[None]] = set()

    def __call__(self, fact: Fact) -> None:
        """Ask, if a process was refused by a server that may say for how long."""
        match fact.what:
            case events.ProcessExited(key, run_id, planned=False):
                self._ask(key, run_id)
            case events.ProcessRemoved(key):
                self._answered.discard(key)

    def _ask(self, key: ProcessKey, run_id: str) -> None:
        process = self._find(key)
        if process is None or process.run_id != run_id or not process.may_be_told_to_wait:
            return
        if process.status.refusals > 1 and key not in self._answered:
            return
        self._answered.discard(key)
        task = asyncio.get_running_loop().create_task(self._wait_as_told(process, run_id))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _wait_as_told(self, process: ConnectingProcess, run_id: str) -> None:
        assert process.spec.question_url is not None
        seconds = await self._probes.retry_after(process.spec.question_url)
        if seconds is not None and process.run_id == run_id and self._find(process.key) is process:
            self._answered.add(process.key)
            process.dispatch(AskedToWait(seconds))
