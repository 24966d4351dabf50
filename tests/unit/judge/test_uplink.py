from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.judge.uplink import TcpSample, TcpState, UplinkMeter
from supervisor.model.snapshot import UplinkTotals

TIMEOUT = 5.0
WALL = 1_700_000_000.0


def connection(
    acked: int | None = 1000,
    unsent: int | None = 0,
    *,
    unacked: int | None = 0,
    inode: int = 1,
    retransmits: int | None = 0,
) -> TcpSample:
    return TcpSample(inode, acked, unsent, unacked, 0.02, retransmits, TcpState.ESTABLISHED)


class Look(NamedTuple):
    """A sample and the moment at which it was taken."""

    at: float
    sample: TcpSample | None


def verdicts(
    looks: Iterable[Look],
    *,
    timeout: float = TIMEOUT,
    interval: float = 1.0,
    meter: UplinkMeter | None = None,
) -> list[float]:
    """The moments at which the connection was called blocked."""
    meter = meter or UplinkMeter()
    return [at for at, sample in looks if meter.update(sample, at, WALL + at, timeout, interval)]


def every_second(sample: TcpSample, first: int, last: int) -> list[Look]:
    return [Look(float(at), sample) for at in range(first, last + 1)]


WAITS = connection(unsent=500)

SILENT = {
    "waits unsent": ([*every_second(WAITS, 0, 7)], [5.0]),
    "under way, not acknowledged": ([*every_second(connection(unacked=3), 0, 7)], [5.0]),
    "again after another timeout, should the verdict not have been acted on": (
        [*every_second(WAITS, 0, 16)],
        [5.0, 10.0, 15.0],
    ),
    "nothing to send": ([*every_second(connection(), 0, 60)], []),
    "the clock starts when data begins to wait": (
        [*every_second(connection(), 0, 9), *every_second(WAITS, 10, 16)],
        [15.0],
    ),
    "one acknowledgement starts the clock again": (
        [*every_second(WAITS, 0, 4), *every_second(connection(1001, 500), 5, 11)],
        [10.0],
    ),
    "so does a new connection": (
        [*every_second(WAITS, 0, 4), *every_second(connection(unsent=500, inode=2), 5, 11)],
        [10.0],
    ),
    "and a new one with an old inode": (
        [*every_second(WAITS, 0, 4), *every_second(connection(1, 500), 5, 11)],
        [10.0],
    ),
    "no connection in between": ([*every_second(WAITS, 0, 4), Look(5, None), *every_second(WAITS, 6, 9)], []),
    "never a connection": ([Look(float(at), None) for at in range(60)], []),
    "a kernel that does not count what was acknowledged": ([*every_second(connection(None, 500), 0, 60)], []),
    "a kernel that does not tell what is unsent": (
        [*every_second(connection(unsent=None, unacked=1), 0, 6)],
        [5.0],
    ),
    "neverdark stopped for an hour": ([Look(0, WAITS), *every_second(WAITS, 3600, 3602)], []),
    "neverdark stopped for an hour, and the ingest is blocked": (
        [Look(0, WAITS), *every_second(WAITS, 3600, 3606)],
        [3604.0],
    ),
    "the machine sleeps after three silent seconds": (
        [*every_second(WAITS, 0, 3), Look(3600, WAITS), Look(3601, connection(2000, 500))],
        [],
    ),
    "samples that come late under load": ([Look(at * 1.5, WAITS) for at in range(5)], [6.0]),
    "samples that are a little early": ([Look(at * 0.999, WAITS) for at in range(7)], [5 * 0.999]),
    "every sample is far too late": ([Look(at * 10.0, WAITS) for at in range(6)], [40.0]),
    "a clock that steps back": ([*every_second(WAITS, 100, 102), *every_second(WAITS, 10, 13)], [13.0]),
}


def filling(acked: int, window: int, *, unsent: int = 0) -> TcpSample:
    """One look at a connection whose window is told."""
    return connection(acked, unsent)._replace(window_bytes=window)


