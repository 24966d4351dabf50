"""The uplink probe against this machine's kernel."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from supervisor.judge.uplink import TcpSample, TcpState, UplinkMeter
from supervisor.machine import proc
from supervisor.model.terms import ProcessKey, Role
from supervisor.probes import uplink
from supervisor.probes.uplink import ProbeFailed, Sockets, UplinkProbe, Watched

PUSHER = ProcessKey("cam", Role.PUSHER, "youtube")
OTHER = ProcessKey("cam", Role.PUSHER, "backup")
DEADLINE = 20.0
REPOSITORY = Path(__file__).parents[2]

# Connects, then sends for ever; a line on stdin for each further connection, which sends little.
CLIENT = """
import socket, sys, threading
def send_for_ever(connection):
    while True:
        connection.sendall(bytes(65536))
first = socket.create_connection((sys.argv[1], int(sys.argv[2])))
threading.Thread(target=send_for_ever, args=[first], daemon=True).start()
print("sending", flush=True)
others = []
for line in sys.stdin:
    others.append(socket.create_connection((sys.argv[1], int(line))))
    others[-1].sendall(b"little")
    print("sent", flush=True)
"""


def until(probe: UplinkProbe, watched: list[Watched], what: Callable[[Sockets], bool]) -> Sockets:
    """Sample until `what` is seen."""
    deadline = time.monotonic() + DEADLINE
    while not what(evidence := probe.sample(watched)):
        assert time.monotonic() < deadline, evidence
        time.sleep(0.01)
    return evidence


@contextmanager
def running(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", script, *map(str, arguments)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


class Ingest:
    """A server that accepts one connection and reads only when it is told to."""

    def __init__(self, host: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port: int = self._listener.getsockname()[1]
        self.connection: socket.socket | None = None

    def accept(self) -> None:
        self._listener.settimeout(DEADLINE)
        self.connection, _ = self._listener.accept()

    def read(self, size: int) -> None:
        assert self.connection
        self.connection.settimeout(DEADLINE)
        while size > 0:
            size -= len(self.connection.recv(65536))

    def close(self) -> None:
        self._listener.close()
        if self.connection:
            self.connection.close()


@pytest.fixture(params=["127.0.0.1", "::1"], ids=["IPv4", "IPv6"])
def host(request: pytest.FixtureRequest) -> str:
    host: str = request.param
    with (
        suppress(OSError),
        socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET),
    ):
        return host
    pytest.skip(f"this machine has no {host}")


@pytest.fixture
def ingest(host: str) -> Iterator[Ingest]:
    ingest = Ingest(host)
    yield ingest
    ingest.close()


@pytest.fixture
def client(host: str, ingest: Ingest) -> Iterator[subprocess.Popen[str]]:
    with running(CLIENT, host, ingest.port) as client:
        ingest.accept()
        yield client


def acknowledged(probe: UplinkProbe, watched: list[Watched], least: int) -> TcpSample:
    """The first sample with so many bytes; what has been read may not have been acknowledged yet."""

    def enough(seen: Sockets) -> bool:
        sample = seen.connections.get(PUSHER)
        return sample is not None and (sample.acked_bytes or 0) >= least

    return until(probe, watched, enough).connections[PUSHER]


def frozen(evidence: Sockets) -> bool:
    """Whether the socket is full: kernel buffers swallow some MB first."""
    sample = evidence.connections.get(PUSHER)
    return sample is not None and (sample.unsent_bytes or 0) > 100_000


def test_acknowledged_bytes_grow_while_the_ingest_reads_and_stop_when_it_does_not(
    ingest: Ingest, client: subprocess.Popen[str]
) -> None:
    probe, watched = UplinkProbe(), [Watched(PUSHER, client.pid)]
    ingest.read(5_000_000)
    reading = acknowledged(probe, watched, 5_000_000)
    ingest.read(5_000_000)
    later = acknowledged(probe, watched, 10_000_000)

    assert reading.state is TcpState.ESTABLISHED
    assert later.inode == reading.inode
    assert later.rtt_seconds is not None
    assert 0 < later.rtt_seconds < 5
    assert later.retransmits is not None

    until(probe, watched, frozen)
    meter, began = UplinkMeter(), time.monotonic()
    while not meter.update(
        probe.sample(watched).connections.get(PUSHER),
        time.monotonic(),
        time.time(),
        timeout=0.5,
        interval=0.05,
    ):
        assert time.monotonic() < began + DEADLINE
        time.sleep(0.05)
    assert meter.totals.connections == 1
    assert (meter.totals.unsent_bytes or 0) > 0


def test_a_closed_connection_is_gone(ingest: Ingest, client: subprocess.Popen[str]) -> None:
    probe, watched = UplinkProbe(), [Watched(PUSHER, client.pid)]
    until(probe, watched, lambda seen: PUSHER in seen.connections)
    ingest.close()
    until(probe, watched, lambda seen: PUSHER not in seen.connections)


def test_a_process_that_vanishes_has_no_connection_and_its_successor_has_its_own(
    host: str, ingest: Ingest, client: subprocess.Popen[str]
) -> None:
    probe, watched = UplinkProbe(), [Watched(PUSHER, client.pid)]
    first = until(probe, watched, lambda seen: PUSHER in seen.connections).connections[PUSHER]
    client.kill()
    client.wait()
    assert probe.sample(watched).connections == {}
    with running(CLIENT, host, ingest.port) as successor:
        seen = until(probe, [Watched(PUSHER, successor.pid)], lambda seen: PUSHER in seen.connections)
    assert seen.connections[PUSHER].inode != first.inode


def test_of_several_connections_the_one_that_carries_the_stream_counts(
    host: str, ingest: Ingest, client: subprocess.Popen[str]
) -> None:
    other = Ingest(host)
    try:
        ingest.read(1_000_000)
        probe, watched = UplinkProbe(), [Watched(PUSHER, client.pid)]
        stream = until(probe, watched, lambda seen: PUSHER in seen.connections).connections[PUSHER]
        assert client.stdin
        print(other.port, file=client.stdin, flush=True)
        assert [said(client), said(client)] == ["sending", "sent"]
        # Often enough for the remembered descriptors to be read again, and by a probe that remembers nothing.
        for _ in range(25):
            assert probe.sample(watched).connections[PUSHER].inode == stream.inode
        assert UplinkProbe().sample(watched).connections[PUSHER].inode == stream.inode
    finally:
        other.close()


def test_each_process_has_its_own(host: str, ingest: Ingest, client: subprocess.Popen[str]) -> None:
    with running(CLIENT, host, ingest.port) as second:
        both = [Watched(PUSHER, client.pid), Watched(OTHER, second.pid)]
        seen = until(UplinkProbe(), both, lambda seen: len(seen.connections) == 2)
    assert seen.connections[PUSHER].inode != seen.connections[OTHER].inode


def test_a_pid_that_never_was_has_nothing() -> None:
    never = int(Path("/proc/sys/kernel/pid_max").read_text()) + 1
    assert UplinkProbe().sample([Watched(PUSHER, never)]).connections == {}


def test_nothing_asked_still_tells_who_listens(host: str, ingest: Ingest) -> None:
    assert (host, ingest.port) in UplinkProbe().sample([]).listening
    ingest.close()
    assert (host, ingest.port) not in UplinkProbe().sample([]).listening


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_who_listens_on_all_addresses_has_no_host(family: socket.AddressFamily) -> None:
    try:
        server = socket.create_server(("", 0), family=family)
    except OSError as error:
        pytest.skip(str(error))
    with server:
        assert ("", server.getsockname()[1]) in UplinkProbe().sample([]).listening


def test_descriptors_are_not_read_again_while_the_connection_is_known(
    client: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    probe, watched = UplinkProbe(), [Watched(PUSHER, client.pid)]
    until(probe, watched, lambda seen: PUSHER in seen.connections)
    read, reads = proc.socket_inodes, []

    def counted(pid: int) -> frozenset[int]:
        reads.append(pid)
        return read(pid)

    monkeypatch.setattr(uplink, "socket_inodes", counted)
    for _ in range(20):
        assert PUSHER in probe.sample(watched).connections
    assert len(reads) == 2


def test_it_needs_no_privilege() -> None:
    """The probe as somebody else, looking at a child of its own."""
    script = """
