"""Slates on disk: found by what went into them, whole or not at all, and not for ever."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from supervisor.config.shape import Audio, Video
from supervisor.ffmpeg.slate import Still
from supervisor.machine import slates as slates_module
from supervisor.machine.data_dir import DataDir
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.machine.slates import LONGEST_IMAGE, NoSlate, Quietly, Ran, Slates, read_image

BINARY = Binary("/usr/bin/ffmpeg", (5, 1), frozenset(), frozenset())
STILL = Still("Back soon", Video.model_validate({"size": "64x36", "fps": 5}), Audio())
PICTURE = bytes(64 * 36)
DAY = 86400.0


@dataclass
class Ffmpeg:
    """Stands for it: writes what it is told to make, unless its argv has one of the words in `fails`."""

    fails: tuple[str, ...] = ()
    said: str = "[png @ 0x1] [error] no such thing\nmore"
    proof: Ran = field(default_factory=lambda: Ran(0, PICTURE, ""))
    made: list[tuple[list[str], bytes]] = field(default_factory=list)

    def __call__(self, argv: Sequence[str], given: bytes, seconds: float) -> Ran:
        assert 0 < seconds <= 120
        if argv[-1] == "pipe:1":
            return self.proof
        self.made.append((list(argv), given))
        Path(argv[-1]).write_bytes(b"media")
        if any(word in " ".join(argv) for word in self.fails):
            return Ran(1, b"", self.said)
        return Ran(0, b"", "")


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[DataDir]:
    opened = DataDir(tmp_path / "da ta'%d")
    yield opened
    opened.close()


def slates(data_dir: DataDir, ffmpeg: Ffmpeg, now: float | None = None) -> Slates:
    return Slates(data_dir.folder("slates"), BINARY, run=ffmpeg, now=lambda: now or time.time())


def files(data_dir: DataDir) -> list[str]:
    return sorted(file.name for file in (data_dir.path / "slates").iterdir())


def test_it_is_made_once_and_found_again(data_dir: DataDir) -> None:
    ffmpeg = Ffmpeg()
    ours = slates(data_dir, ffmpeg)
    assert ours.find(STILL) is None
    assert not (data_dir.path / "slates").exists(), "who looks makes nothing"
    path = ours.make(STILL)
    assert path.read_bytes() == b"media"
    assert ours.make(STILL) == ours.find(STILL) == path
    assert len(ffmpeg.made) == 1
    assert files(data_dir) == [path.name]
    assert slates(data_dir, Ffmpeg()).find(STILL) == path, "the next neverdark finds it, too"


def test_whatever_goes_into_it_is_in_its_name(data_dir: DataDir, tmp_path: Path) -> None:
    ours = slates(data_dir, Ffmpeg())
    image = tmp_path / "a.png"
    image.write_bytes(b"one")
    made = [
        ours.make(STILL),
        ours.make(replace(STILL, text="Soon back")),
        ours.make(replace(STILL, video=STILL.video.model_copy(update={"preset": "medium"}))),
        ours.make(replace(STILL, audio=Audio.model_validate({"source": "none"}))),
        ours.make(replace(STILL, image=image)),
    ]
    image.write_bytes(b"other")
    made.append(ours.make(replace(STILL, image=image)))
    other = Slates(data_dir.folder("slates"), replace(BINARY, version=(9, 0)), run=Ffmpeg())
    made.append(other.make(STILL))
    assert len(set(made)) == len(made) == len(files(data_dir))


def test_an_image_comes_as_it_was_when_its_name_was_made(data_dir: DataDir, tmp_path: Path) -> None:
    image, ffmpeg = tmp_path / "we ird:%d'[.png", Ffmpeg()
    image.write_bytes(b"picture")
    path = slates(data_dir, ffmpeg).make(replace(STILL, image=image))
    assert [given for _, given in ffmpeg.made] == [b"picture"]
    assert str(image) not in ffmpeg.made[0][0]
    assert slates(data_dir, ffmpeg).find(replace(STILL, image=image)) == path


def test_an_image_that_cannot_be_read_gives_way_to_text_and_that_to_a_plain_ground(
    data_dir: DataDir, tmp_path: Path
) -> None:
    ffmpeg = Ffmpeg(fails=("pipe:0",))
    image = tmp_path / "a.png"
    for _ in ("not there", "no image"):
        path = slates(data_dir, ffmpeg).make(replace(STILL, image=image))
        assert "drawtext" in " ".join(ffmpeg.made[-1][0])
        assert slates(data_dir, ffmpeg).find(STILL) == path, "the same as that text alone"
        path.unlink()
        image.write_bytes(b"no image")
    ffmpeg.fails = ("pipe:0", "drawtext")
    path = slates(data_dir, ffmpeg).make(replace(STILL, image=image))
    assert "drawtext" not in " ".join(ffmpeg.made[-1][0])
    assert slates(data_dir, ffmpeg).find(STILL) == path


def test_a_last_frame_is_that_which_is_handed_over(data_dir: DataDir, tmp_path: Path) -> None:
    last, frame, ffmpeg = replace(STILL, last_frame=True), tmp_path / "f.jpg", Ffmpeg()
    frame.write_bytes(b"frame")
    ours = slates(data_dir, ffmpeg)
    text = ours.make(last)
    assert ours.find(last, frame) == text, "until there is one of it"
    path = ours.make(last, frame)
    assert path != text
    assert ours.find(last, frame) == path
    assert [given for _, given in ffmpeg.made] == [b"", b"frame"]


@pytest.mark.parametrize(
    ("ffmpeg", "reason"),
    [
        (Ffmpeg(fails=("color=",)), "no such thing"),
        (Ffmpeg(fails=("color=",), said=""), "FFmpeg ended with exit code 1"),
        (Ffmpeg(proof=Ran(0, PICTURE, "[h264 @ 0x1] [error] bad cabac")), "bad cabac"),
        (Ffmpeg(proof=Ran(0, PICTURE[1:], "")), "what was made is not 64x36"),
        (Ffmpeg(proof=Ran(69, b"", "cannot decode")), "cannot decode"),
    ],
)
def test_what_fails_leaves_nothing(data_dir: DataDir, ffmpeg: Ffmpeg, reason: str) -> None:
    ours = slates(data_dir, ffmpeg)
    with pytest.raises(NoSlate, match=reason):
        ours.make(STILL)
    assert files(data_dir) == []
    assert ours.find(STILL) is None


def test_nothing_is_made_on_a_full_disk(data_dir: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs

    def full(where: int) -> os.statvfs_result:
        return os.statvfs_result((4096, 4096, 10**9, 10**9, 1000, *real(where)[5:]))

    ffmpeg = Ffmpeg()
    monkeypatch.setattr(os, "statvfs", full)
    with pytest.raises(NoSlate, match=os.strerror(errno.ENOSPC)):
        slates(data_dir, ffmpeg).make(STILL)
    assert not ffmpeg.made
    assert files(data_dir) == []


def test_a_directory_that_others_can_change_is_not_used(data_dir: DataDir) -> None:
    (data_dir.path / "slates").symlink_to("/tmp")  # noqa: S108 - it is refused
    ffmpeg = Ffmpeg()
    with pytest.raises(NoSlate):
        slates(data_dir, ffmpeg).make(STILL)
    assert not ffmpeg.made


def test_all_that_is_tried_is_bounded_together(data_dir: DataDir) -> None:
    left: list[float] = []

    def slow(argv: Sequence[str], given: bytes, seconds: float) -> Ran:
        del argv, given
        left.append(seconds)
        time.sleep(0.02)
        raise subprocess.TimeoutExpired("ffmpeg", seconds)

    ours = Slates(data_dir.folder("slates"), BINARY, run=slow)
    with pytest.raises(NoSlate, match="not ready in time"):
        ours.make(STILL, seconds=0.5)
    assert left == sorted(left, reverse=True)
    assert left[-1] <= 0.48


def aged(folder: Path, name: str, days: float, size: int = 1) -> None:
    with (folder / name).open("wb") as file:
        file.truncate(size)
    then = time.time() - days * DAY
    os.utime(folder / name, (then, then))


def test_what_nobody_uses_goes_after_a_month(data_dir: DataDir) -> None:
    ours = slates(data_dir, Ffmpeg())
    kept = ours.make(STILL)
    for name, days in (("old.mkv", 31), ("new.mkv", 29), (".half-made.mkv", 0.1), (".making.mkv", 0.01)):
        aged(kept.parent, name, days)
    aged(kept.parent, kept.name, 300)
    ours.tidy()
    assert files(data_dir) == sorted([kept.name, "new.mkv", ".making.mkv"]), "what this neverdark uses stays"


def test_a_stream_keeps_its_newest_slate_and_the_one_before(data_dir: DataDir) -> None:
    """So many edits, or last frames, do not fill the disk while neverdark runs."""
    ours = slates(data_dir, Ffmpeg())
    other = ours.make(replace(STILL, text="other", owner="other"))
    made = [ours.make(replace(STILL, text=f"text {number}", owner="cam")) for number in range(4)]
    for path in (other, *made):
        aged(path.parent, path.name, 40)
    ours.tidy()
    assert files(data_dir) == sorted(path.name for path in (other, *made[2:]))


def test_what_is_found_is_used(data_dir: DataDir) -> None:
    kept = slates(data_dir, Ffmpeg()).make(STILL)
    aged(kept.parent, kept.name, 29)
    assert slates(data_dir, Ffmpeg()).find(STILL) == kept
    slates(data_dir, Ffmpeg(), now=time.time() + 2 * DAY).tidy()
    assert files(data_dir) == [kept.name]


@pytest.mark.parametrize(("size", "left"), [(1, 50), (100_000_000, 5)])
def test_there_are_never_many(data_dir: DataDir, size: int, left: int) -> None:
    ours = slates(data_dir, Ffmpeg())
    kept = ours.make(STILL)
    aged(kept.parent, kept.name, 20, size)
    for number in range(60):
        aged(kept.parent, f"{number}.mkv", number / 10, size)
    ours.tidy()
    assert files(data_dir) == sorted([kept.name, *(f"{number}.mkv" for number in range(left - 1))])


def test_images_that_are_none(tmp_path: Path) -> None:
    empty, big = tmp_path / "e.png", tmp_path / "b.png"
    empty.touch()
    with big.open("wb") as file:
        file.truncate(LONGEST_IMAGE + 1)
    for path, reason in (
        (tmp_path / "gone.png", "there is no such file now"),
        (tmp_path, "this is a directory, not an image"),
        (empty, "this file is empty"),
        (big, "expected an image of at most 32 MB"),
        (tmp_path / "e.png" / "x", "it cannot be read: Not a directory"),
    ):
        with pytest.raises(NoSlate, match=reason):
            read_image(path)


def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(subprocess.TimeoutExpired):
        Quietly()(["sh", "-c", f"echo $$ >{pid}; exec sleep 60"], b"", 0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_whoever_ends_waits_for_no_slate(data_dir: DataDir) -> None:
    quietly = Quietly()

    def sleep(argv: Sequence[str], given: bytes, seconds: float) -> Ran:
        del argv
        threading.Timer(0.3, quietly.stop).start()
        return quietly(["sleep", "60"], given, seconds)

    ours = Slates(data_dir.folder("slates"), BINARY, run=sleep)
    began = time.monotonic()
    with pytest.raises(NoSlate):
        ours.make(STILL)
    assert time.monotonic() - began < 30
    with pytest.raises(subprocess.SubprocessError):
        quietly(["true"], b"", 10)


def test_what_is_on_air_goes_first() -> None:
    ran = Quietly()(["sh", "-c", "sleep 0.2; cut -d' ' -f19 /proc/self/stat; cat >&2; exit 3"], b"in", 10)
    assert (ran.code, ran.said) == (3, "in")
    assert int(ran.output) > os.getpriority(os.PRIO_PROCESS, 0)


def test_without_a_font_of_ours_ffmpeg_looks_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slates_module, "_FONTS", ("/nowhere.ttf",))
    assert slates_module.find_font() is None
