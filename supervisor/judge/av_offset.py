"""How far sound and picture are apart where they leave a pusher. Pure; times are monotonic seconds, passed in.

The pusher prints the time stamp of every so many packets (`ffmpeg.destinations`). FFmpeg 5 has the unit of some muxers
wrong there; but the picture goes on about a second a second, so what goes on a ninetieth as fast is a ninetieth.
"""

from __future__ import annotations

from typing import NamedTuple

from supervisor.ffmpeg.destinations import AUDIO_BASE

_WRONG_UNIT = 90.0
_WRONG_BELOW = 0.1  # seconds a second
_WIDE_ENOUGH = 0.5  # seconds between two stamps, to tell how fast they go on
_STALE = 10.0  # a track that has not been heard for so long says nothing of now, nor of how fast it goes on


class _Stamp(NamedTuple):
    value: float
    at: float


class AvOffset:
    """The offset of one pusher's output."""

    def __init__(self) -> None:
        self.begin_run()

    def begin_run(self) -> None:
        """Another run counts from zero."""
        self._video: _Stamp | None = None
        self._audio: _Stamp | None = None
        self._unit: float | None = None
        self._began: float | None = None  # when the picture did

    def stamp(self, value: float, now: float) -> None:
        """Take a time stamp that was printed."""
        if value >= AUDIO_BASE / 2:
            self._audio = _Stamp(value - AUDIO_BASE, now)
            return
        before, self._video = self._video, _Stamp(value, now)
        self._began = now if self._began is None else self._began
        if before is not None and _WIDE_ENOUGH <= now - before.at <= _STALE and value > before.value:
            self._unit = _WRONG_UNIT if (value - before.value) / (now - before.at) < _WRONG_BELOW else 1.0

    def sounds(self, now: float) -> bool | None:
        """Whether sound leaves beside the picture; None while no picture does, or it has just begun."""
        if self._audio is not None and now - self._audio.at <= _STALE:
            return True
        if self._video is None or self._began is None or now - self._video.at > _STALE:
            return None
        return None if now - self._began <= _STALE else False

    def seconds(self, now: float) -> float | None:
        """By how much the sound is ahead of the picture; None while that is not known."""
        if self._video is None or self._audio is None or self._unit is None:
            return None
        if now - min(self._video.at, self._audio.at) > _STALE:
            return None
        apart = (self._audio.value - self._video.value) * self._unit
        return apart - (self._audio.at - self._video.at)
