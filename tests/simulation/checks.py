"""What must hold all along, one class a check. `ALL` is the list; `judge.py` runs it.

A check is told of every fact in the moment in which listeners are, and looks once a second and once a minute. What it
finds it notes with `fail`; the run ends there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from supervisor.model import events
from supervisor.model.snapshot import ProcessSnapshot, Snapshot, StreamSnapshot
from supervisor.model.terms import Action, ExitCause, Health, ProcessKey, Refusal, RestartReason, Role, State, Verdict
from tests.simulation.bounds import CLOSING, bound
from tests.simulation.check import Check
from tests.simulation.expected import EXPECTED, fails
from tests.simulation.fault import DATABASE, Fault
from tests.simulation.ladder_checks import OF_LADDERS
from tests.simulation.lasting_checks import Excused, History, TakenOver, WantedTrue
from tests.simulation.lives import End
from tests.simulation.scene import Scene, named
from tests.simulation.sizes import Sizes

_SECOND = 1.0
_MINUTE = 60.0
_WATCHDOG_ROUND = 125.0  # within so long each destination is judged twice
_LINE_RECHECK = 300.0  # so seldom somebody tries although the line is down, for it may be a mistake
_FOUND_OUT = 60.0  # seconds until somebody knows that it is our own line
_PROOF_LASTS = 15.0  # seconds that a proof of the line may be old
_SWEPT = 10.0  # seconds that a process which belongs to no run may live
_UNWRITTEN = 65.0  # seconds of an account that may not be written down when neverdark is killed
# That the kernel ended a run for want of memory is found when the next one carries its record already.
_FOUND_LATER: set[str] = {ExitCause.OUT_OF_MEMORY, ExitCause.KILLED}
_OF_CONNECTIONS = {"connections", "acked_bytes", "retransmits"}
_ROUNDING = 1e-3


# --- on air ----------------------------------------------------------------------------------------


class BackInTime(Check):
    """A wanted stream is on air again within the bound that its configuration allows."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._due: list[tuple[float, str, str]] = []
        self._seen = 0

    def second(self) -> None:
        for happened in self.world.faults[self._seen :]:
            self._seen += 1
            for stream in [happened.fault.stream] if happened.fault.stream else self.scene.streams:
                self._due.append((happened.began, stream, happened.fault.kind))
        now = self.world.now
        for one in [one for one in self._due if one[0] <= now]:
            self._due.remove(one)
            until = max((spell.until for spell in self.scene.spells(one[1])), default=0.0)
            if until >= now:
                self._due.append((until + _SECOND, *one[1:]))
            else:
                self._look(one[1])

    def _look(self, stream: str) -> None:
        if not self.scene.wanted.get(stream) or not self.world.truth(stream):
            return
        arrives = self.scene.arrives(stream)
        dark = [name for name in self.scene.destinations(stream) if name not in arrives]
        if dark or not self.scene.on_air.get(stream):
            last = [spell for spell in self.scene.spells(stream) if spell.until < self.world.now][-3:]
            what = ", ".join(f"{spell.fault.kind} at {spell.began:.1f}" for spell in last)
            said = f"on air {self.scene.on_air.get(stream)}, dark: {', '.join(dark) or 'none'}"
            self.fail(f"{stream} is not on air again ({said}) after {what}: due by {last[-1].until:.1f}")


class PausesAreCapped(Check):
    """No pause is longer than the configuration allows, and none is shorter for a server that refuses and counts."""

    _LONGEST = 330.0  # a server that refuses, or a line that is down, and 5 % so as not to be in step
    _SHORTEST = 7.9  # 10 s for who refuses, less 20 % of jitter

    def hear(self, fact: Any) -> None:
        match fact:
            case events.RetryScheduled(key=key, state=state, delay=delay, cause=cause):
                restart = self.scene.policies(key.stream).restart
                slow = self._refused(key) or cause is ExitCause.DISK_FULL or self._line_lately(key.stream)
                quick = state is State.BACKOFF and not slow
                longest = restart.max_delay if quick else max(self._LONGEST, restart.cooldown)
                if delay > longest + _ROUNDING:
                    self.fail(f"{key} waits {delay:.1f} s in {state} after {cause}")
                if key.role is Role.ENCODER and self._refused(key) and delay < self._SHORTEST:
                    self.fail(f"{key} asks a source that refuses again in {delay:.1f} s")

    def _refused(self, key: ProcessKey) -> bool:
        refusal = self.scene.engine.streams[key.stream].slots[key].status.refusal
        return refusal in {Refusal.BUSY, Refusal.LIMITED, Refusal.DENIED}

    def _line_lately(self, stream: str) -> bool:
        return any(
            spell.fault.kind in {"line_down", "dns_down"} for spell in self.scene.covering(stream, self.world.now)
        )


