"""`neverdark recordings`, as it is printed and as it ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from supervisor.commands.api import ApiError
from supervisor.commands.recordings import recordings

SEGMENT = {
    "file": "cam.tape.1.mkv",
    "begin": "2026-01-01T12:00:00.000Z",
    "end": "2026-01-01T12:10:00.000Z",
    "bytes": 338_000_000,
    "kept_until": "2026-01-08T12:10:00.000Z",
}
TAPE = {
    "destination": "tape",
    "directory": "/srv/rec",
    "keep": {"size": 50_000_000_000, "age": 604_800.0, "free": 0.05},
    "count": 3,
    "bytes": 1_014_000_000,
    "segments": [SEGMENT],
    "gaps": [{"begin": "2026-01-01T12:10:00.000Z", "end": "2026-01-01T12:10:04.000Z", "seconds": 4.0}],
    "trouble": None,
}


class FakeApi:
    """Answers for the streams that it knows."""

    def __init__(self, **streams: list[Any]) -> None:
        self.streams = streams
        self.asked: list[dict[str, object]] = []

    def get(self, path: str, **parameters: object) -> Any:
        if path == "/api/streams":
            return {"streams": [{"stream": name} for name in self.streams]}
        self.asked.append(parameters)
        name = path.split("/")[3]
        if name not in self.streams:
            raise ApiError("there is no such stream", 404)
        return {"stream": name, "recordings": self.streams[name]}


def run(api: Any, stream: str | None = None, **more: Any) -> int:
    return recordings(api, stream, more.get("destination"), limit=more.get("limit"), as_json=more.get("as_json", False))


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_each_segment_and_each_gap_by_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FakeApi(plain=[], cam=[TAPE])) == 0
    head, segment, gap = capsys.readouterr().out.splitlines()
    assert head == ("cam tape: 3 segments, 1.01 GB in /srv/rec, kept: at most 50 GB and for 7d, the newest 1 of them")
    assert segment == (
        "  2026-01-01 12:00:00  to 2026-01-01 12:10:00    338 MB  cam.tape.1.mkv  until 2026-01-08 12:10:00"
    )
    assert gap == "  2026-01-01 12:10:00  gap of 4s"


def test_nothing_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FakeApi(plain=[])) == 0
    assert "nothing is recorded" in capsys.readouterr().out


def test_a_folder_that_cannot_be_read_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    silent = TAPE | {"segments": [], "gaps": [], "trouble": "the folder cannot be read: it does not answer"}
    assert run(FakeApi(cam=[silent])) == 1
    assert "cam tape: /srv/rec: the folder cannot be read" in capsys.readouterr().out


def test_a_stream_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FakeApi(cam=[TAPE]), "other") == 1
    assert "there is no such stream" in capsys.readouterr().err


def test_for_programs_as_the_api_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    api = FakeApi(cam=[TAPE])
    assert run(api, "cam", destination="tape", limit=7, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"streams": [{"stream": "cam", "recordings": [TAPE]}]}
    assert api.asked == [{"destination": "tape", "limit": 7}]
