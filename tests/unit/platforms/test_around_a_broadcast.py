"""What a login does beside broadcasts: pictures, units that are kept, the key, a primary and its backup."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from supervisor.config.youtube import PlaceSection, QuotaSection
from supervisor.model.terms import Check, Trouble
from supervisor.platforms.interface import Deed
from supervisor.platforms.youtube.login import Sent
from supervisor.platforms.youtube.quota import daily_need, end_of_day, rotations_today
from tests.unit.platforms.test_login import KEY, PLACE, Scene, on_air
from tests.youtube.fake import FakeYouTube

BACKUP = ("cam", "backup")
PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def fake() -> Iterator[FakeYouTube]:
    with FakeYouTube() as fake:
        yield fake


# --- pictures --------------------------------------------------------------------------------------


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "picture.png"
    file.write_bytes(PNG)
    return file


def test_each_broadcast_that_was_made_gets_its_picture_once(tmp_path: Path, fake: FakeYouTube, picture: Path) -> None:
    scene = Scene(tmp_path, fake, broadcast={"thumbnail": str(picture)})
    first = on_air(scene)
    assert fake.studio.look(first).thumbnail == PNG
    assert [one.what for one in scene.asked] == ["insert", "bind", "transition live", "thumbnail"], "viewers come first"
    fake.studio.end(first)
    scene.run(900)
    assert fake.studio.look(on_air(scene)).thumbnail == PNG
    scene.run(3600)
    assert len(fake.record.all("thumbnails.set")) == 2


@pytest.mark.parametrize("failure", ["forbidden", "backendError", None])
def test_a_picture_that_fails_is_told_and_stops_nothing(
    tmp_path: Path, fake: FakeYouTube, picture: Path, failure: str | None
) -> None:
    scene = Scene(tmp_path, fake, broadcast={"thumbnail": str(picture)})
    if failure:
        fake.fail("thumbnails.set", failure, code=403 if failure == "forbidden" else 500, times=None)
    else:
        picture.unlink()
    on_air(scene)
    (told,) = [one for one in scene.asked if one.what == "thumbnail"]
    assert (told.helped, told.result) == (False, failure or "unusable_picture")
    scene.run(3600)
    on_air(scene)
    assert len(fake.record.all("thumbnails.set")) <= 1
    assert not scene.state.exhausted


def test_what_somebody_else_made_keeps_its_picture(tmp_path: Path, fake: FakeYouTube, picture: Path) -> None:
    scene = Scene(tmp_path, fake, broadcast={"thumbnail": str(picture), "adopt": True})
    fake.studio.broadcast(stream=scene.stream)
    scene.run(600)
    assert fake.studio.live()
    assert fake.record.all("thumbnails.set") == []


# --- units for rotations ---------------------------------------------------------------------------


def test_how_often_it_is_still_to_be_followed_today() -> None:
    now = end_of_day(1_800_000_000.0) - 10 * 3600
    assert rotations_today(now, 11 * 3600, now) == 0
    assert rotations_today(now - 3600, 11 * 3600, now) == 1
    assert rotations_today(now, 2 * 3600, now) == 5
    assert rotations_today(now - 30 * 86_400, 11 * 3600, now) == 1, "long overdue: once"
    assert rotations_today(now + 86_400, 3600, now) == 0, "a clock that was wrong"


def test_asking_leaves_what_todays_rotations_will_need(tmp_path: Path, fake: FakeYouTube) -> None:
    midnight = end_of_day(fake.clock.now())
    fake.clock.move(midnight + 3600 - fake.clock.now())
    scene = Scene(tmp_path, fake, rotate={"every": "3h"}, quota={"limit": 3000, "reserve": 500})
    on_air(scene)
    scene.run(11.5 * 3600)
    assert len(fake.record.all("liveBroadcasts.insert")) == 4, "one and three rotations"
    scene.run(10 * 3600)
    assert len(fake.record.all("liveBroadcasts.insert")) == 8, "none is given up"


def test_a_picture_is_a_call_of_each_rotation() -> None:
    row = {"account": "main", "stream_id": "S", "rotate": {"every": "12h"}}
    plain = PlaceSection.model_validate({**row, "broadcast": {"title": "T"}})
    pictured = PlaceSection.model_validate({**row, "broadcast": {"title": "T", "thumbnail": "/p.png"}})
    assert daily_need(QuotaSection(), [plain]).rotating == 400
    assert daily_need(QuotaSection(), [pictured]).rotating == 500


# --- the key, and sound ----------------------------------------------------------------------------


def inactive(scene: Scene, sent: Sent) -> None:
    """What is sent arrives somewhere else."""
    scene.login.follow({PLACE: scene.place}, {PLACE: sent})
    on_air(scene)
    scene.fake.ingest.stops(KEY)
    scene.run(3600)


def test_a_key_of_another_stream_is_found_once_and_told(tmp_path: Path, fake: FakeYouTube) -> None:
    scene = Scene(tmp_path, fake)
    inactive(scene, Sent(SecretStr("wxyz-another-key")))
    found = scene.state.opinions[Check.YOUTUBE_STREAM]
    assert found.cause is Trouble.KEY_OF_ANOTHER
    assert "does not lead to this stream_id" in found.said
    assert "wxyz" not in str(scene.state)
    assert scene.orders == [], "a new connection would lead there, too"
    compared = [one for one in fake.record.all("liveStreams.list") if "cdn" in str(one)]
    assert len(compared) == 1

    scene.login.follow({PLACE: scene.place}, {PLACE: Sent(SecretStr(KEY))})
    scene.run(300)
    assert scene.state.opinions[Check.YOUTUBE_STREAM].cause is Trouble.NOT_RECEIVED, "the right one is there now"


def test_with_the_right_key_the_connection_is_made_anew(tmp_path: Path, fake: FakeYouTube) -> None:
    scene = Scene(tmp_path, fake)
    inactive(scene, Sent(SecretStr(KEY), sound=False))
    assert {one.deed for one in scene.orders} == {Deed.RESTART_PUSHER}
    found = scene.state.opinions[Check.YOUTUBE_STREAM]
    assert found.cause is Trouble.NOT_RECEIVED
    assert "it has no sound" in found.said


def test_sound_that_the_source_has_lost_is_told(tmp_path: Path, fake: FakeYouTube) -> None:
    scene = Scene(tmp_path, fake)
    inactive(scene, Sent(SecretStr(KEY)))
    assert "sound" not in scene.state.opinions[Check.YOUTUBE_STREAM].said
    scene.login.look({PLACE: True}, {PLACE})
    assert "no sound leaves beside its picture" in scene.state.opinions[Check.YOUTUBE_STREAM].said
    scene.login.look({PLACE: True}, ())
    assert "sound" not in scene.state.opinions[Check.YOUTUBE_STREAM].said, "it has come back"


def test_the_address_is_asked_of_youtube_when_a_new_connection_does_not_help(tmp_path: Path, fake: FakeYouTube) -> None:
    scene = Scene(tmp_path, fake)
    configured = "rtmps://a.rtmps.youtube.com:443/live2"
    inactive(scene, Sent(SecretStr(KEY), address=configured))
    first, *rest = scene.orders
    assert (first.deed, first.address) == (Deed.RESTART_PUSHER, "")
    assert {(one.deed, one.address) for one in rest} == {
        (Deed.OTHER_ADDRESS, "rtmps://b.rtmps.youtube.com:443/live2?backup=1")
    }
    assert len(rest) == 6, "once in ten minutes"
    assert KEY not in str(scene.orders)
    assert fake.record.all("liveBroadcasts.insert")[1:] == [], "nothing of that is mended by another broadcast"


def test_an_outage_of_hours_does_not_use_up_the_days_units(tmp_path: Path, fake: FakeYouTube) -> None:
    scene = Scene(tmp_path, fake)
    inactive(scene, Sent(SecretStr(KEY)))
    before = len(fake.record.all())
    scene.run(6 * 3600)
    assert len(fake.record.all()) - before < 6 * 130


# --- a primary and its backup ----------------------------------------------------------------------


def test_two_destinations_on_one_stream_have_one_plan(tmp_path: Path, fake: FakeYouTube) -> None:
    scene = Scene(tmp_path, fake)
    plain = PlaceSection.model_validate({"account": "main", "stream_id": scene.stream.id})
    scene.login.follow({BACKUP: plain, PLACE: scene.place})
    one = on_air(scene)
    assert scene.inserts() == 1
    backup, primary = scene.login.states()
    assert backup.address == primary.address == f"https://www.youtube.com/watch?v={one.id}"
    assert (backup.words, backup.opinions) == (primary.words, {}), "what is found is told once"

    scene.login.follow({PLACE: scene.place, BACKUP: scene.place})
    fake.studio.end(one)
    scene.run(600)
    assert scene.inserts() == 2
