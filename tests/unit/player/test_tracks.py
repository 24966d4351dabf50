"""Which tracks a list has, and which comes next."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from supervisor.player.tracks import Order, tracks_of


def made(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"sound")
    return folder


def names(*places: Path) -> list[str]:
    return [Path(path).name for path, _ in tracks_of([str(place) for place in places])]


def order(tmp_path: Path, *places: Path, shuffle: bool = False, loop: bool = True) -> Order:
    return Order([str(place) for place in places], str(tmp_path / "notes" / "radio.json"), shuffle=shuffle, loop=loop)


def played(of: Order, count: int) -> list[str]:
    return [Path(path).name for _ in range(count) if (path := of.following())]


def test_a_directory_is_sorted_as_people_do_and_holds_sounds_alone(tmp_path: Path) -> None:
    music = made(tmp_path / "music", "t10.mp3", "T2.MP3", "t1.ogg", "cover.jpg", ".t3.mp3", "notes.txt", "x/9.wav")
    assert names(music) == ["t1.ogg", "T2.MP3", "t10.mp3", "9.wav"]


def test_links_that_lead_back_are_harmless(tmp_path: Path) -> None:
    music = made(tmp_path / "music", "a.mp3", "sub/b.mp3")
    (music / "sub" / "again").symlink_to(music)
    (music / "self.mp3").symlink_to(music / "self.mp3")
    assert names(music) == ["a.mp3", "b.mp3"]


def test_a_list_file_is_read_as_players_write_it(tmp_path: Path) -> None:
    music = made(tmp_path / "music", "a.mp3", "b.mp3")
    lines = b"\xef\xbb\xbf#EXTM3U\r\n#EXTINF:3,x\r\na.mp3\r\n\r\n%s\r\nhttp://elsewhere/c.mp3\r\na.mp3\r\n"
    (music / "list.m3u").write_bytes(lines % str(music / "b.mp3").encode())
    assert names(music / "list.m3u") == ["a.mp3", "b.mp3", "a.mp3"]


def test_it_begins_anew_at_the_end_and_ends_where_it_shall_not(tmp_path: Path) -> None:
    music = made(tmp_path / "music", "1.mp3", "2.mp3")
    assert played(order(tmp_path, music), 5) == ["1.mp3", "2.mp3", "1.mp3", "2.mp3", "1.mp3"]
    once = order(tmp_path / "other", music, loop=False)
    assert played(once, 5) == ["1.mp3", "2.mp3", "1.mp3", "2.mp3"]  # None between two rounds


def test_the_next_run_goes_on_with_the_next_track(tmp_path: Path) -> None:
    music = made(tmp_path / "music", "1.mp3", "2.mp3", "3.mp3")
    assert played(order(tmp_path, music), 1) == ["1.mp3"]
    assert played(order(tmp_path, music), 2) == ["2.mp3", "3.mp3"]


@pytest.mark.parametrize(
    "note", [b"", b"{", b"[]", b'{"last": 5}', b'{"last": ["x", "y"], "at": {}, "done": 0}', b"\xff"]
)
def test_a_note_that_is_garbled_is_none(tmp_path: Path, note: bytes) -> None:
    music = made(tmp_path / "music", "1.mp3", "2.mp3")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "radio.json").write_bytes(note)
    assert played(order(tmp_path, music), 2) == ["1.mp3", "2.mp3"]


def test_without_a_note_it_plays_on(tmp_path: Path) -> None:
    music = made(tmp_path / "music", "1.mp3", "2.mp3")
    (tmp_path / "notes").write_text("in the way")
    assert played(order(tmp_path, music), 3) == ["1.mp3", "2.mp3", "1.mp3"]


def test_what_is_added_while_it_plays_is_played_and_what_is_gone_is_not(tmp_path: Path) -> None:
    music = made(tmp_path / "music", "1.mp3", "3.mp3", "4.mp3")
    of = order(tmp_path, music)
    assert played(of, 1) == ["1.mp3"]
    made(music, "2.mp3")
    assert played(of, 1) == ["2.mp3"]
    (music / "2.mp3").unlink()
    assert played(of, 2) == ["3.mp3", "4.mp3"]


def test_an_edited_list_file_is_read_anew(tmp_path: Path) -> None:
    music = made(tmp_path / "music", "a.mp3", "b.mp3", "c.mp3")
    (music / "list.m3u").write_text("a.mp3\nb.mp3\n")
    of = order(tmp_path, music / "list.m3u")
    assert played(of, 1) == ["a.mp3"]
    (music / "list.m3u").write_text("a.mp3\nc.mp3\nb.mp3\n")
    assert played(of, 2) == ["c.mp3", "b.mp3"]


def test_a_track_that_stands_there_twice_does_not_lead_back(tmp_path: Path) -> None:
    music = made(tmp_path / "music", "a.mp3", "b.mp3", "c.mp3")
    (music / "list.m3u").write_text("a.mp3\nb.mp3\na.mp3\nc.mp3\n")
    assert played(order(tmp_path, music / "list.m3u"), 5) == ["a.mp3", "b.mp3", "a.mp3", "c.mp3", "a.mp3"]


def test_shuffled_each_is_played_once_before_any_again(tmp_path: Path) -> None:
    every = [f"{number}.mp3" for number in range(8)]
    of = order(tmp_path, made(tmp_path / "music", *every), shuffle=True)
    rounds = [played(of, 8) for _ in range(4)]
    assert all(sorted(each) == every for each in rounds)
    assert any(each != every for each in rounds)
    assert all(before[-1] != after[0] for before, after in pairwise(rounds))


def test_shuffled_the_next_run_goes_on_with_what_is_left(tmp_path: Path) -> None:
    every = [f"{number}.mp3" for number in range(6)]
    music = made(tmp_path / "music", *every)
    before = played(order(tmp_path, music, shuffle=True), 3)
    assert sorted(before + played(order(tmp_path, music, shuffle=True), 3)) == every


def test_the_list_that_was_goes_on_when_there_is_none_any_more(tmp_path: Path) -> None:
    music = made(tmp_path / "music", "1.mp3", "2.mp3")
    of = order(tmp_path, music)
    assert played(of, 1) == ["1.mp3"]
    for path in music.iterdir():
        path.unlink()
    assert played(of, 1) == ["2.mp3"]
    found = [of.lost]
    made(music, "5.mp3")
    assert played(of, 1) == ["5.mp3"]
    assert [*found, of.lost] == [True, False]


def test_an_empty_list_has_no_next_track(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    assert order(tmp_path, tmp_path / "music").following() is None
    assert order(tmp_path, tmp_path / "not-there.m3u").following() is None
