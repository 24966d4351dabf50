"""One stream: its processes, the order in which they start and stop, and whether it is on air."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from supervisor.desired.plan import ProcessSpec, StreamSpec, Way
from supervisor.judge.on_air import ON_AIR, AirJudgement, Culprit, OnAir, explain, who_is_dark
from supervisor.model import events
from supervisor.model.fallback import source_name
from supervisor.model.policies import Policies
from supervisor.model.snapshot import Refused
from supervisor.model.subjects import Subject
from supervisor.model.terms import Cause, ProcessKey, RestartReason, Role, Segment, State
from supervisor.process.external_slot import ExternalSlot
from supervisor.process.host import Host
from supervisor.process.slot import Slot
from supervisor.secrets.secrecy import Redactor
from supervisor.stream.ladder import Ladder


class Stream:
    """Keeps the processes of one `StreamSpec`. Lives on the engine's loop."""

    def __init__(self, spec: StreamSpec, host: Host) -> None:
        self.spec = spec
        self.subject = Subject(spec.name)
        self.wanted = False
        self.slots: dict[ProcessKey, Slot] = {}
        self.pushers: list[Slot] = []
        self.senders: list[Slot] = []  # whoever connects to an ingest that is known
        self._decisive: list[list[Slot]] = []  # it is on air while of each of these groups somebody advances
        self.air = OnAir(host.loop.time())
        self._host = host
        self._waiting_for_pushers: RestartReason | None = None  # why the encoder's own turn is still to come
        self._waiting_since = 0.0
        self._leaving: set[ProcessKey] = set()
        self.ladder: Ladder | None = None  # where it has fallbacks
        self.wanted_since = 0.0  # monotonic
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
            if not slot.key.rung:
                slot.start()
        if self.ladder:
            self.ladder.begin()

    def take_over(self) -> None:
        """Take over what an earlier neverdark has started, before anything new is."""
        for slot in self._staying():
            if slot.is_to_be_taken_over:
                slot.start()

    def stop(self, why: str, *, force: bool = False) -> None:
        """End it in order: pushers while data still flows, then the encoder."""
        if self.ladder:
            self.ladder.end()
        if self.wanted:
            self._catch_up()
            self.wanted = False
            self.air.time.nobody_wants_it()
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
        if self._replace_encoder(reason):
            return
        self._waiting_for_pushers = reason
        self._waiting_since = self._host.loop.time()
        for slot in self._staying():
            if slot.key.role is Role.PUSHER:
                slot.restart(reason)
        self.settle()

    def _replace_encoder(self, reason: RestartReason) -> bool:
        """Where all is well, the encoder alone is replaced, and no viewer sees it: connections stay."""
        now, encoder = self._host.loop.time(), self.encoder
        if encoder is None or not all(slot.advancing(now) for slot in self.pushers):
            return False
        if self.feeding is encoder:
            return encoder.replace(reason)
        encoder.restart(reason)  # viewers see a fallback meanwhile
        return True

    def _catch_up(self) -> None:
        """What has failed before an order is told before it, or it would seem to be the order's doing."""
        for slot in self.slots.values():
            slot.catch_up()

    def update(self, spec: StreamSpec) -> bool:
        """Take a changed specification; True when anything but its place in the file changed."""
        if spec == self.spec:
            return False
        self._adopt(spec)
        return True

    def _adopt(self, spec: StreamSpec) -> None:
        secrets = self._secrets | spec.secrets  # the run that goes may still say the old ones
        redactor = Redactor(secrets)
        wanted: dict[ProcessKey, ProcessSpec] = {process.key: process for process in spec.processes}
        new = self._make_slots([process for key, process in wanted.items() if key not in self.slots], redactor)
        self.spec, self._secrets = spec, secrets
        self._host.book.tally.know(spec.name, is_command=spec.is_command)
        for key, process in wanted.items():
            if key in self.slots:
                self.slots[key].update(process, redactor)
        self.slots |= new
        self._leaving = {key for key in self.slots if key not in wanted}
        # In the order of the specification, whatever came first.
        self._arrange([self.slots[key] for key in [*wanted, *self._leaving]])
        if self.wanted:
            for key in wanted:
                if not key.rung:
                    self.slots[key].start()
        for key in tuple(self._leaving):
            self.slots[key].stop()
        self.settle()

    def _make_slots(self, processes: Iterable[ProcessSpec], redactor: Redactor) -> dict[ProcessKey, Slot]:
        """Places for new processes: all of them, or none where one cannot be made."""
        slots = dict[ProcessKey, Slot]()
        try:
            for process in processes:
                slots[process.key] = (ExternalSlot if process.external else Slot)(process, redactor, self._host)
        except BaseException:
            for slot in slots.values():
                slot.close()
            raise
        return slots

    def _arrange(self, slots: list[Slot]) -> None:
        self.slots = {slot.key: slot for slot in slots}
        self.pushers = [slot for slot in slots if slot.key.role is Role.PUSHER]
        self.senders = [slot for slot in slots if slot.key.role is Role.PUSHER or slot.spec.observed]
        self._arrange_ladder([slot for slot in slots if slot.key.role is Role.ENCODER])
        if feeding := self.feeding:
            feeding.feed(self.pushers)
        self._decisive = [[slot] for slot in slots] if self.spec.is_command else self._groups()

    def _groups(self) -> list[list[Slot]]:
        """Whose advance makes the stream on air: all that are required, where a pair is one; or if none is, anybody."""
        staying = [slot for slot in self.pushers if slot.key not in self._leaving]
        names = [destination.name for destination in self.spec.destinations if destination.required]
        pair = [name for name in names if name in self.spec.pair]
        groups = [pair, *([name] for name in names if name not in pair)]
        found = [[slot for slot in staying if slot.key.destination in group] for group in groups]
        return [group for group in [*found, *([] if any(found) else [staying])] if group]

    @property
    def unsettled(self) -> bool:
        """Something waits for a process to change its state."""
        return bool(self._waiting_for_pushers or self._leaving)

    def settle(self) -> bool:
        """Called when a process changed its state: what waited for that comes now.

        True when a process is gone for good that is no longer configured.
        """
        removed = [key for key in self._leaving if self._gone(key)]
        for key in removed:
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
                if slot.key.rung and self.wanted:
                    continue
                if self.wanted and slot.key not in self._leaving:
                    for eater in slot.eaters:
                        eater.await_next_run()
                    slot.restart(reason)
                else:
                    # Pushers that had to be killed have used up the time for politeness.
                    late = self._host.loop.time() - self._waiting_since >= slot.spec.policies.stop.kill
                    slot.stop(force=late)
        return bool(removed)

    def close(self) -> None:
        """Let go of everything; all processes are gone."""
        if self.ladder:
            self.ladder.close()
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

    def wants(self, key: ProcessKey) -> bool:
        """Whether a process shall run."""
        return self.wanted and key in self.slots and key not in self._leaving

    def _staying(self) -> list[Slot]:
        return [slot for slot in self.slots.values() if slot.key not in self._leaving]

    @property
    def encoder(self) -> Slot | None:
        """The process that makes media of the stream's own source; None for a command."""
        return next((slot for slot in self.slots.values() if slot.key.role is Role.ENCODER and not slot.key.rung), None)

    # --- which source feeds ------------------------------------------------------------------------

    @property
    def feeding(self) -> Slot | None:
        """The process that makes the media for the pushers in this moment; None for a command."""
        return self.ladder.rungs[self.ladder.feeding] if self.ladder else self.encoder

    def showing(self, cause: Cause) -> Slot | None:
        """The encoder in whose picture or sound that is found; the one that feeds before others."""
        encoders = self.ladder.rungs if self.ladder else [slot for slot in (self.encoder,) if slot]
        bad = [slot for slot in encoders if slot.content and slot.content.shows(cause)]
        return self.feeding if not bad or self.feeding in bad else bad[0]

    def show(self, source: str | None, seconds: float | None, why: str = "operator") -> None:
        """An operator wants viewers to see a source, for so long (None: until another order); None: the best one.

        Raises Refused.
        """
        if self.ladder is None:
            raise Refused("this stream has no fallback")
        names = [source_name(number) for number in range(len(self.ladder.rungs))]
        if source is not None and source not in names:
            raise Refused(f"{source}: expected one of {', '.join(names)}, or auto for the best one")
        if source is not None and not self.wanted:
            raise Refused("the stream is stopped")
        self.ladder.order(names.index(source) if source is not None else None, seconds, why)

    def _feed_from(self, feeding: Slot) -> None:
        for slot in self.slots.values():
            if slot.feeds and slot is not feeding:
                slot.feed(())
        feeding.feed(self.pushers)

    def _arrange_ladder(self, encoders: list[Slot]) -> None:
        policy = self.spec.fallback
        rungs = sorted(encoders, key=lambda slot: slot.key.rung)
        if self.ladder and (policy is None or self.ladder.rungs != tuple(rungs)):
            self.ladder.dissolve()
            self.ladder = None
        if policy is None:
            return
        if self.ladder:
            self.ladder.follow(policy)
            return
        self.ladder = Ladder(self.spec.name, rungs, policy, self._host, self._feed_from)
        if self.wanted:
            self.ladder.begin()

    # --- on air ------------------------------------------------------------------------------------

    def judge(self, now: float) -> AirJudgement:
        """Whether it is on air right now, and if not, because of whom. Changes nothing."""
        if not self.wanted:
            return AirJudgement(wanted=False, on_air=False, planned=True, reason="stopped" if self.gone else "stopping")
        for group in self._decisive:
            if not group[0].advancing(now):
                break
        else:
            return ON_AIR  # as nearly always
        needed = [
            [None if slot.advancing(now) else slot.meter.latest_advance or 0.0 for slot in group]
            for group in self._decisive
        ]
        if (found := who_is_dark(needed)) is None:
            return ON_AIR
        dark = self._decisive[found[0]][found[1]]
        # Who does not advance because its encoder does not is not to blame.
        culprit = dark.feeder if dark.feeder and not dark.feeder.advancing(now) else dark
        last = culprit.meter.latest_advance
        return AirJudgement(
            wanted=True,
            on_air=False,
            planned=culprit.excused,
            segment=self._segment(culprit),
            dark_for=now - max(last, self.wanted_since) if last else 0.0,
            reason=explain(_shown(culprit), now),
        )

    def _segment(self, culprit: Slot) -> Segment:
        if culprit.excused and not self._host.book.open.is_dark(culprit.key):
            return Segment.NEVERDARK
        return self._host.book.open.segment(culprit.key) or culprit.segment

    def account(self, now: float, wall: float, *, excused: bool) -> None:
        """Book the time since the last call as on air or off air, and tell when that changed.

        `excused`: somebody has announced that it may be off air.
        """
        for slot in self.slots.values():
            slot.look(now)
        on_fallback = self.on_fallback  # what is booked is what was seen until now
        if self.ladder:
            self.ladder.account()
            self.ladder.look()
        judged = self.judge(now)
        lasted = self.air.account(judged, now, wall, excused=excused, on_fallback=on_fallback)
        if lasted is not None:
            self._host.tell(events.StreamOnAir(self.spec.name, judged.on_air, judged.reason, lasted, judged.planned))

    def proven(self, of: Callable[[Slot], float]) -> float:
        """What the processes prove that make it on air, if `of` tells what each does."""
        return min((max(map(of, group)) for group in self._decisive), default=0.0)

    @property
    def on_fallback(self) -> bool:
        """Viewers are given another source than the stream's own, if anything."""
        return self.ladder is not None and self.ladder.feeding > 0

    @property
    def on_air(self) -> bool:
        """As far as the latest account knows."""
        return self.air.yes

    def destination_on_air(self, name: str, now: float) -> bool:
        """Whether media reaches one destination, as far as its process knows."""
        sender = self.sender(name)
        return sender is not None and sender.advancing(now)

    # --- the way to a destination ------------------------------------------------------------------

    def sender(self, destination: str) -> Slot | None:
        """The process that sends to a destination."""
        role = Role.COMMAND if self.spec.is_command else Role.PUSHER
        return self.slots.get(ProcessKey(self.spec.name, role, "" if self.spec.is_command else destination))

    def posts(self) -> list[tuple[str, Policies]]:
        """What the second layer looks after: each destination, or, without any, the command itself as ""."""
        if self.spec.destinations:
            return [(destination.name, destination.policies) for destination in self.spec.destinations]
        return [("", process.policies) for process in self.spec.processes]

    def way_to(self, destination: str) -> tuple[Slot, ...]:
        """The processes on the way to a destination: encoder and pusher, or the command. Empty when there is none."""
        sender = self.sender(destination)
        if sender is None:
            return ()
        return (sender.feeder, sender) if sender.feeder else (sender,)

    def policies(self, destination: str) -> Policies:
        """The policies of a post."""
        return dict(self.posts())[destination]

    def ingest(self, destination: str) -> Way | None:
        """Where a destination is connected to by TCP."""
        return next((known.ingest for known in self.spec.destinations if known.name == destination), None)


def _shown(slot: Slot) -> Culprit:
    return Culprit(
        slot.key.name,
        slot.status.state,
        slot.held,
        slot.last_cause,
        slot.last_said,
        slot.status.deadline,
        slot.meter.last_advance,
        slot.spec.awaits if slot.awaits_publisher else None,
    )
