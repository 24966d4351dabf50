"""What neverdark asks of the machine that it runs on, in one place: a simulation brings another one.

Time, chance, processes, sockets and files. Nothing decides here, and nothing keeps its caller waiting but for what says
that it blocks.
"""

from __future__ import annotations

import asyncio
import errno
import os
import random
import time
from collections.abc import Awaitable, Callable, Collection, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

from supervisor.machine import faults, foreign, oom, overlay_files, process, strays, udp, webhook
from supervisor.machine.adoption import FoundRun, find_runs
from supervisor.machine.data_dir import DataDir, Folder
from supervisor.machine.exits import Exits, Loop
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.machine.foreign import Found
from supervisor.machine.gather import Gather
from supervisor.machine.handover import Handover
from supervisor.machine.kept_frames import KeptFrames
from supervisor.machine.kept_pictures import KeptPictures
from supervisor.machine.leftovers import clear
from supervisor.machine.media_links import MediaLink, MediaLinks
from supervisor.machine.orphans import end_orphans
from supervisor.machine.parameter_tap import ParameterTap
from supervisor.machine.proc import has_descriptors, is_stopped
from supervisor.machine.process import Child, Outlet
from supervisor.machine.progress_socket import ProgressSocket
from supervisor.machine.progress_text import ProgressFile, ProgressUrl
from supervisor.machine.recording import Recording
from supervisor.machine.runlog import AfterWrite, RunLog
from supervisor.machine.segments import Segments, apart
from supervisor.machine.slates import Quietly, Slates
from supervisor.machine.switch_trial import switch_trial
from supervisor.machine.thumbnail import Draughtsman, collect, collect_sample
from supervisor.model.quantities import Address, PortRange
from supervisor.model.recordings import Kept

T = TypeVar("T")


class Clock(Protocol):
    """Seconds: `now` since some moment, never set, the same as the loop's; `wall` since 1970, as somebody set it."""

    def now(self) -> float:
        """For what has lasted how long."""

    def wall(self) -> float:
        """For people."""


