"""The engine as other threads may use it: questions and orders are carried to its loop and back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

from supervisor.engine import Engine
from supervisor.snapshot import NotAnswering, Snapshot, Verb

_ANSWER_SECONDS = 2.0
_LATE_SECONDS = 5.0


class EngineControl:
    """Implements `snapshot.Control`."""

    def __init__(self, engine: Engine, loop: asyncio.AbstractEventLoop, data_dir: Path) -> None:
        self._engine = engine
        self._loop = loop
        self._data_dir = data_dir

    def snapshot(self) -> Snapshot:
        """The state right now. Raises `NotAnswering` when the loop is stuck."""
        if not self._engine.started:
            raise NotAnswering("neverdark is starting")
        answer = asyncio.run_coroutine_threadsafe(self._engine.snapshot(), self._loop)
        try:
            return answer.result(_ANSWER_SECONDS)
        except TimeoutError:
            answer.cancel()
            raise NotAnswering(f"the engine's loop did not answer within {_ANSWER_SECONDS:g} s") from None

    def late(self) -> Mapping[str, float]:
        """The parts that should have ticked by now and did not."""
        age = time.monotonic() - self._engine.time.last_tick
        return {"loop": age} if age > _LATE_SECONDS else {}

    def request(self, verb: Verb, stream: str) -> bool:
        """Hand an order to the loop; False when there is no such stream."""
        answer: Future[bool] = Future()
        self._loop.call_soon_threadsafe(lambda: answer.set_result(self._engine.request(verb, stream)))
        try:
            return answer.result(_ANSWER_SECONDS)
        except TimeoutError:
            raise NotAnswering(f"the engine's loop did not answer within {_ANSWER_SECONDS:g} s") from None

    def log_directory(self, stream: str) -> Path:
        """Where the log files of a stream's processes are."""
        return self._data_dir / "logs" / stream
