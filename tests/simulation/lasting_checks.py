"""What must hold over the lives of neverdark: what goes on, what is wanted, what is excused, what is remembered."""

from __future__ import annotations

from collections import Counter
from typing import Any

from supervisor.model import events
from supervisor.model.remembered import PastIncident
from supervisor.model.runs import read
from supervisor.model.snapshot import Snapshot
from supervisor.model.terms import Exit
from tests.simulation.check import Check
from tests.simulation.fault import DATABASE, LIVES
from tests.simulation.lives import End
from tests.simulation.memory import SimulatedStore
from tests.simulation.processes import Process
from tests.simulation.scene import Scene, Told, named

_MINUTE = 60.0
_SETTLES = 5.0  # seconds in which what was said has been done
_LATEST = 30  # faults that are looked at
_KILLED = Exit(None, 9)


class TakenOver(Check):
    """What lives when neverdark comes back, and is what shall run, goes on: with the same pid, and without a word."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._due: dict[int, Process] = {}  # by pid
        self._well: set[str] = set()  # runs that nothing is wrong with

    def life_begins(self) -> None:
        here = self.world.table.of("")
        count = Counter(process.key for process in here)
        self._due = {one.pid: one for one in here if count[one.key] == 1 and self._shall_go_on(one)}
        self._well = {one.run_id for one in self._due.values() if one.calm and one.world.truth(one.key.stream)}

    def _shall_go_on(self, process: Process) -> bool:
        record = read(process.record)
        same = process.settings == self.world.settings_of(process.key.stream)
        wishes, stream = self.world.wishes, process.key.stream
        wanted = wishes.wanted(stream) and stream not in wishes.uncertain
        return bool(record and record.settings and same and wanted and not process.stopped)

    def hear(self, fact: Any) -> None:
        match fact:
            case events.ProcessAdopted(pid=pid):
                self._due.pop(pid, None)
            case events.ProcessExited(key=key, run_id=run_id, cause=cause) if run_id in self._well:
                spells = self.scene.covering(key.stream, self.world.now)
                if self.scene.wanted.get(key.stream) and all(spell.fault.kind in LIVES for spell in spells):
                    self.fail(f"{key} was well when neverdark came back, and has ended: {cause}")

    def second(self) -> None:
        if not self._due or not self.world.lives.settled:
            return
        for process in self._due.values():
            if process.alive or process.ended == _KILLED:
                self.fail(f"{process.key} (pid {process.pid}) lived when neverdark came back, and was not taken over")
        self._due = {}


class WantedTrue(Check):
    """A stream is wanted exactly when an oracle of the simulation's own says so, over all lives of neverdark."""

    def minute(self, snapshot: Snapshot) -> None:
        wishes, now = self.world.wishes, self.world.now
        if self._lately(now):
            return
        for stream in snapshot.streams:
            name = stream.name
            if name in wishes.uncertain or now - wishes.changed.get(name, -_SETTLES) < _SETTLES:
                continue
            if stream.wanted != (shall := wishes.wanted(name)):
                whose = stream.desired
                self.fail(f"{name} is wanted: {stream.wanted} ({whose.by}, until {whose.until}), expected: {shall}")

    def _lately(self, now: float) -> bool:
        """Something that all of it depends on has only just happened."""
        if now - self.world.lives.latest.began < _SETTLES:
            return True
        late = ("clock_step", "reload_bad", "late_loop")
        return any(
            one.ended is None or one.ended > now - _SETTLES
            for one in self.world.faults[-_LATEST:]
            if one.fault.kind in late
        )


