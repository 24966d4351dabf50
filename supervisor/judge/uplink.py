"""Does the ingest acknowledge what is sent to it? Pure.

The probe delivers what the kernel says about one socket at one moment; sockets come and go with the runs of a
process and each starts counting at 0. The meter turns that into a verdict and into totals that never fall.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from supervisor.model.remembered import KnownUplink
from supervisor.model.snapshot import UplinkTotals

_USUAL_INTERVAL = 1.0  # seconds; the default of `uplink.interval`
# A pair of samples counts for its distance, but never for more than one and a half intervals (a sample that
# is late under load still counts in full) nor more than half of the timeout (so one pair never decides).
_MOST_INTERVALS = 1.5
_MOST_OF_TIMEOUT = 0.5
# Five gaps of "one second" add up to 4.998 s as easily as to 5.002 s; without some slack the first would cost
# a whole interval more.
_SLACK = 0.1  # of an interval, or of the timeout if that is shorter
# The edge of the offered window moves by all that is acknowledged while the ingest reads, by a tenth when it has
# stopped (measured on Linux 6.18, loopback, 0.8 to 2.5 Mbit/s).
_EDGE_STANDS = 0.25
_PROOF_INTERVALS = 2  # for so long nothing must be acknowledged at all, whatever the window says


class TcpState(IntEnum):
    """The kernel's numbers for the states that matter here (include/net/tcp_states.h)."""

    ESTABLISHED = 1
    CLOSE_WAIT = 8  # the other side has said its last word, we may still send
    LISTEN = 10


class TcpSample(NamedTuple):
    """A TCP connection at one moment, from the kernel's `struct tcp_info`; None: this kernel does not tell.

    `acked_bytes` are those the other side has acknowledged since the connection began (the kernel counts the
    handshake as one), `unsent_bytes` wait in the socket, `unacked_segments` are under way, `retransmits` is
    the count of segments sent again since the connection began. `rtt_seconds` is smoothed. `window_bytes` is how
    much more than the acknowledged bytes the other side has offered to take.
    """

    inode: int
    acked_bytes: int | None
    unsent_bytes: int | None
    unacked_segments: int | None
    rtt_seconds: float | None
    retransmits: int | None
    state: TcpState
    window_bytes: int | None = None

    @property
    def waiting(self) -> bool:
        """Whether data waits for an acknowledgement.

        Both counts are needed: against a closed window nothing is under way, all of it waits unsent.
        """
        return bool(self.unsent_bytes) or bool(self.unacked_segments)

    @property
    def importance(self) -> tuple[bool, int, int]:
        """An open connection before one that the ingest has closed, then the one that carries the stream."""
        return self.state is TcpState.ESTABLISHED, self.acked_bytes or 0, self.inode


