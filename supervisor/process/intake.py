"""The way through one pusher: what it is given, how far it is behind, and how its tracks leave it."""

from __future__ import annotations

import re

from supervisor.ffmpeg.parameters import Parameters
from supervisor.judge.av_offset import AvOffset
from supervisor.judge.media_backlog import MediaBacklog
from supervisor.judge.progress_meter import ProgressMeter
from supervisor.machine.media_links import MediaLink

# As the time stamps are printed that `ffmpeg.destinations` asks for.
_STAMP = re.compile(rb"(?:\[Eval @ 0x[0-9a-f]{1,16}\] )?\[warning\] (-?\d{1,12}\.\d{6})\r?").fullmatch
_LONGEST_STAMP = 80
_OVERRUN = b"Circular buffer overrun"
_STALE_AFTER = 1.0  # media that has waited longer is not what a new run should begin with


class Intake:
    """Lives with the place of one pusher, through all of its runs."""

    def __init__(self, link: MediaLink) -> None:
        self.link = link
        self.announced: Parameters | None = None  # what this run's connection has been told, as far as it is known
        self.overruns = 0  # how often media was thrown away because the pusher did not take it
        self._offset = AvOffset()
        self._backlog = MediaBacklog()
        self._drops = link.drops
        self._idle_since: float | None = None  # nobody reads the link
        self._empty_first = False

    @property
    def drops(self) -> int:
        """Datagrams that were thrown away so far."""
        return self.link.drops

    def offset(self, now: float) -> float | None:
        """Seconds by which the sound leaves ahead of the picture."""
        return self._offset.seconds(now)

    def sounds(self, now: float) -> bool | None:
        """Whether sound leaves beside the picture; None while that is not known."""
        return self._offset.sounds(now)

    @property
    def behind(self) -> float:
        """Media seconds that wait inside and in front of the pusher."""
        return self._backlog.seconds

    # --- runs --------------------------------------------------------------------------------------

    def begin_run(self, now: float, current: Parameters | None) -> None:
        """A run is about to be started; `current` is what the encoder sends, or sent last."""
        idle = now - self._idle_since if self._idle_since is not None else 0.0
        empty = self._empty_first or idle > _STALE_AFTER
        if empty:
            self.link.empty()
        self.link.read(by_somebody=True)
        self.announced = None if empty and self.link.sender is None else current
        self._idle_since, self._empty_first = None, False
        self._drops = self.link.drops
        self._offset.begin_run()
        self._backlog.begin_run()

    def go_on(self, sender: int | None) -> None:
        """A run is taken over; its media comes from this port of an encoder that is, too, or there is none."""
        self.link.go_on(sender)

    def await_next_run(self) -> None:
        """Begin with what the encoder's next run sends: that one counts time anew, and this one's would come first."""
        self.link.send_from(None)
        self.link.empty()
        self.announced = None

    def ended(self, now: float, *, replaced: bool) -> None:
        """A run is over; `replaced`: the next one is there already."""
        if not replaced and self._idle_since is None:
            self._idle_since = now
            self.link.read(by_somebody=False)

    def forget_feeder(self) -> None:
        """Another one counts what comes in from now on; what waits already still does."""
        self._backlog.go_on()

    def drop_backlog(self) -> None:
        """The next run is to begin with what comes then."""
        self._empty_first = True

    # --- what is seen ------------------------------------------------------------------------------

    def heed(self, line: bytes, now: float) -> bool:
        """Look at a line of the pusher's; True when it was meant for us and for nobody else."""
        if len(line) <= _LONGEST_STAMP and (stamp := _STAMP(line)):
            self._offset.stamp(float(stamp[1]), now)
            return True
        self.overruns += _OVERRUN in line
        return False

    def weigh(self, feeder: ProgressMeter, own: ProgressMeter, now: float) -> float:
        """Called every second while a run advances; returns `behind`."""
        drops = self.link.drops
        if drops != self._drops:
            self.overruns += drops > self._drops
            self._drops = drops
        if own.last_advance is None:
            return self._backlog.seconds
        return self._backlog.weigh(feeder.fed_seconds, own.media_seconds, now)
