"""What the uploader of a pusher says before both end, and what that is called."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from supervisor.ffmpeg.failure import classify
from supervisor.ffmpeg.phrases import CERTIFICATE, NO_ANSWER, NO_SUCH_HOST, NO_WAY, NOT_LISTENING, NOT_TLS
from supervisor.model.terms import Exit, ExitCause, Role
from supervisor.uploader.push import reason

# As both FFmpegs end when nobody reads their pipe any more.
AFTERWARDS = [
    "[error] av_interleaved_write_frame(): Broken pipe",
    "[error] Error writing trailer of pipe:4: Broken pipe",
]
REFUSED, CLOSED, UNREACHABLE = ExitCause.INGEST_REFUSED, ExitCause.INGEST_CLOSED, ExitCause.INGEST_UNREACHABLE


@pytest.mark.parametrize(
    ("words", "cause", "said"),
    [
        ("HTTP 401", REFUSED, "is the key right"),
        ("HTTP 403", REFUSED, "is the key right"),
        ("HTTP 404", REFUSED, "is the URL right"),
        ("HTTP 302", REFUSED, "is the URL right"),
        ("HTTP 503", CLOSED, "trouble of its own"),
        ("HTTP 429", CLOSED, "trouble of its own"),
        ("no keyframe comes to cut at", ExitCause.OTHER, "no keyframe comes"),
        (reason(ssl.SSLCertVerificationError())[0], REFUSED, CERTIFICATE),
        (reason(ssl.SSLError())[0], CLOSED, NOT_TLS),
        (reason(socket.gaierror())[0], UNREACHABLE, NO_SUCH_HOST),
        (reason(ConnectionRefusedError())[0], UNREACHABLE, NOT_LISTENING),
        (reason(TimeoutError())[0], UNREACHABLE, NO_ANSWER),
        (reason(OSError(errno.EHOSTUNREACH, ""))[0], UNREACHABLE, NO_WAY),
        (reason(ConnectionResetError())[0], CLOSED, "hung up"),
    ],
)
def test_the_uploaders_last_line_is_the_cause(words: str, cause: ExitCause, said: str) -> None:
    lines = ["[upload] [warning] Connection lost: once more", f"[upload] [fatal] {words}", *AFTERWARDS]
    found = classify(Role.PUSHER, Exit(1, None), lines, stopping=False)
    assert found.cause is cause
    assert said in (found.said or "")


def test_what_was_tried_again_with_success_is_no_cause() -> None:
    lines = ["[upload] [warning] Connection refused: once more"]
    assert classify(Role.PUSHER, Exit(1, None), lines, stopping=False).cause is not UNREACHABLE
