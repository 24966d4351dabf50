"""Tells systemd, or who else has set NOTIFY_SOCKET, how it goes with us: sd_notify(3), in the few words that we need.

Each message is one datagram that nobody waits for: a manager that does not read holds up nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping
from typing import Final

_BEATS: Final = 4  # in the time that the watchdog allows: some may come late
_MICROSECONDS: Final = 1_000_000


class ServiceManager:
    """Who has started us as a service; all messages go nowhere if nobody has.

    It lives on the engine's loop, whose tick feeds the watchdog: a loop that hangs is noticed.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        self._socket = _connected("\0" + path[1:] if path.startswith("@") else path)
        self._interval = _watchdog(environment)
        self._beaten = float("-inf")
        self._ready = False
        self._stopping = False

    def tick(self, now: float, *, started: bool) -> None:
        """The loop ticks, at the monotonic time `now`. Once neverdark has `started`, it is ready, and alive."""
        if not started or self._stopping:
            return
        if not self._ready:
            self._ready = True
            self._send("READY=1")
        if self._interval and now - self._beaten >= self._interval:
            self._beaten = now
            self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """The configuration is read again; `reloaded` ends that."""
        if self._ready and not self._stopping:
            self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def reloaded(self) -> None:
        """That is over, whatever came of it."""
        if self._ready and not self._stopping:
            self._send("READY=1")

    def stopping(self) -> None:
        """We end, in order."""
        self._stopping = True
        self._send("STOPPING=1")

    def close(self) -> None:
        """Nothing more is told."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def _send(self, words: str) -> None:
        if self._socket:
            with contextlib.suppress(OSError):
                self._socket.send(words.encode())


def _connected(path: str) -> socket.socket | None:
    if not path.startswith(("/", "\0")):
        return None  # not there, or of a kind that we do not know (vsock)
    ours = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        ours.connect(path)
    except (OSError, ValueError):
        ours.close()
        return None
    return ours


def _watchdog(environment: Mapping[str, str]) -> float | None:
    """Seconds between two beats; None if nobody waits for them, or for another process' (a wrapper of ours)."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    allowed = environment.get("WATCHDOG_USEC", "")
    return int(allowed) / _MICROSECONDS / _BEATS if allowed.isdecimal() and int(allowed) else None
