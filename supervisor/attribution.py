"""Which segment of the path broke, from what is known. Pure."""

from __future__ import annotations

from supervisor.model import ExitCause, RestartReason, Role, Segment

_OF_CAUSE = {
    ExitCause.SOURCE_UNREACHABLE: Segment.SOURCE,
    ExitCause.SOURCE_REFUSED: Segment.SOURCE,
    ExitCause.SOURCE_ENDED: Segment.SOURCE,
    ExitCause.INGEST_UNREACHABLE: Segment.NETWORK,
    ExitCause.INGEST_REFUSED: Segment.PLATFORM,
    ExitCause.INGEST_CLOSED: Segment.PLATFORM,
    RestartReason.UPLINK: Segment.UPLINK,
}
_OF_ROLE = {Role.ENCODER: Segment.ENCODER, Role.PUSHER: Segment.PUSHER, Role.COMMAND: Segment.ENCODER}


def segment_of(role: Role, cause: ExitCause | RestartReason | None) -> Segment:
    """The segment to which a failure of a process of `role` points.

    A process that died by itself, or has just fallen silent (no cause yet), is its own; one that reads a source and
    never began has not got it.
    """
    if cause is RestartReason.START_TIMEOUT and role is Role.ENCODER:
        return Segment.SOURCE
    return _OF_ROLE[role] if cause is None else _OF_CAUSE.get(cause, _OF_ROLE[role])
