"""A line that can be cut without disturbing anybody: a network namespace of our own and a cable to it. Needs root."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import Self


class Unavailable(Exception):  # noqa: N818 - it names the state
    """This machine or this user cannot do that; the text says why."""


class Line:
    """A far side with an address of its own; `wrapper` runs a program there."""

    def __init__(self) -> None:
        number = os.getpid()
        self._name = f"neverdark-soak-{number}"
        self._near, self._far = f"nds{number}a", f"nds{number}b"
        # 198.18.0.0/15 is for benchmarks: nobody routes it.
        net = f"198.18.{number // 64 % 256}.{number % 64 * 4}".rsplit(".", 1)
        first = int(net[1])
        self._here, self.host = f"{net[0]}.{first + 1}", f"{net[0]}.{first + 2}"
        self._network = f"{net[0]}.{first}/30"
        self.wrapper = ("ip", "netns", "exec", self._name)

    def __enter__(self) -> Self:
        try:
            _ip("netns", "add", self._name)
            _ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self._name)
            _ip("address", "add", f"{self._here}/30", "dev", self._near)
            _ip("link", "set", self._near, "up")
            # While the link is down nothing of ours may leave by the default route.
            _ip("route", "add", "unreachable", self._network, "metric", "4000")
            self._there("address", "add", f"{self.host}/30", "dev", self._far)
            self._there("link", "set", self._far, "up")
            self._there("link", "set", "lo", "up")
        except (OSError, subprocess.CalledProcessError) as error:
            self.close()
            said = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
            raise Unavailable(f"no network namespace ({said})") from None
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def pull(self) -> None:
        """Our own link goes down: there is no route any more."""
        _ip("link", "set", self._near, "down")

    def plug(self) -> None:
        """And up again."""
        _ip("link", "set", self._near, "up")

    def swallow(self) -> None:
        """Everything is sent and nothing ever comes back."""
        self._there("route", "add", "blackhole", f"{self._here}/32")

    def deliver(self) -> None:
        """It does again."""
        self._there("route", "del", "blackhole", f"{self._here}/32")

    def close(self) -> None:
        """Take the namespace away, and the cable with it."""
        for words in (
            ("route", "del", "unreachable", self._network, "metric", "4000"),
            ("link", "del", self._near),
            ("netns", "del", self._name),
        ):
            with contextlib.suppress(OSError):
                subprocess.run(["ip", *words], check=False, capture_output=True, timeout=10)

    def _there(self, *words: str) -> None:
        _ip("-n", self._name, *words)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=10)
