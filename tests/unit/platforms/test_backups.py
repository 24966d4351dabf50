"""The address of a backup is asked of YouTube, and kept for the configuration."""

from __future__ import annotations

from pathlib import Path

from supervisor.config.addresses import FILE_NAME, USUAL, read_addresses
from supervisor.platforms.youtube.backups import Backups
from supervisor.platforms.youtube.errors import Kind, YoutubeError
from supervisor.platforms.youtube.quota import Use

TOLD = "rtmps://c.rtmps.youtube.com:443/live2?backup=1"


class Scene:
    """What is asked of an API whose answers are set by hand."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE_NAME
        self.now = 0.0
        self.says: str | None = TOLD
        self.fails = False
        self.asked: list[str] = []
        self.backups = Backups(self.file, lambda: self.now)
        self.backups.stream_ids = {"S"}

    def backup_address(self, stream_id: str, *, use: Use = Use.REPAIR) -> str | None:
        assert use is Use.POLL, "it may wait"
        self.asked.append(stream_id)
        if self.fails:
            raise YoutubeError(Kind.NETWORK)
        return self.says

    def look(self, after: float = 0.0) -> str | None:
        self.now += after
        self.backups.look(self)
        return read_addresses(self.file).get("S")


def test_it_is_asked_once_a_day_and_kept(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    assert scene.look() == TOLD
    stamp = scene.file.stat().st_mtime_ns
    for _ in range(24):
        scene.look(3600)
    assert scene.asked == ["S", "S"]
    assert scene.file.stat().st_mtime_ns == stamp, "what is the same is no change"
    scene.says = "rtmp://d.example/live2"
    assert scene.look(86_400) == "rtmp://d.example/live2"


def test_the_usual_one_needs_no_file(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.says = USUAL
    assert scene.look() is None
    assert not scene.file.exists()


def test_a_failure_is_tried_again_and_forgets_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.look()
    scene.fails = True
    assert scene.look(86_400) == TOLD
    assert scene.look(60) == TOLD
    assert len(scene.asked) == 2
    scene.fails = False
    scene.look(300)
    assert len(scene.asked) == 3


def test_what_is_no_address_is_not_kept(tmp_path: Path) -> None:
    for says in (None, "", "https://www.youtube.com/", "file:///x"):
        scene = Scene(tmp_path)
        scene.says = says
        assert scene.look() is None


def test_a_disk_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "nowhere")
    assert scene.look() is None
