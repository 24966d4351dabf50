"""A machine and probes that are driven by hand, and a loop whose time passes only when nothing else is to be done.

So an engine runs in a test as it does in earnest, but that its processes do what the test says, and that a minute takes
a moment.
"""

from __future__ import annotations

import asyncio
import errno
import os
import selectors
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from supervisor.config.file import Loaded, load
from supervisor.engine import Engine, Home, Workshop
from supervisor.ffmpeg.slate import Still
from supervisor.machine.data_dir import DataDir
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.machine.machine import Machine
from supervisor.machine.slates import Slates
from supervisor.model.remembered import Memory
from supervisor.model.terms import Exit, ProcessKey, Reach, Role
from supervisor.probes.probes import Probes
from supervisor.probes.uplink import ProbeFailed

WALL = 1_700_000_000.0
BINARY = Binary("ffmpeg", (9, 0), frozenset({"libx264", "aac"}), frozenset({"rtmp", "rtmps", "udp"}))
T = TypeVar("T")


class _Selector(selectors.EpollSelector):
    """Instead of waiting, it lets the time pass."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits, and nothing will ever happen"
            self.now += max(timeout, 0.0)
        return ready


class HandLoop(asyncio.SelectorEventLoop):
    """Its time begins at 1000."""

    def __init__(self) -> None:
        self._hand = _Selector()
        super().__init__(self._hand)

    def time(self) -> float:
        return self._hand.now


class HandChild:
    """A process that ends when it is told to, or killed."""

    def __init__(self, pid: int, argv: list[str]) -> None:
        self.pid = pid
        self.argv = argv
        self.signals: list[int] = []
        self.obeys = True  # it ends at a polite signal
        self.frames = 0
        self.outlet: _Outlet | None = None
        self.pidfd, self._end = os.pipe()
        self._how: Exit | None = None

    def ends(self, code: int | None = None, number: int | None = None) -> None:
        """It ends by itself, with an exit code or by a signal."""
        if self._how is None:
            self._how = Exit(code, number)
            os.write(self._end, b".")

    def signal_group(self, number: signal.Signals) -> None:
        if self._how is None:
            self.signals.append(number)
            if number == signal.SIGKILL or self.obeys:
                self.ends(None, number)

    def reap(self) -> tuple[Exit, float]:
        assert self._how is not None
        return self._how, 0.25

    def close(self) -> None:
        os.close(self.pidfd)
        os.close(self._end)


class HandSocket:
    """The reports of one process."""

    def __init__(self) -> None:
        self.fd, self._other = os.pipe2(os.O_NONBLOCK)
        self.url = f"udp://127.0.0.1:{self.fd}"
        self.reports: list[bytes] = []
        self.child: HandChild | None = None
        self.pid_of: Callable[[int], HandChild | None] = lambda _: None

    def begin_run(self, pid: int, *, family: bool) -> None:
        del family
        self.reports.clear()
        self.child = self.pid_of(pid)

    def read(self) -> bytes:
        return self.reports.pop(0) if self.reports else b""

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._other)


class _Outlet:
    """What a process writes."""

    def __init__(self) -> None:
        self.fd, self._other = os.pipe2(os.O_NONBLOCK)
        self.named = True
        self.text = b""

    def is_empty(self) -> bool:
        return not self.text

    def read(self, most: int = 0) -> bytes:
        del most
        text, self.text = self.text, b""
        return text

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._other)


class _RunLog:
    def begin_run(self, run_id: str) -> None:
        del run_id

    def write(self, *_: object) -> None:
        pass


class _Tap:
    def __init__(self) -> None:
        self.fd, self._other = os.pipe2(os.O_NONBLOCK)
        self.port = 9

    def listen_to(self, port: int) -> None:
        del port

    def read(self) -> None:
        return None

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._other)


class _Link:
    fd, drops, sender, fixed, quiet_for = 0, 0, None, None, None

    def __init__(self, port: int) -> None:
        self.port = port

    def send_from(self, port: int | None) -> None:
        del port

    def read(self, *, by_somebody: bool) -> None:
        del by_somebody

    def empty(self) -> None:
        pass


class _Links:
    """Ports that nobody has."""

    def __init__(self) -> None:
        self.links: dict[tuple[str, str], _Link] = {}
        self._ports = count(20_000)

    def get(self, stream: str, destination: str) -> _Link:
        return self.links.setdefault((stream, destination), _Link(next(self._ports)))

    def port(self, stream: str, destination: str) -> int:
        return self.get(stream, destination).port

    def sending_port(self) -> int:
        return next(self._ports)

    def take_back(self, ports: object) -> None:
        pass

    stuck = 0

    def keep_only(self, keys: set[tuple[str, str]]) -> None:
        self.links = {key: link for key, link in self.links.items() if key in keys}


class _Gather:
    def __init__(self) -> None:
        self.callbacks: dict[int, Callable[[], None]] = {}

    def add(self, descriptor: int, callback: Callable[[], None]) -> None:
        self.callbacks[descriptor] = callback

    def remove(self, descriptor: int) -> None:
        del self.callbacks[descriptor]

    def close(self) -> None:
        pass


class HandMachine(Machine):
    """Time is the loop's; processes are `HandChild`s. `spawned` has all of them, in their order."""

    def __init__(self, loop: HandLoop) -> None:
        super().__init__()
        self.environment: Mapping[str, str] = {"PATH": "/usr/bin"}
        self.spawned: list[HandChild] = []
        self.broken = False  # nothing can be started
        self.gathered = _Gather()
        self.sockets: list[HandSocket] = []
        self.outlets: list[_Outlet] = []
        self.links = _Links()
        self._loop = loop
        self._pids = count(100)
        # The real ones are static, and asked as attributes.
        self.now = loop.time
        self.wall = lambda: WALL + loop.time()
        self.chance = lambda: 0.5

    async def in_a_thread(self, work: Callable[[], T]) -> T:
        await asyncio.sleep(0)
        return work()

    def spawn(self, argv: list[str], environment: object, output_fd: int, *_: Any) -> Any:
        del environment
        if self.broken:
            raise OSError(errno.ENOENT, "No such file or directory")
        child = HandChild(next(self._pids), argv)
        child.outlet = next(one for one in self.outlets if one.fd == output_fd)
        self.spawned.append(child)
        return child

    def exits(self, loop: asyncio.AbstractEventLoop) -> Any:
        return SimpleNamespace(add=loop.add_reader, remove=loop.remove_reader)

    def gather(self, loop: object) -> Any:
        del loop
        return self.gathered

    def progress_socket(self, port: int = 0) -> Any:
        del port
        socket = HandSocket()
        socket.pid_of = lambda pid: next((child for child in self.spawned if child.pid == pid), None)
        self.sockets.append(socket)
        return socket

    def outlet(self, *_: Any) -> Any:
        self.outlets.append(_Outlet())
        return self.outlets[-1]

    def says(self, child: HandChild, text: bytes) -> None:
        """A process writes this; it is read at its end."""
        assert child.outlet is not None
        child.outlet.text += text

    def run_log(self, *_: Any) -> Any:
        return _RunLog()

    def parameter_tap(self, port: int = 0) -> Any:
        del port
        return _Tap()

    def media_links(self, *_: Any) -> Any:
        return self.links

    def handover(self, *_: Any) -> Any:
        raise OSError("nobody goes over here: what is replaced is ended first")

    def slates(self, *_: Any) -> Slates:
        return _HandSlates()

    def raise_file_limit(self) -> tuple[int, int]:
        return 1024, 1024

    def is_stopped(self, pid: int) -> bool:
        del pid
        return False

    def is_taken(self, port: int, ours: int) -> bool:
        del port, ours
        return False

    def forget_unsent(self, pid: int) -> None:
        pass

    def become_parent_of_orphans(self) -> None:
        pass

    def sweep(self, *_: Any) -> list[int]:
        return []

    def find_runs(self, *_: Any) -> list[Any]:
        return []

    def end_orphans(self, *_: Any) -> list[tuple[int, str]]:
        return []

    def clear_leftovers(self, *_: Any) -> None:
        pass

    def out_of_memory_kills(self) -> int:
        return 0

    def report(self, child: HandChild) -> None:
        """A process reports half a second more of media."""
        for socket in self.sockets:
            if socket.child is child and socket.fd in self.gathered.callbacks:
                child.frames += 12
                socket.reports.append(
                    b"frame=%d\ntotal_size=%d\nout_time_us=%d\nprogress=continue\n"
                    % (child.frames, child.frames * 1000, child.frames * 500_000 // 12)
                )
                self.gathered.callbacks[socket.fd]()


class _HandSlates(Slates):
    """They are made in no time."""

    def __init__(self) -> None:
        self.font = None

    def make(self, still: Still, frame: Path | None = None, *, seconds: float = 0.0) -> Path:
        del still, frame, seconds
        return Path("/slates/made.mkv")

    def tidy(self) -> None: ...


class HandProbes(Probes):
    """They know nothing."""

    def __init__(self) -> None:
        pass

    def is_here(self, host: str) -> bool:
        del host
        return True

    async def reach_ingest(self, *_: Any, **__: Any) -> Reach:
        return Reach.ANSWERS

    async def reach_host(self, *_: Any) -> Reach:
        return Reach.ANSWERS

    async def reach_source(self, *_: Any) -> Reach:
        return Reach.ANSWERS

    async def retry_after(self, *_: Any) -> None:
        return None

    async def certificate_fault(self, *_: Any) -> None:
        return None

    async def uplinks(self, *_: Any) -> Any:
        raise ProbeFailed("there is no kernel")

    async def usages(self, *_: Any) -> Any:
        return {}

    async def publishers(self, *_: Any) -> Any:
        return {}

    def close(self) -> None:
        pass


class Scene:
    """An engine at work on a machine that is driven by hand; what it told is in `told`."""

    def __init__(
        self, folder: Path, loop: HandLoop, text: str, memory: Memory | None = None, workshop: Workshop | None = None
    ) -> None:
        self.loop = loop
        self.machine = HandMachine(loop)
        self.file = folder / "neverdark.yml"
        self.write(text)
        self.data_dir = DataDir(folder / "data")
        self.told: list[Any] = []
        home = Home(self.file, BINARY, self.data_dir, "/certificates.pem", workshop)
        self.engine = Engine(home, load(self.file), self.machine, HandProbes(), self._read, memory=memory)
        self.engine.listeners.append(self.told.append)
        self.frozen: set[int] = set()  # pids that report nothing

    def write(self, text: str) -> None:
        """Another configuration, to be read at the next reload."""
        self.file.write_text(text)

    def _read(self) -> tuple[Loaded, tuple[()]]:
        return load(self.file), ()

    async def media_flows(self) -> None:
        """Whoever lives reports, twice a second."""
        while True:
            await asyncio.sleep(0.5)
            for child in self.alive():
                if child.pid not in self.frozen:
                    self.machine.report(child)

    def alive(self) -> list[HandChild]:
        """The processes that live."""
        return [slot.child for slot in self.engine.streams.slots() if slot.child]  # type: ignore[misc]

    def child(self, stream: str, role: Role, destination: str = "") -> HandChild:
        """The process that lives at a place."""
        slot = self.engine.streams.slot(ProcessKey(stream, role, destination))
        assert slot is not None
        assert slot.child is not None
        return slot.child  # type: ignore[return-value]

    def facts(self, kind: Any) -> list[Any]:
        """What was told of one kind."""
        return [fact for fact in map(_payload, self.told) if isinstance(fact, kind)]


def _payload(fact: Any) -> Any:
    return getattr(fact, "what", fact)


def play(
    folder: Path,
    text: str,
    test: Callable[[Scene], Awaitable[None]],
    listener: Callable[[Scene, Any], None] = lambda *_: None,
    memory: Memory | None = None,
    workshop: Workshop | None = None,
) -> Scene:
    """Run an engine with the configuration `text`, `test` beside it, and then end it in order."""
    with hand_loop() as loop:
        scene = Scene(folder, loop, text, memory, workshop)
        scene.engine.listeners.append(partial(listener, scene))

        async def whole() -> None:
            running = asyncio.create_task(scene.engine.run())
            media = asyncio.create_task(scene.media_flows())
            await asyncio.sleep(0.1)
            assert scene.engine.started
            try:
                await test(scene)
            finally:
                scene.engine.stop()
                for child in scene.machine.spawned:
                    child.obeys = True
                await asyncio.wait_for(running, 60)
                media.cancel()

        loop.run_until_complete(whole())
        scene.data_dir.close()
        return scene


@contextmanager
def hand_loop() -> Iterator[HandLoop]:
    """A loop whose time is not the real one."""
    loop = HandLoop()
    try:
        yield loop
    finally:
        loop.close()
