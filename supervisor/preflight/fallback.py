"""Whether the last rung of a fallback can always be shown: a second of each slate is made and decoded again. IO.

What a slate says does not decide whether it can be made: so of those that differ in nothing else one is tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from supervisor.config.problems import ConfigWarning, Problem
from supervisor.config.shape import Config
from supervisor.desired.rungs import Rung, rungs_of
from supervisor.ffmpeg.codecs import COPY
from supervisor.ffmpeg.slate import Still, drawn_text, plain_ground
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.machine.slates import NoSlate, Quietly, find_font, read_image, render
from supervisor.preflight.trial import NO_FONT
from supervisor.probes.together import together

SLATE_PATIENCE: Final = 20.0  # seconds for all of them: one takes a second or two of one core
_AT_ONCE: Final = 2
_SECONDS: Final = 1.0  # of each


class Trial(NamedTuple):
    """What came of a slate: `wrong` keeps it from being shown, with `doubt` something else is shown."""

    wrong: str = ""
    doubt: str = ""


@dataclass(slots=True)
class LastRungs:
    """What there is to be said of the last rungs of all streams."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[ConfigWarning] = field(default_factory=list)
    proved: tuple[str, ...] = ()


def last_rungs(config: Config, binary: Binary, seconds: float) -> LastRungs:
    """Try each different slate, for so long at most; what was not tried by then is a warning."""
    found = LastRungs()
    stills: dict[str, Still] = {}
    for name, rung in _last(config):
        if config.streams[name].video.codec == COPY:
            reason = "with video codec copy a rung has other parameters than the source, which some platforms refuse"
            found.warnings.append(ConfigWarning(f"streams.{name}.fallback", reason))
        if rung.still:
            stills[name] = rung.still
        else:
            reason = "its last rung is a source, which may fail as well; {slate: true} behind it can always be shown"
            found.warnings.append(ConfigWarning(f"streams.{name}.fallback", reason))
    with TemporaryDirectory(prefix="neverdark-check-", ignore_cleanup_errors=True) as folder:
        different = {_alike(still): still for still in stills.values()}
        trials = {
            alike: partial(_tried, binary, still, Path(folder, f"{number}.mkv"), seconds)
            for number, (alike, still) in enumerate(different.items())
        }
        answers = together(trials, seconds, _AT_ONCE)
    for name, still in stills.items():
        _tell(config, name, still, answers.get(_alike(still)), found)
    return found


def _last(config: Config) -> Iterator[tuple[str, Rung]]:
    for name, stream in config.streams.items():
        if stream.source is not None and stream.fallback:
            yield name, rungs_of(config, name)[-1]


def _alike(still: Still) -> str:
    return repr(replace(still, text="" if not still.text else "text", owner=""))


def _tried(binary: Binary, still: Still, output: Path, seconds: float) -> Trial:
    still, font, run = replace(still, seconds=_SECONDS), find_font(), Quietly()
    if still.image is not None:
        try:
            image = read_image(still.image)
        except NoSlate as error:
            return Trial(wrong=f"expected an image: {error}")
        try:
            render(binary, still, image, output, font=font, seconds=seconds, run=run)
        except NoSlate as error:
            return Trial(wrong=f"expected an image that FFmpeg can read: {error}")
        return Trial()
    try:
        render(binary, drawn_text(still), b"", output, font=font, seconds=seconds, run=run)
    except NoSlate as error:
        try:
            render(binary, plain_ground(still), b"", output, font=font, seconds=seconds, run=run)
        except NoSlate as worse:
            return Trial(wrong=f"FFmpeg cannot make it: {worse}")
        why = NO_FONT if font is None and "font" in str(error).lower() else str(error)
        return Trial(doubt=f"FFmpeg cannot draw its text, and a plain picture is shown instead: {why}")
    return Trial()


def _tell(config: Config, name: str, still: Still, trial: Trial | None, found: LastRungs) -> None:
    stream = config.streams[name]
    place = f"streams.{name}.fallback[{len(stream.fallback) - 1}].slate"
    if trial is None:
        found.warnings.append(ConfigWarning(place, "FFmpeg has not made it in time"))
    elif trial.wrong and still.image is not None:
        found.problems.append(Problem(f"{place}.image", repr(str(still.image)), trial.wrong))
    elif trial.wrong:
        found.problems.append(Problem(place, None, trial.wrong))
    elif trial.doubt:
        found.warnings.append(ConfigWarning(place, trial.doubt))
    else:
        known = stream.video.size and stream.video.fps and stream.video.codec != COPY
        shown = f"{still.size} at {still.fps:g} frames a second" if known else "the stream's size once that is known"
        what = "image" if still.image else "text"
        if still.last_frame:
            what = "the last good frame, and its text until one was kept,"
        found.proved += (
            f"streams.{name}.fallback: the last rung, a slate with {what} in {shown}, can always be shown",
        )
