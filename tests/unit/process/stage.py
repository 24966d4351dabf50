"""A place without a process: a loop and a clock turned by hand, and a machine on which nothing is real."""

from __future__ import annotations

import asyncio
import heapq
import signal
from collections import deque
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from supervisor.desired.plan import ProcessSpec
from supervisor.ffmpeg.opening import Traits
from supervisor.ffmpeg.parameters import Parameters
from supervisor.judge.attribution import FailureEvidence
from supervisor.machine.marks import RunNames
from supervisor.machine.segments import Segments
from supervisor.model import events
from supervisor.model.policies import Policies
from supervisor.model.quantities import Address
from supervisor.model.recordings import Kept
from supervisor.model.terms import Exit, ProcessKey, Reach, Role
from supervisor.process.backlog import Backlog
from supervisor.process.claims import Claims
from supervisor.process.host import Host
from supervisor.process.slot import Slot
from supervisor.secrets.secrecy import Redactor

WALL = 1_700_000_000.0
KILLED = Exit(None, signal.SIGKILL)


class Handle:
    """Of what is due at some time."""

    def __init__(self, when: float, work: Callable[[], object]) -> None:
        self._when, self.work, self._gone = when, work, False

    def when(self) -> float:
        return self._when

    def cancel(self) -> None:
        self._gone = True

    def cancelled(self) -> bool:
        return self._gone


