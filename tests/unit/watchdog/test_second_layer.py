"""The second layer by numbers: what it gathers, when it acts and on whom, what it tells, and when it must not act."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from supervisor.judge.checks import Life
from supervisor.judge.content import ContentEvidence
from supervisor.judge.incidents import Book
from supervisor.judge.ladder import Withheld
from supervisor.model import events
from supervisor.model.external import External, Recovery
from supervisor.model.incidents import Incident
from supervisor.model.policies import LimitsPolicy, Policies, WatchdogPolicy
from supervisor.model.snapshot import WatchdogSnapshot
from supervisor.model.terms import (
    Action,
    Cause,
    Check,
    ExitCause,
    Layer,
    ProcessKey,
    Reach,
    RestartReason,
    Role,
    Segment,
    State,
    Trouble,
    Verdict,
)
from supervisor.probes.process import Usage
from supervisor.watchdog.keeper import Keeper
from supervisor.watchdog.scheduler import Post
from supervisor.watchdog.second_layer import SecondLayer
from tests.unit.watchdog.fakes import (
    CAMERA,
    ENCODER,
    FAR,
    FakeChild,
    FakeProbes,
    FakeProcess,
    FakeStream,
    LoopClock,
    in_quick_time,
)

YOUTUBE, TWITCH = Post("cam", "youtube"), Post("cam", "twitch")
EVERY = 30.0


class Scene:
    """A second layer over one stream, checked by hand."""

    def __init__(self, *destinations: str, policies: Policies | None = None) -> None:
        self.clock, self.probes = LoopClock(), FakeProbes()
        self.stream = FakeStream(self.clock, *(destinations or ("youtube",)), policies=policies)
        self.streams = {"cam": self.stream}
        self.reaches: dict[object, Reach] = {}
        self.told: list[events.Payload] = []
        self.book = Book()
        self.book.tally.know("cam", is_command=False)
        keeper = Keeper(
            self.clock,
            self.book,
            self.told.append,
            lambda _: [process.key for process in self.stream.processes],
            lambda _: False,
            lambda _: True,
            lambda _: self.stream.wanted,
        )
        self.layer = SecondLayer(
            self.clock, self.probes, self.streams, self.book, keeper, self.reaches.get, self.told.append
        )
        self.layer.follow({"cam"})

    @property
    def encoder(self) -> FakeProcess:
        return self.stream.encoder

    @property
    def pusher(self) -> FakeProcess:
        return self.stream.pushers[0]

    @property
    def view(self) -> WatchdogSnapshot:
        view = self.layer.view(YOUTUBE)
        assert view is not None
        return view

    async def passes(self, seconds: float, *flowing: FakeProcess) -> None:
        """Time goes by, and these advance in it."""
        for _ in range(round(seconds)):
            await asyncio.sleep(1)
            for process in flowing:
                process.advance()

    async def check(self, *flowing: FakeProcess, after: float = EVERY, post: Post = YOUTUBE) -> Verdict:
        await self.passes(after, *flowing)
        await self.layer.check(post)
        view = self.layer.view(post)
        assert view is not None
        return view.verdict

    async def flows(self) -> Verdict:
        return await self.check(*self.stream.processes)

    def facts(self, kind: type[events.Payload]) -> list[events.Payload]:
        return [fact for fact in self.told if isinstance(fact, kind)]

    @property
    def unhealthy(self) -> list[events.DestinationUnhealthy]:
        return [fact for fact in self.told if isinstance(fact, events.DestinationUnhealthy)]

    @property
    def attempts(self) -> list[events.RecoveryAttempted]:
        return [fact for fact in self.told if isinstance(fact, events.RecoveryAttempted)]

    def incidents(self) -> tuple[Incident, ...]:
        return self.book.incidents(None, self.clock.now())

    def acted_on(self) -> list[ProcessKey]:
        return [process.key for process in self.stream.processes for _ in process.recovered]


# --- what is gathered ----------------------------------------------------------------------------------


@in_quick_time
async def test_what_flows_is_healthy_and_every_check_that_applies_says_so() -> None:
    scene = Scene()
    assert await scene.flows() is Verdict.HEALTHY
    every = dict.fromkeys([Check.PROCESS, Check.PROGRESS, Check.NETWORK, Check.SOURCE, Check.CONFORMANCE], True)
    healthy = {check: verdict is Verdict.HEALTHY for check, verdict in scene.view.verdicts.items()}
    assert healthy == {**every, Check.UPLINK: False}, "nobody has seen the connection yet: unknown"
    assert scene.view.last_healthy == scene.view.last_check == scene.clock.wall()
    assert scene.view.checks[Verdict.HEALTHY] == 1


BLACK = ContentEvidence(Verdict.UNHEALTHY, Trouble.BLACK, "black for 2m", restart=False)

BROKEN: dict[str, tuple[Callable[[Scene], object], Check, Verdict]] = {
    "a process that somebody has stopped": (
        lambda scene: setattr(scene.probes, "life", Life.STOPPED),
        Check.PROCESS,
        Verdict.UNHEALTHY,
    ),
    "a zombie": (lambda scene: setattr(scene.probes, "life", Life.ZOMBIE), Check.PROCESS, Verdict.UNHEALTHY),
    "sound that is far from its picture": (
        lambda scene: setattr(scene.pusher.intake, "ahead", 2.5),
        Check.CONFORMANCE,
        Verdict.DEGRADED,
    ),
    "a black picture": (
        lambda scene: setattr(scene.encoder.content, "now", BLACK),
        Check.CONTENT,
        Verdict.UNHEALTHY,
    ),
    "sound of which nobody knows": (
        lambda scene: setattr(scene.pusher.intake, "ahead", None),
        Check.CONFORMANCE,
        Verdict.UNKNOWN,
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_each_piece_of_evidence_reaches_its_check(kind: str) -> None:
    broken, check, verdict = BROKEN[kind]

    @in_quick_time
    async def test() -> None:
        scene = Scene()
        await scene.flows()
        assert scene.view.verdicts.get(check, Verdict.HEALTHY) is Verdict.HEALTHY
        broken(scene)
        await scene.flows()
        assert scene.view.verdicts[check] is verdict

    test()


@in_quick_time
async def test_a_black_picture_is_never_a_reason_for_a_restart() -> None:
    """A dark night would be a restart for ever, and the viewers of the encoder's silence see no better picture."""
    scene = Scene()
    scene.encoder.content.now = BLACK
    assert {await scene.flows() for _ in range(40)} == {Verdict.HEALTHY}
    assert scene.view.verdicts[Check.CONTENT] is Verdict.UNHEALTHY
    assert scene.acted_on() == []
    assert scene.incidents() == (), "what looks at the picture tells of it"


