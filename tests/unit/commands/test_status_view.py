"""What `neverdark status` prints, from real answers of the API, at every width."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from exporter.api.seen import seen_at_platforms
from exporter.api.shape import show_time
from exporter.api.shapes import show_config, show_incidents, show_stream
from supervisor.commands import status_view
from supervisor.commands.stream_words import clock
from supervisor.model.fallback import SourceOrder, source_name
from supervisor.model.incidents import Incident
from supervisor.model.maintenance import Maintenance
from supervisor.model.snapshot import (
    ConfigState,
    LastFailure,
    ProgressTotals,
    Snapshot,
    SourceSnapshot,
    StreamSnapshot,
    Wanted,
)
from supervisor.model.terms import ExitCause, Health, ProcessKey, Role, Segment, State, Trouble
from tests.unit.exporter.scenes import incident, their_incidents, three_streams
from tests.unit.exporter.snapshots import (
    NOW,
    WATCH,
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

PROCESSES = ("encoder", "pusher youtube", "pusher backup", "command")


def printed(shown: Snapshot, width: int | None, incidents: Iterable[Incident] = ()) -> str:
    answer = {
        "at": show_time(shown.at),
        "configuration": show_config(shown.config),
        "streams": [show_stream(one, seen_at_platforms(shown)) for one in shown.streams],
    }
    going_on = [one for one in show_incidents(incidents)["incidents"] if one["closed"] is None]
    console = Console(file=io.StringIO(), width=width or 1000, color_system=None)
    console.print(status_view.report(answer, going_on, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def summary(*streams: StreamSnapshot, incidents: Iterable[Incident] = (), **changes: Any) -> str:
    return printed(snapshot(*streams, **changes), None, incidents).splitlines()[0]


def _clock(ago: float) -> str:
    return clock(show_time(NOW - ago) or "", datetime.fromtimestamp(NOW, UTC))


def fine(name: str) -> StreamSnapshot:
    return stream(name, encoder(name), pusher(name, "youtube"), destinations=(destination("youtube"),))


def gone(name: str, seconds: float = 180) -> StreamSnapshot:
    """Its camera cannot be reached."""
    failure = LastFailure(ExitCause.SOURCE_UNREACHABLE, NOW - 3, ())
    broken = encoder(name, state=State.COOLDOWN, pid=None, run_id=None, started=None, last_failure=failure)
    dark = {"on_air": False, "health": Health.UNHEALTHY, "since": NOW - seconds, "reason": "encoder: cooldown"}
    return stream(name, broken, pusher(name, "youtube"), destinations=(destination("youtube", on_air=False),), **dark)


# --- the summary -----------------------------------------------------------------------------------


def test_one_of_thirty_that_is_off_air_is_the_first_sentence_and_the_first_row() -> None:
    thirty = [fine(f"ch{number:02}") for number in range(1, 31)]
    thirty[5] = gone("ch06")
    lines = printed(snapshot(*thirty), 80).splitlines()
    words = " ".join(line.strip() for line in lines[:2])
    assert words == "29 of 30 wanted streams on air; ch06 off air for 3m: the source could not be reached"
    rows = [line for line in lines if line.startswith("ch")]
    assert rows[0].startswith("ch06")
    assert [row.split()[0] for row in rows[1:3]] == ["ch01", "ch02"]


def test_an_open_incident_says_why() -> None:
    found = incident(0, "a", closed=None, cause=Trouble.STALL, segment=Segment.ENCODER)
    assert summary(gone("a"), incidents=[found]) == (
        "0 of 1 wanted stream on air; a off air for 3m: our encoder: it ran, but made no progress"
    )


def test_many_that_are_off_air_are_counted() -> None:
    said = summary(*(gone(f"c{number}") for number in range(5)))
    assert said.startswith("0 of 5 wanted streams on air; c0 off air")
    assert said.endswith("; and 2 more")
    assert "c3" not in said


def test_all_is_well() -> None:
    assert summary(fine("a"), fine("b")) == "2 of 2 wanted streams on air"


def test_nothing_to_show_is_said() -> None:
    assert printed(snapshot(), 80) == "no stream is configured\n"
    assert summary(fine("a")._replace(wanted=False, on_air=False)) == "the one stream is stopped"


def test_stopped_degraded_and_unverified_streams_are_told_apart() -> None:
    stopped = fine("night")._replace(wanted=False, on_air=False)
    mute = command("mute", tracked=False)._replace(verified=False)
    assert summary(fine("a"), fine("b")._replace(health=Health.DEGRADED), mute, stopped) == (
        "3 of 3 wanted streams on air; b degraded; mute unverified: nothing tells whether media arrives; "
        "1 stopped on purpose"
    )


def test_a_mute_command_is_never_called_healthy() -> None:
    shown = printed(snapshot(command("mute", tracked=False)._replace(verified=False)), None)
    assert "runs, unverified" in shown
    assert "healthy" not in shown
    assert "put {progress} into the command" in shown


def on_fallback(name: str, **changes: Any) -> StreamSnapshot:
    """Its source is gone, and viewers see a slate."""
    sources = [
        SourceSnapshot(name, source_name(rung), active=rung == 1, slate=rung > 0, seconds=60.0) for rung in range(2)
    ]
    slate = encoder(name)._replace(key=ProcessKey(name, Role.ENCODER, rung=1))
    processes = (encoder(name, state=State.BACKOFF, pid=None), slate, pusher(name, "youtube"))
    shown = stream(name, *processes, destinations=(destination("youtube"),), sources=tuple(sources))
    return shown._replace(**changes)


def test_a_stream_on_a_fallback_says_what_viewers_see() -> None:
    lost = incident(0, "cam", closed=None, cause=ExitCause.SOURCE_UNREACHABLE, segment=Segment.SOURCE)
    shown = snapshot(fine("a"), on_fallback("cam"), fine("b"))
    assert summary(*shown.streams) == "3 of 3 wanted streams on air; cam: viewers see fallback1"
    for width in (None, 80, 50):
        lines = printed(shown, width, [lost]).splitlines()
        (row,) = (line for line in lines if line.startswith("cam") and "ON AIR" in line)
        assert "ON AIR, viewers see fallback1" in row, width
        assert any(line.strip().startswith("fallback1") for line in lines), "its encoder by its name"
        assert "the source could not be reached" in " ".join(line.strip() for line in lines)
    rows = [line for line in printed(shown, None).splitlines() if line.startswith(("a ", "cam", "b "))]
    assert rows[0].startswith("cam"), "before those that are fine"


def test_who_sees_the_streams_own_source_or_nothing_is_told_of_no_fallback() -> None:
    back = [one._replace(active=one.name == "primary") for one in on_fallback("cam").sources]
    for one in (
        on_fallback("cam", sources=tuple(back)),
        on_fallback("cam", on_air=False, reason="encoder: cooldown"),
        on_fallback("cam", wanted=False, on_air=False),
    ):
        assert "viewers" not in printed(snapshot(one), None)


def test_many_on_fallbacks_are_counted() -> None:
    said = summary(*(on_fallback(f"c{number}") for number in range(5)))
    assert said.endswith("c2: viewers see fallback1; 2 more on a fallback")


def test_a_refused_configuration_is_one_line_below_the_summary() -> None:
    config = ConfigState(NOW - 86_400).refuse(("streams.cam.colour: unknown key", "b", "c"), NOW)
    line = printed(snapshot(fine("a"), config=config), None).splitlines()[1]
    assert line.startswith("the configuration file is refused since ")
    assert "streams.cam.colour: unknown key (and 2 more: neverdark check); running with the one of 20" in line


# --- why it is not healthy -------------------------------------------------------------------------


def test_a_backup_that_is_dark_is_told_as_what_it_is() -> None:
    places = (
        destination("main", role="primary", required=False),
        destination("second", role="backup", required=False, on_air=False),
    )
    shown = stream("a", encoder("a"), pusher("a", "main"), destinations=places, health=Health.DEGRADED)
    assert "  destination second (backup) is off air" in printed(snapshot(shown), None)


def test_an_optional_destination_that_is_dark_is_told_with_its_time_and_cause() -> None:
    refused = pusher(
        "a",
        "backup",
        state=State.COOLDOWN,
        progress=ProgressTotals(1, last_advance=NOW - 95),
        last_failure=LastFailure(ExitCause.INGEST_REFUSED, NOW - 3, ()),
    )
    places = (destination("youtube"), destination("backup", required=False, on_air=False))
    shown = stream("a", encoder("a"), pusher("a", "youtube"), refused, destinations=places, health=Health.DEGRADED)
    text = printed(snapshot(shown), None)
    assert text.startswith("1 of 1 wanted stream on air; a degraded\n")
    assert "  destination backup (optional) is off air for 1m35s: the platform's server refused the stream" in text
    assert "OFF AIR" not in text


def test_what_the_watchdog_doubts_is_named() -> None:
    harbour = three_streams().streams[0]._replace(health=Health.DEGRADED)
    assert "  backup: the watchdog finds uplink degraded" in printed(snapshot(harbour), None)
    slow = incident(0, "harbour-cam", closed=None, cause=Trouble.SLOW, segment=Segment.ENCODER, role=Role.ENCODER)
    assert "  our encoder: slower than real time" in printed(snapshot(harbour), None, [slow])


def test_a_watchdog_that_is_stopped_is_told_although_all_is_well() -> None:
    still = watchdog(running=False, stopped_since=NOW - 90)
    shown = stream("a", encoder("a"), destinations=(destination("youtube", watchdog=still),))
    assert "  youtube: an operator stopped its watchdog 1m30s ago" in printed(snapshot(shown), None)


# --- any width -------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160, 200, None])
def test_nothing_is_cut_and_no_process_vanishes_at_any_width(width: int | None) -> None:
    shown = three_streams()
    text = printed(shown, width, their_incidents())
    lines = text.splitlines()
    assert "…" not in text
    assert all(len(line) <= (width or 1000) for line in lines)
    for process in PROCESSES:
        assert any(process in line for line in lines), process
    for word in ("garden-cam", "harbour-cam", "test-card", "OFF AIR", "ON AIR", "unhealthy", "healthy", "backoff"):
        assert word in text
    assert text.index("garden-cam  ") < text.index("harbour-cam  "), "trouble comes first"


def test_a_wide_terminal_shows_what_a_narrow_one_has_no_room_for() -> None:
    narrow, wide = printed(three_streams(), 80), printed(three_streams(), 200)
    assert "connection no. 3" not in narrow
    assert "connection no. 3 for 1m5s, RTT 187.0 ms" in wide
    assert printed(three_streams(), None).splitlines()[2] == wide.splitlines()[2], "a pipe gets all columns"


def test_a_pipe_gets_no_spaces_at_the_ends_of_lines() -> None:
    assert not [
        line for line in printed(three_streams(), None, their_incidents()).splitlines() if line != line.rstrip()
    ]


# --- what somebody wants so ------------------------------------------------------------------------


def test_it_says_until_when_and_why_a_stream_is_off_or_under_maintenance() -> None:
    later = NOW + 3600
    at = datetime.fromtimestamp(later).astimezone()
    when = (
        f"{at:%Y-%m-%d %H:%M:%S}" if at.date() != datetime.fromtimestamp(NOW).astimezone().date() else f"{at:%H:%M:%S}"
    )
    off = fine("a")._replace(wanted=False, on_air=False, reason="stopped")
    window = Maintenance("M1", None, NOW, later, "new lens", "operator")
    lines = printed(
        snapshot(
            off._replace(desired=Wanted(False, "schedule", "schedule", NOW, later)),
            off._replace(name="b", desired=Wanted(False, "operator", "lunch", NOW, later)),
            fine("c")._replace(desired=Wanted(True, "schedule", "schedule", NOW, later)),
            fine("d")._replace(maintenance=True, maintenance_window=window),
            fine("e")._replace(ordered_source=SourceOrder("fallback1", "lens", NOW, later)),
            fine("f")._replace(ordered_source=SourceOrder("primary", "operator", NOW, None)),
        ),
        None,
    ).splitlines()
    said = [line.strip() for line in lines if "until" in line or "schedule" in line or "order" in line]
    assert sorted(said) == [
        f"in maintenance until {when}: new lens",
        f"off by schedule, on again at {when}",
        f"stopped by an operator's order until {when} (lunch)",
        f"viewers are to see fallback1 by an operator's order until {when} (lens)",
        "viewers are to see primary by an operator's order",
    ]


@pytest.mark.parametrize("width", [None, 60])
def test_where_viewers_see_it_and_what_mends_the_login(width: int | None) -> None:
    cam = fine("cam")
    good = " ".join(printed(snapshot(cam, platforms=(youtube("cam"),), logins=(login(),)), width).split())
    assert f"viewers see it at {WATCH}" in good
    assert "youtube says: gopSizeLong (warning); stream active" in good
    assert "mend it with" not in good
    ended = " ".join(printed(snapshot(cam, platforms=(ended_broadcast("cam"),)), width).split())
    assert "viewers see it" not in ended
    assert "; cam: trouble at the platform" in ended
    assert "trouble" not in good
    assert f"it has no address now: the broadcast at {WATCH} ended at {_clock(120)}" in ended
    stale = youtube("cam", address=None, former_address=WATCH, as_of=NOW - 1000)
    unknown = " ".join(printed(snapshot(cam, platforms=(stale,)), width).split())
    assert f"its address now is not known; at {_clock(1000)} it was {WATCH}" in unknown
    lost = " ".join(printed(snapshot(cam, platforms=(youtube("cam"),), logins=(lost_login(),)), width).split())
    assert "mend it with: neverdark youtube login --account main" in lost
    off = cam._replace(wanted=False, on_air=False)
    assert WATCH not in printed(snapshot(off, platforms=(youtube("cam"),)), width)
    assert "youtube says" not in printed(snapshot(cam), width)
