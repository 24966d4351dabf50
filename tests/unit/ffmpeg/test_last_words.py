"""What a process says: lines, folded, without control characters or secrets, in bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.ffmpeg.failure import classify
from supervisor.ffmpeg.last_words import KEPT_LINES, LastWords
from supervisor.model.terms import Exit, ExitCause, Role
from supervisor.secrets.secrecy import Redactor, secrets_of_url

SECRET = "S3cr3t-K3y/with+signs"


def words(*secrets: str) -> LastWords:
    return LastWords(Redactor(secrets))


def said(listener: LastWords, *pieces: bytes) -> list[str]:
    lines = [line for piece in pieces for line in listener.feed(piece)]
    return [*lines, *listener.finish()]


def test_lines_are_kept_whole_over_reads() -> None:
    assert said(words(), b"one\ntw", b"o\nthr", b"ee") == ["one", "two", "three"]


def test_ffmpegs_carriage_returns_end_lines_and_its_statistics_are_folded() -> None:
    stats = [b"frame=%5d fps= 25 size=%d\r" % (n, n * 100) for n in range(1000)]
    lines = said(words(), *stats, b"done\n")
    assert lines == [
        "frame=    0 fps= 25 size=0",
        "frame=  999 fps= 25 size=99900  (… and 998 more like it before)",
        "done",
    ]


def test_a_line_said_twice_is_written_twice() -> None:
    assert said(words(), b"a 1\na 2\nb\n") == ["a 1", "a 2", "b"]


def test_repeats_are_told_of_when_the_run_ends() -> None:
    assert said(words(), b"a 1\na 2\na 3\n") == ["a 1", "a 3  (… and 1 more like it before)"]


def test_what_is_unfinished_is_known() -> None:
    """At an exit there is mostly nothing left, and no time to ask for it in vain."""
    for piece, unfinished in ((b"", False), (b"a 1\n", False), (b"a 2\n", True), (b"b\n", False), (b"c", True)):
        listener = words()
        list(listener.feed(b"a 1\n" if piece == b"a 2\n" else b""))
        list(listener.feed(piece))
        assert listener.unfinished is unfinished
        assert bool(list(listener.finish())) is unfinished
        assert not listener.unfinished


def test_control_characters_vanish() -> None:
    assert said(words(), b"\x1b[1;31mred\x1b[0m\x07\x00 a\tb\xc2\x85c\xe2\x80\xa8d\n") == ["red a\tbcd"]


def test_what_is_not_utf_8_is_shown_as_such() -> None:
    assert said(words(), b"caf\xe9\n") == ["caf�"]


def test_the_last_lines_are_kept() -> None:
    listener = words()
    said(listener, *(f"line {'x' * n}\n".encode() for n in range(200)))
    assert len(listener.lines) == KEPT_LINES
    assert listener.lines[-1] == f"line {'x' * 199}"
    listener.begin_run()
    assert not listener.lines


def test_a_line_that_never_ends_costs_no_memory_and_only_its_beginning_is_kept() -> None:
    listener = words()
    lines = [line for _ in range(160) for line in listener.feed(b"x" * 65536)]
    assert len(lines) == 1
    assert len(lines[0]) < 2100
    assert len(listener._partial) < 10_000
    assert said(listener, b"rest of it\nnext\n") == ["next"]


def test_of_a_flood_the_end_is_kept() -> None:
    listener = words()
    flood = b"".join(b"line %d %s\n" % (n, b"y" * (n % 7)) for n in range(50_000)) + b"why it died\nbegun"
    listener.keep_tail(flood)
    assert listener.lines[-1] == "why it died"
    assert list(listener.skipped(len(flood)))[-1].endswith("skipped, too many at once")
    assert said(listener, b" line\n") == ["begun line"]


def test_a_flood_without_a_line_end_leaves_no_piece_of_a_line() -> None:
    listener = words(SECRET)
    listener.keep_tail(b"z" * 300_000 + SECRET[:10].encode())
    lines = [*listener.skipped(300_000), *said(listener, SECRET[10:].encode() + b" tail\nnext\n")]
    assert lines[-1] == "next"
    assert not any(SECRET[10:] in line or SECRET[:10] in line for line in [*lines, *listener.lines])


@pytest.mark.parametrize("key", ["Connection", "refused", "Connection refused"])
def test_the_cause_is_found_in_what_was_said(key: str) -> None:
    """A key that is a word of FFmpeg's leaves `*** refused` of `Connection refused`."""
    listener = words(key)
    lines = said(listener, b"[tcp @ 0x1] \x1b[31mConnection to tcp://h:1 failed: Connection refused\x1b[0m  \n")
    assert key not in lines[0]
    unredacted = listener.take_unredacted()
    assert unredacted == ("[tcp @ 0x1] Connection to tcp://h:1 failed: Connection refused",)
    failure = classify(Role.PUSHER, Exit(1, None), unredacted, stopping=False)
    assert failure.cause is ExitCause.INGEST_UNREACHABLE
    assert failure.answered


