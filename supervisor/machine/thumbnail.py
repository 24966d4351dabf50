"""One keyframe off the side output of an encoder, and the short FFmpeg that makes a picture of it. IO."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import select
import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from supervisor.ffmpeg.keyframe import Keyframe
from supervisor.ffmpeg.sample import PICTURES, Sample
from supervisor.ffmpeg.thumbnail import MEDIA_BYTES
from supervisor.machine.parameter_tap import ParameterTap
from supervisor.machine.process import Child, spawn
from supervisor.model.thresholds import KEYFRAME_SECONDS

_LOOK_SECONDS = 0.05
_QUIET_SECONDS = 0.3  # an encoder hands over a frame at once: what has come for so long is all of it
_AT_ONCE = 2
_DRAW_SECONDS = 10.0
_NICE = 10
_MOST_MEMORY = 2 << 30
_MOST_FILES = 64
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH")  # the rest may be secret, and is nothing to who reads a stranger's media
_BEGIN, _END = b"\xff\xd8", b"\xff\xd9"


async def collect(tap: ParameterTap, seconds: float) -> bytes:
    """The next keyframe as MPEG-TS; empty if none has come whole in that time. The tap's owner reads it meanwhile."""
    loop = asyncio.get_running_loop()
    keyframe = Keyframe(MEDIA_BYTES)
    until, grown, size = loop.time() + seconds, 0.0, 0
    tap.collect(keyframe)
    try:
        while not keyframe.whole and (now := loop.time()) < until:
            if keyframe.size != size:
                grown, size = now, keyframe.size
            elif size and now - grown > _QUIET_SECONDS:
                return keyframe.media
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        tap.leave(keyframe)
    return keyframe.media if keyframe.whole else b""


async def collect_sample(tap: ParameterTap, seconds: float, *, sound: bool) -> bytes:
    """Two keyframes and, where `sound` is wanted, so many seconds of it; of what does not come in time there is less.

    Empty without any keyframe.
    """
    loop = asyncio.get_running_loop()
    sample = Sample(sound=sound)
    began = loop.time()
    listened, until = began + (seconds if sound else 0.0), began + seconds + KEYFRAME_SECONDS
    grown, size = began, 0
    tap.collect(sample)
    try:
        while (now := loop.time()) < until and (sample.pictures < PICTURES or now < listened):
            if sample.size != size:
                grown, size = now, sample.size
            elif size and now - grown > _QUIET_SECONDS:
                sample.settle()
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        tap.leave(sample)
    return sample.media


class Draughtsman:
    """Makes pictures, two at once at most, each in a process of its own that has little of anything."""

    def __init__(self) -> None:
        self._workers = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="thumbnail")
        self._children: set[int] = set()  # their pidfds
        self._closed = False
        self._measuring = asyncio.Lock()

    async def draw(self, argv: Sequence[str], environment: Mapping[str, str], media: bytes, most: int) -> bytes:
        """The JPEG that a program makes of `media`; empty if it makes none, or one of more than `most` bytes."""
        picture = await self._in_a_worker(argv, environment, media, most)
        is_whole = picture.startswith(_BEGIN) and picture.endswith(_END)
        return picture if is_whole and len(picture) <= most else b""

    async def measure(self, argv: Sequence[str], environment: Mapping[str, str], media: bytes, most: int) -> bytes:
        """What a program tells of `media`, up to `most` bytes. One at a time, so that pictures never wait long."""
        async with self._measuring:
            return await self._in_a_worker(argv, environment, media, most)

    async def _in_a_worker(self, argv: Sequence[str], environment: Mapping[str, str], media: bytes, most: int) -> bytes:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._workers, self._made, list(argv), environment, media, most)

    def close(self) -> None:
        """End what is under way."""
        self._closed = True
        self._workers.shutdown(wait=False, cancel_futures=True)
        for pidfd in tuple(self._children):
            _kill(pidfd)

    def _made(self, argv: list[str], environment: Mapping[str, str], media: bytes, most: int) -> bytes:
        with contextlib.ExitStack() as at_end:
            # Files in memory, not pipes: neither side ever waits for the other, and the kernel bounds what is written.
            given, made, nowhere = (
                os.memfd_create("keyframe", os.MFD_CLOEXEC),
                os.memfd_create("picture", os.MFD_CLOEXEC),
                os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC),
            )
            for descriptor in (given, made, nowhere):
                at_end.callback(os.close, descriptor)
            with open(given, "wb", closefd=False) as file:
                file.write(media)
            os.lseek(given, 0, os.SEEK_SET)
            passed = {name: environment[name] for name in _PASSED_ON if name in environment}
            try:
                child = spawn(argv, passed, made, {0: given, 2: nowhere}, (_MOST_FILES, _MOST_FILES))
            except OSError:
                return b""
            at_end.callback(child.close)
            self._wait_for(child, most)
            return os.pread(made, most + 1, 0)

    def _wait_for(self, child: Child, most: int) -> None:
        self._children.add(child.pidfd)
        try:
            _limit(child.pid, most)
            ended = select.poll()
            ended.register(child.pidfd, select.POLLIN)
            if self._closed or not ended.poll(_DRAW_SECONDS * 1000):
                _kill(child.pidfd)
            with contextlib.suppress(ChildProcessError):  # whoever sweeps up zombies was quicker
                os.waitid(os.P_PIDFD, child.pidfd, os.WEXITED)
        finally:
            self._children.discard(child.pidfd)


def _limit(pid: int, most: int) -> None:
    limits = {
        resource.RLIMIT_CPU: int(_DRAW_SECONDS),
        resource.RLIMIT_AS: _MOST_MEMORY,
        resource.RLIMIT_FSIZE: most + 1,
        resource.RLIMIT_CORE: 0,
    }
    with contextlib.suppress(OSError):  # it is over already
        os.setpriority(os.PRIO_PROCESS, pid, _NICE)
        for limit, value in limits.items():
            resource.prlimit(pid, limit, (value, value))


def _kill(pidfd: int) -> None:
    with contextlib.suppress(OSError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
