"""Waiting for something to become true, against a monotonic deadline and never by sleeping for a guess."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

# What the product promises is measured in seconds on a machine that has time. A CI machine with more workers
# than cores has not: this much is added to every promise before a test calls it broken.
SLACK = 5.0
# From the start of a neverdark to a stream on air takes 2–3 s here; 10 s are allowed.
ON_AIR = 10.0 + SLACK
# For a server or a command of a test to come up, which is nobody's promise: only a hang takes so long.
STARTED = 60.0

_PAUSE = 0.05
# A question takes time of the processes whose answer is awaited: /metrics is 20 ms of two of them. Whoever waits
# asks for a tenth of the time at most, and on a machine that is busy already as rarely as answers are slow.
_PAUSES_PER_QUESTION = 9
_LONGEST_PAUSE = 0.5
# So many processes a core want to run while the tests have the machine for themselves. Where others want more of it,
# a second is worth as much less, down to a sixth: promises are about machines that have time.
_USUAL = 4
_LEAST = 1 / 6
# "Not yet" is also an answer that could not be had: a server that is still starting, a key that is not there.
_NOT_YET = (AssertionError, LookupError, OSError)


def _worth() -> float:
    """What a second of this machine is worth now: 1, or less while others use it, too."""
    runnable = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])
    return min(1.0, max(_LEAST, _USUAL * (os.cpu_count() or 1) / max(runnable, 1)))


def eventually(condition: Callable[[], T], seconds: float, what: str) -> T:
    """The first truthy value of `condition`, asked again and again for `seconds`; else fails with the last one."""
    left = seconds
    while True:
        last: object
        asked = time.monotonic()
        try:
            value = condition()
            if value:
                return value
            last = value
        except _NOT_YET as error:
            last = f"{type(error).__name__}: {error}"
        if left <= 0:
            raise AssertionError(f"not within {seconds:g} s: {what}; last seen: {last!r}")
        took = time.monotonic() - asked
        time.sleep(min(max(_PAUSE, _PAUSES_PER_QUESTION * took), _LONGEST_PAUSE))
        left -= (time.monotonic() - asked) * _worth()


def all_along(condition: Callable[[], object], seconds: float, what: str) -> None:
    """`condition` holds whenever it is asked, for `seconds`: for what must NOT happen."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = condition()
        assert value, f"{what}: {value!r}"
        time.sleep(_PAUSE)


def _turn() -> Iterator[int]:
    """The ports of this process of the tests, again and again: no two workers have one in common."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = max(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), worker + 1)
    mine = range(10_000 + worker, 20_000, workers)
    # Not from the first one on: another run of the tests may be at work on this machine.
    return itertools.islice(itertools.cycle(mine), random.randrange(len(mine)), None)  # noqa: S311 - no secret


_ports = _turn()


def free_port() -> int:
    """A TCP port that nobody has now, and that is given to nobody else for a long time.

    Not one of those that the kernel gives out by itself (32768 and up): a server of a test that goes away and
    comes back must find its port untouched by somebody's outgoing connection.
    """
    while True:
        port = next(_ports)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
