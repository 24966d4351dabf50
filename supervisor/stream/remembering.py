"""What operators asked for outlives neverdark: a stream that was stopped stays stopped until it is started."""

from __future__ import annotations

from collections.abc import Container

from supervisor.desired.wanted import Kept, Order, Orders
from supervisor.model import events
from supervisor.model.remembered import Memory, Word
from supervisor.model.until import Ends


class Remembering:
    """Between the orders of this life and what keeps them over the next ones."""

    def __init__(self, orders: Orders, memory: Memory, tell: events.Tell) -> None:
        self._orders = orders
        self._memory = memory
        self._tell = tell
        self._seen: dict[str, Kept] | None = None  # as it was handed on last; None: nothing was yet
        self._words: dict[str, Word] = {}  # the same, as it is kept

    def recall(self, configured: Container[str]) -> None:
        """Before the configuration has its say: what operators said, of the streams that there are still."""
        known = {name: _kept(word) for name, word in self._memory.recall().items() if name in configured}
        self._orders.restore(known)

    def begin(self) -> None:
        """After that: what still counts is kept, and told where it is not what the configuration says."""
        kept = self._orders.kept()
        self._hand_on(kept)
        others = {name: order.wanted for name, (order, enabled) in kept.items() if order.wanted != enabled}
        if others:
            stopped = tuple(name for name, wanted in others.items() if not wanted)
            self._tell(events.OrdersRecalled(stopped, tuple(name for name, wanted in others.items() if wanted)))

    def look(self) -> None:
        """Called when another word may count: what has changed is kept."""
        if self._seen is None:  # what was recalled counts only after the configuration's word
            return
        kept = self._orders.kept()
        if kept != self._seen:
            self._hand_on(kept)

    def _hand_on(self, kept: dict[str, Kept]) -> None:
        before, self._seen = self._seen or {}, kept
        known = self._words
        self._words = {name: known[name] if before.get(name) == one else _word(*one) for name, one in kept.items()}
        self._memory.keep(self._words)


def _word(order: Order, enabled: bool) -> Word:  # noqa: FBT001 - a pair, taken apart
    return Word(order.wanted, order.why, order.since, order.until, enabled, str(order.ends))


def _kept(word: Word) -> Kept:
    return Kept(Order(word.wanted, word.why, word.since, word.until, Ends(word.ends)), word.enabled)
