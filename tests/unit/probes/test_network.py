"""How far a probe gets, against servers of every temper."""

from __future__ import annotations

import os
import select
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from supervisor.model.quantities import Address
from supervisor.model.terms import Reach
from supervisor.probes import network
from supervisor.probes.network import Conversation, reach, reach_host, reach_ingest
from supervisor.probes.patience import Patience
from tests.unit.small_server import Talk, black_hole, listen_only, nobody, read, serving

# Long enough for whatever is answered at once; short enough to be waited for where nothing is.
ANSWERED = 20.0
NOT_ANSWERED = 0.2
PACKET = 1536


class Rtmp:
    """A server's side of the handshake, which remembers the client's."""

    def __init__(self) -> None:
        self.packet = os.urandom(PACKET)
        self.c0 = self.c1 = self.c2 = b""
        self.more = b"not seen to its end"

    def __call__(self, client: socket.socket) -> None:
        self.c0, self.c1 = read(client, 1), read(client, PACKET)
        client.sendall(b"\x03" + self.packet)
        self.c2 = read(client, PACKET)
        client.sendall(self.c1)
        self.more = listen_only(client)


def says(answer: bytes, then: Talk = listen_only) -> Talk:
    def talk(client: socket.socket) -> None:
        read(client, 1 + PACKET)
        client.sendall(answer)
        then(client)

    return talk


def hangs_up(_: socket.socket) -> None:
    pass


def resets(client: socket.socket) -> None:
    client.recv(1)  # sooner, the client might not have seen that it was connected
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def does_not_read(client: socket.socket) -> None:
    until_it_has_gone = select.poll()
    until_it_has_gone.register(client, select.POLLRDHUP)
    until_it_has_gone.poll(ANSWERED * 1000)


# --- TCP ---------------------------------------------------------------------------------------------


def test_a_host_that_lets_us_connect() -> None:
    heard = []
    with serving(lambda client: heard.append(listen_only(client))) as server:
        assert reach_host(server, ANSWERED) is Reach.ACCEPTS
    assert heard == [b""], "connected once, said nothing"


def test_a_host_where_nobody_listens() -> None:
    assert reach_host(nobody(), ANSWERED) is Reach.REFUSED


def test_a_host_that_does_not_answer_at_all() -> None:
    with black_hole() as hole:
        assert reach_host(hole, NOT_ANSWERED) is Reach.TIMEOUT


@pytest.mark.parametrize(
    "host",
    [
        "255.255.255.255",  # no TCP to everybody: the kernel says ENETUNREACH
        "fe80::1",  # link-local, and no link is named: EINVAL
    ],
)
def test_a_host_that_our_machine_knows_no_way_to(host: str) -> None:
    assert reach_host(Address(host, 1935), ANSWERED) is Reach.NO_ROUTE


@pytest.mark.parametrize("host", ["nowhere.invalid", "", "..", "a" * 70 + ".invalid", "1.2.3.4.5"])
def test_a_name_without_an_address(host: str) -> None:
    assert reach_host(Address(host, 1935), ANSWERED) is Reach.UNRESOLVED


def test_a_name_server_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """glibc reads the aliases of names without a dot from a file; this one nobody writes to until the end."""
    aliases = tmp_path / "aliases"
    os.mkfifo(aliases)
    monkeypatch.setenv("HOSTALIASES", str(aliases))
    try:
        assert reach_host(Address("neverdark-hangs", 1935), NOT_ANSWERED) is Reach.UNRESOLVED
    finally:
        os.close(os.open(aliases, os.O_RDWR | os.O_NONBLOCK))


# --- several addresses -------------------------------------------------------------------------------


def at(*addresses: Address) -> list[network._Place]:
    return [network._Place(socket.AF_INET, (host, port)) for host, port in addresses]


def best(
    places: list[network._Place], timeout: float, talk: Callable[[Conversation], Reach] = lambda _: Reach.ACCEPTS
) -> Reach:
    return network._best(places, time.monotonic() + timeout, talk)


def test_an_address_that_refuses_does_not_hide_one_that_works() -> None:
    with serving(listen_only) as server:
        assert best(at(nobody(), nobody("127.0.0.2"), server), ANSWERED) is Reach.ACCEPTS


def test_an_address_that_swallows_packets_leaves_time_for_the_others() -> None:
    with black_hole() as hole, serving(lambda client: client.sendall(b"word")) as server:
        assert best(at(hole, server), 1.5, _waits_for_a_word) is Reach.ANSWERS