class UplinkMeter:
    """Watches the connections of one pusher, one after the other."""

    def __init__(self) -> None:
        self._last: TcpSample | None = None  # outlives a lost connection, to know it again if it returns
        self._seen_at: float | None = None  # when `_last` was taken; None if it is not the latest sample
        self._since: float | None = None
        self._silent = 0.0  # how long nothing was acknowledged
        self._unread = 0.0  # how long the ingest has read nothing, acknowledged or not
        self.connections = self._acked_bytes = self._retransmits = 0  # of all of them
        self.unsent_bytes: int | None = None  # in the socket of the one that is open now
        self.acknowledged_at: float | None = None  # monotonic: when the ingest was last seen to have taken something

    def go_on(self, connections: int, acked_bytes: int, retransmits: int) -> None:
        """The connections before this one, which an earlier neverdark has seen, add up to so much."""
        self.connections, self._acked_bytes, self._retransmits = connections, acked_bytes, retransmits

    def know(self, known: KnownUplink) -> None:
        """An earlier neverdark has noted this of the run that goes on: if its connection does, it is the same one."""
        of_it = TcpSample(
            known.inode, known.acked_of_it, None, None, None, known.retransmits_of_it, TcpState.ESTABLISHED
        )
        self.go_on(known.connections, known.acked_bytes, known.retransmits)
        self._last, self._since = of_it, known.since

    @property
    def known(self) -> KnownUplink | None:
        """What the next neverdark needs to go on; None: there was no connection yet."""
        last = self._last
        if last is None:
            return None
        sums = self.connections, self._acked_bytes, self._retransmits
        return KnownUplink(*sums, last.inode, last.acked_bytes or 0, last.retransmits or 0, self._since)

    @property
    def totals(self) -> UplinkTotals:
        """Sums over all connections, which never fall, and the state of the latest one."""
        latest = self._last if self.connected else None
        return UplinkTotals(
            connected=latest is not None,
            connected_since=self._since if latest else None,
            connections=self.connections,
            acked_bytes=self._acked_bytes,
            retransmits=self._retransmits,
            unsent_bytes=self.unsent_bytes,
            rtt_seconds=latest.rtt_seconds if latest else None,
        )

    @property
    def connected(self) -> bool:
        """A connection is open now."""
        return self._seen_at is not None

    @property
    def inode(self) -> int | None:
        """The socket of the connection that is open now."""
        return self._last.inode if self._last and self.connected else None

    @property
    def silent_seconds(self) -> float:
        """How long data has waited and nothing was acknowledged."""
        return self._silent

    def update(
        self,
        sample: TcpSample | None,
        now: float,
        wall: float,
        timeout: float,
        interval: float = _USUAL_INTERVAL,
    ) -> bool:
        """Take a sample; True when data has waited for `timeout` seconds and nothing was acknowledged.

        `sample` is None when the pusher has no connection; a sample that could not be taken is no sample: do
        not call then. `now` is monotonic, `wall` the time of day, `interval` the usual distance between
        samples, all in seconds. True is returned once, and again only after another `timeout` of silence, so
        that a verdict which could not be acted on is not the last.

        An ingest that has stopped reading goes on acknowledging until its kernel's buffer is full. That time
        counts, too, once the buffer is full: the window that the ingest offers shows it (`_unread_between`).

        Only time between two samples of the same connection counts, and of each pair only what is usual: what
        lies in a longer gap nobody saw (neverdark was stopped, or the machine slept and so did the
        acknowledgements). So one gap, however long, decides nothing, while an ingest that freezes is found
        within `timeout` and one interval if `timeout` is a multiple of `interval` and at least twice as long.
        """
        before, seen_at = self._last, self._seen_at
        if sample is None:
            self._seen_at, self.unsent_bytes, self._silent, self._unread = None, None, 0.0, 0.0
            return False
        self._last, self._seen_at, self.unsent_bytes = sample, now, sample.unsent_bytes
        if before is None or not _same_connection(before, sample):
            self._since, before, seen_at = wall, None, None
            self.connections += 1
        acked = _growth(before and before.acked_bytes, sample.acked_bytes)
        self._acked_bytes += acked
        if sample.retransmits:
            self._retransmits += _growth(before and before.retransmits, sample.retransmits)
        if acked or sample.acked_bytes is None:  # a kernel that does not tell is believed
            self.acknowledged_at = now
        if before is None or seen_at is None:
            self._silent = self._unread = 0.0
            return False
        silent = not acked and _silent_between(before, sample)
        if not silent and not _unread_between(before, sample):  # as nearly always
            self._silent = self._unread = 0.0
            return False
        worth = min(max(0.0, now - seen_at), _MOST_INTERVALS * interval, _MOST_OF_TIMEOUT * timeout)
        self._silent = self._silent + worth if silent else 0.0
        self._unread += worth
        slack = _SLACK * min(interval, timeout)
        if self._unread < timeout - slack or self._silent < min(timeout, _PROOF_INTERVALS * interval) - slack:
            return False
        self._silent = self._unread = 0.0
        return True


def _same_connection(before: TcpSample, sample: TcpSample) -> bool:
    # The kernel may give a closed socket's inode to a new one; its counts then begin again.
    return before.inode == sample.inode and (sample.acked_bytes or 0) >= (before.acked_bytes or 0)


def _silent_between(before: TcpSample, sample: TcpSample) -> bool:
    # A kernel that does not count acknowledged bytes proves nothing: never a verdict from a missing field.
    known = sample.acked_bytes is not None
    return known and sample.acked_bytes == before.acked_bytes and before.waiting and sample.waiting


def _unread_between(before: TcpSample, sample: TcpSample) -> bool:
    """Whether the ingest's kernel took bytes in that its program did not read.

    What is acknowledged plus the window offered is the edge up to which we may send. A program that reads moves
    the edge as fast as we send; when it has stopped, its kernel goes on acknowledging until its buffer is full,
    but the edge stands (it creeps a little, because the buffer's book-keeping is not the bytes alone).
    """
    if sample.window_bytes is None or before.window_bytes is None:
        return False
    if sample.acked_bytes is None or before.acked_bytes is None:
        return False
    acked = sample.acked_bytes - before.acked_bytes
    edge = acked + sample.window_bytes - before.window_bytes
    return acked > 0 and edge < _EDGE_STANDS * acked


def _growth(before: int | None, count: int | None) -> int:
    """What was added to a count; all of it when it is a new one. A 32-bit count that wraps adds nothing."""
    return max(0, (count or 0) - (before or 0))
