"""A place that takes a run over: what it counted before goes on, and it lives as if we had started it."""

from __future__ import annotations

import json
import signal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from supervisor.desired.plan import ProcessSpec
from supervisor.ffmpeg.opening import NOTHING_KNOWN, Traits, remembered
from supervisor.ffmpeg.parameters import Picture
from supervisor.machine.adoption import FoundRun
from supervisor.machine.marks import RECORD_VARIABLE
from supervisor.model import events
from supervisor.model.runs import Before, RunRecord, read
from supervisor.model.terms import ExitCause, ProcessKey, RestartReason, Role, State, Trouble
from supervisor.process.adoption import Adoptable, Adoption
from supervisor.process.slot import Slot
from tests.unit.process.stage import KILLED, FakeChild, Stage, Tap, Wire

ENCODER, PUSHER = ProcessKey("cam", Role.ENCODER), ProcessKey("cam", Role.PUSHER, "yt")
HOUR = 3600.0


def carried(child: FakeChild) -> RunRecord:
    record = read(child.environment[RECORD_VARIABLE])
    assert record is not None
    return record


def another(stage: Stage, *records: RunRecord) -> Stage:
    """A new neverdark, to which these runs are left; they are its machine's children 1, 2, …"""
    new = Stage()
    new.loop.now = stage.loop.now
    for record in records:
        child = FakeChild(new.machine, len(new.machine.children) + 1, [], {})
        new.machine.children.append(child)
        found = Adoptable(
            cast("Any", child),
            f"run-{child.pid}",
            record,
            cast("Any", Wire(record.progress)),
            cast("Any", Tap(record.tap)) if record.tap else None,
            40_000 if record.key.role is Role.PUSHER else None,
        )
        new.host.adoptable[record.key] = found
    return new


# --- what is written ---------------------------------------------------------------------------------


def test_each_run_carries_what_another_neverdark_needs() -> None:
    stage = Stage()
    encoder, pusher = stage.path()
    pusher.start()
    encoder.start()
    of_pusher, of_encoder = map(carried, stage.machine.children)
    assert (of_pusher.key, of_encoder.key) == (PUSHER, ENCODER)
    assert of_pusher.media == 40_001
    assert f"udp://127.0.0.1:{of_pusher.progress}" == stage.machine.children[0].argv[1]
    assert of_encoder.tap == encoder.feeds.tap.port if encoder.feeds else 0
    assert of_encoder.settings
    assert of_encoder.settings == of_pusher.settings, "the same command line here"
    assert of_encoder.before == Before()


def test_a_run_of_its_own_kind_is_nobody_elses() -> None:
    """A drill's: the next neverdark must not go on with it."""
    stage = Stage()
    encoder = stage.place(Role.ENCODER)
    encoder.start()
    encoder.run_once(("ffmpeg", "no-such-source"))
    stage.loop.move(1)
    assert carried(stage.child).settings == ""
    stage.child.end(1)
    stage.loop.move(1)
    assert carried(stage.child).settings


def test_a_run_carries_what_was_counted_before_it() -> None:
    stage = Stage()
    encoder = stage.place(Role.ENCODER)
    encoder.start()
    stage.report(encoder, 30.0)
    stage.machine.children[0].end(*KILLED)
    stage.loop.move(1)
    before = carried(stage.child).before
    assert before.progress == (0, 0, 0, 1000, 30.0)
    assert before.restarts == {"exit": 1}
    assert before.exits == {"killed": 1}, "though it is told only after the next one is there"
    assert before.cpu_seconds == 1.5


# --- what is taken over ------------------------------------------------------------------------------


def left(stage: Stage) -> RunRecord:
    """What an encoder carries that has been replaced once."""
    encoder = stage.place(Role.ENCODER)
    encoder.start()
    stage.report(encoder, 30.0)
    stage.machine.children[0].end(*KILLED)
    stage.loop.move(1)
    return carried(stage.child)


