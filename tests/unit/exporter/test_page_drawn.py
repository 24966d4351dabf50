"""The page in a real browser: what stands on it, and what its buttons do."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from supervisor.config.tokens import FILE, Scope, TokenFile
from supervisor.model.fallback import SourceOrder, source_name
from supervisor.model.maintenance import Maintenance
from supervisor.model.snapshot import ConfigState, LastFailure, ProgressTotals, SourceSnapshot, StreamSnapshot, Wanted
from supervisor.model.terms import Check, ExitCause, Health, ProcessKey, Role, Segment, State, Verdict
from supervisor.model.thumbnails import NoPicture
from tests.unit.exporter.browser import Browser
from tests.unit.exporter.conftest import Client, Serve
from tests.unit.exporter.scenes import incident, their_incidents, three_streams
from tests.unit.exporter.snapshots import (
    NOW,
    WATCH,
    FakeControl,
    command,
    destination,
    encoder,
    ended_broadcast,
    login,
    lost_login,
    pusher,
    snapshot,
    stream,
    watchdog,
    youtube,
)

TOKEN = "a-token-that-is-right"
# 16 by 8 pixels, all of them red.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAgAAAQABAAD/2wBDAAgEBAQEBAUFBQUFBQYGBgYGBgYGBgYGBgYHBwcICAgHBwcGBgcHCAgICAkJCQgICAgJ"
    "CQoKCgwMCwsODg4RERT/xAGiAAABBQEBAQEBAQAAAAAAAAAAAQIDBAUGBwgJCgsBAAMBAQEBAQEBAQEAAAAAAAABAgMEBQYHCAkK"
    "CxAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6"
    "Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJ"
    "ytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6EQACAQIEBAMEBwUEBAABAncAAQIDEQQFITEGEkFRB2FxEyIygQgUQpGhscEJ"
    "IzNS8BVictEKFiQ04SXxFxgZGiYnKCkqNTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqCg4SFhoeIiYqSk5SV"
    "lpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2dri4+Tl5ufo6ery8/T19vf4+fr/wAARCAAIABADASIAAhEA"
    "AxEA/9oADAMBAAIRAxEAPwDi6KKK+UP38//Z"
)
SHOWN = "document.querySelector('#age').textContent === 'up to date'"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


def show(browser: Browser, client: Client, width: int = 1200) -> None:
    browser.open("about:blank")
    browser.open(client.url, width)
    browser.wait(f"document.querySelector('#age') && {SHOWN}")


def text(browser: Browser, selector: str) -> str:
    return str(browser.run(f"document.querySelector({selector!r}).innerText"))


def visible(browser: Browser, selector: str) -> bool:
    return bool(browser.run(f"!!document.querySelector({selector!r})?.checkVisibility()"))


def fine(name: str) -> StreamSnapshot:
    return stream(name, encoder(name), pusher(name, "youtube"), destinations=(destination("youtube"),))


def half_dark(name: str) -> StreamSnapshot:
    """On air; its optional backup has been refused for a minute and a half."""
    failure = LastFailure(ExitCause.INGEST_REFUSED, NOW - 3, ())
    last = ProgressTotals(1, last_advance=NOW - 95)
    refused = pusher(name, "backup", state=State.COOLDOWN, pid=None, progress=last, last_failure=failure)
    places = (destination("youtube"), destination("backup", required=False, on_air=False))
    return stream(name, *(encoder(name), pusher(name, "youtube"), refused), destinations=places, health=Health.DEGRADED)


def with_slate(name: str, shown: int) -> StreamSnapshot:
    """Its source is gone for good; viewers see the slate if `shown` is 1."""
    sources = tuple(
        SourceSnapshot(name, source_name(rung), active=rung == shown, slate=rung > 0, seconds=60.0) for rung in range(2)
    )
    slate = encoder(name)._replace(key=ProcessKey(name, Role.ENCODER, rung=1))
    processes = (encoder(name, state=State.BACKOFF, pid=None), slate, pusher(name, "youtube"))
    return stream(name, *processes, destinations=(destination("youtube"),), sources=sources)


# --- what it says ----------------------------------------------------------------------------------


def test_the_headline_and_a_dark_optional_destination_do_not_contradict_each_other(
    serve: Serve, browser: Browser
) -> None:
    dark = incident(
        0,
        "cam",
        destination="backup",
        opened=NOW - 95,
        closed=None,
        cause=ExitCause.INGEST_REFUSED,
        segment=Segment.PLATFORM,
        seconds_dark=95.0,
    )
    show(browser, serve(FakeControl(snapshot(half_dark("cam")), incidents=(dark,))))
    assert text(browser, "#verdict") == "On air"
    assert text(browser, "#summary") == "1 degraded: cam"
    assert "On air, but backup (optional) is dark since" in text(browser, ".reason")
    assert "the platform's server refused the stream" in text(browser, ".reason")
    told = text(browser, ".incident .when")
    assert "backup, which is optional, is dark, the stream is on air" in told
    assert "dark for" not in told
    assert "backup (optional): dark since" in text(browser, ".place.bad")


def test_it_says_what_viewers_see_and_which_sources_there_are(serve: Serve, browser: Browser) -> None:
    lost = incident(0, "cam", closed=None, cause=ExitCause.SOURCE_UNREACHABLE, segment=Segment.SOURCE)
    control = FakeControl(snapshot(fine("a"), with_slate("cam", 1)), incidents=(lost,))
    show(browser, serve(control))
    assert text(browser, "#verdict") == "All 2 streams on air"
    assert text(browser, "#summary") == "cam: viewers see fallback1"
    assert text(browser, ".stream:first-child h2") == "cam", "before those that are fine"
    assert text(browser, ".stream:first-child .air").lower() == "on air, viewers see fallback1"
    assert visible(browser, ".stream:first-child .pill.trouble")
    assert text(browser, ".sources") == "Sources: primary, fallback1 (a slate; viewers see it)"
    titles = browser.run("[...document.querySelectorAll('.stream:first-child h3')].map((one) => one.firstChild.data)")
    assert titles == ["Encoder", "Encoder of fallback1", "Pusher to youtube"]
    assert not visible(browser, ".stream:last-child .sources"), "there is but one"
    control.now = snapshot(fine("a"), with_slate("cam", 0))
    browser.wait("document.querySelector('#summary').textContent === ''")
    browser.wait("document.querySelector('.stream:last-child .air').textContent === 'on air'")
    assert text(browser, ".stream:last-child .sources") == "Sources: primary (viewers see it), fallback1 (a slate)"
    control.now = snapshot(with_slate("cam", 1)._replace(on_air=False, reason="pusher: backoff"))
    browser.wait("document.querySelector('.air').textContent === 'off air'")
    assert text(browser, ".sources") == "Sources: primary, fallback1 (a slate)"


def test_it_says_until_when_a_stream_is_off_by_schedule_stopped_or_in_maintenance(
    serve: Serve, browser: Browser
) -> None:
    later = NOW + 3600
    off = command("a")._replace(wanted=False, on_air=False, reason="stopped")
    streams = (
        off._replace(desired=Wanted(False, "schedule", "schedule", NOW, later)),
        off._replace(name="b", desired=Wanted(False, "operator", "lunch", NOW, later)),
        off._replace(name="c", desired=Wanted(False, "operator", "operator", NOW, None)),
        command("d")._replace(
            maintenance=True, maintenance_window=Maintenance("M1", None, NOW, later, "new lens", "operator")
        ),
    )
    show(browser, serve(FakeControl(snapshot(*streams))))
    said = dict(browser.run(
        "[...document.querySelectorAll('.stream')].map((one) => "
        "[one.querySelector('h2').innerText, one.querySelector('summary').innerText])"
    ))  # fmt: skip
    assert "off by schedule, on again at " in said["a"]
    assert "stopped by an operator, until " in said["b"]
    assert "until" not in said["c"]
    assert "in maintenance until " in said["d"]


def test_a_drill_is_only_marked_while_one_runs(serve: Serve, browser: Browser) -> None:
    allowed = fine("cam")._replace(drills=True)
    show(browser, serve(FakeControl(snapshot(allowed))))
    assert not visible(browser, "summary .pill.drill")
    drill = incident(0, "cam", closed=None, drill=True, role=Role.ENCODER)
    show(browser, serve(FakeControl(snapshot(allowed), incidents=(drill,))))
    assert visible(browser, "summary .pill.drill")


def test_what_a_stream_sends_is_drawn_and_what_it_is_without(serve: Serve, browser: Browser) -> None:
    control = FakeControl(snapshot(fine("cam"), fine("dark"), command("tool")))
    control.pictures = {"cam": JPEG, "dark": NoPicture("no keyframe has come", lasting=True)}
    show(browser, serve(control))
    canvas = "document.querySelector('.picture canvas:not([hidden])')"
    browser.wait(f"{canvas} !== null")
    assert browser.run(f"[{canvas}.width, {canvas}.height]") == [16, 8]
    red, green, blue, _ = browser.run(f"[...{canvas}.getContext('2d').getImageData(8, 4, 1, 1).data]")
    assert (red > 200, green < 60, blue < 60) == (True, True, True)
    assert control.wished == ["cam"], "the other is further down"
    browser.run("document.querySelectorAll('.picture')[1].scrollIntoView()")
    browser.wait("[...document.querySelectorAll('figcaption')].some((one) => one.innerText.includes('no keyframe'))")
    assert set(control.wished) == {"cam", "dark"}, "of a command there is none"


def test_a_picture_that_nobody_can_see_is_not_asked_for(serve: Serve, browser: Browser) -> None:
    control = FakeControl(snapshot(*(fine(f"cam-{number:02}") for number in range(20))))
    control.pictures = {f"cam-{number:02}": JPEG for number in range(20)}
    show(browser, serve(control))
    browser.run("document.querySelectorAll('.stream')[3].open = true")
    browser.wait("document.querySelector('.picture canvas:not([hidden])') !== null")
    assert control.wished == ["cam-03"], "only the card that is open"


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [({}, "has not looked at it yet"), ({Check.PROCESS: Verdict.HEALTHY}, "does not look at it any more")],
)
def test_a_watchdog_that_has_not_begun_is_not_one_that_has_stopped(
    serve: Serve, browser: Browser, verdicts: dict[Check, Verdict], words: str
) -> None:
    still = watchdog(running=False, verdict=Verdict.UNKNOWN, verdicts=verdicts)
    one = stream(
        "cam", encoder("cam"), pusher("cam", "youtube"), destinations=(destination("youtube", watchdog=still),)
    )
    show(browser, serve(FakeControl(snapshot(one))))
    assert f"The watchdog {words}" in str(browser.run("document.querySelector('.doubts').textContent"))


def test_a_watchdog_that_an_operator_has_stopped_is_told_as_that(serve: Serve, browser: Browser) -> None:
    still = watchdog(running=False, verdict=Verdict.UNKNOWN, verdicts={}, stopped_since=NOW - 60)
    place = destination("youtube", watchdog=still)
    one = stream("cam", encoder("cam"), pusher("cam", "youtube"), destinations=(place,))
    show(browser, serve(FakeControl(snapshot(one))))
    assert "An operator stopped its watchdog at" in str(browser.run("document.querySelector('.doubts').textContent"))


def test_a_refused_configuration_is_a_banner_until_it_is_mended(serve: Serve, browser: Browser) -> None:
    control = FakeControl(snapshot(fine("cam"), config=ConfigState(NOW - 60, warnings=2).refuse(("a: <b>", "c"), NOW)))
    show(browser, serve(control))
    assert "The configuration file is refused since" in text(browser, "#config")
    assert text(browser, "#config ul").splitlines() == ["a: <b>", "c"]
    assert "2 warnings" in text(browser, "#config-note")
    control.now = snapshot(fine("cam"))
    browser.wait("document.querySelector('#config').hidden")


def test_thirty_streams_those_in_trouble_first_and_to_be_filtered(serve: Serve, browser: Browser) -> None:
    thirty = [fine(f"ch{number:02}") for number in range(1, 31)]
    thirty[8] = half_dark("ch09")
    thirty[5] = thirty[5]._replace(on_air=False, health=Health.UNHEALTHY, reason="encoder: cooldown")
    show(browser, serve(FakeControl(snapshot(*thirty))))
    assert text(browser, "#verdict") == "1 of 30 streams off air"
    assert text(browser, "#summary") == "ch06 · 1 degraded: ch09"
    names = browser.run("[...document.querySelectorAll('.stream h2')].map((one) => one.textContent)")
    assert names[:3] == ["ch06", "ch09", "ch01"]
    tops = browser.run("[...document.querySelectorAll('.stream')].slice(2, 5).map((one) => one.offsetTop)")
    assert tops[0] == tops[1], "healthy ones stand beside each other"
    script = "filter = document.querySelector('#filter'); filter.value = '2'; filter.dispatchEvent(new Event('input'))"
    browser.run(f"{{ const {script} }}")
    left = browser.run("[...document.querySelectorAll('.stream:not([hidden]) h2')].map((one) => one.textContent)")
    assert left == [name for name in names if "2" in name]


@pytest.mark.parametrize("width", [390, 1200])
def test_no_sideways_scrolling_and_nothing_too_small_for_a_finger(serve: Serve, browser: Browser, width: int) -> None:
    config = ConfigState(NOW).refuse(("streams.cam." + "x" * 200,), NOW)
    scene = three_streams()._replace(config=config)
    show(browser, serve(FakeControl(scene, incidents=their_incidents())), width)
    assert browser.run("document.documentElement.scrollWidth") <= width
    heights = browser.run(
        "[...document.querySelectorAll('summary, button, a, input')].filter((one) => one.checkVisibility())"
        ".map((one) => one.getBoundingClientRect().height)"
    )
    assert len(heights) > 10
    assert min(heights) >= 44


# --- what was dark ---------------------------------------------------------------------------------


def test_last_incidents_have_their_date(serve: Serve, browser: Browser) -> None:
    show(browser, serve(FakeControl(three_streams(), incidents=their_incidents())))
    browser.run("document.querySelector('.stream.bad .recent').open = true")
    browser.wait("!!document.querySelector('.stream.bad .recent li')")
    date = browser.run(f"new Date({(NOW - 142) * 1000}).toLocaleDateString()")
    assert text(browser, ".stream.bad .recent li .when").startswith(date)


# --- orders ----------------------------------------------------------------------------------------


def test_an_order_asks_for_the_token_and_a_wrong_one_is_told_at_once(serve: Serve, browser: Browser) -> None:
    control = FakeControl(snapshot(fine("cam")))
    show(browser, serve(control, TOKEN))
    assert visible(browser, "button.stop")
    assert not visible(browser, "#token-form")
    browser.run("document.querySelector('button.restart').click()")
    assert text(browser, "button.restart") == "Really restart?"
    browser.run("document.querySelector('button.restart').click()")
    browser.wait("!document.querySelector('#token-form').hidden")
    assert text(browser, ".orders #token-label") == "Token, to restart cam"

    offer(browser, "wrong")
    browser.wait("document.querySelector('#token-said').textContent === 'This token is not right.'")
    assert visible(browser, "#token-form")
    assert control.requests == []

    offer(browser, TOKEN)
    browser.wait("document.querySelector('.result').textContent === 'restart: accepted'")
    assert not visible(browser, "#token-form")
    assert control.requests == [("restart", "cam")], "what was asked for is carried out, once"


def test_a_token_that_may_only_read_can_be_replaced_by_another(serve: Serve, browser: Browser, tmp_path: Path) -> None:
    control = FakeControl(snapshot(fine("cam")))
    tokens = TokenFile(tmp_path / FILE)
    reader = tokens.create("reader", Scope.READ, datetime.now(UTC))
    show(browser, serve(control, TOKEN, tokens=tokens))
    for _ in range(2):
        browser.run("document.querySelector('button.restart').click()")
    browser.wait("!document.querySelector('#token-form').hidden")
    offer(browser, reader)
    browser.wait("document.querySelector('.result').textContent.includes('may only read')")
    browser.wait("!document.querySelector('#token-form').hidden")
    assert control.requests == []
    offer(browser, TOKEN)
    browser.wait("document.querySelector('.result').textContent === 'restart: accepted'")
    assert control.requests == [("restart", "cam")]


def offer(browser: Browser, token: str) -> None:
    browser.run(
        f"document.querySelector('#token').value = {token!r};document.querySelector('#token-form').requestSubmit()"
    )


def test_without_a_token_an_order_is_carried_out_at_once(serve: Serve, browser: Browser) -> None:
    control = FakeControl(snapshot(fine("cam")))
    show(browser, serve(control))
    for _ in range(2):
        browser.run("document.querySelector('button.stop').click()")
    browser.wait("document.querySelector('.result').textContent === 'stop: accepted'")
    assert control.requests == [("stop", "cam")]


# --- the token is tried without an order -----------------------------------------------------------


def test_the_token_is_tried_by_a_reading(serve: Serve) -> None:
    control = FakeControl(snapshot(fine("cam")))
    client = serve(control, TOKEN)
    assert client.get("/api/token").status_code == 401
    assert client.get("/api/token", Authorization="Bearer wrong").json() == {"detail": "the token is wrong"}
    assert client.get("/api/token", Authorization=f"Bearer {TOKEN}").json() == {
        "token": "right",
        "name": "operator",
        "scope": "control",
    }
    assert client.get("/metrics").text.count("livestream_http_refused_tokens_total 1\n") == 1, "it counts as an attempt"
    assert serve(control).get("/api/token").status_code == 200
    assert control.requests == []


# --- which source viewers see ----------------------------------------------------------------------

SHOW = ".switch .show"


def test_a_source_is_shown_by_order_for_as_long_as_is_said(serve: Serve, browser: Browser) -> None:
    control = FakeControl(snapshot(with_slate("cam", 0)))
    show(browser, serve(control))
    assert browser.run("[...document.querySelectorAll('.switch select')].map(one => one.value)") == ["fallback1", ""]
    assert not visible(browser, ".switch .end")
    assert not visible(browser, ".switch .ordered")
    browser.run("document.querySelector('.switch select:last-of-type').value = '10m'")
    browser.run(f"document.querySelector('{SHOW}').click()")
    assert text(browser, SHOW) == "Really switch?"
    assert control.switches == []
    browser.run(f"document.querySelector('{SHOW}').click()")
    browser.wait("document.querySelector('.switch .said').innerText === 'switch: accepted'")
    assert control.switches == [("cam", "fallback1", 600.0, None)]


def test_it_says_what_was_ordered_until_when_and_ends_it(serve: Serve, browser: Browser) -> None:
    order = SourceOrder("fallback1", "lens is cleaned", NOW - 60, NOW + 540)
    control = FakeControl(snapshot(with_slate("cam", 1)._replace(ordered_source=order)))
    show(browser, serve(control))
    assert text(browser, ".switch .ordered").startswith("Viewers are to see fallback1 by an operator's order, until ")
    assert text(browser, ".switch .ordered").endswith(": lens is cleaned")
    browser.run("document.querySelector('.switch .end').click()")
    browser.wait("document.querySelector('.switch .said').innerText === 'switch: accepted'")
    assert control.switches == [("cam", None, None, None)]


def test_what_somebody_is_choosing_stays(serve: Serve, browser: Browser) -> None:
    show(browser, serve(FakeControl(snapshot(with_slate("cam", 0)))))
    browser.run("document.querySelector('.switch select').value = 'primary'")
    browser.run("(window.asked = 0, window.kept = fetch, window.fetch = (...all) => (window.asked++, kept(...all)))")
    browser.wait("window.asked > 1")
    assert browser.run("document.querySelector('.switch select').value") == "primary"


@pytest.mark.parametrize("alone", [True, False], ids=["no fallback", "stopped"])
def test_there_is_nothing_to_choose(*, alone: bool, serve: Serve, browser: Browser) -> None:
    one = fine("cam") if alone else with_slate("cam", 0)._replace(wanted=False, on_air=False)
    show(browser, serve(FakeControl(snapshot(one))))
    browser.run("document.querySelector('.stream').open = true")
    assert not visible(browser, ".switch")


@pytest.mark.parametrize("width", [320, 1200])
def test_the_choice_fits_a_narrow_screen(width: int, serve: Serve, browser: Browser) -> None:
    order = SourceOrder("fallback1", "lens is cleaned", NOW - 60, None)
    show(browser, serve(FakeControl(snapshot(with_slate("cam", 1)._replace(ordered_source=order)))), width)
    assert browser.run("document.documentElement.scrollWidth") <= width


def test_what_youtube_says_stands_below_its_destination(browser: Browser, serve: Serve) -> None:
    streams = (fine("cam"), fine("other"), fine("plain"))
    states = (youtube("cam"), ended_broadcast("other")._replace(account="second"))
    control = FakeControl(snapshot(*streams, platforms=states, logins=(login(), lost_login("second"))))
    show(browser, serve(control))
    first, second, third = (f".stream:nth-of-type({number})" for number in (1, 2, 3))
    names = [text(browser, f"{one} h2") for one in (first, second, third)]
    of = dict(zip(names, (first, second, third), strict=True))
    assert "YouTube says: gopSizeLong (warning); stream active" in text(browser, f"{of['cam']} .platform")
    assert browser.run(f"document.querySelector({of['cam'] + ' .platform a'!r}).href") == WATCH
    assert not visible(browser, f"{of['cam']} .platform code")
    assert text(browser, f"{of['other']} .platform code") == "neverdark youtube login --account second"
    assert not visible(browser, f"{of['plain']} .platform")
    assert text(browser, "#verdict") == "All 3 streams on air"
    assert "trouble at the platform: other" in text(browser, "#summary")
    assert browser.run("document.querySelector('#headline').className") == "unsure"
    assert "On air, but youtube says: " in text(browser, f"{of['other']} .reason")
    assert text(browser, f"{of['plain']} .reason") == ""
    # What has ended is no link, and says so; what was so long ago is not said to be so.
    assert not visible(browser, f"{of['other']} .platform a")
    assert f"It has no address now: the broadcast at {WATCH} ended at " in text(browser, f"{of['other']} .platform")
    stale = youtube("plain", address=None, former_address=WATCH, as_of=NOW - 1000)
    control.now = snapshot(*streams, platforms=(*states, stale), logins=(login(),))
    browser.wait(f"document.querySelector({of['plain'] + ' .platform'!r}).checkVisibility()")
    said = text(browser, f"{of['plain']} .platform")
    assert "Its address now is not known; at " in said
    assert said.strip().endswith(f"it was {WATCH}.")
    # A platform's word may be anything; only an address of the web becomes a link.
    evil = youtube("cam", address="javascript:alert(1)")
    control.now = snapshot(*streams, platforms=(evil,))
    browser.wait(f"!document.querySelector({of['cam'] + ' .platform a'!r}).checkVisibility()")
