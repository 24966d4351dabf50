"""Captured last words of FFmpeg 5.1 and 9.0, and what each must be called."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from supervisor.ffmpeg.failure import Failure, classify
from supervisor.model.terms import EXITS_OF, Exit, ExitCause, Refusal, Role

CAPTURED = sorted((Path(__file__).parent / "captured").glob("ffmpeg-*.txt"))


class Capture(NamedTuple):
    role: Role
    exit: Exit
    lines: list[str]


def read(path: Path) -> dict[str, Capture]:
    captures: dict[str, Capture] = {}
    for block in path.read_text(encoding="utf-8").split("\n== ")[1:]:
        head, *lines = block.splitlines()
        name, role, code = head.split()
        captures[name] = Capture(Role(role), Exit(int(code), None), lines)
    return captures


CAPTURES = {path.stem: read(path) for path in CAPTURED}

EXPECTED: dict[ExitCause, str] = {
    ExitCause.SOURCE_UNREACHABLE: """
        src-rtsp-refused src-rtmp-refused src-http-refused src-srt-refused src-rtsp-dns
        src-rtmp-dns src-http-dns src-rtsp-timeout src-rtsp-nodata src-rtsp-drop src-rtsp-close
        src-rtmp-timeout src-http-timeout
        src-rtmp-reset src-rtsp-503 src-http-503 src-file-missing src-file-garbage
        cmd-src-refused cmd-src-dns""",
    ExitCause.SOURCE_REFUSED: """
        src-rtsp-401 src-rtsp-403 src-rtsp-404 src-rtsp-digest src-http-401 src-http-403 src-http-404
        src-hls-404 src-no-video src-audio-copy-none cmd-src-404 cmd-rtsp-401""",
    ExitCause.SOURCE_ENDED: "src-file-eof cmd-eof",
    ExitCause.INGEST_UNREACHABLE: """
        ing-refused ing-dns ing-tls-dns ing-tls-refused ing-srt-refused cmd-ing-refused cmd-ing-dns""",
    ExitCause.INGEST_REFUSED: """
        ing-already ing-no-app ing-denied ing-tls-ca ing-tls-host cmd-already""",
    ExitCause.INGEST_CLOSED: """
        ing-dropped ing-midway-rst ing-midway-fin ing-reset ing-close-at-once cmd-midway""",
    ExitCause.BAD_ARGUMENTS: """
        src-bad-option src-bad-format src-lavfi-bad enc-bad-preset enc-videotoolbox cmd-bad-option""",
    ExitCause.ENCODER_MISSING: "enc-unknown enc-nvenc enc-vaapi enc-qsv enc-v4l2 cmd-no-encoder",
    ExitCause.DISK_FULL: "file-full file-full-flv file-full-mp4",
    ExitCause.KILLED: "enc-term push-term push-term2 cmd-term",
    ExitCause.OTHER: "port-taken file-nodir",
}
NAMES = {name: cause for cause, names in EXPECTED.items() for name in names.split()}
# 5.1 does not verify a source's certificate and only sees that no answer comes; 9.0 refuses it.
BY_VERSION = {
    ("ffmpeg-5.1.9", "src-https-ca"): ExitCause.SOURCE_UNREACHABLE,
    ("ffmpeg-9.0.2", "src-https-ca"): ExitCause.SOURCE_REFUSED,
}
CASES = [
    pytest.param(capture, BY_VERSION.get((version, name)) or NAMES[name], id=f"{version}-{name}")
    for version, captures in CAPTURES.items()
    for name, capture in captures.items()
]


def cause(role: Role, code: int | None, *lines: str, signal: int | None = None) -> ExitCause:
    return classify(role, Exit(code, signal), lines, stopping=False).cause


@pytest.mark.parametrize(("capture", "expected"), CASES)
def test_captured(capture: Capture, expected: ExitCause) -> None:
    failure = classify(capture.role, capture.exit, capture.lines, stopping=False)
    assert failure.cause is expected


@pytest.mark.parametrize("version", CAPTURES)
def test_every_expectation_was_captured_with_both_versions(version: str) -> None:
    assert set(NAMES) <= set(CAPTURES[version])


@pytest.mark.parametrize(("capture", "expected"), CASES)
def test_what_we_asked_for_is_never_a_failure(capture: Capture, expected: ExitCause) -> None:
    failure = classify(capture.role, capture.exit, capture.lines, stopping=True)
    assert failure == Failure(ExitCause.STOPPED), expected


@pytest.mark.parametrize("role", Role)
def test_signals(role: Role) -> None:
    assert cause(role, None, signal=9) is ExitCause.KILLED
    assert cause(role, None, signal=11) is ExitCause.KILLED
    assert cause(role, 1, "[error] Cannot allocate memory") is ExitCause.OUT_OF_MEMORY


@pytest.mark.parametrize(
    ("role", "code", "expected"),
    [
        (Role.ENCODER, 0, ExitCause.SOURCE_ENDED),
        (Role.PUSHER, 0, ExitCause.OTHER),
        (Role.COMMAND, 0, ExitCause.OTHER),
        (Role.ENCODER, 255, ExitCause.KILLED),
        (Role.PUSHER, 255, ExitCause.KILLED),
        (Role.COMMAND, 255, ExitCause.OTHER),
        (Role.ENCODER, 1, ExitCause.OTHER),
        (Role.COMMAND, 3, ExitCause.OTHER),
        (Role.ENCODER, None, ExitCause.OTHER),
    ],
)
def test_silence(role: Role, code: int | None, expected: ExitCause) -> None:
    assert cause(role, code) is expected


def test_the_last_specific_line_wins() -> None:
    overcome = "[warning] HTTP error 404 Not Found"
    assert cause(Role.ENCODER, 1, overcome, "[error] x: Connection reset by peer") is ExitCause.SOURCE_UNREACHABLE
    assert cause(Role.ENCODER, 1, "[error] x: Connection reset by peer", overcome) is ExitCause.SOURCE_REFUSED


def test_a_source_that_broke_before_a_clean_exit_has_not_ended() -> None:
    broke = "[error] rtsp://cam/s: Connection timed out"
    assert cause(Role.ENCODER, 0, broke) is ExitCause.SOURCE_UNREACHABLE
    assert cause(Role.ENCODER, 0, broke, *["[warning] later"] * 5) is ExitCause.SOURCE_ENDED


def test_a_fatal_line_wins_over_what_follows_from_it() -> None:
    lines = (
        "[error] Cannot load libcuda.so.1",
        "[error] Error while opening encoder",
        "[error] Invalid argument",
    )
    assert cause(Role.ENCODER, 1, *lines) is ExitCause.ENCODER_MISSING


def test_a_command_that_is_no_ffmpeg_is_not_guessed_at() -> None:
    assert cause(Role.COMMAND, 1, "curl: (7) Connection refused") is ExitCause.OTHER
    assert cause(Role.COMMAND, 1, "write: No space left on device") is ExitCause.DISK_FULL


@pytest.mark.parametrize("role", Role)
def test_no_words_lead_to_a_cause_that_is_not_counted(role: Role) -> None:
    """Whatever anybody was heard to say, said by this role: its cause is one of those that are counted."""
    captures = [capture for captured in CAPTURES.values() for capture in captured.values()]
    causes = {
        classify(role, Exit(code, None), capture.lines, stopping=False).cause for capture in captures for code in (0, 1)
    }
    assert causes <= set(EXITS_OF[role])
    assert len(causes) > 3, "it had something to tell apart"


# --- how a source refused ------------------------------------------------------------------------------

HOW: dict[Refusal | None, str] = {
    Refusal.DENIED: "src-rtsp-401 src-rtsp-403 src-rtsp-digest src-http-401 src-http-403 cmd-rtsp-401",
    Refusal.NOT_THERE: "src-rtsp-404 src-http-404 src-hls-404 src-no-video src-audio-copy-none cmd-src-404",
    Refusal.BUSY: "src-rtsp-503 src-http-503",
    None: "src-rtsp-refused src-http-dns src-rtmp-reset src-file-missing src-file-eof src-rtsp-drop ing-already",
}


@pytest.mark.parametrize("version", CAPTURES)
@pytest.mark.parametrize(
    ("name", "refusal"), [(name, refusal) for refusal, names in HOW.items() for name in names.split()]
)
def test_how_it_refused(version: str, name: str, refusal: Refusal | None) -> None:
    seen = CAPTURES[version][name]
    assert classify(seen.role, seen.exit, seen.lines, stopping=False).refusal is refusal


OLD_HTTP = """\
[http @ 0x1] [warning] HTTP error {code} {words}
[error] http://127.0.0.1:1/x.ts: Server returned {general}"""
NEW_HTTP = """\
[http @ 0x1] [warning] HTTP error {code} {words}
[in#0 @ 0x1] [error] Error opening input: Server returned {general}
[error] Error opening input file http://127.0.0.1:1/x.ts.
[fatal] Error opening input files: Server returned {general}"""
OLD_RTSP = """\
[rtsp @ 0x1] [error] method DESCRIBE failed: {code} {words}
[error] rtsp://127.0.0.1:1/x.ts: Server returned {general}"""
NEW_RTSP = """\
[in#0 @ 0x1] [error] method DESCRIBE failed: {code} ({words})
[in#0 @ 0x1] [error] Error opening input: Server returned {general}
[error] Error opening input file rtsp://127.0.0.1:1/x.ts.
[fatal] Error opening input files: Server returned {general}"""
ANY_4, ANY_5 = "4XX Client Error, but not one of 40{0,1,3,4}", "5XX Server Error reply"


