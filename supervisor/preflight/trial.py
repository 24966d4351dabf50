"""Which options and graphs of the owner's FFmpeg would refuse, tried in a tenth of a second without a source. IO.

Options may hold secrets: no word of them is repeated but one that is nearly the name of something known.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

from supervisor.config.overlay import Overlay
from supervisor.config.problems import near
from supervisor.ffmpeg.overlay import overlay_filters
from supervisor.machine.ffmpeg_binary import Binary, attempt
from supervisor.secrets.secrecy import Redactor

_TIMEOUT = 10.0  # seconds; on an idle machine it takes a tenth of one
_LIKE = 0.75  # of thousands of options some are a little like anything
_LONGEST = 120
_NOWHERE = "/dev/null/none"  # what cannot be opened: options are read before that

# These do more than say how the input is read: they open, write or listen.
_ACTIVE_OPTIONS = re.compile(r"-(?:i|report|progress|vstats\w*|dump\w*|filter_complex\w*|init_hw_device|/\w+)(?::.*)?")
_ACTIVE_FILTERS = re.compile(r"movie|zmq|sendcmd|ladspa|lv2|frei0r|metadata|subtitles|openvino|dnn|vidstab|file")

_OPTION = re.compile(r"^[ \t]*-(?:\[no\])?([A-Za-z][\w-]*)", re.MULTILINE)
_FILTER = re.compile(r"^ [T.][S.][C.]? ([a-z0-9_]+) ", re.MULTILINE)

_UNKNOWN_OPTION = re.compile(r"Unrecognized option '([^']*)'")
_OF_OUTPUTS = re.compile(r"^Option (\S+) .*cannot be applied to input url", re.MULTILINE)
_NO_NUMBER = re.compile(r"Expected (?:number|int64) for (\S+) but found|The value for (\S+) was ")
_NO_VALUE = re.compile(r"Missing argument for option '?([\w:]+)|output format for '" + re.escape(_NOWHERE))
_CONTEXT = re.compile(r"^(?:\[[^\]]*\] )+")
_NO_FONT = re.compile(r"Cannot find a valid font|Cannot load default config file|Could not load font")
NO_FONT = "expected a font on this machine, such as that of Debian's packages fontconfig and fonts-dejavu-core"
_UNKNOWN_FILTER = re.compile(r"No such filter: '([^']*)'")


class NotTaken(NamedTuple):
    """Which of the words FFmpeg refuses, if it can be told, and what was expected."""

    at: int | None
    expected: str


def refused_option(binary: Binary, options: Sequence[str]) -> NotTaken | None:
    """What FFmpeg does not take of a source's options; None as well where that cannot be tried."""
    if any(_ACTIVE_OPTIONS.fullmatch(option) for option in options):
        return None
    said = _said(binary, [*options, "-i", _NOWHERE])
    if found := _UNKNOWN_OPTION.search(said):
        meant = near(found[1], set(_OPTION.findall(_answer(binary, "-h", "full"))), _LIKE)
        return NotTaken(_index(options, found[1]), "FFmpeg has no such option" + _did_you_mean(meant and f"-{meant}"))
    if found := _OF_OUTPUTS.search(said):
        return NotTaken(_index(options, found[1]), "this is an option of outputs: here it is about reading the source")
    if found := _NO_NUMBER.search(said):
        return NotTaken(_index(options, found[1] or found[2]), "expected a number behind this option")
    if found := _NO_VALUE.search(said):
        return NotTaken(_index(options, found[1] or ""), "expected a value behind the last option")
    return None


def refused_graph(binary: Binary, graph: str) -> str | None:
    """Why FFmpeg cannot make a lavfi graph; None as well where that cannot be tried."""
    if _ACTIVE_FILTERS.search(graph):
        return None
    said = _said(binary, ["-f", "lavfi", "-i", graph, "-map", "0", "-t", "0.04", "-f", "null", "-"])
    if found := _UNKNOWN_FILTER.search(said):
        meant = near(found[1], _FILTER.findall(_answer(binary, "-filters")))
        return "FFmpeg has no filter of that name" + _did_you_mean(meant)
    return f"FFmpeg cannot make this graph: {_first_line(said)}" if said else None


def refused_chain(binary: Binary, chain: str) -> str | None:
    """Why FFmpeg cannot put a chain of filters into a picture's way; None as well where that cannot be tried."""
    if _ACTIVE_FILTERS.search(chain):
        return None
    return _refused_on_picture(binary, chain)


def refused_overlay(binary: Binary, overlay: Overlay) -> str | None:
    """Why FFmpeg cannot lay this over a picture."""
    return _refused_on_picture(binary, ",".join(overlay_filters([overlay])))


def _refused_on_picture(binary: Binary, chain: str) -> str | None:
    picture = ("-f", "lavfi", "-i", "color=size=640x360:rate=25")
    said = _said(binary, [*picture, "-vf", f"{chain},format=yuv420p", "-frames:v", "2", "-f", "null", "-"])
    if found := _UNKNOWN_FILTER.search(said):
        meant = near(found[1], _FILTER.findall(_answer(binary, "-filters")))
        return "FFmpeg has no filter of that name" + _did_you_mean(meant)
    if _NO_FONT.search(said):
        return NO_FONT
    return f"FFmpeg cannot do this: {_first_line(said)}" if said else None


def _first_line(said: str) -> str:
    """What is wrong comes first; a graph holds no secret, but a URL in it may."""
    line = _CONTEXT.sub("", said.strip().partition("\n")[0])
    return Redactor(()).clean(line)[:_LONGEST]


def _did_you_mean(name: str | None) -> str:
    return f"; did you mean {name}?" if name else ""


def _index(options: Sequence[str], name: str) -> int | None:
    return next((index for index, option in enumerate(options) if option == f"-{name}"), None)


def _said(binary: Binary, arguments: Sequence[str]) -> str:
    """Its errors; nothing if it has none, or if it cannot be asked."""
    try:
        trial = attempt(binary, arguments, _TIMEOUT)
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    return trial.stderr if trial.returncode else ""


def _answer(binary: Binary, *question: str) -> str:
    try:
        return attempt(binary, question, _TIMEOUT).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