@in_quick_time
async def test_unless_its_owner_wishes_it() -> None:
    scene = Scene()
    scene.encoder.content.now = BLACK._replace(restart=True)
    for _ in range(3):
        await scene.flows()
    assert scene.acted_on() == [ENCODER]
    assert scene.unhealthy[-1].said.endswith("content: unhealthy (black for 2m)")
    assert scene.incidents() == ()


@in_quick_time
async def test_probes_count_only_while_nothing_advances() -> None:
    scene = Scene()
    scene.reaches |= {FAR: Reach.TIMEOUT, CAMERA: Reach.REFUSED}
    await scene.flows()
    seen = scene.view.verdicts
    assert (seen[Check.NETWORK], seen[Check.SOURCE]) == (Verdict.HEALTHY, Verdict.HEALTHY)
    await scene.check()
    seen = scene.view.verdicts
    assert (seen[Check.NETWORK], seen[Check.SOURCE]) == (Verdict.UNHEALTHY, Verdict.UNHEALTHY)


@in_quick_time
async def test_cores_are_those_since_the_check_before() -> None:
    """Over its whole life it has used little; of late it uses all."""
    scene = Scene(policies=Policies(limits=LimitsPolicy(cpu=1.5)))
    scene.probes.usage = Usage(0, Life.RUNNING, cpu_seconds=100.0, age=1000.0)
    await scene.flows()
    assert scene.view.verdicts[Check.PROCESS] is Verdict.HEALTHY
    scene.probes.usage = scene.probes.usage._replace(cpu_seconds=100.0 + 2 * EVERY, age=1000.0 + EVERY)
    await scene.flows()
    assert scene.view.verdicts[Check.PROCESS] is Verdict.UNHEALTHY


