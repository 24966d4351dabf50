"""YouTube that cannot be asked, or does not let us look: what is told of it, until when. Time is that of the fake."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from supervisor.model.terms import Check, Trouble, Verdict
from supervisor.platforms.youtube.made import Logins
from supervisor.platforms.youtube.quota import end_of_day
from tests.unit.platforms.test_login import PLACE, Scene, on_air
from tests.unit.platforms.test_made import _config
from tests.youtube.fake import FakeYouTube


@pytest.fixture
def fake() -> Iterator[FakeYouTube]:
    with FakeYouTube() as fake:
        yield fake


@pytest.fixture
def scene(tmp_path: Path, fake: FakeYouTube) -> Scene:
    scene = Scene(tmp_path, fake)
    day = 86_400 - (fake.clock.now() + 16 * 3600) % 86_400  # to a midnight at the Pacific, in winter and summer
    fake.clock.move(day - 8 * 3600 + 86_400)  # units are those of one day, in all of it
    return scene


def of_login(scene: Scene, name: str) -> float:
    login = scene.login.login()
    assert login is not None
    (value,) = (one.value for one in login.measures if one.name == name)
    return value


def unasked(scene: Scene) -> str:
    login = scene.login.login()
    assert login is not None
    return login.unasked


def of_desk(scene: Scene, name: str) -> list[float]:
    return [one.value for one in scene.state.measures if one.name == name]


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (lambda fake: fake.fail("*", "backendError", code=500, times=None), "Google is in trouble; try again later"),
        (
            lambda fake: fake.fail("*", "rateLimitExceeded", code=429, retry_after=30, times=None),
            "too many attempts in a short time; try again later",
        ),
        (lambda fake: fake.garbage("*", times=None), "an answer came that is none of Google's"),
        (lambda fake: fake.lose_answer("*", times=None, applied=False), "Google does not answer"),
    ],
    ids=["500", "429", "garbage", "nothing"],
)
def test_what_is_not_answered_is_measured_from_its_first_look_on(scene: Scene, trouble: Any, words: str) -> None:
    on_air(scene)
    assert of_login(scene, "unanswered_seconds") == 0
    trouble(scene.fake)
    began = scene.fake.clock.now()
    scene.run(1000)
    silent = of_login(scene, "unanswered_seconds")
    assert 900 < silent <= scene.fake.clock.now() - began
    scene.fake.clock.move(50)  # no look: it does not depend on them
    assert of_login(scene, "unanswered_seconds") == pytest.approx(silent + 50, abs=5)
    assert words in unasked(scene)
    assert words in scene.state.plan
    assert not scene.state.exhausted
    scene.fake.clear()
    scene.run(3700)
    assert of_login(scene, "unanswered_seconds") == 0
    assert unasked(scene) == ""
    on_air(scene)


def test_it_goes_on_over_a_login_that_is_made_anew_and_ends_where_nobody_asks(tmp_path: Path) -> None:
    with FakeYouTube() as fake:
        logins = Logins(tmp_path, fake.clock.now, fake.clock.now)

        def silent(limit: int) -> float:
            login = logins.follow([_config(tmp_path, fake, limit)])["main"]
            if login.due <= fake.clock.now():
                login.look({})
            told = login.login()
            assert told is not None
            (value,) = (one.value for one in told.measures if one.name == "unanswered_seconds")
            return value

        silent(10_000)  # nobody has logged in
        fake.clock.move(500)
        assert silent(9_000) >= 500
        logins.follow([])
        assert silent(8_000) < 100


def test_a_quota_that_google_calls_used_up_is_used_up(scene: Scene) -> None:
    """Another program of the project may have used it: our own count is a few units."""
    on_air(scene)
    scene.fake.fail("*", "quotaExceeded", code=403, times=None)
    scene.run(300)
    assert of_login(scene, "quota_used_units") == of_login(scene, "quota_limit_units") == 10_000
    assert scene.ledger.day.used < 1_000
    until = f"{datetime.fromtimestamp(end_of_day(scene.fake.clock.now())).astimezone():%H:%M %Z}"
    assert unasked(scene) == f"no quota is left until {until}"
    assert f"no quota is left until {until}" in scene.state.plan
    before = len(scene.fake.record.all("liveStreams.list"))
    scene.run(3600)
    assert len(scene.fake.record.all("liveStreams.list")) == before
    scene.fake.clear()
    scene.fake.clock.move(end_of_day(scene.fake.clock.now()) - scene.fake.clock.now())
    scene.run(2000)
    assert of_login(scene, "quota_used_units") < 100
    assert unasked(scene) == ""
    on_air(scene)


REFUSALS = (
    *("liveStreamingNotEnabled", "livePermissionBlocked", "insufficientLivePermissions"),
    *("insufficientPermissions", "accessNotConfigured"),
)


@pytest.mark.parametrize("reason", REFUSALS)
def test_who_may_not_even_look_stands_down(scene: Scene, reason: str) -> None:
    on_air(scene)
    scene.fake.fail("*", reason, code=403, times=None)
    scene.run(100)
    assert of_desk(scene, "exhausted") == [1]
    for name in ("broadcast_state", "stream_status", "health_status", "broadcast_info"):
        assert not of_desk(scene, name), "it is not known any more, and must not look as if it were"
    found = scene.state.opinions[Check.YOUTUBE_BROADCAST]
    assert (found.verdict, found.cause) == (Verdict.UNHEALTHY, Trouble.BROADCAST_REFUSED)
    assert found.said.startswith("YouTube does not let neverdark look: ")
    assert scene.state.plan.startswith("look again: not_permitted (")
    assert of_login(scene, "unanswered_seconds") == 0, "that is an answer"
    scene.run(4 * 3600)
    before = len(scene.fake.record.all())
    scene.run(3 * 3600)
    assert 2 <= len(scene.fake.record.all()) - before <= 12
    assert scene.orders == []
    scene.fake.clear()
    scene.run(3700)
    assert of_desk(scene, "exhausted") == [0]
    on_air(scene)


def test_of_a_stream_that_is_not_sent_no_incident_begins(scene: Scene) -> None:
    scene.sends = False
    scene.fake.fail("*", "accessNotConfigured", code=403, times=None)
    scene.run(100)
    assert scene.state.opinions[Check.YOUTUBE_BROADCAST].verdict is Verdict.UNKNOWN


def test_a_new_login_with_more_rights_is_tried_at_once(scene: Scene) -> None:
    on_air(scene)
    scene.fake.fail("*", "insufficientPermissions", code=403, times=None)
    scene.run(3 * 3600)
    scene.fake.clear()
    scene.log_in()
    scene.run(2)
    assert not scene.state.exhausted


def test_a_403_of_something_in_between_is_no_word_of_youtube(scene: Scene) -> None:
    """It has no reason: a firewall's page, say."""
    on_air(scene)
    scene.fake.fail("*", "", code=403, times=None)
    scene.run(100)
    assert not scene.state.exhausted
    assert of_login(scene, "unanswered_seconds") > 0


