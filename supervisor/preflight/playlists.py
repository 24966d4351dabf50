"""Whether a list has tracks, and whether the first of them can be decoded. IO; for `check`, which has the time."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from supervisor.config.problems import ConfigWarning, Problem
from supervisor.config.shape import Source
from supervisor.machine.ffmpeg_binary import Binary, attempt
from supervisor.player.tracks import SOUNDS, VIDEOS, tracks_of

_TRIED: Final = 5
_TIMEOUT: Final = 2.0  # seconds for each: a tenth of one on an idle machine
_LONGEST_NAME: Final = 60


def look_at_list(place: str, source: Source, binary: Binary, *, videos: bool) -> Problem | ConfigWarning | None:
    """What is wrong with the list at `place`, of videos or of sounds."""
    places, kinds = [str(one) for one in source.playlist or ()], VIDEOS if videos else SOUNDS
    tracks = tracks_of(places, kinds)
    if not tracks:
        known = ", ".join(kinds)
        said = f"expected at least one track: a file whose name ends with one of {known}"
        if videos and tracks_of(places):
            said = "expected videos, but these are sounds: with video: {generate: waveform} they get a picture"
        return Problem(f"{place}.playlist", None, said)
    part, what = ("0:V:0", "picture") if videos else ("0:a:0", "sound")
    bad = [_shown(path) for path, _ in tracks[:_TRIED] if not _has(part, path, binary)]
    if not bad:
        return None
    tried = min(_TRIED, len(tracks))
    said = f"of the first {tried} tracks, {len(bad)} have no {what} that can be decoded and are skipped: "
    return ConfigWarning(f"{place}.playlist", said + ", ".join(bad))


def _has(part: str, path: str, binary: Binary) -> bool:
    reading = ("-protocol_whitelist", "file,pipe", "-i", f"file:{path}")
    some = ("-map", part, "-t", "0.5", "-f", "null", "-")
    try:
        said = attempt(binary, ("-xerror", *reading, *some), _TIMEOUT)
    except (OSError, ValueError, subprocess.SubprocessError):
        return False
    return said.returncode == 0


def _shown(path: str) -> str:
    name = Path(path).name[-_LONGEST_NAME:]
    return "".join(sign if sign.isprintable() else "?" for sign in name)