class Quiet(Check):
    """Where nothing was done there is no failure, no recovery and no incident."""

    def hear(self, fact: Any) -> None:
        match fact:
            case events.ProcessExited(key=key, planned=False, cause=cause):
                self._explain(key.stream, f"{key} ended: {cause}")
            case events.ProcessSilent(key=key, trouble=trouble):
                self._explain(key.stream, f"{key} was ended: {trouble}")
            case events.RecoveryAttempted(stream=stream, action=action):
                self._explain(stream, f"a recovery: {action}")
            case events.CheckRearmed(name=name):
                self._explain(name.split(":")[0], f"the check {name} was scheduled anew")
            case events.DestinationUnhealthy(stream=stream, destination=name, said=said):
                self._explain(stream, f"{name} is called unhealthy: {said}")

    def _explain(self, stream: str, what: str) -> None:
        if next(self.scene.covering(stream, self.world.now), None) is None:
            self.fail(f"{stream}: nothing was done to it, and yet {what}")


class InternalErrors(Check):
    """neverdark makes no mistake that it has to tell of."""

    def hear(self, fact: Any) -> None:
        if isinstance(fact, events.InternalError):
            self.fail(f"an internal error in {fact.where}: {fact.error}")


class ToldOnce(Check):
    """Each incident is told once. Whether each fault is one incident is looked at when all is over: `told.py`."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._opened = 0

    def hear(self, fact: Any) -> None:
        if isinstance(fact, events.IncidentOpened):
            self._opened += 1
            self.scene.read_incidents()
            if self._opened > self.scene.ever_told:
                self.fail(f"told again as if it were a new incident: {named(fact.incident)}")


# --- who may do what -------------------------------------------------------------------------------


class OnePublisher(Check):
    """Never do two publish on one key."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._until: dict[str, float] = {}
        self._rivals = 0

    def hear(self, fact: Any) -> None:
        if isinstance(fact, events.ProcessStarted | events.ProcessAdopted) and fact.key.role is Role.PUSHER:
            key = f"{fact.key.stream}/{fact.key.destination}"
            self._until[key] = self.world.now + 15.0
            self._look(key)

    def second(self) -> None:
        for _, key, count in self.world.table.rivals[self._rivals :]:
            self.fail(f"{count} publish on {key}")
        self._rivals = len(self.world.table.rivals)
        for key in list(self._until):
            self._look(key)
            if self._until[key] < self.world.now:
                del self._until[key]

    def minute(self, snapshot: Snapshot) -> None:
        for stream in snapshot.streams:
            for one in stream.destinations:
                self._look(f"{stream.name}/{one.name}")

    def _look(self, key: str) -> None:
        if (count := self.world.publishers(key)) > 1:
            self.fail(f"{count} publish on {key}")


