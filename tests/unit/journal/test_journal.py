"""The log: one line an event, for people on a terminal and for programs elsewhere, and never in anybody's way."""

from __future__ import annotations

import dataclasses
import errno
import io
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from supervisor.journal import lines as log_lines
from supervisor.journal.journal import Journal
from supervisor.journal.lines import LineWriter
from supervisor.journal.outbox import MOST_WAITING
from supervisor.model import events
from supervisor.model.content import Defect
from supervisor.model.facts import Fact, subject_of
from supervisor.model.fallback import ReplacementReason, SwitchReason, SwitchWay
from supervisor.model.incidents import Finding, Incident
from supervisor.model.maintenance import Maintenance
from supervisor.model.subjects import ITSELF, Subject
from supervisor.model.terms import (
    Action,
    ExitCause,
    Layer,
    ProcessKey,
    RestartReason,
    Role,
    Segment,
    State,
    Trouble,
)

KEY = ProcessKey("häfen", Role.PUSHER, "youtube")
WATCHING = events.WatchdogStarted(2)
HEALTHY = events.DestinationHealthy("harbour-cam", "youtube", 12345, cpu=2.5, memory=290_000_000)
UNHEALTHY = events.DestinationUnhealthy("harbour-cam", "youtube", 1, 3, Segment.ENCODER, "progress: unhealthy", None)
ATTEMPT = events.RecoveryAttempted("harbour-cam", "youtube", 1, Action.RESTART_ENCODER, Segment.ENCODER)
FINDING = Finding(0.0, ExitCause.KILLED, Segment.ENCODER, Role.ENCODER, None, Layer.PROCESS)
HUNG_UP = Finding(1.0, ExitCause.INGEST_CLOSED, Segment.PLATFORM, Role.PUSHER, "youtube", Layer.PROCESS, said="bye")
FULL = Finding(2.0, ExitCause.DISK_FULL, Segment.NEVERDARK, None, None, Layer.WATCHDOG)


def incident(finding: Finding, stream: str = "häfen", *, drill: bool = False, dark: float = 0.0) -> Incident:
    return Incident(
        id="i1",
        stream=stream,
        destination=finding.destination,
        opened=finding.at,
        closed=None,
        cause=finding.cause,
        segment=finding.segment,
        layer=finding.layer,
        drill=drill,
        seconds_dark=dark,
        detection_seconds=None,
        recovery_seconds=None,
        actions=(),
        role=finding.role,
        findings=(finding,),
        said=finding.said,
    )


