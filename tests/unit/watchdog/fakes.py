"""A world without processes, sockets and waiting: time is a number, and each answer is what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from pydantic import SecretStr

from supervisor.desired.plan import DestinationSpec, ProcessSpec, StreamSpec, Way
from supervisor.ffmpeg.parameters import Parameters
from supervisor.ffmpeg.sources import PathPlace, SourcePlace
from supervisor.judge.attribution import FailureEvidence
from supervisor.judge.checks import Life
from supervisor.judge.content import ContentEvidence
from supervisor.judge.progress_meter import ProgressMeter
from supervisor.judge.uplink import TcpSample, TcpState, UplinkMeter
from supervisor.lifecycle.types import Event, Status
from supervisor.model import events
from supervisor.model.facts import Fact, subject_of
from supervisor.model.policies import Policies
from supervisor.model.quantities import Address
from supervisor.model.terms import Cause, ProcessKey, Reach, Report, RestartReason, Role, Segment, State
from supervisor.model.thresholds import ON_AIR_SECONDS
from supervisor.probes.probes import Probes
from supervisor.probes.process import Usage
from supervisor.probes.uplink import ProbeFailed, Sockets, Watched

WALL = 1_700_000_000.0
FAR = Way(Address("ingest.example", 1935), tls=False)
BACKUP = Way(Address("backup.example", 443), tls=True)
HERE = Way(Address("127.0.0.1", 1935), tls=False)
REFERENCE = Address("reference.example", 443)
CAMERA = PathPlace("/srv/camera")
ENCODER = ProcessKey("cam", Role.ENCODER)
PUSHER = ProcessKey("cam", Role.PUSHER, "youtube")
_pids = count(100)


class QuickLoop(asyncio.SelectorEventLoop):
    """Time leaps to what is due next instead of passing. For tests in which nothing comes from outside."""

    def __init__(self) -> None:
        super().__init__()
        self._seconds = 1000.0

    def time(self) -> float:
        return self._seconds

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._seconds = max(self._seconds, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def as_fact(what: events.Payload) -> Fact:
    """What a listener hears of it."""
    return Fact(WALL, 1, subject_of(what), what)


def in_quick_time(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def run() -> None:
        with asyncio.Runner(loop_factory=QuickLoop) as runner:
            runner.run(test())

    run.__name__ = test.__name__
    return run


async def others() -> None:
    """Let everybody run who can."""
    for _ in range(20):
        await asyncio.sleep(0)


class LoopClock:
    """The loop's time, and a wall clock that may be set."""

    def __init__(self) -> None:
        self.set_by = 0.0

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return WALL + self.now() + self.set_by


