"""All that look after the streams: what goes on beside their processes, and what acts on what it finds.

Made in one place, of what the engine has; the engine starts them, asks them once a second, and shows what they know.
"""

from __future__ import annotations

from functools import partial

from supervisor.desired.excuses import Excuses, Kind
from supervisor.judge.incidents import Book
from supervisor.machine.machine import Machine
from supervisor.machine.oom import MemoryWatch
from supervisor.model import events
from supervisor.model.facts import Listener
from supervisor.model.subjects import Subject
from supervisor.model.terms import Action, Layer, RestartReason, Segment, Trouble
from supervisor.platforms.interface import Deed, Order, Place
from supervisor.platforms.watch import LoginsOf, PlatformWatch
from supervisor.probes.probes import Probes
from supervisor.process.slot import Slot
from supervisor.stream.configuration import Configuration, Home
from supervisor.stream.elsewhere import Elsewhere
from supervisor.stream.stream import Stream
from supervisor.stream.streams import Streams
from supervisor.watchdog.certificates import CertificateWatch
from supervisor.watchdog.jobs import Job
from supervisor.watchdog.keeper import Keeper
from supervisor.watchdog.leftovers import Leftovers
from supervisor.watchdog.other_publishers import OtherPublishers
from supervisor.watchdog.overlays import OverlayWatch
from supervisor.watchdog.reach_watch import ReachWatch
from supervisor.watchdog.recordings import Recordings
from supervisor.watchdog.refusal_watch import RefusalWatch
from supervisor.watchdog.second_layer import SecondLayer
from supervisor.watchdog.storage import StorageWatch
from supervisor.watchdog.sweep import Sweep
from supervisor.watchdog.uplink_watch import UplinkWatch

_ACKNOWLEDGED_WITHIN = 10.0