@in_quick_time
async def test_a_process_that_was_replaced_during_the_look_is_not_judged_by_it() -> None:
    """The look says of the old one that it is gone; nobody has looked at the new one."""
    scene = Scene()
    await scene.flows()
    scene.probes.life = Life.GONE

    def replaced() -> None:
        for process in scene.stream.processes:
            process.child = FakeChild(7)

    scene.probes.meanwhile = replaced
    await scene.flows()
    assert scene.view.verdicts[Check.PROCESS] is Verdict.UNKNOWN


@pytest.mark.parametrize("what", ["speed", "written", "acknowledged"])
def test_media_that_flows_too_slowly_degrades(what: str) -> None:
    @in_quick_time
    async def test() -> None:
        scene = Scene(policies=Policies(limits=LimitsPolicy(bitrate=600_000)))
        acked = 0

        async def check(bytes_per_second: int) -> Verdict:
            nonlocal acked
            for _ in range(round(EVERY)):
                await scene.passes(1, *scene.stream.processes)
                acked += bytes_per_second
                if what == "acknowledged":
                    scene.pusher.acknowledges(acked)
            await scene.layer.check(YOUTUBE)
            return scene.view.verdicts[Check.PROGRESS]

        if what != "acknowledged":
            scene.pusher.uplink = None
        for _ in range(3):
            assert await check(100_000) is Verdict.HEALTHY
        scene.encoder.speed = 0.9 if what == "speed" else 1.0
        scene.pusher.speed = 0.5 if what == "written" else 1.0  # 400,000 bits a second
        for _ in range(2):
            verdict = await check(50_000)
        assert verdict is Verdict.DEGRADED

    test()


@in_quick_time
async def test_what_was_there_before_somebody_wanted_it_proves_nothing() -> None:
    scene = Scene()
    await scene.flows()
    await scene.passes(1)
    scene.stream.wanted_since = scene.clock.now()
    assert await scene.check(after=25) is Verdict.UNKNOWN, "a start has 30 s, whatever advanced before it"
    assert await scene.check(after=6) is Verdict.UNHEALTHY


# --- a decision, and who is replaced ---------------------------------------------------------------------


@in_quick_time
async def test_three_bad_verdicts_in_a_row_replace_the_process_whose_trouble_it_is() -> None:
    scene = Scene()
    await scene.flows()
    scene.pusher.fed = 1000.0
    for _ in range(2):
        assert await scene.check(scene.encoder) is Verdict.UNHEALTHY
        assert scene.attempts == []
    assert scene.view.consecutive_failures == 2
    assert await scene.check(scene.encoder) is Verdict.UNHEALTHY
    assert scene.pusher.recovered == [RestartReason.WATCHDOG]
    assert scene.encoder.recovered == []
    assert scene.attempts == [
        events.RecoveryAttempted("cam", "youtube", 1, Action.RESTART_PUSHER, scene.attempts[0].segment)
    ]
    assert (scene.view.recoveries, scene.view.last_recovery) == (1, scene.clock.wall())
    assert scene.view.consecutive_failures == 0
    incident = scene.incidents()[0]
    assert (incident.destination, incident.cause, incident.layer) == ("youtube", Trouble.STALL, Layer.WATCHDOG)
    assert [(one.layer, one.action) for one in incident.actions] == [(Layer.WATCHDOG, Action.RESTART_PUSHER)]


