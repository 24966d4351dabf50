"""The table of simulated processes: who lives, who waits to be reaped, whom nobody looks after."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

from supervisor.ffmpeg.destinations import MEDIA_DESCRIPTOR
from supervisor.machine.marks import RECORD_VARIABLE, RUN_VARIABLE
from supervisor.model.terms import Exit, ProcessKey, Role
from tests.simulation.ladders import rung_of
from tests.simulation.processes import Encoder, Process, Spawned, Stray
from tests.simulation.senders import Command, Pusher, Sender
from tests.simulation.wires import SimulatedLink, SimulatedOutlet, SimulatedProgress

if TYPE_CHECKING:
    from tests.simulation.line import Source
    from tests.simulation.world import World

_FIRST_PID = 10_000
_ROUND = 5  # ticks until a process that nothing happens to reports again
_TICK = 0.5
_STRAY = "left-behind"
_LEAVES_SOMETHING = 0.3  # how often a command's end leaves something behind
_END_IS_NOT_KNOWN = 0.3  # how often nobody tells who is no parent how a process has ended
_LIVELY = 20.0  # seconds after a start or a fault in which it reports at every tick


class Table:
    """All processes of the machine that have to do with neverdark."""

    def __init__(self, world: World) -> None:
        self.processes: dict[int, Process] = {}  # zombies included
        self.rivals: list[tuple[float, str, int]] = []  # more than one publisher on one key: when, where, how many
        self.unseen: list[tuple[float, str]] = []  # ends of which nobody was told how: when, of which stream
        self.spawned = 0
        self._world = world
        self._places: dict[int, ProcessKey] = {}  # by the descriptor of its output
        self._encoders: dict[ProcessKey, Encoder] = {}
        self._by_port: dict[int, Encoder] = {}  # that it sends from
        self._numbers: dict[str, int] = {}
        self._steady: list[dict[int, Process]] = [{} for _ in range(_ROUND)]
        self._lively: dict[int, tuple[Process, float]] = {}
        self._ticks = 0
        self._has_left = False  # an earlier neverdark, and perhaps some of its processes

    # --- births and deaths -------------------------------------------------------------------------

    def outlet(self, stream: str, name: str) -> SimulatedOutlet:
        """Where the output of a place's processes arrives; who lives there already goes on to write to it."""
        role, _, destination = name.partition("-")
        if role.startswith("fallback"):
            key = ProcessKey(stream, Role.ENCODER, rung=rung_of(role))
        else:
            key = ProcessKey(stream, Role(role), destination)
        writer = self.at(*key) if self._has_left else None
        outlet = SimulatedOutlet(self._world.wires, writer.outlet.waiting if writer and writer.outlet else b"")
        self._places[outlet.fd] = key
        if writer:
            writer.outlet = outlet
        return outlet

    def reports_to(self, wire: SimulatedProgress) -> None:
        """Somebody listens again at a port: who was told to report there is heard."""
        for process in self.processes.values():
            if wire.url in process.argv:
                process.find_wires()

    def link_of(self, pid: int) -> SimulatedLink | None:
        """The link that a pusher has inherited."""
        process = self.processes.get(pid)
        return process.link if isinstance(process, Pusher) else None

    def spawn(
        self, argv: list[str], environment: Mapping[str, str], output_fd: int, inherited: Mapping[int, int]
    ) -> Process:
        """A process begins."""
        world, key = self._world, self._places[output_fd]
        pid = self._next_pid()
        run_id, record = environment[RUN_VARIABLE], environment[RECORD_VARIABLE]
        spawned = Spawned(pid, key, argv, run_id, world.wires.outlets[output_fd], record)
        process: Process
        match key.role:
            case Role.ENCODER:
                process = self._encoders[key] = Encoder(world, spawned, world.source_of(key))
                self._by_port.update((port, process) for port in process.sends.values())
            case Role.PUSHER:
                link = world.wires.links[inherited[MEDIA_DESCRIPTOR]]
                process = Pusher(world, spawned, world.ingests[f"{key.stream}/{key.destination}"], link)
            case Role.COMMAND:
                ingest = next(one for one in world.ingests.values() if one.name.startswith(f"{key.stream}/"))
                process = Command(world, spawned, ingest)
        self.processes[pid] = process
        self.excite(process)
        self._note_rivals(process)
        return process

    def _note_rivals(self, process: Process) -> None:
        if isinstance(process, Sender) and (count := self.publishers(process.ingest.name)) > 1:
            self.rivals.append((self._world.now, process.ingest.name, count))

    def publishers(self, name: str) -> int:
        """How many living processes are there to publish on one key, connected or not yet."""
        return len([one for one in self.processes.values() if one.publishes_on == name and one.ended is None])

    def ended(self, process: Process) -> None:
        """It is a zombie now, and its pidfd tells."""
        for group in self._steady:
            group.pop(process.pid, None)
        self._lively.pop(process.pid, None)
        self._world.wires.loop.mark(process.pidfd, readable=True)
        if isinstance(process, Stray) or process.is_orphan:
            self.reaped(process)
        if process.told:
            self.unseen.append((self._world.now, process.key.stream))
        elif isinstance(process, Command) and self._world.chance.random() < _LEAVES_SOMETHING:
            self.leave_behind(process.key, process.run_id)

    def leave_behind(self, key: ProcessKey, run_id: str) -> None:
        """Something that carries our mark goes on without the one that started it."""
        pid = self._next_pid()
        stray = Stray(self._world, Spawned(pid, ProcessKey(key.stream, key.role, _STRAY), [], run_id, None))
        self.processes[pid] = stray

    def _next_pid(self) -> int:
        self.spawned += 1
        return _FIRST_PID + self.spawned

    @property
    def strays(self) -> list[Process]:
        """What was left behind and lives."""
        return [process for process in self.processes.values() if isinstance(process, Stray)]

    def reaped(self, process: Process) -> None:
        """It is gone."""
        self.processes.pop(process.pid, None)
        if self._encoders.get(process.key) is process:
            del self._encoders[process.key]
        if isinstance(process, Encoder):
            for port in process.sends.values():
                if self._by_port.get(port) is process:
                    del self._by_port[port]

    def sweep(self, pids: Container[int], run_ids: Container[str]) -> list[int]:
        """End who carries our mark and belongs to no run that lives."""
        over = [
            process
            for pid, process in self.processes.items()
            if pid not in pids and process.ended is None and process.run_id not in run_ids
        ]
        for process in over:
            process.signal(9)
        self._reap_zombies(pids)
        return [process.pid for process in over]

    def _reap_zombies(self, pids: Container[int] = ()) -> None:
        """Those whose end another neverdark would have waited for."""
        for zombie in [one for one in self.processes.values() if one.ended is not None and one.pid not in pids]:
            self.reaped(zombie)
            self._world.wires.loop.mark(zombie.pidfd, readable=False)

    def end_orphans(self, spared: Container[str]) -> list[tuple[int, str]]:
        """End all that carry our mark, but those of these runs."""
        over = [one for one in self.processes.values() if one.alive and one.run_id not in spared]
        for process in over:
            process.end(Exit(None, 9))
            self.reaped(process)
            self._world.wires.loop.mark(process.pidfd, readable=False)
        return [(process.pid, process.run_id) for process in over]

    def left(self, *, orphaned: bool) -> None:
        """The neverdark that has started them is gone; `orphaned`: as the parent, too."""
        self._has_left = True
        for process in tuple(self.processes.values()):
            process.find_wires()
            if orphaned:
                process.is_orphan = True
                if process.alive and self._world.chance.random() < _END_IS_NOT_KNOWN:
                    process.told = Exit(None, None)
                elif not process.alive:
                    self.reaped(process)

    # --- who is who --------------------------------------------------------------------------------

    def encoder(self, stream: str, rung: int = 0) -> Encoder | None:
        """The encoder of one of a stream's sources that lives."""
        encoder = self._encoders.get(ProcessKey(stream, Role.ENCODER, rung=rung))
        return encoder if encoder is not None and encoder.ended is None else None

    def sends_from(self, link: int, port: int) -> Encoder | None:
        """The encoder that lives and sends to the link at a port from another one."""
        encoder = self._by_port.get(port)
        heard = encoder is not None and encoder.ended is None and encoder.sends.get(link) == port
        return encoder if heard else None

    def connected(self, link: SimulatedLink) -> None:
        """A link takes media from another encoder from now on: only what that one sends after this comes by it."""
        now = self._world.agenda.now
        encoder = None if link.sender is None else self.sends_from(link.port, link.sender)
        if encoder:
            encoder.flow(now)
        link.connected_at, link.media_then = now, encoder.media if encoder else 0.0

    def readers(self, source: Source) -> list[Encoder]:
        """Who lives and reads a source."""
        every = (one for one in self.processes.values() if isinstance(one, Encoder) and one.source is source)
        return [one for one in every if one.ended is None]

    def at(self, stream: str, role: Role, destination: str = "", rung: int = 0) -> Process | None:
        """Who lives at a place; the latest, if there are several."""
        key = ProcessKey(stream, role, destination, rung)
        return next((p for p in reversed(self.processes.values()) if p.key == key and p.alive), None)

    def of(self, stream: str) -> list[Process]:
        """All that live of a stream; of all streams for ""."""
        living = [process for process in self.processes.values() if process.ended is None]
        return [process for process in living if process.key.stream == stream] if stream else living

    # --- time --------------------------------------------------------------------------------------

    def excite(self, process: Process) -> None:
        """Something is happening to it: it reports at every tick for a while."""
        for group in self._steady:
            group.pop(process.pid, None)
        self._lively[process.pid] = process, self._world.agenda.now + _LIVELY

    def excite_all(self, stream: str) -> None:
        """The same to all of a stream; of all streams for "". What was so far is reported before."""
        for process in self.of(stream):
            process.tick(self._world.agenda.now)
            if process.alive:
                self.excite(process)

    def tick(self) -> None:
        """Twice a second: let processes go on and report, encoders before their pushers."""
        now = self._world.agenda.now
        self._ticks += 1
        self._world.agenda.at(now + _TICK, self.tick)
        for process in tuple(self._steady[self._ticks % _ROUND].values()):
            process.tick(now, as_read=True)
        if not self._lively:
            return
        lively = sorted(self._lively.values(), key=_encoders_first)
        for process, until in lively:
            process.tick(now)
            if process.alive and now >= until and process.calm and not self._is_one_of_several(process):
                del self._lively[process.pid]
                number = self._numbers.setdefault(process.key.stream, len(self._numbers))
                self._steady[number % _ROUND][process.pid] = process

    def _is_one_of_several(self, process: Process) -> bool:
        """Two seconds of silence are news of an encoder that others could stand in for."""
        return process.key.role is Role.ENCODER and process.key.stream in self._world.ladders


def _encoders_first(entry: tuple[Process, float]) -> bool:
    return entry[0].key.role is Role.PUSHER
