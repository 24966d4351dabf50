"""Why a process ended, from its exit and its last words.

FFmpeg 5 exits 1 for everything, so the words decide; what they mean is in `phrases`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from supervisor.ffmpeg.phrases import FATAL, GENERAL, NOT_CARRIED, NOT_LISTENING, SHELL, SIZE_LIMIT, SPECIFIC
from supervisor.model.terms import ExitCause, Refusal, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from supervisor.ffmpeg.phrases import Rule
    from supervisor.model.terms import Exit


@dataclass(frozen=True, slots=True)
class Failure:
    """The cause of an exit.

    `said` tells more than the cause's usual words, if not None; it holds nothing that a process wrote.
    `answered`: a machine out there answered, if only to refuse. `refusal`: how it refused; None: it did not.
    `configured`: no process is at fault, it was asked for what cannot be.
    """

    cause: ExitCause
    said: str | None = None
    answered: bool = False
    refusal: Refusal | None = None
    configured: bool = False


_KILLED = Failure(ExitCause.KILLED)  # made ahead, like all that a respawn waits for
_GREW_TOO_BIG = Failure(ExitCause.DISK_FULL, SIZE_LIMIT)
_SPEAKS_OF_INGEST = re.compile(
    r"\[out#|Error opening output|av_interleaved_write_frame|to the muxer"
    r"|Error (writing trailer|closing file)|Server error: |(Input|Output) #\d+, |frame= *\d"
)
_SPEAKS_OF_SOURCE = re.compile(
    r"\[in#|Error opening input|Error during demuxing|\[rtsp @|\brtsps?://|HTTP error|method \w+ failed"
)
_FFMPEG_BANNER = re.compile(r"ffmpeg version |\blib(av|sw|postproc)\w*  +\d")
_FFMPEG_DONE = re.compile(r"muxing overhead|Lsize=")

# How a source said no; the last line that says it counts. The number is the server's own; FFmpeg 5 tells a few of them
# in its own last line only, and has one word for all the rest.
_HOW_REFUSED = re.compile(
    r"HTTP error (\d{3})|method \w+ failed: (\d{3})|Server returned (4\d\d)|(NetStream\.Play\.Failed)"
)
_TOO_MANY = re.compile(r"(?i)too many|connection limit|maximum number of")
_RTMP_SAYS = "Server error: "
_DENYING = ("auth", "denied", "forbidden", "not allowed", "permission")
_NOT_THERE_CODES = frozenset({"404", "408", "410", "454"})  # 454: that RTSP session, which is ours no more
_BUSY_CODES = frozenset({"503", "509", "529"})
_LIMITED_CODE = "429"

# Numbers, not from `signal`: a pure file reaches for no module of the system's.
_SIGKILL = 9
_SIGXFSZ = 25
# What a program does to itself: a mistake in it, often after something that it did not expect and had complained of.
_CRASHES = {4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV"}
# A shell's exit code for a program that a signal has ended.
_SHELL_SIGNAL = 128

# FFmpeg's exit code after a signal, and, as the low byte of its own errno, after "Operation not permitted".
_EXIT_AFTER_SIGNAL = 255
# No failure yet: of a name with several addresses, one that did not work; a side output that is done without; a source
# that is asked again; a track, whose name may be any words; what a program says that is the source.
_NOT_YET = (
    *("trying next address", ", continuing with ", "Will reconnect at", "[upload] [warning]"),
    *("[player] [info]", "[player] [warning]", "[pipe] [info]", "[pipe] [warning]"),
)
_NOT_PERMITTED = "Operation not permitted"

# An encoder that ends with 0 read to the end, unless its very last words say that the line broke.
_LAST_WORDS = 5


def classify(role: Role, exit: Exit, lines: Sequence[str], *, stopping: bool) -> Failure:  # noqa: A002 - called as the record that it takes
    """Name the cause of a process' exit.

    `lines` are the last lines of its stderr, oldest first, with or without FFmpeg's `[level]`; `stopping`:
    we asked it to end. Who is killed may have been so for want of memory: the words do not tell. What nothing explains
    is `other`.
    """
    if stopping:
        return Failure(ExitCause.STOPPED)
    if exit.signal is not None:
        return _after_signal(role, exit.signal, lines)
    lines = _final(lines)
    code = exit.code or 0
    if role is not Role.COMMAND and code == _EXIT_AFTER_SIGNAL and not _says(lines, _NOT_PERMITTED):
        return Failure(ExitCause.KILLED)
    if code == 0:
        return _after_success(role, lines) if exit.code == 0 else _named(_explained(_reads_as(role, lines), lines))
    rule = _explained(_reads_as(role, lines), lines)
    if rule is None and role is Role.COMMAND:
        return _after_shell(code)
    failure = _named(rule)
    return replace(failure, refusal=_refusal(failure.cause, lines))


def _final(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if not any(words in line for words in _NOT_YET)]


def _after_signal(role: Role, number: int, lines: Sequence[str]) -> Failure:
    """A process that is killed writes nothing about it; one that crashes may have written before what went wrong."""
    if number not in _CRASHES:
        return _GREW_TOO_BIG if number == _SIGXFSZ else _KILLED
    lines = _final(lines)
    crash = f"it crashed (signal {number}, {_CRASHES[number]})"
    last_words = [line for line in lines[-_LAST_WORDS:] if "[warning]" not in line]
    rule = _explained(_reads_as(role, lines), last_words, (FATAL, SPECIFIC))
    if rule is None or rule.cause in {ExitCause.KILLED, ExitCause.OTHER}:
        return Failure(ExitCause.KILLED, crash)
    why = _named(rule)
    said = f"{why.said}; then {crash}" if why.said else crash
    return replace(why, said=said, refusal=_refusal(why.cause, last_words))


def _after_shell(code: int) -> Failure:
    """A shell's own exit codes, where no words tell more."""
    if code in SHELL:
        return Failure(ExitCause.BAD_ARGUMENTS, SHELL[code])
    if code - _SHELL_SIGNAL in {_SIGKILL, *_CRASHES}:
        return Failure(ExitCause.KILLED, f"a program of the command ended by signal {code - _SHELL_SIGNAL}")
    return Failure(ExitCause.OTHER)


