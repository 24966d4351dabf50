"""`neverdark report`: which month is meant, what it comes to, and what is said of what is not known."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from exporter.api.history import AskedTime, show_availability
from exporter.api.shapes import show_incident
from supervisor import cli
from supervisor.commands.incident_view import as_csv, told_lines
from supervisor.commands.month import Report, make_report, parse_month
from supervisor.commands.month_page import page_of
from supervisor.commands.month_view import text_of
from supervisor.commands.time_view import lines, percent, sentence
from supervisor.model.availability import Availability, StreamTime
from supervisor.model.incidents import Incident
from supervisor.model.notifications import Notification
from supervisor.model.remembered import Page, Question
from supervisor.model.terms import Segment
from tests.store_scenes import closed, incident
from tests.unit.exporter.conftest import Serve
from tests.unit.exporter.scenes import three_streams
from tests.unit.exporter.snapshots import FakeControl

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"
OCTOBER = parse_month("2026-10", BERLIN, NOW)
SINCE = OCTOBER.since.timestamp()
DAY = 86_400.0
WANTED = 745 * 3600.0  # the clock is set back in it


# --- which month -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("month", "zone", "since", "until"),
    [
        ("2026-10", BERLIN, "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"),
        ("2026-12", "UTC", None, None),
        ("2025-12", "Asia/Kathmandu", "2025-12-01T00:00:00+05:45", "2026-01-01T00:00:00+05:45"),
        ("2026-11", "UTC", "2026-11-01T00:00:00+00:00", "2026-11-27T12:00:00+00:00"),
        (None, BERLIN, "2026-11-01T00:00:00+01:00", "2026-11-27T13:00:00+01:00"),
    ],
)
def test_a_month_is_from_midnight_to_midnight_of_its_zone_or_until_now(
    month: str | None, zone: str, since: str | None, until: str | None
) -> None:
    if since is None:
        with pytest.raises(ValueError, match="--month 2026-12: expected a month that has begun; it is 2026-11"):
            parse_month(month, zone, NOW)
        return
    found = parse_month(month, zone, NOW)
    assert (found.since.isoformat(), found.until.isoformat()) == (since, until)
    assert found.whole == (month not in {None, "2026-11"})


def test_without_a_zone_it_is_that_of_the_machine() -> None:
    found = parse_month("2026-07", None, NOW)
    assert found.since == datetime(2026, 7, 1).astimezone()
    assert found.zone_name.startswith("local time")


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-00", "2026-1", "26-10", "october", "", "1970-01", "2026-10-01", "\uff19999-10"]
)
def test_what_is_no_month_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"--month .*: expected a month such as 2026-11"):
        parse_month(text, "UTC", NOW)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd"])
def test_what_is_no_zone_is_told(zone: str) -> None:
    with pytest.raises(ValueError, match=r"--timezone .*: expected the name of a time zone"):
        parse_month("2026-10", zone, NOW)


# --- what it comes to ------------------------------------------------------------------------------


def told(at: float, status: str = "firing", **changed: Any) -> Notification:
    plain = Notification(f"{status}{at}", at, at, "page", "StreamOffAir", "page", status, "harbour-cam", None, "stream")
    return plain._replace(**changed)


def dark(number: int, stream: str, day: float, seconds: float, **changed: Any) -> Incident:
    at = SINCE + day * DAY
    over = {"opened": at, "closed": at + seconds + 30, "seconds_dark": seconds, "recovery_seconds": seconds - 1.0}
    known = {"findings": (), "actions": (), "detection_seconds": 1.0, "stream": stream, "segment": Segment.UPLINK}
    return closed(number, **over | known | changed)


PAST = (
    dark(
        1,
        "harbour-cam",
        26.2,
        2400.0,
        notifications=(
            told(SINCE + 26.2 * DAY + 120, times=2, last=SINCE + 26.2 * DAY + 3720),
            told(SINCE + 26.2 * DAY + 2500, "resolved"),
        ),
    ),
    dark(2, "harbour-cam", 14.0, 600.0, segment=Segment.SOURCE, destination="backup"),
    dark(3, "harbour-cam", 3.0, 100.0, drill=True, excused="drill"),
    dark(4, "garden-cam", 20.0, 30.0, excused="maintenance"),
    dark(5, "garden-cam", 21.0, 0.0, recovery_seconds=None, segment=Segment.NETWORK),
)
TIMES = (
    StreamTime("garden-cam", WANTED - 3600 - 7200, {}, 3600.0, 1800.0, 5400.0, 0.999),
    StreamTime("harbour-cam", WANTED - 3000, {"uplink": 2400.0, "source": 600.0}, 0.0, 100.0, 0.0, 0.9995),
    StreamTime("spare <&>", 0.0, {}, 0.0, 0.0, WANTED, 0.999),
    StreamTime("test-card", WANTED, {}, 0.0, 0.0, 0.0, 0.999),
)
BESIDE = (
    told(SINCE + 5 * DAY, alert="SiteOffline", stream=None),
    told(SINCE + 5 * DAY, "resolved", alert="SiteOffline"),
)


def report(times: tuple[StreamTime, ...] = TIMES, incidents: tuple[Incident, ...] = PAST, **changed: Any) -> Report:
    """What the API says, as a report."""
    control = FakeControl(three_streams())
    known = {"remembered": SINCE - DAY, "away": 0.0, "complete": True} | changed
    control.times = Availability(SINCE, SINCE + WANTED, known["remembered"], known["away"], times, known["complete"])
    availability = show_availability(control, AskedTime(since=OCTOBER.since))
    shown = [show_incident(one) | {"ended_by": None} for one in incidents]
    beside = [{"receiver": one.receiver, "alert": one.alert, "status": one.status} | _where(one) for one in BESIDE]
    return make_report(
        OCTOBER, availability, shown, {"notifications": beside, "complete": True}, made=NOW, complete=True
    )


def _where(one: Notification) -> dict[str, Any]:
    return {"stream": one.stream, "incident": one.incident, "times": one.times}


def text(made: Report) -> str:
    console = Console(file=io.StringIO(), width=1000, color_system=None)
    console.print(text_of(made))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def row(made: Report, name: str) -> list[str]:
    line = next(line for line in text(made).splitlines() if line.startswith(f" {name} "))
    return re.split(r"\s{2,}", line.strip())


def test_each_stream_is_measured_against_its_objective() -> None:
    made = report()
    assert row(made, "garden-cam") == ["garden-cam", "99.865 %", "99.900 % not certain", "-", "1h", "1", "-", "-"]
    assert row(made, "harbour-cam") == ["harbour-cam", "99.888 %", "99.950 % missed", "50m", "-", "2", "40m", "25m"]
    assert row(made, "test-card") == ["test-card", "100 %", "99.900 % kept", "-", "-", "0", "-", "-"]
    assert row(made, "spare <&>") == ["spare <&>", "never wanted", "99.900 %", "-", "-", "0", "-", "-"]
    assert row(made, "all") == ["all", "99.917 %", "50m", "1h", "3", "40m", "25m"]


def test_what_is_unknown_alone_decides_nothing() -> None:
    shown = text(report((TIMES[0],)))
    assert "99.865 %   99.900 % not certain" in shown
    certain = report((TIMES[0]._replace(off_air={"uplink": 3600.0}),))
    assert row(certain, "garden-cam")[2] == "99.900 % missed", "whatever the unknown hour was"
    assert "unknown for 1h, which counts as off air; had it been on air, it would be 100 %" in shown


def test_what_does_not_count_is_shown_and_who_was_told() -> None:
    lines_ = text(report()).splitlines()
    garden = lines_[lines_.index("garden-cam") :][:6]
    assert "  not counted: off air in maintenance or a drill for 30m, not wanted for 1h30m" in garden
    assert "  incidents that do not count: 1 in maintenance" in garden
    assert "  told: nobody, as far as is known" in garden
    harbour = lines_[lines_.index("harbour-cam") :][:6]
    assert harbour[1:] == [
        "  off air by what broke: uplink 40m, source 10m",
        "  the objective allows 22m21s off air of 31d1h",
        "  not counted: off air in maintenance or a drill for 1m40s",
        "  incidents that do not count: 1 in drills",
        "  told: page ×3",
    ]
    assert lines_[-1] == "told page: SiteOffline ×1, about no incident"


def test_the_headline_says_what_time_it_is_about_and_what_is_not_known() -> None:
    head = text(report()).splitlines()
    assert head[0] == "October 2026 (Europe/Berlin: 2026-10-01 00:00 to 2026-11-01 00:00)"
    assert head[1] == ""
    head = text(report(remembered=SINCE + 13.5 * DAY, away=3780.0, complete=False)).splitlines()
    assert head[1:4] == [
        "The database is out of reach: more is known than stands here.",
        "Remembered from 2026-10-14 12:00: of the time before, nothing is counted.",
        "No neverdark ran for 1h3m of it; what its processes prove of that time is counted.",
    ]
    never = text(report((), (), remembered=SINCE + 60 * DAY))
    assert never.splitlines()[1] == "Nothing is remembered of this month; it is remembered from 2026-11-29 23:00."
    assert "Nothing is remembered of this month.\n" in text(report((), (), remembered=None))
    so_far = parse_month("2026-11", "UTC", NOW)
    assert "November 2026, so far (UTC: 2026-11-01 00:00 to 2026-11-27 12:00)" in text(report()._replace(month=so_far))


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (1.0, "100 %"),
        (0.9999999, "99.999 %"),
        (0.999, "99.900 %"),
        (0.0, "0.000 %"),
        (0.5, "50.000 %"),
        (0.29, "29.000 %"),
    ],
)
def test_only_all_of_it_is_a_hundred_percent(ratio: float, shown: str) -> None:
    assert percent(ratio) == shown


# --- the page --------------------------------------------------------------------------------------


def test_the_page_has_all_in_it_and_nothing_from_elsewhere() -> None:
    page = page_of(report())
    for expected in (
        "99.888 %",
        "uplink 40m",
        "told page: StreamOffAir, 2026-10-27 03:50:00",
        "SiteOffline",
        "spare &lt;&amp;&gt;",
    ):
        assert expected in page.replace("×", "x"), expected
    assert "<&>" not in page
    assert not re.search(r"<script|<link|<img|src=|href=|url\(|@import|https?:", page)
    assert page.count('class="tag bad">missed') == 2, "in the table and above its own part"
    assert "drill" not in page.partition("What broke")[2].partition("</table>")[0], "what does not count is not listed"


def test_a_page_of_nothing_says_so() -> None:
    page = page_of(report((), (), remembered=None))
    assert "Nothing is remembered of this month." in page
    assert "<table" not in page


# --- what is said of each incident -----------------------------------------------------------------


def test_who_was_told_and_when_is_told_with_its_end() -> None:
    zone = OCTOBER.zone
    shown = show_incident(PAST[0])
    assert told_lines(shown, zone) == [
        "told page: StreamOffAir, 2026-10-27 03:50:00, 2 times until 2026-10-27 04:50:00, resolved 2026-10-27 04:29:40"
    ]
    only_the_end = show_incident(incident(notifications=(told(SINCE, "resolved"),)))
    assert told_lines(only_the_end, zone) == ["told page: StreamOffAir resolved, 2026-10-01 00:00:00"]
    assert told_lines({}, zone) == [], "an older neverdark tells nothing of it"
    assert (
        as_csv([shown])
        .splitlines()[1]
        .endswith(
            ",2026-10-27T02:50:00.000Z page StreamOffAir firing; 2026-10-27T03:29:40.000Z page StreamOffAir resolved"
        )
    )


def test_time_on_air_stands_below_the_incidents() -> None:
    control = FakeControl(three_streams())
    control.times = Availability(SINCE, SINCE + WANTED, SINCE + 60, 5.0, TIMES)
    shown = list(lines(show_availability(control, AskedTime(since=OCTOBER.since))))
    garden = "unknown for 1h (not counted: off air in maintenance or a drill for 30m, not wanted for 1h30m)"
    assert f"  garden-cam: 99.865 % of 30d23h, {garden}" in shown
    harbour = "off air for 50m (uplink 40m, source 10m) (not counted: off air in maintenance or a drill for 1m40s)"
    assert f"  harbour-cam: 99.888 % of 31d1h, {harbour}" in shown
    assert "  spare <&>: not wanted for 31d1h" in shown
    assert any(line.startswith("  (remembered from ") for line in shown)
    assert "  (no neverdark ran for 5s)" in shown
    assert list(lines({"complete": False})) == [
        "how long streams were on air is not known: the database is out of reach"
    ]


# --- the command -----------------------------------------------------------------------------------


class _NoMore(FakeControl):
    """All incidents are on the first page."""

    def history(self, question: Question) -> Page:
        return super().history(question)._replace(next=None)


def test_the_command_asks_for_the_month_and_prints_or_writes_it(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    control = _NoMore(three_streams())
    served = serve(control)
    command = ["report", "--url", served.url, "--month", "2025-12", "--timezone", "UTC"]
    assert cli.main(command) == 0
    assert "December 2025 (UTC: 2025-12-01 00:00 to 2026-01-01 00:00)" in capsys.readouterr().out
    begin = datetime(2025, 12, 1, tzinfo=UTC).timestamp()
    end = (datetime(2025, 12, 1, tzinfo=UTC) + timedelta(days=31)).timestamp()
    assert set(control.asked_times) == {(begin, end, None)}
    assert {(question.since, question.until) for question in control.questions} == {(begin, end)}
    page = tmp_path / "report.html"
    assert cli.main([*command, "--html", str(page)]) == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert cli.main([*command, "--html", str(tmp_path / "nowhere" / "x.html")]) == 1
    assert cli.main(["report", "--url", served.url, "--month", "2999-01"]) == 2
    assert "--month 2999-01: expected a month that has begun" in capsys.readouterr().err
    assert cli.main(["report", "--url", "http://127.0.0.1:1"]) == 1


def test_for_how_long_viewers_saw_a_fallback_is_told() -> None:
    slated = report((StreamTime("harbour-cam", WANTED, {}, 0.0, 0.0, 0.0, 0.999, on_fallback=7200.0), TIMES[3]), ())
    output = io.StringIO()
    Console(file=output, width=200).print(text_of(slated))
    said = [line for line in output.getvalue().splitlines() if "fallback" in line]
    assert [line.strip() for line in said] == [
        "on air for 31d1h, of it 2h on a fallback and 30d23h with its own source"
    ], "and nothing of the one that was never on one"
    page = page_of(slated)
    assert "on air with a fallback, all streams" in page
    assert "of it 2h on a fallback" in page
    assert "on air with a fallback" not in page_of(report())
    availability = {**slated.streams[0].time, "stream": "harbour-cam"}
    assert "of it 2h on a fallback" in sentence(availability)
    assert "fallback" not in sentence({key: value for key, value in availability.items() if "fallback" not in key})