class Watches:
    """Who watches, and the book of what is found. `jobs` are to be run, and `look` is to be called every second."""

    def __init__(
        self,
        home: Home,
        machine: Machine,
        probes: Probes,
        streams: Streams,
        excuses: Excuses,
        configuration: Configuration,
        tell: events.Tell,
    ) -> None:
        self._machine = machine
        self._tell = tell
        self.logins_of: LoginsOf = lambda _: {}  # makes those that the configuration asks for
        self._followed: object = None  # the configuration whose logins are asked
        self.platforms = PlatformWatch(machine, self._is_received, self._obey, tell, self._is_soundless)
        self.book = book = Book(lambda name: excuses.covers(Subject(name), {Kind.MAINTENANCE}, machine.now()))
        self._streams = streams
        self._configuration = configuration
        self.elsewhere = Elsewhere(configuration, self._is_taken, machine, tell)
        self._keeper = Keeper(
            machine,
            book,
            tell,
            streams.keys_of,
            lambda name: excuses.covers(Subject(name), {Kind.DRILL}, machine.now()),
            streams.is_off_air,
            streams.wants,
        )
        self._keeper.feeding = streams.feeding
        self.reaches = ReachWatch(
            machine,
            probes,
            streams.slots,
            streams.slot,
            lambda: configuration.loaded.config.network.reference,
            tell,
            self._learned,
        )
        self._leftovers = Leftovers(machine, home.data_dir, lambda: streams)
        self._sweep = Sweep(machine, streams.alive, home.data_dir.mark, tell)
        self.memory = MemoryWatch(machine.out_of_memory_kills)
        self.storage = StorageWatch(machine, tell)
        self._uplinks = UplinkWatch(machine, probes, streams.senders, tell)
        self.others = OtherPublishers(probes, streams.pushers, tell)
        self._certificates = CertificateWatch(probes, streams.slot, book)
        self._overlays = OverlayWatch(machine, streams.slots, tell)
        self.recordings = Recordings(machine, streams.pushers, tell)
        self._refusals = RefusalWatch(probes, streams.slot)
        self.second = SecondLayer(machine, probes, streams, book, self._keeper, self.reaches.reach, tell)
        self.second.opinions = self.platforms.opinions

    @property
    def listeners(self) -> list[Listener]:
        """Those that hear of every fact; who keeps the incidents comes first."""
        return [
            self._keeper,
            self.reaches.hear,
            self._refusals,
            self._leftovers.hear,
            self._certificates,
            self.platforms.hear,
        ]

    @property
    def jobs(self) -> list[Job]:
        """What runs for ever beside the processes."""
        return [
            self._uplinks.run_forever,
            self.reaches.run_forever,
            self._leftovers.run_forever,
            self.others.run_forever,
            self._overlays.run_forever,
            self.platforms.run_forever,
        ]

    def look(self, now: float, wall: float) -> None:
        """Once a second, after the account of every stream."""
        self._keeper.look(partial(self._streams.proof, now=now), now=now, wall=wall)
        self.second.scheduler.look(now)
        self.memory.sample()
        self.recordings.look(now, wall)
        self.elsewhere.look(now)
        self._sweep.look(spare_unknown=self._configuration.reading)
        if (joined := self._configuration.joined) is not self._followed:
            self._followed = joined
            self.platforms.logins = self.logins_of(joined.configs)

    # --- for the platforms -------------------------------------------------------------------------

    def _is_received(self, place: Place) -> bool:
        """The ingest acknowledges what is sent there; where the kernel cannot tell, that it is sent."""
        stream = self._streams.get(place[0])
        return stream is not None and any(self._receives(stream, name) for name in _ways_in(stream, place[1]))

    def _is_taken(self, place: Place) -> bool:
        """The same of this destination alone."""
        stream = self._streams.get(place[0])
        return stream is not None and self._receives(stream, place[1])

    def _is_soundless(self, place: Place) -> bool:
        """No sound leaves beside the picture."""
        stream, now = self._streams.get(place[0]), self._machine.now()
        ways = [stream.way_to(name) for name in _ways_in(stream, place[1])] if stream else []
        found = [way[-1].intake.sounds(now) for way in ways if way and way[-1].intake]
        return False in found and True not in found

    def _receives(self, stream: Stream, name: str) -> bool:
        now = self._machine.now()
        if not stream.wanted or not stream.destination_on_air(name, now):
            return False
        uplink = stream.way_to(name)[-1].uplink_to(name)
        if uplink is None:
            return True
        return uplink.connected and now - (uplink.acknowledged_at or 0.0) < _ACKNOWLEDGED_WITHIN

    def _obey(self, order: Order) -> None:
        """A platform cannot do it itself; what the first layer is at work on is left to it."""
        stream = self._streams.get(order.place[0])
        if stream is None or not stream.wanted:
            return
        names = _ways_in(stream, order.place[1])
        name = next((one for one in names if self._receives(stream, one)), order.place[1])
        moves = order.deed is Deed.OTHER_ADDRESS
        if moves:
            name = order.place[1]
        if not (way := stream.way_to(name)):
            return
        slot = way[0] if order.deed is Deed.RESTART_ENCODER else way[-1]
        if slot.first_layer_at_work:
            return
        action = Action.RESTART_ENCODER if order.deed is Deed.RESTART_ENCODER else Action.RESTART_PUSHER
        now, wall = self._machine.now(), self._machine.wall()
        self._tell(events.RecoveryAttempted(order.place[0], name, 1, action, Segment.PLATFORM))
        self.book.act(slot.key, Layer.PLATFORM, action, now=now, wall=wall)
        self.book.asked(Subject(*order.place), Layer.PLATFORM, action, helped=True, wall=wall)
        if not (moves and self.elsewhere.move(order.place, order.address)):
            slot.recover(RestartReason.WATCHDOG)

    def _learned(self, slot: Slot) -> None:
        """A probe has found something that explains a failure."""
        down = slot.line_is_down() and slot.segment is Segment.NETWORK
        self.book.learn(slot.key, slot.segment, Trouble.NETWORK_DOWN if down else None)


def _ways_in(stream: Stream, name: str) -> list[str]:
    """By which destinations media gets to the place of this one: itself first, and the other of a pair."""
    return [name, *sorted(stream.spec.pair - {name})] if name in stream.spec.pair else [name]