def _named(rule: Rule | None) -> Failure:
    if rule is None:
        return Failure(ExitCause.OTHER)
    return Failure(rule.cause, rule.said, answered=rule.said == NOT_LISTENING, configured=rule.said == NOT_CARRIED)


def _refusal(cause: ExitCause, lines: Sequence[str]) -> Refusal | None:
    if cause not in {ExitCause.SOURCE_REFUSED, ExitCause.SOURCE_UNREACHABLE}:
        return None
    found = next((match for line in reversed(lines) if (match := _HOW_REFUSED.search(line))), None)
    code = next(filter(None, found.groups()), "") if found else ""
    if any(_is_denial(line) for line in lines):
        return Refusal.DENIED
    if code.startswith("5"):
        return Refusal.BUSY if code in _BUSY_CODES or _says_too_many(lines) else None
    if cause is ExitCause.SOURCE_UNREACHABLE:
        return None
    if code == _LIMITED_CODE:
        return Refusal.LIMITED
    return Refusal.DENIED if code and code not in _NOT_THERE_CODES else Refusal.NOT_THERE


def _is_denial(line: str) -> bool:
    """Whether a server without numbers (RTMP, SRT) says that it does not want us."""
    if _RTMP_SAYS in line:
        said = line.lower()
        return any(word in said for word in _DENYING)
    return "Incorrect passphrase" in line or "BADSECRET" in line


def _says_too_many(lines: Iterable[str]) -> bool:
    return any(_TOO_MANY.search(line) for line in lines)


def _says(lines: Iterable[str], words: str) -> bool:
    return any(words in line for line in lines)


def _after_success(role: Role, lines: Sequence[str]) -> Failure:
    last_words = lines[-_LAST_WORDS:]
    if role is Role.COMMAND and any(_FFMPEG_DONE.search(line) for line in last_words):
        return Failure(ExitCause.SOURCE_ENDED)
    rule = _explained(_reads_as(role, lines), last_words)
    if rule is None and role is Role.ENCODER:
        return Failure(ExitCause.SOURCE_ENDED)
    return _named(rule)


def _explained(
    role: Role, lines: Sequence[str], tables: Sequence[Sequence[Rule]] = (FATAL, SPECIFIC, GENERAL)
) -> Rule | None:
    fatal, *others = tables
    for rule in fatal:
        if role in rule.roles and any(rule.pattern.search(line) for line in lines):
            return rule
    for table in others:
        matches = [found for line in reversed(lines) if (found := _first(role, line, table))]
        if matches:
            # Of those that name the same cause the latest one that says more: FFmpeg ends with the plainest.
            return next((rule for rule in matches if rule.said and rule.cause is matches[0].cause), matches[0])
    return None


def _first(role: Role, line: str, table: Sequence[Rule]) -> Rule | None:
    return next((rule for rule in table if role in rule.roles and rule.pattern.search(line)), None)


def _reads_as(role: Role, lines: Sequence[str]) -> Role:
    """Return ENCODER or PUSHER for a command that speaks of its source or ingest, else the role itself.

    FFmpeg 6 and later say it in each line. 5 does not: but its input is opened first, so what fails after
    `Input #0` is the output, and what fails after the banner alone is the input.
    """
    if role is not Role.COMMAND:
        return role
    for line in reversed(lines):
        if _SPEAKS_OF_INGEST.search(line):
            return Role.PUSHER
        if _SPEAKS_OF_SOURCE.search(line):
            return Role.ENCODER
    return Role.ENCODER if any(_FFMPEG_BANNER.search(line) for line in lines) else role
