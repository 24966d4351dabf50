"""What the runs of an encoder find out about its source, so that the next run is made for it. Pure.

FFmpeg begins with its output when every track has begun: a camera that declares sound and sends none would never be on
air. What is found is kept for as long as the stream is configured as it is: only the first run pays for it. Times are
monotonic seconds, passed in.
"""

from __future__ import annotations

from typing import NamedTuple

from supervisor.ffmpeg.opening import Opening, Traits
from supervisor.ffmpeg.parameters import Picture

SILENCE = "declares sound and sends none: silence takes its place"

# How long sound may come later than the picture: the probe of FFmpeg has waited for both by then.
_SOUND_WAIT = 4.0
# The same, counted from the probe, where the picture is copied and nobody sees its first frame: it may be far off.
_SOUND_WAIT_COPIED = 12.0
# Trying whether the sound is back costs some ten seconds of picture where it is not.
_TRY_AGAIN = (60.0, 600.0, 3600.0, 21600.0, 86400.0)
_FORGOTTEN = 2 * 86400.0  # who was heard for so long begins at the first again

_FEW_FRAMES = 5.0  # a second; below this, what FFmpeg and x264 want to see first takes too long
_FEWEST_FRAMES = 0.2  # assumed where frames are few and nobody tells how few
_FRAMES_WAIT = 8.0
_LONGEST_START = 120.0
_FRAMES_TO_START = 12.0
_KEYFRAME_WAIT = 90.0
_STILL_COMES = 15.0
_LONGEST_GAP = 60.0
_GAPS = 2.5

_UNTIMED_FORMATS = frozenset({"mjpeg", "mpjpeg"})


class Learned(NamedTuple):
    """Something is known now: in words, and whether the run that goes on is the wrong one."""

    words: str
    replace: bool


class SourceWatch:
    """Watches the runs of one encoder. `sound`: the source's is used if there is any; `copied`: its picture is."""

    def __init__(self, *, sound: bool, copied: bool) -> None:
        self.traits = Traits()
        self._sound, self._copied = sound, copied
        self._trying = False  # this is a run that tries whether the sound is back
        self._tries = 0
        self._silent_since = 0.0
        self.settled = False  # until its run says more, `look` will find nothing
        self.begin_run()

    def begin_run(self) -> None:
        """A new run opens the source anew."""
        self._opening = Opening()
        self._ready: float | None = None  # when the picture was there; copied: when the source was described
        self._undecoded = float("-inf")
        self._due = self.settled = False

    def hope(self) -> None:
        """Somebody wants it to begin afresh: its sound may be there again."""
        self.traits = self.traits._replace(silent=False)
        self._trying, self._tries = False, 0
        self.settled = False

    def heed(self, line: bytes, now: float) -> bool:
        """Look at a line of FFmpeg's; True when it is not for people."""
        opening = self._opening
        self.settled = False
        described = opening.described
        ours = opening.heed(line)
        if opening.undecoded:
            self._undecoded = now
        if self._ready is None and (opening.described if self._copied else opening.picture):
            self._ready = now
        self._due = self._due or opening.described > described
        return ours

    def see(self, picture: Picture) -> None:
        """What the picture is, told by the media that is made of it."""
        self.traits = self.traits._replace(picture=picture)

    @property
    def opened(self) -> bool:
        """This run's source is there, and FFmpeg has seen what it is."""
        return bool(self._opening.format)

    @property
    def due(self) -> bool:
        """Whether something may have to be done at once; asking forgets it."""
        due, self._due = self._due, False
        return due

    @property
    def note(self) -> str | None:
        """What its owner should know, for as long as it lasts."""
        return SILENCE if self.traits.silent or self._trying else None

    def look(self, now: float, *, advanced: bool) -> Learned | None:
        """What is known now that was not; `advanced`: this run has sent media."""
        opening, traits = self._opening, self.traits
        if opening.format in _UNTIMED_FORMATS and not traits.untimed:
            self.traits = traits._replace(untimed=True)
            return Learned("its frames have no time stamps: they get the time of their arrival", replace=True)
        if traits.rate is None and (rate := self._few(now, advanced=advanced)):
            self.traits = traits._replace(rate=rate)
            return Learned("sends few frames: they are repeated, and more time is given", replace=True)
        if traits.silent:
            return self._try_again(now) if advanced else None
        if self._trying and opening.output:
            self._trying = False
            return Learned("its sound is used again", replace=False)
        lacks_sound = self._sound and opening.sound and not opening.output
        if lacks_sound and self._waited(now, self._sound_wait):
            return self._take_silence(now)
        self.settled = advanced and not lacks_sound
        return None

    def _few(self, now: float, *, advanced: bool) -> float | None:
        """How many frames come in a second, if they are few."""
        opening = self._opening
        if not opening.described:
            return None
        if opening.rate is not None:
            return opening.rate if 0 < opening.rate < _FEW_FRAMES else None
        stuck = opening.output and not advanced and self._waited(now, _FRAMES_WAIT)
        return _FEWEST_FRAMES if stuck else None

    @property
    def _sound_wait(self) -> float:
        gap = 1 / self.traits.rate if self.traits.rate else 0.0
        return (_SOUND_WAIT_COPIED if self._copied else _SOUND_WAIT) + gap

    def _waited(self, now: float, seconds: float) -> bool:
        return self._ready is not None and now - self._ready >= seconds

    def _take_silence(self, now: float) -> Learned:
        if now - self._silent_since > _FORGOTTEN and not self._trying:
            self._tries = 0
        self.traits = self.traits._replace(silent=True)
        self._trying, self._silent_since = False, now
        return Learned(SILENCE, replace=True)

    def _try_again(self, now: float) -> Learned | None:
        if now - self._silent_since < _TRY_AGAIN[min(self._tries, len(_TRY_AGAIN) - 1)]:
            return None
        self._tries += 1
        self._trying = True
        self.traits = self.traits._replace(silent=False)
        return Learned("it is tried whether its sound is back", replace=True)

    # --- time --------------------------------------------------------------------------------------

    @property
    def usual_gap(self) -> float:
        """Seconds between two frames that are usual, with some room; 0 for a source that sends many."""
        return min(_LONGEST_GAP, _GAPS / self.traits.rate) if self.traits.rate else 0.0

    def patience(self, now: float) -> float:
        """Seconds that a start may take longer."""
        if self.traits.rate:
            return min(_LONGEST_START, _FRAMES_TO_START / self.traits.rate)
        waits = not self._opening.described and now - self._undecoded < _STILL_COMES
        return _KEYFRAME_WAIT if waits else 0.0
