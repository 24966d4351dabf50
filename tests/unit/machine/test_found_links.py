"""A link that an earlier neverdark has left to its pusher: found as it was, or where its socket is not to be had."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from supervisor.machine.media_links import MediaLink, MediaLinks
from supervisor.model.quantities import PortRange

LOOPBACK = "127.0.0.1"


def udp(port: int = 0) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.bind((LOOPBACK, port))
    except OSError:
        made.close()
        raise
    return made


class Reader:
    """A pusher's part of a link, as an earlier neverdark has left it: it takes media from one port."""

    def __init__(self, sender: int) -> None:
        self.socket = udp()
        self.port: int = self.socket.getsockname()[1]
        self.socket.connect((LOOPBACK, sender))
        self.socket.settimeout(5)

    def gets(self, data: bytes, sender: socket.socket) -> bool:
        sender.sendto(data, (LOOPBACK, self.port))
        try:
            return self.socket.recv(100) == data
        except TimeoutError:
            return False


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    with udp() as made:
        yield made


@pytest.fixture
def reader(sender: socket.socket) -> Iterator[Reader]:
    made = Reader(sender.getsockname()[1])
    with made.socket:
        yield made


@pytest.fixture
def found(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> Iterator[MediaLinks]:
    """Links of which one is that reader's."""
    monkeypatch.setattr("supervisor.machine.media_links.MEDIA_DESCRIPTOR", reader.socket.fileno())
    links = MediaLinks(PortRange(1024, 65_535), "x")
    yield links
    links.keep_only(set())


def test_a_link_is_found_as_it_was_and_ours_to_steer(found: MediaLinks, reader: Reader, sender: socket.socket) -> None:
    port = sender.getsockname()[1]
    assert found.find("cam", "yt", reader.port, os.getpid())
    link = found.get("cam", "yt")
    assert (link.port, link.fixed) == (reader.port, None)
    assert reader.gets(b"one", sender), "nothing has changed until somebody wants it"
    link.go_on(port)
    assert reader.gets(b"two", sender)
    with udp() as another:
        link.send_from(another.getsockname()[1])
        reader.socket.settimeout(0.1)
        assert not reader.gets(b"three", sender)
        assert reader.gets(b"four", another)


def test_nobody_is_heard_when_no_encoder_is_taken_over(
    found: MediaLinks, reader: Reader, sender: socket.socket
) -> None:
    assert found.find("cam", "yt", reader.port, os.getpid())
    found.get("cam", "yt").go_on(None)
    reader.socket.settimeout(0.1)
    assert not reader.gets(b"one", sender)


def test_a_port_that_is_free_is_taken_again_and_one_that_is_not_is_not_found(found: MediaLinks) -> None:
    with udp() as taken:
        port = taken.getsockname()[1]
        assert not found.find("cam", "yt", port, None)
    assert found.find("cam", "yt", port, None)
    assert found.port("cam", "yt") == port
    assert not found.find("cam", "yt", port, None), "there is one"
    assert not MediaLinks(PortRange(1024, 1024), "x").find("cam", "yt", 9, None), "no longer in the range"


@pytest.fixture
def distant(found: MediaLinks, reader: Reader, sender: socket.socket, monkeypatch: pytest.MonkeyPatch) -> MediaLink:
    """The same where sockets of others are not to be had."""
    monkeypatch.setattr("supervisor.machine.media_links.take_socket", lambda *_: None)
    assert found.find("cam", "yt", reader.port, os.getpid())
    link = found.get("cam", "yt")
    link.go_on(sender.getsockname()[1])
    return link


def test_where_the_socket_is_not_to_be_had_the_next_encoder_sends_from_the_same_port(
    distant: MediaLink, reader: Reader, sender: socket.socket
) -> None:
    port = sender.getsockname()[1]
    assert distant.fixed == port
    assert reader.gets(b"one", sender)
    sender.close()
    distant.send_from(None)  # the encoder is gone: nobody else may have its port meanwhile
    with pytest.raises(OSError, match="in use"):
        udp(port=port)
    assert distant.fixed == port
    distant.send_from(port)
    with udp(port=port) as again:
        assert reader.gets(b"two", again)


def test_a_port_that_somebody_else_took_first_is_given_up(distant: MediaLink) -> None:
    """The encoder still has it here."""
    distant.send_from(None)
    assert distant.fixed is None


def test_when_its_reader_is_gone_the_link_is_one_like_any_other(distant: MediaLink, reader: Reader) -> None:
    with pytest.raises(OSError, match="in use"):
        distant.read(by_somebody=True)
    reader.socket.close()
    distant.read(by_somebody=False)
    distant.empty()
    assert distant.drops == 0
    distant.read(by_somebody=True)
    assert distant.fixed is None
    with udp() as another:
        distant.send_from(another.getsockname()[1])
        another.sendto(b"media", (LOOPBACK, distant.port))
        with socket.socket(fileno=os.dup(distant.fd)) as inherited:
            inherited.settimeout(5)
            assert inherited.recv(100) == b"media"


def test_a_reader_that_takes_media_from_nobody_is_not_found(
    found: MediaLinks, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.machine.media_links.take_socket", lambda *_: None)
    reader.socket.connect((LOOPBACK, 9))
    assert not found.find("cam", "yt", reader.port, os.getpid())
