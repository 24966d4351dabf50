"""What FFmpeg's phrases mean: a cause, and the same in words for people. Pure.

The rules come from real runs of FFmpeg 5.1 to 9.0; tests/unit/ffmpeg/stderr/ has what they said. The same error reads
differently where the C library is musl (Alpine): both forms stand side by side.
`said` is shown instead of the cause's usual words. It never quotes what a process wrote, which may hold a secret.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from supervisor.model.terms import ExitCause, Role

if TYPE_CHECKING:
    from collections.abc import Sequence


class Rule(NamedTuple):
    """Whose line is meant, what it looks like, and what it means; `said` is None where the cause says it all."""

    roles: frozenset[Role]
    pattern: re.Pattern[str]
    cause: ExitCause
    said: str | None


# A line is read as an encoder's (it speaks of the source) or a pusher's (of the ingest). A command does both
# in one process: `failure` tells which of the two it speaks of, and COMMAND stays for what is neither.
_ANY = frozenset(Role)
_SOURCE = frozenset({Role.ENCODER})
_INGEST = frozenset({Role.PUSHER})

# As glibc and as musl (and FFmpeg itself, on Windows) say it.
_IO_ERROR = r"(?:Input/output|I/O) error"

_NO_TLS_THERE = (r"unexpected TLS packet", r"wrong version number", r"packet length too long")
# As who calls says it: who listens says much the same of strangers, and goes on.
_SRT_REJECTED = r"REJECT reported from HS processing"

NO_SUCH_HOST = "the server's name has no address: is it spelt right, and does this machine's DNS work?"
NO_ANSWER = "the server did not answer in time"
NO_WAY = "this machine knows no way to the server: is its network up?"
NOT_LISTENING = "the server's machine answers, but nothing listens on that port"
CERTIFICATE = (
    "the server's certificate was not accepted: expired, not valid yet (is this machine's clock right?), made for"
    " another name, or signed by nobody who is trusted here"
)
WRONG_HOST = "the server's certificate is for another name than the URL's"
# What FFmpeg does not tell, and a look of our own does.
NOT_VALID_YET = "the server's certificate is not valid yet: is this machine's clock right?"
EXPIRED = "the server's certificate has expired, if this machine's clock is right"
UNTRUSTED = "the server's certificate is signed by nobody who is trusted here"
OF_CERTIFICATES = frozenset({CERTIFICATE, WRONG_HOST, NOT_VALID_YET, EXPIRED, UNTRUSTED})
NOT_RTMP = "the server hung up in the middle of RTMP's handshake: does it want rtmps:// on that port?"
NOT_TLS = "the server does not speak TLS on that port: is it rtmp:// or http:// instead of rtmps:// or https://?"
SRT_WRONG_WORD = "the SRT server refused the passphrase"
SRT_MISMATCH = "the SRT server wants a passphrase and got none, or got one and wants none"
SRT_BAD_WORD = "this cannot be an SRT passphrase: it has 10 to 79 characters"
SRT_REFUSED = "the SRT server refused the connection (wrong stream id, or in use already?)"
NOT_CARRIED = (
    "the container cannot carry a track as the source has it: it must be encoded (audio: {source: auto},"
    " video: {codec: libx264})"
)
NO_SUCH_PROGRAM = "a program that the command calls is not there"
NOT_A_PROGRAM = "a program that the command calls cannot be executed: not allowed, or not for this machine"
FILE_MISSING = "a file or device that is read is not there"
NOT_OPENED = "a file in the source's list cannot be opened"
PORT_TAKEN = "another program uses the port that the source shall come to"
NOT_OUR_ADDRESS = "this machine has not the address that the source shall come to"
UPLOAD_DENIED = "the server refused what was uploaded: is the key right, and valid?"
UPLOAD_REFUSED = "the server refused what was uploaded: is the URL right?"
UPLOAD_TROUBLE = "the server has trouble of its own: it did not take what was uploaded"
UPLOAD_LOST = "the server hung up in the middle of an upload"
NO_KEYFRAME = "no keyframe comes: HLS can only be cut at one"
SIZE_LIMIT = "a file has reached the size that it may have on this machine"


def _rule(roles: frozenset[Role], cause: ExitCause, *patterns: str, said: str | None = None) -> Rule:
    return Rule(roles, re.compile("|".join(patterns)), cause, said)


def _both(ending: str, *patterns: str, said: str) -> tuple[Rule, Rule]:
    """The same of a source and of an ingest."""
    source, ingest = ExitCause(f"source_{ending}"), ExitCause(f"ingest_{ending}")
    return _rule(_SOURCE, source, *patterns, said=said), _rule(_INGEST, ingest, *patterns, said=said)


def _uploader(cause: ExitCause, words: str, said: str) -> Rule:
    return _rule(_INGEST, cause, rf"\[upload\] \[fatal\] {words}", said=said)


def _answer(codes: str, said: str) -> Rule:
    """What a source answered, by HTTP or RTSP."""
    pattern = rf"(?:HTTP error|method \w{{1,20}} failed:|returned) {codes}"
    return _rule(_SOURCE, ExitCause.SOURCE_REFUSED, pattern, said=said)


# Fatal wherever they stand. FFmpeg adds lines that sound like something else: the first RULE wins.
FATAL: Sequence[Rule] = (
    _rule(_ANY, ExitCause.DISK_FULL, r"No space left on device", r"(?:Disk q|Q)uota exceeded"),
    _rule(_ANY, ExitCause.DISK_FULL, r"File too large", said=SIZE_LIMIT),
    _rule(
        _ANY,
        ExitCause.ENCODER_MISSING,
        r"error while loading shared libraries",
        said="FFmpeg cannot be loaded on this machine: a library is missing, or there is no memory for it",
    ),
    _rule(_ANY, ExitCause.ENCODER_MISSING, r"Device creation failed"),
    _rule(
        _ANY,
        ExitCause.OUT_OF_MEMORY,
        r"Cannot allocate memory",
        r"\bOut of memory",
        r"malloc of size \d{1,20} failed",
    ),
    _rule(
        _ANY,
        ExitCause.ENCODER_MISSING,
        r"Unknown (?:encoder|decoder) '",
        r"(?:En|De)coder not found",
        r"Cannot load lib(cuda|nvidia-encode|amfrt)",
        r"DLL libamfrt\S* failed to open",
        r"Could not find a valid device",
        r"MFX session",
        r"No (NVENC )?capable devices found",
    ),
    _rule(
        _ANY,
        ExitCause.BAD_ARGUMENTS,
        r"not compatible with flv",
        r"not currently supported in container",
        r"Tag .{0,40} incompatible with output codec id",
        r"Could not find tag for codec",
        r"is not supported in the official FLV specification",
        said=NOT_CARRIED,
    ),
    _rule(
        _ANY,
        ExitCause.BAD_ARGUMENTS,
        r"failed to set option SRTO_PASSPHRASE",
        said=SRT_BAD_WORD,
    ),
    _rule(
        _ANY,
        ExitCause.BAD_ARGUMENTS,
        r"Unrecognized option",
        r"Option \S{1,80} not found",
        r"Option not found",
        r"Unknown (input|output) format",
        r"Requested output format",
        r"Unable to (find a suitable output|choose an output) format",
        r"No such filter",
        r"Error parsing (a filter description|filterchain)",
        r"Protocol not found",
        r"invalid preset",
        r"Unable to parse (?:\"[^\"]{1,80}\" )?option value",
        r"Error initializing complex filters",
        r"Unknown bitstream filter",
        r"Bitstream filter not found",
        r"Unknown pixel format requested",
        r"Invalid (frame size: |duration specification)",
        r"Missing argument for option",
        r"At least one output file must be specified",
    ),
    # What libsrt says itself; FFmpeg only adds that it has failed.
    *_both("refused", rf"{_SRT_REJECTED}: Incorrect passphrase", said=SRT_WRONG_WORD),
    *_both("refused", rf"{_SRT_REJECTED}: Password required or unexpected", said=SRT_MISMATCH),
    *_both("refused", _SRT_REJECTED, said=SRT_REFUSED),
    # A track that is missing or empty is the source's doing: it may be back at the next start.
    _rule(
        _SOURCE,
        ExitCause.SOURCE_REFUSED,
        r"Stream map '[^']{0,80}' matches no streams",
        said="the source lacks a track that is wanted: picture or sound",
    ),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_REFUSED,
        r"option time_base to value 1/0",
        said="a track of the source is empty",
    ),
    _rule(_ANY, ExitCause.BAD_ARGUMENTS, r"Error while opening encoder"),
    # --- the uploader of a pusher, whose end is that of FFmpeg as well
    _uploader(ExitCause.INGEST_REFUSED, "HTTP 40[13]", UPLOAD_DENIED),
    _uploader(ExitCause.INGEST_CLOSED, "HTTP (?:408|42[59])", UPLOAD_TROUBLE),
    _uploader(ExitCause.INGEST_REFUSED, "HTTP [34]", UPLOAD_REFUSED),
    _uploader(ExitCause.INGEST_CLOSED, "HTTP", UPLOAD_TROUBLE),
    _uploader(ExitCause.INGEST_REFUSED, "its certificate", CERTIFICATE),
    _uploader(ExitCause.INGEST_CLOSED, "it does not speak TLS", NOT_TLS),
    _uploader(ExitCause.INGEST_UNREACHABLE, "Failed to resolve", NO_SUCH_HOST),
    _uploader(ExitCause.INGEST_UNREACHABLE, "Connection refused", NOT_LISTENING),
    _uploader(ExitCause.INGEST_UNREACHABLE, "Connection timed out", NO_ANSWER),
    _uploader(ExitCause.INGEST_UNREACHABLE, "No route", NO_WAY),
    _uploader(ExitCause.INGEST_CLOSED, "Connection lost", UPLOAD_LOST),
    _uploader(ExitCause.OTHER, "no keyframe", NO_KEYFRAME),
)

# These also come as warnings of what was overcome long ago, so the last LINE wins.
SPECIFIC: Sequence[Rule] = (
    _rule(_ANY, ExitCause.KILLED, r"Exiting normally, received signal", r"Immediate exit requested"),
    # --- either end
    *_both("unreachable", r"Failed to resolve hostname", r"getaddrinfo\(", said=NO_SUCH_HOST),
    *_both("unreachable", r"Connection refused", said=NOT_LISTENING),
    *_both("unreachable", r"(?:Connection|Operation) timed out", said=NO_ANSWER),
    *_both("unreachable", r"No route to host|Host is unreachable|Network (?:is )?unreachable", said=NO_WAY),
    *_both("refused", r"certificate's owner does not match", said=WRONG_HOST),
    *_both("refused", r"certificate", said=CERTIFICATE),
    # --- the source
    _answer("401", "the source refused us: wrong name or password"),
    _answer("403", "the source refused us: access is not allowed, or the address has expired"),
    _answer("4(?:04|10)", "the source's server has nothing under this address"),
    _answer("429", "the source's server was asked too often (429)"),
    _answer("453", "the source serves others already, and no more of them"),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_REFUSED,
        r"Server returned 4",
        r"HTTP error 4\d\d",
        r"method \w{1,20} failed: 4\d\d",
        r"NetStream\.Play\.",
        r"Server error: ",
    ),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_REFUSED,
        r"Permission denied",
        said="the source may not be read: permission denied",
    ),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_REFUSED,
        r"Unsafe file name",
        said="the list names a file by its path: give the source the options [-safe, '0']",
    ),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_UNREACHABLE,
        r"Server returned 5",
        r"HTTP error 5\d\d",
        r"method \w{1,20} failed: 5\d\d",
        said="the source's server has trouble of its own",
    ),
    _rule(_SOURCE, ExitCause.SOURCE_UNREACHABLE, r"Impossible to open '", said=NOT_OPENED),
    _rule(_SOURCE, ExitCause.SOURCE_UNREACHABLE, *_NO_TLS_THERE, said=NOT_TLS),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_UNREACHABLE,
        r"moov atom not found",
        said="the source's file is not whole: its index is missing",
    ),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_UNREACHABLE,
        r"VIDIOC_QUERYCAP\): Inappropriate ioctl",
        r"Not a video capture device",
        said="the source's path is no such device",
    ),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_UNREACHABLE,
        r"Device or resource busy",
        r"Resource busy",
        said="another program uses the source's device",
    ),
    # --- the player of a list
    _rule(
        _SOURCE,
        ExitCause.SOURCE_UNREACHABLE,
        r"\[player\] \[fatal\] no track",
        said="no track of the source's list can be played",
    ),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_UNREACHABLE,
        r"\[player\] \[fatal\] there is no track",
        said="there is no track in the source's list",
    ),
    # --- the program whose output is read
    _rule(
        _SOURCE,
        ExitCause.SOURCE_UNREACHABLE,
        r"\[pipe\] \[fatal\] the program cannot be started",
        said="the source's program cannot be started",
    ),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_UNREACHABLE,
        r"\[pipe\] \[fatal\] the program ended",
        said="the source's program ended with an error: its own words stand in the encoder's log",
    ),
    _rule(_SOURCE, ExitCause.SOURCE_UNREACHABLE, r"Is a directory", said="the source is a folder, not a file"),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_UNREACHABLE,
        r"No such (file or directory|device)",
        r"cannot open audio device",
        r"Cannot open display",
        said=FILE_MISSING,
    ),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_UNREACHABLE,
        r"Connection reset by peer",
        r"Connection to \S{1,500} failed",
        r"Failed reading RTSP data",
        r"Cannot read RTMP handshake",
    ),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_UNREACHABLE,
        r"Address already in use",
        said=PORT_TAKEN,
    ),
    _rule(_SOURCE, ExitCause.SOURCE_UNREACHABLE, r"Cannot assign requested address", said=NOT_OUR_ADDRESS),
    # --- the ingest
    _rule(
        _INGEST,
        ExitCause.INGEST_REFUSED,
        r"Server error: ",
        r"NetStream\.Publish\.",
        r"NetConnection\.Connect\.",
        r"Server returned 4",
    ),
    _rule(_INGEST, ExitCause.INGEST_CLOSED, *_NO_TLS_THERE, said=NOT_TLS),
    _rule(_INGEST, ExitCause.INGEST_CLOSED, r"Cannot read RTMP handshake", said=NOT_RTMP),
    _rule(_INGEST, ExitCause.INGEST_UNREACHABLE, r"Connection to \S{1,500} failed"),
    _rule(
        _INGEST,
        ExitCause.INGEST_CLOSED,
        r"Broken pipe",
        r"Connection reset by peer",
        r"non-properly terminated",
        r"Error in the (pull|push) function",
        r"unexpected eof while reading",
        r"IO error: End of file",
        rf"av_interleaved_write_frame\(\): (?:{_IO_ERROR}|End of file)",
        r"Error writing trailer of (?:srt|rtmp\w{0,3})://",
        rf"Error writing trailer: (?:{_IO_ERROR}|End of file)",
        rf"to the muxer: {_IO_ERROR}",
    ),
)

# A whole word, so that a line that is full of them takes no longer than any other.
_RTMP_URL = r"(?<![^\s'\"\[\](|])rtmp\w*://(?:\[[0-9a-fA-F:.]*\])?[^\s'\"\[\](|]*"

# What FFmpeg says when it does not know more itself; the last line wins here too.
GENERAL: Sequence[Rule] = (
    # The server hangs up during connect or publish without a word: unknown application, denied by on_publish.
    _rule(_INGEST, ExitCause.INGEST_REFUSED, rf"{_RTMP_URL}: ({_IO_ERROR}|Operation not permitted)"),
    _rule(_INGEST, ExitCause.OTHER, r"Permission denied", said="the file may not be written: permission denied"),
    _rule(_INGEST, ExitCause.OTHER, r"Is a directory", said="the destination is a folder, not a file"),
    _rule(_INGEST, ExitCause.OTHER, r"Read-only file system", said="the file system is read-only"),
    _rule(_INGEST, ExitCause.OTHER, r"No such file or directory", said="the destination's folder is not there"),
    _rule(
        _SOURCE,
        ExitCause.SOURCE_UNREACHABLE,
        r"Invalid data found when processing input",
        r"could not find codec parameters",
        r"Cannot determine format of input",
        said="the source sent nothing that can be read",
    ),
    _rule(_SOURCE, ExitCause.SOURCE_UNREACHABLE, r"unknown keyword '", said="the source's list of files is garbled"),
    _rule(_SOURCE, ExitCause.SOURCE_UNREACHABLE, r": End of file", said="the source's server hung up"),
    _rule(_SOURCE, ExitCause.SOURCE_UNREACHABLE, _IO_ERROR, r"received no packets"),
    _rule(_ANY, ExitCause.BAD_ARGUMENTS, r"Error (splitting the argument list|parsing (global )?options)"),
)

# The encoder's MPEG-TS takes any track, and says so of one that nobody can read there: all would wait for it.
_PRIVATE = re.compile(rb"codec ([a-z0-9_]{1,30}), is muxed as a private data stream").search
_SAYS_PRIVATE = b"private data stream"

# What a shell says of a program that it cannot start, by its exit code.
SHELL: dict[int, str] = {126: NOT_A_PROGRAM, 127: NO_SUCH_PROGRAM}


def not_carried(line: bytes) -> str | None:
    """What a line of an encoder's says of a track that cannot be sent on as it is; None: nothing of the kind."""
    if _SAYS_PRIVATE not in line or not (found := _PRIVATE(line)):
        return None
    return f"MPEG-TS cannot carry {found[1].decode()}: it must be encoded, not copied"
