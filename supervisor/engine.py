"""The loop that owns all state: streams, their processes, their time.

One asyncio loop, one thread, no locks. What blocks runs elsewhere and posts a fact back. Listeners are told what
happened after the engine has acted.
"""

from __future__ import annotations

import asyncio
import gc
import traceback
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from supervisor.config.file import Loaded
from supervisor.config.problems import ConfigError, ConfigWarning, Problem
from supervisor.config.shape import Config
from supervisor.config.watch import ConfigWatch, Outcome
from supervisor.desired.environment import Environments
from supervisor.desired.plan import StreamSpec, adapted, plan, sourceless
from supervisor.desired.removal import removal
from supervisor.ffmpeg.opening import Traits
from supervisor.judge.incidents import NOTHING_OPEN, Book
from supervisor.lifecycle.types import RetryNow
from supervisor.machine.data_dir import DataDir
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.machine.machine import Machine
from supervisor.machine.marks import OWNER_VARIABLE
from supervisor.machine.media_links import NoFreePort
from supervisor.machine.oom import MemoryWatch
from supervisor.model import events
from supervisor.model.facts import Teller
from supervisor.model.incidents import Incident
from supervisor.model.quantities import Address
from supervisor.model.snapshot import (
    ConfigState,
    Fault,
    Histogram,
    Refused,
    Snapshot,
    StreamSnapshot,
    WatchdogSnapshot,
)
from supervisor.model.terms import ProcessKey, RestartReason, Role, Segment, State, Trouble
from supervisor.model.thresholds import TELL_AGAIN_SECONDS
from supervisor.probes.probes import Probes
from supervisor.process.backlog import Backlog
from supervisor.process.claims import Claims
from supervisor.process.host import Host
from supervisor.process.slot import Slot
from supervisor.stream.drilling import cause
from supervisor.stream.stream import Stream
from supervisor.watchdog.certificates import CertificateWatch
from supervisor.watchdog.keeper import Keeper
from supervisor.watchdog.leftovers import Leftovers
from supervisor.watchdog.other_publishers import OtherPublishers
from supervisor.watchdog.reach_watch import ReachWatch
from supervisor.watchdog.refusal_watch import RefusalWatch
from supervisor.watchdog.scheduler import Post
from supervisor.watchdog.second_layer import SecondLayer
from supervisor.watchdog.timekeeper import Timekeeper
from supervisor.watchdog.uplink_watch import UplinkWatch

_SNAPSHOT_SLICE = 50
_LATE = 2.0  # accounts come every second
Job = Callable[[], Awaitable[None]]
Read = tuple[Loaded, tuple[ConfigWarning, ...]]
_ONLY_AT_START = ("listen", "data_dir", "api_token", "api_token_file", "ffmpeg", "ports")


@dataclass(frozen=True, slots=True)
class Home:
    """What stays the same while neverdark runs; `ca_file` has the certificates that are trusted."""

    file: Path  # the configuration
    binary: Binary
    data_dir: DataDir
    ca_file: str


