"""A login at a faithful YouTube: what it asks for, what becomes of it, and what it never does. Time is the fake's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.youtube import AccountSection, PlaceSection
from supervisor.model.platforms import PlatformState
from supervisor.model.terms import Check, Trouble, Verdict
from supervisor.platforms.interface import Asked, Deed, Order
from supervisor.platforms.youtube.calls import Calls, World
from supervisor.platforms.youtube.client import Client
from supervisor.platforms.youtube.ledger import Ledger
from supervisor.platforms.youtube.login import Login, Parts
from supervisor.platforms.youtube.memory_file import MemoryFile
from supervisor.platforms.youtube.model import Page
from supervisor.platforms.youtube.oauth import Grant, OAuth
from supervisor.platforms.youtube.quota import Use
from supervisor.platforms.youtube.tokens import Tokens
from tests.youtube.fake import FakeYouTube
from tests.youtube.model import Broadcast, State, Stream
from tests.youtube.oauth import TV

KEY = "abcd-efgh-ijkl-mnop"
PLACE = ("cam", "youtube")


class Scene:
    """A login with one destination, whose encoder sends."""

    def __init__(self, folder: Path, fake: FakeYouTube, **place: Any) -> None:
        self.fake = fake
        self.folder = folder
        self.stream: Stream = fake.studio.stream(KEY)
        secret = folder / "secret"
        secret.write_text(TV.client_secret)
        secret.chmod(0o600)
        self.account = AccountSection.model_validate(
            {
                "client_id": TV.client_id,
                "client_secret_file": str(secret),
                "token_file": str(folder / "token"),
                "quota": place.pop("quota", {}),
                **fake.urls,
            }
        )
        self.sends = True
        fake.ingest.sends(KEY)
        self.asked: list[Asked] = []
        self.orders: list[Order] = []
        broadcast = {"title": "Harbour {date} {counter}", **place.pop("broadcast", {})}
        row = {"account": "main", "stream_id": self.stream.id, "broadcast": broadcast, **place}
        self.place = PlaceSection.model_validate(row)
        self.marks = 0
        oauth = OAuth(self.account)
        self.tokens = Tokens(self.account, oauth, wall=fake.clock.now, clock=fake.clock.now)
        self.log_in()
        self.login = self.begin()

    def log_in(self) -> None:
        """As `neverdark youtube login` does."""
        self.tokens.save(Grant("none", self.fake.oauth.granted(), 0.0))

    def begin(self, memory: MemoryFile | None = None) -> Login:
        """As a neverdark does that starts with what is on the disk; with a `memory`, after a reload."""
        now = self.fake.clock.now
        self.ledger = ledger = Ledger(self.account.quota, self.folder / "quota", now)
        client = Client(self.account, self.tokens, ledger, world=World(now, lambda _: None))
        self.memory = memory or MemoryFile(self.folder / "memory")
        login = Login(
            "main",
            self.account,
            Parts(client, ledger, self.tokens, self.memory, lambda _: Page.UNKNOWN, Counter()),
            now,
            now,
            self._marker,
        )
        login.follow({PLACE: self.place})
        return login

    def _marker(self) -> str:
        self.marks += 1
        return f"[nd-{self.marks}]"

    def run(self, seconds: float) -> None:
        """Let so much time pass, and look whenever it is due."""
        until = self.fake.clock.now() + seconds
        while self.fake.clock.now() < until:
            if self.login.due > until:
                self.pass_until(until)
                return
            self.pass_until(self.login.due)
            orders, asked = self.login.look({PLACE: self.sends})
            self.orders += orders
            self.asked += asked
            self.fake.clock.move(0.5)

    def pass_until(self, at: float) -> None:
        """The fake's clock goes by itself, too."""
        self.fake.clock.move(max(0.0, at - self.fake.clock.now()))

    @property
    def state(self) -> PlatformState:
        return self.login.states()[0]

    def live(self) -> list[Broadcast]:
        return [one for one in self.fake.studio.made() if self.fake.studio.look(one.id).state is State.LIVE]

    def inserts(self) -> int:
        return len(self.fake.record.all("liveBroadcasts.insert"))


@pytest.fixture
def fake() -> Iterator[FakeYouTube]:
    with FakeYouTube() as fake:
        yield fake


@pytest.fixture
def scene(tmp_path: Path, fake: FakeYouTube) -> Scene:
    return Scene(tmp_path, fake)