# Measured once a second at 800 kbit/s on an ingest that was stopped at 0.
STOPPED_READING = [
    Look(0.0, filling(1_498_546, 120_832)),
    Look(1.0, filling(1_593_349, 35_840, unsent=8_115)),
    Look(2.0, filling(1_632_647, 0, unsent=74_551)),
    *(Look(float(at), filling(1_632_647, 0, unsent=50_000 * at)) for at in range(3, 9)),
]


def test_the_time_in_which_the_ingests_kernel_still_took_bytes_counts_too() -> None:
    assert verdicts(STOPPED_READING) == [5.0]


def test_without_the_window_that_time_is_unknown() -> None:
    blind = [Look(at, sample._replace(window_bytes=None)) for at, sample in STOPPED_READING if sample]
    assert verdicts(blind) == [7.0]


def test_a_full_buffer_that_is_emptied_in_time_is_no_block() -> None:
    """An ingest that reads in bursts: its window closes and opens, nothing waits for long."""
    looks = [Look(float(at), filling(100_000 * at, 120_000 - 20_000 * (at % 6))) for at in range(120)]
    assert verdicts(looks) == []


def test_a_standing_edge_alone_is_no_proof() -> None:
    """As long as anything is acknowledged, data moves."""
    looks = [Look(float(at), filling(100_000 * at, 10_000_000 - 100_000 * at)) for at in range(90)]
    assert verdicts(looks) == []


@pytest.mark.parametrize(("looks", "expected"), SILENT.values(), ids=SILENT.keys())
def test_blocked_means_that_data_waits_and_nothing_is_acknowledged(looks: list[Look], expected: list[float]) -> None:
    assert verdicts(looks) == expected


def test_one_pair_of_samples_never_decides_however_short_the_timeout() -> None:
    looks = [Look(0, WAITS), Look(60, WAITS), Look(61, connection(2000, 500))]
    assert verdicts(looks, timeout=0.5) == []


def test_a_longer_interval_counts_in_full() -> None:
    assert verdicts([Look(at * 5.0, WAITS) for at in range(5)], timeout=15, interval=5) == [15.0]


gaps = st.floats(0.01, 10_000)
counts = st.integers(0, 2**40)
samples = st.builds(
    TcpSample,
    inode=st.integers(1, 3),
    acked_bytes=st.none() | counts,
    unsent_bytes=st.none() | counts,
    unacked_segments=st.none() | st.integers(0, 2**32 - 1),
    rtt_seconds=st.none() | st.floats(0, 10),
    retransmits=st.none() | st.integers(0, 2**32 - 1),
    state=st.sampled_from([TcpState.ESTABLISHED, TcpState.CLOSE_WAIT]),
)


@given(st.lists(st.tuples(gaps, st.integers(1, 10**9)), max_size=50), st.floats(0.1, 60), st.floats(0.1, 60))
def test_never_blocked_while_something_is_acknowledged(
    steps: list[tuple[float, int]], timeout: float, interval: float
) -> None:
    at, acked, looks = 0.0, 0, []
    for gap, more in steps:
        at, acked = at + gap, acked + more
        looks.append(Look(at, connection(acked, 10**6, unacked=10)))
    assert verdicts(looks, timeout=timeout, interval=interval) == []


@given(st.floats(0.01, 10**7), st.floats(0.2, 60), st.integers(2, 20))
def test_a_healthy_pusher_survives_one_gap_of_any_length(gap: float, interval: float, intervals: int) -> None:
    # The worst case: not a byte was acknowledged in the gap, because the whole machine slept.
    before = [Look(at * interval, connection(1000 + at, 500)) for at in range(5)]
    first = before[-1].at + gap
    after = [Look(first + at * interval, connection(1004 + at, 500)) for at in range(5)]
    assert verdicts([*before, *after], timeout=interval * intervals, interval=interval) == []