class Machine:
    """The real one: Linux, by way of this folder."""

    _no_switch: str | None = None  # as `switch_trial` has found once

    def __init__(self) -> None:
        self.environment: Mapping[str, str] = os.environ
        self._workers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="probe")
        self._messengers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="external")  # a probe waits for none
        self._quietly = Quietly()
        self._draughtsman = Draughtsman()

    async def in_a_thread(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises; it blocks, and must not keep the loop waiting."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    def close(self) -> None:
        """Wait for no work that is under way."""
        self._quietly.stop()
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._messengers.shutdown(wait=False, cancel_futures=True)
        self._draughtsman.close()

    # --- time and chance ---------------------------------------------------------------------------

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    chance = staticmethod(random.random)  # 0 to 1, for jitter: not for secrets

    # --- processes ---------------------------------------------------------------------------------

    def spawn(
        self,
        argv: list[str],
        environment: Mapping[str, str],
        output_fd: int,
        inherited: Mapping[int, int],
        file_limits: tuple[int, int],
    ) -> Child:
        """Start a program; see `process.spawn`. Raises OSError or ValueError."""
        return process.spawn(argv, environment, output_fd, inherited, file_limits)

    def raise_file_limit(self) -> tuple[int, int]:
        """Let ourselves open many files; returns the soft and hard limit that children are to have."""
        return process.raise_file_limit()

    def is_stopped(self, pid: int) -> bool:
        """Whether somebody has stopped a process by a signal."""
        return is_stopped(pid)

    def become_parent_of_orphans(self) -> None:
        """Of what our children leave behind."""
        strays.become_parent_of_orphans()

    def sweep(self, pids: Container[int], run_ids: Container[str], mark: str) -> list[int]:
        """End what carries our mark and belongs to no live run; see `strays.sweep`."""
        return strays.sweep(pids, run_ids, mark)

    def find_runs(self, data_dir: DataDir) -> list[FoundRun]:
        """What an earlier neverdark has started and could be taken over; see `adoption.find_runs`. Blocks."""
        return find_runs(data_dir)

    def end_orphans(self, data_dir: DataDir, spared: Container[str] = ()) -> list[tuple[int, str]]:
        """End what an earlier neverdark left behind; see `orphans.end_orphans`. Blocks. Raises TimeoutError."""
        return end_orphans(data_dir, spared)

    def out_of_memory_kills(self) -> int:
        """How often the kernel has ended somebody for want of memory."""
        return oom.oom_kills()

    def exits(self, loop: asyncio.AbstractEventLoop) -> Exits:
        """What tells when processes end."""
        assert isinstance(loop, Loop)
        return loop.exits

    # --- the places of processes -------------------------------------------------------------------

    def gather(self, loop: asyncio.AbstractEventLoop) -> Gather:
        """What reads the reports of all processes together."""
        return Gather(loop)

    def outlet(self, folder: Folder, name: str) -> Outlet:
        """Where a process' output arrives."""
        return Outlet(folder, name)

    def run_log(self, folder: Folder, name: str, trouble: AfterWrite) -> RunLog:
        """Where it is written down."""
        return RunLog(folder, name, trouble)

    def progress_socket(self, port: int = 0) -> ProgressSocket:
        """Where a process' reports arrive: at a `port`, or at any. Raises OSError."""
        return ProgressSocket(port)

    def parameter_tap(self, port: int = 0) -> ParameterTap:
        """Where an encoder's parameters arrive: at a `port`, or at any. Raises OSError."""
        return ParameterTap(port)

    def media_links(self, ports: PortRange, seed: str) -> MediaLinks:
        """The links between encoders and pushers."""
        return MediaLinks(ports, seed)

    def handover(self, links: Mapping[MediaLink, int]) -> Handover:
        """What lets links go over to another run; see `handover.Handover`. Raises OSError."""
        if self.no_switch:
            raise OSError(errno.EOPNOTSUPP, self.no_switch)
        return Handover(links)

    @property
    def no_switch(self) -> str:
        """Why no encoder can take over from another that still feeds; empty: it can. Tried once."""
        if self._no_switch is None:
            self._no_switch = switch_trial()
        return self._no_switch

    def slates(self, data_dir: DataDir, binary: Binary) -> Slates:
        """The slates that were made for this FFmpeg."""
        return Slates(data_dir.folder("slates"), binary, run=self._quietly)

    def frames(self, data_dir: DataDir) -> KeptFrames:
        """The last good frame of each stream whose slate shows it."""
        return KeptFrames(data_dir.folder("frames"))

    def recording(self, path: Path, kept: Kept | None = None) -> Recording:
        """The files of a destination that is a file, or a folder of segments."""
        return Segments(kept) if kept else Recording(path)

    def apart(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """What `work` returns or raises, from a thread of its own: it may hang for good, and keeps nobody's end."""
        return apart(work)

    def collect_keyframe(self, tap: ParameterTap, seconds: float) -> Awaitable[bytes]:
        """The next keyframe that an encoder sends; see `thumbnail.collect`."""
        return collect(tap, seconds)

    def draw(self, argv: Sequence[str], media: bytes, most: int) -> Awaitable[bytes]:
        """The picture that a program makes of it; see `thumbnail.Draughtsman`."""
        return self._draughtsman.draw(argv, self.environment, media, most)

    def collect_sample(self, tap: ParameterTap, seconds: float, *, sound: bool) -> Awaitable[bytes]:
        """A few seconds of what an encoder sends; see `thumbnail.collect_sample`."""
        return collect_sample(tap, seconds, sound=sound)

    def measure(self, argv: Sequence[str], media: bytes, most: int) -> Awaitable[bytes]:
        """What a program tells of it; see `thumbnail.Draughtsman`."""
        return self._draughtsman.measure(argv, self.environment, media, most)

    def kept_pictures(self, data_dir: DataDir) -> KeptPictures:
        """The pictures of incidents."""
        return KeptPictures(data_dir.folder("thumbnails"))

    def clear_leftovers(self, data_dir: DataDir, streams: Collection[str], wall: float) -> None:
        """Remove what is too old of streams other than these; see `leftovers.clear`. Blocks."""
        clear(data_dir, streams, wall)

    # --- what is laid over pictures ----------------------------------------------------------------

    ready_overlay = staticmethod(overlay_files.make_ready)
    renew_overlay = staticmethod(overlay_files.renew)

    # --- programs of others ------------------------------------------------------------------------

    boot = staticmethod(foreign.boot)

    def find_program(self, pid: int, begun: int | None = None) -> Found:
        """A process that neverdark has not started; see `foreign.find`. Raises Refused."""
        return foreign.find(pid, begun)

    def progress_of(self, file: str, url: str, started: float) -> ProgressFile | ProgressUrl:
        """What such a program, which has `started` then (wall clock), tells of its progress."""
        return ProgressFile(file, started) if file else ProgressUrl(url)

    def ask_program(self, progress: ProgressFile | ProgressUrl) -> Awaitable[bytes]:
        """What it tells now; see there. Raises NoProgress."""
        return asyncio.get_running_loop().run_in_executor(self._messengers, progress.read)

    def call_webhook(self, url: str, body: Mapping[str, Any], timeout: float) -> Awaitable[str | None]:
        """Tell an owner's server something; see `webhook.call`."""
        return asyncio.get_running_loop().run_in_executor(self._messengers, webhook.call, url, body, timeout)

    # --- sockets of others -------------------------------------------------------------------------

    def is_taken(self, port: int, ours: int) -> bool:
        """Whether somebody other than process `ours` has a UDP port of the loopback."""
        holder = udp.holder_of(port)
        if holder is None or holder.is_of(ours):
            return False
        # A process that ends lets go of its descriptors a moment before the kernel closes what they named.
        return has_descriptors(ours) and udp.holder_of(port) == holder

    def forget_unsent(self, pid: int) -> None:
        """Have what a process has not sent yet dropped at its end; see `faults.forget_unsent`."""
        faults.forget_unsent(pid)

    def block_connection(self, pid: int, inode: int | None = None, remote: Address | None = None) -> faults.Victim:
        """Make a connection of a child deaf; see `faults.block_connection`. Raises FaultFailed."""
        return faults.block_connection(pid, inode=inode, remote=remote)