def test_unredacted_words_are_few_short_and_of_this_run() -> None:
    listener = words("secret")
    said(listener, *(b"secret %c\n" % (65 + n % 26) + b"z" * 7000 + b"\n" for n in range(200)))
    unredacted = listener.take_unredacted()
    assert len(unredacted) <= KEPT_LINES
    assert max(map(len, unredacted)) <= 2001
    assert listener.take_unredacted() == (), "forgotten once they were looked at"
    said(listener, b"secret\n")
    listener.begin_run()
    assert listener.take_unredacted() == (), "or when the next run begins"


def test_unredacted_repeats_do_not_push_out_what_came_before() -> None:
    listener = words("K7777777")
    said(listener, b"why\n", *(b"frame=%5d K7777777\r" % n for n in range(500)), b"done\n")
    assert listener.take_unredacted() == ("why", "frame=  499 K7777777", "done")


def test_lines_that_only_look_alike_once_they_are_cleaned_are_all_there_for_the_diagnosis() -> None:
    listener = words("Connection", "Timeout-x")
    said(listener, b"Timeout-x refused\nConnection refused\nTimeout-x refused\n")
    assert list(listener.lines) == ["*** refused"]
    assert "Connection refused" in listener.take_unredacted()


@given(st.lists(st.binary(max_size=200)))
def test_any_bytes_become_clean_lines(pieces: list[bytes]) -> None:
    for line in said(words("secret"), *pieces):
        assert line
        assert all(character.isprintable() or character in "\t\xa0" or ord(character) > 127 for character in line)


@given(st.lists(st.sampled_from([b"a 1\n", b"a 2\r", b"b\n", b"x" * 9000, b"\n", b"half"])), st.binary(max_size=50))
def test_no_chunking_makes_a_difference(pieces: list[bytes], noise: bytes) -> None:
    data = b"".join(pieces) + noise
    at_once, bit_by_bit = words(), words()
    said(at_once, data)
    said(bit_by_bit, *(data[at : at + 97] for at in range(0, len(data), 97)))
    assert [line[:1000] for line in at_once.lines] == [line[:1000] for line in bit_by_bit.lines]


@given(st.integers(0, 60), st.integers(1, 30))
def test_a_secret_is_hidden_wherever_the_reads_cut_it(at: int, step: int) -> None:
    data = f"[error] rtmp://h/live/{SECRET}: refused\nS3cr3t-K3y%2Fwith%2bsigns\n".encode()
    pieces = [data[:at], *(data[n : n + step] for n in range(at, len(data), step))]
    lines = said(words(SECRET), *pieces)
    assert lines == ["[error] rtmp://h/live/***: refused", "***"]


@pytest.mark.parametrize("length", [*range(1000, 1050), *range(1970, 2030), *range(7950, 8030)])
def test_a_secret_is_hidden_wherever_the_length_of_a_line_cuts_it(length: int) -> None:
    """FFmpeg cuts at 1,023 bytes, we keep 2,000 characters of the first 8,000 bytes."""
    whole = b"x" * (length - 10) + SECRET.encode() + b" " + b"y" * 40
    for data in (whole, whole[:length], whole + b"z" * 20_000):
        for line in said(words(SECRET), data + b"\n", b"next\n"):
            assert "S3cr" not in line
            assert "signs" not in line


def test_many_long_secrets_do_not_move_the_cut_into_one() -> None:
    long = "K" * 500 + "-end"
    lines = said(words(long), (long.encode() + b" ") * 30 + b"\n")
    assert len(lines) == 1
    assert "KKKK" not in lines[0]


@pytest.mark.parametrize(
    "line",
    [
        "[error] rtsp://viewer:made-up@127.0.0.1:28554/401: Server returned 401 Unauthorized",
        "[error] Error opening input file rtsp://viewer:made-up@127.0.0.1:28554/401.",
        "Input #0, rtsp, from 'rtsp://viewer:made-up@127.0.0.1:28554/401':",
    ],
)
def test_ffmpegs_own_lines(line: str) -> None:
    redactor = Redactor(secrets_of_url("rtsp://viewer:made-up@127.0.0.1:28554/401"))
    (shown,) = said(LastWords(redactor), line.encode())
    assert "made-up" not in shown
    assert "127.0.0.1:28554/401" in shown
