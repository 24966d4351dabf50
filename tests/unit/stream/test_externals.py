"""Who has announced itself, in a whole engine: accepted, refused, replaced, remembered, planned anew."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from supervisor.machine.foreign import Found
from supervisor.machine.marks import run_id_of
from supervisor.model import events
from supervisor.model.edits import Edit
from supervisor.model.external import Announcement, External, Recovery, kept
from supervisor.model.remembered import Forgetful
from supervisor.model.snapshot import Refused, StreamSnapshot
from supervisor.model.terms import Exit
from supervisor.stream import externals
from tests.unit.hand_machine import WALL, HandMachine, Scene, play

CONFIG = """defaults: {watchdog: {enabled: false}}
streams:
  cam: {command: [program], enabled: false}
"""
URL = "rtmp://127.0.0.1/live/secret-key-4711"


class Program:
    """Somebody else's process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.pidfd, self._end = os.pipe()

    def signal_group(self, number: int) -> None:
        raise AssertionError(f"nobody signals it, least of all with {number}")

    def reap(self) -> tuple[Exit, float]:
        return Exit(None, None), 0.0

    def close(self) -> None:
        os.close(self.pidfd)


class Memory(Forgetful):
    def __init__(self, *known: External) -> None:
        self.bodies: Mapping[str, Mapping[str, Any]] = {one.name: kept(one) for one in known}

    def recall_externals(self) -> Mapping[str, Mapping[str, Any]]:
        return self.bodies

    def keep_externals(self, externals: Mapping[str, Mapping[str, Any]]) -> None:
        self.bodies = externals


class Stage:
    """What is alive, and an engine to tell it to."""

    def __init__(self, alive: dict[int, int]) -> None:
        self.alive = alive
        self.programs: list[Program] = []
        self.scene = cast("Scene", None)  # until it plays

    def find(self, pid: int, begun: int | None = None) -> Found:
        if pid not in self.alive or begun not in {None, self.alive[pid]}:
            raise Refused(f"pid: there is no process {pid}")
        self.programs.append(Program(pid))
        return Found(cast("Any", self.programs[-1]), self.alive[pid], WALL)

    async def started(self, pid: int, name: str = "show", **more: Any) -> Any:
        said = self.scene.engine.program_started(Announcement(name, pid, more.pop("begun", None), URL, **more))
        await asyncio.sleep(0.1)
        return said

    async def die(self, pid: int) -> None:
        del self.alive[pid]
        for program in self.programs:
            if program.pid == pid:
                os.write(program._end, b".")
        await asyncio.sleep(0.1)

    async def shown(self, name: str) -> StreamSnapshot:
        snapshot = await self.scene.engine.snapshot()
        return next(one for one in snapshot.streams if one.name == name)

    @property
    def known(self) -> dict[str, Any]:
        return {one.name: one for one in self.scene.engine.externals.snapshots()}


def run(
    folder: Path,
    test: Callable[[Stage], Awaitable[None]],
    *known: External,
    text: str = CONFIG,
    alive: Mapping[int, int] | None = None,
) -> tuple[Scene, Memory]:
    memory, stage = Memory(*known), Stage({500: 1, 501: 2} if alive is None else dict(alive))

    async def begin(scene: Scene) -> None:
        stage.scene = scene
        await test(stage)

    with pytest.MonkeyPatch.context() as patch:  # the engine asks before a test begins
        patch.setattr(HandMachine, "find_program", lambda _, *of: stage.find(*of))
        patch.setattr(HandMachine, "boot", lambda _: "boot")
        patch.setattr(HandMachine, "progress_of", lambda *_: None)
        return play(folder, text, begin, memory=memory), memory


