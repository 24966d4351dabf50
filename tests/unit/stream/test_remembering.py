"""What operators asked for outlives neverdark, as long as it would have counted without the restart."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from supervisor.model import events
from supervisor.model.remembered import Forgetful, Word
from tests.unit.hand_machine import WALL, Scene, play
from tests.unit.test_engine import config, reload, stream, wanted


class Notebook(Forgetful):
    """Remembers, and counts how often it was told."""

    def __init__(self, **words: Word) -> None:
        self.words: Mapping[str, Word] = words
        self.told = 0

    def recall(self) -> Mapping[str, Word]:
        return self.words

    def keep(self, words: Mapping[str, Word]) -> None:
        self.words = dict(words)
        self.told += 1


NOW = WALL + 1000.0  # a hand-driven loop begins at 1000
STOPPED = Word(wanted=False, why="operator", since=NOW - 500.0, until=None, enabled=True)


def recalled(scene: Scene) -> list[events.OrdersRecalled]:
    return scene.facts(events.OrdersRecalled)


def test_a_stopped_stream_stays_stopped_until_it_is_started(tmp_path: Path) -> None:
    notes = Notebook()

    async def stop(scene: Scene) -> None:
        assert notes.words == {}
        scene.engine.request("stop", "a")
        assert notes.words["a"].wanted is False
        assert notes.words["a"].since == pytest.approx(scene.machine.wall(), abs=0.1)

    async def stays(scene: Scene) -> None:
        assert wanted(scene) == {"a": False, "b": True}
        assert recalled(scene) == [events.OrdersRecalled(("a",), ())]
        await asyncio.sleep(5)
        assert [child.argv for child in scene.alive()] == [["program", "on"]]
        assert scene.engine.request("start", "a")
        assert wanted(scene) == {"a": True, "b": True}

    async def runs(scene: Scene) -> None:
        assert wanted(scene) == {"a": True, "b": True}
        assert recalled(scene) == [], "it is what the configuration says"

    for number, life in enumerate((stop, stays, runs)):
        folder = tmp_path / str(number)
        folder.mkdir()
        play(folder, config(stream("a"), stream("b")), life, memory=notes)
        assert set(notes.words) == {"a"}, "the end of neverdark is nobody's word"


def test_what_was_started_although_it_is_not_enabled_runs_again(tmp_path: Path) -> None:
    notes = Notebook(a=STOPPED._replace(wanted=True, enabled=False))

    async def test(scene: Scene) -> None:
        assert wanted(scene) == {"a": True}
        assert recalled(scene) == [events.OrdersRecalled((), ("a",))]

    play(tmp_path, config(stream("a", "enabled: false")), test, memory=notes)


def test_a_configuration_that_says_something_else_by_now_ends_the_word(tmp_path: Path) -> None:
    notes = Notebook(a=STOPPED._replace(enabled=False), b=STOPPED)

    async def test(scene: Scene) -> None:
        assert wanted(scene) == {"a": True}
        assert notes.words == {}, "nor is it remembered: b is not configured any more"

    play(tmp_path, config(stream("a")), test, memory=notes)


def test_a_word_that_has_an_end_ends_while_nobody_is_there(tmp_path: Path) -> None:
    notes = Notebook(
        a=STOPPED._replace(until=NOW - 1.0), b=STOPPED._replace(until=NOW + 60.0), c=STOPPED._replace(since=NOW + 900.0)
    )

    async def test(scene: Scene) -> None:
        await asyncio.sleep(2)
        assert wanted(scene) == {"a": True, "b": False, "c": False}, "c: the clock was set back meanwhile"
        assert set(notes.words) == {"b", "c"}
        await asyncio.sleep(60)
        assert wanted(scene) == {"a": True, "b": True, "c": False}
        assert set(notes.words) == {"c"}

    play(tmp_path, config(stream("a"), stream("b"), stream("c")), test, memory=notes)


def test_a_reload_that_ends_a_word_ends_it_for_good(tmp_path: Path) -> None:
    notes = Notebook()

    async def test(scene: Scene) -> None:
        scene.engine.request("stop", "a")
        scene.engine.request("stop", "b")
        await reload(scene, stream("a", "enabled: false"), stream("c"))
        assert notes.words == {}
        await reload(scene, stream("a"), stream("b"), stream("c"))
        assert wanted(scene) == {"a": True, "b": True, "c": True}

    play(tmp_path, config(stream("a"), stream("b"), stream("c")), test, memory=notes)


def test_who_says_nothing_new_is_not_written_down_again(tmp_path: Path) -> None:
    notes = Notebook(a=STOPPED)

    async def test(scene: Scene) -> None:
        assert notes.told == 1
        before = notes.words["a"]
        await asyncio.sleep(100.03)
        await reload(scene, stream("a"), stream("b"))
        assert notes.told == 1
        scene.engine.request("stop", "b")
        assert (notes.told, notes.words["a"]) == (2, before)

    play(tmp_path, config(stream("a")), test, memory=notes)