def on_air(scene: Scene) -> Broadcast:
    scene.run(120)
    (one,) = scene.live()
    return one


def test_a_first_broadcast_is_made_and_brought_up(scene: Scene) -> None:
    one = on_air(scene)
    assert scene.inserts() == 1
    assert [asked.what for asked in scene.asked] == ["insert", "bind", "transition live"]
    assert one.stream == scene.stream.id
    assert scene.state.address == f"https://www.youtube.com/watch?v={one.id}"
    assert scene.state.opinions[Check.YOUTUBE_BROADCAST].verdict is Verdict.HEALTHY
    assert scene.state.opinions[Check.YOUTUBE_STREAM].verdict is Verdict.HEALTHY
    scene.run(3600)
    assert len(scene.fake.record.writes()) == 3


@pytest.mark.parametrize("lag", [0.0, 25.0])
def test_a_new_broadcast_is_brought_up_without_waiting_for_the_lists(scene: Scene, lag: float) -> None:
    scene.fake.rules.list_lag = lag
    scene.run(120)
    writes = scene.fake.record.writes()
    assert [one.name for one in writes] == ["liveBroadcasts." + name for name in ("insert", "bind", "transition")]
    assert writes[-1].at - writes[0].at < 15


def test_a_step_that_youtube_refuses_is_told_with_its_reason_until_it_is_done(scene: Scene) -> None:
    scene.fake.fail("liveBroadcasts.transition", "concurrentBroadcastsExceedLimit", code=403, times=2)
    scene.run(60)
    words = "look again: not_live_yet (YouTube has refused the latest step: concurrentBroadcastsExceedLimit)"
    assert scene.state.plan == words
    scene.run(600)
    assert (len(scene.live()), scene.state.plan) == (1, "nothing")


def test_stream_finished_is_followed_by_one_new_broadcast_on_the_same_key(scene: Scene) -> None:
    first = on_air(scene)
    scene.fake.studio.end(first)
    scene.run(600)
    second = on_air(scene)
    assert (second.stream, scene.inserts()) == (scene.stream.id, 2)
    assert scene.state.address == f"https://www.youtube.com/watch?v={second.id}"
    assert scene.orders == [], "our own processes have nothing to do with it"


@pytest.mark.parametrize("lag", [0.0, 15.0])
@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_answer_to_an_insert_does_not_make_two(scene: Scene, lag: float, *, applied: bool) -> None:
    scene.fake.rules.list_lag = lag
    first = on_air(scene)
    scene.fake.lose_answer("liveBroadcasts.insert", applied=applied)
    scene.fake.studio.end(first)
    scene.run(600)
    on_air(scene)
    assert len(scene.fake.studio.made()) == 2
    assert scene.inserts() == (2 if applied else 3)


@pytest.mark.parametrize("call", ["liveBroadcasts.bind", "liveBroadcasts.transition"])
@pytest.mark.parametrize("applied", [True, False])
def test_other_lost_answers_do_no_harm(scene: Scene, call: str, *, applied: bool) -> None:
    scene.fake.lose_answer(call, applied=applied)
    scene.run(300)
    on_air(scene)
    assert scene.inserts() == 1


class Killed(BaseException):
    """neverdark is."""


@pytest.mark.parametrize("call", ["liveBroadcasts.insert", "liveBroadcasts.bind", "liveBroadcasts.transition"])
@pytest.mark.parametrize("applied", [True, False])
def test_a_kill_in_the_middle_makes_no_second_broadcast(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, call: str, *, applied: bool
) -> None:
    first = on_air(scene)
    scene.fake.studio.end(first)
    real = Calls._exchanged

    def killed(self: Calls, asked: Any, access: str) -> Any:
        if asked.name != call:
            return real(self, asked, access)
        if applied:
            real(self, asked, access)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Calls, "_exchanged", killed)
        with pytest.raises(Killed):
            scene.run(900)
    scene.login = scene.begin()
    scene.run(300)
    on_air(scene)
    assert len(scene.fake.studio.made()) == 2


def test_without_the_encoder_nothing_is_written(scene: Scene) -> None:
    first = on_air(scene)
    writes = len(scene.fake.record.writes())
    scene.sends = False
    scene.fake.ingest.stops(KEY)
    scene.fake.studio.end(first)
    scene.run(3600)
    assert len(scene.fake.record.writes()) == writes
    scene.sends = True
    scene.fake.ingest.sends(KEY)
    scene.run(300)
    on_air(scene)


