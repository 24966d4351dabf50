"""Simulated FFmpegs: what every one of them does, and encoders."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from supervisor.ffmpeg.parameters import Parameters
from supervisor.model.terms import Exit, ExitCause, ProcessKey, Report, Role, Segment
from tests.simulation.words import LastWords, last_words

if TYPE_CHECKING:
    from tests.simulation.line import Source
    from tests.simulation.wires import SimulatedOutlet, SimulatedProgress
    from tests.simulation.world import World

FPS = 25
RATE = 312_500  # bytes a second: 2.5 Mbit/s
KEYFRAMES = 2.0  # seconds from one to the next
_KILLED_IN = 0.005
_ENDED_IN = 0.2  # after a polite signal
_RUNS_AHEAD = 8.5  # seconds of silence, when nothing holds it back any more
_REPORT = (
    b"frame=%d\nfps=25.00\nstream_0_0_q=28.0\nbitrate=2500.0kbits/s\ntotal_size=%b\nout_time_us=%d\nout_time_ms=%d\n"
    b"out_time=00:00:00.000000\ndup_frames=0\ndrop_frames=0\nspeed=1.0x\nprogress=continue\n"
)
_LOOKED_AT = re.compile(r"127\.0\.0\.1\W+(\d+):direct=1")  # where it tells what its picture is like
_BRIGHT, _MOVES = 180.0, 4.0  # of a picture that is well
_BLACK = 16.0
SLATE_FILE = "/slates/made.mkv"
_SENDS = re.compile(r"127\.0\.0\.1\\*:(\d+)\?[^|]*?localport=(\d+)")


def in_words(report: Report) -> bytes:
    """A report as FFmpeg writes it."""
    micro = round((report.media_seconds or 0.0) * 1e6)
    size = b"N/A" if report.total_bytes is None else b"%d" % report.total_bytes
    return _REPORT % (report.frames, size, micro, micro)


class Spawned(NamedTuple):
    """What a process is started with."""

    pid: int
    key: ProcessKey
    argv: list[str]
    run_id: str
    outlet: SimulatedOutlet | None  # None: nobody listens
    record: str = ""  # in its environment


class Process:
    """One process: alive until it has `ended`, in the table until it is reaped."""

    def __init__(self, world: World, spawned: Spawned) -> None:
        self.world = world
        self.pid, self.key, self.argv, self.run_id, self.outlet, self.record = spawned
        self.pidfd = world.wires.number()
        self.began = world.agenda.now
        self.ended: Exit | None = None
        self.ended_at: float | None = None
        self.cpu_seconds = 0.0
        self.media = 0.0  # seconds that it has put out
        self.trouble = ""  # "frozen": it reports what does not change; "mute": nothing
        self.stopped = False  # by SIGSTOP
        self.asked = 0  # polite signals
        self.at_end: list[Callable[[], None]] = []
        self.publishes_on = ""  # STREAM/DESTINATION, of who sends
        self.settings = world.settings_of(self.key.stream)  # when it was started
        self.tells_no_size = self.key.role is Role.ENCODER
        self.is_orphan = False  # the neverdark that started it is gone: whoever waits for it is no parent of it
        self.told: Exit | None = None  # what such a one learns of its end, where that is not how it was
        self._progress: SimulatedProgress | None = None
        self.find_wires()
        self._at = self.began

    # --- its life ----------------------------------------------------------------------------------

    def find_wires(self) -> None:
        """See whether anybody listens where it was told to report."""
        reports = self.world.wires.reports
        self._progress = next((wire for word in self.argv if (wire := reports.get(word))), None)

    @property
    def alive(self) -> bool:
        """It has not ended."""
        return self.ended is None

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Do this in so many seconds, if it lives by then."""

        def do() -> None:
            if self.stopped:
                self.later(0.5, work)
            elif self.alive:
                work()

        self.world.agenda.later(seconds, do)

    def signal(self, number: int) -> None:
        """Hear a signal."""
        if not self.alive:
            return
        match number:
            case signal.SIGKILL:
                self.world.agenda.later(_KILLED_IN, lambda: self.end(Exit(None, signal.SIGKILL)))
            case signal.SIGSTOP:
                self.tick(self.world.agenda.now)
                self.stopped = True
            case signal.SIGCONT:
                self.stopped, self._at = False, self.world.agenda.now
            case signal.SIGTERM:
                self.asked += 1
                if not self.trouble and (self.asked > 1 or not self.blocked):
                    self.later(_ENDED_IN, lambda: self.end(Exit(255, None)))

    @property
    def blocked(self) -> bool:
        """It waits for something, so that it does not hear one polite signal."""
        return False

    def fail(self, words: LastWords) -> None:
        """End with an error."""
        if self.outlet:
            self.outlet.write(words.lines)
        self.end(Exit(words.code, words.signal))

    def end(self, how: Exit) -> None:
        """End, if it has not."""
        if not self.alive:
            return
        self.ended, self.ended_at = how, self.world.agenda.now
        self.cpu_seconds = 0.05 * (self.world.agenda.now - self.began)
        self.over()
        self.world.table.ended(self)
        for told in self.at_end:
            told()

    def over(self) -> None:
        """It has ended: let go of what it held."""

    def reaped(self) -> None:
        """Leave the table of processes."""
        self.world.table.reaped(self)

    # --- what it does ------------------------------------------------------------------------------

    def tick(self, now: float, *, as_read: bool = False) -> None:
        """Go on until now, and report: in FFmpeg's words, or `as_read` (see `wires.parsed`)."""
        if self.stopped or self.ended is not None:
            return
        self.flow(now)
        progress = self._progress
        if progress and self.alive and self.trouble != "mute" and self.reports:
            report = self.report()
            progress.send(self.pid, report if as_read else in_words(report))

    @property
    def reports(self) -> bool:
        """Whether it is at a point where it reports."""
        return True

    @property
    def silent(self) -> bool:
        """It lives, and nobody hears of it."""
        return self.stopped or self.trouble == "mute" or not self.reports

    @property
    def calm(self) -> bool:
        """All goes well and evenly."""
        return not self.trouble and not self.stopped

    @property
    def pictured(self) -> float:
        """Seconds of media that have frames."""
        return self.media

    def report(self) -> Report:
        """As FFmpeg does, which counts in frames, bytes and microseconds."""
        size = None if self.tells_no_size else int(self.media * RATE)
        return Report(int(self.pictured * FPS), int(self.media * 1e6) / 1e6, size, 0, 0, ended=False)

    def flow(self, now: float) -> None:
        """Go on until now."""
        raise NotImplementedError


