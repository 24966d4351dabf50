"""What FFmpeg says of what it reads while it opens it: its format, its tracks, its frame rate. Pure.

An encoder speaks at `info` for the sake of these lines alone; nobody else gets to see them.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from supervisor.ffmpeg.parameters import Colours, Picture

# The filter graph prints this when the first frame has set it up: until then no picture was decoded.
PICTURE_MARK = 7770001
INFO = 32  # FFmpeg's number for that level

_LINE = re.compile(rb"(?:\[[^\]\[]{1,80}\] )?\[info\] (.{0,1000})", re.DOTALL).match
_INPUT = re.compile(rb"Input #0, ([\w,]{1,80}), from ").match
_TRACK = re.compile(rb"  Stream #0:\d{1,4}[^ ]{0,60}: (Audio|Video): ").match
_RATE = re.compile(rb", (\d{1,6}(?:\.\d{1,4})?) fps\b").search
_MARK = b"%d.000000" % PICTURE_MARK
_REPEATED = b"Last message repeated"
# The source is there and sends; what came cannot be decoded before a keyframe comes.
_UNDECODED = (b"no frame!", b"non-existing PPS", b"PPS id out of range")


class Traits(NamedTuple):
    """What is known of a source by what the runs of its encoder have found out.

    `picture`: what the first run made. `silent`: sound is declared and does not come. `untimed`: frames come without
    time stamps. `rate`: frames a second, where they are few.
    """

    picture: Picture | None = None
    silent: bool = False
    untimed: bool = False
    rate: float | None = None


NOTHING_KNOWN = Traits()


def remembered(traits: Any) -> Traits:
    """Traits that were written down as JSON; of what is something else, nothing is known."""
    try:
        picture, silent, untimed, rate = traits
        shown = None
        if picture:
            width, height, fps, square, *more = picture
            fps = None if fps is None else float(fps)
            shown = Picture(int(width), int(height), fps, bool(square), _colours(*more))
        return Traits(shown, bool(silent), bool(untimed), None if rate is None else float(rate))
    except (TypeError, ValueError):
        return NOTHING_KNOWN


def _colours(told: Any = ()) -> Colours:
    full, *numbers = told or (False,)
    return Colours(bool(full), *map(int, numbers))


class Opening:
    """One run's words. Whoever serves the source may have written some of them: they are believed, not relied on."""

    def __init__(self) -> None:
        self.format = ""  # of the source; empty: not known yet
        self.described = False  # all that is said of the source has been said
        self.sound = False  # it declares some
        self.rate: float | None = None  # frames a second, where FFmpeg tells
        self.picture = False  # a frame was decoded
        self.output = False  # every track that goes out has begun
        self.undecoded = False  # the latest line says that what comes cannot be decoded yet
        self._in_source = False
        self._was_ours = False

    def heed(self, line: bytes) -> bool:
        """Look at a line; True when it is of those that are not for people."""
        found = _LINE(line) if b"[info]" in line else None
        if found is None:
            self.undecoded = any(words in line for words in _UNDECODED)
            return self._was_ours and _REPEATED in line
        self._was_ours = True
        self._note(found[1])
        return True

    def _note(self, words: bytes) -> None:
        if words.startswith(b"Input #"):
            self._leave_source()
            if found := _INPUT(words):
                self.format, self._in_source = found[1].decode(), True
        elif self._in_source and (track := _TRACK(words)):
            if track[1] == b"Audio":
                self.sound = True
            elif self.rate is None and (rate := _RATE(words)):
                self.rate = float(rate[1])
        elif words.startswith(b"Stream mapping:"):
            self._leave_source()
        elif words.startswith(b"Output #0"):
            self.output = True
        elif words.startswith(_MARK):
            self.picture = True

    def _leave_source(self) -> None:
        self.described = self.described or self._in_source
        self._in_source = False
