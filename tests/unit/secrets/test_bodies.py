"""A stream's configuration without its secrets, and back."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.secrets.bodies import hidden, revealed, sends_elsewhere

BODY: dict[str, Any] = {
    "enabled": True,
    "source": {
        "url": "rtsp://admin:bait-pass@cam.local/stream1",
        "options": ["-rtsp_transport", "tcp", "-token", "bait"],
    },
    "destinations": {
        "a": {"url": "rtmp://a.example/live2", "key": "bait-key-1", "required": False},
        "b": {"url": "rtmp://b.example/live/bait-name"},
        "c": {"url": "srt://c.example:9000?passphrase=bait-phrase"},
        "d": {"url": "/media/d.mkv"},
        "e": {"url": "rtmps://e.example/app?auth=bait-auth", "key_file": "keys/e"},
        "f": {"url": "rtmp://f.example/live2/bait-key-2", "key": "bait-key-2"},
        "g": {"url": "rtmp://g.example/live", "key": 12345678},
    },
}


def urls(body: dict[str, Any]) -> dict[str, str]:
    return {name: one["url"] for name, one in body["destinations"].items()}


def test_what_is_shown_holds_no_secret_and_all_the_rest() -> None:
    shown = hidden(BODY)
    assert "bait" not in str(shown)
    assert "12345678" not in str(shown)
    assert shown["source"] == {
        "url": "rtsp://***@cam.local/stream1",
        "options": ["-rtsp_transport", "tcp", "-token", "***"],
    }
    assert urls(shown) == {
        "a": "rtmp://a.example/live2",
        "b": "rtmp://b.example/live/***",
        "c": "srt://c.example:9000?***",
        "d": "/media/d.mkv",
        "e": "rtmps://e.example/app/***",
        "f": "rtmp://f.example/live2/***",
        "g": "rtmp://g.example/live",
    }
    assert shown["destinations"]["a"] == {"url": "rtmp://a.example/live2", "key": "***", "required": False}
    assert BODY["destinations"]["a"]["key"] == "bait-key-1", "the body itself stays as it is"


def test_the_sources_of_a_fallback_are_hidden_as_the_streams_own() -> None:
    body = {"fallback": [{"source": BODY["source"]}, {"slate": {"text": "10:30"}}, "x", {"source": 3}]}
    shown = hidden(body)
    assert shown["fallback"][0]["source"] == hidden(BODY)["source"]
    assert shown["fallback"][1:] == body["fallback"][1:]
    assert revealed(shown, body) == (body, [])
    moved, unknown = revealed({"fallback": [{"source": {"url": "rtsp://***@evil/1"}}]}, body)
    assert unknown == [("fallback", 0, "source", "url")], moved


@pytest.mark.parametrize("word", ["bait-secret", "https://user:bait@h/x", "Authorization: Bearer bait", "k=bait"])
def test_a_word_of_a_command_is_shown_only_if_it_surely_is_no_secret(word: str) -> None:
    command = ["sh", "-c", "-x", "30", word]
    assert hidden({"command": command})["command"] == ["sh", "-c", "-x", "30", "***"]


def test_sent_back_it_is_what_it_was() -> None:
    assert revealed(hidden(BODY), BODY) == (BODY, [])


def test_a_word_that_has_moved_is_found_if_it_is_the_only_one() -> None:
    known = {"command": ["run", "bait-secret-1"]}
    assert revealed({"command": ["run", "-v", "***"]}, known) == ({"command": ["run", "-v", "bait-secret-1"]}, [])
    two = {"command": ["run", "bait-secret-1", "bait-secret-2"]}
    _, unknown = revealed({"command": ["***", "x", "y"]}, two)
    assert unknown == [("command", 0)], "which of both is meant nobody can say"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"destinations": {"new": {"url": "rtmp://a.example/live2", "key": "***"}}}, ("destinations", "new", "key")),
        ({"destinations": {"b": {"url": "rtmp://evil.example/live/***"}}}, ("destinations", "b", "url")),
        ({"destinations": {"a": {"url": "rtmp://a.example/live2", "key": "x***"}}}, ("destinations", "a", "key")),
        ({"source": {"url": "rtsp://***@evil.local/stream1"}}, ("source", "url")),
        ({"source": {"url": "rtsp://x/y", "options": ["***"]}}, None),
    ],
)
def test_a_mark_that_stands_for_nothing_is_told(body: dict[str, Any], place: tuple[str, ...] | None) -> None:
    full, unknown = revealed(body, BODY)
    assert unknown == ([place] if place else [])
    assert ("bait" in str(full)) is (place is None)


def test_a_key_that_was_not_sent_stays_with_its_server() -> None:
    known = {"destinations": {"a": {"url": "rtmp://a.example/live", "key": "bait"}}}
    moved = {"destinations": {"a": {"url": "rtmp://evil.example/live", "key": "bait"}}}
    there = {"destinations": {"a": {"url": "rtmp://A.example/other", "key": "bait"}}}
    for sent in ({}, {"destinations": {"a": {"key": "***"}}}, None):
        assert list(sends_elsewhere(moved, known, sent)) == [("destinations", "a", "key")]
        assert not list(sends_elsewhere(there, known, sent))
    assert not list(sends_elsewhere(moved, known, {"destinations": {"a": {"key": "bait"}}})), "who sends it knows it"


def test_the_secrets_of_a_source_that_comes_to_us_are_hidden_and_come_back() -> None:
    body = {
        "source": {"listen": "srt", "port": 9000, "passphrase": "bait-passphrase"},
        "fallback": [{"source": {"listen": "rtmp", "port": 1935, "key": "bait-key"}}],
    }
    shown = hidden(body)
    assert "bait" not in str(shown)
    assert shown["source"]["port"] == 9000
    assert revealed(shown, body) == (body, [])