@in_quick_time
async def test_an_encoder_that_stands_still_is_the_one_that_is_replaced() -> None:
    scene = Scene()
    scene.encoder.segment = Segment.ENCODER
    await scene.flows()
    for _ in range(3):
        await scene.check()
    assert scene.acted_on() == [ENCODER]
    assert scene.attempts[0].action is Action.RESTART_ENCODER


@in_quick_time
async def test_whose_trouble_it_is_is_seen_before_the_time_for_a_stall_is_over() -> None:
    """Both are silent; the pusher has nothing to send."""
    scene = Scene()
    await scene.flows()
    scene.encoder.becomes(State.COOLDOWN, ExitCause.KILLED)
    assert await scene.check(after=4) is Verdict.UNHEALTHY
    assert scene.unhealthy[0].segment is Segment.ENCODER


@in_quick_time
async def test_when_that_did_not_help_and_nothing_is_on_air_all_are_replaced() -> None:
    scene = Scene("youtube", "twitch", policies=Policies(watchdog=WatchdogPolicy(cooldown=0)))
    scene.encoder.segment = Segment.ENCODER
    await scene.flows()
    for _ in range(6):
        await scene.check()
    assert [attempt.action for attempt in scene.attempts] == [Action.RESTART_ENCODER, Action.RESTART_ALL]
    assert scene.acted_on() == [one.key for one in scene.stream.pushers] + [ENCODER, ENCODER]


LEFT_ALONE: dict[str, Callable[[FakeProcess], object]] = {
    "the first layer ends it": lambda pusher: setattr(pusher, "status", pusher.status._replace(ending=True)),
    "it waits for its next attempt": lambda pusher: pusher.becomes(State.BACKOFF, ExitCause.INGEST_CLOSED),
    "it starts": lambda pusher: pusher.becomes(State.STARTING),
}


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("kind", LEFT_ALONE)
def test_who_is_in_the_hands_of_the_first_layer_is_left_alone(kind: str, which: int) -> None:
    """Also when all are replaced: two layers at work on one process spend its attempts twice."""

    @in_quick_time
    async def test() -> None:
        scene = Scene("youtube", "twitch", policies=Policies(watchdog=WatchdogPolicy(cooldown=0)))
        scene.encoder.segment = Segment.ENCODER
        await scene.flows()
        for _ in range(3):
            await scene.check()
        scene.encoder.becomes(State.COOLDOWN, ExitCause.OTHER)
        pusher = scene.stream.pushers[which]
        LEFT_ALONE[kind](pusher)
        for _ in range(3):
            await scene.check()
        assert [attempt.action for attempt in scene.attempts] == [Action.RESTART_ENCODER, Action.RESTART_ALL]
        assert pusher.recovered == []
        assert scene.stream.pushers[1 - which].recovered == [RestartReason.WATCHDOG]
        assert len(scene.encoder.recovered) == 2

    test()


WITHHELD: dict[Withheld, Callable[[FakeProcess], object]] = {
    Withheld.LINE_DOWN: lambda encoder: setattr(encoder, "line_down", True),
    Withheld.HOPELESS: lambda encoder: setattr(encoder, "last_cause", ExitCause.BAD_ARGUMENTS),
    Withheld.REFUSED: lambda encoder: setattr(encoder, "refused", True),
    Withheld.FIRST_LAYER: lambda encoder: encoder.becomes(State.BACKOFF, ExitCause.OTHER),
}


@pytest.mark.parametrize("why", WITHHELD)
def test_why_nothing_is_done_is_told_and_nothing_is_done(why: Withheld) -> None:
    @in_quick_time
    async def test() -> None:
        scene = Scene()
        await scene.flows()
        WITHHELD[why](scene.encoder)
        for _ in range(5):
            assert await scene.check() is Verdict.UNHEALTHY
        assert (scene.acted_on(), scene.attempts, scene.view.recoveries) == ([], [], 0)
        assert scene.view.consecutive_failures == 5
        assert [fact.withheld for fact in scene.unhealthy] == [None, None, why]

    test()


