"""What was found out about an incident, and which of it gives the incident its name. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.model.content import DEFECTS
from supervisor.model.incidents import Finding
from supervisor.model.terms import ExitCause, Segment, Trouble

MOST = 30
WHILE_MEDIA_FLOWS = frozenset({Trouble.SLOW, Trouble.BITRATE_LOW, Trouble.LIMIT, Trouble.BACKLOG, Trouble.AV_OFFSET})
# These say that something failed, and not why: what is found next in the same darkness may be the reason.
VAGUE = frozenset({ExitCause.OTHER, Trouble.STALL, Trouble.START_TIMEOUT})
# What lies nearer to the root comes first: a source explains its encoder, a line all that is sent over it.
_FROM_THE_ROOT = (
    Segment.SOURCE,
    Segment.ENCODER,
    Segment.NEVERDARK,
    Segment.NETWORK,
    Segment.UPLINK,
    Segment.PLATFORM,
    Segment.PUSHER,
    Segment.UNKNOWN,
)
# A backlog costs a connection, and so what follows.
_SLIGHT = (WHILE_MEDIA_FLOWS | {Trouble.NOT_WELL_RECEIVED, Trouble.PAGE_NOT_LIVE}) - {Trouble.BACKLOG}


def headline(findings: Sequence[Finding]) -> Finding:
    """The finding that an incident is named after; of equals the oldest.

    What is dark, or of no use to viewers, comes before what is only slow, a cause before its consequences, the root
    before what hangs on it, what says why before what only says that, and a source that is gone before a black one.
    """
    return min(findings, key=_weight)


def _weight(finding: Finding) -> tuple[bool, bool, int, bool, bool]:
    return (
        finding.cause in _SLIGHT,
        finding.consequence,
        _FROM_THE_ROOT.index(finding.segment),
        finding.cause in VAGUE,
        finding.cause in DEFECTS,
    )


def add(findings: list[Finding], new: Finding) -> bool:
    """Enter a finding, oldest first. Returns whether it is news: the same again only counts."""
    for place, known in enumerate(findings):
        if _same(known, new):
            findings[place] = known._replace(
                at=min(known.at, new.at),
                times=known.times + new.times,
                consequence=known.consequence and new.consequence,
                said=new.said or known.said,
            )
            findings.sort(key=_when)
            return False
    findings.append(new)
    findings.sort(key=_when)
    if len(findings) > MOST:  # how it began, and the latest, and what it is named after
        named = headline(findings)
        findings.remove([one for one in findings if one is not named][MOST // 2])
    return True


def correct(findings: list[Finding], old: Finding, new: Finding) -> None:
    """More evidence has come in about a finding: it says something else now."""
    findings.remove(old)
    add(findings, new)


def _when(finding: Finding) -> float:
    return finding.at


def _same(one: Finding, other: Finding) -> bool:
    return one[1:6] == other[1:6]