def test_a_foreign_broadcast_is_never_touched(scene: Scene) -> None:
    foreign = scene.fake.studio.broadcast("Somebody else's", stream=scene.stream, state=State.LIVE)
    scene.run(3600)
    assert scene.inserts() == 0, "viewers see it"
    assert scene.state.opinions[Check.YOUTUBE_BROADCAST].verdict is Verdict.DEGRADED
    scene.fake.studio.end(foreign)
    on_air(scene)
    second = scene.fake.studio.broadcast("Another one", stream=scene.stream, state=State.LIVE)
    scene.run(3600)
    assert scene.fake.studio.look(second).state is State.LIVE
    assert not [entry for entry in scene.fake.record.writes() if second.id in str(entry)]


def _measured(scene: Scene, name: str) -> dict[tuple[str, ...], float]:
    return {tuple(one.labels.values()): one.value for one in scene.state.measures if one.name == name}


def test_what_viewers_see_is_shown_also_where_somebody_else_made_it(scene: Scene) -> None:
    assert not _measured(scene, "broadcast_state"), "nobody has looked yet"
    foreign = scene.fake.studio.broadcast("Somebody else's", stream=scene.stream, state=State.LIVE)
    scene.run(120)
    assert scene.state.address == f"https://www.youtube.com/watch?v={foreign.id}"
    assert _measured(scene, "broadcast_state")["live",] == 1
    scene.fake.studio.end(foreign)
    ours = on_air(scene)
    assert scene.state.address == f"https://www.youtube.com/watch?v={ours.id}"
    assert _measured(scene, "stream_status")["active",] == 1


def test_the_address_is_that_of_what_viewers_have_now(scene: Scene) -> None:
    """What has ended has none, and what was known three polls ago is not known now."""
    first = on_air(scene)
    url = f"https://www.youtube.com/watch?v={first.id}"
    state = scene.state
    assert (state.address, state.former_address, state.ended) == (url, None, None)
    assert _measured(scene, "broadcast_info") == {(url,): 1}

    scene.fake.fail("liveBroadcasts.insert", "backendError", code=500, times=None)
    ended = scene.fake.clock.now()
    scene.fake.studio.end(first)
    scene.run(120)
    state = scene.state
    assert (state.address, state.former_address) == (None, url)
    assert state.ended == pytest.approx(ended, abs=2)
    assert state.as_of is not None
    assert state.as_of > ended
    assert not _measured(scene, "broadcast_info")

    scene.fake.clear()
    scene.run(600)
    (second,) = scene.live()
    url = f"https://www.youtube.com/watch?v={second.id}"
    state = scene.state
    assert (state.address, state.former_address, state.ended) == (url, None, None)
    assert _measured(scene, "broadcast_info") == {(url,): 1}

    scene.fake.fail("*", "backendError", code=500, times=None)
    scene.run(100)
    assert scene.state.address == url
    scene.run(1200)
    state = scene.state
    assert (state.address, state.former_address, state.ended) == (None, url, None)
    assert state.as_of is not None
    assert state.as_of < scene.fake.clock.now() - 900
    assert not _measured(scene, "broadcast_info")


def test_an_old_answer_is_no_metric(scene: Scene) -> None:
    """Where YouTube cannot be asked for long, nobody knows how the broadcast stands."""
    on_air(scene)
    scene.fake.oauth.revoke()
    scene.fake.fail("*", "authError", code=401, times=None)
    scene.run(30)
    assert _measured(scene, "broadcast_state")["live",] == 1
    scene.run(70)
    assert not _measured(scene, "broadcast_state"), "before any alert could be told of it"
    assert not _measured(scene, "stream_status")
    assert _measured(scene, "broadcast_info"), "where viewers had it a moment ago, is told a while longer"
    scene.run(200)
    assert not _measured(scene, "broadcast_info")
    assert _measured(scene, "inserts_total") == {(): 1}


def test_issues_that_nobody_has_heard_of_are_of_an_unknown_type(scene: Scene) -> None:
    kinds = ("gopSizeLong", "tomorrowsWord", "anotherWord")
    scene.fake.ingest._issues[KEY] = [{"type": kind, "severity": "error"} for kind in kinds]
    on_air(scene)
    found = _measured(scene, "configuration_issues")
    assert found == {("gopSizeLong", "error"): 1, ("unknown", "error"): 2}