class OneLayer(Check):
    """Never do two layers work on one process: the second acts on what the first has given up or believes well."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._acted = 0.0
        self._busy: dict[ProcessKey, str] = {}

    def life_begins(self) -> None:
        self._busy = {}

    def hear(self, fact: Any) -> None:
        match fact:
            case events.RecoveryAttempted(stream=stream, destination=destination, action=action):
                key = {
                    Action.RESTART_ENCODER: ProcessKey(stream, Role.ENCODER),
                    Action.RESTART_PUSHER: ProcessKey(stream, Role.PUSHER, destination),
                    Action.RESTART_COMMAND: ProcessKey(stream, Role.COMMAND),
                }.get(action)
                if key and (words := self._first_layer(key)):
                    self.fail(f"the second layer does {action} while {key} {words}")
                slots = self.scene.engine.streams[stream].slots
                self._busy = {one: words for one in slots if (words := self._first_layer(one))}
                self._acted = self.world.now
            case events.ProcessStarted(key=key, reason=RestartReason.WATCHDOG | RestartReason.LIMIT):
                if self.world.now - self._acted < _SECOND and key in self._busy and "waits" in self._busy[key]:
                    self.fail(f"the second layer started {key} which {self._busy[key]}")

    def _first_layer(self, key: ProcessKey) -> str | None:
        slot = self.scene.engine.streams[key.stream].slots.get(key)
        if slot is None:
            return None
        status = slot.status
        if status.ending:
            return "is being ended by the first layer"
        if status.state is State.BACKOFF:
            return "waits for the first layer's next attempt"
        return f"is {status.state}" if status.state in {State.STARTING, State.STOPPING} else None


class NoActionOnUnknown(Check):
    """What nobody knows is not unhealthy: it counts for nothing and leads to nothing."""

    def hear(self, fact: Any) -> None:
        match fact:
            case events.DestinationUnhealthy(stream=stream, destination=name, said=said):
                if not any(bad in said for bad in (Verdict.UNHEALTHY, Verdict.DEGRADED)):
                    self.fail(f"{stream}:{name} is called unhealthy although no check says so: {said}")


class LineSparesAttempts(Check):
    """While our own line is down, and known to be, nobody spends attempts on it."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._since: float | None = None
        self._left: dict[ProcessKey, int] = {}
        self._starts: dict[ProcessKey, int] = {}

    def life_begins(self) -> None:
        self._since, self._left, self._starts = None, {}, {}

    def hear(self, fact: Any) -> None:
        match fact:
            case events.LineChanged(down=down):
                self._since = self.world.now if down else None
                self._left, self._starts = {}, {}
                if down and not self._line_is_down():
                    self.fail("the line is told to be down, and it is not")
                if not down and self._line_has_been_down():
                    self.fail("the line is told to be up, and it is not")
            case events.RetryScheduled(key=key) if self._since is None and self._unknown(key):
                self.fail(f"{key} spends attempts although our own line has been down for {_FOUND_OUT:.0f} s")
            case events.RetryScheduled(key=key, attempts_left=left) if self._counts(key):
                if left < self._left.get(key, left):
                    self.fail(f"{key} has {left} attempts left after {self._left[key]}, while our own line is down")
                self._left[key] = left
            case events.ProcessStarted(key=key) if self._counts(key):
                self._starts[key] = self._starts.get(key, 0) + 1
                assert self._since is not None
                # One may have been on its way, one is for whoever starts the stream.
                if self._starts[key] > 2 + (self.world.now - self._since) / _LINE_RECHECK:
                    self.fail(f"{key} was started {self._starts[key]} times while our own line is down")

    def _counts(self, key: ProcessKey) -> bool:
        """A pusher to which nothing else happened than the line."""
        if self._since is None or key.role is not Role.PUSHER or self.world.now < self._since + _SECOND:
            return False
        others = {spell.fault.kind for spell in self.scene.covering(key.stream, self.world.now)}
        return others <= {"line_down"}

    def _unknown(self, key: ProcessKey) -> bool:
        """The line has been down for long, for a pusher that has to go over it."""
        down = [one.began for one in self.world.faults if one.fault.kind == "line_down" and one.ended is None]
        near = f"{key.stream}/{key.destination}" in self.world.settings.near
        since = self.world.lives.latest.began
        return (
            key.role is Role.PUSHER
            and not near
            and any(self.world.now - max(began, since) > _FOUND_OUT for began in down)
        )

    def _line_has_been_down(self) -> bool:
        """For so long that nothing that was seen before can be the proof."""
        down = [one for one in self.world.faults if one.fault.kind == "line_down" and one.ended is None]
        return any(self.world.now - one.began > _PROOF_LASTS for one in down)

    def _line_is_down(self) -> bool:
        spells = (spell for stream in self.scene.streams for spell in self.scene.covering(stream, self.world.now))
        return any(spell.fault.kind in {"line_down", "dns_down"} for spell in spells)


class NothingLeft(Check):
    """What belongs to no run is ended; at the end no process and no descriptor of the world is open."""

    def minute(self, snapshot: Snapshot) -> None:
        ours = {process.pid for stream in snapshot.streams for process in stream.processes}
        ours |= {pid for pid, _ in self.world.engine.streams.alive()}  # one that is to follow another
        if self.world.now - self.world.lives.latest.began < _SWEPT:
            return
        for process in self.world.table.of(""):
            if process.pid not in ours and self.world.agenda.now - process.began > _SWEPT:
                self.fail(f"{process.key} (pid {process.pid}) belongs to no run, and nobody ends it")

    def life_over(self, how: End) -> None:
        if how == "stop":
            self.end()
        elif how != "kill" and (left := self.world.open_descriptors()):
            self.fail(f"descriptors are still open: {left}")

    def end(self) -> None:
        if alive := self.world.alive():
            self.fail(f"left behind: {', '.join(sorted(map(str, alive)))}")
        if left := self.world.open_descriptors():
            self.fail(f"descriptors are still open: {left}")


