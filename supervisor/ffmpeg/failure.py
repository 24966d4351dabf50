"""Why a process ended, from its exit and its last words.

FFmpeg 5 exits 1 for everything, so the words decide.
The table comes from real runs of FFmpeg 5.1 and 9.0; tests/unit/ffmpeg/captured/ has what they said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from supervisor.model import ExitCause, Refusal, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from supervisor.model import Exit


@dataclass(frozen=True, slots=True)
class Failure:
    """The cause of an exit.

    `answered`: a machine out there answered, if only to refuse. `refusal`: how it refused; None: it did not.
    """

    cause: ExitCause
    answered: bool = False
    refusal: Refusal | None = None


class _Rule(NamedTuple):
    roles: frozenset[Role]
    pattern: re.Pattern[str]
    cause: ExitCause


# A line is read as an encoder's (it speaks of the source) or a pusher's (of the ingest). A command does both
# in one process: `_reads_as` tells which of the two it speaks of, and COMMAND stays for what is neither.
_ANY = frozenset(Role)
_SOURCE = frozenset({Role.ENCODER})
_INGEST = frozenset({Role.PUSHER})


def _rule(roles: frozenset[Role], cause: ExitCause, *patterns: str) -> _Rule:
    return _Rule(roles, re.compile("|".join(patterns)), cause)


# Fatal wherever they stand. FFmpeg adds lines that sound like something else: the first RULE wins.
_FATAL = (
    _rule(_ANY, ExitCause.DISK_FULL, r"No space left on device", r"Disk quota exceeded"),
    _rule(_ANY, ExitCause.OUT_OF_MEMORY, r"Cannot allocate memory"),
    _rule(
        _ANY,
        ExitCause.ENCODER_MISSING,
        r"Unknown encoder '",
        r"Encoder not found",
        r"Device creation failed",
        r"Cannot load lib(cuda|nvidia-encode)",
        r"Could not find a valid device",
        r"MFX session",
        r"No (NVENC )?capable devices found",
    ),
    _rule(
        _ANY,
        ExitCause.BAD_ARGUMENTS,
        r"Unrecognized option",
        r"Option not found",
        r"Unknown (input|output) format",
        r"Requested output format",
        r"Unable to (find a suitable output|choose an output) format",
        r"No such filter",
        r"Error parsing (a filter description|filterchain)",
        r"Protocol not found",
        r"invalid preset",
        r"not compatible with flv",
        r"not currently supported in container",
        r"Unable to parse option value",
    ),
    # A track that is missing or empty is the source's doing: it may be back at the next start.
    _rule(
        _SOURCE,
        ExitCause.SOURCE_REFUSED,
        r"Stream map '.*' matches no streams",
        r"option time_base to value 1/0",
    ),
    # What libsrt says itself; FFmpeg only knows that the connection failed.
    _rule(_SOURCE, ExitCause.SOURCE_REFUSED, r"REJECT reported from HS processing", r"ERROR:BADSECRET"),
    _rule(_ANY, ExitCause.BAD_ARGUMENTS, r"Error while opening encoder"),
)

# These also come as warnings of what was overcome long ago, so the last LINE wins.
_SPECIFIC = (
    _rule(_ANY, ExitCause.KILLED, r"Exiting normally, received signal", r"Immediate exit requested"),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_REFUSED,
        r"Server returned 4",
        r"HTTP error 4\d\d",
        r"method \w+ failed: 4\d\d",
        r"certificate",
        r"NetStream\.Play\.",
        r"Server error: ",
        r"Permission denied",
    ),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_UNREACHABLE,
        r"Server returned 5",
        r"HTTP error 5\d\d",
        r"method \w+ failed: 5\d\d",
        r"Failed to resolve hostname",
        r"Connection (refused|timed out|reset by peer)",
        r"No route to host",
        r"Network is unreachable",
        r"Connection to \S+ failed",
        r"Failed reading RTSP data",
        r"Cannot read RTMP handshake",
        r"No such (file or directory|device)",
    ),
    _rule(
        _INGEST,
        ExitCause.INGEST_REFUSED,
        r"Server error: ",
        r"NetStream\.Publish\.",
        r"NetConnection\.Connect\.",
        r"certificate",
        r"Server returned 4",
    ),
    _rule(
        _INGEST,
        ExitCause.INGEST_UNREACHABLE,
        r"Failed to resolve hostname",
        r"Connection (refused|timed out)",
        r"No route to host",
        r"Network is unreachable",
        r"Connection to \S+ failed",
    ),
    _rule(
        _INGEST,
        ExitCause.INGEST_CLOSED,
        r"Broken pipe",
        r"Connection reset by peer",
        r"Cannot read RTMP handshake",
        r"non-properly terminated",
        r"Error in the (pull|push) function",
        r"unexpected eof while reading",
    ),
)

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

# A whole word, so that a line that is full of them takes no longer than any other.
_RTMP_URL = r"(?<![^\s'\"\[\](|])rtmp\w*://(?:\[[0-9a-fA-F:.]*\])?[^\s'\"\[\](|]*"

# What FFmpeg says when it does not know more itself; the last line wins here too.
_GENERAL = (
    # The server hangs up during connect or publish without a word: unknown application, denied by on_publish.
    _rule(_INGEST, ExitCause.INGEST_REFUSED, rf"{_RTMP_URL}: (Input/output error|Operation not permitted)"),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_UNREACHABLE,
        r"Invalid data found when processing input",
        r"could not find codec parameters",
        r"Cannot determine format of input",
        r"Input/output error",
        r"received no packets",
    ),
    _rule(_ANY, ExitCause.BAD_ARGUMENTS, r"Error (splitting the argument list|parsing (global )?options)"),
)

_SPEAKS_OF_INGEST = re.compile(
    r"\[out#|Error opening output|av_interleaved_write_frame|to the muxer"
    r"|Error (writing trailer|closing file)|Server error: |(Input|Output) #\d+, |frame= *\d"
)
_SPEAKS_OF_SOURCE = re.compile(
    r"\[in#|Error opening input|Error during demuxing|\[rtsp @|\brtsps?://|HTTP error|method \w+ failed"
)
_FFMPEG_BANNER = re.compile(r"ffmpeg version |\blib(av|sw|postproc)\w*  +\d")
_FFMPEG_DONE = re.compile(r"muxing overhead|Lsize=")

_SIGKILL = 9  # not from `signal`: a pure file reaches for no module of the system's

# FFmpeg's exit code after a signal, and, as the low byte of its own errno, after "Operation not permitted".
_EXIT_AFTER_SIGNAL = 255
# No failure yet: of a name with several addresses, one that did not work; a side output that is done without.
_NOT_YET = ("trying next address", ", continuing with ")
_NOT_PERMITTED = "Operation not permitted"

# An encoder that ends with 0 read to the end, unless its very last words say that the line broke.
_LAST_WORDS = 5


def classify(role: Role, exit: Exit, lines: Sequence[str], *, stopping: bool, oom_killed: bool) -> Failure:  # noqa: A002 - the word of the house, and of the record it takes
    """Name the cause of a process' exit.

    `lines` are the last lines of its stderr, oldest first, with or without FFmpeg's `[level]`; `stopping`:
    we asked it to end; `oom_killed`: the kernel says that memory ran out. What nothing explains is `other`.
    """
    if stopping:
        return Failure(ExitCause.STOPPED)
    if exit.signal is not None:
        out_of_memory = oom_killed and exit.signal == _SIGKILL
        return Failure(ExitCause.OUT_OF_MEMORY if out_of_memory else ExitCause.KILLED)
    lines = [line for line in lines if not any(words in line for words in _NOT_YET)]
    if role is not Role.COMMAND and exit.code == _EXIT_AFTER_SIGNAL and not _says(lines, _NOT_PERMITTED):
        return Failure(ExitCause.KILLED)
    if exit.code == 0:
        return Failure(_after_success(role, lines))
    cause = _explained(_reads_as(role, lines), lines) or ExitCause.OTHER
    return Failure(cause, answered=_says(lines, "Connection refused"), refusal=_refusal(cause, lines))


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


def _after_success(role: Role, lines: Sequence[str]) -> ExitCause:
    last_words = lines[-_LAST_WORDS:]
    if role is Role.COMMAND and any(_FFMPEG_DONE.search(line) for line in last_words):
        return ExitCause.SOURCE_ENDED
    otherwise = ExitCause.SOURCE_ENDED if role is Role.ENCODER else ExitCause.OTHER
    return _explained(_reads_as(role, lines), last_words) or otherwise


def _explained(role: Role, lines: Sequence[str]) -> ExitCause | None:
    for rule in _FATAL:
        if role in rule.roles and any(rule.pattern.search(line) for line in lines):
            return rule.cause
    for table in (_SPECIFIC, _GENERAL):
        for line in reversed(lines):
            for rule in table:
                if role in rule.roles and rule.pattern.search(line):
                    return rule.cause
    return None


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
