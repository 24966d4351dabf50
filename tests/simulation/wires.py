"""What stands between a simulated process and neverdark: sockets, pipes and logs that are none."""

from __future__ import annotations

import errno
import itertools
import os
import signal
import socket
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from supervisor.ffmpeg.keyframes import Keyframes
from supervisor.ffmpeg.parameters import Parameters
from supervisor.ffmpeg.progress import parse_report
from supervisor.machine.data_dir import Folder
from supervisor.machine.gather import Gather
from supervisor.machine.kept_pictures import KeptPictures
from supervisor.machine.media_links import MediaLink, MediaLinks
from supervisor.machine.parameter_tap import ParameterTap, Taker
from supervisor.machine.process import Child, Outlet
from supervisor.machine.progress_socket import ProgressSocket
from supervisor.machine.recording import Recording
from supervisor.machine.runlog import AfterWrite, RunLog
from supervisor.model.quantities import PortRange
from supervisor.model.terms import Exit, Report
from tests.simulation.loop import VirtualLoop

_GATHER_SECONDS = 0.05
_MOST_REPORTS = 250  # that a socket's buffer holds
_PIPE_BYTES = 256 * 1024
_MOST_LINES = 200


def parsed(data: bytes | Report) -> Report:
    """Stands in for `parse_report`: a process to which nothing happens tells what others have told in the same words.

    To write and read those once more would only take time.
    """
    return data if isinstance(data, Report) else parse_report(data)


class Wires:
    """Hands out descriptors, and finds a wire by its descriptor or its URL."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self._numbers = itertools.count(1_000_000)  # as no real descriptor is
        self._ports = itertools.cycle(range(20_000, 60_000))
        self._taken: set[int] = set()
        self.reports: dict[str, SimulatedProgress] = {}
        self.outlets: dict[int, SimulatedOutlet] = {}
        self.links: dict[int, SimulatedLink] = {}
        self.taps: dict[int, SimulatedTap] = {}
        self.gather: SimulatedGather | None = None
        self.disk_full = False
        self.connected: Callable[[SimulatedLink], None] = lambda _: None  # told when a link has another sender

    def number(self) -> int:
        """A descriptor that nobody else has."""
        return next(self._numbers)

    def port(self) -> int:
        """A port that nobody listens at."""
        return next(port for port in self._ports if port not in self._taken)

    def take(self, port: int = 0) -> int:
        """Listen at a port, or at any. Raises OSError: somebody does so already."""
        if port in self._taken:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        port = port or self.port()
        self._taken.add(port)
        return port

    def give_back(self, port: int) -> None:
        """Nobody listens there any more."""
        self._taken.discard(port)

    def begin_life(self, loop: VirtualLoop, kept: Collection[SimulatedLink]) -> None:
        """Another neverdark has the wires: of those before, the kernel has kept what a process still holds."""
        self.loop = loop
        self.reports.clear()
        self.outlets.clear()
        self.taps.clear()
        self.links = {link.fd: link for link in kept}
        self._taken = {link.port for link in kept}


class SimulatedGather(Gather):
    """Calls back a moment after something arrived, for all that arrived meanwhile."""

    def __init__(self, loop: VirtualLoop, wires: Wires) -> None:
        self._virtual = loop
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._waiting: dict[int, SimulatedProgress] = {}
        self._armed = False
        wires.gather = self

    def add(self, descriptor: int, callback: Callable[[], None]) -> None:
        self._callbacks[descriptor] = callback

    def remove(self, descriptor: int) -> None:
        del self._callbacks[descriptor]
        self._waiting.pop(descriptor, None)

    def close(self) -> None:
        self._callbacks.clear()

    def arrived(self, wire: SimulatedProgress) -> None:
        """Something is there to be read."""
        self._waiting[wire.fd] = wire
        if not self._armed:
            self._armed = True
            self._virtual.call_later(_GATHER_SECONDS, self._read_all)
            self._virtual.woken = True

    def _read_all(self) -> None:
        self._armed = False
        waiting, self._waiting = self._waiting, {}
        callbacks = self._callbacks
        for fd, wire in waiting.items():
            while wire.waiting and (callback := callbacks.get(fd)):
                callback()


class SimulatedProgress(ProgressSocket):
    """The reports of one process' place."""

    def __init__(self, wires: Wires, port: int) -> None:
        self._wires = wires
        self.fd = wires.number()
        self._port = wires.take(port)
        self.url = f"udp://127.0.0.1:{self._port}"
        self.refused = 0
        self.waiting: deque[tuple[int, bytes | Report]] = deque()
        self._pid = 0
        wires.reports[self.url] = self

    def begin_run(self, pid: int, *, family: bool) -> None:
        del family
        self.waiting.clear()
        self._pid = pid

    def read(self) -> bytes:
        while self.waiting:
            pid, data = self.waiting.popleft()
            if pid == self._pid:
                return data  # type: ignore[return-value] # what `parsed` takes
            self.refused += 1
        return b""

    def close(self) -> None:
        del self._wires.reports[self.url]
        self._wires.give_back(self._port)

    def leave(self, pid: int, data: bytes) -> None:
        """A process tells what nobody is woken for."""
        if len(self.waiting) < _MOST_REPORTS:
            self.waiting.append((pid, data))

    def send(self, pid: int, data: bytes | Report) -> None:
        """A process reports; what finds no room is lost."""
        if len(self.waiting) < _MOST_REPORTS:
            self.waiting.append((pid, data))
            assert self._wires.gather is not None
            self._wires.gather.arrived(self)