# --- numbers ---------------------------------------------------------------------------------------


class TimeAddsUp(Check):
    """Wanted is on air plus off air, and as much as has passed."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._before: dict[str, tuple[float, StreamSnapshot]] = {}
        self._earlier: dict[str, tuple[float, StreamSnapshot]] = {}  # as an earlier neverdark knew it

    def life_begins(self) -> None:
        self._earlier, self._before = self._earlier | self._before, {}

    def minute(self, snapshot: Snapshot) -> None:
        now = self.world.now
        for stream in snapshot.streams:
            off = sum(stream.off_air_seconds.values())
            if abs(stream.wanted_seconds - stream.on_air_seconds - off) > _ROUNDING:
                self.fail(
                    f"{stream.name}: {stream.wanted_seconds:.3f} s wanted, "
                    f"{stream.on_air_seconds:.3f} on air, {off:.3f} off air"
                )
            if stream.name in self._before:
                self._compare(stream, now, *self._before[stream.name])
            elif stream.name in self._earlier:
                self._goes_on(stream, now, *self._earlier.pop(stream.name))
            self._before[stream.name] = now, stream

    def _goes_on(self, stream: StreamSnapshot, now: float, then: float, before: StreamSnapshot) -> None:
        """Over a life's end: the account begins anew, or goes on, and then what is new is no more than has passed."""
        unsure = DATABASE | {"clock_step"}  # what was noted last is older, or nobody knows how old
        if any(one.fault.kind in unsure and (one.ended or now) > then - _UNWRITTEN for one in self.world.faults):
            return
        passed = now - then
        for what, count, known in (
            ("wanted", stream.wanted_seconds, before.wanted_seconds),
            ("on air", stream.on_air_seconds, before.on_air_seconds),
        ):
            anew, goes_on = count <= passed + _UNWRITTEN, known - _UNWRITTEN <= count <= known + passed + _SECOND
            if not (anew or goes_on):
                self.fail(f"{stream.name} was {what} for {known:.1f} s, and {passed:.1f} s later for {count:.1f} s")

    def _compare(self, stream: StreamSnapshot, now: float, then: float, before: StreamSnapshot) -> None:
        passed, wanted = now - then, stream.wanted_seconds - before.wanted_seconds
        if wanted > passed + _SECOND:
            self.fail(f"{stream.name} was wanted for {wanted:.1f} of {passed:.1f} s")
        if not self.scene.is_calm(stream.name, now, passed):
            return
        on_air = stream.on_air_seconds - before.on_air_seconds
        expected = passed if self.scene.wanted.get(stream.name) else 0.0
        for what, seconds in (("wanted", wanted), ("on air", on_air)):
            if abs(seconds - expected) > _SECOND + _ROUNDING:
                self.fail(f"{stream.name} was {what} for {seconds:.1f} s of {expected:.1f} in a quiet minute")


