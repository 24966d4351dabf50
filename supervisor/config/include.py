"""The directory that a configuration includes: one stream a file, the file's name is the stream's. IO."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from supervisor.config.documents import MOST_BYTES, read_document
from supervisor.config.fields import NAME
from supervisor.config.problems import ConfigError, ConfigWarning, Problem, dotted
from supervisor.config.stamp import Stamp, stamp_of
from supervisor.config.yaml_nodes import Document, Path_

_ENDS = (".yml", ".yaml")
_EXPECTED_NAME = (
    "expected the name of a stream in front of .yml: 1 to 63 characters, a-z, 0-9, _ and -, "
    "beginning with a letter or digit"
)
_MOST_FRAGMENT_BYTES = 128 * 1024
_MOST_ENTRIES = 10_000
_NOT_OURS = (".", "#", "~")  # hidden files, and those that editors and package managers leave for a while
_IN_A_STREAM = re.compile(rf"streams\.({NAME.pattern})(?:\.(.*))?", re.DOTALL)
_FROM_A_VARIABLE = " (from "


@dataclass(frozen=True, slots=True)
class Fragment:
    """A file with one stream: what it says, and on which line each of its keys stands."""

    file: Path
    stamp: Stamp
    document: Document = field(repr=False)


class Fragments(dict[str, Fragment]):
    """All of them, by the name of the stream."""

    def problems(self, found: Iterable[Problem]) -> list[Problem]:
        """The same, but what is about a stream of a fragment names its file, and the key and line there."""
        return [problem if problem.file else self._problem(problem) for problem in found]

    def warnings(self, found: Iterable[ConfigWarning]) -> list[ConfigWarning]:
        """The same."""
        places = ((warning, self._place(warning.about)) for warning in found)
        return [replace(warning, about=place[0], file=place[1]) if place else warning for warning, place in places]

    def _problem(self, problem: Problem) -> Problem:
        place = self._place(problem.path)
        return replace(problem, path=place[0], file=place[1]) if place else problem

    def _place(self, path: str) -> tuple[str, Path] | None:
        """The same place, as it is told of a fragment; None: it is in no fragment."""
        match = _IN_A_STREAM.fullmatch(path)
        fragment = self.get(match[1]) if match else None
        if match is None or fragment is None or _FROM_A_VARIABLE in path:
            return None
        key = match[2] or ""
        line = None if "(line " in key else self._line(match[1], key)
        return f"{key} (line {line})" if line else key, fragment.file

    def _line(self, stream: str, key: str) -> int | None:
        """Where a key stands, or else what it would stand below."""
        above: Path_ = ("streams", stream)
        lines = {dotted((*above, *path)): line for path, line in self[stream].document.lines.items()}
        place = f"{dotted(above)}.{key}"
        while place and place not in lines:
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return lines.get(place)


def listed(directory: Path) -> list[Path]:
    """The files of a directory that are fragments, in the order of their names. Raises OSError.

    Symbolic links are followed, wherever they lead: a directory of links to the streams that are in use is a usual way.
    """
    found: list[Path] = []
    with os.scandir(directory) as entries:
        for count, entry in enumerate(entries):
            if count >= _MOST_ENTRIES:
                raise OSError(None, f"it has more than {_MOST_ENTRIES} files")
            if entry.name.lower().endswith(_ENDS) and not entry.name.startswith(_NOT_OURS):
                found.append(directory / entry.name)
    return sorted(found)


class Listing:
    """What is in the directory at each look at it, which is read only when it has changed: it may be a long list."""

    def __init__(self) -> None:
        self._found: tuple[Path, Stamp, list[Path]] | None = None
        self._settled = False

    def of(self, directory: Path) -> list[Path]:
        """The fragments in it now; none of what cannot be read: those that are in force are gone then."""
        stamp = stamp_of(directory)
        if self._found and self._found[:2] == (directory, stamp):
            if self._settled:
                return self._found[2]
            self._settled = True  # what came within the same tick of the file system's clock, this look sees
        else:
            self._settled = False
        try:
            found = listed(directory)
        except OSError:
            found = []
        self._found = (directory, stamp, found)
        return found


def fragments_of(directory: Path, main: Path, lines: Mapping[Path_, int], size: int) -> tuple[Fragments, list[Problem]]:
    """What is in a directory, but for what has problems. `main` has streams on these `lines`, and is of that `size`.

    Raises OSError.
    """
    found, problems, left = Fragments(), list[Problem](), MOST_BYTES - size
    if directory.resolve() == main.resolve().parent:
        return found, [Problem("include", None, f"expected a directory of its own, but {main} stands in it, too")]
    for file in listed(directory):
        name = file.name.rpartition(".")[0]
        if not NAME.fullmatch(name):  # it may have any character in it
            problems.append(Problem(ascii(file.name), None, _EXPECTED_NAME, directory))
            continue
        if wrong := _also_elsewhere(name, main, lines, found):
            problems.append(Problem("", None, wrong, file))
            continue
        try:
            document, stamp = read_document(file, _MOST_FRAGMENT_BYTES, plain=True)
        except ConfigError as error:
            if file.is_symlink() or file.exists():  # else it has gone since
                problems += [replace(problem, file=file) for problem in error.problems]
            continue
        left -= stamp.size
        if left < 0:
            reason = f"expected at most {MOST_BYTES} bytes together with {main} and the files before it"
            return found, [*problems, Problem("", None, reason, file)]
        if wrong := _wrong_form(name, document):
            problems.append(Problem("", None, wrong, file))
        else:
            found[name] = Fragment(file, stamp, document)
    return found, problems


def _wrong_form(name: str, document: Document) -> str | None:
    """What is most often written in another form."""
    if not isinstance(document.tree, dict) or not document.tree:
        return "expected the keys and values of a stream; is the file empty or half saved?"
    if "streams" in document.tree or document.tree.keys() == {name}:
        return "expected the keys of the stream alone: its name is that of the file"
    return None


def _also_elsewhere(name: str, main: Path, lines: Mapping[Path_, int], found: Fragments) -> str | None:
    also = f"the stream {name} stands in"
    if ("streams", name) in lines:
        return f"expected the name of another stream: {also} {main}, too (line {lines['streams', name]})"
    if name in found:
        return f"expected the name of another stream: {also} {found[name].file}, too"
    return None


def merged(main: Document, fragments: Fragments) -> Document:
    """The configuration with the streams of its fragments. In what includes some, `streams` need not stand."""
    streams = main.tree.get("streams", {})
    if not isinstance(streams, dict):
        return main  # reported where it stands
    whole = Document({**main.tree, "streams": dict(streams)}, [*main.duplicates], dict(main.lines))
    for name, fragment in fragments.items():
        above: Path_ = ("streams", name)
        whole.tree["streams"][name] = fragment.document.tree
        whole.lines |= {(*above, *path): line for path, line in fragment.document.lines.items()}
        whole.duplicates += [replace(copy, path=(*above, *copy.path)) for copy in fragment.document.duplicates]
    return whole