class SimulatedOutlet(Outlet):
    """A process' output."""

    def __init__(self, wires: Wires, waiting: bytes = b"") -> None:
        """`waiting` is what its writer has said while nobody was there to read."""
        self._wires = wires
        self.fd = wires.number()
        self.named = True
        self.waiting = waiting
        wires.outlets[self.fd] = self
        wires.loop.mark(self.fd, readable=bool(waiting))

    def is_empty(self) -> bool:
        return not self.waiting

    def read(self, most: int = _PIPE_BYTES) -> bytes:
        data, self.waiting = self.waiting[:most], self.waiting[most:]
        self._wires.loop.mark(self.fd, readable=bool(self.waiting))
        return data

    def close(self) -> None:
        del self._wires.outlets[self.fd]
        self._wires.loop.mark(self.fd, readable=False)

    def write(self, lines: Iterable[str]) -> None:
        """A process says something; what finds no room is lost."""
        data = "".join(f"{line}\n" for line in lines).encode()
        if len(self.waiting) + len(data) <= _PIPE_BYTES:
            self.waiting += data
            if self.fd in self._wires.outlets:
                self._wires.loop.mark(self.fd, readable=bool(self.waiting))


class SimulatedLog(RunLog):
    """The log of one process, in memory; its disk may be full."""

    def __init__(self, wires: Wires, folder: Folder, name: str, trouble: AfterWrite) -> None:
        self._wires = wires
        self._path = Path(*folder.names, name)  # without the real directory, which has another name in every run
        self._told = trouble
        self._failed = False
        self.lines: deque[str] = deque(maxlen=_MOST_LINES)

    def begin_run(self, run_id: str) -> None:
        self._path = self._path.with_name(f"{self._path.name.partition('.')[0]}.{run_id}.log")

    def write(self, lines: Iterable[str], wall: float, now: float) -> None:
        del wall, now
        found = list(lines)
        if not found:
            return
        full = self._wires.disk_full
        if full != self._failed:
            self._failed = full
            self._told(self._path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if full else None)
        if not full:
            self.lines.extend(found)


class SimulatedPictures(KeptPictures):
    """The pictures of incidents, in memory."""

    def keep(self, incident: str, jpeg: bytes, wall: float) -> None:
        del jpeg, wall
        self._known |= {incident}

    def move(self, incident: str, other: str) -> None:
        self._known = self._known - {incident} | {other}

    def read(self, incident: str) -> bytes | None:
        return b"picture" if incident in self._known else None

    def tidy(self, wall: float, seconds: float) -> None:
        pass


