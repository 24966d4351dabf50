"""Starts a program whose output an encoder reads: `python -I -S pipe.py OPTIONS ENCODER…`, in the encoder's place.

OPTIONS are JSON: `program` (its words) and `descriptor` (where the encoder reads). The process that was started becomes
the encoder: so it is the one that is watched, signalled and replaced, as ever. Its child stays, starts the program,
repeats what that says as lines of its own among the encoder's, and tells how it ended before the encoder can find the
end of what it reads. All are of one process group: who ends the encoder's run ends them.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time

if __name__ == "__main__":  # with -I, and without `site`, nothing of ours is found
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from supervisor.player.wires import become, keep_only, say, wide_pipe

_WHO = "pipe"
_CHUNK = 1 << 14
_LONGEST_LINE = 500
_MOST_LINES = 20  # a second


class Words:
    """What a program says, line by line; of one that says too much, as many as somebody can read."""

    def __init__(self) -> None:
        self._rest = b""
        self._second, self._told, self._left_out = 0, 0, 0

    def hear(self, data: bytes) -> None:
        """Repeat the lines that are whole; a line that is drawn anew (CR) counts as another one."""
        *lines, self._rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        for line in filter(None, lines):
            self._tell(line)

    def end(self) -> None:
        """What is left of them."""
        if self._rest:
            self._tell(self._rest)
        self._tell_left_out()

    def _tell(self, line: bytes) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._tell_left_out()
            self._second, self._told = second, 0
        if self._told >= _MOST_LINES:
            self._left_out += 1
            return
        self._told += 1
        say(_WHO, "warning", line[:_LONGEST_LINE].decode(errors="replace"))

    def _tell_left_out(self) -> None:
        if self._left_out:
            say(_WHO, "warning", f"and {self._left_out} lines more")
            self._left_out = 0


def spawn(program: list[str], out: int) -> tuple[int, int]:
    """Start the program: its pid, and where its words are read. Raises OSError or ValueError."""
    reading, writing = os.pipe()
    wires = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, out, 1),
        (os.POSIX_SPAWN_DUP2, writing, 2),
    ]
    defaults = (signal.SIGPIPE, signal.SIGXFSZ)  # Python ignores them, and a child would too
    try:
        return os.posix_spawnp(program[0], program, os.environ, file_actions=wires, setsigdef=defaults), reading
    finally:
        os.close(writing)


def attend(program: list[str], out: int) -> None:
    """Run the program until it ends; `out` stays open until that is told."""
    try:
        pid, said = spawn(program, out)
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it can be none"
        say(_WHO, "fatal", f"the program cannot be started: {reason}")
        return
    words, ended = Words(), os.pidfd_open(pid)
    poll = select.poll()
    poll.register(said, select.POLLIN)
    poll.register(ended, select.POLLIN)
    while True:
        ready = dict(poll.poll())
        if data := os.read(said, _CHUNK) if said in ready else b"":
            words.hear(data)  # all of it, before how it ended
            continue
        if said in ready:
            poll.unregister(said)
        elif ended in ready:
            break
    _, status = os.waitpid(pid, 0)
    words.end()
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        say(_WHO, "info", "the program has ended")
    else:
        how = f"with exit code {code}" if code > 0 else f"by signal {-code}"
        say(_WHO, "fatal", f"the program ended {how}")


def main() -> None:
    """Become the encoder, and leave a child that attends to the program."""
    options, argv = json.loads(sys.argv[1]), sys.argv[2:]
    reading, writing = wide_pipe()
    if not os.fork():
        keep_only(writing)
        attend(options["program"], writing)
        return
    os.close(writing)
    become(argv, {options["descriptor"]: reading})


if __name__ == "__main__":
    main()
