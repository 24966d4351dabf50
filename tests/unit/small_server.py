"""Servers of a few lines on the loopback, for probes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from supervisor.model.quantities import Address

Talk = Callable[[socket.socket], object]


@contextmanager
def serving(talk: Talk, host: str = "127.0.0.1") -> Iterator[Address]:
    """Has `talk` with one client after another, with all of them before the block ends; hangs up after each."""

    def serve() -> None:
        while True:
            client, peer = listener.accept()
            with client, suppress(OSError):
                if peer == goodbye.getsockname():
                    return
                talk(client)

    with socket.create_server((host, 0)) as listener, socket.socket() as goodbye:
        goodbye.bind((host, 0))
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Address(host, listener.getsockname()[1])
        finally:
            goodbye.connect(listener.getsockname())  # behind whoever still waits to be served
            thread.join()


@contextmanager
def black_hole(host: str = "127.0.0.1") -> Iterator[Address]:
    """Swallows every attempt to connect: its queue is full, and nobody empties it."""
    with socket.create_server((host, 0), backlog=0) as listener:
        address = Address(host, listener.getsockname()[1])
        with socket.create_connection(address):  # Linux lets one in
            yield address


def nobody(host: str = "127.0.0.1") -> Address:
    """An address where nobody listens."""
    with socket.create_server((host, 0)) as listener:
        return Address(host, listener.getsockname()[1])


def read(client: socket.socket, count: int) -> bytes:
    """So many bytes, or what has come before the end."""
    received = b""
    while len(received) < count and (piece := client.recv(count - len(received))):
        received += piece
    return received


def listen_only(client: socket.socket) -> bytes:
    """Says nothing until the client has gone; returns what it said."""
    return read(client, 1_000_000)
