"""`neverdark logs` against a real server: whose lines it shows when nobody says whose."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.commands import client
from supervisor.commands.api import Api
from supervisor.model.selection import Selection
from supervisor.model.snapshot import LastFailure
from supervisor.model.terms import ProcessKey, Role
from tests.unit.exporter.conftest import Serve
from tests.unit.exporter.scenes import three_streams
from tests.unit.exporter.snapshots import NOW, FakeControl, process, snapshot, stream

LOGS = {
    "encoder.harbour-cam-e1": ["12:00:01.000Z Input #0, rtsp", "12:00:05.000Z speed fell"],
    "pusher-backup.harbour-cam-backup-p1": ["12:00:03.000Z Server error: Already publishing"],
}


@pytest.fixture
def api(serve: Serve, tmp_path: Path) -> Api:
    logs = tmp_path / "harbour-cam"
    logs.mkdir()
    for file, lines in LOGS.items():
        (logs / f"{file}.log").write_text("".join(f"2026-01-01T{line}\n" for line in lines))
    return Api(serve(FakeControl(three_streams(), tmp_path)).url, None)


def logs(api: Api, stream: str, role: str | None = None, destination: str | None = None) -> int:
    return client.logs(api, stream, role, destination, lines=200, follow=False)


def test_all_processes_in_the_order_of_time(api: Api, capfd: pytest.CaptureFixture[str]) -> None:
    assert logs(api, "harbour-cam") == 0
    out, err = capfd.readouterr()
    assert out.splitlines() == [
        "2026-01-01T12:00:01.000Z encoder        Input #0, rtsp",
        "2026-01-01T12:00:03.000Z pusher backup  Server error: Already publishing",
        "2026-01-01T12:00:05.000Z encoder        speed fell",
    ]
    assert err == "neverdark: pusher youtube: no log yet\n"


@pytest.mark.parametrize("which", [{"role": "encoder"}, {"destination": "backup"}])
def test_one_process_alone_is_shown_as_its_file_has_it(
    api: Api, which: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert logs(api, "harbour-cam", **which) == 0
    whole = LOGS["encoder.harbour-cam-e1" if "role" in which else "pusher-backup.harbour-cam-backup-p1"]
    assert capfd.readouterr().out.splitlines() == [f"2026-01-01T{line}" for line in whole]


def test_the_encoder_of_a_fallback_has_its_own_lines(
    serve: Serve, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cam").mkdir()
    for second, name in enumerate(("encoder", "fallback1")):
        (tmp_path / "cam" / f"{name}.r1.log").write_text(f"2026-01-01T12:00:0{second}.000Z of {name}\n")
    both = [process(ProcessKey("cam", Role.ENCODER, rung=rung)) for rung in range(2)]
    assert logs(Api(serve(FakeControl(snapshot(stream("cam", *both)), tmp_path)).url, None), "cam") == 0
    assert capfd.readouterr().out.splitlines() == [
        "2026-01-01T12:00:00.000Z encoder   of encoder",
        "2026-01-01T12:00:01.000Z fallback1 of fallback1",
    ]


def test_a_process_or_a_stream_that_is_not_there(api: Api, capfd: pytest.CaptureFixture[str]) -> None:
    assert logs(api, "harbour-cam", "command") == 1
    assert logs(api, "harbour") == 1
    assert client.order(api, "stop", [Selection("harbour")]) == 1
    unknown = "neverdark: there is no such stream: harbour; did you mean harbour-cam?"
    assert capfd.readouterr().err.splitlines() == [
        "neverdark: harbour-cam has no such process; it has: encoder, pusher youtube, pusher backup",
        unknown,
        unknown,
    ]


def test_a_program_that_cannot_be_started_has_no_log_and_says_why(
    serve: Serve, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = "cannot start ffmpegg: No such file or directory"
    failed = process(ProcessKey("mine", Role.COMMAND), last_failure=LastFailure("bad_arguments", NOW, (said,)))
    server = serve(FakeControl(snapshot(stream("mine", failed, is_command=True)), tmp_path))
    assert logs(Api(server.url, None), "mine") == 0
    out, err = capfd.readouterr()
    assert (out, err) == ("", f"neverdark: command: {said}\n")
