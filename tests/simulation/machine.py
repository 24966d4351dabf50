"""The machine that neverdark runs on, simulated."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable, Collection, Container, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from supervisor.machine.adoption import FoundRun
from supervisor.machine.data_dir import DataDir, Folder
from supervisor.machine.exits import Exits
from supervisor.machine.faults import FaultFailed, Victim
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.machine.foreign import Found
from supervisor.machine.gather import Gather
from supervisor.machine.handover import Handover
from supervisor.machine.kept_frames import KeptFrames
from supervisor.machine.kept_pictures import KeptPictures
from supervisor.machine.machine import Machine
from supervisor.machine.media_links import MediaLink, MediaLinks
from supervisor.machine.parameter_tap import ParameterTap
from supervisor.machine.process import Child, Outlet
from supervisor.machine.progress_socket import ProgressSocket
from supervisor.machine.progress_text import ProgressFile, ProgressUrl
from supervisor.machine.recording import Recording
from supervisor.machine.runlog import AfterWrite, RunLog
from supervisor.machine.slates import Slates
from supervisor.model.quantities import Address, PortRange
from supervisor.model.recordings import Kept
from supervisor.model.runs import read
from tests.simulation import wires
from tests.simulation.handover import SimulatedHandover, SimulatedSlates
from tests.simulation.processes import Process, Stray
from tests.simulation.senders import Sender

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")
_TO_SPAWN = 0.0011  # seconds; so no two processes begin in the same moment
_FILES = (1024, 4096)


class SimulatedMachine(Machine):
    """Every method of the real one, over a world."""

    def __init__(self, world: World) -> None:
        self.environment: Mapping[str, str] = {"PATH": "/usr/bin"}
        self._no_switch = ""
        self.closed = False
        self._world = world
        self._agenda = world.agenda

    async def in_a_thread(self, work: Callable[[], T]) -> T:
        await asyncio.sleep(0.001)
        return work()

    def close(self) -> None:
        self.closed = True

    # --- time and chance ---------------------------------------------------------------------------

    def now(self) -> float:
        return self._agenda.now

    def wall(self) -> float:
        return self._agenda.now + self._world.wall_offset

    def chance(self) -> float:
        return self._world.jitter.random()

    # --- processes ---------------------------------------------------------------------------------

    def spawn(
        self,
        argv: list[str],
        environment: Mapping[str, str],
        output_fd: int,
        inherited: Mapping[int, int],
        file_limits: tuple[int, int],
    ) -> Child:
        del file_limits
        if self._world.out_of_processes:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self._agenda.now += _TO_SPAWN
        process = self._world.table.spawn(argv, environment, output_fd, inherited)
        if self._world.doom:
            self._world.doom()
        return wires.SimulatedChild(self._world.loop, process, process.pidfd)

    def raise_file_limit(self) -> tuple[int, int]:
        return _FILES

    def is_stopped(self, pid: int) -> bool:
        process = self._process(pid)
        return process is not None and process.stopped

    def become_parent_of_orphans(self) -> None:
        pass

    def sweep(self, pids: Container[int], run_ids: Container[str], mark: str) -> list[int]:
        del mark
        return self._world.table.sweep(pids, run_ids)

    def find_runs(self, data_dir: DataDir) -> list[FoundRun]:
        del data_dir
        found = []
        for process in self._world.table.of(""):
            if isinstance(process, Stray) or (record := read(process.record)) is None:
                continue
            child = wires.SimulatedChild(self._world.loop, process, process.pidfd)
            found.append(FoundRun(child, process.run_id, record, int(process.began * 100), process.stopped))
        return found

    def end_orphans(self, data_dir: DataDir, spared: Container[str] = ()) -> list[tuple[int, str]]:
        del data_dir
        return self._world.table.end_orphans(spared)

    def out_of_memory_kills(self) -> int:
        return self._world.memory_kills

    def exits(self, loop: asyncio.AbstractEventLoop) -> Exits:
        return cast("Exits", SimpleNamespace(add=loop.add_reader, remove=loop.remove_reader))

    # --- programs of others: there are none in this world ------------------------------------------

    def boot(self) -> str:
        return "simulated"

    def find_program(self, pid: int, begun: int | None = None) -> Found:
        raise NotImplementedError

    def progress_of(self, file: str, url: str, started: float) -> ProgressFile | ProgressUrl:
        raise NotImplementedError

    def ask_program(self, progress: ProgressFile | ProgressUrl) -> Awaitable[bytes]:
        raise NotImplementedError

    def call_webhook(self, url: str, body: Mapping[str, Any], timeout: float) -> Awaitable[str | None]:
        raise NotImplementedError

    # --- the places of processes -------------------------------------------------------------------

    def gather(self, loop: asyncio.AbstractEventLoop) -> Gather:
        del loop
        return wires.SimulatedGather(self._world.loop, self._world.wires)

    def outlet(self, folder: Folder, name: str) -> Outlet:
        return self._world.table.outlet(folder.names[-1], name.removesuffix(".output"))

    def run_log(self, folder: Folder, name: str, trouble: AfterWrite) -> RunLog:
        return wires.SimulatedLog(self._world.wires, folder, name, trouble)

    def progress_socket(self, port: int = 0) -> ProgressSocket:
        wire = wires.SimulatedProgress(self._world.wires, port)
        if port:
            self._world.table.reports_to(wire)
        return wire

    def parameter_tap(self, port: int = 0) -> ParameterTap:
        return wires.SimulatedTap(self._world.wires, port)

    def handover(self, links: Mapping[MediaLink, int]) -> Handover:
        return SimulatedHandover(self._world, links)

    def slates(self, data_dir: DataDir, binary: Binary) -> Slates:
        del data_dir, binary
        return SimulatedSlates()

    def media_links(self, ports: PortRange, seed: str) -> MediaLinks:
        del seed
        return wires.SimulatedLinks(self._world.wires, ports, self._world.table.link_of)

    def recording(self, path: Path, kept: Kept | None = None) -> Recording:
        del kept
        return wires.SimulatedRecording(path)

    def apart(self, work: Callable[[], T]) -> asyncio.Future[T]:
        channel = self._world.youtube
        return asyncio.ensure_future(channel.aside.run(work) if channel else self.in_a_thread(work))

    def ready_overlay(self, one: object) -> None:
        raise NotImplementedError  # no picture of this world has anything laid over it

    def renew_overlay(self, one: object) -> bool:
        raise NotImplementedError

    async def collect_keyframe(self, tap: ParameterTap, seconds: float) -> bytes:
        del tap, seconds
        await asyncio.sleep(1.0)
        return b"keyframe"

    async def draw(self, argv: Sequence[str], media: bytes, most: int) -> bytes:
        del argv, media, most
        await asyncio.sleep(0.1)
        return b"picture"

    async def collect_sample(self, tap: ParameterTap, seconds: float, *, sound: bool) -> bytes:
        del tap, sound
        await asyncio.sleep(seconds)
        return b"media"

    async def measure(self, argv: Sequence[str], media: bytes, most: int) -> bytes:
        del argv, media, most
        await asyncio.sleep(0.1)
        return b""

    def kept_pictures(self, data_dir: DataDir) -> KeptPictures:
        return wires.SimulatedPictures(data_dir.folder("thumbnails"))

    def frames(self, data_dir: DataDir) -> KeptFrames:
        return KeptFrames(data_dir.folder("frames"))

    def clear_leftovers(self, data_dir: DataDir, streams: Collection[str], wall: float) -> None:
        pass

    # --- sockets of others -------------------------------------------------------------------------

    def is_taken(self, port: int, ours: int) -> bool:
        del port, ours
        return False

    def forget_unsent(self, pid: int) -> None:
        if isinstance(process := self._process(pid), Sender):
            process.acked = process.media

    def block_connection(self, pid: int, inode: int | None = None, remote: Address | None = None) -> Victim:
        process = self._process(pid)
        if isinstance(process, Sender) and process.connected and inode in {None, process.inode}:
            process.deaf = True
            return Victim(pid, process.inode, process.ingest.address)
        raise FaultFailed(f"process {pid} has no open TCP connection to {remote}")

    def _process(self, pid: int) -> Process | None:
        return self._world.table.processes.get(pid)