@pytest.mark.parametrize(
    ("code", "words", "general", "refusal"),
    [
        (400, "Bad Request", "400 Bad Request", Refusal.DENIED),
        (410, "Gone", ANY_4, Refusal.NOT_THERE),
        (429, "Too Many Requests", ANY_4, Refusal.LIMITED),
        (429, "Too Many Requests", "429 Too Many Requests", Refusal.LIMITED),
        (451, "Unavailable For Legal Reasons", ANY_4, Refusal.DENIED),
        (458, "", ANY_4, Refusal.DENIED),
        (453, "Not Enough Bandwidth", ANY_4, Refusal.DENIED),
        (454, "Session Not Found", ANY_4, Refusal.NOT_THERE),
        (503, "Service Unavailable", ANY_5, Refusal.BUSY),
        (509, "Bandwidth Limit Exceeded", ANY_5, Refusal.BUSY),
        (500, "Too many connections", ANY_5, Refusal.BUSY),
        (500, "Internal Server Error", ANY_5, None),
        (502, "Bad Gateway", ANY_5, None),
    ],
)
@pytest.mark.parametrize("said", [OLD_HTTP, NEW_HTTP, OLD_RTSP, NEW_RTSP], ids=["old", "new", "old-rtsp", "new-rtsp"])
def test_the_servers_own_number_tells_how(
    said: str, code: int, words: str, general: str, refusal: Refusal | None
) -> None:
    lines = said.format(code=code, words=words, general=general).splitlines()
    assert classify(Role.ENCODER, Exit(1, None), lines, stopping=False).refusal is refusal


