"""What a configuration names on this machine: source files, folders for recordings, programs. IO.

All of it may come later, with a disk that is mounted or a program that is installed: so these are warnings. A program
that is no path is looked for in PATH, see `unknown_programs`.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from supervisor.config.fields import text
from supervisor.config.problems import ConfigWarning, Problem, near
from supervisor.config.shape import Config, Source, Video
from supervisor.config.urls import destination_scheme
from supervisor.ffmpeg.sources import PathPlace, source_place
from supervisor.probes.together import together
from supervisor.secrets.secrecy import HIDDEN, show_url

_PATIENCE: Final = 1.0  # seconds for all looks together: a network mount whose server is gone never answers
_AT_ONCE: Final = 16
_FILE_OPTIONS: Final = frozenset({"-ca_file", "-cafile", "-cert_file", "-key_file"})
_ELF, _SCRIPT = b"\x7fELF", b"#!"
_HEAD: Final = 256
_NO_FILE: Final = "there is no such file now"
_SOUND_DEVICES: Final = "/dev/snd"
_CARDS: Final = frozenset({"hw", "plughw", "dsnoop"})
_APART: Final = "each argument is an item of its own, such as command: [bash, -c, …]"

_Doubt = Callable[[], str | None]  # what is wrong there, in words


def missing_places(config: Config) -> Iterator[ConfigWarning]:
    """What is not there, or not as it should be; what a look does not tell within a second is left out."""
    named = {place: (shown, look) for place, shown, look in _named(config)}
    found = together({place: look for place, (_, look) in named.items()}, _PATIENCE, _AT_ONCE)
    for place, (shown, _) in named.items():
        if reason := found.get(place):
            yield ConfigWarning(place, f"{shown}: {reason}")


def _named(config: Config) -> Iterator[tuple[str, str, _Doubt]]:
    """Each place in the file, what stands there as it may be repeated, and how to look at it."""
    for name, stream in config.streams.items():
        if stream.source is not None:
            for of, source in stream.sources.items():
                yield from _named_by_source(f"streams.{name}.{of}", source)
            yield from _named_by_video(f"streams.{name}.video", stream.video)
            for key, destination in stream.destinations.items():
                place = f"streams.{name}.destinations.{key}"
                if destination.recording:
                    folder = destination.recording.directory
                    yield f"{place}.recording.directory", repr(str(folder)), partial(_of_folder, folder)
                elif destination_scheme(url := text(destination.url)) == "file":
                    yield f"{place}.url", repr(url), partial(_of_folder, Path(url).parent)
        for index, rung in enumerate(stream.fallback):
            if rung.slate and rung.slate.image:
                image = str(rung.slate.image)
                yield f"streams.{name}.fallback[{index}].slate.image", repr(image), partial(_of_file, image)
        yield from _named_by_words(f"streams.{name}.command", stream.command)


def _named_by_words(place: str, words: Sequence[SecretStr] | None) -> Iterator[tuple[str, str, _Doubt]]:
    if words and "/" in (program := text(words[0])):
        shown = HIDDEN if any(character.isspace() for character in program) else repr(show_url(program))
        yield f"{place}[0]", shown, partial(_of_program, program)


def _named_by_source(place: str, source: Source) -> Iterator[tuple[str, str, _Doubt]]:
    where = source_place(source)
    if source.v4l2:
        yield f"{place}.v4l2", repr(source.v4l2), partial(_of_device, source.v4l2, "video")
    elif source.alsa:
        if cards := _cards(source.alsa):
            yield f"{place}.alsa", repr(source.alsa), partial(_of_device, cards, "audio")
    elif isinstance(where, PathPlace):
        yield f"{place}.url", repr(show_url(where.path)), partial(_of_file, where.path)
    yield from _named_by_words(f"{place}.pipe", source.pipe)
    words = [text(word) for word in source.options]
    for index, option in enumerate(words[:-1]):
        if option in _FILE_OPTIONS:
            path = words[index + 1]
            yield f"{place}.options[{index + 1}]", repr(show_url(path)), partial(_of_file, path)


def _named_by_video(place: str, video: Video) -> Iterator[tuple[str, str, _Doubt]]:
    for index, overlay in enumerate(video.overlay):
        if file := overlay.file or overlay.image:
            key = "image" if overlay.image else "file"
            yield f"{place}.overlay[{index}].{key}", repr(str(file)), partial(_of_file, str(file))


def _of_file(path: str) -> str | None:
    found = _stat(path)
    if isinstance(found, str):
        return found
    if stat.S_ISDIR(found.st_mode):
        return "this is a directory, not a file"
    if stat.S_ISREG(found.st_mode) and not found.st_size:
        return "this file is empty"
    return None if os.access(path, os.R_OK) else "this user may not read it"


def _of_device(path: str, group: str) -> str | None:
    found = _stat(path)
    if isinstance(found, str):
        return "there is no such device now" if found == _NO_FILE else found
    if not stat.S_ISCHR(found.st_mode) and path != _SOUND_DEVICES:
        return "this is no device"
    if os.access(path, os.R_OK if path == _SOUND_DEVICES else os.R_OK | os.W_OK):
        return None
    return f"this user may not read it: is it in the group {group!r} (usermod -aG {group} USER)?"


def _cards(name: str) -> str | None:
    """What must be there for a sound card: its own device, or, of one that has a name, any."""
    kind, _, rest = name.partition(":")
    if kind not in _CARDS:
        return None  # only ALSA's configuration knows
    number = rest.partition(",")[0].removeprefix("CARD=")
    return f"/dev/snd/controlC{number}" if number.isdecimal() else _SOUND_DEVICES


def _of_folder(folder: Path) -> str | None:
    found = _stat(str(folder))
    if isinstance(found, str) or not stat.S_ISDIR(found.st_mode):
        return f"its directory {folder} is not there"
    return None if os.access(folder, os.W_OK | os.X_OK) else f"this user may not write to {folder}"


def _of_program(program: str) -> str | None:
    found = _stat(program)
    if isinstance(found, str):
        return f"{found}: {_APART}" if any(character.isspace() for character in program) else found
    if stat.S_ISDIR(found.st_mode):
        return "this is a directory, not a program"
    return _not_a_program(program) if os.access(program, os.X_OK) else "it may not be executed: chmod +x"


def _stat(path: str) -> os.stat_result | str:
    """What is there, or in words why that cannot be said."""
    try:
        return os.stat(path)  # noqa: PTH116 - as os.access, which Path lacks
    except (FileNotFoundError, NotADirectoryError):
        return _NO_FILE
    except OSError as error:
        return f"it cannot be looked at: {error.strerror}"
    except ValueError:
        return "there can be no such file"


def _not_a_program(program: str) -> str | None:
    """What keeps a text from being run; of other files the kernel knows more."""
    try:
        with Path(program).open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return None  # what may be executed need not be readable
    if head.startswith(_SCRIPT):
        interpreter = head[len(_SCRIPT) :].partition(b"\n")[0].lstrip().partition(b" ")[0]
        there = Path(os.fsdecode(interpreter)).exists()
        return None if there else "the program that its first line names is not there (is there a CR at its end?)"
    is_text = head.isascii() and b"\0" not in head
    return "this is a text without #! in its first line, such as #!/bin/sh" if is_text else None


def unknown_programs(config: Config) -> Iterator[Problem]:
    """Programs of commands, and of sources, that are a name that PATH does not know."""
    for name, stream in config.streams.items():
        words = {"command": stream.command, **{f"{of}.pipe": source.pipe for of, source in stream.sources.items()}}
        for key, command in words.items():
            if command and (expected := _unknown(text(command[0]))):
                yield Problem(f"streams.{name}.{key}[0]", None, expected)


def _unknown(program: str) -> str | None:
    if "/" in program or shutil.which(program):
        return None
    if len(program.split()) > 1:
        return f"expected a program alone: {_APART}"
    meant = near(program, _programs())
    return "expected a program that PATH knows" + (f"; did you mean {meant}?" if meant else "")


def _programs() -> Iterator[str]:
    for folder in os.get_exec_path():
        try:
            yield from os.listdir(folder or ".")  # noqa: PTH208 - names are all that is wanted
        except OSError:
            continue
