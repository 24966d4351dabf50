"""What is told to systemd, over a real socket of each kind."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.machine.service_manager import ServiceManager


class Listener:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(0)
        self.name = "@" + address[1:] if address.startswith("\0") else address

    def said(self) -> list[str]:
        heard = []
        while True:
            try:
                heard.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return heard


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    name = f"\0neverdark-test-{os.getpid()}-{time.monotonic_ns()}"
    here = Listener(str(tmp_path / "notify") if request.param == "path" else name)
    yield here
    here.socket.close()


_opened: list[ServiceManager] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


def manager(listener: Listener, **more: str) -> ServiceManager:
    _opened.append(ServiceManager({"NOTIFY_SOCKET": listener.name, **more}))
    return _opened[-1]


def test_ready_is_told_once_and_not_before_the_start(listener: Listener) -> None:
    told = manager(listener)
    told.tick(0.0, started=False)
    assert listener.said() == []
    told.tick(1.0, started=True)
    told.tick(2.0, started=True)
    assert listener.said() == ["READY=1"]
    told.stopping()
    told.tick(3.0, started=True)
    assert listener.said() == ["STOPPING=1"]


def test_the_watchdog_is_fed_by_ticks_alone_and_no_more_often_than_it_needs(listener: Listener) -> None:
    told = manager(listener, WATCHDOG_USEC="20000000", WATCHDOG_PID=str(os.getpid()))
    told.tick(0.0, started=False)
    assert listener.said() == [], "it is not ready"
    for second in range(1, 21):
        told.tick(float(second), started=True)
    assert listener.said() == ["READY=1", *["WATCHDOG=1"] * 4]
    told.reloading()
    told.reloaded()
    assert "WATCHDOG=1" not in listener.said(), "a loop that hangs in a reload is one that hangs"


@pytest.mark.parametrize(
    "variables",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}],
)
def test_a_watchdog_that_is_not_for_us_is_not_fed(variables: dict[str, str], listener: Listener) -> None:
    told = manager(listener, **variables)
    told.tick(1.0, started=True)
    assert listener.said() == ["READY=1"]


def test_a_reload_is_told_from_its_beginning_to_its_end(listener: Listener) -> None:
    told = manager(listener)
    told.reloading()
    told.reloaded()
    assert listener.said() == [], "before it is ready it has not loaded"
    told.tick(1.0, started=True)
    listener.said()
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    told.reloading()
    told.reloaded()
    reloading, ready = listener.said()
    first, second = reloading.split("\n")
    assert (first, ready) == ("RELOADING=1", "READY=1")
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    told.stopping()
    told.reloaded()
    assert listener.said() == ["STOPPING=1"], "a reload that ends during the stop makes nothing ready"


def test_a_manager_that_does_not_read_holds_up_nothing(listener: Listener) -> None:
    told = manager(listener, WATCHDOG_USEC="4")
    for second in range(10_000):
        told.tick(float(second), started=True)
    assert listener.said()


@pytest.mark.parametrize("where", ["", "vsock:2:1234", "/nowhere/at/all", "@nobody-listens-here", "a\0b", "/a\0b"])
def test_without_a_manager_nothing_is_told(where: str) -> None:
    told = ServiceManager({"NOTIFY_SOCKET": where} if where else {})
    assert told._socket is None, "there is nobody to tell"
    told.tick(1.0, started=True)
    told.reloading()
    told.stopping()
    told.close()
    told.stopping()
