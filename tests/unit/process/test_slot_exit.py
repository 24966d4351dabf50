"""What comes first when a process ends is the next one; what is told, and in which order, is as if it were not so."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.desired.environment import Environments
from supervisor.desired.plan import ProcessSpec, plan
from supervisor.ffmpeg.opening import Traits
from supervisor.judge.attribution import FailureEvidence
from supervisor.judge.incidents import Book
from supervisor.lifecycle.types import Exited
from supervisor.machine.data_dir import DataDir
from supervisor.machine.exits import Loop
from supervisor.machine.ffmpeg_binary import find
from supervisor.machine.gather import Gather
from supervisor.machine.machine import Machine
from supervisor.machine.marks import RunNames
from supervisor.machine.media_links import MediaLinks
from supervisor.machine.oom import MemoryWatch
from supervisor.machine.process import Child, spawn
from supervisor.model import events
from supervisor.model.quantities import Address
from supervisor.model.terms import ExitCause, ProcessKey, RestartReason, State
from supervisor.process.backlog import Backlog
from supervisor.process.claims import Claims
from supervisor.process.host import Host
from supervisor.process.slot import Slot
from supervisor.secrets.secrecy import Redactor

PATIENCE = 20.0


async def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        await asyncio.sleep(0.005)


class Nothing:
    """Nothing is known, nobody else is there, and nobody minds."""

    def line_down(self, address: Address) -> bool:
        del address
        return False

    def add_to(self, evidence: FailureEvidence, spec: ProcessSpec) -> FailureEvidence:
        del spec
        return evidence

    def of(self, key: ProcessKey) -> str | None:
        del key
        return None

    def turned(self, slot: Slot) -> None: ...

    def adapted(self, key: ProcessKey, traits: Traits) -> tuple[str, ...]:
        raise AssertionError((key, traits))


class Scene:
    """The place of one command, replaced at once, and what it told."""

    def __init__(self, folder: Path, *command: str) -> None:
        file = folder / "neverdark.yml"
        restart = {"initial_delay": 0, "attempts": 1000}
        file.write_text(json.dumps({"streams": {"own": {"command": command}}, "defaults": {"restart": restart}}))
        loaded = load(file)
        links = MediaLinks(loaded.config.ports, str(folder))
        specs = plan(loaded.config, find("auto"), links.port, ca_file=None, variables=loaded.variables)
        loop = asyncio.get_running_loop()
        self.told: list[events.Payload] = []
        self.machine = Machine()
        host = Host(
            loop=loop,
            machine=self.machine,
            names=RunNames(),
            exits=self.machine.exits(loop),
            progress=Gather(loop),
            environments=Environments({"PATH": os.environ["PATH"]}, {}),
            file_limits=resource.getrlimit(resource.RLIMIT_NOFILE),
            data_dir=DataDir(folder / "data"),
            links=links,
            backlog=Backlog(loop),
            claims=Claims(),
            memory=MemoryWatch(lambda: 0),
            storage=lambda *_: None,
            book=Book(),
            tell=self.told.append,
            knowledge=Nothing(),
            rivals=Nothing(),
            owner=Nothing(),
        )
        host.environments.follow(["own"], loaded.named)
        self.slot = Slot(specs["own"].processes[0], Redactor(()), host)

    @property
    def lives(self) -> list[str]:
        """What was told of runs, in its order."""
        kinds = {events.ProcessStarted: "started", events.ProcessExited: "exited"}
        return [f"{kinds[type(fact)]} {_number(fact)}" for fact in self.told if type(fact) in kinds]

    def kill(self) -> int:
        assert self.slot.child is not None
        os.kill(self.slot.child.pid, signal.SIGKILL)
        return self.slot.child.pid

    async def respawned(self, pid: int) -> None:
        await until(lambda: self.slot.child is not None and self.slot.child.pid != pid)


def _number(fact: events.Payload) -> str:
    assert isinstance(fact, events.ProcessStarted | events.ProcessExited)
    return fact.run_id.rpartition("-")[2]


def run(folder: Path, command: list[str], test: Callable[[Scene], Awaitable[None]]) -> None:
    async def whole() -> None:
        scene = Scene(folder, *command)
        scene.slot.start()
        try:
            await test(scene)
        finally:
            scene.slot.stop(force=True)
            await until(lambda: scene.slot.status.state is State.STOPPED)
            scene.slot.close()

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(whole())


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count


def test_an_end_is_told_before_the_run_that_follows_and_nothing_is_held(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        held = _descriptors()
        for _ in range(20):
            await scene.respawned(scene.kill())
        await until(lambda: len(scene.lives) == 41)
        assert _descriptors() == held, "of a run that is over, nothing stays open"
        expected = ["started 1"]
        for number in range(1, 21):
            expected += [f"exited {number}", f"started {number + 1}"]
        assert scene.lives == expected
        exits = [fact for fact in scene.told if isinstance(fact, events.ProcessExited)]
        assert {(fact.cause, fact.signal, fact.planned) for fact in exits} == {
            (ExitCause.KILLED, signal.SIGKILL, False)
        }
        assert all(0 <= fact.seconds < PATIENCE for fact in exits), "of the run that ended, not of the next"
        assert scene.slot.restarts[RestartReason.EXIT] == 20
        assert scene.slot.failures.exits[ExitCause.KILLED] == 20

    run(tmp_path, ["sleep", "300"], test)


def test_the_next_run_is_there_before_anything_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Viewers wait for the respawn, and for nothing else."""
    order: list[str] = []

    def noted(*words: object) -> Child:
        order.append("spawn")
        return spawn(*words)  # type: ignore[arg-type]  # whatever they are, they are passed on

    async def test(scene: Scene) -> None:
        monkeypatch.setattr(scene.machine, "spawn", noted)
        await until(lambda: scene.lives == ["started 1"])
        for owner, name in (
            (scene.slot.failures, "weigh"),
            (scene.slot.failures, "count"),
            (scene.slot.reports.output, "write"),
            (scene.slot.reports.output, "begin_run"),
        ):
            monkeypatch.setattr(owner, name, partial(_noting, order, name, getattr(owner, name)))
        await scene.respawned(scene.kill())
        await until(lambda: len(order) == 5)
        assert order == ["spawn", "weigh", "count", "write", "begin_run"]

    run(tmp_path, ["sleep", "300"], test)


