"""Names are resolved without anybody waiting for a resolver that does not answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from supervisor.probes import names
from supervisor.probes.names import Names, literal

Answer = list[str] | Exception
Ask = Callable[..., list[tuple[object, ...]]]
DEADLINE = 20.0


class Resolver:
    """Answers with what it is told, once it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.answer: Answer = []
        self.free = threading.Event()
        self.free.set()
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        self.asked.append(host)
        self.free.wait(DEADLINE)
        if isinstance(self.answer, Exception):
            raise self.answer
        return [(0, 0, 0, "", (address, 0)) for address in self.answer]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    resolver = Resolver(monkeypatch)
    yield resolver
    resolver.free.set()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_first_call_has_the_answer_and_the_next_asks_nobody(resolver: Resolver) -> None:
    resolver.free.clear()
    threading.Timer(0.1, resolver.free.set).start()
    resolver.answer = ["192.0.2.1", "2001:db8::1", "fe80::1%eth0", "192.0.2.1"]
    known = Names()
    for _ in range(3):
        assert known.addresses("live.example") == {"192.0.2.1", "2001:db8::1", "fe80::1"}
    assert resolver.asked == ["live.example"]


@pytest.mark.parametrize("error", [socket.gaierror(-2, "not known"), UnicodeError("label too long")])
def test_a_name_that_does_not_resolve_has_no_address(resolver: Resolver, error: Exception) -> None:
    resolver.answer = error
    assert Names().addresses("nowhere.example") == frozenset()


def test_a_resolver_that_does_not_answer_is_waited_for_once_and_not_for_long(resolver: Resolver) -> None:
    resolver.free.clear()
    resolver.answer = ["192.0.2.1"]
    known, began = Names(), time.monotonic()
    for number in range(20):
        assert known.addresses("live.example") == known.addresses(f"other-{number}.example") == frozenset()
    assert time.monotonic() - began < 3 * names._PATIENCE
    assert resolver.asked.count("live.example") == 1
    resolver.free.set()
    until(lambda: known.addresses("live.example"))


def test_what_a_name_once_had_is_not_forgotten(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_KEEP", 0.0)
    known = Names()
    resolver.answer = ["192.0.2.1"]
    assert known.addresses("live.example") == {"192.0.2.1"}
    resolver.answer = ["192.0.2.2"]
    until(lambda: known.addresses("live.example") == {"192.0.2.1", "192.0.2.2"})
    resolver.answer = socket.gaierror(-3, "no resolver")
    asked = len(resolver.asked)
    until(lambda: known.addresses("live.example") and len(resolver.asked) > asked + 2)
    assert known.addresses("live.example") == {"192.0.2.1", "192.0.2.2"}


@pytest.mark.parametrize(
    ("host", "shown"),
    {
        "192.0.2.1": "192.0.2.1",
        "2001:DB8:0::1": "2001:db8::1",
        "::ffff:192.0.2.1": "192.0.2.1",
        "fe80::1%eth0": "fe80::1",
        "localhost": None,
        "1.2.3": None,
        "": None,
    }.items(),
)
def test_addresses_are_written_as_the_kernel_shows_them(host: str, shown: str | None) -> None:
    assert literal(host) == shown
