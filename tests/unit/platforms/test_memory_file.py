"""What outlives neverdark of its broadcasts."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from supervisor.platforms.youtube.memory_file import MemoryFile
from supervisor.platforms.youtube.planner import MOST_MADE
from supervisor.platforms.youtube.private_file import MOST_BYTES
from supervisor.platforms.youtube.steps import Intent, Memory

FULL = Memory("B", "C", ("A", "B", "C"), Intent("[nd-1]", 12.5, rotation=True), (1.0, 2.0), 3.0, 4)


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    file = MemoryFile(tmp_path / "memory")
    assert file.of("S") == Memory()
    assert file.keep("S", FULL)
    assert file.keep("T", Memory("X"))
    again = MemoryFile(tmp_path / "memory")
    assert (again.of("S"), again.of("T"), again.of("U")) == (FULL, Memory("X"), Memory())
    assert stat.S_IMODE((tmp_path / "memory").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"version": 2}', b'{"version": 1, "streams": {"S": {}}}', b"null"]
)
def test_what_is_none_is_forgotten_and_not_fatal(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "memory").write_bytes(content)
    file = MemoryFile(tmp_path / "memory")
    assert file.of("S") == Memory()
    assert file.keep("S", FULL)
    assert MemoryFile(tmp_path / "memory").of("S") == FULL


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    file = MemoryFile(tmp_path / "nowhere" / "memory")
    assert not file.keep("S", FULL)
    assert file.of("S") == Memory(), "nothing is believed to be kept that is not"


def test_a_hundred_destinations_fit(tmp_path: Path) -> None:
    file = MemoryFile(tmp_path / "memory")
    made = tuple(f"{number:011d}" for number in range(MOST_MADE))
    for number in range(100):
        assert file.keep(f"stream-of-the-usual-length-{number:04d}", FULL._replace(made=made))
    assert (tmp_path / "memory").stat().st_size < MOST_BYTES


def test_the_memory_of_many_destinations_is_read_again(tmp_path: Path) -> None:
    file = MemoryFile(tmp_path / "memory")
    for number in range(150):
        assert file.keep(f"stream-{number}", FULL._replace(made=("a-long-broadcast",) * MOST_MADE))
    assert (tmp_path / "memory").stat().st_size > MOST_BYTES
    assert MemoryFile(tmp_path / "memory").of("stream-0").current == "B"
