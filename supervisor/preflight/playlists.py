"""Whether a list has tracks, and whether the first of them can be decoded. IO; for `check`, which has the time."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from supervisor.config.problems import ConfigWarning, Problem
from supervisor.config.shape import Source
from supervisor.machine.ffmpeg_binary import Binary, attempt
from supervisor.player.tracks import SOUNDS, tracks_of

_TRIED: Final = 5
_TIMEOUT: Final = 2.0  # seconds for each: a tenth of one on an idle machine
_LONGEST_NAME: Final = 60


def look_at_list(place: str, source: Source, binary: Binary) -> Problem | ConfigWarning | None:
    """What is wrong with the list at `place`."""
    places = [str(one) for one in source.playlist or ()]
    tracks = tracks_of(places)
    if not tracks:
        known = ", ".join(SOUNDS)
        said = f"expected at least one track: a file whose name ends with one of {known}"
        return Problem(f"{place}.playlist", None, said)
    bad = [_shown(path) for path, _ in tracks[:_TRIED] if not _has_sound(path, binary)]
    if not bad:
        return None
    tried = min(_TRIED, len(tracks))
    said = f"of the first {tried} tracks, {len(bad)} have no sound that can be decoded and are skipped: "
    return ConfigWarning(f"{place}.playlist", said + ", ".join(bad))


def _has_sound(path: str, binary: Binary) -> bool:
    reading = ("-protocol_whitelist", "file,pipe", "-i", f"file:{path}")
    some = ("-map", "0:a:0", "-t", "0.5", "-f", "null", "-")
    try:
        said = attempt(binary, ("-xerror", *reading, *some), _TIMEOUT)
    except (OSError, ValueError, subprocess.SubprocessError):
        return False
    return said.returncode == 0


def _shown(path: str) -> str:
    name = Path(path).name[-_LONGEST_NAME:]
    return "".join(sign if sign.isprintable() else "?" for sign in name)
