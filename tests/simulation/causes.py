"""What each kind of fault does to the world, and how it ends."""

from __future__ import annotations

import copy
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from supervisor.model.maintenance import MaintenanceOrder
from supervisor.model.snapshot import Refused
from supervisor.model.terms import Exit, ExitCause, ProcessKey, Reach, Role, Segment
from supervisor.model.until import Ends, Until
from tests.simulation import lives
from tests.simulation.fault import DATABASE, WISHES, YOUTUBE, Fault, Kind
from tests.simulation.hours import Hours, minute_of_day
from tests.simulation.ladders import rung_of
from tests.simulation.line import Ingest, Source, Troubled
from tests.simulation.processes import Process
from tests.simulation.wishes import Window
from tests.simulation.words import last_words

if TYPE_CHECKING:
    from tests.simulation.world import World

_BAD_FOR = 5.0  # seconds for which the configuration's file is wrong, at least
_SLOW_SHARES = (0.3, 0.5, 0.7, 0.8)
_BITRATES = ("2500k", "2400k", "2600k")
_NOT_YAML = "streams: [\n"
_OF_RUNGS = frozenset[Kind]({"rung_gone", "rung_ended", "rung_refused", "rung_silent"})
_CRASHES = (signal.SIGSEGV, signal.SIGABRT)
_ENDS: Mapping[Kind, lives.End] = {
    "neverdark_killed": "kill",
    "neverdark_left": "leave",
    "neverdark_upgraded": "upgrade",
    "neverdark_stopped": "stop",
}
_CHANGED_HOUR = 120  # minutes of a local day: from then on it is left out in spring, and comes twice in autumn
_SOON = 6 * 3600.0
_LOOKS_AROUND = 3.0  # seconds, from its beginning
_DOOMED_FOR = 30.0  # it may start no process at all


class Happened(NamedTuple):
    """A fault that was carried out: when it really began and ended (None: it has not)."""

    fault: Fault
    began: float
    ended: float | None


End = Callable[[], None]


