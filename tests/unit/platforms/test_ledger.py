"""The ledger outlives neverdark, and no state of its file stops anything."""

from __future__ import annotations

import json
import multiprocessing
import stat
import threading
from pathlib import Path

import pytest

from supervisor.config.youtube import QuotaSection
from supervisor.platforms.youtube.errors import Kind, YoutubeError
from supervisor.platforms.youtube.ledger import Ledger
from supervisor.platforms.youtube.quota import Day, Use, end_of_day
from tests.unit.platforms.test_quota import NOON

QUOTA = QuotaSection()


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.json"


def test_it_goes_on_where_another_one_was_killed(file: Path, clock: Clock) -> None:
    Ledger(QUOTA, file, clock).spend(Use.POLL, 50)
    again = Ledger(QUOTA, file, clock)
    assert again.day == Day("2026-11-27", 50)
    again.spend(Use.POLL, 1)
    again.close()
    assert Ledger(QUOTA, file, clock).day == Day("2026-11-27", 51, end_of_day(NOON))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_new_day_begins_at_midnight(file: Path, clock: Clock) -> None:
    ledger = Ledger(QUOTA, file, clock)
    ledger.spend(Use.POLL, 5000)
    ledger.close()
    clock.now = end_of_day(NOON)
    assert ledger.day.used == 0
    ledger.spend(Use.POLL, 1)
    assert Ledger(QUOTA, file, clock).day.used == 1


def test_a_clock_that_is_set_back_starts_anew(file: Path, clock: Clock) -> None:
    ledger = Ledger(QUOTA, file, clock)
    ledger.close()
    clock.now -= 30 * 86_400
    again = Ledger(QUOTA, file, clock)
    again.spend(Use.POLL, 1)
    assert again.day.used == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"version": 2, "day": "2026-11-27", "used": 1, "closed_until": 0}',
        b'{"version": 1, "day": "2026-11-27", "used": "many", "closed_until": 0}',
        b'{"version": 1, "day": "2026-11-27", "used": -5, "closed_until": 0}',
        b'{"version": 1, "day": "2026-11-27", "used": 5, "closed_until": 1e300}',
        b'{"version": 1, "day": "2026-11-27", "used": 5, "closed_until": NaN}',
    ],
)
def test_a_broken_file_is_begun_anew(file: Path, clock: Clock, content: bytes) -> None:
    file.write_bytes(content)
    ledger = Ledger(QUOTA, file, clock)
    ledger.spend(Use.POLL, 3)
    assert ledger.day.used == 3
    assert json.loads(file.read_bytes())["used"] == 3


def test_a_lost_file_does_not_forget_what_this_process_has_counted(file: Path, clock: Clock) -> None:
    ledger = Ledger(QUOTA, file, clock)
    ledger.spend(Use.POLL, 7)
    file.unlink()
    ledger.spend(Use.POLL, 1)
    assert Ledger(QUOTA, file, clock).day.used == 8


def test_without_a_place_to_write_it_counts_all_the_same(tmp_path: Path, clock: Clock) -> None:
    ledger = Ledger(QUOTA, tmp_path / "nowhere" / "ledger.json", clock)
    ledger.spend(Use.POLL, 7)
    assert ledger.day.used == 7


def test_a_link_that_somebody_put_there_is_not_followed(file: Path, clock: Clock, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("untouched")
    file.symlink_to(precious)
    ledger = Ledger(QUOTA, file, clock)
    ledger.spend(Use.POLL, 1)
    assert precious.read_text() == "untouched"


def test_what_is_kept_for_rotations(clock: Clock) -> None:
    ledger = Ledger(QUOTA, None, clock)
    assert ledger.stretched(60, 2) == 60
    ledger.keep(8_700)
    assert ledger.stretched(60, 2) == 43_200 / 150
    ledger.keep(20_000)
    assert ledger.stretched(60, 2) == 600
    ledger.spend(Use.POLL, 2)
    assert ledger.may(Use.ROTATION, 200)
    ledger.spend(Use.REPAIR, 8_998)
    with pytest.raises(YoutubeError) as raised:
        ledger.spend(Use.POLL, 1)
    assert (raised.value.kind, raised.value.reason) == (Kind.QUOTA, "kept")
    assert ledger.day.used == 9_000


def _spend(file: Path, times: int) -> None:
    _spend_in(Ledger(QUOTA, file, lambda: NOON), times)


def _spend_in(ledger: Ledger, times: int) -> None:
    for _ in range(times):
        ledger.spend(Use.POLL, 1)


def test_two_processes_and_threads_lose_no_count(file: Path) -> None:
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=_spend, args=(file, 100)) for _ in range(2)]
    ledger = Ledger(QUOTA, file, lambda: NOON)
    threads = [threading.Thread(target=_spend_in, args=(ledger, 100)) for _ in range(2)]
    for process in others:
        process.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for process in others:
        process.join(60)
    assert [one.exitcode for one in others] == [0, 0]
    assert Ledger(QUOTA, file, lambda: NOON).day.used == 400
    assert sorted(one.name for one in file.parent.iterdir()) == ["ledger.json", "ledger.json.lock"]
