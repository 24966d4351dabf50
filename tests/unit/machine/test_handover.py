"""Links go over to another sender between two frames: nothing of it is lost, nothing of the other comes after."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from supervisor.machine.handover import Handover
from supervisor.machine.media_links import MediaLink

_VIDEO, _SOUND = 0x100, 0x101


def packet(pid: int, number: int, *, begins: bool = False, key: bool = False) -> bytes:
    """A TS packet that tells its number at its end."""
    head = bytes([0x47, (0x40 if begins else 0) | pid >> 8, pid & 0xFF])
    adaptation = bytes([0x30, 1, 0x40]) if key else bytes([0x10])
    return (head + adaptation).ljust(187, b"\0") + bytes([number])


def numbers(datagrams: list[bytes]) -> list[int]:
    return [datagram[at + 187] for datagram in datagrams for at in range(0, len(datagram), 188)]


class Sender:
    def __init__(self, link: MediaLink) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self._link = link

    def send(self, *packets: bytes) -> None:
        self.socket.sendto(b"".join(packets), ("127.0.0.1", self._link.port))

    def close(self) -> None:
        self.socket.close()


def received(link: MediaLink) -> list[bytes]:
    with socket.socket(fileno=socket.dup(link.fd)) as reader:
        reader.setblocking(False)
        found = []
        while True:
            try:
                found.append(reader.recv(2000))
            except BlockingIOError:
                return found


@pytest.fixture
def link() -> Iterator[MediaLink]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with closing(MediaLink(port)) as link:
        link.read(by_somebody=True)
        yield link


@pytest.fixture
def before(link: MediaLink) -> Iterator[Sender]:
    with closing(Sender(link)) as sender:
        link.send_from(sender.port)
        yield sender


@pytest.fixture
def after(link: MediaLink) -> Iterator[Sender]:
    with closing(Sender(link)) as sender:
        yield sender


def test_a_link_goes_over_at_a_keyframe(link: MediaLink, before: Sender, after: Sender) -> None:
    handover = Handover({link: after.port})
    before.send(packet(_VIDEO, 1, begins=True, key=True))
    after.send(packet(_VIDEO, 101, begins=True))
    assert not handover.look(keep=True), "no keyframe has come"
    after.send(packet(_SOUND, 102, begins=True))
    after.send(packet(_VIDEO, 103))
    after.send(packet(_VIDEO, 104, begins=True, key=True), packet(_VIDEO, 105))
    assert handover.look(keep=True)
    before.send(packet(_VIDEO, 2))
    after.send(packet(_VIDEO, 106))
    handover.go_over()
    after.send(packet(_VIDEO, 107))
    before.send(packet(_VIDEO, 3))
    assert numbers(received(link)) == [1, 2, 102, 104, 105, 106, 107]
    assert link.sender == after.port


def test_what_comes_before_it_is_wanted_is_not_kept(link: MediaLink, before: Sender, after: Sender) -> None:
    handover = Handover({link: after.port})
    after.send(packet(_VIDEO, 101, begins=True, key=True))
    assert not handover.look(keep=False)
    assert handover.came
    after.send(packet(_VIDEO, 102))
    assert not handover.look(keep=True)
    handover.close()
    before.send(packet(_VIDEO, 1))
    after.send(packet(_VIDEO, 103))
    assert numbers(received(link)) == [1], "and nothing has changed"


def test_nobody_can_share_the_port_afterwards(link: MediaLink, before: Sender, after: Sender) -> None:
    del before
    with closing(Handover({link: after.port})), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", link.port))


def test_a_link_that_nobody_reads_is_given_nothing_old(link: MediaLink, before: Sender, after: Sender) -> None:
    del before
    link.read(by_somebody=False)
    handover = Handover({link: after.port})
    after.send(packet(_VIDEO, 101, begins=True, key=True))
    assert handover.look(keep=True)
    handover.go_over()
    link.read(by_somebody=True)
    after.send(packet(_VIDEO, 102))
    assert numbers(received(link)) == [102]


def test_a_flood_without_an_end_is_not_kept(link: MediaLink, before: Sender, after: Sender) -> None:
    del before
    handover = Handover({link: after.port})
    after.send(packet(_VIDEO, 1, begins=True, key=True))
    assert handover.look(keep=True)
    for _ in range(40):
        for _ in range(60):
            after.send(packet(_VIDEO, 2))
        handover.look(keep=True)
    assert not handover.look(keep=True)
    handover.close()