class Encoder(Process):
    """Reads a source, sends to the links of its destinations."""

    def __init__(self, world: World, spawned: Spawned, source: Source) -> None:
        super().__init__(world, spawned)
        self.source = source
        self.sends = {int(link): int(port) for link, port in _SENDS.findall(self.argv[-1])}
        self._looked_at = next(
            (f"udp://127.0.0.1:{found[1]}" for word in self.argv if (found := _LOOKED_AT.search(word))), ""
        )
        self.open = False  # it reads and sends
        self._silent_since: float | None = None
        self._ran_out: float | None = None  # media time of its last frame: its source has ended, and it goes on
        self._sourceless = any("no-such-source" in word for word in self.argv)
        self.later(world.chance.uniform(0.2, 2.0), self._begin)

    def _begin(self) -> None:
        lost_slate = self.world.slates_gone[self.key.stream] and any(SLATE_FILE in word for word in self.argv)
        if self._sourceless or lost_slate:
            self.fail(self._say(ExitCause.SOURCE_UNREACHABLE, "file"))
        elif self.source.has("source_gone"):
            self.fail(self._say(ExitCause.SOURCE_UNREACHABLE, self.source.kind))
        elif self.source.has("source_refused"):
            self.fail(self._say(ExitCause.SOURCE_REFUSED, self.source.kind))
        elif self.source.has("source_ended"):
            self._read_to_end()
        else:
            self.open, self._at = True, self.world.agenda.now
            self.flow(self._at)
            if not self.source.has("source_silent"):
                self._tell_parameters()
                self.later(KEYFRAMES, self._tell_parameters)

    def _say(self, cause: ExitCause, protocol: str) -> LastWords:
        segment = Segment.SOURCE if cause in _OF_SOURCE else Segment.ENCODER
        return last_words(self.world.chance, self.world.version, self.key.role, cause, segment, protocol)

    def _read_to_end(self) -> None:
        """FFmpeg 6 and newer go on with silence alone, ahead of the clock at first."""
        if self.open and self.world.version != "5.1" and any("anullsrc" in word for word in self.argv):
            self.tick(self.world.agenda.now)
            self._ran_out = self.media
            self.media += _RUNS_AHEAD
            return
        self.fail(self._say(ExitCause.SOURCE_ENDED, "file"))

    def _tell_parameters(self) -> None:
        """With the first two keyframes alone: what those after them tell is the same, and costs."""
        taps = self.world.wires.taps
        for port, sender in self.sends.items():
            if port in taps and not self.trouble:
                taps[port].send(sender, self.world.parameters(self.key.stream))

    def source_changed(self) -> None:
        """A fault of its source has begun or ended."""
        now = self.world.agenda.now
        if not self.open or self.trouble or self.stopped:
            return
        if self.source.has("source_gone"):
            if self.world.chance.random() < 0.5:
                self.later(0.1, lambda: self._lost("source_gone"))
            else:
                self._fall_silent(now)
        elif self.source.has("source_refused"):
            self.later(0.1, lambda: self.fail(self._say(ExitCause.SOURCE_REFUSED, self.source.kind)))
        elif self.source.has("source_ended"):
            self.later(0.1, self._read_to_end)
        elif self.source.has("source_silent"):
            self._fall_silent(now)

    def _lost(self, kind: str) -> None:
        if self.source.has(kind):
            self.fail(self._say(ExitCause.SOURCE_UNREACHABLE, self.source.kind))

    def _fall_silent(self, now: float) -> None:
        if self._silent_since is not None:
            return
        self._silent_since = now
        self.later(self.world.read_timeout(self.key.stream), lambda: self._timed_out(now))

    def _timed_out(self, since: float) -> None:
        if self._silent_since == since and not self.trouble:
            self.fail(self._say(ExitCause.SOURCE_UNREACHABLE, self.source.kind))

    def tick(self, now: float, *, as_read: bool = False) -> None:
        super().tick(now, as_read=as_read)
        if self._looked_at and self.reading and (wire := self.world.wires.reports.get(self._looked_at)):
            picture = self.source.picture
            bright = _BLACK if picture.has("picture_black") else _BRIGHT
            moves = 0.0 if picture.has("picture_black", "picture_frozen") else _MOVES
            wire.leave(self.pid, b"lavfi.signalstats.YHIGH=%f" % bright)
            wire.leave(self.pid, b"lavfi.signalstats.YDIF=%f" % moves)

    @property
    def reading(self) -> bool:
        """Media comes in and goes out."""
        able = self.open and not self.trouble and not self.stopped and self.ended is None and self._ran_out is None
        return able and (self.source.well or not self.source.has("source_silent", "source_gone"))

    @property
    def calm(self) -> bool:
        return self.reading

    @property
    def blocked(self) -> bool:
        return not self.reading

    @property
    def reports(self) -> bool:
        # FFmpeg 5 reports from the loop that waits for its input.
        return self.open and (self._silent_since is None or self.world.version != "5.1")

    @property
    def pictured(self) -> float:
        return self.media if self._ran_out is None else self._ran_out

    def flow(self, now: float) -> None:
        if now == self._at and self.source.well:
            return  # its pushers ask, too
        if self.reading:
            self._silent_since = None
            self.media += now - self._at
        elif self._ran_out is not None:
            self.media += now - self._at
        elif self.open and self._silent_since is None and self.source.has("source_silent", "source_gone"):
            self._fall_silent(now)
        self._at = now


class Stray(Process):
    """What nobody of neverdark's waits for, and what carries its mark: left behind by a run that is over."""

    @property
    def reports(self) -> bool:
        return False

    def flow(self, now: float) -> None:
        pass


_OF_SOURCE = frozenset({ExitCause.SOURCE_ENDED, ExitCause.SOURCE_REFUSED, ExitCause.SOURCE_UNREACHABLE})
PARAMETERS = Parameters(frozenset({b"\x67\x42\xc0\x1e\xda\x02\x80\xbf\xe5\x80", b"\x68\xce\x3c\x80"}))
