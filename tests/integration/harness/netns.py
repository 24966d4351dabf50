"""A line of neverdark's own, that can be cut: a network namespace, joined to ours by one cable. Needs root."""

from __future__ import annotations

import ctypes
import os
import random
import subprocess
from pathlib import Path
from typing import Self

from tests.integration.harness.valve import Valve

_CLONE_NEWNET = 0x40000000
_NOBODY = "02:00:00:00:00:01"  # a network card that nobody has


class OwnLine:
    """What runs under `wrapper` reaches `far` through the cable, and nothing else but itself."""

    def __init__(self) -> None:
        word = f"{random.randrange(1 << 32):08x}"  # noqa: S311 - so that parallel workers do not meet
        self._name, self._here, self._there = f"nd{word}", f"h{word}", f"t{word}"
        # 198.18.0.0/15 is set aside for tests of networks (RFC 2544); a cable takes four addresses of it.
        net = random.randrange(1 << 15) * 4  # noqa: S311 - the same
        base = f"198.{18 + net // 65536}.{net // 256 % 256}"
        self.far, self._near = f"{base}.{net % 256 + 1}", f"{base}.{net % 256 + 2}"
        self.wrapper = ["ip", "netns", "exec", self._name]

    def __enter__(self) -> Self:
        _ip("netns", "add", self._name)
        try:
            _ip("link", "add", self._here, "type", "veth", "peer", "name", self._there, "netns", self._name)
            _ip("addr", "add", f"{self.far}/30", "dev", self._here)
            _ip("-n", self._name, "addr", "add", f"{self._near}/30", "dev", self._there)
            _ip("-n", self._name, "link", "set", "lo", "up")
            _ip("link", "set", self._here, "up")
            self.plug_in()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        _ip("netns", "del", self._name)  # and the cable with it

    def lose(self) -> None:
        """Somewhere beyond its plug: what it sends vanishes, and nobody tells it so."""
        self._neighbour("replace", "lladdr", _NOBODY, "nud", "permanent")

    def find(self) -> None:
        """It arrives again."""
        self._neighbour("del")

    def _neighbour(self, verb: str, *more: str) -> None:
        _ip("-n", self._name, "neigh", verb, self.far, "dev", self._there, *more)

    def unplug(self) -> None:
        """At its own end: its kernel knows that there is no way."""
        _ip("-n", self._name, "link", "set", self._there, "down")

    def plug_in(self) -> None:
        """The same cable again."""
        _ip("-n", self._name, "link", "set", self._there, "up")

    def move_in(self) -> None:
        """From now on, what the calling thread connects to is seen from the namespace."""
        with (Path("/run/netns") / self._name).open() as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Door(Valve):
    """A port of ours that leads to a loopback port inside: the cable does not matter to it."""

    def __init__(self, line: OwnLine, target: int) -> None:
        super().__init__(target)
        self._line = line

    def __enter__(self) -> Self:
        super().__enter__()
        self._call(self._line.move_in)  # who listens stays outside; who connects on does so inside
        return self


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