@given(
    interval=st.floats(0.2, 10),
    intervals=st.integers(2, 30),
    frozen_after=st.floats(1.1, 20),
    jitter=st.lists(st.floats(-0.01, 0.01), min_size=70, max_size=70),
)
def test_a_frozen_ingest_is_found_within_the_timeout_and_one_interval(
    interval: float, intervals: int, frozen_after: float, jitter: list[float]
) -> None:
    timeout, frozen = interval * intervals, interval * frozen_after
    moments = [(1 + number + late) * interval for number, late in enumerate(jitter)]
    looks = [Look(at, connection(round(1000 * min(at, frozen)), 500)) for at in moments]
    found = verdicts(looks, timeout=timeout, interval=interval)
    assert found
    assert timeout - 0.15 * interval <= found[0] - frozen <= timeout + 1.05 * interval


@given(st.lists(st.tuples(gaps, st.none() | samples), max_size=50))
def test_totals_never_fall(steps: list[tuple[float, TcpSample | None]]) -> None:
    meter, at = UplinkMeter(), 0.0
    for gap, sample in steps:
        at += gap
        before = meter.totals
        meter.update(sample, at, WALL + at, TIMEOUT)
        after = meter.totals
        assert after.connections >= before.connections
        assert after.acked_bytes >= before.acked_bytes
        assert after.retransmits >= before.retransmits
        assert after.connected is (sample is not None)
        assert (after.connected_since is not None) is after.connected


def test_totals_begin_with_nothing() -> None:
    assert UplinkMeter().totals == UplinkTotals()


def test_totals_are_sums_over_connections() -> None:
    meter = UplinkMeter()
    verdicts(
        [
            Look(0, connection(100, 7, retransmits=1)),
            Look(1, connection(250, 0, retransmits=3)),
            Look(2, None),
            Look(3, connection(40, 9, inode=2, retransmits=2)),
        ],
        meter=meter,
    )
    assert meter.totals == UplinkTotals(
        connections=2,
        acked_bytes=290,
        retransmits=5,
        connected=True,
        connected_since=WALL + 3,
        unsent_bytes=9,
        rtt_seconds=0.02,
    )


def test_without_a_connection_there_is_nothing_to_say_of_it() -> None:
    meter = UplinkMeter()
    verdicts([Look(0, connection(100, 7, retransmits=1)), Look(1, None)], meter=meter)
    assert meter.totals == UplinkTotals(connections=1, acked_bytes=100, retransmits=1)


def test_a_connection_that_was_overlooked_once_is_the_same_one() -> None:
    meter = UplinkMeter()
    verdicts([Look(0, connection(100)), Look(1, None), Look(2, connection(150))], meter=meter)
    assert (meter.totals.connections, meter.totals.acked_bytes) == (1, 150)
    assert meter.totals.connected_since == WALL


def test_an_old_inode_with_lower_counts_is_a_new_connection() -> None:
    meter = UplinkMeter()
    verdicts([Look(0, connection(100, retransmits=5)), Look(1, connection(30, retransmits=1))], meter=meter)
    assert (meter.totals.connections, meter.totals.acked_bytes, meter.totals.retransmits) == (2, 130, 6)


def test_when_the_ingest_last_took_something() -> None:
    meter = UplinkMeter()
    meter.update(connection(1), 1.0, WALL, TIMEOUT)
    assert meter.acknowledged_at == 1.0, "the connection itself"
    meter.update(connection(1, unsent=500), 2.0, WALL, TIMEOUT)
    meter.update(None, 3.0, WALL, TIMEOUT)
    assert meter.acknowledged_at == 1.0
    meter.update(connection(2), 4.0, WALL, TIMEOUT)
    assert meter.acknowledged_at == 4.0
    meter.update(connection(None), 5.0, WALL, TIMEOUT)
    assert meter.acknowledged_at == 5.0, "a kernel that does not tell is believed"
