"""The FFmpeg at hand: where it is, what it can do. The only IO of this room."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from supervisor.ffmpeg.codecs import COPY, VIDEO_CODECS

AUTO = "auto"
_QUERY_TIMEOUT = 15.0  # seconds; a cold disk is slow, a hung binary is not FFmpeg
_TRIAL_TIMEOUT = 10.0

_VERSION = re.compile(r"^ffmpeg version n?(\d+)\.(\d+)", re.MULTILINE)
_ANY_VERSION = re.compile(r"^ffmpeg version (\S+)", re.MULTILINE)
_LIBAVUTIL = re.compile(r"^[ \t]*libavutil[ \t]+(\d+)\.", re.MULTILINE)
_DEMUXER = re.compile(r"^ D[E ][d ]? ?([a-z0-9_][a-z0-9_,.-]*) ", re.MULTILINE)
_FILTER = re.compile(r"^ [T.][S.][C.]? (\w+) ", re.MULTILINE)
_ENCODER = re.compile(r"^ [VAS][F.][S.][X.][B.][D.] (\w+)", re.MULTILINE)

# Builds from git have no version, but FFmpeg N has shipped libavutil N + 51 (5.x: 57) … 8.x: 60, 9.x: 61.
_LIBAVUTIL_TO_MAJOR = {56: 4, 57: 5, 58: 6, 59: 7, 60: 8, 61: 9}


class FfmpegNotFound(Exception):  # noqa: N818 - the name says what happened, and the contract fixes it
    """No usable FFmpeg where the configuration says; the message is one sentence for its owner."""


@dataclass(frozen=True, slots=True)
class Binary:
    """One FFmpeg executable and what is compiled into it. `version` is (major, minor), (0, 0) if unknown.

    `demuxers` has the names of input formats, devices among them; empty if it did not say.
    """

    path: str
    version: tuple[int, int]
    encoders: frozenset[str]
    protocols: frozenset[str]
    demuxers: frozenset[str] = frozenset()


def find(setting: str) -> Binary:
    """Find and question the FFmpeg that `setting` names: `auto`, a path, or a name on PATH.

    `auto` takes the one on PATH, else the one in the imageio-ffmpeg wheel if that is installed.
    Raises FfmpegNotFound.
    """
    path = _locate(setting)
    banner = _ask(path, "-version")
    if _ANY_VERSION.search(banner) is None:
        message = f"{path} is not an FFmpeg: `{path} -version` does not say so"
        raise FfmpegNotFound(message)
    with ThreadPoolExecutor() as questions:  # each takes FFmpeg 20 to 100 ms to start
        demuxers = questions.submit(_demuxers, path)
        encoders, protocols = questions.map(partial(_ask, path), ("-encoders", "-protocols"))
    return Binary(
        path=path,
        version=_version(banner),
        encoders=frozenset(_ENCODER.findall(encoders)),
        protocols=_output_protocols(protocols),
        demuxers=demuxers.result(),
    )


def missing_encoder(binary: Binary, codec: str) -> str | None:
    """Tell in one sentence why `codec` cannot be used here, or None if it can (also for `copy`).

    Hardware codecs encode one tiny frame to prove that the machine has the hardware.
    """
    if codec == COPY:
        return None
    if codec not in binary.encoders:
        return f"{binary.path} was built without the encoder {codec}"
    if codec not in VIDEO_CODECS or codec == "libx264":
        return None
    reason = _trial(binary, codec)
    return None if reason is None else f"this machine cannot encode with {codec}: {reason}"


def missing_filter(binary: Binary, names: Sequence[str]) -> str | None:
    """Tell in one sentence which of these filters is lacking, or None if all are there, or it cannot be asked."""
    try:
        known = frozenset(_FILTER.findall(_ask(binary.path, "-filters")))
    except FfmpegNotFound:  # it does all the rest
        return None
    lacks = [name for name in names if name not in known]
    return f"{binary.path} was built without the filter {', '.join(lacks)}" if lacks and known else None


def attempt(binary: Binary, arguments: Sequence[str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Have FFmpeg do something small, its errors alone on stderr. Raises OSError, SubprocessError."""
    return subprocess.run(
        [binary.path, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )


def _locate(setting: str) -> str:
    found = shutil.which("ffmpeg" if setting == AUTO else setting)
    if found is not None:
        return found
    if setting != AUTO:
        message = f"ffmpeg: {setting} is not there or not executable"
        raise FfmpegNotFound(message)
    bundled = _bundled()
    if bundled is None:
        message = "ffmpeg: none on PATH and no imageio-ffmpeg installed; install one, or set its path"
        raise FfmpegNotFound(message)
    return bundled


def _bundled() -> str | None:
    try:
        wheel = importlib.import_module("imageio_ffmpeg")
        path = str(wheel.get_ffmpeg_exe())
    except (ImportError, RuntimeError):  # RuntimeError: a source distribution without a binary in it
        return None
    return path if Path(path).is_file() else None


def _ask(path: str, question: str) -> str:
    try:
        answer = subprocess.run(
            [path, "-hide_banner", question] if question != "-version" else [path, question],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_QUERY_TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        message = f"{path} does not run as FFmpeg: `{question}` ended with {_kind_of(error)}"
        raise FfmpegNotFound(message) from error
    return answer.stdout


def _kind_of(error: Exception) -> str:
    match error:
        case subprocess.CalledProcessError():
            return f"exit code {error.returncode}"
        case subprocess.TimeoutExpired():
            return f"no answer in {error.timeout:g} s"
        case OSError():
            return error.strerror or type(error).__name__
        case _:
            return type(error).__name__


def _version(banner: str) -> tuple[int, int]:
    release = _VERSION.search(banner)
    if release is not None:
        return int(release[1]), int(release[2])
    library = _LIBAVUTIL.search(banner)
    return (_LIBAVUTIL_TO_MAJOR.get(int(library[1]), 0), 0) if library is not None else (0, 0)


def _output_protocols(text: str) -> frozenset[str]:
    return frozenset(text.partition("Output:")[2].split())


def _demuxers(path: str) -> frozenset[str]:
    try:
        answer = _ask(path, "-demuxers")
    except FfmpegNotFound:  # it does all the rest
        return frozenset()
    return frozenset(name for names in _DEMUXER.findall(answer) for name in names.split(","))


def _trial(binary: Binary, codec: str) -> str | None:
    table = VIDEO_CODECS[codec]
    filters = ",".join(filter(None, (f"format={table.pixel_format}", table.upload)))
    arguments = [
        *table.device,
        *("-f", "lavfi", "-i", "color=size=320x240:rate=25"),
        *("-frames:v", "1", "-vf", filters, "-c:v", codec, "-f", "null", "-"),
    ]
    try:
        trial = attempt(binary, arguments, _TRIAL_TIMEOUT)
    except (OSError, subprocess.SubprocessError) as error:
        return f"the trial ended with {_kind_of(error)}"
    if trial.returncode == 0:
        return None
    words = [line.strip() for line in trial.stderr.splitlines() if line.strip()]
    return words[0] if words else f"the trial ended with exit code {trial.returncode}"
