"""The links between encoders and pushers, with real sockets: whose port, whose datagrams, and how many at most."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor.machine.media_links import MediaLink, MediaLinks, NoFreePort
from supervisor.model.quantities import PortRange

LOOPBACK = "127.0.0.1"
Sender = Callable[..., socket.socket]
Links = Callable[..., MediaLinks]


def udp(address: str = LOOPBACK, port: int = 0) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made


def is_free(port: int) -> bool:
    try:
        udp(port=port).close()
    except OSError:
        return False
    return True


def a_free_port() -> int:
    with udp() as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else has."""
    with udp() as other:
        yield int(other.getsockname()[1])


@pytest.fixture
def sender() -> Iterator[Sender]:
    """Makes sockets to send from."""
    made: list[socket.socket] = []

    def make(address: str = LOOPBACK, port: int = 0) -> socket.socket:
        made.append(udp(address, port))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def link() -> Iterator[MediaLink]:
    while True:
        try:
            link = MediaLink(a_free_port())
        except OSError:
            continue  # somebody was quicker
        break
    yield link
    link.close()


def received(link: MediaLink) -> list[bytes]:
    """What a pusher would read now. The loopback delivers before the sender's call returns."""
    found = []
    with socket.socket(fileno=os.dup(link.fd)) as reader:
        while True:
            try:
                found.append(reader.recv(2000, socket.MSG_DONTWAIT))
            except BlockingIOError:
                return found


def port_of(one: socket.socket) -> int:
    return int(one.getsockname()[1])


# --- whose datagrams -------------------------------------------------------------------------------


def test_a_link_listens_on_the_loopback_address_alone(link: MediaLink) -> None:
    rows = [line.split() for line in Path("/proc/thread-self/net/udp").read_text().splitlines()[1:]]
    inode = str(os.fstat(link.fd).st_ino)
    (local,) = (row[1] for row in rows if row[9] == inode)
    address, _, port = local.partition(":")
    assert (socket.inet_ntoa(struct.pack("=I", int(address, 16))), int(port, 16)) == (LOOPBACK, link.port)


def test_only_the_chosen_sender_is_heard(link: MediaLink, sender: Sender) -> None:
    encoder, stranger = sender(), sender()
    elsewhere = sender("127.0.0.2", port_of(encoder))
    link.send_from(port_of(encoder))
    link.read(by_somebody=True)
    for one, said in ((stranger, b"another port"), (elsewhere, b"another address"), (encoder, b"media")):
        one.sendto(said, (LOOPBACK, link.port))
    assert received(link) == [b"media"]


def test_the_encoder_before_is_heard_no_more(link: MediaLink, sender: Sender) -> None:
    before, now = sender(), sender()
    link.read(by_somebody=True)
    link.send_from(port_of(before))
    before.sendto(b"1", (LOOPBACK, link.port))
    link.send_from(port_of(now))
    before.sendto(b"2", (LOOPBACK, link.port))
    now.sendto(b"3", (LOOPBACK, link.port))
    assert received(link) == [b"1", b"3"], "what it had sent before is media all the same"
    link.send_from(None)
    now.sendto(b"4", (LOOPBACK, link.port))
    assert received(link) == []


def test_until_there_is_a_sender_nobody_is_heard(link: MediaLink, sender: Sender) -> None:
    link.read(by_somebody=True)
    sender().sendto(b"x", (LOOPBACK, link.port))
    assert received(link) == []


def test_what_nobody_reads_does_not_gather(link: MediaLink, sender: Sender) -> None:
    encoder = sender()
    link.send_from(port_of(encoder))
    encoder.sendto(b"too early", (LOOPBACK, link.port))
    link.read(by_somebody=True)
    encoder.sendto(b"media", (LOOPBACK, link.port))
    assert received(link) == [b"media"]
    link.read(by_somebody=False)
    encoder.sendto(b"too late", (LOOPBACK, link.port))
    assert received(link) == []
    assert link.drops == 0


def test_what_waits_can_be_thrown_away(link: MediaLink, sender: Sender) -> None:
    encoder = sender()
    link.send_from(port_of(encoder))
    link.read(by_somebody=True)
    for _ in range(20):
        encoder.sendto(bytes(1316), (LOOPBACK, link.port))
    link.empty()
    encoder.sendto(b"new", (LOOPBACK, link.port))
    assert received(link) == [b"new"]
    link.empty()  # nothing there: no error, no wait


