"""What is not known, not there any more, or somebody else's: nothing is made twice, and nothing is touched there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.model.terms import Check, Trouble, Verdict
from supervisor.platforms.youtube.account import Account
from supervisor.platforms.youtube.desk import Desk
from supervisor.platforms.youtube.memory_file import MemoryFile
from supervisor.platforms.youtube.oauth import Grant, OAuth
from supervisor.platforms.youtube.steps import Step
from supervisor.platforms.youtube.tokens import Tokens
from tests.unit.platforms.test_login import KEY, PLACE, Scene, on_air
from tests.youtube.fake import FakeYouTube
from tests.youtube.model import State

OURS, ANOTHER = "UCfakefakefakefakefake01", "UCfakefakefakefakefake02"


@pytest.fixture
def fake() -> Iterator[FakeYouTube]:
    with FakeYouTube() as fake:
        yield fake


@pytest.fixture
def scene(tmp_path: Path, fake: FakeYouTube) -> Scene:
    return Scene(tmp_path, fake)


def empty(scene: Scene) -> None:
    """A full disk, or a loss of power, has left both files without a byte."""
    for name in ("memory", "memory.copy"):
        (scene.folder / name).write_bytes(b"")


def said(scene: Scene) -> str:
    return scene.state.opinions[Check.YOUTUBE_BROADCAST].said


# --- the file of what we made ----------------------------------------------------------------------


def test_after_its_file_was_emptied_neverdark_knows_its_broadcasts_by_their_marks(scene: Scene) -> None:
    one = on_air(scene)
    empty(scene)
    scene.login = scene.begin()
    scene.run(120)
    assert [asked.what for asked in scene.asked[-1:]] == ["what neverdark made is looked up"]
    assert "memory cannot be read (kept as memory.damaged-" in scene.asked[-1].result
    assert scene.state.address == f"https://www.youtube.com/watch?v={one.id}"
    assert scene.inserts() == 1

    scene.fake.studio.end(one)
    scene.run(900)
    assert scene.inserts() == 2, "the one that follows is made as ever"
    assert len(scene.live()) == 1


def test_where_no_mark_proves_it_nothing_is_made_and_it_is_told(scene: Scene) -> None:
    empty(scene)
    scene.login = scene.begin()
    scene.run(1800)
    assert scene.inserts() == 0
    assert scene.state.exhausted
    found = scene.state.opinions[Check.YOUTUBE_BROADCAST]
    assert (found.cause, found.verdict) == (Trouble.BROADCAST_ENDED, Verdict.UNHEALTHY)
    assert "is not known any more" in found.said

    for file in scene.folder.glob("memory*"):
        file.unlink()
    scene.login = scene.begin(MemoryFile(scene.folder / "memory"))
    scene.run(120)
    assert len(scene.live()) == scene.inserts() == 1, "an owner who removes it begins anew"


def test_an_intent_outlives_the_loss_of_one_of_the_two_files(scene: Scene) -> None:
    one = on_air(scene)
    (scene.folder / "memory").write_bytes(b"{")
    scene.login = scene.begin()
    scene.run(120)
    assert "its copy is used" in scene.asked[-1].result
    scene.fake.studio.end(one)
    scene.run(900)
    assert scene.inserts() == 2


# --- two neverdarks --------------------------------------------------------------------------------


def test_of_two_neverdarks_the_second_sees_what_the_first_has_made(tmp_path: Path, fake: FakeYouTube) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = Scene(tmp_path / "a", fake)
    second = Scene(tmp_path / "b", fake)
    second.place = first.place
    second.login = second.begin()
    one = on_air(first)
    second.run(60)
    fake.studio.end(one)
    second.run(120)
    assert second.inserts() == 1, "the first has made one a moment ago"
    assert "another neverdark" in said(second)
    assert not second.state.exhausted
    first.run(900)
    second.run(60)
    assert second.inserts() == 2
    assert second.state.opinions[Check.YOUTUBE_BROADCAST].verdict is Verdict.DEGRADED, "it is not ours"


# --- a stream that is gone, and a channel that is another one --------------------------------------


def test_a_stream_that_is_deleted_while_it_is_sent_to_is_told(scene: Scene) -> None:
    on_air(scene)
    scene.fake.studio.delete_stream(scene.stream)
    scene.run(300)
    found = scene.state.opinions[Check.YOUTUBE_STREAM]
    assert (found.verdict, found.cause) == (Verdict.UNHEALTHY, Trouble.NOT_RECEIVED)
    assert "no stream with this stream_id" in found.said
    assert scene.state.words["trouble"] == "no_stream"
    assert scene.state.exhausted
    assert scene.inserts() == 1


def test_a_login_of_another_channel_is_found_while_it_runs_and_changes_nothing(
    tmp_path: Path, fake: FakeYouTube
) -> None:
    scene = Scene(tmp_path, fake, channel=OURS)
    one = on_air(scene)
    asked = fake.record.all("channels.list")
    assert len(asked) == 1
    scene.run(3600)
    assert fake.record.all("channels.list") == asked, "once for a login"

    fake.studio.channel(ANOTHER)
    fake.oauth.channel = ANOTHER
    scene.log_in()
    fake.studio.end(one)
    scene.run(900)
    assert scene.inserts() == 1
    assert scene.state.words["trouble"] == "wrong_channel"
    login = scene.login.login()
    assert login is not None
    assert (login.good, login.mend) == (False, "neverdark youtube login --account main")
    assert ANOTHER in login.said
    assert next(one.value for one in login.measures if one.name == "token_valid") == 0

    fake.oauth.channel = OURS
    scene.log_in()
    scene.run(900)
    assert scene.inserts() == 2
    assert len(scene.live()) == 1
    login = scene.login.login()
    assert login is not None
    assert login.good


# --- a destination that goes in the middle of a look -----------------------------------------------


def test_a_destination_that_is_removed_during_a_look_is_no_mistake_of_ours(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    intends = Account._intends

    def removed(account: Account, desk: Desk, step: Step) -> bool:
        scene.login.follow({})
        return intends(account, desk, step)

    monkeypatch.setattr(Account, "_intends", removed)
    scene.login.look({PLACE: True})
    assert scene.inserts() == 1
    assert scene.login.states() == []
    assert KEY not in str(scene.login.states())


# --- what is known, and for how long ---------------------------------------------------------------


def measure(scene: Scene, name: str, **labels: str) -> float | None:
    return next((one.value for one in scene.state.measures if (one.name, one.labels) == (name, labels)), None)


def test_of_a_stream_that_is_gone_nothing_is_told_as_it_was(scene: Scene) -> None:
    on_air(scene)
    assert measure(scene, "stream_status", status="active") == 1
    scene.fake.studio.delete_stream(scene.stream)
    scene.run(180)
    assert measure(scene, "stream_status", status="active") == 0
    assert measure(scene, "exhausted") == 1


def many(scene: Scene) -> None:
    """A channel whose list of all costs more than one unit."""
    for _ in range(60):
        scene.fake.studio.broadcast(state=State.COMPLETE)


def test_what_somebody_else_begins_beside_ours_is_told_at_the_next_look(scene: Scene) -> None:
    on_air(scene)
    scene.fake.studio.broadcast(stream=scene.stream, state=State.LIVE)
    scene.run(61)
    assert scene.state.words["trouble"] == "several", "a list of one page costs no more than a look at ours"


def test_somebody_elses_live_broadcast_is_followed_by_its_id_and_not_by_lists_of_all(scene: Scene) -> None:
    many(scene)
    scene.fake.studio.broadcast(stream=scene.stream, state=State.LIVE)
    scene.run(60)
    assert scene.state.words["trouble"] == "not_ours"
    before = len([one for one in scene.fake.record.all("liveBroadcasts.list") if "mine" in str(one)])
    scene.run(3600)
    lists = len([one for one in scene.fake.record.all("liveBroadcasts.list") if "mine" in str(one)]) - before
    assert lists <= 10, "in a quarter of an hour one of two pages"
    assert scene.state.words["trouble"] == "not_ours"
    (theirs,) = scene.fake.studio.live()
    scene.fake.studio.end(theirs)
    scene.run(180)
    assert len(scene.live()) == 1, "and when it has ended, viewers get one of ours"


def test_a_new_login_is_taken_up_at_once(scene: Scene) -> None:
    on_air(scene)
    scene.fake.oauth.revoke()
    scene.run(600)
    assert scene.login.due > scene.fake.clock.now()
    elsewhere = Tokens(scene.account, OAuth(scene.account))  # of `neverdark youtube login`, a process of its own
    elsewhere.save(Grant("none", scene.fake.oauth.granted(), 0.0))
    assert scene.login.due <= scene.fake.clock.now()
    scene.login.look({PLACE: True})
    assert scene.state.words["trouble"] == "none"
    assert scene.login.due > scene.fake.clock.now()
