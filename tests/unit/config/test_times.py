"""Hours on air and maintenance as they are written: what they come to, and one clear line for each mistake."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.config.values import doubtful_values
from supervisor.desired.maintenance import Planned
from supervisor.desired.plan import _schedule, maintenance
from supervisor.desired.schedule import Schedule

HOURS = 'on: "0 6 * * *", off: "0 22 * * *"'
NONE = "expected on, off and timezone, or the word none"
CRON = "expected minute, hour, day of month, month and day of week as in a crontab, such as 0 6 * * 1-5"
BOTH = "expected when it is switched on and when off, not one alone"
NEVER = "expected some time at which it is not switched on as well, or the stream would never run"


def problems(folder: Path, content: str) -> list[str]:
    (folder / "c.yml").write_text(content)
    try:
        load(folder / "c.yml")
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("", f"schedule: nothing: {NONE}"),
        ("always", f"schedule: 'always': {NONE}"),
        ('{on: "0 6 * * *"}', f"schedule.off: {BOTH}"),
        ('{off: "0 6 * * *"}', f"schedule.on: {BOTH}"),
        ('{on: "0 6 * * *", off: []}', "schedule.off: a list: expected something, but it is empty"),
        ('{on: "0 6 * * 8", off: "0 7 * * *"}', f"schedule.on: '0 6 * * 8': {CRON}; '8' is no day of week"),
        ('{on: "0 6 * * *", off: ["0 7 * * *", x]}', f"schedule.off[1]: 'x': {CRON}: 5 fields, not 1"),
        (
            '{on: "0 6 30 2 *", off: "0 7 * * *"}',
            "schedule.on: '0 6 30 2 *': expected a time that comes: no month has such a day",
        ),
        ('{on: "0 6 * * *", off: "0 6 * * *"}', f"schedule.off: '0 6 * * *': {NEVER}"),
        ('{on: "0 6 * * 1-5", off: "0 6 * * *"}', f"schedule.off: '0 6 * * *': {NEVER}"),
        (
            f"{{{HOURS}, timezone: Europe/Berlim}}",
            "schedule.timezone: 'Europe/Berlim': expected the name of a time zone, such as Europe/Berlin or UTC",
        ),
        (f"{{{HOURS}, zone: UTC}}", "schedule.zone: unknown key; did you mean timezone?"),
    ],
)
def test_one_mistake_of_a_schedule_is_one_line(tmp_path: Path, schedule: str, said: str) -> None:
    assert problems(tmp_path, f"streams: {{a: {{command: [x], schedule: {schedule}}}}}") == [f"streams.a.{said}"]


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ("5", ": 5: expected keys and values"),
        ("{duration: 1h}", ".from: expected one of cron, for a window that comes again, and from"),
        ('{cron: "0 3 * * 1"}', ".duration: expected one of duration and until"),
        (
            '{cron: "0 3 * * 1", until: 2026-12-01T08:00}',
            ".until: expected a duration instead, because with cron the window comes again",
        ),
        ("{from: 2026-12-01 08:00, until: 2026-12-01T08:00}", ".until: '2026-12-01T08:00': expected a time after from"),
        ("{from: 8:00, duration: 1h}", ".from: '8:00': expected a date and a time, such as 2026-12-24T22:00"),
        ("{from: 2026-02-30T08:00, duration: 1h}", ".from: '2026-02-30T08:00': expected a date and a time, such as"),
        ("{from: 2026-12-01T08:00, duration: 0}", ".duration: 0: expected more than 0"),
        (
            "{from: 2026-12-01T08:00, duration: 1h, streams: []}",
            ".streams: a list: expected something, but it is empty",
        ),
        ("{from: 2026-12-01T08:00, duration: 1h, streams: A B}", ".streams: 'A B': expected a name of 1 to 63"),
        ("{from: 2026-12-01T08:00, duration: 1h, fro: 1}", ".fro: unknown key; did you mean from?"),
        ('{from: 2026-12-01T08:00, duration: 1h, reason: "a\\tb"}', "expected a line of at most 200 characters"),
    ],
)
def test_one_mistake_of_a_maintenance_window_is_one_line(tmp_path: Path, window: str, said: str) -> None:
    (found,) = problems(tmp_path, f"maintenance: [{window}]\nstreams: {{a: {{command: [x]}}}}")
    assert found.startswith("maintenance[0]")
    assert said in found


def test_what_is_not_a_list_is_told_so(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "maintenance: {duration: 1h}\nstreams: {}")
    assert found.startswith("maintenance: keys and values: expected a list")


TEXT = f"""\
defaults: {{schedule: {{{HOURS}, timezone: Europe/Berlin}}}}
maintenance:
  - {{streams: a, cron: "0 3 * * 1", duration: 2h, timezone: Europe/Berlin, reason: new key}}
  - {{from: 2026-12-24T08:00, until: 2026-12-24 12:00, timezone: Europe/Berlin}}
  - {{streams: [a, gone], from: "2026-12-24T08:00+05:00", duration: 30m}}
streams:
  a: {{command: [x]}}
  b: {{command: [x], schedule: {{on: ["0 8 * * *", "0 9 * * 6"]}}}}
  c: {{command: [x], schedule: none}}
  d: {{command: [x], schedule: {{timezone: UTC}}}}
"""


def test_what_a_stream_says_itself_wins_key_by_key(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text(TEXT)
    config = load(tmp_path / "c.yml").config
    usual = Schedule(("0 6 * * *",), ("0 22 * * *",), "Europe/Berlin")
    assert {name: _schedule(config, name) for name in config.streams} == {
        "a": usual,
        "b": usual._replace(on=("0 8 * * *", "0 9 * * 6")),
        "c": None,
        "d": usual._replace(timezone="UTC"),
    }


def test_maintenance_windows_are_planned_in_seconds(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text(TEXT)
    config = load(tmp_path / "c.yml").config
    weekly, once, elsewhere = maintenance(config)
    assert weekly == Planned(("a",), "new key", 0.0, 7200.0, "0 3 * * 1", 7200.0, "Europe/Berlin")
    begin = datetime(2026, 12, 24, 7, tzinfo=UTC).timestamp()
    assert (once.streams, once.cron, once.since, once.until) == (None, None, begin, begin + 4 * 3600)
    assert elsewhere.until - elsewhere.since == 1800.0
    assert elsewhere.since == datetime(2026, 12, 24, 3, tzinfo=UTC).timestamp()
    assert [str(warning) for warning in doubtful_values(config)] == [
        "maintenance[2].streams: 'gone': there is no such stream"
    ]


def test_a_schedule_without_a_zone_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text(f"streams: {{a: {{command: [x], schedule: {{{HOURS}}}}}}}")
    (warning,) = doubtful_values(load(tmp_path / "c.yml").config)
    assert str(warning) == "streams.a.schedule: no timezone is given, so its hours are those of UTC"


def test_what_the_defaults_leave_to_each_stream_is_no_mistake(tmp_path: Path) -> None:
    text = 'defaults: {schedule: {on: "0 6 * * *"}}\nstreams: {a: {command: [x], schedule: {off: "0 7 * * *"}}}'
    assert problems(tmp_path, text) == []
    assert problems(tmp_path, text.replace("{off:", "{timezone: UTC} #")) != []