# --- while viewers see a fallback ----------------------------------------------------------------------


async def _covered(scene: Scene, times: int) -> list[Verdict]:
    """Checks while the slate flows; nothing that is done here helps the encoder."""
    return [await scene.check(scene.pusher, scene.stream.slate) for _ in range(times)]


@in_quick_time
async def test_an_encoder_that_has_given_up_behind_a_slate_is_started_and_nobody_else() -> None:
    scene = Scene(policies=Policies(watchdog=WatchdogPolicy(cooldown=60)))
    await scene.flows()
    scene.encoder.becomes(State.COOLDOWN, ExitCause.OTHER)
    scene.stream.show(scene.stream.slate)
    assert await _covered(scene, 2) == [Verdict.HEALTHY, Verdict.HEALTHY]
    assert scene.acted_on() == []
    assert await _covered(scene, 1) == [Verdict.HEALTHY], "viewers have a picture"
    assert scene.encoder.recovered == [RestartReason.WATCHDOG]
    assert [(fact.action, fact.number) for fact in scene.attempts] == [(Action.RESTART_ENCODER, 1)]
    assert (scene.view.recoveries, scene.view.last_recovery) == (1, scene.clock.wall())
    await _covered(scene, 12)
    waits = [60, 120]  # what did not help waits twice as long: six minutes have room for two more
    assert len(scene.encoder.recovered) == 1 + len(waits)
    assert (scene.pusher.recovered, scene.stream.slate.recovered, scene.unhealthy) == ([], [], [])


@in_quick_time
async def test_what_is_bad_behind_a_slate_counts_in_a_row_and_only_there() -> None:
    scene = Scene()
    await scene.flows()
    for _ in range(3):
        scene.encoder.becomes(State.COOLDOWN, ExitCause.OTHER)
        scene.stream.show(scene.stream.slate)
        await _covered(scene, 2)
        scene.stream.show(scene.encoder)
        scene.encoder.becomes(State.RUNNING)
        await scene.flows()
    assert scene.acted_on() == []


@pytest.mark.parametrize("why", WITHHELD)
def test_behind_a_slate_nothing_is_done_that_would_not_be_done_without_one(why: Withheld) -> None:
    @in_quick_time
    async def test() -> None:
        scene = Scene()
        await scene.flows()
        scene.encoder.becomes(State.COOLDOWN, ExitCause.OTHER)
        WITHHELD[why](scene.encoder)
        scene.stream.show(scene.stream.slate)
        await _covered(scene, 6)
        assert (scene.acted_on(), scene.attempts) == ([], [])

    test()


@in_quick_time
async def test_nothing_is_done_to_a_program_that_only_its_owner_can_recover() -> None:
    scene = Scene()
    await scene.flows()
    scene.encoder.spec = replace(scene.encoder.spec, external=External("cam", 5, 1, "b", 0.0, "rtmp://h/a/k"))
    for _ in range(4):
        assert await scene.check() is Verdict.UNHEALTHY
    assert (scene.acted_on(), scene.unhealthy[-1].withheld) == ([], Withheld.HOPELESS)
    scene.encoder.spec = replace(
        scene.encoder.spec,
        external=External("cam", 5, 1, "b", 0.0, "rtmp://h/a/k", recovery=Recovery((), "http://h/", 1.0)),
    )
    await scene.check()
    assert len(scene.acted_on()) == 1


