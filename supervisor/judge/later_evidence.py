"""What a probe finds after a failure corrects what was found about it. Pure; times are monotonic seconds."""

from __future__ import annotations

from supervisor.judge import findings
from supervisor.judge.incident import Member, OpenIncident
from supervisor.model.incidents import Finding
from supervisor.model.subjects import Subject
from supervisor.model.terms import Cause, ExitCause, ProcessKey, Segment, Trouble

# The evidence may change while more comes in: until media advances again, or for so long.
SETTLES = 30.0


def correct(
    incident: OpenIncident, key: ProcessKey, segment: Segment, cause: Cause | None, said: str | None, now: float
) -> None:
    """Correct the finding about a process; after its darkness is settled only for words that tell more.

    `cause` is None where the evidence says nothing of it.
    """
    member, subject = incident.members[key], Subject.of(key)
    named = incident.named_after
    finding = named if named.concerns(subject) else incident.found(subject)
    if incident.settled and said is None:  # but a process that has just failed once more did so for a new reason
        if not _failed_lately(member, now):
            return
        finding = incident.found(subject)
    if finding:
        known = cause or _without_the_line(member, finding, segment)
        if known is Trouble.NETWORK_DOWN and finding.cause is not known:
            member.failed_of = finding.cause
        same = known is finding.cause
        new = finding._replace(segment=segment, cause=known, said=said or (finding.said if same else None))
        findings.correct(incident.findings, finding, new)


def _without_the_line(member: Member, finding: Finding, segment: Segment) -> Cause:
    """The cause as it is known. That our line was down is none any more when something else turns out to be broken."""
    if finding.cause is not Trouble.NETWORK_DOWN or segment is Segment.NETWORK:
        return finding.cause
    return member.failed_of or ExitCause.INGEST_UNREACHABLE


def _failed_lately(member: Member, now: float) -> bool:
    return member.dark and member.noticed is not None and now - member.noticed < SETTLES
