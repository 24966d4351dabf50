"""The pictures of incidents on a real disk: whole, private, and bounded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.machine import kept_pictures
from supervisor.machine.data_dir import DataDir
from supervisor.machine.kept_pictures import KeptPictures

JPEG = b"\xff\xd8 a picture \xff\xd9"
DAY = 86_400.0
NOW = 1_767_225_600.0


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[DataDir]:
    data_dir = DataDir(tmp_path / "data")
    yield data_dir
    data_dir.close()


@pytest.fixture
def kept(data_dir: DataDir) -> KeptPictures:
    return KeptPictures(data_dir.folder("thumbnails"))


def names(kept: KeptPictures) -> list[str]:
    return sorted(path.name for path in kept.path.iterdir())


def test_what_is_kept_is_found_again_also_by_the_next_neverdark(kept: KeptPictures, data_dir: DataDir) -> None:
    assert "cam-1-1" not in kept
    assert kept.read("cam-1-1") is None
    kept.keep("cam-1-1", JPEG, NOW)
    assert "cam-1-1" in kept
    assert kept.read("cam-1-1") == JPEG
    assert names(kept) == ["cam-1-1.jpg"]
    again = KeptPictures(data_dir.folder("thumbnails"))
    again.tidy(NOW, DAY)
    assert again.read("cam-1-1") == JPEG


def test_where_nothing_was_kept_nothing_is_made(kept: KeptPictures) -> None:
    kept.tidy(NOW, DAY)
    assert kept.read("cam-1-1") is None
    assert not kept.path.exists()


def test_nobody_else_may_read_it(kept: KeptPictures) -> None:
    kept.keep("cam-1-1", JPEG, NOW)
    assert kept.path.stat().st_mode & 0o077 == 0
    assert (kept.path / "cam-1-1.jpg").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", ".", "..", "../cam", "a/b", ".hidden", "x" * 300, "a\nb", "\0"])
def test_no_name_leads_elsewhere(kept: KeptPictures, name: str) -> None:
    kept.keep(name, JPEG, NOW)
    assert name not in kept
    assert kept.read(name) is None
    assert not kept.path.exists() or names(kept) == []


def test_what_is_too_old_goes(kept: KeptPictures) -> None:
    kept.keep("old-1-1", JPEG, NOW - DAY - 1)
    kept.keep("young-1-1", JPEG, NOW - DAY + 1)
    kept.tidy(NOW, DAY)
    assert names(kept) == ["young-1-1.jpg"]
    assert "old-1-1" not in kept


def test_the_oldest_of_what_is_too_many_goes(kept: KeptPictures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_pictures, "MOST_FILES", 3)
    for number in range(6):
        kept.keep(f"cam-{number}", JPEG, NOW + number)
    kept.tidy(NOW, DAY)
    assert names(kept) == ["cam-3.jpg", "cam-4.jpg", "cam-5.jpg"]
    assert [f"cam-{number}" in kept for number in range(6)] == [False] * 3 + [True] * 3


def test_the_oldest_of_what_is_too_much_goes(kept: KeptPictures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_pictures, "MOST_BYTES", 2 * len(JPEG) + 1)
    for number in range(4):
        kept.keep(f"cam-{number}", JPEG, NOW + number)
    kept.tidy(NOW, DAY)
    assert names(kept) == ["cam-2.jpg", "cam-3.jpg"]


def test_what_is_not_ours_stays_and_a_half_written_one_goes(kept: KeptPictures, tmp_path: Path) -> None:
    kept.keep("cam-1", JPEG, NOW)
    (kept.path / "notes.txt").write_text("the owner's")
    (kept.path / "cam-2.new").write_bytes(b"half")
    (kept.path / "folder.jpg").mkdir()
    (tmp_path / "elsewhere").write_text("secret")
    (kept.path / "link.jpg").symlink_to(tmp_path / "elsewhere")
    kept.tidy(NOW, DAY)
    assert names(kept) == ["cam-1.jpg", "folder.jpg", "link.jpg", "notes.txt"]
    assert "link" not in kept
    assert kept.read("link") is None


def test_of_a_full_disk_nothing_half_is_left(kept: KeptPictures, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.keep("cam-1", JPEG, NOW)

    def full(_file: int, data: bytes) -> int:
        del data
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        kept.keep("cam-2", JPEG, NOW)
    assert names(kept) == ["cam-1.jpg"]
    assert "cam-2" not in kept
    assert kept.read("cam-1") == JPEG


def test_an_incident_that_has_become_a_part_of_another_gives_it_its_picture(kept: KeptPictures) -> None:
    kept.keep("part", JPEG, NOW)
    kept.move("part", "whole")
    assert kept.read("whole") == JPEG
    assert "part" not in kept
    kept.keep("part", b"\xff\xd8 another \xff\xd9", NOW)
    kept.move("part", "whole")
    assert kept.read("whole") == JPEG, "it has one of its own"
