"""Pictures by API: whoever may read gets one, or one clear sentence why there is none."""

from __future__ import annotations

import pytest

from supervisor.model.snapshot import NotAnswering
from supervisor.model.thumbnails import NoPicture
from tests.unit.exporter.conftest import Client, Serve
from tests.unit.exporter.scenes import incident
from tests.unit.exporter.snapshots import FakeControl, encoder, snapshot, stream

JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"
TOKEN = "a-token-that-is-right"
PATH = "/api/streams/cam/thumbnail"


@pytest.fixture
def control() -> FakeControl:
    control = FakeControl(snapshot(stream("cam", encoder("cam"))))
    control.pictures["cam"] = JPEG
    return control


@pytest.fixture
def client(serve: Serve, control: FakeControl) -> Client:
    return serve(control)


def test_a_picture_is_a_jpeg_that_is_kept_for_ten_seconds_by_who_asked(client: Client) -> None:
    answer = client.get(PATH)
    assert (answer.status_code, answer.content) == (200, JPEG)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "private, max-age=10"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.ask("HEAD", PATH).status_code == 200


@pytest.mark.parametrize(("lasting", "status"), [(True, 409), (False, 409)])
def test_without_one_the_reason_is_told(client: Client, control: FakeControl, *, lasting: bool, status: int) -> None:
    control.pictures["cam"] = NoPicture("the stream is stopped", lasting=lasting)
    answer = client.get(PATH)
    assert (answer.status_code, answer.json()) == (status, {"detail": "no picture: the stream is stopped"})


def test_a_stream_that_is_not_there_is_not_found(client: Client, control: FakeControl) -> None:
    answer = client.get("/api/streams/nobody/thumbnail")
    assert (answer.status_code, answer.json()) == (404, {"detail": "there is no such stream"})
    assert control.wished == []


def test_an_engine_that_hangs_is_no_mistake_of_ours(client: Client, control: FakeControl) -> None:
    control.failure = NotAnswering("busy")
    assert client.get(PATH).status_code == 503


def test_the_picture_of_an_incident(serve: Serve) -> None:
    seen, blind = incident(0, "cam")._replace(thumbnail=True), incident(1, "cam")
    control = FakeControl(snapshot(stream("cam", encoder("cam"))), incidents=(seen, blind))
    control.incident_pictures[seen.id] = JPEG
    client = serve(control)
    listed = client.get("/api/incidents").json()["incidents"]
    assert [one["thumbnail"] for one in listed] == [True, False]
    answer = client.get(f"/api/incidents/{seen.id}/thumbnail")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, JPEG, "image/jpeg")
    assert answer.headers["cache-control"].startswith("private")
    missing = client.get(f"/api/incidents/{blind.id}/thumbnail")
    assert (missing.status_code, missing.json()) == (404, {"detail": "of this incident there is no picture"})


@pytest.mark.parametrize("path", [PATH, "/api/incidents/x/thumbnail"])
def test_under_another_name_nobody_sees_it_without_the_token(serve: Serve, control: FakeControl, path: str) -> None:
    control.incident_pictures["x"] = JPEG
    client = serve(control, token=TOKEN)
    assert client.get(path, Host="neverdark.example").status_code == 401
    right = client.get(path, Host="neverdark.example", Authorization=f"Bearer {TOKEN}")
    assert (right.status_code, right.content) == (200, JPEG)
