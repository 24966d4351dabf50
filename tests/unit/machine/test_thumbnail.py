"""A keyframe taken off a real tap, and programs that make a picture of it, or something else."""

from __future__ import annotations

import ast
import asyncio
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.ffmpeg import thumbnail as words
from supervisor.ffmpeg.parameters import Parameters
from supervisor.machine import thumbnail
from supervisor.machine.parameter_tap import ParameterTap
from supervisor.machine.thumbnail import Draughtsman, collect
from tests.unit.ffmpeg.test_keyframe import PICTURE, TABLES, datagrams, last
from tests.unit.transport_stream import PICTURE_SET, SLICE, filler, keyframe, sequence

WHOLE = TABLES + PICTURE + last(18)
MOST = 100_000
PATIENCE = 30.0  # a hang, not a promise
BEGINNING = TABLES + keyframe(sequence(1280, 720, (25, 1)), PICTURE_SET, SLICE)


@pytest.fixture
def tap() -> Iterator[ParameterTap]:
    tap = ParameterTap()
    yield tap
    tap.close()


@pytest.fixture
def encoder(tap: ParameterTap) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as encoder:
        encoder.bind(("127.0.0.1", 0))
        encoder.connect(("127.0.0.1", tap.port))
        tap.listen_to(encoder.getsockname()[1])
        yield encoder


def collected(tap: ParameterTap, encoder: socket.socket, *bursts: bytes, seconds: float = PATIENCE) -> bytes:
    """What is collected while these are sent, each a moment after the other."""

    async def work() -> bytes:
        asyncio.get_running_loop().add_reader(tap.fd, tap.read)
        collecting = asyncio.create_task(collect(tap, seconds))
        await asyncio.sleep(0)
        for burst in bursts:
            for datagram in datagrams(burst):
                encoder.send(datagram)
            await asyncio.sleep(0.02)
        return await collecting

    return asyncio.run(work())


def test_a_whole_keyframe_comes_through_while_somebody_wants_one(tap: ParameterTap, encoder: socket.socket) -> None:
    assert collected(tap, encoder, WHOLE) == WHOLE


def test_a_large_one_comes_through_whole(tap: ParameterTap, encoder: socket.socket) -> None:
    parts = [PICTURE, *(bytes((0x47, 1, 0, 0x10 | (18 + at) & 15)) + b"\x01" * 184 for at in range(2000))]
    large = TABLES + b"".join(parts) + last(18 + 2000)
    bursts = [large[at : at + 188 * 70] for at in range(0, len(large), 188 * 70)]
    assert collected(tap, encoder, *bursts) == large


def test_one_that_needs_no_filling_is_whole_when_nothing_follows(tap: ParameterTap, encoder: socket.socket) -> None:
    assert collected(tap, encoder, TABLES + PICTURE) == TABLES + PICTURE


def test_nothing_comes(tap: ParameterTap, encoder: socket.socket) -> None:
    assert collected(tap, encoder, filler(), seconds=0.2) == b""


def test_afterwards_beginnings_are_enough_again(tap: ParameterTap, encoder: socket.socket) -> None:
    collected(tap, encoder, WHOLE)
    while tap._next():
        pass
    encoder.send(PICTURE[188:])
    assert tap._next() == b"", "the kernel lets no middle through"
    encoder.send(BEGINNING)
    assert tap.read() != Parameters()


def test_what_a_keyframe_tells_is_heard_meanwhile(tap: ParameterTap, encoder: socket.socket) -> None:
    async def work() -> Parameters | None:
        collecting = asyncio.create_task(collect(tap, 0.1))
        await asyncio.sleep(0)
        encoder.send(BEGINNING)
        found = tap.read()
        await collecting
        return found

    found = asyncio.run(work())
    assert found is not None
    assert PICTURE_SET in found.video


def test_a_tap_that_is_closed_meanwhile_is_nobodys_trouble() -> None:
    tap = ParameterTap()

    async def work() -> bytes:
        collecting = asyncio.create_task(collect(tap, 0.2))
        await asyncio.sleep(0)
        tap.close()
        return await collecting

    assert asyncio.run(work()) == b""


# --- drawing ---------------------------------------------------------------------------------------


