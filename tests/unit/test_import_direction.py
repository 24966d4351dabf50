"""Who may import whom: the words nothing, pure files words, the rest what it likes, but never the face."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# The shared words: each may import what stands beside it, and nothing else of ours.
WORDS = {
    "supervisor.model": set(),
    "supervisor.quantities": set(),
    "supervisor.harmless": set(),
    "supervisor.words": set(),
    "supervisor.literals": set(),
    "supervisor.urls_in_text": {"supervisor.harmless"},
    "supervisor.hiding": {"supervisor.harmless", "supervisor.urls_in_text"},
    "supervisor.secrecy": {
        "supervisor.harmless",
        "supervisor.hiding",
        "supervisor.literals",
        "supervisor.urls_in_text",
    },
    "supervisor.events": {"supervisor.model"},
    "supervisor.file_stamp": set(),
    "supervisor.destination_urls": set(),
    "supervisor.config": {"supervisor.destination_urls", "supervisor.file_stamp", "supervisor.quantities"},
    "supervisor.config_yaml": set(),
    "supervisor.config_problems": {"supervisor.config", "supervisor.config_yaml", "supervisor.secrecy"},
    "supervisor.config_variables": set(),
    "supervisor.config_rules": {
        "supervisor.config",
        "supervisor.config_yaml",
        "supervisor.destination_urls",
        "supervisor.quantities",
    },
    "supervisor.config_file": {
        "supervisor.config",
        "supervisor.config_problems",
        "supervisor.config_rules",
        "supervisor.config_variables",
        "supervisor.config_yaml",
        "supervisor.file_stamp",
        "supervisor.secrecy",
    },
}
# The same numbers in, the same numbers out: these import the words and each other.
PURE = {
    "supervisor.airtime",
    "supervisor.attribution",
    "supervisor.av_offset",
    "supervisor.checks",
    "supervisor.config_values",
    "supervisor.drill_rules",
    "supervisor.drill_view",
    "supervisor.environment",
    "supervisor.ffmpeg.argv",
    "supervisor.ffmpeg.codecs",
    "supervisor.ffmpeg.destinations",
    "supervisor.ffmpeg.failure",
    "supervisor.ffmpeg.opening",
    "supervisor.ffmpeg.parameters",
    "supervisor.ffmpeg.phrases",
    "supervisor.ffmpeg.progress",
    "supervisor.ffmpeg.sources",
    "supervisor.ffmpeg.telling",
    "supervisor.findings",
    "supervisor.incident",
    "supervisor.incident_view",
    "supervisor.incidents",
    "supervisor.ladder",
    "supervisor.last_words",
    "supervisor.lateness",
    "supervisor.lifecycle",
    "supervisor.lifecycle_types",
    "supervisor.line",
    "supervisor.log_view",
    "supervisor.media_backlog",
    "supervisor.open_incidents",
    "supervisor.peers",
    "supervisor.plan",
    "supervisor.policy",
    "supervisor.progress_meter",
    "supervisor.rate",
    "supervisor.removal",
    "supervisor.rhythm",
    "supervisor.snapshot",
    "supervisor.source_clock",
    "supervisor.source_watch",
    "supervisor.status_view",
    "supervisor.tally",
    "supervisor.uplink",
}
# What a pure file would have to reach for to stop being one.
IMPURE = {"asyncio", "os", "random", "select", "socket", "subprocess", "threading", "time"}
# Where everything is put together: may import all.
COMPOSITION = {"supervisor.__main__", "supervisor.cli"}
# HTTP and Prometheus are the exporter's business.
FACE = {"exporter", "fastapi", "prometheus_client", "starlette", "uvicorn"}


def _modules() -> dict[str, Path]:
    files = (path for room in ("supervisor", "exporter") for path in (ROOT / room).rglob("*.py"))
    names = ((".".join(path.relative_to(ROOT).with_suffix("").parts), path) for path in files)
    return {name.removesuffix(".__init__"): path for name, path in names}


MODULES = _modules()


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
    room = imported.partition(".")[0]
    ours = room in {"supervisor", "exporter"}
    if module in WORDS:
        return ours and imported not in WORDS[module]
    if module in PURE:
        return room in IMPURE | FACE or (ours and imported not in WORDS.keys() | PURE)
    if module in COMPOSITION:
        return False
    return imported in COMPOSITION or (module.startswith("supervisor") and room in FACE)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_run_in_one_direction(module: str) -> None:
    wrong = {imported for imported in _imports(MODULES[module]) if _forbidden(module, imported)}
    assert not wrong, f"{MODULES[module].relative_to(ROOT)} must not import {', '.join(sorted(wrong))}"


def test_every_named_module_exists() -> None:
    """A renamed file must not slip out of its room's rule."""
    assert (WORDS.keys() | PURE) - MODULES.keys() == set()
