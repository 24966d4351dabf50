"""Copied streams are sampled when it is due, so many at once, and what comes late is of no interest."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from supervisor.ffmpeg.content import Reading
from supervisor.model.content import Level
from supervisor.stream.sampling import MOST_AT_ONCE, Sampling
from tests.unit.watchdog.fakes import in_quick_time

TOLD = b"lavfi.signalstats.YAVG=16\n"


class Content:
    def __init__(self, *, sampled: bool = True, late: float | None = 0.0) -> None:
        self.sampling = SimpleNamespace(length=6.0) if sampled else None
        self.wants_sound = True
        self.late = late
        self.ended: list[list[Reading]] = []

    def due(self, _: float) -> float | None:
        return self.late

    def begin_sample(self, _: float) -> Any:
        self.late = None
        return "run"

    def end_sample(self, found: list[Reading], run: Any, _: float) -> None:
        assert run == "run"
        self.ended.append(found)


class Stage:
    def __init__(self, *contents: Content | None) -> None:
        self.slots_ = [_Slot(one, SimpleNamespace(tap=one)) for one in contents]
        self.media = b"media"
        self.collected: list[Any] = []
        self.measured = 0
        self.sampling = Sampling(self, "ffmpeg", SimpleNamespace(slots=lambda: self.slots_))  # type: ignore[arg-type]

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def collect_sample(self, tap: Any, seconds: float, *, sound: bool) -> bytes:
        assert sound
        self.collected.append(tap)
        await asyncio.sleep(seconds)
        return self.media

    async def measure(self, argv: list[str], media: bytes, most: int) -> bytes:
        assert (argv[0], media) == ("ffmpeg", b"media")
        assert most > 0
        self.measured += 1
        return TOLD

    async def run(self, seconds: float) -> None:
        task = asyncio.create_task(self.sampling.run_forever())
        await asyncio.sleep(seconds)
        task.cancel()


class _Slot:
    def __init__(self, content: Content | None, feeds: Any) -> None:
        self.content, self.feeds = content, feeds


@in_quick_time
async def test_those_that_are_due_and_no_others() -> None:
    due, later, encoded = Content(), Content(late=None), Content(sampled=False)
    stage = Stage(due, later, encoded, None)
    await stage.run(30)
    assert stage.collected == [due]
    assert due.ended == [[Reading(Level.LUMA, 0.0)]]


@in_quick_time
async def test_so_many_at_once_the_latest_first_and_all_in_the_end() -> None:
    contents = [Content(late=float(number)) for number in range(3 * MOST_AT_ONCE)]
    stage = Stage(*contents)
    task = asyncio.create_task(stage.sampling.run_forever())
    await asyncio.sleep(3)
    assert stage.collected == contents[::-1][:MOST_AT_ONCE]
    await asyncio.sleep(30)
    assert all(len(one.ended) == 1 for one in contents)
    task.cancel()


@in_quick_time
async def test_without_media_nothing_is_started_and_nothing_is_known() -> None:
    content = Content()
    stage = Stage(content)
    stage.media = b""
    await stage.run(30)
    assert (stage.measured, content.ended) == (0, [[]])
