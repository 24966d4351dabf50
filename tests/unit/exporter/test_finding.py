"""Which destination a word in a path means."""

from __future__ import annotations

import pytest
from fastapi import HTTPException

from exporter.api import models
from exporter.api.finding import find_destination
from tests.unit.exporter.conftest import Serve
from tests.unit.exporter.snapshots import FakeControl, destination, encoder, snapshot, stream

SHOWN = snapshot(
    stream("cam", encoder("cam"), destinations=(destination("youtube"), destination("backup"))),
    stream("lobby", encoder("lobby"), destinations=(destination("youtube"), destination("1"), destination("4"))),
)


@pytest.mark.parametrize(
    ("word", "stream", "found"),
    [
        ("1", None, "cam:youtube"),
        ("3", None, "lobby:youtube"),
        ("cam:backup", None, "cam:backup"),
        ("cam:backup", "cam", "cam:backup"),
        ("2", "cam", "cam:backup"),
        ("youtube", "cam", "cam:youtube"),
        ("youtube", "lobby", "lobby:youtube"),
        ("1", "lobby", "lobby:1"),  # its name; the id is of another stream
        ("5", "lobby", "lobby:4"),
        ("lobby:4", "lobby", "lobby:4"),
    ],
)
def test_an_id_or_a_name_finds_its_destination(word: str, stream: str | None, found: str) -> None:
    assert find_destination(SHOWN, word, stream).full_name == found


@pytest.mark.parametrize(
    ("word", "stream"),
    [
        *(("99", None), ("youtube", None), ("cam", None), ("", None), ("cam:", None), (":youtube", None)),
        *(
            ("01", None),
            ("+1", None),
            ("1 ", None),
            ("\N{ARABIC-INDIC DIGIT ONE}", None),
            ("\N{SUPERSCRIPT TWO}", None),
            ("1.0", None),
            ("9" * 5000, None),
        ),
        *(("3", "cam"), ("lobby:youtube", "cam"), ("1", "nobody"), ("youtube", "nobody")),
    ],
)
def test_any_other_word_finds_nothing(word: str, stream: str | None) -> None:
    with pytest.raises(HTTPException) as refused:
        find_destination(SHOWN, word, stream)
    assert (refused.value.status_code, refused.value.detail) == (404, "Destination not found")


def test_a_number_that_may_mean_two_is_refused_with_the_names_of_both() -> None:
    shown = snapshot(stream("a", encoder("a"), destinations=(destination("2"), destination("b"))))
    with pytest.raises(HTTPException) as refused:
        find_destination(shown, "2", "a")
    assert refused.value.status_code == 409
    assert "say one of a:2, a:b" in refused.value.detail
    assert find_destination(shown, "2").name == "b"
    assert find_destination(shown, "a:2", "a").name == "2"


def test_a_destination_without_a_number_is_found_by_its_name_alone() -> None:
    first, *_ = SHOWN.streams
    (place, *_) = first.destinations
    shown = SHOWN._replace(streams=(first._replace(destinations=(place._replace(id=None),)),))
    assert find_destination(shown, "cam:youtube").id is None
    with pytest.raises(HTTPException):
        find_destination(shown, "1")


def test_the_streams_show_it(serve: Serve) -> None:
    shown = serve(FakeControl(SHOWN)).get("/api/streams/cam").json()
    models.Stream.model_validate(shown)
    named = [(place["id"], place["name"], place["full_name"]) for place in shown["destinations"]]
    assert named == [(1, "youtube", "cam:youtube"), (2, "backup", "cam:backup")]


def test_streams_are_found_by_where_they_send(serve: Serve) -> None:
    control = FakeControl(SHOWN)
    control.sending = {"rtmp://h/live2?x=1/KEY": ["lobby"]}
    client = serve(control)
    shown = client.get("/api/streams?destination_url=rtmp://h/live2%3Fx%3D1/KEY")
    models.StreamList.model_validate(shown.json())
    assert [one["stream"] for one in shown.json()["streams"]] == ["lobby"]
    assert "KEY" not in shown.text
    assert client.get("/api/streams?destination_url=rtmp://h/live2").json()["streams"] == []
    assert client.get("/api/streams?destination_url=").json()["streams"] == [], "an empty one names nothing"
    assert len(client.get("/api/streams").json()["streams"]) == 2
    assert control.asked == ["rtmp://h/live2?x=1/KEY", "rtmp://h/live2", ""]


def test_a_question_that_is_too_long_is_not_repeated(serve: Serve) -> None:
    refused = serve(FakeControl(SHOWN)).get(f"/api/streams?destination_url={'KEY' * 2000}")
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("destination_url: ")
    assert "KEY" not in refused.text
