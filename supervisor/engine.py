"""The loop that owns all state: streams, their processes, their time.

One asyncio loop, one thread, no locks. What blocks runs elsewhere and posts a fact back. Listeners are told what
happened after the engine has acted. Orders change what is desired; `Reconciler` makes the streams follow.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Container, Sequence
from functools import partial

from supervisor.config.file import Loaded
from supervisor.config.watch import ConfigWatch, Outcome
from supervisor.desired.catalogue import Catalogue
from supervisor.desired.environment import Environments
from supervisor.desired.excuses import MAINTENANCE, Excuses
from supervisor.desired.plan import StreamSpec
from supervisor.desired.wanted import Orders
from supervisor.judge.switch_costs import SwitchTally
from supervisor.machine.machine import Machine
from supervisor.machine.marks import OWNER_VARIABLE, RunNames
from supervisor.model import events
from supervisor.model.external import Announcement, ExternalSnapshot
from supervisor.model.facts import Listener, Teller
from supervisor.model.incidents import Incident
from supervisor.model.recordings import Recorded
from supervisor.model.remembered import Forgetful, Memory
from supervisor.model.selection import Selection
from supervisor.model.snapshot import Fault, Histogram, Refused, Snapshot, StreamAnswer, Wanted, WatchdogVerb
from supervisor.model.subjects import Subject
from supervisor.model.terms import State
from supervisor.model.until import Until
from supervisor.platforms.watch import LoginsOf
from supervisor.probes.probes import Probes
from supervisor.process.adoption import Adoptable, Adoption, end
from supervisor.process.backlog import Backlog
from supervisor.process.claims import Claims
from supervisor.process.host import Host
from supervisor.process.launch import settings_of
from supervisor.process.waiting import WaitingForIngest
from supervisor.stream.accounts import Accounts
from supervisor.stream.configuration import Configuration, Home, Read, Workshop
from supervisor.stream.drilling import Drills
from supervisor.stream.editing import Editor
from supervisor.stream.externals import Externals
from supervisor.stream.last_frames import LastFrames
from supervisor.stream.maintaining import Maintaining
from supervisor.stream.ordering import order_all
from supervisor.stream.reconcile import Reconciler
from supervisor.stream.reload import Reload
from supervisor.stream.remembering import Remembering
from supervisor.stream.sampling import Sampling
from supervisor.stream.showing import Showing
from supervisor.stream.slating import Slating
from supervisor.stream.stream import Stream
from supervisor.stream.streams import Streams
from supervisor.stream.thumbnails import Thumbnails
from supervisor.stream.turns import Turns
from supervisor.stream.view import SnapshotReader
from supervisor.watchdog.jobs import Jobs
from supervisor.watchdog.scheduler import Post
from supervisor.watchdog.switching import Switching
from supervisor.watchdog.timekeeper import Timekeeper
from supervisor.watches import Watches

_LATE = 2.0  # accounts come every second
_FIRST_WORD_SECONDS = 2.5  # FFmpeg reports twice a second, and connections are looked at once
_LOOK_AGAIN_SECONDS = 0.05
__all__ = ["Engine", "Home", "Read", "Workshop"]


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
        memory: Memory | None = None,
    ) -> None:
        """`read` reads the configuration again; it blocks. `warnings` is how many `loaded` gave.

        `memory` keeps what operators ask for until the next start; None: nobody does.
        """
        self.machine = machine
        self.streams = Streams()
        self._teller = Teller(machine.wall, lambda error: self._jobs.mistake("listener", error))
        self.listeners: list[Listener] = self._teller.listeners
        self.time = Timekeeper(machine, self.tell)
        self._jobs = Jobs(self.tell)
        self.excuses = Excuses()
        self.started = False  # every wanted stream was told to start
        self.ticked: Callable[[], None] = lambda: None  # called each second, when the accounts are done
        self._home = home
        self._host: Host | None = None  # made in the loop
        self._probes = probes
        self.left = False  # it is to end, and its processes are to run on
        self._stopping = asyncio.Event()
        self._gone = asyncio.Event()
        self._accounted = machine.now()
        # What shall be.
        self._links = machine.media_links(loaded.config.ports, str(home.data_dir.path))
        self._configuration = Configuration(home, loaded, machine, self._links, warnings)
        self._config_watch = ConfigWatch(lambda: self.loaded.files, lambda: self.loaded.config.include)
        every_child = {OWNER_VARIABLE: home.data_dir.mark, "AV_LOG_FORCE_NOCOLOR": "1"}
        self._environments = Environments({"SSL_CERT_FILE": home.ca_file, **machine.environment}, every_child)
        self._catalogue = Catalogue()
        self.orders = Orders()
        self._memory = memory or Forgetful()
        self._remembering = Remembering(self.orders, self._memory, self.tell)
        self._showing = Showing(self.streams, self._memory, self.tell)
        self._reconciler = Reconciler(
            self._catalogue, self.orders, self.streams, machine, self._make_stream, self._drop_gone, self.tell
        )
        self.maintaining = Maintaining(self._catalogue, self.excuses, machine, self.tell, self._memory)
        self._accounts = Accounts(self.streams, self.orders, self.maintaining.windows, self._memory, machine)
        self.externals = Externals(
            machine,
            self._memory,
            self._catalogue,
            self._reconciler,
            self.streams,
            self._configuration.external,
            lambda: self.loaded.config.external.commands,
        )
        self._reload = Reload(
            self._configuration,
            read,
            self._environments,
            self._reconciler,
            self.maintaining,
            self.externals,
            self.tell,
        )
        self.editor = Editor(
            self._configuration,
            self._reload,
            self._reconciler,
            machine,
            self.tell,
            self._config_watch.follow,
            self._stopping.is_set,
        )
        # What is, and who looks after it.
        self._claims = Claims()
        self._waiting = WaitingForIngest()
        self._turns = Turns(
            self.streams,
            self._catalogue,
            self._configuration,
            self._claims,
            self._waiting,
            self._drop_gone,
            self._note_gone,
        )
        self._watches = Watches(home, machine, probes, self.streams, self.excuses, self._configuration, self.tell)
        self._watches.elsewhere.revise = self._reconciler.revise
        self.book = self._watches.book
        self.switching = Switching(
            self._watches.second, self.streams, self._memory, machine, self.tell, self._look_after
        )
        self._drills = Drills(machine, self.excuses, self._configuration.sourceless, self.tell)
        self._view = SnapshotReader(
            self.streams,
            self._catalogue,
            lambda name: (self._reconciler.wanted(name), self.maintaining.windows.covering(name)),
            self.excuses,
            self.book,
            machine,
            lambda *of: (self._watches.second.view(Post(*of)), self._memory.numbers().get(of)),
        )
        self.thumbnails = Thumbnails(
            machine,
            home.binary.path,
            self.streams,
            machine.kept_pictures(home.data_dir),
            lambda name: self._configuration.joined.config_of(name).thumbnails_of(name),
            lambda: self.loaded.config.history_days,
            self._watches.storage,
        )
        self._last_frames = LastFrames(
            machine,
            self.streams,
            machine.frames(home.data_dir),
            self._configuration.frame_every,
            self.thumbnails.full_size,
            self._watches.storage,
        )
        self._slating = Slating(self.streams, self._configuration, machine, self.tell, self._last_frames)
        self._switches = SwitchTally()
        self.listeners += [*self._watches.listeners, self.thumbnails.hear, self._switches]
        self._sampling = Sampling(machine, home.binary.path, self.streams)

    @property
    def loaded(self) -> Loaded:
        """The configuration in force."""
        return self._configuration.loaded

    # --- main path ---------------------------------------------------------------------------------

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Start every enabled stream, keep it, and at `stop` end all in order.

        `ready` is called when what an earlier run left is gone, and before the first process starts.
        """
        try:
            await self._run(ready)
        except BaseException:
            for slot in [slot for slot in self.streams.slots() if slot.child]:
                slot.stop(force=True)  # nobody would look after it any more
            raise

    async def _run(self, ready: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._jobs.in_a_callback)
        self.machine.become_parent_of_orphans()
        adoptable = await self._find_adoptable()
        for pid, run_id in await self._end_orphans({one.run_id for one in adoptable}):
            self.tell(events.OrphanEnded(pid, run_id))
        self._host = self._make_host(loop)
        self._host.adoptable.update({one.record.key: one for one in adoptable})
        specs = self._configuration.plan()
        self._remembering.recall(specs)
        self.switching.recall()
        self._reload.follow(specs, "start")
        self.externals.recall()
        self._showing.recall(lambda name: self._reconciler.wanted(name).wanted)
        self._take_over()
        self.maintaining.begin()
        ready()
        self._remembering.begin()
        self.editor.begin()
        self.switching.begin()
        gc.collect()
        gc.freeze()  # what is there now stays: the collector need not look at it while an exit waits
        self._jobs.start(
            partial(self.time.run_forever, self._account),
            partial(self._config_watch.run_forever, self._reload),
            self._reconciler.run_forever,
            self.editor.run_forever,
            self._accounts.run_forever,
            self._slating.run_forever,
            self._last_frames.run_forever,
            *self._watches.jobs,
            self.thumbnails.run_forever,
            self._sampling.run_forever,
        )
        await self._reconciler.reconcile_in_turn(self._catalogue)
        self._watches.second.scheduler.start()
        await self._know_the_adopted()
        self._accounts.settle(at_once=True)
        self.started = True
        await self._stopping.wait()
        self._watches.second.scheduler.stop()
        if self.left:
            await self._leave()
            return
        for name in list(self.streams):
            self._reconciler.reconcile(name)
        self._note_gone()
        await self._gone.wait()
        self._accounts.end(left=False)
        await self._jobs.end()
        await self._end_orphans()  # what a command sent into the background
        self._close(self._host)

    async def _leave(self) -> None:
        """End without a word to the processes, but for those that are on their way out: nobody would see them off."""
        assert self._host is not None
        for slot in self.streams.slots():
            if slot.status.state is State.STOPPING:
                slot.send(signal.SIGKILL)
        self._accounts.end(left=True)
        await self._jobs.end()
        self._close(self._host)

    def _close(self, host: Host) -> None:
        for stream in self.streams.values():
            stream.close()
        host.progress.close()
        self._probes.close()
        self.machine.close()

    async def _know_the_adopted(self) -> None:
        """Wait for the first word of what was taken over: before it, whoever asks would see its counts begin anew."""
        until = self.machine.now() + _FIRST_WORD_SECONDS
        while not self._stopping.is_set() and self.machine.now() < until:
            if all(slot.is_known for slot in self.streams.slots()):
                return
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _make_host(self, loop: asyncio.AbstractEventLoop) -> Host:
        """What a process' place needs of the engine."""
        return Host(
            loop=loop,
            machine=self.machine,
            names=RunNames(),
            exits=self.machine.exits(loop),
            progress=self.machine.gather(loop),
            environments=self._environments,
            file_limits=self.machine.raise_file_limit(),
            data_dir=self._home.data_dir,
            links=self._links,
            backlog=Backlog(loop),
            claims=self._claims,
            memory=self._watches.memory,
            storage=self._watches.storage,
            book=self.book,
            tell=self.tell,
            knowledge=self._watches.reaches,
            rivals=self._watches.others,
            owner=self._turns,
            may_run_commands=self.externals.may_run_commands,
        )

    async def _end_orphans(self, spared: Container[str] = ()) -> list[tuple[int, str]]:
        return await self.machine.in_a_thread(partial(self.machine.end_orphans, self._home.data_dir, spared))

    async def _find_adoptable(self) -> list[Adoptable]:
        """What an earlier neverdark has left running, as far as it is what shall run."""
        found = await self.machine.in_a_thread(partial(self.machine.find_runs, self._home.data_dir))
        if not found:
            return []
        adoption = Adoption(self.machine, self._links, found)
        adoption.find_links()
        specs = self._configuration.plan()
        self._reload.prepare(specs)
        # Those that shall not run are ended: whether one shall is not known yet.
        wanted = {process.key: process for spec in specs.values() for process in spec.processes}
        return adoption.choose(wanted, lambda spec: settings_of(spec, self._environments))

    def _take_over(self) -> None:
        assert self._host is not None
        self._reconciler.take_over()
        self._accounts.take_over()
        for one in self._host.adoptable.values():
            end(one)
        for slot in self.streams.slots():
            if unwanted := slot.adoptable:
                slot.adoptable = None
                end(unwanted)

    def ask_platforms(self, logins_of: LoginsOf) -> None:
        """Look after what platforms say by these logins."""
        self._watches.logins_of = logins_of

    # --- what shall be -----------------------------------------------------------------------------

    def stop(self) -> None:
        """End everything in order; asked a second time, at once."""
        if self.left:
            return
        again = self._stopping.is_set()
        self._reconciler.end()
        self._showing.end()
        self._stopping.set()
        if again:
            for stream in self.streams.values():
                stream.stop("shutdown", force=True)

    def leave(self) -> None:
        """End at once, and let all processes run on: another neverdark will take them over."""
        if not self._stopping.is_set():
            self.left = True
            self._stopping.set()

    def request(self, verb: str, name: str, until: Until | None = None, reason: str | None = None) -> Wanted | None:
        """An operator's order; None when there is no such stream. Raises Refused."""
        if name not in self._catalogue or self._stopping.is_set():
            return None
        if name in self.externals:
            raise Refused(f"{name} is a program of somebody else's, which neverdark neither starts nor ends")
        return self._reconciler.order(verb, name, until, reason or "operator")

    async def request_all(
        self, verb: str, meant: Sequence[Selection], until: Until | None = None, reason: str | None = None
    ) -> tuple[StreamAnswer, ...]:
        """An operator's order to several streams; see `snapshot.Control`."""
        return await order_all(self._catalogue, meant, lambda name: self.request(verb, name, until, reason))

    def order_watchdog(self, verb: WatchdogVerb, name: str, destination: str) -> bool:
        """An operator's order to the watchdog of a destination; see `snapshot.Control`."""
        return name in self._catalogue and self.switching.order(verb, Post(name, destination))

    def program_started(self, said: Announcement) -> ExternalSnapshot:
        """A program that runs its own FFmpeg announces itself. Raises Refused, or ValueError for a wrong URL."""
        if self._stopping.is_set():
            raise Refused("neverdark is stopping")
        self.externals.started(said)
        return self._program(said.name)

    def program_stopped(self, name: str) -> ExternalSnapshot | None:
        """It tells its planned end; None when there is none of that name."""
        return self._program(name) if self.externals.stopped(name) else None

    def _program(self, name: str) -> ExternalSnapshot:
        return next(one for one in self.externals.snapshots() if one.name == name)

    def drill(self, name: str, seconds: float, fault: Fault | None, destination: str | None) -> bool:
        """Count what fails as a drill for a while, and break something; see `snapshot.Control`."""
        if name not in self._catalogue:
            return False
        self._drills.order(self.streams[name], seconds, fault, destination)
        return True

    def switch(self, name: str, source: str | None, seconds: float | None, reason: str | None = None) -> bool:
        """Show a source of a stream; see `snapshot.Control`."""
        if name not in self._catalogue or self._stopping.is_set():
            return False
        self.streams[name].show(source, seconds, reason or "operator")
        self._showing.look()
        return True

    def reload(self, *, allow_removal: bool = False) -> asyncio.Future[Outcome]:
        """Read the configuration again, whether or not it seems to have changed; see `ConfigWatch.ask`."""
        return self._config_watch.ask(allow_removal=allow_removal)

    def _make_stream(self, spec: StreamSpec) -> Stream:
        assert self._host is not None
        return Stream(spec, self._host)

    def _drop_gone(self) -> None:
        """What is no longer configured vanishes when its processes have."""
        for name in self.streams.drop_gone(self._catalogue):
            self.book.forget(name)
            self.excuses.forget(Subject(name))
        self._remembering.look()
        self._claims.forget_the_dead()
        self.streams.arrange(self._catalogue)
        leaving = {(slot.key.stream, slot.key.destination) for slot in self.streams.pushers()}
        destinations = self._catalogue.destinations()
        self._links.keep_only({*destinations, *leaving})
        self._memory.number(destinations)
        self._look_after()
        self.switching.look()

    def _look_after(self) -> None:
        self._watches.second.follow(self._catalogue)

    # --- what happens ------------------------------------------------------------------------------

    def _account(self) -> None:
        """Called every second."""
        now = self.machine.now()
        if now - self._accounted > _LATE:
            for slot in self.streams.slots():
                slot.read_progress()  # it was we who were late, not they
        now, wall = self.machine.now(), self.machine.wall()
        self._accounted = now
        self._reconciler.look()
        self.maintaining.look()
        self._accounts.settle(at_once=False)
        self.externals.look()
        settling = self._accounts.open
        for name, stream in self.streams.items():
            if name not in settling:
                stream.account(now, wall, excused=self.excuses.covers(stream.subject, MAINTENANCE, now))
        self._accounts.look()
        self._showing.look()
        self._watches.look(now, wall)
        self.ticked()

    def _note_gone(self) -> None:
        if self._stopping.is_set() and all(stream.gone for stream in self.streams.values()):
            self._gone.set()

    def tell(self, what: events.Payload) -> None:
        """Every listener hears of it; see `Teller`."""
        if isinstance(what, events.ProcessAdvanced) and (slot := self.streams.slot(what.key)):
            self._waiting.answered(slot)
        elif isinstance(what, events.ClockStepped):
            self._reconciler.clock_was_set(what.seconds)
            self.maintaining.windows.clock_was_set(what.seconds)
            self._remembering.look()
            self._showing.clock_was_set(what.seconds)
        self._teller.tell(what)

    # --- what it shows: nothing in here changes anything -------------------------------------------

    async def snapshot(self) -> Snapshot:
        """Everything, as it is now."""
        streams = await self._view.all()
        return Snapshot(
            at=self.machine.wall(),
            streams=streams,
            config=self._configuration.state,
            clock_steps=self.time.clock_steps,
            data_dir=self._home.data_dir.path,
            loop_lag=Histogram(tuple(self.time.lag_counts), self.time.lag_sum),
            detection=dict(self.book.tally.detection),
            recovery=dict(self.book.tally.recovery),
            network_reachable=self._watches.reaches.reachable(),
            scheduler_rearmed=self._watches.second.scheduler.rearmed,
            thumbnails=dict(self.thumbnails.counts),
            switching=self._switches.shown(kernel=bool(self.machine.no_switch), alone=self._links.stuck),
            platforms=tuple(self._watches.platforms.states()),
            logins=tuple(self._watches.platforms.login_states()),
        )

    def targets(self) -> list[tuple[str, tuple[str, str]]]:
        """The URL and the key of every destination, secret as they are, each with its stream before it."""
        return [(name, place.target) for name, entry in self._catalogue.items() for place in entry.spec.destinations]

    def incidents(self, name: str | None) -> tuple[Incident, ...] | None:
        """The incidents of one stream or of all, newest first; None when there is no such stream."""
        if name is not None and name not in self._catalogue:
            return None
        return self.book.incidents(name, self.machine.now())

    def knows(self, name: str) -> bool:
        """Whether there is such a stream."""
        return name in self._catalogue

    def recordings(self, name: str, destination: str | None) -> tuple[Callable[[int], Recorded], ...] | None:
        """What reads the recordings of a stream, see `Recordings.readers`; None when there is no such stream."""
        return self._watches.recordings.readers(name, destination) if self.knows(name) else None

    def incident(self, identity: str) -> Incident | None:
        """One that is open or still remembered; see `Book.incident`."""
        return self.book.incident(identity, self.machine.now())

    def late(self, now: float) -> float | None:
        """Seconds by which the scheduler is late."""
        return self._watches.second.scheduler.late(now)
