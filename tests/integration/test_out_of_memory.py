"""A process that the kernel ends for want of memory is told as that."""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.recipes import Json
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, eventually

_GROUPS = Path("/sys/fs/cgroup")
INTERVAL, FAILURES = 1.0, 3
ROOM, LIMIT = 700 << 20, 64 << 20
# Takes so much memory, a piece at a time, and stays.
EATER = "import sys, time; kept = [b'x' * (1 << 20) for _ in range(int(sys.argv[1]))]; time.sleep(1000)"


@contextlib.contextmanager
def control_group(memory: int) -> Iterator[Path]:
    """A control group with so much memory and no more, by either of the kernel's interfaces."""
    name = f"neverdark-test-{random.randrange(1 << 32):08x}"  # noqa: S311 - so that parallel workers do not meet
    old = _GROUPS / "memory"
    group = (old if old.is_dir() else _GROUPS) / name
    limits = {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory}
    if not old.is_dir():
        limits = {"memory.max": memory, "memory.swap.max": 0}
    try:
        group.mkdir()
        for file, value in limits.items():
            if file in {"memory.limit_in_bytes", "memory.max"} or (group / file).exists():
                (group / file).write_text(str(value))  # those of swap are there where swap is
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        pytest.skip(f"no control group can be made here: {error}")
    try:
        yield group
    finally:
        eventually(lambda: not (group / "cgroup.procs").read_text(), SLACK, "the last one has left the group")
        group.rmdir()


@pytest.mark.alone  # where groups are not counted one by one, a kill in another test would seem to be for memory
def test_out_of_memory_is_told(unstarted: Launch) -> None:
    """`greedy` is ended by the kernel, `fat` by its limit; in both cases everything that speaks says so."""
    eater = [sys.executable, "-c", EATER]
    watchdog: Json = {"watchdog": {"interval": INTERVAL, "failures": FAILURES, "cooldown": "60s"}}
    running = unstarted(
        {
            "fat": {"command": [*eater, str(2 * LIMIT >> 20)], "limits": {"memory": LIMIT}, **watchdog},
            "greedy": {"command": [*eater, str(2 * ROOM >> 20)], "restart": {"attempts": 0}},
        }
    )
    with ExitStack() as world:
        group = world.enter_context(control_group(ROOM))
        enter = 'echo $$ > "$1" && shift && exec "$@"'
        running.wrapper = ["sh", "-c", enter, "sh", str(group / "cgroup.procs")]
        world.enter_context(running)

        eventually(lambda: running.exits("greedy", "command") == {"out_of_memory": 1}, 10 + SLACK, "the kernel's kill")
        assert running.one("greedy", "command")["last_failure"]["cause"] == "out_of_memory"
        assert _incident(running, "greedy")["cause"] == "out_of_memory"

        acted = 1 + FAILURES * INTERVAL + 2
        eventually(lambda: running.restarts()["fat", "command", ""] == {"limit": 1}, acted + SLACK, "over its limit")
        found = _incident(running, "fat")
        assert (found["cause"], found["layer"]) == ("limit", "watchdog")
        assert [act["action"] for act in found["actions"]] == ["restart_command"]
        for stream, cause in (("greedy", "out_of_memory"), ("fat", "limit")):
            said = [line for line in running.log().splitlines() if f'"stream": "{stream}"' in line]
            assert [line for line in said if "incident opened" in line and f'"cause": "{cause}"' in line]
            assert running.metric("incident_open", stream=stream, segment="encoder") == 1


def _incident(running: Neverdark, stream: str) -> Json:
    found: list[Json] = running.get(f"/api/streams/{stream}/incidents").json()["incidents"]
    assert len(found) == 1
    return found[0]