class Causes:
    """Carries faults out."""

    def __init__(self, world: World) -> None:
        self.happened: list[Happened] = []
        self._world = world
        self._bitrate = 0

    def begin(self, fault: Fault) -> None:
        """Carry a fault out, if there is anything that it could happen to."""
        world = self._world
        world.table.excite_all(fault.stream)
        number = len(self.happened)
        self.happened.append(Happened(fault, world.now, None))
        world.changed = world.now
        ended = partial(self._ended, number)
        if not self._carry_out(fault, ended):
            self.happened.pop(number)

    def _ended(self, number: int) -> None:
        world, happened = self._world, self.happened[number]
        if happened.ended is None:
            self.happened[number] = happened._replace(ended=world.now)
            world.changed = world.now
            world.table.excite_all(happened.fault.stream)

    def _carry_out(self, fault: Fault, ended: End) -> bool:  # noqa: C901, PLR0911, PLR0912 - one line a family
        kind = fault.kind
        if kind.startswith(("encoder_", "pusher_")) or kind == "memory_kill":
            return self._process(fault, ended)
        if kind.startswith(("source_", "picture_")) or kind in _OF_RUNGS:
            return self._source(fault, ended)
        if kind in {"rung_killed", "slate_gone", "link_distant", "no_keyframe", "show"}:
            return self._fallback(fault, ended)
        if kind.startswith("ingest_"):
            return self._ingest(fault, ended)
        if kind in DATABASE:
            return self._database(fault, ended)
        if kind in {"line_down", "dns_down"}:
            return self._line(fault, ended)
        if kind.startswith("drill_"):
            return self._drill(fault, ended)
        if kind.startswith("reload_"):
            return self._reload(fault, ended)
        if kind in WISHES:
            return self._wish(fault, ended)
        if kind.startswith("neverdark_"):
            return self._neverdark(fault, ended)
        if kind in YOUTUBE:
            studio = self._world.studio
            return studio is not None and studio.carry_out(fault, ended)
        if kind in {"stop", "start", "restart"}:
            if not self._world.lives.present:
                return False
            ended()
            return self._order(fault)
        return self._machine(fault, ended)

    # --- processes ---------------------------------------------------------------------------------

    def _victim(self, fault: Fault) -> Process | None:
        table = self._world.table
        if fault.kind == "memory_kill":
            alive = table.of(fault.stream)
            return self._world.chance.choice(alive) if alive else None
        wanted = Role.ENCODER if fault.kind.startswith("encoder_") else Role.PUSHER
        found = table.at(fault.stream, wanted, fault.destination if wanted is Role.PUSHER else "")
        return found or table.at(fault.stream, Role.COMMAND)

    def _process(self, fault: Fault, ended: End) -> bool:
        process = self._victim(fault)
        if process is None:
            return False
        match fault.kind:
            case "memory_kill":
                self._world.memory_kills += 1
                process.signal(signal.SIGKILL)
                ended()
            case "encoder_killed" | "pusher_killed":
                process.signal(signal.SIGKILL)
                ended()
            case "encoder_error":
                self._own_error(process)
                ended()
            case "encoder_stopped":
                process.signal(signal.SIGSTOP)
                self._until_gone(fault, process, lambda: process.signal(signal.SIGCONT), ended)
            case _:
                process.trouble = "mute" if fault.kind == "encoder_mute" else "frozen"
                self._until_gone(fault, process, partial(setattr, process, "trouble", ""), ended)
        return True

    def _until_gone(self, fault: Fault, process: Process, mend: End, ended: End) -> None:
        """It lasts as long as the process does, or as the fault says."""
        process.at_end.append(ended)
        if fault.lasts:

            def over() -> None:
                if process.alive:
                    process.tick(self._world.agenda.now)
                    mend()
                ended()

            self._world.agenda.later(fault.lasts, over)

    def _own_error(self, process: Process) -> None:
        world = self._world
        if process.key.role is Role.ENCODER and world.chance.random() < 0.5:
            process.end(Exit(None, world.chance.choice(_CRASHES)))
            return
        role = Role.PUSHER if process.key.role is Role.PUSHER else process.key.role
        try:
            words = last_words(world.chance, world.version, role, ExitCause.OTHER, _OWN[role])
        except LookupError:  # nobody was heard to: it says nothing that anybody knows
            process.end(Exit(1, None))
        else:
            process.fail(words)

    # --- out there ---------------------------------------------------------------------------------

    def _source(self, fault: Fault, ended: End) -> bool:
        if (source := self._source_of(fault)) is None:
            return False
        kind = fault.kind.replace("rung_", "source_")
        troubled: Troubled = source.picture if kind.startswith("picture_") else source
        troubled.begin(kind)
        for encoder in self._world.table.readers(source):
            encoder.source_changed()

        def over() -> None:
            for running in self._world.table.readers(source):
                running.tick(self._world.agenda.now)
            troubled.end(kind)
            ended()

        self._lasts(fault, over)
        return True

    def _source_of(self, fault: Fault) -> Source | None:
        world, rung = self._world, rung_of(fault.destination) if fault.kind in _OF_RUNGS else 0
        ladder = world.ladders.get(fault.stream)
        if rung and (ladder is None or rung not in ladder.rungs or rung in ladder.slates):
            return None
        source = world.source_of(ProcessKey(fault.stream, Role.ENCODER, rung=rung))
        return None if source.kind == "none" else source

    def _fallback(self, fault: Fault, ended: End) -> bool:
        world, stream = self._world, fault.stream
        if stream not in world.ladders:
            return False
        match fault.kind:
            case "show":
                ended()
                return world.orders.give(stream, fault.destination, fault.lasts)
            case "rung_killed":
                process = world.table.at(stream, Role.ENCODER, rung=rung_of(fault.destination))
                if process is None:
                    return False
                process.signal(signal.SIGKILL)
                ended()
                return True
        place = (fault.kind, stream)

        def add(count: int) -> None:
            if fault.kind == "slate_gone":
                world.slates_gone[stream] += count
            else:
                world.stubborn[place] += count

        def over() -> None:
            add(-1)
            ended()

        add(1)
        self._lasts(fault, over)
        return True

    def _ingest(self, fault: Fault, ended: End) -> bool:
        ingest = self._world.ingests[f"{fault.stream}/{fault.destination}"]
        kind = fault.kind
        if kind == "ingest_slow":
            ingest.share = fault.detail or self._world.chance.choice(_SLOW_SHARES)
        if fault.lasts:
            ingest.begin(kind)
        if kind in {"ingest_down", "ingest_refuses", "ingest_drops", "ingest_ghost"}:
            for sender in tuple(ingest.publishing):
                sender.later(0.05, sender.dropped)

        def over() -> None:
            self._flow_until_now(ingest)
            if fault.lasts:
                ingest.end(kind)
            ended()

        self._lasts(fault, over)
        return True

    def _flow_until_now(self, ingest: Ingest) -> None:
        for sender in tuple(ingest.publishing):
            sender.tick(self._world.agenda.now)

    def _line(self, fault: Fault, ended: End) -> bool:
        line = self._world.line
        if not line.down:
            line.style = self._world.chance.choice((Reach.TIMEOUT, Reach.NO_ROUTE, Reach.UNRESOLVED))
        line.begin(fault.kind)

        def over() -> None:
            self._world.table.excite_all("")
            line.end(fault.kind)
            ended()

        self._lasts(fault, over)
        return True

    def _lasts(self, fault: Fault, over: End) -> None:
        if fault.lasts:
            self._world.agenda.later(fault.lasts, over)
        else:
            over()

    # --- this machine ------------------------------------------------------------------------------

    def _machine(self, fault: Fault, ended: End) -> bool:
        world = self._world
        match fault.kind:
            case "disk_full":
                world.wires.disk_full = True

                def room() -> None:
                    world.wires.disk_full = False
                    ended()

                self._lasts(fault, room)
            case "no_processes" | "looks_fail":
                failing = "out_of_processes" if fault.kind == "no_processes" else "looks_fail"
                setattr(world, failing, True)

                def well() -> None:
                    setattr(world, failing, False)
                    ended()

                self._lasts(fault, well)
            case "late_loop":
                if not world.lives.present:
                    return False

                def late() -> None:
                    world.loop.stand_still(fault.lasts)
                    ended()

                world.loop.call_soon(late)
            case "clock_step":
                world.wall_offset += fault.detail
                ended()
            case _:
                raise ValueError(fault.kind)
        return True

    def _database(self, fault: Fault, ended: End) -> bool:
        self._world.database.begin(fault.kind)

        def over() -> None:
            self._world.database.end(fault.kind)
            ended()

        self._lasts(fault, over)
        return True

    # --- neverdark itself --------------------------------------------------------------------------

    def _neverdark(self, fault: Fault, ended: End) -> bool:
        """It is over when the next one has had time to look at what it has found."""
        world = self._world

        def back() -> None:
            world.agenda.later(_LOOKS_AROUND, ended)

        if fault.kind == "neverdark_killed_in_call":
            return world.studio is not None and world.studio.doom(fault.lasts, back, ended)
        if fault.kind != "neverdark_killed_at_spawn":
            return world.lives.end(_ENDS[fault.kind], fault.lasts, back)
        if not world.lives.doom(fault.lasts, back):
            return False

        def spare() -> None:
            if world.doom:
                world.doom = None
                ended()

        world.agenda.later(_DOOMED_FOR, spare)
        return True

    # --- an operator -------------------------------------------------------------------------------

    def _reload(self, fault: Fault, ended: End) -> bool:
        world = self._world
        if fault.kind == "reload_bad":
            world.write(_NOT_YAML)

            def good() -> None:
                world.write(world.settings.tree)
                ended()

            world.agenda.later(max(fault.lasts, _BAD_FOR), good)
        else:
            if fault.kind == "reload_changed":
                self._change(fault.stream)
            world.write(world.settings.tree)
            ended()
        if world.lives.present:
            world.engine.reload()
        return True

    def _order(self, fault: Fault) -> bool:
        """An operator's start, stop or restart, perhaps for a time."""
        world, life, ends = self._world, self._world.lives.latest, None
        verb, _, timed = fault.kind.partition("_")
        until = None
        if timed:
            ends = world.chance.choice((Ends.AFTER, Ends.AT))
            time = datetime.fromtimestamp(world.wall() + fault.detail, UTC)
            until = Until(ends, seconds=fault.detail) if ends is Ends.AFTER else Until(ends, time=time)
        if life.engine.request(verb, fault.stream, until) is None:
            return False
        world.wishes.order(fault.stream, wanted=verb != "stop", ends=ends, seconds=fault.detail)
        if life.store:
            life.store.write_now()
        return True

    def _wish(self, fault: Fault, ended: End) -> bool:
        world, stream = self._world, fault.stream
        match fault.kind:
            case "hours":
                hours = self._hours(fault)
                self._configure(lambda tree: tree["streams"][stream].update(schedule=hours.tree))
                world.wishes.keep_hours(stream, hours)
            case "maintenance_planned":
                since, until = (world.wall() + seconds for seconds in (fault.detail, fault.detail + fault.lasts))
                named = {"streams": [stream], "from": _written(since), "until": _written(until)}
                self._configure(lambda tree: tree.setdefault("maintenance", []).append(named))
                world.wishes.windows.append(Window(stream, int(since), int(until), ordered=False))
            case "maintenance":
                if not world.lives.settled:
                    return False
                until_then = Until(Ends.AFTER, seconds=fault.lasts)
                world.engine.maintaining.order(MaintenanceOrder((stream,), None, until_then, "a new lens"))
                world.wishes.windows.append(Window(stream, world.now, world.now + fault.lasts, ordered=True))
                if store := world.lives.latest.store:
                    store.write_now()
            case "stop_until" | "start_until":
                if not world.lives.present or not self._order(fault):
                    return False
        ended()
        return True

    def _hours(self, fault: Fault) -> Hours:
        """On air until soon, and from then on again; or the other way. Some switch in the hour that a night changes."""
        wall, begin = self._world.wall(), abs(fault.detail)
        night = self._world.night
        now = _CHANGED_HOUR if night and 0 < night - wall < _SOON and begin % 2 else minute_of_day(wall)
        first, second = (round(now + minutes) % 1440 for minutes in (begin, begin + max(1.0, fault.lasts / 60.0)))
        return Hours(on=second, off=first) if fault.detail > 0 else Hours(on=first, off=second)

    def _configure(self, change: Callable[[dict[str, Any]], object]) -> None:
        tree = copy.deepcopy(self._world.settings.tree)
        change(tree)
        self._world.settings = self._world.settings._replace(tree=tree)
        self._world.write(tree)
        if self._world.lives.present:
            self._world.engine.reload()

    def _change(self, stream: str) -> None:
        """Something that replaces the encoder, or the command."""
        tree = copy.deepcopy(self._world.settings.tree)
        keys = tree["streams"][stream]
        self._bitrate += 1
        if "command" in keys:
            keys["command"][1:-3] = [f"--change={self._bitrate}"]
        else:
            keys["video"]["bitrate"] = _BITRATES[self._bitrate % len(_BITRATES)]
        self._world.settings = self._world.settings._replace(tree=tree)

    def _drill(self, fault: Fault, ended: End) -> bool:
        if not self._world.lives.present:
            return False
        engine, what = self._world.engine, fault.kind.removeprefix("drill_")
        broken = what if what in {"uplink", "source"} else None
        try:
            if not engine.drill(fault.stream, fault.lasts or 120.0, broken, fault.destination or None):  # type: ignore[arg-type]
                return False
        except Refused:
            return False
        if broken is None and (process := self._victim(fault._replace(kind="encoder_killed"))):
            process.signal(signal.SIGKILL)
        self._world.agenda.later(fault.lasts or 120.0, ended)
        return True


def _written(wall: float) -> str:
    """A time as the configuration has it."""
    return datetime.fromtimestamp(int(wall), UTC).strftime("%Y-%m-%dT%H:%M:%S")


_OWN = {Role.ENCODER: Segment.ENCODER, Role.PUSHER: Segment.PUSHER, Role.COMMAND: Segment.ENCODER}
