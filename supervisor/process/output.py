"""What one process says, from its FIFO to its log file. Lives on the engine's loop."""

from __future__ import annotations

from collections.abc import Callable

from supervisor.ffmpeg.last_words import LastWords
from supervisor.machine.data_dir import DataDir
from supervisor.machine.machine import Machine
from supervisor.machine.runlog import AfterWrite
from supervisor.secrets.secrecy import Redactor

_FLOOD_BURST = 256 * 1024  # output beyond this, and beyond the rate, is drained but not kept
_FLOOD_RATE = 64 * 1024
_LINE_COST = 64  # in bytes: many short lines cost more than their length says
# What one turn of the loop takes in at most: some milliseconds of work.
_MOST_BYTES = 16 * 1024
_MOST_LINES = 500


class Output:
    """Reads, cleans, keeps and writes down the output of one process, through all of its runs."""

    def __init__(
        self,
        machine: Machine,
        data_dir: DataDir,
        stream: str,
        name: str,
        redactor: Redactor,
        trouble: AfterWrite,
        heed: Callable[[bytes], bool],
    ) -> None:
        """`heed` sees every line as it was written; what it takes for itself is not kept."""
        self._clock = machine
        self.outlet = machine.outlet(data_dir.folder("run", stream), f"{name}.output")
        self._words = LastWords(redactor, heed)
        self._log = machine.run_log(data_dir.folder("logs", stream), name, trouble)
        self._allowance = float(_FLOOD_BURST)
        self._allowance_at = 0.0
        self._skipped = 0

    def hide(self, redactor: Redactor) -> None:
        """From now on these secrets are hidden."""
        self._words.redactor = redactor

    @property
    def last_lines(self) -> tuple[str, ...]:
        """The last lines of this run, secrets hidden."""
        return self._words.lines

    def begin_run(self, run_id: str) -> None:
        """What comes now is said by a new run."""
        self._words.begin_run()
        self._log.begin_run(run_id)

    def read(self, now: float) -> None:
        """Take in what is there. A flood is drained, so that nobody waits, but only its end is remembered."""
        refill = (now - self._allowance_at) * _FLOOD_RATE
        self._allowance = min(_FLOOD_BURST, self._allowance + refill)
        self._allowance_at = now
        if lines := self._take(self.outlet.read(_MOST_BYTES)):
            self._log.write(lines, self._clock.wall(), now)

    def _take(self, data: bytes) -> list[str]:
        """The lines to write for `data`; none if it is too much to look at."""
        count = data.count(b"\n") + data.count(b"\r")
        cost = len(data) + count * _LINE_COST
        if cost > self._allowance or count > _MOST_LINES:
            self._skip(data + self.outlet.read())
            return []
        self._allowance -= cost
        return [*self._own_up(), *self._words.feed(data)]

    def _skip(self, data: bytes) -> None:
        self._skipped += len(data)
        self._words.keep_tail(data)

    def _own_up(self) -> list[str]:
        skipped, self._skipped = self._skipped, 0
        return list(self._words.skipped(skipped)) if skipped else []

    def rest(self) -> list[str]:
        """What was said last, when the run is over; still to be written."""
        if self.outlet.is_empty() and not self._words.unfinished and not self._skipped:
            return []
        data = self.outlet.read()
        if earlier := data[:-_MOST_BYTES]:
            self._skip(earlier)
        return [*self._take(data[-_MOST_BYTES:]), *self._own_up(), *self._words.finish()]

    def take_unredacted(self) -> tuple[str, ...]:
        """The last lines of this run, secrets and all, for the diagnosis alone; they are forgotten here."""
        return self._words.take_unredacted()

    def clean(self, text: str) -> str:
        """`text` of ours about this process, without its secrets."""
        return self._words.redactor.clean(text)

    def write(self, lines: list[str], wall: float, now: float) -> None:
        """Write lines to the run's log."""
        self._log.write(lines, wall, now)

    def close(self) -> None:
        """Let go of the FIFO."""
        self.outlet.close()