def test_it_is_not_started_again_and_its_counts_go_on() -> None:
    old = Stage()
    new = another(old, left(old))
    new.loop.now += HOUR
    encoder = new.place(Role.ENCODER)
    encoder.start()
    assert len(new.machine.children) == 1, "nothing is started beside it"
    known = [encoder.is_known]
    new.report(encoder, HOUR)
    assert [*known, encoder.is_known] == [False, True]
    assert encoder.status.state is State.RUNNING
    new.loop.move(1)
    shown = encoder.snapshot(new.loop.now, 0.0)
    assert shown.pid == 1
    assert shown.run_id == "run-1"
    assert shown.progress.media_seconds == 30.0 + HOUR
    assert shown.restarts[RestartReason.EXIT] == 1
    assert shown.exits[ExitCause.KILLED] == 1
    assert shown.cpu_seconds == 1.5
    (fact,) = new.heard(events.ProcessAdopted)
    assert (fact.pid, fact.run_id) == (1, "run-1")
    assert fact.seconds == pytest.approx(HOUR, abs=1)
    assert not new.heard(events.ProcessStarted, events.ProcessAdvanced)


def test_its_end_is_an_end_like_any_other() -> None:
    old = Stage()
    new = another(old, left(old))
    encoder = new.place(Role.ENCODER)
    encoder.start()
    new.report(encoder, HOUR)
    new.machine.children[0].end(*KILLED)
    new.loop.move(1)
    assert len(new.machine.children) == 2
    assert encoder.restarts[RestartReason.EXIT] == 2
    assert carried(new.child).before.restarts == {"exit": 2}
    assert carried(new.child).before.exits == {"killed": 2}
    assert new.machine.children[0].closed == 1


def test_what_is_taken_over_is_stopped_in_order() -> None:
    old = Stage()
    new = another(old, left(old))
    encoder = new.place(Role.ENCODER)
    encoder.start()
    encoder.stop()
    new.loop.move(1)
    assert new.machine.children[0].signals[0] is signal.SIGTERM
    assert encoder.status.state is State.STOPPED
    encoder.start()
    assert len(new.machine.children) == 2, "the next one is our own"


@pytest.mark.parametrize(
    ("age", "limit", "trouble"),
    [
        (HOUR, 10.0, Trouble.STALL),  # it must have been at work
        (25.0, 10.0, Trouble.STALL),
        (12.0, 18.0, Trouble.START_TIMEOUT),  # what is left of the time of its start
    ],
)
def test_one_that_says_nothing_is_replaced_when_its_time_is_up(age: float, limit: float, trouble: Trouble) -> None:
    """It was frozen while nobody was there: a new neverdark is no new start."""
    old = Stage()
    record = left(old)
    new = another(old, record)
    new.loop.now = record.began + age
    encoder = new.place(Role.ENCODER)
    encoder.start()
    new.loop.move(limit - 0.1)
    assert not new.machine.children[0].signals
    new.loop.move(0.2)
    assert new.machine.children[0].signals == [signal.SIGKILL]
    assert [fact.trouble for fact in new.heard(events.ProcessSilent)] == [trouble]


def test_a_pusher_goes_on_with_the_encoder_that_feeds_it() -> None:
    stage = Stage()
    encoder, pusher = stage.path(media_port=1)
    pusher.start()
    encoder.start()
    new = another(stage, *map(carried, stage.machine.children))
    fresh, sender = new.path()
    sender.start()
    fresh.start()
    assert sender.intake
    assert cast("Any", sender.intake.link).sender == 40_000
    assert cast("Any", sender.intake.link).emptied == 0, "what waits is not thrown away"
    assert len(new.machine.children) == 2


