"""What keeps the folders of recordings in order: real folders, time by hand."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, cast

import pytest

from supervisor.lifecycle.types import RetryNow, Useless
from supervisor.machine.machine import Machine
from supervisor.machine.segments import Segments
from supervisor.model import events
from supervisor.model.policies import Policies
from supervisor.model.recordings import Kept
from supervisor.model.terms import State, Trouble
from supervisor.watchdog.recordings import Recordings
from tests.unit.watchdog.fakes import PUSHER, FakeProcess, LoopClock, QuickLoop

WALL = 1_795_787_100.0  # 2026-11-27T13:45:00Z


def in_quick_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """As the fakes' own, for tests with fixtures."""

    @wraps(test)
    def run(**fixtures: Any) -> None:
        with asyncio.Runner(loop_factory=QuickLoop) as runner:
            runner.run(test(**fixtures))

    return run


class FakeMachine:
    """Does at once what is to be done apart, unless its disk hangs."""

    def __init__(self) -> None:
        self.hangs = False
        self.asked = 0

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def apart(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.asked += 1
        if not self.hangs:
            try:
                future.set_result(work())
            except OSError as error:
                future.set_exception(error)
        return future


class Scene:
    def __init__(self, folder: Path, **keep: Any) -> None:
        self.folder = folder / "rec"
        self.folder.mkdir()
        known = {"segment": 600.0, "size": None, "age": None, "free": 0.0, **keep}
        self.kept = Kept(self.folder, "cam.youtube", ".mkv", **known)
        self.pusher = FakeProcess(PUSHER, LoopClock(), Policies(), output_file=self.kept.pattern, kept=self.kept)
        self.recording = Segments(self.kept)
        cast("Any", self.pusher).recording = self.recording
        self.machine = FakeMachine()
        self.told: list[events.Payload] = []
        self.others: list[FakeProcess] = []
        machine = cast("Machine", self.machine)
        self.recordings = Recordings(
            machine, lambda: [*cast("Any", self.others), cast("Any", self.pusher)], self.told.append
        )
        self.wall = WALL

    def segment(self, at: float, size: int = 5000, run: str = "r1") -> Path:
        """One that begins so many seconds from now and lasts 600 s."""
        stamp = f"20261127T{13 + int(45 * 60 + at) // 3600:02}{int(45 * 60 + at) // 60 % 60:02}00Z"
        file = self.folder / f"cam.youtube.{stamp}-{run}.mkv"
        file.write_bytes(bytes(size))
        os.utime(file, (WALL + at + 600, WALL + at + 600))
        return file

    async def seconds(self, count: int, *, advancing: bool = True) -> None:
        for _ in range(count):
            await asyncio.sleep(1.0)
            self.wall += 1.0
            if advancing:
                self.pusher.advance()
            self.recordings.look(self.machine.now(), self.wall)

    @property
    def index(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / self.kept.index).read_text().splitlines()]


@in_quick_time
async def test_who_records_nothing_costs_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.recordings = Recordings(cast("Machine", scene.machine), list, scene.told.append)
    await scene.seconds(30)
    assert scene.machine.asked == 0


@in_quick_time
async def test_what_is_too_much_goes_and_the_rest_is_listed(tmp_path: Path) -> None:
    scene = Scene(tmp_path, size=12_000)
    files = [scene.segment(at) for at in (-1800, -1200, -600)]
    await scene.seconds(3)
    assert [file.exists() for file in files] == [False, True, True]
    assert [line["segment"] for line in scene.index] == [file.name for file in files[1:]]
    assert scene.told == []


@in_quick_time
async def test_media_that_was_late_is_a_gap_and_is_known_after_a_new_start(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.segment(-600)
    await scene.seconds(5)
    await scene.seconds(20, advancing=False)
    await scene.seconds(30)
    (gap,) = [line for line in scene.index if "gap" in line]
    assert gap["gap"] == pytest.approx(21.0, abs=1.0)
    assert gap["begin"].startswith("2026-11-27T13:45:0")

    scene.recordings = Recordings(
        cast("Machine", scene.machine), lambda: [cast("Any", scene.pusher)], scene.told.append
    )
    scene.segment(0)
    await scene.seconds(15)
    assert gap in scene.index


@in_quick_time
async def test_below_the_floor_it_is_ended_and_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(tmp_path, free=0.9)

    class Disk:
        f_blocks = 1000
        f_bavail = 10

    monkeypatch.setattr("supervisor.machine.segments.os.fstatvfs", lambda _: Disk)
    await scene.seconds(3)
    assert scene.recording.waits
    assert "90% of the disk is free" in scene.recording.waits
    (useless,) = scene.pusher.told
    assert isinstance(useless, Useless)
    assert useless.trouble is Trouble.STORAGE
    scene.pusher.becomes(State.BACKOFF)
    await scene.seconds(30)
    assert len(scene.pusher.told) == 1, "who waits is left alone"
    Disk.f_bavail = 1000
    monkeypatch.setattr("supervisor.watchdog.recordings.must_wait", lambda *_, **__: None)
    await scene.seconds(15)
    assert isinstance(scene.pusher.told[-1], RetryNow)
    assert scene.recording.file(WALL, 1).parent == scene.folder


@in_quick_time
async def test_a_disk_that_hangs_is_told_once_and_asked_once(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.machine.hangs = True
    await scene.seconds(100)
    assert scene.machine.asked == 1
    (told,) = scene.told
    assert isinstance(told, events.StorageTrouble)
    assert told.path == scene.folder


@in_quick_time
async def test_a_folder_that_is_gone_is_told_once_and_its_gaps_are_kept_until_it_is_back(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.segment(-600)
    await scene.seconds(15)
    away = scene.folder.rename(tmp_path / "away")
    await scene.seconds(20, advancing=False)
    await scene.seconds(30)
    assert [type(told) for told in scene.told] == [events.StorageTrouble]
    away.rename(scene.folder)
    await scene.seconds(15)
    assert [type(told) for told in scene.told] == [events.StorageTrouble, events.StorageRecovered]
    assert [line for line in scene.index if "gap" in line]