def test_when_the_quota_is_used_up_nothing_is_asked_until_midnight(scene: Scene) -> None:
    day = 86_400 - (scene.fake.clock.now() + 16 * 3600) % 86_400  # to a midnight at the Pacific, in winter and summer
    scene.fake.clock.move(day - 5 * 3600 + 86_400)
    first = on_air(scene)
    scene.fake.rules.quota_limit = scene.fake.quota.used
    scene.fake.studio.end(first)
    before = len(scene.fake.record.all())
    scene.run(3 * 3600)
    assert len(scene.fake.record.all()) - before < 10
    assert not scene.live()
    scene.fake.rules.quota_limit = 10_000
    scene.run(3 * 3600)
    on_air(scene)
    assert scene.orders == []


def test_a_revoked_consent_is_a_state_and_ends_with_a_login(scene: Scene) -> None:
    first = on_air(scene)
    scene.fake.oauth.revoke()
    scene.fake.studio.end(first)
    scene.run(3600)
    state = scene.login.login()
    assert state is not None
    assert (state.good, state.mend) == (False, "neverdark youtube login --account main")
    assert scene.state.opinions[Check.YOUTUBE_BROADCAST].verdict is Verdict.UNKNOWN
    scene.log_in()
    scene.run(900)
    on_air(scene)
    state = scene.login.login()
    assert state is not None
    assert (state.good, state.mend) == (True, "")


@pytest.mark.parametrize(
    "trouble",
    [
        lambda fake: fake.fail("*", "backendError", code=500, times=None),
        lambda fake: fake.fail("*", "rateLimitExceeded", code=429, retry_after=30, times=None),
        lambda fake: fake.garbage("*", times=None),
        lambda fake: fake.lose_answer("*", times=None, applied=False),
    ],
    ids=["500", "429", "garbage", "nothing"],
)
def test_while_youtube_is_in_trouble_it_is_asked_rarely_and_recovers(scene: Scene, trouble: Any) -> None:
    first = on_air(scene)
    scene.fake.studio.end(first)
    trouble(scene.fake)
    before = len(scene.fake.record.all())
    scene.run(3 * 3600)
    assert len(scene.fake.record.all()) - before < 300
    assert scene.inserts() <= 2
    scene.fake.clear()
    scene.run(3700)
    on_air(scene)
    assert scene.orders == []


@pytest.mark.parametrize("reason", ["livePermissionBlocked", "liveStreamingNotEnabled", "insufficientLivePermissions"])
def test_what_is_not_permitted_stands_down(scene: Scene, reason: str) -> None:
    scene.fake.fail("liveBroadcasts.insert", reason, code=403, times=None)
    scene.run(3000)
    assert scene.inserts() == 1
    assert scene.state.exhausted
    assert scene.state.opinions[Check.YOUTUBE_BROADCAST].verdict is Verdict.UNHEALTHY
    scene.fake.clear()
    scene.run(3600)
    on_air(scene)
    assert not scene.state.exhausted


def test_a_rotation_never_leaves_viewers_without_a_broadcast(tmp_path: Path, fake: FakeYouTube) -> None:
    scene = Scene(tmp_path, fake, rotate={"every": "1h"})
    first = on_air(scene)
    for _ in range(3600):
        scene.run(5)
        assert scene.live()
        if fake.studio.look(first).state is State.COMPLETE:
            break
    else:
        raise AssertionError("no rotation")
    second = on_air(scene)
    assert second.id != first.id
    assert "transition complete" in [asked.what for asked in scene.asked]


def test_where_two_at_once_are_forbidden_the_old_one_is_kept(tmp_path: Path, fake: FakeYouTube) -> None:
    fake.rules.concurrent_limit = 1
    scene = Scene(tmp_path, fake, rotate={"every": "1h"})
    first = on_air(scene)
    scene.run(4 * 3600)
    assert [one.id for one in scene.live()] == [first.id]
    assert scene.inserts() <= 5


