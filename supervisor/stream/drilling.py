"""neverdark's own part of a drill: what only the parent of the processes can break. The rest is `drill.py`'s."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from supervisor.ffmpeg.sources import ServerPlace
from supervisor.machine.faults import FaultFailed
from supervisor.machine.machine import Machine
from supervisor.model.snapshot import Fault, Refused
from supervisor.model.terms import Role
from supervisor.process.slot import Slot
from supervisor.stream.stream import Stream


def cause(
    machine: Machine, fault: Fault, stream: Stream, destination: str | None, sourceless: Callable[[], Sequence[str]]
) -> str:
    """Break the uplink of a destination or the source of a stream; returns in words how.

    `sourceless` makes the command line of an encoder whose source is not there. Raises Refused; nothing is broken then.
    """
    if fault == "uplink":
        return _block_uplink(machine, stream, destination)
    encoder = next((slot for slot in stream.slots.values() if slot.key.role is Role.ENCODER), None)
    if encoder is None or encoder.child is None:
        raise Refused("there is no encoder that reads a source right now")
    place = encoder.spec.source
    if isinstance(place, ServerPlace):
        try:
            victim = machine.block_connection(encoder.child.pid, remote=place.address)
        except FaultFailed:
            pass  # it may be fed another way: then the source is taken away from its next run
        else:
            return f"dropped all that comes in on the source's connection from {victim.remote}"
    encoder.run_once(sourceless())
    return "restarted the encoder for one run with a source that is not there"


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