class Excused(Check):
    """What fails in maintenance is recorded with that excuse, and nothing else; the gauge shows when it is."""

    def hear(self, fact: Any) -> None:
        if not isinstance(fact, events.IncidentOpened) or fact.incident.drill:
            return
        stream, wishes = fact.incident.stream, self.world.wishes
        if wishes.surely_excused(stream, _SETTLES) and fact.incident.excused != "maintenance":
            self.fail(f"{named(fact.incident)} is excused by {fact.incident.excused}, in maintenance")
        if fact.incident.excused and not wishes.excused(stream, _SETTLES):
            self.fail(f"{named(fact.incident)} is excused by {fact.incident.excused}, and nothing was announced")

    def minute(self, snapshot: Snapshot) -> None:
        wishes, now = self.world.wishes, self.world.now
        if not wishes.windows or now - self.world.lives.latest.began < _SETTLES:
            return
        for stream in snapshot.streams:
            drill = any(spell.fault.kind.startswith("drill_") for spell in self.scene.covering(stream.name, now))
            if wishes.surely_excused(stream.name, _SETTLES) and not stream.maintenance:
                self.fail(f"{stream.name} is in maintenance, and it does not say so")
            if stream.maintenance and not drill and not wishes.excused(stream.name, _SETTLES):
                self.fail(f"{stream.name} says that it is in maintenance")


class History(Check):
    """Every incident is remembered exactly once, as it was told, and what waits for a database is bounded."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._written = dict[int, float]()  # by life: what was told until then is written
        self._dropped = dict[int, int]()
        self._told_to_be_lost = False
        self._is_back = False

    def hear(self, fact: Any) -> None:
        match fact:
            case events.StoreRecovered():
                self._is_back = True
            case events.StoreTrouble(dropped=dropped) if dropped:
                self._told_to_be_lost = True

    def second(self) -> None:
        if not (store := self.world.lives.latest.store):
            return
        self._note(store)
        if self._is_back:
            self._is_back = False
            self._compare(store)
        if (waiting := store.state.queue) > 3 * store.most:
            self.fail(f"{waiting} records wait for the database, of at most {3 * store.most}")
        if self._dropped[self.world.lives.count] and not self._told_to_be_lost and self.world.database.well:
            since = max((one.ended or 0.0 for one in self.world.faults if one.fault.kind in DATABASE), default=0.0)
            if self.world.now - since > _MINUTE:
                self.fail("records were dropped, and nobody was told")

    def _note(self, store: SimulatedStore) -> None:
        life = self.world.lives.count
        self._written[life], self._dropped[life] = store.writer.written_until, store.state.dropped

    def life_over(self, how: End) -> None:
        del how
        self._is_back = False
        self.end()

    def end(self) -> None:
        if store := self.world.lives.latest.store:
            self._note(store)
            self._compare(store)

    def _compare(self, store: SimulatedStore) -> None:
        if self.world.database.has("database_gone"):
            return
        lost, dropped = store.missing, store.state.dropped
        if lost is not None and lost > dropped:
            self.fail(f"{lost} facts are not remembered, and {dropped} are counted as dropped")
        kept = {past.incident.id: past for past in store.past()}
        missing = [one for one in self.scene.told.values() if one.incident.id not in kept and self._is_due(one)]
        if len(missing) > sum(self._dropped.values()):
            told = ", ".join(f"{named(one.incident)} at {one.opened:.1f}" for one in missing)
            self.fail(f"not remembered: {told}")
        if not any(self._dropped.values()):
            if more := kept.keys() - self.scene.told.keys():
                self.fail(f"remembered, and no incident any more: {', '.join(sorted(more))}")
            for told_, past in ((one, kept[name]) for name, one in self.scene.told.items() if name in kept):
                self._hold_against(told_, past)

    @property
    def _opened(self) -> bool:
        """This neverdark has had the database."""
        return self._written.get(self.world.lives.count, -1.0) > 0.0

    def _is_due(self, told: Told) -> bool:
        return told.opened <= self._written.get(told.life, -1.0)

    def _hold_against(self, told: Told, past: PastIncident) -> None:
        mine, its = told.incident, past.incident
        written = self._written.get(told.life, -1.0)
        if told.closed is not None and told.closed <= written and mine.closed is not None and mine != its:
            self.fail(f"{named(mine)} at {told.opened:.1f} is remembered as {named(its)}, closed at {its.closed}")
        elif told.life < self.world.lives.count and its.closed is None and self._opened:
            self.fail(f"{named(mine)} at {told.opened:.1f} is remembered as open, and its neverdark has ended")
        elif told.closed is None and its.closed is not None:
            self.fail(f"{named(mine)} at {told.opened:.1f} is remembered as closed at {its.closed}")