def _noting(order: list[str], name: str, real: Callable[..., None], *words: object, **named: object) -> None:
    order.append(name)
    real(*words, **named)


def test_last_words_are_those_of_the_run_that_said_them(tmp_path: Path) -> None:
    """What waits in the FIFO is read before the next run can write there."""
    count = tmp_path / "count"
    script = f"echo >>{count}; n=$(wc -l <{count}); echo words of run $n; [ $n -lt 5 ] && exit 3; sleep 300"

    async def test(scene: Scene) -> None:
        await until(lambda: len(scene.lives) == 9)  # five logs are kept
        for fact in scene.told:
            if isinstance(fact, events.ProcessExited):
                assert fact.last_words == (f"words of run {_number(fact)}",)
                log = (tmp_path / "data" / "logs" / "own" / f"command.{fact.run_id}.log").read_text()
                assert [line.partition("Z ")[2].partition(" after")[0] for line in log.splitlines()] == [
                    f"words of run {_number(fact)}",
                    "[neverdark] ended",
                ]

    run(tmp_path, ["sh", "-c", script], test)


def test_a_mistake_of_ours_at_an_exit_neither_loses_it_nor_turns_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(scene: Scene) -> None:
        loop, broken, calls = asyncio.get_running_loop(), [True], []
        loop.set_exception_handler(lambda *_: None)
        real = scene.slot.dispatch

        def dispatch(event: object) -> None:
            calls.append(event)
            if broken:
                raise RuntimeError(broken.pop())
            real(event)  # type: ignore[arg-type]  # whatever it is, it is passed on

        monkeypatch.setattr(scene.slot, "dispatch", dispatch)
        scene.kill()
        await until(lambda: "exited 1" in scene.lives)
        await asyncio.sleep(0.1)
        assert len(calls) == 1
        real(Exited(ExitCause.KILLED))

    run(tmp_path, ["sleep", "300"], test)
