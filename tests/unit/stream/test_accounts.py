"""The time in which no neverdark was there: on air as far as the processes' own counts prove it, else unknown."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from supervisor.desired.maintenance import Windows
from supervisor.desired.schedule import Schedule
from supervisor.desired.wanted import Orders
from supervisor.judge.on_air import OnAir
from supervisor.judge.uplink import TcpSample, TcpState, UplinkMeter
from supervisor.model.remembered import Account, Forgetful, KnownRun
from supervisor.model.terms import Segment
from supervisor.stream.accounts import Accounts

WALL, NOW = 1_790_000_000.0, 5000.0
AGO = 40.0  # seconds since something was noted
BEFORE = Account(
    at=WALL - AGO,
    now=NOW - AGO,
    wanted=True,
    on_air=True,
    on_air_seconds=900.0,
    off_air_seconds={"source": 50.0, "neverdark": 1.0},
    runs={"run": KnownRun(100.0)},
)


class Notes(Forgetful):
    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self.accounts = accounts
        self.noted: dict[str, Account] = {}

    def recall_accounts(self) -> Mapping[str, Account]:
        return self.accounts

    def note_accounts(self, accounts: Mapping[str, Account]) -> None:
        self.noted |= accounts


def place(media: float | None, *, run_id: str = "run", adopted: bool = True, began: float = 0.0, **spec: Any) -> Any:
    """The place of a process; `media` seconds of its run as the first report told them, None before that."""
    connections: dict[str, UplinkMeter] = {}
    return SimpleNamespace(
        run=SimpleNamespace(run_id=run_id, adopted=adopted, over=False, began=began),
        meter=SimpleNamespace(run_media=media or 0.0, last_advance=None if media is None else NOW),
        spec=SimpleNamespace(tracked=True, **spec),
        uplink=None,
        observed=connections,
        uplinks=connections,
        is_known=media is not None,
        usual_silence=lambda _: 0.0,
    )


class Scene:
    def __init__(self, account: Account | None, *slots: Any, wanted: bool = True, all_needed: bool = True) -> None:
        self.stream = SimpleNamespace(
            spec=SimpleNamespace(name="cam"),
            slots=dict(enumerate(slots)),
            senders=slots,
            wanted=wanted,
            on_air=True,
            on_fallback=False,
            air=OnAir(NOW),
            proven=lambda of: (min if all_needed else max)(map(of, slots), default=0.0),
        )
        self.orders, self.windows = Orders(), Windows()
        self.orders.enable("cam", enabled=wanted, why="start", at=WALL)
        self.notes = Notes({"cam": account} if account else {})
        self.streams = {"cam": self.stream}
        self.clock = SimpleNamespace(now=lambda: NOW, wall=lambda: WALL)
        self.accounts = Accounts(
            cast("Any", self.streams), self.orders, self.windows, self.notes, cast("Any", self.clock)
        )

    def booked(self) -> tuple[float, float, dict[str, float]]:
        """Wanted, on air, and off air by segment."""
        self.accounts.take_over()
        self.accounts.settle(at_once=True)
        air = self.stream.air.time
        assert air.wanted == pytest.approx(air.on_air + sum(air.off_air.values()))
        return air.wanted, air.on_air, {str(name): seconds for name, seconds in air.off_air.items() if seconds}


@pytest.mark.parametrize("media", [140.0, 139.0, 143.0, 500.0])
def test_media_that_went_on_all_the_time_is_on_air_and_the_sums_go_on(media: float) -> None:
    known = {"source": 50.0, "neverdark": 1.0}
    assert Scene(BEFORE, place(media)).booked() == (951.0 + AGO, 900.0 + AGO, known)


@pytest.mark.parametrize("fraction", [0.0, 0.1234567, 0.777, 0.9999999])
def test_what_was_off_air_before_stays_what_it_was_to_the_last_digit(fraction: float) -> None:
    """A sum that falls by a billionth is one that begins anew."""
    scene = Scene(BEFORE._replace(now=NOW - AGO - fraction / 7), place(139.9))
    scene.clock.wall = lambda: WALL + fraction
    assert scene.booked()[2] == BEFORE.off_air_seconds


def test_what_the_counts_do_not_prove_is_unknown_and_the_sums_begin_anew() -> None:
    """Nobody knows what was booked after the note: a sum that falls a little would be taken for one from zero."""
    assert Scene(BEFORE, place(125.0)).booked() == (AGO, 25.0, {"neverdark": 15.0})


def test_after_a_leave_the_sums_go_on_whatever_has_become_of_the_processes() -> None:
    left = BEFORE._replace(left=True)
    assert Scene(left, place(125.0)).booked() == (951.0 + AGO, 925.0, {"source": 50.0, "neverdark": 16.0})
    gone = Scene(left, place(None, adopted=False)).booked()
    assert gone == (951.0 + AGO, 900.0, {"source": 50.0, "neverdark": 1.0 + AGO})


def test_what_went_on_was_on_the_fallback_that_still_feeds() -> None:
    scene = Scene(BEFORE, place(125.0))
    scene.stream.on_fallback = True
    scene.booked()
    time = scene.stream.air.time
    assert (time.on_fallback, time.booked()["on_fallback"]) == (25.0, 25.0), "what is unknown is not"


def test_what_was_off_air_when_it_was_noted_begins_anew() -> None:
    assert Scene(BEFORE._replace(on_air=False), place(140.0)).booked() == (AGO, AGO, {})


def test_a_stream_that_was_wanted_and_whose_processes_are_gone_is_unknown_from_the_last_sign_of_life() -> None:
    """As after a power cut, or when everything was killed at once."""
    assert Scene(BEFORE, place(None, adopted=False)).booked() == (AGO, 0.0, {"neverdark": AGO})
    assert Scene(BEFORE).booked() == (AGO, 0.0, {"neverdark": AGO})


@pytest.mark.parametrize(
    ("account", "wanted"),
    [(BEFORE._replace(wanted=False, on_air=False), True), (BEFORE, False), (None, True)],
)
def test_what_nobody_wanted_is_not_booked(account: Account | None, wanted: bool) -> None:  # noqa: FBT001
    """A planned stop of neverdark notes that nothing is wanted any more."""
    assert Scene(account, wanted=wanted).booked() == (0.0, 0.0, {})


def test_a_run_that_began_after_the_note_proves_its_own_life_and_no_more() -> None:
    fresh = place(9.8, run_id="another", began=NOW - 10)
    assert Scene(BEFORE, fresh).booked() == (AGO, 10.0, {"neverdark": AGO - 10})


def test_one_that_was_frozen_proves_what_it_had_made() -> None:
    frozen = place(None)
    assert Scene(BEFORE, frozen).booked() == (AGO, 0.0, {"neverdark": AGO})


def test_a_program_that_reports_nothing_proves_that_it_lives() -> None:
    program = place(None)
    program.spec.tracked = False
    assert Scene(BEFORE, program).booked()[1] == 900.0 + AGO


@pytest.mark.parametrize(("all_needed", "on_air"), [(True, 25.0), (False, 940.0)])
def test_of_several_destinations_all_that_are_required_must_have_had_media(all_needed: bool, on_air: float) -> None:  # noqa: FBT001
    assert Scene(BEFORE, place(140.0), place(125.0), all_needed=all_needed).booked()[1] == on_air


def test_maintenance_forgives_what_is_unknown_and_takes_nothing_from_what_is_proven() -> None:
    scene = Scene(BEFORE, place(125.0))
    scene.windows.give(None, WALL - 30, WALL - 10, None, lasting=False)
    assert scene.booked() == (40.0, 25.0, {"neverdark": 15.0}), "15 s of the 20 outside of it may have been dark"
    scene = Scene(BEFORE)
    scene.windows.give(None, WALL - 30, WALL - 10, None, lasting=False)
    assert scene.booked() == (20.0, 0.0, {"neverdark": 20.0})


def test_hours_off_air_are_not_asked_for() -> None:
    scene = Scene(BEFORE._replace(at=WALL - 7 * 86400))
    scene.orders.schedule("cam", Schedule(("0 6 * * *",), ("0 12 * * *",), "UTC"), WALL)
    wanted, on_air, off_air = scene.booked()
    assert (wanted, on_air, off_air) == (7 * 6 * 3600.0, 0.0, {"neverdark": 7 * 6 * 3600.0})


@pytest.mark.parametrize(("ago", "seconds"), [(-100.0, 0.0), (1e9, 30 * 86400.0)])
def test_a_clock_that_was_wrong_makes_no_absence_of_years(ago: float, seconds: float) -> None:
    assert Scene(BEFORE._replace(at=WALL - ago)).booked()[0] == seconds


def test_until_the_first_word_of_what_was_taken_over_nothing_is_booked() -> None:
    late = place(None)
    scene = Scene(BEFORE, late)
    scene.accounts.take_over()
    scene.accounts.settle(at_once=False)
    scene.accounts.look()
    assert "cam" in scene.accounts.open
    assert scene.notes.noted == {}, "what was noted before still counts"
    late.is_known, late.meter.run_media, late.meter.last_advance = True, 140.0, NOW
    scene.accounts.settle(at_once=False)
    assert "cam" not in scene.accounts.open
    assert scene.stream.air.time.on_air == 900.0 + AGO
    scene.stream.air.time.account(NOW + 1, wanted=True, on_air=True, segment=Segment.UNKNOWN, excused=False)
    assert scene.stream.air.time.on_air == 901.0 + AGO, "and no second is booked twice"


# --- what is noted ---------------------------------------------------------------------------------


def test_each_turn_is_noted_at_once_and_nothing_else() -> None:
    slot = place(7.0, adopted=False)
    scene = Scene(None, slot)
    scene.accounts.look()
    assert scene.notes.noted["cam"].runs == {"run": KnownRun(7.0)}
    for change in ({}, {"on_air": False}, {"on_air": True}, {"wanted": False}, {}):
        scene.notes.noted.clear()
        vars(scene.stream).update(change)
        scene.accounts.look()
        assert bool(scene.notes.noted) == bool(change), change


def test_a_stream_that_is_not_configured_any_more_is_not_wanted_any_more() -> None:
    scene = Scene(None, place(7.0))
    scene.accounts.look()
    del scene.streams["cam"]
    scene.accounts.look()
    assert not scene.notes.noted["cam"].wanted


def test_at_the_end_all_is_noted() -> None:
    scene = Scene(None, place(7.0))
    scene.accounts.end(left=True)
    assert scene.notes.noted["cam"].left


# --- connections -----------------------------------------------------------------------------------


def sample(inode: int, acked: int, retransmits: int) -> TcpSample:
    return TcpSample(inode, acked, 0, 0, 0.01, retransmits, TcpState.ESTABLISHED)


def test_connections_of_a_run_go_on_also_those_that_are_over() -> None:
    """A run that connects again and again; the kernel knows its latest connection alone."""
    slot, meter = place(7.0), UplinkMeter()
    slot.uplinks = {"yt": meter}
    scene = Scene(None, slot)
    meter.update(sample(1, 1000, 3), 1.0, WALL - 300, 10.0)
    meter.update(sample(2, 500, 0), 2.0, WALL - 200, 10.0)
    scene.accounts.look()
    before = meter.totals
    slot.uplinks = {"yt": (after := UplinkMeter())}
    Scene(scene.notes.noted["cam"], slot).booked()
    after.update(sample(2, 600, 1), 3.0, WALL, 10.0)
    totals = after.totals
    assert (totals.connections, totals.acked_bytes, totals.retransmits) == (2, before.acked_bytes + 100, 4)
    assert totals.connected_since == WALL - 200, "the same connection, as long as it lasts"
    after.update(sample(3, 10, 0), 4.0, WALL + 1, 10.0)
    assert (after.totals.connections, after.totals.acked_bytes) == (3, before.acked_bytes + 110)
    assert after.totals.connected_since == WALL + 1


def test_a_new_connection_is_noted_at_once() -> None:
    slot, meter = place(7.0), UplinkMeter()
    slot.uplinks, slot.uplink = {"": meter}, meter
    scene = Scene(None, slot)
    scene.accounts.look()
    meter.update(sample(1, 1000, 3), 1.0, WALL, 10.0)
    scene.notes.noted.clear()
    scene.accounts.look()
    assert scene.notes.noted["cam"].runs["run"].uplinks[""].connections == 1
