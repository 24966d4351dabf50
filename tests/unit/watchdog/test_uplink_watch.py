"""The watch on connections: whose sample is whose, what is told, and how an ingest that is back is noticed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from supervisor.desired.plan import Observed
from supervisor.lifecycle.types import RetryNow
from supervisor.model import events
from supervisor.model.policies import Policies, UplinkPolicy
from supervisor.model.terms import ExitCause, ProcessKey, Role, State
from supervisor.probes.uplink import ConnectionKey, Observation, ProbeFailed, Sockets, Watched
from supervisor.watchdog.uplink_watch import UplinkWatch
from tests.unit.watchdog.fakes import (
    BACKUP,
    FAR,
    HERE,
    PUSHER,
    FakeChild,
    FakeProbes,
    FakeProcess,
    LoopClock,
    in_quick_time,
    tcp_sample,
)

TIMEOUT = Policies().uplink.timeout


class Scene:
    def __init__(self, *processes: FakeProcess) -> None:
        self.clock, self.probes = LoopClock(), FakeProbes()
        self.pusher = FakeProcess(PUSHER, self.clock, ingest=HERE.address)
        self.senders = list(processes) or [self.pusher]
        self.told: list[events.Payload] = []
        self.watch = UplinkWatch(self.clock, self.probes, lambda: self.senders, self.told.append)
        self.acked: dict[ConnectionKey, int] = {}

    def shows(self, *keys: ConnectionKey, waiting: bool = False, grows: bool = True, listening: bool = False) -> None:
        """What the kernel will say from now on."""
        for key in keys:
            self.acked[key] = self.acked.get(key, 1000) + 1000 * grows
        place = (HERE.address.host, HERE.address.port)
        self.probes.sockets = Sockets(
            {key: tcp_sample(self.acked[key], waiting=waiting) for key in keys}, frozenset({place} if listening else ())
        )

    async def looks(self, times: int = 1) -> None:
        for _ in range(times):
            await asyncio.sleep(1)
            await self.watch.look(1.0)


@in_quick_time
async def test_who_acknowledges_nothing_while_data_waits_is_blocked() -> None:
    scene = Scene()
    for _ in range(20):
        scene.shows(PUSHER, waiting=True)
        await scene.looks()
    assert scene.pusher.blocked == []
    scene.shows(PUSHER, waiting=True, grows=False)
    await scene.looks(int(TIMEOUT) + 2)
    assert scene.pusher.blocked == [TIMEOUT]


@in_quick_time
async def test_a_sample_of_the_process_before_says_nothing_of_the_new_one() -> None:
    scene = Scene()
    scene.shows(PUSHER, waiting=True, grows=False)
    await scene.looks(int(TIMEOUT))
    assert scene.pusher.uplink is not None
    scene.probes.meanwhile = lambda: scene.pusher.replaced(7)
    await scene.looks()
    assert (scene.pusher.blocked, scene.pusher.uplink.silent_seconds) == ([], TIMEOUT - 1)


@in_quick_time
async def test_who_has_ended_meanwhile_has_no_connection() -> None:
    scene = Scene()
    scene.shows(PUSHER)
    await scene.looks(2)
    assert scene.pusher.uplink is not None
    assert scene.pusher.uplink.totals.connected
    scene.probes.meanwhile = lambda: scene.pusher.becomes(State.BACKOFF, ExitCause.OTHER)
    await scene.looks()
    assert not scene.pusher.uplink.totals.connected


@pytest.mark.parametrize("probe", ["there is nobody to look at", "the kernel does not tell"])
def test_nor_has_one_that_ended_long_ago_although_nobody_looks(probe: str) -> None:
    """A pusher alone in its backoff counted as connected until its next run; so its start would be judged as one."""

    @in_quick_time
    async def test() -> None:
        scene = Scene()
        scene.shows(PUSHER)
        await scene.looks(2)
        scene.pusher.becomes(State.BACKOFF, ExitCause.OTHER)
        if probe == "the kernel does not tell":
            scene.senders.append(FakeProcess(PUSHER._replace(destination="other"), scene.clock, ingest=FAR.address))
            scene.probes.sockets = ProbeFailed("no answer")
        asked = len(scene.probes.asked)
        await scene.looks()
        assert scene.pusher.uplink is not None
        assert not scene.pusher.uplink.totals.connected
        assert (len(scene.probes.asked) == asked) is (len(scene.senders) == 1)

    test()


@in_quick_time
async def test_a_sample_that_could_not_be_taken_is_no_sample_and_is_told_once() -> None:
    scene = Scene()
    scene.shows(PUSHER, waiting=True, grows=False)
    await scene.looks(2)
    taken, scene.probes.sockets = scene.probes.sockets, ProbeFailed("no answer")
    await scene.looks(100)
    assert scene.told == [events.ProbeTrouble("uplink", "no answer")]
    assert scene.pusher.uplink is not None
    assert scene.pusher.uplink.totals.connected
    assert scene.pusher.blocked == [], "nobody has seen the silence"
    scene.probes.sockets = taken
    await scene.looks()
    scene.probes.sockets = ProbeFailed("no answer")
    await scene.looks()
    assert len(scene.told) == 2, "it worked meanwhile"


@in_quick_time
async def test_each_destination_of_a_command_is_judged_by_its_own_connection_and_its_own_time() -> None:
    ways = {"main": (FAR, 2.0), "backup": (BACKUP, 60.0)}
    observed = tuple(
        Observed(name, way.address, way.tls, UplinkPolicy(timeout=time)) for name, (way, time) in ways.items()
    )
    command = FakeProcess(ProcessKey("own", Role.COMMAND), LoopClock(), observed=observed)
    scene = Scene(command)
    main, backup = (Observation(command.key, name) for name in ways)
    scene.shows(main, backup, waiting=True, grows=False)
    await scene.looks(5)
    assert command.child is not None
    assert scene.probes.watched == [
        Watched(main, command.child.pid, FAR.address),
        Watched(backup, command.child.pid, BACKUP.address),
    ]
    assert set(command.blocked) == {2.0}
    assert command.observed["backup"].silent_seconds == 4.0


# --- an ingest of this machine that is back --------------------------------------------------------------


def waiting() -> Scene:
    scene = Scene()
    scene.pusher.becomes(State.COOLDOWN, ExitCause.INGEST_UNREACHABLE)
    scene.pusher.waits_for_ingest = True
    return scene


@in_quick_time
async def test_an_ingest_that_listens_again_is_noticed_within_a_sample() -> None:
    scene = waiting()
    scene.shows()
    await scene.looks(5)
    assert scene.pusher.told == []
    scene.shows(listening=True)
    await scene.looks(10)
    assert scene.pusher.told == [RetryNow()], "once"
    scene.shows()
    await scene.looks(5)
    scene.shows(listening=True)
    await scene.looks(10)
    assert scene.pusher.told == [RetryNow(), RetryNow()], "it was gone again"


@in_quick_time
async def test_one_that_was_never_seen_silent_is_worth_one_try_until_one_has_worked() -> None:
    scene = waiting()
    scene.shows(listening=True)
    await scene.looks(20)
    assert scene.pusher.told == [RetryNow()], "no storm: it listens, and does not take us"
    scene.pusher.waits_for_ingest = False
    scene.pusher.becomes(State.RUNNING)
    scene.pusher.child = FakeChild(7)
    await scene.looks()
    scene.pusher.becomes(State.COOLDOWN, ExitCause.INGEST_UNREACHABLE)
    scene.pusher.waits_for_ingest = True
    await scene.looks(5)
    assert scene.pusher.told == [RetryNow(), RetryNow()]


@in_quick_time
async def test_of_one_elsewhere_nothing_can_be_seen() -> None:
    scene = waiting()
    scene.pusher.spec = replace(scene.pusher.spec, ingest=FAR.address)
    scene.shows(listening=True)
    await scene.looks(5)
    assert (scene.pusher.told, scene.probes.asked) == ([], [])


@pytest.mark.parametrize(
    ("listens", "wanted", "back"),
    [
        ("", "127.0.0.1", True),
        ("0.0.0.0", "localhost", True),
        ("::1", "localhost", True),
        ("127.0.0.2", "127.0.0.1", False),
    ],
)
def test_where_it_listens_is_where_it_is_wanted(listens: str, wanted: str, *, back: bool) -> None:
    @in_quick_time
    async def test() -> None:
        scene = waiting()
        scene.probes.here = ("127.", "localhost")
        scene.pusher.spec = replace(scene.pusher.spec, ingest=HERE.address._replace(host=wanted))
        scene.probes.sockets = Sockets({}, frozenset({(listens, HERE.address.port), (wanted, 1)}))
        await scene.looks()
        assert bool(scene.pusher.told) is back

    test()


@in_quick_time
async def test_nothing_stays_of_a_process_that_is_removed() -> None:
    scene = waiting()
    scene.shows(listening=True)
    await scene.looks()
    assert scene.watch._tried == {PUSHER}
    scene.senders.clear()
    await scene.looks()
    assert (scene.watch._tried, scene.watch._silent_before) == (set(), set())


@in_quick_time
async def test_it_looks_as_often_as_the_most_eager_wants() -> None:
    scene = Scene()
    assert scene.watch.interval == 1.0
    eager = Observed("main", FAR.address, tls=False, uplink=UplinkPolicy(interval=0.25))
    scene.senders.append(FakeProcess(ProcessKey("own", Role.COMMAND), scene.clock, observed=(eager,)))
    assert scene.watch.interval == 0.25
    job = asyncio.create_task(scene.watch.run_forever())
    await asyncio.sleep(10.1)
    job.cancel()
    assert len(scene.probes.asked) == 40
    scene.senders.clear()
    assert scene.watch.interval == 1.0
