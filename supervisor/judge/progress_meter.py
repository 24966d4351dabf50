"""Sums the progress of a process over its runs. Pure, and the hottest path of all.

FFmpeg's own counts start anew with each run and its `speed=` is an average over a whole run; these totals never
fall, and the speed is that of the last few seconds.
"""

from __future__ import annotations

from supervisor.model.snapshot import ProgressTotals
from supervisor.model.terms import Report

_SPEED_WINDOW = 5.0
_STALE_SPEED = 15.0
_MOST_FED_AT_ONCE = 5.0
# Media time that goes on by less is none: after a jump of its source's clock, FFmpeg copies each packet to the next
# possible time stamp, 11 µs behind the one before. A frame of the quickest camera lasts 4 ms.
_LEAST_ADVANCE = 0.003


class ProgressMeter:
    """Totals of one process. `video` says that frames must come: sound alone is then no progress."""

    __slots__ = (
        "_anchor_media",
        "_anchor_time",
        "_at_advance",
        "_bytes",
        "_dropped",
        "_duplicated",
        "_fed_media",
        "_fed_time",
        "_frames",
        "_media",
        "_run_bytes",
        "_run_dropped",
        "_run_duplicated",
        "_run_frames",
        "_run_media",
        "_speed",
        "_video",
        "fed_seconds",
        "last_advance",
        "last_advance_wall",
        "latest_advance",
    )

    def __init__(self, *, video: bool) -> None:
        self._video = video
        self._frames = self._dropped = self._duplicated = self._bytes = 0
        self._media = 0.0
        self.last_advance: float | None = None  # monotonic, of this run
        self.latest_advance: float | None = None  # monotonic, of any run
        self.last_advance_wall: float | None = None  # likewise, wall clock
        self.fed_seconds = 0.0  # media delivered by all runs, as far as whoever is fed can be held to account for it
        self.begin_run()

    def go_on(self, frames: int, dropped: int, duplicated: int, size: int, media: float) -> None:
        """The runs before this one, which an earlier neverdark has seen, had made so much."""
        self._frames, self._dropped, self._duplicated, self._bytes, self._media = (
            frames,
            dropped,
            duplicated,
            size,
            media,
        )

    def begin_run(self) -> None:
        """The next report counts from zero."""
        self._run_frames = self._run_dropped = self._run_duplicated = self._run_bytes = 0
        self._run_media = 0.0
        self._at_advance = 0.0  # media time at the last advance
        self._speed: float | None = None
        self._anchor_time: float | None = None
        self._anchor_media = 0.0
        self._fed_time: float | None = None
        self._fed_media = 0.0
        self.last_advance = None

    def update(self, report: Report, now: float, wall: float) -> bool:
        """Take a report in; True when it shows an ADVANCE. That a report came proves nothing."""
        frames, media, size, dropped, duplicated, _ = report
        advanced = False
        if frames is not None and frames > self._run_frames:
            advanced = True
            self._frames += frames - self._run_frames
            self._run_frames = frames
        if media is not None and media > self._run_media:
            self._media += media - self._run_media
            self._run_media = media
            advanced = advanced or not self._video
        if advanced and media:  # who tells no media time is believed without it
            advanced = self._run_media - self._at_advance >= _LEAST_ADVANCE
        if size is not None and size > self._run_bytes:
            self._bytes += size - self._run_bytes
            self._run_bytes = size
        if dropped > self._run_dropped:
            self._dropped += dropped - self._run_dropped
            self._run_dropped = dropped
        if duplicated > self._run_duplicated:
            self._duplicated += duplicated - self._run_duplicated
            self._run_duplicated = duplicated
        if advanced:
            self._at_advance = self._run_media
            self.last_advance = self.latest_advance = now
            self.last_advance_wall = wall
            if self._anchor_time is None or now - self._anchor_time >= _SPEED_WINDOW:
                self._measure_speed(now)
            self._feed(now)
        return advanced

    @property
    def sums(self) -> tuple[int, int, int, int, float]:
        """Frames, dropped and duplicated frames, bytes and media seconds of all runs."""
        return self._frames, self._dropped, self._duplicated, self._bytes, self._media

    @property
    def media_seconds(self) -> float:
        """Media seconds of all runs."""
        return self._media

    @property
    def frame_rate(self) -> float | None:
        """Frames for each media second of all runs; None while nothing tells."""
        return self._frames / self._media if self._frames and self._media else None

    @property
    def bytes_per_second(self) -> float:
        """Bytes of media for each media second of this run; 0 while nothing tells."""
        return self._run_bytes / self._run_media if self._run_media else 0.0

    @property
    def run_media(self) -> float:
        """Media seconds of this run."""
        return self._run_media

    def _feed(self, now: float) -> None:
        """Count what was delivered since the advance before, a burst as far as it is one.

        A source may come in bursts (HLS does), with whole segments of silence between them. What it did not deliver,
        because it stood still and jumped, is nobody's to send.
        """
        if self._fed_time is not None:
            delivered = self._run_media - self._fed_media
            self.fed_seconds += max(0.0, min(delivered, now - self._fed_time, _MOST_FED_AT_ONCE))
        self._fed_time, self._fed_media = now, self._run_media

    def _measure_speed(self, now: float) -> None:
        if self._anchor_time is not None:
            self._speed = (self._run_media - self._anchor_media) / (now - self._anchor_time)
        self._anchor_time, self._anchor_media = now, self._run_media

    def totals(self, now: float) -> ProgressTotals:
        """The sums so far; a speed is told while it is fresh."""
        fresh = self.last_advance is not None and now - self.last_advance < _STALE_SPEED
        return ProgressTotals(
            self._frames,
            self._dropped,
            self._duplicated,
            self._bytes,
            self._media,
            self._speed if fresh else None,
            self.last_advance_wall,
        )
