"""Clients that are too many, too slow or too big: real sockets, and the times shortened."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from exporter import connection, door
from exporter.http import HttpServer
from supervisor.model.quantities import Address
from tests.integration.harness.waiting import eventually
from tests.unit.exporter.conftest import PATIENCE, Client, Serve
from tests.unit.exporter.slow_reading import Sample
from tests.unit.exporter.snapshots import FakeControl, command, snapshot
from tests.unit.exporter.test_collector import read

HALF = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-a: "
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

Room = Callable[[int], Client]


@pytest.fixture
def with_room() -> Iterator[Room]:
    """`with_room(n)` starts a server that takes in n clients."""
    with ExitStack() as stack:

        def start(most: int) -> Client:
            server = HttpServer(FakeControl(snapshot()), Address("127.0.0.1", 0), None, "1", lambda: most)
            server.start()
            stack.callback(server.stop)
            return Client(server)

        yield start


@contextmanager
def saying(client: Client, words: bytes, count: int = 1) -> Iterator[list[socket.socket]]:
    """So many connections that each said this much."""
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            one = stack.enter_context(socket.create_connection(client.address, timeout=PATIENCE))
            one.sendall(words)
            opened.append(one)
        yield opened


def is_closed(one: socket.socket) -> bool:
    """Whether the server has hung up; what it said before is thrown away."""
    one.settimeout(0)
    try:
        while one.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


def assert_answered(one: socket.socket) -> None:
    """One answer to `WHOLE` comes, and nothing behind it."""
    answer = b""
    while not answer.endswith(b'{"status":"ok"}'):
        piece = one.recv(65536)
        assert piece, answer
        answer += piece
    assert answer.startswith(b"HTTP/1.1 200")


def counted(client: Client, name: str) -> list[Sample]:
    samples = read(client.get("/metrics").text, openmetrics=False)
    return [sample for sample in samples if sample[0] == f"livestream_{name}"]


# --- time ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "begun",
    [
        b"G",
        HALF,
        WHOLE + HALF,  # the second on a connection
        b"POST /api/streams/a/stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n",  # and no body
        b"POST /api/streams/a/stop HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_who_does_not_finish_a_request_is_cut_off_however_slowly_it_goes_on(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.5)
    client = serve(FakeControl(snapshot()))
    with saying(client, begun) as (one,):
        began = time.monotonic()
        while not is_closed(one):
            assert time.monotonic() - began < PATIENCE
            try:
                one.sendall(b"x" if b"chunked" not in begun else b"1\r\nx\r\n")
            except ConnectionError:
                break
            time.sleep(0.05)
        assert time.monotonic() - began > 0.3


def test_who_waits_between_two_requests_is_not(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    with saying(serve(FakeControl(snapshot())), WHOLE) as (one,):
        assert_answered(one)
        time.sleep(0.6)  # thrice the time for a head
        one.sendall(WHOLE)
        assert_answered(one)


def test_who_does_not_take_its_answer_is_cut_off(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.5)
    client = serve(FakeControl(snapshot(*(command(f"s{index}") for index in range(400)))))
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(client.address)
        lazy.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        states = client.server._server.server_state
        eventually(lambda: len(states.connections) == 1, PATIENCE, "it is there")
        eventually(lambda: not states.connections, PATIENCE, "it was cut off")


# --- size and shape --------------------------------------------------------------------------------


def said(client: Client, request: bytes) -> tuple[int, str]:
    """The status, and all that was answered."""
    with saying(client, request) as (one,):
        answer = b""
        while piece := one.recv(65536):
            answer += piece
    return int(answer.split()[1]), answer.decode()


HEAD_OF_15_KB = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + b"a: bbbbbbbbbb\r\n" * 1000


def test_a_head_is_bounded_however_it_comes(serve: Serve) -> None:
    client = serve(FakeControl(snapshot()))
    assert said(client, HEAD_OF_15_KB + b"\r\n")[0] == 200
    for head in (HEAD_OF_15_KB + b"a: bbbbbbbbbb\r\n" * 200, HEAD_OF_15_KB + b"c: " + b"d" * 40_000 + b"\r\n"):
        status, answer = said(client, head + b"\r\n")
        assert status == 431
        assert answer.endswith('{"detail": "request line and headers are larger than 16384 bytes"}')
    ((_, _, times),) = [one for one in counted(client, "http_requests_total") if ("code", "431") in one[1]]
    assert times == 2


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /api/streams/a/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /api/streams/a/stop HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"hello\r\n\r\n",
    ],
)
def test_what_two_servers_could_understand_in_two_ways_is_refused(serve: Serve, request_: bytes) -> None:
    control = FakeControl(snapshot(command("a")))
    client = serve(control)
    status, answer = said(client, request_)
    assert status == 400
    assert '{"detail": "' in answer
    assert control.requests == []
    assert client.get("/healthz").ok


def test_nonsense_behind_a_request_is_nobodys_mistake_but_its_senders(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    client = serve(FakeControl(snapshot(command("a"))))
    body = b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"
    for request in (body, WHOLE + b"hello\r\n\r\n", WHOLE + b"\r\n\r\n"):
        with saying(client, request) as (one,):
            eventually(lambda one=one: is_closed(one), PATIENCE, "hung up")  # type: ignore[misc]
    assert client.get("/healthz").ok
    assert "".join(capfd.readouterr()) == ""


# --- number ----------------------------------------------------------------------------------------


def test_however_many_hold_a_connection_open_others_are_answered(with_room: Room) -> None:
    client = with_room(20)
    with saying(client, HALF, 300) as opened:
        for _ in range(20):
            assert client.get("/healthz").ok
            assert client.get("/metrics").ok
        eventually(lambda: sum(map(is_closed, opened)) >= 280, PATIENCE, "the oldest are gone")
        assert len(client.server._server.server_state.connections) <= 20
        assert not is_closed(opened[-1]), "the youngest is not"


def test_who_has_been_answered_goes_before_new_ones_are_refused(with_room: Room) -> None:
    client = with_room(10)
    with saying(client, WHOLE, 100) as opened:
        assert client.get("/healthz").ok
        eventually(lambda: sum(map(is_closed, opened)) >= 90, PATIENCE, "the oldest idle ones are gone")


def test_too_many_are_told_once(with_room: Room, capfd: pytest.CaptureFixture[str]) -> None:
    client = with_room(4)
    with saying(client, HALF, 200):
        assert client.get("/healthz").ok
    assert "".join(capfd.readouterr()).count("too many connections") == 1


def test_without_descriptors_it_waits_calmly_and_says_so_once(
    serve: Serve, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "_RETRY", 0.05)
    client = serve(FakeControl(snapshot()))
    real, tries = socket.socket.accept, 0

    def no_descriptor(listener: socket.socket) -> tuple[socket.socket, object]:
        nonlocal tries
        tries += 1
        if tries <= 5:
            raise OSError(errno.EMFILE, "Too many open files")
        return real(listener)

    monkeypatch.setattr(socket.socket, "accept", no_descriptor)
    began = time.monotonic()
    with saying(client, WHOLE, 20) as waiting:
        for one in waiting:
            assert_answered(one)
    assert time.monotonic() - began >= 5 * 0.05, "asyncio's own loop tries a hundred times at once"
    told = "".join(capfd.readouterr())
    assert told.count("no connection can be accepted") == 1
    assert "Too many open files" in told
    assert "Traceback" not in told


def test_a_mistake_of_ours_in_a_connection_is_told_in_one_line_however_often(
    serve: Serve, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: object, _data: bytes) -> None:
        raise RuntimeError("SECRET")

    client = serve(FakeControl(snapshot()))
    with monkeypatch.context() as broken_for_a_while:
        broken_for_a_while.setattr(connection.Connection, "data_received", broken)
        with saying(client, WHOLE, 20) as opened:
            eventually(lambda: all(map(is_closed, opened)), PATIENCE, "they are cut off")
    assert client.get("/healthz").ok
    told = "".join(capfd.readouterr())
    assert told.count("RuntimeError") == 1
    assert "Traceback" not in told
    assert "SECRET" not in told