def test_what_was_found_out_about_the_source_is_known() -> None:
    traits = Traits(Picture(1280, 720, 25.0, square=True), silent=True, rate=2.0)
    assert remembered(json.loads(json.dumps(traits))) == traits
    old = Stage()
    new = another(old, left(old)._replace(learned=traits))
    encoder = new.place(Role.ENCODER)
    encoder.start()
    new.report(encoder, HOUR)
    new.machine.children[0].end(1)
    new.loop.move(1)
    assert new.child.argv == ["ffmpeg", "cam", "adapted", str(traits.picture)]


@pytest.mark.parametrize("odd", [None, [], {}, "xxxx", [1, 2, 3, 4], [[1], 0, 0, 0], [None, 0, 0, "often"]])
def test_of_what_is_no_knowledge_nothing_is_known(odd: object) -> None:
    assert remembered(odd) == NOTHING_KNOWN


# --- which are taken over ----------------------------------------------------------------------------


class Ports:
    """Links and sockets of a machine on which some ports are not to be had."""

    def __init__(self, *lost: int) -> None:
        self.lost = lost
        self.peer = 302  # whom the pusher has its media from
        self.found: list[tuple[str, str, int, int | None]] = []
        self.links: dict[tuple[str, str], list[str]] = {}

    def find(self, stream: str, destination: str, port: int, reader: int | None) -> bool:
        self.found.append((stream, destination, port, reader))
        return port not in self.lost

    def get(self, stream: str, destination: str) -> Any:
        calls = self.links.setdefault((stream, destination), [])
        return SimpleNamespace(
            read=lambda *, by_somebody: calls.append(f"read {by_somebody}"),
            empty=lambda: calls.append("empty"),
            peer=self.peer,
        )

    def progress_socket(self, port: int) -> Any:
        if port in self.lost:
            raise OSError
        return Wire(port)

    def parameter_tap(self, port: int) -> Any:
        return self.progress_socket(port)


class Whose:
    def __init__(self, pid: int) -> None:
        self.pid, self.closed = pid, False

    def close(self) -> None:
        self.closed = True


def run(record: RunRecord, pid: int, *, stopped: bool = False) -> FoundRun:
    return FoundRun(cast("Any", Whose(pid)), f"run-{pid}", record, 0, stopped)


def wanted(key: ProcessKey) -> ProcessSpec:
    stage = Stage()
    slot: Slot = stage.place(key.role)
    return slot.spec


def chosen(ports: Ports, *runs: FoundRun, settings: str = "s") -> list[int]:
    """The pids of those that are taken over; the others are let go of."""
    adoption = Adoption(cast("Any", ports), cast("Any", ports), runs)
    adoption.find_links()
    fit = adoption.choose({key: wanted(key) for key in (ENCODER, PUSHER)}, lambda _: settings)
    assert {one.child.pid for one in runs if not cast("Any", one.child).closed} == {one.child.pid for one in fit}
    assert {one.sender for one in fit if one.record.key == PUSHER} <= {None, 302}
    return sorted(one.child.pid for one in fit)


OF_ENCODER = RunRecord(ENCODER, "s", 0.0, 0.0, progress=201, tap=202, feeds={"yt": (301, 302), "": (0, 303)})
OF_PUSHER = RunRecord(PUSHER, "s", 0.0, 0.0, progress=203, media=301)


def test_what_shall_run_as_it_does_is_taken_over() -> None:
    ports = Ports()
    assert chosen(ports, run(OF_ENCODER, 1), run(OF_PUSHER, 2)) == [1, 2]
    assert ports.found == [("cam", "yt", 301, 2), ("cam", "yt", 301, None)]
    assert not any(ports.links.values()), "as it was, without a moment of anything else"


