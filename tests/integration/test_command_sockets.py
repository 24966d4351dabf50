"""The uplink probe on programs of others: what they have started, and where each connection goes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from supervisor.machine.family import family_of
from supervisor.model.quantities import Address
from supervisor.model.terms import ProcessKey, Role
from supervisor.probes import uplink
from supervisor.probes.uplink import Observation, Sockets, UplinkProbe, Watched

COMMAND = ProcessKey("mine", Role.COMMAND)
MAIN, BACKUP = Observation(COMMAND, "main"), Observation(COMMAND, "backup")
DEADLINE = 20.0
REPOSITORY = Path(__file__).parents[2]

# Connects to each HOST PORT BYTES of its arguments or of a line on stdin, and sends so much; `drop N` closes the Nth.
SENDER = """
import socket, sys
made = []
def connect(host, port, size):
    made.append(socket.create_connection((host, int(port))))
    made[-1].sendall(bytes(int(size)))
words = sys.argv[1:]
for start in range(0, len(words), 3):
    connect(*words[start : start + 3])
print("sent", flush=True)
for line in sys.stdin:
    words = line.split()
    made[int(words[1])].close() if words[0] == "drop" else connect(*words)
    print("done", flush=True)
"""

# Runs its arguments as a child of a child and waits.
NEST = """
import os, sys
for _ in range(2):
    if os.fork():
        os.wait()
        os._exit(0)
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
"""


@contextmanager
def running(*argv: object) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", *map(str, argv)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        family: list[int] = [process.pid]
        try:
            assert process.stdout
            assert process.stdout.readline() == "sent\n"
            family = family_of(process.pid)
            yield process
        finally:
            for pid in family[::-1]:
                with suppress(ProcessLookupError):  # it waits for its child, and so may have gone with it
                    os.kill(pid, 9)


def tell(process: subprocess.Popen[str], *words: object) -> None:
    assert process.stdin
    assert process.stdout
    print(*words, file=process.stdin, flush=True)
    assert process.stdout.readline() == "done\n"


@pytest.fixture
def listen() -> Iterator[Callable[..., int]]:
    """Opens servers; what they are sent fits into the kernel's buffers."""
    with ExitStack() as servers:

        def listen(host: str = "127.0.0.1", port: int = 0) -> int:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            server = servers.enter_context(socket.create_server((host, port), family=family))
            return int(server.getsockname()[1])

        yield listen


def until(probe: UplinkProbe, watched: list[Watched], what: Callable[[Sockets], bool]) -> Sockets:
    deadline = time.monotonic() + DEADLINE
    while not what(evidence := probe.sample(watched)):
        assert time.monotonic() < deadline, evidence
        time.sleep(0.01)
    return evidence


def sent(evidence: Sockets) -> dict[object, int]:
    """What was acknowledged; the kernel counts the handshake as one byte."""
    return {key: (sample.acked_bytes or 1) - 1 for key, sample in evidence.connections.items()}


def watch(pid: int, main: Address, backup: Address) -> list[Watched]:
    return [Watched(MAIN, pid, peer=main), Watched(BACKUP, pid, peer=backup)]


def both_sent(main: int, backup: int) -> Callable[[Sockets], bool]:
    return lambda seen: sent(seen) == {MAIN: main, BACKUP: backup}


def test_the_connections_of_a_grandchild_by_their_ports(listen: Callable[..., int]) -> None:
    one, two, other = listen(), listen(), listen()
    connections = ["127.0.0.1", two, 222, "127.0.0.1", one, 111, "127.0.0.1", other, 9999]
    with running(NEST, SENDER, *connections) as leader:
        assert len(family_of(leader.pid)) == 3
        watched = watch(leader.pid, Address("127.0.0.1", one), Address("127.0.0.1", two))
        until(UplinkProbe(), watched, both_sent(111, 222))


def test_two_addresses_on_one_port(listen: Callable[..., int]) -> None:
    port = listen("127.0.0.1")
    listen("127.0.0.2", port)
    connections = ["127.0.0.2", port, 222, "127.0.0.1", port, 111]
    with running(NEST, SENDER, *connections) as leader:
        by_address = watch(leader.pid, Address("127.0.0.1", port), Address("127.0.0.2", port))
        until(UplinkProbe(), by_address, both_sent(111, 222))
        # A name, resolved by this machine; what it has not is the other's, who is unknown here.
        by_name = watch(leader.pid, Address("localhost", port), Address("nowhere.invalid", port))
        until(UplinkProbe(), by_name, both_sent(111, 222))