class SimulatedTap(ParameterTap):
    """Where an encoder's parameters arrive."""

    def __init__(self, wires: Wires, port: int) -> None:
        self._wires = wires
        self.fd = wires.number()
        self.port = wires.take(port)
        self._from = 0
        self._found: Parameters | None = None
        self.keyframes = Keyframes()
        wires.taps[self.port] = self

    def listen_to(self, port: int) -> None:
        self._from, self._found = port, None
        self._wires.loop.mark(self.fd, readable=False)

    def read(self) -> Parameters | None:
        found, self._found = self._found, None
        self._wires.loop.mark(self.fd, readable=False)
        return found

    def collect(self, taker: Taker) -> None:
        pass

    def leave(self, taker: Taker) -> None:
        pass

    def close(self) -> None:
        del self._wires.taps[self.port]
        self._wires.give_back(self.port)
        self._wires.loop.mark(self.fd, readable=False)

    def send(self, port: int, parameters: Parameters) -> None:
        """An encoder tells what its media is made of."""
        if port == self._from:
            self._found = parameters
            self._wires.loop.mark(self.fd, readable=True)


class SimulatedLink(MediaLink):
    """The receiving end of a link between an encoder and a pusher."""

    def __init__(self, wires: Wires, port: int = 0) -> None:
        self.fd = wires.number()
        self.port = wires.take(port)
        self.sender: int | None = None
        self.connected_at = 0.0  # virtual, when it was connected to that one
        self.media_then = 0.0  # seconds that this one had sent by then
        self.lost = 0
        self.is_read = False
        self._wires = wires
        wires.links[self.fd] = self

    @property
    def peer(self) -> int | None:
        return self.sender

    @property
    def quiet_for(self) -> float | None:
        return None

    def beside(self, sender: int) -> socket.socket:
        raise NotImplementedError  # see `handover`

    def go_over(self, first: Sequence[bytes], sender: int) -> None:
        del first
        self.send_from(sender)

    def go_on(self, port: int | None) -> None:
        self.sender, self.is_read = port, True

    def send_from(self, port: int | None) -> None:
        self.sender = port
        self._wires.connected(self)

    def read(self, *, by_somebody: bool) -> None:
        self.is_read = by_somebody

    def empty(self) -> None:
        pass

    @property
    def drops(self) -> int:
        return self.lost

    def close(self) -> None:
        del self._wires.links[self.fd]
        self._wires.give_back(self.port)


class SimulatedLinks(MediaLinks):
    """A link for each destination."""

    def __init__(self, wires: Wires, ports: PortRange, held_by: Callable[[int], MediaLink | None]) -> None:
        """`held_by` tells the link that the pusher with a pid has inherited."""
        self._wires = wires
        self._ports = ports
        self._held_by = held_by
        self._links: dict[tuple[str, str], MediaLink] = {}

    def find(self, stream: str, destination: str, port: int, reader: int | None) -> bool:
        key = (stream, destination)
        if key in self._links:
            return False
        try:
            link = self._held_by(reader) if reader else SimulatedLink(self._wires, port)
        except OSError:
            return False
        if link is None or link.port != port:
            return False
        self._links[key] = link
        return True

    def lend(self, ports: Iterable[int]) -> None:
        pass

    def sending_port(self) -> int:
        return self._wires.port()

    def take_back(self, ports: Iterable[int]) -> None:
        pass

    def _open(self) -> MediaLink:
        return SimulatedLink(self._wires)


class SimulatedRecording(Recording):
    """A destination that is a file."""

    def file(self, wall: float, run: int) -> Path:
        del wall, run
        return self.path

    def tidy(self) -> None:
        pass


class Lives(Protocol):
    """A simulated process, as whoever holds its pidfd sees it."""

    pid: int
    ended: Exit | None
    cpu_seconds: float
    told: Exit | None

    def signal(self, number: int) -> None:
        """Hear a signal."""

    def reaped(self) -> None:
        """Leave the table of processes."""


class SimulatedChild(Child):
    """A run that is alive, or a zombie."""

    __slots__ = ("_loop", "_process")

    def __init__(self, loop: VirtualLoop, process: Lives, pidfd: int) -> None:
        super().__init__(process.pid, pidfd)
        self._loop = loop
        self._process = process

    def signal_group(self, number: signal.Signals) -> None:
        if not self._loop.dead:
            self._process.signal(number)

    def reap(self) -> tuple[Exit, float]:
        assert self._process.ended is not None
        self._process.reaped()
        if self._process.told is None:
            return self._process.ended, self._process.cpu_seconds
        return self._process.told, 0.0

    def close(self) -> None:
        self._loop.mark(self.pidfd, readable=False)
