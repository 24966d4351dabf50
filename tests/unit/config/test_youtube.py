"""YouTube in the configuration: what is taken, and one line for each mistake."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.config.shape import Config
from supervisor.config.youtube import AccountSection, expanded, page_url_of

CHANNEL = "UC1234567890123456789012"
SECRET = "GOCSPX-made-up-secret"
ACCOUNT = {"client_id": "1-tv.apps.googleusercontent.com", "client_secret_file": "secret", "token_file": "token.json"}
PLACE = {
    "account": "main",
    "channel": CHANNEL,
    "stream_id": "AbCd_-123",
    "broadcast": {"title": "The harbour, {date} ({counter})"},
}


def read(
    folder: Path, place: Any = PLACE, account: Any = ACCOUNT, destination: dict[str, Any] | None = None, **streams: Any
) -> Config:
    (folder / "secret").write_text(SECRET)
    (folder / "secret").chmod(0o600)
    at = {"url": "rtmp://a.rtmp.youtube.com/live2", "key": "made-up-key", "youtube": place, **(destination or {})}
    stream = {"source": {"url": "x.mp4"}, "destinations": {"d": at}}
    tree = {"youtube": {"accounts": {"main": account}}, "streams": {"a": stream, **streams}}
    file = folder / "neverdark.yml"
    file.write_text(json.dumps(tree))
    return load(file).config


def lines(folder: Path, *words: Any, **more: Any) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read(folder, *words, **more)
    assert SECRET not in str(raised.value)
    return [line.removeprefix(f"{folder / 'neverdark.yml'}: ") for line in str(raised.value).splitlines()]


def with_(**keys: Any) -> dict[str, Any]:
    return {**PLACE, **keys}


def broadcast(**keys: Any) -> dict[str, Any]:
    return with_(broadcast={"title": "T", **keys})


def test_defaults(tmp_path: Path) -> None:
    config = read(tmp_path)
    account = config.youtube.accounts["main"]
    assert (account.api_url, account.oauth_url) == ("https://youtube.googleapis.com", "https://oauth2.googleapis.com")
    assert (account.auth_url, account.page_url) == ("https://accounts.google.com", "https://www.youtube.com")
    assert (account.quota.limit, account.quota.reserve, account.quota.read, account.quota.write) == (10000, 1000, 1, 50)
    assert account.token_file == tmp_path / "token.json"
    assert account.client_secret_file.secret.get_secret_value() == SECRET
    place = config.streams["a"].destinations["d"].youtube
    assert place
    assert (place.poll, place.page_poll, place.rotate, place.manages) == (60, 120, None, True)
    made = place.broadcast
    assert made
    assert (made.privacy, made.latency, made.dvr, made.made_for_kids, made.adopt) == (
        "public",
        "normal",
        True,
        False,
        False,
    )
    assert (made.category, made.thumbnail, made.description) == (None, None, "")


def test_all_of_it(tmp_path: Path) -> None:
    place = with_(
        poll="30s",
        page_poll="5m",
        rotate={"every": "10h"},
        broadcast={
            "manage": True,
            "title": "T",
            "description": "Two\nlines",
            "privacy": "unlisted",
            "category": 22,
            "latency": "ultraLow",
            "dvr": False,
            "made_for_kids": True,
            "thumbnail": "p.PNG",
            "adopt": True,
        },
    )
    found = (
        read(tmp_path, place, {**ACCOUNT, "api_url": "http://127.0.0.1:8080/"}).streams["a"].destinations["d"].youtube
    )
    assert found
    assert found.broadcast
    assert found.rotate
    assert (found.rotate.every, found.page_poll, found.broadcast.category) == (36_000, 300, "22")
    assert found.broadcast.thumbnail == tmp_path / "p.PNG"


def test_without_it_nothing_is_different(tmp_path: Path) -> None:
    (tmp_path / "neverdark.yml").write_text("streams: {a: {source: {url: x}, destinations: {d: {url: 'srt://h:1'}}}}")
    config = load(tmp_path / "neverdark.yml").config
    assert config.youtube.accounts == {}
    assert config.streams["a"].destinations["d"].youtube is None


def test_a_channel_alone_is_enough_for_its_page(tmp_path: Path) -> None:
    found = read(tmp_path, {"channel": CHANNEL}).streams["a"].destinations["d"].youtube
    assert found
    assert not found.manages
    assert page_url_of(None) == "https://www.youtube.com"


def test_the_secrets_file_is_watched(tmp_path: Path) -> None:
    read(tmp_path)
    assert tmp_path / "secret" in load(tmp_path / "neverdark.yml").files


def test_nothing_secret_is_printed(tmp_path: Path) -> None:
    assert SECRET not in repr(read(tmp_path))


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (with_(account="mian"), ".account: 'mian': there is no such account in youtube.accounts; did you mean main?"),
        (with_(account="zzz"), ".account: 'zzz': there is no such account in youtube.accounts; expected one of main"),
        (with_(channel="@harbour"), ".channel: ***: expected a channel's id: UC and 22 letters"),
        (with_(channel=f"{CHANNEL}x"), ".channel: ***: expected a channel's id"),
        (with_(stream_id="a b"), ".stream_id: 'a b': expected a stream's id"),
        (with_(poll="0s"), ".poll: '0s': expected more than 0"),
        (with_(poll=0.5), ".poll: 0.5: expected at least 1"),
        (with_(pol="1m"), ".pol: unknown key; did you mean poll?"),
        ({"broadcast": {"title": "T"}, "stream_id": "s"}, ".account: expected an account"),
        ({"stream_id": "s"}, ".account: expected an account"),
        ({}, ".channel: expected a channel, for its public page, or an account"),
        (with_(stream_id=None), ".stream_id: expected the id of the stream"),
        (with_(broadcast={}), ".broadcast.title: expected a title: viewers see it"),
        ({"channel": CHANNEL, "rotate": {"every": "11h"}}, ".rotate: expected broadcast"),
        (with_(broadcast={"manage": False}, rotate={"every": "11h"}), ".rotate: expected broadcast"),
        (with_(rotate={"every": "0s"}), ".rotate.every: '0s': expected more than 0"),
        (broadcast(title="x" * 101), ".broadcast.title: ***: expected at most 100 characters"),
        (broadcast(title="x" * 80 + "{date} {counter}{date}"), ".broadcast.title: ***: expected at most 100"),
        (broadcast(title="{day}"), ".broadcast.title: ***: expected no placeholders but {date} and {counter}"),
        (broadcast(title="a < b"), ".broadcast.title: ***: expected text without < and >"),
        (broadcast(title="a\nb"), ".broadcast.title: ***: expected text without < and >"),
        (broadcast(title=" "), ".broadcast.title: ' ': expected something, but it is empty"),
        (broadcast(description="é" * 2_451), ".broadcast.description: ***: expected at most 4900 bytes"),
        (broadcast(privacy="secret"), ".broadcast.privacy: 'secret': expected one of public, unlisted, private"),
        (broadcast(latency="low latency"), ".broadcast.latency: 'low latency': expected one of normal, low, ultraLow"),
        (broadcast(category="gaming"), ".broadcast.category: 'gaming': expected the number of a category"),
        (broadcast(made_for_kids="perhaps"), ".broadcast.made_for_kids: 'perhaps': expected true or false"),
        (broadcast(thumbnail="p.gif"), ".broadcast.thumbnail: ***: expected a picture whose name ends with"),
        ("yes", ": text: expected keys and values"),
    ],
)
def test_each_mistake_is_one_line(tmp_path: Path, place: Any, says: str) -> None:
    (line,) = lines(tmp_path, place)
    assert line.removeprefix("streams.a.destinations.d.youtube").startswith(says)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"api_url": "http://example.com"}, "api_url: 'http://example.com': expected https"),
        ({"oauth_url": "ftp://example.com"}, "oauth_url: 'ftp://example.com': expected a URL such as"),
        ({"auth_url": "https://"}, "auth_url: '***': expected a URL such as"),
        ({"page_url": "https://u:p@example.com"}, "page_url: 'https://***@example.com': expected a URL such as"),
        ({"page_url": "https://example.com/?x=1"}, "page_url: 'https://example.com?***': expected a URL such as"),
        ({"page_url": "https://example.com:99999"}, "page_url: "),
        ({"client_id": ""}, "client_id: '': expected something, but it is empty"),
        ({"client_id": "two words"}, "client_id: 'two words': expected the client's id"),
        ({"client_secret": SECRET}, "client_secret: unknown key; did you mean client_secret_file?"),
        ({"client_secret_file": "nowhere/x"}, "client_secret_file: "),
        ({"quota": {"limit": 0}}, "quota.limit: 0: expected at least 1"),
        ({"quota": {"reserve": -1}}, "quota.reserve: -1: expected"),
    ],
)
def test_each_mistake_of_an_account_is_one_line(tmp_path: Path, keys: dict[str, Any], says: str) -> None:
    (line,) = lines(tmp_path, account={**ACCOUNT, **keys})
    assert line.startswith(f"youtube.accounts.main.{says}")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://localhost:8080/x/", "http://[::1]:1", "https://example.com"]
)
def test_http_is_for_loopback(tmp_path: Path, url: str) -> None:
    (tmp_path / "secret").write_text(SECRET)
    written = {**ACCOUNT, "client_secret_file": tmp_path / "secret", "api_url": url}
    assert AccountSection.model_validate(written).api_url == url.rstrip("/")


def test_two_streams_do_not_repair_one_broadcast(tmp_path: Path) -> None:
    def stream(place: Any, **more: Any) -> dict[str, Any]:
        return {"source": {"url": "x"}, "destinations": {"e": {"url": "srt://h:1", "youtube": place}}, **more}

    (line,) = lines(tmp_path, b=stream(PLACE))
    assert line == (
        "streams.b.destinations.e.youtube.stream_id: expected another one than that of streams.a.destinations.d"
    )
    for other in (
        stream(PLACE, enabled=False),
        stream(with_(broadcast={"manage": False})),
        stream(with_(stream_id="other")),
    ):
        assert set(read(tmp_path, b=other).streams) == {"a", "b"}


def test_a_folder_is_no_channel(tmp_path: Path) -> None:
    recording = {"recording": {"directory": "/r"}, "youtube": PLACE}
    stream = {"source": {"url": "x"}, "destinations": {"e": recording}}
    (line,) = lines(tmp_path, b=stream)
    assert line.startswith("streams.b.destinations.e.youtube: cannot be had with recording")


def test_placeholders() -> None:
    day = date(2026, 11, 27)
    assert expanded("{counter}: {date}, {date} {", day, 3) == "3: 2026-11-27, 2026-11-27 {"
