"""Where a recording goes: never over what has bytes, and nothing empty is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.machine.recording import Recording

WALL = 1_795_458_668.0


def test_attempts_in_vain_leave_nothing(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "tape.ts")
    for run in range(20):
        file = recording.file(WALL + run, run)
        assert file == tmp_path / "tape.ts"
        file.touch()  # as FFmpeg does, before it finds the disk full
    recording.tidy()
    assert not list(tmp_path.iterdir())


def test_what_has_bytes_is_kept_and_the_next_run_has_a_name_of_its_own(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "tape.ts")
    recording.file(WALL, 1).write_bytes(b"media")
    second = recording.file(WALL + 1, 2)
    assert second == tmp_path / "tape.20261123T183109Z-2.ts"
    second.touch()
    third = recording.file(WALL + 2, 3)
    assert not second.exists()
    third.write_bytes(b"more")
    recording.tidy()
    recording.tidy()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"tape.ts": b"media", third.name: b"more"}


@pytest.mark.parametrize("kind", ["empty file", "link", "link to nowhere", "directory"])
def test_what_was_there_before_is_not_ours(kind: str, tmp_path: Path) -> None:
    path, other = tmp_path / "tape.ts", tmp_path / "other.ts"
    match kind:
        case "empty file":
            path.touch()
        case "directory":
            path.mkdir()
        case _:
            path.symlink_to(other)
            if kind == "link":
                other.touch()
    before = sorted(tmp_path.iterdir())
    recording = Recording(path)
    chosen = recording.file(WALL, 1)
    assert chosen not in before
    recording.tidy()
    assert sorted(tmp_path.iterdir()) == before


def test_a_link_that_somebody_put_in_its_place_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "precious"
    other.touch()
    recording = Recording(tmp_path / "tape.ts")
    recording.file(WALL, 1).symlink_to(other)
    recording.tidy()
    assert other.exists()
    assert (tmp_path / "tape.ts").is_symlink()
