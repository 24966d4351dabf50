"""Which tracks a list has, and which of them comes next. IO: folders, list files, the note of what was played last.

The standard library alone, and little of it: this lives beside every encoder that plays a list.
"""

from __future__ import annotations

import json
import os

LISTS = (".m3u", ".m3u8")
SOUNDS = (
    *(".aac", ".ac3", ".aif", ".aiff", ".alac", ".amr", ".ape", ".au", ".caf", ".dts", ".eac3", ".flac", ".m4a"),
    *(".m4b", ".mka", ".mp2", ".mp3", ".mpc", ".oga", ".ogg", ".opus", ".ra", ".tta", ".w64", ".wav", ".weba"),
    *(".wma", ".wv"),
)
VIDEOS = (
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts"),
    *(".vob", ".webm", ".wmv"),
)
_MOST_TRACKS = 10_000
_MOST_BYTES = 4_000_000  # of a list file, or of the note
_DEEPEST = 8  # folders in folders

Track = tuple[str, int]  # its path, and how many times it has stood in the list before


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """By what names are sorted as people do: 2 before 10, capitals as small letters."""
    found: list[tuple[int, int, str]] = []
    word = number = ""
    for sign in (*name.casefold(), ""):
        if sign.isdecimal():
            if word:
                found.append((1, 0, word))
                word = ""
            number += sign
            continue
        if number:
            found.append((0, int(number[:18]), number))
            number = ""
        word += sign
    return (*found, (1, 0, word)) if word else tuple(found)


def tracks_of(places: list[str], kinds: tuple[str, ...] = SOUNDS) -> list[Track]:
    """The tracks of files, folders and list files, in order; what cannot be read has none.

    `kinds`: how the names of those end that are taken of a folder.
    """
    found: list[str] = []
    for place in places:
        if os.path.isdir(place):
            found += _of_folder(place, kinds, set(), 0)
        elif place.lower().endswith(LISTS):
            found += _of_list(place)
        else:
            found.append(place)
    seen: dict[str, int] = {}
    numbered: list[Track] = []
    for path in found[:_MOST_TRACKS]:
        seen[path] = before = seen.get(path, -1) + 1
        numbered.append((path, before))
    return numbered


def _of_folder(folder: str, kinds: tuple[str, ...], visited: set[tuple[int, int]], depth: int) -> list[str]:
    """Its tracks, and those of the folders in it; one that a link leads back to is read once."""
    try:
        status = os.stat(folder)
        names = os.listdir(folder)
    except OSError:
        return []
    here = (status.st_dev, status.st_ino)
    if here in visited or depth > _DEEPEST:
        return []
    visited.add(here)
    found: list[str] = []
    for name in sorted(names, key=natural):
        path = os.path.join(folder, name)
        if name.startswith(".") or len(found) >= _MOST_TRACKS:
            continue
        if name.lower().endswith(kinds):
            found += [path] if os.path.isfile(path) else []
        elif os.path.isdir(path):
            found += _of_folder(path, kinds, visited, depth + 1)
    return found


def _of_list(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST_BYTES)
    except OSError:
        return []
    folder = os.path.dirname(path)
    lines = (os.fsdecode(line.strip()) for line in content.removeprefix(b"\xef\xbb\xbf").splitlines())
    return [os.path.join(folder, line) for line in lines if line and line[0] != "#" and "://" not in line]


class Order:
    """Which track comes next. The list is read anew each time; what was played last is noted for the next run."""

    def __init__(
        self, places: list[str], note: str, *, shuffle: bool, loop: bool, kinds: tuple[str, ...] = SOUNDS
    ) -> None:
        self._kinds = kinds
        self._places, self._note, self._shuffle, self._loop = places, note, shuffle, loop
        self._known: list[Track] = []
        self.lost = False  # there is no list now: the one before goes on
        self._last: Track | None = None
        self._at = 0  # where the last one stood
        self._done: set[Track] = set()  # of this round; only a shuffled list needs to know
        self._remember()

    def __len__(self) -> int:
        return len(self._known)

    def following(self) -> str | None:
        """The path of the next track; None at the end, and where there is none at all."""
        found = tracks_of(self._places, self._kinds)
        self.lost = not found and bool(self._known)
        self._known = found or self._known
        track = self._any() if self._shuffle else self._next()
        if track is None:
            self._last, self._at, self._done = None, 0, set()  # whoever comes back begins anew
        else:
            self._last, self._at = track, self._known.index(track)
        self._write()
        return track[0] if track else None

    def _next(self) -> Track | None:
        place = 0
        if self._last is not None:
            # Where it is gone, the one after it has moved up.
            place = self._known.index(self._last) + 1 if self._last in self._known else self._at
        if place >= len(self._known) and self._loop:
            place = 0
        return self._known[place] if place < len(self._known) else None

    def _any(self) -> Track | None:
        left = [track for track in self._known if track not in self._done]
        if not left and self._loop:
            self._done = set()
            left = [track for track in self._known if track != self._last] or self._known
        if not left:
            return None
        track = left[int.from_bytes(os.urandom(6), "big") % len(left)]
        self._done.add(track)
        return track

    def _remember(self) -> None:
        try:
            with open(self._note, "rb") as file:
                noted = json.loads(file.read(_MOST_BYTES))
            path, number = noted["last"]
            self._last, self._at = (str(path), int(number)), max(0, int(noted["at"]))
            self._done = {(str(path), int(number)) for path, number in noted["done"]}
        except (OSError, ValueError, TypeError, KeyError):
            return  # the first run, or what is there was not written here

    def _write(self) -> None:
        """Without it the next run begins with the first track: no reason to stop."""
        noted = {"last": self._last, "at": self._at, "done": sorted(self._done)}
        new = f"{self._note}.new"
        try:
            os.makedirs(os.path.dirname(self._note), mode=0o700, exist_ok=True)
            with open(new, "w", encoding="ascii") as file:
                json.dump(noted, file)
            os.replace(new, self._note)
        except OSError:
            return
