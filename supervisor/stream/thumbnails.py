"""Small pictures of what the streams send: made for who asks, and at each incident of a stream that still has media.

Nobody who looks costs nothing. Nothing here waits for a stream, and no stream waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from supervisor.config.thumbnails import Thumbnails as Policy
from supervisor.ffmpeg import thumbnail
from supervisor.machine.kept_pictures import KeptPictures
from supervisor.machine.machine import Machine
from supervisor.machine.runlog import AfterWrite
from supervisor.model import events
from supervisor.model.content import DEFECTS
from supervisor.model.facts import Fact
from supervisor.model.terms import Cause, ProcessKey
from supervisor.model.thumbnails import NoPicture, Picture, ThumbnailResult
from supervisor.process.slot import Slot
from supervisor.stream.stream import Stream
from supervisor.stream.streams import Streams

K = TypeVar("K")
T = TypeVar("T")
FRESH_SECONDS = 10.0  # a picture is shown again for so long
SEEN_SECONDS = 60.0  # and tells what was seen before an incident
MEDIA_SECONDS = 15.0  # the wait for a keyframe
MOST_AT_ONCE = 8  # streams whose keyframe is awaited

_MOST_WAITING = 1000  # incidents whose picture is yet to be taken: a night may turn all cameras black at once
_TIDY_EVERY = 3600.0
_DAY = 86_400.0


class Thumbnails:
    """Lives on the engine's loop. `hear` is a listener to facts, `run_forever` a job."""

    def __init__(
        self,
        machine: Machine,
        ffmpeg: str,
        streams: Streams,
        kept: KeptPictures,
        policy: Callable[[str], Policy],
        days: Callable[[], int],
        trouble: AfterWrite,
    ) -> None:
        """`policy` is that of a stream; of incidents more than `days` ago no picture is kept.

        `trouble` is told when a picture cannot be written (with the error), and when one can again (with None).
        """
        self.counts = dict.fromkeys(ThumbnailResult, 0)
        self.kept = kept
        self._machine = machine
        self._ffmpeg = ffmpeg
        self._streams = streams
        self._policy = policy
        self._days = days
        self._trouble = trouble
        self._failing = False
        self._writing = asyncio.Lock()
        self._in_turn = asyncio.Semaphore(MOST_AT_ONCE - 1)  # who looks at a page is to find a place
        self._cache: dict[str, Picture] = {}
        self._keyframes: dict[ProcessKey, asyncio.Task[bytes]] = {}
        self._small: dict[str, asyncio.Task[Picture]] = {}
        self._full: dict[str, asyncio.Task[Picture]] = {}
        self._at_work: set[asyncio.Task[None]] = set()

    # --- for who asks ------------------------------------------------------------------------------

    async def small(self, stream: str) -> Picture:
        """What a stream sends, at most `FRESH_SECONDS` old. Who asks meanwhile shares it. Raises NoPicture."""
        if not self._policy(stream).enabled:
            raise NoPicture("thumbnails are switched off for this stream (thumbnails: enabled: false)", lasting=True)
        known = self._cache.get(stream)
        if known and self._machine.now() - known.taken < FRESH_SECONDS:
            self.counts[ThumbnailResult.CACHED] += 1
            return known
        return await self._shared(self._small, stream, lambda: self._make_small(stream))

    async def full_size(self, stream: str) -> Picture:
        """The next keyframe of a stream's own source, no fallback's, as a JPEG of its own size. Raises NoPicture."""
        slot = self._encoder(stream, lambda found: found.encoder)
        argv, most = thumbnail.full(self._ffmpeg), thumbnail.FULL_BYTES
        return await self._shared(self._full, stream, lambda: self._picture(slot, argv, most))

    async def _shared(
        self, under_way: dict[K, asyncio.Task[T]], of: K, make: Callable[[], Coroutine[Any, Any, T]]
    ) -> T:
        """What is being made for somebody else, or is begun now. Who goes away takes it from nobody."""
        if of not in under_way:
            if len(under_way) >= MOST_AT_ONCE:
                self.counts[ThumbnailResult.BUSY] += 1
                raise NoPicture("those of other streams are being made; ask again in a moment")
            task = under_way[of] = asyncio.create_task(make())
            task.add_done_callback(partial(_over, under_way, of))
        return await asyncio.shield(under_way[of])

    async def _make_small(self, stream: str) -> Picture:
        slot = self._encoder(stream, lambda found: found.feeding)
        picture = await self._picture(slot, thumbnail.small(self._ffmpeg), thumbnail.SMALL_BYTES)
        self._cache[stream] = picture
        return picture

    async def _picture(self, slot: Slot, argv: list[str], most: int) -> Picture:
        media = await self._shared(self._keyframes, slot.key, lambda: self._keyframe(slot))
        if not media:
            self.counts[ThumbnailResult.NO_MEDIA] += 1
            raise NoPicture(f"no keyframe has come from the encoder within {MEDIA_SECONDS:g} s")
        taken = self._machine.now()
        jpeg = await self._machine.draw(argv, media, most)
        if not jpeg:
            self.counts[ThumbnailResult.UNDECODABLE] += 1
            raise NoPicture("what the encoder sends cannot be decoded")
        self.counts[ThumbnailResult.MADE] += 1
        return Picture(jpeg, taken)

    async def _keyframe(self, slot: Slot) -> bytes:
        assert slot.feeds
        return await self._machine.collect_keyframe(slot.feeds.tap, MEDIA_SECONDS)

    def _encoder(self, name: str, which: Callable[[Stream], Slot | None]) -> Slot:
        """One of a stream's encoders. Raises NoPicture."""
        stream = self._streams.get(name)
        if stream is None or not stream.wanted:
            raise NoPicture("the stream is stopped", lasting=True)
        encoder = which(stream)
        if encoder is None or encoder.feeds is None:
            raise NoPicture("the stream has no encoder of neverdark's: it is a command's", lasting=True)
        if not encoder.alive:
            raise NoPicture("no encoder is running")
        return encoder

    # --- at incidents ------------------------------------------------------------------------------

    def hear(self, fact: Fact) -> None:
        """An incident that opens gets a picture of what was seen then, if there is one."""
        match fact.what:
            case events.IncidentOpened(incident, finding) | events.FindingEntered(incident, finding) if (
                incident.stream and finding.cause in DEFECTS
            ):
                policy = self._policy(incident.stream)
                if policy.enabled and policy.at_incidents and len(self._at_work) < _MOST_WAITING:
                    self._start(self._keep_bad(incident.stream, incident.id, finding.cause))
            case events.IncidentOpened(incident) if incident.stream:
                policy = self._policy(incident.stream)
                if policy.enabled and policy.at_incidents and len(self._at_work) < MOST_AT_ONCE:
                    self._start(self._keep(incident.stream, incident.id))
            case events.FindingEntered(incident, _, part) if part and part.id in self.kept:
                self._start(self._write(partial(self.kept.move, part.id, incident.id)))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def _keep(self, stream: str, incident: str) -> None:
        picture = await self._seen(stream)
        if picture:
            await self._write(partial(self._put, incident, picture.jpeg))

    async def _keep_bad(self, stream: str, incident: str, cause: Cause) -> None:
        """Of the source that is bad, which goes on being so, and not of the fallback that viewers are given by then.

        It stands instead of what the incident may have had before.
        """
        async with self._in_turn:
            with contextlib.suppress(NoPicture):
                encoder = self._encoder(stream, lambda found: found.showing(cause))
                run = encoder.run
                picture = await self._picture(encoder, thumbnail.small(self._ffmpeg), thumbnail.SMALL_BYTES)
                if encoder.run is run:
                    await self._write(partial(self._put, incident, picture.jpeg))

    async def _seen(self, stream: str) -> Picture | None:
        """What a stream with an incident shows, or else what it showed shortly before."""
        now = self._machine.now()
        known = self._cache.get(stream)
        before = known if known and now - known.taken < SEEN_SECONDS else None
        with contextlib.suppress(NoPicture):
            encoder = self._encoder(stream, lambda found: found.feeding)
            run = encoder.run
            if encoder.advancing(now):
                picture = await self.small(stream)
                if encoder.run is run:  # of the next one nothing tells what was seen
                    return picture
        return before

    def _put(self, incident: str, jpeg: bytes) -> None:
        wall = self._machine.wall()
        self.kept.keep(incident, jpeg, wall)
        self._tidy()

    def _tidy(self) -> None:
        self.kept.tidy(self._machine.wall(), self._days() * _DAY)

    async def _write(self, work: Callable[[], None]) -> None:
        """One after the other; a disk that takes none is told of once."""
        async with self._writing:
            error = None
            try:
                await self._machine.in_a_thread(work)
            except OSError as failed:
                error = failed
        if bool(error) != self._failing:
            self._failing = bool(error)
            self._trouble(self.kept.path, error)

    # --- now and then ------------------------------------------------------------------------------

    async def run_forever(self) -> None:
        """Look what is kept, at the start too, and remove what is too old."""
        while True:
            async with self._writing:
                await self._machine.in_a_thread(self._tidy)
            now = self._machine.now()
            self._cache = {name: one for name, one in self._cache.items() if now - one.taken < SEEN_SECONDS}
            await asyncio.sleep(_TIDY_EVERY)


def _over(under_way: dict[K, asyncio.Task[T]], of: K, task: asyncio.Task[T]) -> None:
    del under_way[of]
    if not task.cancelled():
        task.exception()  # who asked may be gone