@in_quick_time
async def test_after_an_action_the_next_one_waits_for_the_cooldown_also_of_another_destinations_check() -> None:
    scene = Scene("youtube", "twitch")
    scene.encoder.segment = Segment.ENCODER
    await scene.flows()
    await scene.check(*scene.stream.processes, after=0, post=TWITCH)
    for _ in range(3):
        await scene.check()
    assert scene.acted_on() == [ENCODER]
    for _ in range(3):
        await scene.check(after=1, post=TWITCH)
    assert scene.acted_on() == [ENCODER]
    assert scene.unhealthy[-1].withheld is Withheld.COOLDOWN


@in_quick_time
async def test_a_process_over_its_limit_is_replaced_as_such_although_media_flows() -> None:
    scene = Scene(policies=Policies(limits=LimitsPolicy(memory=1000)))
    scene.probes.usage = Usage(0, Life.RUNNING, memory=2000)
    for _ in range(3):
        await scene.flows()
    assert scene.acted_on() == [ENCODER]
    assert scene.encoder.recovered == [RestartReason.LIMIT]
    assert [(one.cause, one.segment) for one in scene.incidents()] == [(Trouble.LIMIT, Segment.ENCODER)]
    scene.probes.usage = Usage(0, Life.RUNNING, memory=500)
    await scene.flows()
    for second in range(40):
        scene.book.look(
            lambda _: scene.clock.now(), lambda _: False, lambda _: False, now=scene.clock.now() + second, wall=0.0
        )
    assert scene.incidents()[0].closed is not None, "the complaint is taken back"


# --- unknown, and what is planned ------------------------------------------------------------------------


@in_quick_time
async def test_unknown_never_leads_to_an_action_and_neither_counts_nor_forgives() -> None:
    scene = Scene()
    await scene.flows()
    scene.pusher.fed = 1000.0
    for _ in range(2):
        assert await scene.check(scene.encoder) is Verdict.UNHEALTHY
    scene.pusher.becomes(State.STARTING)
    scene.pusher.meter.begin_run()
    for _ in range(20):
        assert await scene.check(scene.encoder) is Verdict.UNKNOWN
    assert (scene.acted_on(), scene.view.consecutive_failures) == ([], 2)
    assert scene.view.checks[Verdict.UNKNOWN] == 20
    scene.pusher.becomes(State.RUNNING)
    await scene.check(scene.encoder)
    assert scene.acted_on() == [scene.pusher.key], "the third one"


@in_quick_time
async def test_a_planned_stop_begins_a_new_row() -> None:
    scene = Scene()
    await scene.flows()
    for _ in range(2):
        assert await scene.check() is Verdict.UNHEALTHY
    scene.stream.wanted = False
    assert await scene.check() is Verdict.UNKNOWN
    assert scene.view.consecutive_failures == 0
    scene.stream.wanted = True
    for _ in range(2):
        assert await scene.check() is Verdict.UNHEALTHY
    assert scene.acted_on() == []


@in_quick_time
async def test_so_does_the_stop_of_a_stream_that_is_not_enabled() -> None:
    """It is not checked any more while it stands; two bad ones from before and one after are not three."""
    scene = Scene()
    scene.stream.enable(enabled=False)
    await scene.flows()
    for _ in range(2):
        assert await scene.check() is Verdict.UNHEALTHY
    scene.stream.wanted = False
    scene.layer.follow({"cam"})
    assert scene.layer.view(YOUTUBE) is None
    scene.stream.wanted = True
    scene.layer.follow({"cam"})
    assert scene.view.verdict is Verdict.UNKNOWN, "what was found before is not known to be so still"
    assert scene.view.checks[Verdict.UNHEALTHY] == 2, "counts never fall"
    await scene.check()
    assert (scene.acted_on(), scene.view.consecutive_failures) == ([], 1)


# --- what changes during a check -------------------------------------------------------------------------


def _lose_its_destination(scene: Scene) -> None:
    scene.stream.pushers.clear()
    scene.stream.enable(enabled=True)