key = ProcessKey("cam", Role.PUSHER, "d")
UplinkProbe().sample([Watched(key, 1)])  # whoever gives up root may not be able to import what comes late
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    # A process that gave up root may not be looked at until it says so; one that was started without is open.
    assert ctypes.CDLL(None).prctl(4, 1, 0, 0, 0) == 0
assert os.getuid() != 0
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
client.sendall(b"x" * 99)
child = os.fork()
if not child:
    signal.pause()
server.close()
try:
    seen = UplinkProbe().sample([Watched(key, child)])
finally:
    os.kill(child, signal.SIGKILL)
    os.wait()
assert key in seen.connections, seen
"""
    done = in_python(script)
    assert done.returncode == 0, done.stderr


def test_in_a_network_namespace_it_sees_that_namespace() -> None:
    if os.getuid() != 0 or not shutil.which("unshare"):
        pytest.skip("needs root and unshare")
    script = """
assert not UplinkProbe().sample([]).listening
with socket.create_server(("", 4711)):
    assert UplinkProbe().sample([]).listening == {("", 4711)}
"""
    with socket.create_server(("127.0.0.1", 0)):
        done = in_python(script, "unshare", "--net")
    if "unshare failed" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr


IMPORTS = """
import ctypes, encodings.idna, os, signal, socket
from supervisor.model.terms import ProcessKey, Role
from supervisor.probes.uplink import UplinkProbe, Watched
"""


def in_python(script: str, *prefix: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, sys.executable, "-c", IMPORTS + script],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        stdin=subprocess.DEVNULL,
    )


# --- what the kernel might answer ----------------------------------------------------------------------


def message(kind: int, body: bytes, flags: int = 0) -> bytes:
    padded = body + bytes(-len(body) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + padded


def tcp(inode: int, state: int, info: bytes = b"") -> bytes:
    body = struct.pack("=BBBB48xIIIII", socket.AF_INET, state, 0, 0, 0, 0, 0, 0, inode)
    extra = struct.pack("=HHi", 8, 15, 0)  # an attribute that nobody asked for comes first
    return message(18, body + extra + struct.pack("=HH", 4 + len(info), 2) + info)


DONE = message(3, struct.pack("=i", 0))
KERNEL_NOW = bytes(range(240))


class Kernel:
    """Answers each dump with the next list of datagrams; an OSError among them is raised."""

    def __init__(self, *answers: list[bytes | OSError]) -> None:
        self._answers = iter(answers)
        self._parts: Iterator[bytes | OSError] = iter(())
        self.asked = 0

    def __call__(self, *_: object) -> Kernel:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def send(self, request: bytes) -> None:
        assert len(request) == 16 + 60
        self.asked += 1
        self._parts = iter(next(self._answers))

    def recv(self, _: int) -> bytes:
        part = next(self._parts)
        if isinstance(part, OSError):
            raise part
        return part


def answering(monkeypatch: pytest.MonkeyPatch, *answers: list[bytes | OSError]) -> Kernel:
    kernel = Kernel(*answers)
    monkeypatch.setattr("supervisor.probes.uplink.socket.socket", kernel)
    monkeypatch.setattr(uplink, "socket_inodes", lambda _: frozenset({7}))
    return kernel


def test_an_answer_in_several_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, [tcp(5, 1) + tcp(6, 1), tcp(7, 1, KERNEL_NOW), DONE])
    assert UplinkProbe().sample([Watched(PUSHER, 1)]).connections[PUSHER].inode == 7


def number(offset: int, size: int) -> int:
    return int.from_bytes(KERNEL_NOW[offset : offset + size], sys.byteorder)


# The offsets of linux/tcp.h, whose `struct tcp_info` has grown over the years.
EVERYTHING = TcpSample(
    inode=7,
    acked_bytes=number(120, 8),
    unsent_bytes=number(144, 4),
    unacked_segments=number(24, 4),
    rtt_seconds=number(68, 4) / 1e6,
    retransmits=number(100, 4),
    state=TcpState.CLOSE_WAIT,
    window_bytes=number(228, 4),
)
LINUX_5_3 = EVERYTHING._replace(window_bytes=None)
LINUX_4_5 = LINUX_5_3._replace(unsent_bytes=None)
LINUX_4_0 = LINUX_4_5._replace(acked_bytes=None)
KERNELS = {
    "now": (240, EVERYTHING),
    "Linux 5.3": (228, LINUX_5_3),
    "Linux 4.5": (144, LINUX_4_5),
    "Linux 4.0": (120, LINUX_4_0),
    "nothing at all": (0, TcpSample(7, None, None, None, None, None, TcpState.CLOSE_WAIT)),
}


@pytest.mark.parametrize(("size", "expected"), KERNELS.values(), ids=KERNELS.keys())
def test_an_older_kernel_tells_less(size: int, expected: TcpSample, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, [tcp(7, 8, KERNEL_NOW[:size]) + DONE])
    assert UplinkProbe().sample([Watched(PUSHER, 1)]).connections[PUSHER] == expected


def test_a_socket_that_has_changed_state_meanwhile_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, [tcp(7, 5, KERNEL_NOW) + DONE])
    assert UplinkProbe().sample([Watched(PUSHER, 1)]).connections == {}


INTERRUPTED = message(3, struct.pack("=i", 0), flags=0x10)
OVERRUN = OSError(errno.ENOBUFS, "overrun")


@pytest.mark.parametrize("first", [INTERRUPTED, OVERRUN], ids=["interrupted", "overrun"])
def test_a_dump_that_may_lack_something_is_taken_again(first: bytes | OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = answering(monkeypatch, [first], [tcp(7, 1, KERNEL_NOW) + DONE])
    assert PUSHER in UplinkProbe().sample([Watched(PUSHER, 1)]).connections
    assert kernel.asked == 2


FAILURES: dict[str, tuple[list[bytes | OSError], str]] = {
    "refused": ([message(2, struct.pack("=i", -errno.ENOENT))], "No such file"),
    "the dump fails midway": ([message(3, struct.pack("=i", -errno.ENOMEM))], "Cannot allocate memory"),
    "interrupted": ([INTERRUPTED], "changed during every dump"),
    "overrun": ([OVERRUN], "overrun"),
    "silence": ([TimeoutError("timed out")], "timed out"),
    "cut short": ([struct.pack("=IHHII", 400, 18, 0, 1, 0)], "cut short"),
    "a length of nothing": ([bytes(16)], "cut short"),
}


@pytest.mark.parametrize(("answer", "reason"), FAILURES.values(), ids=FAILURES.keys())
def test_a_kernel_that_does_not_tell_is_no_evidence(
    answer: list[bytes | OSError], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, *[answer] * 3)
    with pytest.raises(ProbeFailed, match=reason):
        UplinkProbe().sample([Watched(PUSHER, 1)])


@given(st.lists(st.binary(max_size=300) | st.builds(tcp, st.integers(0, 9), st.integers(0, 255), st.binary())))
@example([struct.pack("=IHHII", 92, 18, 0, 1, 0) + struct.pack("=BB66xI", 2, 1, 7) + b"\0\0\2\0"])
def test_no_answer_breaks_the_probe(datagrams: list[bytes]) -> None:
    table = uplink._Table()
    with suppress(OSError):
        for datagram in datagrams:
            table.take(datagram)
    for inode, raw in table.connections.items():
        assert uplink._tcp_sample(inode, raw).inode == inode
