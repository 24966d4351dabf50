"""What the API tells of the configuration file."""

from __future__ import annotations

from exporter.api import models
from supervisor.model.snapshot import ConfigState
from tests.unit.exporter.conftest import Serve
from tests.unit.exporter.snapshots import NOW, FakeControl, snapshot

PROBLEMS = ("streams.cam.source.lop: unknown key; did you mean loop?", "listen: 'nowhere': expected an address")


def test_a_file_that_is_in_force(serve: Serve) -> None:
    told = serve(FakeControl(snapshot())).get("/api/config").json()
    models.Configuration.model_validate(told)
    assert told == {"accepted": "2025-12-31T00:00:00.250Z", "refused": None, "warnings": 0, "need_restart": []}


def test_a_file_that_is_refused_is_told_with_every_streams_answer(serve: Serve) -> None:
    state = ConfigState(NOW - 60, warnings=2, need_restart=("listen",)).refuse(PROBLEMS, NOW)
    client = serve(FakeControl(snapshot(config=state)))
    told = client.get("/api/config").json()
    models.Configuration.model_validate(told)
    assert told["refused"] == {"at": "2026-01-01T00:00:00.250Z", "problems": list(PROBLEMS)}
    assert (told["warnings"], told["need_restart"]) == (2, ["listen"])
    assert client.get("/api/streams").json()["configuration"] == told
    assert client.get("/readyz").status_code == 200, "the streams are what they were"


def test_the_same_problems_again_keep_their_time() -> None:
    """What is refused is read again every few seconds."""
    first = ConfigState(1.0).refuse(PROBLEMS, 5.0)
    assert first.refuse(PROBLEMS, 10.0) == first
    assert first.refuse(PROBLEMS[:1], 10.0).rejected == 10.0
