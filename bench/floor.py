"""The least that a supervisor in Python can do: what `floor.c` does, by a bare asyncio loop.

usage: python floor.py FOLDER PORT FIRST COUNT PROGRAM: children are PROGRAM PORT ID with COUNT ids from FIRST. Ends
with its input.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys


class Floor:
    """Waits for the ends of its children and starts each again. Nothing is kept, decided, read or told."""

    def __init__(self, loop: asyncio.AbstractEventLoop, folder: str, port: str, program: str) -> None:
        self._loop = loop
        self._folder, self._port, self._program = folder, port, program
        self._environment = dict(os.environ)
        self.pids: dict[int, int] = {}

    def prepare(self, number: int) -> None:
        """Give a child its output, and start it."""
        path = f"{self._folder}/{number}.output"
        os.mkfifo(path, 0o600)
        self.start(number, os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))

    def start(self, number: int, output: int) -> None:
        """Start a child, and again when it ends."""
        pid = os.posix_spawn(
            self._program,
            [self._program, self._port, str(number)],
            self._environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, output, 1),
                (os.POSIX_SPAWN_DUP2, output, 2),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
        )
        self.pids[number] = pid
        pidfd = os.pidfd_open(pid)
        self._loop.add_reader(pidfd, self._ended, number, output, pidfd)

    def _ended(self, number: int, output: int, pidfd: int) -> None:
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
        self.start(number, output)
        self._loop.remove_reader(pidfd)
        os.close(pidfd)


async def main(folder: str, port: str, first: int, count: int, program: str) -> list[int]:
    """Keep them until there is no more input. Returns those that live."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    floor = Floor(loop, folder, port, program)
    for number in range(first, first + count):
        floor.prepare(number)
    loop.add_reader(0, ended.set)
    await ended.wait()
    return list(floor.pids.values())


if __name__ == "__main__":
    # Ended when the loop is: it would start them again.
    for left in asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])):
        os.kill(left, signal.SIGKILL)
