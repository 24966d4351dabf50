"""What an operator wants viewers to see outlives neverdark, as long as it would have counted without the restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from supervisor.model import events
from supervisor.model.fallback import SourceOrder
from supervisor.model.remembered import Forgetful, Word
from tests.unit.hand_machine import WALL, Scene, play
from tests.unit.stream.test_on_fallback import CONFIG, feeding


class Notebook(Forgetful):
    """Remembers, and counts how often it was told."""

    def __init__(self, words: Mapping[str, Word] | None = None, **sources: SourceOrder) -> None:
        self.words: Mapping[str, Word] = words or {}
        self.sources: Mapping[str, SourceOrder] = sources
        self.told = 0

    def recall(self) -> Mapping[str, Word]:
        return self.words

    def keep(self, words: Mapping[str, Word]) -> None:
        self.words = dict(words)

    def recall_sources(self) -> Mapping[str, SourceOrder]:
        return self.sources

    def keep_sources(self, ordered: Mapping[str, SourceOrder]) -> None:
        self.sources = dict(ordered)
        self.told += 1


NOW = WALL + 1000.0  # a hand-driven loop begins at 1000
SLATE = SourceOrder("fallback1", "lens", NOW - 500.0, None)


def life(folder: Path, notes: Notebook, test: Callable[[Scene], Awaitable[None]], text: str = CONFIG) -> Scene:
    folder.mkdir()
    return play(folder, text, test, memory=notes)


def switches(scene: Scene) -> list[tuple[int, int]]:
    return [(one.before, one.after) for one in scene.facts(events.FeedSwitched)]


def recalled(scene: Scene) -> list[events.SourceOrdered]:
    return [one for one in scene.facts(events.SourceOrdered) if one.recalled]


def test_the_order_counts_until_its_time_is_over_or_another_is_given(tmp_path: Path) -> None:
    notes = Notebook()

    async def order(scene: Scene) -> None:
        await asyncio.sleep(20)
        assert notes.sources == {}
        assert scene.engine.switch("cam", "fallback1", 600.0, "lens")
        (kept,) = notes.sources.values()
        assert (kept.source, kept.why) == ("fallback1", "lens")
        assert kept.until == pytest.approx(scene.machine.wall() + 600.0, abs=0.1)
        told = notes.told
        await asyncio.sleep(10)
        assert feeding(scene) == 1
        assert notes.told == told, "what has not changed is not written"
        (shown,) = (await scene.engine.snapshot()).streams
        assert shown.ordered_source == kept
        for child in scene.alive():
            child.obeys = False
        scene.engine.stop()
        await asyncio.sleep(2.5)
        assert not scene.engine.streams["cam"].wanted
        assert notes.sources == {"cam": kept}, "the end of neverdark is nobody's word"

    async def goes_on(scene: Scene) -> None:
        (before,) = notes.sources.values()
        assert recalled(scene) == [events.SourceOrdered("cam", "fallback1", "lens", before.until, recalled=True)]
        await asyncio.sleep(500)
        assert feeding(scene) == 1
        assert before.until is not None
        await asyncio.sleep(before.until - scene.machine.wall() + 40)
        assert feeding(scene) == 0, "the stream's own source is good, and the order is over"
        assert notes.sources == {}

    async def nothing_left(scene: Scene) -> None:
        await asyncio.sleep(5)
        assert (feeding(scene), recalled(scene), switches(scene)) == (0, [], [])

    for number, each in enumerate((order, goes_on, nothing_left)):
        life(tmp_path / str(number), notes, each)


@pytest.mark.parametrize(
    "order",
    [SLATE._replace(until=NOW - 1.0), SLATE._replace(source="fallback2")],
    ids=["over by now", "no such source any more"],
)
def test_what_does_not_count_any_more_is_forgotten(tmp_path: Path, order: SourceOrder) -> None:
    notes = Notebook(cam=order, gone=SLATE)

    async def test(scene: Scene) -> None:
        assert notes.sources == {}
        await asyncio.sleep(20)
        assert (feeding(scene), recalled(scene)) == (0, [])

    life(tmp_path / "it", notes, test)


def test_a_stream_that_is_stopped_begins_with_its_own_source(tmp_path: Path) -> None:
    stopped = Word(wanted=False, why="operator", since=NOW - 500.0, until=None, enabled=True)
    notes = Notebook({"cam": stopped}, cam=SLATE)

    async def test(scene: Scene) -> None:
        assert notes.sources == {}
        scene.engine.request("start", "cam")
        await asyncio.sleep(20)
        assert feeding(scene) == 0
        scene.engine.switch("cam", "fallback1", None)
        assert list(notes.sources) == ["cam"]
        scene.engine.request("stop", "cam")
        await asyncio.sleep(2)
        assert notes.sources == {}

    life(tmp_path / "it", notes, test)


def test_a_clock_that_is_set_makes_no_order_longer_or_shorter(tmp_path: Path) -> None:
    notes = Notebook()

    async def test(scene: Scene) -> None:
        await asyncio.sleep(20)
        scene.engine.switch("cam", "fallback1", 600.0)
        before = notes.sources["cam"].until
        scene.engine.tell(events.ClockStepped(3600.0))
        assert before is not None
        assert notes.sources["cam"].until == before + 3600.0

    life(tmp_path / "it", notes, test)


def test_auto_ends_it(tmp_path: Path) -> None:
    notes = Notebook(cam=SLATE)

    async def test(scene: Scene) -> None:
        assert notes.sources == {"cam": SLATE}
        scene.engine.switch("cam", None, None)
        assert notes.sources == {}
        assert scene.facts(events.SourceOrdered)[-1] == events.SourceOrdered("cam", None, "operator", None)

    life(tmp_path / "it", notes, test)
