"""The lives of neverdark: it ends, in order or by a kill, the world goes on without it, and the next one begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn, Protocol

from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.engine import Engine, Home, Read
from supervisor.machine.data_dir import DataDir
from supervisor.model import events
from tests.simulation import settings
from tests.simulation.loop import Killed, VirtualLoop
from tests.simulation.machine import SimulatedMachine
from tests.simulation.memory import SimulatedStore
from tests.simulation.probes import SimulatedProbes
from tests.simulation.senders import Pusher

if TYPE_CHECKING:
    from tests.simulation.world import World

End = Literal["stop", "leave", "upgrade", "kill"]
_TOLD_FILE = Path("neverdark.yaml")  # as facts name it: the real one is at another place in every run
_STARTS_IN = 0.4  # seconds until an engine begins, from the start of the program
_LAST_WRITE = 2.0
_TRIES_AGAIN = 2.0  # seconds until a service manager starts what has refused its configuration


class Watcher(Protocol):
    """Who wants to know that a life is over, and that the next one begins."""

    def life_over(self, how: End) -> None:
        """It is over; its engine can still be looked at."""

    def life_begins(self) -> None:
        """There is another engine, which has not run yet."""


class Life:
    """One neverdark, from its start to its end."""

    def __init__(self, world: World) -> None:
        """Raises ConfigError."""
        self.began = world.now
        self.known_since: float | None = None  # when it first said that it has started
        loaded = load(world.file)
        self.data_dir = DataDir(world.place / "data")
        self.loop = world.loop
        home = Home(_TOLD_FILE, settings.binary(world.version), self.data_dir, "/etc/ssl/certs/ca-certificates.crt")

        def read() -> Read:
            return load(world.file), ()

        self.store = SimulatedStore(world, self.data_dir.path) if world.remembers else None
        self.engine = Engine(home, loaded, SimulatedMachine(world), SimulatedProbes(world), read, memory=self.store)
        if self.store:
            self.engine.listeners.append(self.store)
        self.engine.listeners += world.listeners
        if world.youtube:
            self.engine.ask_platforms(world.youtube.logins())

    def ready(self) -> None:
        """As the composition does, when an engine is about to start its processes."""
        if self.store:
            self.store.tell_by(self._tell)
            self.store.beat()

    def _tell(self, what: events.Payload) -> None:
        self.loop.call_soon(self.engine.tell, what)
        self.loop.woken = True

    def close(self, how: End) -> None:
        """The kernel closes what it had open."""
        if self.store and how == "kill":
            self.store.writer.die()
        elif self.store:
            self.store.close(_LAST_WRITE)
        self.engine.listeners.clear()
        self.loop.die()
        self.data_dir.close()


class _Return(NamedTuple):
    """How a life ends, for how long there is none after it, and whom to tell that the next one is there."""

    how: End
    away: float
    back: Callable[[], None]


class Lives:
    """One after the other, until the world's time is over."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._life: Life | None = None
        self._return: _Return | None = None
        self._is_over = False
        self.present = False  # one lives
        self.count = 0

    @property
    def latest(self) -> Life:
        """That of now; while there is none, the one before."""
        assert self._life is not None
        return self._life

    @property
    def settled(self) -> bool:
        """One lives, and has started."""
        return self.present and self.latest.engine.started

    # --- their ends --------------------------------------------------------------------------------

    def end(self, how: End, away: float, back: Callable[[], None]) -> bool:
        """This one ends, and the next one begins after so many seconds: `back` is told. False: it is not there."""
        if not self.settled or self._return:
            return False
        self._return = _Return(how, away, back)
        match how:
            case "kill":
                self._kill()
            case "stop":
                self.latest.engine.stop()
            case "leave" | "upgrade":
                self.latest.engine.leave()
        self._world.loop.woken = True
        return True

    def doom(self, away: float, back: Callable[[], None]) -> bool:
        """Like a kill, but in the moment in which it has started its next process and knows nothing of it yet."""
        if not self.settled or self._return or self._world.doom:
            return False

        def die() -> None:
            self._world.doom = None
            self._return = _Return("kill", away, back)
            self._kill()

        self._world.doom = die
        return True

    def _kill(self) -> NoReturn:
        self.latest.loop.dead = True
        raise Killed

    def finish(self) -> None:
        """The world's time is over: the one that lives ends in order."""
        self._is_over = True
        if self.present:
            self.latest.engine.stop()
            self._world.loop.woken = True

    # --- one after the other -----------------------------------------------------------------------

    def run(self) -> None:
        """All of them."""
        self._begin()
        while True:
            self._run()
            if (ended := self._return) is None:
                self.latest.close("stop")
                return
            self._return = None
            self._over(ended)
            self._world.agenda.advance(self._world.agenda.now + ended.away)
            self._begin()
            ended.back()
            if self._is_over:
                self.latest.engine.stop()

    def _run(self) -> None:
        life = self.latest
        try:
            self._world.loop.run_until_complete(life.engine.run(life.ready))
        except Killed:
            if self._return is None:
                raise
        finally:
            self.present = False

    def _begin(self) -> None:
        world, again = self._world, self._life is not None
        if again:
            world.loop = VirtualLoop(world.agenda)
            pushers = [one for one in world.table.of("") if isinstance(one, Pusher)]
            world.wires.begin_life(world.loop, [one.link for one in pushers])
        while True:
            try:
                self._life = Life(world)
                break
            except ConfigError:
                world.agenda.advance(world.agenda.now + _TRIES_AGAIN)
        self.count += 1
        self.present = True
        for watcher in world.watchers:
            watcher.life_begins()
        if again:
            world.table.excite_all("")

    def _over(self, ended: _Return) -> None:
        world = self._world
        world.doom = None
        for watcher in world.watchers:
            watcher.life_over(ended.how)
        self.latest.close(ended.how)
        world.wires.begin_life(world.loop, [one.link for one in world.table.of("") if isinstance(one, Pusher)])
        world.table.left(orphaned=ended.how != "upgrade")

    def close(self) -> None:
        """Let go of the latest, if it was interrupted."""
        if self._life and not self._life.loop.dead:
            self._life.close("kill")
