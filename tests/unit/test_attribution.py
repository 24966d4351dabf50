"""Which segment is blamed: the far end for what it did, a process for dying by itself."""

from __future__ import annotations

import pytest

from supervisor.attribution import segment_of
from supervisor.model import ExitCause, RestartReason, Role, Segment


@pytest.mark.parametrize(
    ("role", "cause", "segment"),
    [
        (Role.ENCODER, ExitCause.SOURCE_UNREACHABLE, Segment.SOURCE),
        (Role.ENCODER, ExitCause.SOURCE_REFUSED, Segment.SOURCE),
        (Role.ENCODER, ExitCause.SOURCE_ENDED, Segment.SOURCE),
        (Role.ENCODER, ExitCause.KILLED, Segment.ENCODER),
        (Role.ENCODER, RestartReason.STALL, Segment.ENCODER),
        (Role.PUSHER, ExitCause.INGEST_UNREACHABLE, Segment.NETWORK),
        (Role.PUSHER, ExitCause.INGEST_REFUSED, Segment.PLATFORM),
        (Role.PUSHER, ExitCause.INGEST_CLOSED, Segment.PLATFORM),
        (Role.PUSHER, RestartReason.UPLINK, Segment.UPLINK),
        (Role.PUSHER, ExitCause.KILLED, Segment.PUSHER),
        (Role.PUSHER, ExitCause.DISK_FULL, Segment.PUSHER),
        (Role.COMMAND, ExitCause.OTHER, Segment.ENCODER),
        (Role.COMMAND, ExitCause.INGEST_REFUSED, Segment.PLATFORM),
        (Role.ENCODER, None, Segment.ENCODER),  # it has just fallen silent, and nobody has judged it yet
        (Role.ENCODER, RestartReason.START_TIMEOUT, Segment.SOURCE),
        (Role.COMMAND, RestartReason.START_TIMEOUT, Segment.ENCODER),
    ],
)
def test_segment(role: Role, cause: ExitCause | RestartReason | None, segment: Segment) -> None:
    assert segment_of(role, cause) is segment


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("cause", [*ExitCause, *RestartReason, None])
def test_there_is_always_an_answer(role: Role, cause: ExitCause | RestartReason | None) -> None:
    assert segment_of(role, cause) in Segment
