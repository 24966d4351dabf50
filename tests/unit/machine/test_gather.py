"""Many small sockets are read together, for as long as something comes, and nothing turns while nothing does."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from supervisor.machine.gather import Gather

PATIENCE = 20.0


async def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        await asyncio.sleep(0.005)


class Scene:
    """Some sockets whose readings are kept, and how often the gathering looked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
        self.gather = Gather(asyncio.get_running_loop())
        self.pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(count)]
        self.heard: list[tuple[int, bytes]] = []
        self.broken: set[int] = set()
        self.looks = self.echo = 0
        looking = Gather._read_all

        def counted(gather: Gather) -> None:
            self.looks += 1
            looking(gather)

        monkeypatch.setattr(Gather, "_read_all", counted)
        for number, (ours, _) in enumerate(self.pairs):
            ours.setblocking(False)
            self.gather.add(ours.fileno(), lambda number=number: self._read(number))  # type: ignore[misc]  # bound

    def _read(self, number: int) -> None:
        data = self.pairs[number][0].recv(100)
        if number in self.broken:
            raise RuntimeError("a callback that fails")
        self.heard.append((number, data))
        if self.echo:
            self.echo -= 1
            self.send(number, b"next")

    def send(self, number: int, data: bytes) -> None:
        self.pairs[number][1].send(data)

    def close(self) -> None:
        self.gather.close()
        for pair in self.pairs:
            for end in pair:
                end.close()


def run(monkeypatch: pytest.MonkeyPatch, count: int, test: Callable[[Scene], Awaitable[None]]) -> None:
    async def whole() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        scene = Scene(monkeypatch, count)
        try:
            await test(scene)
        finally:
            scene.close()

    asyncio.run(whole())


def test_all_that_came_is_read_in_few_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(scene: Scene) -> None:
        for number in range(50):
            scene.send(number, b"a")
            scene.send(number, b"b")
        await until(lambda: len(scene.heard) == 100)
        assert scene.looks == 1
        assert [data for number, data in scene.heard if number == 7] == [b"a", b"b"]

    run(monkeypatch, 50, test)


def test_while_something_comes_it_goes_on_looking_and_then_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(scene: Scene) -> None:
        loop, waiting = asyncio.get_running_loop(), scene.gather._epoll.fileno()
        looks_when_added: list[int] = []
        add = loop.add_reader

        def note(descriptor: int, *rest: Any) -> None:
            if descriptor == waiting:
                looks_when_added.append(scene.looks)
            add(descriptor, *rest)

        monkeypatch.setattr(loop, "add_reader", note)
        scene.echo = 35  # each reading brings the next: more than one look reads
        scene.send(0, b"first")
        await until(lambda: looks_when_added)
        assert len(scene.heard) == 36
        assert scene.looks > 2
        assert looks_when_added == [scene.looks], "not after each look: the kernel would ask every socket then"
        await asyncio.sleep(0.2)
        assert looks_when_added == [scene.looks], "while nothing comes, nothing turns"
        scene.send(0, b"again")
        await until(lambda: scene.heard[-1] == (0, b"again"))

    run(monkeypatch, 1, test)


def test_a_callback_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(scene: Scene) -> None:
        scene.broken.add(0)
        for _ in range(3):
            scene.heard.clear()
            for number in range(3):
                scene.send(number, b"x")
            await until(lambda: {number for number, _ in scene.heard} == {1, 2})

    run(monkeypatch, 3, test)


def test_who_is_removed_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(scene: Scene) -> None:
        scene.gather.remove(scene.pairs[0][0].fileno())
        scene.send(0, b"x")
        scene.send(1, b"y")
        await until(lambda: scene.heard)
        assert scene.heard == [(1, b"y")]

    run(monkeypatch, 2, test)
