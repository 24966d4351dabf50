"""The frame that a slate shows was good, and still was a while later; one that cannot be had changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from supervisor.machine.data_dir import DataDir
from supervisor.machine.kept_frames import KeptFrames
from supervisor.model.content import Bounds, Defect, Found
from supervisor.model.terms import Verdict
from supervisor.model.thumbnails import NoPicture, Picture
from supervisor.stream.last_frames import LastFrames
from tests.unit.hand_machine import HandLoop, hand_loop

EVERY, CHECKED = 300.0, 30.0
T = TypeVar("T")


class Table:
    """One stream whose slate shows a frame, and what is around it."""

    def __init__(self, loop: HandLoop, folder: Path) -> None:
        self.loop = loop
        self.good, self.refuses = True, False
        self.findings: list[Found] = []
        self.taken: list[float] = []
        self.told: list[OSError | None] = []
        content = SimpleNamespace(state=lambda _: SimpleNamespace(findings=self.findings))
        policy = SimpleNamespace(bounds={Defect.FROZEN: Bounds(CHECKED), Defect.STILL: Bounds(3600.0)})
        self.encoder: Any = SimpleNamespace(
            run=object(),
            alive=True,
            advancing=lambda _: self.good,
            content=content,
            spec=SimpleNamespace(content=policy),
        )
        self.stream: Any = SimpleNamespace(wanted=True, ladder=object(), encoder=self.encoder)
        self.kept = KeptFrames(DataDir(folder).folder("frames"))
        self.frames = LastFrames(
            SimpleNamespace(now=loop.time, in_a_thread=self._in_a_thread),  # type: ignore[arg-type]
            {"cam": self.stream},  # type: ignore[arg-type]
            self.kept,
            lambda _: EVERY,
            self._take,
            lambda _, error: self.told.append(error),
        )

    async def _in_a_thread(self, work: Callable[[], T]) -> T:
        return work()

    async def _take(self, name: str) -> Picture:
        assert name == "cam"
        self.taken.append(self.loop.time())
        if self.refuses:
            raise NoPicture("no keyframe")
        return Picture(b"frame %d" % len(self.taken), self.loop.time())

    @property
    def frame(self) -> bytes | None:
        path = self.frames.path("cam")
        return path.read_bytes() if path and path.exists() else None


def play(folder: Path, test: Callable[[Table], Awaitable[None]]) -> None:
    with hand_loop() as loop:

        async def whole() -> None:
            table = Table(loop, folder)
            running = asyncio.create_task(table.frames.run_forever())
            try:
                await test(table)
            finally:
                running.cancel()

        loop.run_until_complete(whole())


def test_a_frame_is_kept_when_nothing_was_found_for_longer_than_a_check_takes(tmp_path: Path) -> None:
    async def test(table: Table) -> None:
        await asyncio.sleep(CHECKED)
        assert (len(table.taken), table.frame, table.frames.version("cam")) == (1, None, 0)
        await asyncio.sleep(10)
        assert (table.frame, table.frames.version("cam")) == (b"frame 1", 1)
        await asyncio.sleep(EVERY)
        assert (table.frame, table.frames.version("cam")) == (b"frame 2", 2)
        assert table.taken[1] - table.taken[0] >= EVERY

    play(tmp_path, test)


def test_what_turns_out_to_be_wrong_is_not_kept(tmp_path: Path) -> None:
    async def test(table: Table) -> None:
        await asyncio.sleep(50)
        assert table.frame == b"frame 1"
        await asyncio.sleep(EVERY - 40)  # another one has just been taken
        assert len(table.taken) == 2
        table.findings = [Found(Defect.FROZEN, 0.0, Verdict.DEGRADED, "frozen")]
        await asyncio.sleep(600)
        assert (table.frame, len(table.taken)) == (b"frame 1", 2), "of what is wrong none is taken either"
        table.findings = [Found(Defect.SILENT, 0.0, Verdict.DEGRADED, "silent")]
        await asyncio.sleep(60)
        assert table.frame == b"frame 3", "a picture is as good without sound"

    play(tmp_path, test)


def test_of_an_encoder_that_has_ended_since_nothing_tells_what_was_seen(tmp_path: Path) -> None:
    async def test(table: Table) -> None:
        await asyncio.sleep(5)
        assert len(table.taken) == 1
        table.encoder.run = object()
        await asyncio.sleep(20)
        assert (table.frame, len(table.taken)) == (None, 1)
        await asyncio.sleep(60)
        assert table.frame == b"frame 2"

    play(tmp_path, test)


def test_one_that_cannot_be_taken_is_tried_again(tmp_path: Path) -> None:
    async def test(table: Table) -> None:
        table.refuses = True
        await asyncio.sleep(100)
        assert 2 <= len(table.taken) <= 4
        table.refuses = False
        await asyncio.sleep(80)
        assert table.frame is not None

    play(tmp_path, test)


def test_a_disk_that_takes_none_is_told_of_once_and_the_last_one_stays(tmp_path: Path) -> None:
    async def test(table: Table) -> None:
        await asyncio.sleep(50)
        whole = table.kept.keep

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        table.kept.keep = full  # type: ignore[method-assign, assignment]
        await asyncio.sleep(2 * EVERY)
        assert [error is not None for error in table.told] == [True]
        assert (table.frame, table.frames.version("cam")) == (b"frame 1", 1)
        table.kept.keep = whole  # type: ignore[method-assign]
        await asyncio.sleep(EVERY)
        assert [error is not None for error in table.told] == [True, False]

    play(tmp_path, test)


def test_of_a_stream_that_is_stopped_none_is_taken(tmp_path: Path) -> None:
    async def test(table: Table) -> None:
        table.stream.wanted = False
        await asyncio.sleep(100)
        assert table.taken == []

    play(tmp_path, test)


def test_frames_of_streams_that_are_gone_are_removed(tmp_path: Path) -> None:
    kept = KeptFrames(DataDir(tmp_path).folder("frames"))
    for name in ("häfen/1", "lobby"):
        kept.keep(name, name.encode())
    kept.keep_only(["häfen/1"])
    assert kept.path("häfen/1").read_bytes() == "häfen/1".encode()
    assert not kept.path("lobby").exists()
