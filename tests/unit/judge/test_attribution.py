"""Which segment is blamed: the far end for what it did, a process for dying by itself, a probe's word above both."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.judge.attribution import FailureEvidence, segment_of
from supervisor.model.content import Defect
from supervisor.model.platforms import OF_PLATFORMS
from supervisor.model.terms import Cause, ExitCause, Reach, Role, Segment, Trouble

CAUSES: tuple[Cause | None, ...] = (*ExitCause, *Trouble, None)

# What is blamed when nobody has looked at anything: a cause, then encoder, pusher, command.
_SRC, _ENC, _PSH = Segment.SOURCE, Segment.ENCODER, Segment.PUSHER
_UPL, _NET, _PLT = Segment.UPLINK, Segment.NETWORK, Segment.PLATFORM
BY_CAUSE_ALONE: dict[Cause | None, tuple[Segment, Segment, Segment]] = {
    ExitCause.SOURCE_UNREACHABLE: (_SRC, _SRC, _SRC),
    ExitCause.SOURCE_REFUSED: (_SRC, _SRC, _SRC),
    ExitCause.SOURCE_ENDED: (_SRC, _SRC, _SRC),
    ExitCause.INGEST_UNREACHABLE: (_NET, _NET, _NET),
    ExitCause.INGEST_REFUSED: (_PLT, _PLT, _PLT),
    ExitCause.INGEST_CLOSED: (_PLT, _PLT, _PLT),
    ExitCause.BAD_ARGUMENTS: (_ENC, _PSH, _ENC),
    ExitCause.ENCODER_MISSING: (_ENC, _PSH, _ENC),
    ExitCause.DISK_FULL: (_ENC, _PSH, _ENC),
    ExitCause.OUT_OF_MEMORY: (_ENC, _PSH, _ENC),
    ExitCause.KILLED: (_ENC, _PSH, _ENC),
    ExitCause.STOPPED: (_ENC, _PSH, _ENC),
    ExitCause.OTHER: (_ENC, _PSH, _ENC),
    Trouble.STALL: (_ENC, _PSH, _ENC),
    Trouble.START_TIMEOUT: (_SRC, _NET, _ENC),  # no report at all: an encoder waits for its source in opening it
    Trouble.UPLINK_BLOCKED: (_UPL, _UPL, _UPL),
    Trouble.SLOW: (_ENC, _PSH, _ENC),
    Trouble.BITRATE_LOW: (_ENC, _PSH, _ENC),
    Trouble.LIMIT: (_ENC, _PSH, _ENC),
    Trouble.NETWORK_DOWN: (_NET, _NET, _NET),
    Trouble.BACKLOG: (_UPL, _UPL, _UPL),
    Trouble.AV_OFFSET: (_ENC, _PSH, _ENC),
    Trouble.CLOCK_JUMPED: (_SRC, _SRC, _SRC),
    Trouble.PORT_TAKEN: (_ENC, _PSH, _ENC),
    Trouble.STORAGE: (_ENC, _PSH, _ENC),
    **{defect.cause: (_SRC, _SRC, _SRC) for defect in Defect},  # what viewers see is what the source has
    **dict.fromkeys(sorted(OF_PLATFORMS), (_PLT, _PLT, _PLT)),
    None: (_ENC, _PSH, _ENC),  # it has just fallen silent, and nobody has judged it yet
}
ROLES = (Role.ENCODER, Role.PUSHER, Role.COMMAND)


def test_the_table_names_every_cause_and_every_role() -> None:
    assert set(BY_CAUSE_ALONE) == set(CAUSES)
    assert set(ROLES) == set(Role)


@pytest.mark.parametrize(
    ("role", "cause", "segment"),
    [(role, cause, segment) for cause, row in BY_CAUSE_ALONE.items() for role, segment in zip(ROLES, row, strict=True)],
)
def test_what_a_cause_alone_tells(role: Role, cause: Cause | None, segment: Segment) -> None:
    assert segment_of(FailureEvidence(role, cause)) is segment


UNREACHABLE = FailureEvidence(Role.PUSHER, ExitCause.INGEST_UNREACHABLE)
CLOSED = FailureEvidence(Role.PUSHER, ExitCause.INGEST_CLOSED)
BLOCKED = FailureEvidence(Role.PUSHER, Trouble.UPLINK_BLOCKED)
NEVER_SENT = FailureEvidence(Role.PUSHER, Trouble.START_TIMEOUT)
STARVED = FailureEvidence(Role.ENCODER, Trouble.STALL, reported=True)
FROZEN = FailureEvidence(Role.ENCODER, Trouble.STALL)
NEVER_READ = FailureEvidence(Role.ENCODER, Trouble.START_TIMEOUT)
OWN_PROGRAM = FailureEvidence(Role.COMMAND, ExitCause.INGEST_UNREACHABLE)

REFINED = {
    # --- nothing had come to be sent
    "an ingest hung up on a source that was away": (CLOSED._replace(idle=True, live=True), Segment.SOURCE),
    "by SRT, of which nobody tells the words": (
        CLOSED._replace(cause=ExitCause.OTHER, idle=True, live=True),
        Segment.SOURCE,
    ),
    "a router forgot a connection over which nothing went": (BLOCKED._replace(idle=True, live=True), Segment.SOURCE),
    "an ingest hung up on what is made here": (CLOSED._replace(idle=True), Segment.ENCODER),
    "meanwhile the line was lost, too": (
        CLOSED._replace(idle=True, live=True, ingest=Reach.TIMEOUT),
        Segment.NETWORK,
    ),
    "somebody killed it while it waited": (
        CLOSED._replace(cause=ExitCause.KILLED, idle=True, live=True),
        Segment.PUSHER,
    ),
    # --- unreachable: whose fault is that?
    "its last words show that the server refused the connection": (
        UNREACHABLE._replace(answered=True),
        Segment.PLATFORM,
    ),
    "a probe finds the connection refused": (UNREACHABLE._replace(ingest=Reach.REFUSED), Segment.PLATFORM),
    "refused, and the reference host is away: refusing needs a line": (
        UNREACHABLE._replace(ingest=Reach.REFUSED, reference=Reach.TIMEOUT),
        Segment.PLATFORM,
    ),
    "a probe finds it there again: it was away for a moment": (
        UNREACHABLE._replace(ingest=Reach.ANSWERS),
        Segment.NETWORK,
    ),
    "a timeout, and no reference host": (UNREACHABLE._replace(ingest=Reach.TIMEOUT), Segment.NETWORK),
    "no route, and no reference host": (UNREACHABLE._replace(ingest=Reach.NO_ROUTE), Segment.NETWORK),
    "no address, and no reference host": (UNREACHABLE._replace(ingest=Reach.UNRESOLVED), Segment.NETWORK),
    "a timeout, and the reference host answers": (
        UNREACHABLE._replace(ingest=Reach.TIMEOUT, reference=Reach.ACCEPTS),
        Segment.PLATFORM,
    ),
    "a timeout, and the reference host refuses: our line is up": (
        UNREACHABLE._replace(ingest=Reach.TIMEOUT, reference=Reach.REFUSED),
        Segment.PLATFORM,
    ),
    "no address, and the reference host answers": (
        UNREACHABLE._replace(ingest=Reach.UNRESOLVED, reference=Reach.ANSWERS),
        Segment.PLATFORM,
    ),
    "a timeout, and the reference host does not answer": (
        UNREACHABLE._replace(ingest=Reach.TIMEOUT, reference=Reach.TIMEOUT),
        Segment.NETWORK,
    ),
    "no route to either": (
        UNREACHABLE._replace(ingest=Reach.NO_ROUTE, reference=Reach.NO_ROUTE),
        Segment.NETWORK,
    ),
    "the reference host alone proves nothing about the way to an ingest": (
        UNREACHABLE._replace(reference=Reach.ANSWERS),
        Segment.NETWORK,
    ),
    "a program of the owner's is judged by the same way": (
        OWN_PROGRAM._replace(ingest=Reach.TIMEOUT, reference=Reach.ANSWERS),
        Segment.PLATFORM,
    ),
    # --- closed
    "closed, and nothing answers any more": (
        CLOSED._replace(ingest=Reach.TIMEOUT, reference=Reach.TIMEOUT),
        Segment.NETWORK,
    ),
    "closed, and it answers": (CLOSED._replace(ingest=Reach.ANSWERS), Segment.PLATFORM),
    "closed, and only it is away": (
        CLOSED._replace(ingest=Reach.TIMEOUT, reference=Reach.ANSWERS),
        Segment.PLATFORM,
    ),
    # --- nothing acknowledged
    "blocked, and the ingest answers others": (BLOCKED._replace(ingest=Reach.ANSWERS), Segment.UPLINK),
    "blocked, and the ingest accepts and keeps silent": (BLOCKED._replace(ingest=Reach.SILENT), Segment.UPLINK),
    "blocked, and the ingest hangs up on others": (BLOCKED._replace(ingest=Reach.CLOSED), Segment.UPLINK),
    "blocked, and no packet comes back at all": (BLOCKED._replace(ingest=Reach.TIMEOUT), Segment.NETWORK),
    "blocked, and only that ingest is away": (
        BLOCKED._replace(ingest=Reach.TIMEOUT, reference=Reach.ANSWERS),
        Segment.PLATFORM,
    ),
    "blocked, and nobody listens there any more": (BLOCKED._replace(ingest=Reach.REFUSED), Segment.PLATFORM),
    # --- a pusher that never began
    "it had a connection, on which nothing went": (NEVER_SENT._replace(connected=True), Segment.PLATFORM),
    "the ingest accepts and keeps silent": (NEVER_SENT._replace(ingest=Reach.SILENT), Segment.PLATFORM),
    "the ingest answers, and took nothing from us": (NEVER_SENT._replace(ingest=Reach.ANSWERS), Segment.PLATFORM),
    "no connection, and no way there": (NEVER_SENT._replace(ingest=Reach.TIMEOUT), Segment.NETWORK),
    "no connection, no way there, but elsewhere": (
        NEVER_SENT._replace(ingest=Reach.TIMEOUT, reference=Reach.ANSWERS),
        Segment.PLATFORM,
    ),
    # --- what reads
    "it reports that nothing comes": (STARVED, Segment.SOURCE),
    "it says nothing at all": (FROZEN, Segment.ENCODER),
    "it says nothing at all, and waiting for its source is all that it can do": (
        FROZEN._replace(live=True),
        Segment.SOURCE,
    ),
    "somebody has stopped it by a signal, whatever it reads": (
        FROZEN._replace(stopped=True, live=True, source=Reach.TIMEOUT),
        Segment.ENCODER,
    ),
    "it says nothing at all, and the source is gone": (FROZEN._replace(source=Reach.TIMEOUT), Segment.SOURCE),
    "it says nothing at all, and the source is there": (FROZEN._replace(source=Reach.ANSWERS), Segment.ENCODER),
    "it never began, and the source is there": (NEVER_READ._replace(source=Reach.ANSWERS), Segment.SOURCE),
    "it ended, who knows why, and the source is gone": (
        FailureEvidence(Role.ENCODER, ExitCause.OTHER, source=Reach.REFUSED),
        Segment.SOURCE,
    ),
    "it ended, who knows why, and the source accepts and keeps silent": (
        FailureEvidence(Role.ENCODER, ExitCause.OTHER, source=Reach.SILENT),
        Segment.SOURCE,
    ),
    "it ended, who knows why, and the source hangs up on our question": (
        FailureEvidence(Role.ENCODER, ExitCause.OTHER, source=Reach.CLOSED),
        Segment.ENCODER,
    ),
    "it ended, who knows why, and the source is there": (
        FailureEvidence(Role.ENCODER, ExitCause.OTHER, source=Reach.ACCEPTS),
        Segment.ENCODER,
    ),
    "somebody killed it, and the source happens to be gone": (
        FailureEvidence(Role.ENCODER, ExitCause.KILLED, source=Reach.TIMEOUT),
        Segment.ENCODER,
    ),
    "a program of the owner's that reports and stands still": (
        FailureEvidence(Role.COMMAND, Trouble.STALL, reported=True),
        Segment.ENCODER,
    ),
    # --- what no probe changes
    "a pusher that dies by itself, whatever the way": (
        FailureEvidence(Role.PUSHER, ExitCause.KILLED, ingest=Reach.TIMEOUT, reference=Reach.TIMEOUT),
        Segment.PUSHER,
    ),
    "a pusher that stands still with a connection, whatever the way": (
        FailureEvidence(Role.PUSHER, Trouble.STALL, connected=True, ingest=Reach.TIMEOUT),
        Segment.PUSHER,
    ),
}


@pytest.mark.parametrize(("evidence", "segment"), REFINED.values(), ids=REFINED)
def test_what_more_evidence_tells(evidence: FailureEvidence, segment: Segment) -> None:
    assert segment_of(evidence) is segment


_REACHES = st.none() | st.sampled_from(Reach)


@given(
    st.builds(
        FailureEvidence,
        st.sampled_from(Role),
        st.sampled_from(CAUSES),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        _REACHES,
        _REACHES,
        _REACHES,
    )
)
def test_there_is_always_an_answer_and_nobody_is_blamed_for_anothers_work(evidence: FailureEvidence) -> None:
    segment = segment_of(evidence)
    assert segment not in {Segment.UNKNOWN, Segment.NEVERDARK}, "a failure has a place"
    if evidence.role is not Role.PUSHER:
        assert segment is not Segment.PUSHER
    if segment is Segment.UPLINK:
        assert evidence.cause in {Trouble.UPLINK_BLOCKED, Trouble.BACKLOG}


def test_a_command_that_does_not_begin_while_our_line_is_down_is_not_to_blame() -> None:
    began = FailureEvidence(Role.COMMAND, Trouble.START_TIMEOUT)
    assert segment_of(began) is Segment.ENCODER
    assert segment_of(began._replace(ingest=Reach.TIMEOUT, reference=Reach.TIMEOUT)) is Segment.NETWORK
    assert segment_of(began._replace(ingest=Reach.REFUSED)) is Segment.PLATFORM
    assert segment_of(began._replace(ingest=Reach.ACCEPTS)) is Segment.ENCODER
