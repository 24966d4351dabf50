"""What outlives neverdark of its broadcasts."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from supervisor.platforms.youtube.choosing import MOST_MADE
from supervisor.platforms.youtube.memory_file import KEPT_ASIDE, MemoryFile
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
def test_what_cannot_be_read_is_kept_aside_and_is_not_taken_for_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "memory").write_bytes(content)
    file = MemoryFile(tmp_path / "memory")
    assert file.of("S") == Memory(lost=True)
    (aside,) = tmp_path.glob("memory.damaged-*")
    assert aside.read_bytes() == content
    assert aside.name in file.take_said()
    assert file.take_said() == ""
    assert MemoryFile(tmp_path / "memory").of("S").lost, "the next start does not know more"
    assert file.keep("S", FULL), "it is known again"
    again = MemoryFile(tmp_path / "memory")
    assert (again.of("S"), again.of("T").lost, again.said) == (FULL, True, "")


@pytest.mark.parametrize("content", [b"", b'{"version": 1, "str', None])
def test_a_copy_takes_the_place_of_one_that_is_damaged_or_gone(tmp_path: Path, content: bytes | None) -> None:
    file = MemoryFile(tmp_path / "memory")
    assert file.keep("S", Memory("A"))
    assert file.keep("S", FULL)
    (tmp_path / "memory").unlink()
    if content is not None:
        (tmp_path / "memory").write_bytes(content)
    again = MemoryFile(tmp_path / "memory")
    assert (again.of("S"), again.of("T")) == (FULL, Memory())
    assert ("its copy is used" in again.said) is (content is not None)
    assert again.keep("T", Memory("X"))
    assert MemoryFile(tmp_path / "memory").of("T") == Memory("X")


def test_a_damaged_copy_harms_nobody_and_both_damaged_are_both_kept(tmp_path: Path) -> None:
    assert MemoryFile(tmp_path / "memory").keep("S", FULL)
    (tmp_path / "memory.copy").write_bytes(b"")
    assert MemoryFile(tmp_path / "memory").of("S") == FULL
    (tmp_path / "memory").write_bytes(b"{")
    assert MemoryFile(tmp_path / "memory").of("S").lost
    assert sorted(one.read_bytes() for one in tmp_path.glob("*.damaged-*")) == [b"", b"{"]


def test_without_an_earlier_versions_copy_one_is_made(tmp_path: Path) -> None:
    assert MemoryFile(tmp_path / "memory").keep("S", FULL)
    (tmp_path / "memory.copy").unlink()
    assert MemoryFile(tmp_path / "memory").of("S") == FULL
    (tmp_path / "memory").write_bytes(b"")
    assert MemoryFile(tmp_path / "memory").of("S") == FULL


def test_what_cannot_be_moved_away_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory").write_bytes(b"something")

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "rename", refuse)
    file = MemoryFile(tmp_path / "memory")
    monkeypatch.undo()
    assert file.of("S").lost
    assert not file.keep("S", FULL)
    assert (tmp_path / "memory").read_bytes() == b"something"


def test_only_the_latest_of_those_kept_aside_stay(tmp_path: Path) -> None:
    for number in range(KEPT_ASIDE + 2):
        (tmp_path / "memory").write_bytes(f"{number}".encode())
        assert MemoryFile(tmp_path / "memory").of("S").lost
    kept = sorted(one.read_bytes() for one in tmp_path.glob("memory.damaged-*"))
    assert kept == [b"2", b"3", b"4"]


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