class Engine:
    """Keeps the streams of a configuration on air until it is told to stop."""

    def __init__(
        self,
        home: Home,
        loaded: Loaded,
        machine: Machine,
        probes: Probes,
        read: Callable[[], Read],
        warnings: int = 0,
    ) -> None:
        """`read` reads the configuration again; it blocks. `warnings` is how many `loaded` gave."""
        self.loaded = loaded
        self.streams: dict[str, Stream] = {}
        self._teller = Teller(machine.wall, partial(self._internal_error, "listener"))
        self.listeners = self._teller.listeners
        self.time = Timekeeper(machine, self.tell)
        self.machine = machine
        self._probes = probes
        self._read = read
        self._file = home.file
        self._binary = home.binary
        self._data_dir = home.data_dir
        self._links = machine.media_links(loaded.config.ports, str(home.data_dir.path))
        self._ca_file = home.ca_file
        every_child = {OWNER_VARIABLE: home.data_dir.mark, "AV_LOG_FORCE_NOCOLOR": "1"}
        self._environments = Environments({"SSL_CERT_FILE": self._ca_file, **machine.environment}, every_child)
        self._specs: dict[str, StreamSpec] = {}
        self._stopping = asyncio.Event()
        self._gone = asyncio.Event()
        self._config_watch = ConfigWatch(lambda: self.loaded.files)
        self.started = False  # every wanted stream was told to start
        self._claims = Claims()
        self._waiting: set[Slot] = set()  # for an ingest that could not be reached
        self._memory = MemoryWatch(machine.out_of_memory_kills)
        self._storage_told: float | None = None  # when trouble was last told; None: there is none
        self._accounted = machine.now()
        self._odd = False
        self._reading_config = False
        self._config_at_start = loaded.config
        self._config = ConfigState(machine.wall(), warnings=warnings)
        self._host: Host | None = None
        self.book = Book()
        self._keeper = Keeper(
            machine, self.book, self.tell, self._keys_of, self._is_drilling, self._is_off_air, self._is_wanted
        )
        self._reaches = ReachWatch(
            machine,
            probes,
            self._slots,
            self._slot,
            lambda: self.loaded.config.network.reference,
            self.tell,
            self._learned,
        )
        self._leftovers = Leftovers(machine, home.data_dir, lambda: {*self.streams, *self._specs})
        self._others = OtherPublishers(probes, self._pushers, self.tell)
        self._certificates = CertificateWatch(probes, self._slot, self.book)
        self._refusals = RefusalWatch(probes, self._slot)
        self._second = SecondLayer(
            machine, probes, self.streams, self.book, self._keeper, self._reaches.reach, self.tell
        )
        answers = self._reaches.hear, self._refusals, self._leftovers.hear, self._certificates
        self.listeners += [self._keeper, *answers]

    # --- main path ---------------------------------------------------------------------------------

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Start every enabled stream, keep it, and at `stop` end all in order.

        `ready` is called when what an earlier run left is gone, and before the first process starts.
        """
        try:
            await self._run(ready)
        except BaseException:
            for slot in [slot for slot in self._slots() if slot.child]:
                slot.stop(force=True)  # nobody would look after it any more
            raise

    async def _run(self, ready: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_loop_error)
        self.machine.become_parent_of_orphans()
        for pid, run_id in await self._end_orphans():
            self.tell(events.OrphanEnded(pid, run_id))
        self._host = Host(
            loop=loop,
            machine=self.machine,
            progress=self.machine.gather(loop),
            environments=self._environments,
            file_limits=self.machine.raise_file_limit(),
            data_dir=self._data_dir,
            links=self._links,
            backlog=Backlog(loop),
            claims=self._claims,
            memory=self._memory,
            storage=self._storage_trouble,
            book=self.book,
            tell=self.tell,
            knowledge=self._reaches,
            rivals=self._others,
            owner=self,
        )
        self._apply(self._plan(self.loaded))
        ready()
        gc.collect()
        gc.freeze()  # what is there now stays: the collector need not look at it while an exit waits
        uplinks = UplinkWatch(self.machine, self._probes, self._senders, self.tell)
        jobs: tuple[Job, ...] = (
            partial(self.time.run_forever, self._account),
            partial(self._config_watch.run_forever, self._reload),
            uplinks.run_forever,
            self._reaches.run_forever,
            self._leftovers.run_forever,
            self._others.run_forever,
        )
        tasks = [asyncio.create_task(self._keep(job)) for job in jobs]
        for stream in list(self.streams.values()):
            if stream.spec.enabled and not self._stopping.is_set():
                stream.start("start")
                await asyncio.sleep(0)  # a thousand spawns must not keep the first exit waiting
        self._second.scheduler.start()
        self.started = True
        await self._stopping.wait()
        self._second.scheduler.stop()
        await self._end_streams()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._end_orphans()  # what a command sent into the background
        for stream in self.streams.values():
            stream.close()
        self._host.progress.close()
        self._probes.close()
        self.machine.close()

    async def _end_orphans(self) -> list[tuple[int, str]]:
        return await self.machine.in_a_thread(partial(self.machine.end_orphans, self._data_dir))

    async def _keep(self, job: Job) -> None:
        """Run a job for ever: one that has died while everything looks well is the worst that can happen."""
        while True:
            try:
                await job()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told and the job goes on
                self._internal_error("job", error)
            await asyncio.sleep(1)

    def _internal_error(self, where: str, error: BaseException) -> None:
        frame = traceback.extract_tb(error.__traceback__)[-1:]
        place = f" at {Path(frame[0].filename).name}:{frame[0].lineno}" if frame else ""
        self.tell(events.InternalError(where, f"{type(error).__name__}{place}"))

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        del loop
        error = context.get("exception")
        if isinstance(error, BaseException):
            self._internal_error(str(context.get("message", "loop")), error)

    def stop(self) -> None:
        """End everything in order; asked a second time, at once."""
        again = self._stopping.is_set()
        self._stopping.set()
        if again:
            for stream in self.streams.values():
                stream.stop("shutdown", force=True)

    async def _end_streams(self) -> None:
        for stream in self.streams.values():
            stream.stop("shutdown")
        self._note_gone()
        await self._gone.wait()

    # --- streams -----------------------------------------------------------------------------------

    def _plan(self, loaded: Loaded) -> dict[str, StreamSpec]:
        return plan(loaded.config, self._binary, self._links.port, ca_file=self._ca_file, variables=loaded.variables)

    def _apply(self, specs: dict[str, StreamSpec]) -> events.ConfigReloaded:
        """Make the streams what `specs` say; what did not change is not touched."""
        assert self._host is not None
        self._environments.follow([name for name, spec in specs.items() if spec.is_command], self.loaded.named)
        added, changed = [], []
        for name, spec in specs.items():
            stream = self.streams.get(name)
            if stream is None or name not in self._specs:
                if stream:  # it was removed a moment ago and is still on its way out
                    stream.update(spec)
                else:
                    self.streams[name] = Stream(spec, self._host)
                added.append(name)
                continue
            was_enabled = stream.spec.enabled
            if stream.update(spec):
                changed.append(name)
            if spec.enabled and not was_enabled:
                stream.start("config")
            elif was_enabled and not spec.enabled:
                stream.stop("config")
        removed = [name for name in self.streams if name not in specs]
        for name in removed:
            self.streams[name].stop("config")
        self._drop_gone(specs)
        return events.ConfigReloaded(self._file, tuple(added), tuple(removed), tuple(changed), ())

    def _drop_gone(self, specs: dict[str, StreamSpec]) -> None:
        """Streams that are no longer configured vanish when their processes have."""
        self._specs = specs
        for name in [name for name, stream in self.streams.items() if name not in specs and stream.gone]:
            self.streams.pop(name).close()
            self.book.forget(name)
        self._claims.forget_the_dead()
        for name in specs:  # in the order of the file, in place: others look at the same mapping
            if name in self.streams:
                self.streams[name] = self.streams.pop(name)
        configured = {(s.name, d.name) for s in specs.values() for d in s.destinations}
        self._links.keep_only(configured | {(slot.key.stream, slot.key.destination) for slot in self._pushers()})
        self._second.follow(specs)

    def request(self, verb: str, name: str) -> bool:
        """An operator's order; False when there is no such stream."""
        stream = self.streams.get(name)
        if stream is None or name not in self._specs or self._stopping.is_set():
            return False
        match verb:
            case "start":
                if not stream.wanted:
                    stream.start("operator")
            case "stop":
                stream.stop("operator")
            case "restart":
                stream.restart(RestartReason.OPERATOR)
        self._second.follow(self._specs)
        return True

    def turned(self, slot: Slot) -> None:
        """A process took a turn; called in the middle of it, so everything else comes right after."""
        (self._waiting.add if slot.waits_for_ingest else self._waiting.discard)(slot)
        assert self._host is not None
        stream = self.streams.get(slot.key.stream)
        if slot.status.state is State.STOPPED or (stream and stream.unsettled):
            self._host.loop.call_soon(self._follow_up, slot)
        if self._claims.held and not slot.alive:
            self._host.loop.call_soon(self._claims.release)

    def _follow_up(self, slot: Slot) -> None:
        stream = self.streams.get(slot.key.stream)
        if stream:
            stream.settle()
            if stream.gone and slot.key.stream not in self._specs:
                self._drop_gone(self._specs)
        self._note_gone()

    def _note_gone(self) -> None:
        if self._stopping.is_set() and all(stream.gone for stream in self.streams.values()):
            self._gone.set()

    # --- configuration -----------------------------------------------------------------------------

    def reload(self, *, allow_removal: bool = False) -> asyncio.Future[Outcome]:
        """Read the configuration again, whether or not it seems to have changed; see `ConfigWatch.ask`."""
        return self._config_watch.ask(allow_removal=allow_removal)

    async def _reload(self, *, asked: bool, allow_removal: bool) -> Outcome:
        """Put the file's configuration in force, or reject it; that is told if it is news."""
        try:
            self._reading_config = True
            loaded, warnings = await self.machine.in_a_thread(self._read)
            if not allow_removal:
                self._refuse_removal(loaded)
            specs = self._plan(loaded)
        except (ConfigError, NoFreePort) as error:
            rejected = events.ConfigRejected(
                self._file, error.told if isinstance(error, ConfigError) else (str(error),)
            )
            if asked or rejected.problems != self._config.problems:
                self.tell(rejected)
            self._config = self._config.refuse(rejected.problems, self.machine.wall())
            return rejected
        finally:
            self._reading_config = False
        if self._stopping.is_set():
            return events.ConfigRejected(self._file, ("neverdark is stopping",))
        old, self.loaded = self.loaded.config, loaded
        fixed = _not_yet(old, loaded.config)
        told = replace(self._apply(specs), need_restart=fixed, warnings=tuple(map(str, warnings)))
        waiting = _not_yet(self._config_at_start, loaded.config)
        self._config = ConfigState(self.machine.wall(), warnings=len(warnings), need_restart=waiting)
        self.tell(told)
        for name in told.added:
            if specs[name].enabled and not self._stopping.is_set():
                self.streams[name].start("config")
                await asyncio.sleep(0)
        return told

    def _refuse_removal(self, loaded: Loaded) -> None:
        wanted = [name for name, stream in self.streams.items() if stream.wanted]
        if too_much := removal(wanted, loaded.config):
            raise ConfigError(self._file, [Problem("streams", None, too_much)])

    def _account(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._accounted > _LATE:
            for slot in self._slots():
                slot.read_progress()  # it was we who were late, not they
        now, wall = loop.time(), self.machine.wall()
        self._accounted = now
        for stream in self.streams.values():
            stream.account(now, wall)
        self._keeper.look(self._proof, now=now, wall=wall)
        self._second.scheduler.look(now)
        self._memory.sample()
        self._odd = not self._odd
        if self._odd and not self._reading_config:  # that may be trying an encoder, and waits for it itself
            self._sweep()

    def _sweep(self) -> None:
        pids, run_ids = set(), set()
        for slot in self._slots():
            if slot.child and slot.run_id:
                pids.add(slot.child.pid)
                run_ids.add(slot.run_id)
        for pid in self.machine.sweep(pids, run_ids, self._data_dir.mark):
            self.tell(events.OrphanEnded(pid, "of a run that is over"))

    def _slots(self) -> Iterator[Slot]:
        return (slot for stream in self.streams.values() for slot in stream.slots.values())

    # --- incidents and evidence --------------------------------------------------------------------

    def _slot(self, key: ProcessKey) -> Slot | None:
        stream = self.streams.get(key.stream)
        return stream.slots.get(key) if stream else None

    def _proof(self, key: ProcessKey) -> float | None:
        """When a process last proved that media flows, if it does."""
        slot = self._slot(key)
        return slot.proof(asyncio.get_running_loop().time()) if slot else None

    def _keys_of(self, name: str) -> list[ProcessKey]:
        stream = self.streams.get(name)
        return list(stream.slots) if stream else []

    def _is_wanted(self, key: ProcessKey) -> bool:
        stream = self.streams.get(key.stream)
        return stream is not None and stream.wants(key)

    def _is_off_air(self, name: str) -> bool:
        """As far as the latest account knows."""
        stream = self.streams.get(name)
        return stream is not None and stream.wanted and not stream.on_air

    def _is_drilling(self, name: str) -> bool:
        stream = self.streams.get(name)
        return stream is not None and stream.drilling(asyncio.get_running_loop().time())

    def adapted(self, stream: str, traits: Traits) -> tuple[str, ...]:
        """The command line of an encoder that is made for what is known of its source."""
        return adapted(self.loaded.config, stream, self._binary, self._links.port, traits)

    def _learned(self, slot: Slot) -> None:
        """A probe has found something that explains a failure."""
        down = slot.line_is_down() and slot.segment is Segment.NETWORK
        self.book.learn(slot.key, slot.segment, Trouble.NETWORK_DOWN if down else None)

    def drill(self, name: str, seconds: float, fault: Fault | None, destination: str | None) -> bool:
        """Count what fails as a drill for a while, and break something; see `snapshot.Control`."""
        stream = self.streams.get(name)
        if stream is None or name not in self._specs:
            return False
        if seconds and not stream.spec.drills:
            raise Refused("drills are switched off for this stream (drills: false)")
        if seconds and self._is_drilling(name):
            raise Refused("another drill of this stream is under way")
        how = None
        if seconds and fault:
            if not stream.on_air:
                raise Refused("the stream is not on air: a drill would prove nothing")
            argv = partial(sourceless, self.loaded.config, name, self._binary, self._links.port)
            how = cause(self.machine, fault, stream, destination, argv)
        stream.announce_drill(seconds)
        self.tell(events.DrillAnnounced(name, seconds, how))
        return True

    def late(self, now: float) -> float | None:
        """Seconds by which the scheduler is late."""
        return self._second.scheduler.late(now)

    def _pushers(self) -> list[Slot]:
        return [slot for stream in self.streams.values() for slot in stream.pushers]

    def _senders(self) -> list[Slot]:
        """Whoever connects to an ingest: pushers, and commands whose destinations are known."""
        return [slot for slot in self._slots() if slot.key.role is Role.PUSHER or slot.spec.observed]

    def _ingest_back(self, address: Address) -> None:
        """An ingest is known to accept connections again: who waits for it need not wait longer."""
        for slot in tuple(self._waiting):
            if any(way.address == address for way in slot.spec.ingests):
                slot.dispatch(RetryNow())

    def tell(self, what: events.Payload) -> None:
        """Every listener hears of it; see `Teller`."""
        if isinstance(what, events.ProcessAdvanced):
            self._ingest_answers(what.key)
        self._teller.tell(what)

    def _ingest_answers(self, key: ProcessKey) -> None:
        slot = self._slot(key)
        if slot and slot.spec.ingest:
            self._ingest_back(slot.spec.ingest)

    def _storage_trouble(self, path: Path, error: OSError | None) -> None:
        """Many logs fail together when a disk is full: say it once, again after a while, and once when it is over."""
        now = self.machine.now()
        if error is None:
            if self._storage_told is not None:
                self.tell(events.StorageRecovered(path))
            self._storage_told = None
        elif self._storage_told is None or now - self._storage_told > TELL_AGAIN_SECONDS:
            self._storage_told = now
            self.tell(events.StorageTrouble(path, error.strerror or str(error)))

    async def snapshot(self) -> Snapshot:
        """Everything, as it is now. Many streams are taken a slice at a time: an exit must not wait for all."""
        loop = asyncio.get_running_loop()
        shown: list[StreamSnapshot] = []
        open_segments = self.book.open_segments()
        for name, stream in tuple(self.streams.items()):
            if name in self._specs:
                watchdog = partial(self._watchdog_of, name)
                known = open_segments.get(name, NOTHING_OPEN)
                shown.append(stream.snapshot(loop.time(), self.machine.wall(), known, watchdog))
                if len(shown) % _SNAPSHOT_SLICE == 0:
                    await asyncio.sleep(0)
        return Snapshot(
            at=self.machine.wall(),
            streams=tuple(shown),
            config=self._config,
            clock_steps=self.time.clock_steps,
            data_dir=self._data_dir.path,
            loop_lag=Histogram(tuple(self.time.lag_counts), self.time.lag_sum),
            detection=dict(self.book.tally.detection),
            recovery=dict(self.book.tally.recovery),
            network_reachable=self._reaches.reachable(),
            scheduler_rearmed=self._second.scheduler.rearmed,
        )

    def _watchdog_of(self, stream: str, destination: str) -> WatchdogSnapshot | None:
        return self._second.view(Post(stream, destination))

    def incidents(self, name: str | None) -> tuple[Incident, ...] | None:
        """The incidents of one stream or of all, newest first; None when there is no such stream."""
        if name is not None and name not in self._specs:
            return None
        return self.book.incidents(name, asyncio.get_running_loop().time())

    def incident(self, identity: str) -> Incident | None:
        """One that is open or still remembered; see `Book.incident`."""
        return self.book.incident(identity, asyncio.get_running_loop().time())


def _not_yet(old: Config, new: Config) -> tuple[str, ...]:
    """The keys that differ and take effect only when neverdark is started anew."""
    return tuple(key for key in _ONLY_AT_START if getattr(old, key) != getattr(new, key))
