"""The copies of what is laid over pictures: always there, always whole, never too big."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervisor.machine.overlay_files import make_ready, renew
from supervisor.model.overlays import OverlayFile

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50 + b"IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff" + b"x" * 50 + b"\xff\xd9"


@pytest.fixture
def text(tmp_path: Path) -> OverlayFile:
    return OverlayFile(tmp_path / "mine.txt", tmp_path / "overlays" / "cam.0.txt", image=False)


@pytest.fixture
def image(tmp_path: Path) -> OverlayFile:
    return OverlayFile(tmp_path / "mine.png", tmp_path / "overlays" / "cam.0.png", image=True)


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        (b"hello\n", "hello"),
        (b"two\r\nlines\r\n", "two\nlines"),
        ("\ufeffünï".encode(), "ünï"),
        (b"bad \xff\xfe utf-8", "bad  utf-8"),
        (b"a\0b\tc\x1b[31m", "a b c [31m"),
        (b"x" * 5_000_000, "x" * 1000),
        (b"\n".join([b"l"] * 100), "\n".join(["l"] * 20)),
        (b"", ""),
    ],
)
def test_a_text_is_copied_as_it_can_be_drawn(written: bytes, drawn: str, text: OverlayFile) -> None:
    text.file.write_bytes(written)
    assert renew(text)
    assert text.copy.read_text() == drawn
    assert not renew(text), "nothing is new"


def test_a_text_that_is_gone_is_an_empty_one_and_comes_back(text: OverlayFile) -> None:
    assert renew(text)
    text.file.write_text("here")
    assert renew(text)
    text.file.unlink()
    assert renew(text)
    assert text.copy.read_bytes() == b""
    text.file.mkdir()
    assert not renew(text)
    text.file.rmdir()
    os.mkfifo(text.file)
    assert not renew(text), "it does not wait for who writes"


def test_a_copy_that_somebody_removed_is_made_again(text: OverlayFile) -> None:
    text.file.write_text("here")
    assert renew(text)
    text.copy.unlink()
    assert renew(text)
    assert text.copy.read_text() == "here"


def test_who_begins_before_the_first_look_finds_something(text: OverlayFile, image: OverlayFile) -> None:
    for one in (text, image):
        make_ready(one)
        assert one.copy.exists()
    text.file.write_text("here")
    renew(text)
    make_ready(text)
    assert text.copy.read_text() == "here", "what is there stays"


@pytest.mark.parametrize("whole", [PNG, JPEG], ids=["png", "jpeg"])
def test_an_image_is_taken_when_it_is_whole(whole: bytes, image: OverlayFile) -> None:
    make_ready(image)
    assert not renew(image), "there is none yet"
    image.file.write_bytes(whole[:-1])
    assert not renew(image), "it is being written"
    image.file.write_bytes(whole)
    assert renew(image)
    assert image.copy.read_bytes() == whole
    for other in (b"GIF89a", whole[:20], b""):
        image.file.write_bytes(other)
        assert not renew(image)
    image.file.unlink()
    assert not renew(image)
    assert image.copy.read_bytes() == whole
