r"""What an encoder tells of its picture and sound: side branches of its own filters, that end nowhere. Pure.

A branch takes one frame a second, makes it small and measures it. What was measured leaves as datagrams of two lines'
worth, `frame:…` and `KEY=VALUE`: nobody who does not listen can hold up the encoder. Values, and not the edges of
`blackdetect` and `freezedetect`: an edge can be lost, and of who begins to listen in between nobody knows anything.

The frame is chosen by `select` and not by `fps`, which repeats a frame for every second that a source is late: a clock
that jumps by a day would be a day's worth of pictures at once, all of them the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from supervisor.model.content import OF_SOUND, ContentPolicy, Level

# Stands in a command line for the port that is known when a run begins.
CONTENT_PORT: Final = "{neverdark-content-port}"

# Full scale is not the same for all sources: `out_range` makes black 16 and white 235.
_BLACK, _WHITE = 16, 235
_EACH_SECOND: Final = r"select='isnan(prev_selected_t)+gte(abs(t-prev_selected_t),0.99)'"
_SMALL: Final = (
    "scale=160:-2:flags=area:out_range=tv",
    "format=yuv420p",
    "signalstats",
)
_RATE: Final = 48_000
_LOUDNESS: Final = "astats=metadata=1:reset=1:measure_perchannel=none:measure_overall=RMS_level+Peak_level"
_OWN: Final = "neverdark.own_sound"

_OF_PICTURE: Final[Mapping[str, Level]] = {
    "lavfi.signalstats.YAVG": Level.LUMA,
    "lavfi.signalstats.YHIGH": Level.BRIGHT,
    "lavfi.signalstats.YDIF": Level.DIFFERENCE,
}
_OF_SOUND: Final[Mapping[str, Level]] = {
    "lavfi.astats.Overall.RMS_level": Level.SOUND,
    "lavfi.astats.Overall.Peak_level": Level.PEAK,
    _OWN: Level.OWN_SOUND,
}
# The same for a few seconds of media in a file: all values at once, to the standard output.
_PRINTED: Final = "metadata=mode=print:file=-:direct=1"
SAMPLED_PICTURE: Final = ",".join((*_SMALL, _PRINTED))
SAMPLED_SOUND: Final = ",".join((f"aresample={_RATE}", f"asetnsamples={_RATE}:p=0", _LOUDNESS, f"a{_PRINTED}"))

_LEVELS: Final = {**_OF_PICTURE, **_OF_SOUND}
_LONGEST: Final = 80
_LINE = re.compile(rb"([A-Za-z._]{1,40})=(-?(?:\d{1,9}(?:\.\d{1,9})?(?:e-\d{1,3})?|inf))\n?").fullmatch
_SILENCE: Final = -120.0  # dB: no sound at all, which is infinitely far below


class Reading(NamedTuple):
    """One value: luma and difference as shares, sound in dB."""

    level: Level
    value: float


def of_picture(policy: ContentPolicy | None) -> list[str]:
    """What is to stand before the encoder's own filters of its picture; empty for nothing to look at."""
    if policy is None or policy.bounds.keys() <= OF_SOUND:
        return []
    return [f"split[seen][shown];[seen]{_chain(_EACH_SECOND, *_SMALL, *map(_told, _OF_PICTURE))},nullsink;[shown]null"]


def of_sound(policy: ContentPolicy | None, sounds: Sequence[str]) -> list[str]:
    """Return the options that filter the sound, which is to be encoded; empty for nothing to listen to.

    `sounds` are its maps, the source's first: one that ends with `?` may be missing, and then the first track is a
    silence of ours, and there is no second.
    """
    if policy is None or not sounds or policy.bounds.keys().isdisjoint(OF_SOUND):
        return []
    measured = [_LOUDNESS, *(_told(key, "a") for key in _OF_SOUND if key != _OWN)]
    proof = [f"ametadata=mode=add:key={_OWN}:value=1", _told(_OWN, "a")]
    if sounds[0].endswith("?") and sounds[1:]:
        return ["-filter:a:0", _heard(*measured), "-filter:a:1", _heard(*proof)]
    return ["-filter:a:0", _heard(*measured, *proof)]


def _heard(*filters: str) -> str:
    """A branch that ends nowhere, with a second of sound at a time, whatever rate the source has."""
    branch = _chain(f"asetnsamples={_RATE}", *filters, "anullsink")
    return f"aresample={_RATE},asplit[heard][sent];[heard]{branch};[sent]anull"


def _told(key: str, sound: str = "") -> str:
    """Each value by a filter of its own: one alone would tell all of them."""
    return rf"{sound}metadata=mode=print:key={key}:file=udp\\://127.0.0.1\\:{CONTENT_PORT}:direct=1"


def _chain(*filters: str) -> str:
    return ",".join(filters)


def parse(datagram: bytes) -> Reading | None:
    """What a datagram tells; None for what is none of these values."""
    if len(datagram) > _LONGEST or not (told := _LINE(datagram)):
        return None
    if (level := _LEVELS.get(told[1].decode())) is None:
        return None
    value = float(told[2])
    match level:
        case Level.LUMA | Level.BRIGHT:
            value = (value - _BLACK) / (_WHITE - _BLACK)
        case Level.DIFFERENCE:
            value = abs(value) / (_WHITE - _BLACK)
        case Level.SOUND | Level.PEAK:
            value = max(_SILENCE, value)
        case Level.OWN_SOUND:
            pass
    return Reading(level, value) if math.isfinite(value) else None
