"""neverdark's own part of a drill: what only the parent of the processes can break. The rest is `drill.py`'s."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from supervisor.desired.excuses import Excuse, Excuses, Kind
from supervisor.ffmpeg.sources import ServerPlace
from supervisor.machine.faults import FaultFailed
from supervisor.machine.machine import Machine
from supervisor.model import events
from supervisor.model.snapshot import Fault, Refused
from supervisor.process.slot import Slot
from supervisor.stream.stream import Stream


class Drills:
    """An operator's orders to break something."""

    def __init__(
        self, machine: Machine, excuses: Excuses, sourceless: Callable[[str], Sequence[str]], tell: events.Tell
    ) -> None:
        """`sourceless` makes the command line of a stream's encoder whose source is not there."""
        self._machine = machine
        self._excuses = excuses
        self._sourceless = sourceless
        self._tell = tell

    def order(self, stream: Stream, seconds: float, fault: Fault | None, destination: str | None) -> None:
        """For `seconds`, what fails is a drill; `fault` is broken. 0 seconds end a drill. Raises Refused."""
        subject, now, how = stream.subject, self._machine.now(), None
        if not seconds:
            self._excuses.end(subject, Kind.DRILL)
            self._tell(events.DrillAnnounced(stream.spec.name, seconds, None))
            return
        if not stream.spec.drills:
            raise Refused("drills are switched off for this stream (drills: false)")
        if self._excuses.covers(subject, {Kind.DRILL}, now):
            raise Refused("another drill of this stream is under way")
        if fault:
            if not stream.judge(now).on_air:
                raise Refused("the stream is not on air: a drill would prove nothing")
            how = self._cause(fault, stream, destination)
        self._excuses.open(Excuse(Kind.DRILL, subject, now, now + seconds, "operator", how or "announced"))
        self._tell(events.DrillAnnounced(stream.spec.name, seconds, how))

    def _cause(self, fault: Fault, stream: Stream, destination: str | None) -> str:
        """Break the uplink of a destination, or take a stream's own source away; returns in words how.

        Raises Refused; nothing is broken then.
        """
        if fault == "uplink":
            return _block_uplink(self._machine, stream, destination)
        if fault == "fallback":
            _expect_fallback(stream)
        encoder = stream.encoder
        if encoder is None or encoder.child is None:
            raise Refused("there is no encoder that reads a source right now")
        place = encoder.spec.source
        if isinstance(place, ServerPlace):
            try:
                victim = self._machine.block_connection(encoder.child.pid, remote=place.address)
            except FaultFailed:
                pass  # it may be fed another way: then the source is taken away from its next run
            else:
                return f"dropped all that comes in on the source's connection from {victim.remote}"
        encoder.run_once(self._sourceless(stream.spec.name))
        return "restarted the encoder for one run with a source that is not there"


def _expect_fallback(stream: Stream) -> None:
    """Raises Refused where no other source would be shown."""
    ladder = stream.ladder
    if ladder is None:
        raise Refused("the stream has no fallback")
    if ladder.order_in_force:
        raise Refused(f"an operator wants viewers to see {ladder.order_in_force.source}: nothing else will be shown")
    if ladder.feeding:
        raise Refused("viewers see a fallback already")


def _block_uplink(machine: Machine, stream: Stream, destination: str | None) -> str:
    name, slot = _sender(stream, destination)
    meter = slot.uplink_to(name)
    if slot.child is None or meter is None or meter.inode is None:
        raise Refused(f"there is no connection to the ingest of {name} right now")
    try:
        victim = machine.block_connection(slot.child.pid, inode=meter.inode)
    except FaultFailed as error:
        raise Refused(str(error)) from None
    return f"dropped all that comes in on the connection to {victim.remote} (pid {victim.pid})"


def _sender(stream: Stream, destination: str | None) -> tuple[str, Slot]:
    """The destination that is meant, or else the first that has a TCP connection to watch, required ones first."""
    known = sorted(stream.spec.destinations, key=lambda one: not one.required)
    for name in [one.name for one in known if destination in {None, one.name}]:
        slot = stream.way_to(name)[-1:]
        if slot and slot[0].uplink_to(name):
            return name, slot[0]
    raise Refused(f"{destination or 'no destination'}: expected a destination that is connected to by TCP")
