"""One stream: its processes, the order in which they start and stop, and whether it is on air."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from supervisor.desired.plan import ProcessSpec, StreamSpec, Way
from supervisor.judge.airtime import AirTime
from supervisor.model import events
from supervisor.model.policies import Policies
from supervisor.model.quantities import show_duration
from supervisor.model.snapshot import DestinationSnapshot, LinkState, StreamSnapshot, UplinkTotals, WatchdogSnapshot
from supervisor.model.terms import Health, ProcessKey, RestartReason, Role, Segment, State, Verdict
from supervisor.process.host import Host
from supervisor.process.slot import Slot
from supervisor.secrets.secrecy import Redactor


class Stream:
    """Keeps the processes of one `StreamSpec`. Lives on the engine's loop."""

    def __init__(self, spec: StreamSpec, host: Host) -> None:
        self.spec = spec
        self.wanted = False
        self.slots: dict[ProcessKey, Slot] = {}
        self.pushers: list[Slot] = []
        self._decisive: list[Slot] = []
        self._all_needed = True
        self.on_air = False
        self.since = 0.0  # wall clock: when on_air last changed
        self._since_now = 0.0
        self._reason: str | None = None
        self._culprit: Slot | None = None  # who keeps it from being on air, at the last account
        self._host = host
        self._waiting_for_pushers: RestartReason | None = None  # why the encoder's own turn is still to come
        self._waiting_since = 0.0
        self._leaving: set[ProcessKey] = set()
        self.wanted_since = 0.0  # monotonic
        self._drill_until = 0.0
        self._air = AirTime(host.loop.time())
        self._secrets: frozenset[str] = frozenset()
        self._adopt(spec)

    # --- orders ------------------------------------------------------------------------------------

    def start(self, why: str) -> None:
        """Let it run: pushers first, so that they listen before the encoder speaks."""
        if not self.wanted:
            self.wanted = True
            self.wanted_since = self._host.loop.time()
            self._host.tell(events.StreamWanted(self.spec.name, wanted=True, why=why))
        self._waiting_for_pushers = None
        for slot in self._staying():
            slot.start()

    def stop(self, why: str, *, force: bool = False) -> None:
        """End it in order: pushers while data still flows, then the encoder."""
        if self.wanted:
            self._catch_up()
            self.wanted = False
            self._air.nobody_wants_it()
            self._host.tell(events.StreamWanted(self.spec.name, wanted=False, why=why))
        if force:
            for slot in self.slots.values():
                slot.stop(force=True)
            return
        self._waiting_for_pushers = RestartReason.OPERATOR
        self._waiting_since = self._host.loop.time()
        for slot in self.pushers:
            slot.stop()
        self.settle()

    def restart(self, reason: RestartReason) -> None:
        """Replace every process on purpose, in the same order; a stopped stream starts."""
        if not self.wanted:
            self.start(str(reason))
            return
        self._catch_up()
        self._waiting_for_pushers = reason
        self._waiting_since = self._host.loop.time()
        for slot in self._staying():
            if slot.key.role is Role.PUSHER:
                slot.restart(reason)
        self.settle()

    def _catch_up(self) -> None:
        """What has failed before an order is told before it, or it would seem to be the order's doing."""
        for slot in self.slots.values():
            slot.catch_up()

    def update(self, spec: StreamSpec) -> bool:
        """Take a changed specification; True when anything but its place in the file changed."""
        if spec == self.spec:
            return False
        self.spec = spec
        self._adopt(spec)
        return True

    def _adopt(self, spec: StreamSpec) -> None:
        self._host.book.tally.know(spec.name, is_command=spec.is_command)
        self._secrets |= spec.secrets  # the run that goes may still say the old ones
        redactor = Redactor(self._secrets)
        wanted: dict[ProcessKey, ProcessSpec] = {process.key: process for process in spec.processes}
        for key, process in wanted.items():
            if key in self.slots:
                self.slots[key].update(process, redactor)
            else:
                self.slots[key] = Slot(process, redactor, self._host)
        self._leaving = {key for key in self.slots if key not in wanted}
        # In the order of the specification, whatever came first.
        self._arrange([self.slots[key] for key in [*wanted, *self._leaving]])
        if self.wanted:
            for key in wanted:
                self.slots[key].start()
        for key in tuple(self._leaving):
            self.slots[key].stop()
        self.settle()

    def _arrange(self, slots: list[Slot]) -> None:
        self.slots = {slot.key: slot for slot in slots}
        self.pushers = [slot for slot in slots if slot.key.role is Role.PUSHER]
        encoder = self._encoder()
        if encoder:
            encoder.feed(self.pushers)
        # Those whose advance makes the stream on air: the required ones, or if none is, any of them.
        staying = [slot for slot in self.pushers if slot.key not in self._leaving]
        names = {destination.name for destination in self.spec.destinations if destination.required}
        required = [slot for slot in staying if slot.key.destination in names]
        self._decisive = slots if self.spec.is_command else required or staying
        self._all_needed = bool(required) or self.spec.is_command

    @property
    def unsettled(self) -> bool:
        """Something waits for a process to change its state."""
        return bool(self._waiting_for_pushers or self._leaving)

    def settle(self) -> None:
        """Called when a process changed its state: what waited for that comes now."""
        for key in [key for key in self._leaving if self._gone(key)]:
            self.slots.pop(key).close()
            self._host.tell(events.ProcessRemoved(key))
            self._leaving.discard(key)
            self._arrange(list(self.slots.values()))
        if (
            not self.wanted
        ):  # who has nothing to wait for, or died while it waited, need not be brought back for its turn
            waiting = {State.BACKOFF, State.COOLDOWN}
            for slot in [slot for slot in self.slots.values() if slot.status.state in waiting]:
                slot.stop()
        pushers_stopping = any(slot.status.state is State.STOPPING for slot in self.pushers)
        if self._waiting_for_pushers and not pushers_stopping:
            reason, self._waiting_for_pushers = self._waiting_for_pushers, None
            for slot in [slot for slot in self.slots.values() if slot.key.role is not Role.PUSHER]:
                if self.wanted and slot.key not in self._leaving:
                    for eater in slot.eaters:
                        eater.await_next_run()
                    slot.restart(reason)
                else:
                    # Pushers that had to be killed have used up the time for politeness.
                    late = self._host.loop.time() - self._waiting_since >= slot.spec.policies.stop.kill
                    slot.stop(force=late)

    def close(self) -> None:
        """Let go of everything; all processes are gone."""
        for slot in self.slots.values():
            slot.close()
        self.slots.clear()

    @property
    def gone(self) -> bool:
        """No process is left."""
        return all(self._gone(key) for key in self.slots)

    def _gone(self, key: ProcessKey) -> bool:
        slot = self.slots[key]
        return slot.status.state is State.STOPPED and not slot.alive

    def _along_the_path(self) -> list[Slot]:
        """Who encodes comes before who sends, as the media does."""
        return sorted(self.slots.values(), key=lambda slot: slot.key.role is Role.PUSHER)

    def wants(self, key: ProcessKey) -> bool:
        """Whether a process shall run."""
        return self.wanted and key in self.slots and key not in self._leaving

    def _staying(self) -> list[Slot]:
        return [slot for slot in self.slots.values() if slot.key not in self._leaving]

    def _encoder(self) -> Slot | None:
        return next((slot for slot in self.slots.values() if slot.key.role is Role.ENCODER), None)

    # --- on air ------------------------------------------------------------------------------------

    def destination_on_air(self, name: str, now: float) -> bool:
        """Whether media reaches one destination, as far as its process knows."""
        sender = self._sender(name)
        return sender is not None and sender.advancing(now)

    def _sender(self, name: str) -> Slot | None:
        """The process that sends to a destination."""
        role = Role.COMMAND if self.spec.is_command else Role.PUSHER
        return self.slots.get(ProcessKey(self.spec.name, role, "" if self.spec.is_command else name))

    def _uplink_of(self, name: str) -> UplinkTotals | None:
        sender = self._sender(name)
        if sender is None:
            return None
        meter = sender.observed.get(name) if self.spec.is_command else sender.uplink
        return meter.totals if meter else None

    def _drops_of(self, name: str) -> int | None:
        sender = self._sender(name)
        return sender.intake.drops if sender and sender.intake else None

    def _link_of(self, name: str, now: float) -> LinkState | None:
        sender = self._sender(name)
        if sender is None or sender.intake is None:
            return None
        limit = sender.spec.policies.limits.backlog
        return LinkState(sender.backlog, limit, sender.intake.offset(now), sender.intake.overruns)

    def _dark(self, now: float) -> Slot | None:
        """Who, if anybody, keeps the stream from being on air. Where no destination is required, any will do."""
        dark = [slot for slot in self._decisive if not slot.advancing(now)]
        return dark[0] if dark and (self._all_needed or len(dark) == len(self._decisive)) else None

    def _blame(self, dark: Slot, now: float) -> Slot:
        """Who it is because of that `dark` does not advance: its encoder, if that does not advance either."""
        return dark.feeder if dark.feeder and not dark.feeder.advancing(now) else dark

    def _explain(self, now: float) -> str | None:
        """Why the stream is not on air, in words."""
        if not self.wanted:
            return "stopped" if self.gone else "stopping"
        slot = self._culprit
        if slot is None:
            return None
        state = slot.status.state
        cause = f" after {slot.last_cause}" if slot.last_cause else ""
        if cause and slot.last_said:
            cause += f" ({slot.last_said})"
        if slot.held:
            return f"{slot.key.name}: waits for another process that does the same to be gone"
        if state in {State.BACKOFF, State.COOLDOWN}:
            left = show_duration(max(0.0, (slot.status.deadline or now) - now))
            return f"{slot.key.name}: {state}{cause}, next attempt in {left}"
        if state is State.RUNNING and slot.meter.last_advance is not None:
            return f"{slot.key.name}: no progress for {show_duration(now - slot.meter.last_advance)}"
        return f"{slot.key.name}: {state}{cause}"

    def account(self, now: float, wall: float) -> None:
        """Book the time since the last call as on air or off air, and tell when that changed."""
        for slot in self.slots.values():
            slot.look(now)
        dark = self._dark(now)
        self._culprit = culprit = dark and self._blame(dark, now)
        on_air = self.wanted and dark is None
        self._air.account(
            now, wanted=self.wanted, on_air=on_air, segment=self._segment(), maintenance=self.drilling(now)
        )
        excused = not self.wanted or (culprit is not None and culprit.excused)
        if self.wanted:
            last = culprit.meter.latest_advance if culprit else None
            dark_for = now - max(last, self.wanted_since) if last else 0.0
            self._air.note_darkness(now, on_air=on_air, excused=excused, media_stopped=wall - dark_for)
        self._reason = None if on_air else self._explain(now)
        if on_air != self.on_air or not self.since:
            lasted = now - self._since_now if self.since else 0.0
            if self.on_air or on_air:
                self._host.tell(events.StreamOnAir(self.spec.name, on_air, self._reason, lasted, excused))
            self.on_air, self.since, self._since_now = on_air, wall, now

    def _note(self) -> str | None:
        encoder = self._encoder()
        return encoder.source.note if self.wanted and encoder and encoder.source else None

    def _segment(self) -> Segment:
        slot = self._culprit
        if slot is None:
            return Segment.UNKNOWN
        if slot.excused and not self._host.book.is_dark(slot.key):
            return Segment.NEVERDARK
        return self._host.book.segment(slot.key) or slot.segment

    def _health(self, now: float, verdicts: Collection[Verdict]) -> Health:
        """`verdicts` are the second layer's latest."""
        if not self.wanted:
            return Health.UNKNOWN
        if self._culprit:
            return Health.UNKNOWN if self._culprit.excused else Health.UNHEALTHY
        every = all(self.destination_on_air(destination.name, now) for destination in self.spec.destinations)
        doubt = {Verdict.DEGRADED, Verdict.UNHEALTHY} & {*verdicts}
        return Health.HEALTHY if every and not doubt else Health.DEGRADED

    # --- drills ------------------------------------------------------------------------------------

    def drilling(self, now: float) -> bool:
        """What fails now was announced."""
        return now < self._drill_until

    def announce_drill(self, seconds: float) -> None:
        """For so many seconds, what fails is a drill."""
        self._drill_until = self._host.loop.time() + seconds

    # --- the second layer --------------------------------------------------------------------------

    def posts(self) -> list[tuple[str, Policies]]:
        """What the second layer looks after: each destination, or, without any, the command itself as ""."""
        if self.spec.destinations:
            return [(destination.name, destination.policies) for destination in self.spec.destinations]
        return [("", process.policies) for process in self.spec.processes]

    def way_to(self, destination: str) -> tuple[Slot, ...]:
        """The processes on the way to a destination: encoder and pusher, or the command. Empty when there is none."""
        sender = self._sender(destination)
        if sender is None:
            return ()
        return (sender.feeder, sender) if sender.feeder else (sender,)

    def policies(self, destination: str) -> Policies:
        """The policies of a post."""
        return dict(self.posts())[destination]

    def ingest(self, destination: str) -> Way | None:
        """Where a destination is connected to by TCP."""
        return next((known.ingest for known in self.spec.destinations if known.name == destination), None)

    # --- what it shows -----------------------------------------------------------------------------

    def snapshot(
        self,
        now: float,
        wall: float,
        open_segments: Mapping[Segment, int],
        watchdog: Callable[[str], WatchdogSnapshot | None],
    ) -> StreamSnapshot:
        """The stream as the outside may see it, right now."""
        self.account(now, wall)
        watched = {name: watchdog(name) for name, _ in self.posts()}
        sums = self._host.book.tally.know(self.spec.name, is_command=self.spec.is_command)
        return StreamSnapshot(
            name=self.spec.name,
            wanted=self.wanted,
            on_air=self.on_air,
            verified=bool(self.spec.destinations) or any(process.tracked for process in self.spec.processes),
            reason=self._reason,
            note=self._note(),
            health=self._health(now, [known.verdict for known in watched.values() if known]),
            since=self.since,
            origin="file",
            is_command=self.spec.is_command,
            processes=tuple(slot.snapshot(now, wall) for slot in self._along_the_path()),
            destinations=tuple(
                DestinationSnapshot(
                    d.name,
                    d.shown_url,
                    d.required,
                    self.destination_on_air(d.name, now),
                    d.expected_bytes_per_second,
                    (d.policies.limits.bitrate or 0) / 8,
                    self._uplink_of(d.name),
                    self._drops_of(d.name),
                    self._link_of(d.name, now),
                    watched[d.name],
                )
                for d in self.spec.destinations
            ),
            wanted_seconds=self._air.wanted,
            on_air_seconds=self._air.on_air,
            off_air_seconds=self._air.off_air,
            maintenance=self.drilling(now),
            drills=self.spec.drills,
            off_air_since=self._air.off_air_since,
            incident_open=open_segments,
            incidents=sums.incidents,
            recovery_attempts=sums.attempts,
            recovery_results=sums.results,
            last_detection=sums.last_detection,
            last_recovery=sums.last_recovery,
        )