def test_the_first_address_that_works_is_enough() -> None:
    called: list[socket.socket] = []
    with serving(listen_only) as server, serving(called.append) as other:
        assert best(at(server, other), ANSWERED) is Reach.ACCEPTS
    assert not called


def test_of_addresses_that_do_not_work_the_one_that_got_furthest_counts() -> None:
    nowhere = Address("255.255.255.255", 1)
    with black_hole() as hole, serving(hangs_up) as closing:
        assert best(at(nowhere), ANSWERED) is Reach.NO_ROUTE
        assert best(at(nowhere, hole, nowhere), NOT_ANSWERED) is Reach.TIMEOUT
        assert best(at(hole, nobody()), NOT_ANSWERED) is Reach.REFUSED
        assert best(at(nobody(), closing, nobody()), ANSWERED, _waits_for_a_word) is Reach.CLOSED
    with serving(hangs_up) as closing, serving(does_not_read) as silent:
        assert best(at(silent, closing), NOT_ANSWERED, _waits_for_a_word) is Reach.SILENT


def _waits_for_a_word(conversation: Conversation) -> Reach:
    conversation.receive(1)
    return Reach.ANSWERS


def test_both_families_have_their_turn() -> None:
    v6 = [network._Place(socket.AF_INET6, (f"::{n}", 1)) for n in range(3)]
    (v4,) = at(Address("127.0.0.1", 1))
    assert network._alternating([*v6, v4]) == [v6[0], v4, v6[1], v6[2]]
    assert network._alternating([v4]) == [v4]


# --- RTMP --------------------------------------------------------------------------------------------


def test_an_ingest_that_answers() -> None:
    rtmp = Rtmp()
    with serving(rtmp) as server:
        assert reach_ingest(server, tls=False, timeout=ANSWERED) is Reach.ANSWERS
    assert rtmp.c0 == b"\x03"
    assert rtmp.c1[4:8] == bytes(4), "the plain handshake, not the one with digests"
    assert rtmp.c2 == rtmp.packet, "S1 comes back"
    assert rtmp.more == b"", "no command follows"


TEMPERS: dict[str, tuple[Talk, Reach]] = {
    "says nothing": (listen_only, Reach.SILENT),
    "does not read": (does_not_read, Reach.SILENT),
    "stops after the version": (says(b"\x03"), Reach.SILENT),
    "stops within S1": (says(b"\x03" + bytes(700)), Reach.SILENT),
    "stops after S1": (says(b"\x03" + bytes(PACKET)), Reach.SILENT),
    "stops one byte before the end": (says(b"\x03" + bytes(2 * PACKET - 1)), Reach.SILENT),
    "hangs up at once": (hangs_up, Reach.CLOSED),
    "resets": (resets, Reach.CLOSED),
    "hangs up after the version": (says(b"\x03", hangs_up), Reach.CLOSED),
    "hangs up after S1": (says(b"\x03" + bytes(PACKET), hangs_up), Reach.CLOSED),
    "hangs up one byte before the end": (says(b"\x03" + bytes(2 * PACKET - 1), hangs_up), Reach.CLOSED),
    "has another version": (says(b"\x06" + bytes(2 * PACKET)), Reach.CLOSED),
    "speaks HTTP": (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Reach.CLOSED),
}


@pytest.mark.parametrize("temper", TEMPERS)
def test_an_ingest_that(temper: str) -> None:
    talk, expected = TEMPERS[temper]
    timeout = NOT_ANSWERED if expected is Reach.SILENT else ANSWERED
    with serving(talk) as server:
        assert reach_ingest(server, tls=False, timeout=timeout) is expected


def test_an_ingest_that_answers_in_drops_does_not_move_the_deadline() -> None:
    """Each byte comes in time, all of them do not."""

    def drips(client: socket.socket) -> None:
        client.sendall(b"\x03")
        while True:
            client.sendall(b".")
            time.sleep(0.01)

    with serving(drips) as server:
        began = time.monotonic()
        assert reach_ingest(server, tls=False, timeout=NOT_ANSWERED) is Reach.SILENT
        assert time.monotonic() - began < ANSWERED / 2, "S1 alone takes 15 s"


def test_an_ingest_that_is_not_there() -> None:
    assert reach_ingest(nobody(), tls=False, timeout=ANSWERED) is Reach.REFUSED
    assert reach_ingest(nobody(), tls=True, timeout=ANSWERED) is Reach.REFUSED
    with black_hole() as hole:
        assert reach_ingest(hole, tls=False, timeout=NOT_ANSWERED) is Reach.TIMEOUT


