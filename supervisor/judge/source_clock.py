"""Whether what an encoder reads has ended, or its clock has jumped. Pure; times are monotonic seconds, passed in.

**Back.** A publisher behind a relay comes back and counts from 0, and FFmpeg goes on as if nothing were. What it copies
it gives the next possible time stamp, packet for packet, and says so; what it encodes it throws away until the new
clock has passed the old one, and counts that. Both last for as long as the source had run before.

**Forward.** By more than our silence may run ahead of the clock (`ffmpeg.codecs`): the picture waits for silence that
comes in real time. Seen as media time that leaps, and soon after stands still.

**The end.** FFmpeg 6 and newer do not end while there is silence to send: freed from the picture it runs ahead of the
clock as far as it may, within half a second, and then goes on with the clock. While the source is only late, or hangs,
silence waits for the picture and nothing moves.
"""

from __future__ import annotations

import re

from supervisor.model.terms import Cause, ExitCause, Report, Trouble

# FFmpeg 5 names the track as `0:0`, 6 and newer as `vost#0:0`; the numbers are in a unit that nobody tells.
_SET_FORWARD = re.compile(
    rb"(?:output stream 0:0|vost#0:0)[^;]{0,80}; previous: (-?\d{1,19}), current: (-?\d{1,19});"
).search
_SAYS = b"Non-monoton"
_LEAST_GAP = 10  # of any unit; a source that stumbles is out of order by one or two
_PROVEN = 20  # packets in a row
_THROWN_AWAY = 12  # frames, while none is encoded
_PAUSE = 1.0
_RUN_AHEAD = 8.0  # seconds of media, more than have passed, without a frame
_LEAP = 30.0  # seconds of media from one report to the next, beyond what its frames account for
_SLOWEST_FRAME = 0.5  # seconds; of a source that is known to be slower, twice what its frames last
_LEAP_TELLS = 6.0  # seconds; what stands still later does so for another reason
_GOES_ON = 0.2  # seconds of media from one report to the next


class SourceClock:
    """Watches one encoder's runs."""

    def __init__(self) -> None:
        self.begin_run(0.0)

    def begin_run(self, now: float, *, seen: bool = True) -> None:
        """Another run, another clock. One that was not `seen` from its start is known from its next report on."""
        self._seen = seen
        self._row, self._latest = 0, 0.0
        self._frames = self._dropped = 0
        self._media, self._moved = 0.0, now  # as the last frames were told
        self._leapt: float | None = None  # when media time last leapt
        self._stood: float | None = None  # the media time of the first report without frames after that

    def heed(self, line: bytes, now: float) -> bool:
        """Look at a line of FFmpeg's; True when it proves that the clock went back."""
        if _SAYS not in line or not (found := _SET_FORWARD(line)):
            return False
        if int(found[1]) - int(found[2]) < _LEAST_GAP:
            return False
        self._row = self._row + 1 if now - self._latest < _PAUSE else 1
        self._latest = now
        return self._row == _PROVEN

    def report(self, report: Report, now: float) -> Cause | None:
        """Look at a report; returns what it proves: that the clock jumped, either way, or that the source ended."""
        frames, media = report.frames, report.media_seconds or 0.0
        if frames is None or frames > self._frames or not self._seen:
            if self._seen and media - self._media > _LEAP and self._leaps(frames or 0, media):
                self._leapt = now
            self._seen = True
            self._frames, self._dropped = frames or 0, report.dropped_frames
            self._media, self._moved, self._stood = media, now, None
            return None
        if report.dropped_frames - self._dropped >= _THROWN_AWAY:
            return Trouble.CLOCK_JUMPED
        # Before the first frame, sound may also come in a burst of the source's own.
        if media - self._media - (now - self._moved) >= (_RUN_AHEAD if self._frames else _LEAP):
            return ExitCause.SOURCE_ENDED
        return self._after_a_leap(media, now) if self._leapt is not None else None

    def _leaps(self, frames: int, media: float) -> bool:
        """Whether it is no burst: a source may deliver minutes at once, with all their frames."""
        usual = 2 * self._media / self._frames if self._frames else 0.0
        explained = (frames - self._frames) * max(_SLOWEST_FRAME, usual)
        return media - self._media - explained > _LEAP

    def _after_a_leap(self, media: float, now: float) -> Cause | None:
        assert self._leapt is not None
        if now - self._leapt > _LEAP_TELLS:
            return None
        if self._stood is None:
            self._stood = media
            return None
        return ExitCause.SOURCE_ENDED if media - self._stood > _GOES_ON else Trouble.CLOCK_JUMPED
