"""Evidence → verdict, one function a check and one table of them. Pure.

A check that does not apply to a destination finds nothing (None); one that cannot tell says `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from supervisor.judge.content import ContentEvidence
from supervisor.lifecycle.pauses import fed_enough
from supervisor.model.platforms import Opinion
from supervisor.model.policies import LimitsPolicy
from supervisor.model.terms import Cause, Check, ExitCause, Reach, Role, State, Trouble, Verdict
from supervisor.model.thresholds import ON_AIR_SECONDS

_APART = 2.0  # seconds; sound may be a second early or late while it waits to be sent


class Life(StrEnum):
    """What the kernel says of a process."""

    RUNNING = "running"
    STOPPED = "stopped"
    ZOMBIE = "zombie"
    GONE = "gone"


class ProcessEvidence(NamedTuple):
    """One process on the way to a destination. `cpu` is in cores, `memory` in bytes; None: not known."""

    role: Role
    state: State
    life: Life | None
    cpu: float | None
    memory: int | None
    limits: LimitsPolicy


class UplinkEvidence(NamedTuple):
    """The connection to the ingest; `silent` is how many seconds data has waited without an acknowledgement."""

    connected: bool
    silent: float
    timeout: float


class DestinationEvidence(NamedTuple):
    """What is known of the way to one destination, at one moment. Durations are seconds.

    `silent` lies since media last advanced there (None: never), `reader_silent` since the encoder last did, `waited`
    since media should have come. `fed` is what a pusher was given to send since it last advanced (None: it is not fed).
    `speed` (media seconds a second) and `bitrate` (bits a second) are those of late. `ingest` and `source` are the
    latest probes; they are made only while nothing advances.
    """

    processes: tuple[ProcessEvidence, ...]
    wanted: bool = True
    tracked: bool = True
    silent: float | None = None
    reader_silent: float | None = None
    fed: float | None = None
    waited: float = 0.0
    usual: float = 0.0  # seconds of silence that the source is known for
    backlog: float = 0.0
    encodes_late: bool = False  # that is because its sender encodes, and not because of the line
    av_offset: float | None = None
    startup: float = 30.0
    timeout: float = 10.0
    speed: float | None = None
    bitrate: float | None = None
    limits: LimitsPolicy = LimitsPolicy()
    shared: bool = False  # the encoder serves other destinations, too
    uplink: UplinkEvidence | None = None
    has_ingest: bool = False
    ingest: Reach | None = None
    has_source: bool = False
    source_delivers: bool = False  # the encoder advances
    source: Reach | None = None
    source_refuses: bool = False  # and must not be asked more often than it is anyway
    profiled: bool = False  # something is expected of what is sent
    conforms: bool | None = None  # and it is so
    content: ContentEvidence | None = None  # None: nobody looks at picture and sound
    platform: Mapping[Check, Opinion] = {}  # what the platform says of what it receives, and of what viewers see

    @property
    def advances(self) -> bool:
        """Media reaches the destination, as far as its process tells."""
        return self.silent is not None and self.silent <= ON_AIR_SECONDS + self.usual


class Judgement(NamedTuple):
    """What a check found; `cause` and `role` name the trouble and whose it is, where it is one.

    `told_only`: somebody should know, and no restart could change it.
    """

    verdict: Verdict
    cause: Cause | None = None
    role: Role | None = None
    told_only: bool = False


_HEALTHY, _UNKNOWN = Judgement(Verdict.HEALTHY), Judgement(Verdict.UNKNOWN)
_WORST = (Verdict.UNHEALTHY, Verdict.DEGRADED, Verdict.UNKNOWN, Verdict.HEALTHY)
_BADNESS = {verdict: -rank for rank, verdict in enumerate(_WORST)}


def _process(evidence: DestinationEvidence) -> Judgement:
    return max((_one_process(process) for process in evidence.processes), key=lambda found: _BADNESS[found.verdict])


def _one_process(process: ProcessEvidence) -> Judgement:
    if process.state in {State.BACKOFF, State.COOLDOWN}:
        return Judgement(Verdict.UNHEALTHY, None, process.role)  # the process manager knows why
    if process.state is not State.RUNNING or process.life is None:
        return _UNKNOWN
    if process.life is Life.STOPPED:
        return Judgement(Verdict.UNHEALTHY, Trouble.STALL, process.role)
    if process.life is not Life.RUNNING:
        return Judgement(Verdict.UNHEALTHY, ExitCause.OTHER, process.role)
    limits = process.limits
    if (limits.memory is not None and process.memory is not None and process.memory > limits.memory) or (
        limits.cpu is not None and process.cpu is not None and process.cpu > limits.cpu
    ):
        return Judgement(Verdict.UNHEALTHY, Trouble.LIMIT, process.role)
    return _HEALTHY


def _progress(evidence: DestinationEvidence) -> Judgement:
    if not evidence.tracked:
        # Alive is all that it can show; but if it is known where it should be connected to, it should be.
        return _HEALTHY if evidence.advances and _is_connected(evidence) else _UNKNOWN
    if not evidence.advances:
        return _darkness(evidence)
    reader = evidence.processes[0].role
    limits = evidence.limits
    if evidence.speed is not None and limits.speed is not None and evidence.speed < limits.speed:
        return Judgement(Verdict.DEGRADED, Trouble.SLOW, reader)
    if evidence.encodes_late and evidence.backlog > limits.backlog:
        return Judgement(Verdict.DEGRADED, Trouble.SLOW, evidence.processes[-1].role)
    if evidence.bitrate is not None and limits.bitrate is not None and evidence.bitrate < limits.bitrate:
        # What the other destinations get in full is not the encoder's fault.
        return Judgement(
            Verdict.DEGRADED, Trouble.BITRATE_LOW, evidence.processes[-1].role if evidence.shared else reader
        )
    return _HEALTHY


def _is_connected(evidence: DestinationEvidence) -> bool:
    return evidence.uplink is None or evidence.uplink.connected


def _darkness(evidence: DestinationEvidence) -> Judgement:
    """Nothing reaches the destination. Judge whether for too long, and who had something to do and did not."""
    first, last = evidence.processes[0], evidence.processes[-1]
    began = evidence.silent is not None
    limit, cause = (evidence.timeout, Trouble.STALL) if began else (evidence.startup, Trouble.START_TIMEOUT)
    limit += evidence.usual
    if (evidence.waited if evidence.silent is None else evidence.silent) < limit:
        return _UNKNOWN
    mine = evidence.fed is None or fed_enough(evidence.fed, limit)
    silent = evidence.waited if evidence.reader_silent is None else evidence.reader_silent
    culprit = last if mine else first
    if culprit.state is State.STARTING or (not mine and silent < limit):
        return _UNKNOWN  # a start has a deadline of its own
    return Judgement(Verdict.UNHEALTHY, cause, culprit.role)


def _uplink(evidence: DestinationEvidence) -> Judgement | None:
    uplink = evidence.uplink
    if uplink is None:
        return None
    if not uplink.connected:
        return _UNKNOWN
    sender = evidence.processes[-1].role
    if uplink.silent >= uplink.timeout:
        return Judgement(Verdict.UNHEALTHY, Trouble.UPLINK_BLOCKED, sender)
    # The line carries less than the stream needs, unless there is not more to carry.
    if evidence.backlog > evidence.limits.backlog and not evidence.encodes_late:
        return Judgement(Verdict.DEGRADED, Trouble.BACKLOG, sender)
    return Judgement(Verdict.DEGRADED) if uplink.silent >= uplink.timeout / 2 else _HEALTHY


def _conformance(evidence: DestinationEvidence) -> Judgement | None:
    """Whether what leaves is as it should be: the sound beside the picture, and both as its profile wants them."""
    if evidence.processes[-1].role is not Role.PUSHER and not evidence.profiled:
        return None
    if not evidence.advances:
        return _UNKNOWN
    if evidence.av_offset is not None and abs(evidence.av_offset) > _APART:
        return Judgement(Verdict.DEGRADED, Trouble.AV_OFFSET, Role.PUSHER)
    if evidence.conforms is False:
        return Judgement(Verdict.DEGRADED, told_only=True)
    if evidence.profiled:
        return _HEALTHY if evidence.conforms else _UNKNOWN
    return _UNKNOWN if evidence.av_offset is None else _HEALTHY


def _content(evidence: DestinationEvidence) -> Judgement | None:
    """What viewers see and hear. It is their source's, as a rule: whether a restart may follow, the owner says."""
    content = evidence.content
    if content is None:
        return None
    if not evidence.source_delivers:
        return _UNKNOWN
    bad = content.verdict in {Verdict.DEGRADED, Verdict.UNHEALTHY}
    return Judgement(content.verdict, content.cause, Role.ENCODER) if bad else Judgement(content.verdict)