class HandLoop:
    """As much of an event loop as a slot uses. Nothing happens unless the time is moved."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.readers: dict[int, Callable[[], object]] = {}
        self.errors: list[dict[str, Any]] = []
        self._due: list[tuple[float, int, Handle]] = []
        self._order = count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, work: Callable[..., object], *words: object) -> Handle:
        handle = Handle(when, lambda: work(*words))
        heapq.heappush(self._due, (when, next(self._order), handle))
        return handle

    def call_later(self, seconds: float, work: Callable[..., object], *words: object) -> Handle:
        return self.call_at(self.now + seconds, work, *words)

    def call_soon(self, work: Callable[..., object], *words: object) -> Handle:
        return self.call_at(self.now, work, *words)

    def add_reader(self, descriptor: int, work: Callable[[], object]) -> None:
        self.readers[descriptor] = work

    def remove_reader(self, descriptor: int) -> None:
        del self.readers[descriptor]

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(context)

    def move(self, seconds: float) -> None:
        """Let so much time pass, and do what is due in it, each at its time."""
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            when, _, handle = heapq.heappop(self._due)
            self.now = max(self.now, when)
            if not handle.cancelled():
                handle.work()
        self.now = end

    def stand_still(self, seconds: float) -> None:
        """Time passes and nothing is done: what was due comes late, and all at once."""
        self.now += seconds


class FakeChild:
    """A process; it obeys SIGKILL, and a polite signal if it is `polite`."""

    def __init__(self, machine: FakeMachine, pid: int, argv: list[str], environment: Mapping[str, str]) -> None:
        self.pid, self.pidfd = pid, 10_000 + pid
        self.argv, self.environment = argv, environment
        self.signals: list[signal.Signals] = []
        self.closed = 0
        self.how: Exit | None = None
        self._machine = machine

    def signal_group(self, number: signal.Signals) -> None:
        self.signals.append(number)
        if number in {signal.SIGSTOP, signal.SIGCONT}:
            self._machine.stopped ^= {self.pid}
            return
        if self.how is None and (number is signal.SIGKILL or self._machine.polite):
            self.how = Exit(None, number)
            self._machine.loop.call_soon(self._become_readable)

    def end(self, code: int | None = None, number: int | None = None) -> None:
        """It ends by itself, and the loop sees it at once."""
        self.how = Exit(code, number)
        self._become_readable()

    def _become_readable(self) -> None:
        self._machine.loop.readers[self.pidfd]()

    def reap(self) -> tuple[Exit, float]:
        assert self.how is not None, "it lives"
        return self.how, 1.5

    def close(self) -> None:
        self.closed += 1


class Wire:
    """What a process writes to: a FIFO, a progress socket, a tap, each as far as its reader uses it."""

    def __init__(self, descriptor: int) -> None:
        self.fd = descriptor
        self.url = f"udp://127.0.0.1:{descriptor}"
        self.port = descriptor
        self.waiting: deque[Any] = deque()
        self.closed = False
        self.pid = 0

    def is_empty(self) -> bool:
        return not self.waiting

    def read(self, most: int = 0) -> Any:
        del most
        return self.waiting.popleft() if self.waiting else self._nothing

    _nothing: Any = b""

    def begin_run(self, pid: int, *, family: bool) -> None:
        del family
        self.pid = pid
        self.waiting.clear()

    def listen_to(self, port: int) -> None:
        self.pid = port

    def close(self) -> None:
        self.closed = True


class Tap(Wire):
    _nothing = None


class Link:
    """The receiving end of a media link."""

    port, fixed = 40_001, None

    def __init__(self) -> None:
        self.fd, self.drops, self.sender, self.emptied = 5, 0, None, 0
        self.quiet_for: float | None = None

    def go_on(self, port: int | None) -> None:
        self.sender = cast("None", port)

    def send_from(self, port: int | None) -> None:
        self.sender = cast("None", port)

    def read(self, *, by_somebody: bool) -> None: ...

    def empty(self) -> None:
        self.emptied += 1


class Links:
    def __init__(self) -> None:
        self.all: dict[tuple[str, str], Link] = {}
        self._ports = count(40_000)

    def get(self, stream: str, destination: str) -> Link:
        return self.all.setdefault((stream, destination), Link())

    def port(self, stream: str, destination: str) -> int:
        return self.get(stream, destination).port

    def lend(self, ports: object) -> None: ...

    def sending_port(self) -> int:
        return next(self._ports)

    def take_back(self, ports: object) -> None: ...


class Log:
    """The log files of one process."""

    def __init__(self) -> None:
        self.run_id = ""
        self.lines: list[tuple[str, str]] = []  # the run, and what was written

    def begin_run(self, run_id: str) -> None:
        self.run_id = run_id

    def write(self, lines: list[str], wall: float, now: float) -> None:
        del wall, now
        self.lines += [(self.run_id, line) for line in lines]


class Side:
    """What the next encoder sends to one link."""

    def __init__(self, descriptor: int) -> None:
        self.fd = descriptor


class Handover:
    """Links that can go over to another encoder, as far as one has sent."""

    def __init__(self, links: Mapping[Link, int], descriptor: int) -> None:
        self.links = links
        self.sides = [Side(descriptor)]
        self.came = self.keyframe = self.closed = False
        self.gap: float | None = None

    def look(self, *, keep: bool) -> bool:
        return keep and self.keyframe

    def go_over(self) -> None:
        for link, sender in self.links.items():
            link.send_from(sender)

    def close(self) -> None:
        self.closed = True


class FakeMachine:
    """Spawns nothing, and remembers what it was asked for."""

    def __init__(self, loop: HandLoop) -> None:
        self.loop = loop
        self.children: list[FakeChild] = []
        self.polite = True
        self.refuses: Exception | None = None  # every start
        self.stopped: set[int] = set()
        self.forgot: list[int] = []
        self.taken = False
        self.no_handover = False
        self.handovers: list[Handover] = []
        self.log = Log()
        self.set_by = 0.0  # how far somebody has set the wall clock
        self._wires = count(100)

    def now(self) -> float:
        return self.loop.now

    def wall(self) -> float:
        return WALL + self.loop.now + self.set_by

    def chance(self) -> float:
        return 0.0

    def spawn(
        self,
        argv: list[str],
        environment: Mapping[str, str],
        output_fd: int,
        inherited: Mapping[int, int],
        file_limits: tuple[int, int],
    ) -> FakeChild:
        del output_fd, inherited, file_limits
        if self.refuses:
            raise self.refuses
        child = FakeChild(self, len(self.children) + 1, argv, environment)
        self.children.append(child)
        return child

    def recording(self, path: Path, kept: Kept | None = None) -> Segments | None:
        del path
        return Segments(kept) if kept else None

    def is_stopped(self, pid: int) -> bool:
        return pid in self.stopped

    def is_taken(self, port: int, ours: int) -> bool:
        del port, ours
        return self.taken

    def forget_unsent(self, pid: int) -> None:
        self.forgot.append(pid)

    def handover(self, links: Mapping[Link, int]) -> Handover:
        if self.no_handover:
            raise OSError("its reader alone has this socket")
        self.handovers.append(Handover(links, next(self._wires)))
        return self.handovers[-1]

    def outlet(self, folder: object, name: str) -> Wire:
        del folder, name
        return Wire(next(self._wires))

    progress_socket = lambda self, port=0: Wire(port or next(self._wires))  # noqa: E731 - one line for one line
    parameter_tap = lambda self, port=0: Tap(port or next(self._wires))  # noqa: E731

    def run_log(self, folder: object, name: str, trouble: object) -> Log:
        del folder, name, trouble
        return self.log


class World:
    """What is known elsewhere, and who owns the places."""

    def __init__(self) -> None:
        self.down = False
        self.ingest: Reach | None = None
        self.rival: str | None = None
        self.turns = 0

    def line_down(self, address: Address) -> bool:
        del address
        return self.down

    def add_to(self, evidence: FailureEvidence, spec: ProcessSpec) -> FailureEvidence:
        del spec
        return evidence._replace(ingest=self.ingest)

    def of(self, key: ProcessKey) -> str | None:
        del key
        return self.rival

    def turned(self, slot: Slot) -> None:
        del slot
        self.turns += 1

    def adapted(self, key: ProcessKey, traits: Traits) -> tuple[str, ...]:
        return ("ffmpeg", key.stream, "adapted", str(traits.picture))


class Stage:
    """Places on one loop, on one machine, in one world."""

    def __init__(self) -> None:
        self.loop = HandLoop()
        self.machine = FakeMachine(self.loop)
        self.world = World()
        self.told: list[events.Payload] = []
        self.memory = SimpleNamespace(ran_out=lambda: False)
        self.claims = Claims()
        loop = cast("asyncio.AbstractEventLoop", self.loop)
        anything = cast("Any", SimpleNamespace)
        self.host = Host(
            loop=loop,
            machine=cast("Any", self.machine),
            names=RunNames(),
            exits=anything(add=self.loop.add_reader, remove=self.loop.remove_reader),
            progress=anything(add=self.loop.add_reader, remove=self.loop.remove_reader),
            environments=anything(of=lambda _: {"PATH": "/bin"}, asked_for=lambda _: []),
            file_limits=(1024, 4096),
            data_dir=anything(folder=lambda *_: None),
            links=cast("Any", Links()),
            backlog=Backlog(loop),
            claims=self.claims,
            memory=cast("Any", self.memory),
            storage=lambda *_: None,
            book=cast("Any", None),
            tell=self.told.append,
            knowledge=self.world,
            rivals=self.world,
            owner=self.world,
        )

    def place(self, role: Role, policies: Policies | None = None, **more: Any) -> Slot:
        """The place of a process that reports progress."""
        destination = "yt" if role is Role.PUSHER else ""
        known: dict[str, Any] = {"argv": ("ffmpeg", "{progress}"), "tracked": True, "video": False, **more}
        if role is Role.PUSHER:
            known = {"media_port": 1, **known}
        key = ProcessKey("cam", role, destination)
        return Slot(ProcessSpec(key=key, policies=policies or Policies(), **known), Redactor(()), self.host)

    def path(self, policies: Policies | None = None, **of_pusher: Any) -> tuple[Slot, Slot]:
        """An encoder and the pusher that it feeds."""
        encoder, pusher = self.place(Role.ENCODER, policies), self.place(Role.PUSHER, policies, **of_pusher)
        encoder.feed([pusher])
        return encoder, pusher

    @property
    def child(self) -> FakeChild:
        """The latest process."""
        return self.machine.children[-1]

    def say(self, slot: Slot, *lines: str) -> None:
        """The process writes, and nobody has read it yet."""
        wire = cast("Any", slot.reports.output.outlet)
        wire.waiting.append("".join(f"{line}\n" for line in lines).encode())

    def report(self, slot: Slot, media: float, *, read: bool = True) -> None:
        """It reports how many media seconds it has made; `read` at once, or whenever somebody looks."""
        wire = cast("Any", slot.reports._progress)
        microseconds = round(media * 1_000_000)
        wire.waiting.append(f"total_size=1000\nout_time_us={microseconds}\nprogress=continue\n".encode())
        if read:
            self.loop.readers[wire.fd]()

    def send(self, encoder: Slot, parameters: Parameters) -> None:
        """The encoder's media begins with these."""
        assert encoder.feeds
        cast("Any", encoder.feeds.tap).waiting.append(parameters)
        self.loop.readers[encoder.feeds.tap.fd]()

    def heard(self, *kinds: type[Any]) -> list[Any]:
        """What was told, of these kinds."""
        return [fact for fact in self.told if isinstance(fact, kinds)]

    def kinds(self) -> list[str]:
        """What was told since the last time that somebody asked, by its names."""
        names, self.told[:] = [type(fact).__name__ for fact in self.told], []
        return names