WINDOW = Maintenance("M1", ("häfen",), 1_800_000_000.0, 1_800_003_600.0, "new lens", "operator")
INCIDENT = incident(FINDING)
PART = incident(HUNG_UP, drill=True, dark=14.0)
OURS = incident(FULL, "")
FACTS: list[events.Payload] = [
    events.ProcessStarted(KEY, "r1", 7, None),
    events.ProcessAdopted(KEY, "r1", 7, 3600.0),
    events.ProcessStarted(KEY, "r1", 7, RestartReason.STALL),
    events.ProcessAdvanced(KEY, "r1", 0.4),
    events.ProcessSilent(KEY, "r1", Trouble.STALL, 10.0, Segment.PUSHER),
    events.ProcessSilent(KEY, "r1", Trouble.UPLINK_BLOCKED, 5.0, Segment.UPLINK),
    events.ProcessExited(
        KEY,
        "r1",
        ExitCause.KILLED,
        None,
        9,
        3.0,
        planned=False,
        last_words=("a", "b", "c"),
        segment=Segment.PUSHER,
        silent=0.4,
        ended=0.0,
    ),
    events.ProcessExited(
        KEY,
        "r1",
        ExitCause.STOPPED,
        0,
        None,
        3.0,
        planned=True,
        last_words=("a",),
        segment=Segment.PUSHER,
        silent=None,
        ended=0.0,
    ),
    events.ProcessRemoved(KEY),
    events.SpawnFailed(KEY, ExitCause.ENCODER_MISSING, "cannot start"),
    events.RetryScheduled(KEY, State.BACKOFF, 0.5, 9, ExitCause.OTHER),
    events.RetryScheduled(KEY, State.COOLDOWN, 300, 0, ExitCause.OTHER),
    events.BudgetRefilled(KEY),
    events.RecoveryOrdered(KEY, RestartReason.EXIT, "a command is run"),
    events.RecoveryAnswered(KEY, None),
    events.RecoveryAnswered(KEY, "the command failed (exit code 1)"),
    events.ProgramTrouble(KEY, "its progress cannot be read in time"),
    events.ProgramTrouble(KEY, None),
    events.EncoderReplaced(KEY, RestartReason.OPERATOR, 0.002),
    events.FeedSwitched("häfen", 0, 1, SwitchReason.FAILED, None),
    events.FeedSwitched("häfen", 1, 0, SwitchReason.RETURNED, 0.002),
    events.SwitchMeasured("häfen", 1, SwitchWay.BROKEN_FIRST, None, 0.2, 0.3, 9),
    events.SlateTrouble("häfen", "No space left on device"),
    events.SourceLearned(KEY, "declares sound and sends none: silence takes its place"),
    events.StreamWanted("häfen", wanted=True, why="start"),
    events.StreamWanted("häfen", wanted=False, why="operator"),
    events.StreamOnAir("häfen", on_air=True, reason=None, seconds=3.0),
    events.StreamOnAir("häfen", on_air=False, reason="encoder: starting", seconds=3.0),
    events.StreamOrdered("häfen", wanted=False, why="new lens", until=1_800_000_000.0),
    events.StreamOrdered("häfen", wanted=True, why="operator", until=None),
    events.SourceOrdered("häfen", "fallback1", "new lens", 1_800_000_000.0, recalled=True),
    events.SourceOrdered("häfen", None, "operator", None),
    events.OrderLapsed("häfen"),
    events.WatchdogsSwitched(("häfen:yt",), False, "stop"),
    events.MaintenanceOrdered(WINDOW),
    events.MaintenanceBegun(WINDOW),
    events.MaintenanceOver(WINDOW._replace(streams=None, reason=None)),
    WATCHING,
    HEALTHY,
    UNHEALTHY,
    events.DestinationUnhealthy("häfen", "youtube", 3, 3, Segment.NETWORK, "network: unhealthy", "waiting"),
    ATTEMPT,
    events.IncidentOpened(INCIDENT, FINDING),
    events.FindingEntered(INCIDENT, HUNG_UP),
    events.FindingEntered(INCIDENT, HUNG_UP, PART),
    events.FindingEntered(OURS, FULL),
    events.IncidentClosed(PART),
    events.LineChanged(down=True, seconds=0.0),
    events.LineChanged(down=False, seconds=61.0),
    events.CheckRearmed("häfen:youtube", 3600.25),
    events.DrillAnnounced("häfen", 90.0, "dropped all that comes in"),
    events.DrillAnnounced("häfen", 0.0, None),
    events.OrderGiven("stop", Subject("häfen"), "anna", "203.0.113.7"),
    events.ConfigReloaded(Path("/c.yml"), ("a",), (), (), ("listen",), ("/key: other users can read it",)),
    events.StreamsEdited(("a",), ("b",), ("c",), ("streams.d: made by API, is kept as it was",)),
    events.ConfigRejected(Path("/c.yml"), ("a: wrong",)),
    events.OrphanEnded(7, "r0"),
    events.ClockStepped(-60.0),
    events.AnotherPublisher("häfen", "youtube", "another neverdark, pid 7, data_dir /srv/two"),
    events.ContentFound("häfen", Defect.BLACK, 10.0, "black for 10s"),
    events.ContentGood("häfen", Defect.BLACK, 61.0, seen=True),
    events.ContentGood("häfen", Defect.SILENT, 61.0, seen=False),
    events.PlatformFound("häfen", "youtube", Trouble.BROADCAST_ENDED, "the broadcast has ended"),
    events.PlatformGood("häfen", "youtube", Trouble.BROADCAST_ENDED, "https://www.youtube.com/watch?v=new"),
    events.PlatformAsked("häfen", "youtube", "insert", "ok", helped=True, address=None),
    events.StorageTrouble(Path("/data"), "No space left on device"),
    events.StorageRecovered(Path("/data")),
    events.OrdersRecalled(("häfen",), ("lobby",)),
    events.StoreTrouble("/data/neverdark.db", "database is locked"),
    events.StoreTrouble("/data/neverdark.db", "database is locked", 12),
    events.StoreRecovered("/data/neverdark.db", 61.0, 0),
    events.StoreRecovered("/data/neverdark.db", 61.0, 12),
    events.ProbeTrouble("uplink", "no netlink"),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _reset() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def written(stream: io.StringIO, facts: list[events.Payload]) -> list[str]:
    writer = log_lines.configure(stream)
    log = Journal()
    for number, what in enumerate(facts, 1):
        log(Fact(0.0, number, subject_of(what), what))
    log.ready("1.0", Path("/c.yml"), "http://127.0.0.1:9833/", "/usr/bin/ffmpeg", 2)
    log.over(left=False)
    writer.close()
    return stream.getvalue().splitlines()


def test_every_fact_is_tested_here() -> None:
    kinds = {name for name, kind in vars(events).items() if dataclasses.is_dataclass(kind)} - {"ProcessKey", "Subject"}
    assert kinds - {type(fact).__name__ for fact in FACTS} <= {"InternalError"}


def test_without_a_terminal_every_line_is_json_and_not_escaped() -> None:
    lines = written(io.StringIO(), FACTS)
    assert len(lines) == len(FACTS) + 5, (
        "one line an event, two more for what a reload warns of, one for an edit, first and last"
    )
    for line in lines:
        entry = json.loads(line)
        assert {"event", "level", "timestamp"} <= entry.keys()
        assert entry["timestamp"].endswith("Z")
    assert "häfen" in lines[0]
    exited = next(json.loads(line) for line in lines if "ended" in line)
    assert (exited["cause"], exited["signal"], exited["said"]) == ("killed", 9, ["b", "c"])


# What owners of the seed have in their scripts and alerts, word for word.
SEED: dict[str, events.Payload] = {
    "Auto-restart enabled": events.StreamWanted("harbour-cam", wanted=True, why="start"),
    "🐕 Starting YouTube watchdog manager": WATCHING,
    "Stream harbour-cam healthy - PID: 12345, CPU: 250%, Memory: 290MB": HEALTHY,
    "Stream unhealthy (1/3 checks)": UNHEALTHY,
    "=== RECOVERY ATTEMPT #1 ===": ATTEMPT,
}


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
@pytest.mark.parametrize(("said", "fact"), SEED.items(), ids=SEED)
def test_what_the_seeds_owners_grep_for(said: str, fact: events.Payload, kind: type[io.StringIO]) -> None:
    found = [line for line in written(kind(), [fact]) if said in line]
    assert len(found) == 1
    assert fact is WATCHING or "harbour-cam" in found[0], "and of which stream"


def test_what_is_announced_says_for_whom_until_when_and_why() -> None:
    begins = json.loads(written(io.StringIO(), [events.MaintenanceBegun(WINDOW)])[0])
    assert begins["event"] == "maintenance begins: what fails is recorded and wakes nobody"
    assert (begins["id"], begins["streams"], begins["why"]) == ("M1", ["häfen"], "new lens")
    assert (begins["since"], begins["until"]) == ("2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z")
    ordered = json.loads(written(io.StringIO(), [events.StreamOrdered("a", False, "lunch", 1_800_000_000.0)])[0])
    assert (ordered["event"], ordered["until"]) == ("ordered to stop", "2027-01-15T08:00:00Z")
    assert (ordered["stream"], ordered["why"]) == ("a", "lunch")


def test_the_seeds_lines_are_an_entry_of_their_own() -> None:
    for said, fact in SEED.items():
        assert json.loads(written(io.StringIO(), [fact])[0])["event"] == said


def test_a_key_without_a_value_is_not_written() -> None:
    opened, withheld, shown = (
        json.loads(line)
        for line in written(
            io.StringIO(),
            [
                events.IncidentOpened(INCIDENT, FINDING),
                events.DestinationUnhealthy("a", "b", 3, 3, Segment.NETWORK, "x", "our own line is down"),
                UNHEALTHY,
            ],
        )[:3]
    )
    assert {"destination", "drill"} & opened.keys() == set()
    assert (opened["cause"], opened["segment"], opened["layer"]) == ("killed", "encoder", "process")
    assert withheld["nothing_done"] == "our own line is down"
    assert "nothing_done" not in shown


def test_what_a_line_says_of_an_incident() -> None:
    told: list[events.Payload] = [
        events.IncidentOpened(INCIDENT, FINDING),
        events.FindingEntered(INCIDENT, HUNG_UP),
        events.FindingEntered(INCIDENT, HUNG_UP, PART),
        events.FindingEntered(OURS, FULL),
        events.IncidentClosed(PART),
    ]
    entries = [json.loads(line) for line in written(io.StringIO(), told)[:5]]
    for entry in entries:
        del entry["timestamp"]
    killed = {"stream": "häfen", "cause": "killed", "segment": "encoder", "layer": "process"}
    hung_up = {"stream": "häfen", "destination": "youtube", "cause": "ingest_closed", "segment": "platform"}
    found = {"words": "bye", "role": "pusher", "layer": "process", "level": "warning"}
    assert entries == [
        {"event": "incident opened", "level": "warning"} | killed,
        {"event": "incident: something more was found"} | hung_up | found,
        {"event": "incident goes on as part of another", "drill": True} | hung_up | found,
        {
            "event": "incident: something more was found",
            "cause": "disk_full",
            "segment": "neverdark",
            "layer": "watchdog",
            "level": "warning",
        },
        {"event": "incident closed", "level": "info", "drill": True, "dark_for": "14s"} | hung_up,
    ]


def test_where_viewers_see_it_stands_in_the_line_that_tells_that_it_is_back() -> None:
    address = "https://www.youtube.com/watch?v=new"
    back = events.PlatformGood("cam", "yt", Trouble.BROADCAST_ENDED, address)
    line = next(json.loads(one) for one in written(io.StringIO(), [back]) if "is over" in one)
    assert line["viewers_see_it_at"] == address
    assert not any("viewers_see" in one for one in written(io.StringIO(), [dataclasses.replace(back, address=None)]))


def test_what_a_platform_refuses_is_a_warning() -> None:
    for helped, level in ((True, "info"), (False, "warning")):
        told = events.PlatformAsked("cam", "yt", "transition live", "no", helped, None)
        line = next(one for one in written(io.StringIO(), [told]) if "transition live" in one)
        assert json.loads(line)["level"] == level


def test_an_order_is_written_with_who_gave_it() -> None:
    given = events.OrderGiven("reload", ITSELF, "anna", "203.0.113.7")
    entry = json.loads(written(io.StringIO(), [given])[0])
    assert entry["event"] == "reload ordered by an operator"
    assert (entry["by"], entry["peer"]) == ("anna", "203.0.113.7")
    assert "stream" not in entry


def test_a_switch_without_a_gap_is_told_once() -> None:
    made = events.SwitchMeasured("cam", 0, SwitchWay.MADE_BEFORE_BREAK, ReplacementReason.RELOAD, 3.2)
    assert not [line for line in written(io.StringIO(), [made]) if "cam" in line]


def test_what_a_gap_has_cost_is_told_as_far_as_it_is_known() -> None:
    known = events.SwitchMeasured("cam", 1, SwitchWay.BROKEN_FIRST, None, 0.25, 0.3, 9)
    unknown = events.SwitchMeasured("cam", 0, SwitchWay.BROKEN_FIRST, ReplacementReason.RELOAD, 2.0)
    first, second, *_ = written(io.StringIO(), [known, unknown])
    assert '"missing": "300ms", "frames": 9' in first
    assert "fallback1" in first
    assert "missing" not in second
    assert '"why": "reload"' in second


def test_on_a_terminal_lines_are_for_people() -> None:
    lines = written(Terminal(), FACTS)
    assert len(lines) == len(FACTS) + 5
    assert not any(line.startswith("{") for line in lines)


def test_what_steers_a_terminal_is_shown_to_it_and_not_obeyed() -> None:
    stream = Terminal()
    writer = log_lines.configure(stream)
    structlog.get_logger().error("request failed", path="/\x1b[2J\x9b31m\x07\x7f\u202eü", where="a\nfake line")
    writer.close()
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert r"/\x1b[2J\x9b31m\x07\x7f\u202eü" in line


def test_a_planned_end_is_no_warning() -> None:
    planned = [fact for fact in FACTS if isinstance(fact, events.ProcessExited) and fact.planned]
    entry = json.loads(written(io.StringIO(), [*planned])[0])
    assert entry["level"] == "info"
    assert "said" not in entry


class Stuck(io.StringIO):
    """A terminal that was paused."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.reached = threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        assert self.go_on.wait(60)
        return super().write(text)


def test_a_reader_that_does_not_read_holds_nobody_up_and_lost_lines_are_owned_up_to() -> None:
    stuck = Stuck()
    writer = LineWriter(stuck)
    writer.write("the first\n")
    assert stuck.reached.wait(60)
    for number in range(MOST_WAITING + 123):
        writer.write(f"{number}\n")
    stuck.go_on.set()
    writer.close(60)
    lines = stuck.getvalue().splitlines()
    assert "(123 log lines were lost: they could not be written)" in lines
    assert lines[0] == "the first"
    assert lines[-1] == f"{MOST_WAITING - 1}"


class Full(io.StringIO):
    """On a disk that is full."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(text)


def test_what_cannot_be_written_is_counted_and_owned_up_to() -> None:
    disk = Full()
    writer = LineWriter(disk)
    for number in range(5):
        writer.write(f"{number}\n")
    deadline = time.monotonic() + 60
    while writer.lost < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    disk.full = False
    writer.write("there is room again\n")
    assert writer.close(60)
    assert disk.getvalue() == "(5 log lines were lost: they could not be written)\nthere is room again\n"


def test_a_lost_line_counts_once_and_the_others_stay_whole() -> None:
    stuck = Stuck()
    writer = log_lines.configure(stuck)
    log = structlog.get_logger()
    log.info("the first")
    assert stuck.reached.wait(60)
    for number in range(MOST_WAITING + 7):
        log.info("line", number=number)
    stuck.go_on.set()
    assert writer.close(60)
    first, note, *others = stuck.getvalue().splitlines()
    assert json.loads(first)["event"] == "the first"
    assert note == "(7 log lines were lost: they could not be written)"
    assert [json.loads(line)["number"] for line in others] == list(range(MOST_WAITING))


def test_the_end_does_not_wait_for_a_reader_that_never_comes() -> None:
    stuck = Stuck()
    writer = LineWriter(stuck)
    writer.write("x\n")
    assert stuck.reached.wait(60)
    assert not writer.close(timeout=0.01)
    stuck.go_on.set()
    writer.close(60)


def test_a_full_disk_or_a_closed_pipe_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    full = os.open("/dev/full", os.O_WRONLY)
    for fd in (writing, full):
        with os.fdopen(os.dup(fd), "w", buffering=1) as stream:
            writer = LineWriter(stream)
            for _ in range(3):
                writer.write("lost\n")
            assert writer.close(60)
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        os.close(fd)
