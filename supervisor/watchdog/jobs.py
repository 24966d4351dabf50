"""Keeps the loop's jobs going, and tells of our own mistakes."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from supervisor.model import events

Job = Callable[[], Awaitable[None]]
_REST = 1.0  # seconds, before a job that has ended is begun anew


class Jobs:
    """What runs for ever."""

    def __init__(self, tell: events.Tell) -> None:
        self._tell = tell
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, *jobs: Job) -> None:
        """Run these from now on."""
        self._tasks += [asyncio.create_task(self._keep(job)) for job in jobs]

    async def end(self) -> None:
        """Let go of them all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, job: Job) -> None:
        """Run a job for ever: one that has died while everything looks well is the worst that can happen."""
        while True:
            try:
                await job()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told and the job goes on
                self.mistake("job", error)
            await asyncio.sleep(_REST)

    def mistake(self, where: str, error: BaseException) -> None:
        """Something of ours failed, and was caught."""
        frame = traceback.extract_tb(error.__traceback__)[-1:]
        place = f" at {Path(frame[0].filename).name}:{frame[0].lineno}" if frame else ""
        self._tell(events.InternalError(where, f"{type(error).__name__}{place}"))

    def in_a_callback(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The loop's handler of what nobody has caught."""
        del loop
        error = context.get("exception")
        if isinstance(error, BaseException):
            self.mistake(str(context.get("message", "loop")), error)
