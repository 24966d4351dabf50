"""Which segment of the path broke: a pure function of the evidence."""

from __future__ import annotations

from typing import NamedTuple

from supervisor.model.content import DEFECTS
from supervisor.model.platforms import OF_PLATFORMS
from supervisor.model.terms import Cause, ExitCause, Reach, Role, Segment, Trouble


class FailureEvidence(NamedTuple):
    """What is known of one failure of one process; None is "nobody has looked".

    `answered`: its last words show that a machine out there answered, if only to refuse. `connected`: its connection to
    the ingest stood. `reported`: it was alive enough to report that nothing advanced. `stopped`: somebody had stopped
    it by a signal. `live`: what it sends comes from outside, where waiting is all that one can do. `idle`: it had had
    nothing to send for long. `configured`: it was asked for what cannot be. The rest are probes: how far they got on
    their way to the ingest, to the reference host, to the source.
    """

    role: Role
    cause: Cause | None = None
    answered: bool = False
    connected: bool = False
    reported: bool = False
    stopped: bool = False
    live: bool = False
    idle: bool = False
    configured: bool = False
    ingest: Reach | None = None
    reference: Reach | None = None
    source: Reach | None = None


_SOURCE = frozenset(
    {ExitCause.SOURCE_UNREACHABLE, ExitCause.SOURCE_REFUSED, ExitCause.SOURCE_ENDED, Trouble.CLOCK_JUMPED, *DEFECTS}
)
_SENDING = frozenset(
    {
        ExitCause.INGEST_UNREACHABLE,
        ExitCause.INGEST_REFUSED,
        ExitCause.INGEST_CLOSED,
        Trouble.UPLINK_BLOCKED,
        Trouble.BACKLOG,
        Trouble.NETWORK_DOWN,
    }
)
# A source that is not there explains these; a process that somebody killed explains itself.
_EXPLAINED_BY_SOURCE = frozenset({Trouble.STALL, Trouble.START_TIMEOUT, ExitCause.OTHER})
# An ingest hangs up on who sends nothing.
_EXPLAINED_BY_SILENCE = frozenset({ExitCause.INGEST_CLOSED, ExitCause.OTHER, Trouble.UPLINK_BLOCKED})
_OWN = {Role.ENCODER: Segment.ENCODER, Role.PUSHER: Segment.PUSHER, Role.COMMAND: Segment.ENCODER}


def segment_of(evidence: FailureEvidence) -> Segment:  # noqa: PLR0911 - one line a rule
    """The segment to which the evidence points.

    A process that died by itself, or has just fallen silent (no cause yet), is its own. What sends is judged by how it
    failed and by what a probe found on the same way; what reads, by its words and by whether it was alive.
    """
    if evidence.configured:  # how the tracks are made is the encoder's business, whoever finds out
        return Segment.ENCODER
    if evidence.cause in OF_PLATFORMS:
        return Segment.PLATFORM
    if evidence.cause in _SOURCE:
        return Segment.SOURCE
    if evidence.idle and evidence.cause in _EXPLAINED_BY_SILENCE and _way(evidence) is None:
        return Segment.SOURCE if evidence.live else Segment.ENCODER
    if evidence.cause in _SENDING or (evidence.role is Role.PUSHER and evidence.cause is Trouble.START_TIMEOUT):
        return _on_the_way(evidence)
    if evidence.role is Role.ENCODER and evidence.cause in _EXPLAINED_BY_SOURCE:
        return _reading(evidence)
    if evidence.role is Role.COMMAND and evidence.cause is Trouble.START_TIMEOUT:
        return _way(evidence) or _OWN[evidence.role]
    return _OWN[evidence.role]


def _reading(evidence: FailureEvidence) -> Segment:
    if evidence.stopped:
        return Segment.ENCODER
    # A camera that hangs up on a question of ours may just dislike the question.
    if evidence.source is not None and not evidence.source.works and evidence.source is not Reach.CLOSED:
        return Segment.SOURCE
    never_began = evidence.cause is Trouble.START_TIMEOUT
    starved = evidence.cause is Trouble.STALL and (evidence.reported or evidence.live)
    return Segment.SOURCE if never_began or starved else Segment.ENCODER


def _on_the_way(evidence: FailureEvidence) -> Segment:
    way = _way(evidence)
    if way in {Segment.NETWORK, Segment.PLATFORM}:
        return way
    match evidence.cause:
        case Trouble.UPLINK_BLOCKED | Trouble.BACKLOG:
            return Segment.UPLINK
        case ExitCause.INGEST_REFUSED | ExitCause.INGEST_CLOSED:
            return Segment.PLATFORM
        case ExitCause.INGEST_UNREACHABLE:
            return Segment.PLATFORM if evidence.answered else Segment.NETWORK
        case Trouble.START_TIMEOUT:  # it never got to send: somebody accepted and kept silent, or nobody was there
            return Segment.PLATFORM if evidence.connected or evidence.ingest else Segment.NETWORK
        case _:
            return Segment.NETWORK


def _way(evidence: FailureEvidence) -> Segment | None:
    """What a probe of the way to the ingest says; None: it is open, or nobody has looked."""
    if evidence.ingest is None:
        return None
    if not evidence.ingest.line_is_up:
        theirs = evidence.reference is not None and evidence.reference.line_is_up
        return Segment.PLATFORM if theirs else Segment.NETWORK
    return Segment.PLATFORM if evidence.ingest is Reach.REFUSED else None
