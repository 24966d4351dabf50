"""What `neverdark incidents` prints."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from exporter.api.shapes import show_incidents
from supervisor import cli
from supervisor.commands import incident_view
from tests.unit.exporter.scenes import their_incidents
from tests.unit.exporter.snapshots import NOW

AT = datetime.fromtimestamp(NOW, UTC)


def told() -> list[dict[str, Any]]:
    return [one | {"ended_by": None} for one in show_incidents(their_incidents())["incidents"]]


def printed(width: int = 1000, *more: dict[str, Any]) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(incident_view.report([*told(), *more], AT - timedelta(days=1)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_was_i_dark_last_night() -> None:
    lines = printed()
    since = (AT - timedelta(days=1)).astimezone()
    assert lines[:4] == [
        f"7 incidents since {since:%Y-%m-%d %H:%M}, and 1 drill",
        "  garden-cam: dark for 3m23s, all its incidents together",
        "  harbour-cam to backup: dark for 6s, all its incidents together",
        "  harbour-cam: never dark",
    ]
    local = (AT - timedelta(seconds=142)).astimezone()
    assert lines[5:7] == [
        f"{local:%Y-%m-%d %H:%M:%S}  garden-cam  dark for 2m22s  goes on",
        "  the source refused us (wrong name or password, or asked too often?)",
    ]
    assert lines[8] == "  the platform's server acknowledged nothing"
    assert "harbour-cam to backup  dark for 6s" in lines[7]
    assert "  drill: our encoder: it was killed" in lines


def test_what_broke_under_maintenance_is_listed_and_not_counted() -> None:
    excused = [one | {"excused": "maintenance"} for one in told() if one["stream"] == "garden-cam"]
    others = [one for one in told() if one["stream"] != "garden-cam"]
    console = Console(file=io.StringIO(), width=1000, color_system=None)
    console.print(incident_view.report([*excused, *others], AT - timedelta(days=1)))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    count = len(excused)
    assert lines[0].startswith(f"{7 - count} incidents since ")
    assert lines[0].endswith(f", and 1 drill, and {count} in maintenance")
    assert not any(line.startswith("  garden-cam: dark") for line in lines)
    assert sum("in maintenance: " in line for line in lines) == count


def test_what_ended_with_neverdark_says_so() -> None:
    assert "neverdark ended" in printed(1000, told()[1] | {"ended_by": "neverdark ended"})[-2]


def test_a_spreadsheet_gets_a_line_for_each_and_no_formula() -> None:
    text = incident_view.as_csv([*told(), told()[0] | {"said": "=HYPERLINK(1)"}])
    names, *lines = csv.reader(io.StringIO(text))
    assert len(lines) == len(told()) + 1
    first = dict(zip(names, lines[0], strict=True))
    assert (first["id"], first["closed"], first["seconds_dark"], first["drill"]) == (
        "garden-cam-0",
        "",
        "142.0",
        "False",
    )
    assert first["actions"].split()[-1] == "restart_all"
    assert dict(zip(names, lines[-1], strict=True))["said"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize("width", [60, 80])
def test_nothing_is_cut(width: int) -> None:
    lines = printed(width)
    assert all(len(line) <= width for line in lines)
    assert "…" not in "".join(lines)
    assert "often?" in " ".join(lines)


def test_nothing_went_wrong() -> None:
    console = Console(file=io.StringIO(), width=200)
    console.print(incident_view.report([], AT))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().startswith(f"no incident since {AT.astimezone():%Y-%m-%d %H:%M}")


def test_a_time_that_is_none_is_wrong_usage(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["incidents", "--since", "lately"]) == 2
    assert capfd.readouterr().err.startswith("neverdark: --since: expected how far back, such as 90m")