def test_a_program_becomes_a_stream_with_the_defaults_and_one_destination(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        said = await stage.started(500)
        assert (said.pid, said.begun, said.shown_url, said.recovery) == (500, 1, "rtmp://127.0.0.1/live/***", None)
        await asyncio.sleep(3)
        shown = await stage.shown("show")
        assert (shown.origin, shown.on_air, shown.is_command, shown.drills) == ("external", True, True, False)
        (process,) = shown.processes
        assert (process.pid, process.tracked) == (500, False)
        (destination,) = shown.destinations
        assert destination.name == "main"
        assert "secret-key" not in repr(shown)

    scene, memory = run(tmp_path, test)
    assert memory.bodies["show"]["destination_url"] == URL
    assert memory.bodies["show"]["ended"] is None, "neverdark's own end is not that of the program"
    assert not scene.facts(events.IncidentOpened)


def test_what_cannot_be_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        command = Recovery(("reboot",))
        for said, words in (
            ({"pid": 999}, "no process 999"),
            ({"pid": 500, "begun": 7}, "no process 500"),
            ({"pid": 500, "name": "cam"}, "a stream of the configuration is called so"),
            ({"pid": 500, "recovery": command}, r"external: \{commands: true\}"),
        ):
            with pytest.raises(Refused, match=words):
                await stage.started(**said)
        assert stage.known == {}
        await stage.started(500)
        with pytest.raises(Refused, match="process 500 is there still"):
            await stage.started(501)
        with pytest.raises(Refused, match="watched as show already"):
            await stage.started(500, name="other")
        with pytest.raises(Refused, match="still watched"):
            stage.scene.engine.externals.forget("show")
        for verb in ("start", "stop", "restart"):
            with pytest.raises(Refused, match="somebody else's"):
                stage.scene.engine.request(verb, "show")
        with pytest.raises(Refused, match="show: expected another name"):
            await stage.scene.engine.editor.edit(Edit("make", "show", {"command": ["program"]}))
        with pytest.raises(Refused, match="drills are switched off"):
            stage.scene.engine.drill("show", 10, None, None)
        assert list(stage.known) == ["show"]

    run(tmp_path, test)


def test_no_more_than_so_many_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(externals, "MOST", 1)

    async def test(stage: Stage) -> None:
        await stage.started(500)
        with pytest.raises(Refused, match="1 programs are known"):
            await stage.started(501, name="other")

    run(tmp_path, test)


def test_another_program_takes_the_place_as_planned_if_it_says_so_or_the_old_one_is_gone(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        await stage.started(500)
        await stage.started(500)  # told twice
        await stage.started(501, take_over=True)
        assert stage.known["show"].pid == 501
        assert not stage.scene.facts(events.IncidentOpened)
        await stage.die(501)
        assert len(stage.scene.facts(events.IncidentOpened)) == 1
        await stage.started(500)
        assert stage.known["show"].watched

    run(tmp_path, test)


def test_a_planned_end_is_remembered_and_forgotten_after_a_day(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        await stage.started(500)
        assert stage.scene.engine.program_stopped("other") is None
        said = stage.scene.engine.program_stopped("show")
        assert said is not None
        await stage.die(500)
        await asyncio.sleep(10)
        shown = await stage.shown("show")
        assert (shown.wanted, shown.desired.why) == (False, "stopped by its owner")
        assert not stage.scene.facts(events.IncidentOpened)
        await stage.started(501)
        assert (await stage.shown("show")).wanted
        stage.scene.engine.program_stopped("show")
        await asyncio.sleep(86_000)
        assert list(stage.known) == ["show"]
        await asyncio.sleep(500)
        assert stage.known == {}
        assert "show" not in stage.scene.engine.streams

    run(tmp_path, test)


def test_a_reload_takes_no_name_from_a_program_and_brings_it_other_defaults(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        await stage.started(500)
        scene = stage.scene
        scene.write(CONFIG + "  show: {command: [program]}\n")
        rejected = await scene.engine.reload(allow_removal=True)
        assert isinstance(rejected, events.ConfigRejected)
        assert rejected.problems == ("streams.show: expected another name: a program has announced itself by it",)
        scene.write("defaults: {watchdog: {enabled: false}, stall: {timeout: 77s}}\nstreams: {}\n")
        assert isinstance(await scene.engine.reload(), events.ConfigReloaded)
        (process,) = (await stage.shown("show")).processes
        assert (process.policies.stall.timeout, process.pid) == (77.0, 500)
        assert stage.known["show"].watched

    run(tmp_path, test)


SHOW = External("show", 500, 1, "boot", WALL, URL)


def test_the_next_neverdark_looks_at_who_is_there_still(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        await asyncio.sleep(2)
        assert stage.known["show"].watched
        (adopted,) = stage.scene.facts(events.ProcessAdopted)
        assert adopted.run_id == run_id_of(SHOW.since, 0), "the same that it had before"
        assert not stage.scene.facts(events.IncidentOpened)

    run(tmp_path, test, SHOW)


@pytest.mark.parametrize("gone", [{}, {500: 9}])
def test_who_is_gone_is_missed(tmp_path: Path, gone: dict[int, int]) -> None:
    async def test(stage: Stage) -> None:
        await asyncio.sleep(2)
        (opened,) = stage.scene.facts(events.IncidentOpened)
        assert opened.incident.said == "it ended while neverdark was away"

    run(tmp_path, test, SHOW, alive=gone)


def test_after_another_boot_a_number_names_another_process(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        await asyncio.sleep(2)
        assert len(stage.scene.facts(events.IncidentOpened)) == 1

    run(tmp_path, test, External("show", 500, 1, "a boot before", WALL, URL))


def test_who_had_ended_as_planned_and_whose_name_is_taken_are_not_missed(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        await asyncio.sleep(2)
        assert list(stage.known) == ["show"]
        assert not (await stage.shown("show")).wanted
        assert not stage.scene.facts(events.IncidentOpened)

    cam = External("cam", 501, 2, "boot", WALL, URL)
    run(tmp_path, test, SHOW.over(WALL + 900), cam)