class CountersNeverFall(Check):
    """No count is ever less than it was."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._before: dict[tuple[Any, ...], float] = {}
        self._pids: dict[ProcessKey, int | None] = {}
        self._is_another_life = False

    def life_begins(self) -> None:
        self._is_another_life = True

    def minute(self, snapshot: Snapshot) -> None:
        counts = dict(counters(snapshot))
        pids = {process.key: process.pid for stream in snapshot.streams for process in stream.processes}
        if self._is_another_life:  # a run that lives counts on; all else begins anew
            same = {key for key, pid in self._pids.items() if pid is not None and pids.get(key) == pid}
            same -= {process.key for process in self.world.table.of("") if process.silent}
            unknown = _FOUND_LATER | (_OF_CONNECTIONS if self._is_blind() else set())
            self._before = {
                name: value for name, value in self._before.items() if name[0] in same and name[-1] not in unknown
            }
            self._is_another_life = False
        self._pids = pids
        for name, value in counts.items():
            if value < (before := self._before.get(name, value)):
                self.fail(f"{' '.join(map(str, name))} fell from {before:g} to {value:g}")
        self._before = counts

    def _is_blind(self) -> bool:
        """The kernel has told nothing of connections for some of the time since neverdark came back."""
        since = self.world.lives.latest.began
        blind = (one for one in self.world.faults if one.fault.kind == "looks_fail")
        return any(one.ended is None or one.ended > since for one in blind)


def counters(snapshot: Snapshot) -> Iterator[tuple[tuple[Any, ...], float]]:
    """Every count of a snapshot, by a name."""
    yield ("clock_steps",), snapshot.clock_steps
    yield ("scheduler_rearmed",), snapshot.scheduler_rearmed
    yield ("thumbnails",), sum(snapshot.thumbnails.values())
    yield ("loop_lag", "sum"), snapshot.loop_lag.sum
    for what, by_layer in (("detection", snapshot.detection), ("recovery", snapshot.recovery)):
        for layer, histogram in by_layer.items():
            yield (what, layer), sum(histogram.counts)
            yield (what, layer, "sum"), histogram.sum
    for stream in snapshot.streams:
        yield from _of_stream(stream)


def _of_stream(stream: StreamSnapshot) -> Iterator[tuple[tuple[Any, ...], float]]:
    yield (stream.name, "wanted_seconds"), stream.wanted_seconds
    yield (stream.name, "on_air_seconds"), stream.on_air_seconds
    mappings: tuple[tuple[str, Mapping[Any, float]], ...] = (
        ("off_air_seconds", stream.off_air_seconds),
        ("incidents", stream.incidents),
        ("recovery_attempts", stream.recovery_attempts),
        ("recovery_results", stream.recovery_results),
    )
    for what, values in mappings:
        for label, value in values.items():
            yield (stream.name, what, label), value
    for process in stream.processes:
        yield from _of_process(process)
    for one in stream.destinations:
        if one.watchdog:
            yield (stream.name, one.name, "recoveries"), one.watchdog.recoveries
            for verdict, value in one.watchdog.checks.items():
                yield (stream.name, one.name, "checks", verdict), value


def _of_process(process: ProcessSnapshot) -> Iterator[tuple[tuple[Any, ...], float]]:
    key, progress = process.key, process.progress
    yield (key, "frames"), progress.frames
    yield (key, "bytes"), progress.bytes
    yield (key, "media_seconds"), progress.media_seconds
    yield (key, "dropped_frames"), progress.dropped_frames
    yield (key, "cpu_seconds"), process.cpu_seconds
    for reason, value in process.restarts.items():
        yield (key, "restarts", reason), value
    for cause, value in process.exits.items():
        yield (key, "exits", cause), value
    if process.uplink:
        yield (key, "connections"), process.uplink.connections
        yield (key, "acked_bytes"), process.uplink.acked_bytes
        yield (key, "retransmits"), process.uplink.retransmits
    if process.dropped_datagrams is not None:
        yield (key, "dropped_datagrams"), process.dropped_datagrams


class GaugesTrue(Check):
    """After each settled minute, every gauge agrees with the world's truth."""

    def minute(self, snapshot: Snapshot) -> None:
        now, alive = self.world.now, set(self.world.pids())
        for stream in snapshot.streams:
            if now > _WATCHDOG_ROUND and self.scene.is_calm(stream.name, now, CLOSING + _WATCHDOG_ROUND):
                up = bool(self.scene.wanted.get(stream.name))
                for wrong in _wrong_up(stream, alive, self.world.wall()) if up else _wrong_stopped(stream):
                    self.fail(
                        f"{stream.name}: {wrong}, and all is well" if up else f"{stream.name} is stopped: {wrong}"
                    )
            elif now - self.world.lives.latest.began < 2 * _MINUTE:
                continue  # it may not have found out yet
            elif dark := self._dark(stream.name, now):
                for wrong in _wrong_dark(stream):
                    self.fail(f"{stream.name}: {wrong}, and it is dark because of {dark.kind} at {dark.at:.1f}")
        if now > _WATCHDOG_ROUND and all(self.scene.is_calm(one, now, _WATCHDOG_ROUND) for one in self.scene.streams):
            for probe, reached in snapshot.network_reachable.items():
                if not reached:
                    self.fail(f"network_reachable {probe} is false, and all is well")

    def _dark(self, stream: str, now: float) -> Fault | None:
        """What has kept a wanted stream in the dark for a minute and does so still."""
        if (
            not self.scene.wanted.get(stream)
            or self.scene.arrives(stream)
            or self.world.wishes.excused(stream, _MINUTE)
        ):
            return None
        lasting = [
            one.fault
            for one in self.world.faults
            if one.ended is None
            and now - one.began > _MINUTE
            and fails(one.fault)
            and not EXPECTED[one.fault.kind].drill
            if one.fault.stream in {"", stream}
        ]
        recent = any(now - spell.began < _MINUTE for spell in self.scene.covering(stream, now))
        return lasting[0] if lasting and not recent else None


