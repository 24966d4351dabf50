"""Recordings by API: what is there, and what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.model.recordings import Gap, Kept, Recorded, Segment
from supervisor.model.snapshot import NotAnswering
from tests.unit.exporter.conftest import Client, Serve
from tests.unit.exporter.snapshots import NOW, FakeControl, encoder, snapshot, stream

PATH = "/api/streams/cam/recordings"
TOKEN = "a-token-that-is-right"
KEPT = Kept(Path("/srv/rec"), "cam.tape", ".mkv", 600.0, 1000, 60.0, 0.05)
SEGMENT = Segment("cam.tape.20260101T000000Z-a.mkv", NOW - 0.25, NOW, 10, "a")


@pytest.fixture
def control() -> FakeControl:
    control = FakeControl(snapshot(stream("cam", encoder("cam")), stream("plain", encoder("plain"))))
    endless = Kept(Path("/srv/rec"), "cam.all", ".ts", 600.0, None, None, 0.05)
    control.recorded["cam"] = [
        Recorded("tape", KEPT, 7, 70, (SEGMENT,), (Gap(NOW, NOW + 2.04),)),
        Recorded("all", endless, 1, 10, (SEGMENT,), trouble="the folder cannot be read: it does not answer"),
    ]
    return control


@pytest.fixture
def client(serve: Serve, control: FakeControl) -> Client:
    return serve(control)


def test_segments_and_gaps_of_each(client: Client) -> None:
    answer = client.get(PATH).json()
    first, second = answer["recordings"]
    assert first == {
        "destination": "tape",
        "directory": "/srv/rec",
        "keep": {"size": 1000, "age": 60.0, "free": 0.05},
        "count": 7,
        "bytes": 70,
        "segments": [
            {
                "file": SEGMENT.file,
                "begin": "2026-01-01T00:00:00.000Z",
                "end": "2026-01-01T00:00:00.250Z",
                "bytes": 10,
                "kept_until": "2026-01-01T00:01:00.250Z",
            }
        ],
        "gaps": [{"begin": "2026-01-01T00:00:00.250Z", "end": "2026-01-01T00:00:02.290Z", "seconds": 2.0}],
        "trouble": None,
    }
    assert (second["segments"][0]["kept_until"], second["trouble"][:10]) == (None, "the folder")


def test_one_destination_and_how_many(client: Client, control: FakeControl) -> None:
    assert [one["destination"] for one in client.get(f"{PATH}?destination=all&limit=3").json()["recordings"]] == ["all"]
    assert control.asked == ["cam all 3"]


@pytest.mark.parametrize("query", ["limit=0", "limit=5001", "limit=many"])
def test_a_wrong_limit_is_refused(client: Client, query: str) -> None:
    assert client.get(f"{PATH}?{query}").status_code == 422


def test_who_records_nothing_has_an_empty_list_and_who_is_not_there_none(client: Client) -> None:
    assert client.get("/api/streams/plain/recordings").json() == {"stream": "plain", "recordings": []}
    assert client.get("/api/streams/nobody/recordings").status_code == 404
    for other in ("nobody", "../tape", "..%2f..%2fetc"):
        assert client.get(f"{PATH}?destination={other}").status_code == 404


def test_an_engine_that_hangs_is_no_mistake_of_ours(client: Client, control: FakeControl) -> None:
    control.failure = NotAnswering("busy")
    assert client.get(PATH).status_code == 503


def test_a_token_is_needed_where_readings_need_one(serve: Serve, control: FakeControl) -> None:
    client = serve(control, token=TOKEN)
    assert client.get(PATH, Host="streams.example").status_code == 401
    assert client.get(PATH, Host="streams.example", Authorization=f"Bearer {TOKEN}").status_code == 200
