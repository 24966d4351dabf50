"""What one process says, from its FIFO to its log file. Lives on the engine's loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from supervisor.last_words import LastWords
from supervisor.process import Outlet
from supervisor.runlog import RunLog, Trouble
from supervisor.secrecy import Redactor

_FLOOD_BURST = 256 * 1024  # output beyond this, and beyond the rate, is drained but not kept
_FLOOD_RATE = 64 * 1024


class Output:
    """Reads, cleans, keeps and writes down the output of one process, through all of its runs."""

    def __init__(
        self,
        data_dir: Path,
        stream: str,
        name: str,
        redactor: Redactor,
        trouble: Trouble,
        heed: Callable[[bytes], bool],
    ) -> None:
        """`heed` sees every line as it was written; what it takes for itself is not kept."""
        self.outlet = Outlet(data_dir / "run" / stream / f"{name}.output")
        self._words = LastWords(redactor, heed)
        self._log = RunLog(data_dir / "logs" / stream, name, trouble)
        self._allowance = float(_FLOOD_BURST)
        self._allowance_at = 0.0
        self._skipped = 0

    def hide(self, redactor: Redactor) -> None:
        """From now on these secrets are hidden."""
        self._words.redactor = redactor

    @property
    def last_lines(self) -> tuple[str, ...]:
        """The last lines of this run, secrets hidden."""
        return tuple(self._words.lines)

    def begin_run(self, run_id: str) -> None:
        """What comes now is said by a new run."""
        self._words.begin_run()
        self._log.begin_run(run_id)

    def read(self, now: float) -> None:
        """Take in what is there. A flood is drained, so that nobody waits, but only its end is remembered."""
        data = self.outlet.read()
        refill = (now - self._allowance_at) * _FLOOD_RATE
        self._allowance = min(_FLOOD_BURST, self._allowance + refill)
        self._allowance_at = now
        if len(data) > self._allowance:
            self._skipped += len(data)
            self._words.keep_tail(data)
            return
        self._allowance -= len(data)
        lines: list[str] = []
        if self._skipped:
            lines += self._words.skipped(self._skipped)
            self._skipped = 0
        lines += self._words.feed(data)
        if lines:
            self._log.write(lines, time.time(), now)

    def rest(self) -> list[str]:
        """What was said last, when the run is over; still to be written."""
        return [*self._words.feed(self.outlet.read()), *self._words.finish()]

    def write(self, lines: list[str], wall: float, now: float) -> None:
        """Write lines to the run's log."""
        self._log.write(lines, wall, now)

    def close(self) -> None:
        """Let go of the FIFO."""
        self.outlet.close()