CHANGES: dict[str, Callable[[Scene], object]] = {
    "its destination was removed": _lose_its_destination,
    "its stream was removed": lambda scene: scene.streams.clear(),
    "its watchdog was switched off": lambda scene: scene.stream.take(Policies(watchdog=WatchdogPolicy(enabled=False))),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_is_no_longer_looked_after_is_not_acted_on(kind: str) -> None:
    @in_quick_time
    async def test() -> None:
        scene = Scene()
        encoder, pusher = scene.encoder, scene.pusher
        await scene.flows()
        for _ in range(2):
            await scene.check()

        def meanwhile() -> None:
            CHANGES[kind](scene)
            scene.layer.follow(set(scene.streams))

        scene.probes.meanwhile = meanwhile
        told = len(scene.told)
        await scene.passes(EVERY)
        await scene.layer.check(YOUTUBE)
        assert (encoder.recovered, pusher.recovered) == ([], [])
        assert scene.told[told:] == []
        assert scene.layer.view(YOUTUBE) is None
        await scene.layer.check(YOUTUBE)  # a job that the scheduler had begun already

    test()


@in_quick_time
async def test_what_was_removed_and_has_come_back_meanwhile_begins_anew() -> None:
    scene = Scene()
    await scene.flows()
    for _ in range(2):
        await scene.check()

    def meanwhile() -> None:
        scene.probes.meanwhile = lambda: None
        scene.layer.follow(set())
        scene.layer.follow({"cam"})

    scene.probes.meanwhile = meanwhile
    told = len(scene.told)
    assert await scene.check() is Verdict.UNKNOWN, "nobody has judged this one yet"
    assert (scene.acted_on(), scene.told[told:]) == ([], [])


@in_quick_time
async def test_nothing_is_remembered_of_what_is_gone() -> None:
    scene = Scene()
    scene.encoder.segment = Segment.ENCODER
    await scene.flows()
    for _ in range(3):
        await scene.check()
    assert scene.layer._acted
    scene.encoder.child, scene.encoder.status = None, scene.encoder.status._replace(wanted=False)
    scene.streams.clear()
    scene.layer.follow(set())
    assert (scene.layer._acted, scene.layer._histories) == ({}, {})


# --- what is told ----------------------------------------------------------------------------------------


@in_quick_time
async def test_the_same_again_is_told_once_in_ten_minutes() -> None:
    scene = Scene()
    for _ in range(round(1190 / EVERY)):
        await scene.flows()
    assert len(scene.facts(events.DestinationHealthy)) == 2
    scene.encoder.refused = True
    for _ in range(round(1300 / EVERY)):
        await scene.check()
    assert [fact.count for fact in scene.unhealthy] == [1, 2, 3, 3, 3]


@in_quick_time
async def test_what_is_told_says_what_each_check_found_and_what_a_probe_saw() -> None:
    scene = Scene()
    scene.reaches[CAMERA] = Reach.REFUSED
    scene.encoder.segment = Segment.SOURCE
    await scene.flows()
    await scene.check()
    told = scene.unhealthy[0]
    assert (told.count, told.failures, told.segment) == (1, 3, Segment.SOURCE)
    assert "source: unhealthy (it is missing or refuses)" in told.said
    healthy = scene.facts(events.DestinationHealthy)[0]
    assert isinstance(healthy, events.DestinationHealthy)
    assert scene.encoder.child is not None
    assert healthy.pid == scene.encoder.child.pid


@in_quick_time
async def test_what_the_first_layer_knows_already_is_no_second_incident() -> None:
    scene = Scene()
    await scene.flows()
    cause: Cause = ExitCause.KILLED
    scene.encoder.becomes(State.COOLDOWN, cause)
    for _ in range(2):
        await scene.check()
    assert scene.incidents() == (), "it waits: why, the first layer knows"
    scene.encoder.becomes(State.RUNNING)
    await scene.check()
    assert [(one.cause, one.role) for one in scene.incidents()] == [(Trouble.STALL, Role.ENCODER)]
