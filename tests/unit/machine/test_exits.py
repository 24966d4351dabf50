"""The loop hears of ends first, and of all else as any loop does."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

from supervisor.machine.exits import Loop

PATIENCE = 20.0


def run(test: Callable[[Loop], Awaitable[None]]) -> None:
    async def whole() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        await test(loop)

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(whole())


async def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        await asyncio.sleep(0.005)


class Watched:
    """A program that lives until it is killed, and how often its end was told."""

    def __init__(self, loop: Loop, order: list[str], *, broken: bool = False) -> None:
        self._loop, self._order, self._broken = loop, order, broken
        self.process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        self.pidfd = os.pidfd_open(self.process.pid)
        loop.exits.add(self.pidfd, self._ended)

    def _ended(self) -> None:
        self._order.append("end")
        self._loop.exits.remove(self.pidfd)
        os.close(self.pidfd)
        self.process.wait()
        if self._broken:
            raise RuntimeError("a callback that fails")

    def kill(self) -> None:
        """Returns when it has ended, and nobody has looked."""
        self.process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOWAIT)


def test_an_end_comes_before_what_else_has_happened() -> None:
    async def test(loop: Loop) -> None:
        order: list[str] = []
        near, far = socket.socketpair()
        loop.add_reader(near.fileno(), lambda: order.append(near.recv(10).decode()))
        child = Watched(loop, order)
        far.send(b"words")  # first
        child.kill()
        await until(lambda: len(order) > 1)
        assert order == ["end", "words"]
        loop.remove_reader(near.fileno())
        near.close()
        far.close()

    run(test)


def test_one_whose_callback_fails_does_not_hide_the_others() -> None:
    async def test(loop: Loop) -> None:
        order: list[str] = []
        told: list[object] = []
        loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
        children = [Watched(loop, order, broken=number == 1) for number in range(3)]
        for child in children:
            child.kill()
        await until(lambda: len(order) > 2)
        assert order == ["end"] * 3
        assert [type(error) for error in told] == [RuntimeError]

    run(test)


def test_who_is_removed_is_told_no_more() -> None:
    async def test(loop: Loop) -> None:
        order: list[str] = []
        kept, gone = Watched(loop, order), Watched(loop, order)
        loop.exits.remove(gone.pidfd)
        gone.kill()
        kept.kill()
        await until(lambda: order)
        await asyncio.sleep(0)
        assert order == ["end"]
        gone.process.wait()
        os.close(gone.pidfd)

    run(test)


def test_who_writes_and_who_reads_hears_of_a_connection_that_broke() -> None:
    async def test(loop: Loop) -> None:
        heard: set[str] = set()
        near, far = socket.socketpair()
        near.setblocking(False)
        while True:  # full, so that it is not writable yet
            try:
                near.send(bytes(4096))
            except BlockingIOError:
                break
        loop.add_reader(near.fileno(), lambda: heard.add("reader"))
        loop.add_writer(near.fileno(), lambda: heard.add("writer"))
        await asyncio.sleep(0.01)
        assert not heard
        far.close()
        await until(lambda: len(heard) > 1)
        loop.remove_reader(near.fileno())
        loop.remove_writer(near.fileno())
        near.close()

    run(test)


def test_it_waits_as_long_as_it_shall_and_does_not_turn_meanwhile() -> None:
    async def test(loop: Loop) -> None:
        turns = 0
        selecting = loop.exits.select

        def counted(timeout: float | None = None) -> object:
            nonlocal turns
            turns += 1
            return selecting(timeout)

        loop.exits.select = counted  # type: ignore[method-assign, assignment]
        began = loop.time()
        await asyncio.sleep(0.0505)
        assert loop.time() - began >= 0.05
        assert turns < 10

    run(test)