def drawn(script: str, media: bytes = b"", most: int = MOST) -> bytes:
    """What comes of a Python program in the place of FFmpeg."""
    draughtsman = Draughtsman()
    try:
        return asyncio.run(draughtsman.draw([sys.executable, "-c", script], os.environ, media, most))
    finally:
        draughtsman.close()


WRITE = "import sys, os; "


def test_it_reads_the_media_and_writes_a_picture() -> None:
    script = WRITE + r"sys.stdout.buffer.write(b'\xff\xd8' + sys.stdin.buffer.read()[::-1] + b'\xff\xd9')"
    assert drawn(script, b"abc" * 100_000, 400_000) == b"\xff\xd8" + b"cba" * 100_000 + b"\xff\xd9"
    assert drawn(script, b"abc") == b"\xff\xd8cba\xff\xd9"


@pytest.mark.parametrize(
    "script",
    [
        "",
        WRITE + "sys.exit(1)",
        WRITE + "sys.stdout.write('no picture')",
        WRITE + r"sys.stdout.buffer.write(b'\xff\xd8' + b'half of one')",
        WRITE + r"sys.stderr.write('words'); sys.exit(3)",
        WRITE + r"sys.stdout.buffer.write(b'\xff\xd8' + bytes(200_000) + b'\xff\xd9')",
    ],
)
def test_what_is_no_picture_is_none(script: str) -> None:
    assert drawn(script) == b""


def test_the_kernel_lets_it_write_no_more_than_that() -> None:
    script = WRITE + "sys.stdin.buffer.read(); [os.write(1, bytes(65536)) for _ in range(10_000)]"
    begun = time.monotonic()
    assert drawn(script) == b""
    assert time.monotonic() - begun < PATIENCE


def test_a_program_that_is_not_there_makes_none() -> None:
    draughtsman = Draughtsman()
    assert asyncio.run(draughtsman.draw(["/nonexistent/ffmpeg"], {}, b"", MOST)) == b""
    draughtsman.close()


def test_one_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(thumbnail, "_DRAW_SECONDS", 1.0)
    note = tmp_path / "pid"
    assert drawn(f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(1000)") == b""
    assert not Path(f"/proc/{note.read_text()}").exists()


def test_at_the_end_nobody_waits_for_one_that_hangs(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(1000)"

    async def work() -> bytes:
        draughtsman = Draughtsman()
        drawing = asyncio.create_task(draughtsman.draw([sys.executable, "-c", script], os.environ, b"", MOST))
        async with asyncio.timeout(PATIENCE):
            while not (note.exists() and note.read_text()):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.01)
            draughtsman.close()
            return await drawing

    begun = time.monotonic()
    assert asyncio.run(work()) == b""
    assert time.monotonic() - begun < PATIENCE


def test_it_has_little_of_anything_and_no_secrets() -> None:
    os.environ["A_SECRET_OF_OURS"] = "x"
    try:
        script = (
            "import os, resource as r, sys; sys.stdin.read(); "
            r"told = repr((os.nice(0), r.getrlimit(r.RLIMIT_FSIZE)[1], r.getrlimit(r.RLIMIT_NOFILE)[1], "
            r"sorted(os.environ), [os.readlink(f'/proc/self/fd/{n}').split(' ')[0] for n in range(3)])); "
            r"sys.stdout.buffer.write(b'\xff\xd8' + told.encode() + b'\xff\xd9')"
        )
        told = drawn(f"import time; time.sleep(0.5); {script}")[2:-2].decode()
    finally:
        del os.environ["A_SECRET_OF_OURS"]
    nice, written, files, names, descriptors = ast.literal_eval(told)
    assert (nice, written, files) == (10, MOST + 1, 64)
    assert "A_SECRET_OF_OURS" not in names
    assert descriptors == ["/memfd:keyframe", "/memfd:picture", "/dev/null"]


def test_the_words_bound_what_a_stranger_may_have_decoded() -> None:
    for argv in (words.small("/usr/bin/ffmpeg"), words.full("/usr/bin/ffmpeg")):
        assert argv[0] == "/usr/bin/ffmpeg"
        before = argv[: argv.index("-i")]
        for option, value in (("-threads", "1"), ("-protocol_whitelist", "pipe"), ("-f", "mpegts")):
            assert before[before.index(option) + 1] == value
        assert argv[argv.index("-frames:v") + 1] == "1"
        assert argv[-1] == "pipe:1"
