"""The folder of a recording: what is seen there, and that nothing of others is ever touched."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from supervisor.machine import segments as machine_segments
from supervisor.machine.segments import Looks, Segments, Shelf, look, read_index, remove, write_index
from supervisor.model.recordings import Kept

MEDIA = bytes(5000)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    (tmp_path / "rec").mkdir()
    return Kept(tmp_path / "rec", "cam.tape", ".mkv", 600.0, None, None, 0.05)


def segment(kept: Kept, second: int, content: bytes = MEDIA, run: str = "r1") -> Path:
    file = kept.folder / f"cam.tape.20261127T1345{second:02}Z-{run}.mkv"
    file.write_bytes(content)
    return file


def test_segments_are_seen_oldest_first_and_empty_ones_apart(kept: Kept) -> None:
    late, early, empty = segment(kept, 20), segment(kept, 10), segment(kept, 30, bytes(658))
    shelf = look(kept)
    assert [one.file for one in shelf.segments] == [early.name, late.name]
    assert [one.file for one in shelf.empty] == [empty.name]
    assert shelf.segments[0].size == len(MEDIA)
    assert 0 <= shelf.free <= 1


def test_links_folders_and_what_others_have_put_there_are_not_seen(kept: Kept, tmp_path: Path) -> None:
    precious = tmp_path / "precious.mkv"
    precious.write_bytes(MEDIA)
    (kept.folder / "cam.tape.20261127T134510Z-r1.mkv").symlink_to(precious)
    (kept.folder / "cam.tape.20261127T134511Z-r1.mkv").mkdir()
    os.mkfifo(kept.folder / "cam.tape.20261127T134512Z-r1.mkv")
    (kept.folder / "holiday.mkv").write_bytes(MEDIA)
    (kept.folder / "cam.tape-b.20261127T134513Z-r1.mkv").write_bytes(MEDIA)
    shelf = look(kept)
    assert shelf.segments == shelf.empty == ()


def test_what_is_removed_is_a_name_in_the_folder(kept: Kept, tmp_path: Path) -> None:
    """Even if a link has taken the segment's name since it was looked at."""
    precious = tmp_path / "precious.mkv"
    precious.write_bytes(MEDIA)
    file = segment(kept, 10)
    found = look(kept).segments
    file.unlink()
    file.symlink_to(precious)
    remove(kept, found)
    remove(kept, found)  # gone already: no mistake
    assert precious.read_bytes() == MEDIA
    assert not os.path.lexists(file)


def test_an_index_is_written_in_one_step_and_through_no_link(kept: Kept, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    for name in (kept.index, f".{kept.index}.new"):
        (kept.folder / name).symlink_to(precious)
    with pytest.raises(OSError, match="symbolic"):
        read_index(kept, 100)
    write_index(kept, "one\ntwo\n")
    assert precious.read_text() == "mine"
    assert read_index(kept, 100) == "one\ntwo\n"
    assert read_index(kept, 4) == "two\n"
    assert [file.name for file in kept.folder.iterdir()] == [kept.index]


def test_where_nothing_was_written_down_nothing_is_read(kept: Kept) -> None:
    assert read_index(kept, 100) == ""


def test_each_run_has_names_of_its_own_and_none_while_it_is_to_wait(kept: Kept) -> None:
    recording = Segments(kept)
    first, second = recording.file(1_795_787_100.0, 1), recording.file(1_795_787_100.0, 2)
    assert first != second
    assert first.parent == second.parent == kept.folder
    assert kept.read_name(first.name.replace("%Y%m%dT%H%M%SZ", "20261127T134500Z"))
    recording.waits = "there is no room"
    with pytest.raises(OSError, match="there is no room") as raised:
        recording.file(0.0, 3)
    assert raised.value.errno == errno.ENOSPC


def test_who_asks_gets_what_is_there_and_written_down(kept: Kept) -> None:
    one = segment(kept, 10)
    write_index(kept, "x" * 50)
    shelf, written = Looks(5.0)(kept, 20)
    assert ([found.file for found in shelf.segments], written) == ([one.name], "x" * 20)


def test_a_folder_that_hangs_keeps_one_thread_and_nobody_for_long(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, begun = threading.Event(), []

    def hang(kept: Kept) -> Shelf:
        begun.append(kept)
        go_on.wait(60)
        return look(kept)

    monkeypatch.setattr(machine_segments, "look", hang)
    looks = Looks(0.05)
    for _ in range(5):
        with pytest.raises(OSError, match="does not answer"):
            looks(kept, 20)
    assert len(begun) == 1
    go_on.set()
    assert Looks(5.0)(kept, 20)[1] == ""


def test_a_folder_that_is_gone_is_an_error_and_may_come_back(kept: Kept) -> None:
    """Many times: whoever has the answer may ask again at once, and then gets a new one."""
    looks = Looks(60.0)
    for _ in range(200):
        kept.folder.rmdir()
        with pytest.raises(FileNotFoundError):
            looks(kept, 20)
        kept.folder.mkdir()
        assert looks(kept, 20)[0].segments == ()