def test_a_wrong_passphrase_for_srt_is_a_refusal() -> None:
    """In the words of libsrt, which stand among FFmpeg's."""
    own = "23:57:58.572929/SRT:RcvQ:w1!W:SRT.cn: processAsyncConnectRequest: REJECT reported from HS processing: {}"
    ends = [
        "[srt @ 0x1] [error] Connection to srt://127.0.0.1:1?passphrase=x failed: Input/output error",
        "[error] srt://127.0.0.1:1?passphrase=x: Input/output error",
    ]
    wrong = [own.format("Incorrect passphrase - not processing further"), *ends]
    other = [own.format("Peer rejected the connection - not processing further"), *ends]
    for lines, refusal in ((wrong, Refusal.DENIED), (other, Refusal.NOT_THERE)):
        failure = classify(Role.ENCODER, Exit(1, None), lines, stopping=False)
        assert (failure.cause, failure.refusal) == (ExitCause.SOURCE_REFUSED, refusal)
    assert cause(Role.ENCODER, 1, *ends) is ExitCause.SOURCE_UNREACHABLE


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ("No such stream", Refusal.NOT_THERE),
        ("Stream not found", Refusal.NOT_THERE),
        ("authentication failed", Refusal.DENIED),
        ("Connection rejected: access denied", Refusal.DENIED),
    ],
)
def test_a_relay_says_in_words_how_it_refuses(said: str, refusal: Refusal) -> None:
    old = [f"[rtmp @ 0x1] [error] Server error: {said}", "[error] rtmp://127.0.0.1/x/cam: Operation not permitted"]
    new = [
        old[0],
        "[in#0 @ 0x1] [error] Error opening input: Operation not permitted",
        "[error] Error opening input file rtmp://127.0.0.1/x/cam.",
        "[fatal] Error opening input files: Operation not permitted",
    ]
    for code, lines in ((1, old), (255, new)):
        failure = classify(Role.ENCODER, Exit(code, None), lines, stopping=False)
        assert (failure.cause, failure.refusal) == (ExitCause.SOURCE_REFUSED, refusal)


def test_what_was_overcome_says_nothing_of_how_it_ended() -> None:
    lines = ["[warning] HTTP error 401 Unauthorized", "[error] x: Connection reset by peer"]
    assert classify(Role.ENCODER, Exit(1, None), lines, stopping=False).refusal is None


def test_who_listens_goes_on_after_a_stranger_with_a_wrong_passphrase() -> None:
    stranger = "12:00:00.1/SRT:RcvQ:w1!W:SRT.cn: processConnectRequest: rsp(REJECT): 1010 - Incorrect passphrase"
    assert cause(Role.ENCODER, 1, stranger, "[error] srt://:9000: Connection timed out") is ExitCause.SOURCE_UNREACHABLE
    assert cause(Role.ENCODER, 0, stranger) is ExitCause.SOURCE_ENDED


def test_a_firewall_that_forbids_the_way_is_no_file_that_may_not_be_written() -> None:
    lines = (
        "[tcp @ 0x1] [error] Connection to tcp://h:1935 failed: Permission denied",
        "[error] rtmp://h/live: Permission denied",
    )
    assert cause(Role.PUSHER, 1, *lines) is ExitCause.INGEST_UNREACHABLE
    assert cause(Role.PUSHER, 1, "[error] /rec/x.flv: Permission denied") is ExitCause.OTHER
