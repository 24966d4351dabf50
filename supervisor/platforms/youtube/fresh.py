"""What YouTube has answered of broadcasts that it was asked to make or change, until its lists have them. Pure.

Lists show what was made only some seconds later, by id as well; whoever waits for that leaves viewers without a picture
for as long. Times are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.platforms.youtube.model import Broadcast
from supervisor.platforms.youtube.pauses import LISTED


class Fresh:
    """Of one login. Lists have the last word: a broadcast that they show is as they show it."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Broadcast, float]] = {}

    def answered(self, one: Broadcast, now: float) -> None:
        """This was the answer to a write."""
        made = self._known.get(one.id, (one, now))[1]
        self._known[one.id] = (one, made)

    def forget(self, broadcast: str) -> None:
        """It is not there any more."""
        self._known.pop(broadcast, None)

    def beside(self, listed: Sequence[Broadcast], now: float) -> tuple[Broadcast, ...]:
        """What is there: what the lists show, and what they do not yet."""
        shown = {one.id for one in listed}
        self._known = {
            name: (one, made) for name, (one, made) in self._known.items() if name not in shown and now - made < LISTED
        }
        return (*listed, *(one for one, _ in self._known.values()))
