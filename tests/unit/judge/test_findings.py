"""What an incident is named after: what is gravest, and nearest to the root. The rest stays in its list."""

from __future__ import annotations

from itertools import permutations

import pytest

from supervisor.judge.findings import MOST, add, correct, headline
from supervisor.model.content import Defect
from supervisor.model.incidents import Finding
from supervisor.model.terms import Cause, ExitCause, Layer, Role, Segment, Trouble


def finding(
    cause: Cause, segment: Segment, at: float = 0.0, destination: str | None = None, *, consequence: bool = False
) -> Finding:
    role = Role.PUSHER if destination else Role.ENCODER
    return Finding(at, cause, segment, role, destination, Layer.PROCESS, consequence=consequence)


CLOSED = finding(ExitCause.INGEST_CLOSED, Segment.PLATFORM, destination="youtube")
KILLED = finding(ExitCause.KILLED, Segment.ENCODER)
PUSHER_KILLED = finding(ExitCause.KILLED, Segment.PUSHER, destination="youtube")
LOST = finding(ExitCause.SOURCE_UNREACHABLE, Segment.SOURCE)
STALLED = finding(Trouble.STALL, Segment.SOURCE)
SLOW = finding(Trouble.SLOW, Segment.ENCODER)
THIN = finding(Trouble.BITRATE_LOW, Segment.UPLINK, destination="youtube")
BLOCKED = finding(Trouble.UPLINK_BLOCKED, Segment.UPLINK, destination="youtube")
BLACK = LOST._replace(role=None)  # found at the stream, not at a process
FULL = finding(ExitCause.DISK_FULL, Segment.NEVERDARK)._replace(role=None)
NO_WAY = finding(Trouble.NETWORK_DOWN, Segment.NETWORK, destination="backup")


@pytest.mark.parametrize(
    ("graver", "lesser"),
    [
        (LOST, KILLED),  # without a source no encoder helps
        (LOST, CLOSED),
        (KILLED, CLOSED),
        (NO_WAY, CLOSED),
        (NO_WAY, BLOCKED),
        (CLOSED, PUSHER_KILLED),
        (CLOSED, SLOW),  # slow does not hide dark
        (PUSHER_KILLED, THIN),
        (LOST, STALLED),  # it says why
        (PUSHER_KILLED, LOST._replace(consequence=True)),
        (CLOSED._replace(consequence=True), SLOW),
        (BLACK, SLOW),
        (BLACK, CLOSED),
        (FULL, PUSHER_KILLED),
        (KILLED, FULL),
    ],
)
def test_what_it_is_named_after(graver: Finding, lesser: Finding) -> None:
    for order in ((graver, lesser), (lesser, graver)):
        assert headline(order) == graver


@pytest.mark.parametrize("order", [*permutations((SLOW, CLOSED, BLACK))])
def test_the_gravest_gives_the_name_whenever_it_comes_and_the_others_stay_in_the_list(
    order: tuple[Finding, ...],
) -> None:
    known: list[Finding] = []
    for place, one in enumerate(order):
        assert add(known, one._replace(at=float(place)))
        named = headline(known)
        assert (named.cause, named.segment) == min(
            ((seen.cause, seen.segment) for seen in order[: place + 1]),
            key=[(one.cause, one.segment) for one in (BLACK, CLOSED, SLOW)].index,
        )
    assert [one.cause for one in known] == [one.cause for one in order]


def test_a_line_too_thin_explains_the_server_that_still_holds_the_connection_given_up() -> None:
    thin, refused = (
        finding(Trouble.BACKLOG, Segment.UPLINK),
        finding(ExitCause.INGEST_REFUSED, Segment.PLATFORM),
    )
    for order in ([thin, refused], [refused, thin]):
        assert headline(order) == thin


@pytest.mark.parametrize("cause", [Trouble.SLOW, Trouble.BITRATE_LOW, Trouble.LIMIT, Trouble.AV_OFFSET])
def test_what_is_wrong_while_media_flows_never_hides_what_is_dark(cause: Cause) -> None:
    wrong = finding(cause, Segment.SOURCE)
    for dark in (CLOSED, PUSHER_KILLED._replace(consequence=True)):
        assert headline([wrong, dark]) == dark


@pytest.mark.parametrize("defect", Defect)
def test_what_viewers_see_comes_before_what_is_slow_and_after_a_source_that_is_gone(defect: Defect) -> None:
    bad, slow = finding(defect.cause, Segment.SOURCE), finding(Trouble.SLOW, Segment.SOURCE)
    for order in ([bad, slow], [slow, bad]):
        assert headline(order) == bad
    assert headline([bad, LOST]) == headline([LOST, bad]) == LOST


@pytest.mark.parametrize("segment", Segment)
def test_every_segment_has_its_place(segment: Segment) -> None:
    assert headline([finding(ExitCause.OTHER, segment)]).segment is segment


def test_of_equals_the_first() -> None:
    first, second = finding(ExitCause.SOURCE_ENDED, Segment.SOURCE, 1.0), LOST._replace(at=2.0)
    assert headline([first, second]) == first


def test_the_same_again_only_counts() -> None:
    known: list[Finding] = []
    assert add(known, CLOSED._replace(at=5.0, consequence=True))
    assert not add(known, CLOSED._replace(at=7.0))
    assert add(known, CLOSED._replace(at=6.0, destination="backup"))
    assert not add(known, CLOSED._replace(at=8.0))
    assert known == [CLOSED._replace(at=5.0, times=3), CLOSED._replace(at=6.0, destination="backup")]


def test_oldest_first_whenever_it_was_told() -> None:
    known: list[Finding] = []
    add(known, LOST._replace(at=5.0))
    add(known, CLOSED._replace(at=4.0))
    assert [one.at for one in known] == [4.0, 5.0]


def test_one_that_turns_out_to_be_older_takes_its_place() -> None:
    known = [NO_WAY._replace(at=1.0), CLOSED._replace(at=2.0), LOST._replace(at=3.0)]
    correct(known, known[0], LOST._replace(at=1.0))
    assert known == [LOST._replace(at=1.0, times=2), CLOSED._replace(at=2.0)]


def test_what_is_corrected_to_be_what_is_known_is_one() -> None:
    known = [CLOSED._replace(at=1.0), NO_WAY._replace(at=2.0)]
    correct(known, known[1], CLOSED._replace(at=2.0))
    assert known == [CLOSED._replace(at=1.0, times=2)]


def test_a_month_of_them_stays_short_and_keeps_its_name() -> None:
    known: list[Finding] = []
    for number in range(200):
        add(known, CLOSED._replace(at=float(number), destination=f"d{number}"))
        if number == MOST // 2:
            add(known, LOST._replace(at=float(number)))
    assert len(known) == MOST
    assert headline(known).cause is ExitCause.SOURCE_UNREACHABLE
    assert (known[0].at, known[-1].at) == (0.0, 199.0), "how it began, and the latest"