class FakeProbes(Probes):
    """Answers what the test says, and notes what was asked, in order."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.here: tuple[str, ...] = ("127.",)
        self.reaches: dict[object, Reach] = {}
        self.takes = 0.0  # seconds that a probe takes
        self.slow: dict[object, float] = {}  # and one of these
        self.wait: float | None = None  # what a server that refuses says
        self.faults: dict[Address, str] = {}
        self.sockets: Sockets | ProbeFailed = Sockets({}, frozenset())
        self.watched: list[Watched] = []
        self.life = Life.RUNNING
        self.usage = Usage(0, Life.RUNNING)
        self.places: Mapping[str, str] | OSError = {}
        self.meanwhile: Callable[[], None] = lambda: None  # what happens while a probe looks

    def is_here(self, host: str) -> bool:
        return host.startswith(self.here)

    async def _reach(self, target: object) -> Reach:
        self.asked.append(target)
        await asyncio.sleep(self.slow.get(target, self.takes))
        return self.reaches.get(target, Reach.TIMEOUT)

    async def reach_ingest(self, address: Address, *, tls: bool) -> Reach:
        return await self._reach(Way(address, tls))

    async def reach_host(self, address: Address) -> Reach:
        return await self._reach(address)

    async def reach_source(self, place: SourcePlace) -> Reach:
        return await self._reach(place)

    async def retry_after(self, url: SecretStr) -> float | None:
        self.asked.append(url)
        await asyncio.sleep(self.takes)
        return self.wait

    async def certificate_fault(self, address: Address) -> str | None:
        self.asked.append(address)
        await asyncio.sleep(self.takes)
        return self.faults.get(address)

    async def uplinks(self, watched: Sequence[Watched]) -> Sockets:
        self.watched = list(watched)
        self.asked.append("sockets")
        await asyncio.sleep(0)
        self.meanwhile()
        if isinstance(self.sockets, ProbeFailed):
            raise self.sockets
        return self.sockets

    async def usages(self, pids: Mapping[int, bool]) -> Mapping[int, Usage]:
        await asyncio.sleep(0)
        self.meanwhile()
        return {pid: self.usage._replace(pid=pid, life=self.life) for pid in pids}

    async def publishers(self, places: Iterable[str]) -> Mapping[str, str]:
        self.asked.append(tuple(places))
        await asyncio.sleep(0)
        if isinstance(self.places, OSError):
            raise self.places
        return self.places


def tcp_sample(acked: int, *, waiting: bool = False, inode: int = 1) -> TcpSample:
    return TcpSample(inode, acked, 500 if waiting else 0, 0, 0.02, 0, TcpState.ESTABLISHED)


class FakeChild(NamedTuple):
    pid: int


class FakeContent:
    def __init__(self) -> None:
        self.now: ContentEvidence | None = None

    def evidence(self, now: float) -> ContentEvidence | None:
        del now
        return self.now


class FakeIntake:
    def __init__(self) -> None:
        self.ahead: float | None = 0.0
        self.sound: bool | None = True

    def sounds(self, now: float) -> bool | None:
        del now
        return self.sound

    def offset(self, now: float) -> float | None:
        del now
        return self.ahead


class FakeKeyframes:
    """Some have come since the look before, as long as `coming`."""

    def __init__(self) -> None:
        self.longest: float | None = None
        self.delay = 0.0
        self.coming = True
        self._count = 0

    @property
    def count(self) -> int:
        self._count += self.coming
        return self._count


class FakeFeeds:
    """What an encoder's media shows."""

    def __init__(self) -> None:
        self.tap = self
        self.keyframes = FakeKeyframes()
        self.current: Parameters | None = None


class FakeProcess:
    """The place of a process, as a test sets it; what it is told is kept."""

    def __init__(self, key: ProcessKey, clock: LoopClock, policies: Policies | None = None, **spec: Any) -> None:
        known: dict[str, Any] = {"policies": policies or Policies(), "tracked": True, "video": True, "argv": ("run",)}
        self.key = key
        self.spec = ProcessSpec(key, **{**known, **spec})
        self._clock = clock
        self.status = Status(state=State.RUNNING, wanted=True, since=clock.now(), run=1)
        self.child: FakeChild | None = FakeChild(next(_pids))
        self.run_id: str | None = "run-1"
        self.made = clock.now()
        self.meter = ProgressMeter(video=False)
        self.uplink = UplinkMeter() if self.spec.ingest else None
        self.observed: dict[str, UplinkMeter] = {one.name: UplinkMeter() for one in self.spec.observed}
        self.intake = FakeIntake() if key.role is Role.PUSHER else None
        self.feeds = FakeFeeds() if key.role is Role.ENCODER else None
        self.content = FakeContent()
        self.feeder: FakeProcess | None = None
        self.fed: float | None = None
        self.backlog = 0.0
        self.encodes_late = False
        self.usual = 0.0
        self.last_cause: Cause | None = None
        self.evidence = FailureEvidence(key.role)
        self.segment = Segment("pusher" if key.role is Role.PUSHER else "encoder")
        self.waits_for_viewer = False
        self.refused = self.over_the_line = self.waits_for_source = self.waits_for_ingest = False
        self.may_be_told_to_wait = self.line_down = self.connected = self.heard_of = False
        self.speed, self.bytes_per_second = 1.0, 100_000.0  # of the media that flows
        self._media, self._advanced = 0.0, clock.now()
        self.recovered: list[RestartReason] = []
        self.told: list[Event] = []
        self.blocked: list[float] = []
        self.explained: list[str] = []
        self.explains = True
        self.knows: Callable[[FailureEvidence, ProcessSpec], FailureEvidence] = lambda evidence, _: evidence

    # --- what a test does with it

    @property
    def alive(self) -> bool:
        return self.child is not None

    @property
    def acknowledged_at(self) -> float | None:
        return self._clock.now() if self.heard_of else None

    def advance(self) -> None:
        """Media has flowed until now."""
        now = self._clock.now()
        self._media += (now - self._advanced) * self.speed
        self._advanced = now
        report = Report(None, self._media, round(self._media * self.bytes_per_second), 0, 0, ended=False)
        self.meter.update(report, now, self._clock.wall())

    def acknowledges(self, total: int, *, waiting: bool = False) -> None:
        """Its ingest has acknowledged so many bytes by now, and others wait or not."""
        sample = tcp_sample(total, waiting=waiting)
        assert self.uplink is not None
        self.uplink.update(sample, self._clock.now(), self._clock.wall(), 5.0)

    def becomes(self, state: State, cause: Cause | None = None) -> None:
        self.status = self.status._replace(state=state, since=self._clock.now())
        self.last_cause = cause
        if state in {State.BACKOFF, State.COOLDOWN, State.STOPPED}:
            self.child = None

    def replaced(self, pid: int) -> None:
        self.child, self.run_id = FakeChild(pid), f"run-{pid}"
        self.meter.begin_run()
        self._media, self._advanced = 0.0, self._clock.now()
        self.status = self.status._replace(state=State.STARTING, since=self._clock.now())

    # --- what is seen of it

    @property
    def first_layer_at_work(self) -> bool:
        return self.status.ending or self.status.state not in {State.RUNNING, State.COOLDOWN}

    def advancing(self, now: float) -> bool:
        last = self.meter.last_advance
        running = self.status.state is State.RUNNING and not self.status.ending
        return running and last is not None and now - last <= ON_AIR_SECONDS + self.usual

    def usual_silence(self, now: float) -> float:
        del now
        return self.usual

    def uplink_to(self, destination: str) -> UplinkMeter | None:
        return self.uplink or self.observed.get(destination)

    def line_is_down(self) -> bool:
        return self.line_down

    # --- what it is told

    def recover(self, reason: RestartReason) -> None:
        self.recovered.append(reason)

    def dispatch(self, event: Event) -> None:
        self.told.append(event)

    def uplink_blocked(self, seconds: float) -> None:
        self.blocked.append(seconds)

    def explain(self, said: str) -> bool:
        self.explained.append(said)
        return self.explains

    def weigh_again(self) -> None:
        self.evidence = self.knows(self.evidence, self.spec)