# --- RTMPS -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A TLS server for which nobody vouches."""
    folder = tmp_path_factory.mktemp("tls")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem")
    argv = ["openssl", "req", "-x509", *key, "-out", "cert.pem", "-subj", "/CN=somebody-else"]
    subprocess.run(argv, check=True, capture_output=True, cwd=folder, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


class Tls:
    """Has a talk within TLS, and remembers which server the client asked for and how it left."""

    def __init__(self, context: ssl.SSLContext, talk: Talk) -> None:
        self.asked_for: list[str | None] = []
        self.failures: list[OSError] = []
        context.sni_callback = lambda _, name, __: self.asked_for.append(name)
        self._context, self._talk = context, talk

    def __call__(self, client: socket.socket) -> None:
        try:
            with self._context.wrap_socket(client, server_side=True, suppress_ragged_eofs=False) as secure:
                self._talk(secure)
        except OSError as error:
            self.failures.append(error)


def test_an_ingest_that_answers_in_tls_whoever_it_is(context: ssl.SSLContext) -> None:
    tls = Tls(context, Rtmp())
    with serving(tls) as server:
        assert reach_ingest(Address("localhost", server.port), tls=True, timeout=ANSWERED) is Reach.ANSWERS
        assert reach_ingest(server, tls=True, timeout=ANSWERED) is Reach.ANSWERS
    assert tls.asked_for == ["localhost", None], "a name is asked for by name, an address has none"
    assert not tls.failures, "said goodbye"


def test_an_ingest_that_goes_silent_within_tls(context: ssl.SSLContext) -> None:
    with serving(Tls(context, listen_only)) as server:
        assert reach_ingest(server, tls=True, timeout=0.5) is Reach.SILENT


def test_an_ingest_that_hangs_up_within_tls(context: ssl.SSLContext) -> None:
    with serving(Tls(context, hangs_up)) as server:
        assert reach_ingest(server, tls=True, timeout=ANSWERED) is Reach.CLOSED


def test_an_ingest_that_does_not_answer_tls() -> None:
    with serving(listen_only) as server:
        assert reach_ingest(server, tls=True, timeout=NOT_ANSWERED) is Reach.SILENT


@pytest.mark.parametrize("talk", [hangs_up, resets, lambda client: client.sendall(b"\x03" + bytes(2 * PACKET))])
def test_an_ingest_that_does_not_speak_tls(talk: Talk) -> None:
    with serving(talk) as server:
        assert reach_ingest(server, tls=True, timeout=ANSWERED) is Reach.CLOSED


def test_a_reset_that_tls_comes_upon() -> None:
    """The connection is gone before TLS begins."""

    def comes_late(conversation: Conversation) -> Reach:
        conversation.send(b"hello")
        with pytest.raises(ConnectionResetError):
            conversation.receive(1)
        conversation.secure("ingest")
        return Reach.ANSWERS

    with serving(resets) as server:
        assert reach(server, ANSWERED, comes_late) is Reach.CLOSED


# --- patience ----------------------------------------------------------------------------------------


def test_patience_hands_on_what_the_call_returns_or_raises() -> None:
    patience = Patience(at_once=1)
    assert patience.call(lambda: 7, ANSWERED) == 7
    with pytest.raises(ZeroDivisionError):
        patience.call(lambda: 1 // 0, ANSWERED)
    assert patience.call(lambda: 8, ANSWERED) == 8, "the place is free again"


def test_calls_that_hang_do_not_pile_up() -> None:
    patience, release = Patience(at_once=2), threading.Event()
    began: list[None] = []

    def hangs() -> bool:
        began.append(None)
        return release.wait(ANSWERED)

    for _ in range(4):
        with pytest.raises(TimeoutError):
            patience.call(hangs, 0.05)
    assert len(began) <= 2
    release.set()
    assert patience.call(lambda: "free", ANSWERED) == "free"


def test_an_address_needs_no_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a reference given as an address tells our line from a name server that hangs."""
    monkeypatch.setattr(network, "_lookups", Patience(at_once=1))
    release = threading.Event()
    with pytest.raises(TimeoutError):
        network._lookups.call(lambda: release.wait(2 * ANSWERED), 0.01)
    with serving(listen_only) as server:
        assert reach_host(Address("localhost", server.port), 0.05) is Reach.UNRESOLVED, "all places are taken"
        assert reach_host(server, ANSWERED) is Reach.ACCEPTS
    release.set()