def test_those_that_were_not_due_know_it_too(scene: Scene) -> None:
    on_air(scene)
    stream = scene.fake.studio.stream("other")
    scene.fake.ingest.sends("other")
    rare = scene.place.model_copy(update={"stream_id": stream.id, "poll": 3600.0})
    scene.login.follow({PLACE: scene.place, ("cam", "rare"): rare})
    scene.run(300)
    assert scene.login.states()[1].words["trouble"] != "not_permitted"
    scene.fake.fail("*", "accessNotConfigured", code=403, times=None)
    scene.run(100)
    assert [state.exhausted for state in scene.login.states()] == [True, True]


def test_a_rotation_that_is_not_permitted_is_told(tmp_path: Path, fake: FakeYouTube) -> None:
    fake.rules.concurrent_limit = 1
    scene = Scene(tmp_path, fake, rotate={"every": "1h"})
    first = on_air(scene)
    assert scene.state.plan == "nothing"
    scene.run(3600 + 600)
    assert [one.id for one in scene.live()] == [first.id]
    told = "the next broadcast was not permitted (concurrentBroadcastsExceedLimit), tried again at "
    assert told in scene.state.plan
    found = scene.state.opinions[Check.YOUTUBE_BROADCAST]
    assert (found.verdict, found.cause) == (Verdict.DEGRADED, None), "viewers have a picture: no incident"
    assert found.said.startswith(told)
    (asked,) = (one for one in scene.asked if "concurrentBroadcastsExceedLimit" in one.result)
    assert (asked.result, asked.helped) == ("concurrentBroadcastsExceedLimit; the one before goes on", False)
    fake.rules.concurrent_limit = 10
    scene.run(2 * 3600)
    assert scene.live() != [first]
    assert told not in scene.state.plan
    assert scene.state.opinions[Check.YOUTUBE_BROADCAST].verdict is Verdict.HEALTHY