class FakeStream:
    """One stream: an encoder and a pusher for each destination."""

    def __init__(self, clock: LoopClock, *destinations: str, policies: Policies | None = None) -> None:
        self.policy = policies or Policies()
        self.encoder = FakeProcess(ENCODER, clock, self.policy, source=CAMERA)
        self.slate = FakeProcess(ENCODER._replace(rung=1), clock, self.policy, source=CAMERA)
        self.feeding = self.encoder
        self.pushers = [
            FakeProcess(ProcessKey("cam", Role.PUSHER, name), clock, self.policy, ingest=FAR.address)
            for name in destinations
        ]
        for pusher in self.pushers:
            pusher.feeder, pusher.fed = self.encoder, 0.0
        self.spec = self._spec(enabled=True)
        self.wanted, self.wanted_since = True, clock.now()

    def _spec(self, *, enabled: bool) -> StreamSpec:
        return StreamSpec(
            name="cam",
            enabled=enabled,
            processes=tuple(process.spec for process in self.processes),
            destinations=tuple(
                DestinationSpec(pusher.key.destination, "rtmp://…", True, None, self.policy, FAR)
                for pusher in self.pushers
            ),
            secrets=frozenset(),
            is_command=False,
        )

    def enable(self, *, enabled: bool) -> None:
        self.spec = self._spec(enabled=enabled)

    def show(self, encoder: FakeProcess) -> None:
        """Viewers see what comes from it."""
        self.feeding = encoder
        for pusher in self.pushers:
            pusher.feeder = encoder

    def take(self, policies: Policies) -> None:
        """Another configuration."""
        self.policy = policies
        self.enable(enabled=self.spec.enabled)

    @property
    def processes(self) -> list[FakeProcess]:
        return [*self.pushers, self.encoder]

    def posts(self) -> list[tuple[str, Policies]]:
        return [(destination.name, destination.policies) for destination in self.spec.destinations]

    def policies(self, destination: str) -> Policies:
        return dict(self.posts())[destination]

    def way_to(self, destination: str) -> tuple[FakeProcess, ...]:
        return next(((self.feeding, one) for one in self.pushers if one.key.destination == destination), ())

    def ingest(self, destination: str) -> Way | None:
        del destination
        return FAR

    def destination_on_air(self, name: str, now: float) -> bool:
        return self.way_to(name)[-1].advancing(now)
