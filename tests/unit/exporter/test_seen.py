"""What the answers of /api/streams say of a destination at a platform."""

from __future__ import annotations

from exporter.api.seen import seen_at_platforms
from exporter.api.shape import show_time
from exporter.api.shapes import show_stream
from supervisor.model.terms import Verdict
from tests.unit.exporter.conftest import Serve
from tests.unit.exporter.snapshots import (
    NOW,
    WATCH,
    FakeControl,
    destination,
    encoder,
    ended_broadcast,
    login,
    lost_login,
    pusher,
    snapshot,
    stream,
    youtube,
)

CAM = stream(
    "cam", encoder("cam"), pusher("cam", "youtube"), destinations=(destination("youtube"), destination("other"))
)


def test_where_viewers_see_it_and_what_youtube_says() -> None:
    shown = snapshot(CAM, platforms=(youtube("cam"),), logins=(login(),))
    first, second = show_stream(shown.streams[0], seen_at_platforms(shown))["destinations"]
    assert first["watch_url"] == WATCH
    assert first["platform"] == {
        "platform": "youtube",
        "verdict": Verdict.DEGRADED,
        "said": "gopSizeLong (warning); stream active, health ok, broadcast live, page live",
        "exhausted": False,
        "mend": "",
        "former_url": None,
        "ended": None,
        "as_of": show_time(NOW - 5),
    }
    assert (second["watch_url"], second["platform"]) == (None, None)


def test_what_a_person_has_to_do_comes_first() -> None:
    ended = ended_broadcast("cam")
    shown = snapshot(CAM, platforms=(ended,), logins=(lost_login(),))
    (seen,) = seen_at_platforms(shown).values()
    assert seen["platform"]["mend"] == "neverdark youtube login --account main"
    assert seen["platform"]["exhausted"] is True
    assert (seen["watch_url"], seen["platform"]["former_url"]) == (None, WATCH)
    assert seen["platform"]["ended"] == show_time(NOW - 120)
    assert seen["platform"]["said"].startswith("somebody has to log in again (invalid grant); no more broadcasts")
    other = snapshot(CAM, platforms=(ended._replace(account=""),), logins=(lost_login(),))
    (seen,) = seen_at_platforms(other).values()
    assert seen["platform"]["mend"] == "", "it has no login that could be mended"


def test_what_was_known_before_is_told_as_that() -> None:
    words = {"trouble": "not_read", "stream": "active", "broadcast": "live"}
    blind = snapshot(CAM, platforms=(youtube("cam", words=words, opinions={}),))
    (seen,) = seen_at_platforms(blind).values()
    assert seen["platform"]["said"] == "it cannot be asked now, before: stream active, broadcast live"
    assert seen["platform"]["verdict"] is Verdict.UNKNOWN
    why = "no quota is left until 08:00 CET"
    closed = snapshot(CAM, platforms=(youtube("cam", words=words, opinions={}),), logins=(login(unasked=why),))
    (seen,) = seen_at_platforms(closed).values()
    assert seen["platform"]["said"] == f"it cannot be asked now ({why}), before: stream active, broadcast live"
    new = snapshot(CAM, platforms=(youtube("cam", words={}, opinions={}, address=None),))
    (seen,) = seen_at_platforms(new).values()
    assert (seen["watch_url"], seen["platform"]["said"]) == (None, "nothing is known yet")


def test_both_answers_have_it(serve: Serve) -> None:
    client = serve(FakeControl(snapshot(CAM, platforms=(youtube("cam"),))))
    (every,) = client.get("/api/streams").json()["streams"]
    one = client.get("/api/streams/cam").json()
    assert every["destinations"][0]["watch_url"] == one["destinations"][0]["watch_url"] == WATCH
    assert every == one
