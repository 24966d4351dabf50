"""Looks at picture and sound of streams whose picture is copied: a sample now and then, for nobody decodes them.

Bounded in what it takes: so many samples are awaited at once, and one is measured at a time. Where there are more
streams than that, each is sampled less often than it could be.
"""

from __future__ import annotations

import asyncio
import itertools
from functools import partial

from supervisor.ffmpeg.sample import TOLD_BYTES, measuring, readings
from supervisor.machine.machine import Machine
from supervisor.process.slot import Slot
from supervisor.stream.streams import Streams

MOST_AT_ONCE = 64  # a hundred kilobytes each, as a rule

_LOOK_EVERY = 1.0
_SEARCH_EVERY = 10  # looks: who never copies costs nothing to speak of


class Sampling:
    """Lives on the engine's loop. `run_forever` is a job."""

    def __init__(self, machine: Machine, ffmpeg: str, streams: Streams) -> None:
        self._machine = machine
        self._argv = measuring(ffmpeg)
        self._streams = streams
        self._sampled: list[Slot] = []
        self._under_way: dict[Slot, asyncio.Task[None]] = {}

    async def run_forever(self) -> None:
        """Take those that are due, the latest first."""
        try:
            for look in itertools.count():
                if look % _SEARCH_EVERY == 0:
                    self._sampled = [one for one in self._streams.slots() if one.content and one.content.sampling]
                free = MOST_AT_ONCE - len(self._under_way)
                for slot in self._due(self._machine.now())[:free]:
                    task = self._under_way[slot] = asyncio.create_task(self._sample(slot))
                    task.add_done_callback(partial(self._over, slot))
                await asyncio.sleep(_LOOK_EVERY)
        finally:
            for task in self._under_way.values():
                task.cancel()

    def _over(self, slot: Slot, task: asyncio.Task[None]) -> None:
        del self._under_way[slot]
        if not task.cancelled() and (error := task.exception()):
            raise error  # the loop tells of it

    def _due(self, now: float) -> list[Slot]:
        found = []
        for slot in self._sampled:
            late = slot.content.due(now) if slot.content and slot not in self._under_way else None
            if late is not None:
                found.append((late, slot))
        return [slot for _, slot in sorted(found, key=lambda one: -one[0])]

    async def _sample(self, slot: Slot) -> None:
        content, feeds = slot.content, slot.feeds
        assert content
        assert content.sampling
        assert feeds
        run = content.begin_sample(self._machine.now())
        media = await self._machine.collect_sample(feeds.tap, content.sampling.length, sound=content.wants_sound)
        told = await self._machine.measure(self._argv, media, TOLD_BYTES) if media else b""
        content.end_sample(readings(told), run, self._machine.now())