def test_ipv6(listen: Callable[..., int]) -> None:
    try:
        port = listen("::1")
    except OSError as error:
        pytest.skip(str(error))
    with running(SENDER, "::1", port, 333) as process:
        watched = [Watched(MAIN, process.pid, peer=Address("::1", port))]
        until(UplinkProbe(), watched, lambda seen: sent(seen) == {MAIN: 333})
        elsewhere = [Watched(MAIN, process.pid, peer=Address("::2", port))]
        assert UplinkProbe().sample(elsewhere).connections == {}


def test_a_connection_that_is_replaced_is_found_at_once_although_others_are_known(listen: Callable[..., int]) -> None:
    one, two = listen(), listen()
    with running(SENDER, "127.0.0.1", one, 111, "127.0.0.1", two, 222) as process:
        probe = UplinkProbe()
        watched = watch(process.pid, Address("127.0.0.1", one), Address("127.0.0.1", two))
        until(probe, watched, both_sent(111, 222))
        tell(process, "drop", 0)
        until(probe, watched, lambda seen: sent(seen) == {BACKUP: 222})
        tell(process, "127.0.0.1", one, 0)
        assert sent(probe.sample(watched)) == {MAIN: 0, BACKUP: 222}


def test_who_shares_an_ingest_keeps_its_own_connection(listen: Callable[..., int]) -> None:
    port = listen()
    with running(SENDER, "127.0.0.1", port, 111, "127.0.0.1", port, 222) as process:
        probe = UplinkProbe()
        watched = watch(process.pid, *[Address("127.0.0.1", port)] * 2)
        first = until(probe, watched, lambda seen: len(seen.connections) == 2).connections
        assert {sample.acked_bytes for sample in first.values()} == {112, 223}
        tell(process, "drop", 0)
        gone = MAIN if first[MAIN].acked_bytes == 112 else BACKUP
        left = until(probe, watched, lambda seen: gone not in seen.connections).connections
        assert {sample.acked_bytes for sample in left.values()} == {223}
        tell(process, "127.0.0.1", port, 333)
        until(probe, watched, lambda seen: sorted(sent(seen).values()) == [222, 333] and sent(seen)[gone] == 333)


def test_families_are_not_looked_for_while_all_is_known(
    listen: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listen()
    looks: list[int] = []

    def counted(leader: int, ours: Mapping[int, list[int]]) -> list[int]:
        looks.append(leader)
        return family_of(leader, ours)

    monkeypatch.setattr(uplink, "family_of", counted)
    with running(NEST, SENDER, "127.0.0.1", port, 111) as leader:
        probe, watched = UplinkProbe(), [Watched(MAIN, leader.pid, peer=Address("127.0.0.1", port))]
        for _ in range(20):
            assert MAIN in probe.sample(watched).connections
        assert len(looks) == 2
        # A pusher is one process, and nobody looks for more.
        assert UplinkProbe().sample([Watched(COMMAND, leader.pid)]).connections == {}
        assert len(looks) == 2


def test_a_family_that_never_was_has_nothing() -> None:
    never = int(Path("/proc/sys/kernel/pid_max").read_text()) + 1
    assert family_of(never) == [never]
    assert UplinkProbe().sample([Watched(MAIN, never, peer=Address("127.0.0.1", 1935))]).connections == {}


def test_what_was_left_in_the_background_belongs_to_the_family() -> None:
    """`(ffmpeg … &)`: its parent is gone, and neverdark has become its parent."""
    script = """
import os, signal, subprocess
from supervisor.machine.family import family_of
from supervisor.machine.strays import become_parent_of_orphans
become_parent_of_orphans()
bystander = subprocess.Popen(["sleep", "32"])
shell = subprocess.Popen(
    ["sh", "-c", "(sleep 31 & echo $!); sleep 33; true"], stdout=subprocess.PIPE, start_new_session=True
)
orphan = int(shell.stdout.readline())
while f"PPid:\\t{os.getpid()}\\n" not in open(f"/proc/{orphan}/status").read():
    pass
try:
    assert set(family_of(shell.pid)) >= {shell.pid, orphan}, family_of(shell.pid)
    assert bystander.pid not in family_of(shell.pid)
finally:
    bystander.kill()
    os.killpg(shell.pid, signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, timeout=DEADLINE, check=True)
