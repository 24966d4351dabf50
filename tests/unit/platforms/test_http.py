"""One exchange has an end, whatever the server does."""

from __future__ import annotations

import gzip
import itertools
import socket
import threading
import time

import pytest

from supervisor.platforms.youtube import http
from supervisor.platforms.youtube.http import NoAnswer, exchange, new_session
from tests.unit.platforms.scripted import Said, scripted
from tests.unit.small_server import nobody, serving


def test_a_body_that_is_too_long_is_cut_or_refused() -> None:
    with scripted(Said(200, b"x" * 5000)) as script, new_session() as session:
        assert exchange(session, "GET", script.url, most=100, cut=True).body == b"x" * 100
        with pytest.raises(NoAnswer):
            exchange(session, "GET", script.url, most=100)


def test_a_small_body_that_unfolds_is_bounded_too() -> None:
    packed = gzip.compress(b"x" * 50_000_000)
    said = Said(200, packed, (("Content-Encoding", "gzip"),))
    with scripted(said) as script, new_session() as session:
        assert len(exchange(session, "GET", script.url, most=1000, cut=True).body) == 1000


def test_a_body_without_its_end_is_no_answer() -> None:
    said = Said(200, b"{}", (("Content-Length", "20"),))
    with scripted(said) as script, new_session() as session, pytest.raises(NoAnswer) as raised:
        exchange(session, "GET", script.url)
    assert raised.value.sent


def test_chunks_are_put_together() -> None:
    def talk(client: socket.socket) -> None:
        client.recv(10_000)
        client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n3\r\nabc\r\n0\r\n\r\n")

    with serving(talk) as address, new_session() as session:
        assert exchange(session, "GET", f"http://{address}/").body == b"{}abc"


def test_a_server_that_drips_does_not_outlast_the_deadline() -> None:
    """One byte at a time keeps every timeout between two bytes from ever being reached."""
    over = threading.Event()

    def talk(client: socket.socket) -> None:
        client.recv(10_000)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not over.wait(0.01):
            client.sendall(b"x")

    ticks = itertools.count(step=5)  # seconds for each look at the clock: six looks are the whole time
    with serving(talk) as address, new_session() as session:
        try:
            with pytest.raises(NoAnswer):
                exchange(session, "GET", f"http://{address}/", clock=lambda: float(next(ticks)))
        finally:
            over.set()
    assert next(ticks) <= http.WHOLE_SECONDS + 15


def test_a_server_that_says_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)
    over = threading.Event()
    with serving(lambda _: over.wait(20)) as address, new_session() as session:
        begun = time.monotonic()
        try:
            with pytest.raises(NoAnswer) as raised:
                exchange(session, "GET", f"http://{address}/")
        finally:
            over.set()
    assert raised.value.sent
    assert time.monotonic() - begun < 15


def test_what_never_left_is_known() -> None:
    with new_session() as session, pytest.raises(NoAnswer) as raised:
        exchange(session, "POST", f"http://{nobody()}/")
    assert not raised.value.sent


def test_no_redirect_is_followed_and_nothing_of_this_machine_goes_along() -> None:
    with scripted(Said(302, "", (("Location", "http://127.0.0.1:1/"),))) as script, new_session() as session:
        assert exchange(session, "GET", script.url).status == 302
        assert script.calls[0].headers["user-agent"].startswith("neverdark/")
        assert not session.trust_env
