"""The table of simulated processes: who lives, who waits to be reaped, whom nobody looks after."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

from supervisor.ffmpeg.destinations import MEDIA_DESCRIPTOR
from supervisor.model.terms import Exit, ProcessKey, Role
from tests.simulation.processes import Encoder, Process, Spawned, Stray
from tests.simulation.senders import Command, Pusher, Sender

if TYPE_CHECKING:
    from tests.simulation.world import World

_FIRST_PID = 10_000
_ROUND = 5  # ticks until a process that nothing happens to reports again
_TICK = 0.5
_STRAY = "left-behind"
_LEAVES_SOMETHING = 0.3  # how often a command's end leaves something behind
_LIVELY = 20.0  # seconds after a start or a fault in which it reports at every tick


class Table:
    """All processes of the machine that have to do with neverdark."""

    def __init__(self, world: World) -> None:
        self.processes: dict[int, Process] = {}  # zombies included
        self.rivals: list[tuple[float, str, int]] = []  # more than one publisher on one key: when, where, how many
        self.spawned = 0
        self._world = world
        self._places: dict[int, ProcessKey] = {}  # by the descriptor of its output
        self._encoders: dict[str, Encoder] = {}
        self._numbers: dict[str, int] = {}
        self._steady: list[dict[int, Process]] = [{} for _ in range(_ROUND)]
        self._lively: dict[int, tuple[Process, float]] = {}
        self._ticks = 0

    # --- births and deaths -------------------------------------------------------------------------

    def known(self, descriptor: int, stream: str, name: str) -> None:
        """Whoever writes to this descriptor has that place."""
        role, _, destination = name.partition("-")
        self._places[descriptor] = ProcessKey(stream, Role(role), destination)

    def spawn(self, argv: list[str], run_id: str, output_fd: int, inherited: Mapping[int, int]) -> Process:
        """A process begins."""
        world, key = self._world, self._places[output_fd]
        pid = self._next_pid()
        spawned = Spawned(pid, key, argv, run_id, world.wires.outlets[output_fd])
        process: Process
        match key.role:
            case Role.ENCODER:
                process = self._encoders[key.stream] = Encoder(world, spawned, world.sources[key.stream])
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
        if isinstance(process, Stray):
            self.reaped(process)
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
        if self._encoders.get(process.key.stream) is process:
            del self._encoders[process.key.stream]

    def sweep(self, pids: Container[int], run_ids: Container[str]) -> list[int]:
        """End who carries our mark and belongs to no run that lives."""
        over = [
            process
            for process in self.processes.values()
            if process.alive and process.pid not in pids and process.run_id not in run_ids
        ]
        for process in over:
            process.signal(9)
        return [process.pid for process in over]

    def end_orphans(self) -> list[tuple[int, str]]:
        """End all that carry our mark."""
        over = [process for process in self.processes.values() if process.alive]
        for process in over:
            process.end(Exit(None, 9))
            self.reaped(process)
        return [(process.pid, process.run_id) for process in over]

    # --- who is who --------------------------------------------------------------------------------

    def encoder(self, stream: str) -> Encoder | None:
        """The encoder of a stream that lives."""
        encoder = self._encoders.get(stream)
        return encoder if encoder is not None and encoder.ended is None else None

    def at(self, stream: str, role: Role, destination: str = "") -> Process | None:
        """Who lives at a place; the latest, if there are several."""
        key = ProcessKey(stream, role, destination)
        return next((p for p in reversed(self.processes.values()) if p.key == key and p.alive), None)

    def of(self, stream: str) -> list[Process]:
        """All that live of a stream; of all streams for ""."""
        return [p for p in self.processes.values() if p.alive and stream in {"", p.key.stream}]

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
            process.tick(now)
        lively = sorted(self._lively.values(), key=_encoders_first)
        for process, until in lively:
            process.tick(now)
            if process.alive and now >= until and process.calm:
                del self._lively[process.pid]
                number = self._numbers.setdefault(process.key.stream, len(self._numbers))
                self._steady[number % _ROUND][process.pid] = process


def _encoders_first(entry: tuple[Process, float]) -> bool:
    return entry[0].key.role is Role.PUSHER