def test_a_day_of_ten_destinations_of_one_channel_stays_below_six_thousand_units(
    tmp_path: Path, fake: FakeYouTube
) -> None:
    scene = Scene(tmp_path, fake)
    places = {}
    for number in range(10):
        stream = fake.studio.stream(f"key-{number}")
        fake.ingest.sends(f"key-{number}")
        places["cam", f"d{number}"] = scene.place.model_copy(update={"stream_id": stream.id})
    scene.login.follow(places)

    def run(seconds: float) -> None:
        until = fake.clock.now() + seconds
        while fake.clock.now() < until:
            fake.clock.move(max(0.0, scene.login.due - fake.clock.now()) + 0.01)
            scene.login.look(dict.fromkeys(places, True))

    run(1200)
    assert len([one for one in fake.studio.made() if fake.studio.look(one.id).state is State.LIVE]) == 10
    used = fake.quota.used
    run(2 * 3600)
    assert 12 * (fake.quota.used - used) < 6000


def test_an_inactive_stream_has_its_pusher_restarted_and_nothing_written(scene: Scene) -> None:
    on_air(scene)
    writes = len(scene.fake.record.writes())
    scene.fake.ingest.stops(KEY)
    scene.run(120)
    assert [order.deed for order in scene.orders] == [Deed.RESTART_PUSHER]
    assert scene.state.opinions[Check.YOUTUBE_STREAM].cause is Trouble.NOT_RECEIVED
    assert len(scene.fake.record.writes()) == writes


def test_somebody_elses_live_broadcast_is_seen_before_a_new_one_is_made(scene: Scene) -> None:
    scene.fake.rules.stuck = {State.LIVE_STARTING}
    scene.run(60)
    assert scene.inserts() == 1
    scene.fake.studio.broadcast("A person helps", stream=scene.stream, state=State.LIVE)
    scene.run(1500)
    assert scene.inserts() == 1, "the looks at ours alone do not show it"


def test_destinations_that_fell_out_of_step_are_asked_about_together_again(scene: Scene) -> None:
    places = {}
    for number in range(6):
        stream = scene.fake.studio.stream(f"key-{number}")
        scene.fake.ingest.sends(f"key-{number}")
        places["cam", f"d{number}"] = scene.place.model_copy(update={"stream_id": stream.id})
        scene.login.follow(places)
        until = scene.fake.clock.now() + 69
        while scene.fake.clock.now() < until:
            scene.fake.clock.move(max(0.0, min(scene.login.due, until) - scene.fake.clock.now()) + 0.01)
            scene.login.look(dict.fromkeys(places, True))
    used, until = scene.fake.quota.used, scene.fake.clock.now() + 7200
    while scene.fake.clock.now() < until:
        scene.fake.clock.move(max(0.0, scene.login.due - scene.fake.clock.now()) + 0.01)
        scene.login.look(dict.fromkeys(places, True))
    assert scene.fake.quota.used - used < 600, "two units a minute, and now and then more"


def test_an_end_is_found_also_when_the_units_for_polling_are_spent(scene: Scene) -> None:
    day = 86_400 - (scene.fake.clock.now() + 16 * 3600) % 86_400  # to a midnight at the Pacific, in winter and summer
    scene.fake.clock.move(day + 2 * 3600)
    first = on_air(scene)
    scene.ledger.spend(Use.REPAIR, 9000 - scene.ledger.day.used)
    scene.run(600)
    scene.fake.studio.end(first)
    scene.run(2 * 1800)
    assert on_air(scene).id != first.id


def test_without_a_trace_on_the_disk_nothing_is_made_and_looks_stay_rare(scene: Scene) -> None:
    first = on_air(scene)
    (scene.folder / "memory.new").mkdir()
    scene.fake.studio.end(first)
    used, inserts = scene.fake.quota.used, scene.inserts()
    scene.run(3600)
    assert scene.inserts() == inserts
    assert "data_dir" in scene.state.plan
    assert scene.fake.quota.used - used < 400
    (scene.folder / "memory.new").rmdir()
    scene.run(120)
    on_air(scene)
    assert scene.inserts() == inserts + 1


def test_a_login_that_is_made_anew_in_the_middle_of_an_insert_knows_of_it(scene: Scene) -> None:
    scene.fake.rules.list_lag = 10.0
    first = on_air(scene)
    memory = scene.memory
    scene.fake.lose_answer("liveBroadcasts.insert")
    scene.fake.studio.end(first)
    anew: list[Login] = []
    scene.fake.before("liveBroadcasts.list", lambda _: anew.append(scene.begin(memory)))
    scene.run(900)
    (login,) = anew
    scene.login = login
    scene.run(300)
    on_air(scene)
    assert len(scene.fake.studio.made()) == 2
    assert scene.state.opinions[Check.YOUTUBE_BROADCAST].verdict is Verdict.HEALTHY, "it is known as ours"
