"""Which ingests and sources a process gives reason to probe. Acts on nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from supervisor.desired.plan import Way
from supervisor.ffmpeg.sources import SourcePlace
from supervisor.model.terms import ExitCause, Role, State, Trouble
from supervisor.watchdog.interfaces import ConnectingProcess

_CONNECTING = 5.0  # seconds: so long a process may try undisturbed
# These point at the way itself, so it is probed at once. After others a retry tells more than a probe would, unless
# none comes for minutes: an ingest that was away for a moment is seen to come back only if it was seen to be away.
_URGENT = frozenset({Trouble.UPLINK_BLOCKED, ExitCause.INGEST_UNREACHABLE})
_ASKING = _URGENT | {ExitCause.INGEST_CLOSED, ExitCause.OTHER, Trouble.START_TIMEOUT, Trouble.STALL}


def ways_to_probe(process: ConnectingProcess, is_here: Callable[[str], bool]) -> list[Way]:
    """Where a process connects to, without those of which a probe could tell nothing new.

    Whether one of this machine's own (`is_here`) listens can be seen without a connection (`UplinkWatch`).
    """
    return [way for way in process.spec.ingests if not (process.evidence.answered and is_here(way.address.host))]


def questions_of(
    process: ConnectingProcess, now: float, is_here: Callable[[str], bool]
) -> Iterator[tuple[Way | SourcePlace, bool]]:
    """What a process that does not advance gives reason to probe, and whether that is urgent.

    What is connecting just now is left alone for a moment. A pusher that gets no media says nothing of its ingest.
    """
    status = process.status
    if not status.wanted or process.advancing(now) or status.state in {State.STOPPING, State.STOPPED}:
        return
    trying = status.state is State.STARTING and now - status.since < _CONNECTING
    if process.key.role is Role.ENCODER:
        if process.spec.source and not trying:
            yield process.spec.source, False
        return
    starved = process.feeder is not None and not process.feeder.advancing(now)
    if trying:
        return
    waiting = status.state in {State.BACKOFF, State.COOLDOWN} and process.last_cause in _ASKING
    connecting = status.state is State.STARTING and not starved
    if waiting or connecting:
        for way in ways_to_probe(process, is_here):
            yield way, process.last_cause in _URGENT or status.state is State.COOLDOWN
