"""Who may import whom, folder by folder: what has no line here may import nothing of ours."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]


class Room(NamedTuple):
    """What the files of a folder may import besides each other: folders, or one file of a folder (`machine.proc`).

    Pure: the same numbers in, the same numbers out. What is not, and does not reach into the system, gets time, chance,
    processes and sockets from who makes it, so that a simulation can bring others.
    """

    pure: bool
    may_import: str = ""
    system: bool = False


# From the words at the bottom to the face at the top: no line names a folder below it.
ROOMS = {
    "supervisor.model": Room(pure=True),
    "supervisor.secrets": Room(pure=True),
    "supervisor.config": Room(pure=False, may_import="model secrets", system=True),
    "supervisor.ffmpeg": Room(pure=True, may_import="model secrets config"),
    "supervisor.desired": Room(pure=True, may_import="model secrets config ffmpeg"),
    "supervisor.lifecycle": Room(pure=True, may_import="model"),
    "supervisor.judge": Room(pure=True, may_import="model ffmpeg lifecycle"),
    "supervisor.drills": Room(pure=True, may_import="model"),
    "supervisor.machine": Room(pure=False, may_import="model ffmpeg", system=True),
    "supervisor.probes": Room(pure=False, may_import="model ffmpeg judge machine", system=True),
    "supervisor.process": Room(pure=False, may_import="model secrets ffmpeg desired lifecycle judge machine probes"),
    "supervisor.stream": Room(pure=False, may_import="model secrets config ffmpeg desired judge machine process"),
    "supervisor.watchdog": Room(pure=False, may_import="model ffmpeg desired lifecycle judge machine probes"),
    "supervisor.journal": Room(pure=False, may_import="model ffmpeg", system=True),
    "supervisor.store": Room(pure=False, may_import="model", system=True),
    "supervisor.platforms": Room(pure=False, may_import="model config probes.retry_after", system=True),
    # A program of its own beside an encoder: nothing of ours comes with it.
    "supervisor.player": Room(pure=False, system=True),
    "supervisor.uploader": Room(pure=False, system=True),
    "supervisor.preflight": Room(
        pure=False,
        may_import="model secrets config ffmpeg desired judge machine platforms probes store player",
        system=True,
    ),
    # They talk to a running neverdark by HTTP: nothing of the engine is here. What they take from the machine works
    # without one: a drill's signal to a process that a neverdark of the same user runs, and the demo's FFmpeg.
    "supervisor.commands": Room(
        pure=False, may_import="model config drills machine.faults machine.ffmpeg_binary platforms", system=True
    ),
    # Programs of others import it, without the engine.
    "supervisor.clients": Room(pure=False, system=True),
    "supervisor.watches": Room(
        pure=False, may_import="model desired judge machine platforms probes process stream watchdog"
    ),
    "supervisor.engine": Room(
        pure=False, may_import="model config desired judge machine platforms probes process stream watchdog watches"
    ),
    "supervisor.control": Room(pure=False, may_import="model config machine engine"),
    "exporter": Room(pure=False, may_import="model config machine.proc platforms.youtube.model", system=True),
}
# Where everything is put together: may import all.
COMPOSITION = {"supervisor.__main__", "supervisor.cli", "supervisor.composition"}
# What a file would have to reach for to use the system.
SYSTEM = {"ctypes", "fcntl", "multiprocessing", "os", "random", "select", "socket", "subprocess", "threading", "time"}
# And what a pure one has no use for either.
IMPURE = SYSTEM | {"asyncio", "concurrent"}
# HTTP and Prometheus are the exporter's business.
FACE = {"exporter", "fastapi", "prometheus_client", "starlette", "uvicorn"}


def _modules() -> dict[str, Path]:
    files = (path for package in ("supervisor", "exporter") for path in (ROOT / package).rglob("*.py"))
    names = ((".".join(path.relative_to(ROOT).with_suffix("").parts), path) for path in files)
    return {name.removesuffix(".__init__"): path for name, path in names}


MODULES = _modules()


def _room(module: str) -> str:
    """The folder that a module is in; a file without one is a room of its own."""
    first, *rest = module.split(".")
    return ".".join([first, *rest[:1]]) if first == "supervisor" else first


def _imports(path: Path) -> Iterator[str]:
    """Each module that `path` imports, also for types only; `from package import module` is the module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: absolute imports only: they say which room"
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in MODULES else str(node.module) for name in names)


def _forbidden(module: str, imported: str) -> bool:
    if module in COMPOSITION:
        return False
    here, top = _room(module), imported.partition(".")[0]
    room = ROOMS.get(here, Room(pure=True))
    if top == "supervisor" and imported != "supervisor":
        allowed = {f"supervisor.{name}" for name in room.may_import.split()}
        return imported not in allowed and _room(imported) not in allowed | {here}
    outside = top in FACE and here != "exporter"
    return outside or top in (IMPURE if room.pure else SYSTEM if not room.system else set())


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_run_in_one_direction(module: str) -> None:
    wrong = {imported for imported in _imports(MODULES[module]) if _forbidden(module, imported)}
    assert not wrong, f"{MODULES[module].relative_to(ROOT)} must not import {', '.join(sorted(wrong))}"


def test_no_line_names_a_folder_below_it() -> None:
    order = list(ROOMS)
    for name, room in ROOMS.items():
        above = {_room(f"supervisor.{other}") for other in room.may_import.split()}
        assert above <= set(order[: order.index(name)]), name


def test_every_folder_with_a_line_is_there() -> None:
    """A renamed folder must not slip out of its rule."""
    assert ROOMS.keys() == {_room(module) for module in MODULES} - COMPOSITION - {"supervisor"}