def test_a_pusher_goes_on_with_the_media_of_the_encoder_that_it_has_it_from() -> None:
    fallback = ProcessKey("cam", Role.ENCODER, rung=1)
    of_fallback = RunRecord(fallback, "s", 0.0, 0.0, progress=204, tap=205, feeds={"yt": (301, 402), "": (0, 403)})
    for peer, sender in ((302, 302), (402, 402), (502, None)):
        ports = Ports()
        ports.peer = peer
        runs = run(OF_ENCODER, 1), run(OF_PUSHER, 2), run(of_fallback, 3)
        adoption = Adoption(cast("Any", ports), cast("Any", ports), runs)
        adoption.find_links()
        places = {key: wanted(key) for key in (ENCODER, PUSHER)} | {fallback: wanted(ENCODER)}
        fit = {one.record.key: one for one in adoption.choose(places, lambda _: "s")}
        assert (len(fit), fit[PUSHER].sender) == (3, sender)


@pytest.mark.parametrize(
    ("peer", "stopped", "kept"),
    [
        (302, (), {1, 2}),
        (302, (3,), {1, 2}),
        (402, (), {2, 3}),
        (402, (3,), {1, 2}),
        (502, (), {2}),
        (302, (1, 3), {2}),
    ],
    ids=["before", "just before", "after", "just after", "nobody can tell", "both stopped"],
)
def test_of_an_encoder_and_the_one_that_follows_it_that_which_feeds_goes_on(
    peer: int, stopped: tuple[int, ...], kept: set[int]
) -> None:
    """neverdark was killed while it replaced one without a gap, before the links went over or after that."""
    following = OF_ENCODER._replace(feeds={"yt": (301, 402), "": (0, 403)})
    ports = Ports()
    ports.peer = peer
    runs = [run(OF_ENCODER, 1, stopped=1 in stopped), run(OF_PUSHER, 2), run(following, 3, stopped=3 in stopped)]
    adoption = Adoption(cast("Any", ports), cast("Any", ports), runs)
    adoption.find_links()
    fit = adoption.choose({key: wanted(key) for key in (ENCODER, PUSHER)}, lambda _: "s")
    assert {one.child.pid for one in fit} == kept
    assert {one.child.pid for one in runs if not cast("Any", one.child).closed} == kept


@pytest.mark.parametrize(
    ("ports", "runs", "kept"),
    [
        (Ports(), [run(OF_ENCODER, 1), run(OF_PUSHER._replace(settings="other"), 2)], [1]),
        (Ports(), [run(OF_ENCODER._replace(settings="other"), 1), run(OF_PUSHER, 2)], [2]),
        (Ports(), [run(OF_ENCODER._replace(settings=""), 1), run(OF_PUSHER, 2)], [2]),
        (Ports(), [run(OF_ENCODER._replace(key=ProcessKey("gone", Role.ENCODER)), 1), run(OF_PUSHER, 2)], [2]),
        (Ports(), [run(OF_ENCODER, 1), run(OF_PUSHER, 2, stopped=True)], [1]),
        (Ports(), [run(OF_ENCODER, 1), run(OF_PUSHER, 2), run(OF_PUSHER, 3)], [1]),
        (Ports(301), [run(OF_ENCODER, 1), run(OF_PUSHER, 2)], [1]),
        (Ports(203), [run(OF_ENCODER, 1), run(OF_PUSHER, 2)], [1]),
        (Ports(202), [run(OF_ENCODER, 1), run(OF_PUSHER, 2)], [2]),
        (Ports(), [], []),
    ],
    ids=[
        *("another destination", "another source", "a drill's", "no longer configured", "stopped by somebody"),
        *("two of one place", "its link is lost", "its reports' port is taken", "its tap's port is taken", "none"),
    ],
)
def test_what_is_not_certain_is_not_taken_over(ports: Ports, runs: list[FoundRun], kept: list[int]) -> None:
    assert chosen(ports, *runs) == kept


def test_the_link_of_a_pusher_that_is_not_taken_over_waits_for_the_next_one() -> None:
    ports = Ports()
    assert chosen(ports, run(OF_ENCODER, 1), run(OF_PUSHER._replace(settings="other"), 2)) == [1]
    assert ports.links == {("cam", "yt"): ["read False", "empty"]}