def _of_platform(check: Check) -> Callable[[DestinationEvidence], Judgement | None]:
    """What a platform says is mended there, if it can be: never by a restart from here."""

    def judge(evidence: DestinationEvidence) -> Judgement | None:
        opinion = evidence.platform.get(check)
        return None if opinion is None else Judgement(opinion.verdict, opinion.cause, told_only=True)

    return judge


def _network(evidence: DestinationEvidence) -> Judgement | None:
    if not evidence.has_ingest:
        return None
    if evidence.advances and (evidence.tracked or _is_connected(evidence)):
        return _HEALTHY  # what is sent arrives: no probe could tell more
    return _by_reach(evidence.ingest)


def _source(evidence: DestinationEvidence) -> Judgement | None:
    if not evidence.has_source:
        return None
    if evidence.source_delivers:
        return _HEALTHY
    if evidence.source_refuses:
        return Judgement(Verdict.UNHEALTHY)
    if evidence.source is Reach.CLOSED or (evidence.source and evidence.source.works):
        return _UNKNOWN  # it is there and gives us nothing: its door tells nothing of its picture
    return _by_reach(evidence.source)


def _by_reach(reach: Reach | None) -> Judgement:
    if reach is None:
        return _UNKNOWN
    return _HEALTHY if reach.works else Judgement(Verdict.UNHEALTHY)


