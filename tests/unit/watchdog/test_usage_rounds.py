"""Many looks at processes are one round in one thread, and nobody's impatience spoils it for the others."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from supervisor.probes.probes import Probes
from supervisor.probes.process import Usage, look_at_all
from supervisor.watchdog.usage_rounds import UsageRounds

NOBODY = 2**22 + 1  # beyond the largest pid that Linux gives


class Rounds(Probes):
    """The real look, in a thread; what was looked at is kept, a round an entry."""

    def __init__(self) -> None:
        self.taken: list[dict[int, bool]] = []
        self.go_on = threading.Event()
        self.go_on.set()

    async def usages(self, pids: Mapping[int, bool]) -> Mapping[int, Usage]:
        self.taken.append(dict(pids))
        return await asyncio.to_thread(self._look, pids)

    def _look(self, pids: Mapping[int, bool]) -> Mapping[int, Usage]:
        assert self.go_on.wait(20)
        return look_at_all(pids)


def test_what_is_asked_in_one_turn_is_one_round() -> None:
    rounds = Rounds()

    async def ask() -> list[dict[int, Usage]]:
        all_of_them = UsageRounds(rounds)
        wanted: list[dict[int, bool]] = [{os.getpid(): True}, {os.getppid(): False, NOBODY: False}, {}]
        found = await asyncio.gather(*map(all_of_them.at, wanted))
        assert len(rounds.taken) == 1
        await all_of_them.at({os.getpid(): False})
        assert len(rounds.taken) == 2, "a later turn is another round: it wants to know what is so now"
        return found

    mine, others, nothing = asyncio.run(ask())
    assert (list(mine), list(others), nothing) == ([os.getpid()], [os.getppid(), NOBODY], {})
    assert mine[os.getpid()].memory > 0
    assert rounds.taken[0] == {os.getpid(): True, os.getppid(): False, NOBODY: False}


def test_who_gives_up_does_not_give_up_for_the_others() -> None:
    rounds = Rounds()
    rounds.go_on.clear()

    async def ask() -> Any:
        together = UsageRounds(rounds)
        impatient = asyncio.create_task(together.at({os.getpid(): False}))
        patient = asyncio.create_task(together.at({os.getppid(): False}))
        await asyncio.sleep(0.05)
        impatient.cancel()
        rounds.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        return await patient

    assert list(asyncio.run(ask())) == [os.getppid()]
