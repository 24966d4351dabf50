"""Evidence → verdict: each check with its own few facts, and what they come to together."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.judge.checks import (
    CHECKS,
    DestinationEvidence,
    Judgement,
    Life,
    ProcessEvidence,
    UplinkEvidence,
    examine,
    overall,
    recoverable,
    seen,
    trouble,
)
from supervisor.judge.content import ContentEvidence
from supervisor.model.platforms import Opinion
from supervisor.model.policies import LimitsPolicy
from supervisor.model.terms import Cause, Check, ExitCause, Reach, Role, State, Trouble, Verdict

HEALTHY, DEGRADED, UNHEALTHY, UNKNOWN = Verdict.HEALTHY, Verdict.DEGRADED, Verdict.UNHEALTHY, Verdict.UNKNOWN
GIB = 2**30
BOUNDS = LimitsPolicy(cpu=2.0, memory=GIB, speed=0.95, bitrate=1_000_000)


def process(role: Role = Role.PUSHER, **known: Any) -> ProcessEvidence:
    alive = ProcessEvidence(role, State.RUNNING, Life.RUNNING, cpu=0.5, memory=GIB // 2, limits=BOUNDS)
    return alive._replace(**known)


ENCODER = process(Role.ENCODER)
ON_AIR = DestinationEvidence(
    (ENCODER, process()),
    silent=0.5,
    waited=600.0,
    speed=1.0,
    bitrate=2_000_000.0,
    limits=BOUNDS,
    uplink=UplinkEvidence(connected=True, silent=0.0, timeout=5.0),
    has_ingest=True,
    has_source=True,
    source_delivers=True,
    av_offset=-0.02,
    content=ContentEvidence(Verdict.HEALTHY, None, "", restart=False),
)

PROFILED = ON_AIR._replace(profiled=True, conforms=True)

Row = tuple[DestinationEvidence, Verdict, Cause | None, Role | None]


def pusher(**known: Any) -> DestinationEvidence:
    return ON_AIR._replace(processes=(ENCODER, process(**known)))


def encoder(**known: Any) -> DestinationEvidence:
    return ON_AIR._replace(processes=(process(Role.ENCODER, **known), process()))


def dark(**known: Any) -> DestinationEvidence:
    return ON_AIR._replace(**{"silent": 60.0, "source_delivers": False, **known})


def uplink(silent: float = 0.0, *, connected: bool = True) -> DestinationEvidence:
    return ON_AIR._replace(uplink=UplinkEvidence(connected, silent, 5.0))


PROCESS: dict[str, Row] = {
    "both run": (ON_AIR, HEALTHY, None, None),
    "stopped by SIGSTOP": (pusher(life=Life.STOPPED), UNHEALTHY, Trouble.STALL, Role.PUSHER),
    "a zombie": (pusher(life=Life.ZOMBIE), UNHEALTHY, ExitCause.OTHER, Role.PUSHER),
    "gone": (encoder(life=Life.GONE), UNHEALTHY, ExitCause.OTHER, Role.ENCODER),
    "both: the encoder comes first": (
        ON_AIR._replace(processes=(process(Role.ENCODER, life=Life.STOPPED), process(life=Life.STOPPED))),
        UNHEALTHY,
        Trouble.STALL,
        Role.ENCODER,
    ),
    "it waits for its next attempt": (pusher(state=State.BACKOFF, life=None), UNHEALTHY, None, Role.PUSHER),
    "and with its attempts spent": (pusher(state=State.COOLDOWN, life=None), UNHEALTHY, None, Role.PUSHER),
    "it is starting": (pusher(state=State.STARTING), UNKNOWN, None, None),
    "it is stopping": (pusher(state=State.STOPPING), UNKNOWN, None, None),
    "it is stopped": (pusher(state=State.STOPPED, life=None), UNKNOWN, None, None),
    "it was replaced since the look": (pusher(life=None), UNKNOWN, None, None),
    "one is starting, the other waits": (
        ON_AIR._replace(processes=(process(Role.ENCODER, state=State.STARTING), process(state=State.BACKOFF))),
        UNHEALTHY,
        None,
        Role.PUSHER,
    ),
    "exactly the memory that it may have": (pusher(memory=GIB), HEALTHY, None, None),
    "a byte more": (pusher(memory=GIB + 1), UNHEALTHY, Trouble.LIMIT, Role.PUSHER),
    "exactly the cores that it may have": (encoder(cpu=2.0), HEALTHY, None, None),
    "a little more": (encoder(cpu=2.01), UNHEALTHY, Trouble.LIMIT, Role.ENCODER),
    "nobody knows what it uses": (pusher(memory=None, cpu=None), HEALTHY, None, None),
    "no limits": (pusher(memory=100 * GIB, cpu=64.0, limits=LimitsPolicy()), HEALTHY, None, None),
}
PROGRESS: dict[str, Row] = {
    "media flows": (ON_AIR, HEALTHY, None, None),
    "encodes, and is as much behind as is allowed": (
        ON_AIR._replace(encodes_late=True, backlog=5.0),
        HEALTHY,
        None,
        None,
    ),
    "encodes, and is more behind than that": (
        ON_AIR._replace(encodes_late=True, backlog=5.1),
        DEGRADED,
        Trouble.SLOW,
        Role.PUSHER,
    ),
    "just fresh": (ON_AIR._replace(silent=3.0), HEALTHY, None, None),
    "no longer fresh, not yet late": (ON_AIR._replace(silent=3.1), UNKNOWN, None, None),
    "almost late": (ON_AIR._replace(silent=9.9), UNKNOWN, None, None),
    "late": (ON_AIR._replace(silent=10.0), UNHEALTHY, Trouble.STALL, Role.PUSHER),
    "late by the owner's own measure": (ON_AIR._replace(silent=10.0, timeout=60.0), UNKNOWN, None, None),
    "never yet, and there is time": (ON_AIR._replace(silent=None, waited=29.9), UNKNOWN, None, None),
    "never yet, and the time is over": (
        ON_AIR._replace(silent=None, waited=30.0),
        UNHEALTHY,
        Trouble.START_TIMEOUT,
        Role.PUSHER,
    ),
    "late, and it was given enough to send": (
        ON_AIR._replace(silent=60.0, fed=8.5, reader_silent=0.1),
        UNHEALTHY,
        Trouble.STALL,
        Role.PUSHER,
    ),
    "late, for its encoder is silent": (
        ON_AIR._replace(silent=60.0, fed=0.0, reader_silent=60.0),
        UNHEALTHY,
        Trouble.STALL,
        Role.ENCODER,
    ),
    "late, and its encoder is back, with little so far": (
        ON_AIR._replace(silent=60.0, fed=8.4, reader_silent=0.1),
        UNKNOWN,
        None,
        None,
    ),
    "late, and its encoder is silent, not yet for long": (
        ON_AIR._replace(silent=60.0, fed=0.0, reader_silent=9.9),
        UNKNOWN,
        None,
        None,
    ),
    "never yet, for its encoder never began": (
        ON_AIR._replace(silent=None, waited=30.0, fed=0.0, reader_silent=None),
        UNHEALTHY,
        Trouble.START_TIMEOUT,
        Role.ENCODER,
    ),
    "silent for as long as is usual with its source": (ON_AIR._replace(silent=17.0, usual=14.0), HEALTHY, None, None),
    "silent for longer, not yet late": (ON_AIR._replace(silent=23.9, usual=14.0), UNKNOWN, None, None),
    "late even for its source": (ON_AIR._replace(silent=24.0, usual=14.0), UNHEALTHY, Trouble.STALL, Role.PUSHER),
    "never yet, with a source that takes its time": (
        ON_AIR._replace(silent=None, waited=43.9, usual=14.0),
        UNKNOWN,
        None,
        None,
    ),
    "never yet, and too late even for that": (
        ON_AIR._replace(silent=None, waited=44.0, usual=14.0),
        UNHEALTHY,
        Trouble.START_TIMEOUT,
        Role.PUSHER,
    ),
    "just fast enough": (ON_AIR._replace(speed=0.95), HEALTHY, None, None),
    "too slow": (ON_AIR._replace(speed=0.94), DEGRADED, Trouble.SLOW, Role.ENCODER),
    "too slow, and nobody minds": (ON_AIR._replace(speed=0.1, limits=LimitsPolicy(speed=None)), HEALTHY, None, None),
    "too slow in a row of silence": (ON_AIR._replace(speed=0.1, silent=5.0), UNKNOWN, None, None),
    "nobody knows how fast": (ON_AIR._replace(speed=None), HEALTHY, None, None),
    "just enough bits": (ON_AIR._replace(bitrate=1_000_000.0), HEALTHY, None, None),
    "too few bits": (ON_AIR._replace(bitrate=999_999.0), DEGRADED, Trouble.BITRATE_LOW, Role.ENCODER),
    "too few bits, and no floor is set": (ON_AIR._replace(bitrate=1.0, limits=LimitsPolicy()), HEALTHY, None, None),
    "nobody knows how many bits": (ON_AIR._replace(bitrate=None), HEALTHY, None, None),
    "too slow comes before too thin": (
        ON_AIR._replace(speed=0.5, bitrate=1.0),
        DEGRADED,
        Trouble.SLOW,
        Role.ENCODER,
    ),
    "a program that reports nothing, alive": (ON_AIR._replace(tracked=False, silent=0.0), HEALTHY, None, None),
    "a program that reports nothing, not alive": (ON_AIR._replace(tracked=False, silent=None), UNKNOWN, None, None),
}
UPLINK: dict[str, Row] = {
    "all is acknowledged": (uplink(), HEALTHY, None, None),
    "for less than half of the time nothing": (uplink(2.4), HEALTHY, None, None),
    "for half of the time nothing": (uplink(2.5), DEGRADED, None, None),
    "almost too long": (uplink(4.9), DEGRADED, None, None),
    "too long": (uplink(5.0), UNHEALTHY, Trouble.UPLINK_BLOCKED, Role.PUSHER),
    "as much behind as is allowed": (uplink()._replace(backlog=5.0), HEALTHY, None, None),
    "more behind than that": (uplink()._replace(backlog=5.01), DEGRADED, Trouble.BACKLOG, Role.PUSHER),
    "more behind than that, but not because of the line": (
        uplink()._replace(backlog=5.01, encodes_late=True),
        HEALTHY,
        None,
        None,
    ),
    "more behind than the owner's own measure": (
        uplink()._replace(backlog=2.1, limits=LimitsPolicy(backlog=2.0)),
        DEGRADED,
        Trouble.BACKLOG,
        Role.PUSHER,
    ),
    "behind, and half of the time nothing": (
        uplink(2.5)._replace(backlog=9.0),
        DEGRADED,
        Trouble.BACKLOG,
        Role.PUSHER,
    ),
    "behind, and too long nothing": (
        uplink(5.0)._replace(backlog=9.0),
        UNHEALTHY,
        Trouble.UPLINK_BLOCKED,
        Role.PUSHER,
    ),
    "behind without a connection": (uplink(connected=False)._replace(backlog=9.0), UNKNOWN, None, None),
    "no connection, so nothing to tell": (uplink(60.0, connected=False), UNKNOWN, None, None),
}
REACHES: dict[Reach | None, Verdict] = {
    None: UNKNOWN,
    Reach.ANSWERS: HEALTHY,
    Reach.ACCEPTS: HEALTHY,
    Reach.SILENT: UNHEALTHY,
    Reach.CLOSED: UNHEALTHY,
    Reach.REFUSED: UNHEALTHY,
    Reach.TIMEOUT: UNHEALTHY,
    Reach.NO_ROUTE: UNHEALTHY,
    Reach.UNRESOLVED: UNHEALTHY,
}
NETWORK: dict[str, Row] = {
    "what is sent arrives: no probe could tell more": (ON_AIR._replace(ingest=Reach.TIMEOUT), HEALTHY, None, None),
    **{f"dark, and a probe says {reach}": (dark(ingest=reach), v, None, None) for reach, v in REACHES.items()},
}
SOURCE: dict[str, Row] = {
    "it delivers: no probe could tell more": (ON_AIR._replace(source=Reach.TIMEOUT), HEALTHY, None, None),
    "it delivers, only the pusher is dark": (
        dark(source_delivers=True, source=Reach.TIMEOUT),
        HEALTHY,
        None,
        None,
    ),
    **{f"silent, and a probe says {reach}": (dark(source=reach), v, None, None) for reach, v in REACHES.items()},
    "it refuses, and is not asked any more": (dark(source_refuses=True), UNHEALTHY, None, None),
    # Its door tells nothing of its picture.
    **{
        f"silent, and a probe says {reach}": (dark(source=reach), UNKNOWN, None, None)
        for reach in (Reach.ANSWERS, Reach.ACCEPTS, Reach.CLOSED)
    },
}
CONFORMANCE: dict[str, Row] = {
    "side by side": (ON_AIR, HEALTHY, None, None),
    "nobody knows how far apart": (ON_AIR._replace(av_offset=None), UNKNOWN, None, None),
    "the sound two seconds early": (ON_AIR._replace(av_offset=2.0), HEALTHY, None, None),
    "and a little more": (ON_AIR._replace(av_offset=2.01), DEGRADED, Trouble.AV_OFFSET, Role.PUSHER),
    "the sound two seconds late": (ON_AIR._replace(av_offset=-2.0), HEALTHY, None, None),
    "and a little later": (ON_AIR._replace(av_offset=-2.01), DEGRADED, Trouble.AV_OFFSET, Role.PUSHER),
    "far apart, and nothing flows": (dark(av_offset=29.0), UNKNOWN, None, None),
    "as its profile wants it": (PROFILED._replace(av_offset=None), HEALTHY, None, None),
    "nobody has seen enough": (PROFILED._replace(conforms=None), UNKNOWN, None, None),
    "not as its profile wants it, and nothing flows": (
        dark(profiled=True, conforms=False),
        UNKNOWN,
        None,
        None,
    ),
    "not as its profile wants it, and far apart": (
        PROFILED._replace(conforms=False, av_offset=3.0),
        DEGRADED,
        Trouble.AV_OFFSET,
        Role.PUSHER,
    ),
}
BLACK = ContentEvidence(DEGRADED, Trouble.BLACK, "black for 12s", restart=False)
CONTENT: dict[str, Row] = {
    "worth looking at": (ON_AIR, HEALTHY, None, None),
    "black": (ON_AIR._replace(content=BLACK), DEGRADED, Trouble.BLACK, Role.ENCODER),
    "for long": (ON_AIR._replace(content=BLACK._replace(verdict=UNHEALTHY)), UNHEALTHY, Trouble.BLACK, Role.ENCODER),
    "nobody can tell any more": (ON_AIR._replace(content=BLACK._replace(verdict=UNKNOWN)), UNKNOWN, None, None),
    "black, and nothing flows": (dark(content=BLACK, source_delivers=False), UNKNOWN, None, None),
}
TABLES: dict[Check, dict[str, Row]] = {
    Check.PROCESS: PROCESS,
    Check.PROGRESS: PROGRESS,
    Check.UPLINK: UPLINK,
    Check.NETWORK: NETWORK,
    Check.SOURCE: SOURCE,
    Check.CONFORMANCE: CONFORMANCE,
    Check.CONTENT: CONTENT,
}
ROWS = [(check, name) for check, table in TABLES.items() for name in table]


# What a platform says is judged there: see tests/unit/platforms/test_opinions.py.
OF_A_PLATFORM = {Check.YOUTUBE_PAGE, Check.YOUTUBE_STREAM, Check.YOUTUBE_BROADCAST}


def test_every_check_has_a_table_and_every_reach_a_row() -> None:
    assert set(TABLES) == set(CHECKS) - OF_A_PLATFORM == set(Check) - OF_A_PLATFORM
    assert set(REACHES) == {*Reach, None}


@pytest.mark.parametrize(("check", "name"), ROWS, ids=[f"{check}: {name}" for check, name in ROWS])
def test_what_a_check_finds(check: Check, name: str) -> None:
    evidence, verdict, cause, role = TABLES[check][name]
    assert CHECKS[check](evidence) == Judgement(verdict, cause, role)


SRT = ON_AIR._replace(uplink=None, has_ingest=False, content=None)
FILE = SRT
BARE = DestinationEvidence((process(Role.COMMAND),), tracked=False, silent=0.0)
OBSERVED = BARE._replace(uplink=UplinkEvidence(connected=True, silent=0.0, timeout=5.0), has_ingest=True)


@pytest.mark.parametrize(
    ("evidence", "checks"),
    [
        (ON_AIR, set(Check) - OF_A_PLATFORM),
        (ON_AIR._replace(platform=dict.fromkeys(OF_A_PLATFORM, Opinion(HEALTHY))), set(Check)),
        (SRT, {Check.PROCESS, Check.PROGRESS, Check.SOURCE, Check.CONFORMANCE}),
        (BARE, {Check.PROCESS, Check.PROGRESS}),
        (OBSERVED, {Check.PROCESS, Check.PROGRESS, Check.UPLINK, Check.NETWORK}),
    ],
    ids=["by TCP", "at a platform", "SRT or a file", "a bare command", "a command and where it sends to"],
)
def test_what_does_not_apply_finds_nothing(evidence: DestinationEvidence, checks: set[Check]) -> None:
    assert set(examine(evidence)) == checks
    assert overall(examine(evidence)) is HEALTHY
    assert set(examine(evidence._replace(wanted=False))) == checks


@pytest.mark.parametrize("evidence", [PROFILED, OBSERVED._replace(profiled=True)], ids=["a pusher", "a command"])
def test_what_is_not_as_its_profile_wants_it_is_told_and_counts_for_nothing(evidence: DestinationEvidence) -> None:
    found = examine(evidence._replace(conforms=False))
    assert found[Check.CONFORMANCE].verdict is DEGRADED
    assert overall(found) is HEALTHY
    assert trouble(found) is None


@pytest.mark.parametrize("evidence", [ON_AIR, BARE, dark(ingest=Reach.TIMEOUT), pusher(life=Life.GONE)])
def test_of_what_nobody_wants_nothing_is_known(evidence: DestinationEvidence) -> None:
    """A planned stop is no failure."""
    findings = examine(evidence._replace(wanted=False))
    assert set(findings.values()) == {Judgement(UNKNOWN)}
    assert overall(findings) is UNKNOWN
    assert trouble(findings) is None


def test_a_recovery_follows_from_content_only_where_that_is_wished_for() -> None:
    black = ON_AIR._replace(content=BLACK._replace(verdict=UNHEALTHY))
    assert overall(examine(black)) is UNHEALTHY
    assert overall(recoverable(examine(black), black)) is HEALTHY
    assert trouble(recoverable(examine(black), black)) is None
    wished = black._replace(content=BLACK._replace(verdict=UNHEALTHY, restart=True))
    assert overall(recoverable(examine(wished), wished)) is UNHEALTHY


def test_a_picture_that_is_black_is_told_in_words() -> None:
    assert seen(Check.CONTENT, ON_AIR._replace(content=BLACK)) == "black for 12s"
    assert seen(Check.CONTENT, ON_AIR) is None


@pytest.mark.parametrize("check", sorted(OF_A_PLATFORM))
def test_what_a_platform_says_is_told_and_leads_to_no_restart(check: Check) -> None:
    ended = Opinion(UNHEALTHY, Trouble.BROADCAST_ENDED, "the broadcast has ended")
    evidence = ON_AIR._replace(platform={check: ended})
    findings = examine(evidence)
    assert findings[check] == Judgement(UNHEALTHY, Trouble.BROADCAST_ENDED, told_only=True)
    assert check not in recoverable(findings, evidence)
    assert seen(check, evidence) == "the broadcast has ended"


def found(**verdicts: Verdict) -> dict[Check, Judgement]:
    given = {Check(name): Judgement(verdict) for name, verdict in verdicts.items()}
    return {check: given.get(check, Judgement(HEALTHY)) for check in Check}


TOGETHER: dict[str, tuple[dict[Check, Judgement], Verdict]] = {
    "all well": (found(), HEALTHY),
    "one bad one": (found(uplink=UNHEALTHY), UNHEALTHY),
    "one weak one": (found(progress=DEGRADED), DEGRADED),
    "bad is worse than weak": (found(progress=DEGRADED, network=UNHEALTHY), UNHEALTHY),
    "bad is worse than unknown": (found(process=UNKNOWN, network=UNHEALTHY), UNHEALTHY),
    "weak is worse than unknown": (found(progress=UNKNOWN, uplink=DEGRADED), DEGRADED),
    "nobody asked the network": (found(network=UNKNOWN, source=UNKNOWN, uplink=UNKNOWN), HEALTHY),
    "without the process nothing is healthy": (found(process=UNKNOWN), UNKNOWN),
    "without progress neither": (found(progress=UNKNOWN), UNKNOWN),
}


@pytest.mark.parametrize(("findings", "verdict"), TOGETHER.values(), ids=TOGETHER)
def test_what_they_come_to(findings: dict[Check, Judgement], verdict: Verdict) -> None:
    assert overall(findings) is verdict


def test_the_trouble_is_the_first_that_has_a_name() -> None:
    assert trouble(examine(ON_AIR)) is None
    assert trouble(examine(dark(ingest=Reach.TIMEOUT))) == Judgement(UNHEALTHY, Trouble.STALL, Role.PUSHER)
    both = encoder(memory=2 * GIB)._replace(speed=0.5)
    assert trouble(examine(both)) == Judgement(UNHEALTHY, Trouble.LIMIT, Role.ENCODER)
    assert trouble(examine(uplink(9.0))) == Judgement(UNHEALTHY, Trouble.UPLINK_BLOCKED, Role.PUSHER)
    waiting = pusher(state=State.COOLDOWN, life=None)._replace(ingest=Reach.TIMEOUT)
    assert trouble(examine(waiting)) is None, "the process manager knows it"


def test_alive_without_frames_is_unhealthy() -> None:
    """SIGSTOP, or a socket that hangs: alive is not healthy."""
    stopped = dark(processes=(process(Role.ENCODER, life=Life.STOPPED), process()))
    hung = dark(uplink=UplinkEvidence(connected=True, silent=60.0, timeout=5.0))
    assert overall(examine(stopped)) is overall(examine(hung)) is UNHEALTHY


def test_slower_than_real_time_and_a_collapse_of_the_bit_rate_are_noticed() -> None:
    """Slower than real time, the stream runs out of media sooner or later."""
    assert overall(examine(ON_AIR._replace(speed=0.5))) is DEGRADED
    assert overall(examine(ON_AIR._replace(bitrate=1000.0))) is DEGRADED


# --- what was seen ---------------------------------------------------------------------------------


@pytest.mark.parametrize("reach", list(Reach))
def test_what_a_probe_saw_is_said_in_words(reach: Reach) -> None:
    said = seen(Check.SOURCE, dark(source=reach))
    assert said
    assert ("no media comes" in said) is reach.works
    assert seen(Check.NETWORK, dark(ingest=reach))


def test_where_media_flows_nothing_is_said_of_probes() -> None:
    assert seen(Check.SOURCE, ON_AIR._replace(source=Reach.TIMEOUT)) is None
    assert seen(Check.NETWORK, ON_AIR._replace(ingest=Reach.TIMEOUT)) is None
    assert seen(Check.PROCESS, dark()) is None


def test_an_open_door_changes_no_decision() -> None:
    """Unknown here is not heard, as healthy was not: the whole stays what process and progress say."""
    evidence = dark(source=Reach.ACCEPTS)
    found = examine(evidence)
    assert overall(found) is overall({check: one for check, one in found.items() if check is not Check.SOURCE})