_SEEN: Mapping[Reach, str] = {
    Reach.ANSWERS: "it answers",
    Reach.ACCEPTS: "it is there",
    Reach.SILENT: "it takes the connection and does not answer",
    Reach.CLOSED: "it takes the connection and hangs up",
    Reach.REFUSED: "it is missing or refuses",
    Reach.TIMEOUT: "no answer in time",
    Reach.NO_ROUTE: "no way to it",
    Reach.UNRESOLVED: "its name has no address",
}

CHECKS: Mapping[Check, Callable[[DestinationEvidence], Judgement | None]] = {
    Check.PROCESS: _process,
    Check.PROGRESS: _progress,
    Check.UPLINK: _uplink,
    Check.NETWORK: _network,
    Check.SOURCE: _source,
    Check.CONFORMANCE: _conformance,
    Check.CONTENT: _content,
    **{check: _of_platform(check) for check in (Check.YOUTUBE_PAGE, Check.YOUTUBE_STREAM, Check.YOUTUBE_BROADCAST)},
}
# Without an answer from these nothing can be called healthy; the others are silent while nobody needs to ask.
_NEEDED = frozenset({Check.PROCESS, Check.PROGRESS})


def examine(evidence: DestinationEvidence) -> dict[Check, Judgement]:
    """What every check that applies finds."""
    if not evidence.wanted:
        return {check: _UNKNOWN for check, look in CHECKS.items() if look(evidence) is not None}
    return {check: found for check, look in CHECKS.items() if (found := look(evidence)) is not None}


def recoverable(findings: Mapping[Check, Judgement], evidence: DestinationEvidence) -> Mapping[Check, Judgement]:
    """What a recovery action may follow from: a dark night is no reason for a restart unless its owner says so."""
    told = {*evidence.platform}
    if evidence.content is not None and not evidence.content.restart:
        told.add(Check.CONTENT)
    return {check: found for check, found in findings.items() if check not in told} if told else findings


def seen(check: Check, evidence: DestinationEvidence) -> str | None:
    """What was found, in words, where a check has more to say."""
    if check in evidence.platform:
        return evidence.platform[check].said or None
    if check is Check.CONTENT and evidence.content:
        return evidence.content.said or None
    if check is Check.SOURCE and evidence.source and not evidence.source_delivers:
        return _SEEN[evidence.source] + (", no media comes" if evidence.source.works else "")
    if check is Check.NETWORK and evidence.ingest and not evidence.advances:
        return _SEEN[evidence.ingest]
    return None


def overall(findings: Mapping[Check, Judgement]) -> Verdict:
    """The worst that was found. A source or a way that is broken while media flows is not looked at at all."""
    heard = [
        found.verdict
        for check, found in findings.items()
        if check in _NEEDED or not (found.told_only or found.verdict is Verdict.UNKNOWN)
    ]
    return max(heard, key=_BADNESS.__getitem__)


def trouble(findings: Mapping[Check, Judgement]) -> Judgement | None:
    """The first finding that names a cause, in the order of the table; None when the process manager knows it."""
    return next((found for found in findings.values() if found.cause is not None), None)
