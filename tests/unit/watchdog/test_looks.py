"""Many looks at processes are one round in one thread, and nobody's impatience spoils it for the others."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from supervisor.probes.process import Usage, look_at_all
from supervisor.watchdog import looks
from supervisor.watchdog.looks import Looks

NOBODY = 2**22 + 1  # beyond the largest pid that Linux gives


@pytest.fixture
def workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[dict[int, bool]]:
    """What was looked at, a round an entry."""
    taken: list[dict[int, bool]] = []

    def take(pids: dict[int, bool]) -> dict[int, Usage]:
        taken.append(dict(pids))
        return look_at_all(pids)

    monkeypatch.setattr(looks, "look_at_all", take)
    return taken


def test_what_is_asked_in_one_turn_is_one_round(workers: ThreadPoolExecutor, rounds: list[dict[int, bool]]) -> None:
    async def ask() -> list[dict[int, Usage]]:
        all_of_them = Looks(workers)
        wanted: list[dict[int, bool]] = [{os.getpid(): True}, {os.getppid(): False, NOBODY: False}, {}]
        found = await asyncio.gather(*map(all_of_them.at, wanted))
        assert len(rounds) == 1
        await all_of_them.at({os.getpid(): False})
        assert len(rounds) == 2, "a later turn is another round: it wants to know what is so now"
        return found

    mine, others, nothing = asyncio.run(ask())
    assert (list(mine), list(others), nothing) == ([os.getpid()], [os.getppid(), NOBODY], {})
    assert mine[os.getpid()].memory > 0
    assert rounds[0] == {os.getpid(): True, os.getppid(): False, NOBODY: False}


def test_who_gives_up_does_not_give_up_for_the_others(
    workers: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def slow(pids: dict[int, bool]) -> dict[int, Usage]:
        assert go_on.wait(20)
        return look_at_all(pids)

    monkeypatch.setattr(looks, "look_at_all", slow)

    async def ask() -> Any:
        together = Looks(workers)
        impatient = asyncio.create_task(together.at({os.getpid(): False}))
        patient = asyncio.create_task(together.at({os.getppid(): False}))
        await asyncio.sleep(0.05)
        impatient.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        return await patient

    assert list(asyncio.run(ask())) == [os.getppid()]
