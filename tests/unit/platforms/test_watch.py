"""Platforms are asked in threads of their own, and what they say is told once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

import pytest

from supervisor.model import events
from supervisor.model.facts import Fact
from supervisor.model.platforms import LoginState, Opinion, PlatformState
from supervisor.model.subjects import Subject
from supervisor.model.terms import Check, Remedy, Trouble, Verdict
from supervisor.platforms.interface import Asked, Deed, Order, Place
from supervisor.platforms.watch import PlatformWatch, T

PLACE = ("cam", "yt")
ENDED = Opinion(Verdict.UNHEALTHY, Trouble.BROADCAST_ENDED, "the broadcast has ended")
COMES = Opinion(Verdict.DEGRADED, Trouble.BROADCAST_NOT_LIVE, "not live yet")
GOOD, UNKNOWN = Opinion(Verdict.HEALTHY), Opinion(Verdict.UNKNOWN)


class Login:
    """A platform whose state is set by hand."""

    def __init__(self) -> None:
        self.opinion = UNKNOWN
        self.there = True
        self.address: str | None = None
        self.due = 0.0
        self.looks: list[Mapping[Place, bool]] = []
        self.soundless: list[Collection[Place]] = []
        self.orders: list[Order] = []
        self.asked: list[Asked] = []
        self.error: Exception | None = None

    def look(
        self, sends: Mapping[Place, bool], soundless: Collection[Place] = ()
    ) -> tuple[Sequence[Order], Sequence[Asked]]:
        self.looks.append(sends)
        self.soundless.append(soundless)
        if self.error:
            raise self.error
        self.due = float("inf")
        return self.orders, self.asked

    def states(self) -> Sequence[PlatformState]:
        state = PlatformState("youtube", *PLACE, {Check.YOUTUBE_BROADCAST: self.opinion}, self.address)
        return [state] if self.there else []

    def login(self) -> LoginState | None:
        return None


class Scene:
    def __init__(self) -> None:
        self.login = Login()
        self.time = 1.0
        self.sends = True
        self.told: list[events.Payload] = []
        self.obeyed: list[Order] = []
        self.watch = PlatformWatch(self, lambda _: self.sends, self.obeyed.append, self.told.append)
        self.watch.logins = {"main": self.login}

    def now(self) -> float:
        return self.time

    async def apart(self, work: Callable[[], T]) -> T:
        return work()

    def run(self) -> None:
        """A few ticks."""

        async def ticks() -> None:
            task = asyncio.ensure_future(self.watch.run_forever())
            for _ in range(20):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(ticks())

    def say(self, *opinions: Opinion) -> list[events.Payload]:
        """What is told while a check says these, one look after the other."""
        self.told.clear()
        for opinion in opinions:
            self.login.opinion, self.login.due = opinion, 0.0
            self.run()
        return self.told


FOUND = events.PlatformFound(*PLACE, Trouble.BROADCAST_ENDED, "the broadcast has ended")
OVER = events.PlatformGood(*PLACE, Trouble.BROADCAST_ENDED)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ((GOOD, UNKNOWN, COMES, GOOD), []),
        ((ENDED, ENDED, ENDED), [FOUND]),
        ((ENDED, UNKNOWN), [FOUND]),
        ((ENDED, COMES), [FOUND]),
        ((ENDED, COMES, GOOD, GOOD), [FOUND, OVER]),
        ((ENDED, UNKNOWN, ENDED, GOOD, ENDED), [FOUND, OVER, FOUND]),
        (
            (ENDED, ENDED._replace(cause=Trouble.BROADCAST_REFUSED, said="no"), GOOD),
            [
                FOUND,
                OVER,
                events.PlatformFound(*PLACE, Trouble.BROADCAST_REFUSED, "no"),
                events.PlatformGood(*PLACE, Trouble.BROADCAST_REFUSED),
            ],
        ),
    ],
)
def test_what_is_bad_is_told_when_it_begins_and_when_it_is_over(
    said: tuple[Opinion, ...], told: list[events.Payload]
) -> None:
    assert Scene().say(*said) == told


def test_what_is_looked_after_no_more_is_over() -> None:
    scene = Scene()
    scene.say(ENDED)
    scene.login.there = False
    assert scene.say(ENDED) == [OVER]


def test_what_is_over_tells_where_viewers_see_it_now() -> None:
    scene = Scene()
    scene.say(ENDED)
    scene.login.address = "https://www.youtube.com/watch?v=new"
    assert scene.say(GOOD) == [events.PlatformGood(*PLACE, Trouble.BROADCAST_ENDED, scene.login.address)]


def test_orders_are_obeyed_and_what_was_asked_is_told() -> None:
    scene = Scene()
    scene.login.orders = [Order(PLACE, Deed.RESTART_PUSHER, "stream_inactive")]
    scene.login.asked = [Asked(PLACE, "insert", "ok", helped=True, address="https://x")]
    scene.run()
    assert scene.login.looks == [{PLACE: True}]
    assert scene.obeyed == scene.login.orders
    assert scene.told == [events.PlatformAsked(*PLACE, "insert", "ok", True, "https://x")]


def test_what_is_wrong_is_told_before_what_was_done_about_it() -> None:
    """Else what was done would stand in no incident: it is opened by the one and has the other."""
    scene = Scene()
    done = Asked(PLACE, "insert", "ok", True, None, Remedy.NEW_BROADCAST)
    look = scene.login.look

    def see(sends: Mapping[Place, bool], soundless: Collection[Place] = ()) -> tuple[Sequence[Order], Sequence[Asked]]:
        scene.login.opinion, scene.login.asked = ENDED, [done]
        return look(sends, soundless)

    scene.login.look = see  # type: ignore[method-assign]  # what it finds, and does in the same look
    scene.run()
    assert scene.told == [FOUND, events.PlatformAsked(*PLACE, "insert", "ok", True, None, Remedy.NEW_BROADCAST)]


def test_a_mistake_of_ours_is_told_and_the_others_are_looked_at() -> None:
    scene, other = Scene(), Login()
    scene.login.error = KeyError("secret")
    scene.watch.logins = {"main": scene.login, "other": other}
    scene.run()
    assert scene.told == [events.InternalError("a look at a platform for main", "KeyError")]
    assert (len(scene.login.looks), len(other.looks)) == (1, 1)


def test_what_is_known_is_put_together_when_it_may_have_changed_however_many_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene, asked = Scene(), 0
    real = scene.login.states

    def states() -> Sequence[PlatformState]:
        nonlocal asked
        asked += 1
        return real()

    scene.say(ENDED)
    monkeypatch.setattr(scene.login, "states", states)
    for _ in range(100):
        assert scene.watch.opinions(PLACE) == {Check.YOUTUBE_BROADCAST: ENDED}
        assert scene.watch.opinions(("cam", "other")) == {}
        assert scene.watch.states() == [real()[0]]
        scene.run()
    assert asked == 0, "there was no look"
    scene.say(GOOD)
    assert asked == 1
    scene.watch.logins = {}
    assert (scene.watch.states(), scene.watch.opinions(PLACE)) == ([], {})


def test_what_gets_worse_by_lasting_is_told_without_a_look() -> None:
    scene = Scene()
    scene.say(COMES)
    scene.login.opinion = ENDED
    scene.run()
    assert scene.told == []
    scene.time += 15
    scene.run()
    assert scene.told == [FOUND]


def test_what_is_bad_is_told_anew_after_a_stop() -> None:
    """The stop has ended the incident for all others."""
    scene = Scene()
    assert scene.say(ENDED) == [FOUND]
    scene.watch.hear(Fact(1.0, 1, Subject("cam"), events.StreamWanted("cam", wanted=False, why="operator")))
    scene.sends = False
    assert scene.say(ENDED, UNKNOWN) == []
    scene.sends = True
    assert scene.say(ENDED) == [FOUND]
