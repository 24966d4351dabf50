"""A job that has died is told of and begun anew; what fails in a callback is told, too."""

from __future__ import annotations

import asyncio

from supervisor.model import events
from supervisor.watchdog.jobs import Jobs
from tests.unit.hand_machine import hand_loop


def test_a_job_that_dies_is_begun_anew() -> None:
    told: list[object] = []
    began: list[float] = []

    async def job() -> None:
        began.append(asyncio.get_running_loop().time())
        raise ValueError("a value that nobody may see")

    async def whole() -> None:
        jobs = Jobs(told.append)
        asyncio.get_running_loop().set_exception_handler(jobs.in_a_callback)
        jobs.start(job)
        asyncio.get_running_loop().call_later(0.5, int, "no number")
        await asyncio.sleep(2.5)
        await jobs.end()
        await asyncio.sleep(10)

    with hand_loop() as loop:
        loop.run_until_complete(whole())
    assert began == [1000.0, 1001.0, 1002.0], "and not after the end"
    assert len(told) == 4
    assert all(isinstance(fact, events.InternalError) and "nobody may see" not in fact.error for fact in told)
    assert "ValueError at test_jobs.py:" in str(told[0])
