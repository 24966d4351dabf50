"""Whose reports are believed: those of sockets that the run's own processes hold. Real processes, real datagrams."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from supervisor.machine import progress_socket, udp
from supervisor.machine.family import children_by_session
from supervisor.machine.progress_socket import ProgressSocket
from supervisor.machine.udp import Holder

PATIENCE = 20.0
# Sends what it is told to, a line at a time; keeps its socket.
TALKER = """
import socket, sys
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.connect(("127.0.0.1", int(sys.argv[1])))
for line in sys.stdin:
    udp.send(line.encode())
    print("sent", flush=True)
"""
PARENT = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', *sys.argv[1:]]))"
Talk = Callable[..., "Talker"]


class Talker:
    """A process that sends."""

    def __init__(self, *argv: str) -> None:
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.pid = self.process.pid

    def say(self, line: str) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "sent\n"

    def end(self) -> None:
        os.killpg(self.pid, signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def place() -> Iterator[ProgressSocket]:
    place = ProgressSocket()
    yield place
    place.close()


def port(place: ProgressSocket) -> int:
    return int(place.url.rpartition(":")[2])


@pytest.fixture
def talker(place: ProgressSocket) -> Iterator[Talk]:
    made: list[Talker] = []

    def make(*before: str) -> Talker:
        argv = [sys.executable, "-c", *([PARENT] if before else []), TALKER, str(port(place))]
        made.append(Talker(*argv))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture
def mine(place: ProgressSocket) -> Iterator[socket.socket]:
    """A socket of this process, which is not the run."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
        mine.connect(("127.0.0.1", port(place)))
        yield mine


def test_the_runs_own_reports_come_one_a_datagram(place: ProgressSocket, talker: Talk) -> None:
    run = talker()
    place.begin_run(run.pid, family=False)
    run.say("frame=1")
    run.say("frame=2")
    assert [place.read() for _ in range(3)] == [b"frame=1\n", b"frame=2\n", b""]
    assert place.refused == 0


def test_a_strangers_reports_are_passed_over_also_those_of_the_same_user(
    place: ProgressSocket, talker: Talk, mine: socket.socket
) -> None:
    run, stranger = talker(), talker()
    place.begin_run(run.pid, family=False)
    stranger.say("frame=666")
    mine.send(b"frame=667")
    assert place.read() == b""
    run.say("frame=1")
    stranger.say("frame=668")
    assert [place.read(), place.read()] == [b"frame=1\n", b""]
    assert place.refused == 3


def test_before_there_is_a_run_nobody_is_believed(place: ProgressSocket, talker: Talk) -> None:
    talker().say("frame=1")
    assert place.read() == b""


@pytest.mark.parametrize("family", [True, False], ids=["a command", "an encoder or pusher"])
def test_what_a_command_has_started_is_believed_as_well(
    place: ProgressSocket,
    talker: Talk,
    family: bool,  # noqa: FBT001 - a row of the table
) -> None:
    run = talker("through a parent")
    place.begin_run(run.pid, family=family)
    run.say("frame=1")
    assert place.read() == (b"frame=1\n" if family else b"")


def test_the_run_before_is_forgotten_with_what_it_said_last(place: ProgressSocket, talker: Talk) -> None:
    before, now = talker(), talker()
    place.begin_run(before.pid, family=False)
    before.say("frame=1")
    assert place.read() == b"frame=1\n"
    before.say("frame=2")
    place.begin_run(now.pid, family=False)
    assert place.read() == b""
    before.say("frame=3")
    now.say("frame=0")
    assert [place.read(), place.read()] == [b"frame=0\n", b""]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ports that were looked up, from now on."""
    asked, look = [], udp.holder_of

    def look_and_count(port: int, ours: int) -> Holder | None:
        asked.append(port)
        return look(port, ours)

    monkeypatch.setattr(progress_socket, "holder_of", look_and_count)
    return asked


def test_a_run_is_looked_up_once(place: ProgressSocket, talker: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand reports a second come here."""
    asked = counted(monkeypatch)
    run = talker()
    place.begin_run(run.pid, family=False)
    for n in range(20):
        run.say(f"frame={n}")
        assert place.read() == f"frame={n}\n".encode()
    assert len(asked) == 1


def test_a_flood_of_strangers_does_not_hide_the_run_for_long(
    place: ProgressSocket, talker: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = counted(monkeypatch)
    run = talker()
    place.begin_run(run.pid, family=False)
    strangers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(5)]
    try:
        for _ in range(20):
            for stranger in strangers:
                stranger.sendto(b"frame=666", ("127.0.0.1", port(place)))
        run.say("frame=1")
        assert [place.read(), place.read()] == [b"frame=1\n", b""]
        assert place.refused == 100
        assert len(asked) <= 6, "each of them was looked up once"
    finally:
        for stranger in strangers:
            stranger.close()


def test_who_floods_without_end_does_not_hold_up_who_reads(
    place: ProgressSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "_receive", lambda _: (b"frame=666", ("127.0.0.1", 9)))
    place.begin_run(os.getpid(), family=False)
    assert place.read() == b""
    assert 0 < place.refused <= 1000


def test_more_senders_than_are_remembered_are_heard_all_the_same(place: ProgressSocket) -> None:
    """A program may open another socket for each report."""
    place.begin_run(os.getpid(), family=False)
    for n in range(40):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(b"frame=%d" % n, ("127.0.0.1", port(place)))
            assert place.read() == b"frame=%d" % n
    assert len(place._known) <= 8


def test_a_sender_that_is_gone_is_not_believed(place: ProgressSocket) -> None:
    place.begin_run(os.getpid(), family=False)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.sendto(b"frame=1", ("127.0.0.1", port(place)))
    assert place.read() == b""


def test_where_the_kernel_does_not_answer_its_table_does(
    place: ProgressSocket, talker: Talk, mine: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(udp, "_ask_kernel", refused)
    run = talker()
    place.begin_run(run.pid, family=False)
    mine.send(b"frame=666")
    run.say("frame=1")
    assert [place.read(), place.read()] == [b"frame=1\n", b""]


def test_it_is_readable_when_something_has_come(place: ProgressSocket, mine: socket.socket) -> None:
    assert not select.select([place.fd], [], [], 0)[0]
    mine.send(b"x")
    assert select.select([place.fd], [], [], PATIENCE)[0]


def test_many_strangers_do_not_have_all_our_children_looked_at_each_time(
    place: ProgressSocket, talker: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a thousand children that takes a millisecond, on the loop, and anybody can send."""
    looks: list[float] = []

    def look() -> dict[int, list[int]]:
        looks.append(time.monotonic())
        return children_by_session()

    monkeypatch.setattr(progress_socket, "children_by_session", look)
    place.begin_run(talker().pid, family=True)
    began = time.monotonic()
    for _ in range(20):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"frame=1\n", ("127.0.0.1", port(place)))
            assert place.read() == b""
    assert place.refused == 20
    assert len(looks) <= time.monotonic() - began + 1, "once in a second"