def test_datagrams_that_the_kernel_drops_are_counted(link: MediaLink, sender: Sender) -> None:
    encoder = sender()
    link.send_from(port_of(encoder))
    link.read(by_somebody=True)
    assert link.drops == 0
    with socket.socket(fileno=os.dup(link.fd)) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for _ in range(200):
        encoder.sendto(bytes(1316), (LOOPBACK, link.port))
    dropped = link.drops
    assert dropped == 200 - len(received(link)) > 150
    link.read(by_somebody=False)
    link.empty()
    assert link.drops == dropped, "it never falls"


def test_a_second_of_a_rich_stream_fits_in(link: MediaLink, sender: Sender) -> None:
    """A pusher that is replaced reads nothing for a moment."""
    encoder = sender()
    link.send_from(port_of(encoder))
    link.read(by_somebody=True)
    with socket.socket(fileno=os.dup(link.fd)) as same:
        room = same.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    fit = min(700, room // (2 * 1316 * 2))  # 700 datagrams are 7.4 Mbit; a kernel may grant less
    for _ in range(fit):
        encoder.sendto(bytes(1316), (LOOPBACK, link.port))
    assert (link.drops, len(received(link))) == (0, fit)


def test_a_reader_that_waits_for_media_is_let_go_now_and_then(link: MediaLink) -> None:
    """It would not hear a polite signal otherwise."""
    with pytest.raises(BlockingIOError):
        os.read(link.fd, 2000)


# --- which port ------------------------------------------------------------------------------------


@pytest.fixture
def links() -> Iterator[Links]:
    made: list[MediaLinks] = []

    def make(first: int, last: int, seed: str = "a") -> MediaLinks:
        made.append(MediaLinks(PortRange(first, last), seed))
        return made[-1]

    yield make
    for one in made:
        one.keep_only(set())


def test_each_destination_has_a_port_of_its_own_and_keeps_it(links: Links) -> None:
    some = links(30000, 30999)
    given = [some.port("s", str(n)) for n in range(50)]
    assert len(set(given)) == 50
    assert [some.port("s", str(n)) for n in range(50)] == given
    assert all(30000 <= port <= 30999 for port in given)
    assert not any(map(is_free, given)), "nobody can take it"
    assert some.get("s", "0") is some.get("s", "0")


def test_a_taken_port_is_not_given_away(taken: int, links: Links) -> None:
    with pytest.raises(NoFreePort, match=f"{taken}-{taken}"):
        links(taken, taken).get("s", "d")
    assert links(taken, taken + 20).port("s", "d") != taken


def test_links_of_what_is_gone_are_closed_and_their_ports_given_again(links: Links) -> None:
    free = a_free_port()
    some = links(free, free)
    assert some.port("s", "a") == free
    with pytest.raises(NoFreePort):
        some.port("s", "b")
    some.keep_only({("s", "a")})
    assert not is_free(free)
    some.keep_only({("s", "b")})
    assert is_free(free)
    assert some.port("s", "b") == free


def test_two_neverdarks_begin_at_different_places(links: Links) -> None:
    assert links(20000, 29999, "/srv/a").port("s", "d") != links(20000, 29999, "/srv/b").port("s", "d")


def test_a_port_to_send_from_is_free_and_another_one_each_time(links: Links) -> None:
    some = links(31000, 31999)
    ports = [some.sending_port() for _ in range(20)]
    assert len(set(ports)) == 20
    assert all(31000 <= port <= 31999 for port in ports)
    assert all(map(is_free, ports))


def test_a_port_that_somebody_has_is_none_to_send_from(links: Links, sender: Sender) -> None:
    some = links(32000, 32063)
    wanted = some.sending_port()
    some.take_back([wanted])
    for port in range(32000, 32064):
        if port != wanted:
            with contextlib.suppress(OSError):  # somebody has it already
                sender(port=port)
    assert some.sending_port() == wanted


def test_where_the_range_is_used_up_another_port_is_sent_from(taken: int, links: Links) -> None:
    port = links(taken, taken).sending_port()
    assert port != taken
    assert is_free(port)


def test_a_port_that_is_lent_is_lent_to_nobody_else_until_it_is_given_back(links: Links) -> None:
    """A run that waits for its camera has not bound its port yet: to a look it seems free."""
    free = a_free_port()
    some = links(free, free)
    assert some.sending_port() == free
    assert some.sending_port() != free
    some.take_back([free])
    assert some.sending_port() == free