def _wrong_up(stream: StreamSnapshot, alive: set[int], wall: float) -> Iterator[str]:
    """What is not as it is in a stream that has been well for minutes."""
    if not stream.wanted or not stream.on_air:
        yield f"wanted is {stream.wanted}, on air {stream.on_air} ({stream.reason})"
    if stream.health is not Health.HEALTHY:
        yield f"health is {stream.health}"
    if stream.off_air_since:
        yield f"off air since {wall - stream.off_air_since:.1f} s ago"
    if any(stream.incident_open.values()):
        yield f"an incident is open: {[str(one) for one, count in stream.incident_open.items() if count]}"
    for process in stream.processes:
        if process.key.rung and process.state is State.STOPPED:
            continue  # it is not needed
        yield from (f"{process.key}: {wrong}" for wrong in _wrong_process(process, alive, wall))
    for one in stream.destinations:
        if not one.on_air:
            yield f"{one.name} is not on air"
        dog = one.watchdog
        if dog is None or not dog.running or dog.verdict is not Verdict.HEALTHY or dog.consecutive_failures:
            yield f"{one.name}: the watchdog says {dog and (dog.running, str(dog.verdict), dog.consecutive_failures)}"


def _wrong_process(process: ProcessSnapshot, alive: set[int], wall: float) -> Iterator[str]:
    if process.state is not State.RUNNING:
        yield f"is {process.state}"
    if process.pid not in alive:
        yield f"has pid {process.pid}, which does not live"
    if process.backoff_seconds or process.retry_at:
        yield f"waits {process.backoff_seconds} s"
    last, speed = process.progress.last_advance, process.progress.speed
    if last is None or abs(wall - last) > 5.0 + max(0.0, 3600.0 * (last > wall)):
        yield f"last advanced {None if last is None else wall - last} s ago"
    if speed is None or not 0.9 <= speed <= 1.1:
        yield f"has speed {speed}"
    if process.budget_remaining != process.policies.restart.attempts and process.started is not None:
        yield f"has {process.budget_remaining} attempts left"
    if process.uplink and not process.uplink.connected:
        yield "is not connected"


def _wrong_stopped(stream: StreamSnapshot) -> Iterator[str]:
    if stream.wanted or stream.on_air:
        yield f"wanted is {stream.wanted}, on air {stream.on_air}"
    if stream.off_air_since or any(stream.incident_open.values()):
        yield "it counts as off air, or has an open incident"
    for process in stream.processes:
        if process.state is not State.STOPPED or process.pid:
            yield f"{process.key} is {process.state}, pid {process.pid}"


def _wrong_dark(stream: StreamSnapshot) -> Iterator[str]:
    if stream.on_air or stream.health is Health.HEALTHY:
        yield f"on air is {stream.on_air}, health {stream.health}"
    if not stream.off_air_since:
        yield "off_air_since is 0"
    if not any(stream.incident_open.values()):
        yield "no incident is open"


class Bounded(Check):
    """What the engine keeps does not grow: sizes at the end are those after two hours."""

    AFTER = 7200.0

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._sizes = Sizes()
        self._then: Mapping[str, int] | None = None

    def minute(self, snapshot: Snapshot) -> None:
        del snapshot
        now = self.world.now
        calm = all(self.scene.is_calm(stream, now, CLOSING) for stream in self.scene.streams)
        if not calm or now < self.AFTER:
            return
        if self._then is None:
            self._then = self._sizes.of(self.world.engine)
        elif now % 3600.0 < _MINUTE:
            self._compare()

    def _compare(self) -> None:
        assert self._then is not None
        for place, size in self._sizes.of(self.world.engine).items():
            allowed = self._sizes.allowed(place, self._then.get(place, 0), len(self.scene.streams))
            if size > allowed:
                self.fail(f"{place} has {size} elements; it had {self._then.get(place, 0)} after two hours")


ALL: tuple[type[Check], ...] = (
    BackInTime,
    PausesAreCapped,
    ToldOnce,
    Quiet,
    InternalErrors,
    OnePublisher,
    TakenOver,
    OneLayer,
    NoActionOnUnknown,
    LineSparesAttempts,
    NothingLeft,
    TimeAddsUp,
    CountersNeverFall,
    GaugesTrue,
    WantedTrue,
    Excused,
    History,
    Bounded,
    *OF_LADDERS,
)
__all__ = ["ALL", "Check", "bound", "counters"]
